/**
 * Opcodes: the one table of the language's 107 ops, by code and by name.
 *
 * Not their computation (lowering/, evaluation/).
 * Invariant: codes and names are those of the original, for ever, and none stands twice. Source: RMIL §3.
 *
 * @module
 */
import { nearest } from "../../kernel/nearest.ts";
import { type AgentName, agentOps } from "./ops/agent.ts";
import { type ControlName, controlOps } from "./ops/control.ts";
import { type MathName, mathOps } from "./ops/math.ts";
import { type MemoryName, memoryOps } from "./ops/memory.ts";
import { type MetaName, metaOps } from "./ops/meta.ts";
import { type NeuralName, neuralOps } from "./ops/neural.ts";
import type { Family, OpRow } from "./ops/row.ts";
import { type SymbolicName, symbolicOps } from "./ops/symbolic.ts";

/** The name of an op. */
export type OpName = NeuralName | SymbolicName | ControlName | MemoryName | AgentName | MetaName | MathName;

/** Every row by name, in the original's order. */
export const OPS: Family<OpName> = {
  ...neuralOps,
  ...symbolicOps,
  ...controlOps,
  ...memoryOps,
  ...agentOps,
  ...metaOps,
  ...mathOps,
};

/** Names in the original's order. */
export const OP_NAMES: ReadonlyArray<OpName> = Object.keys(OPS) as ReadonlyArray<OpName>;

const rows: ReadonlyArray<OpRow> = Object.values(OPS);
const byCode = new Map<number, OpRow>(rows.map((row) => [row.code, row]));

/** Whether a text is an op's name. */
export const isOpName = (text: string): text is OpName => Object.hasOwn(OPS, text);

/** The row of an opcode; `undefined` where no op has it. */
export const opOf = (code: number): OpRow | undefined => byCode.get(code);

/** The row of a name; `undefined` where no op has it. */
export const opNamed = (name: string): OpRow | undefined => isOpName(name) ? OPS[name] : undefined;

/** The name of an opcode; `undefined` where no op has it. */
export const nameOf = (code: number): string | undefined => byCode.get(code)?.name;

/** Whether an opcode is in the table: what decoders of untrusted bytes ask. */
export const knows = (code: number): boolean => byCode.has(code);

/** Names that a misspelled one most likely meant, best first. */
export const nearestOps = (text: string, limit: number): ReadonlyArray<string> => nearest(text, OP_NAMES, limit);
