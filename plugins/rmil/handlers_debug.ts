/**
 * Handler of the debugger's operation: commands in, places and values out, as text.
 *
 * Not interactive: an agent gives commands, looks, and calls again with more; a run is the same each time.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  Budget,
  type CallContext,
  type CapsOf,
  type Failure,
  isFailure,
  type KernelFailure,
} from "../../kernel/mod.ts";
import { attempting } from "./attempting.ts";
import type { Program } from "./codec/v1.ts";
import { type Expression, Tag } from "./expression.ts";
import { badText, unknownOp } from "./failures.ts";
import { grantedTo, hostsFrom, type HostsGiven } from "./hosts/operations.ts";
import { type GivenProgram, programAt, type ProgramKind, programToRun } from "./program_source.ts";
import { nearestOps, opNamed } from "./opcodes.ts";
import type { ToolFailure } from "./operations_tools.ts";
import type { RunOptions } from "./interpreter.ts";
import { describeValue, isPlain, type RunValue } from "./interpreter/run_value.ts";
import type { Symbols } from "./symbols.ts";
import { printValue } from "./syntax/printer.ts";
import { surroundings } from "./surroundings.ts";
import type { Breakpoint } from "./tools/breakpoints.ts";
import { Debugger, type DebugState } from "./tools/debugger.ts";
import type { Value } from "./value.ts";

/** A breakpoint as callers spell it: ops and symbols by name. */
export type BreakpointGiven =
  | { readonly on: "op"; readonly op: string; readonly nth?: number }
  | { readonly on: "symbol"; readonly symbol: string; readonly nth?: number }
  | Exclude<Breakpoint, { readonly on: "op" | "symbol" }>;

/** What `rmil.debug` is given. */
export interface DebugInput {
  /** The program. */
  readonly program: GivenProgram;
  /** What to do, in order. */
  readonly commands: ReadonlyArray<"continue" | "in" | "over" | "out" | "back">;
  /** Where to stop. */
  readonly breakpoints?: ReadonlyArray<BreakpointGiven>;
  /** What to look at, at each stop. */
  readonly watches?: ReadonlyArray<string>;
  /** Values by name. */
  readonly inputs?: { readonly [name: string]: string };
  /** Where randomness starts. */
  readonly seed?: string | number;
  /** Most steps. */
  readonly fuel?: number;
  /** Operations that the program calls as functions. */
  readonly hosts?: HostsGiven;
  /** Kinds that a stored program may need. */
  readonly allow?: ReadonlyArray<ProgramKind>;
}

/** Where a command has led. */
export interface DebugStop {
  /** The command. */
  readonly command: string;
  /** How the run stands. */
  readonly status: DebugState["status"];
  /** Before or after the node. */
  readonly at?: "enter" | "leave";
  /** The node's path. */
  readonly path?: string;
  /** Its depth. */
  readonly depth?: number;
  /** Its label. */
  readonly label?: string;
  /** The breakpoint that stopped the run. */
  readonly breakpoint?: number;
  /** What the node or the program gave. */
  readonly value?: string;
  /** Why the run failed. */
  readonly failure?: { readonly code: string; readonly path: string; readonly message: string };
  /** Names in scope. */
  readonly scope: { readonly [name: string]: string };
  /** Watches by their text. */
  readonly watches: { readonly [source: string]: string };
}

/** Longest text of a value. */
export const MAX_VALUE_TEXT = 1000;

const shown = (value: RunValue, symbols: Symbols): string => {
  const text = isPlain(value) ? printValue(value, symbols) : describeValue(value);
  return text.length <= MAX_VALUE_TEXT ? text : `${text.slice(0, MAX_VALUE_TEXT)}…`;
};

const breakpointOf = (given: BreakpointGiven, symbols: Symbols, path: string): Breakpoint => {
  const nth = given.nth === undefined ? {} : { nth: given.nth };
  if (given.on === "symbol") return { on: "symbol", symbol: symbols.intern(given.symbol), ...nth };
  if (given.on !== "op") return given;
  const row = opNamed(given.op);
  if (row === undefined) throw unknownOp({ name: given.op, path, suggestions: nearestOps(given.op, 3) });
  return { on: "op", opcode: row.code, ...nth };
};

