/**
 * Attribute candidates: names and values that an attribute may have been meant to have.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { isFailure, nearest } from "../../../kernel/mod.ts";
import { lit, Tag } from "../expression.ts";
import { opOf } from "../opcodes.ts";
import { readAttribute } from "../ops/arguments.ts";
import type { AttributeRow } from "../ops/row.ts";
import type { Symbols } from "../symbols.ts";
import { nodeAtPath } from "../tools/ast_path.ts";
import { bool, f32, i64, symbolValue, toBigInt, toFloat32, toFloat64, type Value } from "../value.ts";
import type { Faulty } from "./candidate.ts";
import { type Candidate, change, withAttributes } from "./edits.ts";
import type { Fault } from "./fault.ts";
import { givenAttributes } from "./shape_candidates.ts";

const wholeNear = (value: Value): number | undefined => {
  if (value.k === "I64") return Math.abs(Number(toBigInt(value)));
  const number = value.k === "F32" ? toFloat32(value) : value.k === "F64" ? toFloat64(value) : undefined;
  return number === undefined || !Number.isFinite(number) ? undefined : Math.abs(Math.round(number));
};

const realNear = (value: Value): number | undefined =>
  value.k === "I64" ? Number(toBigInt(value)) : value.k === "F32" ? toFloat32(value) : undefined;

const PERCENT = 100;

/** Values that an attribute may have been meant to have. */
const readings = ({ kind, choices = [] }: AttributeRow, value: Value, symbols: Symbols): ReadonlyArray<Value> => {
  const whole = wholeNear(value);
  const real = realNear(value);
  const name = value.k === "Sym" ? symbols.nameOf(value.sym) ?? "" : "";
  const named = (names: ReadonlyArray<string>) => names.map((text) => symbolValue(symbols.intern(text)));
  switch (kind) {
    case "size":
      return whole === undefined ? [] : [i64(Math.max(1, whole))];
    case "count":
    case "integer":
    case "axis":
    case "sizes":
      return whole === undefined ? [] : [i64(whole)];
    case "rate":
      return real === undefined ? [] : [f32(real / PERCENT), f32(Math.abs(real)), f32(Math.abs(real) / PERCENT)];
    case "flag":
      return whole === undefined ? [] : [bool(whole !== 0)];
    case "choice":
      return named([...nearest(name, choices, 1), ...choices]);
    case "dtype":
      return named([...nearest(name, ["f32", "f64", "i64", "f16", "bf16", "i32", "b1"], 1), "f32"]);
    default:
      return [];
  }
};

const isTaken = (
  row: Parameters<typeof readAttribute>[0],
  attribute: AttributeRow,
  value: Value,
  symbols: Symbols,
): boolean => {
  try {
    readAttribute(row, attribute, value, (sym) => symbols.nameOf(sym));
    return true;
  } catch (thrown) {
    if (isFailure(thrown)) return false;
    throw thrown;
  }
};

/** For attributes that the op does not have or take. */
export function* attributes(fault: Fault, { program, symbols }: Faulty): Generator<Candidate> {
  const node = nodeAtPath(program, fault.path);
  const row = node.tag === Tag.App ? opOf(node.code) : undefined;
  if (row === undefined) return;
  const known = row.attributes.map(({ name }) => name);
  for (const { name, value } of node.attributes.filter(({ name }) => !known.includes(name))) {
    const others = node.attributes.filter((given) => given.name !== name);
    const free = known.filter((own) => !others.some((given) => given.name === own));
    for (const text of nearest(name, free, 2)) {
      yield change(
        `Did you mean ${text}?`,
        fault.path,
        (own) => withAttributes(own, [...others, { name: text, value }]),
      );
    }
    yield change(`Leave out ${name}`, fault.path, (own) => withAttributes(own, others));
  }
  for (const given of givenAttributes(row, node)) {
    if (isTaken(row, given.attribute, given.value, symbols)) continue;
    for (const value of readings(given.attribute, given.value, symbols)) {
      yield change(`Take another ${given.attribute.name}`, fault.path, (own) => given.with(own, lit(value)));
    }
    yield change(`Leave out ${given.attribute.name}`, fault.path, (own) => given.without(own));
  }
}
