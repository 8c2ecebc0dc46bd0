/**
 * Seeded random programs and inputs for them: well typed, every primitive, every dtype, structured control, shared
 * sub-expressions, and the values at which laws break.
 *
 * A program comes out of the same builder a person uses, so it has passed the checks; whether its run succeeds is not
 * promised where sizes are symbolic (an axis may turn out too small).
 */
import { type Random, random, resumeRandom } from "../../../kernel/random.ts";
import {
  type Dimension,
  type Dtype,
  DTYPE_NAMES,
  dtypeInfo,
  type Element,
  type FunctionBuilder,
  functionOf,
  isFloat,
  isInteger,
  isIrFailure,
  type Program,
  ProgramBuilder,
  type Shape,
  type Tensor,
  tensor,
  type TensorType,
  tensorType,
  type Value,
} from "../../../plugins/ir/library.ts";

/** What is generated. */
export interface ProgramOptions {
  /** Nodes of the entry, about; default 12. */
  readonly nodes?: number;
  /** Element types of parameters and constants (bool and indices come up besides where ops need them). */
  readonly dtypes?: ReadonlyArray<Dtype>;
  /** Names of the primitives and control nodes to draw from; all where absent. */
  readonly ops?: ReadonlyArray<string>;
  /** Whether control nodes come up. Default true. */
  readonly control?: boolean;
  /** Whether sizes may be symbolic. Default false. */
  readonly symbolic?: boolean;
  /** Largest size of an axis. Default 4. */
  readonly maxSize?: number;
  /** Whether constants and inputs include NaN, infinities, −0, subnormals and the ends of the integers. Default true. */
  readonly edges?: boolean;
  /** Whether axes of size zero come up. Default true. */
  readonly empty?: boolean;
}

const SMALL_FLOATS = [0, 1, -1, 2, 0.5, -0.5, 3, 1.5];
const EDGE_FLOATS = [-0, NaN, Infinity, -Infinity, 5e-324, 1e-40, -6e-8, 1e308, 3.4e38, 65504, 1e-5];

/** An element of a dtype. */
export const randomElement = (draws: Random, dtype: Dtype, edges = true): Element => {
  const kind = draws.below(10);
  if (dtype === "bool") return draws.below(2) === 1;
  if (isFloat(dtype)) {
    if (kind < 3) return draws.pick(SMALL_FLOATS);
    return edges && kind === 3 ? draws.pick(EDGE_FLOATS) : draws.normal() * (kind === 4 ? 100 : 1);
  }
  const { bits, signed } = dtypeInfo(dtype);
  const [low, high] = signed
    ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n]
    : [0n, (1n << BigInt(bits)) - 1n];
  if (edges && kind === 3) return draws.pick([low, high, high - 1n, low + 1n]);
  const small = BigInt(draws.below(signed ? 12 : 6)) - (signed ? 6n : 0n);
  return small < low ? low : small > high ? high : small;
};

/** A tensor of random elements; now and then all the same. */
export const randomTensor = (draws: Random, dtype: Dtype, shape: ReadonlyArray<number>, edges = true): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  const same = draws.below(5) === 0 ? randomElement(draws, dtype, edges) : undefined;
  return tensor(dtype, shape, Array.from({ length: count }, () => same ?? randomElement(draws, dtype, edges)));
};

/** Sizes for the symbols of a program, and inputs of those sizes. */
export const randomInputs = (
  program: Program,
  seed: string | number,
  options: ProgramOptions = {},
): ReadonlyArray<Tensor> => {
  const draws = random(seed);
  const sizes = new Map<string, number>();
  const sizeOf = (size: Dimension): number => {
    if (typeof size === "number") return size;
    if (!sizes.has(size)) {
      sizes.set(size, draws.below(options.maxSize ?? 4) + (options.empty === false ? 1 : draws.below(4) && 1));
    }
    return sizes.get(size)!;
  };
  return functionOf(program).parameters.map(({ type }) =>
    randomTensor(draws, type.dtype, type.shape.map(sizeOf), options.edges ?? true)
  );
};

const SYMBOLS = ["B", "S"];
const MAX_ELEMENTS_MADE = 512;

const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i);
const sizeKnown = (size: Dimension): size is number => typeof size === "number";
const countOf = (shape: Shape): number => shape.reduce<number>((n, size) => n * (sizeKnown(size) ? size : 4), 1);

