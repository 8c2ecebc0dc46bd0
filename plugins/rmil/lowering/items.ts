/**
 * Items: what values of the language are while a program is lowered: tensors to come, functions, tuples of them.
 *
 * @module
 */
import type { Shape } from "../../ir/contract.ts";
import type { FunctionBuilder, Value as IrValue } from "../../ir/library.ts";
import type { Known } from "../check/known.ts";
import type { Dtype } from "../dtype.ts";
import type { Expression, Parameter } from "../expression.ts";
import { CARRIERS } from "../interpreter/run_value.ts";
import { notLowered } from "./failures.ts";
import type { TensorOperand } from "./tensor_op.ts";

/** A tensor's place in the output: itself, or the items of a tuple. */
export type OutputForm = "tensor" | ReadonlyArray<OutputForm>;

/** A tensor of the language while it is lowered. */
export type Tensorial = {
  readonly k: "Tensor";
  readonly value: IrValue;
  readonly dtype: Dtype;
  readonly weak: boolean;
};

/** A function of the language while it is lowered. */
export type Closure = {
  readonly k: "Function";
  readonly parameters: ReadonlyArray<Parameter> | undefined;
  readonly body: Expression;
  readonly scope: Scope | undefined;
  readonly path: string;
};

/** A value of the language while it is lowered. */
export type Item = Tensorial | Closure | { readonly k: "Tuple"; readonly items: ReadonlyArray<Item> };

/** Names bound around an expression, innermost first. */
export interface Scope {
  /** The symbol. */
  readonly sym: number;
  /** What it names; assigned once, after construction, for a function that names itself. */
  item: Item;
  /** The scope around. */
  readonly outer: Scope | undefined;
}

/** Where an expression stands. */
export interface Site {
  /** Where nodes are made: the program's entry, or a branch. */
  readonly g: FunctionBuilder;
  /** The pipeline's input. */
  readonly input: Item | undefined;
  /** Names. */
  readonly scope: Scope | undefined;
  /** Path of the expression. */
  readonly path: string;
  /** Whether a function that stands here is applied to the input. */
  readonly stage: boolean;
}

/** A value in two words, for messages. */
export const describe = (item: Item): string =>
  item.k === "Tensor" ? "a tensor" : item.k === "Tuple" ? "a tuple" : "a function";

/** A tensor as an op's operand. */
export const operandOf = ({ value, dtype, weak }: Tensorial): TensorOperand => ({
  dtype,
  shape: value.type.shape as Shape,
  weak,
});

/** A lambda with its surroundings. */
export const closureOf = (node: Expression, { scope, path }: Site): Closure => ({
  k: "Function",
  parameters: node.parameters,
  body: node.children[0],
  scope,
  path: `${path}/body`,
});

/** The tensors of an item, in order. */
export const leavesOf = (item: Item, refuse: () => never): ReadonlyArray<Tensorial> => {
  if (item.k === "Tensor") return [item];
  return item.k === "Tuple" ? item.items.flatMap((inner) => leavesOf(inner, refuse)) : refuse();
};

/** How tensors make up a value. */
export const formOf = (item: Item): OutputForm => item.k === "Tuple" ? item.items.map(formOf) : "tensor";

/** The structure and types of a value, to be compared. */
export const shapeOf = (item: Item): unknown =>
  item.k === "Tuple" ? item.items.map(shapeOf) : item.k === "Tensor" ? [item.dtype, item.value.type.shape] : item.k;

/** The same structure over other values, taken from the front. */
export const refilled = (item: Item, values: IrValue[]): Item =>
  item.k === "Tuple"
    ? { k: "Tuple", items: item.items.map((inner) => refilled(inner, values)) }
    : { ...item as Tensorial, value: values.shift()! };

/** Parameters for the tensors of an input's type. */
export const inputItem = (g: FunctionBuilder, name: string, known: Known): Item => {
  if (known.k === "Tuple") {
    return {
      k: "Tuple",
      items: known.items.map((item, i) => inputItem(g, `${name}.${i}`, item)),
    };
  }
  if (known.k !== "Scalar" && known.k !== "Tensor") {
    throw notLowered({ what: `input ${name}`, reason: "its type is not made of tensors", path: `/inputs/${name}` });
  }
  const shape = known.k === "Tensor" ? known.shape : [];
  const value = g.parameter(name, { dtype: CARRIERS[known.dtype], shape });
  return { k: "Tensor", value, dtype: known.dtype, weak: known.k === "Scalar" };
};

/** Names of the parameters that a value's tensors became. */
export const namesOf = (name: string, item: Item): ReadonlyArray<string> =>
  item.k === "Tuple" ? item.items.flatMap((inner, i) => namesOf(`${name}.${i}`, inner)) : [name];
