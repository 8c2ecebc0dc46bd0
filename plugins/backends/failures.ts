/**
 * The failure catalogue of the backends: no device, a program a device cannot run, and inputs that do not fit.
 *
 * Not for defects: a broken invariant of this room stays a thrown error.
 * Invariant: codes are never reused.
 *
 * @module
 */
import { failure, type FailureDefinition, type FailuresOf } from "../../kernel/failure.ts";

/** There is no backend of a name. */
export const unknownBackend: FailureDefinition<"BACKENDS_UNKNOWN", { backend: string }> = failure("BACKENDS_UNKNOWN", {
  doc: "There is no backend or device of that name.",
  recoverable: true,
  says: (a) => `Cannot use ${a.backend}: there is no backend or device of that name`,
});

/** A backend has no device here. */
export const backendAbsent: FailureDefinition<"BACKENDS_ABSENT", { backend: string; reason: string }> = failure(
  "BACKENDS_ABSENT",
  {
    doc: "A backend has no device on this machine.",
    recoverable: true,
    says: (a) => `Cannot use backend ${a.backend}: ${a.reason}`,
  },
);

/** A device cannot run a program. */
export const unsupported: FailureDefinition<
  "BACKENDS_UNSUPPORTED",
  { device: string; op: string; reason: string; path: string }
> = failure("BACKENDS_UNSUPPORTED", {
  doc: "A device cannot run a node of a program.",
  recoverable: true,
  says: (a) => `Cannot run ${a.op} at ${a.path} on ${a.device}: ${a.reason}`,
});

/** Inputs do not fit the compiled program. */
export const wrongInput: FailureDefinition<"BACKENDS_INPUT", { reason: string }> = failure("BACKENDS_INPUT", {
  doc: "Inputs, sizes or state do not fit the program.",
  recoverable: true,
  says: (a) => `Cannot run the program: ${a.reason}`,
});

/** A program needs more than the device has. */
export const overCapacity: FailureDefinition<
  "BACKENDS_CAPACITY",
  { device: string; what: string; limit: number; found: number }
> = failure("BACKENDS_CAPACITY", {
  doc: "A program needs more memory, or another resource, than the device has.",
  recoverable: true,
  says: (a) => `Cannot run the program on ${a.device}: it needs ${a.found} ${a.what}, and the limit is ${a.limit}`,
});

/** A device failed while it ran. */
export const deviceFailed: FailureDefinition<"BACKENDS_DEVICE", { device: string; reason: string }> = failure(
  "BACKENDS_DEVICE",
  {
    doc: "A device, or the engine that drives it, failed while it worked.",
    recoverable: false,
    says: (a) => `${a.device} failed: ${a.reason}`,
  },
);

/** Every failure of this catalogue. */
export const BACKENDS_FAILURES: readonly [
  typeof unknownBackend,
  typeof backendAbsent,
  typeof unsupported,
  typeof wrongInput,
  typeof overCapacity,
  typeof deviceFailed,
] = [
  unknownBackend,
  backendAbsent,
  unsupported,
  wrongInput,
  overCapacity,
  deviceFailed,
];

/** Codes of this catalogue. */
export type BackendsCode = typeof BACKENDS_FAILURES[number]["code"];

/** A failure of this catalogue. */
export type BackendsFailure = FailuresOf<typeof BACKENDS_FAILURES[number]>;