/** What a maker builds with. */
class Maker {
  constructor(
    readonly g: FunctionBuilder,
    readonly program: ProgramBuilder,
    readonly draws: Random,
    readonly pool: ReadonlyArray<Value>,
    readonly options: ProgramOptions,
    readonly depth: number,
  ) {}

  get edges(): boolean {
    return this.options.edges ?? true;
  }

  get dtypes(): ReadonlyArray<Dtype> {
    return this.options.dtypes ?? DTYPE_NAMES;
  }

  dtype(of: (dtype: Dtype) => boolean): Dtype {
    const fitting = this.dtypes.filter(of);
    return fitting.length > 0 ? this.draws.pick(fitting) : DTYPE_NAMES.find(of)!;
  }

  size(): number {
    if (this.options.empty !== false && this.draws.below(24) === 0) return 0;
    return 1 + this.draws.below(this.options.maxSize ?? 4);
  }

  shape(rank = this.draws.below(4)): ReadonlyArray<number> {
    return range(rank).map(() => this.size());
  }

  constant(dtype: Dtype, shape: Shape): Value {
    if (!shape.every(sizeKnown) || this.draws.below(3) > 0) {
      return this.g.full({ dtype, shape }, randomElement(this.draws, dtype, this.edges));
    }
    return this.g.constant(randomTensor(this.draws, dtype, shape, this.edges));
  }

  /** A value for which a condition holds: one there is, of late ones more often; else one made. */
  some(holds: (type: TensorType) => boolean, make: () => Value): Value {
    const fitting = this.pool.filter((value) => holds(value.type));
    if (fitting.length === 0) return make();
    return fitting[fitting.length - 1 - Math.min(this.draws.below(fitting.length), this.draws.below(fitting.length))];
  }

  of(takes: (dtype: Dtype) => boolean, rank = 0): Value {
    return this.some(
      ({ dtype, shape }) => takes(dtype) && shape.length >= rank,
      () => this.constant(this.dtype(takes), this.shape(rank + this.draws.below(2))),
    );
  }

  /** A second operand of the same type. */
  like(x: Value, dtype: Dtype = x.type.dtype): Value {
    if (this.draws.below(4) === 0) return this.constant(dtype, x.type.shape);
    const same = this.pool.filter(({ type }) =>
      type.dtype === dtype && this.g.solver.equalShapes(type.shape, x.type.shape)
    );
    if (same.length > 0) return this.draws.pick(same);
    const dtypes = this.pool.filter(({ type }) => this.g.solver.equalShapes(type.shape, x.type.shape));
    if (dtypes.length > 0 && this.draws.below(2) === 0) return this.g.cast(this.draws.pick(dtypes), dtype);
    return this.constant(dtype, x.type.shape);
  }

  axis(x: Value): number {
    return this.draws.below(x.type.shape.length);
  }

  indices(shape: Shape, size: Dimension): Value {
    const dtype = this.draws.pick(["i32", "i64"] as const);
    if (!shape.every(sizeKnown)) return this.g.iota(dtype, shape, 0);
    const most = (sizeKnown(size) ? size : 3) + 1;
    const count = countOf(shape);
    return this.g.constant(tensor(dtype, shape, range(count).map(() => this.draws.below(most + 1) - 1)));
  }

  flag(): boolean {
    return this.draws.below(2) === 1;
  }
}

const any = (): boolean => true;
const isNumber = (dtype: Dtype): boolean => dtype !== "bool";
const isBits = (dtype: Dtype): boolean => !isFloat(dtype);

type Make = (m: Maker) => Value | ReadonlyArray<Value>;

const unary = (
  op: string,
  takes: (dtype: Dtype) => boolean,
): readonly [string, Make] => [op, (m) => m.g.emit(op, [m.of(takes)])];

const binary = (op: string, takes: (dtype: Dtype) => boolean): readonly [string, Make] => [op, (m) => {
  const x = m.of(takes);
  const pair = [x, m.like(x)];
  return m.g.emit(op, m.flag() ? pair : pair.toReversed());
}];

const stepsOf = (m: Maker, x: Value) => ({
  window: x.type.shape.map((size) => sizeKnown(size) && size > 0 ? 1 + m.draws.below(Math.min(size, 2)) : 1),
  strides: x.type.shape.map(() => 1 + m.draws.below(2)),
  low: x.type.shape.map(() => m.draws.below(2)),
  high: x.type.shape.map(() => m.draws.below(2)),
  dilation: x.type.shape.map(() => 1 + m.draws.below(2)),
});

