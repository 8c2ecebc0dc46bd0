/**
 * The neural room's code behind its operations.
 *
 * @module
 */
import * as Layer from "effect/Layer";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { Artifacts } from "../../registry/contract.ts";
import { Backends } from "../backends/library.ts";
import { dataHandlers } from "./handlers_data.ts";
import { federateHandlers } from "./handlers_federate.ts";
import { languageHandlers } from "./handlers_language.ts";
import { modelHandlers } from "./handlers_models.ts";
import { trainHandlers } from "./handlers_train.ts";
import { operations } from "./operations.ts";

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [Artifacts, Backends],
  layer: Layer.empty,
  handlers: { ...trainHandlers, ...federateHandlers, ...modelHandlers, ...languageHandlers, ...dataHandlers },
});

export default plugin;
