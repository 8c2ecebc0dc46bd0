/**
 * Reverse: emits a function forward on a tape, so that cotangents can be played back through all of it.
 *
 * Small calls are inlined, others become two functions; a loop with a bound becomes a scan of that many turns; a scan
 * under a checkpoint policy becomes a scan of segments that run again on the way back.
 * Invariant: forward results are those of the original function, also where a loop runs past its promised bound: then
 * its gradients, and only they, are NaN.
 *
 * @module
 */
import type { FunctionBuilder, ProgramBuilder, Value } from "../builder.ts";
import { bindCall, isControl } from "../control.ts";
import type { Bindings, Dimension } from "../dimension.ts";
import { noGradient } from "../failures.ts";
import { firstResults, functionOf, type IrFunction, type Node, type Program } from "../graph.ts";
import { substituteAttributes } from "../infer.ts";
import { isFloat } from "../types.ts";
import { Activity, type Mask } from "./activity.ts";
import { Origins } from "./residuals.ts";
import {
  type Body,
  branchStep,
  callStep,
  type Halves,
  scanStep,
  type Shared,
  splitFunction,
} from "./reverse_control.ts";
import { primitiveStep, spreadActivity, type Step } from "./tape.ts";

/** Calls of functions with fewer nodes, those they run included, are inlined. */
export const INLINED_NODES = 32;

/** A bound proposed to who gave none. */
export const PROPOSED_BOUND = 1024;

/** What is computed again on the way back instead of being kept. */
export interface Checkpoint {
  /** Functions whose calls keep only their operands. */
  readonly functions?: ReadonlyArray<string>;
  /** Turns of a scan between two kept states; `sqrt` takes the root of the length. */
  readonly scan?: number | "sqrt";
}

/** Choices of a differentiation. */
export interface ReversePolicy {
  /** Most turns of loops that promise no bound of their own. */
  readonly bound?: number;
  /** What is computed again. */
  readonly checkpoint?: Checkpoint;
}

/** A control node at its place: operands as values, sizes as the function around knows them. */
type Placed = {
  readonly node: Node;
  readonly operands: ReadonlyArray<Value>;
  readonly attributes: Node["attributes"];
  readonly wanted: Mask;
  readonly location: string;
};

/** Nodes of a function and of all it runs. */
const countNodes = (program: Program, fn: IrFunction): number =>
  fn.nodes.reduce(
    (sum, node) =>
      sum + 1 + node.functions.reduce((inner, name) => inner + countNodes(program, functionOf(program, name)), 0),
    0,
  );

/** Emits functions of one program forward. */
export class Reverse implements Shared {
  readonly active = new Set<Value>();
  readonly origins = new Origins();
  private readonly activity: Activity;
  private readonly halves = new Map<string, Halves>();
  private readonly again: ReadonlySet<string>;

  constructor(
    private readonly program: Program,
    readonly made: ProgramBuilder,
    private readonly policy: ReversePolicy,
  ) {
    this.activity = new Activity(program);
    this.again = new Set(policy.checkpoint?.functions ?? []);
  }

  /** Emits the nodes of a function on given values. */
  emit(
    g: FunctionBuilder,
    fn: IrFunction,
    args: ReadonlyArray<Value>,
    bindings: Bindings,
    wanted: Mask,
    tape: Step[] | undefined,
  ): ReadonlyArray<Value> {
    const values = [...args];
    const needed = this.activity.wanted(fn, wanted);
    const firsts = firstResults(fn);
    fn.nodes.forEach((node, index) => {
      const location = node.location ?? `/functions/${fn.name}/nodes/${index}`;
      const placed: Placed = {
        node,
        operands: node.operands.map((operand) => values[operand]),
        attributes: substituteAttributes(node.op, node.attributes, bindings),
        wanted: node.results.map((_, i) => needed[firsts[index] + i]),
        location,
      };
      values.push(...g.at(location, () => this.node(g, placed, tape)));
    });
    return fn.returns.map((value) => values[value]);
  }

