import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Failure, Json, Kernel } from "../../../../kernel/mod.ts";
import { callAs, inWorkspace, OPEN_POLICY } from "../../../workspace.ts";

interface Answer {
  readonly run: string;
  readonly state: string;
  readonly trials: number;
  readonly failures: number;
  readonly reason: string;
  readonly resumed: boolean;
  readonly reproducible: boolean;
  readonly flops: number;
  readonly warm: number;
  readonly best: {
    readonly id: string;
    readonly setting: { readonly [name: string]: number | string };
    readonly share: number;
    readonly value: number;
    readonly validation: { readonly [name: string]: number };
    readonly test?: { readonly [name: string]: number };
  };
  readonly train: Json;
}

const ASKED = {
  program: "linear(?width) >> relu >> linear(2)",
  data: "moons",
  space: [
    { kind: "int", name: "width", low: 2, high: 24, log: true },
    { kind: "float", name: "rate", low: 1e-5, high: 0.05, log: true },
  ],
  method: { kind: "bayesian", settings: { initial: 3 } },
  epochs: 2,
  atOnce: 2,
  budget: { trials: 6 },
  seed: 3,
};

const tuned = (kernel: Kernel, changes: object = {}): Effect.Effect<Answer, Failure> =>
  callAs(kernel, "evolution.tune", { ...ASKED, ...changes } as Json) as unknown as Effect.Effect<Answer, Failure>;

const alone = <A>(body: (kernel: Kernel) => Effect.Effect<A, unknown>): Promise<A> => inWorkspace(body, OPEN_POLICY);

const refused = (changes: object): Promise<Failure> =>
  alone((kernel) =>
    Effect.map(Effect.result(tuned(kernel, changes)), (result) => {
      assert.ok(Result.isFailure(result), "it was not refused");
      return result.failure;
    })
  );

Deno.test("the best trial is the least of the lineage, and its training input makes the model it speaks of", () =>
  alone((kernel) =>
    Effect.gen(function* () {
      const { best, run, trials, train } = yield* tuned(kernel);
      assert.equal(trials, 6);
      const { rows } = (yield* callAs(kernel, "evolution.lineage", { run, order: "told" })) as unknown as {
        readonly rows: ReadonlyArray<{ readonly id: string; readonly objectives: ReadonlyArray<number> }>;
      };
      const least = [...rows].sort((a, b) => a.objectives[0] - b.objectives[0])[0];
      assert.equal(rows.length, 6);
      assert.equal(best.id, least.id);
      assert.equal(best.value, least.objectives[0]);
      // Another operation, which shares none of the search, trains the same network and judges it the same.
      const made = (yield* callAs(kernel, "neural.train", train)) as unknown as {
        readonly metrics: {
          readonly validation: Answer["best"]["validation"];
          readonly test: Answer["best"]["validation"];
        };
      };
      assert.equal(made.metrics.validation.accuracy, best.validation.accuracy);
      assert.ok(Math.abs(made.metrics.test.loss - best.test!.loss) < 1e-6);
    })
  ));

Deno.test("trials, scores and the run's state are the same with one worker and with two", async () => {
  const [one, two] = await Promise.all(
    [1, 2].map((workers) => alone((kernel) => tuned(kernel, { workers, name: "both" }))),
  );
  assert.deepEqual(two, one);
});

for (const method of [ASKED.method, { kind: "hyperband", settings: { parts: 9 } }]) {
  Deno.test(`a ${method.kind} run that stopped and went on ends as one that never stopped`, async () => {
    const budget = { trials: 11 };
    const whole = await alone((kernel) => tuned(kernel, { method, budget, name: "r" }));
    const again = await alone((kernel) =>
      Effect.gen(function* () {
        // Operations are used up after the first generation, as by an interruption between two.
        const first = yield* tuned(kernel, { method, budget: { ...budget, flops: 1 }, name: "r" });
        assert.equal(first.reason, "flops");
        assert.ok(first.trials < 11);
        return yield* tuned(kernel, { method, budget, name: "r" });
      })
    );
    assert.equal(again.resumed, true);
    assert.deepEqual({ ...again, resumed: false }, whole);
  });
}

Deno.test("the best of a halving was trained in full, whatever little training promised", async () => {
  const { best } = await alone((kernel) =>
    tuned(kernel, { method: { kind: "halving", settings: { count: 9, parts: 9 } }, budget: {} })
  );
  assert.equal(best.share, 1);
  assert.ok(best.id.startsWith("2."), "the third rung is the last");
});

