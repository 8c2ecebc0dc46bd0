/**
 * Acceptance figures of the CPU backend among its peers, and of every backend's conformance.
 *
 * CPU time of one thread, engines taking turns in one process, best of many. Peers: jax-js, TensorFlow.js and
 * onnxruntime-web are portable (WebAssembly); onnxruntime-node and OpenBLAS are native.
 */
import * as Effect from "effect/Effect";
import { type CaseResult, FULL, measureCase } from "../../bench/cpu/measure.ts";
import { BLOCK, CASES, GEMM_SIDES, STEPS } from "../../bench/cpu/cases.ts";
import type { Engine } from "../../bench/cpu/engine.ts";
import { ENGINES, isPresent } from "../../bench/cpu/engines.ts";
import { type Beginning, beginningOf } from "../../bench/cpu/fresh.ts";
import { prepareOn } from "../../bench/cpu/ours.ts";
import { peakGflops } from "../../bench/cpu/peak.ts";
import { BACKENDS, conform } from "../../plugins/backends/library.ts";
import { type Figure, type Measured, rounded } from "./figure.ts";

const OURS = "rmi";
const ACCELERATED = "rmi+openblas";
const PORTABLE = ["jax-js", "tfjs", "onnxruntime-web"];

let started: Promise<ReadonlyArray<Engine>> | undefined;

const engines = (): Promise<ReadonlyArray<Engine>> =>
  started ??= (async () => {
    const found = [];
    for (const start of Object.values(ENGINES)) found.push(await start());
    return found.filter(isPresent);
  })();

const results = new Map<string, Promise<CaseResult>>();

/** A case on all engines, measured once. */
const resultOf = (id: string): Promise<CaseResult> => {
  const known = results.get(id) ??
    (async () => measureCase(CASES.find((each) => each.id === id)!, await engines(), FULL))();
  results.set(id, known);
  return known;
};

const bestMs = ({ timings }: CaseResult, engine: string): number =>
  timings.find((each) => each.engine === engine)?.bestMs ?? NaN;

const bestPortableMs = (result: CaseResult): number =>
  Math.min(...PORTABLE.map((engine) => bestMs(result, engine)).filter((ms) => !Number.isNaN(ms)));

const detailOf = ({ timings, without }: CaseResult) => ({
  engines: Object.fromEntries(
    timings.map((
      { engine, bestMs: best, medianMs },
    ) => [engine, { bestMs: rounded(best), medianMs: rounded(medianMs) }]),
  ),
  without: without.map(({ engine }) => engine),
});

/** How many times faster we are than what stands for a peer. */
const speedup = (
  { name, id, peer, least, stretch, ours = OURS }: {
    readonly name: string;
    readonly id: string;
    readonly peer: (result: CaseResult) => number;
    /** What is to be reached; without it the figure is reported. */
    readonly least?: number;
    /** What would be splendid. */
    readonly stretch?: number;
    readonly ours?: string;
  },
): Figure => ({
  name,
  unit: "times",
  goal: least === undefined ? `reported; stretch ${stretch}` : `at least ${least}`,
  measure: async () => {
    const result = await resultOf(id);
    const value = peer(result) / bestMs(result, ours);
    return { value, ok: least === undefined || value >= least, detail: detailOf(result) };
  },
});

const than = (engine: string) => (result: CaseResult): number => bestMs(result, engine);

const LARGE_SIDES = GEMM_SIDES.filter((side) => side >= 256);

/** Wider vectors than WebAssembly has twice over: there a share of the native library's speed says little. */
const hasAvx512 = (): boolean => {
  try {
    return /\bavx512f\b/u.test(Deno.readTextFileSync("/proc/cpuinfo"));
  } catch {
    return false;
  }
};

/** The least of a ratio over the large products. */
const leastOf = async (ratio: (result: CaseResult, side: number) => number): Promise<Measured> => {
  const found: Array<readonly [number, CaseResult]> = [];
  // One after another: what runs at the same time would be measured with it.
  for (const side of LARGE_SIDES) found.push([side, await resultOf(`gemm ${side}`)]);
  const ratios = found.map(([side, result]) => ratio(result, side));
  return {
    value: Math.min(...ratios),
    ok: true,
    detail: Object.fromEntries(found.map(([side, result]) => [`gemm ${side}`, detailOf(result)])),
  };
};

