/**
 * Residuals: forward values that a backward function uses, and how they reach it.
 *
 * Not saved at once: a value becomes a residual when the backward function first uses it, and only if a result of that
 * function needs it. What merely arranges other values (or makes constants) is computed again instead.
 * Invariant: each forward value stands in the backward function as one value.
 *
 * @module
 */
import { type Emitted, type Foreign, type FunctionBuilder, Value } from "../builder.ts";

/** Primitives that cost less to repeat than to keep: they only arrange their operands, or have none. */
const REPEATED: ReadonlySet<string> = new Set([
  "constant",
  "iota",
  "dimension",
  "broadcast",
  "reshape",
  "transpose",
  "stop_gradient",
]);

/** Which node made a value, for the values that may be computed again. */
export class Origins {
  private readonly nodes = new Map<Value, Emitted>();

  /** Notes a node. */
  note(node: Emitted): void {
    if (!REPEATED.has(node.op)) return;
    node.results.forEach((result) => this.nodes.set(result, node));
  }

  /** The node to repeat for a value. */
  of(value: Value): Emitted | undefined {
    return this.nodes.get(value);
  }
}

/** A residual: the forward value, and what stands for it in the backward function. */
export interface Residual {
  /** In the forward function. */
  readonly forward: Value;
  /** In the backward function. */
  readonly inner: Value;
}

/** The residuals of one forward function in one backward function. */
export class Residuals {
  private readonly known = new Map<Value, Value>();
  private readonly saved: Residual[] = [];
  private backward: FunctionBuilder | undefined;

  constructor(private readonly forward: FunctionBuilder, private readonly origins: Origins) {}

  /** Says where the residuals are used. */
  usedBy(backward: FunctionBuilder): void {
    this.backward = backward;
  }

  /** What the backward function has for a value of the forward one. */
  readonly foreign: Foreign = (value) => {
    if (value.owner !== this.forward || this.backward === undefined) return undefined;
    const known = this.known.get(value);
    if (known !== undefined) return known;
    const origin = this.origins.of(value);
    if (origin !== undefined) {
      const repeated = this.backward.emit(origin.op, origin.operands, origin.attributes);
      origin.results.forEach((result, i) => this.known.set(result, repeated[i]));
      return this.known.get(value);
    }
    const inner = new Value(this.backward, value.type);
    this.known.set(value, inner);
    this.saved.push({ forward: value, inner });
    return inner;
  };

  /** Those that some values of the backward function need. */
  neededBy(results: ReadonlyArray<Value>): ReadonlyArray<Residual> {
    const needed = this.backward!.needs(results);
    return this.saved.filter(({ inner }) => needed.has(inner));
  }
}
