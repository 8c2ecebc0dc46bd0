/**
 * Fitted: sizes that a program leaves open, chosen for data: an explicit program, and the shape in which it sees samples.
 *
 * Not training. Rules, all of them here:
 * 1. The name of a published pattern (`mlp(3)`, `image_classifier(2) >> drop`) stands for that pattern.
 * 2. The last linear layer of the pipeline, where no width is given, gets as many features as the target has.
 * 3. In a pattern, the other linear layers get powers of two: the first the least that is at least four times the root
 *    of the sample's size, each further one half of it, from {@link NARROWEST} to {@link WIDEST}; convolutions get
 *    {@link CHANNELS} channels. Everything else keeps the language's defaults, and what is written stays.
 * 4. A sample is seen as it is; where the program does not fit that, as one vector; where that does not fit and the
 *    vector is a square, as an image of one channel.
 *
 * @module
 */
import type { Shape, TensorType } from "../ir/contract.ts";
import { printType } from "../ir/library.ts";
import { isFailure } from "../../kernel/failure.ts";
import {
  app,
  type Attribute,
  type Expression,
  OPS,
  PATTERNS,
  print,
  type Program,
  Tag,
  values,
  withChildren,
} from "../rmil/library.ts";
import { BATCH, type Network, type Port } from "./contract.ts";
import type { DataSchema, Feature, Target } from "./data/dataset.ts";
import { unfitProgram } from "./failures.ts";
import { networkOfProgram } from "./program.ts";

/** Fewest features of a hidden layer. */
export const NARROWEST = 32;

/** Most features of a hidden layer. */
export const WIDEST = 1024;

/** Channels of a pattern's convolutions. */
export const CHANNELS = 16;

/** A program made for data. */
export interface Fitted {
  /** The program with every size that was chosen written in it. */
  readonly program: Program;
  /** It as a network. */
  readonly network: Network;
  /** The output that is compared, as the data's target is. */
  readonly target: TensorType;
}

const attribute = (name: string, value: number): Attribute => ({ name, value: values.i64(value) });

const has = (node: Expression, name: string, position: number): boolean =>
  node.attributes.some((given) => given.name === name) ||
  node.children.filter(({ tag }) => tag === Tag.Lit).length > position;

const withWidth = (node: Expression, width: number): Expression =>
  app(node.code, node.children, [...node.attributes, attribute("width", width)]);

const isOpenLinear = (node: Expression): boolean =>
  node.tag === Tag.App && node.code === OPS.linear.code && node.children.every(({ tag }) => tag === Tag.Lit) &&
  !has(node, "width", 0);

/** Names that an expression binds anywhere. */
const boundIn = (node: Expression, found = new Set<number>()): ReadonlySet<number> => {
  if (node.tag === Tag.Let) found.add(node.code);
  for (const { sym } of node.parameters) found.add(sym);
  for (const child of node.children) boundIn(child, found);
  return found;
};

/** The pattern that a node names, with its size; `undefined` where it names none. */
const patternOf = (
  node: Expression,
  nameOf: (sym: number) => string | undefined,
  bound: ReadonlySet<number>,
): Expression | undefined => {
  const callee = node.tag === Tag.Call ? node.children[0] : node;
  if (callee.tag !== Tag.Ref || bound.has(callee.code)) return undefined;
  const name = nameOf(callee.code) ?? "";
  if (!Object.hasOwn(PATTERNS, name)) return undefined;
  const { size, build } = PATTERNS[name];
  const args = node.tag === Tag.Call ? node.children.slice(1) : [];
  const given = args[0]?.value;
  if (args.length > (size === undefined ? 0 : 1) || (given !== undefined && given.k !== "I64")) {
    const takes = size === undefined ? "no argument" : `one argument, the ${size.doc}`;
    throw unfitProgram({ reason: `the pattern ${name} takes ${takes}`, path: "/program" });
  }
  const count = given === undefined ? size?.default ?? 0 : Number(values.toBigInt(given));
  if (count < 0 || count > LARGEST_PATTERN || (size !== undefined && count === 0)) {
    throw unfitProgram({ reason: `the pattern ${name} takes 1 to ${LARGEST_PATTERN}, not ${count}`, path: "/program" });
  }
  return build(count);
};

/** More parts than this nobody trains, and every one is a layer. */
const LARGEST_PATTERN = 64;

/** Widths of hidden layers, one after another. */
class Hidden {
  private width: number;

  constructor(inputs: number) {
    this.width = Math.min(WIDEST, Math.max(NARROWEST, 2 ** Math.ceil(Math.log2(4 * Math.sqrt(inputs)))));
  }

  next(): number {
    const { width } = this;
    this.width = Math.max(NARROWEST, width / 2);
    return width;
  }
}

/** Ops whose arguments are stages that see and give what stands around them. */
const AROUND: ReadonlySet<number> = new Set([OPS.repeat.code]);

/** The last linear layer of the pipeline, whether or not its width is open. */
const lastLinear = (node: Expression): Expression | undefined => {
  if (node.tag === Tag.Seq) return lastLinear(node.children[1]) ?? lastLinear(node.children[0]);
  if (node.tag === Tag.Block || node.tag === Tag.Let) return lastLinear(node.children.at(-1)!);
  return node.tag === Tag.App && node.code === OPS.linear.code ? node : undefined;
};

/** Gives open layers their widths; within residual parts, which keep the width, none. */
class Sizing {
  constructor(
    private readonly patterns: ReadonlySet<Expression>,
    private readonly last: Expression | undefined,
    private readonly outputs: number,
    private readonly hidden: Hidden,
  ) {}

