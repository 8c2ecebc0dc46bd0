/**
 * ONNX operators that combine elements along axes: reductions, arg-reductions, running sums, sorting, products.
 *
 * @module
 */
import type { Composites } from "../../composites.ts";
import { type Dimension, multiplyDimensions } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import type { ReduceKind } from "../../primitives/reduction.ts";
import { isFloat } from "../../types.ts";
import { like, onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

type Fold = (g: Composites, x: Value, axes: ReadonlyArray<number>) => Value;

const plain = (kind: ReduceKind): Fold => (g, x, axes) => g.reduceKeep(kind, x, axes);

const logSumExp: Fold = (g, x, axes) => {
  const largest = g.reduceKeep("max", x, axes);
  // An infinite maximum would make the difference NaN; it is its own answer.
  const shift = g.select(g.compare("eq", g.abs(largest), Infinity), g.zerosLike(largest), largest);
  return g.add(g.log(g.reduceKeep("sum", g.exp(g.sub(x, shift)), axes)), shift);
};

/** Mean of any element type; integers divide towards zero. */
const mean: Fold = (g, x, axes) => {
  const sum = g.reduceKeep("sum", x, axes);
  const count: Dimension = multiplyDimensions(...axes.map((axis) => x.type.shape[axis]));
  return g.div(sum, typeof count === "number" ? like(x, count) : g.dimension(count, x.type.dtype));
};

const FOLDS: { readonly [name: string]: { readonly fold: Fold; readonly operandSince: number } } = {
  ReduceSum: { fold: plain("sum"), operandSince: 13 },
  ReduceProd: { fold: plain("prod"), operandSince: 18 },
  ReduceMax: {
    fold: (g, x, axes) => x.type.dtype === "bool" ? g.reduceKeep("any", x, axes) : g.reduceKeep("max", x, axes),
    operandSince: 18,
  },
  ReduceMin: {
    fold: (g, x, axes) => x.type.dtype === "bool" ? g.reduceKeep("all", x, axes) : g.reduceKeep("min", x, axes),
    operandSince: 18,
  },
  ReduceMean: { fold: mean, operandSince: 18 },
  ReduceL1: { fold: (g, x, axes) => g.reduceKeep("sum", g.abs(x), axes), operandSince: 18 },
  ReduceL2: {
    fold: (g, x, axes) => {
      const squares = g.reduceKeep("sum", g.mul(x, x), axes);
      return isFloat(x.type.dtype) ? g.sqrt(squares) : g.cast(g.sqrt(g.cast(squares, "f64")), x.type.dtype);
    },
    operandSince: 18,
  },
  ReduceSumSquare: { fold: (g, x, axes) => g.reduceKeep("sum", g.mul(x, x), axes), operandSince: 18 },
  ReduceLogSum: { fold: (g, x, axes) => g.log(g.reduceKeep("sum", x, axes)), operandSince: 18 },
  ReduceLogSumExp: { fold: logSumExp, operandSince: 18 },
};

const reduction = (fold: Fold, operandSince: number) => (n: OnnxNode): Value => {
  const x = n.in(0);
  const { shape } = x.type;
  const byOperand = n.version >= operandSince;
  const given = (byOperand ? (n.has(1) ? n.integers(1) : []) : n.ints("axes")) ?? [];
  if (given.length === 0 && byOperand && n.flag("noop_with_empty_axes")) return x;
  const axes = given.length === 0 ? shape.map((_, axis) => axis) : n.axes(given, shape.length);
  const kept = fold(n.g, x, axes);
  return n.flag("keepdims", true) ? kept : n.g.reshape(kept, shape.filter((_, axis) => !axes.includes(axis)));
};

const argReduce = (op: "max" | "min") => (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const { shape } = x.type;
  const axis = n.axis(n.int("axis", 0), shape.length);
  const last = n.flag("select_last_index");
  const found = g.argReduce(op, last ? g.reverse(x, [axis]) : x, axis);
  const size = shape[axis];
  const end = typeof size === "number" ? g.full(found.type, size - 1) : g.sub(g.dimension(size, "i64"), 1);
  const index = last ? g.sub(end, found) : found;
  return n.flag("keepdims", true) ? g.reshape(index, shape.map((s, i) => i === axis ? 1 : s)) : index;
};

const cumSum = (n: OnnxNode): Value =>
  n.g.cumulative("sum", n.in(0), {
    axis: n.axis(n.integers(1)[0], n.type(0).shape.length),
    reverse: n.flag("reverse"),
    exclusive: n.flag("exclusive"),
  });

const topK = (n: OnnxNode): ReadonlyArray<Value> => {
  const x = n.in(0);
  const axis = n.axis(n.int("axis", -1), x.type.shape.length);
  const k = n.version < 10 ? n.int("k") : n.integers(1)[0];
  const size = x.type.shape[axis];
  if (typeof size === "number" && k > size) n.refuse(`k is ${k}, and the axis has ${size} elements`);
  const [values, indices] = n.g.sort(x, axis, n.flag("largest", true));
  return [values, indices].map((made) => n.g.sliceAxis(made, axis, 0, k));
};

/** Before version 13 the axes from `axis` on count as one. */
const flattened = (n: OnnxNode, build: (x: Value, axis: number) => Value): Value => {
  const x = n.in(0);
  const { shape } = x.type;
  if (n.version >= 13) return build(x, n.axis(n.int("axis", -1), shape.length));
  const axis = n.axis(n.int("axis", 1), shape.length);
  const parts = [shape.slice(0, axis), shape.slice(axis)].map((part) => multiplyDimensions(...part));
  return n.g.reshape(build(n.g.reshape(x, parts), 1), shape);
};

const hardmax = (n: OnnxNode): Value =>
  flattened(n, (x, axis) => {
    const places = n.g.iota("i64", x.type.shape, axis);
    const first = n.g.argReduce("max", x, axis);
    const spread = n.g.broadcast(first, x.type.shape, x.type.shape.flatMap((_, i) => i === axis ? [] : [i]));
    return n.g.cast(n.g.compare("eq", places, spread), x.type.dtype);
  });

type Labelled = { readonly value: Value; readonly labels: ReadonlyArray<string> };

/** Takes the diagonal of axes that share a label. */
const diagonals = (g: Composites, { value, labels }: Labelled): Labelled => {
  const twice = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (twice < 0) return { value, labels };
  const first = labels.indexOf(labels[twice]);
  const { shape } = value.type;
  const on = g.compare("eq", g.iota("i64", shape, first), g.iota("i64", shape, twice));
  const kept = g.reduce("sum", g.select(on, value, g.zerosLike(value)), [twice]);
  return diagonals(g, { value: kept, labels: labels.filter((_, i) => i !== twice) });
};

const sumOut = (g: Composites, { value, labels }: Labelled, keep: ReadonlySet<string>): Labelled => {
  const axes = labels.flatMap((label, axis) => keep.has(label) ? [] : [axis]);
  return { value: g.reduce("sum", value, axes), labels: labels.filter((label) => keep.has(label)) };
};

/** Axes of size 1 under a label that another operand stretches are dropped: the product broadcasts over them. */
const dropOnes = (g: Composites, { value, labels }: Labelled, wide: ReadonlySet<string>): Labelled => {
  const kept = labels.map((label, axis) => !(value.type.shape[axis] === 1 && wide.has(label)));
  return {
    value: g.reshape(value, value.type.shape.filter((_, axis) => kept[axis])),
    labels: labels.filter((_, axis) => kept[axis]),
  };
};

const multiply = (g: Composites, a: Labelled, b: Labelled, keep: ReadonlySet<string>): Labelled => {
  const common = a.labels.filter((label) => b.labels.includes(label));
  const batch = common.filter((label) => keep.has(label));
  const contract = common.filter((label) => !keep.has(label));
  const rest = (x: Labelled) => x.labels.filter((label) => !common.includes(label));
  const at = (x: Labelled, labels: ReadonlyArray<string>) => labels.map((label) => x.labels.indexOf(label));
  const value = g.dot(a.value, b.value, {
    x_batch: at(a, batch),
    y_batch: at(b, batch),
    x_contract: at(a, contract),
    y_contract: at(b, contract),
  });
  return { value, labels: [...batch, ...rest(a), ...rest(b)] };
};

const ELLIPSIS = "...";

const labelsOf = (term: string, rank: number): ReadonlyArray<string> => {
  const [before, after] = term.includes(ELLIPSIS) ? term.split(ELLIPSIS) : [term, ""];
  const dots = term.includes(ELLIPSIS) ? rank - before.length - after.length : 0;
  // Broadcast axes are numbered from the end, as NumPy aligns them.
  return [...before, ...Array.from({ length: dots }, (_, i) => `.${dots - i}`), ...after];
};

const einsum = (n: OnnxNode): Value => {
  const { g } = n;
  const [left, right] = n.text("equation").replaceAll(/\s/gu, "").split("->");
  const terms = left.split(",");
  if (terms.length !== n.count) n.refuse(`the equation has ${terms.length} terms for ${n.count} operands`);
  const operands = n.all().map((value, i) =>
    diagonals(g, { value, labels: labelsOf(terms[i], value.type.shape.length) })
  );
  const all = operands.flatMap(({ labels }) => labels);
  const dots = [...new Set(all.filter((label) => label.startsWith(".")))].sort((a, b) =>
    Number(b.slice(1)) - Number(a.slice(1))
  );
  const implied = () => [
    ...dots,
    ...[...new Set(all)].filter((l) => !l.startsWith(".") && all.indexOf(l) === all.lastIndexOf(l)).sort(),
  ];
  const result = right === undefined
    ? implied()
    : right.includes(ELLIPSIS)
    ? [...right.split(ELLIPSIS)[0], ...dots, ...right.split(ELLIPSIS)[1]]
    : [...right];
  const wide = new Set(
    operands.flatMap(({ value, labels }) => labels.filter((_, axis) => value.type.shape[axis] !== 1)),
  );
  const needed = (from: number) => new Set([...result, ...operands.slice(from).flatMap(({ labels }) => labels)]);
  const narrow = operands.map((operand) => dropOnes(g, operand, wide));
  let made = narrow[0];
  for (let i = 1; i < narrow.length; i++) {
    const later = needed(i + 1);
    const alone = (x: Labelled, y: Labelled) => sumOut(g, x, new Set([...later, ...y.labels]));
    made = multiply(g, alone(made, narrow[i]), alone(narrow[i], made), later);
  }
  const { value, labels } = sumOut(g, made, new Set(result));
  return g.transpose(value, result.map((label) => labels.indexOf(label)));
};

/** The rows. */
export const REDUCTION_OPERATORS: ReadonlyArray<OnnxOperator> = [
  ...Object.entries(FOLDS).map(([name, { fold, operandSince }]) => onnx(name, 1, reduction(fold, operandSince))),
  onnx("ArgMax", 1, argReduce("max")),
  onnx("ArgMin", 1, argReduce("min")),
  onnx("CumSum", 11, cumSum),
  onnx("TopK", 1, topK),
  onnx("Softmax", 1, (n) => flattened(n, (x, axis) => n.g.softmax(x, axis))),
  onnx("LogSoftmax", 1, (n) => flattened(n, (x, axis) => n.g.logSoftmax(x, axis))),
  onnx("Hardmax", 1, hardmax),
  onnx("Einsum", 12, einsum),
];
