/**
 * Writes: how many durable changes somebody asked for, and how many the rules let through by themselves.
 *
 * Not a judgement: a share that creeps up is for a person to see. Invariant: a memory, a lesson and an approved edit count
 * once each; records and marks, which change no answer, do not count.
 *
 * @module
 */
import type { Fold, LedgerEvent } from "../../../effects/mod.ts";
import { isJsonObject } from "../../../kernel/mod.ts";
import { addedItem, MEMORY_EVENTS } from "./memory.ts";
import { REQUEST_EVENTS, sourceOf } from "./requests.ts";

/** Changes by who wanted them. */
export interface WriteState {
  /** Somebody asked for the change itself. */
  readonly asked: number;
  /** The rules let it through. */
  readonly automatic: number;
}

const REQUEST_SOURCE = sourceOf("");

/** How actors begin who are rules of the policy. */
const RULES = "policy:";

/** Who wanted the change that an event makes; undefined where it makes none that counts. */
const wantedBy = (event: LedgerEvent): keyof WriteState | undefined => {
  switch (event.type) {
    case MEMORY_EVENTS.added:
      return addedItem(event).source.startsWith(REQUEST_SOURCE) ? "automatic" : "asked";
    case REQUEST_EVENTS.settled:
      return isJsonObject(event.data) && event.data.lesson !== undefined ? "automatic" : undefined;
    case "proposal.approved":
      return event.actor.startsWith(RULES) ? "automatic" : "asked";
    default:
      return undefined;
  }
};

/** The share of changes that nobody asked for, 0..1; 0 where there are none. */
export const automaticShare = ({ asked, automatic }: WriteState): number =>
  automatic === 0 ? 0 : automatic / (asked + automatic);

/** The fold of writes. */
export const writeFold: Fold<WriteState> = {
  name: "norion.writes",
  version: 1,
  initial: { asked: 0, automatic: 0 },
  step: (state, event) => {
    const by = wantedBy(event);
    return by === undefined ? state : { ...state, [by]: state[by] + 1 };
  },
};
