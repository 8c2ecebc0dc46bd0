/**
 * Written: layers as a program of the language, and a program of the language as layers.
 *
 * A program says what is computed. How tensors start, whether they learn and what their paths are is said by layers and by
 * training; programs have ways of their own for it.
 * Invariant: a layer and its program compute the same from the same tensors, met in the same order; what has no form is
 * refused by kind, or by the path of the expression, never left out.
 *
 * @module
 */
import type { TensorType } from "../../ir/contract.ts";
import {
  bindArguments,
  type Expression,
  type OpName,
  opOf,
  OPS,
  parse,
  type Program,
  Tag,
} from "../../rmil/library.ts";
import { notWritten } from "../failures.ts";
import { networkOf } from "../network.ts";
import { buildLayer, type InputTypes, portsOf, rowOf } from "./build.ts";
import { functionText } from "./composed.ts";
import { type Expanding, type Layer, layerOf, type LayerRow } from "./layer.ts";
import { opText } from "./op_row.ts";
import { checkedSettings, type Settings, withDefaults } from "./settings.ts";
import {
  added,
  concatenated,
  denseSkip,
  identity,
  multiplied,
  parallel,
  repeated,
  reshape,
  residual,
  sequential,
  transposed,
} from "./structure.ts";
import { LAYERS } from "./table.ts";

type Types = ReadonlyArray<TensorType>;

/** Types of what a layer makes of inputs of given types. */
const resultsOf = (layer: Layer, types: Types): Types =>
  networkOf(types.map((type, i) => ({ name: `input${i}`, type })), (scope, inputs) => buildLayer(layer, scope, inputs))
    .outputs.map(({ type }) => type);

/** Joins of branches: the op that takes their results as arguments. */
const JOINS: { readonly [kind: string]: OpName } = { concat: "concat", sum: "add", product: "mul" };

/** Joins of any number of branches; the others take two. */
const JOINS_MANY: ReadonlySet<string> = new Set(["concat"]);

class Writing {
  private readonly shared = new Set<string>();

  /** The text of a layer on inputs of given types. */
  text(layer: Layer, types: Types): string {
    const { kind, shared } = layer;
    if (shared !== undefined) {
      if (this.shared.has(shared)) throw notWritten({ kind, reason: `it shares the tensors of ${shared}` });
      this.shared.add(shared);
    }
    const row = rowOf(kind);
    const given = checkedSettings(kind, row.settings, layer.settings);
    const expanding: Expanding = {
      settings: withDefaults(row.settings, given),
      parts: layer.parts ?? [],
      types,
    };
    if (kind === "sequential") return this.inOrder(expanding);
    if (kind === "parallel" && expanding.parts.length > 2) {
      throw notWritten({ kind, reason: "the language pairs branches, unless they are joined at once" });
    }
    const made = row.expand?.(expanding) ?? row.written?.(expanding);
    if (made !== undefined) return this.text(made, types);
    if (row.rmil !== undefined) {
      return row.rmil(expanding.parts.map((part) => this.text(part, types)), expanding, resultsOf(layer, types));
    }
    return this.application(row, given, types);
  }

  private application(row: LayerRow, given: Settings, types: Types): string {
    const { kind, op, settings } = row;
    if (op === undefined) throw notWritten({ kind, reason: "no op of the language computes it" });
    const { attributes, operands } = OPS[op];
    const own = Object.entries(given).filter(([name, value]) =>
      settings.find((known) => known.name === name)?.default !== value
    );
    const beyond = own.find(([name]) => !attributes.some((attribute) => attribute.name === name));
    if (beyond !== undefined) throw notWritten({ kind, reason: `its op has no ${beyond[0]}` });
    const needed = operands.filter(({ optional }) => optional !== true).length;
    if (types.length > needed) {
      throw notWritten({ kind, reason: `in a pipeline its op takes ${needed} inputs, not ${types.length}` });
    }
    return opText(op, Object.fromEntries(own));
  }

  /** Layers one after another; branches and the join after them are one application. */
  private inOrder({ parts, types }: Expanding): string {
    const texts: string[] = [];
    let now = types;
    for (let i = 0; i < parts.length; i++) {
      const [part, next] = [parts[i], parts[i + 1]];
      const join = part.kind === "parallel" && next !== undefined ? JOINS[next.kind] : undefined;
      if (join === undefined) {
        texts.push(this.text(part, now));
        now = resultsOf(part, now);
        continue;
      }
      texts.push(this.joined(join, part, next, now));
      now = resultsOf(layerOf("sequential", {}, [part, next]), now);
      i++;
    }
    return texts.length === 0 ? "identity" : texts.length === 1 ? texts[0] : `(${texts.join(" >> ")})`;
  }

  private joined(op: OpName, { parts = [] }: Layer, { kind, settings }: Layer, types: Types): string {
    const texts = parts.map((part) => this.text(part, types));
    if (JOINS_MANY.has(op)) {
      const { axis } = withDefaults(rowOf(kind).settings, settings);
      return `${op}(${texts.join(", ")}, axis: ${axis})`;
    }
    return texts.reduce((left, right) => `${op}(${left}, ${right})`);
  }
}

/**
 * The program of a layer on inputs. Throws `NEURAL_WRITTEN` where a part of it has no form in the language.
 *
 * @example
 * ```ts
 * import { linear, programOfLayer, relu, residual, sequential } from "@rmi/rmi/neural";
 * import { print } from "../../rmil/library.ts";
 * import assert from "node:assert/strict";
 * const { root, symbols } = programOfLayer(sequential(residual(linear()), relu()), { x: "f32[B,4]" });
 * assert.equal(print(root, symbols), "res_add(identity, linear) >> relu");
 * ```
 */
