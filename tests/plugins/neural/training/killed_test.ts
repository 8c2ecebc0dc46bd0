import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;

/** Lives that end by SIGKILL; after them the run is left to finish. */
const KILLED = 5;

/** Milliseconds of a life, drawn between these. */
const SHORTEST = 400;
const LONGEST = 900;

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

Deno.test("a training killed again and again goes on from what it saved, and its model is the one of a run that never stopped", async () => {
  const [whole, killed] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const expected = await answerOf(start(whole));
    const draws = random("killed");
    let answer: Answer | undefined;
    for (let life = 0; life < KILLED && answer === undefined; life++) {
      const child = start(killed);
      const timer = setTimeout(() => child.kill("SIGKILL"), SHORTEST + draws.below(LONGEST - SHORTEST));
      answer = await answerOf(child);
      clearTimeout(timer);
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
