/**
 * Trial: a version of a subject beside the one it is to replace, by the suite that the subject was registered with.
 *
 * Not the gate: it says what was found, and the gate demands that this was asked. Invariant: both are judged now, by the
 * same cases and limits; what fails, passes nothing, loses a case that was passed, or scores less is not good; a trial of
 * zero cases is never good.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Ledger, type StateFailure } from "../../../effects/mod.ts";
import type { CapsOf } from "../../../kernel/authority.ts";
import type { CallContext } from "../../../kernel/context.ts";
import type { Digest } from "../../../kernel/digest.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { ArtifactFailure } from "../../../registry/artifact_store.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { attempting } from "../attempting.ts";
import { type Candidate, evaluate, type Evaluates } from "../evaluators/evaluate.ts";
import type { Verdict } from "../evaluators/judging.ts";
import { checkedSuite, Suite } from "../evaluators/suite.ts";
import { badSuite, type EvolutionFailure } from "../failures.ts";
import { type Body, bodyBytes, bodyOf } from "./body.ts";
import type { Rules } from "./subject.ts";

/** What a trial found. */
export interface Trial {
  /** Whether the version may replace the one before. */
  readonly ok: boolean;
  /** Codes of what speaks against it. */
  readonly reasons: ReadonlyArray<string>;
  /** The version. */
  readonly after: Verdict;
  /** The one it is to replace; absent for a first one. */
  readonly before?: Verdict;
  /** Sizes of the bodies. */
  readonly bytes: { readonly before?: number; readonly after: number };
}

/** What trying needs. */
export type Tries = Evaluates | Artifacts | Ledger | CallContext | CapsOf<"readLocal">;

/** Why nothing can be tried. */
export type TrialFailure = EvolutionFailure | KernelFailure | ArtifactFailure | StateFailure;

/** What two verdicts come to. */
export const judgeTrial = (after: Verdict, before?: Verdict): Pick<Trial, "ok" | "reasons"> => {
  const passed = (verdict: Verdict): number => verdict.seen.passed + verdict.held.passed;
  const lost = before === undefined ? [] : after.missed.filter((name) => !before.missed.includes(name));
  const isNew = (flag: Verdict["flags"][number]): boolean =>
    before !== undefined && after.flags.includes(flag) && !before.flags.includes(flag);
  const faults: ReadonlyArray<readonly [code: string, holds: boolean]> = [
    ["ZERO_TESTS", after.seen.total < 1 || after.held.total < 1],
    [`FAILED_${after.failed?.code}`, after.failed !== undefined],
    ["NOTHING_PASSED", after.failed === undefined && passed(after) === 0],
    ["WORSE", before !== undefined && after.score < before.score],
    ["REGRESSION", before !== undefined && before.failed === undefined && lost.length > 0],
    ["CONSTANT", isNew("CONSTANT")],
    ["MEMORISED", isNew("MEMORISED")],
  ];
  const reasons = faults.filter(([, holds]) => holds).map(([code]) => code);
  return { ok: reasons.length === 0, reasons };
};

/** Tries a body by the rules of its subject, beside the one in place. */
export const tryBody = (
  rules: Rules,
  suite: Suite,
  after: Body,
  before: Body | undefined,
): Effect.Effect<Trial, TrialFailure, Tries> =>
  Effect.gen(function* () {
    const reader = rules.reader === undefined ? "" : yield* readText(rules.reader);
    const candidateOf = (body: Body): Candidate => {
      if (body.kind === "program") return { program: body.bytes };
      return body.kind === "module" ? { module: body.text } : { module: reader, settings: body.values };
    };
    const found = yield* evaluate(candidateOf(after), suite);
    const base = before === undefined ? undefined : yield* evaluate(candidateOf(before), suite);
    return {
      ...judgeTrial(found, base),
      after: found,
      ...(base === undefined ? {} : { before: base }),
      bytes: {
        after: bodyBytes(after).length,
        ...(before === undefined ? {} : { before: bodyBytes(before).length }),
      },
    };
  });

const readText = (digest: Digest): Effect.Effect<string, TrialFailure, Tries> =>
  Effect.flatMap(
    Artifacts,
    (store) => Effect.map(store.read(digest), (bytes) => new TextDecoder().decode(bytes)),
  );

/** A body from the store. */
export const readBody = (rules: Rules, digest: Digest): Effect.Effect<Body, TrialFailure, Tries> =>
  Effect.flatMap(
    Artifacts,
    (store) => Effect.map(store.read(digest), (bytes) => bodyOf(rules.kind, bytes)),
  );

const decodeSuite = Schema.decodeUnknownSync(Suite);

/** The suite of a subject, from where no operation shows it. */
export const readSuite = (rules: Rules): Effect.Effect<Suite, TrialFailure, Tries> =>
  Effect.gen(function* () {
    const bytes = yield* (yield* Ledger).getBlob(rules.suite);
    return yield* attempting(() => {
      let suite: Suite;
      try {
        suite = decodeSuite(JSON.parse(new TextDecoder().decode(bytes)));
      } catch (cause) {
        throw badSuite({ reason: `what is stored of it cannot be read (${(cause as Error).message})` });
      }
      return checkedSuite(suite);
    });
  });
