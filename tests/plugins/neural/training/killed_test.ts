import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;

/** Lives that end by SIGKILL; after them the run is left to finish. */
const KILLED = 4;

/** A life ends so many milliseconds at most after it saved something, however slow the machine. */
const LONGEST_AFTER = 40;

/** Milliseconds between two looks at what was saved. */
const LOOK_MS = 3;

interface Answer {
  readonly digest: string;
  readonly resumed: boolean;
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

Deno.test("a training killed again and again goes on from what it saved, and its model is the one of a run that never stopped", async () => {
  const [whole, killed] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const expected = await answerOf(start(whole));
    const draws = random("killed");
    let answer: Answer | undefined;
    for (let life = 0; life < KILLED && answer === undefined; life++) {
      answer = await killedLife(killed, draws.below(LONGEST_AFTER));
    }
    answer ??= await answerOf(start(killed));
    assert.ok(expected !== undefined && answer !== undefined);
    assert.equal(answer.digest, expected.digest);
    assert.equal(answer.steps, 600);
    assert.equal(expected.resumed, false);
    assert.equal(answer.resumed, true, "no life saved anything");
  } finally {
    for (const folder of [whole, killed]) Deno.removeSync(folder, { recursive: true });
  }
});
