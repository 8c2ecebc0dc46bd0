/**
 * Limits of what the language server works out at every key stroke.
 *
 * @module
 */

/** Largest program, in nodes, whose meaning is checked while it is edited. */
export const MAX_CHECKED_NODES = 20_000;

/** Largest program, in nodes, whose types for inputs of common shapes an explanation lists: each costs a check. */
export const MAX_SIGNED_HOVER = 2_000;
