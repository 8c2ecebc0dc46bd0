/**
 * Tensor op: one application of an op to tensor types, made into a program of the IR. Check reads its types and cost,
 * the interpreter runs it, so what is checked is what runs.
 *
 * Not arguments (ops/arguments.ts) and not values.
 * Invariant: failures speak of the op and its operands; the caller adds the path.
 *
 * @module
 */
import type { Dimension, Dtype as IrDtype, Program, Shape } from "../../ir/contract.ts";
import {
  type FunctionBuilder,
  functionOf,
  isIrFailure,
  ProgramBuilder,
  returnTypes,
  type Value,
} from "../../ir/library.ts";
import type { Failure } from "../../../kernel/mod.ts";
import type { Dtype } from "../dtype.ts";
import { badParameter, outOfFuel, outOfMemory, wrongOperand, wrongShape } from "../interpreter/failures.ts";
import { CARRIERS, fromCarrier } from "../interpreter/run_value.ts";
import { LOWERINGS } from "../lowering.ts";
import { type OpName, OPS } from "../opcodes.ts";
import { type AttributeValue, OPERAND_KINDS, type OperandRow, type OpRow, type ParameterRow } from "../ops/row.ts";
import type { Settings } from "./lowering.ts";
import { isFloatDtype, isIntegerDtype, promote } from "./promotion.ts";
import { closeBroadcast, matchShape, sizeOfRule, type Sizes } from "./sizes.ts";

/** A tensor's type as a lowering sees it. */
export interface TensorOperand {
  /** Element type. */
  readonly dtype: Dtype;
  /** Sizes, possibly symbolic. */
  readonly shape: Shape;
  /** Whether it is a scalar of the language, which does not widen a tensor. */
  readonly weak: boolean;
}

/** One application. */
export interface Application {
  /** The op. */
  readonly row: OpRow;
  /** One entry an operand; `undefined` where an optional one is not given. */
  readonly operands: ReadonlyArray<TensorOperand | undefined>;
  /** Arguments of a repeated operand. */
  readonly rest: ReadonlyArray<TensorOperand>;
  /** Parameters given as arguments. */
  readonly given: ReadonlyMap<string, TensorOperand>;
  /** Attributes given. */
  readonly attributes: { readonly [name: string]: AttributeValue };
  /** Whether the run trains. */
  readonly training: boolean;
  /** Keeps several random draws from one seed apart; 0 where absent. */
  readonly stream?: number;
}

/** A parameter that an application needs. */
export interface NeededParameter {
  /** Its row. */
  readonly row: ParameterRow;
  /** Element type. */
  readonly dtype: Dtype;
  /** Sizes. */
  readonly shape: Shape;
  /** Inputs an output sums over, for the initialiser. */
  readonly fan: Dimension;
  /** Outputs an input reaches, for the initialiser. */
  readonly fanOut: Dimension;
}

/** What an application became. */
export interface TensorProgram {
  /** The program: operands given, then rest, then parameters, then the seed where it draws. */
  readonly program: Program;
  /** Parameters, in order. */
  readonly parameters: ReadonlyArray<NeededParameter>;
  /** Whether the last input is an i64 seed. */
  readonly drawn: boolean;
  /** Types of the results, those of running statistics left out. */
  readonly results: ReadonlyArray<TensorOperand>;
  /** Whether the results are a tuple. */
  readonly tuple: boolean;
  /** Parameters whose new values follow the results. */
  readonly running: ReadonlyArray<string>;
}

const FLOAT_ONLY: ReadonlySet<string> = new Set([
  "exp",
  "log",
  "sqrt",
  "sin",
  "cos",
  "gelu",
  "silu",
  "sigmoid",
  "tanh",
  "mish",
  "softplus",
]);

const MOVES_ANYTHING: ReadonlySet<string> = new Set([
  "reshape",
  "transpose",
  "slice",
  "concat",
  "gather",
  "scatter",
  "res_cat",
]);

const typeText = ({ dtype, shape }: TensorOperand): string => `${dtype}[${shape.join(",")}]`;

