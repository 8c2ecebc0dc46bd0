/**
 * Symbolic default: a small logic engine: unification, matching, rewriting, SLD resolution, forward chaining, planning.
 *
 * Not tabled and not indexed: a left-recursive program runs until its fuel is spent, as in Prolog.
 * Invariant: walks over terms use explicit stacks, except those that build terms, which refuse beyond
 * {@link MAX_TERM_DEPTH}. Clauses are renamed apart at each use. Sources: Robinson 1965; Kowalski 1974; Fikes & Nilsson
 * 1971.
 *
 * @module
 */
import { outOfMemory } from "./interpreter/failures.ts";
import { printValue } from "./syntax/printer.ts";
import type {
  Bounds,
  Clause,
  Knowledge,
  Rewriting,
  Rewritten,
  Search,
  Substitution,
  Symbolic,
  Term,
} from "./symbolic.ts";
import { compound, variable } from "./symbolic.ts";
import { equalValues, type Value } from "./value.ts";

/** Deepest term that is built. */
export const MAX_TERM_DEPTH = 2_000;

/** Most clauses of one run's knowledge. */
export const MAX_CLAUSES = 100_000;

type Bindings = Map<string, Term>;

const walk = (term: Term, bindings: Substitution): Term => {
  let found = term;
  while (found.kind === "variable") {
    const next = bindings.get(found.name);
    if (next === undefined) return found;
    found = next;
  }
  return found;
};

const occurs = (name: string, term: Term, bindings: Substitution): boolean => {
  const pending: Term[] = [term];
  const seen = new Set<Term>();
  while (pending.length > 0) {
    const next = walk(pending.pop()!, bindings);
    if (next.kind === "variable" && next.name === name) return true;
    if (next.kind !== "compound" || seen.has(next)) continue;
    seen.add(next);
    pending.push(...next.args);
  }
  return false;
};

const unifyInto = (bindings: Bindings, a: Term, b: Term): boolean => {
  const pending: Array<readonly [Term, Term]> = [[a, b]];
  while (pending.length > 0) {
    const [left, right] = pending.pop()!.map((term) => walk(term, bindings));
    if (left === right) continue;
    if (left.kind === "variable") {
      if (right.kind === "variable" && right.name === left.name) continue;
      if (occurs(left.name, right, bindings)) return false;
      bindings.set(left.name, right);
    } else if (right.kind === "variable") {
      if (occurs(right.name, left, bindings)) return false;
      bindings.set(right.name, left);
    } else if (left.kind === "value") {
      if (right.kind !== "value" || !equalValues(left.value, right.value)) return false;
    } else {
      if (right.kind === "value") return false;
      if (left.functor !== right.functor || left.args.length !== right.args.length) return false;
      for (let i = left.args.length - 1; i >= 0; i--) pending.push([left.args[i], right.args[i]]);
    }
  }
  return true;
};

const replace = (term: Term, bindings: Substitution, depth = 0): Term => {
  if (depth > MAX_TERM_DEPTH) throw outOfMemory({ what: "nested terms", limit: MAX_TERM_DEPTH });
  const found = walk(term, bindings);
  if (found.kind !== "compound" || found.args.length === 0) return found;
  const args = found.args.map((arg) => replace(arg, bindings, depth + 1));
  return args.every((arg, i) => arg === found.args[i]) ? found : compound(found.functor, args);
};

const resolved = (bindings: Bindings, names: Iterable<string> = bindings.keys()): Substitution =>
  new Map([...names].filter((name) => bindings.has(name)).map((name) => [name, replace(variable(name), bindings)]));

const variablesOf = (terms: ReadonlyArray<Term>): ReadonlySet<string> => {
  const names = new Set<string>();
  const pending = [...terms].reverse();
  while (pending.length > 0) {
    const term = pending.pop()!;
    if (term.kind === "variable") names.add(term.name);
    else if (term.kind === "compound") pending.push(...[...term.args].reverse());
  }
  return names;
};

const unify = (a: Term, b: Term): Substitution | undefined => {
  const bindings: Bindings = new Map();
  return unifyInto(bindings, a, b) ? resolved(bindings) : undefined;
};

const match = (pattern: Term, subject: Term): Substitution | undefined => {
  const bindings: Bindings = new Map();
  const pending: Array<readonly [Term, Term]> = [[pattern, subject]];
  while (pending.length > 0) {
    const [left, right] = pending.pop()!;
    if (left.kind === "variable") {
      const bound = bindings.get(left.name);
      if (bound === undefined) bindings.set(left.name, right);
      else if (!equalTerms(bound, right)) return undefined;
    } else if (left.kind === "value") {
      if (right.kind !== "value" || !equalValues(left.value, right.value)) return undefined;
    } else {
      if (right.kind !== "compound" || right.functor !== left.functor || right.args.length !== left.args.length) {
        return undefined;
      }
      for (let i = left.args.length - 1; i >= 0; i--) pending.push([left.args[i], right.args[i]]);
    }
  }
  return bindings;
};

