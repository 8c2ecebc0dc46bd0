/**
 * Declarations of the namespace `norion`.
 *
 * Not the code that answers (handlers_*.ts).
 *
 * @module
 */
import { ASKING } from "./operations_ask.ts";

/** Every declaration of norion. */
export const operations = [...ASKING] as const;
