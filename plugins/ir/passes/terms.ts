/**
 * Terms: a function's arithmetic as an e-graph, every class with its type, its literal and what is known of its elements.
 *
 * Invariant: classes that are one have one type; what would have none is in the graph without a type, and is never taken
 * out of it.
 *
 * @module
 */
import { EGraph } from "../egraph/egraph.ts";
import { isIrFailure } from "../failures.ts";
import type { Attributes, Node } from "../graph.ts";
import { inferNode } from "../infer.ts";
import { isPrimitive, primitiveOf } from "../primitives.ts";
import type { DimensionSolver } from "../solver.ts";
import { printType, type TensorType, tensorType } from "../types.ts";
import type { Element } from "../value.ts";
import { literalElement } from "./algebra.ts";
import { nodeKey, TensorKeys } from "./emitter.ts";
import { knowledgeOf } from "./knowledge.ts";
import { CLASSES, type Literal } from "./pattern.ts";

/** Literals that laws may look for; each is a fact. */
export const LITERALS: ReadonlyArray<Literal> = [0, -0, 1, -1, 2, 3, 0.5, "true", "false", "ones"];
/** Classes of dtypes that laws may ask for; each is a fact. */
export const CLASS_NAMES = [
  "float",
  "integer",
  "signed",
  "unsigned",
  "signedNumber",
  "number",
  "bits",
  "bool",
] as const;
const KNOWN_BITS = 4;
/** Where the facts of literals begin. */
export const LITERAL_SHIFT: number = KNOWN_BITS;
/** Where the facts of classes begin. */
export const CLASS_SHIFT: number = LITERAL_SHIFT + LITERALS.length;
/** Where the number of the type stands; 0 for none. */
export const TYPE_SHIFT: number = CLASS_SHIFT + CLASS_NAMES.length;
const MAX_TYPES = 2 ** (31 - TYPE_SHIFT) - 1;
const KNOWN_MASK = 2 ** KNOWN_BITS - 1;

/** An operator of the e-graph. */
export type Operator =
  | { readonly k: "value"; readonly value: number; readonly type: TensorType; readonly known: number }
  | { readonly k: "splat"; readonly element: Element; readonly type: TensorType }
  | { readonly k: "like"; readonly literal: Literal }
  | { readonly k: "node"; readonly op: string; readonly attributes: Attributes };

/** More types than facts have room for; the function is left as it is. */
export class TooManyTypes extends Error {}

const literalBits = (element: Element, type: TensorType): number =>
  LITERALS.reduce<number>((bits, literal, i) => {
    const wanted = literalElement(literal, type);
    const same = typeof wanted === "bigint"
      ? typeof element !== "boolean" && Number.isFinite(Number(element)) && BigInt(element) === wanted
      : Object.is(wanted, element);
    return wanted !== undefined && same ? bits | (1 << (LITERAL_SHIFT + i)) : bits;
  }, 0);

const classBits = ({ dtype }: TensorType): number =>
  CLASS_NAMES.reduce((bits, name, i) => CLASSES[name](dtype) ? bits | (1 << (CLASS_SHIFT + i)) : bits, 0);

/** The terms of a function. */
export class Terms {
  /** What operators of the graph stand for, by number. */
  readonly operators: Operator[] = [];
  /** The graph; a class's facts are what is known of its elements, its classes of dtypes, and its type. */
  readonly graph: EGraph;
  private readonly byKey = new Map<string, number>();
  private readonly types: TensorType[] = [{ dtype: "bool", shape: [] }];
  private readonly typeNumbers = new Map<string, number>();
  private readonly inferred = new Map<string, TensorType | undefined>();
  private readonly keys = new TensorKeys();

  /** Without terms, under a function's equalities. */
  constructor(private readonly solver: DimensionSolver) {
    this.graph = new EGraph((operator, facts) => this.factsOf(operator, facts));
  }

  /** The operator of a key. */
  operator(key: string, make: () => Operator): number {
    const before = this.byKey.get(key);
    if (before !== undefined) return before;
    this.byKey.set(key, this.operators.length);
    return this.operators.push(make()) - 1;
  }

