/**
 * Prompting: what a model is told: the request, the context that the plan lets come along, and how the plan wants it read.
 *
 * Not a decision: everything here follows from the plan.
 * Invariant: no word of the plan's own counts enters a prompt; an item of context comes whole, cut to the share the plan
 * gives it, or not at all; the same plan and texts give the same prompt.
 *
 * @module
 */
import type { Plan } from "./plan.ts";
import { estimateTokens, tokenCounter } from "./text.ts";

/** What a model is told. */
export interface Prompted {
  /** Standing instructions. */
  readonly system: string;
  /** The request with its context. */
  readonly prompt: string;
  /** The texts of the context, in order. */
  readonly context: ReadonlyArray<string>;
}

const LANGUAGES: { readonly [script: string]: string } = {
  zh: "Answer in Chinese.",
  en: "Answer in English.",
  mixed: "Keep the languages of the request.",
};

/** What each check asks for beforehand. */
const ADVICE: { readonly [check: string]: string } = {
  contradiction: "Do not claim certainty and doubt of the same thing.",
  "unsupported-claim": "State numbers only where the context states them.",
  "unclosed-code": "Close every code block.",
  repetition: "Say everything once.",
  "off-topic": "Stay with what is asked.",
};

/** What standing instructions follow from. */
export type Instructing = Pick<Plan, "languages" | "checks"> & { readonly budget: Pick<Plan["budget"], "class"> };

/** Standing instructions: what the plan's genes ask of an answer. */
export const instructionsOf = (plan: Instructing): string =>
  [
    ...plan.languages.flatMap((script) => LANGUAGES[script] ?? []),
    ...plan.checks.flatMap((check) => ADVICE[check] ?? []),
    ...(plan.budget.class === "low" ? ["Answer in one or two sentences."] : []),
  ].join(" ");

/** Numbers of parts and notes, as many as are ever planned, in tokens. */
const NUMBERS = 8;

/** Tokens that are told beside the text with every part, or every merge, of a request. */
export const tokensBeside = (request: string, instructing: Instructing): number => {
  const instruction = instructionOf(request);
  return NUMBERS + estimateTokens(instructionsOf(instructing)) +
    Math.max(
      estimateTokens(partPrompt(instruction, "", 0, 1).prompt),
      estimateTokens(mergePrompt(instruction, [])),
    );
};

/** A text held to some tokens, at a word's end where there is one. */
export const heldTo = (text: string, tokens: number): string => {
  if (estimateTokens(text) <= tokens) return text;
  const count = tokenCounter();
  let end = 0;
  for (const character of text) {
    if (count(character.codePointAt(0)!) > tokens) break;
    end += character.length;
  }
  const head = text.slice(0, end);
  const space = head.lastIndexOf(" ");
  return `${space > head.length / 2 ? head.slice(0, space) : head}…`;
};

/** The texts that the plan takes along, each as much of it as the plan gives room. */
export const contextOf = (plan: Plan, texts: ReadonlyMap<string, string>): ReadonlyArray<string> =>
  plan.context.flatMap(({ id, verdict, tokens }) => {
    const text = texts.get(id);
    if (text === undefined || (verdict !== "include" && verdict !== "compress")) return [];
    return [verdict === "include" ? text : heldTo(text, tokens)];
  });

const numbered = (texts: ReadonlyArray<string>): string =>
  texts.map((text, index) => `[${index + 1}] ${text}`).join("\n");

/** What a model is told of a request that fits its window. */
export const promptOf = (plan: Plan, request: string, texts: ReadonlyMap<string, string>): Prompted => {
  const context = contextOf(plan, texts);
  const prompt = context.length === 0 ? request : `Known:\n${numbered(context)}\n\n${request}`;
  return { system: instructionsOf(plan), prompt, context };
};

/**
 * What a model is told of one part of a request that is longer than its window. What is asked comes first, so that all
 * parts begin alike, and last, as always.
 */
export const partPrompt = (
  instruction: string,
  part: string,
  index: number,
  of: number,
): { readonly prompt: string; readonly shared: number } => {
  const beginning = `Note only what a part of a text says about this request: ${instruction}\n\n`;
  return {
    prompt: `${beginning}Part ${index + 1} of ${of}:\n\n${part}\n\n${instruction}`,
    shared: beginning.length,
  };
};

/** What a model is told when notes on parts are put together. */
export const mergePrompt = (instruction: string, notes: ReadonlyArray<string>): string =>
  `Notes on parts of a text, in order:\n${numbered(notes)}\n\n${instruction}`;

/** Longest instruction that is repeated with every part, tokens. */
const INSTRUCTION_TOKENS = 128;

/** What a long request wants: its last paragraph where that is short, else its first words. */
export const instructionOf = (request: string): string => {
  const last = request.trimEnd().split(/\n\s*\n/u).at(-1) ?? "";
  return estimateTokens(last) <= INSTRUCTION_TOKENS ? last.trim() : heldTo(request.trimStart(), INSTRUCTION_TOKENS);
};

/** What a model is told when it may mend its draft once. */
export const repairPrompt = (prompt: string, draft: string, issues: ReadonlyArray<string>): string =>
  `${prompt}\n\nA draft of the answer:\n${draft}\n\nIt has these faults: ${
    issues.join(", ")
  }. Write the answer without them.`;
