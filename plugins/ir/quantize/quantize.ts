/**
 * Quantise: a program whose products compute with small integers, and a report of what that costs in accuracy.
 *
 * Not quantisation of stored programs of the language (plugins/rmil/quantize), which changes literals alone.
 * Invariant: types of parameters and results stay; what is not quantised is left as it was and named in the report.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../builder.ts";
import { ProgramBuilder } from "../builder.ts";
import { DEFAULT_FUEL, evaluateSteps } from "../evaluate.ts";
import { notQuantized } from "../failures.ts";
import { functionOf, type Node, type Program, valueTypes } from "../graph.ts";
import type { DotAxes } from "../primitives/contraction.ts";
import { isFloat } from "../types.ts";
import { packedBytes, type Tensor, toFloats } from "../value.ts";
import { type Edit, rebuild } from "../variation/rebuild.ts";
import { makers } from "../variation/regions.ts";
import { bindParameters } from "./bind.ts";
import { calibrate, Samples } from "./calibrate.ts";
import { dequantizeOne, INTEGER_TARGETS, type Mapping, mappingFor, quantizeOne } from "./integers.ts";
import {
  integerConv,
  integerDot,
  integerDotOfBoth,
  integerDotOfGroups,
  isGroupable,
  restoredGroups,
  restoredWeights,
  type WeightedDot,
} from "./products.ts";
import {
  type Deviation,
  deviationOf,
  type QuantizedTensorReport,
  type QuantizeReport,
  type QuantizeScheme,
  schemeOf,
} from "./scheme.ts";
import type { QuantizedWeights } from "./weights.ts";

/** What to quantise with. */
export interface QuantizeOptions {
  /** Values of the parameters that are weights: they become constants; in the form `fake` they stay parameters. */
  readonly weights?: { readonly [name: string]: Tensor };
  /** Inputs that ranges are taken from: lists of the other parameters. */
  readonly calibration?: ReadonlyArray<ReadonlyArray<Tensor>>;
  /** Inputs that the results are compared on; the calibration inputs where absent. */
  readonly heldOut?: ReadonlyArray<ReadonlyArray<Tensor>>;
  /** How. */
  readonly scheme?: Partial<QuantizeScheme>;
  /** Most scalar steps of all runs together. */
  readonly fuel?: number;
}

/** A quantised program. */
export interface QuantizedProgram {
  /** The program. */
  readonly program: Program;
  /** What was done. */
  readonly report: QuantizeReport;
  /** Scalar steps that calibration and comparison took. */
  readonly fuelUsed: number;
}

type Steps<A> = Generator<void, A, void>;

/** Runs programs one after another on one account of fuel. */
class Runs {
  used = 0;
  constructor(private readonly fuel: number) {}

  *run(program: Program, inputs: ReadonlyArray<Tensor>): Steps<ReadonlyArray<Tensor>> {
    const { results, fuelUsed } = yield* evaluateSteps(program, inputs, { fuel: this.fuel - this.used });
    this.used += fuelUsed;
    return results;
  }
}

/** A product to quantise. */
type Product = {
  readonly index: number;
  readonly node: Node;
  readonly location: string;
  /** Operands that are weights. */
  readonly weights: ReadonlyArray<boolean>;
};

const SCALE_BYTES = 4;

const ARRANGED: ReadonlySet<string> = new Set(["transpose", "reshape", "broadcast", "reverse", "cast"]);

/** Everything about one quantisation. */
class Quantizer {
  readonly tensors: QuantizedTensorReport[] = [];
  readonly skipped: Array<{ readonly location: string; readonly reason: string }> = [];
  bytesBefore = 0;
  bytesAfter = 0;
  private readonly fn;
  private readonly makerOf;
  private readonly types;
  private readonly mappings = new Map<number, Mapping>();
  private readonly errors = new Map<number, Deviation>();
  private readonly symmetric = new Set<number>();

  constructor(
    private readonly program: Program,
    private readonly scheme: QuantizeScheme,
    private readonly trained: ReadonlySet<number>,
  ) {
    this.fn = functionOf(program);
    this.makerOf = makers(this.fn);
    this.types = valueTypes(this.fn);
  }

