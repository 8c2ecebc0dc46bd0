/**
 * Contract: the types other plugins may name. The IR has no services: its functions are stateless (library.ts).
 *
 * @module
 */
export type { Dimension } from "./dimension.ts";
export type { IrCode, IrFailure } from "./failures.ts";
export type { Attribute, Attributes, IrFunction, Node, Parameter, Program } from "./graph.ts";
export type { LoopForm, Primitive, PrimitiveCost } from "./primitive.ts";
export type { Constraint } from "./solver.ts";
export type { ConcreteType, Dtype, Shape, TensorType } from "./types.ts";
export type { Tensor, TensorData } from "./value.ts";
