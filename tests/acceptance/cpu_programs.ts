/**
 * Acceptance figures of the CPU backend's results: random programs against the reference.
 *
 * Floats are judged where small differences stay small: without the primitives that turn them into large ones
 * (comparisons, rounding, sorting, casts; sines and powers of large numbers). Integers and bools are judged on every
 * primitive that takes them, exactly.
 */
import {
  castTensor,
  type Dtype,
  DTYPE_NAMES,
  evaluate,
  isFloat,
  PRIMITIVES,
  type Tensor,
} from "../../plugins/ir/library.ts";
import { GENERATED_OPS, type ProgramOptions, randomInputs, randomProgram } from "../plugins/ir/programs.ts";
import { differenceOf, onCpu } from "../plugins/backends/cpu/agreement.ts";
import type { Figure } from "./figure.ts";

const PROGRAMS = 3000;

const JUMPS: ReadonlySet<string> = new Set([
  "compare",
  "floor",
  "ceil",
  "round",
  "sign",
  "rem",
  "cast",
  "sort",
  "arg_reduce",
  "select_and_scatter",
  "reduce_window",
  "while",
  "if",
]);

/** Primitives whose results change by more than their operands do. */
const STEEP: ReadonlySet<string> = new Set(["sin", "cos", "pow", "exp", "expm1", "log", "log1p", "div"]);

const FLOATS_ONLY: ReadonlySet<string> = new Set(
  PRIMITIVES.filter(({ operands }) => operands.some(({ takes }) => takes === "float")).map(({ name }) => name),
);

/** Units in the last place, of the value or of 1, that ten operations may be off. */
const UNITS = 1024;

const figure = (kind: string, options: ProgramOptions, narrow = false): Figure => ({
  name: `random programs of ${kind} whose results differ from the reference's, of ${PROGRAMS}`,
  unit: "programs",
  goal: "0",
  measure: ({ progress }) => {
    const wrong: string[] = [];
    for (let seed = 0; seed < PROGRAMS; seed++) {
      if (seed % 200 === 0) progress(seed, PROGRAMS);
      const program = randomProgram(`acceptance ${kind} ${seed}`, options);
      const inputs = randomInputs(program, seed, options);
      // A sum of binary32 numbers in binary64 is as exact as its terms.
      const judged = (results: ReadonlyArray<Tensor>): ReadonlyArray<Tensor> =>
        results.map((result) => narrow && result.dtype === "f64" ? castTensor(result, "f32") : result);
      const why = differenceOf(judged(evaluate(program, inputs).results), judged(onCpu(program, inputs)), UNITS);
      if (why !== undefined) wrong.push(`${seed}: ${why}`);
    }
    return Promise.resolve({ value: wrong.length, ok: wrong.length === 0, detail: wrong.slice(0, 10) });
  },
});

const WHOLE: ReadonlyArray<Dtype> = DTYPE_NAMES.filter((dtype) => !isFloat(dtype));

const GENTLE: ProgramOptions = {
  nodes: 10,
  ops: GENERATED_OPS.filter((op) => !JUMPS.has(op) && !STEEP.has(op)),
  edges: false,
  maxSize: 9,
};

/** The figures of the area. */
export const figures: ReadonlyArray<Figure> = [
  figure("integers and bools", {
    nodes: 20,
    dtypes: WHOLE,
    ops: GENERATED_OPS.filter((op) => op !== "cast" && op !== "random" && !FLOATS_ONLY.has(op)),
  }),
  figure("binary64", { ...GENTLE, dtypes: ["f64"] }),
  figure("binary32", { ...GENTLE, dtypes: ["f32"] }, true),
];
