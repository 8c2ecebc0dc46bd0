/**
 * Heard: a failure told by a third-party plugin, made safe to repeat.
 *
 * A failure is read by people and acted on by agents, so a plugin must not be able to speak through it in the kernel's
 * name or to have a command run.
 * Invariant: a failure in the kernel's name is one the kernel gave the plugin in this very call; a command in a fix
 * never comes from a plugin; texts are bounded and hold no control marks.
 *
 * @module
 */
import { type AnyOperation, Failure, failureFromJson, failureToJson, type Json } from "../kernel/mod.ts";
import type { Issued } from "./asks.ts";
import { pluginMisspoke } from "./failures.ts";

const MAX_MESSAGE = 2_000;
const MAX_SUGGESTIONS = 10;

/** Failures of the kernel's catalogue that any handler may make by itself, for budgets and values. */
const OWN_TO_SAY: ReadonlySet<string> = new Set([
  "KERNEL_BUDGET_EXHAUSTED",
  "KERNEL_UNKNOWN_ENTRY",
  "KERNEL_OPERAND",
  "KERNEL_SHAPE",
  "KERNEL_PAYLOAD",
  "KERNEL_FACILITY_ABSENT",
]);

const clean = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").slice(0, MAX_MESSAGE);

/** The failure a call ends with when its plugin says `told`. */
export const heardFailure = (plugin: string, declared: AnyOperation, told: Json, issued: Issued): Failure => {
  let failure: Failure;
  try {
    failure = failureFromJson(told);
  } catch {
    return pluginMisspoke({ plugin, reason: `${declared.id} failed with something that is no failure` });
  }
  if (issued.has(JSON.stringify(failureToJson(failure)))) return failure;
  const row = declared.failures.find(({ code }: { readonly code: string }) => code === failure.code);
  if (row === undefined && !OWN_TO_SAY.has(failure.code)) {
    return pluginMisspoke({
      plugin,
      reason: `${declared.id} failed with ${clean(failure.code)}, which it does not declare`,
    });
  }
  const { fix, expected, actual } = failure;
  return new Failure({
    code: failure.code,
    recoverable: row?.recoverable ?? failure.recoverable,
    message: clean(failure.message),
    path: clean(failure.path),
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
    ...(fix === undefined
      ? {}
      : { fix: { summary: clean(fix.summary), ...(fix.patch === undefined ? {} : { patch: fix.patch }) } }),
    suggestions: failure.suggestions.slice(0, MAX_SUGGESTIONS).map(clean),
    docs: `plugin:${plugin}`,
  });
};
