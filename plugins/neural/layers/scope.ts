/**
 * Scope: the place in a network where a layer builds: its path, its learned tensors, its state and its random draws.
 *
 * Not a layer. Invariant: a path names one tensor; asking for it again with the same type gives the same value, which is
 * how weights are shared, and with another type is refused.
 *
 * @module
 */
import type { ConcreteType, Dtype, TensorType } from "../../ir/contract.ts";
import { type FunctionBuilder, printType, sameType, Value } from "../../ir/library.ts";
import type { Initializer, ParameterSpec, StateSpec } from "../contract.ts";
import { sharedDiffers } from "../failures.ts";

/** What else is said of a learned tensor. */
export interface ParameterOptions {
  /** Element type; f32 where absent. */
  readonly dtype?: Dtype;
  /** Whether weight decay reaches it; whether it has two axes or more where absent. */
  readonly decays?: boolean;
  /** Whether training changes it; true where absent. */
  readonly trained?: boolean;
  /** Whether an adapter holds it or made it, so that an adapter around that one leaves it alone. */
  readonly adapted?: boolean;
}

/** A learned tensor as a layer asks for it. */
export interface Asked {
  /** Last part of its path. */
  readonly name: string;
  /** Sizes. */
  readonly shape: ReadonlyArray<number>;
  /** How it starts. */
  readonly initial: Initializer;
  /** What else is said of it. */
  readonly options: ParameterOptions;
}

/**
 * How the layers inside a place come by their learned tensors. `own` declares one in that place; what is asked for may be
 * changed on the way (frozen, begun in another way), and what is given may be made from several (an adapter).
 */
export type Way = (asked: Asked, own: (asked: Asked) => Value, place: Scope) => Value;

/** A learned tensor under construction. */
export interface Declared<Spec> {
  /** What it is. */
  readonly spec: Spec;
  /** It, in the function of the network. */
  readonly value: Value;
}

/** What all scopes of one network share. */
export class Registry {
  /** Learned tensors by path, in the order in which layers asked for them. */
  readonly parameters: Map<string, Declared<ParameterSpec>> = new Map();
  /** State by path. */
  readonly state: Map<string, Declared<StateSpec>> = new Map();
  /** New values of state by path. */
  readonly changed: Map<string, Value> = new Map();
  private draws = 0;

  /** Made for the function that a network's program runs. */
  constructor(readonly main: FunctionBuilder, readonly training: boolean, readonly seed: Value) {}

  /** A number for each random draw, so that no two draws of a network are alike. */
  stream(): number {
    return this.draws++;
  }
}

const declare = <Spec extends { readonly path: string; readonly type: ConcreteType }>(
  known: Map<string, Declared<Spec>>,
  main: FunctionBuilder,
  spec: Spec,
): Value => {
  const before = known.get(spec.path);
  if (before === undefined) {
    const value = new Value(main, spec.type);
    known.set(spec.path, { spec, value });
    return value;
  }
  if (sameType(before.spec.type, spec.type)) return before.value;
  throw sharedDiffers({
    path: spec.path,
    expected: printType(before.spec.type),
    actual: printType(spec.type),
  });
};

/** A place in a network. */
export class Scope {
  /** Made by {@link networkOf}; layers make children. */
  constructor(
    private readonly registry: Registry,
    readonly g: FunctionBuilder,
    readonly path: string,
    private readonly way?: Way,
  ) {}

  /** Whether the program is the one for training. */
  get training(): boolean {
    return this.registry.training;
  }

  /** A place inside this one. */
  child(name: string | number): Scope {
    return new Scope(this.registry, this.g, this.at(String(name)), this.way);
  }

  /** A place by its whole path: layers that build in one place hold the same tensors. */
  root(path: string): Scope {
    return new Scope(this.registry, this.g, path, this.way);
  }

  /** The same place, whose layers come by their learned tensors in a way of their own, which this place's own way follows. */
  through(way: Way): Scope {
    const { way: outer } = this;
    const both: Way = outer === undefined
      ? way
      : (asked, own, place) => way(asked, (next) => outer(next, own, place), place);
    return new Scope(this.registry, this.g, this.path, both);
  }

  /** The same place, while the body of a control node is built. */
  within(g: FunctionBuilder): Scope {
    return new Scope(this.registry, g, this.path, this.way);
  }

  /** A learned tensor; throws `NEURAL_SHARED` where the path has one of another type. */
  parameter(
    name: string,
    shape: ReadonlyArray<number>,
    initial: Initializer,
    options: ParameterOptions = {},
  ): Value {
    const asked = { name, shape, initial, options };
    return this.way === undefined ? this.declared(asked) : this.way(asked, (own) => this.declared(own), this);
  }

  /** Declares a learned tensor as it is asked for, whatever the way of this place is. */
  declared({ name, shape, initial, options }: Asked): Value {
    const { dtype = "f32", decays = shape.length > 1, trained = true } = options;
    const spec = { path: this.at(name), type: { dtype, shape }, initial, decays, trained };
    return declare(this.registry.parameters, this.registry.main, spec);
  }

  /** A tensor that the network changes itself. */
  state(name: string, shape: ReadonlyArray<number>, initial: Initializer, dtype: Dtype = "f32"): Value {
    const path = this.at(name);
    const value = declare(this.registry.state, this.registry.main, { path, type: { dtype, shape }, initial });
    return this.registry.changed.get(path) ?? value;
  }

  /** Sets the next value of a state tensor; only in the function of the network itself, not in a control node's body. */
  update(name: string, value: Value): void {
    this.registry.changed.set(this.at(name), value);
  }

  /**
   * A scalar that training adds to the loss (a load balance, a penalty). It is a state tensor marked `auxiliary`, whose
   * next value in the training program is this; the evaluation program returns it as it came. Only in the function of the
   * network itself, not in a control node's body.
   */
  auxiliary(name: string, value: () => Value): void {
    const path = this.at(name);
    const type = { dtype: "f32", shape: [] } as const;
    declare(this.registry.state, this.registry.main, { path, type, initial: { kind: "zeros" }, auxiliary: true });
    if (!this.training) return;
    const made = this.g.cast(value(), "f32");
    const before = this.registry.changed.get(path);
    this.registry.changed.set(path, before === undefined ? made : this.g.add(before, made));
  }

  /** Random numbers, other ones at every call and for every seed of a step. */
  draw(type: TensorType, distribution: "uniform" | "normal" | "bits"): Value {
    return this.g.random(this.registry.seed, type, { distribution, stream: this.registry.stream() });
  }

  /** The seed of the step, an i64, and a stream number of its own: what a program with draws of its own is given. */
  seed(): { readonly seed: Value; readonly stream: number } {
    return { seed: this.registry.seed, stream: this.registry.stream() };
  }

  /** The path of a tensor of this place. */
  private at(name: string): string {
    return this.path === "" ? name : `${this.path}/${name}`;
  }
}
