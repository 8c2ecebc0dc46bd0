/**
 * Failure text: a failure as a person reads it: what failed, where, what was expected, and what to type next.
 *
 * Invariant: the fix is shown as a command whenever the failure knows one or carries a patch.
 *
 * @module
 */
import { applyPatch, type Failure, failureFromJson, type Json } from "../../../kernel/mod.ts";
import { safe, type Style } from "./style.ts";

/** Longest value shown whole, in characters. */
export const MAX_SHOWN = 400;

const shown = (value: Json): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return safe(text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}… (${text.length} characters)`);
};

/** A further failure, in one line. */
const further = (json: Json): string => {
  const { message, code, path } = failureFromJson(json);
  return safe(`${message}${path === "" ? "" : ` at ${path}`} [${code}]`);
};

/** The input with the failure's patch applied; undefined without a patch that applies. */
export const patched = (failure: Failure, input: Json): Json | undefined => {
  if (failure.fix?.patch === undefined) return undefined;
  try {
    return applyPatch(failure.fix.patch, input);
  } catch {
    return undefined;
  }
};

/** Draws a failure; `again` writes the command line of a mended input. */
export const renderFailure = (
  failure: Failure,
  style: Style,
  retry: { readonly input: Json; readonly again: (input: Json) => string },
): string => {
  const mended = patched(failure, retry.input);
  const command = failure.fix?.command ?? (mended === undefined ? undefined : retry.again(mended));
  const { expected, actual, fix } = failure;
  const lines: ReadonlyArray<readonly [string, string | undefined]> = [
    ["at", failure.path === "" ? undefined : safe(failure.path)],
    ["expected", expected === undefined ? undefined : shown(expected)],
    ["found", actual === undefined ? undefined : shown(actual)],
    ["fix", fix === undefined ? undefined : safe(fix.summary)],
    ["run", command === undefined ? undefined : style.hint(safe(command))],
    ["near", failure.suggestions.length === 0 ? undefined : safe(failure.suggestions.join(", "))],
    ...(failure.also ?? []).map((other) => ["also", further(other)] as const),
  ];
  return [
    `${style.bad("✗")} ${style.strong(safe(failure.message))} ${style.faint(`[${failure.code}]`)}`,
    ...lines.filter(([, text]) => text !== undefined).map(([name, text]) =>
      `  ${style.faint(name.padEnd(8))}  ${text}`
    ),
    "",
  ].join("\n");
};
