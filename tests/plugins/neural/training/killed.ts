/** Trainings that are killed at random moments after they saved something, and what came of them. */
import { type KilledRun, throughKills } from "../../../killed_lives.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;

/** What a run answers. */
export interface Answer {
  /** Its model. */
  readonly digest: string;
  /** Whether it went on from something saved. */
  readonly resumed: boolean;
  /** Steps taken in all lives. */
  readonly steps: number;
}

const start = (workspace: string): Deno.ChildProcess =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "-A", CHILD, workspace],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();

/** Runs a training to its end through so many killed lives at most, and another one that is left alone. */
export const killedRun = async (
  seed: string,
  most: number,
): Promise<KilledRun<Answer> & { /** Whether the models are the same. */ readonly same: boolean }> => {
  const run = await throughKills<Answer>(
    { start, kill: (child) => child.kill("SIGKILL"), read: (line) => JSON.parse(line), longestAfter: 40 },
    seed,
    most,
  );
  return { ...run, same: run.answer !== undefined && run.answer.digest === run.expected?.digest };
};
