/**
 * Meaning: what the check says of a text in an editor: its faults of meaning, edits that mend them, and
 * type, effects and cost.
 *
 * Invariant: inputs are unknown here, so what is reported is wrong whatever the inputs are.
 *
 * @module
 */
import { checkAll, type Checked } from "../../check.ts";
import type { Fault } from "../../check/fault.ts";
import { editedText, repairableOf } from "../../check/mend.ts";
import { checkOpen } from "../../check/open.ts";
import { repairOf, stepFor } from "../../check/repair.ts";
import { textEditOf } from "../../check/text_edit.ts";
import { atOnce } from "../../check/walk.ts";
import { MAX_CHECKED_NODES, MAX_SIGNED_HOVER } from "./limits.ts";
import type { Diagnostic } from "../../syntax/diagnostics.ts";
import { print } from "../../syntax/printer.ts";
import { showType, type Type } from "../../types.ts";
import { nodeAtPath } from "../ast_path.ts";
import type { Analysis } from "./analysis.ts";
import type { Meaning } from "./server.ts";

const PIPELINE_INPUT = "";

/** Types of the inputs: of the pipeline's and of every name that the text does not bind, nothing is known. */
const openInputs = ({ free }: Analysis): { readonly [name: string]: Type } =>
  Object.fromEntries(
    [PIPELINE_INPUT, ...free.keys()].map((name, id): readonly [string, Type] => [name, { k: "Var", id }]),
  );

const judged = (analysis: Analysis): Checked =>
  checkAll(analysis.parsed.root, analysis.parsed.symbols, { inputs: openInputs(analysis) });

const tooBig = ({ parsed }: Analysis): boolean => parsed.spans.size > MAX_CHECKED_NODES;

/** The faults behind diagnostics, for those who ask to have them mended. */
const faultOf = new WeakMap<Diagnostic, Fault>();

const faults = (analysis: Analysis): ReadonlyArray<Diagnostic> => {
  if (tooBig(analysis)) return [];
  const { spans, root } = analysis.parsed;
  return judged(analysis).faults.map((fault) => {
    const span = spans.get(nodeAtPath(root, fault.path)) ?? { start: 0, end: analysis.source.length };
    const diagnostic: Diagnostic = { severity: "error", span, failure: fault.failure };
    faultOf.set(diagnostic, fault);
    return diagnostic;
  });
};

const mendingOf = (analysis: Analysis, all: ReadonlyArray<Diagnostic>) => ({
  repairable: repairableOf(analysis.parsed, { inputs: openInputs(analysis) }),
  known: all.map((each) => faultOf.get(each)).filter((fault) => fault !== undefined),
});

const mend: Meaning["mend"] = (analysis, diagnostic, all) => {
  const fault = faultOf.get(diagnostic);
  if (fault === undefined) return undefined;
  const { repairable, known } = mendingOf(analysis, all);
  const step = atOnce(stepFor(repairable, fault, known));
  if (step === undefined) return undefined;
  const parsed = { ...analysis.parsed, symbols: repairable.symbols };
  const edit = textEditOf(analysis.source, parsed, step.after) ??
    { start: 0, end: analysis.source.length, text: print(step.after, repairable.symbols) };
  return { title: step.candidate.summary, edit };
};

const mendAll: Meaning["mendAll"] = (analysis, all) => {
  const { repairable, known } = mendingOf(analysis, all);
  const steps = known.length < 2 ? undefined : atOnce(repairOf(repairable, known));
  if (steps === undefined) return undefined;
  const text = editedText(analysis.source, steps, repairable.symbols);
  return { title: `Mend all ${known.length} faults`, edit: { start: 0, end: analysis.source.length, text } };
};

/** Most signatures of a program that an explanation lists. */
const MAX_SHOWN_SIGNATURES = 4;

const listed = (names: ReadonlyArray<string>): string => names.length === 0 ? "none" : names.join(", ");

const explain = (analysis: Analysis): ReadonlyArray<string> => {
  if (!analysis.parsed.ok || tooBig(analysis)) return [];
  const { judgement: found } = judged(analysis);
  if (found === undefined) return [];
  const cost = found.exact ? `${found.flops} FLOPs, ${found.bytes} bytes moved` : `depends on the inputs`;
  const { signatures } = analysis.parsed.spans.size > MAX_SIGNED_HOVER
    ? { signatures: [] }
    : checkOpen(analysis.parsed);
  return [
    "---",
    ...signatures.slice(0, MAX_SHOWN_SIGNATURES).map(({ input, type }) =>
      `- \`${showType(input)} → ${showType(type)}\``
    ),
    `Program: \`${showType(found.type)}\`; parameters: ${found.parameterCount}; ` +
    `effects: ${listed([...found.effects, ...found.kinds])}; cost: ${cost}.`,
  ];
};

/** The check, as editors see it. */
export const checkedMeaning: Meaning = { faults, mend, mendAll, explain };
