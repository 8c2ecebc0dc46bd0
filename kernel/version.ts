/**
 * Version: the one place in code that says which release this is; a test compares it with deno.json.
 *
 * @module
 */

/** Semantic version of this release. */
export const VERSION = "0.1.0";
