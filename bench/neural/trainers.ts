/**
 * Trainers: how to start every engine that is measured, ours first; each is loaded when it is started.
 */
import type { Measured, Trainer } from "./trainer.ts";

/** An engine that is measured. */
export type TrainerName = "rmi" | "tfjs" | "jax-js";

/** How to start each; undefined where it cannot train such a network. */
export const TRAINERS: { readonly [N in TrainerName]: (network: Measured) => Promise<Trainer | undefined> } = {
  rmi: async (network) => (await import("./ours.ts")).startOurs(network),
  tfjs: async (network) => (await import("./tfjs.ts")).startTfjs(network),
  "jax-js": async (network) => (await import("./jax.ts")).startJax(network),
};
