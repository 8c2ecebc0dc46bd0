/**
 * Mend: a refused program's failures as an operation answers them: the first one with the edit of the input after which
 * the whole program passes, and the others beside it, each with its own.
 *
 * Invariant: with the patch of the first failure applied blindly, the program passes the check on the same inputs.
 *
 * @module
 */
import { Failure, failureToJson, fieldsOf, type Json, type JsonPatch } from "../../../kernel/mod.ts";
import { type Checked, type CheckOptions, checkSteps, type Judgement } from "../check.ts";
import type { Program } from "../codec/v1.ts";
import type { Expression } from "../expression.ts";
import { type GivenProgram, sourcePath } from "../program_source.ts";
import { Symbols } from "../symbols.ts";
import { applyEdit } from "../syntax/diagnostics.ts";
import { parseSource } from "../syntax/parser.ts";
import { print } from "../syntax/printer.ts";
import { checkOpenSteps, type OpenChecked } from "./open.ts";
import { MAX_REPAIR_STEPS, type Repairable, repairOf, type Step, stepFor } from "./repair.ts";
import { textEditOf } from "./text_edit.ts";

/** Most further failures of one answer. */
export const MAX_ALSO = 16;

/** Longest text that is edited in place; a longer one is written anew. */
const MAX_EDITED_TEXT = 65_536;

const textOf = (given: GivenProgram): string | undefined =>
  typeof given === "string" ? given : "source" in given ? given.source : undefined;

/** A text after changes of its program, in its own layout where that can be kept. */
export const editedText = (source: string, steps: ReadonlyArray<Step>, symbols: Symbols): string =>
  steps.reduce((text, { after }) => {
    const parsed = parseSource(text, { symbols });
    const edit = text.length > MAX_EDITED_TEXT ? undefined : textEditOf(text, parsed, after);
    return edit === undefined ? print(after, symbols) : applyEdit(text, edit);
  }, source);

const patchOf = (given: GivenProgram, steps: ReadonlyArray<Step>, symbols: Symbols): JsonPatch => {
  const [text, path] = [textOf(given), sourcePath(given)];
  if (text !== undefined && path !== undefined) {
    return [{ op: "replace", path, value: editedText(text, steps, symbols) }];
  }
  return [{ op: "replace", path: "/program", value: { source: print(steps.at(-1)!.after, symbols) } }];
};

const summaryOf = (steps: ReadonlyArray<Step>): string =>
  steps.map(({ candidate: { summary } }, i) => i === 0 ? summary : summary[0].toLowerCase() + summary.slice(1))
    .join(", then ");

const fixed = (
  failure: Failure,
  given: GivenProgram,
  steps: ReadonlyArray<Step> | undefined,
  symbols: Symbols,
): Failure =>
  steps === undefined || steps.length === 0 ? failure : new Failure(
    { ...fieldsOf(failure), fix: { summary: summaryOf(steps), patch: patchOf(given, steps, symbols) } } as never,
  );

/** What repairs of a program need, over a table of names of their own. */
export const repairableOf = ({ root, symbols }: Program, options: CheckOptions): Repairable => {
  const own = Symbols.of(symbols.names);
  return {
    program: root,
    symbols: own,
    inputs: options.inputs ?? {},
    check: (program: Expression) => checkSteps(program, own, options),
  };
};

/** Checks a program; throws the first failure, with the patch that mends all and with the other failures. */
export function* checkMending(
  given: GivenProgram,
  program: Program,
  options: CheckOptions,
): Generator<void, Judgement> {
  const checked = yield* checkSteps(program.root, program.symbols, options);
  return checked.judgement ?? (yield* refuse(given, program, options, checked));
}

/** Checks a program of whose inputs nothing is said; throws as {@link checkMending} does. */
export function* checkOpenMending(
  given: GivenProgram,
  program: Program,
  options: CheckOptions,
): Generator<void, OpenChecked & { readonly judgement: Judgement }> {
  const { judgement, ...found } = yield* checkOpenSteps(program, options);
  return judgement === undefined
    ? yield* refuse(given, program, { ...options, inputs: found.inputs }, found)
    : { ...found, judgement };
}

function* refuse(
  given: GivenProgram,
  program: Program,
  options: CheckOptions,
  { faults, steps }: Pick<Checked, "faults" | "steps">,
): Generator<void, never> {
  const [first, ...others] = faults;
  // A check that is as long as a repair may be is not worth many more.
  if (steps > MAX_REPAIR_STEPS) throw first.failure;
  const repairable = repairableOf(program, options);
  const { symbols } = repairable;
  const whole = yield* repairOf(repairable, faults);
  const failure = fixed(first.failure, given, whole, symbols);
  if (others.length === 0) throw failure;
  const also: Array<Json> = [];
  for (const fault of others.slice(0, MAX_ALSO)) {
    const step = yield* stepFor(repairable, fault, faults);
    also.push(failureToJson(fixed(fault.failure, given, step === undefined ? [] : [step], symbols)));
  }
  throw new Failure({ ...fieldsOf(failure), also } as never);
}
