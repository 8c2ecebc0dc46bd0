/**
 * The failure catalogue of the IR: everything that can be wrong with a type, a program, a value or a request.
 *
 * Not for defects: a broken invariant of this room stays a thrown error.
 * Invariant: codes are never reused; the functions of this room throw these and nothing else on bad input.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { nearest } from "../../kernel/nearest.ts";
import { failure, type FailureDefinition, type FailuresOf, isFailure, located } from "../../kernel/failure.ts";

/** A dimension is malformed or cannot hold. */
export const badDimension: FailureDefinition<"IR_DIMENSION", { dimension: string; reason: string }> = failure(
  "IR_DIMENSION",
  {
    doc: "A dimension is malformed, negative, or contradicts another one.",
    recoverable: true,
    says: (a) => `Cannot use dimension ${a.dimension}: ${a.reason}`,
  },
);

/** A text is not a tensor type. */
export const badType: FailureDefinition<"IR_TYPE", { text: string; reason: string }> = failure("IR_TYPE", {
  doc: "A text is not a tensor type such as f32[B,64].",
  recoverable: true,
  says: (a) => `Cannot read type "${a.text}": ${a.reason}`,
  fix: () => ({ summary: "Write a dtype and its dimensions, such as f32[B,64] or i32[]" }),
});

/** The text form of a program is malformed. */
export const badSyntax: FailureDefinition<
  "IR_SYNTAX",
  { line: number; column: number; expected: string; actual: string }
> = failure("IR_SYNTAX", {
  doc: "The text of a program is malformed.",
  recoverable: true,
  says: (a) => `Cannot read the program at ${a.line}:${a.column}: expected ${a.expected}, found ${a.actual}`,
});

/** A node has the wrong number of operands or functions. */
export const wrongCount: FailureDefinition<"IR_OPERANDS", { op: string; of: string; count: number; found: number }> =
  failure("IR_OPERANDS", {
    doc: "A node, a call or a request has the wrong number of operands.",
    recoverable: true,
    says: (a) => `Cannot apply ${a.op}: it takes ${a.count} ${a.of}, and ${a.found} were given`,
  });

/** An operand has a dtype the primitive does not take. */
export const wrongDtype: FailureDefinition<"IR_DTYPE", { op: string; operand: string; reason: string }> = failure(
  "IR_DTYPE",
  {
    doc: "An operand has a dtype that the primitive does not take.",
    recoverable: true,
    says: (a) => `Cannot apply ${a.op} to ${a.operand}: ${a.reason}`,
    fix: (a) => ({ summary: `Insert a cast before ${a.op}` }),
  },
);

/** Shapes do not fit. */
export const wrongShape: FailureDefinition<"IR_SHAPE", { op: string; reason: string }> = failure("IR_SHAPE", {
  doc: "Operand shapes do not fit together, or do not fit the attributes.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: ${a.reason}`,
});

/** An attribute is missing, unknown or malformed. */
export const badAttribute: FailureDefinition<"IR_ATTRIBUTE", { op: string; reason: string }> = failure("IR_ATTRIBUTE", {
  doc: "An attribute of a node is missing, unknown or malformed.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.op}: ${a.reason}`,
});

/** No primitive has this name. */
export const unknownPrimitive: FailureDefinition<"IR_UNKNOWN_PRIMITIVE", { name: string }> = failure(
  "IR_UNKNOWN_PRIMITIVE",
  {
    doc: "No primitive has this name.",
    recoverable: true,
    says: (a) => `Cannot use primitive "${a.name}": there is none of that name`,
    fix: (a) => {
      const [best] = a.suggestions ?? [];
      if (best === undefined) return { summary: "List them with ir.primitives" };
      const summary = `Use ${best}`;
      // Only a path into an operation's input can be patched; one into a program's text cannot.
      if (a.path?.startsWith("/names/") !== true) return { summary };
      return { summary, patch: [{ op: "replace", path: a.path, value: best }] };
    },
  },
);

/** No function has this name. */
export const unknownFunction: FailureDefinition<"IR_UNKNOWN_FUNCTION", { name: string }> = failure(
  "IR_UNKNOWN_FUNCTION",
  {
    doc: "A program names a function that it does not define.",
    recoverable: true,
    says: (a) => `Cannot find function @${a.name}: the program does not define it`,
  },
);

