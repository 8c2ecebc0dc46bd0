/** Runs of evolution that are killed at random moments after they saved something, and what came of them. */
import { random } from "../../../../kernel/random.ts";
import type { Answer } from "./calls.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;

/** A life ends so many milliseconds at most after it saved something, however slow the machine. */
const LONGEST_AFTER = 60;

/** Milliseconds between two looks at what was saved. */
const LOOK_MS = 3;

const start = (workspace: string, workers: number): Deno.ChildProcess =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "-A", CHILD, workspace, String(workers)],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();

const answerOf = async (child: Deno.ChildProcess): Promise<Answer | undefined> => {
  const { code, stdout } = await child.output();
  // Before the answer the kernel tells of calls that a life before began and did not end.
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  return code === 0 ? JSON.parse(last) as Answer : undefined;
};

/** How many artifacts a workspace has. */
const saved = (workspace: string): number => {
  const folder = `${workspace}/.rmi/artifacts`;
  try {
    return [...Deno.readDirSync(folder)].reduce(
      (sum, { name }) => sum + [...Deno.readDirSync(`${folder}/${name}`)].length,
      0,
    );
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
};

/** A life that is ended at some moment after it saved something; its answer where it was faster. */
const killedLife = async (workspace: string, delayMs: number, workers: number): Promise<Answer | undefined> => {
  const before = saved(workspace);
  const child = start(workspace, workers);
  let isAlive = true;
  const watching = (async () => {
    while (isAlive && saved(workspace) === before) await new Promise((wake) => setTimeout(wake, LOOK_MS));
    await new Promise((wake) => setTimeout(wake, delayMs));
    if (isAlive) child.kill("SIGKILL");
  })();
  const answer = await answerOf(child);
  isAlive = false;
  await watching;
  return answer;
};

/** What became of a run that was killed. */
export interface KilledRun {
  /** How often it was. */
  readonly kills: number;
  /** Its answer. */
  readonly answer: Answer | undefined;
  /** The answer of a run that never stopped, by one worker. */
  readonly expected: Answer | undefined;
}

/** Runs to the end through so many killed lives at most, by one worker or two by turns, and another left alone. */
export const killedRun = async (
  seed: string,
  most: number,
  look: (whole: string, killed: string) => Promise<void> = () => Promise.resolve(),
): Promise<KilledRun> => {
  const [whole, killed] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const expected = await answerOf(start(whole, 1));
    const draws = random(seed);
    let kills = 0;
    let answer: Answer | undefined;
    while (kills < most && answer === undefined) {
      answer = await killedLife(killed, draws.below(LONGEST_AFTER), 1 + kills % 2);
      if (answer === undefined) kills++;
    }
    answer ??= await answerOf(start(killed, 2));
    await look(whole, killed);
    return { kills, answer, expected };
  } finally {
    for (const folder of [whole, killed]) Deno.removeSync(folder, { recursive: true });
  }
};
