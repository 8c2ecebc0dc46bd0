/**
 * Lowering: what a tensor op's row becomes: primitives of the IR, written once for check, run, gradient and backends.
 *
 * Not the table (../lowering.ts) and not types: the builder refuses what does not fit.
 * Invariant: operands that share a dtype have been cast to it, attributes have their defaults, and sizes may be symbolic.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import type { FunctionBuilder, Value } from "../../ir/library.ts";
import { wrongShape } from "../interpreter/failures.ts";
import type { AttributeValue } from "../ops/row.ts";

/** An attribute as a lowering sees it; size attributes may be symbolic. */
export type Setting = AttributeValue | Dimension;

/** Attributes by name, defaults filled in; absent where nothing is given and the row has no default. */
export type Settings = { readonly [name: string]: Setting | undefined };

/** What a lowering is given. */
export interface Lowering {
  /** The op's name, for messages. */
  readonly op: string;
  /** Emits primitives. */
  readonly g: FunctionBuilder;
  /** Operands by name; optional ones may be absent. */
  readonly operands: { readonly [name: string]: Value };
  /** Arguments of a repeated operand. */
  readonly rest: ReadonlyArray<Value>;
  /** Parameters by name. */
  readonly parameters: { readonly [name: string]: Value };
  /** Attributes by name. */
  readonly settings: Settings;
  /** Whether the run trains. */
  readonly training: boolean;
  /** An i64 that random draws start from. */
  readonly seed: Value | undefined;
  /** Keeps this application's draws apart from others from the same seed. */
  readonly stream: number;
}

/** What a lowering gives: a tensor, several as a tuple, or a tensor with new running statistics. */
export type Lowered =
  | Value
  | { readonly tuple: ReadonlyArray<Value> }
  | { readonly value: Value; readonly running: { readonly [parameter: string]: Value } };

/** Lowers one op. */
export type Lower = (given: Lowering) => Lowered;

/** Lowerings of some ops by name. */
export type Lowerings<Name extends string> = { readonly [N in Name]: Lower };

/** A number attribute. */
export const number = (settings: Settings, name: string): number => settings[name] as number;

/** A flag attribute. */
export const flag = (settings: Settings, name: string): boolean => settings[name] === true;

/** A size attribute, possibly symbolic. */
export const size = (settings: Settings, name: string): Dimension => settings[name] as Dimension;

/** A `sizes` attribute as a pair: one integer stands for both. */
export const pair = (op: string, settings: Settings, name: string): readonly [number, number] => {
  const given = settings[name];
  if (typeof given === "number") return [given, given];
  const list = given as ReadonlyArray<number>;
  if (list.length !== 2) throw wrongShape({ op, reason: `${name} takes one integer or two, not ${list.length}` });
  return [list[0], list[1]];
};

/** Axes from one to the last. */
export const axesFrom = (x: Value, first: number): ReadonlyArray<number> =>
  x.type.shape.map((_, axis) => axis).slice(first);

/** A vector over the channels (axis 1) in the rank of x. */
export const perChannel = (g: FunctionBuilder, vector: Value, x: Value): Value =>
  g.reshape(vector, x.type.shape.map((_, axis) => axis === 1 ? vector.type.shape[0] : 1));