/** Functions call each other in a circle. */
export const recursiveCall: FailureDefinition<"IR_RECURSION", { cycle: ReadonlyArray<string> }> = failure(
  "IR_RECURSION",
  {
    doc: "Functions of a program call each other in a circle; loops are written with while and scan.",
    recoverable: true,
    says: (a) =>
      `Cannot accept the program: functions call in a circle (${a.cycle.map((name) => `@${name}`).join(" -> ")})`,
    fix: () => ({ summary: "Write the loop with while or scan" }),
  },
);

/** A value is used before it is defined. */
export const badReference: FailureDefinition<"IR_REFERENCE", { value: string; by: string }> = failure("IR_REFERENCE", {
  doc: "A node or a return uses a value that is not defined before it, or a value of another function.",
  recoverable: true,
  says: (a) => `Cannot use ${a.value} in ${a.by}: it is not defined before that point`,
});

/** A declared result type is not the inferred one. */
export const wrongResult: FailureDefinition<"IR_RESULT", { op: string; declared: string; inferred: string }> = failure(
  "IR_RESULT",
  {
    doc: "A declared result type is not the one that follows from the operands.",
    recoverable: true,
    says: (a) => `Cannot accept ${a.op}: it is declared ${a.declared}, and its operands give ${a.inferred}`,
  },
);

/** A program or function is too large or malformed as a whole. */
export const overLimit: FailureDefinition<"IR_LIMIT", { what: string; limit: number; found: number | string }> =
  failure("IR_LIMIT", {
    doc: "A program, a type or a number exceeds a limit of the IR.",
    recoverable: true,
    says: (a) => `Cannot accept ${a.what}: ${a.found} exceeds the limit of ${a.limit}`,
  });

/** A tensor's data does not fit its type. */
export const badValue: FailureDefinition<"IR_VALUE", { type: string; reason: string }> = failure("IR_VALUE", {
  doc: "The data of a tensor does not fit its type.",
  recoverable: true,
  says: (a) => `Cannot make a ${a.type}: ${a.reason}`,
});

/** An input does not fit the parameter it is for. */
export const badInput: FailureDefinition<"IR_INPUT", { parameter: string; wanted: string; found: string }> = failure(
  "IR_INPUT",
  {
    doc: "An input of an evaluation does not fit the program's parameter.",
    recoverable: true,
    says: (a) => `Cannot run the program: parameter ${a.parameter} is ${a.wanted}, and ${a.found} was given`,
  },
);

/** A symbolic dimension has no size. */
export const unboundDimension: FailureDefinition<"IR_UNBOUND_DIMENSION", { dimension: string; where: string }> =
  failure("IR_UNBOUND_DIMENSION", {
    doc: "A symbolic dimension has no size: nothing given determines it.",
    recoverable: true,
    says: (a) => `Cannot determine dimension ${a.dimension} in ${a.where}: nothing given binds its symbols`,
  });

/** The fuel of an evaluation ran out. */
export const outOfFuel: FailureDefinition<"IR_FUEL", { op: string; needed: number; left: number }> = failure(
  "IR_FUEL",
  {
    doc: "An evaluation needs more scalar steps than it was given.",
    recoverable: true,
    says: (a) => `Cannot evaluate ${a.op}: it needs ${a.needed} steps, and ${a.left} are left`,
    fix: () => ({ summary: "Raise fuel, or make the program smaller" }),
  },
);

/** The memory of an evaluation ran out. */
export const outOfMemory: FailureDefinition<"IR_MEMORY", { op: string; needed: number; limit: number }> = failure(
  "IR_MEMORY",
  {
    doc: "An evaluation needs more live tensor bytes than it was given.",
    recoverable: true,
    says: (a) => `Cannot evaluate ${a.op}: ${a.needed} bytes would be live, and the limit is ${a.limit}`,
  },
);

/** A gradient is asked of something without one. */
export const noGradient: FailureDefinition<"IR_NO_GRADIENT", { op: string; reason: string }> = failure(
  "IR_NO_GRADIENT",
  {
    doc: "A gradient would have to pass through a node that has none.",
    recoverable: true,
    says: (a) => `Cannot differentiate ${a.op}: ${a.reason}`,
    fix: (a) => ({ summary: `Keep ${a.op} off the path, or put stop_gradient before it` }),
  },
);

