/**
 * A type of the IR as the language's type.
 */
import type { TensorType } from "../../../plugins/ir/contract.ts";
import { fromCarrier } from "../../../plugins/rmil/interpreter/run_value.ts";
import { scalar, tensor, type Type } from "../../../plugins/rmil/types.ts";

const SCALARS = ["b1", "i64", "f32", "f64"];

/** The language's type of a tensor; without axes a scalar where the language has one of its dtype. */
export const languageType = ({ dtype, shape }: TensorType): Type => {
  const own = fromCarrier(dtype);
  return shape.length === 0 && SCALARS.includes(own) ? scalar(own) : tensor(own, shape as never);
};
