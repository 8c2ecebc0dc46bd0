/**
 * Attention forms: the function of queries, keys and values by itself, in three ways to compute one.
 *
 * Not attention.ts, which learns the maps around it.
 * Invariant: `flash_attention` gives what `scaled_dot_product` gives, holding scores for one block of keys at a time; linear
 * attention is another function, whose work grows with the steps and not with their square.
 *
 * @module
 */
import { multiplyDimensions, printType, type Value } from "../../ir/library.ts";
import { hiddenScore } from "../../rmil/library.ts";
import { notWritten, sizeUnknown, unfitInput } from "../failures.ts";
import { functionText, literalOf } from "./composed.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, setting } from "./layer.ts";
import { flagOf, numberOf } from "./settings.ts";

/** What attention without maps is told. */
export interface FormSettings {
  /** Whether a position sees only itself and earlier ones. */
  readonly causal?: boolean;
}

/** softmax(q·kᵀ/√d)·v of three inputs, under a mask where there is a fourth. */
export const scaledDotProduct = (settings: FormSettings = {}): Layer => layerOf("scaled_dot_product", settings);

/** The same, over one block of keys after another. */
export const flashAttention = (settings: FormSettings & { readonly block?: number } = {}): Layer =>
  layerOf("flash_attention", settings);

/** φ(q)·(φ(k)ᵀ·v) over its own sum, φ(x) = elu(x) + 1, of three inputs. */
export const linearAttention = (settings: FormSettings = {}): Layer => layerOf("linear_attention", settings);

/** Sizes of queries, keys and values [..., s, d], [..., t, d], [..., t, e]. */
const sizesOf = ({ layer: { kind }, inputs: [q, k, v] }: Building) => {
  const unfit = (found: Value, reason: string) => unfitInput({ kind, found: printType(found.type), reason });
  const rank = q.type.shape.length;
  if (rank < 2) throw unfit(q, "it has no axes of steps and features");
  for (const other of [k, v]) {
    if (other.type.shape.length !== rank) throw unfit(other, `queries are ${printType(q.type)}`);
  }
  const lead = q.type.shape.slice(0, -2);
  const [steps, features] = q.type.shape.slice(-2);
  if (typeof features !== "number") throw sizeUnknown({ kind, what: "the last axis", size: features });
  return { lead, steps, features, keys: k.type.shape.at(-2)!, width: v.type.shape.at(-1)! };
};

const swapped = (rank: number): ReadonlyArray<number> =>
  Array.from({ length: rank }, (_, axis) => axis < rank - 2 ? axis : 2 * rank - 3 - axis);

const wholeAttention = (given: Building): Value => {
  const { g, inputs: [q, k, v, mask], settings } = given;
  const { steps, keys } = sizesOf(given);
  const hidden = hiddenScore(q.type.dtype);
  const bias = (seen: Value): Value =>
    g.select(seen, g.full({ dtype: q.type.dtype, shape: seen.type.shape }, 0), hidden);
  const past = flagOf(settings, "causal")
    ? bias(g.compare("ge", g.iota("i64", [steps, keys], 0), g.iota("i64", [steps, keys], 1)))
    : undefined;
  const own = mask === undefined ? undefined : mask.type.dtype === "bool" ? bias(mask) : mask;
  const both = past === undefined ? own : own === undefined ? past : g.add(past, own);
  return g.attention(q, k, v, both === undefined ? {} : { bias: both });
};

const wholeText: LayerRow["rmil"] = (_, { settings, types }) => {
  const [q, , , mask] = types;
  const kind = "scaled_dot_product";
  if (flagOf(settings, "causal")) throw notWritten({ kind, reason: "no op of the language says what comes before" });
  if (mask?.dtype === "bool") throw notWritten({ kind, reason: "no op of the language chooses by bools" });
  const turned = `k >> transpose(axes: (${swapped(q.shape.length).join(", ")}))`;
  const scale = literalOf(1 / Math.sqrt(Number(q.shape.at(-1))), q.dtype);
  const scores = `mul(matmul(q, ${turned}), ${scale})`;
  const seen = mask === undefined ? scores : `add(${scores}, mask)`;
  return functionText(["q", "k", "v", "mask"].slice(0, types.length), types, `matmul(${seen} >> softmax, v)`);
};

/** [..., t, d] as [blocks, ..., block, d], zeros after the last step. */
const inBlocks = ({ g }: Building, x: Value, block: number, blocks: number): Value => {
  const { shape } = x.type;
  const rank = shape.length;
  const missing = blocks * block - Number(shape[rank - 2]);
  const zeros = shape.map(() => 0);
  const padded = missing === 0 ? x : g.pad(x, 0, { low: zeros, high: zeros.with(rank - 2, missing) });
  const split = g.reshape(padded, [...shape.slice(0, -2), blocks, block, shape[rank - 1]]);
  const order = split.type.shape.map((_, axis) => axis);
  return g.transpose(split, [rank - 2, ...order.filter((axis) => axis !== rank - 2)]);
};

