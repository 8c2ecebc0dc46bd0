/**
 * Adapter: a layer whose own tensors stay as they are, and learn through small ones beside them.
 *
 * Every tensor of two axes or more inside becomes W + (alpha / rank)·A·B with W frozen, A drawn and B zero, so that the
 * adapted layer begins as the layer itself. It works for any layer, for it changes how tensors come to be, not what is
 * done with them.
 * Of adapters in adapters the innermost counts.
 * Invariant: paths of the layer's own tensors are what they are without the adapter, so weights fit both.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { elementCount, fromFloats, toFloats, type Value } from "../../ir/library.ts";
import type { Initializer } from "../contract.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, ONE, setting } from "./layer.ts";
import { numberOf, type Settings } from "./settings.ts";

/** What an adapter is told. */
export interface LoraSettings {
  /** Columns of A and rows of B; 8 where absent. */
  readonly rank?: number;
  /** The product is multiplied by alpha / rank; the rank where absent. */
  readonly alpha?: number;
}

/** Rank where none is given. */
export const LORA_RANK = 8;

/** What the small tensors' names end in. */
const [DOWN, UP] = ["_lora_a", "_lora_b"];

/** A layer that learns through small matrices beside its own. */
export const lora = (part: Layer, settings: LoraSettings = {}): Layer => layerOf("lora", settings, [part]);

const scaleOf = (settings: Settings | LoraSettings): number => {
  const rank = numberOf(settings as Settings, "rank", LORA_RANK);
  return numberOf(settings as Settings, "alpha", rank) / rank;
};

const adapted = ({ scope, settings, parts, inputs, build }: Building): ReadonlyArray<Value> => {
  const rank = numberOf(settings, "rank");
  const scale = scaleOf(settings);
  const inside = scope.through((asked, own, { g }) => {
    const { name, shape, options } = asked;
    if (options.adapted === true) return own(asked);
    const base = own({ ...asked, options: { ...options, trained: false, adapted: true } });
    if (shape.length < 2) return base;
    const [rows, columns] = [shape[0], elementCount(shape.slice(1))];
    const small = (ending: string, sizes: ReadonlyArray<number>, initial: Initializer): Value =>
      own({
        name: `${name}${ending}`,
        shape: sizes,
        initial,
        options: { dtype: options.dtype ?? "f32", adapted: true },
      });
    const a = small(DOWN, [rows, rank], { kind: "kaimingNormal", fan: rows });
    const b = small(UP, [rank, columns], { kind: "zeros" });
    return g.add(base, g.mul(g.reshape(g.matmul(a, b), shape), scale));
  });
  return build(parts[0], inputs, "", inside);
};

const product = (a: Float64Array, b: Float64Array, rank: number, columns: number, scale: number): Float64Array =>
  Float64Array.from({ length: (a.length / rank) * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let k = 0; k < rank; k++) sum += a[row * rank + k] * b[k * columns + column];
    return sum * scale;
  });

/**
 * The tensors of the layer alone, by path, that compute what the adapted layer computed: each product added to its base.
 */
export const mergedLora = (
  tensors: ReadonlyMap<string, Tensor>,
  settings: LoraSettings = {},
): ReadonlyMap<string, Tensor> => {
  const { rank = LORA_RANK } = settings;
  const kept = [...tensors].filter(([path]) => !path.endsWith(DOWN) && !path.endsWith(UP));
  return new Map(kept.map(([path, base]) => {
    const [a, b] = [DOWN, UP].map((ending) => tensors.get(`${path}${ending}`));
    if (a === undefined || b === undefined) return [path, base];
    const learned = product(toFloats(a), toFloats(b), rank, b.shape[1], scaleOf(settings));
    const sum = Float64Array.from(toFloats(base), (value, i) => value + learned[i]);
    return [path, fromFloats(base.dtype, base.shape, sum)];
  }));
};

/** The rows. */
export const ADAPTER: ReadonlyArray<LayerRow> = [
  builtRow("lora", {
    family: "structure",
    doc: "A layer whose tensors stay as they are and learn through low-rank products beside them.",
    settings: [
      setting("rank", "size", "Columns of the one and rows of the other factor.", { default: LORA_RANK }),
      setting("alpha", "float", "The product is multiplied by alpha / rank; the rank where absent."),
    ],
    inputs: { least: 1, most: Infinity },
    parts: ONE,
    build: adapted,
    source: "Hu et al. 2022",
  }),
];
