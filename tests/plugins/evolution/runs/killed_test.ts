import assert from "node:assert/strict";
import { lineageFaults } from "../../../../plugins/evolution/lineage/ancestry.ts";
import { killedRun, lineageIn } from "./killed.ts";

/** Lives that end by SIGKILL; after them the run is left to finish. */
const KILLED = 4;

Deno.test("a run killed again and again, by one worker or two, is the run that never stopped: state, archive, lineage", async () => {
  const { kills, answer, expected } = await killedRun("killed", KILLED, async (whole, killed) => {
    const [a, b] = [await lineageIn(whole), await lineageIn(killed)];
    assert.deepEqual(b, a);
    assert.equal(a.length, 640);
    assert.deepEqual(lineageFaults(a), []);
  });
  assert.ok(expected !== undefined && answer !== undefined && kills > 0, `${kills} kills`);
  assert.deepEqual(
    [answer.archive, answer.state, answer.evaluations, answer.front],
    [expected.archive, expected.state, expected.evaluations, expected.front],
  );
  assert.deepEqual([expected.resumed, answer.resumed], [false, true]);
});
