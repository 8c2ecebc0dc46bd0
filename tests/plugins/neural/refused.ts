/**
 * What tests of the neural room share: the failure that a computation throws.
 */
import type { Failure } from "../../../kernel/failure.ts";

/** The failure that a computation throws. */
export const refused = (compute: () => unknown): Failure => {
  try {
    compute();
  } catch (thrown) {
    return thrown as Failure;
  }
  throw new Error("nothing was refused");
};
