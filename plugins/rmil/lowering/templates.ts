/**
 * Templates: lowerings of ops at the types that stand in a program, to be found there again.
 *
 * Invariant: a template is what the op's row lowers to, nothing else; the search is bounded by kinds of types and by
 * templates made.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import type { Attribute, Attributes, IrFunction, Program, Tensor, TensorType } from "../../ir/contract.ts";
import { firstResults, functionOf, isFloat, isTensor, printType, toBytes, valueTypes } from "../../ir/library.ts";
import { fromCarrier } from "../interpreter/run_value.ts";
import { LOWERINGS } from "../lowering.ts";
import { type OpName, OPS } from "../opcodes.ts";
import type { AttributeValue } from "../ops/row.ts";
import { type TensorOperand, tensorProgram } from "./tensor_op.ts";

/** An op's lowering at some types. */
export interface Template {
  /** The op. */
  readonly op: OpName;
  /** Attributes it was lowered with, those that are not the default. */
  readonly attributes: { readonly [name: string]: AttributeValue };
  /** The program: operands, then parameters given as arguments. */
  readonly program: Program;
  /** Its entry. */
  readonly fn: IrFunction;
  /** Types of the entry's values. */
  readonly types: ReadonlyArray<TensorType>;
}

/** Most kinds of types of a program that are tried as operands. */
export const MAX_OPERAND_TYPES = 32;

/** Most templates tried for one program. */
export const MAX_TEMPLATES = 8000;

/** Whether attributes are the same, literals by their bits. */
export const sameAttributes = (a: Attributes, b: Attributes): boolean => {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => sameAttribute(a[name], b[name]));
};

const sameAttribute = (a: Attribute, b: Attribute | undefined): boolean => {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameAttribute(item, b[i]));
  }
  if (isTensor(a)) return isTensor(b) && sameTensor(a as Tensor, b as Tensor);
  return Object.is(a, b);
};

const sameTensor = (a: Tensor, b: Tensor): boolean =>
  printType(a) === printType(b) && toBytes(a).every(function (this: Uint8Array, byte, i) {
    return byte === this[i];
  }, toBytes(b));

type Settings = { readonly [name: string]: AttributeValue };

const tries = (...settings: ReadonlyArray<Settings>): ReadonlyArray<Settings> => settings;

/** Settings that are tried for an op besides its defaults, from the type of its first operand. */
const SETTINGS: {
  readonly [op: string]: (x: TensorType, kinds: ReadonlyArray<TensorType>) => ReadonlyArray<Settings>;
} = {
  softmax: ({ shape }) => shape.map((_, axis) => ({ axis })),
  gelu: () => tries({ approximate: true }),
  linear: (_, kinds) => lastSizes(kinds).flatMap((width) => tries({ width }, { width, bias: false })),
  layer_norm: () => tries({ affine: false }),
  rms_norm: () => tries({ affine: false }),
  batch_norm: () => tries({ affine: false }),
  group_norm: () => tries({ groups: 2 }, { groups: 4 }, { affine: false }, { groups: 2, affine: false }),
  instance_norm: () => tries({ affine: false }),
  avg_pool: () => tries({ window: 3 }, { window: 3, stride: 1, padding: 1 }, { window: 2, stride: 1 }),
  res_cat: ({ shape }) => shape.map((_, axis) => ({ axis })),
  embed: (_, kinds) => lastSizes(kinds).map((width) => ({ width })),
  rnn: (_, kinds) => lastSizes(kinds).map((width) => ({ width })),
  gru: (_, kinds) => lastSizes(kinds).map((width) => ({ width })),
  adaptive_pool: () => tries({ size: [2, 2] }, { kind: "max" }, { size: [2, 2], kind: "max" }),
  ...Object.fromEntries(
    ["mse_loss", "bce_loss", "huber_loss", "kl_div", "cross_entropy", "nll_loss"].map((op) => [
      op,
      () =>
        tries(
          { reduction: "sum" },
          { reduction: "none" },
          ...(op === "bce_loss" ? tries({ logits: true }, { logits: true, reduction: "sum" }) : []),
        ),
    ]),
  ),
};

const lastSizes = (kinds: ReadonlyArray<TensorType>): ReadonlyArray<number> => [
  ...new Set(kinds.flatMap(({ shape }) => typeof shape.at(-1) === "number" ? [shape.at(-1) as number] : [])),
];

const operandOf = ({ dtype, shape }: TensorType): TensorOperand => ({
  dtype: fromCarrier(dtype),
  shape,
  weak: shape.length === 0,
});

const fits = (takes: string, { dtype }: TensorType): boolean =>
  takes === "float"
    ? isFloat(dtype)
    : takes === "index"
    ? dtype === "i64" || dtype === "i32"
    : takes === "flag"
    ? dtype === "bool"
    : true;

/** Lists of types for an op's operands: with and without the optional ones, all floats of one dtype. */
const operandLists = (op: OpName, kinds: ReadonlyArray<TensorType>): ReadonlyArray<ReadonlyArray<TensorType>> => {
  const { operands } = OPS[op];
  const least = operands.filter(({ optional }) => optional !== true).length;
  let lists: ReadonlyArray<ReadonlyArray<TensorType>> = [[]];
  const found: Array<ReadonlyArray<TensorType>> = [];
  for (let i = 0; i < operands.length; i++) {
    lists = lists.flatMap((list) =>
      kinds.filter((kind) => fits(operands[i].takes, kind) && goesWith(kind, list, i)).map((kind) => [...list, kind])
    );
    if (i + 1 >= least) found.push(...lists);
  }
  return found;
};

