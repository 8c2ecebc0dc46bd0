import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Json } from "../../../../kernel/mod.ts";
import { lineageFaults } from "../../../../plugins/evolution/lineage/ancestry.ts";
import type { LineageRow } from "../../../../plugins/evolution/state/record.ts";
import { openRmi } from "../../../../plugins/open.ts";
import { callAs } from "../../../workspace.ts";
import { killedRun } from "./killed.ts";

/** Lives that end by SIGKILL; after them the run is left to finish. */
const KILLED = 4;

/** The whole lineage of the run in a workspace. */
const lineageIn = async (workspace: string): Promise<ReadonlyArray<LineageRow>> => {
  const page = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        openRmi({ workspace }),
        (kernel) => callAs(kernel, "evolution.lineage", { run: "spheres", limit: 1_000, genomes: true }),
      ),
    ) as Effect.Effect<Json>,
  );
  return (page as unknown as { readonly rows: ReadonlyArray<LineageRow> }).rows;
};

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
