/**
 * Repair: the smallest changes after which a refused program passes the check.
 *
 * Invariant: a change is offered only after the changed program was checked: the whole repair passes, and a single
 * change leaves fewer faults than there were.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import type { Checked } from "../check.ts";
import type { Expression } from "../expression.ts";
import type { Symbols } from "../symbols.ts";
import type { Type } from "../types.ts";
import { type Candidate, changed } from "./edits.ts";
import type { Faulty } from "./candidate.ts";
import { CANDIDATES } from "./candidates.ts";
import type { Fault } from "./fault.ts";

/** Largest program that is repaired. */
export const MAX_REPAIRED_NODES = 5_000;

/** Most checks of one repair. */
export const MAX_TRIALS = 400;

/** Most expressions judged in the checks of one repair, as often as they are. */
export const MAX_REPAIR_STEPS = 200_000;

/** Most changes of one repair. */
export const MAX_CHANGES = 8;

/** One change of a repair. */
export interface Step {
  /** The change. */
  readonly candidate: Candidate;
  /** The program before it. */
  readonly before: Expression;
  /** The program after it. */
  readonly after: Expression;
}

/** What repairs need to know. */
export interface Repairable {
  /** The program. */
  readonly program: Expression;
  /** Its names; those that changes bring in are added. */
  readonly symbols: Symbols;
  /** Types of the inputs. */
  readonly inputs: { readonly [name: string]: Type };
  /** Checks a program over the same names and inputs, giving way now and then. */
  readonly check: (program: Expression) => Generator<void, Pick<Checked, "faults" | "steps">>;
}

interface Tried extends Step {
  readonly faults: ReadonlyArray<Fault>;
}

/** The program after a change; `undefined` where the change does not apply, or makes no program that may be. */
const madeBy = (candidate: Candidate, before: Expression): Expression | undefined => {
  try {
    return changed(before, candidate);
  } catch (thrown) {
    if (isFailure(thrown)) return undefined;
    throw thrown;
  }
};

/** Counts the checks of one repair. */
class Trials {
  #left = MAX_TRIALS;
  #steps = MAX_REPAIR_STEPS;

  constructor(readonly check: Repairable["check"]) {}

  get spent(): boolean {
    return this.#left <= 0 || this.#steps <= 0;
  }

  *try(candidate: Candidate, before: Expression): Generator<void, Tried | undefined> {
    const after = madeBy(candidate, before);
    if (after === undefined || this.spent) return undefined;
    const { faults, steps } = yield* this.check(after);
    this.#left--;
    this.#steps -= steps;
    return { candidate, before, after, faults };
  }
}

const isSame = (a: Fault, b: Fault): boolean =>
  a.failure.code === b.failure.code && a.failure.message === b.failure.message;

/**
 * The first change that mends a fault and brings no other; where there is none, the first one behind which another
 * fault comes to light.
 */
function* mended(
  fault: Fault,
  faults: ReadonlyArray<Fault>,
  faulty: Faulty,
  trials: Trials,
): Generator<void, Tried | undefined> {
  let second: Tried | undefined;
  for (const candidate of CANDIDATES[fault.failure.code]?.(fault, faulty) ?? []) {
    if (trials.spent) break;
    yield;
    const tried = yield* trials.try(candidate, faulty.program);
    if (tried === undefined) continue;
    if (tried.faults.length < faults.length) return tried;
    if (tried.faults.length === faults.length && !tried.faults.some((other) => isSame(other, fault))) second ??= tried;
  }
  return second;
}

/** Faults that others often follow from come first: a name that is not read leaves its input in the pipeline's. */
const CAUSES: ReadonlySet<string> = new Set(["RMIL_UNBOUND", "RMIL_ARGUMENTS", "RMIL_ATTRIBUTE"]);

const causesFirst = (faults: ReadonlyArray<Fault>): ReadonlyArray<Fault> => {
  const isCause = ({ failure }: Fault): boolean => CAUSES.has(failure.code);
  return [...faults.filter(isCause), ...faults.filter((fault) => !isCause(fault))];
};

/** The change of the first fault that can be mended. */
function* next(
  faults: ReadonlyArray<Fault>,
  faulty: Faulty,
  trials: Trials,
): Generator<void, Tried | undefined> {
  for (const fault of causesFirst(faults)) {
    const tried = yield* mended(fault, faults, faulty, trials);
    if (tried !== undefined) return tried;
  }
  return undefined;
}

/** Changes after which the program passes; `undefined` where none are known. Gives way now and then. */
export function* repairOf(
  { program, symbols, inputs, check }: Repairable,
  found: ReadonlyArray<Fault>,
): Generator<void, ReadonlyArray<Step> | undefined> {
  if (program.size > MAX_REPAIRED_NODES) return undefined;
  const trials = new Trials(check);
  const steps: Array<Step> = [];
  let [at, faults] = [program, found];
  while (faults.length > 0) {
    if (steps.length >= MAX_CHANGES) return undefined;
    const tried = yield* next(faults, { program: at, symbols, inputs }, trials);
    if (tried === undefined) return undefined;
    steps.push(tried);
    [at, faults] = [tried.after, tried.faults];
  }
  return steps;
}

/** The change that mends one fault and leaves fewer; `undefined` where none is known. Gives way now and then. */
export function* stepFor(
  { program, symbols, inputs, check }: Repairable,
  fault: Fault,
  faults: ReadonlyArray<Fault>,
): Generator<void, Step | undefined> {
  if (program.size > MAX_REPAIRED_NODES) return undefined;
  const tried = yield* mended(fault, faults, { program, symbols, inputs }, new Trials(check));
  return tried === undefined || tried.faults.length >= faults.length ? undefined : tried;
}
