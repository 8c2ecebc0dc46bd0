/**
 * Variable: a tensor with a history, and the operations on it.
 *
 * Not a value of a graph under construction (that is the IR's `Value`): a variable holds its numbers.
 * Operations broadcast by NumPy's rule, and gradients are summed back to the shape of the operand.
 * Invariant: the tensor of a variable is never written to; `gradient` of a leaf is what was added to it so far.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { elementCount, fromFloats, printType, sameType, scalar, toFloats } from "../../ir/library.ts";
import { badVariable } from "../failures.ts";
import {
  type BatchNormOptions,
  type ConvOptions,
  type LayerNormOptions,
  type OpName,
  OPS,
  type Settings,
} from "./operations.ts";
import type { Origin, Tape } from "./tape.ts";

/** An operand: a variable, or a number of the other operand's element type. */
export type Operand = Variable | number;

/** A tensor with a history. */
export class Variable {
  private slope: Tensor | undefined;

  /** Tapes make variables. */
  constructor(
    readonly tape: Tape,
    readonly value: Tensor,
    readonly requiresGradient: boolean,
    readonly made: { readonly origin: Origin; readonly result: number } | undefined = undefined,
    readonly name: string | undefined = undefined,
  ) {}

  /** Sizes. */
  get shape(): ReadonlyArray<number> {
    return this.value.shape;
  }

  /** Number of elements. */
  get size(): number {
    return elementCount(this.value.shape);
  }

  /** What `backward` added up, of a variable that nothing made; absent before. */
  get gradient(): Tensor | undefined {
    return this.slope;
  }

  /** Makes the gradient zeros. */
  zeroGradient(): void {
    const { dtype, shape } = this.value;
    this.slope = this.requiresGradient ? fromFloats(dtype, shape, new Float64Array(this.size)) : undefined;
  }

  /** Adds to the gradient. */
  accumulate(gradient: Tensor): void {
    if (!sameType(gradient, this.value)) {
      const reason = `${printType(gradient)} is no gradient of ${printType(this.value)}`;
      throw badVariable({ op: "accumulate", reason });
    }
    const before = this.slope;
    if (before === undefined) {
      this.slope = gradient;
      return;
    }
    const [x, y] = [toFloats(before), toFloats(gradient)];
    this.slope = fromFloats(
      gradient.dtype,
      gradient.shape,
      x.map((value, i) => value + y[i]) as Float64Array<ArrayBuffer>,
    );
  }

  /** The same numbers without history. */
  detach(): Variable {
    return this.tape.constant(this.value);
  }

  /** A number as a constant of this element type. */
  private operand(input: Operand): Variable {
    return input instanceof Variable ? input : this.tape.constant(scalar(this.value.dtype, input));
  }

  /** Runs an operation by name. */
  private many(name: OpName, operands: ReadonlyArray<Variable>, settings: Settings = {}): ReadonlyArray<Variable> {
    return this.tape.apply(name, settings, operands, (g, values) => OPS[name].build(g, values, settings));
  }

  /** Runs an operation of one result on this variable and others. */
  private one(name: OpName, others: ReadonlyArray<Operand> = [], settings: Settings = {}): Variable {
    return this.many(name, [this, ...others.map((other) => this.operand(other))], settings)[0];
  }

