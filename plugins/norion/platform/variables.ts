/**
 * Variables: reading one variable of the environment by name, where the process may.
 *
 * Invariant: a variable that may not be read is as absent as one that is not set; whoever reads holds `env` for it.
 *
 * @module
 */
import process from "node:process";

/** A variable's value. */
export const readVariable = (name: string): string | undefined => {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
};
