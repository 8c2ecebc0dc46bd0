/**
 * Structure: layers that arrange others, and those that only move elements.
 *
 * Invariant: the first axis is the batch; no layer here mixes samples or learns anything itself.
 *
 * @module
 */
import type { Shape, TensorType } from "../../ir/contract.ts";
import { multiplyDimensions, printType, quotientOf, type Value } from "../../ir/library.ts";
import { badForm, sizeUnknown, unfitInput } from "../failures.ts";
import { dropout, dropPath } from "./regularisation.ts";
import { foldText } from "./composed.ts";
import { MAX_LAYERS } from "./form.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, madeRow, named, setting } from "./layer.ts";
import { numberOf, perAxis, type Settings, textOf } from "./settings.ts";

const ANY = { least: 1, most: Infinity };
const MAYBE = { least: 0, most: Infinity };
const BODY = { least: 1, most: 1 };

/** One layer after another; what one gives is what the next is given. */
export const sequential = (...parts: ReadonlyArray<Layer>): Layer => layerOf("sequential", {}, parts);

/** Layers on the same inputs; gives the results of all, in order. */
export const parallel = (...parts: ReadonlyArray<Layer>): Layer => layerOf("parallel", {}, parts);

/** A layer a number of times, each with tensors of its own (one `shared` layer: with the same). */
export const repeated = (times: number, part: Layer): Layer => layerOf("repeated", { times }, [part]);

/** The input added to what the layer makes of it. */
export const residual = (part: Layer): Layer => layerOf("residual", {}, [part]);

/** The input beside what the layer makes of it, along an axis. */
export const denseSkip = (part: Layer, settings: { readonly axis?: number } = {}): Layer =>
  layerOf("dense_skip", settings, [part]);

/** What a residual block is told. */
export interface ResidualBlockSettings {
  /** Where a norm stands: `pre`: x + f(norm x); `post`: norm(x + f x); `none`. */
  readonly order?: "pre" | "post" | "none";
  /** Kind of the norm: `layer_norm`, `rms_norm` or any other. */
  readonly norm?: string;
  /** Share of elements dropped from what the layer makes. */
  readonly drop?: number;
  /** Share of samples that skip the layer while training. */
  readonly dropPath?: number;
}

/** A residual connection with norm, dropout and drop path. */
export const residualBlock = (part: Layer, { dropPath: path, ...settings }: ResidualBlockSettings = {}): Layer =>
  layerOf("residual_block", { ...settings, drop_path: path }, [part]);

/** The input as it is. */
export const identity = (): Layer => layerOf("identity");

/** Several inputs as one, along an axis. */
export const concatenated = (settings: { readonly axis?: number } = {}): Layer => layerOf("concat", settings);

/** The sum of several inputs. */
export const added = (): Layer => layerOf("sum");

/** The product of several inputs, element by element. */
export const multiplied = (): Layer => layerOf("product");

/** All axes from one on as one. */
export const flatten = (settings: { readonly from?: number } = {}): Layer => layerOf("flatten", settings);

/** Each sample's elements under other sizes. */
export const reshape = (sizes: ReadonlyArray<number>): Layer => layerOf("reshape", { sizes });

/** Each sample's axes in another order: the positions of the sample's axes, counted from 1. */
export const transposed = (axes: ReadonlyArray<number>): Layer => layerOf("transpose", { axes });

/** An image as a sequence of square pieces, each flattened: channels, then rows, then columns. */
export const patches = (settings: { readonly size: number | ReadonlyArray<number> }): Layer =>
  layerOf("patches", settings);

const flattened: LayerRow["build"] = ({ g, x, settings }) => {
  const { shape } = x.type;
  const from = numberOf(settings, "from");
  return g.reshape(x, [...shape.slice(0, from), multiplyDimensions(...shape.slice(from))]);
};

/** Pieces before channels, rows and columns. */
const PIECES_FIRST = [0, 2, 4, 1, 3, 5];

