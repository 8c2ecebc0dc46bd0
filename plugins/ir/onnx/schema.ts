/**
 * Schema: the messages of ONNX, as tables and types. Field numbers are those of onnx.proto (IR version 10).
 *
 * Not all of them: documentation, metadata and training records are not read.
 *
 * @module
 */
import type { Field, FieldKind, MessageTable, WireInteger } from "./protobuf.ts";

/** Part of an external reference or of metadata. */
export interface EntryProto {
  /** Name. */
  readonly key?: string;
  /** Text. */
  readonly value?: string;
}

/** A literal tensor. */
export interface TensorProto {
  /** Sizes. */
  readonly dims: ReadonlyArray<WireInteger>;
  /** Number of its element type. */
  readonly dataType?: WireInteger;
  /** f32 elements. */
  readonly floatData: ReadonlyArray<number>;
  /** Elements of up to 32 bits, and bits of two-byte floats. */
  readonly int32Data: ReadonlyArray<WireInteger>;
  /** i64 elements. */
  readonly int64Data: ReadonlyArray<WireInteger>;
  /** f64 elements. */
  readonly doubleData: ReadonlyArray<number>;
  /** u32 and u64 elements. */
  readonly uint64Data: ReadonlyArray<WireInteger>;
  /** Texts. */
  readonly stringData: ReadonlyArray<Uint8Array>;
  /** Name, for an initialiser. */
  readonly name?: string;
  /** Packed little-endian elements, instead of the lists. */
  readonly rawData?: Uint8Array;
  /** Where the data is, if it is not here. */
  readonly externalData: ReadonlyArray<EntryProto>;
  /** 1 where the data is elsewhere. */
  readonly dataLocation?: WireInteger;
}

/** One size of a shape. */
export interface DimensionProto {
  /** A number. */
  readonly dimValue?: WireInteger;
  /** A name. */
  readonly dimParam?: string;
}

/** A type. */
export interface TypeProto {
  /** A tensor's. */
  readonly tensorType?: {
    readonly elemType?: WireInteger;
    readonly shape?: { readonly dim: ReadonlyArray<DimensionProto> };
  };
  /** A sequence's. */
  readonly sequenceType?: { readonly elemType?: TypeProto };
  /** A map's. */
  readonly mapType?: { readonly keyType?: WireInteger };
  /** An optional's. */
  readonly optionalType?: { readonly elemType?: TypeProto };
}

/** A named and typed value. */
export interface ValueInfoProto {
  /** Its name. */
  readonly name?: string;
  /** Its type. */
  readonly type?: TypeProto;
}

/** An attribute of a node. */
export interface AttributeProto {
  /** Its name. */
  readonly name?: string;
  /** A float. */
  readonly f?: number;
  /** An integer. */
  readonly i?: WireInteger;
  /** A text. */
  readonly s?: Uint8Array;
  /** A tensor. */
  readonly t?: TensorProto;
  /** A graph. */
  readonly g?: GraphProto;
  /** Floats. */
  readonly floats: ReadonlyArray<number>;
  /** Integers. */
  readonly ints: ReadonlyArray<WireInteger>;
  /** Texts. */
  readonly strings: ReadonlyArray<Uint8Array>;
  /** Which of them it is. */
  readonly type?: WireInteger;
  /** The attribute of the function around it that it stands for. */
  readonly refAttrName?: string;
}

/** One operation. */
export interface NodeProto {
  /** Names of what it takes; empty for an optional one that is absent. */
  readonly input: ReadonlyArray<string>;
  /** Names of what it makes. */
  readonly output: ReadonlyArray<string>;
  /** Its name. */
  readonly name?: string;
  /** Its operator. */
  readonly opType?: string;
  /** Its operator's set; empty for the standard one. */
  readonly domain?: string;
  /** What else it is told. */
  readonly attribute: ReadonlyArray<AttributeProto>;
}

/** A graph: nodes in order. */
export interface GraphProto {
  /** Nodes. */
  readonly node: ReadonlyArray<NodeProto>;
  /** Its name. */
  readonly name?: string;
  /** Literal tensors by name. */
  readonly initializer: ReadonlyArray<TensorProto>;
  /** Sparse literals. */
  readonly sparseInitializer: ReadonlyArray<object>;
  /** What it takes. */
  readonly input: ReadonlyArray<ValueInfoProto>;
  /** What it makes. */
  readonly output: ReadonlyArray<ValueInfoProto>;
}

/** Version of an operator set. */
export interface OperatorSetProto {
  /** The set; empty for the standard one. */
  readonly domain?: string;
  /** Its version. */
  readonly version?: WireInteger;
}

