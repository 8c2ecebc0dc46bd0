/**
 * Calls of host functions, judged: what they take, give and need is what they declare.
 *
 * Invariant: a call that passes here is refused by a run only for what depends on values, such as a narrow integer's range.
 *
 * @module
 */
import { hostArgument } from "../hosts/failures.ts";
import { arityFault, type HostFunction } from "../hosts/functions.ts";
import { RANGES } from "../hosts/types.ts";
import { showType, type Type } from "../types.ts";
import { type Judge, showKnown } from "./judge.ts";
import { type Known, knownOfType, mayConform } from "./known.ts";

/** Whether a run may take a value for an argument: `nil` is an absent one, and scalars are taken by their kind. */
const mayTake = (known: Known, type: Type): boolean => {
  if (known.k === "Void" || type.k === "Void") return true;
  if (known.k === "Union") return known.items.some((item) => mayTake(item, type));
  if (type.k === "Union") return type.items.some((item) => mayTake(known, item));
  if (type.k === "Tuple" && known.k === "Tuple" && known.items.length === type.items.length) {
    return known.items.every((item, i) => mayTake(item, type.items[i]));
  }
  if (type.k !== "Scalar" || known.k !== "Scalar") return mayConform(known, type);
  if (type.dtype === "b1" || known.dtype === "b1") return type.dtype === known.dtype;
  const isInteger = known.dtype === "i64";
  if (isInteger || RANGES[type.dtype] !== undefined) return isInteger && RANGES[type.dtype] !== undefined;
  return known.dtype === "f32" ? type.dtype !== "f64" : type.dtype === "f64" || type.dtype === "f32";
};

/** Judges a call; arguments that do not fit are noted, and the declared result is what is known of the value. */
export const judgeHost = (judge: Judge, host: HostFunction, args: ReadonlyArray<Known>, path: string): Known => {
  const { name, inputs, output } = host;
  judge.tally.hosts.add(host);
  // What the call costs is the host's.
  judge.tally.exact = false;
  const [only] = args;
  const given = args.length === 1 && inputs.length > 1 && only.k === "Tuple" ? only.items : args;
  const isUnknown = args.length === 1 && inputs.length > 1 && only.k === "Unknown";
  const arity = isUnknown ? undefined : arityFault(host, given.length, path);
  if (arity !== undefined) throw arity;
  const types = new Map<number, Known>();
  for (const [index, known] of (isUnknown ? [] : given).entries()) {
    const type = inputs[index];
    if (mayTake(known, type)) {
      if (type.k === "Var" && !types.has(type.id)) types.set(type.id, known);
      continue;
    }
    const [wanted, found, at] = [showType(type), showKnown(known), `${path}/args/${index}`];
    judge.faults.add(
      hostArgument({ name, index, wanted, found, path: at, expected: wanted, actual: found }),
      { path: at, input: known, scope: undefined, wanted: type },
    );
  }
  return (output.k === "Var" ? types.get(output.id) : undefined) ?? knownOfType(output, judge.fresh);
};
