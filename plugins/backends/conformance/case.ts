/**
 * Case: one small program with its inputs, and how far from the reference its results may be.
 *
 * @module
 */
import type { Dtype, Program, Tensor } from "../../ir/contract.ts";
import {
  buildProgram,
  DTYPE_CLASSES,
  DTYPE_NAMES,
  type DtypeClass,
  type FunctionBuilder,
  isFloat,
  type Results,
  type Value,
} from "../../ir/library.ts";
import type { Tolerance } from "./tolerance.ts";
import { filledTensor, type Filling } from "./values.ts";

/** One case. */
export interface Case {
  /** What it tries, in words: primitive, dtype, sizes and what is special. */
  readonly name: string;
  /** The primitive, control node or pattern it is about. */
  readonly op: string;
  /** The program. */
  readonly program: Program;
  /** The same program in binary64, where sums are bounded by magnitudes. */
  readonly wide?: Program;
  /** Inputs. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** How results are compared. */
  readonly tolerance: Tolerance;
}

/** How many cases: `quick` is enough to see that a backend is whole, `full` visits every size and dtype. */
export type Level = "quick" | "full";

/** A type of an operand: dtype and sizes. */
export type Operand = readonly [dtype: Dtype, shape: ReadonlyArray<number>];

/** What a case is made of. */
export interface Made {
  /** The primitive, control node or pattern. */
  readonly op: string;
  /** What is special about it; operand types are added. */
  readonly note?: string;
  /** Types of the parameters. */
  readonly operands: ReadonlyArray<Operand>;
  /** The body. `wide` is true in the binary64 twin. */
  readonly body: (g: FunctionBuilder, values: ReadonlyArray<Value>, wide: boolean) => Results;
  /** How results are compared. */
  readonly tolerance: Tolerance;
  /** What inputs hold; edges where absent. */
  readonly filling?: Filling;
  /** Inputs in place of generated ones, by position. */
  readonly given?: { readonly [position: number]: Tensor };
}

const typeText = ([dtype, shape]: Operand): string => `${dtype}[${shape.join(",")}]`;

const widened = ([dtype, shape]: Operand): Operand => [isFloat(dtype) ? "f64" : dtype, shape];

const programOf = ({ operands, body }: Made, wide: boolean): Program =>
  buildProgram(
    Object.fromEntries(operands.map((operand, i) => [`x${i}`, typeText(wide ? widened(operand) : operand)])),
    (g, values) => body(g, Object.values(values), wide),
  );

/** A case from its parts. */
export const caseOf = (made: Made): Case => {
  const { op, note, operands, tolerance, filling = "edges", given = {} } = made;
  const name = [op, ...(note === undefined ? [] : [note]), ...operands.map(typeText)].join(" ");
  return {
    name,
    op,
    program: programOf(made, false),
    ...("terms" in tolerance ? { wide: programOf(made, true) } : {}),
    inputs: operands.map(([dtype, shape], i) => given[i] ?? filledTensor(`${name}/${i}`, dtype, shape, filling, i)),
    tolerance,
  };
};

/** Dtypes of a class; at the quick level those whose kernels differ most. */
export const dtypesOf = (takes: DtypeClass, level: Level): ReadonlyArray<Dtype> => {
  const all = DTYPE_NAMES.filter(DTYPE_CLASSES[takes]);
  return level === "full" ? all : all.filter((dtype) => QUICK_DTYPES.has(dtype));
};

const QUICK_DTYPES: ReadonlySet<Dtype> = new Set<Dtype>(["f64", "f32", "f16", "i64", "i32", "i8", "u8", "bool"]);

/** Shapes of elementwise cases: ranks, empty dimensions, and sizes around the widths of vectors. */
export const shapesOf = (level: Level): ReadonlyArray<ReadonlyArray<number>> =>
  level === "quick" ? [[], [43], [2, 0, 3], [3, 1, 5]] : [
    [],
    [0],
    [1],
    [2],
    [3],
    [4],
    [5],
    [7],
    [8],
    [9],
    [15],
    [16],
    [17],
    [31],
    [33],
    [43],
    [64],
    [65],
    [2, 0, 3],
    [3, 1, 5],
    [2, 3, 4, 5],
    [1, 2, 1, 3, 1, 2],
    [2, 2, 2, 2, 2, 3],
  ];
