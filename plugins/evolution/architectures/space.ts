/**
 * Space: architectures drawn, changed and crossed, all of them within the grammar and the limits.
 *
 * Not training and not a choice. Invariant: every genome that a function here gives is one that the judge lets pass, and
 * its text is its identity, so two architectures that write the same program are one.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Made, Variation } from "../contract.ts";
import { badSetting } from "../failures.ts";
import {
  ACTIVATIONS,
  type Architecture,
  BRIDGES,
  CHANNELS,
  decodeArchitecture,
  DROPS,
  encodeArchitecture,
  KERNELS,
  type Layer,
  MOST_LAYERS,
  MOST_STAGES,
  POOLS,
  type Stage,
  STRIDES,
  WIDTHS,
} from "./grammar.ts";
import { isRefused, judgeArchitecture, type Judged, type Purpose, type Refused } from "./judge.ts";

/** The cheapest of the grammar: one linear layer. */
export const SIMPLEST: Architecture = { stages: [], bridge: "flat", layers: [], drop: 0 };

/** Draws before a change is given up. */
export const MOST_DRAWS = 64;

const SKIP_SHARE = 0.25;
const RESIDUAL_SHARE = 0.2;

const coin = (chance: Random, share = 0.5): boolean => chance.float() < share;

const drawnStage = (chance: Random, isFirst: boolean): Stage => {
  const common = { kernel: chance.pick(KERNELS), norm: coin(chance), activation: chance.pick(ACTIVATIONS) };
  if (!isFirst && coin(chance, RESIDUAL_SHARE)) return { kind: "residual", ...common };
  return {
    kind: "conv",
    width: chance.pick(CHANNELS),
    ...common,
    stride: chance.pick(STRIDES),
    pool: chance.pick(POOLS),
  };
};

const drawnLayer = (chance: Random): Layer => ({
  width: chance.pick(WIDTHS),
  skip: coin(chance, SKIP_SHARE),
  norm: coin(chance, SKIP_SHARE),
  activation: chance.pick(ACTIVATIONS),
  drop: chance.pick(DROPS),
});

const times = <A>(count: number, make: (i: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, i) => make(i));

/** An architecture of the grammar, whatever it costs. */
export const drawArchitecture = (isImage: boolean, chance: Random): Architecture => ({
  stages: isImage ? times(1 + chance.below(MOST_STAGES - 1), (i) => drawnStage(chance, i === 0)) : [],
  bridge: isImage ? chance.pick(BRIDGES) : "flat",
  layers: times(chance.below(isImage ? 2 : MOST_LAYERS + 1), () => drawnLayer(chance)),
  drop: chance.pick(DROPS),
});

type Change = (architecture: Architecture, chance: Random) => Architecture | undefined;

/** A neighbour of a value in its table. */
const neighbour = <A>(table: ReadonlyArray<A>, value: A, chance: Random): A => {
  const at = table.indexOf(value) + (coin(chance) ? 1 : -1);
  return table[Math.max(0, Math.min(table.length - 1, at))];
};

const atOne = <A>(list: ReadonlyArray<A>, chance: Random, change: (item: A) => A): ReadonlyArray<A> | undefined => {
  if (list.length === 0) return undefined;
  const at = chance.below(list.length);
  return list.map((item, i) => i === at ? change(item) : item);
};

const inserted = <A>(list: ReadonlyArray<A>, most: number, chance: Random, made: (at: number) => A) => {
  if (list.length >= most) return undefined;
  const at = chance.below(list.length + 1);
  return [...list.slice(0, at), made(at), ...list.slice(at)];
};

const without = <A>(list: ReadonlyArray<A>, least: number, chance: Random): ReadonlyArray<A> | undefined => {
  if (list.length <= least) return undefined;
  const at = chance.below(list.length);
  return list.filter((_, i) => i !== at);
};

const onStages =
  (change: (stages: ReadonlyArray<Stage>, chance: Random) => ReadonlyArray<Stage> | undefined): Change =>
  (architecture, chance) => {
    const stages = change(architecture.stages, chance);
    return stages === undefined ? undefined : { ...architecture, stages };
  };

const onLayers =
  (change: (layers: ReadonlyArray<Layer>, chance: Random) => ReadonlyArray<Layer> | undefined): Change =>
  (architecture, chance) => {
    const layers = change(architecture.layers, chance);
    return layers === undefined ? undefined : { ...architecture, layers };
  };

