/**
 * Judges the derivatives of one random program: the two modes against each other, and against differences where the
 * program is smooth. Points are moved away from kinks; where one lies on the way all the same, differences do not judge.
 */
import {
  evaluate,
  functionOf,
  grad,
  isConcrete,
  isFloat,
  jvp,
  type Program,
  ProgramBuilder,
  returnTypes,
  type Tensor,
  toFloats,
} from "../../../plugins/ir/library.ts";
import { GENERATED_OPS, randomInputs, randomProgram } from "./programs.ts";
import { normals } from "./support.ts";

const BOUND = 16;
/** Differences see through stop_gradient. */
const OPS = GENERATED_OPS.filter((op) => op !== "stop_gradient");
const OPTIONS = {
  ops: OPS,
  dtypes: ["f64", "i64", "bool"],
  edges: false,
  empty: false,
  nodes: 10,
  maxSize: 3,
} as const;

/** A weighted sum of all float results of a program, as a program; undefined where it has none. */
const scalarProgram = (program: Program): Program | undefined => {
  const types = returnTypes(functionOf(program));
  if (!types.some(({ dtype }) => dtype === "f64") || !types.every(isConcrete)) return undefined;
  const p = new ProgramBuilder();
  for (const fn of program.functions.values()) p.add(fn);
  const parameters = Object.fromEntries(functionOf(program).parameters.map(({ name, type }) => [name, type]));
  p.function("scalar", parameters, (g, values) =>
    g.call(program.entry, Object.values(values))
      .filter(({ type }) => type.dtype === "f64")
      .map((value, i) => {
        const weights = normals(`weights ${i}`, value.type.shape as ReadonlyArray<number>);
        return g.reduce("sum", g.mul(g.sin(value), g.constant(weights)));
      })
      .reduce((sum, part) => g.add(sum, part)));
  return p.build("scalar");
};

const inner = (a: ReadonlyArray<Tensor>, b: ReadonlyArray<Tensor>): number =>
  a.reduce((sum, x, i) => toFloats(x).reduce((part, value, k) => part + value * toFloats(b[i])[k], sum), 0);

/** The value at a step along directions. */
const moved = (program: Program, inputs: ReadonlyArray<Tensor>, directions: ReadonlyArray<Tensor>, step: number) => {
  let next = 0;
  const at = inputs.map((input) => {
    if (input.dtype !== "f64") return input;
    const direction = toFloats(directions[next++]);
    return { ...input, data: Float64Array.from(toFloats(input), (x, i) => x + step * direction[i]) };
  });
  return toFloats(evaluate(program, at).results[0])[0];
};

/** What was found of one program. */
export interface GradientJudgement {
  /** Whether both modes gave finite numbers. */
  readonly finite: boolean;
  /** Whether differences could judge. */
  readonly smooth: boolean;
  /** Whether control flow took part in a derivative that is not zero. */
  readonly structured: boolean;
  /** What is wrong. */
  readonly fault?: string;
}

const CONTROL = new Set(["if", "while", "scan", "call"]);

/** Judges a random program by its seed; undefined where it has nothing to differentiate. */
export const judgeGradient = (seed: string): GradientJudgement | undefined => {
  const made = randomProgram(seed, OPTIONS);
  const program = scalarProgram(made);
  if (program === undefined) return undefined;
  // Moved a little, so that no two elements are tied and none is a small integer.
  const inputs = randomInputs(made, `inputs ${seed}`, OPTIONS).map((input, i) => {
    if (input.dtype !== "f64") return input;
    const shift = toFloats(normals(`shift ${seed} ${i}`, input.shape));
    return { ...input, data: Float64Array.from(toFloats(input), (x, k) => x + 0.1 * shift[k]) };
  });
  const floats = inputs.filter(({ dtype }) => isFloat(dtype));
  if (floats.length === 0) return undefined;
  const directions = floats.map(({ shape }, i) => normals(`direction ${seed} ${i}`, shape));
  const gradients = evaluate(grad(program, { bound: BOUND }), inputs).results;
  const tangent = toFloats(evaluate(jvp(program), [...inputs, ...directions]).results[0])[0];
  const product = inner(gradients, directions);
  const none = { finite: false, smooth: false, structured: false };
  if (!Number.isFinite(tangent) || !Number.isFinite(product) || Math.abs(tangent) > 1e6) return none;
  if (Math.abs(tangent - product) > 1e-8 * Math.max(1, Math.abs(tangent))) {
    return { ...none, finite: true, fault: `forward ${tangent}, reverse ${product}` };
  }
  const used = [...made.functions.values()].some((fn) => fn.nodes.some(({ op }) => CONTROL.has(op)));
  const structured = used && tangent !== 0;
  const at = (step: number) => moved(program, inputs, directions, step);
  const [after, before] = [(at(1e-6) - at(0)) / 1e-6, (at(0) - at(-1e-6)) / 1e-6];
  const [wide, narrow] = [1e-5, 5e-6].map((step) => (at(step) - at(-step)) / (2 * step));
  const scale = Math.max(1, Math.abs(wide));
  // At a kink or a jump the sides disagree; next to one, the steps do.
  const smooth = Math.abs(after - before) <= 1e-4 * scale && Math.abs(wide - narrow) <= 1e-7 * scale;
  const wrong = smooth && Math.abs(tangent - wide) > 1e-5 * scale;
  return { finite: true, smooth, structured, ...(wrong ? { fault: `${tangent} instead of ${wide}` } : {}) };
};
