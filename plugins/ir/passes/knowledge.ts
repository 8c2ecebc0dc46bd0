/**
 * Knowledge: what is known of every element of a value before it is computed: no NaN, no −0, finite, not below zero.
 *
 * Invariant: monotone (knowing more of operands never makes less known of a result) and sound for the reference: what is
 * called known holds for every element of every run.
 *
 * @module
 */
import type { Attributes } from "../graph.ts";
import { dtypeInfo, isFloat, type TensorType } from "../types.ts";
import { type Tensor, toFloats, toIntegers } from "../value.ts";
import { KNOWN } from "./pattern.ts";

/** A node as its rule sees it. */
export interface KnowledgeSite {
  /** What is known of the operands. */
  readonly known: ReadonlyArray<number>;
  /** Operand types. */
  readonly types: ReadonlyArray<TensorType>;
  /** Type of the result. */
  readonly result: TensorType;
  /** Attributes. */
  readonly attributes: Attributes;
  /** Whether the first two operands are the same value. */
  readonly same: boolean;
}

const { notNaN, notMinusZero, finite, notBelowZero } = KNOWN;
const ALL = notNaN | notMinusZero | finite | notBelowZero;
const POSITIVE_SIDE = notBelowZero | notMinusZero;

const when = (holds: boolean, bits: number): number => holds ? bits : 0;
const has = (known: number, bits: number): boolean => (known & bits) === bits;
const both = ({ known: [x, y] }: KnowledgeSite, bits: number): boolean => has(x & y, bits);

const first = ({ known: [x] }: KnowledgeSite): number => x;
const every = ({ known }: KnowledgeSite): number => known.reduce((sofar, bits) => sofar & bits, ALL);
const bounded = ({ known: [x] }: KnowledgeSite): number => when(has(x, notNaN), notNaN | finite);

/** What holds of the values of an element type, whatever they are. */
const byDtype = ({ dtype }: TensorType): number =>
  isFloat(dtype) ? 0 : notNaN | notMinusZero | finite | when(!dtypeInfo(dtype).signed, notBelowZero);

/** What holds of the elements of a literal. */
export const knownOfLiteral = (value: Tensor): number => {
  if (!isFloat(value.dtype)) {
    return byDtype(value) | when(toIntegers(value).every((x) => x >= 0n), notBelowZero);
  }
  const floats = toFloats(value);
  return when(floats.every((x) => !Number.isNaN(x)), notNaN) |
    when(floats.every((x) => !Object.is(x, -0)), notMinusZero) |
    when(floats.every(Number.isFinite), finite | notNaN) |
    when(floats.every((x) => !(x < 0)), notBelowZero);
};

const rounded = ({ known: [x] }: KnowledgeSite): number =>
  (x & (notNaN | finite | notBelowZero)) | when(has(x, POSITIVE_SIDE), notMinusZero);

const cast = ({ known: [x], types: [from], result }: KnowledgeSite): number => {
  if (!isFloat(result.dtype)) return 0;
  const [a, b] = [dtypeInfo(from.dtype), dtypeInfo(result.dtype)];
  if (!isFloat(from.dtype)) {
    return notNaN | notMinusZero | (x & notBelowZero) | when(result.dtype !== "f16", finite);
  }
  const widens = b.mantissa! >= a.mantissa! && b.minExponent! <= a.minExponent!;
  return widens ? x : (x & (notNaN | notBelowZero)) | when(has(x, POSITIVE_SIDE), notMinusZero);
};

const RULES: { readonly [op: string]: (site: KnowledgeSite) => number } = {
  constant: ({ attributes }) => knownOfLiteral(attributes.value as Tensor),
  neg: ({ known: [x] }) => x & (notNaN | finite),
  abs: ({ known: [x] }) => (x & (notNaN | finite)) | POSITIVE_SIDE,
  sign: ({ known: [x] }) => (x & (notNaN | POSITIVE_SIDE)) | when(has(x, notNaN), finite),
  exp: ({ known: [x] }) => (x & notNaN) | POSITIVE_SIDE,
  logistic: (site) => bounded(site) | POSITIVE_SIDE,
  tanh: bounded,
  erf: bounded,
  sin: ({ known: [x] }) => when(has(x, finite), finite | notNaN),
  cos: ({ known: [x] }) => when(has(x, finite), finite | notNaN),
  sqrt: ({ known: [x] }) =>
    notBelowZero | (x & notMinusZero) | when(has(x, notNaN | notBelowZero), notNaN) |
    when(has(x, finite | notBelowZero), finite | notNaN),
  floor: ({ known: [x] }) => x,
  ceil: rounded,
  round: rounded,
  stop_gradient: first,
  cast,
  add: (site) =>
    when(site.known.some((x) => has(x, notMinusZero)), notMinusZero) | when(both(site, notBelowZero), notBelowZero) |
    when(both(site, finite) || both(site, notNaN | notBelowZero), notNaN),
  mul: (site) =>
    site.same
      ? POSITIVE_SIDE | (site.known[0] & notNaN)
      : when(both(site, finite), notNaN) | when(both(site, notBelowZero), notBelowZero) |
        when(both(site, POSITIVE_SIDE), notMinusZero),
  max: (site) =>
    when(both(site, notNaN), notNaN) | when(both(site, finite), finite) |
    when(both(site, notMinusZero) || site.known.some((x) => has(x, POSITIVE_SIDE)), notMinusZero) |
    when(site.known.some((x) => has(x, notBelowZero)), notBelowZero),
  min: every,
  select: ({ known: [, x, y] }) => x & y,
  broadcast: first,
  reshape: first,
  transpose: first,
  reverse: first,
  slice: first,
  concat: every,
  pad: every,
  iota: () => notNaN | POSITIVE_SIDE,
  dimension: () => notNaN | POSITIVE_SIDE,
  random: ({ attributes }) => notNaN | finite | when(attributes.distribution === "uniform", POSITIVE_SIDE),
  reduce: ({ known: [x], attributes }) =>
    attributes.op === "sum"
      ? notMinusZero | (x & notBelowZero) | when(has(x, notNaN | notBelowZero), notNaN)
      : attributes.op === "max" || attributes.op === "min"
      ? x & notNaN
      : 0,
};

/** What is known of a node's first result. */
export const knowledgeOf = (op: string, site: KnowledgeSite): number => {
  if (!isFloat(site.result.dtype) && op !== "constant") return byDtype(site.result);
  return Object.hasOwn(RULES, op) ? RULES[op](site) : byDtype(site.result);
};
