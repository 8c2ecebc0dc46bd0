/**
 * Reduction: what combines elements: reductions, running ones, windows, products and convolutions.
 *
 * @module
 */
import type { Dtype } from "../../ir/contract.ts";
import { type Case, caseOf, dtypesOf, type Level, type Operand } from "./case.ts";
import { EXACT, sumTolerance, type Tolerance } from "./tolerance.ts";

type Shape = ReadonlyArray<number>;

const AXES: ReadonlyArray<readonly [shape: Shape, axes: ReadonlyArray<number>]> = [
  [[43], [0]],
  [[3, 43], [1]],
  [[43, 5], [0]],
  [[3, 4, 5], [0, 2]],
  [[2, 3, 4], [1]],
  [[2, 3, 2, 2, 1, 3], [1, 3, 5]],
  [[0], [0]],
  [[3, 0], [1]],
  [[0, 3], [1]],
  [[1, 1], [0, 1]],
  [[7, 129], [1]],
];

const KINDS = ["sum", "prod", "max", "min"] as const;

const countOf = (shape: Shape, axes: ReadonlyArray<number>): number =>
  axes.reduce((product, axis) => product * shape[axis], 1);

const foldTolerance = (kind: string, dtype: Dtype, terms: number): Tolerance =>
  kind === "sum" || kind === "prod" ? sumTolerance(dtype, terms) : EXACT;

/** A product of ordinary numbers stays within the format; sums and extrema meet the edges too. */
const fillingOf = (kind: string) => kind === "prod" ? "unit" as const : "edges" as const;

const reduceCases = (level: Level): ReadonlyArray<Case> =>
  AXES.flatMap(([shape, axes]) => [
    ...KINDS.flatMap((kind) =>
      dtypesOf("number", level).map((dtype) =>
        caseOf({
          op: "reduce",
          note: `${kind} over ${axes}`,
          operands: [[dtype, shape]],
          body: (g, [x]) => g.reduce(kind, x, axes),
          tolerance: foldTolerance(kind, dtype, countOf(shape, axes)),
          filling: fillingOf(kind),
        })
      )
    ),
    ...(["any", "all"] as const).map((kind) =>
      caseOf({
        op: "reduce",
        note: `${kind} over ${axes}`,
        operands: [["bool", shape]],
        body: (g, [x]) => g.reduce(kind, x, axes),
        tolerance: EXACT,
      })
    ),
  ]);

/** An ordinary sum next to one of edges: cancellation, and numbers far apart. */
const sumCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("float", level).flatMap((dtype) =>
    [[1], [17], [4, 33], [300]].map((shape) =>
      caseOf({
        op: "reduce",
        note: "sum of ordinary numbers",
        operands: [[dtype, shape]],
        body: (g, [x]) => [g.reduce("sum", x), g.mean(x, [shape.length - 1])],
        tolerance: sumTolerance(dtype, shape.reduce((product, size) => product * size, 1)),
        filling: "ordinary",
      })
    )
  );

const cumulativeCases = (level: Level): ReadonlyArray<Case> =>
  KINDS.flatMap((kind) =>
    dtypesOf("number", level).flatMap((dtype) =>
      [
        { reverse: false, exclusive: false },
        { reverse: true, exclusive: false },
        { reverse: false, exclusive: true },
        { reverse: true, exclusive: true },
      ].map((how) =>
        caseOf({
          op: "cumulative",
          note: `${kind}${how.reverse ? " reverse" : ""}${how.exclusive ? " exclusive" : ""}`,
          operands: [[dtype, [3, 9]], [dtype, [5, 2]], [dtype, [0, 2]]],
          body: (g, [x, y, z]) => [
            g.cumulative(kind, x, { axis: 1, ...how }),
            g.cumulative(kind, y, { axis: 0, ...how }),
            g.cumulative(kind, z, { axis: 0, ...how }),
          ],
          tolerance: foldTolerance(kind, dtype, 9),
          filling: kind === "sum" ? "ordinary" : fillingOf(kind),
        })
      )
    )
  );

