/**
 * Library: what other plugins import of the language: pure, stateless functions and their types.
 *
 * Functions throw failures of this room's catalogue on bad input.
 *
 * @module
 */
export * from "./contract.ts";
export { fromAst, toAst, typeFromAst, typeToAst, valueFromAst, valueToAst } from "./ast.ts";
export {
  andThen,
  type AttributeInput,
  cond,
  Flow,
  flow,
  identity,
  literal,
  mapOver,
  op,
  par,
  type Part,
  repeat,
  residual,
  rmil,
} from "./builders.ts";
export { check, checkAll, type Checked, type CheckOptions, type JudgedParameter, type Judgement } from "./check.ts";
export { anatomy, type BytePart } from "./codec/anatomy.ts";
export { type AnyProgram, decodeAny, decodeTree, encodeAny, type Form, type WireVersion } from "./codec/any.ts";
export {
  anyOpcode,
  decodeExpression as decodeExpressionV1,
  decodeProgram as decodeProgramV1,
  encodeExpression as encodeExpressionV1,
  encodeProgram as encodeProgramV1,
  wireSize,
} from "./codec/v1.ts";
export {
  decodeExpression,
  decodeProgram,
  encodeExpression,
  encodeProgram,
  programDigest,
  ProgramStream,
  type StreamOptions,
} from "./codec/v2.ts";
export { type DtypeRow, DTYPES } from "./dtype.ts";
export {
  app,
  block,
  call,
  equalExpressions,
  EXPRESSION_TAGS,
  lam,
  letIn,
  lit,
  MAX_DEPTH,
  MAX_NODES,
  nodeCount,
  opcodesOf,
  ref,
  seq,
  Tag,
  withChildren,
} from "./expression.ts";
export {
  COSTS as EXPRESSION_COSTS,
  optimise as optimiseExpression,
  type Optimised as OptimisedExpression,
  type OptimiseOptions as OptimiseExpressionOptions,
} from "./egraph/optimise.ts";
export { rmilFailures } from "./failures.ts";
export { type LiftedProgram, liftProgram, MAX_LIFTED_ELEMENTS } from "./lowering/lift.ts";
export type { OutputForm } from "./lowering/items.ts";
export { hiddenScore, joinHeads, splitHeads } from "./lowering/layers.ts";
export {
  type Cell,
  type CellName,
  CELLS,
  type CellUse,
  turned,
  withDistances,
  withWaves,
} from "./lowering/sequence.ts";
export { applyOp, type NeededParameter, type OpUse, type OpValues } from "./lowering/tensor_op.ts";
export {
  type LoweredParameter,
  type LoweredProgram,
  type LowerOptions,
  lowerProgram,
  SEED_NAME,
} from "./lowering/program.ts";
export { type HostFunction, HostFunctions } from "./hosts/functions.ts";
export { mathPrelude } from "./hosts/prelude.ts";
export { LocalAgents } from "./agent_port.ts";
export { run, runNow, type RunOptions, type RunResult } from "./interpreter.ts";
export { symbolicDefault } from "./symbolic_default.ts";
export { contentHash, typeHash, valueHash } from "./hash.ts";
export { Interner } from "./intern.ts";
export { isOpName, knows, nameOf, nearestOps, OP_NAMES, opNamed, opOf, OPS } from "./opcodes.ts";
export { bindArguments, type Bound } from "./ops/arguments.ts";
export {
  attribute,
  ATTRIBUTE_KINDS,
  type AttributeKind,
  type AttributeValue,
  FAMILIES,
  type Initialiser,
  INITIALISERS,
  OP_EFFECTS,
  OPERAND_KINDS,
} from "./ops/row.ts";
export { PATTERNS } from "./patterns.ts";
export { type GivenProgram, programFrom, ProgramSource, toRead } from "./program_source.ts";
export { type Marked, marked, type Moved, moveParameters, movesOf, unmarked } from "./rewriting/lineage.ts";
export { showHash } from "./siphash.ts";
export { format } from "./syntax/format.ts";
export { showName } from "./syntax/lexer.ts";
export { parse, parseSource } from "./syntax/parser.ts";
export { print, printType, printValue } from "./syntax/printer.ts";
export { editAtPath, nodeAtPath, type Placed, placedNodes } from "./tools/ast_path.ts";
export { alphaDigest, canonical, movedInto } from "./tools/canonical.ts";
export { type Patch as ProgramPatch } from "./tools/diff.ts";
export { applyPatch as applyProgramPatch, patchFromJson as programPatchFromJson } from "./tools/patch.ts";
export { Symbols } from "./symbols.ts";
export { elementCount, equalTypes, isDifferentiable, showType } from "./types.ts";
export * as values from "./value.ts";
export { readValue, showValue, ValueJson } from "./value_json.ts";
