/**
 * Terms of a run: quoted expressions and values as terms, and terms as values.
 *
 * A name that is bound stands for its value; an unbound one that starts with a capital or `_` is a logic variable, any
 * other an atom. `f(a, b)` is a compound, a tuple is the compound `tuple`.
 *
 * @module
 */
import { badTerm } from "./failures.ts";
import { type Expression, Tag } from "../expression.ts";
import { nameOf } from "../opcodes.ts";
import { atom, compound, constant, type Substitution, type Term, variable } from "../symbolic.ts";
import { type Machine, symbolOf } from "./machine.ts";
import { type Environment, isPlain, runTuple, type RunValue } from "./run_value.ts";

const TUPLE = "tuple";
const VARIABLE = /^[\p{Lu}_]/u;

/** Whether a free name is a logic variable. */
export const isVariableName = (name: string): boolean => VARIABLE.test(name);

/** Whether an expression has a form that is no term, such as a pipeline or a lambda, anywhere in it. */
export const holdsNoTerm = (node: Expression): boolean => {
  if (node.tag === Tag.Call) {
    return node.children[0].tag !== Tag.Ref || node.children.slice(1).some(holdsNoTerm);
  }
  const isForm = node.tag === Tag.Lit || node.tag === Tag.Ref || node.tag === Tag.App || node.tag === Tag.Par;
  return !isForm || node.children.some(holdsNoTerm);
};

/** A value as a term. */
export const termOfValue = (machine: Machine, op: string, value: RunValue): Term => {
  switch (value.k) {
    case "Term":
      return value.term;
    case "Sym":
      return atom(machine.textOf(value.sym));
    case "Tuple":
      return compound(TUPLE, value.items.map((item) => termOfValue(machine, op, item)));
    case "Program":
      return termOf(machine, op, value.program, undefined);
    default:
      if (isPlain(value)) return constant(value);
      throw badTerm({ op, reason: "a function or buffer is no term" });
  }
};

/** A quoted expression as a term; variables bound in the run stand for their terms. */
export const termOf = (
  machine: Machine,
  op: string,
  node: Expression,
  environment: Environment | undefined,
): Term => {
  const parts = (from = 0): ReadonlyArray<Term> =>
    node.children.slice(from).map((child) => termOf(machine, op, child, environment));
  switch (node.tag) {
    case Tag.Lit:
      return termOfValue(machine, op, node.value);
    case Tag.Ref: {
      const bound = machine.lookup(node.code, environment);
      if (bound !== undefined) return termOfValue(machine, op, bound);
      const name = machine.textOf(node.code);
      return isVariableName(name) ? machine.bindings.get(name) ?? variable(name) : atom(name);
    }
    case Tag.App:
      return compound(nameOf(node.code) ?? String(node.code), parts());
    case Tag.Call:
      if (node.children[0].tag !== Tag.Ref) throw badTerm({ op, reason: "a compound's functor is a name" });
      return compound(machine.textOf(node.children[0].code), parts(1));
    case Tag.Par:
      return compound(TUPLE, parts());
    default:
      throw badTerm({ op, reason: "it holds a form that is no term" });
  }
};

/** A term as a value: what has a value form has that one. */
export const valueOfTerm = (machine: Machine, term: Term): RunValue => {
  if (term.kind === "value") return term.value;
  if (term.kind === "variable") return { k: "Term", term };
  if (term.functor === TUPLE) return runTuple(term.args.map((arg) => valueOfTerm(machine, arg)));
  return term.args.length === 0 ? symbolOf(machine, term.functor) : { k: "Term", term };
};

/** A substitution as a tuple of (variable, value) pairs, in order of the variables. */
export const valueOfSubstitution = (machine: Machine, substitution: Substitution): RunValue =>
  runTuple([...substitution].map(([name, term]) => runTuple([symbolOf(machine, name), valueOfTerm(machine, term)])));

/** The parts of a tuple, or the one term. */
export const termList = (term: Term): ReadonlyArray<Term> =>
  term.kind === "compound" && term.functor === TUPLE ? term.args : [term];
