/**
 * Findings: what the verifier has found so far, bounded, and the names of what it may find odd.
 *
 * Invariant: counts are exact; of more findings than are kept, the graver stay.
 *
 * @module
 */
import type { Fix } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { isIrFailure } from "../failures.ts";

/** How much a finding matters: notes are facts, warnings are likely mistakes, errors refuse the program. */
export type Severity = "note" | "warning" | "error";

/** One finding. */
export interface Diagnostic {
  /** How much it matters. */
  readonly severity: Severity;
  /** Stable code: of the failure catalogue for errors, of {@link OBSERVATIONS} for the rest. */
  readonly code: string;
  /** Source location of the node, or its place in the program. */
  readonly path: string;
  /** What was found, in one sentence. */
  readonly message: string;
  /** What would be right. */
  readonly expected?: Json;
  /** What is there. */
  readonly actual?: Json;
  /** How to mend it; a patch replaces `/program` by the mended text. */
  readonly fix?: Fix;
}

/** Most findings of one report; counts go on. */
export const MAX_DIAGNOSTICS = 100;

/** What can be odd without being wrong. */
export const OBSERVATIONS = {
  IR_DEAD_VALUE: { severity: "note", doc: "A node makes nothing that any result needs." },
  IR_UNUSED_PARAMETER: { severity: "note", doc: "A parameter is not read." },
  IR_UNUSED_FUNCTION: { severity: "note", doc: "A function is not reached from the entry." },
  IR_UNBOUNDED_LOOP: { severity: "note", doc: "A while loop has no bound, so its end and its gradient are not known." },
  IR_ENDLESS_LOOP: { severity: "warning", doc: "A while loop's condition does not depend on what the loop changes." },
  IR_NO_RESULT: { severity: "warning", doc: "The entry returns nothing." },
  IR_AMBIGUOUS_NAME: { severity: "warning", doc: "Two parameters of one function have the same name." },
  IR_FIXED_SEED: { severity: "note", doc: "Random numbers are drawn from a literal seed: every run draws the same." },
  IR_SAME_DRAW: { severity: "warning", doc: "Two draws have the same seed and stream, so they are correlated." },
  IR_REPEATED_DRAW: {
    severity: "warning",
    doc: "A loop's body draws from a seed that does not change from turn to turn.",
  },
} as const satisfies { readonly [code: string]: { readonly severity: Severity; readonly doc: string } };

/** Code of an observation. */
export type ObservationCode = keyof typeof OBSERVATIONS;

/** Severities by weight, the gravest first. */
export const RANK: { readonly [S in Severity]: number } = { error: 0, warning: 1, note: 2 };

/** Members of an object, of any form. */
export type Fields = { readonly [name: string]: unknown };

/** Whether data is an object with members. */
export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What data is, in a few words. */
export const shortText = (value: unknown): string => {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : `${typeof value} ${String(value).slice(0, 40)}`;
};

/** Findings so far. */
export class Findings {
  /** The findings kept. */
  readonly list: Diagnostic[] = [];
  /** How many there were. */
  readonly counts: { [S in Severity]: number } = { error: 0, warning: 0, note: 0 };

  /** Keeps findings down to a weight of {@link RANK}. */
  constructor(private readonly least: number) {}

  /** Adds a finding. */
  add(found: Diagnostic): void {
    this.counts[found.severity]++;
    if (RANK[found.severity] > this.least) return;
    // Errors push out what matters less.
    if (this.list.length >= MAX_DIAGNOSTICS) {
      const worst = this.list.findLastIndex(({ severity }) => RANK[severity] > RANK[found.severity]);
      if (worst < 0) return;
      this.list.splice(worst, 1);
    }
    this.list.push(found);
  }

  /** Adds that data does not have the form it must have. */
  malformed(path: string, what: string, expected: string, actual: unknown): void {
    const message = `Cannot read ${what}: ${expected} is needed, and ${shortText(actual)} is there`;
    this.add({ severity: "error", code: "IR_VALUE", path, message, expected, actual: shortText(actual) });
  }

  /** Adds an observation. */
  observe(code: ObservationCode, path: string, message: string): void {
    this.add({ severity: OBSERVATIONS[code].severity, code, path, message });
  }

  /** Runs a check whose refusal is a finding; undefined where it refused. */
  attempt<A>(path: string, check: () => A, fix?: () => Fix | undefined): A | undefined {
    try {
      return check();
    } catch (thrown) {
      if (!isIrFailure(thrown)) throw thrown;
      const known = fix?.() ?? thrown.fix;
      this.add({
        severity: "error",
        code: thrown.code,
        path: thrown.path === "" ? path : thrown.path,
        message: thrown.message,
        ...(thrown.expected === undefined ? {} : { expected: thrown.expected }),
        ...(thrown.actual === undefined ? {} : { actual: thrown.actual }),
        ...(known === undefined ? {} : { fix: known }),
      });
      return undefined;
    }
  }
}
