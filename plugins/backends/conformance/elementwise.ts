/**
 * Elementwise: every elementwise primitive, dtype and shape, and the same through views that change the order of loads.
 *
 * @module
 */
import { type Dtype, isFloat, PRIMITIVES, type Value } from "../../ir/library.ts";
import type { FunctionBuilder } from "../../ir/library.ts";
import { type Case, caseOf, dtypesOf, type Level, type Operand, shapesOf } from "./case.ts";
import { elementwiseTolerance, EXACT } from "./tolerance.ts";

/** Primitives with one or two operands of one dtype and no attributes. */
const plain = PRIMITIVES.filter((row) =>
  row.loop === "elementwise" && row.operands.length <= 2 && Object.keys(row.attributes.fields).length === 0
);

const takesOf = (row: typeof PRIMITIVES[number]) => row.operands[0].takes;

const plainCases = (level: Level): ReadonlyArray<Case> =>
  plain.flatMap((row) =>
    dtypesOf(takesOf(row), level).flatMap((dtype) =>
      shapesOf(level).map((shape) =>
        caseOf({
          op: row.name,
          operands: row.operands.map((): Operand => [dtype, shape]),
          body: (g, values) => g.emit(row.name, values),
          tolerance: elementwiseTolerance(row.name, dtype),
        })
      )
    )
  );

/** Every pair of edges meets once: operands along two axes. */
const pairCases = (level: Level): ReadonlyArray<Case> =>
  plain.filter(({ operands }) => operands.length === 2).flatMap((row) =>
    dtypesOf(takesOf(row), level).map((dtype) =>
      caseOf({
        op: row.name,
        note: "every edge with every edge",
        operands: [[dtype, [40, 1]], [dtype, [1, 41]]],
        body: (g, [x, y]) => g.emit(row.name, [x, y].map((value) => g.broadcastTo(value, [40, 41]))),
        tolerance: elementwiseTolerance(row.name, dtype),
        filling: "edges",
      })
    )
  );

const DIRECTIONS = ["eq", "ne", "lt", "le", "gt", "ge"] as const;

const compareCases = (level: Level): ReadonlyArray<Case> =>
  DIRECTIONS.flatMap((direction) =>
    dtypesOf("any", level).map((dtype) =>
      caseOf({
        op: "compare",
        note: direction,
        operands: [[dtype, [40, 1]], [dtype, [1, 41]]],
        body: (g, [x, y]) => g.compare(direction, x, y),
        tolerance: EXACT,
      })
    )
  );

const selectCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("any", level).flatMap((dtype) =>
    shapesOf(level).map((shape) =>
      caseOf({
        op: "select",
        operands: [["bool", shape], [dtype, shape], [dtype, shape]],
        body: (g, [p, x, y]) => g.select(p, x, y),
        tolerance: EXACT,
      })
    )
  );

const castCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("any", level).flatMap((from) =>
    dtypesOf("any", level).filter((to) => to !== from).map((to) =>
      caseOf({
        op: "cast",
        note: `to ${to}`,
        operands: [[from, [43]]],
        body: (g, [x]) => g.cast(x, to),
        tolerance: EXACT,
      })
    )
  );

type View = readonly [note: string, shape: ReadonlyArray<number>, view: (g: FunctionBuilder, x: Value) => Value];

/** Views of [5,7]: what they are named, the shape behind them, and how they come about. */
const VIEWS: ReadonlyArray<View> = [
  ["transposed", [7, 5], (g, x) => g.transpose(x, [1, 0])],
  ["reversed", [5, 7], (g, x) => g.reverse(x, [0, 1])],
  ["every second of every third", [15, 14], (g, x) => g.slice(x, { start: [0, 1], limit: [15, 14], stride: [3, 2] })],
  ["one row repeated", [1, 7], (g, x) => g.broadcastTo(x, [5, 7])],
  ["one column repeated", [5, 1], (g, x) => g.broadcastTo(x, [5, 7])],
  ["one number repeated", [], (g, x) => g.broadcastTo(x, [5, 7])],
  ["reshaped", [35], (g, x) => g.reshape(x, [5, 7])],
  ["padded", [3, 4], (g, x) => g.pad(x, 1, { low: [1, 2], high: [1, 1], interior: [0, 0] })],
  [
    "transposed, reversed and cut",
    [9, 6],
    (g, x) => g.sliceAxis(g.sliceAxis(g.reverse(g.transpose(x, [1, 0]), [1]), 0, 1, 6), 1, 2, 9),
  ],
];

const viewCases = (level: Level): ReadonlyArray<Case> =>
  VIEWS.flatMap(([note, shape, view]) =>
    (level === "quick" ? ["f32", "i32"] as const : dtypesOf("number", level)).map((dtype: Dtype) =>
      caseOf({
        op: "add",
        note: `of what is ${note}`,
        operands: [[dtype, shape], [dtype, [5, 7]]],
        body: (g, [x, y]) => [g.add(view(g, x), y), g.sub(g.neg(y), view(g, x))],
        tolerance: EXACT,
      })
    )
  );

/** Chains that a scheduler fuses: the same numbers must come out as node by node, where IEEE determines them. */
const chainCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("number", level).flatMap((dtype) =>
    [[7], [3, 11], [33]].map((shape) =>
      caseOf({
        op: "chain",
        note: "of exact steps",
        operands: [[dtype, shape], [dtype, shape], [dtype, [shape.at(-1)!]]],
        body: (g, [x, y, z]) => {
          const bounded = g.max(g.min(x, y), z);
          const chosen = g.select(g.compare("lt", x, y), g.neg(bounded), g.abs(y));
          return [chosen, g.max(g.add(chosen, x), g.sign(y)), bounded];
        },
        // Steps between which a backend keeps more digits than the dtype has would show in the two-byte formats.
        tolerance: isFloat(dtype) && dtype !== "f64" && dtype !== "f32" ? { ulps: 1 } : EXACT,
      })
    )
  );

/** The cases of this family. */
export const elementwiseCases = (level: Level): ReadonlyArray<Case> => [
  ...plainCases(level),
  ...pairCases(level),
  ...compareCases(level),
  ...selectCases(level),
  ...castCases(level),
  ...viewCases(level),
  ...chainCases(level),
];
