/**
 * Operations of the language.
 *
 * @module
 */
import { languageOperations } from "./operations_language.ts";
import { loweringOperations } from "./operations_lowering.ts";
import { rewriteOperations } from "./operations_rewrite.ts";
import { runOperations } from "./operations_run.ts";
import { toolOperations } from "./operations_tools.ts";

/** All operations of the plugin. */
export const operations = [
  ...languageOperations,
  ...rewriteOperations,
  ...runOperations,
  ...toolOperations,
  ...loweringOperations,
] as const;
