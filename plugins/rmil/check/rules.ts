/**
 * Rules: what the ops give that are not tensor programs alone, and what they add to the tally.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import type { Dtype } from "../dtype.ts";
import { MAX_COPIES } from "../evaluation/control.ts";
import { badItems, outOfMemory } from "../interpreter/failures.ts";
import { sliceBounds } from "../lowering/movement.ts";
import { OPS } from "../opcodes.ts";
import { withChildren } from "../expression.ts";
import type { Expression } from "../expression.ts";
import { type JudgedCall, judgeTensorOp } from "./apply.ts";
import { showKnown } from "./judge.ts";
import {
  FLAG_KNOWN,
  INTEGER_KNOWN,
  joinKnown,
  type Known,
  knownMany,
  knownTensor,
  knownTuple,
  VOID_KNOWN,
} from "./known.ts";
import type { Walk } from "./walk.ts";

/** Judges one application. */
export type Rule = (call: JudgedCall) => Known | Walk;

const unknown = ({ judge }: JudgedCall): Known => judge.fresh.unknown();

const operand = (index: number): Rule => ({ operands }) => operands[index]!;

/** Applies an operand that is a function. */
function* applied({ judge, operands, path }: JudgedCall, index: number, args: ReadonlyArray<Known>): Walk {
  return yield* judge.apply(operands[index]!, args, path);
}

const turned = (known: Known, turn: number): Known =>
  known.k !== "Function" || known.host !== undefined
    ? known
    : known.either !== undefined
    ? { ...known, either: known.either.map((one) => turned(one, turn)) as never }
    : known.first === undefined
    ? { ...known, path: `${known.path}[${turn}]` }
    : { ...known, first: turned(known.first, turn) as never, then: turned(known.then, turn) as never };

function* repeat(call: JudgedCall): Walk {
  let value = call.operands[1]!;
  const times = Number(call.attributes.times ?? 1);
  for (let turn = 0; turn < times; turn++) {
    value = yield* call.judge.apply(turned(call.operands[0]!, turn), [value], call.path);
  }
  return value;
}

/** Most turns in which what a loop carries may change before it is unknown. */
const MAX_LOOP_TYPES = 8;

/** What a loop carries, once another turn changes it no more. */
function* settled(call: JudgedCall, start: Known, turn: (value: Known) => Walk): Walk {
  let value = start;
  for (let tries = 0; tries < MAX_LOOP_TYPES; tries++) {
    const next = joinKnown(value, yield* turn(value), call.judge.fresh);
    if (showKnown(next) === showKnown(value)) return next;
    value = next;
    if (value.k === "Union") break;
  }
  return unknown(call);
}

function* loop(call: JudgedCall): Walk {
  call.judge.tally.exact = false;
  return yield* settled(call, call.operands[2]!, function* (value): Walk {
    if (call.operands[1] !== undefined) call.judge.needFlag(yield* applied(call, 1, [value]), call.path, call.scope);
    return yield* applied(call, 0, [value]);
  });
}

type Items =
  | { readonly list: ReadonlyArray<Known> }
  | { readonly many: Known }
  | { readonly each: Known; readonly count: Dimension }
  | undefined;

const itemsOf = (call: JudgedCall, known: Known): Items => {
  if (known.k === "Tuple") return { list: known.items };
  if (known.k === "Many") return { many: known.of };
  if (known.k === "Unknown" || known.k === "Union") return undefined;
  if (known.k === "Tensor" && known.shape.length > 0) {
    const [count, ...rest] = known.shape;
    return { each: knownTensor(known.dtype, rest), count };
  }
  const actual = showKnown(known);
  throw badItems({ op: call.row.name, reason: `${actual} is no collection`, expected: "a tuple or tensor", actual });
};

/** A known item repeated along a new first axis, or unknown where items of that kind do not stack. */
const stacked = (call: JudgedCall, item: Known, count: Dimension): Known => {
  if (item.k === "Scalar") return knownTensor(item.dtype, [count]);
  if (item.k === "Tensor") return knownTensor(item.dtype, [count, ...item.shape]);
  return typeof count === "number"
    ? knownTuple(Array.from({ length: Math.min(count, 1024) }, () => item))
    : unknown(call);
};

