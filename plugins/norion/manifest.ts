/**
 * Manifest of norion: reasoning control around language models: pure data.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `norion`. */
export const norionPlugin: Plugin = {
  id: "norion",
  version: VERSION,
  summary: "Reasoning control: plans, memory, routing, review, genes and their edits, all gated and reversible.",
  provides: [],
  requires: [
    { capability: "rmi/Ledger", range: "^1.0.0" },
    { capability: "rmi/Programs", range: "^1.0.0" },
    { capability: "rmi/Proposals", range: "^1.0.0" },
    { capability: "rmi/Sandbox", range: "^1.0.0" },
    { capability: "rmi/Artifacts", range: "^1.0.0" },
    { capability: "rmi/Backends", range: "^1.0.0" },
    { capability: "rmi/Workers", range: "^1.0.0" },
  ],
  effects: ["readLocal", "writeLocal", "network", "exec"],
  kinds: ["env", "selfModify", "sys"],
  stability: "unstable",
  namespaces: [
    {
      name: "norion",
      summary: "ask a model under control: plan, memory, review, genes",
      priority: 40,
      aliases: { ask: "norion.ask" },
      recipes: [
        {
          task: "ask with memory and see why it was answered so",
          steps: ["norion.remember", "norion.ask", "norion.why"],
        },
        {
          task: "change how requests are reasoned about, and take it back",
          steps: ["norion.propose", "norion.preview", "norion.apply", "norion.rollback"],
        },
      ],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
