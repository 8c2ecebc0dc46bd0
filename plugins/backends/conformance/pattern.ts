/**
 * Pattern: structured control, and the compositions that schedulers fuse: softmax, norms, attention, losses, and their
 * gradients.
 *
 * @module
 */
import type { Dtype, Program } from "../../ir/contract.ts";
import { type FunctionBuilder, grad, type Value } from "../../ir/library.ts";
import { type Case, caseOf, dtypesOf, type Level, type Made, type Operand } from "./case.ts";
import { EXACT, type Tolerance } from "./tolerance.ts";

/** A composition's rounding errors, relative to its largest element. */
const RELATIVE: { readonly [dtype: string]: number } = { f64: 1e-12, f32: 2e-5, f16: 2e-2, bf16: 1.5e-1 };

const composed = (dtype: Dtype): Tolerance => ({ relative: RELATIVE[dtype] });

/** Control of numbers that every order of computation gives. */
const CONTROL_MADE = (dtype: Dtype): ReadonlyArray<Omit<Made, "tolerance">> => {
  const x: Operand = [dtype, [3, 5]];
  return [
    {
      op: "if",
      operands: [["bool", []], x],
      body: (g, [p, value]) =>
        g.if(p, (h) => [h.neg(value), h.max(value, 1)], (h) => [h.add(value, 1), h.min(value, 1)]),
    },
    {
      op: "if",
      note: "within if, on what was computed",
      operands: [x, x],
      body: (g, [a, b]) =>
        g.if(
          g.compare("lt", g.reduce("max", a), g.reduce("max", b)),
          (h) => h.if(h.compare("gt", h.reduce("min", a), 0), (i) => i.neg(a), (i) => i.neg(b)),
          (h) => h.sub(a, b),
        ),
    },
    {
      op: "while",
      note: "counting to six",
      operands: [x],
      body: (g, [value]) =>
        g.while(
          [g.full({ dtype: "i32", shape: [] }, 0), value],
          (h, [turn]) => h.compare("lt", turn, 6),
          (h, [turn, kept]) => [h.add(turn, 1), h.max(h.neg(kept), value)],
        ),
    },
    {
      op: "while",
      note: "that never turns",
      operands: [x],
      body: (g, [value]) =>
        g.while(
          [value],
          (h) => h.full({ dtype: "bool", shape: [] }, false),
          (h, [kept]) => h.neg(kept),
        ),
    },
    {
      op: "scan",
      note: "over rows",
      operands: [[dtype, [5]], [dtype, [4, 5]]],
      body: (g, [start, rows]) =>
        g.scan({ length: 4 }, [start], [rows], (h, [kept], [row]) => [h.max(h.neg(kept), row), h.min(kept, row)]),
    },
    {
      op: "scan",
      note: "from the end, two carried values",
      operands: [[dtype, []], [dtype, [3]], [dtype, [6, 3]]],
      body: (g, [count, start, rows]) =>
        g.scan(
          { length: 6, reverse: true },
          [count, start],
          [rows],
          (h, [seen, kept], [row]) => [h.add(seen, 1), h.sub(row, kept), h.abs(row)],
        ),
    },
    {
      op: "scan",
      note: "with a choice by each row",
      operands: [["bool", [5]], [dtype, [5]], [dtype, [5, 3]]],
      body: (g, [choices, steps, rows]) =>
        g.scan(
          { length: 5 },
          [],
          [choices, steps, rows],
          (h, _, [choice, step, row]) => h.if(choice, (t) => [t.neg(step), t.abs(row)], (e) => [step, e.neg(row)]),
        ),
    },
    {
      op: "scan",
      note: "over nothing",
      operands: [[dtype, [2]], [dtype, [0, 2]]],
      body: (g, [start, rows]) =>
        g.scan({ length: 0 }, [start], [rows], (h, [kept], [row]) => [h.add(kept, row), kept]),
    },
  ];
};

const controlCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("number", level).flatMap((dtype) => {
    // Three negations and additions of two-byte floats round each time, as the reference does.
    const tolerance: Tolerance = dtype === "f16" || dtype === "bf16" ? { relative: RELATIVE[dtype] } : EXACT;
    return CONTROL_MADE(dtype).map((made) => caseOf({ ...made, tolerance, filling: "ordinary" }));
  });

type Pattern = Omit<Made, "tolerance" | "filling" | "operands"> & {
  readonly shapes: ReadonlyArray<ReadonlyArray<number>>;
};

const PATTERNS: ReadonlyArray<Pattern> = [
  { op: "softmax", note: "last axis", shapes: [[5, 37]], body: (g, [x]) => g.softmax(x, -1) },
  { op: "softmax", note: "first axis", shapes: [[9, 6]], body: (g, [x]) => g.softmax(x, 0) },
  { op: "softmax", note: "of one element", shapes: [[4, 1]], body: (g, [x]) => g.softmax(x, 1) },
  { op: "log_softmax", shapes: [[3, 10]], body: (g, [x]) => g.logSoftmax(x, -1) },
  {
    op: "layer_norm",
    shapes: [[6, 33], [33], [33]],
    body: (g, [x, scale, shift]) =>
      g.add(g.mul(g.normalize(x, { axes: [-1], epsilon: 1e-2, centered: true }), scale), shift),
  },
  {
    op: "rms_norm",
    shapes: [[2, 3, 16]],
    body: (g, [x]) => g.normalize(x, { axes: [-1], epsilon: 1e-2, centered: false }),
  },
  {
    op: "attention",
    shapes: [[2, 2, 5, 8], [2, 2, 7, 8], [2, 2, 7, 8]],
    body: (g, [q, k, v]) => g.attention(q, k, v),
  },
  {
    op: "dense",
    note: "bias, gelu, residual",
    shapes: [[7, 12], [12, 12], [12]],
    body: (g, [x, w, b]) => g.add(g.activation("gelu", g.add(g.matmul(x, w), b)), x),
  },
  {
    op: "dense",
    note: "sent on twice",
    shapes: [[9, 17], [17, 5]],
    body: (g, [x, w]) => {
      const h = g.matmul(x, w);
      return [g.activation("relu", h), g.reduce("sum", h, [0]), g.transpose(h, [1, 0])];
    },
  },
  {
    op: "conv",
    note: "bias, relu, pooled",
    shapes: [[2, 3, 8, 8], [4, 3, 3, 3], [4, 1, 1]],
    body: (g, [x, w, b]) =>
      g.reduceWindow("max", g.activation("relu", g.add(g.conv(x, w, { low: [1, 1], high: [1, 1] }), b)), {
        window: [1, 1, 2, 2],
        strides: [1, 1, 2, 2],
        low: [0, 0, 0, 0],
        high: [0, 0, 0, 0],
        dilation: [1, 1, 1, 1],
      }),
  },
  {
    op: "log_sum_exp",
    shapes: [[4, 21]],
    body: (g, [x]) => {
      const top = g.reduceKeep("max", x, [1]);
      return g.add(g.log(g.reduceKeep("sum", g.exp(g.sub(x, top)), [1])), top);
    },
  },
  {
    op: "variance",
    note: "in two passes over columns",
    shapes: [[19, 6]],
    body: (g, [x]) => [g.meanKeep(x, [0]), g.varianceKeep(x, [0])],
  },
  {
    op: "chain",
    note: "of functions",
    shapes: [[45], [45]],
    body: (g, [x, y]) => g.mul(g.tanh(g.add(x, y)), g.logistic(g.sub(g.sin(x), g.exp(g.neg(g.abs(y)))))),
  },
];