  /** The products that can be quantised; notes those that cannot. */
  products(): ReadonlyArray<Product> {
    for (const fn of this.program.functions.values()) {
      if (fn === this.fn) continue;
      fn.nodes.forEach(({ op, location }, i) => {
        if (op !== "dot" && op !== "conv") return;
        const place = location ?? `/functions/${fn.name}/nodes/${i}`;
        this.skipped.push({ location: place, reason: `it is in @${fn.name}, which control flow runs` });
      });
    }
    return this.fn.nodes.flatMap((node, index): ReadonlyArray<Product> => {
      if (node.op !== "dot" && node.op !== "conv") return [];
      const location = node.location ?? `/functions/${this.fn.name}/nodes/${index}`;
      const weights = node.operands.map((operand) => this.isWeight(operand));
      const reason = this.refusal(node, weights);
      if (reason === undefined) return [{ index, node, location, weights }];
      this.skipped.push({ location, reason });
      return [];
    });
  }

  private refusal({ op, operands }: Node, weights: ReadonlyArray<boolean>): string | undefined {
    if (!isFloat(this.types[operands[0]].dtype)) return "its operands are no floats";
    if (weights[0] && (weights[1] || op === "conv")) return "what it is applied to is known beforehand";
    if (weights.includes(true)) return undefined;
    if (this.scheme.form === "weights") return "neither operand is known beforehand";
    return op === "conv" ? "its kernel is not known beforehand" : undefined;
  }

  private isWeight(value: number): boolean {
    const maker = this.makerOf[value];
    if (maker === undefined) return this.trained.has(value);
    const { op, operands } = this.fn.nodes[maker];
    // Elsewhere than in the form `fake` constants have been folded, so what is arranged is not known beforehand.
    return op === "constant" || (this.scheme.form === "fake" && ARRANGED.has(op) && this.isWeight(operands[0]));
  }

  /** Takes ranges of the activations of products from sample inputs. */
  *observe(products: ReadonlyArray<Product>, inputs: ReadonlyArray<ReadonlyArray<Tensor>>, runs: Runs): Steps<void> {
    const seen = [
      ...new Set(products.flatMap(({ node, weights }) => node.operands.filter((_, i) => !weights[i]))),
    ];
    if (seen.length === 0 || this.scheme.form === "weights") return;
    if (inputs.length === 0) {
      throw notQuantized({ reason: "ranges of activations need calibration inputs, and none were given" });
    }
    const made = new ProgramBuilder();
    for (const fn of this.program.functions.values()) made.add(fn === this.fn ? { ...fn, returns: seen } : fn);
    const watched = made.build(this.fn.name);
    const samples = seen.map(() => new Samples());
    for (const each of inputs) {
      (yield* runs.run(watched, each)).forEach((result, i) => samples[i].add(toFloats(result)));
    }
    const both = new Set(products.flatMap(({ node, weights }) => weights.includes(true) ? [] : node.operands));
    seen.forEach((value, i) => {
      const values = samples[i].values().filter(Number.isFinite);
      const { calibration: method, percentile } = this.scheme;
      const calibration = { symmetric: this.scheme.symmetric || both.has(value), percentile, single: true };
      const mapping = mappingFor(calibrate(values, method, calibration), "i8", calibration);
      this.mappings.set(value, mapping);
      if (calibration.symmetric) this.symmetric.add(value);
      const restored = values.map((x) => dequantizeOne(quantizeOne(x, mapping, "i8", calibration), mapping, true));
      this.errors.set(value, deviationOf(values, restored));
    });
  }

  private isSymmetric(value: number): boolean {
    return this.symmetric.has(value);
  }

  private noteActivation(product: Product, operand: number): void {
    const value = product.node.operands[operand];
    const { zero } = this.mappings.get(value)!;
    this.tensors.push({
      location: product.location,
      operand,
      role: "activation",
      target: "i8",
      scales: 1,
      zero,
      error: this.errors.get(value)!,
    });
  }

  private noteWeights(product: Product, operand: number, weights: Tensor, of: QuantizedWeights): void {
    const target = of.integers.dtype as "i8" | "i4";
    // Groups are filled up and in another order, so what was quantised is compared with what it stands for.
    const error = deviationOf(of.floats, toFloats(of.restored));
    this.tensors.push({
      location: product.location,
      operand,
      role: "weight",
      target,
      scales: of.scaleCount,
      zero: 0,
      error,
    });
    this.bytesBefore += packedBytes(weights.dtype, weights.data.length);
    this.bytesAfter += packedBytes(target, of.integers.data.length) + of.scaleCount * SCALE_BYTES;
  }

