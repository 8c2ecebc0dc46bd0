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
  requires: [],
  effects: [],
  kinds: ["agent"],
  stability: "unstable",
  namespaces: [
    {
      name: "rmil",
      summary: "programs of the language: encode, decode, format, describe ops",
      priority: 6,
      recipes: [{ task: "write a program and send it as bytes", steps: ["rmil.ops", "rmil.format", "rmil.encode"] }],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
