/**
 * Recipe: the genome of the main job: an architecture and how it is trained.
 *
 * Not the training itself (trial_job.ts). Invariant: two recipes with one key are trained alike and get one score.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Augmentation, TrainingRequest } from "../../neural/library.ts";
import type { Architecture } from "../architectures/grammar.ts";
import type { ArchitectureSpace } from "../architectures/space.ts";
import type { Made, Variation } from "../contract.ts";
import { badState } from "../failures.ts";

/** Peaks of the one-cycle rate, for Adam; gradient descent takes {@link MOMENTUM_FACTOR} times as much. */
export const RATES = [0.001, 0.002, 0.004, 0.006, 0.01, 0.016] as const;

/** Samples of a step. */
export const BATCHES = [16, 32, 64] as const;

/** Ways of descending. */
export const OPTIMISERS = ["adam", "adamw", "nesterov"] as const;

/** What is done to images while training. */
export const AUGMENTATIONS = ["none", "shift", "turn", "shift+turn"] as const;

/** By how much the rate of gradient descent with momentum exceeds that of Adam. */
export const MOMENTUM_FACTOR = 10;

const MOMENTUM = 0.9;
const SHIFT: Augmentation = { kind: "shift", pixels: 1 };
const TURN: Augmentation = { kind: "rotate", degrees: 8 };

/** How a candidate is trained. */
export interface Settings {
  /** The peak of the rate. */
  readonly rate: typeof RATES[number];
  /** Samples of a step. */
  readonly batch: typeof BATCHES[number];
  /** The way of descending. */
  readonly optimiser: typeof OPTIMISERS[number];
  /** What is done to images. */
  readonly augment: typeof AUGMENTATIONS[number];
}

/** A genome of the main job. */
export interface Recipe extends Settings {
  /** What is trained. */
  readonly architecture: Architecture;
}

const SettingsSchema: Schema.Codec<Settings> = Schema.Struct({
  rate: Schema.Literals(RATES),
  batch: Schema.Literals(BATCHES),
  optimiser: Schema.Literals(OPTIMISERS),
  augment: Schema.Literals(AUGMENTATIONS),
});

const AUGMENTED: { readonly [A in Settings["augment"]]: ReadonlyArray<Augmentation> } = {
  none: [],
  shift: [SHIFT],
  turn: [TURN],
  "shift+turn": [SHIFT, TURN],
};

/** Settings as a training takes them. */
export const trainingOf = ({ rate, batch, optimiser, augment }: Settings): TrainingRequest => ({
  batch,
  augment: AUGMENTED[augment],
  ...(optimiser === "nesterov"
    ? { optimizer: { kind: "sgd", settings: { momentum: MOMENTUM, nesterov: true } }, rate: rate * MOMENTUM_FACTOR }
    : { optimizer: optimiser, rate }),
});

/** Settings by name, for people. */
export const settingsOf = ({ rate, batch, optimiser, augment }: Settings): Settings => ({
  rate,
  batch,
  optimiser,
  augment,
});

const drawnSettings = (isImage: boolean, chance: Random): Settings => ({
  rate: chance.pick(RATES),
  batch: chance.pick(BATCHES),
  optimiser: chance.pick(OPTIMISERS),
  augment: isImage ? chance.pick(AUGMENTATIONS) : "none",
});

const CHANGES: { readonly [name: string]: (settings: Settings, isImage: boolean, chance: Random) => Settings } = {
  rate: (settings, _, chance) => ({ ...settings, rate: chance.pick(RATES) }),
  batch: (settings, _, chance) => ({ ...settings, batch: chance.pick(BATCHES) }),
  optimiser: (settings, _, chance) => ({ ...settings, optimiser: chance.pick(OPTIMISERS) }),
  augment: (settings, isImage, chance) => isImage ? { ...settings, augment: chance.pick(AUGMENTATIONS) } : settings,
};

const CHANGE_NAMES = Object.keys(CHANGES);

/** Share of mutations that change the architecture; the others change how it is trained. */
const ARCHITECTURE_SHARE = 0.65;

const decoded = (space: ArchitectureSpace, json: Json): Recipe => {
  const { architecture, ...rest } = (json ?? {}) as { readonly [name: string]: Json };
  const settings = Schema.decodeUnknownResult(SettingsSchema)(rest);
  if (Result.isFailure(settings)) throw badState({ reason: "a genome has no settings of training", path: "/genome" });
  return { architecture: space.variation.decode(architecture ?? null), ...settings.success };
};

/** Recipes over a space of architectures, as genomes. */
export const recipes = (space: ArchitectureSpace, isImage: boolean): Variation<Recipe> => {
  const { variation } = space;
  const mutateBy = (parent: Recipe, chance: Random): Made<Recipe> => {
    if (chance.float() < ARCHITECTURE_SHARE) {
      const { genome, by } = variation.mutateBy!(parent.architecture, chance);
      return { genome: { ...parent, architecture: genome }, by };
    }
    const by = chance.pick(CHANGE_NAMES);
    return { genome: { architecture: parent.architecture, ...CHANGES[by](settingsOf(parent), isImage, chance) }, by };
  };
  return {
    name: `recipes(${variation.name})`,
    random: (chance) => ({ architecture: variation.random(chance), ...drawnSettings(isImage, chance) }),
    mutate: (parent, chance) => mutateBy(parent, chance).genome,
    mutateBy,
    operators: { cross: "parts", mutate: "" },
    cross: (first, second, chance) => {
      const [one, other] = variation.cross(first.architecture, second.architecture, chance);
      const swapped = chance.float() < 1 / 2;
      const [a, b] = (swapped ? [second, first] : [first, second]).map(settingsOf);
      return [{ architecture: one, ...a }, { architecture: other, ...b }];
    },
    key: (recipe) => `${variation.key(recipe.architecture)} ${JSON.stringify(settingsOf(recipe))}`,
    encode: (recipe) => ({ architecture: variation.encode(recipe.architecture), ...settingsOf(recipe) }),
    decode: (json) => decoded(space, json),
  };
};
