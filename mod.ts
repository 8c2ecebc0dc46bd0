/**
 * RMI: a plugin framework on a typed-effect microkernel, in which agents discover, compose, check, run, evolve, exchange
 * and roll back small machine-generated programs, and a person can audit every step.
 *
 * This is the front door for scripts and libraries; `rmi` on a command line is the same operations behind a supervisor.
 *
 * @example
 * ```ts
 * import { rmi } from "@rmi/rmi";
 * import assert from "node:assert/strict";
 * await using system = rmi({ workspace: Deno.makeTempDirSync() });
 * const answer = await system.call("kernel.search", { query: "verify the ledger", limit: 1 });
 * assert.deepEqual((answer as { hits: ReadonlyArray<{ id: string }> }).hits[0].id, "ledger.verify");
 * ```
 *
 * @module
 */
export * from "./effects/mod.ts";
export * from "./kernel/mod.ts";
export * from "./registry/mod.ts";
export * from "./plugins/open.ts";
