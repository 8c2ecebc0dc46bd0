/**
 * Mentions: which events speak of a request, so that its story is told without reading the whole ledger.
 *
 * Not the events themselves. Invariant: the order is the ledger's; of a request that very many events speak of, the first
 * and the latest are kept.
 *
 * @module
 */
import type { Fold, LedgerEvent } from "../../../effects/mod.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/mod.ts";
import { type Buckets, find, put } from "./buckets.ts";
import { sourceOf } from "./requests.ts";

/** Steps by request. */
export type MentionState = Buckets<ReadonlyArray<number>>;

/** Most steps that are kept of one request. */
export const MOST_MENTIONS = 64;

const FIRST_KEPT = MOST_MENTIONS / 2;

const OURS = "norion.";
const REQUEST_SOURCE = sourceOf("");

const listed = (value: Json | undefined): ReadonlyArray<string> =>
  Array.isArray(value) ? value.flatMap((one) => isJsonObject(one) ? named(one.request) : []) : [];

const named = (value: Json | undefined): ReadonlyArray<string> => typeof value === "string" ? [value] : [];

/** The requests that an event speaks of: by name, as the source of a memory, or in a list of records. */
const requestsIn = (data: JsonObject): ReadonlySet<string> => {
  const source = isJsonObject(data.item) ? data.item.source : undefined;
  const left = typeof source === "string" && source.startsWith(REQUEST_SOURCE)
    ? [source.slice(REQUEST_SOURCE.length)]
    : [];
  return new Set([...named(data.request), ...left, ...listed(data.items), ...listed(data.edits)]);
};

const kept = (steps: ReadonlyArray<number>): ReadonlyArray<number> =>
  steps.length <= MOST_MENTIONS ? steps : [...steps.slice(0, FIRST_KEPT), ...steps.slice(FIRST_KEPT - MOST_MENTIONS)];

/** The steps at which events speak of a request, in order. */
export const mentionsOf = (state: MentionState, request: string): ReadonlyArray<number> => find(state, request) ?? [];

/** The fold of mentions. */
export const mentionFold: Fold<MentionState> = {
  name: "norion.mention",
  version: 1,
  initial: { buckets: {} },
  step: (state, { seq, type, data }: LedgerEvent) =>
    !type.startsWith(OURS) || !isJsonObject(data) ? state : [...requestsIn(data)].reduce(
      (now, request) => put(now, request, kept([...mentionsOf(now, request), seq])),
      state,
    ),
};