const SLIDING = [
  { window: [3], strides: [1], low: [0], high: [0], dilation: [1], shape: [11] },
  { window: [2, 3], strides: [2, 1], low: [1, 0], high: [0, 2], dilation: [1, 1], shape: [5, 6] },
  { window: [1, 2, 2], strides: [1, 2, 2], low: [0, 0, 0], high: [0, 0, 0], dilation: [1, 1, 1], shape: [2, 4, 6] },
  { window: [3], strides: [2], low: [2], high: [2], dilation: [2], shape: [9] },
] as const;

const windowCases = (level: Level): ReadonlyArray<Case> =>
  (["sum", "max", "min"] as const).flatMap((kind) =>
    SLIDING.flatMap(({ shape, ...sliding }) =>
      dtypesOf("number", level).map((dtype) =>
        caseOf({
          op: "reduce_window",
          note: `${kind} of ${sliding.window} by ${sliding.strides}`,
          operands: [[dtype, [...shape]]],
          body: (g, [x]) => g.reduceWindow(kind, x, sliding),
          tolerance: foldTolerance(kind, dtype, 9),
        })
      )
    )
  );

const selectScatterCases = (level: Level): ReadonlyArray<Case> =>
  (["max", "min"] as const).flatMap((kind) =>
    dtypesOf("number", level).map((dtype) =>
      caseOf({
        op: "select_and_scatter",
        note: kind,
        operands: [[dtype, [6, 7]], [dtype, [3, 3]]],
        body: (g, [x, source]) =>
          g.selectAndScatter(kind, x, source, {
            window: [2, 3],
            strides: [2, 2],
            low: [0, 0],
            high: [0, 0],
            dilation: [1, 1],
          }),
        tolerance: sumTolerance(dtype, 4),
        filling: "ordinary",
      })
    )
  );

const SIDES: { readonly [L in Level]: ReadonlyArray<readonly [m: number, n: number, k: number]> } = {
  quick: [[1, 1, 1], [3, 5, 7], [8, 16, 9], [17, 9, 33], [0, 3, 2], [3, 0, 2], [3, 2, 0], [1, 40, 41], [40, 1, 41]],
  full: [
    ...[1, 2, 5, 6, 7, 8, 9, 13].flatMap((m) => [1, 4, 7, 8, 9, 17].map((n) => [m, n, (m + n) % 11 + 1] as const)),
    [0, 3, 2],
    [3, 0, 2],
    [3, 2, 0],
    [1, 129, 257],
    [129, 1, 257],
    [100, 100, 1],
    [97, 65, 300],
  ],
};

/** How operands lie in memory: neither, either or both transposed. */
const LAYOUTS = ["as they are", "left transposed", "right transposed", "both transposed"] as const;

const dotCases = (level: Level): ReadonlyArray<Case> =>
  SIDES[level].flatMap(([m, n, k]) =>
    dtypesOf("number", level).flatMap((dtype) =>
      LAYOUTS.filter((_, i) => level === "full" || dtype === "f32" || i === 0).map((layout, i) => {
        const [left, right] = [(i & 1) === 1, i >= 2];
        return caseOf({
          op: "dot",
          note: layout,
          operands: [[dtype, left ? [k, m] : [m, k]], [dtype, right ? [n, k] : [k, n]]],
          body: (g, [x, y]) =>
            g.dot(x, y, {
              x_batch: [],
              y_batch: [],
              x_contract: [left ? 0 : 1],
              y_contract: [right ? 1 : 0],
            }),
          tolerance: sumTolerance(dtype, k),
          filling: "ordinary",
        });
      })
    )
  );

const batchedCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("number", level).flatMap((dtype) => [
    caseOf({
      op: "dot",
      note: "in batches",
      operands: [[dtype, [2, 3, 5, 4]], [dtype, [2, 3, 4, 6]]],
      body: (g, [x, y]) => g.matmul(x, y),
      tolerance: sumTolerance(dtype, 4),
      filling: "ordinary",
    }),
    caseOf({
      op: "dot",
      note: "over two axes, batch in the middle",
      operands: [[dtype, [3, 2, 4]], [dtype, [4, 3, 2, 5]]],
      body: (g, [x, y]) => g.dot(x, y, { x_batch: [1], y_batch: [2], x_contract: [0, 2], y_contract: [1, 0] }),
      tolerance: sumTolerance(dtype, 12),
      filling: "ordinary",
    }),
    caseOf({
      op: "dot",
      note: "with edges",
      operands: [[dtype, [5, 3]], [dtype, [3, 5]]],
      body: (g, [x, y]) => g.matmul(x, y),
      tolerance: sumTolerance(dtype, 3),
    }),
  ]);

const WIDER: ReadonlyArray<readonly [from: Dtype, to: Dtype]> = [
  ["f16", "f32"],
  ["bf16", "f32"],
  ["f32", "f64"],
  ["i8", "i32"],
  ["u8", "u32"],
  ["i16", "i64"],
];

const wideCases = (): ReadonlyArray<Case> =>
  WIDER.map(([from, to]) =>
    caseOf({
      op: "dot",
      note: `accumulated in ${to}`,
      operands: [[from, [7, 37]], [from, [37, 9]]],
      body: (g, [x, y], wide) =>
        g.dot(
          x,
          y,
          { x_batch: [], y_batch: [], x_contract: [1], y_contract: [0] },
          wide ? x.type.dtype : to,
        ),
      tolerance: sumTolerance(to, 37),
      filling: "ordinary",
    })
  );

const CONVOLUTIONS: ReadonlyArray<readonly [note: string, x: Shape, w: Shape, how: object]> = [
  ["plain", [1, 2, 7, 8], [3, 2, 3, 3], {}],
  ["padded, in steps", [2, 3, 9, 9], [4, 3, 3, 3], { strides: [2, 2], low: [1, 1], high: [1, 1] }],
  ["dilated", [1, 2, 11, 10], [2, 2, 3, 2], { dilation: [2, 3] }],
  ["in groups", [1, 4, 6, 6], [6, 2, 3, 3], { groups: 2, low: [1, 1], high: [1, 1] }],
  ["one channel each", [2, 3, 5, 5], [3, 1, 3, 3], { groups: 3 }],
  ["transposed", [1, 2, 4, 4], [3, 2, 3, 3], { input_dilation: [2, 2], low: [1, 1], high: [2, 2] }],
  ["cropped", [1, 1, 8, 8], [1, 1, 3, 3], { low: [-1, -2], high: [-1, 0] }],
  ["along one axis", [2, 3, 17], [4, 3, 5], { low: [4], high: [0] }],
  ["along three axes", [1, 2, 4, 5, 4], [2, 2, 2, 3, 2], {}],
  ["by one", [1, 5, 6, 7], [4, 5, 1, 1], {}],
  ["without space", [3, 4], [5, 4], {}],
  ["of nothing", [0, 2, 5, 5], [3, 2, 3, 3], {}],
];

const convCases = (level: Level): ReadonlyArray<Case> =>
  CONVOLUTIONS.flatMap(([note, x, w, how]) =>
    (level === "quick" ? ["f32", "f64", "i32"] as const : dtypesOf("number", level)).map((dtype: Dtype) =>
      caseOf({
        op: "conv",
        note,
        operands: [[dtype, x], [dtype, w]] satisfies ReadonlyArray<Operand>,
        body: (g, [image, kernel]) => g.conv(image, kernel, how),
        tolerance: sumTolerance(dtype, w.slice(1).reduce((product, size) => product * size, 1)),
        filling: "ordinary",
      })
    )
  );

/** The cases of this family. */
export const reductionCases = (level: Level): ReadonlyArray<Case> => [
  ...reduceCases(level),
  ...sumCases(level),
  ...cumulativeCases(level),
  ...windowCases(level),
  ...selectScatterCases(level),
  ...dotCases(level),
  ...batchedCases(level),
  ...wideCases(),
  ...convCases(level),
];