const accepts = (row: OpRow, operand: OperandRow, dtype: Dtype): boolean => {
  switch (operand.takes) {
    case "float":
      return isFloatDtype(dtype);
    case "number":
      return FLOAT_ONLY.has(row.name) ? isFloatDtype(dtype) : dtype !== "b1" || MOVES_ANYTHING.has(row.name);
    case "index":
      return isIntegerDtype(dtype);
    case "flag":
      return dtype === "b1";
    default:
      return true;
  }
};

/** Refuses an operand whose dtype the op does not take. */
export const needDtype = (row: OpRow, operand: OperandRow, given: TensorOperand): void => {
  if (accepts(row, operand, given.dtype)) return;
  const takes = FLOAT_ONLY.has(row.name) ? OPERAND_KINDS.float : OPERAND_KINDS[operand.takes];
  throw wrongOperand({
    op: row.name,
    operand: operand.name,
    takes,
    found: typeText(given),
    expected: takes,
    actual: given.dtype,
  });
};

/** Whether an operand meets the others in one dtype. */
const shares = (row: OpRow, operand: OperandRow, given: TensorOperand): boolean =>
  (operand.takes === "float" || operand.takes === "number" || operand.takes === "any") &&
  !(row.name === "cross_entropy" && operand.name === "target" && isIntegerDtype(given.dtype));

/** Attributes with their defaults, and with what given parameters say of sizes that are not given. */
const settingsOf = ({ row, given, attributes }: Application, sizes: Sizes): Settings => {
  const settings: { [name: string]: AttributeValue | Dimension | undefined } = { ...attributes };
  for (const parameter of row.parameters) {
    const { shape } = given.get(parameter.name) ?? { shape: [] };
    parameter.shape.forEach((rule, axis) => {
      const attribute = row.attributes.find(({ name, kind }) => name === rule && kind === "size");
      if (attribute !== undefined && settings[rule] === undefined && shape[axis] !== undefined) {
        settings[rule] = shape[axis];
      }
    });
  }
  for (const { name, kind, default: fallback } of row.attributes) {
    if (settings[name] !== undefined) continue;
    settings[name] = typeof fallback === "string" && (kind === "size" || kind === "count")
      ? sizeOfRule(row.name, fallback, sizes, settings)
      : fallback;
  }
  return settings;
};

const neededParameters = (
  { row, given }: Application,
  sizes: Sizes,
  settings: Settings,
  dtype: Dtype,
): ReadonlyArray<NeededParameter> =>
  row.parameters.filter(({ when }) => when === undefined || settings[when] === true).map((parameter) => {
    const read = (rule: string): Dimension => sizeOfRule(row.name, rule, sizes, settings);
    const shape = parameter.shape.map(read);
    const own = given.get(parameter.name);
    if (own !== undefined && own.shape.join(",") !== shape.join(",")) {
      throw badParameter({
        parameter: parameter.name,
        reason: `${row.name} takes it as [${shape.join(",")}], and [${own.shape.join(",")}] was given`,
        expected: shape.join(","),
        actual: own.shape.join(","),
      });
    }
    return { row: parameter, dtype, shape, fan: read(parameter.fan ?? "1"), fanOut: read(parameter.fanOut ?? "1") };
  });

const CODES: { readonly [code: string]: (op: string, thrown: Failure) => Failure } = {
  IR_DTYPE: (op, { message }) => wrongOperand({ op, operand: "operand", takes: "another dtype", found: message }),
  IR_FUEL: (_, { expected }) => outOfFuel({ limit: Number(expected ?? 0) }),
  IR_MEMORY: (_, { expected }) => outOfMemory({ what: "bytes of tensors", limit: Number(expected ?? 0) }),
};

/** Runs a computation of the IR; its failures become the language's own. */
export const asMeaning = <A>(op: string, compute: () => A): A => {
  try {
    return compute();
  } catch (thrown) {
    if (!isIrFailure(thrown)) throw thrown;
    const translate = CODES[thrown.code];
    if (translate !== undefined) throw translate(op, thrown);
    throw wrongShape({
      op,
      reason: thrown.message.replace(/^Cannot [a-z]+ [^:]*: /u, ""),
      ...(thrown.expected === undefined ? {} : { expected: thrown.expected }),
      ...(thrown.actual === undefined ? {} : { actual: thrown.actual }),
    });
  }
};

