/**
 * A model that learned from a prepared table answers raw rows: in a file, in a call, in the unit of what it learned.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { isJsonObject, type Json, type JsonObject, type Kernel } from "../../../../kernel/mod.ts";
import { callApproving, inWorkspace, OPEN_POLICY } from "../../../workspace.ts";

const call = (kernel: Kernel, operation: string, input: Json): Effect.Effect<JsonObject, unknown> =>
  Effect.map(callApproving(kernel, operation, input), (answer) => {
    assert.ok(isJsonObject(answer));
    return answer;
  });

const withFile = async <A>(text: string, body: (path: string) => Promise<A>): Promise<A> => {
  const folder = Deno.makeTempDirSync({ prefix: "rmi-table-" });
  try {
    Deno.writeTextFileSync(`${folder}/rows.csv`, text);
    return await body(`${folder}/rows.csv`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** Flats whose price is what their size and their part of town say, with gaps. */
const FLATS = Array.from({ length: 240 }, (_, i) => {
  const size = 30 + ((i * 37) % 90);
  const town = ["north", "south", "east"][i % 3];
  const price = 1_000 * size + { north: 0, south: 40_000, east: 90_000 }[town as "north"];
  return { id: i + 1, size, town: i % 11 === 0 ? "" : town, price };
});
const CSV = ["id,size,town,price", ...FLATS.map(({ id, size, town, price }) => `${id},${size},${town},${price}`)]
  .join("\n");

const TRAINING = { program: "linear(16) >> relu >> linear", epochs: 60, batch: 16, name: "flats" };

Deno.test("prices are learned at one scale and answered in their own unit, from a file and from rows of a call", () =>
  withFile(CSV, (path) =>
    inWorkspace((kernel) =>
      Effect.gen(function* () {
        const data = { path, target: "price", prepare: true };
        yield* call(kernel, "neural.train", { ...TRAINING, data });
        const judged = yield* call(kernel, "neural.evaluate", { digest: "flats", data });
        const scores = judged.scores as { readonly mae: number; readonly r2: number; readonly loss: number };
        // Prices run from 30,000 to 210,000; an error of a tenth of their spread would be 4,000.
        assert.ok(scores.mae < 20_000 && scores.mae > 1, JSON.stringify(scores));
        assert.ok(scores.r2 > 0.8 && scores.loss < 1, JSON.stringify(scores));
        const rows: Json = [{ size: 100, town: "east" }, { size: "40", town: null }, {
          size: 50,
          town: "moon",
          more: 1,
        }];
        const answer = yield* call(kernel, "neural.predict", { digest: "flats", rows });
        const [first, ...others] = (answer.outputs as { readonly values: ReadonlyArray<number> }).values;
        assert.ok(Math.abs(first - 190_000) < 40_000, String(first));
        assert.ok(others.every((price) => price > 0 && price < 250_000), String(others));
        // All rows of a file, in their order, unless a part is asked for.
        const whole = yield* call(kernel, "neural.predict", { digest: "flats", data: { path }, limit: 1_000 });
        const prices = (whole.outputs as { readonly values: ReadonlyArray<number> }).values;
        assert.equal(prices.length, FLATS.length);
        const size = FLATS[7].size;
        const again = yield* call(kernel, "neural.predict", { digest: "flats", rows: [{ size, town: FLATS[7].town }] });
        assert.ok(Math.abs((again.outputs as { readonly values: ReadonlyArray<number> }).values[0] - prices[7]) < 1);
        const part = yield* call(kernel, "neural.predict", { digest: "flats", data, split: "test" });
        assert.equal((part.outputs as { readonly values: ReadonlyArray<number> }).values.length, judged.samples);
      }), OPEN_POLICY)));

Deno.test("classes of a prepared table are answered by their names; a model of no table refuses rows", () => {
  const text = ["petal,colour,kind"]
    .concat(Array.from({ length: 90 }, (_, i) => {
      const kind = i % 2 === 0 ? "rose" : "tulip";
      return `${kind === "rose" ? 2 + (i % 5) / 10 : 5 + (i % 7) / 10},${kind === "rose" ? "red" : "white"},${kind}`;
    })).join("\n");
  return withFile(text, (path) =>
    inWorkspace((kernel) =>
      Effect.gen(function* () {
        const data = { path, target: "kind", prepare: true };
        yield* call(kernel, "neural.train", { program: "mlp(2)", data, epochs: 20, batch: 8, name: "flowers" });
        const answer = yield* call(kernel, "neural.predict", {
          digest: "flowers",
          rows: [{ petal: 2.1, colour: "red" }, { petal: 5.4, colour: "white" }, { petal: "5.2", colour: "blue" }],
        });
        assert.deepEqual(answer.labels, ["rose", "tulip", "tulip"]);
        yield* call(kernel, "neural.train", { program: "mlp(2)", data: "moons", epochs: 1, name: "moons" });
        const refused = yield* Effect.flip(callApproving(kernel, "neural.predict", { digest: "moons", rows: [{}] }));
        assert.deepEqual([refused.code, refused.path], ["NEURAL_MODEL", "/rows"]);
        const both = yield* Effect.flip(
          callApproving(kernel, "neural.predict", { digest: "flowers", rows: [{}], data: "moons" }),
        );
        assert.match(both.message, /data and rows are given/u);
        const other = yield* Effect.flip(
          callApproving(kernel, "neural.evaluate", { digest: "flowers", data: "moons" }),
        );
        assert.equal(other.code, "NEURAL_MODEL");
      }), OPEN_POLICY));
});
