import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../../../kernel/mod.ts";
import { inRuns } from "./calls.ts";

const zdt1 = { objective: { problem: "ZDT1" }, population: 10, seed: 3 } as const;

interface StatusAnswer {
  readonly runs: ReadonlyArray<JsonObject>;
  readonly detail?: JsonObject;
}

const artifactFiles = (workspace: string): ReadonlyArray<string> =>
  [...Deno.readDirSync(`${workspace}/.rmi/artifacts`)].flatMap(({ name }) =>
    [...Deno.readDirSync(`${workspace}/.rmi/artifacts/${name}`)].map((file) =>
      `${workspace}/.rmi/artifacts/${name}/${file.name}`
    )
  );

Deno.test("status lists all runs in a line each, and one with its settings, its front and a drawing", () =>
  inRuns(async ({ evolve, call }) => {
    const b = await evolve({ ...zdt1, generations: 3, name: "b" });
    await evolve({ ...zdt1, generations: 2, name: "a", goal: 0.5, objective: { problem: "BNH" } });
    const { runs } = await call<StatusAnswer>("evolution.status", {});
    assert.deepEqual(runs.map(({ run, generation, evaluations, ended }) => [run, generation, evaluations, ended]), [
      ["a", 2, 20, "generations"],
      ["b", 3, 30, "generations"],
    ]);
    const { detail } = await call<StatusAnswer>("evolution.status", { run: "b", svg: true });
    assert.deepEqual([detail!.state, detail!.archive, detail!.size], [b.state, b.archive, b.size]);
    assert.deepEqual((detail!.settings as JsonObject).objective, { problem: "ZDT1", objectives: 2 });
    assert.deepEqual(detail!.memory, { generations: 3, budget: {} });
    assert.deepEqual(detail!.front, b.front);
    const least = [0, 1].map((m) => Math.min(...b.front.map(({ objectives }) => objectives![m])));
    assert.deepEqual(runs[1].least, least);
    assert.equal([...(detail!.svg as string).matchAll(/<title>\d/gu)].length, b.size);
  }));

Deno.test("the chart lies where it was asked for; of one objective there is none", () =>
  inRuns(async ({ evolve, call }) => {
    const { chart } = await evolve({ ...zdt1, generations: 1, name: "b", chart: "out/b.svg" });
    assert.ok(chart!.endsWith("out/b.svg"));
    assert.ok(Deno.readTextFileSync(chart!).startsWith("<svg"));
    const { detail } = await call<StatusAnswer>("evolution.status", { run: "b", chart: "out/again.svg" });
    assert.equal(Deno.readTextFileSync(detail!.chart as string), Deno.readTextFileSync(chart!));
    const one = await evolve({
      over: { bits: 3 },
      objective: { program: "reduce(add)" },
      generations: 1,
      population: 4,
      chart: "out/one.svg",
    });
    assert.equal(one.chart, undefined);
  }));

Deno.test("a front of more rows than an answer shows is shown from end to end", () =>
  inRuns(async ({ evolve }) => {
    const { front, size } = await evolve({
      objective: { problem: "ZDT1" },
      population: 100,
      generations: 120,
      seed: 1,
    });
    assert.ok(size > 100, String(size));
    assert.equal(front.length, 20);
    assert.equal(new Set(front.map(({ id }) => id)).size, 20);
    const first = front.map(({ objectives }) => objectives![0]);
    assert.deepEqual(first, [...first].sort((a, b) => a - b));
    assert.ok(first[0] < 0.05 && first.at(-1)! > 0.8);
  }));

Deno.test("events tell of every generation, and the best never gets worse", () =>
  inRuns(async ({ kernel }) => {
    const events: Array<JsonObject> = [];
    await Effect.runPromise(kernel.invoke({
      operation: "evolution.evolve",
      input: { ...zdt1, generations: 6 },
      actor: "user@tty",
      onEvent: (event: Json) => Effect.sync(() => void events.push(event as JsonObject)),
    }));
    assert.deepEqual(events.map(({ generation }) => generation), [1, 2, 3, 4, 5, 6]);
    const least = events.map((event) => event.least as ReadonlyArray<number>);
    for (let k = 1; k < least.length; k++) least[k].forEach((value, m) => assert.ok(value <= least[k - 1][m]));
  }));

Deno.test("a lineage's pages join to the whole, without genomes unless they are asked for; unknown ids have near ones", () =>
  inRuns(async ({ evolve, call, lineage, failure }) => {
    await evolve({ ...zdt1, generations: 3, name: "zdt", every: 2 });
    const whole = await lineage("zdt");
    const best = await call<
      { readonly rows: ReadonlyArray<JsonObject>; readonly total: number; readonly next: number }
    >(
      "evolution.lineage",
      { run: "zdt", order: "best", limit: 3 },
    );
    assert.deepEqual([best.total, best.next, best.rows.length], [30, 3, 3]);
    const least = Math.min(...whole.map(({ objectives }) => objectives![0]));
    assert.equal((best.rows[0].objectives as ReadonlyArray<number>)[0], least);
    assert.ok(best.rows.every((one) => !("genome" in one) && !("key" in one)));
    const past = await call<{ readonly rows: ReadonlyArray<unknown>; readonly next?: number }>(
      "evolution.lineage",
      { run: "zdt", from: 30 },
    );
    assert.deepEqual([past.rows, past.next], [[], undefined]);
    const unknown = await failure("evolution.lineage", { run: "zdt", individual: "1.00" });
    assert.deepEqual([unknown.code, unknown.path], ["KERNEL_UNKNOWN_ENTRY", "/individual"]);
    assert.ok(unknown.suggestions.includes("1.0"));
  }));

Deno.test("a run that is not there, or is damaged, is refused by name", () =>
  inRuns(async ({ evolve, failure, kernel, call }) => {
    await evolve({ ...zdt1, generations: 1, name: "zdt" });
    const unknown = await failure("evolution.resume", { run: "ztd" });
    assert.deepEqual([unknown.code, unknown.path, unknown.suggestions], ["KERNEL_UNKNOWN_ENTRY", "/run", ["zdt"]]);
    const taken = await failure("evolution.evolve", { ...zdt1, seed: 4, generations: 1, name: "zdt" });
    assert.deepEqual([taken.code, taken.path], ["EVOLUTION_RUN_TAKEN", "/name"]);
    assert.deepEqual(taken.fix?.patch, [{ op: "remove", path: "/name" }]);
    const { state } = (await call<{ readonly detail: { readonly state: string } }>("evolution.status", { run: "zdt" }))
      .detail;
    const file = artifactFiles(kernel.folders.workspace).find((path) => path.endsWith(state.slice("sha256:".length)))!;
    const bytes = Deno.readFileSync(file);
    bytes[bytes.length >> 1] ^= 1;
    Deno.writeFileSync(file, bytes);
    for (const operation of ["evolution.resume", "evolution.status", "evolution.lineage"]) {
      assert.equal((await failure(operation, { run: "zdt" })).code, "EVOLUTION_RUN");
    }
    // The list still names it.
    assert.equal((await call<StatusAnswer>("evolution.status", {})).runs[0].run, "zdt");
  }));
