/**
 * Results of runs that never were, for tests of the report: every member is filled, numbers are of a likely size.
 */
import { digestBytes, digestJson } from "../../../../kernel/digest.ts";
import { type Random, random } from "../../../../kernel/random.ts";
import type { CandidateRecord, CreateResult, Misread } from "../../../../plugins/evolution/create/result.ts";
import { encodeProgram, parse, programDigest } from "../../../../plugins/rmil/library.ts";

const idOf = (text: string) => digestJson(text);

const between = (draw: Random, low: number, high: number): number => low + draw.float() * (high - low);

const PROGRAM = "conv2d(channels: 8, kernel: 5) >> relu >> max_pool >> reshape(shape: (-1, 1152)) >> linear(width: 10)";

const candidates = (draw: Random, count: number): ReadonlyArray<CandidateRecord> => {
  const made = Array.from({ length: count }, (_, i): CandidateRecord => {
    const parameters = Math.round(10 ** between(draw, 2.5, 4.7));
    const generation = Math.floor(i / 12);
    const objectives = [
      Number((30 / Math.sqrt(parameters) + between(draw, 0, 0.06)).toFixed(4)),
      parameters,
      parameters * between(draw, 2, 60),
    ];
    return {
      id: `${generation}.${i % 12}`,
      generation,
      parents: generation === 0 ? [] : [`${generation - 1}.${draw.below(12)}`, `${generation - 1}.${draw.below(12)}`],
      edit: generation === 0 ? "drawn" : draw.pick(["crossed and mutated", "mutated by widen", "mutated by insert"]),
      program: i % 3 === 0 ? PROGRAM : `linear(width: ${16 + i}) >> relu >> linear(width: 10)`,
      settings: { optimizer: "adam", rate: between(draw, 0.001, 0.01), batch: 32, shift: 1 },
      ...(i % 17 === 5 ? { failed: "its loss is not finite" } : { objectives }),
      front: false,
    };
  });
  const beats = (a: CandidateRecord, b: CandidateRecord): boolean =>
    a.objectives !== undefined && b.objectives !== undefined &&
    a.objectives.every((value, i) => value <= b.objectives![i]) &&
    a.objectives.some((value, i) => value < b.objectives![i]);
  return made.map((one) => ({
    ...one,
    front: one.objectives !== undefined && !made.some((other) => beats(other, one)),
  }));
};

/** A ring, as a stand-in for a handwritten zero. */
const ring = (draw: Random): string => {
  const pixels = new Uint8Array(28 * 28);
  const radius = between(draw, 5, 9);
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const off = Math.abs(Math.hypot(x - 13.5, (y - 13.5) * 0.8) - radius);
      pixels[y * 28 + x] = Math.max(0, Math.round(255 * (1 - off / 2)));
    }
  }
  return pixels.toBase64();
};

const misread = (draw: Random, count: number): ReadonlyArray<Misread> =>
  Array.from({ length: count }, (_, i) => ({
    sample: 9_000 + i * 7,
    truth: String(draw.below(10)),
    answer: String(draw.below(10)),
    probability: 0.98 - i * 0.02,
    truthProbability: 0.01,
    image: { width: 28, height: 28, pixels: ring(draw) },
  }));

const HASH = digestBytes(new Uint8Array(3)).slice("sha256:".length);

const ledger = (count: number): CreateResult["ledger"] => ({
  rows: Array.from({ length: count }, (_, i) => ({
    seq: 100 + i,
    at: "2026-01-02T03:04:05.678Z",
    type: ["evolution.run.started", "artifact.stored", "proposal.submitted", "proposal.applied"][i % 4],
    actor: "user@tty",
    about: `the model of step ${i}`,
    hash: idOf(`event ${i}`).slice("sha256:".length),
  })),
  head: { count: 100 + count, hash: HASH },
  verified: true,
});

