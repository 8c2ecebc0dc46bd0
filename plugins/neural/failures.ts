/**
 * The failure catalogue of the neural room: everything that can be wrong with a network, its data or its training.
 *
 * Not for defects: a broken invariant of this room stays a thrown error.
 * Invariant: codes are never reused; the functions of this room throw these, and failures of the rooms they call.
 *
 * @module
 */
import { failure, type FailureDefinition, type FailuresOf } from "../../kernel/failure.ts";

/** Two layers share a path but not a type. */
export const sharedDiffers: FailureDefinition<"NEURAL_SHARED", { path: string; expected: string; actual: string }> =
  failure("NEURAL_SHARED", {
    doc: "Two layers ask for one tensor by the same path with different types.",
    recoverable: true,
    says: (a) => `Cannot share ${a.path}: it is ${a.expected}, and ${a.actual} is asked for`,
    fix: (a) => ({ summary: `Give the layers paths of their own, or both the type ${a.expected}` }),
  });

/** A forward pass is not one network. */
export const notOneNetwork: FailureDefinition<"NEURAL_NETWORK", { reason: string }> = failure("NEURAL_NETWORK", {
  doc: "A forward pass does not make one network.",
  recoverable: true,
  says: (a) => `Cannot make a network: ${a.reason}`,
});

/** Every failure of this room. */
export const NEURAL_FAILURES = [sharedDiffers, notOneNetwork] as const;

/** A failure of this room. */
export type NeuralFailure = FailuresOf<typeof NEURAL_FAILURES>;
