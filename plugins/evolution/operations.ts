/**
 * Operations of the evolution room.
 *
 * @module
 */
import { createOperations } from "./operations_create.ts";
import { discoveryOperations } from "./operations_discovery.ts";
import { metaOperations } from "./operations_meta.ts";
import { runOperations } from "./operations_runs.ts";
import { searchOperations } from "./operations_search.ts";
import { selfOperations } from "./operations_self.ts";
import { subjectOperations } from "./operations_subjects.ts";

/** All operations of the plugin. */
export const operations = [
  ...runOperations,
  ...discoveryOperations,
  ...metaOperations,
  ...searchOperations,
  ...selfOperations,
  ...subjectOperations,
  ...createOperations,
] as const;
