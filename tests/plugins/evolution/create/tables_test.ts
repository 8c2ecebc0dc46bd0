/**
 * The main job on tables of one's own: gaps, words and units; a table that holds nothing to learn.
 */
import assert from "node:assert/strict";
import { type Json, type JsonObject, random } from "../../../../kernel/mod.ts";
import { create, inWorkspace, resultIn } from "./workspace.ts";

/** Rows of a table whose target follows from two columns. */
const table = (): string => {
  const rows = Array.from({ length: 160 }, (_, i): ReadonlyArray<Json> => {
    const [a, b] = [Math.sin(i * 12.9898) * 2, Math.cos(i * 78.233) * 2];
    const kind = i % 3 === 0 ? "red" : i % 3 === 1 ? "blue" : "";
    return [a.toFixed(4), b.toFixed(4), kind, (3 * a - 2 * b + (kind === "red" ? 5 : 0)).toFixed(4)];
  });
  return ["a,b,kind,price", ...rows.map((row) => row.join(","))].join("\n");
};

Deno.test("a table of one's own with gaps and words becomes a regression, in its own unit; time is not reproducible", async () => {
  await inWorkspace(async (system, folder) => {
    Deno.writeTextFileSync(`${folder}/prices.csv`, table());
    const answer = await create(system, {
      data: "prices.csv",
      target: "price",
      budget: { wallMs: 2_000 },
      numerics: "strict",
    });
    assert.deepEqual(answer.profile, {});
    assert.ok(Number((answer.test as JsonObject).r2) > 0.2, JSON.stringify(answer.test));
    assert.equal(answer.reproducible, false);
    const result = resultIn(folder, answer.run);
    assert.deepEqual(result.data.source, { path: "prices.csv", prepare: true, target: "price" });
    assert.equal(result.data.target.kind, "regression");
    assert.ok(result.answers!.length > 0 && result.confusion === undefined);
    assert.ok(result.data.columns!.some(({ name, missing }) => name === "kind" && missing > 0));
    const predicted = await system.call("neural.predict", {
      digest: answer.model,
      rows: [{ a: 1, b: 1, kind: "red" }],
    }) as { outputs: { data?: ReadonlyArray<number> } };
    assert.ok(JSON.stringify(predicted).length > 0);
  });
});

Deno.test("a model of noise is reported and kept, and not registered", async () => {
  await inWorkspace(async (system, folder) => {
    const chance = random("noise");
    const rows = Array.from({ length: 90 }, () => [chance.normal(), chance.normal(), chance.normal()].join(","));
    Deno.writeTextFileSync(`${folder}/noise.csv`, ["a,b,y", ...rows].join("\n"));
    const answer = await create(system, { data: "noise.csv", target: "y", budget: { flops: 20_000_000 } });
    const registration = answer.registration as JsonObject;
    assert.deepEqual([registration.state, registration.by], ["refused", "nobody"]);
    assert.equal(registration.proposal, undefined);
    const models = await system.call("evolution.models", { name: "noise" }) as JsonObject;
    assert.deepEqual(models.models ?? [], []);
    assert.ok(Deno.readTextFileSync(`${folder}/${answer.report}`).includes("NOT_BETTER_THAN_TRIVIAL"));
  });
});
