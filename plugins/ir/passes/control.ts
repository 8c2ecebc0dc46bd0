/**
 * Control: branches that are decided, loops that never turn or only once, and known values handed to bodies.
 *
 * Invariant: what runs is what would have run, in the same order; a loop is only removed where its first check is known.
 *
 * @module
 */
import type { Dimension } from "../dimension.ts";
import { evaluate } from "../evaluate.ts";
import { isIrFailure } from "../failures.ts";
import type { IrFunction, Node } from "../graph.ts";
import { isConcrete } from "../types.ts";
import { type Tensor, zeros } from "../value.ts";
import type { Emitter } from "./emitter.ts";
import { knownTensor } from "./folding.ts";
import { emitBody } from "./inlining.ts";
import type { Draft, PassResult } from "./pass.ts";
import { literalOf, splatOf } from "./splat.ts";
import { Functions, neededParameters, range, rearranged, rebuild } from "./structure.ts";

/** Scalar steps that finding out a loop's first check may take. */
export const MAX_CHECK_FUEL = 10_000;

/** Most elements of a literal that is handed to bodies. */
export const MAX_HANDED_ELEMENTS = 64;

type Rewrite = (
  node: Node,
  operands: ReadonlyArray<number>,
  e: Emitter,
  functions: Functions,
) => ReadonlyArray<number> | undefined;

/** An `if` whose predicate is known, or whose branches are the same function. */
const decidedIf: Rewrite = (node, operands, e, functions) => {
  if (node.op !== "if") return undefined;
  const [whenTrue, whenFalse] = node.functions;
  const predicate = splatOf(e, operands[0]);
  if (predicate === undefined && whenTrue !== whenFalse) return undefined;
  return emitBody(e, node, functions.lookup(predicate === false ? whenFalse : whenTrue), operands.slice(1));
};

/** What every branch hands on as it came. */
const passedThrough: Rewrite = (node, operands, e, functions) => {
  if (node.op !== "if") return undefined;
  const [a, b] = node.functions.map(functions.lookup);
  const passed = range(node.results.length).map((i) =>
    a.returns[i] === b.returns[i] && a.returns[i] < a.parameters.length ? operands[1 + a.returns[i]] : undefined
  );
  const rest = range(node.results.length).filter((i) => passed[i] === undefined);
  if (rest.length === passed.length) return undefined;
  if (rest.length === 0) return passed as ReadonlyArray<number>;
  const all = range(a.parameters.length);
  const names = [a, b].map((fn) => functions.add(rearranged(fn, all, rest)));
  const first = e.emit("if", operands, node.attributes, names);
  return passed.map((value, i) => value ?? first + rest.indexOf(i));
};

/** Some results of a function, where what they are made of is known and the work is small. */
const resultsOf = (
  fn: IrFunction,
  returns: ReadonlyArray<number>,
  known: ReadonlyArray<Tensor | undefined>,
  functions: Functions,
): ReadonlyArray<Tensor> | undefined => {
  const needed = neededParameters(fn, returns);
  const places = range(fn.parameters.length).filter((place) => needed[place]);
  const inputs = places.map((place) => known[place]);
  if (fn.sizes.length > 0 || !inputs.every((input) => input !== undefined)) return undefined;
  const name = functions.add(rearranged(fn, places, returns));
  try {
    return evaluate(functions.draft(name), inputs, { fuel: MAX_CHECK_FUEL }).results;
  } catch (thrown) {
    if (isIrFailure(thrown)) return undefined;
    throw thrown;
  }
};

/** A loop that never turns is what it starts with; one that turns once is its body. */
const shortWhile: Rewrite = (node, operands, e, functions) => {
  if (node.op !== "while") return undefined;
  const [condition, body] = node.functions.map(functions.lookup);
  const carry = node.attributes.carry as number;
  const known = operands.map((operand) => knownTensor(e, operand));
  const holds = (values: ReadonlyArray<Tensor | undefined>): boolean | undefined => {
    const answer = resultsOf(condition, [0], values, functions);
    return answer === undefined ? undefined : answer[0].data[0] !== 0;
  };
  const first = holds(known);
  if (first === undefined) return undefined;
  if (!first) return operands.slice(0, carry);
  const looked = neededParameters(condition, [0]);
  const next = range(operands.length).map((place) => {
    if (place >= carry || !looked[place]) return known[place];
    return resultsOf(body, [place], known, functions)?.[0];
  });
  return holds(next) === false ? emitBody(e, node, body, operands) : undefined;
};

