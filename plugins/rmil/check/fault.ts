/**
 * Fault: one thing that is wrong with a program, with what the check knew at that place, for those who mend it.
 *
 * Invariant: a place is reported once, however often the function that holds it is called; the first fault is the one
 * that a run would meet first, as far as the check follows its order.
 *
 * @module
 */
import { type Failure, located } from "../../../kernel/mod.ts";
import type { Type } from "../types.ts";
import type { JudgedCall } from "./apply.ts";
import type { Known, Scope } from "./known.ts";

/** Most faults of one check; a program with more is hardly one. */
export const MAX_FAULTS = 100;

/** Where a fault arose, and what was known there. */
export interface Site {
  /** Path of the expression. */
  readonly path: string;
  /** The expression's input; where a value is refused, that value. */
  readonly input: Known | undefined;
  /** Names bound there. */
  readonly scope: Scope | undefined;
  /** The type that an annotation asks for. */
  readonly wanted?: Type;
}

/** One thing that is wrong. */
export interface Fault extends Site {
  /** What. */
  readonly failure: Failure;
  /** The application that was judged, where its operands were known. */
  readonly call?: JudgedCall;
}

/** A path without the marks of repeated turns. */
export const staticPath = (path: string): string => path.replaceAll(/\[[0-9]+\]/gu, "");

/** Collects the faults of one check. */
export class Faults {
  /** What was found, in the order in which it was. */
  readonly found: Array<Fault> = [];
  readonly #places = new Set<string>();
  readonly #calls = new WeakMap<Failure, JudgedCall>();

  /** Remembers the application that a failure arose in. */
  arisen(thrown: Failure, call: JudgedCall): void {
    this.#calls.set(thrown, call);
  }

  /** Adds a failure at a place. */
  add(thrown: Failure, { path, input, scope, wanted }: Site): void {
    const failure = located(thrown, path);
    const place = staticPath(failure.path);
    if (this.#places.has(place) || this.found.length >= MAX_FAULTS) return;
    this.#places.add(place);
    const call = this.#calls.get(thrown);
    this.found.push({
      failure,
      path: failure.path,
      input,
      scope,
      ...(wanted === undefined ? {} : { wanted }),
      ...(call === undefined ? {} : { call }),
    });
  }
}
