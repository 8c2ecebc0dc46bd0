/**
 * The evolution room's code behind its operations.
 *
 * @module
 */
import * as Layer from "effect/Layer";
import { Ledger, Proposals, Sandbox } from "../../effects/mod.ts";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { Workers } from "../../kernel/workers.ts";
import { Artifacts } from "../../registry/contract.ts";
import { Backends } from "../backends/contract.ts";
import { runHandlers } from "./handlers_runs.ts";
import { operations } from "./operations.ts";

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [Ledger, Proposals, Sandbox, Artifacts, Backends, Workers],
  layer: Layer.empty,
  handlers: { ...runHandlers },
});

export default plugin;
