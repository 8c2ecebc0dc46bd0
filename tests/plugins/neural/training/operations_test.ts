import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Failure, Json, Kernel } from "../../../../kernel/mod.ts";
import { inWorkspace, OPEN_POLICY } from "../../../workspace.ts";

type Fields = { readonly [name: string]: Json };

const call = (kernel: Kernel, operation: string, input: Json, onEvent?: (event: Json) => Effect.Effect<void>) =>
  Effect.map(
    kernel.invoke({ operation, input, actor: "user@tty", ...(onEvent === undefined ? {} : { onEvent }) } as never),
    (answer) => answer as Fields,
  );

const refused = (kernel: Kernel, operation: string, input: Json) =>
  Effect.map(Effect.result(call(kernel, operation, input)), (answer) => {
    assert.ok(Result.isFailure(answer), JSON.stringify(answer));
    return answer.failure as Failure;
  });

const opened = <A>(body: (kernel: Kernel) => Effect.Effect<A, unknown>): Promise<A> => inWorkspace(body, OPEN_POLICY);

const MOONS = { program: "mlp(2)", data: "moons", epochs: 12, batch: 16, rate: 0.02 };

const csv = (rows: number): string => {
  const lines = ["area,rooms,town,price"];
  for (let i = 0; i < rows; i++) {
    const [area, rooms, town] = [50 + (i * 37) % 100, 1 + i % 5, ["ayr", "bern", "cork"][i % 3]];
    lines.push(`${area},${rooms},${town},${3 * area + 10 * rooms + (town === "bern" ? 50 : 0)}`);
  }
  return `${lines.join("\n")}\n`;
};

Deno.test("a training tells its steps as events while it goes on, and its model is judged on the test part once", () =>
  opened((kernel) =>
    Effect.gen(function* () {
      const events: Fields[] = [];
      const answer = yield* call(
        kernel,
        "neural.train",
        { ...MOONS, name: "moons" },
        (event) => Effect.sync(() => void events.push(event as Fields)),
      );
      assert.deepEqual(answer.names, ["moons@1"]);
      assert.equal(answer.steps, 600);
      assert.equal(events[0].type, "start");
      assert.equal(events.at(-1)!.type, "end");
      assert.equal(events.filter(({ type }) => type === "step").length, 600);
      assert.equal(events.filter(({ type }) => type === "metric").length, 12);
      const { test, temperature } = answer.metrics as { readonly test: Fields; readonly temperature: number };
      assert.ok(Number(test.accuracy) > 0.9, JSON.stringify(test));
      assert.ok(temperature > 0);
      const { loss } = answer.curves as { readonly loss: ReadonlyArray<readonly [number, number]> };
      assert.ok(loss.length <= 100 && loss.at(-1)![0] === 600 && loss.at(-1)![1] < loss[0][1]);
      const judged = yield* call(kernel, "neural.evaluate", { digest: "moons", data: "moons" });
      assert.equal((judged.scores as Fields).accuracy, test.accuracy);
      const rows = judged.confusion as ReadonlyArray<ReadonlyArray<number>>;
      assert.equal(rows.flat().reduce((sum, count) => sum + count, 0), 100);
      assert.equal(Number(test.accuracy) * 100, rows[0][0] + rows[1][1]);
    })
  ));

Deno.test("the same call gives the same digest, another seed another; a call that was interrupted by its budget goes on", () =>
  opened((kernel) =>
    Effect.gen(function* () {
      const one = yield* call(kernel, "neural.train", MOONS);
      const same = yield* call(kernel, "neural.train", MOONS);
      const other = yield* call(kernel, "neural.train", { ...MOONS, seed: 9 });
      assert.equal(one.digest, same.digest);
      assert.notEqual(one.digest, other.digest);
      const checkpoint = { name: "moons-run", every: 100 };
      const cut = yield* call(kernel, "neural.train", { ...MOONS, checkpoint, budget: { steps: 250 } });
      assert.deepEqual(cut.stopped, { kind: "budget", axis: "steps", limit: 250 });
      const rest = yield* call(kernel, "neural.train", { ...MOONS, checkpoint });
      assert.equal(rest.resumed, true);
      assert.equal(rest.digest, one.digest);
      const failure = yield* refused(kernel, "neural.train", { ...MOONS, checkpoint, seed: 2 });
      assert.equal(failure.code, "NEURAL_MODEL");
    })
  ));