export const programOfLayer = (layer: Layer, inputs: InputTypes): Program => {
  const ports = portsOf(inputs);
  const text = new Writing().text(layer, ports.map(({ type }) => type));
  const placed = ports.map((port, i) => ({ ...port, own: `x${i}` })).sort((a, b) => a.name < b.name ? -1 : 1);
  if (placed.every(({ name }, i) => name === ports[i].name)) return parse(text);
  // The language is given inputs in the order of their names, a layer in the order in which they are listed.
  const own = ports.map((_, i) => `x${i}`).join(", ");
  return parse(functionText(placed.map((port) => port.own), placed.map(({ type }) => type), `(${text})(${own})`));
};

class Reading {
  constructor(private readonly program: Program) {}

  layer(node: Expression, path: string): Layer {
    switch (node.tag) {
      case Tag.Seq: {
        const [first, second] = [this.layer(node.children[0], `${path}/a`), this.layer(node.children[1], `${path}/b`)];
        return sequential(...stagesOf(first), second);
      }
      case Tag.Par:
        return parallel(this.layer(node.children[0], `${path}/a`), this.layer(node.children[1], `${path}/b`));
      case Tag.App:
        return this.application(node, path);
      default:
        throw notWritten({
          kind: "the expression",
          reason: "no layer is made of names and literals",
          path: path || "/",
        });
    }
  }

  private application(node: Expression, path: string): Layer {
    const row = opOf(node.code);
    const refuse = (reason: string): never => {
      throw notWritten({ kind: row?.name ?? `opcode ${node.code}`, reason, path: path || "/" });
    };
    if (row === undefined) return refuse("it is no op");
    const bound = bindArguments(row, node, (symbol) => this.program.symbols.nameOf(symbol));
    if (bound.parameters.size > 0) return refuse("its weights are given, and a layer learns its own");
    const given = [...bound.operands.filter((operand) => operand !== undefined), ...bound.rest];
    const at = (child: Expression): Layer => this.layer(child, `${path}/args/${node.children.indexOf(child)}`);
    const joined = READ[row.name as OpName];
    const made = joined?.(given, bound.attributes, at);
    if (made !== undefined) return made;
    if (LAYERS.get(row.name)?.op === undefined) return refuse("no kind of layer is this op");
    if (given.some((operand) => !isInput(operand))) return refuse("what it takes is written in it");
    return layerOf(row.name, bound.attributes);
  }
}

const isInput = (node: Expression): boolean =>
  node.tag === Tag.App && node.code === OPS.identity.code && node.children.length === 0;

const stagesOf = (layer: Layer): ReadonlyArray<Layer> =>
  layer.kind === "sequential" && layer.name === undefined ? layer.parts ?? [] : [layer];

type Attributes = { readonly [name: string]: unknown };
type Read = (
  operands: ReadonlyArray<Expression>,
  attributes: Attributes,
  at: (child: Expression) => Layer,
) => Layer | undefined;

const listOf = (given: unknown): ReadonlyArray<number> => typeof given === "number" ? [given] : given as number[];

const axisOf = ({ axis = -1 }: Attributes): number => axis as number;

const both = (join: Layer): Read => (operands, _, at) =>
  operands.length === 0 ? join : operands.length === 2 ? sequential(parallel(...operands.map(at)), join) : undefined;

/** Ops that arrange, as layers; undefined where an application is not one. */
const READ: { readonly [op in OpName]?: Read } = {
  identity: (operands) => operands.length === 0 ? identity() : undefined,
  res_add: (operands, attributes, at) =>
    operands.length === 2 && isInput(operands[0]) ? residual(at(operands[1])) : both(added())(operands, attributes, at),
  add: both(added()),
  mul: both(multiplied()),
  res_cat: (operands, attributes, at) =>
    operands.length === 2 && isInput(operands[0])
      ? denseSkip(at(operands[1]), { axis: axisOf(attributes) })
      : both(concatenated({ axis: axisOf(attributes) }))(operands, attributes, at),
  concat: (operands, attributes, at) => {
    const join = concatenated({ axis: axisOf(attributes) });
    return operands.length === 0 ? join : sequential(parallel(...operands.map(at)), join);
  },
  repeat: ([part, ...more], { times = 1 }, at) =>
    part === undefined || more.length > 0 ? undefined : repeated(times as number, at(part)),
  reshape: (operands, { shape = -1 }) => {
    const [batch, ...sizes] = listOf(shape);
    return operands.length === 0 && batch === -1 && sizes.length > 0 ? reshape(sizes) : undefined;
  },
  transpose: (operands, { axes }) => {
    const [batch, ...others] = axes === undefined ? [] : listOf(axes);
    return operands.length === 0 && batch === 0 ? transposed(others) : undefined;
  },
};

/**
 * The layers of a program, each application one layer. Throws `NEURAL_WRITTEN` with the path of what is none.
 *
 * @example
 * ```ts
 * import { layerOfProgram } from "@rmi/rmi/neural";
 * import { parse } from "../../rmil/library.ts";
 * import assert from "node:assert/strict";
 * const layer = layerOfProgram(parse("linear(8) >> relu"));
 * assert.deepEqual(layer.parts?.map(({ kind, settings }) => [kind, settings]), [["linear", { width: 8 }], ["relu", {}]]);
 * ```
 */
export const layerOfProgram = (program: Program): Layer => new Reading(program).layer(program.root, "");
