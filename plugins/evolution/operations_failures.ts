/**
 * Failures of operations: what those may answer with that keep runs, that train, and that go through the gate.
 *
 * @module
 */
import {
  gateHolds,
  ledgerFailures,
  malformedProposal,
  notApprover,
  staleChange,
  wrongAdmission,
} from "../../effects/mod.ts";
import { unknownEntry } from "../../kernel/mod.ts";
import { artifactDamaged, artifactDangling, artifactTooLarge } from "../../registry/failures.ts";
import { BACKENDS_FAILURES } from "../backends/library.ts";
import { IR_FAILURES } from "../ir/library.ts";
import { NEURAL_FAILURES } from "../neural/library.ts";
import { rmilFailures } from "../rmil/library.ts";
import { EVOLUTION_FAILURES } from "./failures.ts";

/** Of what is kept in the ledger and among the artifacts. */
export const KEPT_FAILURES = [
  ...EVOLUTION_FAILURES,
  ...ledgerFailures,
  artifactDamaged,
  artifactDangling,
  artifactTooLarge,
] as const;

/** Of what changes by proposals. */
export const GATED_FAILURES = [
  ...KEPT_FAILURES,
  gateHolds,
  malformedProposal,
  notApprover,
  staleChange,
  unknownEntry,
  wrongAdmission,
] as const;

/** Of programs that are trained on data. */
export const TRAINED_FAILURES = [
  ...NEURAL_FAILURES,
  ...rmilFailures,
  ...IR_FAILURES,
  ...BACKENDS_FAILURES,
] as const;
