/**
 * Movement: what makes and moves elements without computing: literals, counters, chance, views, indexing, order.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat, type Tensor, tensor } from "../../ir/library.ts";
import { type Case, caseOf, dtypesOf, type Level, type Made, type Operand } from "./case.ts";
import { EXACT, sumTolerance } from "./tolerance.ts";
import { filledTensor } from "./values.ts";

/** A row of a table: what is special, the operand's shape, the body. */
type Row = readonly [op: string, note: string, shape: ReadonlyArray<number>, body: Made["body"]];

const MOVES: ReadonlyArray<Row> = [
  ["stop_gradient", "", [5], (g, [x]) => g.stopGradient(x)],
  ["reshape", "to a vector", [3, 4], (g, [x]) => g.reshape(x, [12])],
  ["reshape", "of one element", [1, 1], (g, [x]) => g.reshape(x, [])],
  ["reshape", "of none", [0, 3], (g, [x]) => g.reshape(x, [2, 0, 5])],
  ["transpose", "of six axes", [2, 3, 1, 2, 2, 3], (g, [x]) => g.transpose(x, [5, 0, 3, 2, 4, 1])],
  ["transpose", "of a large matrix", [33, 17], (g, [x]) => g.transpose(x, [1, 0])],
  ["transpose", "of none", [3, 0], (g, [x]) => g.transpose(x, [1, 0])],
  ["reverse", "one axis", [3, 5], (g, [x]) => g.reverse(x, [1])],
  ["reverse", "three axes", [2, 3, 4], (g, [x]) => g.reverse(x, [0, 1, 2])],
  ["slice", "in steps", [9, 10], (g, [x]) => g.slice(x, { start: [1, 0], limit: [9, 10], stride: [2, 3] })],
  ["slice", "to nothing", [4, 4], (g, [x]) => g.slice(x, { start: [2, 0], limit: [2, 4] })],
  ["broadcast", "between axes", [3, 2], (g, [x]) => g.broadcast(x, [4, 3, 5, 2], [1, 3])],
  ["broadcast", "of one", [1], (g, [x]) => g.broadcast(x, [3, 7], [1])],
  ["broadcast", "to nothing", [2], (g, [x]) => g.broadcast(x, [0, 2], [1])],
  ["pad", "around", [3, 4], (g, [x]) => g.pad(x, 1, { low: [1, 0], high: [2, 3] })],
  ["pad", "taking away", [6, 5], (g, [x]) => g.pad(x, 1, { low: [-1, 2], high: [-2, -1] })],
  ["pad", "between", [3, 2], (g, [x]) => g.pad(x, 1, { low: [0, 1], high: [1, 0], interior: [2, 1] })],
  ["pad", "of none", [0], (g, [x]) => g.pad(x, 1, { low: [2], high: [3] })],
  ["concat", "first axis", [3, 2], (g, [x]) => g.concat([x, g.reverse(x, [0]), x], 0)],
  ["concat", "last axis with none", [2, 3], (g, [x]) => g.concat([x, g.sliceAxis(x, 1, 1, 1), x], 1)],
  ["sort", "ascending", [3, 44], (g, [x]) => [...g.sort(x, 1)]],
  ["sort", "descending along the first axis", [44, 3], (g, [x]) => [...g.sort(x, 0, true)]],
  ["sort", "of ties", [17], (g, [x]) => [...g.sort(g.mul(g.sign(x), g.sign(x)), 0)]],
  ["sort", "of none", [0, 3], (g, [x]) => [...g.sort(x, 0)]],
  ["arg_reduce", "max", [4, 43], (g, [x]) => g.argReduce("max", x, 1)],
  ["arg_reduce", "min", [43, 3], (g, [x]) => g.argReduce("min", x, 0)],
  ["arg_reduce", "of ties", [9], (g, [x]) => g.argReduce("max", g.mul(x, 0), 0)],
];

const NUMBERS_ONLY: ReadonlySet<string> = new Set(["of ties"]);

const moveCases = (level: Level): ReadonlyArray<Case> =>
  MOVES.flatMap(([op, note, shape, body]) =>
    dtypesOf(NUMBERS_ONLY.has(note) ? "number" : "any", level).map((dtype) =>
      caseOf({ op, ...(note === "" ? {} : { note }), operands: [[dtype, shape]], body, tolerance: EXACT })
    )
  );

const makerCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("any", level).flatMap((dtype) => {
    const literal = filledTensor("constant", dtype, [43], "edges");
    const made: Made[] = [
      { op: "constant", note: dtype, operands: [], body: (g) => g.constant(literal), tolerance: EXACT },
    ];
    if (dtype !== "bool") {
      made.push(
        {
          op: "iota",
          note: `${dtype} first axis`,
          operands: [],
          body: (g) => g.iota(dtype, [5, 3], 0),
          tolerance: EXACT,
        },
        {
          op: "iota",
          note: `${dtype} past its range`,
          operands: [],
          body: (g) => g.iota(dtype, [300], 0),
          tolerance: EXACT,
        },
        { op: "dimension", note: dtype, operands: [], body: (g) => g.dimension(37, dtype), tolerance: EXACT },
      );
    }
    return made.map(caseOf);
  });

const randomCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("any", level).flatMap((dtype) =>
    (isFloat(dtype) ? ["uniform", "normal"] as const : ["bits"] as const).map((distribution) =>
      caseOf({
        op: "random",
        note: `${distribution} ${dtype}`,
        operands: [["i64", []]],
        given: { 0: tensor("i64", [], [1234567890123n]) },
        body: (g, [seed]) => g.random(seed, { dtype, shape: [7, 5] }, { distribution, stream: 3 }),
        // A normal deviate takes a logarithm, a root and a cosine.
        tolerance: distribution === "normal" ? { ulps: dtypeInfo(dtype).bits >= 32 ? 16 : 2 } : EXACT,
      })
    )
  );

const INDEX_DTYPES = ["i32", "i64"] as const;

/** Indices inside, repeated, and outside on both sides. */
const indices = (dtype: Dtype, shape: ReadonlyArray<number>, size: number): Tensor => {
  const count = shape.reduce((product, each) => product * each, 1);
  return tensor(dtype, shape, Array.from({ length: count }, (_, i) => BigInt([0, size - 1, 1, -1, size, 1, 0][i % 7])));
};

const indexed = (
  op: string,
  note: string,
  operands: ReadonlyArray<Operand>,
  size: number,
  body: Made["body"],
  tolerance: Made["tolerance"] = EXACT,
): Case =>
  caseOf({
    op,
    note,
    operands,
    given: { 1: indices(operands[1][0], operands[1][1], size) },
    body,
    tolerance,
    ...("terms" in tolerance ? { filling: "ordinary" as const } : {}),
  });

const indexCases = (level: Level): ReadonlyArray<Case> =>
  dtypesOf("any", level).flatMap((dtype) =>
    INDEX_DTYPES.flatMap((by): ReadonlyArray<Case> => [
      indexed("gather", "rows", [[dtype, [4, 3]], [by, [2, 4]]], 4, (g, [x, i]) => g.gather(x, i, 0)),
      indexed("gather", "columns", [[dtype, [3, 5]], [by, [6]]], 5, (g, [x, i]) => g.gather(x, i, 1)),
      indexed("gather", "of none", [[dtype, [3, 0]], [by, [2]]], 3, (g, [x, i]) => g.gather(x, i, 0)),
      indexed(
        "take_along",
        "last axis",
        [[dtype, [3, 5]], [by, [3, 7]]],
        5,
        (g, [x, i]) => g.takeAlong(x, i, 1),
      ),
      indexed(
        "scatter",
        "set",
        [[dtype, [4, 3]], [by, [5]], [dtype, [5, 3]]],
        4,
        (g, [x, i, u]) => g.scatter(x, i, u, 0, "set"),
      ),
      indexed(
        "put_along",
        "set",
        [[dtype, [3, 5]], [by, [3, 7]], [dtype, [3, 7]]],
        5,
        (g, [x, i, u]) => g.putAlong(x, i, u, 1, "set"),
      ),
      ...(dtype === "bool" ? [] : [
        indexed(
          "scatter",
          "add",
          [[dtype, [4, 3]], [by, [9]], [dtype, [9, 3]]],
          4,
          (g, [x, i, u]) => g.scatter(x, i, u, 0, "add"),
          sumTolerance(dtype, 9),
        ),
        indexed(
          "put_along",
          "add",
          [[dtype, [3, 5]], [by, [3, 7]], [dtype, [3, 7]]],
          5,
          (g, [x, i, u]) => g.putAlong(x, i, u, 1, "add"),
          sumTolerance(dtype, 7),
        ),
      ]),
    ])
  );

/** The cases of this family. */
export const movementCases = (level: Level): ReadonlyArray<Case> => [
  ...moveCases(level),
  ...makerCases(level),
  ...randomCases(level),
  ...indexCases(level),
];
