/**
 * A small evaluator of the fragment without tensors, written from the language's description alone: a second opinion on
 * the laws. Values are exact: integers as bigint, f64 as number, booleans, tuples.
 */
import { type Expression, Tag } from "../../../plugins/rmil/expression.ts";
import { nameOf } from "../../../plugins/rmil/opcodes.ts";
import { toBigInt, toFloat32, toFloat64, type Value } from "../../../plugins/rmil/value.ts";

/** A value, or a function of the input. */
export type Small =
  | bigint
  | number
  | boolean
  | null
  | { readonly f32: number }
  | ReadonlyArray<Small>
  | ((input: Small) => Small);

/** Why there is no value. */
export class NoValue extends Error {}

const fail = (reason: string): never => {
  throw new NoValue(reason);
};

type Names = ReadonlyMap<number, Small>;

const isF32 = (value: Small): value is { readonly f32: number } =>
  typeof value === "object" && value !== null && "f32" in value;

const inRange = (value: bigint): bigint => BigInt.asIntN(64, value) === value ? value : fail("overflow");

const literal = (value: Value): Small => {
  switch (value.k) {
    case "Bool":
      return value.v;
    case "I64":
      return toBigInt(value);
    case "F32":
      return { f32: toFloat32(value) };
    case "F64":
      return toFloat64(value);
    case "Tuple":
      return value.items.map(literal);
    case "Nil":
      return null;
    default:
      return fail("outside the fragment");
  }
};

/** A number wins over NaN; +0 is larger than −0. */
const pickBy = (pick: (...all: ReadonlyArray<number>) => number) => (x: number, y: number): number =>
  Number.isNaN(x) ? y : Number.isNaN(y) ? x : pick(x, y);

const FLOATS: { readonly [name: string]: (...x: ReadonlyArray<number>) => number } = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  neg: (x) => -x,
  abs: Math.abs,
  max: pickBy(Math.max),
  min: pickBy(Math.min),
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  relu: (x) => x > 0 ? x : Number.isNaN(x) ? NaN : 0,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  clamp: (x, low, high) => low <= high ? (x < low ? low : x > high ? high : x) : fail("range"),
};

const INTEGERS: { readonly [name: string]: (...x: ReadonlyArray<bigint>) => bigint } = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => y === 0n ? fail("division by zero") : x / y,
  neg: (x) => -x,
  abs: (x) => x < 0n ? -x : x,
  max: (x, y) => x > y ? x : y,
  min: (x, y) => x < y ? x : y,
  relu: (x) => x > 0n ? x : 0n,
  clamp: (x, low, high) => low <= high ? (x < low ? low : x > high ? high : x) : fail("range"),
};

const compute = (name: string, args: ReadonlyArray<Small>): Small => {
  if (args.every((x) => typeof x === "bigint") && name in INTEGERS) return inRange(INTEGERS[name](...args));
  const wide = args.some((x) => typeof x === "number");
  const numbers = args.map((x) => typeof x === "number" ? x : isF32(x) ? x.f32 : fail("a float is wanted"));
  const made = name in FLOATS ? FLOATS[name](...numbers) : fail(`outside the fragment: ${name}`);
  return wide ? made : { f32: Math.fround(made) };
};

const ARITY: { readonly [name: string]: number } = {
  ...Object.fromEntries(Object.entries({ ...FLOATS, ...INTEGERS }).map(([name, f]) => [name, f.length])),
  max: 2,
  min: 2,
  abs: 1,
  exp: 1,
  log: 1,
  sqrt: 1,
  sin: 1,
  cos: 1,
  tanh: 1,
  neg: 1,
};

const asStage = (value: Small, input: Small, stage: boolean): Small =>
  stage && typeof value === "function" ? value(input) : value;

/** Evaluates an expression on an input; as a stage, a function that it names or makes is applied to the input. */
export const evaluateSmall = (node: Expression, input: Small, names: Names = new Map(), stage = true): Small => {
  const child = (index: number, own: Small, isStage: boolean, scope = names) =>
    evaluateSmall(node.children[index], own, scope, isStage);
  switch (node.tag) {
    case Tag.Lit:
      return literal(node.value);
    case Tag.Ref:
      return names.has(node.code) ? asStage(names.get(node.code)!, input, stage) : fail("unbound");
    case Tag.App: {
      const name = nameOf(node.code)!;
      const args = node.children.map((_, index) => child(index, input, false));
      const wanted = name === "identity" ? 1 : ARITY[name] ?? fail(`outside the fragment: ${name}`);
      const whole = args.length < wanted
        ? [...(wanted - args.length > 1 && Array.isArray(input) ? input : [input]), ...args]
        : args;
      if (whole.length !== wanted) return fail("arguments");
      return name === "identity" ? whole[0] : compute(name, whole);
    }
    case Tag.Seq:
      return child(1, child(0, input, stage), true);
    case Tag.Par:
      return [child(0, input, stage), child(1, input, stage)];
    case Tag.Cond: {
      const chosen = child(0, input, true);
      return typeof chosen === "boolean" ? child(chosen ? 1 : 2, input, stage) : fail("predicate");
    }
    case Tag.Let:
      return child(1, input, stage, new Map([...names, [node.code, child(0, input, false)]]));
    case Tag.Lam: {
      const [{ sym }] = node.parameters;
      const lambda = (given: Small) => evaluateSmall(node.children[0], given, new Map([...names, [sym, given]]), true);
      return asStage(lambda, input, stage);
    }
    case Tag.Block:
      return node.children.reduce<Small>((_, one) => evaluateSmall(one, input, names, stage), null);
    default:
      return fail("outside the fragment");
  }
};

/** A text for a value: equal bits, equal text; every failure is one text. */
export const outcome = (node: Expression, input: Small, names: Names = new Map(), stage = true): string => {
  const show = (value: Small): string =>
    typeof value === "bigint"
      ? `${value}n`
      : typeof value === "number"
      ? Object.is(value, -0) ? "-0" : String(value)
      : isF32(value)
      ? `f32 ${Object.is(value.f32, -0) ? "-0" : value.f32}`
      : Array.isArray(value)
      ? `(${value.map(show).join(", ")})`
      : typeof value === "function"
      ? "a function"
      : String(value);
  try {
    return show(evaluateSmall(node, input, names, stage));
  } catch (error) {
    if (error instanceof NoValue) return "no value";
    throw error;
  }
};
