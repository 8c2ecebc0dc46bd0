/**
 * Mark: the attribute that tells applications apart while they are rewritten (lineage.ts).
 *
 * Invariant: no op has an attribute of this name, and no rule sees it.
 *
 * @module
 */

/** Name of the attribute. */
export const MARK = "\u0000origin";
