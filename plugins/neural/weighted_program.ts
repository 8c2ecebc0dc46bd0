/**
 * Weighted program: a program of the language with its trained parameters written in it.
 *
 * Its version 2 bytes carry them as weights, so that whoever has the bytes has the model.
 * Invariant: running it gives what the network gives when it is not trained.
 *
 * @module
 */
import type { Tensor } from "../ir/contract.ts";
import { toBytes } from "../ir/library.ts";
import {
  app,
  type Expression,
  lit,
  op,
  opOf,
  OPS,
  type Program,
  seq,
  Tag,
  values as languageValues,
  withChildren,
} from "../rmil/library.ts";
import { badModel } from "./failures.ts";
import type { Values } from "./stepper.ts";

const literalOf = (tensor: Tensor): Expression =>
  lit(languageValues.tensorValue(tensor.dtype as never, tensor.shape, toBytes(tensor)));

/** The program with every parameter written in it as a literal; throws `NEURAL_MODEL` where one has no place there. */
export const withWeights = ({ root, symbols }: Program, values: Values): Program => {
  const refuse = (path: string, reason: string): never => {
    throw badModel({ what: "model", reason: `at ${path || "/"}, ${reason}`, path: "/to" });
  };
  const paths = [...values.keys()];
  const visit = (node: Expression, path: string): Expression => {
    const under = path === "" ? "" : `${path.slice(1)}/`;
    const child = (index: number, name: string): Expression => visit(node.children[index], `${path}/${name}`);
    switch (node.tag) {
      case Tag.Seq:
      case Tag.Par:
        return withChildren(node, [child(0, "a"), child(1, "b")]);
      case Tag.Block:
        return withChildren(node, node.children.map((_, i) => child(i, `exprs/${i}`)));
      case Tag.App:
        break;
      default:
        return paths.some((known) => known.startsWith(under))
          ? refuse(path, "parameters stand where they have no place of their own")
          : node;
    }
    const row = opOf(node.code)!;
    if (node.code === OPS.repeat.code) return unrolled(node, path);
    const own = row.parameters.map(({ name }) => values.get(`${under}${name}`));
    const children = node.children.map((_, i) => child(i, `args/${i}`));
    if (own.every((value) => value === undefined)) return withChildren(node, children);
    const given = own.findLastIndex((value) => value !== undefined) + 1;
    const operands = children.filter(({ tag, value }) => tag !== Tag.Lit || value.k === "Tensor");
    const literals = children.filter(({ tag, value }) => tag === Tag.Lit && value.k !== "Tensor");
    if (own.slice(0, given).some((value) => value === undefined) || row.operands.length > 1) {
      return refuse(path, `${row.name} does not take these parameters as arguments`);
    }
    const input = operands.length === 0 ? [op("identity")] : operands;
    return app(
      node.code,
      [...input, ...own.slice(0, given).map((value) => literalOf(value!)), ...literals],
      node.attributes,
    );
  };
  const unrolled = (node: Expression, path: string): Expression => {
    const given = node.children.find(({ tag }) => tag === Tag.Lit)?.value ??
      node.attributes.find(({ name }) => name === "times")?.value;
    const times = given?.k === "I64" ? Number(languageValues.toBigInt(given)) : 1;
    const turns = Array.from({ length: times }, (_, turn) => visit(node.children[0], `${path}/args/0[${turn}]`));
    return turns.reduce(seq);
  };
  return { root: visit(root, ""), symbols };
};
