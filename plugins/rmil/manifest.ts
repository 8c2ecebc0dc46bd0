/**
 * The language as a plugin: pure data.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `rmil`. */
export const rmilPlugin: Plugin = {
  id: "rmil",
  version: VERSION,
  summary: "The binary neurosymbolic language: bytes, text, meaning and tools of its programs.",
  provides: [],
  requires: [
    { capability: "rmi/Artifacts", range: "^1.0.0", optional: true },
    { capability: "rmi/rmil/Logic", range: "^1.0.0", optional: true },
    { capability: "rmi/rmil/Agents", range: "^1.0.0", optional: true },
  ],
  effects: ["readLocal", "writeLocal", "network"],
  kinds: ["agent", "time", "random", "llm", "learn"],
  stability: "unstable",
  namespaces: [
    {
      name: "rmil",
      summary: "programs of the language: encode, decode, format, describe ops",
      priority: 6,
      recipes: [
        { task: "write a program and send it as bytes", steps: ["rmil.ops", "rmil.format", "rmil.encode"] },
        { task: "keep a program and run it by its digest", steps: ["rmil.check", "rmil.store", "rmil.run"] },
      ],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  topics: async () => (await import("./ops/described.ts")).opTopics,
  load: () => import("./mod.ts"),
};