const patternCases = (level: Level): ReadonlyArray<Case> =>
  PATTERNS.flatMap(({ shapes, ...made }) =>
    dtypesOf("float", level).map((dtype) =>
      caseOf({
        ...made,
        operands: shapes.map((shape): Operand => [dtype, shape]),
        tolerance: composed(dtype),
        filling: "unit",
      })
    )
  );

/** The gradient of the sum of a pattern's squared results, with the value. */
const gradientOf = (program: Program): Program => grad(program, { value: true });

const lossCases = (level: Level): ReadonlyArray<Case> =>
  PATTERNS.flatMap(({ shapes, body, ...made }) =>
    dtypesOf("float", level).filter((dtype) => dtype === "f32" || dtype === "f64").map((dtype) => {
      const loss = caseOf({
        ...made,
        note: `${made.note === undefined ? "" : `${made.note}, `}gradient`,
        operands: shapes.map((shape): Operand => [dtype, shape]),
        body: (g, values, wide) => {
          const results = [body(g, values, wide)].flat() as ReadonlyArray<Value>;
          return results.map((value) => g.reduce("sum", g.mul(value, value))).reduce((a, b) => g.add(a, b));
        },
        // Cancellation within a gradient costs a digit more than its value.
        tolerance: { relative: 10 * RELATIVE[dtype] },
        filling: "unit",
      });
      return { ...loss, program: gradientOf(loss.program) };
    })
  );

const STEPS = { quick: 8, full: 60 } as const;

/** Seeded compositions of what every backend fuses differently, bounded so that rounding stays small. */
const randomCases = (level: Level): ReadonlyArray<Case> =>
  Array.from({ length: STEPS[level] }, (_, seed) => seed).map((seed) =>
    caseOf({
      op: "program",
      note: `number ${seed}`,
      operands: [["f32", [6, 10]], ["f32", [10, 6]], ["f32", [10]]],
      body: (g, values) => mixture(g, values, seed),
      tolerance: { relative: 2e-4 },
      filling: "unit",
    })
  );

type Step = (g: FunctionBuilder, x: Value, y: Value, z: Value) => Value;

/** Steps from a [6,10], a [10,6] and a [10] to a [6,10]; all keep magnitudes near one. */
const MIXING: ReadonlyArray<Step> = [
  (g, x) => g.tanh(x),
  (g, x, y) => g.mul(g.add(x, g.transpose(y, [1, 0])), 0.5),
  (g, x, y) => g.mul(g.matmul(x, g.matmul(y, x)), 1 / 60),
  (g, x, _y, z) => g.max(x, z),
  (g, x) => g.sub(x, g.meanKeep(x, [1])),
  (g, x) => g.softmax(x, 0),
  (g, x) => g.reverse(x, [0]),
  (g, x) => g.mul(g.broadcastTo(g.reduceKeep("max", x, [0]), [6, 10]), 0.7),
  (g, x, _y, z) => g.select(g.compare("lt", x, g.broadcastTo(z, [6, 10])), x, g.neg(x)),
  (g, x) => g.concat([g.sliceAxis(x, 1, 3, 10), g.sliceAxis(x, 1, 0, 3)], 1),
  (g, x) => g.div(x, g.add(g.abs(x), 1)),
  (g, x) => g.mul(g.cumulative("sum", x, { axis: 1 }), 0.1),
];

const mixture = (g: FunctionBuilder, [x, y, z]: ReadonlyArray<Value>, seed: number): ReadonlyArray<Value> => {
  let [value, other] = [x, x];
  for (let step = 0; step < 6; step++) {
    const made = MIXING[(seed * 7 + step * (seed % 5 + 3) + step * step) % MIXING.length](g, value, y, z);
    [value, other] = [made, step % 2 === 0 ? value : g.mul(g.add(other, made), 0.5)];
  }
  return [value, other];
};

/** The cases of this family. */
export const patternFamily = (level: Level): ReadonlyArray<Case> => [
  ...controlCases(level),
  ...patternCases(level),
  ...lossCases(level),
  ...randomCases(level),
];
