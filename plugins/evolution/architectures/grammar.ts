/**
 * Grammar: the architectures that a search may make, as data: stages that see an image, a bridge, stages that see a vector.
 *
 * Not a program yet (text.ts writes it, judge.ts checks it) and not a search (space.ts varies it).
 * Invariant: every choice stands in a table here, and every architecture of these choices has one text.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json } from "../../../kernel/json.ts";
import { badState } from "../failures.ts";

/** Activations, all of them ops of the language. */
export const ACTIVATIONS = ["relu", "gelu", "silu", "tanh"] as const;

/** Channels of a convolution. */
export const CHANNELS = [4, 6, 8, 12, 16, 24, 32] as const;

/** Sides of a convolution's kernel. */
export const KERNELS = [3, 5] as const;

/** Distances between the windows of a convolution. */
export const STRIDES = [1, 2] as const;

/** What follows a convolution's activation. */
export const POOLS = ["none", "max", "avg"] as const;

/** How features of an image become a vector: all of them, or the mean of each channel. */
export const BRIDGES = ["flat", "mean"] as const;

/** Features of a linear layer. */
export const WIDTHS = [8, 16, 32, 48, 64, 96, 128] as const;

/** Shares of elements that are dropped while training. */
export const DROPS = [0, 0.1, 0.2, 0.3] as const;

/** Most stages that see an image. */
export const MOST_STAGES = 4;

/** Most hidden stages that see a vector. */
export const MOST_LAYERS = 3;

const Activation = Schema.Literals(ACTIVATIONS);
const Kernel = Schema.Literals(KERNELS);

/** A convolution with what follows it. */
const Convolution = Schema.Struct({
  kind: Schema.Literal("conv"),
  width: Schema.Literals(CHANNELS),
  kernel: Kernel,
  stride: Schema.Literals(STRIDES),
  norm: Schema.Boolean,
  activation: Activation,
  pool: Schema.Literals(POOLS),
});

/** A convolution of as many channels as it takes, added to what it takes. */
const Residual = Schema.Struct({
  kind: Schema.Literal("residual"),
  kernel: Kernel,
  norm: Schema.Boolean,
  activation: Activation,
});

/** A linear layer with what follows it; with `skip` it keeps the width and is added to what it takes. */
const Dense = Schema.Struct({
  width: Schema.Literals(WIDTHS),
  skip: Schema.Boolean,
  norm: Schema.Boolean,
  activation: Activation,
  drop: Schema.Literals(DROPS),
});

/** Schema of {@link Architecture}. */
export const Architecture: Schema.Codec<Architecture> = Schema.Struct({
  stages: Schema.Array(Schema.Union([Convolution, Residual])).check(Schema.isMaxLength(MOST_STAGES)),
  bridge: Schema.Literals(BRIDGES),
  layers: Schema.Array(Dense).check(Schema.isMaxLength(MOST_LAYERS)),
  drop: Schema.Literals(DROPS),
}) as unknown as Schema.Codec<Architecture>;

/** A stage that sees an image. */
export type Stage = typeof Convolution.Type | typeof Residual.Type;

/** A stage that sees a vector. */
export type Layer = typeof Dense.Type;

/** An architecture: what it is made of from input to answer; the last linear layer follows from the data. */
export interface Architecture {
  /** Stages that see an image; none where samples are vectors. */
  readonly stages: ReadonlyArray<Stage>;
  /** How an image becomes a vector. */
  readonly bridge: typeof BRIDGES[number];
  /** Hidden stages that see a vector. */
  readonly layers: ReadonlyArray<Layer>;
  /** Share of elements dropped before the last layer. */
  readonly drop: typeof DROPS[number];
}

/** The architecture as JSON. */
export const encodeArchitecture = (architecture: Architecture): Json => architecture as unknown as Json;

/** The architecture of its JSON; throws EVOLUTION_STATE. */
export const decodeArchitecture = (json: Json): Architecture => {
  const decoded = Schema.decodeUnknownResult(Architecture)(json);
  if (Result.isSuccess(decoded)) return decoded.success;
  throw badState({ reason: "a genome is no architecture of the grammar", path: "/genome" });
};
