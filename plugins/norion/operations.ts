/**
 * Declarations of the namespace `norion`.
 *
 * Not the code that answers (handlers_*.ts).
 *
 * @module
 */
import { ASKING } from "./operations_ask.ts";
import { MODEL_OPERATIONS } from "./operations_models.ts";
import { SCISSORS } from "./operations_scissors.ts";

/** Every declaration of norion. */
export const operations = [...ASKING, ...MODEL_OPERATIONS, ...SCISSORS] as const;
