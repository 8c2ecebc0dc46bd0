/**
 * Debugger: a run of the interpreter that can be stopped, looked into, and stepped forward and back.
 *
 * Not an evaluator of its own: every node runs in the reference interpreter's machine.
 * Invariant: looking changes nothing: a debugged run gives the value or the failure of a plain one. Going back is running
 * again from the start to the place before, with the recorded answers of effects, so that no effect happens twice.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Failure, inSlices, isFailure, located } from "../../../kernel/mod.ts";
import type { Program } from "../codec/v1.ts";
import type { Expression } from "../expression.ts";
import { debugLimit } from "./failures.ts";
import { outOfMemory } from "../interpreter/failures.ts";
import { begin, machineOptions, type RunOptions } from "../interpreter.ts";
import { Machine } from "../interpreter/machine.ts";
import type { Environment, RunValue } from "../interpreter/run_value.ts";
import { type Asked, MAX_NESTED_WORK, type Nested, runWorkNow } from "../interpreter/work.ts";
import { Symbols } from "../symbols.ts";
import { type Arrival, type Breakpoint, isMet } from "./breakpoints.ts";
import { labelOf } from "./debug_labels.ts";

/** Most entries of a trace; older ones are dropped. */
export const MAX_TRACE = 10_000;

/** Most answers of effects that are kept for going back. */
export const MAX_ANSWERS = 10_000;

/** Most steps that one watch may take. */
export const WATCH_FUEL = 100_000;

interface Frame extends Nested {
  readonly node: Expression;
  readonly environment: Environment | undefined;
  readonly input: RunValue | undefined;
}

/** A node that has run. */
export interface TraceEntry {
  /** Number, in the order of finishing. */
  readonly step: number;
  /** Its depth. */
  readonly depth: number;
  /** Its path. */
  readonly path: string;
  /** Its label. */
  readonly label: string;
  /** What it gave. */
  readonly result: RunValue;
}

/** Where a run stands. */
export type DebugState =
  | {
    readonly status: "paused";
    /** Before a node runs, or after it. */
    readonly at: "enter" | "leave";
    readonly path: string;
    readonly depth: number;
    readonly label: string;
    /** What the node gave, after it. */
    readonly result?: RunValue;
    /** The breakpoint that stopped the run, by its position in the list. */
    readonly breakpoint?: number;
  }
  | { readonly status: "finished"; readonly value: RunValue }
  | { readonly status: "failed"; readonly failure: Failure };

/** How far a command runs. */
type Until = (at: "enter" | "leave", depth: number) => boolean;

/** The interpreter's machine, with each work tied to its node. */
class TracedMachine extends Machine {
  override evaluate(
    node: Expression,
    input: RunValue | undefined,
    environment: Environment | undefined,
    path: string,
    stage: boolean,
  ): Frame {
    return { ...super.evaluate(node, input, environment, path, stage), node, environment, input };
  }
}

const copied = (symbols: Symbols): Symbols => Symbols.of(symbols.names);

/** A run under a debugger. */
export class Debugger {
  readonly #program: Program;
  readonly #options: RunOptions;
  readonly #breakpoints: ReadonlyArray<Breakpoint>;
  #stack: Array<Frame> = [];
  #started = new Set<Frame>();
  #answer: RunValue | undefined;
  #state: DebugState | undefined;
  #moment = 0;
  #lastEnter = 0;
  #arrivals = 0;
  #work = 0;
  #left = 0;
  #hits: Array<number> = [];
  #trace: Array<TraceEntry> = [];
  #symbols = new Symbols();
  /** Answers of effects so far, and how many of them this run has used. */
  readonly #answers: Array<RunValue> = [];
  #answered = 0;

  /** Prepares a run; nothing runs yet. */
  constructor(program: Program, options: RunOptions = {}, breakpoints: ReadonlyArray<Breakpoint> = []) {
    this.#program = program;
    this.#options = options;
    this.#breakpoints = breakpoints;
    this.#restart();
  }

