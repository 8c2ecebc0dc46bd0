/**
 * ONNX operators that run graphs: If, Loop, Scan.
 *
 * Invariant: a loop whose number of turns is known and whose condition stays true is a `scan`, any other a `while`; rows
 * are stacked only where their number is known before the run.
 *
 * @module
 */
import type { FunctionBuilder } from "../../builder.ts";
import { isIrFailure } from "../../failures.ts";
import type { Value } from "../../operators.ts";
import { scalar } from "../../value.ts";
import { type Body, type Item, onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

const itemOf = (value: Value): Item => ({ type: value.type, value, from: new Set() });

const TRUE: Item = { type: { dtype: "bool", shape: [] }, known: scalar("bool", true), from: new Set() };

const isTrue = ({ known }: Item): boolean => known !== undefined && known.data[0] !== 0;

const scalarOf = (n: OnnxNode, g: FunctionBuilder, item: Item): Value => g.reshape(n.valueIn(g, item), []);

const runIf = (n: OnnxNode): ReadonlyArray<Value | Item> => {
  const [then, otherwise] = [n.body("then_branch"), n.body("else_branch")];
  const { known } = n.item(0);
  if (known !== undefined) return (known.data[0] !== 0 ? then : otherwise).run(n.g, []);
  const branch = (body: Body) => (g: FunctionBuilder) => body.run(g, []).map((item) => n.valueIn(g, item));
  return n.g.if(n.g.reshape(n.in(0), []), branch(then), branch(otherwise));
};

/** Raised inside a trial when the body decides for itself whether it goes on. */
class Undecided extends Error {}

const countedLoop = (n: OnnxNode, body: Body, turns: number): ReadonlyArray<Value> => {
  const carried = Array.from({ length: body.inputs - 2 }, (_, i) => n.in(i + 2));
  return n.g.scan({ length: turns }, carried, [n.g.iota("i64", [turns], 0)], (g, state, [turn]) => {
    const [goesOn, ...made] = body.run(g, [itemOf(turn), TRUE, ...state.map(itemOf)]);
    if (!isTrue(goesOn)) throw new Undecided();
    return made.map((item) => n.valueIn(g, item));
  });
};

/** Most turns of a loop whose body cannot be one function because shapes change from turn to turn. */
export const MAX_UNROLLED_TURNS = 256;

/** One turn after another in place: the number of the turn is known in each, so shapes may depend on it. */
const unrolledLoop = (n: OnnxNode, body: Body, turns: number): ReadonlyArray<Value | Item> => {
  const { g } = n;
  const carries = body.inputs - 2;
  let state: ReadonlyArray<Item> = Array.from({ length: carries }, (_, i) => n.item(i + 2));
  const stacked: Value[][] = Array.from({ length: body.outputs - 1 - carries }, () => []);
  for (let turn = 0; turn < turns; turn++) {
    const number: Item = { type: { dtype: "i64", shape: [] }, known: scalar("i64", turn), from: new Set() };
    const [goesOn, ...made] = body.run(g, [number, TRUE, ...state]);
    if (goesOn.known === undefined) n.refuse("its shapes change from turn to turn, and elements decide when it ends");
    state = made.slice(0, carries);
    made.slice(carries).forEach((item, i) => stacked[i].push(g.reshape(n.valueIn(g, item), [1, ...item.type.shape])));
    if (!isTrue(goesOn)) break;
  }
  if (turns === 0 && stacked.length > 0) n.refuse("it stacks the rows of no turns");
  return [...state, ...stacked.map((rows) => g.concat(rows, 0))];
};

const openLoop = (n: OnnxNode, body: Body): ReadonlyArray<Value> => {
  const { g } = n;
  const carried = Array.from({ length: body.inputs - 2 }, (_, i) => n.in(i + 2));
  if (body.outputs - 1 > carried.length) n.refuse("the number of rows it stacks depends on elements");
  const first = n.has(1) ? g.reshape(n.in(1), []) : g.constant(scalar("bool", true));
  const start = g.constant(scalar("i64", 0n));
  const most = n.has(0) ? g.reshape(n.in(0), []) : undefined;
  const made = g.while(
    [start, first, ...carried],
    (inner, [turn, goesOn]) => most === undefined ? goesOn : inner.and(goesOn, inner.compare("lt", turn, most)),
    (inner, [turn, goesOn, ...state]) => {
      const [next, ...results] = body.run(inner, [itemOf(turn), itemOf(goesOn), ...state.map(itemOf)]);
      return [
        inner.add(turn, 1),
        scalarOf(n, inner, next),
        ...results.map((item) => n.valueIn(inner, item)),
      ];
    },
  );
  return made.slice(2);
};

const loop = (n: OnnxNode): ReadonlyArray<Value | Item> => {
  const body = n.body("body");
  // The number of stacked rows must be known, so the number of turns must, and the condition must not end them.
  const stacks = body.outputs > body.inputs - 1;
  if (stacks && n.has(0)) n.tensor(0);
  if (stacks && n.has(1)) n.tensor(1);
  const turns = n.has(0) ? n.item(0).known?.data[0] : undefined;
  const always = !n.has(1) || isTrue(n.item(1));
  if (turns === undefined || !always) return openLoop(n, body);
  try {
    return countedLoop(n, body, Math.max(Number(turns), 0));
  } catch (thrown) {
    if (thrown instanceof Undecided && !stacks) return openLoop(n, body);
    const small = Number(turns) <= MAX_UNROLLED_TURNS;
    if (small && (thrown instanceof Undecided || isIrFailure(thrown))) return unrolledLoop(n, body, Number(turns));
    if (thrown instanceof Undecided) n.refuse("the number of rows it stacks depends on elements");
    throw thrown;
  }
};

const moveAxis = (g: FunctionBuilder, x: Value, from: number, to: number): Value => {
  const order = x.type.shape.map((_, axis) => axis).filter((axis) => axis !== from);
  order.splice(to, 0, from);
  return g.transpose(x, order);
};

const scanOver = (
  n: OnnxNode,
  body: Body,
  states: ReadonlyArray<Value>,
  scanned: ReadonlyArray<Value>,
): ReadonlyArray<Value> =>
  n.g.scan(
    { length: scanned[0].type.shape[0] },
    states,
    scanned,
    (g, state, rows) => body.run(g, [...state, ...rows].map(itemOf)).map((item) => n.valueIn(g, item)),
  );

const scan = (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  const body = n.body("body");
  const count = n.int("num_scan_inputs");
  const states = Array.from({ length: n.count - count }, (_, i) => n.in(i));
  const backwards = n.ints("scan_input_directions") ?? [];
  const axes = n.ints("scan_input_axes") ?? [];
  const scanned = Array.from({ length: count }, (_, i) => {
    const x = n.in(states.length + i);
    const moved = moveAxis(g, x, n.axis(axes[i] ?? 0, x.type.shape.length), 0);
    return backwards[i] === 1 ? g.reverse(moved, [0]) : moved;
  });
  const made = scanOver(n, body, states, scanned);
  const outputBackwards = n.ints("scan_output_directions") ?? [];
  const outputAxes = n.ints("scan_output_axes") ?? [];
  return made.map((value, i) => {
    const which = i - states.length;
    if (which < 0) return value;
    const turned = outputBackwards[which] === 1 ? g.reverse(value, [0]) : value;
    return moveAxis(g, turned, 0, n.axis(outputAxes[which] ?? 0, value.type.shape.length));
  });
};

/** Version 8: every operand has a batch axis first, and lengths may differ. */
const batchedScan = (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  if (n.has(0)) n.refuse("sequences of different lengths");
  if ((n.ints("directions") ?? []).includes(1)) n.refuse("backward directions in version 8");
  const body = n.body("body");
  const count = n.int("num_scan_inputs");
  const operands = Array.from({ length: n.count - 1 }, (_, i) => n.in(i + 1));
  const batch = n.number(operands[0].type.shape[0], "the batch");
  const made = Array.from({ length: batch }, (_, b) => {
    const own = operands.map((x) => g.reshape(g.sliceAxis(x, 0, b, b + 1), x.type.shape.slice(1)));
    const states = own.length - count;
    return scanOver(n, body, own.slice(0, states), own.slice(states));
  });
  return made[0].map((_, i) =>
    g.concat(made.map((results) => g.reshape(results[i], [1, ...results[i].type.shape])), 0)
  );
};

/** The rows. */
export const CONTROL_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("If", 1, runIf),
  onnx("Loop", 1, loop),
  onnx("Scan", 8, batchedScan),
  onnx("Scan", 9, scan),
];
