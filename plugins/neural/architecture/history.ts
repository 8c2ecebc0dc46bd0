/**
 * History: an architecture with the edits that made it, to go back and forth in.
 *
 * Invariant: the architecture of a history is what its edits give, in order.
 *
 * @module
 */
import type { Architecture } from "./architecture.ts";
import { applyEdit, type Edit } from "./edit.ts";

/** A change that was made. */
export interface ChangeEvent {
  /** The version it made. */
  readonly version: number;
  /** The change. */
  readonly edit: Edit;
  /** What undoes it. */
  readonly inverse: Edit;
}

/** An architecture and how it came to be. */
export interface History {
  /** As it is. */
  readonly architecture: Architecture;
  /** Changes in force, oldest first. */
  readonly done: ReadonlyArray<ChangeEvent>;
  /** Changes that were undone, the next to do again last. */
  readonly undone: ReadonlyArray<Edit>;
}

/** A history that begins. */
export const historyOf = (architecture: Architecture): History => ({ architecture, done: [], undone: [] });

/** After an edit; what was undone cannot be done again then. Throws what the edit is refused for. */
export const changeIn = ({ architecture, done }: History, edit: Edit): History => {
  const made = applyEdit(architecture, edit);
  const event = { version: made.architecture.version, edit, inverse: made.inverse };
  return { architecture: made.architecture, done: [...done, event], undone: [] };
};

/** Before the last edit; itself where there is none. */
export const undo = (history: History): History => {
  const last = history.done.at(-1);
  if (last === undefined) return history;
  const { architecture, inverse } = applyEdit(history.architecture, last.inverse);
  // The inverse of the inverse, not the edit itself: a node comes back under the id it had.
  return { architecture, done: history.done.slice(0, -1), undone: [...history.undone, inverse] };
};

/** After the edit that was undone last; itself where there is none. */
export const redo = (history: History): History => {
  const edit = history.undone.at(-1);
  if (edit === undefined) return history;
  const made = applyEdit(history.architecture, edit);
  const event = { version: made.architecture.version, edit, inverse: made.inverse };
  return { architecture: made.architecture, done: [...history.done, event], undone: history.undone.slice(0, -1) };
};
