/**
 * Operations of the evolution room.
 *
 * @module
 */
import { runOperations } from "./operations_runs.ts";

/** All operations of the plugin. */
export const operations = [...runOperations] as const;
