/** Trainings that are killed at random moments after they saved something, and what came of them. */
import { random } from "../../../../kernel/random.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;

/** A life ends so many milliseconds at most after it saved something, however slow the machine. */
const LONGEST_AFTER = 40;

/** Milliseconds between two looks at what was saved. */
const LOOK_MS = 3;

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
const killedLife = async (workspace: string, delayMs: number): Promise<Answer | undefined> => {
  const before = saved(workspace);
  const child = start(workspace);
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
  /** The answer of a run that never stopped. */
  readonly expected: Answer | undefined;
  /** Whether the models are the same. */
  readonly same: boolean;
}

/** Runs a training to its end through so many killed lives at most, and another one that is left alone. */
export const killedRun = async (seed: string, most: number): Promise<KilledRun> => {
  const [whole, killed] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const expected = await answerOf(start(whole));
    const draws = random(seed);
    let kills = 0;
    let answer: Answer | undefined;
    while (kills < most && answer === undefined) {
      answer = await killedLife(killed, draws.below(LONGEST_AFTER));
      if (answer === undefined) kills++;
    }
    answer ??= await answerOf(start(killed));
    return { kills, answer, expected, same: answer !== undefined && answer.digest === expected?.digest };
  } finally {
    for (const folder of [whole, killed]) Deno.removeSync(folder, { recursive: true });
  }
};
