/** Lives of a process that end at random moments after they saved something, until one of them comes to the end. */
import { random } from "../kernel/random.ts";

/** Milliseconds between two looks at what was saved. */
const LOOK_MS = 3;

/** How lives begin, end and answer. */
export interface Lives<A> {
  /** Starts one in a workspace; `life` counts from 0. */
  readonly start: (workspace: string, life: number) => Deno.ChildProcess;
  /** Ends one at once. */
  readonly kill: (child: Deno.ChildProcess) => void;
  /** The answer in the last line of what it printed. */
  readonly read: (line: string) => A;
  /** A life ends so many milliseconds at most after it saved something, however slow the machine. */
  readonly longestAfter: number;
}

/** What became of a run that was killed. */
export interface KilledRun<A> {
  /** How often it was. */
  readonly kills: number;
  /** Its answer. */
  readonly answer: A | undefined;
  /** The answer of a run that never stopped. */
  readonly expected: A | undefined;
}

const answerOf = async <A>(child: Deno.ChildProcess, read: (line: string) => A): Promise<A | undefined> => {
  const { code, stdout } = await child.output();
  // Before the answer the kernel tells of calls that a life before began and did not end.
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  return code === 0 ? read(last) : undefined;
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
const killedLife = async <A>(
  lives: Lives<A>,
  workspace: string,
  life: number,
  delayMs: number,
): Promise<A | undefined> => {
  const before = saved(workspace);
  const child = lives.start(workspace, life);
  let isAlive = true;
  const watching = (async () => {
    while (isAlive && saved(workspace) === before) await new Promise((wake) => setTimeout(wake, LOOK_MS));
    await new Promise((wake) => setTimeout(wake, delayMs));
    if (isAlive) lives.kill(child);
  })();
  const answer = await answerOf(child, lives.read);
  isAlive = false;
  await watching;
  return answer;
};

/** Goes to the end through so many killed lives at most, and once undisturbed in a folder of its own. */
export const throughKills = async <A>(
  lives: Lives<A>,
  seed: string,
  most: number,
  look: (whole: string, killed: string) => Promise<void> = () => Promise.resolve(),
): Promise<KilledRun<A>> => {
  const [whole, killed] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const expected = await answerOf(lives.start(whole, 0), lives.read);
    const draws = random(seed);
    let kills = 0;
    let answer: A | undefined;
    while (kills < most && answer === undefined) {
      answer = await killedLife(lives, killed, kills, draws.below(lives.longestAfter));
      if (answer === undefined) kills++;
    }
    answer ??= await answerOf(lives.start(killed, 1), lives.read);
    await look(whole, killed);
    return { kills, answer, expected };
  } finally {
    for (const folder of [whole, killed]) Deno.removeSync(folder, { recursive: true });
  }
};