const refined = (application: Application, sizes: Sizes): Application => {
  const { row, rest } = application;
  const repeated = row.operands.at(-1);
  application.operands.forEach((given, i) => given && needDtype(row, row.operands[i], given));
  rest.forEach((given) => needDtype(row, repeated!, given));
  // Twice, so that a size which only a later operand knows reaches the earlier ones.
  let operands = application.operands;
  for (let pass = 0; pass < 2; pass++) {
    operands = operands.map((given, i) => {
      const pattern = row.operands[i].shape;
      if (given === undefined || pattern === undefined) return given;
      return { ...given, shape: matchShape(row.name, row.operands[i].name, pattern, given.shape, sizes) };
    });
  }
  const isElementwise = row.operands.every(({ shape }) => shape === undefined) && row.family !== "Memory";
  if (!isElementwise) return { ...application, operands };
  const shapes = closeBroadcast(operands.map((given) => given?.shape ?? []));
  return { ...application, operands: operands.map((given, i) => given && { ...given, shape: shapes[i] }) };
};

/** The dtype that the sharing operands meet in. */
const workingDtype = ({ row, operands, rest }: Application): Dtype => {
  const sharing = [
    ...operands.filter((given, i) => given !== undefined && shares(row, row.operands[i], given)),
    ...rest,
  ] as ReadonlyArray<TensorOperand>;
  if (sharing.length === 0) return "f32";
  const met = promote(sharing);
  if (met !== undefined) return met;
  throw wrongOperand({
    op: row.name,
    operand: "operands",
    takes: "one kind of elements",
    found: sharing.map(typeText).join(" and "),
  });
};

/** Makes the program of an application; throws the failure that refuses it. */
export const tensorProgram = (application: Application): TensorProgram =>
  asMeaning(application.row.name, () => lowered(application));

/** Where an application is emitted, and what its places hold there. */
interface Ground {
  readonly g: FunctionBuilder;
  /** An operand as it is given. */
  readonly operand: (name: string, given: TensorOperand) => Value;
  /** A parameter that it needs. */
  readonly parameter: (needed: NeededParameter) => Value;
  /** An i64 that random draws start from. */
  readonly seed: () => Value;
}

/** What an application made. */
interface Emitted extends Pick<TensorProgram, "parameters" | "drawn" | "tuple"> {
  /** The results. */
  readonly values: ReadonlyArray<Value>;
  /** New values of running statistics. */
  readonly running: { readonly [parameter: string]: Value };
  /** The dtype that the sharing operands met in. */
  readonly working: Dtype;
}

/** What is neither shared nor a flag are indices, which the evaluator takes in two dtypes. */
const neededBy = (row: OpRow, place: OperandRow, given: TensorOperand, working: Dtype): IrDtype | undefined =>
  shares(row, place, given)
    ? CARRIERS[working]
    : isIntegerDtype(given.dtype) && given.dtype !== "i32" && given.dtype !== "i64"
    ? "i64"
    : undefined;

const emitted = (application: Application, { g, operand, parameter, seed }: Ground): Emitted => {
  const sizes: Sizes = new Map();
  const own = refined(application, sizes);
  const { row, rest, training } = own;
  const working = workingDtype(own);
  const settings = settingsOf(own, sizes);
  const parameters = neededParameters(own, sizes, settings, isFloatDtype(working) ? working : "f32");
  const take = (name: string, given: TensorOperand, needed: IrDtype | undefined): Value => {
    const value = operand(name, given);
    return needed === undefined ? value : g.cast(value, needed);
  };
  const operands: { [name: string]: Value } = {};
  own.operands.forEach((given, i) => {
    const place = row.operands[i];
    if (given !== undefined) operands[place.name] = take(place.name, given, neededBy(row, place, given, working));
  });
  const parts = rest.map((given, i) => take(`part${i}`, given, CARRIERS[working]));
  const weights = Object.fromEntries(parameters.map((needed) => [needed.row.name, parameter(needed)]));
  const drawn = training && row.effect === "random";
  const made = LOWERINGS[row.name]({
    op: row.name,
    g,
    operands,
    rest: parts,
    parameters: weights,
    settings,
    training,
    seed: drawn ? seed() : undefined,
    stream: application.stream ?? 0,
  });
  const tuple = "tuple" in made;
  const values = tuple ? made.tuple : "running" in made ? [made.value] : [made];
  return { values, running: "running" in made ? made.running : {}, tuple, drawn, parameters, working };
};