const gflops = (result: CaseResult, side: number): number => 2 * side ** 3 / bestMs(result, OURS) / 1e6;

const peakShare: Figure = {
  name: "products of 256 to 1024: least share of this machine's peak of 128-bit multiply-adds",
  unit: "percent",
  goal: "at least 70 (stretch 90)",
  measure: async () => {
    const peak = peakGflops();
    if (peak === undefined) return { value: 0, ok: false, detail: "this engine has no fused multiply-add" };
    const found = await leastOf((result, side) => 100 * gflops(result, side) / peak);
    return { ...found, ok: found.value >= 70, detail: { peakGflops: rounded(peak), cases: found.detail ?? null } };
  },
};

const portableProducts: Figure = {
  name: "products of 256 to 1024: least speed in multiples of the fastest portable peer",
  unit: "times",
  goal: "at least 1.4 where vectors end at 256 bits; elsewhere the share of the peak counts",
  measure: async () => {
    const found = await leastOf((result) => bestPortableMs(result) / bestMs(result, OURS));
    return { ...found, ok: hasAvx512() || found.value >= 1.4 };
  },
};

const nativeProducts: Figure = {
  name: "products of 256 to 1024: least speed as a share of OpenBLAS",
  unit: "of one",
  goal: "at least 0.38 where vectors end at 256 bits; elsewhere the share of the peak counts",
  measure: async () => {
    const found = await leastOf((result) => bestMs(result, "openblas") / bestMs(result, OURS));
    return { ...found, ok: hasAvx512() || !(found.value < 0.38) };
  },
};

const agreement: Figure = {
  name: `losses of ${STEPS} training steps: largest relative distance to onnxruntime running the same graph`,
  unit: "of one",
  goal: "at most 1e-5",
  measure: async () => {
    const present = (await engines()).filter(({ name }) => [OURS, "onnxruntime-node"].includes(name));
    if (present.length < 2) return { value: NaN, ok: false, detail: "onnxruntime-node is absent" };
    const detail: { [id: string]: number } = {};
    for (const id of ["mlp step", "block step"]) {
      const runs: Array<ReadonlyArray<number>> = [];
      for (const engine of present) {
        const prepared = (await engine.prepare(CASES.find((each) => each.id === id)!))!;
        const losses: number[] = [];
        for (let step = 0; step < STEPS; step++) losses.push((await prepared.run())[0]);
        await prepared.close?.();
        runs.push(losses);
      }
      detail[id] = Math.max(...runs[0].map((loss, i) => Math.abs(loss - runs[1][i]) / Math.abs(runs[1][i])));
    }
    const value = Math.max(...Object.values(detail));
    return { value, ok: value <= 1e-5, detail };
  },
};

const beginnings = new Map<string, Promise<Beginning | undefined>>();

const beginning = (engine: string): Promise<Beginning | undefined> => {
  const known = beginnings.get(engine) ?? beginningOf(engine, "block step");
  beginnings.set(engine, known);
  return known;
};

const allBeginnings = async () => {
  const found: { [engine: string]: { firstMs: number; memoryMb: number } } = {};
  for (const engine of Object.keys(ENGINES)) {
    const each = await beginning(engine);
    if (each === undefined) continue;
    found[engine] = { firstMs: rounded(each.firstMs), memoryMb: rounded(each.memoryBytes / 2 ** 20) };
  }
  return found;
};

const compiling: Figure = {
  name: "compiling the block's training step, in a new process",
  unit: "ms",
  goal: "at most 100",
  measure: async () => {
    const value = (await beginning(OURS))?.compileMs ?? NaN;
    return { value, ok: value <= 100, detail: await allBeginnings() };
  },
};

const memory: Figure = {
  name: "resident memory of ten of the block's training steps, the engine included",
  unit: "MiB",
  goal: "at most twice the smallest peer's",
  measure: async () => {
    const all = await allBeginnings();
    const peers = Object.entries(all).filter(([engine]) => !engine.startsWith(OURS));
    const smallest = Math.min(...peers.map(([, each]) => each.memoryMb));
    const value = all[OURS]?.memoryMb ?? NaN;
    return { value, ok: value <= 2 * smallest, detail: all };
  },
};

