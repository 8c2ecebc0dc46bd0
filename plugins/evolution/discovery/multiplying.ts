/**
 * Multiplying: the search for a scheme of matrix multiplication with few products, as walks side by side, epoch by epoch.
 *
 * Not one walk (flip_graph.ts).
 * Invariant: the state after an epoch depends on the sizes, the seed and the epoch alone; the scheme that is answered is
 * the first walk's, in their order, that has the fewest products.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { random } from "../../../kernel/random.ts";
import { badSetting, badState, overLimit } from "../failures.ts";
import { FlipWalk, MAX_ELEMENTS } from "./flip_graph.ts";
import { decodeScheme, encodeScheme, faultsOf, type Scheme, schoolbook, type Sizes } from "./scheme.ts";

/** Largest size of a matrix. */
export const MAX_SIZE = 8;

/** Steps of one epoch of a walk. */
export const WALK_STEPS = 400_000;

/** Steps without a gain after which a walk goes one product up. */
const PATIENCE = 50_000;

/** A search. */
export interface Multiplying {
  /** Sizes. */
  readonly sizes: Sizes;
  /** Products wanted. */
  readonly wanted: number;
  /** The seed. */
  readonly seed: string | number;
}

/** A search between two epochs. */
export interface MultiplyingState {
  /** Epochs so far. */
  readonly epoch: number;
  /** Steps walked so far. */
  readonly steps: number;
  /** Epochs since the fewest products last fell. */
  readonly still: number;
  /** Where each walk stands, as JSON. */
  readonly walks: ReadonlyArray<Json>;
  /** The fewest products that each has come to, as JSON of the scheme. */
  readonly best: ReadonlyArray<Json>;
}

/** One walk's epoch. */
export interface WalkJob extends Multiplying {
  /** Which walk. */
  readonly number: number;
  /** Which epoch. */
  readonly epoch: number;
  /** Where it stands. */
  readonly scheme: Json;
  /** Its best. */
  readonly best: Json;
}

/** What became of it. */
export interface WalkResult {
  /** Where it stands. */
  readonly scheme: Json;
  /** Its best. */
  readonly best: Json;
  /** Steps it took. */
  readonly steps: number;
}

/** A search of these sizes; throws EVOLUTION_SETTING and EVOLUTION_LIMIT. */
export const multiplying = (
  size: ReadonlyArray<number>,
  products: number | undefined,
  seed: string | number,
): Multiplying => {
  const [n, m, p] = size;
  if (size.length !== 3 || !size.every((side) => Number.isSafeInteger(side) && side >= 1 && side <= MAX_SIZE)) {
    throw badSetting({
      setting: "size",
      wanted: `three whole numbers in 1 … ${MAX_SIZE}`,
      found: JSON.stringify(size),
      path: "/size",
    });
  }
  const largest = Math.max(n * m, m * p, n * p);
  if (largest > MAX_ELEMENTS) {
    throw overLimit({ what: "elements of a matrix", limit: MAX_ELEMENTS, found: largest, path: "/size" });
  }
  return { sizes: [n, m, p], wanted: products ?? 1, seed };
};

/** The state before the first epoch: every walk at the definition. */
export const multiplyingStart = ({ sizes }: Multiplying, walks = 4): MultiplyingState => {
  const first = encodeScheme(schoolbook(sizes));
  const all = Array.from({ length: walks }, () => first);
  return { epoch: 0, steps: 0, still: 0, walks: all, best: all };
};

/** The walks of the next epoch; they may be walked in any order, anywhere. */
export const walksOf = (search: Multiplying, { epoch, walks, best }: MultiplyingState): ReadonlyArray<WalkJob> =>
  walks.map((scheme, number) => ({ ...search, number, epoch, scheme, best: best[number] }));

/** Steps between two looks at how far a walk has come. */
const STRIDE = 1_000;

/** A walk's epoch. */
export const walked = ({ sizes, wanted, seed, number, epoch, scheme, best }: WalkJob): WalkResult => {
  const walk = new FlipWalk(
    decodeScheme(scheme, sizes),
    random(`${seed}/multiply/${number}/${epoch}`),
    PATIENCE,
    sizes[0] * sizes[1] * sizes[2],
  );
  let least = decodeScheme(best, sizes);
  let steps = 0;
  while (steps < WALK_STEPS && least.products.length > wanted) {
    steps += Math.max(1, walk.walk(STRIDE, least.products.length - 1));
    if (walk.products < least.products.length) least = walk.scheme();
  }
  return { scheme: encodeScheme(walk.scheme()), best: encodeScheme(least), steps };
};

/** The state after an epoch. */
export const toldWalks = (
  search: Multiplying,
  state: MultiplyingState,
  results: ReadonlyArray<WalkResult>,
): MultiplyingState => {
  const next = {
    epoch: state.epoch + 1,
    steps: results.reduce((sum, { steps }) => sum + steps, state.steps),
    still: state.still + 1,
    walks: results.map(({ scheme }) => scheme),
    best: results.map(({ best }) => best),
  };
  const gained = bestScheme(search, next).products.length < bestScheme(search, state).products.length;
  return gained ? { ...next, still: 0 } : next;
};

/** The scheme with the fewest products so far. */
export const bestScheme = ({ sizes }: Multiplying, { best }: MultiplyingState): Scheme =>
  best.map((json) => decodeScheme(json, sizes)).reduce((a, b) => b.products.length < a.products.length ? b : a);

/** As JSON. */
export const encodeMultiplying = ({ epoch, steps, still, walks, best }: MultiplyingState): Json => ({
  epoch,
  steps,
  still,
  walks,
  best,
});

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** A state of its JSON; throws EVOLUTION_STATE where it is malformed, or a scheme in it is wrong. */
export const decodeMultiplying = (json: Json, { sizes }: Multiplying): MultiplyingState => {
  if (!isJsonObject(json)) throw badState({ reason: "the state is not an object" });
  const { epoch, steps, still, walks, best } = json;
  if (
    !isCount(epoch) || !isCount(steps) || !isCount(still) || !Array.isArray(walks) || !Array.isArray(best) ||
    walks.length === 0 ||
    walks.length !== best.length
  ) {
    throw badState({ reason: "its counts or walks are malformed" });
  }
  for (const scheme of [...walks, ...best]) {
    if (faultsOf(decodeScheme(scheme, sizes)) > 0) throw badState({ reason: "a scheme does not multiply" });
  }
  return { epoch, steps, still, walks, best };
};
