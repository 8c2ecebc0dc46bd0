/**
 * Contract: the types other plugins may name, and the services that they may provide to programs: logic and other agents.
 * The language's own functions are stateless (library.ts).
 *
 * Invariant: a run takes its logic and its agents from whoever provides them, and from small ones of its own where nobody
 * does, so that no program depends on what is installed.
 *
 * @module
 */
import * as Context from "effect/Context";
import type { AgentPort } from "./agent_port.ts";
import type { Symbolic } from "./symbolic.ts";

export type { AgentPort, Behaviour, Delivered } from "./agent_port.ts";
export type { DecodeOptions, Program } from "./codec/v1.ts";
export type { Dtype } from "./dtype.ts";
export type { Attribute, Expression, Parameter } from "./expression.ts";
export type { OpName } from "./opcodes.ts";
export type { AttributeRow, OperandRow, OpRow, ParameterRow } from "./ops/row.ts";
export type { Hash64 } from "./siphash.ts";
export type { Bounds, Clause, Knowledge, Rewriting, Search, Substitution, Symbolic, Term } from "./symbolic.ts";
export type { Symbols } from "./symbols.ts";
export type { Diagnostic, Span, TextEdit } from "./syntax/diagnostics.ts";
export type { Parsed, ParseOptions } from "./syntax/parser.ts";
export type { Dimension, Shape, Type } from "./types.ts";
export type { TensorValue, Value } from "./value.ts";

const LogicBase: Context.ServiceClass<Logic, "rmi/rmil/Logic", Symbolic> = Context.Service<Logic, Symbolic>()(
  "rmi/rmil/Logic",
);

/** The logic that symbolic ops run on. */
export class Logic extends LogicBase {}

/** A network of agents that programs can take part in. */
export interface AgentNetwork {
  /** The port of the agent of a name; a run takes part under the name of who called it. */
  readonly port: (self: string) => AgentPort;
}

const AgentsBase: Context.ServiceClass<Agents, "rmi/rmil/Agents", AgentNetwork> = Context.Service<
  Agents,
  AgentNetwork
>()("rmi/rmil/Agents");

/** The agents that agent ops talk to. */
export class Agents extends AgentsBase {}