  /** x + y. */
  add(y: Operand): Variable {
    return this.one("add", [y]);
  }
  /** x − y. */
  sub(y: Operand): Variable {
    return this.one("sub", [y]);
  }
  /** x · y, element by element. */
  mul(y: Operand): Variable {
    return this.one("mul", [y]);
  }
  /** x / y. */
  div(y: Operand): Variable {
    return this.one("div", [y]);
  }
  /** Matrix product; leading axes broadcast. */
  matmul(y: Variable): Variable {
    return this.one("matmul", [y]);
  }
  /** −x. */
  neg(): Variable {
    return this.one("neg");
  }
  /** eˣ. */
  exp(): Variable {
    return this.one("exp");
  }
  /** Natural logarithm. */
  log(): Variable {
    return this.one("log");
  }
  /** Square root. */
  sqrt(): Variable {
    return this.one("sqrt");
  }
  /** |x|. */
  abs(): Variable {
    return this.one("abs");
  }
  /** max(x, 0); its derivative at 0 is 0. */
  relu(): Variable {
    return this.one("relu");
  }
  /** 1 / (1 + e⁻ˣ). */
  sigmoid(): Variable {
    return this.one("sigmoid");
  }
  /** Hyperbolic tangent. */
  tanh(): Variable {
    return this.one("tanh");
  }
  /** x·Φ(x), by the error function. */
  gelu(): Variable {
    return this.one("gelu");
  }
  /** Normalised exponentials along an axis, the last where absent. */
  softmax(axis = -1): Variable {
    return this.one("softmax", [], { axis });
  }
  /** Sum along axes, all where absent. */
  sum(axes?: number | ReadonlyArray<number>, keep = false): Variable {
    return this.one("sum", [], reduction(axes, keep));
  }
  /** Mean along axes, all where absent. */
  mean(axes?: number | ReadonlyArray<number>, keep = false): Variable {
    return this.one("mean", [], reduction(axes, keep));
  }
  /** Largest along axes, all where absent; tied elements share the derivative. */
  max(axes?: number | ReadonlyArray<number>, keep = false): Variable {
    return this.one("max", [], reduction(axes, keep));
  }
  /** The same elements under another shape. */
  reshape(shape: ReadonlyArray<number>): Variable {
    return this.one("reshape", [], { shape });
  }
  /** Axes in another order; the last two exchanged where absent. */
  transpose(permutation?: ReadonlyArray<number>): Variable {
    return this.one("transpose", [], permutation === undefined ? {} : { permutation });
  }
  /** Without an axis of size 1, or without all of them. */
  squeeze(axis?: number): Variable {
    return this.one("squeeze", [], axis === undefined ? {} : { axis });
  }
  /** With an axis of size 1 more. */
  unsqueeze(axis: number): Variable {
    return this.one("unsqueeze", [], { axis });
  }
  /** The same, as a result of its own. */
  clone(): Variable {
    return this.one("clone");
  }
  /** x to a power. */
  pow(exponent: number): Variable {
    return this.one("pow", [], { exponent });
  }
  /** x·W + b over the last axis; W is [inputs, outputs]. */
  linear(weight: Variable, bias?: Variable): Variable {
    return this.one("linear", bias === undefined ? [weight] : [weight, bias]);
  }
  /** Two-dimensional convolution (cross-correlation) of [N, C, H, W] with [O, C, h, w]. */
  conv2d(kernel: Variable, { bias, ...how }: ConvOptions & { readonly bias?: Variable } = {}): Variable {
    return this.one("conv2d", bias === undefined ? [kernel] : [kernel, bias], { ...how });
  }
  /**
   * Each channel (axis 1) less its mean over its deviation, of the batch; scaled and shifted by [C] where given. Gives
   * the running statistics after this batch too, where running ones are given.
   */
  batchNorm(how: BatchNormOptions = {}): {
    readonly output: Variable;
    readonly mean: Variable;
    readonly variance: Variable;
  } {
    const { scale, shift, mean, variance, ...settings } = how;
    const named = [["scale", scale], ["shift", shift], ["mean", mean], ["variance", variance]] as const;
    const given = named.filter((entry): entry is [typeof entry[0], Variable] => entry[1] !== undefined);
    const results = this.many("batchNorm", [this, ...given.map(([, one]) => one)], {
      ...settings,
      given: given.map(([name]) => name),
    });
    return { output: results[0], mean: results[1].detach(), variance: results[2].detach() };
  }
  /** Less its mean over its deviation along the last axis; scaled and shifted where given. */
  layerNorm({ scale, shift, epsilon }: LayerNormOptions = {}): Variable {
    const named = [["scale", scale], ["shift", shift]] as const;
    const given = named.filter((entry): entry is [typeof entry[0], Variable] => entry[1] !== undefined);
    return this.one("layerNorm", given.map(([, one]) => one), {
      ...(epsilon === undefined ? {} : { epsilon }),
      given: given.map(([name]) => name),
    });
  }
  /** Zero with a probability, and the rest larger so that the mean stays; the same for the same seed. */
  dropout(probability: number, seed: number): Variable {
    return this.one("dropout", [], { probability, seed });
  }
}

const reduction = (axes: number | ReadonlyArray<number> | undefined, keep: boolean): Settings => ({
  ...(axes === undefined ? {} : { axes: typeof axes === "number" ? [axes] : axes }),
  keep,
});
