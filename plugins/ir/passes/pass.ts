/**
 * Pass: what the optimiser is made of. A pass takes a program and gives one that means the same and costs no more.
 *
 * Not the order of passes (optimise.ts) and not what they do (one file each, or a table of rules).
 * Invariant: a pass keeps the entry's name, parameters, sizes and result types, and works on functions as data; whoever
 * runs one gives its answer to `makeProgram`, so nothing ill-typed leaves.
 *
 * @module
 */
import type { IrFunction } from "../graph.ts";

/** Functions of a program on the way through the passes. */
export interface Draft {
  /** The function that running the program runs. */
  readonly entry: string;
  /** Functions by name; a function stands after those it uses. */
  readonly functions: ReadonlyMap<string, IrFunction>;
}

/** What a pass is told. */
export interface PassOptions {
  /** Whether laws may be used that hold for real numbers but not for NaN, infinities, −0 and the last bits. */
  readonly fastMath: boolean;
}

/** What a pass answers. */
export interface PassResult {
  /** The program it made. */
  readonly draft: Draft;
  /** How often it changed something; 0 where it left all as it was. */
  readonly changes: number;
  /** Names of the rules it applied, where it is made of rules. */
  readonly rules?: ReadonlyArray<string>;
}

/** One pass. */
export interface Pass {
  /** Its name in reports. */
  readonly name: string;
  /** What it does, in one sentence. */
  readonly doc: string;
  /** Runs it. */
  readonly run: (draft: Draft, options: PassOptions) => PassResult;
}

/** Applies a change to every function of a draft. */
export const eachFunction = (
  draft: Draft,
  change: (
    fn: IrFunction,
    draft: Draft,
  ) => { readonly fn: IrFunction; readonly changes: number; readonly rules?: ReadonlyArray<string> },
): PassResult => {
  const functions = new Map<string, IrFunction>();
  const rules: string[] = [];
  let changes = 0;
  for (const [name, fn] of draft.functions) {
    const made = change(fn, { entry: draft.entry, functions: new Map([...draft.functions, ...functions]) });
    functions.set(name, made.changes > 0 ? made.fn : fn);
    changes += made.changes;
    rules.push(...made.rules ?? []);
  }
  return { draft: { entry: draft.entry, functions }, changes, rules };
};
