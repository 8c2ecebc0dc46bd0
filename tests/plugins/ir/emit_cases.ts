/**
 * Programs that emitted text is judged on, and the comparison of what it prints with the reference.
 */
import {
  buildProgram,
  elements,
  evaluate,
  functionOf,
  isFloat,
  type Program,
  type Tensor,
  tensor,
} from "../../../plugins/ir/library.ts";
import { randomInputs, randomProgram } from "./programs.ts";

/** A program, inputs for it, and what they give. */
export interface EmitCase {
  readonly name: string;
  readonly program: Program;
  readonly inputs: ReadonlyArray<Tensor>;
  readonly results: ReadonlyArray<Tensor>;
}

const DTYPES = ["f32", "f64", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8"] as const;

const caseOf = (name: string, program: Program, inputs: ReadonlyArray<Tensor>): EmitCase => ({
  name,
  program,
  inputs,
  results: evaluate(program, inputs).results,
});

/** Random programs in the element types that languages have. */
export const randomCases = (prefix: string, count: number): ReadonlyArray<EmitCase> =>
  Array.from({ length: count }, (_, i) => {
    const seed = `${prefix}/${i}`;
    const options = { nodes: 6, edges: false, dtypes: DTYPES };
    const program = randomProgram(seed, options);
    return caseOf(seed, program, randomInputs(program, seed, options));
  });

/** A layer with attention, every kind of loop in one program. */
export const patternCases = (): ReadonlyArray<EmitCase> => {
  const attention = buildProgram({ x: "f32[2,5,8]", w: "f32[8,24]", v: "f32[8]" }, (g, { x, w, v }) => {
    const parts = g.matmul(x, w);
    const [q, k, value] = [0, 1, 2].map((i) => g.sliceAxis(parts, 2, i * 8, i * 8 + 8));
    const seen = g.attention(q, k, value);
    const normal = g.mul(g.normalize(g.add(seen, x), { axes: [2], epsilon: 1e-5, centered: true }), v);
    return [normal, g.argReduce("max", normal, 2), g.activation("gelu", normal)];
  });
  const image = buildProgram({ x: "f32[1,3,9,9]", w: "f32[4,3,3,3]" }, (g, { x, w }) => {
    const seen = g.activation("relu", g.conv(x, w, { strides: [2, 2], low: [1, 1], high: [1, 1] }));
    const ones = [1, 1, 1, 1];
    const window = {
      window: [1, 1, 2, 2],
      strides: [1, 1, 2, 2],
      low: [0, 0, 0, 0],
      high: [0, 0, 1, 1],
      dilation: ones,
    };
    return [g.reduceWindow("max", seen, window), g.cumulative("sum", seen, { axis: 3 })];
  });
  const newton = buildProgram({ x: "f64[4]" }, (g, { x }) => {
    const one = g.full(x.type, 1);
    const [root, turns] = g.while(
      [one, g.full({ dtype: "i64", shape: [] }, 0n)],
      (inner, [y]) => inner.reduceAll("any", inner.compare("gt", inner.abs(inner.sub(inner.mul(y, y), x)), 1e-9)),
      (inner, [y, n]) => [inner.mul(inner.add(y, inner.div(x, y)), 0.5), inner.add(n, 1)],
    );
    return [root, turns];
  });
  const draws = buildProgram({ seed: "i64[]" }, (g, { seed }) => [
    ...(["f32", "f64"] as const).flatMap((dtype) => [
      g.random(seed, { dtype, shape: [5] }, { distribution: "uniform" }),
      g.random(seed, { dtype, shape: [5] }, { distribution: "normal", stream: 4294967295 }),
    ]),
    ...(["bool", "u8", "i16", "u32", "i32", "i64", "u64"] as const).map((dtype) =>
      g.random(seed, { dtype, shape: [3] }, { distribution: "bits", stream: 9 })
    ),
  ]);
  const filled = (program: Program, name: string) =>
    caseOf(name, program, randomInputs(program, name, { edges: false }));
  const positive = (program: Program): EmitCase => {
    const { type } = functionOf(program).parameters[0];
    const data = Float64Array.from([0.25, 2, 9, 100]);
    return caseOf("newton", program, [{ dtype: "f64", shape: type.shape as ReadonlyArray<number>, data }]);
  };
  return [
    filled(attention, "attention"),
    filled(image, "image"),
    positive(newton),
    caseOf("draws", draws, [tensor("i64", [], [-81985529216486896n])]),
  ];
};

const RELATIVE = { f64: 1e-9, f32: 2e-4 };

const parsed = (line: string): number =>
  /nan/iu.test(line) ? NaN : /inf/iu.test(line) ? (line.startsWith("-") ? -Infinity : Infinity) : Number(line);

const agrees = (line: string | undefined, want: number | bigint | boolean, of: Tensor): boolean => {
  if (line === undefined) return false;
  if (!isFloat(of.dtype)) return BigInt(line) === BigInt.asIntN(64, BigInt(want)) || BigInt(line) === BigInt(want);
  const [got, wanted] = [parsed(line), Number(want)];
  const bound = RELATIVE[of.dtype as "f64" | "f32"] * (1 + Math.abs(wanted));
  return got === wanted || (Number.isNaN(got) && Number.isNaN(wanted)) || Math.abs(got - wanted) <= bound;
};

/** What is wrong with the lines a program printed; undefined where nothing is. */
export const wrongLine = (printed: string, results: ReadonlyArray<Tensor>): string | undefined => {
  const lines = printed.split("\n").filter((line) => line !== "");
  let at = 0;
  for (const [index, result] of results.entries()) {
    for (const want of elements(result)) {
      const line = lines[at++];
      if (!agrees(line, want, result)) return `result ${index}: ${line} instead of ${want}`;
    }
  }
  return at === lines.length ? undefined : `${lines.length} lines instead of ${at}`;
};
