/**
 * Operations of the language.
 *
 * @module
 */
import { languageOperations } from "./operations_language.ts";

/** All operations of the plugin. */
export const operations = [...languageOperations] as const;
