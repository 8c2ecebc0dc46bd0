/**
 * Augment: the same sample a little different in every epoch.
 *
 * Geometric changes (shift, flip, rotate, crop) act on what is stored, together as one map of the plane, sampled once
 * between pixels; beyond the edge there is 0. Noise and mixup act on what is given out.
 * Invariant: what happens to a sample depends on the seed, the epoch and the sample's number alone, so neither the size
 * of batches nor the place where a run was resumed changes it. (Of data that are read as they pass, the sample to mix
 * with is one of the same batch: no other is held.)
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { type Random, random } from "../../../kernel/random.ts";
import { type ConcreteType, isFloat } from "../../ir/library.ts";
import { badBatches } from "../failures.ts";
import type { DataSchema } from "./dataset.ts";

/** One kind of change. */
export type Augmentation =
  /** Moves an image by whole pixels, at most so many along each axis. */
  | { readonly kind: "shift"; readonly pixels: number }
  /** Mirrors an image, by default half of the time. */
  | { readonly kind: "flip"; readonly axis: "horizontal" | "vertical"; readonly chance?: number }
  /** Turns an image about its middle, at most so many degrees either way. */
  | { readonly kind: "rotate"; readonly degrees: number }
  /** Takes a window of at least this share of each side and stretches it to the whole. */
  | { readonly kind: "crop"; readonly share: number }
  /** Adds normal noise. */
  | { readonly kind: "noise"; readonly deviation: number }
  /** Mixes with another sample of the split by a share of Beta(alpha, alpha); classes become shares. Zhang et al. 2018. */
  | { readonly kind: "mixup"; readonly alpha: number };

const number = (description: string, minimum: number, maximum: number): Schema.Codec<number> =>
  Schema.Finite.check(Schema.isBetween({ minimum, maximum })).annotate({ description }) as unknown as Schema.Codec<
    number
  >;

/** Largest movement of an image, pixels. */
export const MAX_SHIFT = 1024;

/** Schema of {@link Augmentation}. */
export const Augmentation: Schema.Codec<Augmentation> = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("shift"),
    pixels: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MAX_SHIFT })),
  }),
  Schema.Struct({
    kind: Schema.Literal("flip"),
    axis: Schema.Literals(["horizontal", "vertical"]),
    chance: Schema.optionalKey(number("how often, default 0.5", 0, 1)),
  }),
  Schema.Struct({ kind: Schema.Literal("rotate"), degrees: number("most either way", 0, 180) }),
  Schema.Struct({ kind: Schema.Literal("crop"), share: number("least share of each side", 0.01, 1) }),
  Schema.Struct({ kind: Schema.Literal("noise"), deviation: number("standard deviation", 0, 1e6) }),
  Schema.Struct({ kind: Schema.Literal("mixup"), alpha: number("shape of Beta(alpha, alpha)", 0.01, 100) }),
]) as unknown as Schema.Codec<Augmentation>;

/** Where an output pixel (x, y) comes from: (a·x + b·y + c, d·x + e·y + f). */
type PlaneMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

const STAY: PlaneMap = [1, 0, 0, 0, 1, 0];

/** First the one, then the other: where `outer` looks, `inner` says what is there. */
const after = ([a, b, c, d, e, f]: PlaneMap, [p, q, r, s, t, u]: PlaneMap): PlaneMap => [
  a * p + b * s,
  a * q + b * t,
  a * r + b * u + c,
  d * p + e * s,
  d * q + e * t,
  d * r + e * u + f,
];

type Geometric = Extract<Augmentation, { readonly kind: "shift" | "flip" | "rotate" | "crop" }>;

const RADIANS = Math.PI / 180;

/** The map of one change for one sample; width and height of the image. */
const PLANE_MAPS: {
  readonly [K in Geometric["kind"]]: (
    change: Extract<Geometric, { readonly kind: K }>,
    draw: Random,
    width: number,
    height: number,
  ) => PlaneMap;
} = {
  shift: ({ pixels }, draw) => {
    const by = () => draw.below(2 * pixels + 1) - pixels;
    return [1, 0, by(), 0, 1, by()];
  },
  flip: ({ axis, chance = 0.5 }, draw, width, height) => {
    if (draw.float() >= chance) return STAY;
    return axis === "horizontal" ? [-1, 0, width - 1, 0, 1, 0] : [1, 0, 0, 0, -1, height - 1];
  },
  rotate: ({ degrees }, draw, width, height) => {
    const angle = (2 * draw.float() - 1) * degrees * RADIANS;
    const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
    const [x, y] = [(width - 1) / 2, (height - 1) / 2];
    return [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y];
  },
  crop: ({ share }, draw, width, height) => {
    const kept = share + (1 - share) * draw.float();
    const room = (1 - kept) * draw.float();
    const roomBelow = (1 - kept) * draw.float();
    return [kept, 0, room * (width - 1), 0, kept, roomBelow * (height - 1)];
  },
};

