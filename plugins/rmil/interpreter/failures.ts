/**
 * Failures of meaning: what check refuses and what a run can meet.
 *
 * Not those of form (../failures.ts): text, bytes and trees.
 * Invariant: `path` is the expression's path in the program, by the member names of its JSON form.
 *
 * @module
 */
import { failure, type FailureDefinition } from "../../../kernel/mod.ts";

/** An operand is of the wrong kind. */
export const wrongOperand: FailureDefinition<
  "RMIL_OPERAND",
  { op: string; operand: string; takes: string; found: string }
> = failure("RMIL_OPERAND", {
  doc: "An operand of an op is of a kind that it does not take.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: its ${a.operand} takes ${a.takes}, and ${a.found} was given`,
});

/** An operand is missing. */
export const missingOperand: FailureDefinition<"RMIL_OPERANDS", { op: string; operand: string }> = failure(
  "RMIL_OPERANDS",
  {
    doc: "An op lacks an operand: no argument gives it, and no pipeline's input fills it.",
    recoverable: true,
    says: (a) => `Cannot apply ${a.op}: its ${a.operand} is missing, and no input fills it`,
    fix: (a) => ({ summary: `Give ${a.operand} as an argument, or run the program on an input` }),
  },
);

/** Shapes do not fit an op. */
export const wrongShape: FailureDefinition<"RMIL_SHAPE", { op: string; reason: string }> = failure("RMIL_SHAPE", {
  doc: "The shapes of the operands do not fit the op, its attributes or each other.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: ${a.reason}`,
});

/** The last axis of an operand is not what a weight or a partner expects. */
export const lastAxisMismatch: FailureDefinition<
  "RMIL_LAST_AXIS",
  { op: string; found: number | string; wanted: number | string }
> = failure("RMIL_LAST_AXIS", {
  doc: "The last axis of an operand is not the one that a partner or a given weight expects.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: the last axis is ${a.found}, and ${a.wanted} is expected`,
  fix: (a) => ({ summary: `Insert linear(${a.wanted}) before it` }),
});

/** A name is not bound. */
export const unboundName: FailureDefinition<"RMIL_UNBOUND", { name: string }> = failure("RMIL_UNBOUND", {
  doc: "A name is used where nothing binds it: no let, no parameter, no input.",
  recoverable: true,
  says: (a) => `Cannot read $${a.name}: nothing binds it here`,
  fix: (a) => ({
    summary: a.suggestions?.[0] === undefined
      ? `Bind ${a.name} with let or give it as an input`
      : `Did you mean ${a.suggestions[0]}?`,
  }),
});

/** A predicate is no boolean. */
export const wrongPredicate: FailureDefinition<"RMIL_PREDICATE", { found: string }> = failure("RMIL_PREDICATE", {
  doc: "A condition is not one boolean.",
  recoverable: true,
  says: (a) => `Cannot choose a branch: the condition is ${a.found}, not a boolean`,
});

/** The branches of a condition give different things. */
export const branchesDiffer: FailureDefinition<"RMIL_BRANCHES", { yes: string; no: string }> = failure(
  "RMIL_BRANCHES",
  {
    doc: "The branches of a condition give different types, and what follows needs one.",
    recoverable: true,
    says: (a) => `Cannot use the condition's result: one branch gives ${a.yes}, the other ${a.no}`,
  },
);

/** What is called is no function. */
export const notCallable: FailureDefinition<"RMIL_NOT_CALLABLE", { found: string }> = failure("RMIL_NOT_CALLABLE", {
  doc: "Something that is no function is called or handed over as one.",
  recoverable: true,
  says: (a) => `Cannot call ${a.found}: it is no function`,
});

/** A function is called with the wrong number of arguments. */
export const wrongArguments: FailureDefinition<"RMIL_CALL", { takes: number; found: number }> = failure(
  "RMIL_CALL",
  {
    doc: "A function is called with more or fewer arguments than it has parameters.",
    recoverable: true,
    says: (a) => `Cannot call the function: it takes ${a.takes} arguments, and ${a.found} were given`,
  },
);

/** An argument does not have the annotated type. */
export const wrongArgumentType: FailureDefinition<
  "RMIL_ARGUMENT_TYPE",
  { name: string; wanted: string; found: string }
> = failure("RMIL_ARGUMENT_TYPE", {
  doc: "An argument does not have the type that the parameter is annotated with.",
  recoverable: true,
  says: (a) => `Cannot pass ${a.found} as ${a.name}: it is annotated ${a.wanted}`,
});

