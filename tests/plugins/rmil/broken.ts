/**
 * Broken: well-typed programs and the ways in which people and agents break them, for measuring repairs.
 *
 * Not a generator of the check's own making: programs are written by hand and by the published patterns, and a break is
 * known by what it does to the tree, not by what the check says of it.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/mod.ts";
import { app, cond, type Expression, lit, par, ref, seq, Tag, withChildren } from "../../../plugins/rmil/expression.ts";
import { opNamed, opOf } from "../../../plugins/rmil/opcodes.ts";
import { PATTERNS } from "../../../plugins/rmil/patterns.ts";
import type { Symbols } from "../../../plugins/rmil/symbols.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import { f32, i64, NIL, symbolValue, toBigInt, tupleValue } from "../../../plugins/rmil/value.ts";

/** A well-typed program and the types of its inputs. */
export interface WellTyped {
  /** Source text. */
  readonly source: string;
  /** Types by name. */
  readonly inputs: { readonly [name: string]: string };
}

const patterns: ReadonlyArray<readonly [name: string, size: number, type: string]> = [
  ["transformer_block", 0, "f32[2,5,8]"],
  ["mlp", 3, "f32[4,6]"],
  ["resnet_block", 0, "f32[1,3,6,6]"],
  ["rnn_model", 0, "i64[2,4]"],
  ["classifier_head", 0, "f32[2,6,3,3]"],
  ["image_classifier", 2, "f32[2,3,8,8]"],
];

const written: ReadonlyArray<WellTyped> = [
  { source: "linear(64) >> relu >> linear(10) >> softmax", inputs: { x: "f32[8,32]" } },
  { source: "matmul(identity, $w) >> add($b) >> gelu", inputs: { x: "f32[8,32]", w: "f32[32,16]", b: "f32[16]" } },
  { source: "res_add(identity, linear(48) >> gelu >> linear(16)) >> layer_norm", inputs: { x: "f32[4,16]" } },
  {
    source: "conv2d(8, 3) >> batch_norm >> relu >> max_pool >> reshape((2, -1)) >> linear(10)",
    inputs: { x: "f32[2,3,8,8]" },
  },
  { source: "(linear(8) | linear(4)) >> concat >> linear(3)", inputs: { x: "f32[5,6]" } },
  { source: "let scale = \\(v: f32[4,8]) -> mul($v, 0.5) in linear(8) >> $scale >> relu", inputs: { x: "f32[4,3]" } },
  { source: "let k = 3 in add(mul($k, 2), $n)", inputs: { n: "i64" } },
  { source: "let sq = \\(a: f32, b: f32) -> add(mul($a, $a), mul($b, $b)) in sqrt($sq(3.0, 4.0))", inputs: {} },
  { source: "if $ready then linear(8) else linear(8) >> neg", inputs: { ready: "bool", x: "f32[2,8]" } },
  { source: "embed(16, 100) >> lstm(12) >> drop(0.2) >> linear(5)", inputs: { tokens: "i64[2,7]" } },
  { source: "attn(2, causal: true) >> layer_norm", inputs: { x: "f32[2,5,8]" } },
  { source: "map(\\(r: f32[4]) -> mul($r, 2.0)) >> reduce(add)", inputs: { rows: "f32[6,4]" } },
  {
    source: "let w1 = $a in let w2 = $b in matmul(matmul(identity, $w1), $w2)",
    inputs: { x: "f32[2,3]", a: "f32[3,5]", b: "f32[5,7]" },
  },
  { source: "mse_loss(linear(4), $target)", inputs: { x: "f32[8,3]", target: "f32[8,4]" } },
  { source: "cross_entropy(linear(10), $labels)", inputs: { x: "f32[8,3]", labels: "i64[8]" } },
  { source: "repeat(res_add(identity, linear >> gelu), 3) >> rms_norm", inputs: { x: "f32[4,8]" } },
  { source: "fold(\\(acc: f32, v: f32) -> add($acc, $v), 0.0)", inputs: { xs: "f32[9]" } },
  { source: "transpose >> matmul(identity, $w)", inputs: { x: "f32[6,4]", w: "f32[6,3]" } },
  { source: "zip((1, 2, 3), (4, 5, 6)) >> map(\\(p: i64, q: i64) -> mul($p, $q))", inputs: {} },
  { source: "add(div($p, $q), clamp($r, 0.0, 1.0))", inputs: { p: "f32[3,4]", q: "f32[4]", r: "f32[3,1]" } },
  { source: "group_norm(2) >> conv2d(6, 1, groups: 2) >> global_pool >> linear(3)", inputs: { x: "f32[1,4,5,5]" } },
  { source: "let gate = sigmoid($g) in mul(identity, $gate) >> gru(5)", inputs: { x: "f32[2,3,4]", g: "f32[4]" } },
  { source: "(slice(0, 2, axis: 1) | slice(2, 4, axis: 1)) >> add", inputs: { x: "f32[3,4]" } },
  { source: "rope >> attn(4) >> res_add(identity, linear(16))", inputs: { x: "f32[2,6,16]" } },
];

