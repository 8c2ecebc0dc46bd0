/**
 * Halving: many settings get a little of a resource, the better ones more of it, until one has had the most.
 *
 * Sources: Karnin, Koren, Somekh 2013; Jamieson, Talwalkar 2016 (successive halving); Li, Jamieson, DeSalvo,
 * Rostamizadeh, Talwalkar 2018 (Hyperband: brackets that trade the number of settings against what each gets first).
 * Invariant: a setting that is promoted keeps its name's lineage and gets strictly more; what failed is never promoted.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { random } from "../../../kernel/random.ts";
import type { Candidate, Member, Search, Variation } from "../contract.ts";
import { badSetting, badState, overLimit } from "../failures.ts";
import { drawn } from "../population/breeding.ts";
import { beginning, byScore, judgedAll, named } from "../population/members.ts";
import { type Setting, settingKey, settingVariation, type Space } from "./space.ts";

/** A setting and how much of the resource it is tried with. */
export interface Trial {
  /** The setting. */
  readonly setting: Setting;
  /** The resource: a whole number, such as steps of training. */
  readonly resource: number;
}

/** What both searches need. */
export interface HalvingSettings {
  /** What may be set. */
  readonly space: Space;
  /** The seed. */
  readonly seed: string | number;
  /** The least of the resource that a trial gets. */
  readonly least: number;
  /** The most of it. */
  readonly most: number;
  /** How many are tried for each one that is promoted, and by how much its resource grows; 3 where absent. */
  readonly factor?: number;
}

/** Most settings that one bracket begins with. */
export const MAX_BRACKET = 4_096;

/** One step of a bracket: how many trials, each with how much. */
export interface Rung {
  /** Trials. */
  readonly count: number;
  /** What each gets. */
  readonly resource: number;
}

/** Rungs of a bracket, the last with the most of the resource. */
export type Bracket = ReadonlyArray<Rung>;

const checked = ({ least, most, factor = 3 }: HalvingSettings): void => {
  const refuse = (setting: string, wanted: string, found: number): never => {
    throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
  };
  if (!(Number.isSafeInteger(least) && least >= 1)) refuse("least", "a whole number from 1", least);
  if (!(Number.isSafeInteger(most) && most >= least)) refuse("most", `a whole number from ${least}`, most);
  if (!(factor > 1 && factor <= 16)) refuse("factor", "above 1 and up to 16", factor);
};

/** How often the resource can grow by the factor between its ends. */
const growths = ({ least, most, factor = 3 }: HalvingSettings): number => {
  let times = 0;
  // Multiplying keeps exact powers exact where a logarithm would not.
  for (let reached = least * factor; reached <= most; reached *= factor) times++;
  return times;
};

/** The bracket that begins with so many settings and grows so often. */
const bracketOf = ({ most, factor = 3 }: HalvingSettings, count: number, times: number): Bracket =>
  Array.from({ length: times + 1 }, (_, rung) => ({
    count: Math.max(1, Math.floor(count / factor ** rung)),
    resource: Math.max(1, Math.round(most / factor ** (times - rung))),
  }));

const checkedBracket = (bracket: Bracket): Bracket => {
  const [{ count }] = bracket;
  if (count > MAX_BRACKET) throw overLimit({ what: "settings of a bracket", limit: MAX_BRACKET, found: count });
  return bracket;
};

/** The brackets of Hyperband, the most adventurous first. */
export const hyperbandBrackets = (settings: HalvingSettings): ReadonlyArray<Bracket> => {
  checked(settings);
  const { factor = 3 } = settings;
  const most = growths(settings);
  return Array.from({ length: most + 1 }, (_, at) => {
    const times = most - at;
    return checkedBracket(bracketOf(settings, Math.ceil((most + 1) / (times + 1) * factor ** times), times));
  });
};