/** Integer arithmetic left its range. */
export const overflow: FailureDefinition<"RMIL_OVERFLOW", { op: string; operands: string; dtype: string }> = failure(
  "RMIL_OVERFLOW",
  {
    doc: "The exact result of integer arithmetic does not fit its type.",
    recoverable: true,
    says: (a) => `Cannot compute ${a.op}(${a.operands}): the result does not fit ${a.dtype}`,
    fix: () => ({ summary: "Use floats, or smaller integers" }),
  },
);

/** An op is not defined for these values. */
export const outsideDomain: FailureDefinition<"RMIL_DOMAIN", { op: string; reason: string }> = failure("RMIL_DOMAIN", {
  doc: "An op is not defined for these values: division by zero, a negative integer power, bounds out of order.",
  recoverable: true,
  says: (a) => `Cannot compute ${a.op}: ${a.reason}`,
});

/** The run's fuel is spent. */
export const outOfFuel: FailureDefinition<"RMIL_FUEL", { limit: number }> = failure("RMIL_FUEL", {
  doc: "A run needs more steps than it was given.",
  recoverable: true,
  says: (a) => `Cannot finish the run: its ${a.limit} steps are spent`,
  fix: () => ({ summary: "Raise fuel, or make the program smaller" }),
});

/** The run holds too much. */
export const outOfMemory: FailureDefinition<"RMIL_MEMORY", { what: string; limit: number }> = failure("RMIL_MEMORY", {
  doc: "A run holds more bytes, items or nested calls than its limit.",
  recoverable: true,
  says: (a) => `Cannot go on: ${a.what} exceed the limit of ${a.limit}`,
});

/** A buffer is gone, or of another type. */
export const badBuffer: FailureDefinition<"RMIL_BUFFER", { buffer: string; reason: string }> = failure("RMIL_BUFFER", {
  doc: "A buffer was freed, is not of this run, or does not have the type of what is written.",
  recoverable: true,
  says: (a) => `Cannot use buffer ${a.buffer}: ${a.reason}`,
});

/** An index is outside. */
export const badIndex: FailureDefinition<"RMIL_INDEX", { op: string; index: string; limit: number }> = failure(
  "RMIL_INDEX",
  {
    doc: "An index lies outside what it points into.",
    recoverable: true,
    says: (a) => `Cannot apply ${a.op}: index ${a.index} lies outside 0 … ${a.limit - 1}`,
  },
);

/** A collection does not fit. */
export const badItems: FailureDefinition<"RMIL_ITEMS", { op: string; reason: string }> = failure("RMIL_ITEMS", {
  doc: "A collection is none, is empty where it must not be, or differs in length from its partner.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: ${a.reason}`,
});

/** Something is no term. */
export const badTerm: FailureDefinition<"RMIL_TERM", { op: string; reason: string }> = failure("RMIL_TERM", {
  doc: "Something given to a symbolic op is no term, no rule or no substitution.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: ${a.reason}`,
});

/** Agents refuse. */
export const agentRefused: FailureDefinition<"RMIL_AGENT", { op: string; reason: string }> = failure("RMIL_AGENT", {
  doc: "An agent op has no agent to talk to, or the agents refused.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: ${a.reason}`,
});

/** Inputs do not fit the program. */
export const badInput: FailureDefinition<"RMIL_INPUT", { input: string; reason: string }> = failure("RMIL_INPUT", {
  doc: "An input of a check or a run is no type or value, or does not fit the program.",
  recoverable: true,
  says: (a) => `Cannot use input ${a.input}: ${a.reason}`,
});

/** A parameter given or needed does not fit. */
export const badParameter: FailureDefinition<"RMIL_PARAMETER", { parameter: string; reason: string }> = failure(
  "RMIL_PARAMETER",
  {
    doc: "A learned parameter has no size yet, or a given one has another shape.",
    recoverable: true,
    says: (a) => `Cannot use parameter ${a.parameter}: ${a.reason}`,
  },
);

/** Failures of check and run. */
export const runFailures = [
  missingOperand,
  wrongOperand,
  wrongShape,
  lastAxisMismatch,
  unboundName,
  wrongPredicate,
  branchesDiffer,
  notCallable,
  wrongArguments,
  wrongArgumentType,
  overflow,
  outsideDomain,
  outOfFuel,
  outOfMemory,
  badBuffer,
  badIndex,
  badItems,
  badTerm,
  agentRefused,
  badInput,
  badParameter,
] as const;
