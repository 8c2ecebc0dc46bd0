/**
 * Actor: how a call arrived, and so on whose behalf it runs.
 *
 * Not a claim a caller makes about itself: the surface that received the call sets it.
 * Invariant: one spelling, `kind:name`; only `user@tty` is a person present at a terminal.
 *
 * @module
 */
import * as Schema from "effect/Schema";

/** An actor: a person at a terminal, a headless user, an MCP client, an HTTP caller, an agent, or a policy rule. */
export type Actor =
  | "user@tty"
  | "user@headless"
  | `${"mcp" | "http" | "a2a" | "agent" | "policy" | "plugin"}:${string}`;

const ACTOR_PATTERN = /^(?:user@(?:tty|headless)|(?:mcp|http|a2a|agent|policy|plugin):[A-Za-z0-9._/@-]{1,80})$/u;

/** Schema of {@link Actor}. */
export const Actor: Schema.Codec<Actor, string> = Schema.String.check(
  Schema.isPattern(ACTOR_PATTERN, { expected: "user@tty, user@headless, or mcp|http|a2a|agent|policy|plugin:<name>" }),
) as unknown as Schema.Codec<Actor, string>;

/** Makes an actor's name part safe: characters that an actor's name may not hold become `-`. */
export const actorName = (text: string): string => text.replace(/[^A-Za-z0-9._/@-]/gu, "-").slice(0, 80) || "unnamed";

/** Whether the actor is a person present at a terminal, the only one who can widen authority by saying yes. */
export const isPerson = (actor: Actor): boolean => actor === "user@tty";
