/**
 * Manifest of the evolution room: pure data.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `evolution`. */
export const evolutionPlugin: Plugin = {
  id: "evolution",
  version: VERSION,
  summary: "Search for programs, settings and numbers by scores; runs that resume, lineage, gated self-modification.",
  provides: [],
  requires: [
    { capability: "rmi/Ledger", range: "^1.0.0" },
    { capability: "rmi/Proposals", range: "^1.0.0" },
    { capability: "rmi/Sandbox", range: "^1.0.0" },
    { capability: "rmi/Artifacts", range: "^1.0.0" },
    { capability: "rmi/Backends", range: "^1.0.0" },
    { capability: "rmi/Workers", range: "^1.0.0" },
  ],
  effects: ["readLocal", "writeLocal", "exec"],
  kinds: ["evolve", "ffi"],
  stability: "unstable",
  namespaces: [
    {
      name: "evolution",
      summary: "evolve programs, settings, numbers; resume, lineage",
      priority: 8,
      recipes: [
        { task: "create a model from data", steps: ["data.list", "evolution.create", "neural.predict"] },
        {
          task: "search for what scores best, and see where it comes from",
          steps: ["evolution.evolve", "evolution.status", "evolution.lineage"],
        },
      ],
      aliases: { create: "evolution.create", evolve: "evolution.evolve" },
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