/** An image's sizes with rows and columns counted by pieces. */
const cutInto = (x: TensorType, settings: Settings): Shape => {
  const unfit = (reason: string) => unfitInput({ kind: "patches", found: printType(x), reason });
  if (x.shape.length !== 4) throw unfit("it takes [batch, channels, height, width]");
  const [batch, channels, ...plane] = x.shape;
  const size = perAxis("patches", settings, "size", 2);
  const counts = plane.map((extent, i) => {
    const count = quotientOf(extent, size[i]);
    if (count === undefined) throw unfit(`${size[i]} does not divide ${extent}`);
    return count;
  });
  return [batch, channels, counts[0], size[0], counts[1], size[1]];
};

const patched: LayerRow["build"] = ({ g, x, settings }) => {
  const cut = cutInto(x.type, settings);
  const [batch, channels, rows, height, columns, width] = cut;
  const moved = g.transpose(g.reshape(x, cut), PIECES_FIRST);
  return g.reshape(moved, [batch, multiplyDimensions(rows, columns), multiplyDimensions(channels, height, width)]);
};

/** A reshape in the language; the batch follows from the other sizes, which must be known. */
export const reshapedTo = ([, ...sizes]: Shape): string => {
  const open = sizes.find((size) => typeof size !== "number");
  if (open !== undefined) throw sizeUnknown({ kind: "reshape", what: "a shape in the language", size: String(open) });
  return sizes.length === 0 ? "reshape(shape: -1)" : `reshape(shape: (${[-1, ...sizes].join(", ")}))`;
};

const inOrder = ({ parts, inputs, build }: Building): ReadonlyArray<Value> =>
  parts.reduce<ReadonlyArray<Value>>((values, part, i) => build(part, values, i), inputs);

const only = ({ parts, inputs, build }: Building): Value => build(parts[0], inputs, "")[0];

const sameShape = (x: TensorType, made: TensorType): void => {
  const fits = made.shape.length === x.shape.length && made.shape.every((size, axis) => size === x.shape[axis]);
  if (fits) return;
  throw unfitInput({
    kind: "residual",
    found: printType(x),
    reason: `its layer makes ${printType(made)} of it, which cannot be added to it`,
  });
};

const blockOf = (body: Layer, settings: Settings): Layer => {
  const order = textOf(settings, "order");
  const [drop, path] = [numberOf(settings, "drop"), numberOf(settings, "drop_path")];
  const norm = named("norm", layerOf(textOf(settings, "norm")));
  const inner = sequential(
    ...(order === "pre" ? [norm] : []),
    body.name === undefined ? named("body", body) : body,
    ...(drop > 0 ? [dropout({ rate: drop })] : []),
    ...(path > 0 ? [dropPath({ rate: path })] : []),
  );
  const sum = residual(named("", inner));
  return order === "post" ? sequential(named("", sum), norm) : sum;
};

const sizesOf = (settings: Settings, name: string): ReadonlyArray<number> => {
  const given = settings[name];
  return typeof given === "number" ? [given] : given as ReadonlyArray<number>;
};