  #restart(): void {
    const { root, symbols } = this.#program;
    this.#symbols = copied(symbols);
    const machine = new TracedMachine(machineOptions(root, this.#symbols, this.#options));
    this.#stack = [begin(machine, root, this.#symbols, this.#options)];
    this.#started = new Set();
    this.#answer = undefined;
    this.#state = undefined;
    this.#moment =
      this.#lastEnter =
      this.#arrivals =
      this.#left =
      this.#answered =
        0;
    this.#hits = this.#breakpoints.map(() => 0);
    this.#trace = [];
  }

  /** Where the run stands; `undefined` before it starts. */
  get state(): DebugState | undefined {
    return this.#state;
  }

  /** What has run, the latest {@link MAX_TRACE} nodes. */
  get trace(): ReadonlyArray<TraceEntry> {
    return this.#trace;
  }

  /** Nodes that have run. */
  get stepCount(): number {
    return this.#left;
  }

  /** Nodes started in all, those of replays too: what debugging has cost. */
  get work(): number {
    return this.#work;
  }

  /** Nodes that are running, the outermost first. */
  get callStack(): ReadonlyArray<{ readonly path: string; readonly label: string }> {
    return this.#stack.map(({ path, node }) => ({ path, label: labelOf(node) }));
  }

  /** Names and values in scope at the place where the run stands, the innermost of each name. */
  get scope(): ReadonlyMap<string, RunValue> {
    const found = new Map<string, RunValue>();
    for (let each = this.#stack.at(-1)?.environment; each !== undefined; each = each.outer) {
      const name = this.#symbols.nameOf(each.sym) ?? `@${each.sym}`;
      if (!found.has(name)) found.set(name, each.value);
    }
    return found;
  }

  /**
   * Evaluates an expression over the program's symbols where the run stands, apart from it: what it does to memory or
   * knowledge is not seen by the run. Throws its failure, or `RMIL_DEBUG` where it asks other agents.
   */
  watch(expression: Expression): RunValue {
    const top = this.#stack.at(-1);
    const { seed, maxBytes, parameters, symbolic } = this.#options;
    const options = { seed, maxBytes, parameters, symbolic, fuel: WATCH_FUEL } as RunOptions;
    const machine = new Machine(machineOptions(this.#program.root, copied(this.#symbols), options));
    const value = runWorkNow(machine.evaluate(expression, top?.input, top?.environment, "", true));
    if ("effect" in value) throw debugLimit({ reason: "a watch cannot talk to other agents" });
    return value;
  }

  /** Runs to the next breakpoint or the end. */
  get continue(): Effect.Effect<DebugState, Failure> {
    return this.#go(() => false);
  }

  /** Runs to the next node that starts. */
  get stepIn(): Effect.Effect<DebugState, Failure> {
    return this.#go((at) => at === "enter");
  }

  /** Runs the node at hand to its end; after a node, to the next one beside or around it. */
  get stepOver(): Effect.Effect<DebugState, Failure> {
    const state = this.#state;
    if (state?.status !== "paused") return this.stepIn;
    const { at, depth: from } = state;
    return this.#go((now, depth) =>
      now === "leave" ? depth < from || (at === "enter" && depth === from) : at === "leave" && depth <= from
    );
  }

  /** Runs to the end of the node around. */
  get stepOut(): Effect.Effect<DebugState, Failure> {
    const from = this.#state?.status === "paused" ? this.#state.depth : 0;
    return this.#go((now, depth) => now === "leave" && depth < from);
  }

  /** Goes back to the last node that started before the place at hand. */
  get stepBack(): Effect.Effect<DebugState, Failure> {
    return Effect.suspend(() => {
      const now = this.#moment;
      if (now <= 1) return Effect.fail(debugLimit({ reason: "the run is at its start" }));
      // A run that has ended stands after its last moment.
      const before = this.#state?.status === "paused" ? now - 1 : now;
      return Effect.flatMap(this.#replay(before), () => this.#replay(this.#lastEnter));
    });
  }

  /** Runs again from the start to a moment, without breakpoints. */
  #replay(moment: number): Effect.Effect<DebugState, Failure> {
    this.#restart();
    return this.#go(() => this.#moment === moment, false);
  }

  #go(until: Until, breaking = true): Effect.Effect<DebugState, Failure> {
    return Effect.suspend(() => {
      const state = this.#state;
      if (state !== undefined && state.status !== "paused") return Effect.succeed(state);
      return Effect.flatMap(inSlices(() => this.#advance(until, breaking)), (outcome) => {
        if (!("effect" in outcome)) return Effect.succeed(this.#state = outcome);
        return Effect.flatMap(this.#ask(outcome), () => this.#go(until, breaking));
      });
    });
  }

  /** Answers an effect, from the record where this run has been here before. */
  #ask({ effect }: Asked): Effect.Effect<void, Failure> {
    const record = (value: RunValue): void => {
      this.#answers.push(value);
      this.#answered++;
      this.#answer = value;
    };
    if (this.#answered < this.#answers.length) {
      return Effect.sync(() => void (this.#answer = this.#answers[this.#answered++]));
    }
    if (this.#answers.length >= MAX_ANSWERS) {
      return Effect.fail(debugLimit({ reason: `more than ${MAX_ANSWERS} effects cannot be kept for going back` }));
    }
    const { path } = this.#stack.at(-1)!;
    return Effect.match(effect, {
      onSuccess: record,
      onFailure: (failure) => void (this.#state = { status: "failed", failure: located(failure, path) }),
    });
  }

  /** Runs until a stop, the end, a failure or an effect. */
  *#advance(until: Until, breaking: boolean): Generator<void, DebugState | Asked> {
    for (;;) {
      yield;
      const frame = this.#stack.at(-1)!;
      const stop = this.#arrive(frame, until, breaking);
      if (stop !== undefined) return stop;
      let turn: IteratorResult<Nested | Asked | undefined, RunValue>;
      try {
        if (this.#stack.length > MAX_NESTED_WORK) {
          throw outOfMemory({ what: "nested evaluations", limit: MAX_NESTED_WORK });
        }
        turn = frame.steps.next(this.#answer as RunValue);
      } catch (thrown) {
        if (!isFailure(thrown)) throw thrown;
        return { status: "failed", failure: located(thrown, frame.path) };
      }
      this.#answer = undefined;
      if (turn.done) {
        const left = this.#leave(frame, turn.value, until);
        if (left !== undefined) return left;
      } else if (turn.value !== undefined) {
        if ("effect" in turn.value) return turn.value;
        // Every work of this machine comes from its `evaluate`.
        this.#stack.push(turn.value as Frame);
      }
    }
  }

  #arrive(frame: Frame, until: Until, breaking: boolean): DebugState | undefined {
    if (this.#started.has(frame)) return undefined;
    this.#started.add(frame);
    this.#work++;
    this.#moment++;
    const depth = this.#stack.length;
    const arrival: Arrival = { node: frame.node, path: frame.path, depth, number: this.#arrivals++ };
    const hit = this.#hit(arrival);
    const place = { status: "paused", at: "enter", path: frame.path, depth, label: labelOf(frame.node) } as const;
    const stops = until("enter", depth);
    if (!(breaking && hit !== undefined) && !stops) {
      this.#lastEnter = this.#moment;
      return undefined;
    }
    const known = hit === undefined ? place : { ...place, breakpoint: hit };
    this.#lastEnter = this.#moment;
    return known;
  }

  /** The first breakpoint that stops here; every one that is met counts. */
  #hit(arrival: Arrival): number | undefined {
    let first: number | undefined;
    this.#breakpoints.forEach((breakpoint, index) => {
      if (!isMet(breakpoint, arrival)) return;
      const hits = ++this.#hits[index];
      if (breakpoint.nth === undefined || breakpoint.nth === hits) first ??= index;
    });
    return first;
  }

  #leave(frame: Frame, value: RunValue, until: Until): DebugState | undefined {
    const depth = this.#stack.length;
    const label = labelOf(frame.node);
    this.#trace.push({ step: this.#left++, depth, path: frame.path, label, result: value });
    if (this.#trace.length > MAX_TRACE) this.#trace.shift();
    this.#started.delete(frame);
    this.#moment++;
    this.#stack.pop();
    this.#answer = value;
    if (this.#stack.length === 0) return { status: "finished", value };
    return until("leave", depth)
      ? { status: "paused", at: "leave", path: frame.path, depth, label, result: value }
      : undefined;
  }
}
