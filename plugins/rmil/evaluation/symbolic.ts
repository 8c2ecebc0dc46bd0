/**
 * Symbolic evaluation: the symbolic ops on the run's logic and knowledge.
 *
 * @module
 */
import type { Evaluations } from "../evaluation.ts";
import { badTerm } from "../interpreter/failures.ts";
import type { OpCall } from "../interpreter/operands.ts";
import { runTuple, type RunValue } from "../interpreter/run_value.ts";
import { termList, termOfValue, valueOfSubstitution, valueOfTerm } from "../interpreter/terms.ts";
import type { Request, Steps } from "../interpreter/work.ts";
import type { SymbolicName } from "../ops/symbolic.ts";
import type { Bounds, Rewriting, Rewritten, Search, Substitution, Term } from "../symbolic.ts";
import { clauseOf } from "../symbolic_default.ts";
import { bool, NIL } from "../value.ts";
import { matchPrograms, rewritePrograms, stepValue, tracedValue } from "./programs.ts";

const termAt = (call: OpCall, index: number): Term => termOfValue(call.machine, call.row.name, call.operands[index]!);

const boundsOf = ({ row, attributes }: OpCall): Bounds => ({
  limit: Number(attributes.limit ?? row.attributes.find(({ name }) => name === "limit")?.default),
});

/** Runs a search within the run's fuel. */
function* searched<A>({ machine }: OpCall, search: Search<A>): Generator<Request, A, RunValue> {
  for (;;) {
    const turn = search.next();
    if (turn.done) return turn.value;
    machine.charge(1);
    yield undefined;
  }
}

const answerOf = (call: OpCall, found: Substitution | undefined): RunValue =>
  found === undefined ? NIL : valueOfSubstitution(call.machine, found);

function* answers(call: OpCall, search: Search<ReadonlyArray<Substitution>>): Steps {
  const found = yield* searched(call, search);
  return runTuple(found.map((substitution) => valueOfSubstitution(call.machine, substitution)));
}

const rewritingOf = (term: Term): Rewriting => {
  const { head, body } = clauseOf(term);
  if (body.length !== 1) throw badTerm({ op: "rewrite", reason: "a rule is rule(from, to)" });
  return { from: head, to: body[0] };
};

const isProgram = (value: RunValue | undefined): boolean => value?.k === "Program";

function* rewriteTerms(call: OpCall): Steps {
  const rules = termList(termAt(call, 0)).map(rewritingOf);
  const { machine } = call;
  const bounds = boundsOf(call);
  const steps: Array<Rewritten> = [];
  const search = machine.options.symbolic.rewrite(rules, termAt(call, 1), bounds, (step) => steps.push(step));
  const made = valueOfTerm(machine, yield* searched(call, search));
  if (call.attributes.trace !== true) return made;
  const shown = steps.map(({ rule, path, before, after }) =>
    stepValue(rule, path, valueOfTerm(machine, before), valueOfTerm(machine, after))
  );
  return tracedValue(machine, made, shown, steps.length >= bounds.limit ? "limit" : "done");
}

const factsOf = (call: OpCall): ReadonlyArray<Term> => call.operands[0] === undefined ? [] : termList(termAt(call, 0));

/** Symbolic. */
export const symbolicEvaluations: Evaluations<SymbolicName> = {
  unify(call) {
    return answerOf(call, call.machine.options.symbolic.unify(termAt(call, 0), termAt(call, 1)));
  },
  resolve: (call) => answers(call, call.machine.knowledge.resolve(termList(termAt(call, 0)), boundsOf(call))),
  *infer(call) {
    const facts = yield* searched(call, call.machine.knowledge.infer(factsOf(call), boundsOf(call)));
    return runTuple(facts.map((fact) => valueOfTerm(call.machine, fact)));
  },
  match(call) {
    if (call.operands.some(isProgram)) return matchPrograms(call);
    return answerOf(call, call.machine.options.symbolic.match(termAt(call, 0), termAt(call, 1)));
  },
  rewrite: (call) => call.operands.some(isProgram) ? rewritePrograms(call) : rewriteTerms(call),
  assert(call) {
    const fact = termAt(call, 0);
    call.machine.knowledge.assert(clauseOf(fact));
    return valueOfTerm(call.machine, fact);
  },
  query_kb: (call) => answers(call, call.machine.knowledge.query(termAt(call, 0), boundsOf(call))),
  *plan(call) {
    const steps = yield* searched(call, call.machine.knowledge.plan(termList(termAt(call, 0)), boundsOf(call)));
    return steps === undefined ? NIL : runTuple(steps.map((step) => valueOfTerm(call.machine, step)));
  },
  bind(call) {
    const name = termAt(call, 0);
    const value = call.operands[1]!;
    if (name.kind !== "variable") throw badTerm({ op: "bind", reason: "its variable is bound already, or is none" });
    const { symbolic } = call.machine.options;
    if (symbolic.unify(name, termAt(call, 1)) === undefined) {
      throw badTerm({ op: "bind", reason: "the value holds the variable itself" });
    }
    call.machine.bindings.set(name.name, termAt(call, 1));
    return value;
  },
  subsume(call) {
    return bool(call.machine.options.symbolic.match(termAt(call, 0), termAt(call, 1)) !== undefined);
  },
};
