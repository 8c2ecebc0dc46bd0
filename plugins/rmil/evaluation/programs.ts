/**
 * Programs as subjects: the ops `match` and `rewrite` on quoted programs, by the patterns and strategies of rewriting.
 *
 * A pattern is a quoted program in which logic variables stand for any sub-expression, as in terms; any other name
 * stands for itself. Pipelines match modulo how they are bracketed.
 * Invariant: a rewriting takes no more applications than its limit and no more matching steps than its fuel.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";
import { badTerm, outOfFuel } from "../interpreter/failures.ts";
import { type Machine, symbolOf } from "../interpreter/machine.ts";
import type { OpCall } from "../interpreter/operands.ts";
import { runTuple, type RunValue } from "../interpreter/run_value.ts";
import { isVariableName } from "../interpreter/terms.ts";
import { branchesOf } from "../rewriting/chains.ts";
import { unboundNames } from "../rewriting/laws.ts";
import { type Binding, firstMatch, matchContext } from "../rewriting/match.ts";
import type { Pat, Rule, Tmpl } from "../rewriting/pattern.ts";
import { patternOfExpression } from "../rewriting/pattern_text.ts";
import { rewrite } from "../rewriting/rewriter.ts";
import type { StrategyName } from "../rewriting/strategy.ts";
import { i64, NIL } from "../value.ts";

/** Most matching steps of one application: they are taken at once, and must not hold up what waits. */
export const MAX_MATCHING_STEPS = 100_000;

const RULE = "rule";

/** The program that an operand is, or was quoted from; a term that was computed is none. */
const programAt = (call: OpCall, index: number): Expression => {
  const value = call.operands[index]!;
  if (value.k === "Program") return value.program;
  if (value.k === "Term" && value.quoted !== undefined) return value.quoted;
  const { name } = call.row.operands[index];
  throw badTerm({ op: call.row.name, reason: `its ${name} is a computed term, and the other operand a program` });
};

const patternOf = (machine: Machine, node: Expression): Pat =>
  patternOfExpression(node, { textOf: (sym) => machine.textOf(sym), isVariable: isVariableName });

const programValue = (program: Expression): RunValue => ({ k: "Program", program });

const bindingValue = (binding: Binding): RunValue => {
  switch (binding.k) {
    case "one":
      return programValue(binding.node);
    case "many":
      return runTuple(binding.nodes.map(programValue));
    case "symbol":
      return { k: "Sym", sym: binding.sym };
    case "parameters":
      return runTuple(binding.parameters.map(({ sym }): RunValue => ({ k: "Sym", sym })));
    case "attributes":
      return runTuple(binding.attributes.map(({ value }): RunValue => value));
  }
};

/** Steps that matching may take now. */
const fuelOf = ({ machine }: OpCall): number => Math.min(machine.left, MAX_MATCHING_STEPS);

/** Matches a program against a quoted pattern; pairs of a variable and the program it stands for, or nil. */
export const matchPrograms = (call: OpCall): RunValue => {
  const { machine } = call;
  const fuel = fuelOf(call);
  const context = matchContext({ fuel });
  const found = firstMatch(patternOf(machine, programAt(call, 0)), programAt(call, 1), context);
  machine.charge(fuel - Math.max(context.fuel, 0));
  // Without steps left, that nothing was found says nothing.
  if (found === undefined && context.fuel <= 0) throw outOfFuel({ limit: fuel });
  if (found === undefined) return NIL;
  return runTuple([...found].map(([name, binding]) => runTuple([symbolOf(machine, name), bindingValue(binding)])));
};

const ruleOf = (call: OpCall, node: Expression, index: number): Rule => {
  const [functor, from, to] = node.children;
  const isRule = node.tag === Tag.Call && node.children.length === 3 && functor.tag === Tag.Ref &&
    call.machine.textOf(functor.code) === RULE;
  if (!isRule) throw badTerm({ op: call.row.name, reason: "a rule is rule(from, to)" });
  const left = patternOf(call.machine, from);
  const right = patternOf(call.machine, to) as Tmpl;
  const made: Rule = { name: String(index), left, right, guards: [] };
  const [unbound] = unboundNames(made);
  if (unbound === undefined) return made;
  throw badTerm({ op: call.row.name, reason: `the pattern of rule ${index + 1} does not bind ${unbound}` });
};

/** One application of a rule as a value: (rule, path, before, after). */
export const stepValue = (rule: number, path: ReadonlyArray<number>, before: RunValue, after: RunValue): RunValue =>
  runTuple([i64(rule), runTuple(path.map((index) => i64(index))), before, after]);

/** A result with its record: (result, applications, why it ended). */
export const tracedValue = (
  machine: Machine,
  result: RunValue,
  steps: ReadonlyArray<RunValue>,
  end: string,
): RunValue => runTuple([result, runTuple(steps), symbolOf(machine, end)]);

const pathOf = (path: string): ReadonlyArray<number> => path.split("/").slice(1).map(Number);

/** Why a rewriting ended, in the words of the op: its limit is that of applications. */
const ENDS: { readonly [end: string]: string } = { firings: "limit" };

/** Rewrites a program by quoted rules. */
export const rewritePrograms = (call: OpCall): RunValue => {
  const { machine, row, attributes } = call;
  const rules = branchesOf(programAt(call, 0)).map((node, index) => ruleOf(call, node, index));
  const limit = Number(attributes.limit ?? row.attributes.find(({ name }) => name === "limit")?.default);
  const fuel = fuelOf(call);
  const made = rewrite(programAt(call, 1), rules, {
    strategy: (attributes.strategy ?? "innermost") as StrategyName,
    shrinking: false,
    isData: true,
    maxFirings: limit,
    fuel,
  });
  machine.charge(made.fuelUsed);
  const result = programValue(made.expression);
  if (attributes.trace !== true) {
    if (made.end === "fuel") throw outOfFuel({ limit: fuel });
    return result;
  }
  const steps = made.trace.map(({ rule, path, before, after }) =>
    stepValue(Number(rule), pathOf(path), programValue(before), programValue(after))
  );
  return tracedValue(machine, result, steps, ENDS[made.end] ?? made.end);
};