/** Wall time of many runs on some threads; and what came out, which must not depend on them. */
const onThreads = async (
  id: string,
  threads: number,
): Promise<{ readonly ms: number; readonly result: Float32Array }> => {
  const backend = await BACKENDS.find((row) => row.id === "cpu")!.load();
  const prepared = await prepareOn(backend, { threads })(CASES.find((each) => each.id === id)!);
  const result = (await prepared.run()).slice();
  let ms = Infinity;
  for (let run = 0; run < 15; run++) {
    const began = performance.now();
    await prepared.run();
    ms = Math.min(ms, performance.now() - began);
  }
  await prepared.close?.();
  return { ms, result };
};

const twoThreads = (id: string): Figure => ({
  name: `${id}: wall time of one thread in multiples of that of two, results bit for bit the same`,
  unit: "times",
  goal: "reported; results must be the same",
  measure: async () => {
    const [one, two] = [await onThreads(id, 1), await onThreads(id, 2)];
    const same = one.result.every((value, i) => Object.is(value, two.result[i]));
    return { value: one.ms / two.ms, ok: same, detail: { oneMs: rounded(one.ms), twoMs: rounded(two.ms), same } };
  },
});

const conformance = (id: string): Figure => ({
  name: `conformance of ${id}, every case: wrong answers`,
  unit: "cases",
  goal: "0",
  measure: async () => {
    const backend = await BACKENDS.find((row) => row.id === id)!.load();
    const { devices, absence } = await Effect.runPromise(backend.probe);
    if (devices.length === 0) return { value: NaN, ok: false, detail: absence?.reason ?? "absent" };
    const { cases, passed, wrong, deviations } = await Effect.runPromise(conform(backend, { level: "full" }));
    const names = wrong.map(({ name, reason }) => `${name}: ${reason}`);
    return {
      value: wrong.length,
      ok: wrong.length === 0,
      detail: {
        cases,
        passed,
        refused: cases - passed - wrong.length,
        deviations: [...deviations],
        wrong: names.slice(0, 20),
      },
    };
  },
});

const { width, sequence, batch, hidden } = BLOCK;
const block = `transformer block (width ${width}, sequence ${sequence}, batch ${batch}, hidden ${hidden})`;

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  peakShare,
  portableProducts,
  nativeProducts,
  speedup({
    name: "vector times a matrix of 4096: speed as a share of OpenBLAS",
    id: "gemv 4096",
    peer: than("openblas"),
    stretch: 0.8,
  }),
  speedup({
    name: "training step of a perceptron 784-256-128-10: times jax-js",
    id: "mlp step",
    peer: than("jax-js"),
    least: 1.8,
  }),
  speedup({
    name: "training step of a perceptron 784-256-128-10: times tfjs",
    id: "mlp step",
    peer: than("tfjs"),
    least: 10,
  }),
  speedup({ name: `training step of a ${block}: times jax-js`, id: "block step", peer: than("jax-js"), least: 1.8 }),
  speedup({ name: `training step of a ${block}: times tfjs`, id: "block step", peer: than("tfjs"), least: 10 }),
  speedup({
    name: `training step of a ${block}: times onnxruntime-node, no native code`,
    id: "block step",
    peer: than("onnxruntime-node"),
    stretch: 0.56,
  }),
  speedup({
    name: `training step of a ${block}: times onnxruntime-node, products by OpenBLAS`,
    id: "block step",
    peer: than("onnxruntime-node"),
    stretch: 1,
    ours: ACCELERATED,
  }),
  speedup({
    name: "convolution 3x3, 64 to 64 channels at 56x56: times the fastest portable peer",
    id: "conv 3x3",
    peer: bestPortableMs,
    stretch: 1,
  }),
  speedup({
    name: "softmax of 1024x1024: times the fastest portable peer",
    id: "softmax",
    peer: bestPortableMs,
    stretch: 1,
  }),
  speedup({
    name: "layer norm of 1024x1024: times the fastest portable peer",
    id: "layer norm",
    peer: bestPortableMs,
    stretch: 1,
  }),
  compiling,
  memory,
  agreement,
  twoThreads("gemm 1024"),
  twoThreads("block step"),
  conformance("cpu"),
  conformance("openblas"),
  conformance("onnxruntime"),
];