/** Every well-typed program. */
export const WELL_TYPED: ReadonlyArray<WellTyped> = [
  ...written,
  ...patterns.map(([name, size, type]) => ({ source: print(PATTERNS[name].build(size)), inputs: { x: type } })),
];

/** A program with its names, to be broken. */
interface Tree {
  readonly root: Expression;
  readonly symbols: Symbols;
}

/** Every node, with how to put another in its place. */
function* nodes(
  root: Expression,
  put: (node: Expression) => Expression = (node) => node,
): Generator<readonly [Expression, (node: Expression) => Expression]> {
  yield [root, put];
  for (let i = 0; i < root.children.length; i++) {
    yield* nodes(root.children[i], (node) => put(withChildren(root, root.children.with(i, node))));
  }
}

const typo = (name: string, draw: Random): string => {
  const at = draw.below(name.length);
  return draw.below(2) === 0 ? name.slice(0, at) + name[at] + name.slice(at) : name.slice(0, at) + name.slice(at + 1);
};

type Break = (node: Expression, tree: Tree, draw: Random) => Expression | undefined;

const isOp = (node: Expression, ...names: ReadonlyArray<string>): boolean =>
  node.tag === Tag.App && names.includes(opOf(node.code)?.name ?? "");

const whole = (node: Expression): number | undefined =>
  node.tag === Tag.Lit && node.value.k === "I64" ? Number(toBigInt(node.value)) : undefined;

const stage = (name: string, ...args: ReadonlyArray<Expression>): Expression => app(opNamed(name)!.code, args);

const int = (value: number): Expression => lit(i64(value));

