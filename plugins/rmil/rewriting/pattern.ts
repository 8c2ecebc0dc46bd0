/**
 * Patterns and templates: what a rule looks for and what it puts there, as plain data.
 *
 * Not matching (match.ts) and not which rules are true (laws.ts).
 * Invariant: a template uses only names that its pattern binds; an instance with an unbound name does not exist.
 *
 * @module
 */
import type { Attribute, Expression } from "../expression.ts";
import type { Type } from "../types.ts";
import type { Value } from "../value.ts";
import type { FactName } from "./facts.ts";

/** Attributes of an application: those that must be there, and the name under which all are remembered. */
export interface AttributePattern {
  /** Attributes that must be there with these values. */
  readonly require?: ReadonlyArray<Attribute>;
  /** Name that binds the whole list; without it, no attributes beyond the required ones may be there. */
  readonly bind?: string;
}

/**
 * A pattern. A repeated name matches equal sub-expressions. In `Seq` a name matches one stage or several; in every list
 * a `Rest` matches any number, also none. `Is` matches one expression and nothing else. `Let`, `Lam` and `Ref` bind
 * symbols and parameter lists to names.
 */
export type Pat =
  | { readonly k: "Var"; readonly name: string }
  | { readonly k: "Any" }
  | { readonly k: "Rest"; readonly name: string }
  | { readonly k: "Lit"; readonly val: Value }
  | { readonly k: "Is"; readonly node: Expression }
  | { readonly k: "Ref"; readonly sym: string }
  | {
    readonly k: "App";
    readonly op: number;
    readonly args: ReadonlyArray<Pat>;
    readonly attributes?: AttributePattern;
  }
  | { readonly k: "Seq" | "Par" | "Block"; readonly items: ReadonlyArray<Pat> }
  | { readonly k: "Cond"; readonly pred: Pat; readonly yes: Pat; readonly no: Pat }
  | { readonly k: "Let"; readonly sym: string; readonly val: Pat; readonly body: Pat }
  | { readonly k: "Lam"; readonly params: string; readonly body: Pat }
  | { readonly k: "Call"; readonly func: Pat; readonly args: ReadonlyArray<Pat> }
  | { readonly k: "Alt"; readonly options: ReadonlyArray<Pat> };

/** Attributes of an application that a template makes. */
export interface AttributeTemplate {
  /** Name of a bound list to start from. */
  readonly from?: string;
  /** Attributes set over it. */
  readonly set?: ReadonlyArray<Attribute>;
}

/** A template: a pattern's shape to be filled with what its names bind. */
export type Tmpl =
  | { readonly k: "Var" | "Rest"; readonly name: string }
  | { readonly k: "Lit"; readonly val: Value }
  | { readonly k: "Is"; readonly node: Expression }
  | { readonly k: "Ref"; readonly sym: string }
  | {
    readonly k: "App";
    readonly op: number;
    readonly args: ReadonlyArray<Tmpl>;
    readonly attributes?: AttributeTemplate;
  }
  | { readonly k: "Seq" | "Par" | "Block"; readonly items: ReadonlyArray<Tmpl> }
  | { readonly k: "Cond"; readonly pred: Tmpl; readonly yes: Tmpl; readonly no: Tmpl }
  | { readonly k: "Let"; readonly sym: string; readonly val: Tmpl; readonly body: Tmpl }
  | { readonly k: "Lam"; readonly params: string; readonly body: Tmpl }
  | { readonly k: "Call"; readonly func: Tmpl; readonly args: ReadonlyArray<Tmpl> };

/** What must hold of a bound sub-expression: certain facts, or a type. */
export type Guard =
  | { readonly of: string; readonly facts: ReadonlyArray<FactName> }
  | { readonly of: string; readonly type: Type };

/** A rule: where `left` matches and the guards hold, `right` may stand instead. */
export interface Rule {
  /** Its name, in traces. */
  readonly name: string;
  /** What it looks for. */
  readonly left: Pat;
  /** What it puts there. */
  readonly right: Tmpl;
  /** What must hold of the names. */
  readonly guards: ReadonlyArray<Guard>;
}

/** A name. */
export const v = (name: string): { readonly k: "Var"; readonly name: string } => ({ k: "Var", name });

/** Any number of items, under a name. */
export const rest = (name: string): { readonly k: "Rest"; readonly name: string } => ({ k: "Rest", name });

/** Any expression. */
export const ANY: Pat = { k: "Any" };

/** A literal. */
export const literal = (val: Value): { readonly k: "Lit"; readonly val: Value } => ({ k: "Lit", val });

/** An op applied to arguments, without attributes. */
export const on = <P extends Pat | Tmpl>(op: number, ...args: ReadonlyArray<P>): {
  readonly k: "App";
  readonly op: number;
  readonly args: ReadonlyArray<P>;
} => ({ k: "App", op, args });

/** Stages of a pipeline. */
export const stages = <P extends Pat | Tmpl>(
  ...items: ReadonlyArray<P>
): { readonly k: "Seq"; readonly items: ReadonlyArray<P> } => ({ k: "Seq", items });

/** Branches in parallel. */
export const branches = <P extends Pat | Tmpl>(
  ...items: ReadonlyArray<P>
): { readonly k: "Par"; readonly items: ReadonlyArray<P> } => ({ k: "Par", items });

/** A conditional. */
export const either = <P extends Pat | Tmpl>(pred: P, yes: P, no: P): {
  readonly k: "Cond";
  readonly pred: P;
  readonly yes: P;
  readonly no: P;
} => ({ k: "Cond", pred, yes, no });

const partsOf = (part: Pat | Tmpl): ReadonlyArray<Pat | Tmpl> => {
  switch (part.k) {
    case "App":
      return part.args;
    case "Seq":
    case "Par":
    case "Block":
      return part.items;
    case "Cond":
      return [part.pred, part.yes, part.no];
    case "Let":
      return [part.val, part.body];
    case "Lam":
      return [part.body];
    case "Call":
      return [part.func, ...part.args];
    case "Alt":
      return part.options;
    default:
      return [];
  }
};

/** Every opcode that a pattern or template applies. */
export const opcodesIn = (part: Pat | Tmpl): ReadonlyArray<number> => [
  ...part.k === "App" ? [part.op] : [],
  ...partsOf(part).flatMap(opcodesIn),
];

const ownNames = (part: Pat | Tmpl): ReadonlyArray<string> => {
  switch (part.k) {
    case "Var":
    case "Rest":
      return [part.name];
    case "Ref":
    case "Let":
      return [part.sym];
    case "Lam":
      return [part.params];
    case "App": {
      const { attributes } = part;
      if (attributes === undefined) return [];
      const name = "bind" in attributes ? attributes.bind : "from" in attributes ? attributes.from : undefined;
      return name === undefined ? [] : [name];
    }
    default:
      return [];
  }
};

/** Every name that a pattern or template uses, once, in order. */
export const namesIn = (part: Pat | Tmpl): ReadonlyArray<string> => [
  ...new Set([...ownNames(part), ...partsOf(part).flatMap(namesIn)]),
];
