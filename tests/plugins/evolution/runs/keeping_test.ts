import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { Ledger } from "../../../../effects/mod.ts";
import { type Failure, implementation, type Json, operation, type Plugin, VERSION } from "../../../../kernel/mod.ts";
import { digestText } from "../../../../kernel/digest.ts";
import {
  EVOLUTION_FAILURES,
  genetic,
  type Member,
  realVariation,
  type Search,
} from "../../../../plugins/evolution/library.ts";
import { runDurably } from "../../../../plugins/evolution/state/durable.ts";
import { NAMED_STATES, openRun } from "../../../../plugins/evolution/state/keeping.ts";
import { openRmi } from "../../../../plugins/open.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import { callAs } from "../../../workspace.ts";

const variation = realVariation({ lower: Float64Array.of(-1, -1), upper: Float64Array.of(1, 1) });
const search = genetic({ variation, seed: 1, size: 6 }) as Search<Float64Array>;

const sum = (x: Float64Array): number => x[0] + x[1];

/** Keeps a run of another operation than evolve; how it goes is told by its input. */
const Keep = operation("demo.keep", {
  summary: "Keep a run.",
  input: {
    name: Schema.String,
    generations: Schema.Int,
    every: Schema.optionalKey(Schema.Int),
    failsAt: Schema.optionalKey(Schema.Int),
    seed: Schema.optionalKey(Schema.Int),
  },
  output: Schema.Struct({ evaluations: Schema.Int, archive: Schema.Json, notes: Schema.Int, memory: Schema.Json }),
  failures: EVOLUTION_FAILURES,
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [{ input: { name: "a", generations: 1 } }],
});

type Input = (typeof Keep)["input"]["Type"];

const kept = ({ name, generations, every = 1, failsAt, seed = 0 }: Input) =>
  Effect.gen(function* () {
    const run = yield* openRun({ name, operation: "demo.keep", spec: { seed }, path: "/name" });
    let notes = 0;
    const store = yield* Artifacts;
    const note = yield* store.put(new TextEncoder().encode(`note of ${name}`), {
      kind: "evidence",
      media: "text/plain",
      description: "what the run refers to",
      references: [],
      tags: [],
      metrics: {},
    }).pipe(Effect.orDie);
    const ended = yield* runDurably<Float64Array>({
      run,
      search,
      every,
      budget: { generations },
      evaluate: (asked) =>
        Effect.succeed(
          asked.map(({ id, genome }) => id === "0.2" ? { failed: "this one" } : { objectives: [sum(genome)] }),
        ),
      note: ({ failed }: Member<Float64Array>) => (notes++, failed === undefined ? { sign: "fine" } : undefined),
      remember: ({ state }) => ({ memory: { seen: state.generation }, references: [note.digest] }),
      onGeneration: ({ state }) =>
        state.generation === failsAt ? Effect.die(new Error("the machine stops")) : Effect.void,
    });
    return {
      evaluations: ended.state.evaluations,
      archive: ended.archive as unknown as Json,
      notes,
      memory: ended.memory,
    };
  });

const demo: Plugin = {
  id: "demo",
  version: VERSION,
  summary: "Keeps runs.",
  provides: [],
  requires: [
    { capability: "rmi/Ledger", range: "^1.0.0" },
    { capability: "rmi/Artifacts", range: "^1.0.0" },
  ],
  effects: ["readLocal", "writeLocal"],
  kinds: [],
  stability: "unstable",
  namespaces: [{ name: "demo", summary: "runs" }],
  operations: () => [Keep],
  load: () => ({
    default: implementation({
      operations: [Keep],
      requires: [Ledger, Artifacts],
      layer: Layer.empty,
      handlers: { "demo.keep": kept },
    }),
  }),
};

type Call = <A>(operation: string, input: Json) => Effect.Effect<A, Failure>;

