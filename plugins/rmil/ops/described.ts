/**
 * Ops described: rows of the table as JSON, for operations and for `describe`.
 *
 * @module
 */
import type { Json, Topic } from "../../../kernel/mod.ts";
import { OPS } from "../opcodes.ts";
import { ATTRIBUTE_KINDS, INITIALISERS, OP_EFFECTS, OPERAND_KINDS, type OpRow } from "./row.ts";

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V };

/** An op in one line. */
export interface BriefOp {
  /** Name in source text. */
  readonly name: string;
  /** Wire code, `0x` and four digits. */
  readonly code: string;
  /** Family. */
  readonly family: string;
  /** What it computes. */
  readonly doc: string;
}

/** An op with all that its row says. */
export interface DescribedOp extends BriefOp {
  /** Operands in order; `takes` in words. */
  readonly operands: ReadonlyArray<Omit<OpRow["operands"][number], "takes"> & { readonly takes: string }>;
  /** Attributes in the order in which they bind by position. */
  readonly attributes: ReadonlyArray<{
    readonly name: string;
    readonly takes: string;
    readonly default?: Json;
    readonly named?: boolean;
    readonly doc: string;
  }>;
  /** Learned parameters. */
  readonly parameters: ReadonlyArray<{
    readonly name: string;
    readonly shape: ReadonlyArray<string>;
    readonly starts: string;
    readonly when?: string;
  }>;
  /** What it gives. */
  readonly result: string;
  /** Whether gradients flow through its float operands. */
  readonly differentiable: boolean;
  /** What it depends on and changes, in words. */
  readonly effect: string;
  /** Where the definition comes from. */
  readonly source: string;
}

/** An op in one line. */
export const briefOp = ({ name, code, family, doc }: OpRow): BriefOp => ({
  name,
  code: `0x${code.toString(16).padStart(4, "0")}`,
  family,
  doc,
});

/** All that a row says. */
export const opJson = (row: OpRow): DescribedOp => ({
  ...briefOp(row),
  operands: row.operands.map(({ takes, ...operand }) => ({ ...operand, takes: OPERAND_KINDS[takes] })),
  attributes: row.attributes.map(({ name, kind, doc, choices, named, default: preset }) => ({
    name,
    takes: choices === undefined ? ATTRIBUTE_KINDS[kind] : choices.map((choice) => `#${choice}`).join(" or "),
    ...given("default", preset as Json | undefined),
    ...given("named", named),
    doc,
  })),
  parameters: row.parameters.map(({ name, shape, init, when }) => ({
    name,
    shape,
    starts: INITIALISERS[init],
    ...given("when", when),
  })),
  result: row.result,
  differentiable: row.differentiable,
  effect: OP_EFFECTS[row.effect].doc,
  source: row.source,
});

const rows: ReadonlyArray<OpRow> = Object.values(OPS);

/** What `describe` says about every op, as `rmil.op.` and its constant: `rmil.op.LINEAR`. */
export const opTopics: ReadonlyArray<Topic> = rows.map((row) => ({
  id: `rmil.op.${row.constant}`,
  summary: row.doc,
  topic: opJson(row) as unknown as Json,
}));