const lowered = (application: Application): TensorProgram => {
  const builder = new ProgramBuilder();
  const g = builder.open("main");
  const { values, running, tuple, drawn, parameters, working } = emitted(application, {
    g,
    operand: (name, { dtype, shape }) => g.parameter(name, { dtype: CARRIERS[dtype], shape }),
    parameter: ({ row, dtype, shape }) =>
      g.parameter(`${application.row.name}.${row.name}`, { dtype: CARRIERS[dtype], shape }),
    seed: () => g.parameter("seed", { dtype: "i64", shape: [] }),
  });
  builder.add(g.function([...values, ...Object.values(running)]));
  const program = builder.build("main");
  const ours = (dtype: IrDtype): Dtype => dtype === CARRIERS[working] ? working : fromCarrier(dtype);
  const results = returnTypes(functionOf(program)).slice(0, values.length)
    .map(({ dtype, shape }) => ({ dtype: ours(dtype), shape, weak: false }));
  return { program, parameters, drawn, results, tuple, running: Object.keys(running) };
};

/** An application to values of a function under construction. */
export interface OpUse {
  /** The function. */
  readonly g: FunctionBuilder;
  /** The op's name. */
  readonly op: OpName;
  /** Operands by name; a repeated one is `rest`. */
  readonly operands: { readonly [name: string]: Value };
  /** Arguments of a repeated operand. */
  readonly rest?: ReadonlyArray<Value>;
  /** Attributes given; the others have their defaults. */
  readonly attributes?: { readonly [name: string]: AttributeValue };
  /** Gives a learned tensor or a running statistic that the op needs, of the IR's dtype of `needed.dtype`. */
  readonly parameter?: (needed: NeededParameter) => Value;
  /** Whether the program trains. */
  readonly training?: boolean;
  /** An i64 that random draws start from, and a number that keeps several draws from it apart. */
  readonly random?: { readonly seed: Value; readonly stream: number };
}

/** What an application to values gives. */
export interface OpValues {
  /** The results, one unless the op gives a tuple. */
  readonly values: ReadonlyArray<Value>;
  /** New values of running statistics, by parameter. */
  readonly running: { readonly [parameter: string]: Value };
}

/**
 * Emits an op into a function under construction: how layers use the language's ops. Throws what the interpreter would
 * refuse, and `RMIL_SHAPE` where a parameter or a seed is needed and none can be given.
 */
export const applyOp = (use: OpUse): OpValues => {
  const row = OPS[use.op];
  const known = ({ type }: Value): TensorOperand => ({
    dtype: fromCarrier(type.dtype),
    shape: type.shape,
    weak: false,
  });
  const rest = use.rest ?? [];
  const values: { readonly [name: string]: Value } = {
    ...use.operands,
    ...Object.fromEntries(rest.map((value, i) => [`part${i}`, value])),
  };
  const missing = (what: string): never => {
    throw wrongShape({ op: row.name, reason: `it needs ${what}, and none is given` });
  };
  const application: Application = {
    row,
    operands: row.operands.filter(({ repeats }) => repeats !== true)
      .map(({ name }) => use.operands[name] && known(use.operands[name])),
    rest: rest.map(known),
    given: new Map(),
    attributes: use.attributes ?? {},
    training: use.training ?? false,
    stream: use.random?.stream ?? 0,
  };
  return asMeaning(row.name, () =>
    emitted(application, {
      g: use.g,
      operand: (name) => values[name],
      parameter: (needed) => use.parameter?.(needed) ?? missing(`a parameter ${needed.row.name}`),
      seed: () => use.random?.seed ?? missing("a seed"),
    }));
};
