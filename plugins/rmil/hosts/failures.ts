/**
 * Failures of host functions: what can go wrong where a program calls the system around it.
 *
 * @module
 */
import { failure, type FailureDefinition } from "../../../kernel/mod.ts";

/** No host function has the name. */
export const unknownHostFunction: FailureDefinition<"RMIL_HOST_UNKNOWN", { name: string }> = failure(
  "RMIL_HOST_UNKNOWN",
  {
    doc: "No host function of this name is registered.",
    recoverable: true,
    says: (a) => `Cannot call ${a.name}: no host function has this name`,
    fix: (a) => ({
      summary: a.suggestions?.[0] === undefined ? "Register it first" : `Did you mean ${a.suggestions[0]}?`,
    }),
  },
);

/** A host function gets the wrong number of arguments. */
export const hostArity: FailureDefinition<"RMIL_HOST_ARITY", { name: string; takes: number; given: number }> = failure(
  "RMIL_HOST_ARITY",
  {
    doc: "A host function is called with more or fewer arguments than it declares.",
    recoverable: true,
    says: (a) => `Cannot call ${a.name}: it takes ${a.takes} arguments, and ${a.given} were given`,
    fix: (a) => ({ summary: `Give ${a.takes} arguments` }),
  },
);

/** An argument of a host function is not of the declared type. */
export const hostArgument: FailureDefinition<
  "RMIL_HOST_ARGUMENT",
  { name: string; index: number; wanted: string; found: string }
> = failure("RMIL_HOST_ARGUMENT", {
  doc: "An argument of a host function is not of the declared type, or does not fit its range.",
  recoverable: true,
  says: (a) => `Cannot call ${a.name}: argument ${a.index} is ${a.found}, and ${a.wanted} is declared`,
});

/** A host function gave what it does not declare. */
export const hostResult: FailureDefinition<"RMIL_HOST_RESULT", { name: string; wanted: string; found: string }> =
  failure("RMIL_HOST_RESULT", {
    doc: "A host function gave a value that is not of its declared result type.",
    recoverable: false,
    says: (a) => `Cannot use the result of ${a.name}: it is ${a.found}, and ${a.wanted} is declared`,
  });

/** A host function failed or took too long. */
export const hostFailed: FailureDefinition<"RMIL_HOST_FAILED", { name: string; reason: string }> = failure(
  "RMIL_HOST_FAILED",
  {
    doc: "A host function failed by itself, or did not answer within its time.",
    recoverable: true,
    says: (a) => `Cannot finish ${a.name}: ${a.reason}`,
  },
);

/** A host function needs an authority that the run was not granted. */
export const hostDenied: FailureDefinition<"RMIL_HOST_DENIED", { name: string; authority: string }> = failure(
  "RMIL_HOST_DENIED",
  {
    doc: "A host function declares an effect or a kind that this run was not granted.",
    recoverable: true,
    says: (a) => `Cannot call ${a.name}: it needs ${a.authority}, which this run was not granted`,
    fix: (a) => ({ summary: `Run with ${a.authority} granted, or without ${a.name}` }),
  },
);

/** Every failure of host functions. */
export const hostFailures: ReadonlyArray<FailureDefinition<`RMIL_HOST_${string}`>> = [
  unknownHostFunction,
  hostArity,
  hostArgument,
  hostResult,
  hostFailed,
  hostDenied,
];