Deno.test("numbers are learned from a CSV file, its inputs brought to one scale", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/prices.csv`, csv(300));
    await opened((kernel) =>
      Effect.gen(function* () {
        const data = { path: `${folder}/prices.csv`, target: "price", scale: "standardise" };
        const answer = yield* call(kernel, "neural.train", {
          program: "linear(32) >> relu >> linear",
          data,
          epochs: 60,
          batch: 16,
          rate: 0.02,
          name: "prices",
        });
        const { test } = answer.metrics as { readonly test: Fields };
        assert.ok(Number(test.r2) > 0.95, JSON.stringify(test));
        const described = yield* call(kernel, "neural.describe", { digest: "prices" });
        const [{ name, type }] = described.inputs as ReadonlyArray<{ readonly name: string; readonly type: string }>;
        assert.ok(type.startsWith("f32[B,"), `${name} ${type}`);
      })
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("answers have classes, labels and confidence; inputs of the wrong shape or name are refused", () =>
  opened((kernel) =>
    Effect.gen(function* () {
      yield* call(kernel, "neural.train", {
        program: "mlp(2)",
        data: "iris",
        epochs: 30,
        batch: 8,
        rate: 0.02,
        name: "iris",
      });
      const setosa = { type: "f32[1,4]", values: [5.1, 3.5, 1.4, 0.2] };
      const answer = yield* call(kernel, "neural.predict", { digest: "iris", inputs: { lengths: setosa } });
      assert.deepEqual(answer.classes, [0]);
      assert.deepEqual(answer.labels, ["setosa"]);
      assert.ok((answer.confidence as ReadonlyArray<number>)[0] > 0.5);
      const many = yield* call(kernel, "neural.predict", { digest: "iris", data: "iris", split: "train", limit: 7 });
      assert.equal((many.classes as ReadonlyArray<number>).length, 7);
      for (
        const [input, code] of [
          [{ digest: "iris", inputs: { lengths: { type: "f32[1,3]", values: [1, 2, 3] } } }, "NEURAL_TRAINING"],
          [{ digest: "iris", inputs: { widths: setosa } }, "NEURAL_MODEL"],
          [{ digest: "iris" }, "NEURAL_MODEL"],
          [{ digest: "iris", data: "moons" }, "NEURAL_MODEL"],
          [{ digest: "irid", inputs: { lengths: setosa } }, "KERNEL_UNKNOWN_ENTRY"],
        ] as const
      ) {
        const failure = yield* refused(kernel, "neural.predict", input as unknown as Json);
        assert.equal(failure.code, code, failure.message);
      }
    })
  ));

Deno.test("a model is trained on from where it is, and says its parent", () =>
  opened((kernel) =>
    Effect.gen(function* () {
      const first = yield* call(kernel, "neural.train", { ...MOONS, epochs: 4, name: "first" });
      const more = yield* call(kernel, "neural.train", {
        digest: "first",
        data: "moons",
        epochs: 4,
        batch: 16,
        name: "more",
      });
      const { lineage } = yield* call(kernel, "neural.describe", { digest: "more" });
      assert.equal((lineage as Fields).parent, first.digest);
      const before = (first.metrics as { readonly validation: Fields }).validation.loss;
      const after = (more.metrics as { readonly validation: Fields }).validation.loss;
      assert.ok(Number(after) < Number(before), `${before} to ${after}`);
      const failure = yield* refused(kernel, "neural.train", { digest: "first", program: "mlp(2)", data: "moons" });
      assert.equal(failure.code, "NEURAL_TRAINING");
    })
  ));

Deno.test("charts of loss, scores and confusion are written where they are asked for", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    await opened((kernel) =>
      Effect.gen(function* () {
        const answer = yield* call(kernel, "neural.train", { ...MOONS, epochs: 3, charts: `${folder}/charts` });
        assert.deepEqual(
          answer.charts,
          ["loss.svg", "scores.svg", "confusion.svg"].map((file) => `${folder}/charts/${file}`),
        );
      })
    );
    for (const file of ["loss", "scores", "confusion"]) {
      const svg = Deno.readTextFileSync(`${folder}/charts/${file}.svg`);
      assert.ok(svg.startsWith("<svg xmlns=") && svg.endsWith("</svg>") && !svg.includes("NaN"), file);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("data that pass by are not trained on, and the patch that holds them is given", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/prices.csv`, csv(30));
    await opened((kernel) =>
      Effect.gen(function* () {
        const failure = yield* refused(kernel, "neural.train", {
          program: "mlp(2)",
          data: { path: `${folder}/prices.csv`, target: "price", stream: true },
        });
        assert.equal(failure.code, "NEURAL_TRAINING");
        assert.deepEqual(failure.fix?.patch, [{ op: "remove", path: "/data/stream" }]);
      })
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
