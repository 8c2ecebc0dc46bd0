/**
 * Jobs: what the workers do for a discovery. Each is a pure function of its input, which can be cloned.
 *
 * @module
 */
export { accountsOf, advanceIsland } from "./search.ts";
export { walked } from "./multiplying.ts";
