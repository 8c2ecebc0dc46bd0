/**
 * Matching: whether an answer is the one a case wants.
 *
 * Not a measure of closeness: a case is passed or it is not.
 * Invariant: types have to agree (a boolean is no number, a missing member is no null); only finite numbers match numbers;
 * what is compared is bounded by what was wanted, whatever was answered.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";

/** Whether two numbers are the same, relative to the one that is wanted where that is larger than 1. */
const near = (found: number, wanted: number, tolerance: number): boolean =>
  Number.isFinite(found) && Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted));

/** Whether an answer matches what is wanted; numbers within a tolerance, everything else exactly. */
export const matches = (found: unknown, wanted: Json, tolerance: number): boolean => {
  if (typeof wanted === "number") return typeof found === "number" && near(found, wanted, tolerance);
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && found.length === wanted.length &&
      wanted.every((item, index) => matches(found[index], item, tolerance));
  }
  if (!isJsonObject(wanted)) return found === wanted;
  if (typeof found !== "object" || found === null || Array.isArray(found)) return false;
  const keys = Object.keys(wanted);
  return Object.keys(found).length === keys.length && keys.every((key) =>
    Object.hasOwn(found, key) &&
    matches((found as { readonly [key: string]: unknown })[key], wanted[key], tolerance)
  );
};

/** Most nesting of what a case wants or gives. */
export const MAX_CASE_DEPTH = 32;

/** How deep a value nests. */
export const depthOf = (value: Json): number => {
  let deepest = 0;
  const waiting: Array<readonly [Json, number]> = [[value, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [item, depth] = next;
    deepest = Math.max(deepest, depth);
    if (typeof item !== "object" || item === null) continue;
    for (const inner of Array.isArray(item) ? item : Object.values(item)) waiting.push([inner as Json, depth + 1]);
  }
  return deepest;
};
