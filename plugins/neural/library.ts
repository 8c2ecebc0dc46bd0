/**
 * Library: what other plugins import of the neural room: pure functions and their types.
 *
 * Functions throw failures of this room's catalogue on bad input.
 *
 * @module
 */
export * from "./contract.ts";
export { FORWARD, type Forward, networkOf } from "./network.ts";
export { type ParameterOptions, Scope } from "./layers/scope.ts";
