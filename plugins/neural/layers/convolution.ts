/**
 * Convolution: kernels that slide over positions; channels stand on axis 1, positions after it.
 *
 * Two-dimensional convolution is the language's op; the others are the same primitive over other axes.
 * Invariant: a kernel is [width, channels / groups, …extents] for all of them, the transposed ones too, whose kernel is the
 * one of the convolution that gives their result (turned and swapped against the layout of ONNX).
 *
 * @module
 */
import { printType, quotientOf, type Value } from "../../ir/library.ts";
import { sizeUnknown, unfitInput } from "../failures.ts";
import {
  type Building,
  builtRow,
  type Expanding,
  type Layer,
  layerOf,
  type LayerRow,
  madeRow,
  named,
  setting,
} from "./layer.ts";
import { writtenOneHigh } from "./one_high.ts";
import { opRow, STARTS } from "./op_row.ts";
import { sequential } from "./structure.ts";
import { flagOf, numberOf, perAxis } from "./settings.ts";

/** One number, or one for each axis of positions. */
export type PerAxis = number | ReadonlyArray<number>;

/** What a convolution is told. */
export interface ConvSettings {
  /** Channels of the result; the input's where absent. */
  readonly width?: number;
  /** Extent of the kernel; 3 where absent. */
  readonly kernel?: PerAxis;
  /** Distance between windows. */
  readonly stride?: PerAxis;
  /** Border of zeros on each side; as much as keeps the size at stride 1 where absent. */
  readonly padding?: PerAxis;
  /** Distance between the kernel's elements. */
  readonly dilation?: PerAxis;
  /** Groups of channels that do not mix. */
  readonly groups?: number;
  /** Whether a learned shift is added; true where absent. */
  readonly bias?: boolean;
}

/** What a transposed convolution is told. */
export interface TransposedSettings extends ConvSettings {
  /** Positions cut from each side of the result; 0 where absent. */
  readonly padding?: PerAxis;
  /** Positions added after the result. */
  readonly extra?: PerAxis;
}

/** What a separable convolution is told. */
export interface SeparableSettings extends Omit<ConvSettings, "groups"> {
  /** Kernels for each channel of the input. */
  readonly multiplier?: number;
}

/** Convolution of sequences [batch, channels, steps]. */
export const conv1d = (settings: ConvSettings = {}): Layer => layerOf("conv1d", settings);

/** Convolution of images [batch, channels, height, width]. */
export const conv2d = (settings: ConvSettings = {}): Layer => layerOf("conv2d", settings);

/** Convolution of volumes [batch, channels, depth, height, width]. */
export const conv3d = (settings: ConvSettings = {}): Layer => layerOf("conv3d", settings);

/** A kernel for each channel, then a mix of the channels. */
export const separableConv2d = (settings: SeparableSettings = {}): Layer => layerOf("separable_conv2d", settings);

/** Transposed convolution of sequences: stride makes them longer. */
export const convTranspose1d = (settings: TransposedSettings = {}): Layer => layerOf("conv_transpose1d", settings);

/** Transposed convolution of images: stride makes them larger. */
export const convTranspose2d = (settings: TransposedSettings = {}): Layer => layerOf("conv_transpose2d", settings);

/** The kernel's sizes, as settings and channels say. */
const kernelOf = (kind: string, { x, settings }: Building, axes: number): ReadonlyArray<number> => {
  const found = printType(x.type);
  if (x.type.shape.length !== axes + 2) {
    throw unfitInput({ kind, found, reason: `it takes a batch, channels and ${axes} axes of positions` });
  }
  const channels = x.type.shape[1];
  if (typeof channels !== "number") throw sizeUnknown({ kind, what: "axis 1, the channels,", size: channels });
  const groups = numberOf(settings, "groups", 1);
  const width = numberOf(settings, "width", channels);
  const each = quotientOf(channels, groups);
  if (typeof each !== "number" || quotientOf(width, groups) === undefined) {
    throw unfitInput({ kind, found, reason: `${groups} groups do not divide ${channels} channels and ${width}` });
  }
  return [width, each, ...perAxis(kind, settings, "kernel", axes)];
};

const product = (sizes: ReadonlyArray<number>): number => sizes.reduce((all, size) => all * size, 1);

const learned = (
  { g, settings, parameter }: Building,
  kernel: ReadonlyArray<number>,
  fan: number,
  convolve: (weight: Value) => Value,
): Value => {
  const y = convolve(parameter("weight", kernel, STARTS.fanIn(fan, 1)));
  if (!flagOf(settings, "bias")) return y;
  const bias = parameter("bias", [kernel[0]], STARTS.zeros(1, 1));
  return g.add(y, g.reshape(bias, y.type.shape.map((_, axis) => axis === 1 ? kernel[0] : 1)));
};

