/**
 * Contract: the types other plugins may name. The language's own functions are stateless (library.ts).
 *
 * @module
 */
export type { DecodeOptions, Program } from "./codec/v1.ts";
export type { Dtype } from "./dtype.ts";
export type { Attribute, Expression, Parameter } from "./expression.ts";
export type { OpName } from "./opcodes.ts";
export type { AttributeRow, OperandRow, OpRow, ParameterRow } from "./ops/row.ts";
export type { Hash64 } from "./siphash.ts";
export type { Symbols } from "./symbols.ts";
export type { Diagnostic, Span, TextEdit } from "./syntax/diagnostics.ts";
export type { Parsed, ParseOptions } from "./syntax/parser.ts";
export type { Dimension, Shape, Type } from "./types.ts";
export type { TensorValue, Value } from "./value.ts";
