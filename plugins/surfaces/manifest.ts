/**
 * Manifest of the surfaces: how people and agents reach the operations, and the tour that shows them.
 *
 * The command line is no operation: it is what calls them.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `surfaces`. */
export const surfacesPlugin: Plugin = {
  id: "surfaces",
  version: VERSION,
  summary: "Command line, MCP, HTTP and A2A: projections of the declarations.",
  provides: [],
  requires: [{ capability: "rmi/Front", range: "^1.0.0" }],
  effects: ["readLocal", "writeLocal", "network"],
  kinds: [],
  stability: "unstable",
  namespaces: [
    { name: "surfaces", summary: "serve the operations to agents: MCP, HTTP, A2A", priority: 20 },
    {
      name: "tour",
      summary: "see in a minute what works here",
      priority: 10,
      aliases: { tour: "tour.run" },
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
