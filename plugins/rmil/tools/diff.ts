/**
 * Diff: what changed between two programs, as edits by path, and applying such edits.
 *
 * Not a text diff: layout and symbol numbers do not matter. A pipeline and a parallel group count as one node with all
 * their stages, so that adding a stage is one edit wherever it stands.
 * Invariant: `applyPatch(diff(a, b), a)` is `b`; a patch is never larger than `b` and one edit; a patch for another
 * program is refused.
 *
 * @module
 */
import type { Digest } from "../../../kernel/mod.ts";
import type { Program } from "../codec/v1.ts";
import { type Expression, Tag } from "../expression.ts";
import { Symbols } from "../symbols.ts";
import { movedInto } from "./canonical.ts";
import { aligned } from "./align.ts";
import { boundedCount, headKey, namedDigest } from "./key.ts";
import { childrenOf } from "./stages.ts";

/** Most nodes of each program that is compared. */
export const MAX_DIFF_NODES = 50_000;

/** Child indices from the root; the stages of a pipeline or a parallel group are its children. */
export type Path = ReadonlyArray<number>;

/** A tree to put in place, of which parts are copied from the old program. */
export type Template =
  /** The part of the old program at a path. */
  | { readonly copy: Path }
  /** A node with the head of `head` (its own children do not matter) over these parts, stages being parts. */
  | { readonly head: Expression; readonly parts: ReadonlyArray<Template> };

/** One edit; paths and positions are those of the old program, so that the order of edits does not matter. */
export type PatchEdit =
  /** Puts a tree in place of the one at a path. */
  | { readonly edit: "replace"; readonly path: Path; readonly with: Template }
  /** Changes a node apart from its children. */
  | { readonly edit: "relabel"; readonly path: Path; readonly head: Expression }
  /** Removes some children from a position on, and puts others there. */
  | {
    readonly edit: "splice";
    readonly path: Path;
    readonly at: number;
    readonly remove: number;
    readonly insert: ReadonlyArray<Template>;
  };

/** The way from one program to another. */
export interface Patch {
  /** Digest by names of the program it applies to. */
  readonly from: Digest;
  /** Digest by names of what it makes of it. */
  readonly to: Digest;
  /** Names that the symbols of its templates stand for. */
  readonly symbols: Symbols;
  /** The edits. */
  readonly edits: ReadonlyArray<PatchEdit>;
}

/** Nodes that a template brings; a copy counts one. */
export const templateSize = (template: Template): number => {
  let size = 1;
  if ("parts" in template) { for (const part of template.parts) size += templateSize(part); }
  return size;
};

/** Size of an edit: one, and what it brings. */
export const editSize = (edit: PatchEdit): number => {
  if (edit.edit === "relabel") return 2;
  const brought = edit.edit === "replace" ? [edit.with] : edit.insert;
  return brought.reduce((size, template) => size + templateSize(template), 1);
};

/** Size of a patch: the sum of its edits' sizes. */
export const patchSize = (patch: Patch): number => patch.edits.reduce((size, edit) => size + editSize(edit), 0);

/** Tags with any number of children; a call keeps its function. */
const isList = (tag: Tag): boolean =>
  tag === Tag.Seq || tag === Tag.Par || tag === Tag.App || tag === Tag.Call || tag === Tag.Block;

const isLeaf = (tag: Tag): boolean => tag === Tag.Lit || tag === Tag.Ref;

/** Smallest part worth copying; a smaller one is as short as the copy. */
const MIN_COPY = 2;

const spell = (symbol: number): string => `${symbol};`;

/** Structural numbers of sub-trees over one symbol table: equal numbers, equal trees. Nothing is hashed. */
class Numbering {
  readonly #byKey = new Map<string, number>();
  readonly #byNode = new Map<Expression, number>();
  readonly #heads = new Map<Expression, string>();

  of(node: Expression): number {
    const known = this.#byNode.get(node);
    if (known !== undefined) return known;
    const children = childrenOf(node).map((child) => this.of(child));
    const key = `${this.head(node)}(${children.join(",")})`;
    let number = this.#byKey.get(key);
    if (number === undefined) this.#byKey.set(key, number = this.#byKey.size);
    this.#byNode.set(node, number);
    return number;
  }

  head(node: Expression): string {
    let head = this.#heads.get(node);
    if (head === undefined) this.#heads.set(node, head = headKey(node, spell));
    return head;
  }
}

class Comparison {
  readonly #numbers = new Numbering();
  readonly #copies = new Map<number, Path>();

  constructor(old: Expression) {
    this.#learn(old, []);
  }

  #learn(node: Expression, path: Path): void {
    const children = childrenOf(node);
    const number = this.#numbers.of(node);
    if (children.length + 1 >= MIN_COPY && !this.#copies.has(number)) this.#copies.set(number, path);
    children.forEach((child, index) => this.#learn(child, [...path, index]));
  }

  template(node: Expression): Template {
    const copy = this.#copies.get(this.#numbers.of(node));
    if (copy !== undefined) return { copy };
    return { head: node, parts: childrenOf(node).map((child) => this.template(child)) };
  }

  /** The cheaper of replacing the whole and editing inside. */
  edits(a: Expression, b: Expression, path: Path): ReadonlyArray<PatchEdit> {
    if (this.#numbers.of(a) === this.#numbers.of(b)) return [];
    const whole: PatchEdit = { edit: "replace", path, with: this.template(b) };
    if (a.tag !== b.tag || isLeaf(a.tag)) return [whole];
    const inside = this.#inside(a, b, path);
    const size = inside.reduce((sum, edit) => sum + editSize(edit), 0);
    return size < editSize(whole) ? inside : [whole];
  }

  #inside(a: Expression, b: Expression, path: Path): ReadonlyArray<PatchEdit> {
    const edits: Array<PatchEdit> = [];
    if (this.#numbers.head(a) !== this.#numbers.head(b)) edits.push({ edit: "relabel", path, head: b });
    const [from, to] = [childrenOf(a), childrenOf(b)];
    if (!isList(a.tag)) {
      from.forEach((child, index) => edits.push(...this.edits(child, to[index], [...path, index])));
      return edits;
    }
    const same = (x: Expression, y: Expression): boolean => this.#numbers.of(x) === this.#numbers.of(y);
    const alike = (x: Expression, y: Expression): boolean => this.#numbers.head(x) === this.#numbers.head(y);
    for (const { at, remove, insertFrom, insertTo, pairs } of aligned(from, to, same, alike)) {
      for (const [i, j] of pairs) edits.push(...this.edits(from[i], to[j], [...path, i]));
      if (remove > 0 || insertTo > insertFrom) {
        const insert = to.slice(insertFrom, insertTo).map((node) => this.template(node));
        edits.push({ edit: "splice", path, at, remove, insert });
      }
    }
    return edits;
  }
}

/**
 * What changed from `a` to `b`. Throws `RMIL_TOO_LARGE` beyond {@link MAX_DIFF_NODES} nodes.
 */
export const diff = (a: Program, b: Program): Patch => {
  boundedCount(a.root, "old program", MAX_DIFF_NODES);
  boundedCount(b.root, "new program", MAX_DIFF_NODES);
  // One table for both, so that equal names are equal numbers.
  const symbols = new Symbols();
  const from = movedInto(symbols, a);
  const to = movedInto(symbols, b);
  return {
    from: namedDigest(a),
    to: namedDigest(b),
    symbols,
    edits: new Comparison(from).edits(from, to, []),
  };
};
