/**
 * Heuristic: the backend that is always there: it works out arithmetic, and otherwise quotes from what it was given the
 * sentences that speak of the question.
 *
 * Not a model: it knows nothing and understands nothing, and every answer of it says so by its kind.
 * Invariant: pure; whatever it says is a number it worked out exactly, a quotation, or that it found nothing.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { ModelBackend, ModelDescription, ModelRequest } from "../contract.ts";
import type { Rational } from "../review/rational.ts";
import { valueOf } from "../review/arithmetic.ts";
import { contentTerms, scriptOf, tokenCounter } from "../text.ts";
import { finished, inOnePiece, inputTokens, tooLong, untilStop } from "./finished.ts";

/** Id of the backend. */
export const HEURISTIC_ID = "heuristic";

const WINDOW = 32_768;

const DESCRIPTION: ModelDescription = {
  id: HEURISTIC_ID,
  kind: "heuristic",
  locality: "process",
  quality: 0.2,
  cost: 0,
  window: WINDOW,
  latencyMs: 5,
  capabilities: { streaming: false, deterministic: true, countsTokens: false, cacheBlocks: false },
  notes: [
    "It is no language model: it works out arithmetic and quotes sentences of the context.",
    "It answers nothing that the request and its context do not say.",
  ],
};

const NOTHING = {
  zh: "所给内容没有回答这个问题，而这里没有配置语言模型。",
  en: "Nothing given here answers this, and no language model is configured.",
} as const;

/** A run of numbers, signs and brackets with a sign between numbers. */
const EXPRESSION = /[(\d][\d\s().,+*/^×·÷−–-]*[+*/^×·÷−–-][\d\s().,+*/^×·÷−–-]*[)\d]/gu;

/** A date or a version is no expression: signs without spaces between numbers, more than once the same. */
const NO_EXPRESSION = /^\d+([-./])\d+\1\d+/u;

const MAX_DECIMALS = 12;

/** A number in the shortest exact form: whole, decimal where that ends, else a fraction. */
export const shownNumber = ({ n, d }: Rational): string => {
  if (d === 1n) return String(n);
  for (let digits = 1; digits <= MAX_DECIMALS; digits++) {
    const scaled = n * 10n ** BigInt(digits);
    if (scaled % d !== 0n) continue;
    const text = String(scaled / d < 0n ? -(scaled / d) : scaled / d).padStart(digits + 1, "0");
    return `${n < 0n ? "-" : ""}${text.slice(0, -digits)}.${text.slice(-digits)}`;
  }
  return `${n}/${d}`;
};

/** Equations for the expressions of a question that have a value. */
const workedOut = (question: string): ReadonlyArray<string> =>
  [...question.matchAll(EXPRESSION)].flatMap(([run]) => {
    const text = run.trim();
    const value = NO_EXPRESSION.test(text) ? undefined : valueOf(text);
    return value === undefined ? [] : [`${text} = ${shownNumber(value)}`];
  });

const SENTENCE = /[^.!?。！？\n]+(?:[.!?。！？]+(?=\s|$|[^\p{L}\p{N}])|[。！？]|\n|$)|[^\n]+/gu;

/** Marks that the prompt puts before items of the context. */
const MARK = /^\s*\[\d+\]\s*/u;

const sentencesOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(SENTENCE)].map(([sentence]) => sentence.replace(MARK, "").trim())
    .filter((sentence) => contentTerms(sentence).size > 0);

const MOST_QUOTED = 3;

/** Share of the best sentence's weight from which another is quoted beside it. */
const BESIDE = 0.75;

/** Share of the question's weight that a quotation speaks of at least. */
const LEAST_COVERED = 0.34;

/** The sentences that speak most of a question, in their order. */
const quoted = (question: string, known: string): ReadonlyArray<string> => {
  // The end of a long text holds the question itself, which is no answer to it.
  const sentences = sentencesOf(known).filter((sentence) => sentence !== question.trim());
  const terms = sentences.map(contentTerms);
  const asked = [...contentTerms(question)];
  const rarity = new Map(
    asked.map((term) => [term, Math.log(1 + sentences.length / (1 + terms.filter((one) => one.has(term)).length))]),
  );
  const weigh = (of: ReadonlySet<string>): number =>
    asked.reduce((sum, term) => sum + (of.has(term) ? rarity.get(term)! : 0), 0);
  const whole = asked.reduce((sum, term) => sum + rarity.get(term)!, 0);
  const weights = terms.map(weigh);
  const best = Math.max(0, ...weights);
  if (whole === 0 || best < LEAST_COVERED * whole) return [];
  return weights
    .map((weight, index) => ({ weight, index }))
    .filter(({ weight }) => weight >= BESIDE * best)
    .toSorted((a, b) => b.weight - a.weight || a.index - b.index)
    .slice(0, MOST_QUOTED)
    .toSorted((a, b) => a.index - b.index)
    .map(({ index }) => sentences[index]);
};

/** The question of a prompt and what is known beside it: its last paragraph, and all before. */
const parted = (prompt: string): readonly [question: string, known: string] => {
  const paragraphs = prompt.trim().split(/\n\s*\n/u);
  return [paragraphs.at(-1)!, paragraphs.slice(0, -1).join("\n\n")];
};

const textFor = (prompt: string): string => {
  const [question, known] = parted(prompt);
  const equations = workedOut(question);
  const sentences = equations.length > 0 ? equations : quoted(question, known);
  if (sentences.length > 0) return sentences.join(" ");
  return scriptOf(question) === "zh" ? NOTHING.zh : NOTHING.en;
};

const held = (text: string, tokens: number): { readonly text: string; readonly finish: "stop" | "length" } => {
  const count = tokenCounter();
  let end = 0;
  for (const character of text) {
    if (count(character.codePointAt(0)!) > tokens) return { text: text.slice(0, end), finish: "length" };
    end += character.length;
  }
  return { text, finish: "stop" };
};

/** The embedded backend. */
export const heuristicModel: ModelBackend = inOnePiece({
  describe: () => DESCRIPTION,
  generate: (request: ModelRequest) =>
    Effect.suspend(() => {
      const tokens = inputTokens(request);
      if (tokens > WINDOW) return Effect.fail(tooLong(tokens, WINDOW));
      return finished(
        DESCRIPTION,
        request,
        held(untilStop(textFor(request.prompt), request.stop), request.maxTokens),
      );
    }),
});