const convolution = (m: Maker): Value => {
  const dtype = m.dtype(isNumber);
  const groups = 1 + m.draws.below(2);
  const x = m.some(
    (type) => type.dtype === dtype && type.shape.length === 3 && type.shape[1] === groups,
    () => m.constant(dtype, [m.size(), groups * (1 + m.draws.below(2)), 1 + m.size()]),
  );
  const channels = x.type.shape[1] as number;
  const w = m.constant(dtype, [groups * (1 + m.draws.below(2)), channels / groups, 1 + m.draws.below(2)]);
  return m.g.conv(x, w, {
    strides: [1 + m.draws.below(2)],
    low: [m.draws.below(3)],
    high: [m.draws.below(3)],
    dilation: [1 + m.draws.below(2)],
    input_dilation: [1 + m.draws.below(2)],
    groups,
  }, wider(m, dtype));
};

const wider = (m: Maker, dtype: Dtype): Dtype => {
  const from = dtypeInfo(dtype);
  const wide = m.dtypes.filter((to) => {
    const { kind, bits, signed } = dtypeInfo(to);
    return kind === from.kind && bits > from.bits && (signed || !from.signed);
  });
  return wide.length > 0 && m.draws.below(3) === 0 ? m.draws.pick(wide) : dtype;
};

const product = (m: Maker): Value => {
  const x = m.of(isNumber, 1);
  const [xRank, dtype] = [x.type.shape.length, x.type.dtype];
  const contract = m.axis(x);
  const batch = range(xRank).filter((axis) => axis !== contract && m.draws.below(3) === 0);
  const y = m.some(
    (type) => type.dtype === dtype && batch.length === 0 && type.shape.some((size) => size === x.type.shape[contract]),
    () => {
      const sizes = [...batch.map((axis) => x.type.shape[axis]), x.type.shape[contract], ...m.shape(m.draws.below(3))];
      const order = m.draws.shuffle(range(sizes.length));
      const made = m.constant(dtype, sizes);
      return m.flag() ? made : m.g.transpose(m.g.transpose(made, order), order.map((_, i) => order.indexOf(i)));
    },
  );
  const fromPool = batch.length === 0;
  const y_contract = fromPool ? y.type.shape.indexOf(x.type.shape[contract]) : batch.length;
  const axes = { x_batch: batch, y_batch: range(batch.length), x_contract: [contract], y_contract: [y_contract] };
  const flipped = {
    x_batch: axes.y_batch,
    y_batch: axes.x_batch,
    x_contract: axes.y_contract,
    y_contract: axes.x_contract,
  };
  return m.flag() ? m.g.dot(x, y, axes, wider(m, dtype)) : m.g.dot(y, x, flipped, wider(m, dtype));
};

const divided = (m: Maker, shape: Shape): Shape => {
  const sizes: Dimension[] = [];
  for (const size of shape) {
    if (size === 4 && m.flag()) sizes.push(2, 2);
    else sizes.push(size);
    if (m.draws.below(5) === 0) sizes.push(1);
  }
  return sizes;
};

const reshaped = (m: Maker): Value => {
  const x = m.of(any);
  const { shape } = x.type;
  const split = divided(m, shape);
  if (m.flag() || !shape.every(sizeKnown)) return m.g.reshape(x, m.flag() ? split : shape.filter((size) => size !== 1));
  const at = m.draws.below(shape.length + 1);
  const counts = [shape.slice(0, at), shape.slice(at)].map(countOf);
  return m.g.reshape(x, m.flag() ? counts : [countOf(shape)]);
};

const sliced = (m: Maker): Value => {
  const x = m.of(any, 1);
  const start = x.type.shape.map((size) => sizeKnown(size) && size > 0 && m.flag() ? m.draws.below(size) : 0);
  const limit = x.type.shape.map((size, axis) =>
    sizeKnown(size) && m.flag() ? start[axis] + m.draws.below(size - start[axis] + 1) : size
  );
  return m.g.slice(x, { start, limit, stride: x.type.shape.map(() => 1 + m.draws.below(2)) });
};

const stretched = (m: Maker): Value => {
  const x = m.of(any);
  const shape: Dimension[] = [];
  const axes: number[] = [];
  for (const size of x.type.shape) {
    if (m.draws.below(3) === 0) shape.push(m.size());
    axes.push(shape.length);
    shape.push(size === 1 ? m.size() : size);
  }
  if (m.flag()) shape.push(m.size());
  return m.g.broadcast(x, shape, axes);
};

