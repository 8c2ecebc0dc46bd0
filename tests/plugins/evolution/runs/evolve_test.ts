import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { applyPatch, type Failure, type Json, type JsonObject } from "../../../../kernel/mod.ts";
import { lineageFaults } from "../../../../plugins/evolution/lineage/ancestry.ts";
import { callAs } from "../../../workspace.ts";
import { inRuns } from "./calls.ts";

const SPHERE = "mul(identity, identity) >> reduce(add)";
const sphere = { over: { reals: 2, lower: -5, upper: 5 }, objective: { program: SPHERE } } as const;
const zdt1 = { objective: { problem: "ZDT1" }, population: 20, seed: 3 } as const;

/** ZDT1 as its paper has it, written again. */
const zdt1Of = (x: ReadonlyArray<number>): ReadonlyArray<number> => {
  const g = 1 + 9 * x.slice(1).reduce((sum, value) => sum + value, 0) / (x.length - 1);
  return [x[0], g * (1 - Math.sqrt(x[0] / g))];
};

Deno.test("the least of a program's number is found where it is known to be", () =>
  inRuns(async ({ evolve }) => {
    const { front: [best], size, failures } = await evolve({ ...sphere, generations: 60, seed: 1 });
    assert.equal(size, 1);
    assert.equal(failures, 0);
    assert.ok(best.objectives![0] < 1e-9, String(best.objectives));
    assert.ok((best.genome as ReadonlyArray<number>).every((value) => Math.abs(value) < 1e-4));
  }));

Deno.test("constraints hold the best at the edge of what is feasible", () =>
  inRuns(async ({ evolve }) => {
    // The least of x² + y² where x ≥ 1 is 1, at (1, 0).
    const { front: [best] } = await evolve({
      over: sphere.over,
      objective: { program: SPHERE, constraints: "sub(1.0, gather(identity, 0))" },
      generations: 80,
      seed: 2,
    });
    assert.equal(best.violation, undefined);
    const [x, y] = best.genome as ReadonlyArray<number>;
    assert.ok(x >= 1 && Math.abs(x - 1) < 1e-3 && Math.abs(y) < 0.05, `${x}, ${y}`);
  }));

Deno.test("an order is evolved: each number comes to its place", () =>
  inRuns(async ({ evolve }) => {
    const { front: [best], reason } = await evolve({
      over: { permutation: 6 },
      objective: { module: "export default (all) => all.map((x) => x.filter((v, i) => v !== i).length)" },
      population: 40,
      generations: 60,
      goal: 0,
      seed: 1,
    });
    assert.equal(reason, "goal");
    assert.deepEqual(best.genome, [0, 1, 2, 3, 4, 5]);
  }));

Deno.test("every algorithm runs on what it fits, and every row of its lineage has its parents before it", () =>
  inRuns(async ({ evolve, lineage }) => {
    const cases: ReadonlyArray<JsonObject> = [
      { ...sphere, algorithm: "genetic", population: 10 },
      { ...sphere, algorithm: { kind: "ageing", settings: { batch: 5 } }, population: 10 },
      { ...sphere, algorithm: "cmaEs" },
      { ...sphere, algorithm: "genetic", population: 10, islands: { count: 3, interval: 2 } },
      { ...zdt1, algorithm: { kind: "nsga2", settings: { thinning: "crowding" } } },
      { ...zdt1, algorithm: "moead" },
      { objective: { problem: "DTLZ2" }, algorithm: "nsga3", population: 20 },
      { over: { bits: 12 }, objective: { program: "mul(-1.0) >> reduce(add)" }, population: 10 },
    ];
    for (const [at, input] of cases.entries()) {
      const name = `case-${at}`;
      const { evaluations, failures, generation } = await evolve({ ...input, generations: 6, name });
      assert.equal(generation, 6);
      assert.equal(failures, 0);
      const rows = await lineage(name);
      assert.equal(rows.length, evaluations, name);
      assert.deepEqual(lineageFaults(rows), [], name);
      assert.ok(rows.some(({ edit, parents }) => edit !== "drawn" && parents.length > 0) || name === "case-2", name);
    }
  }));