/** A softmax whose largest score and sum are mended as blocks come (Milakov & Gimelshein 2018). */
const blockAttention = (given: Building): Value => {
  const { g, inputs: [q, k, v], settings } = given;
  const { lead, steps, features, keys, width } = sizesOf(given);
  if (typeof keys !== "number") throw sizeUnknown({ kind: "flash_attention", what: "the number of keys", size: keys });
  const block = Math.min(numberOf(settings, "block"), Math.max(1, keys));
  const blocks = Math.ceil(keys / block);
  const { dtype } = q.type;
  const hidden = hiddenScore(dtype);
  const column = [...lead, steps, 1];
  const turned = swapped(lead.length + 2);
  const start = [
    g.full({ dtype: "i64", shape: [] }, 0),
    g.full({ dtype, shape: column }, hidden),
    g.full({ dtype, shape: column }, 0),
    g.full({ dtype, shape: [...lead, steps, width] }, 0),
  ];
  const scanned = [inBlocks(given, k, block, blocks), inBlocks(given, v, block, blocks)];
  const [, , total, sum] = g.scan({ length: blocks }, start, scanned, (b, [at, most, part, made], [ks, vs]) => {
    const plane = [steps, block];
    const key = b.add(b.iota("i64", plane, 1), b.broadcastTo(at, plane));
    const there = b.compare("lt", key, keys);
    const seen = flagOf(settings, "causal") ? b.and(there, b.compare("le", key, b.iota("i64", plane, 0))) : there;
    const scores = b.mul(b.matmul(q, b.transpose(ks, turned)), 1 / Math.sqrt(features));
    const shown = b.broadcastTo(seen, scores.type.shape);
    const masked = b.select(shown, scores, hidden);
    // The shift cancels in the quotient, so no gradient goes through it.
    const next = b.stopGradient(b.max(most, b.reduceKeep("max", masked, [-1])));
    const raised = b.select(shown, b.exp(b.sub(masked, next)), 0);
    const shrunk = b.exp(b.sub(most, next));
    return [
      b.add(at, block),
      next,
      b.add(b.mul(part, shrunk), b.reduceKeep("sum", raised, [-1])),
      b.add(b.mul(made, shrunk), b.matmul(raised, vs)),
    ];
  });
  return g.div(sum, total);
};

/** elu(x) + 1: above zero everywhere. */
const raisedFeatures = ({ g }: Building, x: Value): Value => g.add(g.max(x, 0), g.exp(g.min(x, 0)));

/** Sums over all keys, of keys by values and of keys. */
const wholeLinear = (given: Building, q: Value, k: Value, v: Value): Value => {
  const { g } = given;
  const turned = g.transpose(k, swapped(k.type.shape.length));
  const totals = g.reduceKeep("sum", turned, [-1]);
  return g.div(g.matmul(q, g.matmul(turned, v)), g.matmul(q, totals));
};

/** The same sums, grown step by step. */
const causalLinear = (given: Building, q: Value, k: Value, v: Value): Value => {
  const { g } = given;
  const { lead, steps, features, width } = sizesOf(given);
  const rank = lead.length + 2;
  const first = [rank - 2, ...lead.map((_, axis) => axis), rank - 1];
  const back = [...lead.map((_, axis) => axis + 1), 0, rank - 1];
  const { dtype } = q.type;
  const count = multiplyDimensions(1, ...lead);
  const rows = (x: Value): Value => {
    const moved = g.transpose(x, first);
    return g.reshape(moved, [moved.type.shape[0], count, moved.type.shape.at(-1)!]);
  };
  const start = [[count, features, width], [count, features]].map((shape) => g.full({ dtype, shape }, 0));
  const made = g.scan({ length: steps }, start, [q, k, v].map(rows), (b, [products, sums], [query, key, value]) => {
    const outer = b.mul(b.reshape(key, [count, features, 1]), b.reshape(value, [count, 1, width]));
    const [held, total] = [b.add(products, outer), b.add(sums, key)];
    const wide = b.reshape(query, [count, features, 1]);
    const shown = b.reduce("sum", b.mul(wide, held), [1]);
    const all = b.reduceKeep("sum", b.mul(query, total), [-1]);
    return [held, total, b.div(shown, all)];
  });
  return g.transpose(g.reshape(made[2], [steps, ...lead, width]), back);
};

const linearForm = (given: Building): Value => {
  const { inputs: [q, k, v], settings } = given;
  const { steps, keys } = sizesOf(given);
  const causal = flagOf(settings, "causal");
  if (causal && steps !== keys) {
    const reason = `a causal one takes as many keys as queries, not ${keys} and ${steps}`;
    throw unfitInput({ kind: "linear_attention", found: printType(k.type), reason });
  }
  return (causal ? causalLinear : wholeLinear)(given, raisedFeatures(given, q), raisedFeatures(given, k), v);
};

const CAUSAL = setting("causal", "flag", "Whether a position sees only itself and earlier ones.", { default: false });
const THREE = { least: 3, most: 3 };

/** Keys that a block holds. */
const BLOCK = 64;

/** The rows. */
export const ATTENTION_FORMS: ReadonlyArray<LayerRow> = [
  builtRow("scaled_dot_product", {
    family: "attention",
    doc: "softmax(q·kᵀ/√d)·v of queries, keys and values, under a mask where there is a fourth input.",
    settings: [CAUSAL],
    inputs: { least: 3, most: 4 },
    rmil: wholeText,
    build: wholeAttention,
    source: "Vaswani et al. 2017",
  }),
  builtRow("flash_attention", {
    family: "attention",
    doc: "Scaled dot-product attention over one block of keys after another, so that no row of all scores is held.",
    settings: [CAUSAL, setting("block", "size", "Keys of a block.", { default: BLOCK })],
    inputs: THREE,
    written: ({ settings }) => scaledDotProduct({ causal: flagOf(settings, "causal") }),
    build: blockAttention,
    source: "Dao et al. 2022",
  }),
  builtRow("linear_attention", {
    family: "attention",
    doc: "φ(q)·(φ(k)ᵀ·v) over φ(q)·Σφ(k) with φ(x) = elu(x) + 1: work grows with the steps, not their square.",
    settings: [CAUSAL],
    inputs: THREE,
    build: linearForm,
    source: "Katharopoulos et al. 2020",
  }),
];
