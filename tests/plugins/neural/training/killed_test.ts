import assert from "node:assert/strict";
import { killedRun } from "./killed.ts";

/** Lives that end by SIGKILL; after them the run is left to finish. */
const KILLED = 4;

Deno.test("a training killed again and again goes on from what it saved, and its model is the one of a run that never stopped", async () => {
  const { kills, answer, expected, same } = await killedRun("killed", KILLED);
  assert.ok(expected !== undefined && answer !== undefined && kills > 0);
  assert.ok(same, `${answer.digest} is not ${expected.digest}`);
  assert.equal(answer.steps, 600);
  assert.equal(expected.resumed, false);
  assert.equal(answer.resumed, true);
});