  private node(g: FunctionBuilder, placed: Placed, tape: Step[] | undefined): ReadonlyArray<Value> {
    const { node, operands, attributes, wanted } = placed;
    if (!isControl(node.op)) return this.taped(g, tape, placed.location, () => g.emit(node.op, operands, attributes));
    const active = this.activity.resultsActive(node, operands.map((operand) => this.active.has(operand)));
    if (tape === undefined || !wanted.some((yes, i) => yes && active[i])) return this.plain(g, placed);
    return this.control(g, placed, tape);
  }

  /** Emits a control node as it is. */
  private plain(g: FunctionBuilder, { node, operands, attributes }: Placed): ReadonlyArray<Value> {
    node.functions.forEach((name) => this.keep(name));
    return g.emitNode(node.op, operands, attributes, node.functions);
  }

  /** Adds an original function, after those it runs. */
  private keep(name: string): void {
    if (this.made.defines(name)) return;
    const fn = functionOf(this.program, name);
    fn.nodes.forEach((node) => node.functions.forEach((callee) => this.keep(callee)));
    this.made.add(fn);
  }

  /** Emits primitives and writes a step for each that depends on what is active. */
  private taped<A>(g: FunctionBuilder, tape: Step[] | undefined, location: string, build: () => A): A {
    let made: A | undefined;
    for (const node of g.record(() => made = build())) {
      this.origins.note(node);
      if (tape === undefined || isControl(node.op)) continue;
      const step = primitiveStep(node, location);
      if (step !== undefined && spreadActivity(this.active, node)) tape.push(step);
    }
    return made!;
  }

  private control(g: FunctionBuilder, placed: Placed, tape: Step[]): ReadonlyArray<Value> {
    const { node, operands, attributes, wanted, location } = placed;
    const [first, second] = node.functions.map((name) => functionOf(this.program, name));
    const sizes = attributes.sizes as ReadonlyArray<Dimension>;
    if (node.op === "call") return this.call(g, first, placed, tape);
    if (node.op === "while") return this.loop(g, placed, tape);
    if (node.op === "scan") return this.scan(g, first, placed, tape);
    const branch = (fn: IrFunction): Body => (h, args, inner) => this.inline(h, fn, args, sizes, wanted, inner);
    const args = operands.slice(1);
    const made = branchStep(g, operands[0], args, [branch(first), branch(second)], wanted, this, location);
    tape.push(made.step);
    return made.results;
  }

  /** Emits a function in place of a call of it. */
  private inline(
    g: FunctionBuilder,
    fn: IrFunction,
    args: ReadonlyArray<Value>,
    sizes: ReadonlyArray<Dimension>,
    wanted: Mask,
    tape: Step[] | undefined,
  ): ReadonlyArray<Value> {
    return this.emit(g, fn, args, bindCall("call", fn, args.map((arg) => arg.type), sizes, g.solver), wanted, tape);
  }

  private call(g: FunctionBuilder, fn: IrFunction, placed: Placed, tape: Step[]): ReadonlyArray<Value> {
    const { operands, attributes, wanted, location } = placed;
    const sizes = attributes.sizes as ReadonlyArray<Dimension>;
    const again = this.again.has(fn.name);
    if (!again && countNodes(this.program, fn) < INLINED_NODES) {
      return this.inline(g, fn, operands, sizes, wanted, tape);
    }
    const parameters = operands.map((operand) => this.active.has(operand));
    const key = `${fn.name} ${parameters.map(Number).join("")} ${wanted.map(Number).join("")}`;
    let halves = this.halves.get(key);
    if (halves === undefined) {
      if (again) this.keep(fn.name);
      const body: Body = (h, args, inner) => this.emit(h, fn, args, new Map(), wanted, inner);
      halves = splitFunction(fn, body, parameters, wanted, again, this);
      this.halves.set(key, halves);
    }
    const made = callStep(g, fn, halves, operands, sizes, this, location);
    tape.push(made.step);
    return made.results;
  }

