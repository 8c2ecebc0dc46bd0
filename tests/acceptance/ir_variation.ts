/**
 * Acceptance figures of gradients, mutation, crossover and quantisation of tensor programs.
 *
 * Judges: central differences in f64 and the duality of the two modes; the text form, the checks and the verifier for
 * offspring; the float program for the quantised one.
 */
import { random } from "../../kernel/random.ts";
import {
  buildProgram,
  cross,
  CROSSOVER_NAMES,
  evaluate,
  type FunctionBuilder,
  isIrFailure,
  mutate,
  MUTATION_NAMES,
  type Program,
  programDigest,
  quantizeProgram,
  type QuantizeScheme,
  type Tensor,
  tensor,
  undoMutation,
  type Value,
} from "../../plugins/ir/library.ts";
import { isVerified, signatureOf } from "../plugins/ir/offspring.ts";
import { judgeGradient } from "../plugins/ir/gradient_judge.ts";
import { randomProgram } from "../plugins/ir/programs.ts";
import { normals } from "../plugins/ir/support.ts";
import { type Figure, rounded } from "./figure.ts";

const PROGRAMS = 20_000;
const OFFSPRING = 12_000;

const gradients: Figure = {
  name:
    "random programs, control included, whose two modes of differentiation disagree, or that differences contradict",
  unit: `of ${PROGRAMS}`,
  goal: "0",
  measure: ({ progress }) => {
    const counts = { wrong: 0, judged: 0, finite: 0, smooth: 0, structured: 0 };
    for (let seed = 0; seed < PROGRAMS; seed++) {
      if (seed % 500 === 0) progress(seed, PROGRAMS);
      const found = judgeGradient(`acceptance ${seed}`);
      if (found === undefined) continue;
      counts.judged++;
      if (found.fault !== undefined) counts.wrong++;
      if (found.finite) counts.finite++;
      if (found.smooth) counts.smooth++;
      if (found.structured) counts.structured++;
    }
    return Promise.resolve({ value: counts.wrong, ok: counts.wrong === 0 && counts.judged > 5000, detail: counts });
  },
};

const offspring: Figure = {
  name: "offspring of random programs that do not verify, do not differ, lose the signature or are not undone",
  unit: `of ${OFFSPRING}`,
  goal: "0, and at least 95 % distinct",
  measure: ({ progress }) => {
    const digests = new Set<string>();
    const kinds = new Map<string, number>();
    const counts = { made: 0, unverified: 0, unchanged: 0, signature: 0, notUndone: 0 };
    const judge = (parent: Program, child: Program, kind: string): void => {
      counts.made++;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      digests.add(programDigest(child));
      if (!isVerified(child)) counts.unverified++;
      if (programDigest(child) === programDigest(parent)) counts.unchanged++;
      if (signatureOf(child) !== signatureOf(parent)) counts.signature++;
    };
    for (let seed = 0; counts.made < OFFSPRING; seed++) {
      if (seed % 100 === 0) progress(counts.made, OFFSPRING);
      const options = { nodes: 10, symbolic: seed % 2 === 0 };
      const [a, b] = ["a", "b"].map((name) => randomProgram(`offspring ${name} ${seed}`, options));
      const draws = random(`offspring ${seed}`);
      for (const asked of [...MUTATION_NAMES.map((kind) => [kind]), undefined, undefined]) {
        try {
          const { program, record } = mutate(a, draws, asked === undefined ? {} : { kinds: asked });
          judge(a, program, record.kind);
          if (programDigest(undoMutation(program, record)) !== programDigest(a)) counts.notUndone++;
        } catch (thrown) {
          // A kind that finds nothing of its sort in a program says so.
          if (!isIrFailure(thrown) || thrown.code !== "IR_NO_VARIATION") throw thrown;
        }
      }
      for (const kind of CROSSOVER_NAMES) {
        try {
          judge(a, cross(a, b, draws, { kinds: [kind] }).program, kind);
        } catch (thrown) {
          if (!isIrFailure(thrown) || thrown.code !== "IR_NO_VARIATION") throw thrown;
        }
      }
    }
    const { made, ...faults } = counts;
    const value = Object.values(faults).reduce((sum, count) => sum + count, 0);
    const distinct = digests.size / made;
    const detail = { ...counts, distinct: rounded(distinct), kinds: Object.fromEntries(kinds) };
    return Promise.resolve({ value, ok: value === 0 && distinct >= 0.95 && kinds.size >= 20, detail });
  },
};

const WIDTH = 32;

/** A residual perceptron with attention between rows. */
const network = buildProgram(
  { x: `f32[B,${WIDTH}]`, w1: "f32[32,64]", w2: "f32[64,32]", w3: "f32[32,10]" },
  (g: FunctionBuilder, v: { readonly [name: string]: Value }) => {
    const normed = g.normalize(v.x, { axes: [1], epsilon: 1e-5, centered: true });
    const hidden = g.add(v.x, g.matmul(g.activation("gelu", g.matmul(normed, v.w1)), v.w2));
    return g.matmul(g.add(hidden, g.attention(hidden, hidden, hidden)), v.w3);
  },
);

const scaled = (name: string, shape: ReadonlyArray<number>): Tensor => {
  const values = normals(name, shape).data as Float64Array;
  return tensor("f32", shape, values.map((value) => value / Math.sqrt(shape[0])));
};

const weights = { w1: scaled("w1", [32, 64]), w2: scaled("w2", [64, 32]), w3: scaled("w3", [32, 10]) };

const batches = (name: string): ReadonlyArray<ReadonlyArray<Tensor>> =>
  Array.from({ length: 8 }, (_, i) => [normals(`${name} ${i}`, [16, WIDTH], "f32")]);

const quantised = (
  title: string,
  goalDb: number,
  scheme: Partial<QuantizeScheme>,
): Figure => ({
  name: `signal to quantisation noise of a residual attention network, ${title}, on inputs held out`,
  unit: "dB",
  goal: `at least ${goalDb}`,
  measure: () => {
    const calibration = batches("calibration");
    const { program, report } = quantizeProgram(network, {
      weights,
      calibration,
      heldOut: batches("held out"),
      scheme,
    });
    const [{ sqnrDb, max }] = report.results;
    const shapes = evaluate(program, calibration[0]).results[0].shape;
    const { products, skipped, bytesBefore, bytesAfter } = report;
    const detail = { products, skipped: skipped.length, bytesBefore, bytesAfter, largestError: rounded(max), shapes };
    return Promise.resolve({ value: rounded(sqnrDb), ok: sqnrDb >= goalDb && skipped.length === 0, detail });
  },
});

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  gradients,
  offspring,
  quantised("8-bit weights and activations", 25, {}),
  quantised("8-bit by entropy calibration", 18, { calibration: "entropy" }),
  quantised("8-bit activations and 4-bit weights in groups of 16", 15, { weights: "i4", group: 16 }),
];
