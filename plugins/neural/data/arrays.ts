/**
 * Arrays: tensors whose first axis counts the samples, as a data set.
 *
 * Invariant: all arrays count as many samples; whole numbers as answers are classes, others are numbers.
 *
 * @module
 */
import { elementCount, isFloat, type Tensor, tensorOf, toFloats, toIntegers } from "../../ir/library.ts";
import { badColumn, badData } from "../failures.ts";
import { type Column, type MemoryDataset, memoryDataset, type Target, tensorColumn } from "./dataset.ts";
import { type SplitRule, splitSamples } from "./splits.ts";
import { MAX_CATEGORIES } from "./table.ts";

/** How arrays are meant. */
export interface ArrayOptions {
  /** What kind of answer is learned; default: classes where the answers are whole numbers. */
  readonly task?: "classification" | "regression" | "none";
  /** How samples are split. */
  readonly split?: SplitRule;
}

/** Whole numbers as f32, what a network takes; 64-bit ones too. */
const asFloats = (tensor: Tensor): Tensor => {
  const numbers = isFloat(tensor.dtype) ? toFloats(tensor) : Float64Array.from(toIntegers(tensor), Number);
  return tensorOf("f32", tensor.shape, Float32Array.from(numbers));
};

const classTarget = (
  name: string,
  tensor: Tensor,
): { readonly column: Column & { readonly feature: Target }; readonly classes: Int32Array } => {
  const numbers = isFloat(tensor.dtype) ? Array.from(toFloats(tensor)) : Array.from(toIntegers(tensor), Number);
  const values = [...new Set(numbers)].sort((a, b) => a - b);
  if (!values.every(Number.isSafeInteger)) throw badColumn({ column: name, reason: "classes are whole numbers" });
  if (values.length > MAX_CATEGORIES) {
    throw badColumn({ column: name, reason: `it has more than ${MAX_CATEGORIES} different values` });
  }
  const places = new Map(values.map((value, index) => [value, index]));
  const classes = Int32Array.from(numbers, (value) => places.get(value)!);
  const column = tensorColumn(name, tensorOf("i32", [classes.length], classes));
  const feature: Target = {
    ...column.feature,
    kind: "classification",
    classes: values.length,
    labels: values.map(String),
  };
  return { column: { ...column, feature }, classes };
};

const numberTarget = (name: string, tensor: Tensor): Column & { readonly feature: Target } => {
  const column = tensorColumn(name, asFloats(tensor));
  return { ...column, feature: { ...column.feature, kind: "regression" } };
};

/** A data set of arrays. */
export const arraysDataset = (
  name: string,
  inputs: ReadonlyArray<readonly [name: string, array: Tensor]>,
  target: readonly [name: string, array: Tensor] | undefined,
  { task, split = {} }: ArrayOptions,
): MemoryDataset => {
  if (inputs.length === 0) throw badData({ what: "the arrays", reason: "none is left to learn from" });
  const length = inputs[0][1].shape[0];
  for (const [column, { shape }] of [...inputs, ...(target === undefined ? [] : [target])]) {
    if (shape.length === 0) throw badColumn({ column, reason: "it is a single number, with no axis of samples" });
    if (shape[0] !== length) {
      throw badColumn({ column, reason: `it counts ${shape[0]} samples, and the first ${length}` });
    }
  }
  const columns = inputs.map(([column, array]) => tensorColumn(column, asFloats(array)));
  if (target === undefined) {
    return memoryDataset({ name, inputs: columns, length, splits: splitSamples(length, split) });
  }
  const [answer, array] = target;
  const single = elementCount(array.shape.slice(1)) === 1;
  const whole = single && (!isFloat(array.dtype) || toFloats(array).every(Number.isInteger));
  if ((task ?? (whole && !isFloat(array.dtype) ? "classification" : "regression")) === "classification") {
    if (!single) throw badColumn({ column: answer, reason: "a class is one number a sample" });
    const { column, classes } = classTarget(answer, array);
    return memoryDataset({
      name,
      inputs: columns,
      target: column,
      length,
      splits: splitSamples(length, split, classes),
    });
  }
  return memoryDataset({
    name,
    inputs: columns,
    target: numberTarget(answer, array),
    length,
    splits: splitSamples(length, split),
  });
};