  private scan(g: FunctionBuilder, fn: IrFunction, placed: Placed, tape: Step[]): ReadonlyArray<Value> {
    const { node, operands, attributes, wanted, location } = placed;
    const { carry, scanned, length, reverse } = attributes as {
      carry: number;
      scanned: number;
      length: Dimension;
      reverse: boolean;
    };
    const carried = this.carriedOf(node, operands, wanted);
    const turn: Body = (h, args, inner) =>
      this.inline(
        h,
        fn,
        args,
        attributes.sizes as ReadonlyArray<Dimension>,
        [...carried, ...wanted.slice(carry)],
        inner,
      );
    const whole = { carry, scanned, reverse, carried, stacked: wanted.slice(carry), again: this.again.has(fn.name) };
    const segment = this.segmentOf(length);
    if (segment === undefined) return this.run(g, { ...whole, operands, length }, turn, location, tape);
    return this.segmented(g, whole, operands, [length as number, segment], turn, placed, tape);
  }

  /** Carried values that get a cotangent. */
  private carriedOf(node: Node, operands: ReadonlyArray<Value>, wanted: Mask): Mask {
    const active = this.activity.carryActive(node, operands.map((operand) => this.active.has(operand)));
    const needed = this.activity.carryWanted(node, wanted);
    return active.map((yes, i) => yes && needed[i] && isFloat(node.results[i].dtype));
  }

  private run(
    g: FunctionBuilder,
    node: Parameters<typeof scanStep>[1],
    turn: Body,
    location: string,
    tape: Step[] | undefined,
  ): ReadonlyArray<Value> {
    if (tape === undefined) return plainScan(g, node, turn);
    const made = scanStep(g, node, turn, this, location);
    tape.push(made.step);
    return made.results;
  }

  /** Turns of a segment; undefined where the policy leaves the scan whole. */
  private segmentOf(length: Dimension): number | undefined {
    const turns = this.policy.checkpoint?.scan;
    if (turns === undefined || typeof length !== "number") return undefined;
    const segment = turns === "sqrt" ? Math.ceil(Math.sqrt(length)) : turns;
    return segment > 1 && segment * 2 <= length ? segment : undefined;
  }

  /** A scan of segments, each a scan that keeps nothing but the state it starts from, and a last one for the rest. */
  private segmented(
    g: FunctionBuilder,
    whole: Omit<Parameters<typeof scanStep>[1], "operands" | "length">,
    operands: ReadonlyArray<Value>,
    [length, segment]: readonly [length: number, segment: number],
    turn: Body,
    { location }: Placed,
    tape: Step[],
  ): ReadonlyArray<Value> {
    const { carry, scanned } = whole;
    const segments = Math.floor(length / segment);
    const covered = segments * segment;
    const sources = operands.slice(carry, carry + scanned);
    const constants = operands.slice(carry + scanned);
    const part = (from: number, to: number): ReadonlyArray<Value> =>
      this.taped(g, tape, location, () => sources.map((value) => g.sliceAxis(value, 0, from, to)));
    const inner: Body = (h, args, innerTape) =>
      this.run(h, { ...whole, operands: args, length: segment }, turn, location, innerTape);
    const front = (start: ReadonlyArray<Value>): ReadonlyArray<Value> => {
      const cut = part(0, covered);
      const rows = this.taped(
        g,
        tape,
        location,
        () => cut.map((value) => g.reshape(value, [segments, segment, ...value.type.shape.slice(1)])),
      );
      const node = { ...whole, operands: [...start, ...rows, ...constants], length: segments, again: true };
      const made = this.run(g, node, inner, location, tape);
      const flat = this.taped(
        g,
        tape,
        location,
        () => made.slice(carry).map((value) => g.reshape(value, [covered, ...value.type.shape.slice(2)])),
      );
      return [...made.slice(0, carry), ...flat];
    };
    const rest = (start: ReadonlyArray<Value>): ReadonlyArray<Value> => {
      const node = { ...whole, operands: [...start, ...part(covered, length), ...constants], length: length - covered };
      return this.run(g, node, turn, location, tape);
    };
    const start = operands.slice(0, carry);
    if (covered === length) return front(start);
    const [early, late] = whole.reverse ? [rest, front] : [front, rest];
    const before = early(start);
    const after = late(before.slice(0, carry));
    const [head, tail] = whole.reverse ? [after, before] : [before, after];
    const stacked = this.taped(
      g,
      tape,
      location,
      () => head.slice(carry).map((value, i) => g.concat([value, tail[carry + i]], 0)),
    );
    return [...after.slice(0, carry), ...stacked];
  }

