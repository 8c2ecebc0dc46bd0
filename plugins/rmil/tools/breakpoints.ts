/**
 * Breakpoints: where a debugged run stops.
 *
 * Invariant: a breakpoint stops before the node that it names runs; its hits are counted from the start of the run, so
 * that a replayed run counts the same.
 *
 * @module
 */
import { type Expression, type ExpressionKind, Tag } from "../expression.ts";

/** What a breakpoint stops at. */
export type BreakpointPlace =
  /** Applications of an op. */
  | { readonly on: "op"; readonly opcode: number }
  /** The node at a path, by the member names of the JSON form: `/a/args/0`. */
  | { readonly on: "path"; readonly path: string }
  /** Nodes nested so deeply or deeper, calls included; the program is 1. */
  | { readonly on: "depth"; readonly depth: number }
  /** Readings and bindings of a name. */
  | { readonly on: "symbol"; readonly symbol: number }
  /** Every node whose number, from 0 in the order of starting, is a multiple. */
  | { readonly on: "every"; readonly count: number }
  /** Nodes of a kind. */
  | { readonly on: "kind"; readonly kind: ExpressionKind };

/** A breakpoint. */
export type Breakpoint = BreakpointPlace & {
  /** Stops at this hit alone, counted from 1; at every hit where absent. */
  readonly nth?: number;
};

/** A node about to run. */
export interface Arrival {
  /** The node. */
  readonly node: Expression;
  /** Its path. */
  readonly path: string;
  /** Its depth. */
  readonly depth: number;
  /** Its number, in the order of starting. */
  readonly number: number;
}

/** Whether a breakpoint's place is met, hits aside. */
export const isMet = (breakpoint: Breakpoint, { node, path, depth, number }: Arrival): boolean => {
  switch (breakpoint.on) {
    case "op":
      return node.tag === Tag.App && node.code === breakpoint.opcode;
    case "path":
      return path === breakpoint.path;
    case "depth":
      return depth >= breakpoint.depth;
    case "symbol":
      return node.code === breakpoint.symbol && (node.tag === Tag.Ref || node.tag === Tag.Let);
    case "every":
      return breakpoint.count > 0 && number % breakpoint.count === 0;
    case "kind":
      return Tag[breakpoint.kind] === node.tag;
  }
};
