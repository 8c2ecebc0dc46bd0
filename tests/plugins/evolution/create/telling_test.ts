/**
 * What the main job tells people: lines that are short, say what the event says, and name digests by their beginnings.
 */
import assert from "node:assert/strict";
import { saidOf, type Told, toldOf } from "../../../../plugins/evolution/create/telling.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const COLUMNS = 80;

const TOLD: Told = {
  model: DIGEST,
  program: "linear(2)",
  programBytes: 12,
  parameters: 6,
  validation: { accuracy: 0.9 },
  test: { accuracy: 0.875 },
  registration: { domain: "models.moons", state: "applied", by: "policy:default.models" },
  rollback: ["registered a", "promoted b", "promotion undone a"],
  reproducible: true,
  spent: { flops: 2.5e9, wallMs: 1_500 },
  files: [{ file: "out/a/model.rmil" }],
  report: "out/a/report.html",
  before: false,
  command: "rmi create --data moons",
};

Deno.test("an event is one line: its step once, digests by their beginnings, long programs cut", () => {
  assert.equal(saidOf({ type: "begin", step: "plan", does: "create" }), "plan        create");
  assert.equal(
    saidOf({ type: "end", step: "keep", did: `${DIGEST}, 9 bytes`, wallMs: 1_250 }),
    "            sha256:abababababab…, 9 bytes (1.3 s)",
  );
  assert.equal(
    saidOf({ type: "epoch", epoch: 3, of: 9, loss: 0.25, r2: 0.5 }),
    "            pass 3 of 9: r² 0.5000, loss 0.250",
  );
  const long = saidOf({ type: "candidate", id: "12.11", program: "linear(128) >> ".repeat(9), error: 0.0125 });
  assert.ok(long.endsWith("…") && long.length < COLUMNS + 12, long);
});

Deno.test("the answer is a short table with the whole digest, the scores, and where everything lies", () => {
  const lines = toldOf(TOLD).split("\n");
  assert.equal(lines[0], `model       ${DIGEST}`);
  for (
    const wanted of ["held out    87.5 % right", "took        1.5 s, 2.50 GFLOP", "again       rmi create --data moons"]
  ) {
    assert.ok(lines.includes(wanted), wanted);
  }
  const refused = { ...TOLD, registration: { ...TOLD.registration, state: "refused", by: "nobody" } };
  assert.ok(toldOf(refused).includes("refused     models.moons does not take it"));
  assert.ok(toldOf({ ...TOLD, reproducible: false }).includes("not reproducible"));
  assert.ok(toldOf({ ...TOLD, before: true }).includes("nothing: the run had ended before"));
});