  /** A loop as a scan of as many turns as it may take, of which those after its end pass everything on. */
  private loop(g: FunctionBuilder, placed: Placed, tape: Step[]): ReadonlyArray<Value> {
    const { node, operands, attributes, wanted, location } = placed;
    const bound = (attributes.bound as number | undefined) ?? this.policy.bound;
    if (bound === undefined) {
      throw noGradient({
        op: "while",
        reason: "it promises no bound, so what its gradient needs has no bound either",
        path: location,
        fix: {
          summary: "Say how many turns it takes at most, by the option bound or the attribute bound of the loop",
          patch: [{ op: "add", path: "/bound", value: PROPOSED_BOUND }],
        },
      });
    }
    const [condition, body] = node.functions.map((name) => functionOf(this.program, name));
    const sizes = attributes.sizes as ReadonlyArray<Dimension>;
    const carry = attributes.carry as number;
    const carried = this.carriedOf(node, operands, wanted);
    const holds = (h: FunctionBuilder, args: ReadonlyArray<Value>): Value =>
      this.inline(h, condition, args, sizes, [false], undefined)[0];
    const turn: Body = (h, args, inner) => {
      const branches: readonly [Body, Body] = [
        (then, given, own) => this.inline(then, body, given, sizes, carried, own),
        (_otherwise, given) => given.slice(0, carry),
      ];
      const running = holds(h, args);
      if (inner === undefined) {
        return h.if(
          running,
          (then) => branches[0](then, args, undefined),
          (other) => branches[1](other, args, undefined),
        );
      }
      const made = branchStep(h, running, args, branches, carried, this, location);
      inner.push(made.step);
      return made.results;
    };
    const scan = { operands, carry, scanned: 0, length: bound, reverse: false, carried, stacked: [], again: false };
    const made = scanStep(g, scan, turn, this, location);
    const constants = operands.slice(carry);
    node.functions.forEach((name) => this.keep(name));
    const results = g.emitNode("while", [...made.results, ...constants], attributes, node.functions);
    results.forEach((result, i) => carried[i] && this.active.add(result));
    const overrun = holds(g, [...made.results, ...constants]);
    tape.push({
      location,
      results,
      backward: (h, given) =>
        made.step.backward(h, given).map(([of, cotangent]) =>
          [of, cotangent === undefined ? undefined : h.select(overrun, NaN, cotangent)] as const
        ),
    });
    return results;
  }
}

/** The scan as it is, with a body that is emitted in place. */
const plainScan = (g: FunctionBuilder, node: Parameters<typeof scanStep>[1], turn: Body): ReadonlyArray<Value> => {
  const { operands, carry, scanned, length, reverse } = node;
  const constants = operands.slice(carry + scanned);
  return g.scan(
    { length, reverse },
    operands.slice(0, carry),
    operands.slice(carry, carry + scanned),
    (h, carried, rows) => turn(h, [...carried, ...rows, ...constants], undefined),
  );
};