/** A scan over no row, or over one. */
const shortScan: Rewrite = (node, operands, e, functions) => {
  if (node.op !== "scan") return undefined;
  const { carry, scanned, length } = node.attributes as { carry: number; scanned: number; length: Dimension };
  if (length === 0) {
    const stacks = node.results.slice(carry);
    if (!stacks.every(isConcrete)) return undefined;
    return [
      ...operands.slice(0, carry),
      ...stacks.map(({ dtype, shape }) => e.constant(zeros(dtype, shape as ReadonlyArray<number>))),
    ];
  }
  if (length !== 1) return undefined;
  const rows = operands.map((operand, i) =>
    i < carry || i >= carry + scanned
      ? operand
      : e.emit("reshape", [operand], { shape: e.types[operand].shape.slice(1) })
  );
  const made = emitBody(e, node, functions.lookup(node.functions[0]), rows);
  return made.map((value, i) => i < carry ? value : e.emit("reshape", [value], { shape: node.results[i].shape }));
};

/** How many operands of a control node are not handed on unchanged to every run of its functions. */
const varyingOperands = (node: Node): number => {
  if (node.op === "if") return 1;
  if (node.op === "while") return node.attributes.carry as number;
  return (node.attributes.carry as number) + (node.attributes.scanned as number);
};

/** Known operands that every run gets alike are made inside the functions. */
const handedIn: Rewrite = (node, operands, e, functions) => {
  if (!["if", "while", "scan"].includes(node.op)) return undefined;
  const varying = varyingOperands(node);
  const skipped = node.op === "if" ? 1 : 0;
  const literals = operands.map((operand, i) => {
    const literal = i < varying ? undefined : literalOf(e, operand);
    return literal !== undefined && literal.data.length <= MAX_HANDED_ELEMENTS ? literal : undefined;
  });
  if (literals.every((literal) => literal === undefined)) return undefined;
  const bodies = node.functions.map(functions.lookup);
  const fits = literals.every((literal, i) =>
    literal === undefined || bodies.every((fn) => isConcrete(fn.parameters[i - skipped].type))
  );
  if (!fits) return undefined;
  const changed = bodies.map((fn) => withLiterals(fn, literals.slice(skipped)));
  const names = changed.map((fn) => functions.add(fn));
  const first = e.emit(node.op, operands.filter((_, i) => literals[i] === undefined), node.attributes, names);
  return node.results.map((_, i) => first + i);
};

const withLiterals = (fn: IrFunction, literals: ReadonlyArray<Tensor | undefined>): IrFunction => {
  const known = range(fn.parameters.length).filter((i) => literals[i] !== undefined);
  const open = range(fn.parameters.length).filter((i) => literals[i] === undefined);
  const count = fn.parameters.length;
  const numberOf = (value: number): number =>
    value >= count ? value : literals[value] === undefined ? open.indexOf(value) : open.length + known.indexOf(value);
  return {
    ...fn,
    parameters: open.map((i) => fn.parameters[i]),
    nodes: [
      ...known.map((i): Node => ({
        op: "constant",
        operands: [],
        attributes: { value: literals[i]! },
        functions: [],
        results: [fn.parameters[i].type],
      })),
      ...fn.nodes.map((node) => ({ ...node, operands: node.operands.map(numberOf) })),
    ],
    returns: fn.returns.map(numberOf),
  };
};

const REWRITES: ReadonlyArray<Rewrite> = [decidedIf, passedThrough, shortWhile, shortScan, handedIn];

/** Runs the pass. */
export const simplifyControl = (draft: Draft): PassResult => {
  const functions = new Functions(draft);
  let changes = 0;
  for (const fn of draft.functions.values()) {
    if (!fn.nodes.some((node) => node.functions.length > 0)) continue;
    const made = rebuild(fn, functions.lookup, (node, operands, e) => {
      if (node.functions.length === 0) return undefined;
      for (const rewrite of REWRITES) {
        const values = rewrite(node, operands, e, functions);
        if (values !== undefined) return values;
      }
      return undefined;
    });
    changes += made.changes;
    if (made.changes > 0) functions.put(made.fn);
  }
  return changes === 0 ? { draft, changes } : { draft: functions.draft(draft.entry), changes };
};
