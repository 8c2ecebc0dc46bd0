/**
 * Reach: how far a request may travel, and what authority that takes.
 *
 * Invariant: a request that stays in the process needs none beyond norion's own files.
 *
 * @module
 */
import type { EffectName, Kind } from "../../../kernel/mod.ts";
import type { Locality } from "../contract.ts";

/** How far a request may travel, nearest first. */
export const REACHES: readonly ["process", "machine", "network"] = ["process", "machine", "network"];

/** What a model outside the process needs: programs, servers (also of this machine) and their keys. */
const OUTSIDE: { readonly effects: ReadonlyArray<EffectName>; readonly kinds: ReadonlyArray<Kind> } = {
  effects: ["exec", "network"],
  kinds: ["env"],
};

/** The authority that models within a reach may use. */
export const authoritiesOfReach = (
  reach: Locality,
): { readonly effects: ReadonlyArray<EffectName>; readonly kinds: ReadonlyArray<Kind> } =>
  reach === "process" ? { effects: [], kinds: [] } : OUTSIDE;
