/**
 * Candidate: what is proposed for a fault, and what proposals are made of: names in scope, arguments moved or left out.
 *
 * Invariant: nothing here is known to mend; every candidate is tried by a check before it is offered (repair.ts).
 *
 * @module
 */
import { type Expression, lit, ref, Tag, withChildren } from "../expression.ts";
import { isOpName } from "../opcodes.ts";
import type { Symbols } from "../symbols.ts";
import { nodeAtPath, placedNodes } from "../tools/ast_path.ts";
import type { Type } from "../types.ts";
import { bool, f32, i64 } from "../value.ts";
import { asFloat, asInteger, type Candidate, change, stage } from "./edits.ts";
import type { Fault } from "./fault.ts";
import type { Known, Scope } from "./known.ts";

/** What candidates are made from. */
export interface Faulty {
  /** The program. */
  readonly program: Expression;
  /** Its names; names that candidates need are added. */
  readonly symbols: Symbols;
  /** Types of the inputs. */
  readonly inputs: { readonly [name: string]: Type };
}

/** Proposes changes for a fault, likeliest first. */
export type Propose = (fault: Fault, faulty: Faulty) => Iterable<Candidate>;

/** A name in scope. */
export interface Named {
  /** Its symbol. */
  readonly sym: number;
  /** Its text. */
  readonly name: string;
  /** What it names; `undefined` for an input that the program does not read. */
  readonly known: Known | undefined;
}

/** Most names that are tried in one place. */
export const MAX_NAMES_TRIED = 12;

/** Names at a place, and those of the inputs. */
export const namesIn = (scope: Scope | undefined, { symbols, inputs }: Faulty): ReadonlyArray<Named> => {
  const found = new Map<string, Named>();
  for (let at = scope; at !== undefined; at = at.outer) {
    const name = symbols.nameOf(at.sym) ?? "";
    if (!found.has(name)) found.set(name, { sym: at.sym, name, known: at.known });
  }
  for (const name of Object.keys(inputs)) {
    if (!found.has(name)) found.set(name, { sym: symbols.intern(name), name, known: undefined });
  }
  return [...found.values()];
};

/** Names at a place, those that nothing uses yet first: a missing argument is most often one of them. */
export const likelyNames = (fault: Fault, faulty: Faulty): ReadonlyArray<Named> => {
  const used = new Set<number>();
  for (const { node } of placedNodes(faulty.program)) if (node.tag === Tag.Ref) used.add(node.code);
  const names = namesIn(fault.scope, faulty);
  return [...names.filter(({ sym }) => !used.has(sym)), ...names.filter(({ sym }) => used.has(sym))]
    .slice(0, MAX_NAMES_TRIED);
};

/** A name as a reference is written where it is not an op. */
export const shown = (name: string): string => isOpName(name) ? `$${name}` : name;

/** The path without its last member, where it ends with that. */
export const parentOf = (path: string, member: string): string | undefined =>
  path.endsWith(member) ? path.slice(0, -member.length) : undefined;

/** Index of the first argument among the children. */
const argumentsFrom = (node: Expression): number => node.tag === Tag.Call ? 1 : 0;

/** The same literal of another kind. */
export const converted = (node: Expression): ReadonlyArray<Expression> =>
  [asFloat(node), asInteger(node)].filter((made) => made !== undefined);

/** Two arguments swapped, for every pair. */
export function* swaps(path: string, node: Expression): Generator<Candidate> {
  const from = argumentsFrom(node);
  const last = node.children.length;
  for (let i = from; i < last; i++) {
    for (let j = i + 1; j < last; j++) {
      yield change(
        `Swap arguments ${i - from + 1} and ${j - from + 1}`,
        path,
        (own) => withChildren(own, own.children.with(i, own.children[j]).with(j, own.children[i])),
      );
    }
  }
}

/** Each argument left out: one too many may have been taken for a learned parameter. */
export function* leavingOut({ path }: Fault, { program }: Faulty): Generator<Candidate> {
  const node = nodeAtPath(program, path);
  if (node.tag !== Tag.App) return;
  for (let drop = 1; drop < node.children.length; drop++) {
    for (let from = node.children.length - drop; from >= 0; from--) {
      yield change(
        drop === 1 ? `Leave out argument ${from + 1}` : `Leave out arguments ${from + 1} to ${from + drop}`,
        path,
        (own) => withChildren(own, own.children.toSpliced(from, drop)),
      );
    }
  }
}

const FILLERS: ReadonlyArray<readonly [summary: string, node: Expression]> = [
  ["Give the pipeline's input again", stage("identity")],
  ["Give 1.0", lit(f32(1))],
  ["Give 1", lit(i64(1))],
  ["Give true", lit(bool(true))],
];

/** Arguments that may be the missing ones. */
export const missing = (fault: Fault, faulty: Faulty): ReadonlyArray<readonly [summary: string, node: Expression]> => [
  ...likelyNames(fault, faulty).map(({ name, sym }) => [`Give ${shown(name)}`, ref(sym)] as const),
  ...FILLERS,
];