/** A function of the model. */
export interface FunctionProto {
  /** Its name: an operator. */
  readonly name?: string;
  /** Its set. */
  readonly domain?: string;
  /** Names of what it takes. */
  readonly input: ReadonlyArray<string>;
  /** Names of what it makes. */
  readonly output: ReadonlyArray<string>;
  /** Names of its attributes without default. */
  readonly attribute: ReadonlyArray<string>;
  /** Its attributes with default. */
  readonly attributeProto: ReadonlyArray<AttributeProto>;
  /** Nodes. */
  readonly node: ReadonlyArray<NodeProto>;
  /** The operator sets it is written in. */
  readonly opsetImport: ReadonlyArray<OperatorSetProto>;
}

/** A whole file. */
export interface ModelProto {
  /** Version of the format. */
  readonly irVersion?: WireInteger;
  /** Operator sets. */
  readonly opsetImport: ReadonlyArray<OperatorSetProto>;
  /** What wrote it. */
  readonly producerName?: string;
  /** Its version. */
  readonly producerVersion?: string;
  /** The graph. */
  readonly graph?: GraphProto;
  /** Functions. */
  readonly functions: ReadonlyArray<FunctionProto>;
}

const table = (fields: { readonly [name: string]: readonly [number, FieldKind, "repeated"?] }): MessageTable =>
  new Map(
    Object.entries(fields)
      .map(([name, [number, kind, repeated]]): [number, Field] => [number, {
        name,
        kind,
        repeated: repeated !== undefined,
      }])
      .sort(([a], [b]) => a - b),
  );

const message = (of: () => MessageTable): FieldKind => ({ message: of });

const ENTRY: MessageTable = table({ key: [1, "string"], value: [2, "string"] });

/** Table of {@link TensorProto}. */
export const TENSOR: MessageTable = table({
  dims: [1, "int", "repeated"],
  dataType: [2, "int"],
  floatData: [4, "float", "repeated"],
  int32Data: [5, "int", "repeated"],
  stringData: [6, "bytes", "repeated"],
  int64Data: [7, "int", "repeated"],
  name: [8, "string"],
  rawData: [9, "bytes"],
  doubleData: [10, "double", "repeated"],
  uint64Data: [11, "int", "repeated"],
  externalData: [13, message(() => ENTRY), "repeated"],
  dataLocation: [14, "int"],
});

const DIMENSION: MessageTable = table({ dimValue: [1, "int"], dimParam: [2, "string"] });
const SHAPE: MessageTable = table({ dim: [1, message(() => DIMENSION), "repeated"] });
const TENSOR_TYPE: MessageTable = table({ elemType: [1, "int"], shape: [2, message(() => SHAPE)] });
const CONTAINER: MessageTable = table({ elemType: [1, message(() => TYPE)] });
const MAP: MessageTable = table({ keyType: [1, "int"] });

const TYPE: MessageTable = table({
  tensorType: [1, message(() => TENSOR_TYPE)],
  sequenceType: [4, message(() => CONTAINER)],
  mapType: [5, message(() => MAP)],
  optionalType: [9, message(() => CONTAINER)],
});

const VALUE_INFO: MessageTable = table({ name: [1, "string"], type: [2, message(() => TYPE)] });

const ATTRIBUTE: MessageTable = table({
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int"],
  s: [4, "bytes"],
  t: [5, message(() => TENSOR)],
  g: [6, message(() => GRAPH)],
  floats: [7, "float", "repeated"],
  ints: [8, "int", "repeated"],
  strings: [9, "bytes", "repeated"],
  type: [20, "int"],
  refAttrName: [21, "string"],
});

const NODE: MessageTable = table({
  input: [1, "string", "repeated"],
  output: [2, "string", "repeated"],
  name: [3, "string"],
  opType: [4, "string"],
  attribute: [5, message(() => ATTRIBUTE), "repeated"],
  domain: [7, "string"],
});

const GRAPH: MessageTable = table({
  node: [1, message(() => NODE), "repeated"],
  name: [2, "string"],
  initializer: [5, message(() => TENSOR), "repeated"],
  input: [11, message(() => VALUE_INFO), "repeated"],
  output: [12, message(() => VALUE_INFO), "repeated"],
  sparseInitializer: [15, message(() => new Map()), "repeated"],
});

const OPERATOR_SET: MessageTable = table({ domain: [1, "string"], version: [2, "int"] });

const FUNCTION: MessageTable = table({
  name: [1, "string"],
  input: [4, "string", "repeated"],
  output: [5, "string", "repeated"],
  attribute: [6, "string", "repeated"],
  node: [7, message(() => NODE), "repeated"],
  opsetImport: [9, message(() => OPERATOR_SET), "repeated"],
  domain: [10, "string"],
  attributeProto: [11, message(() => ATTRIBUTE), "repeated"],
});

/** Table of {@link ModelProto}. */
export const MODEL: MessageTable = table({
  irVersion: [1, "int"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  graph: [7, message(() => GRAPH)],
  opsetImport: [8, message(() => OPERATOR_SET), "repeated"],
  functions: [25, message(() => FUNCTION), "repeated"],
});

/** Number of each kind of attribute. */
export const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const;
