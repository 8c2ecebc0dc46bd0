/**
 * Control evaluation: composition, branches, loops and collection functions over functions handed to them.
 *
 * Invariant: a loop charges for every turn, so its length is bounded by fuel.
 *
 * @module
 */
import { badItems, missingOperand, outOfMemory, wrongPredicate } from "../interpreter/failures.ts";
import type { OpCall } from "../interpreter/operands.ts";
import {
  describeValue,
  type FunctionValue,
  itemsOf,
  likeCollection,
  runTuple,
  type RunValue,
} from "../interpreter/run_value.ts";
import { runTensorOp } from "../interpreter/tensors.ts";
import type { Steps } from "../interpreter/work.ts";
import { OPS } from "../opcodes.ts";
import type { ControlName } from "../ops/control.ts";
import { equalValues, f32 } from "../value.ts";
import type { Evaluations } from "../evaluation.ts";
import { isPlain } from "../interpreter/run_value.ts";

/** Most copies that one fork makes. */
export const MAX_COPIES = 100_000;

type Own = Exclude<ControlName, "res_add" | "res_cat">;

const fn = (call: OpCall, index: number): FunctionValue => call.operands[index] as FunctionValue;

const collection = (call: OpCall, value: RunValue): ReadonlyArray<RunValue> => {
  const items = itemsOf(value);
  if (items !== undefined) {
    call.machine.charge(items.length);
    return items;
  }
  throw badItems({
    op: call.row.name,
    reason: `${describeValue(value)} is no collection`,
    expected: "a tuple or tensor",
  });
};

/** A function with the paths of its parameters set apart from those of its other applications. */
const turned = (callee: FunctionValue, turn: number): FunctionValue => {
  if (callee.host !== undefined) return callee;
  return callee.first === undefined
    ? { ...callee, path: `${callee.path}[${turn}]` }
    : { ...callee, first: turned(callee.first, turn), then: turned(callee.then, turn) };
};

function* repeat(call: OpCall): Steps {
  const { machine, operands, attributes, path } = call;
  let value = operands[1]!;
  const times = Number(attributes.times ?? 1);
  for (let turn = 0; turn < times; turn++) {
    machine.charge(1);
    value = yield* machine.apply(turned(fn(call, 0), turn), [value], path);
  }
  return value;
}

const isSame = (a: RunValue, b: RunValue): boolean => isPlain(a) && isPlain(b) && equalValues(a, b);

const LOOP_LIMIT = Number(OPS.loop.attributes[0].default);

function* loop(call: OpCall): Steps {
  const { machine, operands, attributes, path } = call;
  let value = operands[2]!;
  const limit = Number(attributes.limit ?? LOOP_LIMIT);
  for (let turn = 0; turn < limit; turn++) {
    machine.charge(1);
    if (operands[1] !== undefined) {
      const more = yield* machine.apply(fn(call, 1), [value], path);
      if (more.k !== "Bool") throw wrongPredicate({ found: describeValue(more), expected: "b1" });
      if (!more.v) return value;
    }
    const next = yield* machine.apply(fn(call, 0), [value], path);
    if (operands[1] === undefined && isSame(next, value)) return next;
    value = next;
  }
  return value;
}

function* folded(
  call: OpCall,
  items: ReadonlyArray<RunValue>,
  start: RunValue,
  each: (value: RunValue) => void,
): Steps {
  let value = start;
  for (const item of items) {
    call.machine.charge(1);
    value = yield* call.machine.apply(fn(call, 0), [value, item], call.path);
    each(value);
  }
  return value;
}

const needSome = (call: OpCall, items: ReadonlyArray<RunValue>): void => {
  if (items.length === 0) throw badItems({ op: call.row.name, reason: "there are no items" });
};

function* map(call: OpCall): Steps {
  const source = call.operands[1]!;
  const made: RunValue[] = [];
  for (const item of collection(call, source)) made.push(yield* call.machine.apply(fn(call, 0), [item], call.path));
  return likeCollection(made, source);
}

function* scan(call: OpCall): Steps {
  const [, source, initial] = call.operands;
  const items = collection(call, source!);
  const made: RunValue[] = [];
  if (initial === undefined) {
    needSome(call, items);
    made.push(items[0]);
  }
  yield* folded(call, initial === undefined ? items.slice(1) : items, initial ?? items[0], (value) => made.push(value));
  return likeCollection(made, source!);
}

const flattened = (values: ReadonlyArray<RunValue>): ReadonlyArray<RunValue> =>
  values.flatMap((value) => value.k === "Tuple" ? value.items : [value]);

/** Adds all values with the op `add`. */
function* sum(call: OpCall, values: ReadonlyArray<RunValue>): Steps {
  let total = values[0];
  for (const value of values.slice(1)) {
    total = yield* runTensorOp({ ...call, row: OPS.add, operands: [total, value], rest: [], attributes: {} });
  }
  return total;
}

function* join(call: OpCall): Steps {
  const parts = flattened(call.rest);
  call.machine.charge(parts.length);
  const { by = "tuple" } = call.attributes;
  if (by === "tuple") return runTuple(parts);
  needSome(call, parts);
  if (by === "concat") return yield* runTensorOp({ ...call, row: OPS.concat, rest: parts, attributes: {} });
  const total = yield* sum(call, parts);
  if (by === "sum") return total;
  return yield* runTensorOp({ ...call, row: OPS.div, operands: [total, f32(parts.length)], rest: [], attributes: {} });
}

/** Control. */
export const controlEvaluations: Evaluations<Own> = {
  *seq(call) {
    const middle = yield* call.machine.apply(fn(call, 0), [call.operands[2]!], call.path);
    return yield* call.machine.apply(fn(call, 1), [middle], call.path);
  },
  *par(call) {
    const left = yield* call.machine.apply(fn(call, 0), [call.operands[2]!], call.path);
    return runTuple([left, yield* call.machine.apply(fn(call, 1), [call.operands[2]!], call.path)]);
  },
  *cond(call) {
    const [predicate, , , input] = call.operands;
    if (predicate!.k !== "Bool") throw wrongPredicate({ found: describeValue(predicate!), expected: "b1" });
    return yield* call.machine.apply(fn(call, predicate!.v ? 1 : 2), [input!], call.path);
  },
  loop,
  map,
  *reduce(call) {
    const items = collection(call, call.operands[1]!);
    needSome(call, items);
    return yield* folded(call, items.slice(1), items[0], () => undefined);
  },
  scan,
  *fold(call) {
    return yield* folded(call, collection(call, call.operands[2]!), call.operands[1]!, () => undefined);
  },
  zip(call) {
    const [xs, ys] = call.operands.map((value) => collection(call, value!));
    if (xs.length === ys.length) return runTuple(xs.map((x, i) => runTuple([x, ys[i]])));
    throw badItems({
      op: "zip",
      reason: `one collection has ${xs.length} items, the other ${ys.length}`,
      expected: xs.length,
      actual: ys.length,
    });
  },
  fork(call) {
    const copies = Number(call.attributes.copies ?? OPS.fork.attributes[0].default);
    if (copies > MAX_COPIES) {
      throw outOfMemory({ what: "copies", limit: MAX_COPIES, expected: MAX_COPIES, actual: copies });
    }
    call.machine.charge(copies);
    return runTuple(Array.from({ length: copies }, () => call.operands[0]!));
  },
  join,
  identity(call) {
    const [x] = call.operands;
    if (x === undefined) throw missingOperand({ op: "identity", operand: "x" });
    return x;
  },
  repeat,
};
