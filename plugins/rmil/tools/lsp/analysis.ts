/**
 * Analysis: a source text with its tree, its names tied to what binds them, and its lines.
 *
 * Not types and effects (those are the check's). A text with faults is analysed as far as it can be read.
 * Invariant: every use of a name is listed once, under its binder or among the free names.
 *
 * @module
 */
import { type Expression, Tag } from "../../expression.ts";
import type { Span } from "../../syntax/diagnostics.ts";
import { type NameUse, type Parsed, parseSource } from "../../syntax/parser.ts";
import { boundSymbols, seesBinding, walkScoped } from "../scope.ts";
import { Lines } from "./positions.ts";

/** A name that the text binds. */
export interface Binding {
  /** The name. */
  readonly name: string;
  /** Where it is bound: the name alone. */
  readonly span: Span;
  /** The `let` or the lambda. */
  readonly node: Expression;
  /** The parameter's position; 0 for a `let`. */
  readonly position: number;
  /** Where the name can be used. */
  readonly scopes: ReadonlyArray<Span>;
  /** Where it is used: names alone, in order. */
  readonly uses: Array<Span>;
}

/** A text and what is known of it. */
export interface Analysis {
  /** The text. */
  readonly source: string;
  /** Its tree, names and faults. */
  readonly parsed: Parsed;
  /** Its lines. */
  readonly lines: Lines;
  /** Names that it binds, in order of place. */
  readonly bindings: ReadonlyArray<Binding>;
  /** Uses of names that it does not bind, in order, by name. */
  readonly free: ReadonlyMap<string, ReadonlyArray<Span>>;
}

const BLANK = /\s/u;

/** A scope reaches over the white space that follows it, where the next word will be typed. */
const extended = (source: string, { start, end }: Span): Span => {
  let until = end;
  while (until < source.length && BLANK.test(source[until])) until++;
  return { start, end: until };
};

const isBinder = ({ role }: NameUse): boolean => role === "let" || role === "parameter";

/** Names of a role by where they start. */
const byStart = (names: ReadonlyArray<NameUse>, wanted: (use: NameUse) => boolean): ReadonlyArray<NameUse> =>
  names.filter(wanted).toSorted((a, b) => a.start - b.start);

/** Index of the first name that starts at or after an offset. */
const firstFrom = (names: ReadonlyArray<NameUse>, offset: number): number => {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle].start < offset) low = middle + 1;
    else high = middle;
  }
  return low;
};

class Names {
  readonly bindings = new Map<Expression, ReadonlyArray<Binding | undefined>>();
  readonly free = new Map<string, Array<Span>>();
  readonly #binders: ReadonlyArray<NameUse>;
  readonly #references: ReadonlyArray<NameUse>;

  constructor(readonly source: string, readonly parsed: Parsed) {
    this.#binders = byStart(parsed.names, isBinder);
    this.#references = byStart(parsed.names, ({ role }) => role === "reference");
  }

  #nameOf(symbol: number): string | undefined {
    return this.parsed.symbols.nameOf(symbol);
  }

  /** The places at which a node binds its names, which stand first in it. */
  bind(node: Expression): void {
    const span = this.parsed.spans.get(node);
    if (span === undefined) return;
    const scopes = node.children
      .filter((_, index) => seesBinding(node, index))
      .map((child) => this.parsed.spans.get(child))
      .filter((place) => place !== undefined)
      .map((place) => extended(this.source, place));
    let at = firstFrom(this.#binders, span.start);
    this.bindings.set(
      node,
      boundSymbols(node).map((symbol, position) => {
        const use = this.#binders[at];
        // A name given by its index has no place of its own.
        if (use === undefined || use.end > span.end || use.name !== this.#nameOf(symbol)) return undefined;
        at++;
        const { start, end, name } = use;
        return { name, span: { start, end }, node, position, scopes, uses: [] };
      }),
    );
  }

  refer(node: Expression, binder: Expression | undefined, position: number): void {
    const span = this.parsed.spans.get(node);
    const use = span === undefined ? undefined : this.#references[firstFrom(this.#references, span.start)];
    if (use === undefined || use.end > span!.end) return;
    const place = { start: use.start, end: use.end };
    if (binder !== undefined) {
      this.bindings.get(binder)?.[position]?.uses.push(place);
      return;
    }
    const uses = this.free.get(use.name) ?? [];
    uses.push(place);
    this.free.set(use.name, uses);
  }
}

/** Analyses a text. */
export const analyse = (source: string): Analysis => {
  const parsed = parseSource(source);
  const names = new Names(source, parsed);
  walkScoped(parsed.root, (node, scope) => {
    if (boundSymbols(node).length > 0) names.bind(node);
    if (node.tag !== Tag.Ref) return;
    const binder = scope.get(node.code);
    names.refer(node, binder?.node, binder?.position ?? 0);
  });
  const bindings = [...names.bindings.values()].flat().filter((binding) => binding !== undefined)
    .toSorted((a, b) => a.span.start - b.span.start);
  return { source, parsed, lines: new Lines(source), bindings, free: names.free };
};

const holds = ({ start, end }: Span, offset: number): boolean => start <= offset && offset <= end;

/** The name at an offset or ending there; `undefined` where there is none. */
export const nameAt = ({ parsed }: Analysis, offset: number): NameUse | undefined =>
  parsed.names.find((use) => use.start <= offset && offset < use.end) ??
    parsed.names.find((use) => use.end === offset);

/** The binding that a place belongs to, as binder or as use. */
export const bindingAt = ({ bindings }: Analysis, { start }: Span): Binding | undefined =>
  bindings.find(({ span, uses }) => span.start === start || uses.some((use) => use.start === start));

/** Bindings whose names can be used at an offset, the innermost of each name. */
export const visibleAt = ({ bindings }: Analysis, offset: number): ReadonlyArray<Binding> => {
  const visible = new Map<string, Binding>();
  for (const binding of bindings) {
    if (binding.scopes.some((scope) => holds(scope, offset))) visible.set(binding.name, binding);
  }
  return [...visible.values()];
};
