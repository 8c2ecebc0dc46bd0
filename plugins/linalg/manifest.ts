/**
 * Manifest of linear algebra: pure data.
 *
 * @module
 */
import type { Plugin } from "../../kernel/plugin.ts";
import { VERSION } from "../../kernel/version.ts";

/** The plugin `linalg`. */
export const linalgPlugin: Plugin = {
  id: "linalg",
  version: VERSION,
  summary: "Dense linear algebra in binary64: solve, invert, factor, eigenvalues, least squares, norms.",
  provides: [],
  requires: [],
  effects: [],
  kinds: [],
  stability: "unstable",
  namespaces: [
    {
      name: "linalg",
      summary: "dense matrices: solve, factor, eigenvalues",
      priority: 3,
      recipes: [{ task: "fit a linear model", steps: ["linalg.leastSquares", "linalg.norms"] }],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./mod.ts"),
};
