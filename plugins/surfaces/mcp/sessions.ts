/**
 * Sessions: which caller opened which MCP session, within a bound.
 *
 * Not the protocol's own state (the library keeps that, without a bound): this says whose a session is and which to end.
 * Invariant: a session serves the caller who opened it; for anybody else it does not exist.
 *
 * @module
 */

/** Most sessions at once; opening one more ends the one that was used longest ago. */
export const MAX_SESSIONS = 1_000;

/** The header that names a session. */
export const SESSION_HEADER = "mcp-session-id";

/** A name that no session has: what a foreign session is replaced by, so that it looks like one that never was. */
const NO_SESSION = "none";

/** Keeps track of sessions. */
export interface Sessions {
  /** The session a request of this caller may name; a foreign one is replaced. */
  readonly named: (id: string, owner: string) => string;
  /** Notes a session that was opened; answers those that have to end for it. */
  readonly opened: (id: string, owner: string) => ReadonlyArray<string>;
}

/** Starts with no sessions. */
export const makeSessions = (): Sessions => {
  // In the order of their last use: a map keeps the order of insertion.
  const owners = new Map<string, string>();
  return {
    named: (id, owner) => {
      if (owners.get(id) !== owner) return NO_SESSION;
      owners.delete(id);
      owners.set(id, owner);
      return id;
    },
    opened: (id, owner) => {
      owners.set(id, owner);
      const ended = [...owners.keys()].slice(0, Math.max(0, owners.size - MAX_SESSIONS));
      for (const old of ended) owners.delete(old);
      return ended;
    },
  };
};
