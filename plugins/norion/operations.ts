/**
 * Declarations of the namespace `norion`.
 *
 * Not the code that answers (handlers_*.ts).
 *
 * @module
 */
import { ASKING } from "./operations_ask.ts";
import { EMBEDDING } from "./operations_embedding.ts";
import { MEMORY_OPERATIONS } from "./operations_memory.ts";
import { MODEL_OPERATIONS } from "./operations_models.ts";
import { REVIEWING } from "./operations_review.ts";
import { RUNS } from "./operations_runs.ts";
import { ROUTING } from "./operations_routing.ts";
import { SCISSORS } from "./operations_scissors.ts";
import { NorionTour } from "./tour/operation.ts";

/** Every declaration of norion. */
export const operations = [
  ...ASKING,
  ...MEMORY_OPERATIONS,
  ...EMBEDDING,
  ...MODEL_OPERATIONS,
  ...REVIEWING,
  ...RUNS,
  ...ROUTING,
  ...SCISSORS,
  NorionTour,
] as const;
