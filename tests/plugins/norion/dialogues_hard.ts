/**
 * Harder dialogues than those of dialogues.ts: facts told with verbs instead of "X's y is z", several in a sentence, asked
 * for indirectly and in other words, beside distractors of the same words about other persons, in Chinese and English.
 *
 * Written after the memory; its failures are what memory's reading of relations, hedges and kinds of answers was made for,
 * so that they no longer say how far that carries (dialogues_other.ts does). Nothing in these sentences has the form that
 * memory reads as a statement of a subject.
 */
import { type Random, random } from "../../../kernel/mod.ts";
import type { Asked, Dialogue, Turn } from "./dialogues.ts";

const PEOPLE = ["Katya", "Lorenzo", "Mbali", "Nils", "Oksana", "Pedro", "Qiang", "Rosa", "Sven", "Tomoko"];
const HAN_PEOPLE = ["周涛", "吴静", "郑凯", "冯雪"];
const TOWNS = ["Bergen", "Cork", "Dijon", "Essen", "Faro", "Graz", "Hobart", "Izmir"];
const HAN_TOWNS = ["成都", "杭州", "西安", "青岛"];
const EMPLOYERS = ["the observatory", "a bakery", "the ferry company", "a law firm", "the zoo"];
const PETS = ["a parrot", "two hamsters", "a greyhound", "a tortoise"];
const DISHES = ["dumplings", "paella", "goulash", "ramen"];

interface Fact {
  /** Says it first, and says later that it changed; `P` is the person. */
  readonly told: (value: string, other: string) => string;
  readonly changed: (value: string) => string;
  /** Asks for it. */
  readonly asked: string;
  readonly values: ReadonlyArray<string>;
  readonly han?: boolean;
}

const FACTS: ReadonlyArray<Fact> = [
  {
    told: (town, job) => `P lives in ${town} and works for ${job}.`,
    changed: (town) => `P moved to ${town} last month.`,
    asked: "Which town does P live in these days?",
    values: TOWNS,
  },
  {
    told: (job, town) => `I met P near ${town}; she earns her money at ${job}.`,
    changed: (job) => `P quit and started at ${job}.`,
    asked: "Do you know who employs P at present?",
    values: EMPLOYERS,
  },
  {
    told: (pet, town) => `P, who comes from ${town}, keeps ${pet}.`,
    changed: (pet) => `P gave the old pet away and keeps ${pet}.`,
    asked: "What animal does P keep?",
    values: PETS,
  },
];

const HAN_FACT: Fact = {
  told: (town) => `P住在${town}，平时坐地铁上班。`,
  changed: (town) => `P上个月搬到${town}去住了。`,
  asked: "P住在哪里？",
  values: HAN_TOWNS,
};

const DEEDS = [
  ["baked bread with", "When I last baked bread, who was with me?", "Who was the first person I baked bread with?"],
  ["climbed the tower with", "Who climbed the tower with me most recently?", "Who first climbed the tower with me?"],
  [
    "sailed to the island with",
    "With whom did I last sail to the island?",
    "With whom did I first sail to the island?",
  ],
] as const;

const DISTRACTORS = [
  "P says the weather in TOWN is dreadful.",
  "Somebody from TOWN asked about P, but I did not catch the name.",
  "A friend of P wants to keep bees.",
  "P would never live in TOWN, people say.",
  "P和朋友聊了TOWN的天气。",
];

const put = (text: string, person: string, town = ""): string => text.replaceAll("P", person).replaceAll("TOWN", town);

const updates = (draw: Random, turns: Turn[], questions: Asked[]): void => {
  const people = draw.shuffle(PEOPLE).slice(0, 9).map((person, i) => [person, FACTS[i % FACTS.length]] as const);
  for (const [person, fact] of [...people, ...HAN_PEOPLE.map((name) => [name, HAN_FACT] as const)]) {
    const [first, second] = draw.shuffle(fact.values);
    const beside = draw.pick(fact.values === EMPLOYERS ? TOWNS : EMPLOYERS);
    const stale = put(fact.told("VALUE", beside), person).replace("VALUE", first);
    const gold = put(fact.changed("VALUE"), person).replace("VALUE", second);
    turns.push({ session: draw.below(8), text: stale }, { session: 8 + draw.below(16), text: gold });
    // What was replaced may come too, only not first: nobody was told that it is void.
    questions.push({ kind: "update", query: put(fact.asked, person), gold: [gold], stale: [] });
  }
};

const temporal = (draw: Random, turns: Turn[], questions: Asked[]): void => {
  for (const [did, last, first] of DEEDS) {
    const said = draw.shuffle(PEOPLE).slice(0, 3).map((person, i) => {
      const text = `This afternoon I ${did} ${person}.`;
      turns.push({ session: 8 * i + draw.below(8), text });
      return text;
    });
    questions.push(
      { kind: "temporal", query: last, gold: [said[2]], stale: [] },
      { kind: "temporal", query: first, gold: [said[0]], stale: [] },
    );
  }
};

const sessions = (draw: Random, turns: Turn[], questions: Asked[]): void => {
  for (const dish of DISHES) {
    const gold = draw.shuffle(TOWNS).slice(0, 3).map((town) => `We had ${dish} at a tiny place in ${town}.`);
    for (const text of gold) turns.push({ session: draw.below(24), text });
    questions.push({ kind: "sessions", query: `List the towns in which we ate ${dish}.`, gold, stale: [] });
  }
};

const abstentions = (draw: Random, questions: Asked[]): void => {
  for (const person of draw.shuffle(PEOPLE).slice(0, 6)) {
    questions.push({ kind: "abstention", query: `How tall is ${person}?`, gold: [], stale: [] });
    questions.push({ kind: "abstention", query: `Which instrument does ${person} play?`, gold: [], stale: [] });
  }
  for (const person of HAN_PEOPLE) {
    questions.push({ kind: "abstention", query: `${person}的生日是几月？`, gold: [], stale: [] });
  }
};

/** The harder dialogue of a seed. */
export const hardDialogueOf = (seed: number, chat = 300): Dialogue => {
  const draw = random(`hard dialogue ${seed}`);
  const turns: Turn[] = [];
  const questions: Asked[] = [];
  for (const part of [updates, temporal, sessions]) part(draw, turns, questions);
  abstentions(draw, questions);
  for (let i = 0; i < chat; i++) {
    const text = put(
      draw.pick(DISTRACTORS),
      draw.pick([...PEOPLE, ...HAN_PEOPLE]),
      draw.pick([...TOWNS, ...HAN_TOWNS]),
    );
    turns.push({ session: draw.below(24), text });
  }
  return { turns: turns.toSorted((a, b) => a.session - b.session), questions };
};