/** Operands after the second are like the first, or scalars; floats are of one dtype. */
const goesWith = (kind: TensorType, [first]: ReadonlyArray<TensorType>, place: number): boolean => {
  if (first === undefined) return true;
  if (isFloat(first.dtype) && isFloat(kind.dtype) && first.dtype !== kind.dtype) return false;
  return place < 2 || kind.shape.length === 0 || printType(kind) === printType(first);
};

/** The shape that shapes broadcast to; undefined where they do not. */
const broadcastOf = (shapes: ReadonlyArray<TensorType["shape"]>): TensorType["shape"] | undefined => {
  const rank = Math.max(...shapes.map(({ length }) => length));
  const sizes = Array.from({ length: rank }, (_, axis) => {
    const wide = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((size) => size !== 1);
    return wide.every((size) => size === wide[0]) ? wide[0] ?? 1 : undefined;
  });
  return sizes.every((size) => size !== undefined) ? sizes : undefined;
};

/** Whether an op's lowering at some types can stand among values of given types, as far as that is plain. */
const isPlausible = (op: OpName, types: ReadonlyArray<TensorType>, present: ReadonlySet<string>): boolean => {
  const { operands, family } = OPS[op];
  if (operands.some(({ shape }) => shape !== undefined) || family === "Memory") return true;
  const shape = broadcastOf(types.map((type) => type.shape));
  if (shape === undefined) return false;
  return family !== "Math" || present.has(printType({ dtype: types[0].dtype, shape }));
};

const made = (op: OpName, types: ReadonlyArray<TensorType>, attributes: Settings): Template | undefined => {
  const row = OPS[op];
  try {
    const lowered = tensorProgram({
      row,
      operands: row.operands.map((_, i) => types[i] && operandOf(types[i])),
      rest: [],
      given: new Map(),
      attributes,
      training: false,
    });
    // Parameters are given as the arguments after all operands, so none of these may be left out.
    if (lowered.tuple || (lowered.parameters.length > 0 && types.length < row.operands.length)) return undefined;
    const fn = functionOf(lowered.program);
    return { op, attributes, program: lowered.program, fn, types: valueTypes(fn) };
  } catch (thrown) {
    if (isFailure(thrown)) return undefined;
    throw thrown;
  }
};

/** Ops whose lowering is one node that the caller knows better, or whose arguments are not a fixed list. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "concat",
  "reshape",
  "transpose",
  "slice",
  "gather",
  "scatter",
  "conv2d",
  "max_pool",
  "drop",
]);

/** Nodes that a lowering has or has not, depending on its operands' shapes and dtypes. */
const AS_SHAPES_NEED: ReadonlySet<string> = new Set(["broadcast", "reshape", "transpose", "cast", "constant"]);

const NAMES = Object.keys(LOWERINGS).filter((name) => !LEFT_OUT.has(name)) as ReadonlyArray<OpName>;

/** Templates of one program, found by the node and type they end in. */
export class Templates {
  private readonly byEnd = new Map<string, Template[]>();
  private readonly present: ReadonlySet<string>;
  private made = 0;

  /** Makes the templates for a program whose values have some types. */
  constructor(program: Program, types: ReadonlyArray<TensorType>) {
    this.present = new Set([...program.functions.values()].flatMap((fn) => fn.nodes.map(({ op }) => op)));
    const kinds = [...new Map(types.map((kind) => [printType(kind), kind])).values()].slice(0, MAX_OPERAND_TYPES);
    const printed = new Set(kinds.map(printType));
    for (const op of NAMES) this.add(op, kinds, printed);
    for (const list of this.byEnd.values()) list.sort((a, b) => b.fn.nodes.length - a.fn.nodes.length);
  }

  /** Makes an op's templates, as far as the program has the nodes they need. */
  private add(op: OpName, kinds: ReadonlyArray<TensorType>, printed: ReadonlySet<string>): void {
    const hopeless = new Set<string>();
    for (const types of operandLists(op, kinds)) {
      if (!isPlausible(op, types, printed)) continue;
      for (const attributes of [{}, ...(SETTINGS[op]?.(types[0], kinds) ?? [])]) {
        const kind = `${Object.keys(attributes).join()} ${types.map(({ dtype }) => dtype).join()}`;
        if (hopeless.has(kind) || this.made >= MAX_TEMPLATES) continue;
        this.made++;
        const template = made(op, types, attributes);
        if (template === undefined || template.fn.nodes.length === 0) continue;
        // An op that needs nodes the program does not have will not stand in it at other shapes either.
        const fits = template.fn.nodes.every((node) => this.present.has(node.op));
        if (fits) this.keep(template);
        else if (!this.hasCore(template)) hopeless.add(kind);
      }
    }
  }

  /** Whether the program has the nodes that the op needs at any shapes. */
  private hasCore(template: Template): boolean {
    return template.fn.nodes.every(({ op }) => AS_SHAPES_NEED.has(op) || this.present.has(op));
  }

  /** Files a template under the node and type that it ends in. */
  private keep(template: Template): void {
    const { fn, types } = template;
    const [end] = fn.returns;
    const firsts = firstResults(fn);
    const maker = fn.nodes.findLast((_, i) => firsts[i] <= end);
    if (maker === undefined) return;
    const key = `${maker.op} ${printType(types[end])}`;
    this.byEnd.set(key, [...this.byEnd.get(key) ?? [], template]);
  }

  /** Templates that a value made by an op may be, those with most nodes first. */
  endingIn(op: string, type: TensorType): ReadonlyArray<Template> {
    return this.byEnd.get(`${op} ${printType(type)}`) ?? [];
  }
}
