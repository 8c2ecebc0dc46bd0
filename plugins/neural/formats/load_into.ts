/**
 * Load into: the tensors of a file in the place of those that are wanted, by name.
 *
 * Invariant: nothing is passed over in silence: a difference is refused, or stands in the report.
 *
 * @module
 */
import type { Tensor } from "../../ir/library.ts";
import { malformedWeights } from "../failures.ts";

/** How tensors of a file were put in the place of others. */
export interface LoadReport {
  /** Names that were found and fit. */
  readonly loaded: ReadonlyArray<string>;
  /** Names that were wanted and are not in the file. */
  readonly missing: ReadonlyArray<string>;
  /** Names in the file that nobody wanted. */
  readonly unused: ReadonlyArray<string>;
  /** Names whose shape or element type differs. */
  readonly differing: ReadonlyArray<string>;
}

/** The tensors of a file for those that are wanted, by name. Strict unless asked otherwise: any difference is refused. */
export const loadInto = (
  wanted: ReadonlyMap<string, Tensor>,
  file: ReadonlyMap<string, Tensor>,
  strict = true,
): { readonly tensors: ReadonlyMap<string, Tensor>; readonly report: LoadReport } => {
  const fits = (name: string): boolean => {
    const [one, other] = [wanted.get(name)!, file.get(name)!];
    return one.dtype === other.dtype && one.shape.length === other.shape.length &&
      one.shape.every((size, axis) => size === other.shape[axis]);
  };
  const shared = [...wanted.keys()].filter((name) => file.has(name));
  const report: LoadReport = {
    loaded: shared.filter(fits),
    missing: [...wanted.keys()].filter((name) => !file.has(name)),
    unused: [...file.keys()].filter((name) => !wanted.has(name)),
    differing: shared.filter((name) => !fits(name)),
  };
  const fault = (["missing", "differing", "unused"] as const).find((kind) => report[kind].length > 0);
  if (strict && fault !== undefined) {
    throw malformedWeights({
      format: "weights",
      at: `tensor "${report[fault][0]}"`,
      reason: `it is ${fault}, with ${report[fault].length - 1} more`,
    });
  }
  return {
    tensors: new Map(
      [...wanted].map(([name, tensor]) => [name, report.loaded.includes(name) ? file.get(name)! : tensor]),
    ),
    report,
  };
};