  /** What a product becomes. */
  emit(g: FunctionBuilder, product: Product, operands: ReadonlyArray<Value>): ReadonlyArray<Value> {
    const { node, weights } = product;
    if (this.scheme.form === "fake") return this.rounded(g, product, operands);
    const side = weights.indexOf(true);
    if (side < 0) {
      [0, 1].forEach((operand) => this.noteActivation(product, operand));
      const [a, b] = node.operands.map((value) => this.mappings.get(value)!);
      const [x, y] = operands;
      return [integerDotOfBoth(g, [x, y], [a, b], node.attributes as unknown as DotAxes)];
    }
    const constant = this.fn.nodes[this.makerOf[node.operands[side]]!].attributes.value as Tensor;
    const made = node.op === "dot"
      ? this.dot(g, product, operands, side as 0 | 1, constant)
      : this.conv(g, product, operands, constant);
    this.noteWeights(product, side, constant, made.of);
    if (this.scheme.form === "integer") this.noteActivation(product, 1 - side);
    return [made.value];
  }

  private dot(
    g: FunctionBuilder,
    { node }: Product,
    operands: ReadonlyArray<Value>,
    side: 0 | 1,
    weights: Tensor,
  ): { readonly value: Value; readonly of: QuantizedWeights } {
    const { form, weights: target, granularity, group } = this.scheme;
    const axes = node.attributes as unknown as DotAxes;
    const dot: WeightedDot = { axes, side, weights, target, perChannel: granularity === "channel" };
    const grouped = target === "i4" && isGroupable(dot);
    if (form === "weights") {
      const made = grouped ? restoredGroups(g, dot, group) : restoredWeights(g, dot);
      const given = operands.map((value, i) => i === side ? made.value : value);
      return { value: g.emit(node.op, given, node.attributes)[0], of: made.of };
    }
    const value = node.operands[1 - side];
    const mapping = this.mappings.get(value)!;
    return grouped
      ? integerDotOfGroups(g, operands[0], mapping, this.isSymmetric(value), dot, group)
      : integerDot(g, operands[1 - side], mapping, this.isSymmetric(value), dot);
  }

  private conv(
    g: FunctionBuilder,
    { node }: Product,
    [x]: ReadonlyArray<Value>,
    weights: Tensor,
  ): { readonly value: Value; readonly of: QuantizedWeights } {
    const { form, weights: target, granularity } = this.scheme;
    const kernel = { weights, target, perChannel: granularity === "channel" };
    if (form === "weights") {
      const contract = weights.shape.map((_, axis) => axis).slice(1);
      const axes = { x_batch: [], y_batch: [], x_contract: [], y_contract: contract };
      const made = restoredWeights(g, { axes, side: 1, ...kernel });
      return { value: g.emit(node.op, [x, made.value], node.attributes)[0], of: made.of };
    }
    const value = node.operands[0];
    return integerConv(g, x, this.mappings.get(value)!, this.isSymmetric(value), kernel, node.attributes);
  }

  /** The product of operands rounded to what their integers would be. */
  private rounded(g: FunctionBuilder, product: Product, operands: ReadonlyArray<Value>): ReadonlyArray<Value> {
    const { node, weights } = product;
    const given = operands.map((x, i) => {
      if (weights[i]) return this.roundedWeights(g, x, node, i);
      const value = node.operands[i];
      this.noteActivation(product, i);
      return roundedActivation(g, x, this.mappings.get(value)!, this.isSymmetric(value));
    });
    return g.emit(node.op, given, node.attributes);
  }

  private roundedWeights(g: FunctionBuilder, w: Value, { op, attributes }: Node, side: number): Value {
    const { most } = INTEGER_TARGETS[this.scheme.weights];
    const contract = op === "conv"
      ? w.type.shape.map((_, axis) => axis).slice(1)
      : attributes[side === 0 ? "x_contract" : "y_contract"] as ReadonlyArray<number>;
    const axes = this.scheme.granularity === "channel" ? contract : w.type.shape.map((_, axis) => axis);
    const still = g.stopGradient(w);
    const largest = axes.length === 0 ? g.abs(still) : g.reduceKeep("max", g.abs(still), axes);
    const scale = g.div(g.select(g.compare("eq", largest, 0), most, largest), most);
    const steps = g.clamp(g.round(g.div(still, scale)), -most, most);
    return straightThrough(g, w, g.mul(steps, scale));
  }
}

/** A value in the place of another, with the other's gradient: the difference added is exactly zero. */
const straightThrough = (g: FunctionBuilder, x: Value, rounded: Value): Value =>
  g.add(g.stopGradient(rounded), g.sub(x, g.stopGradient(x)));