const padded = (m: Maker): Value => {
  const x = m.of(any);
  const value = m.some(
    (type) => type.dtype === x.type.dtype && type.shape.length === 0,
    () => m.constant(x.type.dtype, []),
  );
  return m.g.pad(x, value, {
    low: x.type.shape.map((size) => m.draws.below(4) === 0 && sizeKnown(size) && size > 1 ? -1 : m.draws.below(2)),
    high: x.type.shape.map(() => m.draws.below(2)),
    interior: x.type.shape.map((size) => size === 0 ? 0 : m.draws.below(2)),
  });
};

const joined = (m: Maker): Value => {
  const first = m.of(any, 1);
  const axis = m.axis(first);
  const rest = range(m.draws.below(3)).map(() =>
    m.some(
      ({ dtype, shape }) =>
        dtype === first.type.dtype && shape.length === first.type.shape.length &&
        shape.every((size, i) => i === axis || size === first.type.shape[i]),
      () => m.constant(first.type.dtype, first.type.shape.map((size, i) => i === axis ? m.size() : size)),
    )
  );
  return m.g.concat([first, ...rest], axis);
};

const accessed = (kind: "gather" | "scatter" | "take" | "put") => (m: Maker): Value => {
  const x = m.of(any, 1);
  const axis = m.axis(x);
  const along = kind === "take" || kind === "put";
  const shape: Shape = along ? x.type.shape.map((size, i) => i === axis ? m.size() : size) : m.shape(m.draws.below(3));
  const indices = m.indices(shape, x.type.shape[axis]);
  if (kind === "gather") return m.g.gather(x, indices, axis);
  if (kind === "take") return m.g.takeAlong(x, indices, axis);
  const wide = along ? shape : [...x.type.shape.slice(0, axis), ...shape, ...x.type.shape.slice(axis + 1)];
  const updates = m.constant(x.type.dtype, wide);
  const mode = x.type.dtype === "bool" || m.flag() ? "set" : "add";
  return kind === "put" ? m.g.putAlong(x, indices, updates, axis, mode) : m.g.scatter(x, indices, updates, axis, mode);
};

const reduced = (m: Maker): Value => {
  const x = m.of(any);
  const kind = x.type.dtype === "bool"
    ? m.draws.pick(["any", "all"] as const)
    : m.draws.pick(["sum", "prod", "max", "min"] as const);
  return m.g.reduce(kind, x, range(x.type.shape.length).filter(() => m.flag()));
};

const PREDICATES = ["eq", "ne", "lt", "le", "gt", "ge"] as const;

const predicate = (m: Maker): Value =>
  m.some(
    ({ dtype, shape }) => dtype === "bool" && shape.length === 0,
    () => {
      const x = m.of(any);
      const bits = m.g.compare(m.draws.pick(PREDICATES), x, m.like(x));
      return m.g.reduce("any", bits);
    },
  );

const SMALL_BODY = 4;

/** A body's nodes on a pool, and results of the types that are asked for. */
const body = (
  m: Maker,
  g: FunctionBuilder,
  pool: ReadonlyArray<Value>,
  types: ReadonlyArray<TensorType>,
): ReadonlyArray<Value> => {
  const grown = grow(g, m.program, m.draws, pool, { ...m.options, nodes: 1 + m.draws.below(SMALL_BODY) }, m.depth + 1);
  const inner = new Maker(g, m.program, m.draws, grown, m.options, m.depth + 1);
  return types.map((type) =>
    inner.some(
      ({ dtype, shape }) => dtype === type.dtype && g.solver.equalShapes(shape, type.shape),
      () => inner.constant(type.dtype, type.shape),
    )
  );
};

/** Some values of the pool, so that bodies capture few. */
const few = (m: Maker, count: number): ReadonlyArray<Value> => range(count).map(() => m.draws.pick(m.pool));

const branch = (m: Maker): ReadonlyArray<Value> => {
  const types = few(m, 1 + m.draws.below(2)).map((value) => value.type);
  const outer = few(m, 3);
  return m.g.if(predicate(m), (g) => body(m, g, outer, types), (g) => body(m, g, outer, types));
};

const loop = (m: Maker): ReadonlyArray<Value> => {
  const carried = few(m, 1 + m.draws.below(2));
  const outer = few(m, 2);
  const count = m.g.constant(tensor("i32", [], [0]));
  const turns = m.draws.below(4);
  return m.g.while(
    [count, ...carried],
    (g, [i]) => g.compare("lt", i, turns),
    (g, [i, ...rest]) => [g.add(i, 1), ...body(m, g, [...rest, ...outer], carried.map((value) => value.type))],
  );
};