Deno.test("a grid that is gone through ends, and its answer is the best of a search by hand", async () => {
  const space = [{ kind: "float", name: "rate", low: 1e-6, high: 0.01, log: true }];
  const program = "linear(8) >> relu >> linear(2)";
  const found = await alone((kernel) =>
    tuned(kernel, { program, space, method: "grid", budget: {}, measure: "accuracy" })
  );
  const byHand = await alone((kernel) =>
    Effect.forEach([0, 1, 2, 3, 4], (k) =>
      Effect.map(
        callAs(kernel, "neural.train", { program, data: "moons", epochs: 2, seed: 3, rate: 1e-6 * 1e4 ** (k / 4) }),
        (made) =>
          (made as unknown as { readonly metrics: { readonly validation: { readonly accuracy: number } } }).metrics
            .validation.accuracy,
      ))
  );
  assert.equal(found.trials, 5);
  assert.equal(found.best.value, Math.max(...byHand));
  assert.equal(found.best.validation.accuracy, found.best.value);
});

Deno.test("a warm start begins with what an earlier run over the same space found best, and goes on with the same", () =>
  alone((kernel) =>
    Effect.gen(function* () {
      const cold = yield* tuned(kernel, { name: "cold", warm: true });
      assert.equal(cold.warm, 0, "nothing is known yet");
      const first = yield* tuned(kernel, { data: "spirals", name: "warm", warm: true, budget: { trials: 3 } });
      assert.equal(first.warm, 6);
      const { rows } = (yield* callAs(kernel, "evolution.lineage", { run: "warm", genomes: true })) as unknown as {
        readonly rows: ReadonlyArray<{ readonly edit: string; readonly genome: Answer["best"]["setting"] }>;
      };
      assert.deepEqual(rows.map(({ edit }) => edit), ["warm start", "drawn", "drawn"]);
      assert.deepEqual(rows[0].genome, cold.best.setting);
      // More is known now, by the run's own first trials; what it began with stays.
      const further = yield* tuned(kernel, { data: "spirals", name: "warm", warm: true });
      assert.deepEqual([further.resumed, further.warm, further.trials], [true, 6, 6]);
      const elsewhere = yield* tuned(kernel, { space: ASKED.space.slice(0, 1), warm: true, budget: { trials: 3 } });
      assert.equal(elsewhere.warm, 0, "settings of another space mean something else");
    })
  ));

Deno.test("a setting that makes no program fails its own trials alone", async () => {
  const program = "linear(?width) >> ?shape >> linear(2)";
  const space = [{ kind: "choice", name: "width", options: [2, 3] }, {
    kind: "choice",
    name: "shape",
    options: ["relu", "no_such_op"],
  }];
  const answer = await alone((kernel) => tuned(kernel, { program, space, method: "grid", budget: {}, epochs: 1 }));
  assert.deepEqual([answer.trials, answer.failures, answer.best.setting.shape], [4, 2, "relu"]);
});

Deno.test("a time budget is honoured between generations and said to be not reproducible", async () => {
  const { reason, reproducible, trials } = await alone((kernel) => tuned(kernel, { budget: { wallMs: 1 } }));
  assert.deepEqual([reason, reproducible, trials], ["wallMs", false, 3]);
});

Deno.test("a run whose trials all fail says so; what failed is in its lineage", () =>
  alone((kernel) =>
    Effect.gen(function* () {
      const result = yield* Effect.result(tuned(kernel, { measure: "r2", name: "none" }));
      assert.ok(Result.isFailure(result));
      assert.equal(result.failure.code, "EVOLUTION_RUN");
      const { rows } = (yield* callAs(kernel, "evolution.lineage", { run: "none" })) as unknown as {
        readonly rows: ReadonlyArray<{ readonly failed: string }>;
      };
      assert.match(rows[0].failed, /no score r2, but .*accuracy/u);
    })
  ));

const REFUSED: ReadonlyArray<readonly [title: string, changes: object, code: string, path?: string]> = [
  ["a program that gives another number of classes", { program: "linear(?width) >> linear(3)" }, "NEURAL_PROGRAM"],
  ["a program that cannot be read", { program: "linear(?width) >>" }, "RMIL_SYNTAX"],
  [
    "a space that is none",
    { space: [{ kind: "int", name: "width", low: 3, high: 3 }] },
    "EVOLUTION_SETTING",
    "/space/0/high",
  ],
  [
    "a method without such a setting",
    { method: { kind: "sobol", settings: { parts: 3 } } },
    "EVOLUTION_SETTING",
    "/method/settings/parts",
  ],
  ["data that do not exist", { data: "moon" }, "NEURAL_DATA_UNKNOWN"],
];

for (const [title, changes, code, path] of REFUSED) {
  Deno.test(`refused before a trial: ${title}`, async () => {
    const failure = await refused(changes);
    assert.equal(failure.code, code, failure.message);
    if (path !== undefined) assert.equal(failure.path, path);
  });
}