const inDemo = async (body: (call: Call) => Effect.Effect<void, unknown>): Promise<void> => {
  const workspace = Deno.makeTempDirSync({ prefix: "rmi-test-" });
  try {
    await Effect.runPromise(
      Effect.scoped(Effect.flatMap(
        openRmi({ workspace, plugins: [demo] }),
        (kernel) =>
          body(<A>(operation: string, input: Json) => callAs(kernel, operation, input) as Effect.Effect<A, Failure>),
      )) as Effect.Effect<void>,
    );
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
};

interface Kept {
  readonly evaluations: number;
  readonly archive: Json;
  readonly notes: number;
  readonly memory: Json;
}

interface Listed {
  readonly artifacts: ReadonlyArray<{ readonly digest: string; readonly names: ReadonlyArray<string> }>;
}

Deno.test("a run of any operation is kept with its notes and its memory, and is seen by status and lineage", () =>
  inDemo((call) =>
    Effect.gen(function* () {
      const { evaluations, notes, memory } = yield* call<Kept>("demo.keep", { name: "mine", generations: 3 });
      assert.equal(evaluations, notes, "each candidate is asked for its note");
      assert.deepEqual(memory, { seen: 3 });
      const { rows, total } = yield* call<{
        readonly total: number;
        readonly rows: ReadonlyArray<{ readonly id: string; readonly failed?: string; readonly note?: Json }>;
      }>("evolution.lineage", { run: "mine" });
      assert.equal(total, evaluations);
      assert.equal(rows.find(({ id }) => id === "0.2")!.failed, "this one");
      assert.deepEqual(rows.find(({ id }) => id === "0.1")!.note, { sign: "fine" });
      const { runs, detail } = yield* call<{
        readonly runs: ReadonlyArray<{ readonly operation: string; readonly failures: number }>;
        readonly detail: { readonly memory: Json };
      }>("evolution.status", { run: "mine" });
      assert.deepEqual([runs[0].operation, runs[0].failures, detail.memory], ["demo.keep", 1, { seen: 3 }]);
      const refused = yield* Effect.flip(call("evolution.resume", { run: "mine" }));
      assert.deepEqual([refused.code, refused.path], ["EVOLUTION_RUN", "/run"]);
      assert.ok(refused.message.includes("demo.keep"));
    })
  ));

Deno.test("whatever generation it stops in, it goes on to the archive of a run that never stopped", () =>
  inDemo((call) =>
    Effect.gen(function* () {
      const whole = yield* call<Kept>("demo.keep", { name: "whole", generations: 6 });
      for (const every of [1, 2, 5]) {
        for (const failsAt of [1, 2, 4, 6]) {
          const name = `run-${every}-${failsAt}`;
          const stopped = yield* Effect.exit(call("demo.keep", { name, generations: 6, every, failsAt }));
          assert.equal(stopped._tag, "Failure");
          const { archive, evaluations } = yield* call<Kept>("demo.keep", { name, generations: 6, every });
          assert.deepEqual([archive, evaluations], [whole.archive, whole.evaluations], name);
        }
      }
    })
  ));

Deno.test("only the newest states keep names; what they refer to outlives a collection, and the lineage is whole after it", () =>
  inDemo((call) =>
    Effect.gen(function* () {
      yield* call("demo.keep", { name: "mine", generations: 8 });
      const before = yield* call<Listed>("registry.artifacts", { name: "mine" });
      assert.equal(before.artifacts.length, NAMED_STATES);
      const { total } = yield* call<{ readonly total: number }>("evolution.lineage", { run: "mine" });
      yield* call("artifacts.gc", {});
      const after = yield* call<{ readonly total: number }>("evolution.lineage", { run: "mine" });
      assert.equal(after.total, total);
      const kept = (yield* call<Listed>("registry.artifacts", {})).artifacts.map(({ digest }) => digest);
      assert.ok(kept.includes(digestText("note of mine")));
      const { evaluations } = yield* call<Kept>("demo.keep", { name: "mine", generations: 9 });
      assert.ok(evaluations > total);
    })
  ));

Deno.test("a name is one run's for ever, also when that has ended", () =>
  inDemo((call) =>
    Effect.gen(function* () {
      yield* call("demo.keep", { name: "mine", generations: 1 });
      const taken = yield* Effect.flip(call("demo.keep", { name: "mine", generations: 1, seed: 7 }));
      assert.deepEqual([taken.code, taken.path], ["EVOLUTION_RUN_TAKEN", "/name"]);
    })
  ));