/** Structural equality of terms. */
export const equalTerms = (a: Term, b: Term): boolean => {
  const pending: Array<readonly [Term, Term]> = [[a, b]];
  while (pending.length > 0) {
    const [left, right] = pending.pop()!;
    if (left === right) continue;
    if (left.kind === "variable") {
      if (right.kind !== "variable" || right.name !== left.name) return false;
    } else if (left.kind === "value") {
      if (right.kind !== "value" || !equalValues(left.value, right.value)) return false;
    } else {
      if (right.kind !== "compound" || right.functor !== left.functor || right.args.length !== left.args.length) {
        return false;
      }
      left.args.forEach((arg, i) => pending.push([arg, right.args[i]]));
    }
  }
  return true;
};

/** A pattern's variables replaced once: matching never binds a variable to a term that should be replaced again. */
const instantiate = (term: Term, found: Substitution, depth = 0): Term => {
  if (depth > MAX_TERM_DEPTH) throw outOfMemory({ what: "nested terms", limit: MAX_TERM_DEPTH });
  if (term.kind === "variable") return found.get(term.name) ?? term;
  return term.kind === "value" ? term : compound(term.functor, term.args.map((a) => instantiate(a, found, depth + 1)));
};

function* rewrite(
  rules: ReadonlyArray<Rewriting>,
  subject: Term,
  { limit }: Bounds,
  rewrote: (step: Rewritten) => void = () => {},
): Search<Term> {
  let left = limit;
  function* settle(term: Term, path: ReadonlyArray<number>): Search<Term> {
    if (path.length > MAX_TERM_DEPTH) throw outOfMemory({ what: "nested terms", limit: MAX_TERM_DEPTH });
    let current = term;
    for (;;) {
      yield;
      if (current.kind === "compound" && current.args.length > 0) {
        const args: Term[] = [];
        for (const [index, arg] of current.args.entries()) args.push(yield* settle(arg, [...path, index]));
        current = compound(current.functor, args);
      }
      const next = left > 0 ? rewriteOnce(rules, current) : undefined;
      if (next === undefined) return current;
      left--;
      rewrote({ ...next, path, before: current });
      current = next.after;
    }
  }
  return yield* settle(subject, []);
}

const rewriteOnce = (
  rules: ReadonlyArray<Rewriting>,
  term: Term,
): { readonly rule: number; readonly after: Term } | undefined => {
  for (const [rule, { from, to }] of rules.entries()) {
    const found = match(from, term);
    if (found !== undefined) return { rule, after: instantiate(to, found) };
  }
  return undefined;
};

const RULE = "rule";

/** A clause as its term `rule(head, body…)`; a fact is its head. */
export const clauseOf = (term: Term): Clause =>
  term.kind === "compound" && term.functor === RULE && term.args.length > 0
    ? { head: term.args[0], body: term.args.slice(1) }
    : { head: term, body: [] };

const clauseTerm = ({ head, body }: Clause): Term => compound(RULE, [head, ...body]);

type Frame = { readonly goals: ReadonlyArray<Term>; readonly bindings: Bindings; next: number };

class Base implements Knowledge {
  readonly #clauses: Clause[] = [];
  #renamed = 0;

  clauses = (): ReadonlyArray<Clause> => this.#clauses;

  assert = (clause: Clause): void => {
    const term = clauseTerm(clause);
    if (this.#clauses.some((known) => equalTerms(clauseTerm(known), term))) return;
    if (this.#clauses.length >= MAX_CLAUSES) throw outOfMemory({ what: "clauses", limit: MAX_CLAUSES });
    this.#clauses.push(clause);
  };

  #fresh(clause: Clause): Clause {
    const suffix = `#${this.#renamed++}`;
    const names = [...variablesOf([clause.head, ...clause.body])];
    const renaming = new Map(names.map((name) => [name, variable(`${name}${suffix}`)]));
    return {
      head: instantiate(clause.head, renaming),
      body: clause.body.map((part) => instantiate(part, renaming)),
    };
  }

  resolve = (goals: ReadonlyArray<Term>, bounds: Bounds): Search<ReadonlyArray<Substitution>> =>
    this.#prove(goals, this.#clauses, bounds);

  query = (goal: Term, bounds: Bounds): Search<ReadonlyArray<Substitution>> =>
    this.#prove([goal], this.#clauses.filter(({ body }) => body.length === 0), bounds);

  *#prove(
    goals: ReadonlyArray<Term>,
    clauses: ReadonlyArray<Clause>,
    { limit }: Bounds,
  ): Search<ReadonlyArray<Substitution>> {
    const asked = variablesOf(goals);
    const answers: Substitution[] = [];
    const stack: Frame[] = [{ goals, bindings: new Map(), next: 0 }];
    while (stack.length > 0 && answers.length < limit) {
      yield;
      const frame = stack.at(-1)!;
      if (frame.goals.length === 0) {
        answers.push(resolved(frame.bindings, asked));
        stack.pop();
        continue;
      }
      if (frame.next >= clauses.length) {
        stack.pop();
        continue;
      }
      const clause = this.#fresh(clauses[frame.next++]);
      const bindings: Bindings = new Map(frame.bindings);
      if (!unifyInto(bindings, frame.goals[0], clause.head)) continue;
      stack.push({ goals: [...clause.body, ...frame.goals.slice(1)], bindings, next: 0 });
    }
    return answers;
  }

