/**
 * Original: the fifteen error kinds of the Rust RMI, each mapped onto a failure of ours.
 *
 * Not a second catalogue: failures are born from kernel/failures.ts; this table is for programs that spoke to the
 * original and for logs that name its categories.
 * Invariant: every kind maps to a failure with a fix, and what the original mislabelled is labelled by what it is: a
 * checksum mismatch is a payload that does not decode, never a protocol hiccup to retry.
 *
 * @module
 */
import type { AnyFailureDefinition, Failure } from "./failure.ts";
import {
  agentUnavailable,
  diskFailed,
  invalidConfig,
  invalidInput,
  invalidOperand,
  layersDisagree,
  malformedFormula,
  malformedPayload,
  protocolViolation,
  resourceExhausted,
  shapeMismatch,
  termsDiffer,
  unknownEntry,
  unverifiedProgram,
} from "./failures.ts";

/** The payload of an original error: a text, two shapes, or a validation record. */
export interface OriginalPayload {
  /** The text of the error; for `Io` the system's own message. */
  readonly text?: string;
  /** `ShapeMismatch`: the shape that was needed. */
  readonly expected?: ReadonlyArray<number>;
  /** `ShapeMismatch`: the shape that was given. */
  readonly actual?: ReadonlyArray<number>;
  /** `Validation`: the module that refused. */
  readonly module?: string;
  /** `Validation`: why. */
  readonly message?: string;
  /** `Validation`: the field that is wrong, where known. */
  readonly field?: string;
}

/** One kind of the original. */
export interface OriginalKind {
  /** Its name there. */
  readonly kind: string;
  /** Its category there, the `code` of its diagnostic line. */
  readonly category: string;
  /** Whether the original called it recoverable. Ours says what is true of our failure. */
  readonly recoverableThere: boolean;
  /** What it is here. */
  readonly failure: AnyFailureDefinition;
  /** Makes our failure from the original's payload. */
  readonly from: (payload: OriginalPayload) => Failure;
}

const UNSAID = "the original gave no reason";

const textOf = (payload: OriginalPayload): string => payload.text?.trim() || UNSAID;

/** JSON Pointer to a member named as the original names fields (`layers.0.width`). */
const pointerOf = (field: string): string =>
  field.split(".").map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

/** Storage errors that the original reports as protocol errors, by what their texts say. */
const NOT_PROTOCOL = /checksum|magic|corrupt|truncat|digest|hash mismatch/iu;

const protocolFrom = (payload: OriginalPayload): Failure =>
  NOT_PROTOCOL.test(textOf(payload))
    ? malformedPayload({ format: "stored data", reason: textOf(payload) })
    : protocolViolation({ peer: "the peer", reason: textOf(payload) });

const shapeFrom = (payload: OriginalPayload): Failure => {
  const expectedShape = payload.expected ?? [];
  const actualShape = payload.actual ?? [];
  return shapeMismatch({ expectedShape, actualShape, expected: [...expectedShape], actual: [...actualShape] });
};

/** Texts of the original's compute errors that are shape mismatches: `Shape mismatch: expected [4, 8], got [4]`. */
const SHAPE_TEXT = /^Shape mismatch:?\s*expected \[([\d, ]*)\], got \[([\d, ]*)\]$/iu;

const sizesOf = (list: string): ReadonlyArray<number> => list.trim() === "" ? [] : list.split(",").map(Number);

const computeFrom = (payload: OriginalPayload): Failure => {
  const shapes = SHAPE_TEXT.exec(textOf(payload));
  return shapes === null
    ? invalidOperand({ what: textOf(payload) })
    : shapeFrom({ expected: sizesOf(shapes[1]), actual: sizesOf(shapes[2]) });
};

const validationFrom = (payload: OriginalPayload): Failure => {
  const module = payload.module?.trim() || "an unnamed module";
  const problem = payload.message?.trim() || textOf(payload);
  const { field } = payload;
  return invalidInput({
    operation: module,
    problem: field === undefined ? problem : `${field}: ${problem}`,
    path: field === undefined ? "" : pointerOf(field),
    fix: {
      summary: field === undefined
        ? `Correct the input of ${module}: ${problem}`
        : `Correct "${field}" of ${module}: ${problem}`,
    },
  });
};

const row = (
  kind: string,
  category: string,
  recoverableThere: boolean,
  failure: AnyFailureDefinition,
  from: (payload: OriginalPayload) => Failure,
): OriginalKind => ({ kind, category, recoverableThere, failure, from });

/** The fifteen kinds, in the original's order. */
export const ORIGINAL_KINDS: ReadonlyArray<OriginalKind> = [
  row("Primitive", "primitive", false, invalidOperand, (p) => invalidOperand({ what: textOf(p) })),
  row("Ontology", "ontology", false, unknownEntry, (p) => unknownEntry({ kind: "concept", name: textOf(p) })),
  row("Agent", "agent", false, agentUnavailable, (p) => agentUnavailable({ agent: "the agent", reason: textOf(p) })),
  row("Protocol", "protocol", true, protocolViolation, protocolFrom),
  row("Compute", "compute", false, invalidOperand, computeFrom),
  row(
    "Serialization",
    "serialization",
    false,
    malformedPayload,
    (p) => malformedPayload({ format: "the payload", reason: textOf(p) }),
  ),
  row(
    "Io",
    "io",
    true,
    diskFailed,
    (p) => diskFailed({ action: "read or write", file: "(not named)", cause: textOf(p) }),
  ),
  row("ShapeMismatch", "shape", false, shapeMismatch, shapeFrom),
  row("ResourceExhausted", "resource", true, resourceExhausted, (p) => resourceExhausted({ reason: textOf(p) })),
  row(
    "InvalidConfig",
    "config",
    false,
    invalidConfig,
    (p) => invalidConfig({ field: p.field ?? "configuration", reason: textOf(p) }),
  ),
  row("Neural", "neural", false, layersDisagree, (p) => layersDisagree({ reason: textOf(p) })),
  row("Symbolic", "symbolic", false, malformedFormula, (p) => malformedFormula({ reason: textOf(p) })),
  row("Unification", "unification", false, termsDiffer, (p) => termsDiffer({ reason: textOf(p) })),
  row("CodeGen", "codegen", false, unverifiedProgram, (p) => unverifiedProgram({ reason: textOf(p) })),
  row("Validation", "validation", false, invalidInput, validationFrom),
];

const BY_NAME: ReadonlyMap<string, OriginalKind> = new Map(
  ORIGINAL_KINDS.flatMap((entry) => [[entry.kind, entry], [entry.category, entry]]),
);

/**
 * Our failure for an original error, by its kind or category; `undefined` for a name that the original does not have.
 *
 * @example
 * ```ts
 * import { fromOriginal } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * assert.equal(fromOriginal("ShapeMismatch", { expected: [4, 8], actual: [4] })?.code, "KERNEL_SHAPE");
 * ```
 */
export const fromOriginal = (kind: string, payload: OriginalPayload): Failure | undefined =>
  BY_NAME.get(kind)?.from(payload);
