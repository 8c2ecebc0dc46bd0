/**
 * Quantised programs: the literal weights of a program in fewer bytes, with the program still computing with them.
 *
 * Narrow floats become the literal's dtype. Integers become `mul(q, scale)`, or `mul(sub(q, zero), scale)`, so that scale
 * and zero point travel with the tensor and any reader of the language can run the result.
 * Invariant: a tensor that cannot be quantised this way stays as it is and is named in the report.
 *
 * @module
 */
import { app, type Expression, lit, Tag, withChildren } from "../expression.ts";
import { notQuantizable } from "../failures.ts";
import { OPS } from "../opcodes.ts";
import { placeOf } from "../rewriting/places.ts";
import { f32, f64, type TensorValue, tensorValue, tupleValue, type Value } from "../value.ts";
import {
  errorOf,
  type ErrorReport,
  isTarget,
  type QuantizedTensor,
  type QuantizeOptions,
  quantizeTensor,
  type Target,
  TARGETS,
} from "./tensor.ts";

/** One literal tensor of a program, and what became of it. */
export interface QuantizedLiteral {
  /** Child indices from the root; `#` and item indices within a tuple. */
  readonly path: string;
  /** How far it is from what it was. */
  readonly error: ErrorReport;
}

/** A literal tensor that stays as it is. */
export interface SkippedLiteral {
  /** Child indices from the root; `#` and item indices within a tuple. */
  readonly path: string;
  /** Why. */
  readonly reason: string;
}

/** A quantised program. */
export interface QuantizedProgram {
  /** The program. */
  readonly expression: Expression;
  /** Tensors that were quantised. */
  readonly quantized: ReadonlyArray<QuantizedLiteral>;
  /** Float tensors that were not, and why. */
  readonly skipped: ReadonlyArray<SkippedLiteral>;
}

/** Targets that the language has a dtype for. */
export const PROGRAM_TARGETS: ReadonlyArray<Target> = ["i8", "i16", "f16", "bf16"];

/** A target by name; throws `RMIL_QUANTIZE` with the ones that programs can hold. */
export const programTarget = (text: string): Target => {
  if (isTarget(text) && PROGRAM_TARGETS.includes(text)) return text;
  const reason = (TARGETS as ReadonlyArray<string>).includes(text)
    ? "the language has no dtype of its own for it"
    : `targets are ${PROGRAM_TARGETS.join(", ")}`;
  const [nearest] = PROGRAM_TARGETS;
  throw notQuantizable({
    what: `a program to ${text}`,
    reason,
    path: "/target",
    expected: [...PROGRAM_TARGETS],
    actual: text,
    suggestions: [nearest],
    fix: { summary: `Use ${nearest}`, patch: [{ op: "replace", path: "/target", value: nearest }] },
  });
};

/** One number, or one for each index of an axis, shaped to broadcast over a tensor. */
const spread = (
  { shape, axis, source }: QuantizedTensor,
  values: ReadonlyArray<number>,
): Value => {
  if (axis === undefined) return source === "f32" ? f32(values[0]) : f64(values[0]);
  const bytes = new Uint8Array(values.length * (source === "f32" ? 4 : 8));
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) =>
    source === "f32" ? view.setFloat32(i * 4, value, true) : view.setFloat64(i * 8, value, true)
  );
  return tensorValue(source, [values.length, ...shape.slice(axis + 1).map(() => 1)], bytes);
};

/** An expression whose value is the quantised tensor's. */
export const quantizedExpression = (quantized: QuantizedTensor): Expression => {
  const { target, shape, bytes, mappings, symmetric } = quantized;
  if (target === "i4") {
    throw notQuantizable({ what: "a literal to i4", reason: "the language has no dtype of its own for it" });
  }
  const stored = lit(tensorValue(target, shape, bytes));
  if (mappings.length === 0) return stored;
  const scale = lit(spread(quantized, mappings.map((mapping) => mapping.scale)));
  if (symmetric) return app(OPS.mul.code, [stored, scale]);
  const zero = lit(spread(quantized, mappings.map((mapping) => mapping.zero)));
  return app(OPS.mul.code, [app(OPS.sub.code, [stored, zero]), scale]);
};

const isFloatTensor = (value: Value): value is TensorValue =>
  value.k === "Tensor" && (value.dtype === "f32" || value.dtype === "f64");

/** One walk over a program. */
class Quantizer {
  readonly quantized: Array<QuantizedLiteral> = [];
  readonly skipped: Array<SkippedLiteral> = [];
  readonly #target: Target;
  readonly #options: QuantizeOptions;
  readonly #done = new Map<Expression, Expression>();

  constructor(target: Target, options: QuantizeOptions) {
    this.#target = target;
    this.#options = options;
  }

  /** The quantised form of a tensor; `undefined` where it is left, with a note. */
  #tensor(value: TensorValue, path: string): QuantizedTensor | undefined {
    const { axis } = this.#options;
    if (axis !== undefined && (axis >= value.shape.length || axis < -value.shape.length)) {
      this.skipped.push({ path, reason: `it has ${value.shape.length} axes, and axis ${axis} is asked for` });
      return undefined;
    }
    const made = quantizeTensor(value, this.#target, this.#options);
    this.quantized.push({ path, error: errorOf(value, made) });
    return made;
  }

  #item(value: Value, path: string): Value {
    if (value.k === "Tuple") return tupleValue(value.items.map((item, i) => this.#item(item, `${path}/${i}`)));
    if (!isFloatTensor(value)) return value;
    if (this.#target !== "f16" && this.#target !== "bf16") {
      this.skipped.push({ path, reason: "within a tuple there is no place for its scale" });
      return value;
    }
    const made = this.#tensor(value, path);
    return made === undefined ? value : tensorValue(this.#target, made.shape, made.bytes);
  }

  visit(node: Expression, path: string): Expression {
    const known = this.#done.get(node);
    if (known !== undefined) return known;
    const made = this.#made(node, path);
    this.#done.set(node, made);
    return made;
  }

  #made(node: Expression, path: string): Expression {
    if (node.tag === Tag.Lit) {
      if (node.value.k === "Tuple") return lit(this.#item(node.value, `${path}/#`));
      const quantized = isFloatTensor(node.value) ? this.#tensor(node.value, path) : undefined;
      return quantized === undefined ? node : quantizedExpression(quantized);
    }
    const children = node.children.map((child, i) =>
      placeOf(node, i) === "quoted" ? child : this.visit(child, `${path}/${i}`)
    );
    return children.every((child, i) => child === node.children[i]) ? node : withChildren(node, children);
  }
}

/** Quantises the literal f32 and f64 tensors of a program; throws `RMIL_QUANTIZE` for one that is not finite. */
export const quantizeProgram = (
  root: Expression,
  target: Target,
  options: QuantizeOptions = {},
): QuantizedProgram => {
  programTarget(target);
  const quantizer = new Quantizer(target, options);
  const expression = quantizer.visit(root, "");
  return { expression, quantized: quantizer.quantized, skipped: quantizer.skipped };
};
