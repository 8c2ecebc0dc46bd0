/**
 * Operations of the neural room.
 *
 * @module
 */
import { dataOperations } from "./operations_data.ts";
import { Federate } from "./operations_federate.ts";
import { languageOperations } from "./operations_language.ts";
import { modelOperations } from "./operations_models.ts";
import { Train } from "./operations_train.ts";

/** All operations of the plugin. */
export const operations = [Train, Federate, ...modelOperations, ...languageOperations, ...dataOperations] as const;