/** Whether the parts that a value brings to others cannot be counted. */
const isOpen = (known: Known): boolean => known.k === "Unknown" || known.k === "Many" || known.k === "Union";

const inexact = (call: JudgedCall): Known => {
  call.judge.tally.exact = false;
  return unknown(call);
};

function* map(call: JudgedCall): Walk {
  const items = itemsOf(call, call.operands[1]!);
  if (items === undefined) {
    yield* applied(call, 0, [unknown(call)]);
    return inexact(call);
  }
  if ("list" in items) {
    const made: Known[] = [];
    for (const item of items.list) made.push(yield* applied(call, 0, [item]));
    return knownTuple(made);
  }
  if ("many" in items) {
    call.judge.tally.exact = false;
    return knownMany(yield* applied(call, 0, [items.many]));
  }
  if (items.count === 0) return knownTuple([]);
  const made = yield* call.judge.tally.times(items.count, () => applied(call, 0, [items.each]));
  return stacked(call, made, items.count);
}

/** Folds a collection; gives every value on the way, or the one that stays and how many there are. */
function* folded(
  call: JudgedCall,
  source: Known,
  start: Known | undefined,
): Walk<{ readonly last: Known; readonly all: Known }> {
  const items = itemsOf(call, source);
  if (items === undefined || "many" in items) {
    const item = items?.many ?? unknown(call);
    const value = yield* settled(call, start ?? item, (before) => applied(call, 0, [before, item]));
    call.judge.tally.exact = false;
    return { last: value, all: items === undefined ? unknown(call) : knownMany(value) };
  }
  if ("list" in items) {
    if (start === undefined && items.list.length === 0) {
      throw badItems({ op: call.row.name, reason: "there are no items" });
    }
    const made: Known[] = start === undefined ? [items.list[0]] : [];
    let value = start ?? items.list[0];
    for (const item of start === undefined ? items.list.slice(1) : items.list) {
      value = yield* applied(call, 0, [value, item]);
      made.push(value);
    }
    return { last: value, all: knownTuple(made) };
  }
  if (start === undefined && items.count === 0) throw badItems({ op: call.row.name, reason: "there are no items" });
  const turns = typeof items.count === "number"
    ? Math.max(0, items.count - (start === undefined ? 1 : 0))
    : items.count;
  const last = yield* call.judge.tally.times(
    turns,
    () => settled(call, start ?? items.each, (value) => applied(call, 0, [value, items.each])),
  );
  return { last, all: stacked(call, last, items.count) };
}

const join: Rule = (call) => {
  const { by = "tuple" } = call.attributes;
  if (call.rest.some(isOpen)) return inexact(call);
  const parts = call.rest.flatMap((known) => known.k === "Tuple" ? known.items : [known]);
  if (by === "tuple") return knownTuple(parts);
  if (parts.length === 0) throw badItems({ op: "join", reason: "there are no items" });
  if (by === "concat") return judgeTensorOp({ ...call, row: OPS.concat, rest: parts, attributes: {} });
  let total = parts[0];
  for (const part of parts.slice(1)) {
    total = judgeTensorOp({ ...call, row: OPS.add, operands: [total, part], rest: [], attributes: {} });
  }
  const count: Known = { k: "Scalar", dtype: "f32" };
  return by === "sum"
    ? total
    : judgeTensorOp({ ...call, row: OPS.div, operands: [total, count], rest: [], attributes: {} });
};

