/**
 * Manifest of the neural room: pure data.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `neural`. */
export const neuralPlugin: Plugin = {
  id: "neural",
  version: VERSION,
  summary: "Networks as programs: layers, data, training, models, federated learning.",
  provides: [],
  requires: [
    { capability: "rmi/Artifacts", range: "^1.0.0", optional: true },
    { capability: "rmi/Backends", range: "^1.0.0" },
  ],
  effects: ["readLocal", "writeLocal"],
  kinds: ["ffi"],
  stability: "unstable",
  namespaces: [
    {
      name: "neural",
      summary: "train programs on data; evaluate, predict, export models",
      priority: 7,
      recipes: [
        { task: "train a model and use it", steps: ["data.list", "neural.train", "neural.predict"] },
        { task: "take a model elsewhere", steps: ["neural.train", "neural.export"] },
      ],
      aliases: { train: "neural.train" },
    },
    { name: "data", summary: "data sets: which there are, what is in them", priority: 4 },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
