/**
 * Request: checking what another process asks for, member by member, before anything is done about it.
 *
 * Invariant: nothing unknown passes; a refusal says which member and why.
 *
 * @module
 */

/** Most characters of a message to or from a plugin's host, and of a candidate's input, as JSON. */
export const MAX_MESSAGE_CHARS = 4_194_304;

/** Most characters of a child's complaint kept for a person. */
export const TAIL_CHARS = 2_000;

/** Whether a value is an object and not a list. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value is a list of texts. */
export const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");

/** JSON text of a value; `null` where it has none. */
export const json = (value: unknown): string => JSON.stringify(value) ?? "null";

/** Why a request is refused. */
export class Refusal extends Error {}

/** Refuses unless a condition holds. */
export const demand = (holds: boolean, reason: string): void => {
  if (!holds) throw new Refusal(reason);
};

/** Refuses members that the request's kind does not have. */
export const onlyMembers = (request: Record<string, unknown>, members: ReadonlyArray<string>): void => {
  const strange = Object.keys(request).find((key) => key !== "id" && key !== "kind" && !members.includes(key));
  demand(strange === undefined, `unknown member "${strange}"`);
};
