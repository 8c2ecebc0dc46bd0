/**
 * Reading: a text that an operation is given, read; one that is no program is refused with all that is wrong with it and
 * the text that would be read.
 *
 * Invariant: with the patch applied blindly, the text reads.
 *
 * @module
 */
import { Failure, failureToJson, fieldsOf } from "../../../kernel/mod.ts";
import { mendSource } from "./mend.ts";
import { type Parsed, type ParseOptions, parseSource } from "./parser.ts";

/** Most further faults of one answer. */
export const MAX_FURTHER_FAULTS = 16;

const sentence = (summaries: ReadonlyArray<string>): string =>
  summaries.map((summary, i) => i === 0 ? summary : summary[0].toLowerCase() + summary.slice(1)).join(", then ");

/** The failure at a place of the input, without the edit of the one fault. */
const placed = (failure: Failure, path: string): Failure => {
  const { fix: _, ...fields } = fieldsOf(failure);
  const { fix } = failure;
  return new Failure({ ...fields, path, ...(fix === undefined ? {} : { fix: { summary: fix.summary } }) } as never);
};

/** Reads a text that stands at a path of the input; throws its first failure, the others beside it. */
export const readSource = (source: string, path: string, options: ParseOptions = {}): Parsed => {
  const parsed = parseSource(source, options);
  if (parsed.ok) return parsed;
  const [first, ...others] = parsed.diagnostics.filter(({ severity }) => severity === "error")
    .map(({ failure }) => placed(failure, path));
  const mended = mendSource(source, options);
  const fix = mended === undefined
    ? {}
    : { fix: { summary: sentence(mended.summaries), patch: [{ op: "replace" as const, path, value: mended.text }] } };
  const also = others.length === 0 ? {} : { also: others.slice(0, MAX_FURTHER_FAULTS).map(failureToJson) };
  throw new Failure({ ...fieldsOf(first), ...fix, ...also } as never);
};
