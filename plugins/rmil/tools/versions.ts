/**
 * Versions: semantic versions of modules and the ranges that ask for them.
 *
 * Not the engine's own: `effect/SemVer` parses and compares; here its errors become this plugin's failures.
 * Invariant: a version and a range are well-formed, or there is a failure that quotes the text.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as SemVer from "effect/SemVer";
import * as SemVerRange from "effect/SemVerRange";
import { badModule } from "./failures.ts";

/** Longest text of a version or a range. */
export const MAX_VERSION_LENGTH = 256;

/** A parsed version. */
export type Version = SemVer.SemVer;

/** A parsed range. */
export type Range = SemVerRange.SemVerRange;

const bounded = (what: string, text: string, path: string): string => {
  if (text.length <= MAX_VERSION_LENGTH) return text;
  throw badModule({ what, text: `${text.slice(0, 32)}…`, reason: `it is longer than ${MAX_VERSION_LENGTH}`, path });
};

/** Reads a version; throws `RMIL_MODULE`. */
export const versionOf = (text: string, path = ""): Version => {
  const parsed = SemVer.parse(bounded("version", text, path));
  if (Result.isSuccess(parsed)) return parsed.success;
  throw badModule({ what: "version", text, reason: "major.minor.patch is expected", path, expected: "1.2.3" });
};

/** Reads a range; throws `RMIL_MODULE`. */
export const rangeOf = (text: string, path = ""): Range => {
  // A space between an operator and its version is common, and has one meaning.
  const parsed = SemVerRange.parse(bounded("range", text, path).trim().replace(/(\^|~|[<>]=?|=)\s+/gu, "$1"));
  if (Result.isSuccess(parsed)) return parsed.success;
  throw badModule({ what: "range", text, reason: "a range of versions is expected", path, expected: "^1.2.3" });
};

/** Whether a version lies in a range. */
export const inRange = (range: Range, version: Version): boolean => SemVerRange.matches(range, version);

/** Lower versions first; build data does not count. */
export const compareVersions: (a: Version, b: Version) => number = SemVer.Order;

/** A version as text. */
export const showVersion: (version: Version) => string = SemVer.format;

/** A range as text. */
export const showRange: (range: Range) => string = SemVerRange.format;