const zip: Rule = (call) => {
  const [xs, ys] = call.operands.map((known) => itemsOf(call, known!));
  if (xs === undefined || ys === undefined || "many" in xs || "many" in ys) return inexact(call);
  type Counted = Exclude<Items, undefined | { readonly many: Known }>;
  const lengthOf = (items: Counted): Dimension => "list" in items ? items.list.length : items.count;
  const [left, right] = [lengthOf(xs), lengthOf(ys)];
  if (typeof left !== "number" || typeof right !== "number") return inexact(call);
  if (left !== right) {
    const reason = `one collection has ${left} items, the other ${right}`;
    throw badItems({ op: "zip", reason, expected: left, actual: right });
  }
  const at = (items: Counted, i: number): Known => "list" in items ? items.list[i] : items.each;
  return knownTuple(Array.from({ length: left }, (_, i) => knownTuple([at(xs, i), at(ys, i)])));
};

const buffer = (index: number): Rule => ({ judge, operands }) => {
  const known = operands[index]!;
  return known.k === "Buffer" ? known : judge.fresh.unknown();
};

const concat: Rule = (call) => {
  const [only] = call.rest;
  const parts = call.rest.length === 1 && only.k === "Tuple" ? only.items : call.rest;
  if (parts.some(isOpen)) return inexact(call);
  if (parts.length > 0 && parts.every((known) => known.k === "Tensor" && known.shape.length > 0)) {
    return judgeTensorOp({ ...call, rest: parts });
  }
  return knownTuple(call.rest.flatMap((known) => known.k === "Tuple" ? known.items : [known]));
};

const slice: Rule = (call) => {
  const [x] = call.operands;
  if (x?.k === "Many") return x;
  if (x?.k !== "Tuple") return judgeTensorOp(call);
  const { start = 0, end, step = 1 } = call.attributes;
  const [from, to] = sliceBounds(x.items.length, Number(start), end === undefined ? undefined : Number(end));
  return knownTuple(x.items.slice(from, to).filter((_, i) => i % Number(step) === 0));
};

const partAt = (node: Expression, path: ReadonlyArray<number>, by: Expression): Expression | undefined => {
  const [index, ...rest] = path;
  if (index === undefined) return by;
  const child = node.children[index];
  const made = child && partAt(child, rest, by);
  return made && withChildren(node, node.children.map((own, i) => i === index ? made : own));
};

const mutate: Rule = ({ operands: [program, replacement], attributes: { path = [] } }) => {
  const steps = typeof path === "number" ? [path] : path as ReadonlyArray<number>;
  const known = program?.k === "Program" && replacement?.k === "Program" && program.program && replacement.program;
  return { k: "Program", program: known ? partAt(program.program!, steps, replacement.program!) : undefined };
};

const shapeOf: Rule = (call) => {
  const [x] = call.operands;
  if (x!.k === "Unknown" || x!.k === "Union") return unknown(call);
  const count = x!.k === "Tensor" ? x!.shape.length : x!.k === "Tuple" || x!.k === "Many" ? 1 : 0;
  return knownTuple(Array.from({ length: count }, () => INTEGER_KNOWN));
};

/** A substitution: pairs of a variable and what it stands for. */
const substitution = (call: JudgedCall): Known => knownMany(knownTuple([{ k: "Sym" }, unknown(call)]));

/** A substitution, or nil where there is none. */
const maySubstitute: Rule = (call) => ({ k: "Union", items: [VOID_KNOWN, substitution(call)] });

const isProgram = (known: Known | undefined): boolean => known?.k === "Program";

/** The result of a rewriting: a program of a program, any value of a term; with a record, that beside it. */
const rewrite: Rule = (call) => {
  const result: Known = call.operands.some(isProgram) ? { k: "Program", program: undefined } : unknown(call);
  if (call.attributes.trace !== true) return result;
  const step = knownTuple([INTEGER_KNOWN, knownMany(INTEGER_KNOWN), result, result]);
  return knownTuple([result, knownMany(step), { k: "Sym" }]);
};

/** Whether a goal certainly holds no goal of its own: no proof is needed for it. */
const isProved = (goal: Known): boolean => goal.k === "Tuple" && goal.items.length === 0;

