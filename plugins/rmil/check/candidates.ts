/**
 * Candidates: for each kind of fault who proposes changes, by the failure's code.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { attributes } from "./attribute_candidates.ts";
import { branches, predicates } from "./branch_candidates.ts";
import { argumentTypes, callArguments, uncallable } from "./call_candidates.ts";
import { leavingOut, type Propose } from "./candidate.ts";
import { unbound } from "./name_candidates.ts";
import { items, joined, operandKinds, operandsMissing, shapes, stagesLeftOut } from "./op_candidates.ts";

const inOrder = (...all: ReadonlyArray<Propose>): Propose =>
  function* (fault, faulty) {
    for (const propose of all) yield* propose(fault, faulty);
  };

/** What may mend a fault, by its code. */
export const CANDIDATES: { readonly [code: string]: Propose } = {
  RMIL_LAST_AXIS: inOrder(shapes, stagesLeftOut),
  RMIL_SHAPE: inOrder(shapes, stagesLeftOut),
  RMIL_PARAMETER: inOrder(leavingOut, shapes),
  RMIL_OPERAND: inOrder(operandKinds, joined, leavingOut, stagesLeftOut),
  RMIL_OPERANDS: operandsMissing,
  RMIL_UNBOUND: unbound,
  RMIL_PREDICATE: predicates,
  RMIL_BRANCHES: branches,
  RMIL_NOT_CALLABLE: uncallable,
  RMIL_CALL: callArguments,
  RMIL_ARGUMENT_TYPE: argumentTypes,
  RMIL_ARGUMENTS: leavingOut,
  RMIL_ATTRIBUTE: attributes,
  RMIL_ITEMS: inOrder(items, leavingOut, stagesLeftOut),
};
