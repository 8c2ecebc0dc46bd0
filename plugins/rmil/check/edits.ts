/**
 * Edits: the small changes of a program of which repairs are made, as functions on trees.
 *
 * Not which change mends what (candidates.ts).
 * Invariant: an edit changes the node at its path and nothing else.
 *
 * @module
 */
import { app, type Attribute, cond, type Expression, lit, seq, Tag, withChildren } from "../expression.ts";
import { type OpName, OPS } from "../opcodes.ts";
import { editAtPath, nodeAtPath } from "../tools/ast_path.ts";
import { f32, f64, i64, toBigInt, toFloat32, toFloat64, tupleValue, type Value } from "../value.ts";
import type { JudgedCall } from "./apply.ts";

/** A change that may mend a fault. */
export interface Candidate {
  /** What it does, in one sentence. */
  readonly summary: string;
  /** Path of the node that changes. */
  readonly path: string;
  /** The change; `undefined` where the node is not as expected. */
  readonly edit: (node: Expression) => Expression | undefined;
}

/** A change of the node at a path. */
export const change = (summary: string, path: string, edit: Candidate["edit"]): Candidate => ({ summary, path, edit });

/** The program after a change; `undefined` where it does not apply. */
export const changed = (program: Expression, { path, edit }: Candidate): Expression | undefined => {
  const made = editAtPath(program, path, edit);
  return made === program ? undefined : made;
};

/** An op as a stage. */
export const stage = (op: OpName, ...args: ReadonlyArray<Expression>): Expression => app(OPS[op].code, args);

/** Integers as a literal: one as itself, several as a tuple. */
export const integers = (values: ReadonlyArray<number>): Expression =>
  lit(values.length === 1 ? i64(values[0]) : tupleValue(values.map((value) => i64(value))));

/** Whether a node is the bare op. */
export const isBare = (node: Expression, op: OpName): boolean =>
  node.tag === Tag.App && node.code === OPS[op].code && node.children.length + node.attributes.length === 0;

/** The same application with other attributes. */
export const withAttributes = (node: Expression, attributes: ReadonlyArray<Attribute>): Expression =>
  app(node.code, node.children, attributes);

/** An expression followed by a stage. */
export const through = (node: Expression, next: Expression): Expression =>
  isBare(node, "identity") ? next : seq(node, next);

/** A literal as a float, where it is an integer. */
export const asFloat = (node: Expression): Expression | undefined =>
  node.tag === Tag.Lit && node.value.k === "I64" ? lit(f32(Number(toBigInt(node.value)))) : undefined;

const numberOf = (value: Value): number | undefined =>
  value.k === "F32" ? toFloat32(value) : value.k === "F64" ? toFloat64(value) : undefined;

/** A literal as an integer, where it is a whole float. */
export const asInteger = (node: Expression): Expression | undefined => {
  const number = node.tag === Tag.Lit ? numberOf(node.value) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? lit(i64(number)) : undefined;
};

/** Stages that make numbers of another dtype: a product with one of that dtype. */
export const CASTS = {
  f32: stage("mul", lit(f32(1))),
  f64: stage("mul", lit(f64(1))),
} as const;

/** One boolean as a number. */
export const ONE_OR_ZERO: Expression = cond(stage("identity"), lit(f32(1)), lit(f32(0)));

/** Whether an expression gives the same whatever the pipeline's input is. */
const ignoresInput = (node: Expression): boolean =>
  node.tag === Tag.Ref || node.tag === Tag.Lit || node.tag === Tag.Lam ||
  (node.tag === Tag.App && node.children.length > 0 && node.children.every(ignoresInput));

/** The path of what gives the input of the node at a path, inside the program; `undefined` where the caller gives it. */
export const producerOf = (program: Expression, path: string): string | undefined => {
  let at = path;
  while (at !== "") {
    const step = at.slice(at.lastIndexOf("/") + 1);
    const parent = at.slice(0, at.lastIndexOf("/"));
    if (step === "b" && nodeAtPath(program, parent).tag === Tag.Seq) {
      let found = `${parent}/a`;
      while (nodeAtPath(program, found).tag === Tag.Seq) found = `${found}/b`;
      return found;
    }
    at = parent.endsWith("/args") ? parent.slice(0, -"/args".length) : parent;
  }
  return undefined;
};

/** The change that puts a stage before a stage that takes its whole input from the pipeline. */
const before = (program: Expression, path: string, next: Expression, summary: string): Candidate => {
  const parent = path.endsWith("/b") ? path.slice(0, -"/b".length) : undefined;
  if (parent !== undefined && nodeAtPath(program, parent).tag === Tag.Seq) {
    return change(summary, parent, (node) => {
      const [first, own] = node.children;
      return own.children.every(ignoresInput) ? seq(seq(first, next), own) : undefined;
    });
  }
  return change(summary, path, (node) => node.children.every(ignoresInput) ? seq(next, node) : undefined);
};

/** The change that sends an operand of a judged application through a stage. */
export const onOperand = (
  program: Expression,
  call: JudgedCall,
  index: number,
  next: Expression,
  summary: string,
): ReadonlyArray<Candidate> => {
  const { path, row } = call;
  const place = call.places[index];
  if (place === undefined) return [];
  if (place === "input") {
    const at = row.operands.findIndex(({ name }) => name === row.piped);
    return [
      before(program, path, next, summary),
      change(summary, path, (node) => withChildren(node, node.children.toSpliced(at, 0, next))),
    ];
  }
  if ("argument" in place) return [onArgument(path, place.argument, next, summary)];
  const producer = producerOf(program, path);
  if (producer === undefined || nodeAtPath(program, producer).tag !== Tag.Par || place.item > 1) return [];
  return [change(summary, `${producer}/${place.item === 0 ? "a" : "b"}`, (node) => through(node, next))];
};

/** The change that sends one argument through a stage. */
export const onArgument = (path: string, argument: number, next: Expression, summary: string): Candidate =>
  change(summary, path, (node) => {
    const own = node.children[argument];
    return own && withChildren(node, node.children.with(argument, through(own, next)));
  });

/** The change that puts another expression for one argument. */
export const forArgument = (
  path: string,
  argument: number,
  by: (own: Expression) => Expression | undefined,
  summary: string,
): Candidate =>
  change(summary, path, (node) => {
    const own = node.children[argument];
    const made = own && by(own);
    return made && withChildren(node, node.children.with(argument, made));
  });