/** What an empty knowledge base answers: everything about nothing, and nothing about anything else. */
const answers = (provesNothing: boolean): Rule => (call) => {
  const [goal] = call.operands;
  if (!call.judge.knowsNothing || goal!.k === "Unknown" || goal!.k === "Many" || goal!.k === "Union") {
    return knownMany(substitution(call));
  }
  return knownTuple(provesNothing && isProved(goal!) ? [knownTuple([])] : []);
};

const infer: Rule = (call) => call.judge.knowsNothing ? knownTuple([]) : knownMany(unknown(call));

const plan: Rule = (call) => {
  const [goal] = call.operands;
  const steps = knownMany(unknown(call));
  if (!call.judge.knowsNothing || goal!.k === "Unknown") return { k: "Union", items: [VOID_KNOWN, steps] };
  return isProved(goal!) ? knownTuple([]) : VOID_KNOWN;
};

/** Rules by op name. */
export const RULES: { readonly [op: string]: Rule } = {
  *seq(call) {
    return yield* applied(call, 1, [yield* applied(call, 0, [call.operands[2]!])]);
  },
  *par(call) {
    return knownTuple([yield* applied(call, 0, [call.operands[2]!]), yield* applied(call, 1, [call.operands[2]!])]);
  },
  *cond(call) {
    const [predicate, , , input] = call.operands;
    call.judge.needFlag(predicate!, call.path, call.scope);
    const [yes, no] = yield* call.judge.tally.either(
      () => applied(call, 1, [input!]),
      () => applied(call, 2, [input!]),
    );
    return joinKnown(yes, no, call.judge.fresh);
  },
  loop,
  map,
  *reduce(call) {
    return (yield* folded(call, call.operands[1]!, undefined)).last;
  },
  *scan(call) {
    return (yield* folded(call, call.operands[1]!, call.operands[2])).all;
  },
  *fold(call) {
    return (yield* folded(call, call.operands[2]!, call.operands[1])).last;
  },
  zip,
  fork: ({ operands: [input], attributes: { copies = 2 } }) => {
    if (Number(copies) > MAX_COPIES) throw outOfMemory({ what: "copies", limit: MAX_COPIES, expected: MAX_COPIES });
    return knownTuple(Array.from({ length: Number(copies) }, () => input!));
  },
  join,
  identity: operand(0),
  repeat,
  alloc: ({ attributes: { shape = [], dtype = "f32" } }) => ({
    k: "Buffer",
    of: knownTensor(dtype as Dtype, typeof shape === "number" ? [shape] : shape as ReadonlyArray<number>),
  }),
  free: () => VOID_KNOWN,
  load: (call) => {
    const [from] = call.operands;
    return from!.k === "Buffer" ? from!.of : unknown(call);
  },
  store: buffer(0),
  copy: (call) => call.operands[1] === undefined ? buffer(0)(call) : buffer(1)(call),
  slice,
  concat,
  hash: () => INTEGER_KNOWN,
  type_of: unknown,
  shape_of: shapeOf,
  compose: ({ judge, operands: [first, then] }) =>
    first!.k === "Function" && then!.k === "Function"
      ? { k: "Function", first: first!, then: then! }
      : judge.fresh.unknown(),
  decompose: (call) => {
    const [program] = call.operands;
    return program!.k === "Program" && program!.program !== undefined
      ? knownTuple(program!.program.children.map((child) => ({ k: "Program", program: child })))
      : unknown(call);
  },
  self_ref: ({ judge }) => ({ k: "Program", program: judge.program }),
  mutate,
  introspect: unknown,
  unify: maySubstitute,
  resolve: answers(true),
  infer,
  match: maySubstitute,
  rewrite,
  assert: operand(0),
  query_kb: answers(false),
  plan,
  bind: operand(1),
  subsume: () => FLAG_KNOWN,
  send: operand(1),
  recv: unknown,
  *spawn(call) {
    yield* applied(call, 0, [unknown(call)]);
    return { k: "Sym" };
  },
  kill: () => FLAG_KNOWN,
  publish: operand(1),
  subscribe: () => VOID_KNOWN,
  delegate: unknown,
  broadcast: operand(0),
};
