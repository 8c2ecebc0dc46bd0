/**
 * Repair: the smallest edit after which a refused program passes the check.
 *
 * Invariant: an edit is offered only after the edited program was checked and passed.
 *
 * @module
 */
import { type Failure, isFailure } from "../../../kernel/mod.ts";
import { app, type Expression, lit, ref, seq, Tag, withChildren } from "../expression.ts";
import { OPS } from "../opcodes.ts";
import type { Symbols } from "../symbols.ts";
import { i64 } from "../value.ts";

/** An edit that makes a program pass. */
export interface Repair {
  /** What it does, in one sentence. */
  readonly summary: string;
  /** The edited program. */
  readonly program: Expression;
}

const FIRST: { readonly [member: string]: number } = { a: 0, b: 1, pred: 0, yes: 1, no: 2, val: 0, func: 0 };

/** Child number of a path's next step, and how many parts of the path it takes. */
const stepOf = (node: Expression, parts: ReadonlyArray<string>): readonly [number, number] => {
  const [member, index] = parts;
  if (member === "args") return [Number(index) + (node.tag === Tag.Call ? 1 : 0), 2];
  if (member === "exprs") return [Number(index), 2];
  if (member === "body") return [node.tag === Tag.Let ? 1 : 0, 1];
  return [FIRST[member] ?? -1, 1];
};

const edited = (
  node: Expression,
  parts: ReadonlyArray<string>,
  edit: (node: Expression) => Expression | undefined,
): Expression | undefined => {
  if (parts.length === 0) return edit(node);
  const [index, taken] = stepOf(node, parts);
  const child = node.children[index];
  const made = child && edited(child, parts.slice(taken), edit);
  return made && withChildren(node, node.children.map((own, i) => i === index ? made : own));
};

type Edit = readonly [summary: string, edit: (node: Expression) => Expression | undefined];

const ofArgument = (index: number, wrap: (argument: Expression) => Expression) => (node: Expression) =>
  node.tag === Tag.App && node.children[index] !== undefined
    ? withChildren(node, node.children.map((own, i) => i === index ? wrap(own) : own))
    : undefined;

const lastAxis = ({ expected }: Failure): ReadonlyArray<Edit> => {
  const transposed = [0, 1].map((index): Edit => [
    `Transpose operand ${index + 1}`,
    ofArgument(index, (argument) => seq(argument, app(OPS.transpose.code))),
  ]);
  if (typeof expected !== "number") return transposed;
  const linear = app(OPS.linear.code, [lit(i64(expected))]);
  const summary = `Insert linear(${expected}) before it`;
  return [
    [summary, ofArgument(0, (argument) => seq(argument, linear))],
    [summary, (node) => seq(linear, node)],
    ...transposed,
  ];
};

const spelling = ({ suggestions }: Failure, symbols: Symbols): ReadonlyArray<Edit> => {
  const sym = suggestions[0] === undefined ? undefined : symbols.indexOf(suggestions[0]);
  return sym === undefined
    ? []
    : [[`Did you mean ${suggestions[0]}?`, (node) => node.tag === Tag.Ref ? ref(sym) : undefined]];
};

const EDITS: { readonly [code: string]: (failure: Failure, symbols: Symbols) => ReadonlyArray<Edit> } = {
  RMIL_LAST_AXIS: lastAxis,
  RMIL_UNBOUND: spelling,
};

const passes = (test: () => unknown): boolean => {
  try {
    test();
    return true;
  } catch (thrown) {
    if (isFailure(thrown)) return false;
    throw thrown;
  }
};

/** The first edit after which the program passes; `undefined` where none is known. */
export const repairOf = (
  program: Expression,
  symbols: Symbols,
  failure: Failure,
  check: (program: Expression) => unknown,
): Repair | undefined => {
  const parts = failure.path.split("/").slice(1);
  if (parts.some((part) => part.includes("[") || part === "program")) return undefined;
  for (const [summary, edit] of EDITS[failure.code]?.(failure, symbols) ?? []) {
    const made = edited(program, parts, edit);
    if (made !== undefined && passes(() => check(made))) return { summary, program: made };
  }
  return undefined;
};
