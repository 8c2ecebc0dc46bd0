/**
 * Generated long dialogues with questions whose answers are known by construction: updates of facts, order in time,
 * facts spread over sessions, and things never said.
 *
 * The seeds 1 to 5 were fixed before the code that is judged was written.
 */
import { type Random, random } from "../../../kernel/mod.ts";
import { ACTIVITIES, ATTRIBUTES, CHATTER, HAN_ATTRIBUTES, HAN_NAMES, NAMES, PLACES, UNSAID } from "./dialogue_words.ts";

/** What is asked for. */
export const KINDS = ["update", "temporal", "sessions", "abstention"] as const;

/** A turn that is remembered. */
export interface Turn {
  readonly session: number;
  readonly text: string;
}

/** A question with its answer. */
export interface Asked {
  readonly kind: typeof KINDS[number];
  readonly query: string;
  /** Texts that answer it; none where it cannot be known. */
  readonly gold: ReadonlyArray<string>;
  /** Texts that must not come. */
  readonly stale: ReadonlyArray<string>;
}

/** A dialogue. */
export interface Dialogue {
  readonly turns: ReadonlyArray<Turn>;
  readonly questions: ReadonlyArray<Asked>;
}

/** Seeds that were fixed beforehand. */
export const SEEDS: ReadonlyArray<number> = [1, 2, 3, 4, 5];

/** Sessions of a dialogue. */
const SESSIONS = 24;

interface Draft {
  readonly turns: Turn[];
  readonly questions: Asked[];
  readonly draw: Random;
}

const say = ({ turns }: Draft, session: number, text: string): string => {
  turns.push({ session, text });
  return text;
};

/** Sessions in order, drawn without repetition. */
const sessionsOf = (draw: Random, count: number): ReadonlyArray<number> =>
  draw.shuffle(Array.from({ length: SESSIONS }, (_, i) => i)).slice(0, count).sort((a, b) => a - b);

const updates = (draft: Draft): void => {
  const { draw, questions } = draft;
  for (const name of draw.shuffle(NAMES).slice(0, 8)) {
    const [attribute, spelled, values] = draw.pick(ATTRIBUTES);
    const [first, second, third] = draw.shuffle(values);
    const sessions = sessionsOf(draw, 3);
    const stale = [
      say(draft, sessions[0], `${name}'s ${attribute} is ${first}.`),
      say(draft, sessions[1], `By the way, ${name}'s ${attribute} is ${second} now.`),
    ];
    const gold = say(draft, sessions[2], `${name}'s ${attribute} has changed to ${third}.`);
    say(draft, sessions[2], `Could you remind me what ${name}'s ${attribute} is?`);
    questions.push({ kind: "update", query: `What is ${name}'s ${spelled} now?`, gold: [gold], stale });
  }
  for (const name of HAN_NAMES) {
    const [attribute, values] = draw.pick(HAN_ATTRIBUTES);
    const [first, second] = draw.shuffle(values);
    const sessions = sessionsOf(draw, 2);
    const stale = [say(draft, sessions[0], `${name}的${attribute}是${first}。`)];
    const gold = say(draft, sessions[1], `${name}的${attribute}改成${second}了。`);
    questions.push({ kind: "update", query: `${name}现在的${attribute}是什么？`, gold: [gold], stale });
  }
};

const temporal = (draft: Draft): void => {
  const { draw, questions } = draft;
  for (const [did, ask, things] of ACTIVITIES) {
    const sessions = sessionsOf(draw, 4);
    const places = draw.shuffle(PLACES);
    const said = sessions.map((session, i) => say(draft, session, `Today I ${did} ${things[0]} in ${places[i]}.`));
    questions.push(
      { kind: "temporal", query: `Where did I most recently ${ask} ${things[0]}?`, gold: [said[3]], stale: [] },
      { kind: "temporal", query: `Where did I first ${ask} ${things[0]}?`, gold: [said[0]], stale: [] },
    );
  }
};

const sessions = (draft: Draft): void => {
  const { draw, questions } = draft;
  for (const [did, ask, things] of ACTIVITIES) {
    const thing = things[1];
    const place = draw.shuffle(PLACES);
    const gold = sessionsOf(draw, 3).map((session, i) =>
      say(draft, session, `On the weekend we ${did} a ${thing} near ${place[i]}.`)
    );
    questions.push({ kind: "sessions", query: `Which ${thing}s did we ${ask}?`, gold, stale: [] });
  }
};

const abstentions = (draft: Draft): void => {
  const { draw, questions } = draft;
  for (const name of draw.shuffle(NAMES).slice(0, 8)) {
    questions.push({ kind: "abstention", query: `What is ${name}'s ${draw.pick(UNSAID)}?`, gold: [], stale: [] });
  }
  for (const [, ask, things] of ACTIVITIES) {
    questions.push({ kind: "abstention", query: `Where did I ${ask} ${things[2]}?`, gold: [], stale: [] });
  }
  for (const name of HAN_NAMES) {
    questions.push({ kind: "abstention", query: `${name}的血型是什么？`, gold: [], stale: [] });
  }
};

const chatter = (draft: Draft, turns: number): void => {
  const { draw } = draft;
  for (let i = 0; i < turns; i++) {
    const text = draw.pick(CHATTER).replace("NAME", draw.pick(NAMES)).replace("PLACE", draw.pick(PLACES))
      .replace("THING", draw.pick(draw.pick(ACTIVITIES)[2].slice(0, 2))).replace("N", String(draw.below(900)));
    say(draft, draw.below(SESSIONS), text);
  }
};

/** The dialogue of a seed. */
export const dialogueOf = (seed: number, chat = 400): Dialogue => {
  const draft: Draft = { turns: [], questions: [], draw: random(`dialogue ${seed}`) };
  for (const part of [updates, temporal, sessions, abstentions]) part(draft);
  chatter(draft, chat);
  // Sessions follow each other; within one the turns stay as they were said.
  return { turns: draft.turns.toSorted((a, b) => a.session - b.session), questions: draft.questions };
};
