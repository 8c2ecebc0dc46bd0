/**
 * Symbolic ops: unification, deduction, rewriting and planning over terms and the run's knowledge base.
 *
 * A term is a symbol, a value, a variable or an application; rules are terms `rule(head, body…)`.
 *
 * @module
 */
import { attribute, type Family, family, operand } from "./row.ts";

/** Names of the symbolic ops. */
export type SymbolicName =
  | "unify"
  | "resolve"
  | "infer"
  | "match"
  | "rewrite"
  | "assert"
  | "query_kb"
  | "plan"
  | "bind"
  | "subsume";

const SOLUTION_LIMIT = 100;
const STEP_LIMIT = 1000;

const x = operand("x", "term");
const y = operand("y", "term");
const solutions = attribute("limit", "size", "Most solutions.", { default: SOLUTION_LIMIT });
const steps = attribute("limit", "size", "Most steps.", { default: STEP_LIMIT });

/** Rows of the symbolic ops. */
export const symbolicOps: Family<SymbolicName> = family("Symbolic", {
  unify: {
    code: 0x0100,
    doc: "The most general substitution that makes two terms equal, with occurs check; nil where there is none.",
    operands: [x, y],
    result: "term",
    source: "Robinson 1965",
  },
  resolve: {
    code: 0x0101,
    doc: "Proves goals backward from the knowledge base; gives the substitutions that answer them.",
    operands: [operand("goal", "any")],
    attributes: [solutions],
    result: "tuple",
    effect: "knowledge",
    source: "Kowalski 1974",
  },
  infer: {
    code: 0x0102,
    doc: "Takes a value as a fact and gives everything that follows forward from it and the knowledge base.",
    operands: [operand("fact", "any", { optional: true })],
    attributes: [steps],
    result: "tuple",
    effect: "knowledge",
  },
  match: {
    code: 0x0103,
    doc:
      "The substitution that makes a pattern equal to a subject, a term or a program, whose variables stay; nil where there is none.",
    operands: [operand("pattern", "term"), operand("subject", "term")],
    piped: "subject",
    result: "term",
  },
  rewrite: {
    code: 0x0104,
    doc: "Rewrites a subject, a term or a program, by rules `rule(from, to)` until none applies.",
    operands: [operand("rules", "any"), operand("subject", "any")],
    piped: "subject",
    attributes: [
      attribute("limit", "size", "Most applications of rules.", { default: STEP_LIMIT }),
      attribute("trace", "flag", "Whether it gives (result, applications, why it ended) instead of the result.", {
        default: false,
        named: true,
      }),
      attribute("strategy", "choice", "Where the rules are tried first in a program.", {
        choices: ["innermost", "outermost", "topDown", "bottomUp", "once"],
        default: "innermost",
        named: true,
      }),
    ],
    result: "any",
  },
  assert: {
    code: 0x0105,
    doc: "Adds a fact or a rule to the knowledge base, and gives it.",
    operands: [operand("fact", "term")],
    result: "term",
    effect: "knowledge",
  },
  query_kb: {
    code: 0x0106,
    doc: "The substitutions under which a goal is a fact of the knowledge base; no rule is applied.",
    operands: [operand("goal", "term")],
    attributes: [solutions],
    result: "tuple",
    effect: "knowledge",
  },
  plan: {
    code: 0x0107,
    doc: "The shortest sequence of the knowledge base's actions that reaches a goal; nil where there is none.",
    operands: [operand("goal", "term")],
    attributes: [steps],
    result: "any",
    effect: "knowledge",
  },
  bind: {
    code: 0x0108,
    constant: "BIND_SYM",
    doc: "Replaces a variable by a value in the run's substitution, and gives the value.",
    operands: [operand("variable", "term"), operand("value", "any")],
    piped: "value",
    result: "any",
    effect: "knowledge",
  },
  subsume: {
    code: 0x0109,
    doc: "Whether the first term is at least as general as the second.",
    operands: [operand("general", "term"), operand("specific", "term")],
    piped: "specific",
    result: "flag",
  },
});
