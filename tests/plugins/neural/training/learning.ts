/** Learning checks: small tasks that a training either learns or not, with what counts as learned. */
import * as Effect from "effect/Effect";
import { leastSquares } from "../../../../plugins/linalg/library.ts";
import { tensor } from "../../../../plugins/ir/library.ts";
import {
  embedding,
  encoderBlock,
  type Fed,
  fitProgram,
  generatedData,
  judge,
  learnedPositions,
  linear,
  makeAnswerer,
  networkOfLayers,
  planTraining,
  reshape,
  sequential,
  train,
  type TrainingRequest,
} from "../../../../plugins/neural/library.ts";
import { parse } from "../../../../plugins/rmil/library.ts";
import { random } from "../../../../kernel/random.ts";
import { affine, engine, fixedFeed, now } from "./support.ts";

/** What a check found. */
export interface Checked {
  /** Accuracy, or the largest distance. */
  readonly value: number;
  /** Whether it was learned. */
  readonly ok: boolean;
}

const classified = (
  data: "xor" | "moons" | "spirals",
  program: string,
  least: number,
  request: TrainingRequest,
) =>
(): Promise<Checked> =>
  now(Effect.scoped(Effect.gen(function* () {
    const dataset = generatedData(data);
    const { network } = fitProgram(parse(program), dataset.schema);
    const { plan } = planTraining(network, dataset, { seed: 1, ...request });
    const { values } = yield* train(engine, plan, () => Effect.void);
    const answerer = yield* makeAnswerer(engine, network);
    yield* answerer.write(values);
    const { scores: { accuracy } } = yield* judge(answerer, network, dataset, { split: "validation" });
    return { value: accuracy, ok: accuracy >= least };
  })));

const TRUTH = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]];

/** The truth table of exclusive or, by two layers. */
const truthTable = (): Promise<Checked> =>
  now(Effect.scoped(Effect.gen(function* () {
    const x = tensor("f32", [4, 2], TRUTH.flatMap(([a, b]) => [a, b]));
    const network = networkOfLayers(
      sequential(linear({ width: 8 }), { kind: "tanh", settings: {} }, linear({ width: 2 })),
      {
        x: "f32[B,2]",
      },
    );
    const feed = fixedFeed([{ inputs: [x], targets: [tensor("i32", [4], TRUTH.map(([, , t]) => t))] }]);
    const { values } = yield* train(engine, {
      network,
      loss: { kind: "crossEntropy" },
      optimiser: { kind: "adam" },
      rate: 0.05,
      feed,
      epochs: 200,
      seed: 1,
    }, () => Effect.void);
    const answerer = yield* makeAnswerer(engine, network, { batch: 4 });
    yield* answerer.write(values);
    const [{ data }] = yield* answerer.answer([x]);
    const right = TRUTH.filter(([, , t], row) => (Number(data[2 * row + 1]) > Number(data[2 * row])) === (t === 1));
    return { value: right.length / 4, ok: right.length === 4 };
  })));

/** Linear regression against the closed form of least squares. */
const regression = (): Promise<Checked> =>
  now(Effect.gen(function* () {
    const draws = random("regression");
    const rows = Array.from({ length: 64 }, () => [draws.normal(), draws.normal(), draws.normal()]);
    const answers = rows.map(([a, b, c]) => 2 * a - 3 * b + 0.5 * c + 1 + 0.1 * draws.normal());
    const solved = leastSquares(
      { rows: 64, columns: 4, data: Float64Array.from(rows.flatMap((row) => [...row, 1])) },
      { rows: 64, columns: 1, data: Float64Array.from(answers) },
    );
    const feed = fixedFeed([{
      inputs: [tensor("f32", [64, 3], rows.flat())],
      targets: [tensor("f32", [64, 1], answers)],
    }]);
    const { values } = yield* train(engine, {
      network: affine(3, 1),
      loss: { kind: "mse" },
      optimiser: { kind: "sgd", settings: { momentum: 0.9 } },
      rate: 0.05,
      schedule: { kind: "cosine" },
      feed,
      epochs: 400,
      seed: 1,
    }, () => Effect.void);
    const found = [...values.get("weight")!.data as Float32Array, ...values.get("bias")!.data as Float32Array];
    const value = Math.max(...found.map((weight, i) => Math.abs(weight - solved.x.data[i])));
    return { value, ok: value <= 1e-4 };
  }));

const MODULUS = 11;

/** Addition modulo a prime, all pairs, by one block of a transformer. */
const modularAddition = (): Promise<Checked> =>
  now(Effect.scoped(Effect.gen(function* () {
    const pairs = Array.from({ length: MODULUS ** 2 }, (_, i) => [Math.floor(i / MODULUS), i % MODULUS]);
    const network = networkOfLayers(
      sequential(
        embedding({ vocabulary: MODULUS, width: 32 }),
        learnedPositions(),
        encoderBlock({ heads: 4 }),
        reshape([64]),
        linear({ width: MODULUS }),
      ),
      { x: "i32[B,2]" },
    );
    const count = pairs.length;
    const given: Fed = {
      inputs: [tensor("i32", [count, 2], pairs.flat())],
      targets: [tensor("i32", [count], pairs.map(([a, b]) => (a + b) % MODULUS))],
    };
    const { values } = yield* train(engine, {
      network,
      loss: { kind: "crossEntropy" },
      optimiser: { kind: "adam" },
      rate: 0.005,
      schedule: { kind: "oneCycle" },
      feed: fixedFeed([given]),
      epochs: 150,
      seed: 1,
    }, () => Effect.void);
    const answerer = yield* makeAnswerer(engine, network, { batch: count });
    yield* answerer.write(values);
    const [{ data }] = yield* answerer.answer(given.inputs);
    const logits = data as Float32Array;
    const right = pairs.filter(([a, b], row) => {
      const own = logits.subarray(row * MODULUS, (row + 1) * MODULUS);
      return own.indexOf(Math.max(...own)) === (a + b) % MODULUS;
    });
    return { value: right.length / count, ok: right.length === count };
  })));

/** Every check by name. */
export const CHECKS: { readonly [name: string]: () => Promise<Checked> } = {
  "exclusive or, its table: accuracy 1": truthTable,
  "exclusive or of signs, held-out points: accuracy ≥ 0.95": classified("xor", "mlp(2)", 0.95, {
    epochs: 20,
    batch: 16,
    rate: 0.02,
  }),
  "linear regression: within 1e-4 of the closed form": regression,
  "two moons, held-out points: accuracy > 0.95": classified("moons", "mlp(3)", 0.951, {
    epochs: 20,
    batch: 16,
    rate: 0.02,
  }),
  "two spirals, held-out points: accuracy > 0.95": classified(
    "spirals",
    "linear(64) >> tanh >> linear(64) >> tanh >> linear",
    0.951,
    { epochs: 150, batch: 32, rate: 0.02 },
  ),
  [`addition modulo ${MODULUS} by a small transformer, all pairs: accuracy 1`]: modularAddition,
};

/** Makes a check. */
export const learned = (name: string): Promise<Checked> => CHECKS[name]();
