/**
 * Manifest of the backends: pure data.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `backends`. */
export const backendsPlugin: Plugin = {
  id: "backends",
  version: VERSION,
  summary: "Runs tensor programs: an embedded CPU compiler, optional native engines, one conformance suite for all.",
  provides: [{ capability: "rmi/Backends", version: "1.0.0" }],
  requires: [],
  effects: [],
  kinds: ["ffi"],
  stability: "unstable",
  namespaces: [
    {
      name: "backend",
      summary: "run tensor programs fast: devices, choice, conformance",
      priority: 5,
      recipes: [{ task: "run a tensor program on the fastest device", steps: ["backend.explain", "backend.run"] }],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