/** Trials as genomes: their settings are varied, what they get stays. */
export const trialVariation = (space: Space, least: number, most: number): Variation<Trial> => {
  const settings = settingVariation(space);
  const like = ({ resource }: Trial) => (setting: Setting): Trial => ({ setting, resource });
  return {
    name: `trial ${least} … ${most} of ${settings.name}`,
    random: (chance) => ({ setting: settings.random(chance), resource: least }),
    mutate: (parent, chance) => like(parent)(settings.mutate(parent.setting, chance)),
    cross: (first, second, chance) => {
      const [a, b] = settings.cross(first.setting, second.setting, chance);
      return [like(first)(a), like(second)(b)];
    },
    operators: settings.operators!,
    key: ({ setting, resource }) => `${resource} ${settingKey(setting)}`,
    encode: ({ setting, resource }) => ({ setting, resource }),
    decode: (json: Json) => {
      if (!isJsonObject(json) || !Number.isSafeInteger(json.resource) || !((json.resource as number) >= 1)) {
        throw badState({ reason: "a trial is no setting with a resource" });
      }
      return { setting: settings.decode(json.setting ?? null), resource: json.resource as number };
    },
  };
};

/** The rungs of all brackets in the order they are asked, each with whether a bracket begins with it. */
const scheduled = (brackets: ReadonlyArray<Bracket>): ReadonlyArray<Rung & { readonly begins: boolean }> =>
  brackets.flatMap((bracket) => bracket.map((rung, at) => ({ ...rung, begins: at === 0 })));

/** A search over a schedule of brackets, gone through again and again with new settings. */
const overBrackets = (name: string, settings: HalvingSettings, brackets: ReadonlyArray<Bracket>): Search<Trial> => {
  const { space, seed, most } = settings;
  const schedule = scheduled(brackets);
  const fewest = Math.min(...schedule.map(({ resource }) => resource));
  const variation = trialVariation(space, fewest, most);
  const root = random(`${seed}/${name}`);
  const promoted = (members: ReadonlyArray<Member<Trial>>, { count, resource }: Rung, generation: number) =>
    named(
      generation,
      [...members].filter(({ failed }) => failed === undefined).sort(byScore).slice(0, count).map((
        { id, genome: { setting } },
      ) => ({ genome: { setting, resource }, parents: [id], edit: `promoted to ${resource}` })),
    );
  return {
    name: `${name}(${JSON.stringify(brackets.map((bracket) => bracket.map((rung) => [rung.count, rung.resource])))}, ` +
      `${seed}) ${variation.name}`,
    objectives: 1,
    variation,
    fewest: 0,
    start: beginning(),
    ask: ({ generation, members }): ReadonlyArray<Candidate<Trial>> => {
      const rung = schedule[generation % schedule.length];
      if (!rung.begins) return promoted(members, rung, generation);
      const begun = drawn(variation, rung.count, root.split(generation));
      return named(
        generation,
        begun.map(({ genome: { setting }, parents, edit }) => ({
          genome: { setting, resource: rung.resource },
          parents,
          edit,
        })),
      );
    },
    tell: (state, asked, scores) => ({
      generation: state.generation + 1,
      evaluations: state.evaluations + asked.length,
      members: [...judgedAll(asked, scores, 1)].sort(byScore),
      memory: {},
    }),
  };
};

/** Hyperband; the members of its states are those of the last rung, best first. */
export const hyperband = (settings: HalvingSettings): Search<Trial> =>
  overBrackets("hyperband", settings, hyperbandBrackets(settings));

/** Successive halving from `count` settings; where it is through, it begins with others. */
export const successiveHalving = (settings: HalvingSettings & { readonly count: number }): Search<Trial> => {
  checked(settings);
  const { count } = settings;
  if (!(Number.isSafeInteger(count) && count >= 1)) {
    throw badSetting({ setting: "count", wanted: "a whole number from 1", found: String(count), path: "/count" });
  }
  return overBrackets("halving", settings, [checkedBracket(bracketOf(settings, count, growths(settings)))]);
};
