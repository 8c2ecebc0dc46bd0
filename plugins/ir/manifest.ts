/**
 * Manifest of the IR: typed SSA programs, their reference meaning, gradient, cost and identity.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `ir`. */
export const irPlugin: Plugin = {
  id: "ir",
  version: VERSION,
  summary: "Typed SSA tensor programs: primitives, checks, reference evaluation, gradients, cost, identity.",
  provides: [],
  requires: [],
  effects: ["readLocal", "writeLocal"],
  kinds: [],
  stability: "unstable",
  namespaces: [
    {
      name: "ir",
      summary: "tensor programs: check, evaluate, differentiate, cost",
      priority: 5,
      recipes: [{ task: "differentiate a tensor program and run it", steps: ["ir.grad", "ir.evaluate"] }, {
        task: "bring an ONNX model in and write it as source code",
        steps: ["ir.import", "ir.emit"],
      }],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
