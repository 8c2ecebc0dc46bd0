/**
 * Plans as golden files, line by line as a person reads them.
 *
 * `UPDATE_GOLDEN=1 deno test -A tests/plugins/norion/plan_golden_test.ts` writes the files anew; the difference is then
 * read by a person.
 */
import assert from "node:assert/strict";
import { explainPlan } from "../../../plugins/norion/plan.ts";
import { PLAN_CASES, planOf } from "./plan_cases.ts";

const GOLDEN = new URL("golden/", import.meta.url);

for (const [name, one] of Object.entries(PLAN_CASES)) {
  Deno.test(`the plan of ${name} is explained as it was`, () => {
    const file = new URL(`${name}.txt`, GOLDEN);
    const made = `${explainPlan(planOf(one)).join("\n")}\n`;
    if (Deno.env.get("UPDATE_GOLDEN") !== undefined) Deno.writeTextFileSync(file, made);
    assert.equal(made, Deno.readTextFileSync(file), `${name} changed: read the difference, then UPDATE_GOLDEN=1`);
  });
}

Deno.test("there is no golden plan without a request", () => {
  const files = [...Deno.readDirSync(GOLDEN)].map((entry) => entry.name).toSorted();
  assert.deepEqual(files, Object.keys(PLAN_CASES).map((name) => `${name}.txt`).toSorted());
});