const scanned = (m: Maker): ReadonlyArray<Value> => {
  const rows = m.draws.below(4) === 0 ? [] : [m.of(any, 1)];
  const length = rows[0]?.type.shape[0] ?? m.draws.below(4);
  const carried = few(m, m.draws.below(3));
  const outer = few(m, 2);
  return m.g.scan({ length, reverse: m.flag() }, carried, rows, (g, state, row) => {
    const pool = [...state, ...row, ...outer];
    const stacked = range(m.draws.below(2) + (carried.length === 0 ? 1 : 0)).map(() => m.draws.pick(pool).type);
    return body(m, g, pool, [...carried.map((value) => value.type), ...stacked]);
  });
};

const called = (m: Maker): ReadonlyArray<Value> => {
  const args = few(m, 1 + m.draws.below(3));
  const name = `f${m.draws.uint32()}`;
  const types = Object.fromEntries(args.map(({ type }, i) => [`p${i}`, type]));
  m.program.function(name, types, (g, values) => {
    const pool = grow(g, m.program, m.draws, Object.values(values), {
      ...m.options,
      nodes: 1 + m.draws.below(SMALL_BODY),
    }, m.depth + 1);
    return range(1 + m.draws.below(2)).map(() => m.draws.pick(pool));
  });
  return m.g.call(name, args);
};

const DISTRIBUTIONS = ["uniform", "normal", "bits"] as const;

const drawn = (m: Maker): Value => {
  const seed = m.some(
    ({ dtype, shape }) => dtype === "i64" && shape.length === 0,
    () => m.g.constant(tensor("i64", [], [m.draws.below(5)])),
  );
  const distribution = m.draws.pick(DISTRIBUTIONS);
  const dtype = m.dtype((of) => isFloat(of) !== (distribution === "bits"));
  return m.g.random(seed, tensorType(dtype, m.shape()), { distribution, stream: m.draws.below(2) });
};