Deno.test("the lineage's scores are those of its genomes, and the front dominates all of them", () =>
  inRuns(async ({ evolve, lineage }) => {
    const { front, size } = await evolve({ ...zdt1, generations: 8, every: 3, name: "zdt" });
    const rows = await lineage("zdt");
    assert.equal(rows.length, 160);
    for (const { genome, objectives } of rows) {
      const again = zdt1Of(genome as ReadonlyArray<number>);
      again.forEach((value, m) => assert.ok(Math.abs(value - objectives![m]) < 1e-12, `${value} ${objectives}`));
    }
    const dominates = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) =>
      a.every((value, m) => value <= b[m]) && a.some((value, m) => value < b[m]);
    const best = rows.filter(({ objectives }) => !rows.some((other) => dominates(other.objectives!, objectives!)));
    assert.equal(size, best.length);
    const names = new Set(best.map(({ id }) => id));
    assert.ok(front.length > 5 && front.every(({ id }) => names.has(id)));
  }));

Deno.test("one worker, two or three: the same archive, the same state, the same lineage", () =>
  inRuns(async ({ evolve, lineage }) => {
    for (const [what, input] of Object.entries({ program: { ...sphere, seed: 7 }, problem: zdt1 })) {
      const answers = [];
      for (const workers of [1, 2, 3]) {
        const name = `${what}-${workers}`;
        const { archive, state } = await evolve({ ...input, generations: 6, workers, name });
        answers.push([archive, state, await lineage(name)]);
      }
      assert.deepEqual(answers[1], answers[0]);
      assert.deepEqual(answers[2], answers[0]);
    }
  }));

Deno.test("another seed is another run, with another name where none is given", () =>
  inRuns(async ({ evolve }) => {
    const [a, b, again] = [
      await evolve({ ...zdt1, generations: 2 }),
      await evolve({ ...zdt1, generations: 2, seed: 4 }),
      await evolve({ ...zdt1, generations: 2 }),
    ];
    assert.notEqual(a.archive, b.archive);
    assert.notEqual(a.run, b.run);
    assert.deepEqual([again.archive, again.run, again.state], [a.archive, a.run, a.state]);
    assert.equal(again.resumed, true);
  }));

Deno.test("a run that is gone on with is the run that never stopped; the ledger tells of both", () =>
  inRuns(async ({ evolve, call, lineage, events }) => {
    const whole = await evolve({ ...zdt1, generations: 12, name: "whole", every: 5 });
    await evolve({ ...zdt1, generations: 5, name: "parts", every: 5 });
    assert.equal(await events("evolution.run.started"), 2);
    assert.equal(await events("evolution.run.resumed"), 0);
    const rest = await call<typeof whole>("evolution.resume", { run: "parts", generations: 12 });
    assert.deepEqual([rest.archive, rest.evaluations, rest.resumed], [whole.archive, whole.evaluations, true]);
    assert.deepEqual(await lineage("parts"), await lineage("whole"));
    assert.equal(await events("evolution.run.resumed"), 1);
    assert.equal(await events("evolution.run.ended"), 3);
    // Asked again it is answered as it stands.
    const again = await call<typeof whole>("evolution.resume", { run: "parts" });
    assert.deepEqual([again.state, again.evaluations], [rest.state, rest.evaluations]);
    assert.equal(await events("evolution.run.ended"), 3);
  }));

Deno.test("a run whose fuel ends fails between two generations, and goes on to the same end", () =>
  inRuns(async ({ evolve, kernel, call }) => {
    const input = { ...zdt1, every: 2 };
    const failed = await Effect.runPromise(Effect.flip(
      kernel.invoke({
        operation: "evolution.evolve",
        input: { ...input, generations: 9, name: "short" },
        actor: "user@tty",
        // Each candidate costs its thirty variables: five generations of twenty, and not six.
        budget: { fuel: 5 * 20 * 30 + 10 },
      }),
    ));
    assert.equal((failed as Failure).code, "KERNEL_BUDGET_EXHAUSTED");
    const status = await call<{ readonly runs: ReadonlyArray<{ readonly generation: number }> }>(
      "evolution.status",
      { run: "short" },
    );
    assert.equal(status.runs[0].generation, 4);
    const rest = await call<{ readonly archive: string; readonly generation: number }>("evolution.resume", {
      run: "short",
    });
    assert.equal(rest.generation, 9);
    assert.equal(rest.archive, (await evolve({ ...input, generations: 9, name: "long" })).archive);
  }));

