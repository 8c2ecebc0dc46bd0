/**
 * Acceptance figures of training: digits by two networks, ONNX, learning checks, runs that are killed, and
 * speed, start-up and memory beside peers.
 *
 * Judges: labels of held-out samples, which a run reads once; onnxruntime; closed forms; a run that never stopped.
 */
import * as Effect from "effect/Effect";
import {
  exportModel,
  fitProgram,
  judge,
  makeAnswerer,
  type Model,
  planTraining,
  TestGuard,
  train,
} from "../../plugins/neural/library.ts";
import { digitsData } from "../../plugins/neural/data/digits.ts";
import { cpuBackend } from "../../plugins/backends/cpu/mod.ts";
import { parse } from "../../plugins/rmil/library.ts";
import { type Tensor, tensor } from "../../plugins/ir/library.ts";
import { beginnings } from "../../bench/neural/beginnings.ts";
import { timeEpochs } from "../../bench/neural/epochs.ts";
import { runOnnxRuntime } from "../plugins/ir/onnx_runtime.ts";
import { killedRun } from "../plugins/neural/training/killed.ts";
import { CHECKS, learned } from "../plugins/neural/training/learning.ts";
import { type Figure, rounded } from "./figure.ts";

const SEEDS = [1, 2, 3];
const SECONDS = 60;
const TEST_SAMPLES = 1000;

const NETWORKS = {
  "mlp(3), which is 128-64": { program: "mlp(3)", batch: 16, rate: 0.007, least: 0.955, mean: 0.965 },
  "convolutions 8-16 of 5×5": {
    program: "conv2d(8, 5) >> relu >> max_pool >> conv2d(16, 5) >> relu >> max_pool >> reshape((-1, 784)) >> linear",
    batch: 32,
    rate: 0.004,
    least: 0.975,
    mean: 0.98,
  },
} as const;

type NetworkName = keyof typeof NETWORKS;

interface DigitsRun {
  readonly seed: number;
  readonly accuracy: number;
  readonly seconds: number;
  readonly gflop: number;
  /** Test digits on which onnxruntime's answer to the exported model is another class. */
  readonly otherClass: number;
  /** Largest distance of its logits. */
  readonly distance: number;
}

const classesOf = (logits: ArrayLike<number>, rows: number): ReadonlyArray<number> =>
  Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let i = 1; i < 10; i++) if (logits[row * 10 + i] > logits[row * 10 + best]) best = i;
    return best;
  });

/** Trains with the settings of a network, judges once, exports and asks onnxruntime the same digits. */
const digitsRun = (name: NetworkName, seed: number): Promise<DigitsRun> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { program, batch, rate } = NETWORKS[name];
    const dataset = yield* digitsData;
    const started = performance.now();
    const fitted = fitProgram(parse(program), dataset.schema);
    const { plan } = planTraining(fitted.network, dataset, { epochs: 5, batch, rate, seed });
    const { values, flops } = yield* train(cpuBackend, plan, () => Effect.void);
    const seconds = (performance.now() - started) / 1000;
    const answerer = yield* makeAnswerer(cpuBackend, fitted.network, { batch: TEST_SAMPLES });
    yield* answerer.write(values);
    let own: ArrayLike<number> = [];
    const judged = yield* judge(answerer, fitted.network, dataset, {
      split: "test",
      guard: new TestGuard(),
      each: (outputs) => own = Float64Array.from(outputs),
    });
    const model: Model = { ...fitted, values, metrics: {}, lineage: { made: "train" } };
    const [port] = fitted.network.inputs;
    const shape = [TEST_SAMPLES, ...port.type.shape.slice(1).map(Number)];
    const pixels = new Float32Array(TEST_SAMPLES * 784);
    dataset.splits.test.forEach((sample, row) => {
      const one = new Uint8Array(784);
      dataset.inputs[0].read(sample, one, 0);
      one.forEach((value, i) => pixels[row * 784 + i] = value / 255);
    });
    const input: Tensor = tensor("f32", shape, pixels);
    const ran = yield* Effect.promise(() => runOnnxRuntime(exportModel(model, "onnx"), new Map([[port.name, input]])));
    if ("unsupported" in ran) throw new Error(ran.unsupported);
    const theirs = ran.results[0].data as Float32Array;
    const [answers, others] = [classesOf(own, TEST_SAMPLES), classesOf(theirs, TEST_SAMPLES)];
    let distance = 0;
    for (let i = 0; i < theirs.length; i++) distance = Math.max(distance, Math.abs(theirs[i] - own[i]));
    return {
      seed,
      accuracy: judged.scores.accuracy,
      seconds: rounded(seconds),
      gflop: rounded(flops / 1e9),
      otherClass: answers.filter((answer, i) => answer !== others[i]).length,
      distance: rounded(distance),
    };
  })));

const kept = new Map<NetworkName, Promise<ReadonlyArray<DigitsRun>>>();

const runsOf = (name: NetworkName): Promise<ReadonlyArray<DigitsRun>> => {
  const known = kept.get(name) ?? (async () => {
    const runs: DigitsRun[] = [];
    for (const seed of SEEDS) runs.push(await digitsRun(name, seed));
    return runs;
  })();
  kept.set(name, known);
  return known;
};

