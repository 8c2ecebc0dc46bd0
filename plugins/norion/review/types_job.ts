/**
 * Types job: what a worker does with code in an answer: checks its types, where the compiler is there.
 *
 * Not a run of the code. Invariant: the answer depends on the code alone.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type TypeFault, typeFaults } from "../platform/typescript_compiler.ts";

/** What checking came to. */
export type TypesChecked =
  | { readonly faults: ReadonlyArray<TypeFault> }
  /** It could not be checked. */
  | { readonly absent: string };

/** Checks the types of a module. */
export const typesChecked = ({ source }: { readonly source: string }): Promise<TypesChecked> =>
  Effect.runPromise(Effect.match(typeFaults(source), {
    onSuccess: (faults): TypesChecked => ({ faults }),
    onFailure: ({ message }): TypesChecked => ({ absent: message }),
  }));
