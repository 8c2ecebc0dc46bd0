/**
 * Meaning: what the check says of a text in an editor: the first fault of meaning, and type, effects and cost.
 *
 * Invariant: inputs are unknown here, so what is reported is wrong whatever the inputs are.
 *
 * @module
 */
import { isFailure } from "../../../../kernel/mod.ts";
import { check, type Judgement } from "../../check.ts";
import { MAX_CHECKED_NODES } from "./limits.ts";
import type { Diagnostic } from "../../syntax/diagnostics.ts";
import { showType, type Type } from "../../types.ts";
import { nodeAtPath } from "../ast_path.ts";
import type { Analysis } from "./analysis.ts";
import type { Meaning } from "./server.ts";

const PIPELINE_INPUT = "";

const judged = ({ parsed, free }: Analysis): Judgement => {
  const names = [PIPELINE_INPUT, ...free.keys()];
  const inputs = Object.fromEntries(names.map((name, id): readonly [string, Type] => [name, { k: "Var", id }]));
  return check(parsed.root, parsed.symbols, { inputs });
};

const tooBig = ({ parsed }: Analysis): boolean => parsed.spans.size > MAX_CHECKED_NODES;

const faults = (analysis: Analysis): ReadonlyArray<Diagnostic> => {
  if (tooBig(analysis)) return [];
  try {
    judged(analysis);
    return [];
  } catch (failure) {
    if (!isFailure(failure)) throw failure;
    const { spans, root } = analysis.parsed;
    const span = spans.get(nodeAtPath(root, failure.path)) ?? { start: 0, end: analysis.source.length };
    return [{ severity: "error", span, failure }];
  }
};

const listed = (names: ReadonlyArray<string>): string => names.length === 0 ? "none" : names.join(", ");

const explain = (analysis: Analysis): ReadonlyArray<string> => {
  if (!analysis.parsed.ok || tooBig(analysis)) return [];
  try {
    const found = judged(analysis);
    const cost = found.exact ? `${found.flops} FLOPs, ${found.bytes} bytes moved` : `depends on the inputs`;
    return [
      "---",
      `Program: \`${showType(found.type)}\`; parameters: ${found.parameterCount}; ` +
      `effects: ${listed([...found.effects, ...found.kinds])}; cost: ${cost}.`,
    ];
  } catch (failure) {
    if (!isFailure(failure)) throw failure;
    return [];
  }
};

/** The check, as editors see it. */
export const checkedMeaning: Meaning = { faults, explain };