Deno.test("a run of no generations is kept and can go on; time ends a run and makes it irreproducible", () =>
  inRuns(async ({ evolve, call, lineage }) => {
    const none = await evolve({ ...zdt1, generations: 0, name: "none" });
    assert.deepEqual([none.evaluations, none.size, none.generation], [0, 0, 0]);
    assert.deepEqual(await lineage("none"), []);
    const on = await call<typeof none>("evolution.resume", { run: "none", generations: 1 });
    assert.equal(on.evaluations, 20);
    const timed = await evolve({ ...zdt1, generations: 10_000_000, budget: { wallMs: 1 }, name: "timed" });
    assert.deepEqual([timed.reason, timed.reproducible], ["wallMs", false]);
    assert.ok(timed.generation >= 1);
    const counted = await evolve({ ...zdt1, budget: { evaluations: 41 }, name: "counted" });
    assert.deepEqual([counted.reason, counted.evaluations], ["evaluations", 60]);
  }));

/** What a function does when it is asked about a candidate that has the number of the line. */
const HOSTILE: ReadonlyArray<string> = [
  "throw new Error('no')",
  "return NaN",
  "return -Infinity",
  "return true",
  "return '-1e9'",
  "return undefined",
  "return [-1e9, -1e9]",
  "return { objectives: [-1e9], violation: -1 }",
  "return { objectives: { 0: -1e9, length: 1 } }",
  "return Promise.resolve(-1e9)",
  "return { valueOf: () => -1e9 }",
  "globalThis.Deno?.exit?.(0); throw 1",
];

Deno.test("a function that misbehaves on some candidates makes these the worst, and leaves the others be", () =>
  inRuns(async ({ evolve, lineage }) => {
    const module = `const acts = [${HOSTILE.map((act) => `() => { ${act} }`)}];
      export default (all) => all.map((x) => {
        const at = 8 * x[0] + 4 * x[1] + 2 * x[2] + x[3];
        return at < acts.length ? acts[at]() : at;
      });`;
    const { failures, front: [best] } = await evolve({
      over: { bits: 4 },
      objective: { module },
      population: 16,
      generations: 1,
      name: "hostile",
    });
    const rows = await lineage("hostile");
    assert.equal(new Set(rows.map(({ genome }) => genome)).size, 16, "each behaviour is met");
    for (const { genome, failed, objectives } of rows) {
      const at = parseInt(genome as string, 2);
      if (at >= HOSTILE.length) assert.deepEqual([objectives, failed], [[at], undefined]);
      else assert.ok(failed !== undefined && objectives === undefined, `${HOSTILE[at]}: ${objectives}`);
    }
    assert.equal(failures, HOSTILE.length);
    assert.deepEqual(best.objectives, [HOSTILE.length]);
  }));

Deno.test("a function that never ends on a candidate makes that the worst, and ends", () =>
  inRuns(async ({ evolve, lineage }) => {
    await evolve({
      over: { bits: 1 },
      objective: { module: "export default (all) => all.map(([x]) => { while (x === 1); return x; })", wallMs: 1_500 },
      population: 2,
      generations: 1,
      name: "endless",
    });
    const rows = await lineage("endless");
    assert.deepEqual(new Set(rows.map(({ genome }) => genome)), new Set(["0", "1"]));
    for (const { genome, failed } of rows) {
      assert.equal(failed?.includes("EFFECTS_SANDBOX_TIMEOUT"), genome === "1" || undefined);
    }
  }));

Deno.test("a function that gives too few answers, or draws, is told so", () =>
  inRuns(async ({ evolve, failure }) => {
    const input = { over: { bits: 4 }, population: 4, generations: 1 };
    const short = await evolve({ ...input, objective: { module: "export default () => [1]" }, name: "short" });
    // Alone, each is given one answer.
    assert.equal(short.failures, 0);
    const none = await evolve({ ...input, objective: { module: "export default () => 1" }, name: "none" });
    assert.deepEqual([none.failures, none.size, none.front], [4, 0, []]);
    const broken = await evolve({ ...input, objective: { module: "export default (" }, name: "broken" });
    assert.equal(broken.failures, 4);
    const draws = await failure("evolution.evolve", {
      ...input,
      objective: { module: "let n = 0; export default (all) => all.map(() => Date.now() + Math.random() + n++)" },
    });
    assert.equal(draws.code, "EVOLUTION_OBJECTIVE");
  }));