/** The rows. */
export const STRUCTURE: ReadonlyArray<LayerRow> = [
  builtRow("sequential", {
    family: "structure",
    doc: "Layers one after another.",
    inputs: ANY,
    parts: MAYBE,
    build: inOrder,
  }),
  builtRow("parallel", {
    family: "structure",
    doc: "Layers on the same inputs; gives the results of all.",
    inputs: ANY,
    parts: ANY,
    rmil: (parts) => `(${parts.join(" | ")})`,
    build: ({ parts, inputs, build }) => parts.flatMap((part, i) => build(part, inputs, i)),
  }),
  madeRow("repeated", {
    family: "structure",
    doc: "A layer a number of times, each with tensors of its own.",
    inputs: ANY,
    parts: BODY,
    settings: [setting("times", "size", "How often.", { default: 1 })],
    expand: ({ parts, settings }) => {
      const times = numberOf(settings, "times");
      if (times > MAX_LAYERS) throw badForm({ reason: `${times} are more than ${MAX_LAYERS} layers` });
      return sequential(...Array.from({ length: times }, (_, i) => named(String(i), parts[0])));
    },
  }),
  builtRow("residual", {
    family: "structure",
    doc: "The input plus what a layer makes of it.",
    parts: BODY,
    rmil: ([body]) => `res_add(identity, ${body})`,
    build: (given) => {
      const made = only(given);
      sameShape(given.x.type, made.type);
      return given.g.add(given.x, made);
    },
    source: "He et al. 2016",
  }),
  builtRow("dense_skip", {
    family: "structure",
    doc: "The input beside what a layer makes of it, along an axis.",
    settings: [setting("axis", "axis", "Along which they stand side by side.", { default: 1 })],
    parts: BODY,
    rmil: ([body], { settings }) => `res_cat(identity, ${body}, axis: ${numberOf(settings, "axis")})`,
    build: (given) => given.g.concat([given.x, only(given)], numberOf(given.settings, "axis")),
    source: "Huang et al. 2017",
  }),
  madeRow("residual_block", {
    family: "structure",
    doc: "A residual connection with a norm before (pre) or after (post), dropout and drop path.",
    settings: [
      setting("order", "choice", "Where the norm stands.", { choices: ["pre", "post", "none"], default: "pre" }),
      setting("norm", "name", "Kind of the norm.", { default: "layer_norm" }),
      setting("drop", "rate", "Share of elements dropped from what the layer makes.", { default: 0 }),
      setting("drop_path", "rate", "Share of samples that skip the layer while training.", { default: 0 }),
    ],
    parts: BODY,
    expand: ({ parts, settings }) => blockOf(parts[0], settings),
  }),
  builtRow("identity", {
    family: "structure",
    doc: "The inputs as they are.",
    inputs: ANY,
    rmil: () => "identity",
    build: ({ inputs }) => inputs,
    properties: { elementwise: true, monotonic: true, linear: true, idempotent: true },
  }),
  builtRow("concat", {
    family: "structure",
    doc: "Several inputs as one, along an axis.",
    inputs: ANY,
    settings: [setting("axis", "axis", "Along which they stand side by side.", { default: 1 })],
    rmil: (_, { settings }) => `concat(axis: ${numberOf(settings, "axis")})`,
    build: ({ g, inputs, settings }) => g.concat(inputs, numberOf(settings, "axis")),
  }),
  builtRow("sum", {
    family: "structure",
    doc: "The sum of several inputs.",
    inputs: ANY,
    rmil: (_, { types }) => foldText("add", types),
    build: ({ g, inputs }) => inputs.reduce((sum, value) => g.add(sum, value)),
  }),
  builtRow("product", {
    family: "structure",
    doc: "The product of several inputs, element by element.",
    inputs: ANY,
    rmil: (_, { types }) => foldText("mul", types),
    build: ({ g, inputs }) => inputs.reduce((product, value) => g.mul(product, value)),
  }),
  builtRow("flatten", {
    family: "structure",
    doc: "All axes from one on as one.",
    settings: [setting("from", "size", "The first of the axes.", { default: 1 })],
    rmil: (_, __, [y]) => reshapedTo(y.shape),
    build: flattened,
  }),
  builtRow("reshape", {
    family: "structure",
    doc: "Each sample's elements under other sizes.",
    settings: [setting("sizes", "sizes", "Sizes after the batch.", { default: [] })],
    rmil: (_, __, [y]) => reshapedTo(y.shape),
    build: ({ g, x, settings }) => g.reshape(x, [x.type.shape[0], ...sizesOf(settings, "sizes")]),
  }),
  builtRow("transpose", {
    family: "structure",
    doc: "Each sample's axes in another order.",
    settings: [setting("axes", "sizes", "Positions of the sample's axes, counted from 1.", { default: [] })],
    rmil: (_, { settings }) => `transpose(axes: (${[0, ...sizesOf(settings, "axes")].join(", ")}))`,
    build: ({ g, x, settings }) => g.transpose(x, [0, ...sizesOf(settings, "axes")]),
  }),
  builtRow("patches", {
    family: "structure",
    doc: "An image as a sequence of pieces, each flattened.",
    settings: [setting("size", "sizes", "Height and width of a piece.", { default: 4 })],
    rmil: (_, { types: [x], settings }, [y]) => {
      const cut = cutInto(x, settings);
      return `(${reshapedTo(cut)} >> transpose(axes: (${PIECES_FIRST.join(", ")})) >> ${reshapedTo(y.shape)})`;
    },
    build: patched,
    source: "Dosovitskiy et al. 2021",
  }),
];
