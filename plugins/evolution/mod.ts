/**
 * The evolution room's code behind its operations.
 *
 * @module
 */
import { Ledger, Proposals, Sandbox } from "../../effects/mod.ts";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { Workers } from "../../kernel/workers.ts";
import { Artifacts } from "../../registry/contract.ts";
import { Backends } from "../backends/contract.ts";
import { createHandlers } from "./handlers_create.ts";
import { discoveryHandlers } from "./handlers_discovery.ts";
import { metaHandlers } from "./handlers_meta.ts";
import { runHandlers } from "./handlers_runs.ts";
import { searchHandlers } from "./handlers_search.ts";
import { layerSelf, selfHandlers } from "./handlers_self.ts";
import { subjectHandlers } from "./handlers_subjects.ts";
import { operations } from "./operations.ts";

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [Ledger, Proposals, Sandbox, Artifacts, Backends, Workers],
  layer: layerSelf,
  handlers: {
    ...runHandlers,
    ...discoveryHandlers,
    ...metaHandlers,
    ...searchHandlers,
    ...selfHandlers,
    ...subjectHandlers,
    ...createHandlers,
  },
});

export default plugin;
