/**
 * Question: what a text states or asks about: whose which attribute, in which order of time, with which words.
 *
 * Not understanding: a few forms of English and Chinese sentences are read, anything else has no subject.
 * Invariant: pure; a question is never read as a statement.
 *
 * @module
 */
import { contentTerms } from "../text.ts";

/** Whose which attribute a sentence speaks of. */
export interface Subject {
  /** Whose, in lower case; "i" for the speaker. */
  readonly owner: string;
  /** Words of the attribute. */
  readonly attribute: ReadonlyArray<string>;
}

/** What a query wants to know. */
export interface Question {
  /** The words it is about. */
  readonly terms: ReadonlyArray<string>;
  /** Whose which attribute. */
  readonly subject?: Subject;
  /** Which of several in time. */
  readonly order?: "newest" | "oldest";
  /** What kind of thing is asked for, in a word that an answer need not repeat: it names one of the kind. */
  readonly sort?: string;
  /** Whether it asks how things stand, so that what was said last counts. */
  readonly standing: boolean;
  /** Names in it. */
  readonly names: ReadonlyArray<string>;
}

const OWNER = String.raw`(my|our|\p{Lu}[\p{L}-]*['’]s)`;
const ATTRIBUTE = String.raw`([\p{Ll}][\p{L}-]*(?: [\p{Ll}][\p{L}-]*){0,3}?)`;
const HAN = String.raw`\p{Script=Han}`;

const STATEMENTS: ReadonlyArray<RegExp> = [
  new RegExp(`\\b${OWNER} ${ATTRIBUTE} (?:is|are|was|were|became|has become|changed to|has changed to)\\b`, "iu"),
  new RegExp(`(?:^|[，。、；\\s])(${HAN}{1,4})的(${HAN}{1,6}?)(?:现在)?(?:是|改成|换成|变成)(?!什么|多少|谁|哪)`, "u"),
];

const QUESTIONS: ReadonlyArray<RegExp> = [
  new RegExp(
    `\\b(?:what|which|who|where|when|how)\\b.*?\\b${OWNER} ${ATTRIBUTE}(?: (?:now|currently|today|these days))?\\s*[?？]`,
    "iu",
  ),
  new RegExp(`(?:^|[，。\\s])(${HAN}{1,4})(?:现在)?的(${HAN}{1,6}?)(?:现在)?(?:是)?(?:什么|多少|谁|哪)`, "u"),
];

const SPEAKER: ReadonlySet<string> = new Set(["my", "our", "我", "我们"]);
const WAYS = /\b(?:new|current|latest|old|previous)\b/giu;