/** What is to be differentiated does not qualify. */
export const badGradientTarget: FailureDefinition<"IR_GRADIENT_TARGET", { reason: string }> = failure(
  "IR_GRADIENT_TARGET",
  {
    doc: "The result or the parameter named for differentiation does not qualify.",
    recoverable: true,
    says: (a) => `Cannot differentiate the program: ${a.reason}`,
  },
);

/** The bytes are no ONNX model. */
export const badOnnx: FailureDefinition<"IR_ONNX_FORMAT", { reason: string }> = failure("IR_ONNX_FORMAT", {
  doc: "The bytes are not a well-formed ONNX model.",
  recoverable: true,
  says: (a) => `Cannot read the ONNX model: ${a.reason}`,
});

/** An ONNX model uses what the IR does not have. */
export const unsupportedOnnx: FailureDefinition<
  "IR_ONNX_UNSUPPORTED",
  { op: string; node: string; reason: string }
> = failure("IR_ONNX_UNSUPPORTED", {
  doc: "An ONNX model uses an operator, a form of it or a type that the IR does not have.",
  recoverable: true,
  says: (a) => `Cannot import ${a.op}${a.node === "" ? "" : ` (node ${a.node})`}: ${a.reason}`,
});

/** An operand of an ONNX node must be known before the run. */
export const dynamicOnnx: FailureDefinition<
  "IR_ONNX_DYNAMIC",
  { op: string; node: string; operand: string; inputs: ReadonlyArray<string> }
> = failure("IR_ONNX_DYNAMIC", {
  doc: "Shapes depend on the values of an ONNX model's inputs, and those values were not given.",
  recoverable: true,
  says: (a) =>
    `Cannot import ${a.op}${a.node === "" ? "" : ` (node ${a.node})`}: ${a.operand} decides a shape and depends on ${
      a.inputs.length === 0 ? "values computed in the run" : `the input ${a.inputs.join(", ")}`
    }`,
  fix: (a) =>
    a.inputs.length === 0
      ? { summary: "Compute the shape from constants and from shapes of inputs" }
      : { summary: `Give ${a.inputs.join(", ")} as known inputs` },
});

/** A target of an emitter lacks an operation. */
export const unsupportedEmission: FailureDefinition<
  "IR_EMIT_UNSUPPORTED",
  { op: string; node: string; target: string; reason: string }
> = failure("IR_EMIT_UNSUPPORTED", {
  doc: "The target of an emission lacks an operation of the program, or a type of it.",
  recoverable: true,
  says: (a) => `Cannot emit ${a.op} (${a.node}) as ${a.target}: ${a.reason}`,
});

/** A kind of mutation or crossover does not exist. */
export const unknownVariation: FailureDefinition<
  "IR_UNKNOWN_VARIATION",
  { kind: string; known: ReadonlyArray<string> }
> = failure("IR_UNKNOWN_VARIATION", {
  doc: "No kind of mutation or crossover has this name.",
  recoverable: true,
  says: (a) => `Cannot vary the program by "${a.kind}": there is no such kind`,
  fix: (a) => {
    const [best] = nearest(a.kind, a.known, 1);
    const value = best ?? a.known[0];
    return { summary: `Use ${value}`, patch: [{ op: "replace", path: a.path ?? "/kinds/0", value }] };
  },
});

/** No mutation or crossover of the kinds asked for applies to a program. */
export const noVariation: FailureDefinition<
  "IR_NO_VARIATION",
  { kinds: ReadonlyArray<string>; reason?: string }
> = failure("IR_NO_VARIATION", {
  doc: "No mutation or crossover of the kinds asked for changes the program.",
  recoverable: true,
  says: (a) => `Cannot vary the program by ${a.kinds.join(", ") || "nothing"}: ${a.reason ?? "none applies to it"}`,
  fix: (a) => ({
    summary: "Ask for other kinds",
    ...(a.path === "/kinds" ? { patch: [{ op: "remove", path: "/kinds" } as const] } : {}),
  }),
});

