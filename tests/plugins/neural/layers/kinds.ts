/**
 * A small example of every kind of layer, for tests that hold for all of them.
 */
import {
  CATALOGUE,
  inputsAt,
  type InputTypes,
  type Layer,
  layerAt,
  layerOf,
  LAYERS,
  linear,
  sequential,
  shared,
  sizesIn,
} from "../../../../plugins/neural/library.ts";

/** A layer and the types of what it takes. */
export interface KindExample {
  readonly layer: Layer;
  readonly types: InputTypes;
}

const [ROWS, STEPS, IMAGE, LINE] = ["f32[B,4]", "f32[B,3,4]", "f32[B,2,4,4]", "f32[B,2,6]"];

const of = (types: InputTypes, kind: string, settings: object = {}, parts?: ReadonlyArray<Layer>): KindExample => ({
  layer: layerOf(kind, settings, parts),
  types,
});

const TWO = { x: ROWS, y: ROWS };

const OTHERS: ReadonlyArray<KindExample> = [
  of({ x: ROWS }, "leaky_relu"),
  of({ x: ROWS }, "elu"),
  of({ x: ROWS }, "prelu"),
  of({ x: ROWS }, "feed_forward", { inner: 6 }),
  of({ x: ROWS }, "experts", { experts: 3, inner: 4 }),
  of({ x: ROWS }, "lora", { rank: 2 }, [linear()]),
  of({ x: ROWS }, "sequential", {}, [linear(), linear()]),
  of({ x: ROWS }, "parallel", {}, [linear(), linear()]),
  of({ x: ROWS }, "repeated", { times: 2 }, [linear()]),
  of({ x: ROWS }, "residual_block", { drop: 0.1, drop_path: 0.1 }, [linear()]),
  of({ x: ROWS }, "identity"),
  of(TWO, "concat"),
  of(TWO, "sum"),
  of(TWO, "product"),
  of({ x: STEPS }, "flatten"),
  of({ x: STEPS }, "reshape", { sizes: [4, 3] }),
  of({ x: STEPS }, "transpose", { axes: [2, 1] }),
  of({ x: IMAGE }, "patches", { size: 2 }),
  of({ x: LINE }, "conv_transpose1d", { stride: 2, kernel: 2 }),
  of({ x: LINE }, "max_pool1d"),
  of({ x: LINE }, "avg_pool1d"),
  of({ x: LINE }, "adaptive_pool1d", { size: 2 }),
  of({ x: IMAGE }, "global_max_pool"),
  of({ x: IMAGE }, "drop_channels"),
  of({ indices: "i64[B,3,2]" }, "tables", { rows: [5, 7], widths: [2, 3] }),
  of({ x: STEPS }, "encoder_block", { heads: 2, inner: 6 }),
  of({ x: STEPS, context: STEPS }, "decoder_block", { heads: 2, inner: 6 }),
  of({ x: STEPS }, "s4", { states: 2 }),
  of({ x: STEPS }, "mamba", { inner: 4, states: 2 }),
  {
    layer: sequential(
      shared("tokens", layerOf("embed", { vocabulary: 5, width: 3 })),
      layerOf("unembed", { vocabulary: 5 }),
    ),
    types: { indices: "i64[B,3]" },
  },
];

/** Elements of sizes that the catalogue leaves open: even ones, so that heads and pairs divide. */
const SIZE = 2;

/** An example by kind; `unembed` stands behind the embedding whose table it uses. */
export const KINDS: ReadonlyMap<string, KindExample> = new Map([
  ...CATALOGUE.map((entry): readonly [string, KindExample] => {
    const sizes = Object.fromEntries(sizesIn(entry).map((name) => [name, SIZE]));
    return [entry.kind, { layer: layerAt(entry, sizes), types: inputsAt(entry, sizes) }];
  }),
  ...OTHERS.map((example) =>
    [
      example.layer.parts?.at(-1)?.kind === "unembed" ? "unembed" : example.layer.kind,
      example,
    ] as const
  ),
]);

/** Kinds that no example shows. */
export const missingKinds = (): ReadonlyArray<string> => [...LAYERS.keys()].filter((kind) => !KINDS.has(kind));
