/**
 * Slips: texts of well-typed programs as a person's or a model's hands break them, for measuring how they are mended.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/mod.ts";
import { parseSource } from "../../../plugins/rmil/syntax/parser.ts";
import { WELL_TYPED, type WellTyped } from "./broken.ts";

type Tokens = ReadonlyArray<string>;

const tokensOf = (text: string): Tokens => [...text.matchAll(/>>|->|[A-Za-z_0-9.]+|\s+|./gu)].map(([token]) => token);

/** Ways in which a text goes wrong. */
export const SLIPS: { readonly [name: string]: (tokens: Tokens, draw: Random) => Tokens } = {
  "a token is left out": (tokens, draw) => tokens.toSpliced(draw.below(tokens.length), 1),
  "a token stands twice": (tokens, draw) => {
    const at = draw.below(tokens.length);
    return tokens.toSpliced(at, 0, tokens[at]);
  },
  "two tokens are swapped": (tokens, draw) => {
    const at = draw.below(tokens.length - 1);
    return tokens.with(at, tokens[at + 1]).with(at + 1, tokens[at]);
  },
  "a bracket is missing": (tokens, draw) => {
    const brackets = tokens.flatMap((token, i) => "(){}[]".includes(token) ? [i] : []);
    return brackets.length === 0 ? tokens : tokens.toSpliced(draw.pick(brackets), 1);
  },
  "a stray token": (tokens, draw) =>
    tokens.toSpliced(draw.below(tokens.length), 0, draw.pick(["]", "%", ";", "then", ",", "=", "1."])),
  "the end is cut off": (tokens, draw) => tokens.slice(0, 1 + draw.below(tokens.length - 1)),
};

/** A text that is no program. */
export interface Slipped {
  /** How it was broken. */
  readonly by: string;
  /** The program that it was. */
  readonly from: WellTyped;
  /** The text. */
  readonly text: string;
}

/** Broken texts: each slip once in each program, chosen by a seed; slips that leave a program are none. */
export const slippedTexts = (seed: string): ReadonlyArray<Slipped> =>
  WELL_TYPED.flatMap((from) =>
    Object.entries(SLIPS).flatMap(([by, slip]): ReadonlyArray<Slipped> => {
      const text = slip(tokensOf(from.source), random(seed).split(by).split(from.source)).join("");
      return parseSource(text).ok ? [] : [{ by, from, text }];
    })
  );