  /** Whether a value stands for itself. */
  isLeaf(value: number): boolean {
    return this.byKey.has(`value ${value}`);
  }

  /** The operator of a primitive with attributes; one that moves data is another one for every shape it moves. */
  nodeOperator(op: string, attributes: Attributes, from?: TensorType): number {
    const shape = from === undefined || !MOVES.has(op) ? "" : from.shape.map((size) => this.solver.normal(size)).join();
    const key = `${shape} ${nodeKey({ op, operands: [], attributes, functions: [] }, this.keys)}`;
    return this.operator(key, () => ({ k: "node", op, attributes }));
  }

  /** The type that facts hold. */
  typeOf(facts: number): TensorType {
    return this.types[facts >>> TYPE_SHIFT];
  }

  /** The number of a type. */
  private typeNumber(type: TensorType): number {
    const normal = tensorType(type.dtype, type.shape.map((size) => this.solver.normal(size)));
    const key = printType(normal);
    const before = this.typeNumbers.get(key);
    if (before !== undefined) return before;
    if (this.types.length > MAX_TYPES) throw new TooManyTypes();
    this.typeNumbers.set(key, this.types.length);
    return this.types.push(normal) - 1;
  }

  /** The facts of a type, with what is known. */
  private described(type: TensorType, known: number): number {
    return (this.typeNumber(type) << TYPE_SHIFT) | classBits(type) | known;
  }

  /** The facts of an operator over classes of some facts. */
  private factsOf(number: number, facts: ReadonlyArray<number>): number {
    const operator = this.operators[number];
    if (operator.k === "value") return this.described(operator.type, operator.known);
    if (operator.k === "splat") return this.described(operator.type, literalBits(operator.element, operator.type));
    if (operator.k === "like") {
      if (facts[0] >>> TYPE_SHIFT === 0) return 0;
      const type = likeType(operator.literal, this.typeOf(facts[0]));
      const element = literalElement(operator.literal, type);
      return element === undefined ? 0 : this.described(type, literalBits(element, type));
    }
    // What has no type gives none.
    if (facts.some((bits) => bits >>> TYPE_SHIFT === 0)) return 0;
    const types = facts.map((bits) => this.typeOf(bits));
    const result = this.resultOf(number, operator.op, operator.attributes, facts);
    if (result === undefined) return 0;
    const known = knowledgeOf(operator.op, {
      known: facts.map((bits) => bits & KNOWN_MASK),
      types,
      result,
      attributes: operator.attributes,
      same: false,
    });
    return this.described(result, known);
  }

  /** The type of a node's result; undefined where it has none. */
  private resultOf(
    number: number,
    op: string,
    attributes: Attributes,
    facts: ReadonlyArray<number>,
  ): TensorType | undefined {
    const key = `${number} ${facts.map((bits) => bits >>> TYPE_SHIFT).join()}`;
    if (!this.inferred.has(key)) {
      this.inferred.set(
        key,
        this.infer(
          op,
          attributes,
          facts.map((bits) => this.typeOf(bits)),
        ),
      );
    }
    return this.inferred.get(key);
  }

  /** The same, not remembered. */
  private infer(op: string, attributes: Attributes, types: ReadonlyArray<TensorType>): TensorType | undefined {
    try {
      return inferNode({ op, types, attributes, functions: [] }, this.solver).results[0];
    } catch (thrown) {
      if (isIrFailure(thrown)) return undefined;
      throw thrown;
    }
  }
}

const likeType = (literal: Literal, type: TensorType): TensorType =>
  literal === "true" || literal === "false" ? { dtype: "bool", shape: type.shape } : type;

/** Ops that move elements and do nothing else. */
export const MOVES: ReadonlySet<string> = new Set(["broadcast", "reshape", "transpose", "reverse"]);

/** Whether a node is a term over others; every other is a leaf. */
export const takesPart = (node: Node): boolean =>
  isPrimitive(node.op) && node.results.length === 1 && node.operands.length > 0 &&
  (MOVES.has(node.op) || (primitiveOf(node.op).loop === "elementwise"));
