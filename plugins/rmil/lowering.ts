/**
 * Lowering table: every op whose meaning is a tensor program. Gradient, cost and backends follow from it.
 *
 * Not the ops of control, memory's buffers, agents, symbols and programs: those are in evaluation.ts.
 *
 * @module
 */
import { activationLowerings, mathLowerings } from "./lowering/elementwise.ts";
import { layerLowerings } from "./lowering/layers.ts";
import type { Lower } from "./lowering/lowering.ts";
import { movementLowerings } from "./lowering/movement.ts";
import { normalisationLowerings, poolLowerings } from "./lowering/normalisation.ts";
import { cellLowerings, codeLowerings } from "./lowering/sequence.ts";
import { lossLowerings, stepLowerings } from "./lowering/training.ts";

/** Lowerings by op name. */
export const LOWERINGS: { readonly [op: string]: Lower } = {
  ...mathLowerings,
  ...activationLowerings,
  ...layerLowerings,
  ...normalisationLowerings,
  ...poolLowerings,
  ...lossLowerings,
  ...stepLowerings,
  ...cellLowerings,
  ...codeLowerings,
  ...movementLowerings,
};
