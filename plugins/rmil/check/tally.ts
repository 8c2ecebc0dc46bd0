/**
 * Tally: what a check adds up: parameters, effects, cost.
 *
 * Invariant: numbers are the IR's cost rules summed; where a part cannot be known, `exact` is false, never the number
 * invented.
 *
 * @module
 */
import type { EffectName, Kind } from "../../../kernel/mod.ts";
import type { Dimension } from "../../ir/contract.ts";
import { addDimensions, costOf, multiplyDimensions, subtractDimensions } from "../../ir/library.ts";
import { type Expression, opcodesOf } from "../expression.ts";
import type { HostFunction } from "../hosts/functions.ts";
import { badParameter } from "../interpreter/failures.ts";
import type { TensorProgram } from "../lowering/tensor_op.ts";
import { opOf } from "../opcodes.ts";
import { OP_EFFECTS, type OpEffect } from "../ops/row.ts";
import { bytesOfKnown, type Known, knownTensor } from "./known.ts";

/** A parameter found. */
export interface FoundParameter {
  /** Path of its application, then its name. */
  readonly path: string;
  /** Its type. */
  readonly known: Extract<Known, { readonly k: "Tensor" | "Scalar" }>;
  /** Number of elements. */
  readonly count: Dimension;
  /** Whether it is learned; running statistics are not. */
  readonly learned: boolean;
}

/** Cost so far. */
export interface Cost {
  /** Floating-point operations. */
  readonly flops: Dimension;
  /** Bytes read and written. */
  readonly bytes: Dimension;
}

const NOTHING: Cost = { flops: 0, bytes: 0 };

const plus = (a: Cost, b: Cost): Cost => ({
  flops: addDimensions(a.flops, b.flops),
  bytes: addDimensions(a.bytes, b.bytes),
});

const minus = (a: Cost, b: Cost): Cost => ({
  flops: subtractDimensions(a.flops, b.flops),
  bytes: subtractDimensions(a.bytes, b.bytes),
});

/** Adds up. */
export class Tally {
  /** Parameters by path. */
  readonly parameters: Map<string, FoundParameter> = new Map();
  /** What ops depend on and change. */
  readonly uses: Set<OpEffect> = new Set();
  /** Host functions that are called. */
  readonly hosts: Set<HostFunction> = new Set();
  /** Cost so far. */
  cost: Cost = NOTHING;
  /** Most bytes of one op's tensors, with what is held around it; `undefined` where a size is not known. */
  peak: number | undefined = 0;
  /** Whether everything could be counted. */
  exact = true;
  #held: number | undefined = 0;

  /** Effect classes, sorted. */
  get effects(): ReadonlyArray<EffectName> {
    return [...new Set(this.#needs.flatMap(({ effects }) => effects))].sort();
  }

  /** Finer kinds, sorted. */
  get kinds(): ReadonlyArray<Kind> {
    return [...new Set(this.#needs.flatMap(({ kinds }) => kinds))].sort();
  }

  get #needs(): ReadonlyArray<{ readonly effects: ReadonlyArray<EffectName>; readonly kinds: ReadonlyArray<Kind> }> {
    return [...[...this.uses].map((use) => OP_EFFECTS[use]), ...this.hosts];
  }

  /** Adds whatever an unknown part of a program may need: what any op in it does, and any host function it names. */
  assumeAll(program: Expression, hosts: ReadonlyArray<HostFunction>): void {
    this.exact = false;
    for (const code of opcodesOf(program)) this.uses.add(opOf(code)?.effect ?? "pure");
    for (const host of hosts) this.hosts.add(host);
  }

  /** Adds a tensor op's program at a path. */
  add(made: TensorProgram, path: string, given: ReadonlySet<string>): void {
    const { flops, bytes, peakBytes, exact } = costOf(made.program);
    this.cost = plus(this.cost, { flops, bytes });
    if (!exact) this.exact = false;
    const own = made.parameters.reduce<number>(
      (sum, { dtype, shape }) => sum + Number(bytesOfKnown(knownTensor(dtype, shape))),
      0,
    );
    const all = peakBytes === undefined || this.#held === undefined ? undefined : peakBytes - own + this.#held;
    this.peak = this.peak === undefined || all === undefined ? undefined : Math.max(this.peak, all);
    for (const { row, dtype, shape } of made.parameters) {
      if (given.has(row.name)) continue;
      const at = `${path}/${row.name}`;
      const known = knownTensor(dtype, shape) as FoundParameter["known"];
      const before = this.parameters.get(at);
      if (before !== undefined && JSON.stringify(before.known) !== JSON.stringify(known)) {
        throw badParameter({ parameter: at, reason: "two uses of the expression need different sizes" });
      }
      this.parameters.set(at, { path: at, known, count: multiplyDimensions(...shape), learned: row.running !== true });
    }
  }

  /** Runs a computation while values are held beside it. */
  *holding<A, B, C>(values: ReadonlyArray<Known>, run: () => Generator<A, B, C>): Generator<A, B, C> {
    const before = this.#held;
    for (const value of values) {
      const bytes = bytesOfKnown(value);
      this.#held = this.#held === undefined || typeof bytes !== "number" ? undefined : this.#held + bytes;
    }
    try {
      return yield* run();
    } finally {
      this.#held = before;
    }
  }

  /** Counts what a computation adds as many times as it will run. */
  *times<A, B, C>(count: Dimension, run: () => Generator<A, B, C>): Generator<A, B, C> {
    const before = this.cost;
    const made = yield* run();
    const once = minus(this.cost, before);
    this.cost = plus(before, {
      flops: multiplyDimensions(once.flops, count),
      bytes: multiplyDimensions(once.bytes, count),
    });
    return made;
  }

  /** Counts the dearer of two computations, of which one will run. */
  *either<A, B, C>(
    first: () => Generator<A, B, C>,
    second: () => Generator<A, B, C>,
  ): Generator<A, readonly [B, B], C> {
    const before = this.cost;
    const one = yield* first();
    const [costOne] = [minus(this.cost, before)];
    this.cost = before;
    const other = yield* second();
    const costOther = minus(this.cost, before);
    const isSame = costOne.flops === costOther.flops && costOne.bytes === costOther.bytes;
    if (!isSame) this.exact = false;
    const areNumbers = typeof costOne.flops === "number" && typeof costOther.flops === "number";
    const dearer = areNumbers
      ? (costOne.flops as number) >= (costOther.flops as number) ? costOne : costOther
      : isSame
      ? costOne
      : plus(costOne, costOther);
    this.cost = plus(before, dearer);
    return [one, other];
  }
}
