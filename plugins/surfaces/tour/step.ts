/**
 * Step: what a tour is made of: a call, what must come of it, and what is worth seeing.
 *
 * Not the player (tour/player.ts). Nothing here knows an answer in advance: what is shown is read off the answers.
 * Invariant: a step whose call ends otherwise than it must stops the tour.
 *
 * @module
 */
import { type Actor, at, type Failure, type Json } from "../../../kernel/mod.ts";

/** A call and how it ended. */
export interface Happened {
  /** The input. */
  readonly input: Json;
  /** The answer, where it succeeded. */
  readonly answer?: Json;
  /** The failure, where it did not. */
  readonly failure?: Failure;
}

/** One step. */
export interface Step {
  /** A few words. */
  readonly title: string;
  /** Who calls; absent: the person on the tour. */
  readonly actor?: Actor;
  /** Which kernel is asked; absent: that of the tour's own folder. */
  readonly where?: string;
  /** The call. */
  readonly operation: string;
  /** Its input, which may build on the step before and on all earlier ones. */
  readonly input: (before: Happened | undefined, earlier: ReadonlyArray<Happened>) => Json;
  /** The failure it must end with; absent: it must succeed. */
  readonly fails?: string;
  /** What an answer must hold besides. */
  readonly holds?: (answer: Json, earlier: ReadonlyArray<Happened>) => boolean;
  /** What is worth seeing, a line each. */
  readonly lines: (happened: Happened) => ReadonlyArray<string>;
}

/** The text at a place of an answer, as it is shown; nothing where there is none. */
export const textAt = (value: Json | undefined, path: string): string => {
  const found = value === undefined ? undefined : at(value, path);
  return typeof found === "string" ? found : found === undefined ? "" : JSON.stringify(found);
};

/** The list at a place of an answer. */
export const listAt = (value: Json | undefined, path: string): ReadonlyArray<Json> => {
  const found = value === undefined ? undefined : at(value, path);
  return Array.isArray(found) ? found : [];
};

const FEW = 3;

/** The first few of some names. */
export const some = (names: ReadonlyArray<string>): string =>
  names.slice(0, FEW).join(", ") + (names.length > FEW ? ` and ${names.length - FEW} more` : "");

/** What a failure says, a line each. */
export const refusal = ({ failure }: Happened): ReadonlyArray<string> =>
  failure === undefined ? [] : [
    `refused  ${failure.message}`,
    `code     ${failure.code}`,
    ...failure.path === "" ? [] : [`at       ${failure.path}`],
    ...failure.fix === undefined ? [] : [`fix      ${failure.fix.summary}`],
    ...failure.fix?.patch === undefined ? [] : [`patch    ${JSON.stringify(failure.fix.patch)}`],
    ...failure.fix?.command === undefined ? [] : [`command  ${failure.fix.command}`],
  ];