/** Ways to break a program, by name. */
export const BREAKS: { readonly [name: string]: Break } = {
  /** A layer gives another width than what follows takes. */
  "width mismatch": (node, _, draw) => {
    const width = isOp(node, "linear", "conv2d", "lstm", "gru") ? whole(node.children.at(0) ?? lit(NIL)) : undefined;
    return width === undefined ? undefined : withChildren(node, node.children.with(0, int(width + 1 + draw.below(7))));
  },
  /** The axes of an operand are the wrong way round. */
  "swapped axes": (node) =>
    isOp(node, "matmul", "linear", "add", "mse_loss", "res_add", "mul") && node.children.length > 0
      ? node.tag === Tag.App && node.children[0].tag !== Tag.Lit
        ? withChildren(node, node.children.with(0, seq(node.children[0], stage("transpose"))))
        : seq(stage("transpose"), node)
      : undefined,
  /** A number of another kind stands where an op takes its own. */
  "wrong dtype": (node, _, draw) =>
    node.tag === Tag.Lit && node.value.k === "F32"
      ? int(1 + draw.below(3))
      : whole(node) !== undefined && draw.below(2) === 0
      ? lit(f32(whole(node)! + 0.5))
      : undefined,
  /** An argument is left out. */
  "missing argument": (node, _, draw) =>
    node.tag === Tag.App && node.children.length > 0
      ? withChildren(node, node.children.toSpliced(draw.below(node.children.length), 1))
      : undefined,
  /** A name is misspelled. */
  "unknown name": (node, { symbols }, draw) =>
    node.tag === Tag.Ref && (symbols.nameOf(node.code) ?? "").length > 1
      ? ref(symbols.intern(typo(symbols.nameOf(node.code)!, draw)))
      : undefined,
  /** An op's name is misspelled, so that it reads as a name. */
  "unknown op": (node, { symbols }, draw) =>
    node.tag === Tag.App && node.children.length === 0 && node.attributes.length === 0
      ? ref(symbols.intern(typo(opOf(node.code)!.name, draw)))
      : undefined,
  /** What comes in has another number of axes than the op takes. */
  "wrong rank": (node, _, draw) =>
    isOp(node, "conv2d", "batch_norm", "lstm", "gru", "attn", "group_norm", "max_pool", "global_pool", "rope")
      ? seq(
        draw.below(2) === 0 ? stage("reshape", int(-1)) : stage("reshape", lit(tupleValue([i64(-1), i64(1)]))),
        node,
      )
      : undefined,
  /** Operands have sizes that do not broadcast. */
  "broadcast mismatch": (node, _, draw) =>
    isOp(node, "add", "mul", "res_add", "div", "mse_loss") && node.children.length === 2 &&
      node.children.every(({ tag }) => tag !== Tag.Lit)
      ? withChildren(node, node.children.with(1, seq(node.children[1], stage("linear", int(3 + draw.below(9))))))
      : undefined,
  /** The branches of a condition give different kinds. */
  "branches of different types": (node, { symbols }, draw) => {
    if (node.tag === Tag.Cond) return withChildren(node, node.children.with(1 + draw.below(2), lit(NIL)));
    const ready = ref(symbols.indexOf("ready") ?? symbols.intern("ready"));
    return isOp(node, "linear") && node.children.length < 2
      ? seq(cond(ready, node, lit(NIL)), stage("relu"))
      : undefined;
  },
  /** The inner path of a residual gives another width than its input has. */
  "missing residual width": (node, _, draw) =>
    isOp(node, "res_add") && node.children.length === 2
      ? withChildren(node, node.children.with(1, seq(node.children[1], stage("linear", int(2 + draw.below(30))))))
      : undefined,
  /** A function is called with too many or too few arguments. */
  arity: (node, _, draw) => {
    if (node.tag === Tag.Call) {
      return withChildren(
        node,
        draw.below(2) === 0 && node.children.length > 1 ? node.children.slice(0, -1) : [...node.children, lit(f32(1))],
      );
    }
    return node.tag === Tag.App && node.children.length > 0 && draw.below(2) === 0
      ? withChildren(node, [stage("identity"), stage("identity"), stage("identity"), ...node.children])
      : undefined;
  },
  /** The arguments of an op or a function stand in the wrong order. */
  "swapped arguments": (node) =>
    node.tag === Tag.App && node.children.length === 2 && node.children[1].tag !== Tag.Lit
      ? withChildren(node, node.children.toReversed())
      : undefined,
  /** An attribute has a value that the op does not take. */
  "bad attribute": (node, { symbols }, draw) => {
    if (!isOp(node, "linear", "drop", "attn", "conv2d", "group_norm", "slice", "softmax")) return undefined;
    const row = opOf(node.code)!;
    const { name, kind } = row.attributes[draw.below(Math.min(2, row.attributes.length))];
    const values = {
      rate: f32(20),
      flag: i64(1),
      size: i64(-3),
      sizes: f32(2.5),
      axis: f32(1.5),
      count: i64(-1),
    } as const;
    const value = values[kind as keyof typeof values] ?? symbolValue(symbols.intern("same"));
    return app(node.code, node.children.filter(({ tag }) => tag !== Tag.Lit), [{ name, value }]);
  },
  /** Branches in parallel go where one value is taken. */
  "pair for one value": (node, _, draw) =>
    isOp(node, "linear", "relu", "gelu", "layer_norm", "softmax") && draw.below(2) === 0
      ? seq(par(stage("identity"), stage("identity")), node)
      : undefined,
};

/** A broken program. */
export interface Broken {
  /** How it was broken. */
  readonly by: string;
  /** The well-typed program that it was. */
  readonly from: WellTyped;
  /** Its source text. */
  readonly source: string;
  /** Types of its inputs. */
  readonly inputs: { readonly [name: string]: string };
}

/** Broken programs: each break once at one place of each program that has one, chosen by a seed. */
export const brokenPrograms = (seed: string): ReadonlyArray<Broken> =>
  WELL_TYPED.flatMap((from) =>
    Object.entries(BREAKS).flatMap(([by, breaking]): ReadonlyArray<Broken> => {
      const draw = random(seed).split(by).split(from.source);
      const { root, symbols } = parse(from.source);
      const places = draw.shuffle([...nodes(root)]);
      for (const [node, put] of places) {
        const made = breaking(node, { root, symbols }, draw);
        if (made === undefined) continue;
        const source = print(put(made), symbols);
        const inputs = by === "branches of different types" && source.includes("$ready") && !("ready" in from.inputs)
          ? { ...from.inputs, ready: "bool" }
          : from.inputs;
        return [{ by, from, source, inputs }];
      }
      return [];
    })
  );
