/**
 * Lineage: where the learned parameters of a program went when it was rewritten, so that trained weights survive.
 *
 * A parameter's path is that of its application, and a rewriting moves applications. Each one that has parameters is
 * told apart by a mark while rules are applied, which also keeps rules from taking two layers for one because they are
 * spelled alike.
 * Invariant: marks are seen by no rule and leave with the rewriting.
 *
 * @module
 */
import { app, type Attribute, type Expression, Tag, withChildren } from "../expression.ts";
import { opOf } from "../opcodes.ts";
import { placedNodes } from "../tools/ast_path.ts";
import { i64, toBigInt } from "../value.ts";
import { MARK } from "./mark.ts";
import { opcodesIn, type Rule } from "./pattern.ts";
import { placeOf } from "./places.ts";

/** Where the parameters of one application were and are; `[*]` stands for the mark of a repeated turn, if there is one. */
export interface Moved {
  /** Path of the application before; absent for one that a rule brought in. */
  readonly from?: string;
  /** Path of the application now; absent for one that a rule dropped. */
  readonly to?: string;
}

/** A program with marks. */
export interface Marked {
  /** The program. */
  readonly root: Expression;
  /** Paths of the marked applications, by mark. */
  readonly paths: ReadonlyArray<string>;
}

const hasParameters = (node: Expression): boolean =>
  node.tag === Tag.App && (opOf(node.code)?.parameters.length ?? 0) > 0;

const isMark = ({ name }: Attribute): boolean => name === MARK;

/** Whether a child is a function's body, whose path a repeated turn marks. */
const isFunction = (node: Expression, index: number): boolean =>
  node.tag === Tag.Lam ||
  (node.tag === Tag.App && node.children[index].tag !== Tag.Lam &&
    opOf(node.code)?.operands[index]?.takes === "function");

/** The path with `[*]` behind every function it leads into. */
const openPath = (root: Expression, indices: ReadonlyArray<number>, path: string): string => {
  const steps = path.split("/").slice(1);
  let node = root;
  let made = "";
  for (const index of indices) {
    const member = steps.shift()!;
    const isListed = member === "args" || member === "exprs";
    made += `/${member}${isListed ? `/${steps.shift()}` : ""}${isFunction(node, index) ? "[*]" : ""}`;
    node = node.children[index];
  }
  return made;
};

/** Applications with parameters, where rules reach them, with their paths. */
function* parametric(
  root: Expression,
): Generator<{ readonly node: Expression; readonly indices: ReadonlyArray<number>; readonly path: string }> {
  for (const { node, path, indices } of placedNodes(root, (parent, index) => placeOf(parent, index) !== "quoted")) {
    if (hasParameters(node)) yield { node, indices, path: openPath(root, indices, path) };
  }
}

const replacedAt = (
  root: Expression,
  replacements: ReadonlyMap<string, Expression>,
  indices: ReadonlyArray<number> = [],
): Expression => {
  const children = root.children.map((child, i) => replacedAt(child, replacements, [...indices, i]));
  const same = children.every((child, i) => child === root.children[i]);
  const mark = replacements.get(indices.join());
  const node = same ? root : withChildren(root, children);
  return mark === undefined ? node : app(node.code, node.children, [...node.attributes, ...mark.attributes]);
};

/** Largest program whose layers are marked; shared parts count as often as they stand in it. */
export const MAX_MARKED_NODES = 100_000;

/** Marks the applications that have parameters; `undefined` where the program is too large. */
export const marked = (root: Expression): Marked | undefined => {
  if (root.size > MAX_MARKED_NODES) return undefined;
  const paths: Array<string> = [];
  const marks = new Map<string, Expression>();
  for (const { indices, path } of parametric(root)) {
    marks.set(indices.join(), app(0, [], [{ name: MARK, value: i64(paths.length) }]));
    paths.push(path);
  }
  return { root: marks.size === 0 ? root : replacedAt(root, marks), paths };
};

/** Whether a rule looks for layers: search compares whole nodes, so that marks would hide them from it. */
export const looksForLayers = ({ left }: Rule): boolean =>
  opcodesIn(left).some((opcode) => (opOf(opcode)?.parameters.length ?? 0) > 0);

/** The program without marks. */
export const unmarked = (root: Expression): Expression => {
  const known = new Map<Expression, Expression>();
  const go = (node: Expression): Expression => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const children = node.children.map(go);
    const same = children.every((child, i) => child === node.children[i]);
    const made = node.attributes.some(isMark)
      ? app(node.code, children, node.attributes.filter((attribute) => !isMark(attribute)))
      : same
      ? node
      : withChildren(node, children);
    known.set(node, made);
    return made;
  };
  return go(root);
};

/**
 * Where the parameters of a marked program went in what was made of it; `undefined` where that is too large to walk
 * part by part.
 */
export const movesOf = ({ paths }: Marked, made: Expression): ReadonlyArray<Moved> | undefined => {
  if (made.size > MAX_MARKED_NODES) return undefined;
  const found = new Map<number, Array<string>>();
  const fresh: Array<Moved> = [];
  for (const { node, path: to } of parametric(made)) {
    const mark = node.attributes.find(isMark);
    if (mark?.value.k !== "I64") {
      fresh.push({ to });
      continue;
    }
    const index = Number(toBigInt(mark.value));
    found.set(index, [...found.get(index) ?? [], to]);
  }
  const moves = paths.flatMap((from, index): ReadonlyArray<Moved> =>
    found.get(index)?.map((to) => ({ from, to })) ?? [{ from }]
  );
  return [...moves, ...fresh];
};

const OPEN = "[*]";

/** The marks of a path behind each function of an open path; `undefined` where the path is not that one. */
const turnsAlong = (open: string, path: string): ReadonlyArray<string> | undefined => {
  const parts = open.split(OPEN);
  const turns: Array<string> = [];
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if (!path.startsWith(part, at)) return undefined;
    at += part.length;
    if (i === parts.length - 1) break;
    const [mark = ""] = /^(?:\[[0-9]+\])*/u.exec(path.slice(at)) ?? [];
    turns.push(mark);
    at += mark.length;
  }
  // What is left is the parameter's name.
  return /^\/[a-z_0-9]+$/u.test(path.slice(at)) ? turns : undefined;
};

/**
 * Parameters by path, for the rewritten program: what was learned stays with its layer. A layer whose functions nest
 * otherwise than before keeps nothing.
 */
export const moveParameters = <A>(
  moves: ReadonlyArray<Moved>,
  parameters: ReadonlyMap<string, A>,
): ReadonlyMap<string, A> => {
  const made = new Map<string, A>();
  for (const [path, value] of parameters) {
    const name = path.slice(path.lastIndexOf("/"));
    for (const { from, to } of moves) {
      const turns = from === undefined || to === undefined ? undefined : turnsAlong(from, path);
      const parts = to?.split(OPEN) ?? [];
      if (turns === undefined || turns.length !== parts.length - 1) continue;
      made.set(parts.map((part, i) => `${part}${turns[i] ?? ""}`).join("") + name, value);
    }
  }
  return made;
};