/** Ways of changing an architecture, by name. */
const CHANGES: { readonly [name: string]: Change } = {
  width: (architecture, chance) => {
    const { stages, layers } = architecture;
    if (stages.length > 0 && (layers.length === 0 || coin(chance))) {
      const wider = (stage: Stage): Stage =>
        stage.kind === "conv" ? { ...stage, width: neighbour(CHANNELS, stage.width, chance) } : stage;
      return { ...architecture, stages: atOne(stages, chance, wider)! };
    }
    const changed = atOne(layers, chance, (layer) => ({ ...layer, width: neighbour(WIDTHS, layer.width, chance) }));
    return changed === undefined ? undefined : { ...architecture, layers: changed };
  },
  kernel: onStages((stages, chance) => atOne(stages, chance, (stage) => ({ ...stage, kernel: chance.pick(KERNELS) }))),
  shrink: onStages((stages, chance) =>
    atOne(
      stages,
      chance,
      (stage) => stage.kind === "conv" ? { ...stage, stride: chance.pick(STRIDES), pool: chance.pick(POOLS) } : stage,
    )
  ),
  norm: (architecture, chance) =>
    architecture.stages.length > 0
      ? onStages((stages) => atOne(stages, chance, (stage) => ({ ...stage, norm: !stage.norm })))(architecture, chance)
      : onLayers((layers) => atOne(layers, chance, (layer) => ({ ...layer, norm: !layer.norm })))(architecture, chance),
  activation: (architecture, chance) => {
    const activation = chance.pick(ACTIVATIONS);
    return {
      ...architecture,
      stages: architecture.stages.map((stage) => ({ ...stage, activation })),
      layers: architecture.layers.map((layer) => ({ ...layer, activation })),
    };
  },
  drop: (architecture, chance) => ({ ...architecture, drop: chance.pick(DROPS) }),
  skip: onLayers((layers, chance) => atOne(layers, chance, (layer) => ({ ...layer, skip: !layer.skip }))),
  bridge: (architecture, chance) =>
    architecture.stages.length === 0 ? undefined : { ...architecture, bridge: chance.pick(BRIDGES) },
  deepen: (architecture, chance) =>
    architecture.stages.length > 0
      ? onStages((stages) => inserted(stages, MOST_STAGES, chance, (at) => drawnStage(chance, at === 0)))(
        architecture,
        chance,
      )
      : undefined,
  shorten: onStages((stages, chance) => without(stages, 1, chance)),
  layer: onLayers((layers, chance) => inserted(layers, MOST_LAYERS, chance, () => drawnLayer(chance))),
  unlayer: onLayers((layers, chance) => without(layers, 0, chance)),
};

/** Names of the ways of changing. */
export const CHANGE_NAMES: ReadonlyArray<string> = Object.keys(CHANGES);

/** Two lists cut in one place each and joined crosswise. */
const spliced = <A>(first: ReadonlyArray<A>, second: ReadonlyArray<A>, most: number, chance: Random) => {
  const [i, j] = [chance.below(first.length + 1), chance.below(second.length + 1)];
  return [
    [...first.slice(0, i), ...second.slice(j)].slice(0, most),
    [...second.slice(0, j), ...first.slice(i)].slice(0, most),
  ] as const;
};

/** Architectures for a purpose, with their judgements. */
export interface ArchitectureSpace {
  /** Their variation. */
  readonly variation: Variation<Architecture>;
  /** The judgement of an architecture, remembered. */
  readonly judge: (architecture: Architecture) => Judged | Refused;
}

/** Architectures that fit a purpose, as genomes. */
export const architectureSpace = (purpose: Purpose): ArchitectureSpace => {
  const isImage = purpose.shape.length === 3;
  const known = new Map<string, Judged | Refused>();
  const judge = (architecture: Architecture): Judged | Refused => {
    const name = JSON.stringify(architecture);
    const found = known.get(name) ?? judgeArchitecture(architecture, purpose);
    known.set(name, found);
    return found;
  };
  const passes = (architecture: Architecture): boolean => !isRefused(judge(architecture));
  if (!passes(SIMPLEST)) {
    throw badSetting({
      setting: "limits",
      wanted: "room for one linear layer",
      found: JSON.stringify(purpose.limits),
      path: "/limits",
    });
  }
  const random = (chance: Random): Architecture => {
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      const drawn = drawArchitecture(isImage, chance);
      if (passes(drawn)) return drawn;
    }
    return SIMPLEST;
  };
  const keyOf = (architecture: Architecture): string => {
    const judged = judge(architecture);
    return isRefused(judged) ? JSON.stringify(architecture) : judged.text;
  };
  const mutateBy = (parent: Architecture, chance: Random): Made<Architecture> => {
    const before = keyOf(parent);
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      const by = chance.pick(CHANGE_NAMES);
      const genome = CHANGES[by](parent, chance);
      if (genome !== undefined && passes(genome) && keyOf(genome) !== before) return { genome, by };
    }
    return { genome: parent, by: "" };
  };
  const cross = (first: Architecture, second: Architecture, chance: Random): readonly [Architecture, Architecture] => {
    const stages = spliced(first.stages, second.stages, MOST_STAGES, chance);
    const layers = spliced(first.layers, second.layers, MOST_LAYERS, chance);
    const made = [first, second].map((parent, i) => ({ ...parent, stages: stages[i], layers: layers[i] }));
    return [passes(made[0]) ? made[0] : first, passes(made[1]) ? made[1] : second];
  };
  return {
    judge,
    variation: {
      name: `architectures(${canonicalJson(purpose as unknown as Json)})`,
      random,
      mutate: (parent, chance) => mutateBy(parent, chance).genome,
      mutateBy,
      cross,
      operators: { cross: "parts", mutate: "" },
      key: keyOf,
      encode: encodeArchitecture,
      decode: (json) => {
        const architecture = decodeArchitecture(json);
        const judged = judge(architecture);
        if (!isRefused(judged)) return architecture;
        throw badSetting({ setting: "genome", wanted: "within the limits", found: judged.refused, path: "/genome" });
      },
    },
  };
};
