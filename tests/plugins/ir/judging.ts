/**
 * What the tests of the optimiser share: bits compared, programs judged before and after by the reference.
 */
import {
  evaluate,
  type EvaluateOptions,
  isIrFailure,
  type Program,
  type Tensor,
  toBytes,
} from "../../../plugins/ir/library.ts";

/** Whether two tensors have the same type and bits, all NaN being one. */
export const sameBits = (a: Tensor, b: Tensor): boolean => {
  if (a.dtype !== b.dtype || a.shape.length !== b.shape.length || a.shape.some((size, i) => size !== b.shape[i])) {
    return false;
  }
  const [left, right] = [toBytes(a), toBytes(b)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
};

/** What a program makes; undefined where its run is refused. */
export const outcome = (
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  options: EvaluateOptions = { fuel: 1e7 },
): ReadonlyArray<Tensor> | undefined => {
  try {
    return evaluate(program, inputs, options).results;
  } catch (thrown) {
    if (isIrFailure(thrown)) return undefined;
    throw thrown;
  }
};
