/**
 * Dialogues of other everyday matters than those of dialogues_hard.ts, asked for in other words than they are told in.
 *
 * Written before memory read relations, tenses and hedges, and not used to change how it does: what is found here says
 * how far that carries. The words of both were chosen by the same hand, though.
 */
import { type Random, random } from "../../../kernel/mod.ts";
import type { Asked, Dialogue, Turn } from "./dialogues.ts";

const PEOPLE = ["Ulrike", "Viktor", "Wanda", "Ximena", "Yusuf", "Zofia", "Amadou", "Brigitte", "Cosmo", "Dalia"];
const HAN_PEOPLE = ["孙悦", "马骏", "何敏", "罗刚"];
const TOWNS = ["Aarhus", "Bilbao", "Chania", "Dundee", "Elche", "Fulda"];
const VEHICLES = ["a red van", "a motorbike", "a blue coupe", "an old tram"];
const SUBJECTS = ["law", "botany", "medicine", "history"];
const PARTNERS = ["Igor", "Paula", "Ravi", "Selma"];
const HAN_JOBS = ["教书", "开出租车", "卖水果", "当护士"];
const SHOPS = ["the arcade", "the flea market", "the corner store", "the mall"];
const GOODS = ["lamp", "kettle", "carpet"];

interface Fact {
  readonly told: (value: string, person: string) => string;
  readonly changed: (value: string, person: string) => string;
  readonly asked: (person: string) => string;
  readonly values: ReadonlyArray<string>;
}

const FACTS: ReadonlyArray<Fact> = [
  {
    told: (value, p) => `${p} drives ${value} to the office.`,
    changed: (value, p) => `${p} sold the car and got ${value} instead.`,
    asked: (p) => `What vehicle does ${p} drive now?`,
    values: VEHICLES,
  },
  {
    told: (value, p) => `${p} is a student of ${value}, I hear.`,
    changed: (value, p) => `${p} switched to ${value} this autumn.`,
    asked: (p) => `Which subject is ${p} studying currently?`,
    values: SUBJECTS,
  },
  {
    told: (value, p) => `${p} got engaged to ${value} in spring.`,
    changed: (value, p) => `${p} broke up and married ${value}.`,
    asked: (p) => `Who is the spouse of ${p} today?`,
    values: PARTNERS,
  },
];

const HAN: Fact = {
  told: (value, p) => `${p}以前在镇上${value}。`,
  changed: (value, p) => `${p}辞职以后改行${value}了。`,
  asked: (p) => `${p}现在做什么工作？`,
  values: HAN_JOBS,
};

const DISTRACTORS = [
  "P talked about driving lessons for hours.",
  "The cousin of P studies the stars.",
  "Nobody believes that P was ever married.",
  "P might visit TOWN, or might not.",
  "P说TOWN最近很冷。",
];

const updates = (draw: Random, turns: Turn[], questions: Asked[]): void => {
  const all = [
    ...draw.shuffle(PEOPLE).slice(0, 9).map((person, i) => [person, FACTS[i % FACTS.length]] as const),
    ...HAN_PEOPLE.map((person) => [person, HAN] as const),
  ];
  for (const [person, fact] of all) {
    const [first, second] = draw.shuffle(fact.values);
    const gold = fact.changed(second, person);
    turns.push({ session: draw.below(8), text: fact.told(first, person) }, { session: 8 + draw.below(16), text: gold });
    questions.push({ kind: "update", query: fact.asked(person), gold: [gold], stale: [] });
  }
};

const temporal = (draw: Random, turns: Turn[], questions: Asked[]): void => {
  const matters = [
    ["I borrowed a ladder from P.", "Who lent me a ladder most recently?", "Who was the first to lend me a ladder?"],
    ["I phoned P about the roof.", "Whom did I call last about the roof?", "Whom did I call first about the roof?"],
  ] as const;
  for (const [did, last, first] of matters) {
    const said = draw.shuffle(PEOPLE).slice(0, 3).map((person, i) => {
      const text = did.replace("P", person);
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
  for (const good of GOODS) {
    const gold = draw.shuffle(SHOPS).slice(0, 3).map((shop) => `Today we bought a ${good} at ${shop}.`);
    for (const text of gold) turns.push({ session: draw.below(24), text });
    questions.push({ kind: "sessions", query: `Name the shops in which we purchased a ${good}.`, gold, stale: [] });
  }
};

const abstentions = (draw: Random, questions: Asked[]): void => {
  for (const person of draw.shuffle(PEOPLE).slice(0, 5)) {
    questions.push({ kind: "abstention", query: `What colour of hair has ${person}?`, gold: [], stale: [] });
    questions.push({ kind: "abstention", query: `Where did ${person} learn to swim?`, gold: [], stale: [] });
  }
  for (const good of GOODS) {
    questions.push({ kind: "abstention", query: `Who repaired the ${good}?`, gold: [], stale: [] });
  }
  for (const person of HAN_PEOPLE) {
    questions.push({ kind: "abstention", query: `${person}的身高是多少？`, gold: [], stale: [] });
  }
};

/** The dialogue of a seed. */
export const otherDialogueOf = (seed: number, chat = 300): Dialogue => {
  const draw = random(`other dialogue ${seed}`);
  const turns: Turn[] = [];
  const questions: Asked[] = [];
  for (const part of [updates, temporal, sessions]) part(draw, turns, questions);
  abstentions(draw, questions);
  for (let i = 0; i < chat; i++) {
    const person = draw.pick([...PEOPLE, ...HAN_PEOPLE]);
    const text = draw.pick(DISTRACTORS).replaceAll("P", person).replaceAll("TOWN", draw.pick(TOWNS));
    turns.push({ session: draw.below(24), text });
  }
  return { turns: turns.toSorted((a, b) => a.session - b.session), questions };
};
