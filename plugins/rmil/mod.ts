/**
 * The language's code behind its operations.
 *
 * @module
 */
import * as Layer from "effect/Layer";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { Artifacts } from "../../registry/contract.ts";
import { Agents, Logic } from "./contract.ts";
import { languageHandlers } from "./handlers_language.ts";
import { loweringHandlers } from "./handlers_lowering.ts";
import { rewriteHandlers } from "./handlers_rewrite.ts";
import { runHandlers } from "./handlers_run.ts";
import { toolHandlers } from "./handlers_tools.ts";
import { operations } from "./operations.ts";

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [Artifacts, Logic, Agents],
  layer: Layer.empty,
  handlers: { ...languageHandlers, ...rewriteHandlers, ...runHandlers, ...toolHandlers, ...loweringHandlers },
});

export default plugin;