const MAKERS: ReadonlyMap<string, Make> = new Map<string, Make>([
  unary("neg", isNumber),
  unary("abs", isNumber),
  unary("sign", isNumber),
  ...["exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "logistic", "erf", "floor", "ceil", "round"]
    .map((op) => unary(op, isFloat)),
  unary("not", isBits),
  unary("stop_gradient", any),
  ["cast", (m) => {
    const x = m.of(any);
    return m.g.cast(x, m.dtype((dtype) => dtype !== x.type.dtype));
  }],
  ...["add", "sub", "mul", "div", "rem", "pow", "max", "min"].map((op) => binary(op, isNumber)),
  ...["and", "or", "xor"].map((op) => binary(op, isBits)),
  ...["shift_left", "shift_right"].map((op) => binary(op, isInteger)),
  ["compare", (m) => {
    const x = m.of(any);
    return m.g.compare(m.draws.pick(PREDICATES), x, m.like(x));
  }],
  ["select", (m) => {
    const x = m.of(any);
    return m.g.select(m.like(x, "bool"), x, m.like(x));
  }],
  ["constant", (m) => m.g.constant(randomTensor(m.draws, m.dtype(any), m.shape(), m.edges))],
  ["iota", (m) => m.g.iota(m.dtype(isNumber), m.shape(1 + m.draws.below(3)), 0)],
  ["dimension", (m) => {
    const x = m.of(any, 1);
    return m.g.dimension(x.type.shape[m.axis(x)], m.dtype(isNumber));
  }],
  ["random", drawn],
  ["broadcast", stretched],
  ["reshape", reshaped],
  ["transpose", (m) => {
    const x = m.of(any, 2);
    return m.g.transpose(x, m.draws.shuffle(range(x.type.shape.length)));
  }],
  ["reverse", (m) => {
    const x = m.of(any, 1);
    return m.g.reverse(x, range(x.type.shape.length).filter(() => m.flag()));
  }],
  ["slice", sliced],
  ["pad", padded],
  ["concat", joined],
  ["gather", accessed("gather")],
  ["scatter", accessed("scatter")],
  ["take_along", accessed("take")],
  ["put_along", accessed("put")],
  ["reduce", reduced],
  ["arg_reduce", (m) => {
    const x = m.of(any, 1);
    return m.g.argReduce(m.draws.pick(["max", "min"] as const), x, m.axis(x));
  }],
  ["sort", (m) => {
    const x = m.of(any, 1);
    return m.g.sort(x, m.axis(x), m.flag());
  }],
  ["cumulative", (m) => {
    const x = m.of(isNumber, 1);
    const op = m.draws.pick(["sum", "prod", "max", "min"] as const);
    return m.g.cumulative(op, x, { axis: m.axis(x), reverse: m.flag(), exclusive: m.flag() });
  }],
  ["reduce_window", (m) => {
    const x = m.of(isNumber);
    return m.g.reduceWindow(m.draws.pick(["sum", "max", "min"] as const), x, stepsOf(m, x));
  }],
  ["select_and_scatter", (m) => {
    const x = m.of(isNumber);
    const sliding = stepsOf(m, x);
    const op = m.draws.pick(["max", "min"] as const);
    return m.g.selectAndScatter(op, x, m.g.reduceWindow(op, x, sliding), sliding);
  }],
  ["dot", product],
  ["conv", convolution],
  ["call", called],
  ["if", branch],
  ["while", loop],
  ["scan", scanned],
]);

/** Names of everything that is drawn from. */
export const GENERATED_OPS: ReadonlyArray<string> = [...MAKERS.keys()];

const CONTROL_OPS = ["call", "if", "while", "scan"];
const MAX_CONTROL_DEPTH = 2;
const TRIES_PER_NODE = 4;

const isSmall = (value: Value): boolean =>
  countOf(value.type.shape) <= MAX_ELEMENTS_MADE && value.type.shape.length <= 6;

/** Adds nodes to a pool. Now and then a step is repeated with the same choices: a shared sub-expression. */
const grow = (
  g: FunctionBuilder,
  program: ProgramBuilder,
  draws: Random,
  start: ReadonlyArray<Value>,
  options: ProgramOptions,
  depth: number,
): ReadonlyArray<Value> => {
  const pool = [...start];
  const asked = options.ops ?? GENERATED_OPS;
  const simple = asked.filter((op) => !CONTROL_OPS.includes(op));
  const control = options.control === false || depth >= MAX_CONTROL_DEPTH
    ? []
    : asked.filter((op) => CONTROL_OPS.includes(op));
  const nodes = options.nodes ?? 12;
  for (let made = 0, tries = 0; made < nodes && tries < nodes * TRIES_PER_NODE; tries++) {
    const op = control.length > 0 && (simple.length === 0 || draws.below(8) === 0)
      ? draws.pick(control)
      : draws.pick(simple);
    const snapshot = [...pool];
    const before = draws.save();
    const attempt = (with_: Random): boolean => {
      try {
        const results = MAKERS.get(op)!(new Maker(g, program, with_, snapshot, options, depth));
        pool.push(...[results].flat().filter(isSmall) as Value[]);
        return true;
      } catch (thrown) {
        // What the checks refuse (an axis that is empty, a window that does not fit) is not made.
        if (isIrFailure(thrown)) return false;
        throw thrown;
      }
    };
    if (!attempt(draws)) continue;
    made++;
    if (!CONTROL_OPS.includes(op) && draws.below(8) === 0) attempt(resumeRandom(before));
  }
  return pool;
};

/** A random program; the same seed and options give the same one. */
export const randomProgram = (seed: string | number, options: ProgramOptions = {}): Program => {
  const draws = random(seed);
  const program = new ProgramBuilder();
  const dtypes = options.dtypes ?? DTYPE_NAMES;
  const sizes = () => {
    if (options.symbolic && draws.below(3) === 0) return draws.pick(SYMBOLS);
    if (options.empty !== false && draws.below(24) === 0) return 0;
    return 1 + draws.below(options.maxSize ?? 4);
  };
  const first = draws.pick(dtypes);
  const types = range(1 + draws.below(4)).map((i) => {
    const dtype = i === 0 || draws.below(2) === 0 ? first : draws.pick(dtypes);
    return tensorType(dtype, range(draws.below(4)).map(sizes));
  });
  // Symbols stand alone in some parameter, so that inputs determine them.
  const determined = options.symbolic ? [...types, tensorType(first, SYMBOLS)] : types;
  const parameters = Object.fromEntries(determined.map((type, i) => [`x${i}`, type]));
  program.function("main", parameters, (g, values) => {
    const pool = grow(g, program, draws, Object.values(values), options, 0);
    const results = range(1 + draws.below(6)).map(() =>
      pool[pool.length - 1 - draws.below(Math.ceil(pool.length * 0.6))]
    );
    return results;
  });
  return program.build("main");
};