const subjectBy = (text: string, forms: ReadonlyArray<RegExp>): Subject | undefined => {
  for (const form of forms) {
    const found = form.exec(text);
    if (found === null) continue;
    const owner = found[1].toLowerCase().replace(/['’]s$/u, "");
    const attribute = found[2].toLowerCase().replace(WAYS, " ").split(/\s+/u).filter((word) => word !== "");
    if (attribute.length > 0) return { owner: SPEAKER.has(owner) ? "i" : owner, attribute };
  }
  return undefined;
};

const ASKS = /[?？]\s*$/u;

/** Whether a text asks instead of stating. */
export const asks = (text: string): boolean => ASKS.test(text);

/** Whose which attribute a statement gives; undefined for questions and for sentences of another form. */
export const statedSubject = (text: string): Subject | undefined =>
  asks(text) ? undefined : subjectBy(text, STATEMENTS);

const NEWEST = /\b(?:last|latest|most recent(?:ly)?|newest)\b|最近一次|最后一次|最新/iu;
const OLDEST = /\b(?:first|earliest|oldest)\b|第一次|最早/iu;

/** Words of a question that no answer repeats. */
const ASKING: ReadonlySet<string> = new Set(
  ("does did do now currently today days tell know last latest most recent recently newest first earliest oldest time " +
    "times all any ever whose many much list name happened happen were had been am know present these nowadays")
    .split(" "),
);
const ASKING_HAN =
  /最近一次|最后一次|第一次|是什么|是多少|是谁|在哪里|在哪|什么时候|什么|多少|哪些|哪里|现在|最新|最早|我们|我|吗|呢|的|了/gu;

const SORTS: ReadonlyArray<RegExp> = [
  /\b(?:what|which)\s+(\p{Ll}+)\s+(?:do|does|did|is|are|was|were|has|have|had|can|will)\b/iu,
  /^\s*(?:please\s+)?(?:list|name|tell me)\s+(?:all\s+|every\s+|each\s+)?(?:the\s+)?(\p{Ll}+)\s+(?:in|at|on|where|that|which|we|i)\b/iu,
];

/** What was, or when: of such things the last that was said need not be the answer. */
const PAST = /\b(?:did|was|were|had|when|ever|list)\b|^\s*name\b|过|了|时候/iu;

/** Names: capitals that begin no sentence. */
const NAMES = /(?<=[\p{L}\p{N},;]\s)\p{Lu}\p{Ll}+/gu;

/** Words that keep a sentence from saying that something is so. */
const HEDGES =
  /\b(?:never|not|nobody|no one|might|maybe|perhaps|would|wants? to|hopes? to|believes?|people say|they say|rumou?r)\b|n['’]t\b|没有|没|不|听说|可能|也许/iu;

/** Whether a text only speaks around a name or a matter: it denies, doubts or wishes, or is about somebody related. */
export const speaksAround = (text: string, names: ReadonlyArray<string>): boolean =>
  HEDGES.test(text) || names.some((name) => {
    const at = text.indexOf(name);
    return at > 0 && /\b(?:of|about|for)\s$/u.test(text.slice(0, at));
  });

/** Reads what a query wants to know. */
export const readQuestion = (query: string): Question => {
  const asked = [...contentTerms(query.replace(ASKING_HAN, " "))];
  const terms = asked.filter((term) => !ASKING.has(term));
  const subject = subjectBy(asks(query) ? query : `${query}?`, QUESTIONS) ?? subjectBy(query, STATEMENTS);
  const order = NEWEST.test(query) ? "newest" : OLDEST.test(query) ? "oldest" : undefined;
  const sort = SORTS.map((form) => form.exec(query)?.[1].toLowerCase()).find((word) => word !== undefined);
  return {
    terms: terms.length > 0 ? terms : asked,
    standing: !PAST.test(query),
    names: query.match(NAMES) ?? [],
    ...(sort === undefined ? {} : { sort }),
    ...(subject === undefined ? {} : { subject }),
    ...(order === undefined ? {} : { order }),
  };
};

const GRAM = 3;
const LEAST_LETTERS = 4;
const SAME_WORD = 0.5;

const gramsOf = (word: string): ReadonlyArray<string> =>
  Array.from({ length: Math.max(0, word.length - GRAM + 1) }, (_, i) => word.slice(i, i + GRAM));

/** Whether two words are forms or spellings of one: equal, or half of their 3-grams are (Dice) and they begin alike. */
export const sameWord = (a: string, b: string): boolean => {
  if (a === b) return true;
  if (a[0] !== b[0] || a.length < LEAST_LETTERS || b.length < LEAST_LETTERS || /\d/u.test(a) || /\d/u.test(b)) {
    return false;
  }
  const grams = gramsOf(a);
  const others = gramsOf(b);
  const shared = grams.filter((gram) => others.includes(gram)).length;
  return 2 * shared >= SAME_WORD * (grams.length + others.length);
};

/** Whether two sentences speak of the same attribute of the same owner. */
export const sameSubject = (a: Subject, b: Subject): boolean =>
  a.owner === b.owner && a.attribute.length === b.attribute.length &&
  a.attribute.every((word, index) => sameWord(word, b.attribute[index]));