const digitsFigures = (name: NetworkName): ReadonlyArray<Figure> => {
  const { least, mean } = NETWORKS[name];
  const at = `digits by ${name}, 5 epochs, shifted by up to a pixel`;
  return [
    {
      name: `${at}: mean accuracy of ${SEEDS.length} seeds on 1,000 held-out digits`,
      unit: "share",
      goal: `mean ≥ ${mean}, each seed ≥ ${least}`,
      measure: async () => {
        const runs = await runsOf(name);
        const value = runs.reduce((sum, { accuracy }) => sum + accuracy, 0) / runs.length;
        return {
          value: rounded(value),
          ok: value >= mean && runs.every(({ accuracy }) => accuracy >= least),
          detail: runs.map(({ seed, accuracy, gflop }) => ({ seed, accuracy, gflop })),
        };
      },
    },
    {
      name: `${at}: longest training, compilation included`,
      unit: "s",
      goal: `≤ ${SECONDS}`,
      measure: async () => {
        const runs = await runsOf(name);
        const value = Math.max(...runs.map(({ seconds }) => seconds));
        return { value, ok: value <= SECONDS, detail: runs.map(({ seconds }) => seconds) };
      },
    },
    {
      name: `${at}: test digits on which onnxruntime, given the ONNX export, answers another class`,
      unit: `of ${SEEDS.length * TEST_SAMPLES}`,
      goal: "0",
      measure: async () => {
        const runs = await runsOf(name);
        const value = runs.reduce((sum, { otherClass }) => sum + otherClass, 0);
        return {
          value,
          ok: value === 0,
          detail: { largestDistanceOfLogits: Math.max(...runs.map((r) => r.distance)) },
        };
      },
    },
  ];
};

const learning: Figure = {
  name: "learning checks passed",
  unit: `of ${Object.keys(CHECKS).length}`,
  goal: "all",
  measure: async ({ progress }) => {
    const names = Object.keys(CHECKS);
    const found: { readonly [name: string]: number }[] = [];
    let passed = 0;
    for (const [i, name] of names.entries()) {
      progress(i, names.length);
      const { value, ok } = await learned(name);
      found.push({ [name]: rounded(value) });
      if (ok) passed++;
    }
    return { value: passed, ok: passed === names.length, detail: found };
  },
};

const KILLS = 50;

const killed: Figure = {
  name: `trainings killed by SIGKILL ${KILLS} times at random moments whose model differs from one that never stopped`,
  unit: "models",
  goal: "0",
  measure: async ({ progress }) => {
    let [kills, runs, wrong] = [0, 0, 0];
    while (kills < KILLS) {
      progress(kills, KILLS);
      const run = await killedRun(`acceptance ${runs}`, Math.min(10, KILLS - kills));
      kills += run.kills;
      runs++;
      if (!run.same) wrong++;
    }
    return { value: wrong, ok: wrong === 0, detail: { kills, runs } };
  },
};

const ROUNDS = 6;
const CNN_STEPS = 20;

/** How many times as fast as a peer an epoch is to be. */
const PEERS = { tfjs: 3, "jax-js": 1.5 } as const;

const speed = (network: "mlp" | "cnn", peers: ReadonlyArray<keyof typeof PEERS>): Figure => ({
  name: `epoch of the digits by ${network}: CPU time of the fastest of ${peers.join(" and ")} over this project's`,
  unit: "times",
  goal: peers.map((peer) => `≥ ${PEERS[peer]} of ${peer}`).join(", "),
  measure: async () => {
    const dataset = await Effect.runPromise(digitsData);
    const how = network === "mlp" ? { rounds: ROUNDS } : { rounds: 3, steps: CNN_STEPS };
    const [own, ...others] = await timeEpochs(network, dataset, how);
    const ratios = peers.map((peer) => ({
      peer,
      ratio: others.find(({ name }) => name.startsWith(peer))!.cpuMs / own.cpuMs,
    }));
    return {
      value: rounded(Math.min(...ratios.map(({ ratio }) => ratio)), 3),
      ok: ratios.every(({ peer, ratio }) => ratio >= PEERS[peer]),
      detail: [own, ...others].map(({ name, cpuMs, losses }) => ({
        name,
        cpuMs: rounded(cpuMs),
        losses: losses.map((loss) => rounded(loss)),
      })),
    };
  },
});

const PROCESSES = 5;

let begun: ReturnType<typeof beginnings> | undefined;

/** What a process takes that trains one epoch: ours over the lighter peer's, the runtime's own share in both. */
const beginning = (
  name: string,
  most: number,
  taken: (one: { readonly epochCpuMs: number; readonly peakBytes: number }) => number,
): Figure => ({
  name: `${name} of a process that trains the digits by mlp, over the lighter of tfjs and jax-js`,
  unit: "times",
  goal: `≤ ${most}`,
  measure: async () => {
    const all = await (begun ??= (async () => beginnings(await Effect.runPromise(digitsData), PROCESSES))());
    const of = (wanted: string): number => taken(all.find(({ beginner }) => beginner === wanted)!);
    const value = of("rmi") / Math.min(of("tfjs"), of("jax-js"));
    return {
      value: rounded(value, 3),
      ok: value <= most,
      detail: all.map((each) => ({
        name: each.name,
        firstStepCpuMs: rounded(each.cpuMs),
        firstStepWallMs: rounded(each.wallMs),
        epochCpuMs: rounded(each.epochCpuMs),
        peakMiB: rounded(each.peakBytes / 2 ** 20),
      })),
    };
  },
});

/** The figures. */
export const figures: ReadonlyArray<Figure> = [
  ...digitsFigures("mlp(3), which is 128-64"),
  ...digitsFigures("convolutions 8-16 of 5×5"),
  learning,
  killed,
  speed("mlp", ["tfjs", "jax-js"]),
  speed("cnn", ["jax-js"]),
  beginning("start-up: CPU time from the start to the end of the first epoch,", 1, ({ epochCpuMs }) => epochCpuMs),
  beginning("memory: most resident bytes over an epoch", 2, ({ peakBytes }) => peakBytes),
];
