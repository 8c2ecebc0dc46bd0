/**
 * Trimming: results of control nodes that nobody reads, operands their functions do not look at, values a loop carries
 * for nothing or without changing them.
 *
 * Invariant: the entry's parameters and results stay; a parameter of unknown sizes stays, for it may be what determines
 * them.
 *
 * @module
 */
import type { IrFunction, Node } from "../graph.ts";
import { isConcrete } from "../types.ts";
import type { Emitter } from "./emitter.ts";
import type { Draft, PassResult } from "./pass.ts";
import { Functions, neededParameters, range, rearranged, rebuild } from "./structure.ts";

const isFixed = (fn: IrFunction, place: number): boolean => !isConcrete(fn.parameters[place].type);

/** Puts the values of kept results back at their places; dropped ones are asked for by nobody. */
const spread = (count: number, kept: ReadonlyArray<number>, first: number): ReadonlyArray<number> =>
  range(count).map((i) => kept.includes(i) ? first + kept.indexOf(i) : -1);

const placesOf = (flags: ReadonlyArray<boolean>): ReadonlyArray<number> => flags.flatMap((flag, i) => flag ? [i] : []);

/** Branches and calls: every function gets the same operands and makes the same results. */
const trimBranches = (
  node: Node,
  operands: ReadonlyArray<number>,
  e: Emitter,
  live: ReadonlyArray<boolean>,
  functions: Functions,
): ReadonlyArray<number> | undefined => {
  const lead = node.op === "if" ? 1 : 0;
  const bodies = node.functions.map(functions.lookup);
  const results = placesOf(live);
  const needs = bodies.map((fn) => neededParameters(fn, results));
  const parameters = range(operands.length - lead).filter((i) =>
    bodies.some((fn, which) => needs[which][i] || isFixed(fn, i))
  );
  if (results.length === live.length && parameters.length === operands.length - lead) return undefined;
  const names = bodies.map((fn) => functions.add(rearranged(fn, parameters, results)));
  const kept = [...operands.slice(0, lead), ...parameters.map((i) => operands[lead + i])];
  return spread(live.length, results, e.emit(node.op, kept, node.attributes, names));
};

/** Which carried values a loop needs: those read after it, those its condition reads, and what they are made of. */
const neededCarries = (
  node: Node,
  live: ReadonlyArray<boolean>,
  functions: Functions,
): {
  readonly carries: ReadonlyArray<number>;
  readonly stacks: ReadonlyArray<number>;
  readonly looked: ReadonlySet<number>;
} => {
  const carry = node.attributes.carry as number;
  const body = functions.lookup(node.functions.at(-1)!);
  const condition = node.op === "while" ? functions.lookup(node.functions[0]) : undefined;
  const stacks = placesOf(live).filter((i) => i >= carry);
  const carries = new Set(placesOf(live).filter((i) => i < carry));
  const looked = new Set(condition === undefined ? [] : placesOf(neededParameters(condition, [0])));
  looked.forEach((i) => i < carry && carries.add(i));
  range(carry).filter((i) => isFixed(body, i)).forEach((i) => carries.add(i));
  for (let before = -1; before < carries.size;) {
    before = carries.size;
    placesOf(neededParameters(body, [...carries, ...stacks])).forEach((i) => i < carry && carries.add(i));
  }
  return { carries: [...carries].sort((a, b) => a - b), stacks, looked };
};

const trimLoop = (
  node: Node,
  operands: ReadonlyArray<number>,
  e: Emitter,
  live: ReadonlyArray<boolean>,
  functions: Functions,
): ReadonlyArray<number> | undefined => {
  const carry = node.attributes.carry as number;
  const scanned = node.op === "scan" ? node.attributes.scanned as number : 0;
  const bodies = node.functions.map(functions.lookup);
  const body = bodies.at(-1)!;
  const { carries, stacks, looked } = neededCarries(node, live, functions);
  // A carried value that every turn hands on as it is, is a constant operand and its own result.
  const still = carries.filter((i) => body.returns[i] === i);
  const moving = carries.filter((i) => body.returns[i] !== i);
  const needs = neededParameters(body, [...moving, ...stacks]);
  const isKept = (i: number): boolean => needs[i] || looked.has(i) || isFixed(body, i);
  const rows = range(scanned).map((i) => carry + i).filter(isKept);
  const rest = [
    ...still.filter(isKept),
    ...range(operands.length - carry - scanned).map((i) => carry + scanned + i).filter(isKept),
  ];
  const parameters = [...moving, ...rows, ...rest];
  const same = moving.length === carry && parameters.length === operands.length &&
    moving.length + stacks.length === live.length;
  if (same) return undefined;
  const passed = (i: number): number | undefined => still.includes(i) ? operands[i] : undefined;
  if (moving.length + stacks.length === 0) return live.map((_, i) => passed(i) ?? -1);
  const results = [...moving, ...stacks];
  const names = bodies.map((fn) => functions.add(rearranged(fn, parameters, fn === body ? results : [0])));
  const attributes = node.op === "scan"
    ? { ...node.attributes, carry: moving.length, scanned: rows.length }
    : { ...node.attributes, carry: moving.length };
  const first = e.emit(node.op, parameters.map((i) => operands[i]), attributes, names);
  return live.map((_, i) => passed(i) ?? (results.includes(i) ? first + results.indexOf(i) : -1));
};

/** Runs the pass. */
export const trim = (draft: Draft): PassResult => {
  const functions = new Functions(draft);
  let changes = 0;
  for (const fn of draft.functions.values()) {
    const made = rebuild(fn, functions.lookup, (node, operands, e, live) => {
      if (node.functions.length === 0) return undefined;
      const trimmed = node.op === "while" || node.op === "scan" ? trimLoop : trimBranches;
      return trimmed(node, operands, e, live, functions);
    });
    changes += made.changes + (fn.nodes.length - made.fn.nodes.length > 0 ? 1 : 0);
    functions.put(made.fn);
  }
  const kept = functions.draft(draft.entry);
  const dropped = draft.functions.size - kept.functions.size;
  return changes === 0 && dropped <= 0 ? { draft, changes: 0 } : { draft: kept, changes: Math.max(1, changes) };
};
