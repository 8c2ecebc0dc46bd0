/**
 * Meta evaluation: values, types and programs looked at as data.
 *
 * @module
 */
import type { Evaluations } from "../evaluation.ts";
import type { Dtype } from "../dtype.ts";
import { type Expression, withChildren } from "../expression.ts";
import { badIndex, badTerm } from "../interpreter/failures.ts";
import { contentHash, valueHash } from "../hash.ts";
import type { OpCall } from "../interpreter/operands.ts";
import { describeValue, type FunctionValue, isPlain, runTuple, type RunValue } from "../interpreter/run_value.ts";
import { symbolOf } from "../interpreter/machine.ts";
import { dtypeOfValue } from "../interpreter/run_value.ts";
import { isOpName, nearestOps, OP_NAMES, OPS } from "../opcodes.ts";
import { FAMILIES } from "../ops/row.ts";
import type { MetaName } from "../ops/meta.ts";
import { atom, compound, constant, type Term } from "../symbolic.ts";
import { bool, i64, i64Of } from "../value.ts";

const kinds: { readonly [k: string]: string } = {
  Nil: "void",
  Sym: "sym",
  Function: "function",
  Program: "program",
  Term: "term",
};

const typeTerm = (call: OpCall, value: RunValue): Term => {
  if (value.k === "Tuple") return compound("tuple_of", value.items.map((item) => typeTerm(call, item)));
  if (value.k === "Buffer") {
    const held = call.machine.buffers.get(value.id);
    return compound("buffer", held === undefined ? [] : [typeTerm(call, held)]);
  }
  const dtype: Dtype | undefined = dtypeOfValue(value);
  if (value.k === "Tensor") {
    return compound("tensor", [atom(value.dtype), ...value.shape.map((size) => constant(i64(Number(size))))]);
  }
  return atom(dtype ?? kinds[value.k]);
};

const sizesOf = (value: RunValue): ReadonlyArray<number> =>
  value.k === "Tensor" ? value.shape as ReadonlyArray<number> : value.k === "Tuple" ? [value.items.length] : [];

const replaced = (node: Expression, path: ReadonlyArray<number>, by: Expression): Expression => {
  const [index, ...rest] = path;
  if (index === undefined) return by;
  const child = node.children[index];
  if (child === undefined) {
    throw badIndex({ op: "mutate", index: String(index), limit: node.children.length, actual: index });
  }
  return withChildren(node, node.children.map((own, i) => i === index ? replaced(child, rest, by) : own));
};

const programOf = (value: RunValue | undefined): Expression => (value as Extract<RunValue, { k: "Program" }>).program;

const described = ({ machine }: OpCall, name: string): RunValue => {
  if (!isOpName(name)) {
    const suggestions = nearestOps(name, 1);
    throw badTerm({ op: "introspect", reason: `there is no op "${name}"`, actual: name, suggestions });
  }
  const row = OPS[name];
  const symbol = (text: string): RunValue => symbolOf(machine, text);
  const pairs: ReadonlyArray<readonly [string, RunValue]> = [
    ["name", symbol(row.name)],
    ["code", i64(row.code)],
    ["family", symbol(row.family)],
    ["operands", runTuple(row.operands.map((operand) => symbol(operand.name)))],
    ["attributes", runTuple(row.attributes.map((attribute) => symbol(attribute.name)))],
    ["parameters", runTuple(row.parameters.map((parameter) => symbol(parameter.name)))],
    ["differentiable", bool(row.differentiable)],
    ["effect", symbol(row.effect)],
  ];
  return runTuple(pairs.map(([key, value]) => runTuple([symbol(key), value])));
};

const counted = ({ machine }: OpCall): RunValue =>
  runTuple(FAMILIES.map((family) =>
    runTuple([
      symbolOf(machine, family),
      i64(OP_NAMES.filter((name) => OPS[name].family === family).length),
    ])
  ));

/** Meta. */
export const metaEvaluations: Evaluations<MetaName> = {
  hash({ operands: [x] }) {
    if (x!.k === "Program") {
      const { lo, hi } = contentHash(x!.program);
      return i64Of(lo, hi);
    }
    if (!isPlain(x!)) throw badTerm({ op: "hash", reason: `${describeValue(x!)} has no bytes to hash` });
    const { lo, hi } = valueHash(x);
    return i64Of(lo, hi);
  },
  type_of(call) {
    const term = typeTerm(call, call.operands[0]!);
    return term.kind === "compound" && term.args.length === 0
      ? symbolOf(call.machine, term.functor)
      : { k: "Term", term };
  },
  shape_of({ operands: [x] }) {
    return runTuple(sizesOf(x!).map((size) => i64(size)));
  },
  compose({ operands: [first, then] }) {
    return { k: "Function", first: first as FunctionValue, then: then as FunctionValue };
  },
  decompose({ machine, operands: [program] }) {
    const { children } = programOf(program);
    machine.charge(children.length);
    return runTuple(children.map((child) => ({ k: "Program" as const, program: child })));
  },
  self_ref({ machine }) {
    return { k: "Program", program: machine.options.program };
  },
  mutate({ operands: [program, replacement], attributes: { path = [] } }) {
    const steps = typeof path === "number" ? [path] : path as ReadonlyArray<number>;
    return { k: "Program", program: replaced(programOf(program), steps, programOf(replacement)) };
  },
  introspect(call) {
    const [op] = call.operands;
    if (op === undefined) return counted(call);
    if (op.k !== "Sym") throw badTerm({ op: "introspect", reason: `${describeValue(op)} names no op` });
    return described(call, call.machine.textOf(op.sym));
  },
};