/** What every result has. */
const common = (draw: Random): Omit<CreateResult, "data" | "judged" | "candidates" | "objectives" | "chosen"> => ({
  format: 1,
  run: "create-digits-0a1b2c3d4e",
  command: "rmi create --data digits --budget-flops 1000000000000 --seed 1",
  seed: 1,
  budget: { kind: "flops", value: 1e12, reproducible: true },
  profile: { backend: "cpu", products: "relaxed multiply-add", tiles: "avx512" },
  machine: { processor: "A processor of two cores", runtime: "deno 2.9.6" },
  at: "2026-01-02T03:04:05Z",
  authority: [{ authority: "readLocal", why: "the data" }, {
    authority: "writeLocal",
    why: "model, files and this page",
  }],
  capabilities: [{ operation: "neural.export", query: "write a model as ONNX", why: "the files" }],
  steps: [
    { name: "plan", did: "read the data and said what it would take", spent: { flops: 0, wallMs: 410 } },
    {
      name: "evolve",
      did: "trained 60 candidates in 5 generations",
      predicted: { flops: 9e11, wallMs: 52_000 },
      spent: { flops: 8.7e11, wallMs: 47_300 },
    },
    {
      name: "train",
      did: "trained the chosen one for 8 epochs",
      predicted: { flops: 1e11, wallMs: 9_000 },
      spent: { flops: 1e11, wallMs: 8_200 },
    },
    { name: "report", did: "wrote this page", spent: { flops: 0, wallMs: 60 } },
  ],
  refused: { "more than 200 bytes": 3, "it exceeds 2.5 MFLOP a sample": 11 },
  training: {
    loss: Array.from({ length: 100 }, (_, i) => [i * 25, 2.3 * Math.exp(-i / 18) + 0.04 + between(draw, 0, 0.03)]),
    epochs: Array.from({ length: 8 }, (_, i) => ({
      epoch: i + 1,
      step: (i + 1) * 312,
      loss: 0.5 / (i + 1),
      scores: { loss: 0.45 / (i + 1) + 0.02, accuracy: 0.985 - 0.08 / (i + 1), mae: 3_000 / (i + 1) },
    })),
  },
  model: {
    digest: idOf("model"),
    names: ["digits@3"],
    parameters: 11_738,
    flops: 468_000,
    bytes: 49_120,
    program: { text: PROGRAM, base64: encodeProgram(parse(PROGRAM)).toBase64(), digest: programDigest(parse(PROGRAM)) },
  },
  quantised: {
    digest: idOf("quantised"),
    bytes: 14_300,
    weights: { before: 46_952, after: 12_020 },
    test: { accuracy: 0.976, loss: 0.071, mae: 1_900, mse: 9e6, r2: 0.91 },
    otherAnswers: 6,
  },
  exports: [
    {
      format: "rmil",
      file: "out/create-digits/model.rmil",
      bytes: 47_100,
      digest: idOf("rmil"),
      verified: { by: "read back and run", samples: 1_000, otherAnswers: 0, distance: 0 },
    },
    {
      format: "onnx",
      file: "out/create-digits/model.onnx",
      bytes: 48_300,
      digest: idOf("onnx"),
      verified: { absent: "onnxruntime-node is not installed: rmi install onnxruntime-node" },
    },
  ],
  registration: {
    proposal: idOf("proposal"),
    domain: "models.digits",
    summary: "Register the model of run create-digits",
    state: "applied",
    by: "policy:default.models",
    within: "reversible, measured on held-out data, no worse than the model in place, at most 32 MiB",
    evidence: [
      { source: "benchmark", by: "evolution.assess", result: "pass", summary: "accuracy 0.978 on 1,000 samples" },
      { source: "self", by: "user@tty", result: "measure", summary: "accuracy 0.979 on validation" },
    ],
  },
  rollback: [
    { did: "before", document: idOf("before") },
    { did: "promoted", model: idOf("model"), document: idOf("after") },
    { did: "undone", document: idOf("before") },
  ],
  ledger: ledger(9),
});

/** Pictures of ten classes. */
export const digitsResult = (seed = "digits", count = 60): CreateResult => {
  const draw = random(seed);
  const labels = Array.from({ length: 10 }, (_, i) => String(i));
  const found = candidates(draw, count);
  const confusion = labels.map((_, i) => labels.map((_, k) => i === k ? 97 : (i * 7 + k * 3) % 23 === 0 ? 1 : 0));
  return {
    ...common(draw),
    data: {
      name: "digits",
      source: "digits",
      splits: { train: 8_000, validation: 1_000, test: 1_000 },
      inputs: [{ name: "image", type: "f32[1,28,28]" }],
      target: {
        name: "digit",
        kind: "classification",
        labels,
        counts: labels.map(() => ({ train: 800, validation: 100, test: 100 })),
      },
    },
    objectives: [
      { name: "error" },
      { name: "parameters", logarithmic: true },
      { name: "work of a sample", unit: "FLOP", logarithmic: true },
    ],
    candidates: found,
    chosen: found.find(({ front }) => front)!.id,
    judged: {
      validation: { loss: 0.062, accuracy: 0.981, macroF1: 0.981, calibrationError: 0.009 },
      test: { loss: 0.069, accuracy: 0.978, macroF1: 0.9779, calibrationError: 0.011 },
    },
    confusion,
    misread: misread(draw, 22),
    calibration: {
      temperature: 1.31,
      before: { calibrationError: 0.021, logLoss: 0.083 },
      after: { calibrationError: 0.009, logLoss: 0.069 },
      bins: [
        { confidence: 0.35, accuracy: 0.4, count: 5 },
        { confidence: 0.55, accuracy: 0.5, count: 14 },
        { confidence: 0.75, accuracy: 0.78, count: 23 },
        { confidence: 0.9, accuracy: 0.88, count: 41 },
        { confidence: 0.995, accuracy: 0.996, count: 917 },
      ],
    },
  };
};

/** Prices of a table. */
export const pricesResult = (): CreateResult => {
  const draw = random("prices");
  const found = candidates(draw, 24);
  const { calibration: _none, misread: _no, confusion: _nor, ...rest } = digitsResult("prices", 24);
  return {
    ...rest,
    run: "create-flats-0a1b2c3d4e",
    profile: {},
    budget: { kind: "time", value: 30_000, reproducible: false },
    data: {
      name: "flats.csv",
      source: { path: "flats.csv", target: "price", prepare: true },
      splits: { train: 960, validation: 120, test: 120 },
      inputs: [{ name: "features", type: "f32[7]" }],
      target: { name: "price", kind: "regression" },
      columns: [
        { name: "size", kind: "number", becomes: "scaled by (x − 74.2) · 0.03; a gap is 73 and marked", missing: 12 },
        { name: "town", kind: "category", becomes: "4 places: east, north, south, (missing)", missing: 40 },
        { name: "price", kind: "number", becomes: "what is learned: a number", missing: 0 },
        { name: "id", kind: "left out", becomes: "an identifier: it counts the rows", missing: 0 },
      ],
    },
    candidates: found,
    chosen: found.find(({ front }) => front)!.id,
    objectives: [{ name: "error" }, { name: "parameters", logarithmic: true }],
    judged: {
      validation: { loss: 0.031, mse: 4.2e6, mae: 1_480, r2: 0.97 },
      test: { loss: 0.034, mse: 4.6e6, mae: 1_530, r2: 0.968 },
    },
    answers: Array.from({ length: 120 }, () => {
      const truth = between(draw, 40_000, 260_000);
      return [truth, truth + between(draw, -6_000, 6_000) + between(draw, -4_000, 4_000)] as const;
    }),
  };
};