/** A program cannot be batched as asked. */
export const notBatched: FailureDefinition<"IR_BATCH", { reason: string }> = failure("IR_BATCH", {
  doc: "A program cannot be batched as asked: a parameter that is not there, or none that differs by row.",
  recoverable: true,
  says: (a) => `Cannot batch the program: ${a.reason}`,
});

/** A quantisation cannot be done as asked. */
export const notQuantized: FailureDefinition<"IR_QUANTIZE", { reason: string }> = failure("IR_QUANTIZE", {
  doc: "A program cannot be quantised as asked: a scheme that does not hold together, or calibration without data.",
  recoverable: true,
  says: (a) => `Cannot quantise the program: ${a.reason}`,
});

/** Bytes are not a program. */
export const badBinary: FailureDefinition<"IR_BINARY", { offset: number; reason: string }> = failure("IR_BINARY", {
  doc: "Bytes are not an encoded program, or not the one spelling of it.",
  recoverable: true,
  says: (a) => `Cannot read the program's bytes at ${a.offset}: ${a.reason}`,
});

/** Every row of the catalogue. */
export const IR_FAILURES: readonly [
  typeof badDimension,
  typeof badType,
  typeof badSyntax,
  typeof wrongCount,
  typeof wrongDtype,
  typeof wrongShape,
  typeof badAttribute,
  typeof unknownPrimitive,
  typeof unknownFunction,
  typeof recursiveCall,
  typeof badReference,
  typeof wrongResult,
  typeof overLimit,
  typeof badValue,
  typeof badInput,
  typeof unboundDimension,
  typeof outOfFuel,
  typeof outOfMemory,
  typeof noGradient,
  typeof badGradientTarget,
  typeof badOnnx,
  typeof unsupportedOnnx,
  typeof dynamicOnnx,
  typeof unsupportedEmission,
  typeof unknownVariation,
  typeof noVariation,
  typeof notQuantized,
  typeof notBatched,
  typeof badBinary,
] = [
  badDimension,
  badType,
  badSyntax,
  wrongCount,
  wrongDtype,
  wrongShape,
  badAttribute,
  unknownPrimitive,
  unknownFunction,
  recursiveCall,
  badReference,
  wrongResult,
  overLimit,
  badValue,
  badInput,
  unboundDimension,
  outOfFuel,
  outOfMemory,
  noGradient,
  badGradientTarget,
  badOnnx,
  unsupportedOnnx,
  dynamicOnnx,
  unsupportedEmission,
  unknownVariation,
  noVariation,
  notQuantized,
  notBatched,
  badBinary,
];

/** The codes of the catalogue. */
export type IrCode = typeof IR_FAILURES[number]["code"];

/** A failure of this room. */
export type IrFailure = FailuresOf<typeof IR_FAILURES[number]>;

const CODES: ReadonlySet<string> = new Set(IR_FAILURES.map((row) => row.code));

/** Whether a thrown value is a failure of this room. */
export const isIrFailure = (value: unknown): value is IrFailure => isFailure(value) && CODES.has(value.code);

/** Runs a computation of this room and answers its failure as a value; anything else thrown is a defect and passes. */
export const attempt = <A>(compute: () => A): Result.Result<A, IrFailure> => {
  try {
    return Result.succeed(compute());
  } catch (thrown) {
    if (isIrFailure(thrown)) return Result.fail(thrown);
    throw thrown;
  }
};

/** The same for work that gives way while it goes on. */
export function* attemptSteps<A>(
  start: () => Generator<void, A, void>,
): Generator<void, Result.Result<A, IrFailure>, void> {
  const steps = attempt(start);
  if (Result.isFailure(steps)) return Result.fail(steps.failure);
  for (;;) {
    const step = attempt(() => steps.success.next());
    if (Result.isFailure(step)) return Result.fail(step.failure);
    if (step.success.done) return Result.succeed(step.success.value);
    yield;
  }
}

/** The same as an effect. */
export const attemptEffect = <A>(compute: () => A): Effect.Effect<A, IrFailure> =>
  Effect.suspend(() => Effect.fromResult(attempt(compute)));

/** Runs a computation and adds to its failure where it happened, unless the failure already says. */
export const locate = <A>(path: string, compute: () => A): A => {
  try {
    return compute();
  } catch (thrown) {
    throw isIrFailure(thrown) ? located(thrown, path) : thrown;
  }
};