const inputOf = (source: string, symbols: Symbols, path: string): Value => {
  const { root } = programAt(source, path, symbols);
  if (root.tag !== Tag.Lit) throw badText({ what: "input", reason: "a value is expected, not a computation", path });
  return root.value;
};

type Watch = { readonly source: string; readonly expression: Expression };

interface Session {
  readonly debugged: Debugger;
  readonly symbols: Symbols;
  readonly watches: ReadonlyArray<Watch>;
}

const opened = (input: DebugInput, program: Program, around: RunOptions): Session => {
  const { symbols } = program;
  const breakpoints = (input.breakpoints ?? []).map((each, i) => breakpointOf(each, symbols, `/breakpoints/${i}`));
  const watches = (input.watches ?? []).map((source, i) => ({
    source,
    expression: programAt(source, `/watches/${i}`, symbols).root,
  }));
  const inputs = Object.fromEntries(
    Object.entries(input.inputs ?? {}).map(([name, text]) => [name, inputOf(text, symbols, `/inputs/${name}`)]),
  );
  const seed = input.seed === undefined ? {} : { seed: input.seed };
  const options = { ...around, inputs, ...seed };
  return { debugged: new Debugger(program, options, breakpoints), symbols, watches };
};

const watched = ({ debugged, symbols }: Session, expression: Expression): string => {
  try {
    return shown(debugged.watch(expression), symbols);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    return `(${thrown.code}) ${thrown.message}`;
  }
};

const stopOf = (command: string, state: DebugState, session: Session): DebugStop => {
  const { debugged, symbols, watches } = session;
  const scope = Object.fromEntries([...debugged.scope].map(([name, value]) => [name, shown(value, symbols)]));
  const looked = Object.fromEntries(watches.map(({ source, expression }) => [source, watched(session, expression)]));
  const known = { command, status: state.status, scope, watches: looked };
  if (state.status === "finished") return { ...known, value: shown(state.value, symbols) };
  if (state.status === "failed") {
    const { code, path, message } = state.failure;
    return { ...known, failure: { code, path, message } };
  }
  const { at, path, depth, label, breakpoint, result } = state;
  return {
    ...known,
    at,
    path,
    depth,
    label,
    ...(breakpoint === undefined ? {} : { breakpoint }),
    ...(result === undefined ? {} : { value: shown(result, symbols) }),
  };
};

const COMMANDS = {
  continue: (debugged: Debugger) => debugged.continue,
  in: (debugged: Debugger) => debugged.stepIn,
  over: (debugged: Debugger) => debugged.stepOver,
  out: (debugged: Debugger) => debugged.stepOut,
  back: (debugged: Debugger) => debugged.stepBack,
} as const;

/** Everything that programs and their tools fail with is of this room. */
const ours = <A>(effect: Effect.Effect<A, Failure>): Effect.Effect<A, ToolFailure> =>
  effect as Effect.Effect<A, ToolFailure>;

/** Answers `rmil.debug`. */
export const handleDebug = (
  input: DebugInput,
): Effect.Effect<
  { readonly stops: ReadonlyArray<DebugStop>; readonly steps: number },
  ToolFailure | KernelFailure,
  Budget | CallContext | CapsOf<"readLocal">
> =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const left = account.remaining().fuel;
    const program = yield* programToRun(input.program, input.allow);
    const hosts = yield* hostsFrom(input.hosts, program.symbols, "looking");
    const fuel = Math.min(input.fuel ?? left, left);
    const around = { ...yield* surroundings, hosts, granted: grantedTo(input.hosts), fuel };
    const session = yield* attempting(() => opened(input, program, around));
    const { debugged } = session;
    const stops: Array<DebugStop> = [];
    for (const command of input.commands) {
      const before = debugged.work;
      const state = yield* ours(COMMANDS[command](debugged));
      // Replays cost as much as the first time.
      yield* account.spend("fuel", debugged.work - before);
      stops.push(stopOf(command, state, session));
    }
    return { stops, steps: debugged.stepCount };
  });