Deno.test("a program whose steps end, or that is not defined for a candidate, makes it the worst with the reason", () =>
  inRuns(async ({ evolve, lineage }) => {
    const few = await evolve({ ...sphere, objective: { program: SPHERE, fuel: 1 }, generations: 1, name: "few" });
    assert.equal(few.failures, few.evaluations);
    assert.ok((await lineage("few")).every(({ failed }) => failed?.includes("FUEL")));
    const logarithm = await evolve({
      over: { reals: 1, lower: -1, upper: 1 },
      objective: { program: "log(gather(identity, 0))" },
      algorithm: "genetic",
      population: 20,
      generations: 1,
      name: "log",
    });
    const rows = await lineage("log");
    for (const { genome, failed } of rows) {
      assert.equal(failed !== undefined, (genome as ReadonlyArray<number>)[0] < 0, String(failed));
    }
    assert.ok(logarithm.failures > 0 && logarithm.failures < 20);
  }));

Deno.test("what cannot be evolved is refused with the place, and the patch makes the call valid", () =>
  inRuns(async ({ failure, kernel }) => {
    const fixed: ReadonlyArray<readonly [code: string, path: string, input: JsonObject]> = [
      ["KERNEL_UNKNOWN_ENTRY", "/objective/problem", { objective: { problem: "ZTD1" } }],
      ["EVOLUTION_SETTING", "/objective/objectives", { objective: { problem: "ZDT1", objectives: 3 } }],
      ["EVOLUTION_SETTING", "/algorithm", { ...zdt1, algorithm: "genetic" }],
      ["EVOLUTION_SETTING", "/variation/mutationrate", { ...zdt1, variation: { mutationrate: 0.1 } }],
      ["EVOLUTION_SETTING", "/variation/crossover", { ...zdt1, variation: { crossover: "sbxx" } }],
      ["EVOLUTION_SETTING", "/algorithm/settings/thining", {
        ...zdt1,
        algorithm: { kind: "nsga2", settings: { thining: "crowding" } },
      }],
      ["EVOLUTION_OBJECTIVE", "/over", { ...zdt1, over: { bits: 3 } }],
    ];
    for (const [code, path, input] of fixed) {
      const refused = await failure("evolution.evolve", { ...input, generations: 1 });
      assert.deepEqual([refused.code, refused.path], [code, path], refused.message);
      assert.ok(refused.fix?.patch !== undefined, path);
      const mended = applyPatch(refused.fix.patch, { ...input, generations: 1 });
      await Effect.runPromise(callAs(kernel, "evolution.evolve", mended as Json));
    }
    const refusals: ReadonlyArray<readonly [code: string, path: string, input: JsonObject]> = [
      ["EVOLUTION_SETTING", "/over/upper", { ...sphere, over: { reals: 2, lower: 0, upper: [1, 2, 3] } }],
      ["EVOLUTION_OBJECTIVE", "/over", { objective: { program: SPHERE } }],
      ["EVOLUTION_OBJECTIVE", "/objective/program", { ...sphere, objective: { program: "linear(3)" } }],
      ["EVOLUTION_OBJECTIVE", "/objective/program", {
        ...sphere,
        objective: { program: "matmul(identity, identity)" },
      }],
      ["EVOLUTION_OBJECTIVE", "/objective/program", { ...sphere, objective: { program: "mul(identity," } }],
      ["EVOLUTION_OBJECTIVE", "/objective/program", { ...sphere, objective: { program: "delegate(1, identity)" } }],
      ["EVOLUTION_SETTING", "/over/lower", { ...sphere, over: { reals: 2, lower: 1, upper: -1 } }],
      ["EVOLUTION_SETTING", "/over/lower/1", { ...sphere, over: { reals: 2, lower: [0, 0], upper: [1, -1] } }],
      ["EVOLUTION_SETTING", "/variation/mutationRate", { ...zdt1, variation: { mutationRate: 2 } }],
      ["EVOLUTION_SETTING", "/algorithm/settings/pressure", {
        ...sphere,
        algorithm: { kind: "genetic", settings: { pressure: 0 } },
      }],
      ["EVOLUTION_SETTING", "/islands/migrants", { ...zdt1, islands: { count: 2, migrants: 100 } }],
      ["KERNEL_INVALID_INPUT", "/population", { ...zdt1, population: 1 }],
    ];
    for (const [code, path, input] of refusals) {
      const refused = await failure("evolution.evolve", { ...input, generations: 1 });
      assert.deepEqual([refused.code, refused.path], [code, path], refused.message);
    }
  }));
