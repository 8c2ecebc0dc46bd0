/**
 * Manifest of the registry: which plugins there are, what they offer, and artifacts by digest.
 *
 * @module
 */
import type { Plugin } from "../kernel/plugin.ts";

/** The registry as a plugin. */
export const registryPlugin: Plugin = {
  id: "registry",
  version: "1.0.0",
  summary: "Plugins: found, looked at, approved; a catalogue with recipes; artifacts by digest.",
  provides: [{ capability: "rmi/Artifacts", version: "1.0.0" }],
  requires: [
    { capability: "rmi/Registry", range: "^1.0.0" },
    { capability: "rmi/Ledger", range: "^1.0.0" },
  ],
  effects: ["readLocal", "writeLocal", "network", "exec"],
  kinds: ["selfModify"],
  stability: "stable",
  namespaces: [
    {
      name: "registry",
      summary: "plugins, recipes and search over everything",
      priority: 60,
      aliases: { install: "registry.install" },
      recipes: [
        { task: "add a third-party plugin", steps: ["registry.look", "registry.approve", "registry.plugins"] },
        { task: "install an optional package", steps: ["registry.packages", "registry.install"] },
      ],
    },
    {
      name: "artifacts",
      summary: "store, name, exchange and collect programs, weights, data",
      priority: 50,
      recipes: [
        { task: "store and find an artifact", steps: ["artifacts.put", "artifacts.tag", "registry.artifacts"] },
        {
          task: "hand an artifact to somebody else",
          steps: ["artifacts.export", "artifacts.import", "artifacts.verify"],
        },
      ],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./handlers.ts"),
};