const isGeometric = (change: Augmentation): change is Geometric => Object.hasOwn(PLANE_MAPS, change.kind);

/** An image among the inputs: channels, height and width; `undefined` for what is no image. */
export const imageSizes = (
  { shape, dtype }: ConcreteType,
): { readonly channels: number; readonly height: number; readonly width: number } | undefined => {
  if (!isFloat(dtype) || dtype === "f16" || dtype === "bf16") return undefined;
  if (shape.length === 2) return { channels: 1, height: shape[0], width: shape[1] };
  return shape.length === 3 ? { channels: shape[0], height: shape[1], width: shape[2] } : undefined;
};

/** Samples an image by a map, between pixels where it must. */
const warp = (
  pixels: Float32Array | Float64Array,
  at: number,
  { channels, height, width }: { readonly channels: number; readonly height: number; readonly width: number },
  [a, b, c, d, e, f]: PlaneMap,
): void => {
  const plane = height * width;
  const before = pixels.slice(at, at + channels * plane);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const u = a * x + b * y + c;
      const v = d * x + e * y + f;
      const left = Math.floor(u);
      const top = Math.floor(v);
      const right = u - left;
      const lower = v - top;
      for (let channel = 0; channel < channels; channel++) {
        const base = channel * plane;
        let sum = 0;
        for (let k = 0; k < 4; k++) {
          const column = left + (k & 1);
          const row = top + (k >> 1);
          const weight = (k & 1 ? right : 1 - right) * (k & 2 ? lower : 1 - lower);
          if (weight > 0 && column >= 0 && column < width && row >= 0 && row < height) {
            sum += weight * before[base + row * width + column];
          }
        }
        pixels[at + base + y * width + x] = sum;
      }
    }
  }
};

/** A gamma deviate (Marsaglia & Tsang 2000); below shape 1 by the power of a uniform one. */
const gamma = (shape: number, draw: Random): number => {
  if (shape < 1) return gamma(shape + 1, draw) * Math.max(draw.float(), Number.MIN_VALUE) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = draw.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - draw.float()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
};

/** How a sample is mixed with another one. */
export interface Mixing {
  /** Where the other one stands in the order of the split. */
  readonly other: number;
  /** Share of the sample itself. */
  readonly share: number;
}

/** The changes of one sample in one epoch. */
export interface SampleChanges {
  /** Changes an image in place, as stored. */
  readonly stored: (type: ConcreteType, into: Float32Array | Float64Array, at: number) => void;
  /** Changes elements in place, as given out. */
  readonly given: (into: Float32Array | Float64Array, at: number, size: number) => void;
  /** The sample to mix with, of so many. */
  readonly mixing: (samples: number) => Mixing | undefined;
}

/** Refuses what the data cannot be changed by. */
export const checkAugmentations = (schema: DataSchema, changes: ReadonlyArray<Augmentation>): void => {
  changes.forEach((change, index) => {
    const refuse = (reason: string) =>
      badBatches({ option: `augmentation "${change.kind}"`, reason, path: `/augment/${index}` });
    if (isGeometric(change) && !schema.inputs.some(({ type }) => imageSizes(type) !== undefined)) {
      throw refuse("no input is an image, [height, width] or [channels, height, width] of floats");
    }
    if (!schema.inputs.some(({ type }) => isFloat(type.dtype))) throw refuse("no input is of floats");
    if (change.kind === "mixup" && (schema.target === undefined || schema.target.kind === "tokens")) {
      throw refuse("only classes and numbers can be mixed");
    }
  });
};

/** The changes of a sample: what is drawn depends on the seed, the epoch and the sample. */
export const changesOf = (
  changes: ReadonlyArray<Augmentation>,
  seed: number | string,
  epoch: number,
  sample: number,
): SampleChanges => {
  const draws = (index: number, kind: string): Random => random(`${seed}/augment/${epoch}/${sample}/${index}/${kind}`);
  return {
    stored: (type, into, at) => {
      const sizes = imageSizes(type);
      if (sizes === undefined) return;
      let map = STAY;
      changes.forEach((change, index) => {
        if (!isGeometric(change)) return;
        const one = PLANE_MAPS[change.kind](
          change as never,
          draws(index, change.kind),
          sizes.width,
          sizes.height,
        );
        map = after(map, one);
      });
      if (map !== STAY) warp(into, at, sizes, map);
    },
    given: (into, at, size) => {
      changes.forEach((change, index) => {
        if (change.kind !== "noise") return;
        const draw = draws(index, change.kind);
        for (let i = 0; i < size; i++) into[at + i] += change.deviation * draw.normal();
      });
    },
    mixing: (samples) => {
      const index = changes.findIndex((change) => change.kind === "mixup");
      const change = changes[index];
      if (change?.kind !== "mixup") return undefined;
      const draw = draws(index, change.kind);
      const other = draw.below(samples);
      const one = gamma(change.alpha, draw);
      const two = gamma(change.alpha, draw);
      return { other, share: one + two > 0 ? one / (one + two) : 0.5 };
    },
  };
};