/** An activation rounded to its integers; beyond their range it has no gradient. */
const roundedActivation = (g: FunctionBuilder, x: Value, { scale, zero }: Mapping, symmetric: boolean): Value => {
  const { least, most } = INTEGER_TARGETS.i8;
  const [low, high] = [symmetric ? -most : least, most].map((bound) => (bound - zero) * scale);
  const kept = g.clamp(x, low, high);
  const still = g.stopGradient(x);
  const steps = g.clamp(g.add(g.round(g.div(still, scale)), zero), symmetric ? -most : least, most);
  return straightThrough(g, kept, g.mul(g.sub(steps, zero), scale));
};

function* compare(
  before: Program,
  after: Program,
  inputs: ReadonlyArray<ReadonlyArray<Tensor>>,
  runs: Runs,
): Steps<ReadonlyArray<Deviation>> {
  const made: Array<readonly [ReadonlyArray<Tensor>, ReadonlyArray<Tensor>]> = [];
  for (const each of inputs) made.push([yield* runs.run(before, each), yield* runs.run(after, each)]);
  if (made.length === 0) return [];
  const joined = (which: 0 | 1, result: number): Float64Array =>
    Float64Array.from(made.flatMap((run) => [...toFloats(run[which][result])]));
  return made[0][0].flatMap(({ dtype }, i) => isFloat(dtype) ? [deviationOf(joined(0, i), joined(1, i))] : []);
}

/** All inputs of a program, from those that are not weights. */
const withWeights = (
  program: Program,
  weights: { readonly [name: string]: Tensor },
  inputs: ReadonlyArray<Tensor>,
): ReadonlyArray<Tensor> => {
  let next = 0;
  return functionOf(program).parameters.map(({ name }) => weights[name] ?? inputs[next++]);
};

/** Quantises a program and gives way between nodes of its runs; otherwise as {@link quantizeProgram}. */
export function* quantizeSteps(
  program: Program,
  options: QuantizeOptions = {},
): Generator<void, QuantizedProgram, void> {
  const scheme = schemeOf(options.scheme);
  const weights = options.weights ?? {};
  const isFake = scheme.form === "fake";
  const bound = bindParameters(program, isFake ? {} : weights);
  if (isFake) bindParameters(program, weights);
  const trained = new Set(
    functionOf(bound).parameters.flatMap(({ name }, i) => Object.hasOwn(weights, name) ? [i] : []),
  );
  const whole = (inputs: ReadonlyArray<ReadonlyArray<Tensor>> = []) =>
    isFake ? inputs.map((each) => withWeights(bound, weights, each)) : inputs;
  const calibration = whole(options.calibration);
  const quantizer = new Quantizer(bound, scheme, trained);
  const products = quantizer.products();
  const runs = new Runs(options.fuel ?? DEFAULT_FUEL);
  yield* quantizer.observe(products, calibration, runs);
  const byIndex = new Map(products.map((product) => [product.index, product]));
  const edit: Edit = {
    detail: "quantised",
    replace: (index, g, operands) => {
      const product = byIndex.get(index);
      return product === undefined ? undefined : quantizer.emit(g, product, operands);
    },
  };
  const made = rebuild(bound, bound.entry, edit);
  const judged = options.heldOut === undefined ? calibration : whole(options.heldOut);
  const results = yield* compare(bound, made, judged, runs);
  const { tensors, skipped, bytesBefore, bytesAfter } = quantizer;
  const report = { products: products.length, tensors, skipped, bytesBefore, bytesAfter, results };
  return { program: made, report, fuelUsed: runs.used };
}

/**
 * A program with its matrix products and convolutions quantised; throws `IR_QUANTIZE` for what does not hold together.
 *
 * @example
 * ```ts
 * import { buildProgram, quantizeProgram, tensor } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const dense = buildProgram({ x: "f32[1,2]", w: "f32[2,1]" }, (g, { x, w }) => g.matmul(x, w));
 * const w = tensor("f32", [2, 1], [0.5, -1]);
 * const x = tensor("f32", [1, 2], [1, 0.25]);
 * const { report } = quantizeProgram(dense, { weights: { w }, calibration: [[x]] });
 * assert.ok(report.results[0].max < 0.01);
 * ```
 */
export const quantizeProgram = (program: Program, options: QuantizeOptions = {}): QuantizedProgram => {
  const steps = quantizeSteps(program, options);
  for (;;) {
    const turn = steps.next();
    if (turn.done) return turn.value;
  }
};