const convolution = (kind: string, axes: number) => (given: Building): Value => {
  const { g, x, settings } = given;
  const kernel = kernelOf(kind, given, axes);
  const dilation = perAxis(kind, settings, "dilation", axes);
  const border = dilation.map((step, i) => (kernel[i + 2] - 1) * step);
  const padding = settings.padding === undefined ? undefined : perAxis(kind, settings, "padding", axes);
  return learned(given, kernel, product(kernel.slice(1)), (weight) =>
    g.conv(x, weight, {
      strides: perAxis(kind, settings, "stride", axes),
      dilation,
      groups: numberOf(settings, "groups", 1),
      low: padding ?? border.map((all) => Math.floor(all / 2)),
      high: padding ?? border.map((all) => all - Math.floor(all / 2)),
    }));
};

/** The gradient of a convolution by its input, as a layer: the input is spread by the stride, and windows move by one. */
const transposedConvolution = (kind: string, axes: number) => (given: Building): Value => {
  const { g, x, settings } = given;
  const kernel = kernelOf(kind, given, axes);
  const [stride, dilation, padding, extra] = ["stride", "dilation", "padding", "extra"]
    .map((name) => perAxis(kind, settings, name, axes));
  const low = dilation.map((step, i) => (kernel[i + 2] - 1) * step - padding[i]);
  // Of the kernel's elements, one in `stride` meets an element of the input.
  const fan = Math.max(1, product(kernel.slice(1)) / product(stride));
  return learned(given, kernel, fan, (weight) =>
    g.conv(x, weight, {
      input_dilation: stride,
      dilation,
      groups: numberOf(settings, "groups", 1),
      low,
      high: low.map((border, i) => border + extra[i]),
    }));
};

const separable = ({ settings, types: [x] }: Expanding): Layer => {
  const channels = x.shape[1];
  const kind = "separable_conv2d";
  if (channels === undefined) throw unfitInput({ kind, found: printType(x), reason: "it takes images" });
  if (typeof channels !== "number") throw sizeUnknown({ kind, what: "axis 1, the channels,", size: channels });
  const { kernel, stride, padding, dilation } = settings;
  const across = { kernel, stride, padding, dilation, bias: false, groups: channels };
  return sequential(
    named("depthwise", layerOf("conv2d", { ...across, width: channels * numberOf(settings, "multiplier", 1) })),
    named("pointwise", layerOf("conv2d", { kernel: 1, bias: settings.bias, width: settings.width ?? channels })),
  );
};

const conv2dRow = opRow("conv2d", "convolution", { properties: { linear: true } });

const transposedSettings = [
  ...conv2dRow.settings.filter(({ name }) => name !== "padding"),
  setting("padding", "sizes", "Positions cut from each side of the result.", { default: 0 }),
  setting("extra", "sizes", "Positions added after the result.", { default: 0 }),
];

const overAxes = (kind: string, axes: number, doc: string, more: Pick<LayerRow, "rmil"> = {}): LayerRow =>
  builtRow(kind, {
    ...more,
    family: "convolution",
    doc,
    settings: conv2dRow.settings,
    build: convolution(kind, axes),
    properties: { linear: true },
  });

const transposedOverAxes = (kind: string, axes: number, doc: string): LayerRow =>
  builtRow(kind, {
    family: "convolution",
    doc,
    settings: transposedSettings,
    build: transposedConvolution(kind, axes),
    properties: { linear: true },
  });

/** The rows. */
export const CONVOLUTION: ReadonlyArray<LayerRow> = [
  overAxes("conv1d", 1, "Convolution (cross-correlation) of sequences [batch, channels, steps].", {
    rmil: writtenOneHigh("conv1d", "conv2d"),
  }),
  conv2dRow,
  overAxes("conv3d", 3, "Convolution (cross-correlation) of volumes [batch, channels, depth, height, width]."),
  madeRow("separable_conv2d", {
    family: "convolution",
    doc: "A kernel for each channel of images, then a mix of the channels.",
    settings: [
      ...conv2dRow.settings.filter(({ name }) => name !== "groups"),
      setting("multiplier", "size", "Kernels for each channel of the input.", { default: 1 }),
    ],
    expand: separable,
    properties: { linear: true },
    source: "Chollet 2017",
  }),
  transposedOverAxes("conv_transpose1d", 1, "Transposed convolution of sequences: stride makes them longer."),
  transposedOverAxes("conv_transpose2d", 2, "Transposed convolution of images: stride makes them larger."),
];
