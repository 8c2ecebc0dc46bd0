/**
 * NPZ: several arrays by name, NumPy's archive of NPY files.
 *
 * Invariant: every member is an array; its name is the member's without `.npy`.
 *
 * @module
 */
import type { Tensor } from "../../ir/library.ts";
import { malformedData } from "../failures.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readZip, writeZip } from "./zip.ts";

const SUFFIX = ".npy";

/** Most bytes that the arrays of an archive take together. */
export const MAX_NPZ_BYTES: number = 2 ** 31;

/** Reads the arrays of an archive. */
export const readNpz = async (bytes: Uint8Array): Promise<ReadonlyMap<string, Tensor>> => {
  const arrays = new Map<string, Tensor>();
  for (const [name, member] of await readZip(bytes, MAX_NPZ_BYTES)) {
    if (!name.endsWith(SUFFIX)) throw malformedData({ format: "NPZ", at: name, reason: "it is no array" });
    arrays.set(name.slice(0, -SUFFIX.length), readNpy(member));
  }
  return arrays;
};

/** Writes arrays as an archive. */
export const writeNpz = (
  arrays: Iterable<readonly [name: string, tensor: Tensor]>,
  packed = false,
): Promise<Uint8Array<ArrayBuffer>> =>
  writeZip([...arrays].map(([name, tensor]) => [`${name}${SUFFIX}`, writeNpy(tensor)] as const), packed);