  size(node: Expression, within = false): Expression {
    const isPattern = within || this.patterns.has(node);
    if (node === this.last) return isOpenLinear(node) ? withWidth(node, this.outputs) : node;
    const isAround = node.tag === Tag.Seq || node.tag === Tag.Block || node.tag === Tag.Let ||
      (node.tag === Tag.App && AROUND.has(node.code));
    if (isAround) return withChildren(node, node.children.map((child) => this.size(child, isPattern)));
    if (!isPattern || node.tag !== Tag.App) return node;
    if (isOpenLinear(node)) return withWidth(node, this.hidden.next());
    return node.code === OPS.conv2d.code && !has(node, "width", 0) ? withWidth(node, CHANNELS) : node;
  }
}

/** The program with patterns written out and open sizes chosen. */
const written = ({ root, symbols }: Program, inputs: number, outputs: number, vocabulary?: number): Program => {
  const bound = boundIn(root);
  const patterns = new Set<Expression>();
  const expand = (node: Expression): Expression => {
    const pattern = patternOf(node, (sym) => symbols.nameOf(sym), bound);
    if (pattern !== undefined) {
      patterns.add(pattern);
      return pattern;
    }
    return node.children.length === 0 ? node : withChildren(node, node.children.map(expand));
  };
  const whole = expand(root);
  const all = new Sizing(patterns, lastLinear(whole), outputs, new Hidden(inputs)).size(whole);
  return { symbols, root: vocabulary === undefined ? all : embedded(all, vocabulary) };
};

/** Embeddings whose vocabulary is open get the data's. */
const embedded = (node: Expression, vocabulary: number): Expression => {
  const children = node.children.map((child) => embedded(child, vocabulary));
  const same = node.children.length === 0 ? node : withChildren(node, children);
  return node.tag === Tag.App && node.code === OPS.embed.code && !has(node, "vocabulary", 1)
    ? app(same.code, same.children, [...same.attributes, attribute("vocabulary", vocabulary)])
    : same;
};

const product = (shape: Shape): number => shape.reduce<number>((all, size) => all * Number(size), 1);

/** In which shapes a sample may be seen, the first that fits counts. */
const presentations = ({ type: { dtype, shape } }: Feature): ReadonlyArray<Shape> => {
  const count = product(shape);
  const edge = Math.round(Math.sqrt(count));
  const shapes: Shape[] = [shape];
  if (dtype !== "f32" && dtype !== "f64") return shapes;
  if (shape.length !== 1) shapes.push([count]);
  if (shape.length !== 3 && edge * edge === count && edge > 1) shapes.push([1, edge, edge]);
  return shapes;
};

const outputsOf = (target: Target): number =>
  target.kind === "classification"
    ? target.classes
    : target.kind === "tokens"
    ? target.vocabulary
    : product(target.type.shape);

/** The types of output that a target can be compared with, the first is what is asked for. */
const wantedFor = (target: Target): ReadonlyArray<Shape> => {
  const { shape } = target.type;
  if (target.kind === "regression") return shape.length === 0 ? [[BATCH, 1], [BATCH]] : [[BATCH, ...shape]];
  return [[BATCH, ...shape, outputsOf(target)]];
};

const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/**
 * A program of the language made for data. Throws `NEURAL_PROGRAM` where it gives something that the target cannot be
 * compared with, and the language's failure where it fits no shape of the sample.
 */
export const fitProgram = (program: Program, { inputs, target }: DataSchema): Fitted => {
  if (target === undefined) throw unfitProgram({ reason: "the data have no target", path: "/data" });
  const size = inputs.reduce((sum, { type }) => sum + product(type.shape), 0);
  const vocabulary = target.kind === "tokens" ? target.vocabulary : undefined;
  const explicit = written(program, size, outputsOf(target), vocabulary);
  const wanted = wantedFor(target);
  const views = inputs.length === 1
    ? presentations(inputs[0]).map((shape) => [shape])
    : [inputs.map((i) => i.type.shape)];
  let refused: unknown;
  let other: Network | undefined;
  for (const shapes of views) {
    try {
      const ports = inputs.map(({ name, type }, i): Port => ({
        name,
        type: { dtype: type.dtype, shape: [BATCH, ...shapes[i]] },
      }));
      const network = networkOfProgram(explicit, ports);
      const [output] = network.outputs;
      if (network.outputs.length === 1 && wanted.some((shape) => sameShape(shape, output.type.shape))) {
        return {
          program: explicit,
          network,
          target: { dtype: target.type.dtype, shape: [BATCH, ...target.type.shape] },
        };
      }
      // Of several misfits the one nearest to what is wanted is spoken of.
      if (other === undefined || output.type.shape.length === wanted[0].length) other = network;
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      refused ??= thrown;
    }
  }
  if (other === undefined) throw refused;
  throw unfitOutput(program, other, { dtype: "f32", shape: wanted[0] }, outputsOf(target));
};

const unfitOutput = (program: Program, network: Network, wanted: TensorType, outputs: number): Error => {
  const found = network.outputs.map(({ type }) => printType(type)).join(" and ");
  const source = `${print(program.root, program.symbols)} >> linear(${outputs})`;
  const isClose = network.outputs.length === 1 && network.outputs[0].type.shape.length === wanted.shape.length;
  return unfitProgram({
    reason: `it gives ${found}, and ${printType(wanted)} is needed`,
    path: "/program",
    expected: printType(wanted),
    actual: found,
    ...(isClose
      ? { fix: { summary: `End with linear(${outputs})`, patch: [{ op: "replace", path: "/program", value: source }] } }
      : {}),
  });
};