  *infer(given: ReadonlyArray<Term>, { limit }: Bounds): Search<ReadonlyArray<Term>> {
    const facts = [...this.#clauses.filter(({ body }) => body.length === 0).map(({ head }) => head), ...given];
    const rules = this.#clauses.filter(({ body }) => body.length > 0);
    const derived: Term[] = [];
    for (let round = 0, grew = true; grew && round < limit; round++) {
      grew = false;
      const known: ReadonlyArray<Clause> = facts.map((head) => ({ head, body: [] }));
      for (const rule of rules) {
        const { head, body } = this.#fresh(rule);
        const answers = yield* this.#prove([...body], known, { limit: MAX_CLAUSES });
        for (const answer of answers) {
          yield;
          const fact = replace(head, answer);
          if (facts.some((other) => equalTerms(other, fact))) continue;
          if (facts.length >= MAX_CLAUSES) throw outOfMemory({ what: "facts", limit: MAX_CLAUSES });
          facts.push(fact);
          derived.push(fact);
          grew = true;
        }
      }
    }
    return derived;
  }

  *plan(goals: ReadonlyArray<Term>, { limit }: Bounds): Search<ReadonlyArray<Term> | undefined> {
    const facts = this.#clauses.filter(({ head, body }) => body.length === 0 && actionOf(head) === undefined);
    const actions = this.#clauses.map(({ head }) => actionOf(head)).filter((action) => action !== undefined);
    type State = { readonly facts: ReadonlyMap<string, Term>; readonly path: ReadonlyArray<Term> };
    const start: State = { facts: new Map(facts.map(({ head }) => [keyOfTerm(head), head])), path: [] };
    const seen = new Set([stateKey(start.facts)]);
    let frontier: State[] = [start];
    for (let expanded = 0; frontier.length > 0;) {
      const next: State[] = [];
      for (const state of frontier) {
        const known = [...state.facts.values()].map((head): Clause => ({ head, body: [] }));
        if ((yield* this.#prove(goals, known, { limit: 1 })).length > 0) return state.path;
        if (expanded++ >= limit) return undefined;
        for (const action of actions) {
          const answers = yield* this.#prove([...action.needs], known, { limit: MAX_CLAUSES });
          for (const answer of answers) {
            yield;
            const after = new Map(state.facts);
            for (const term of action.deletes) after.delete(keyOfTerm(replace(term, answer)));
            for (const term of action.adds) {
              const fact = replace(term, answer);
              after.set(keyOfTerm(fact), fact);
            }
            const key = stateKey(after);
            if (seen.has(key)) continue;
            seen.add(key);
            next.push({ facts: after, path: [...state.path, replace(action.name, answer)] });
          }
        }
      }
      frontier = next;
    }
    return undefined;
  }
}

type Action = {
  readonly name: Term;
  readonly needs: ReadonlyArray<Term>;
  readonly adds: ReadonlyArray<Term>;
  readonly deletes: ReadonlyArray<Term>;
};

const listed = (term: Term, functor: string): ReadonlyArray<Term> | undefined =>
  term.kind === "compound" && term.functor === functor ? term.args : undefined;

/** An action's term: `action(name, needs(…), adds(…), deletes(…))`, the last one optional. */
const actionOf = (term: Term): Action | undefined => {
  const parts = listed(term, "action");
  if (parts === undefined || parts.length < 3 || parts.length > 4) return undefined;
  const [needs, adds] = [listed(parts[1], "needs"), listed(parts[2], "adds")];
  const deletes = parts.length === 4 ? listed(parts[3], "deletes") : [];
  return needs && adds && deletes ? { name: parts[0], needs, adds, deletes } : undefined;
};

const stateKey = (facts: ReadonlyMap<string, Term>): string => [...facts.keys()].sort().join("\n");

const written = (term: Term, value: (value: Value) => string): string => {
  if (term.kind === "value") return value(term.value);
  if (term.kind === "variable") return `?${term.name}`;
  const args = term.args.map((arg) => written(arg, value)).join(", ");
  return term.args.length === 0 ? term.functor : `${term.functor}(${args})`;
};

/** A term as text, for people. */
export const printTerm = (term: Term): string => written(term, printValue);

/** A term as a key: equal terms have equal ones; the atom `true` and the boolean have not. */
const keyOfTerm = (term: Term): string =>
  written(term, (value) => JSON.stringify(value, (_, part) => part instanceof Uint8Array ? part.toHex() : part));

/** The engine. */
export const symbolicDefault: Symbolic = {
  unify,
  match,
  apply: (substitution, term) => replace(term, substitution),
  rewrite,
  open: () => new Base(),
};
