/**
 * Personal: e-mail addresses and card numbers.
 *
 * Not names, phones or places: those cannot be told from ordinary text without changing ordinary text.
 * Invariant: a card number is hidden only when its check digit, its issuer's first digits and its grouping agree.
 *
 * @module
 */
import { type Span, spansOf } from "./span.ts";

// The look-behind makes each run of address characters start once, which keeps the search linear.
const EMAIL =
  /(?<![A-Za-z0-9À-ɏ._%+-])[A-Za-z0-9À-ɏ_%+-][A-Za-z0-9À-ɏ._%+-]*@(?:[A-Za-z0-9À-ɏ](?:[A-Za-z0-9À-ɏ-]{0,61}[A-Za-z0-9À-ɏ])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9])/gu;

// Package versions (x@1.2.beta), image scales (icon@2x.png) and SSH remotes (git@host:path) are no mail boxes.
const NOT_A_DOMAIN = /@(?:\d+\.|.*\.(?:png|jpe?g|gif|svg|webp|tsx?|jsx?|mjs|cjs|json|lock|wasm|zip|tgz)$)/iu;

/** E-mail addresses. */
export const emails = (text: string): ReadonlyArray<Span> =>
  text.includes("@")
    ? spansOf(text, EMAIL, "email", (match) => {
      const after = text[match.index + match[0].length];
      return !NOT_A_DOMAIN.test(match[0]) && !(match[0].startsWith("git@") && (after === ":" || after === "/"));
    })
    : [];

// A number inside a word, a UUID or a decimal fraction is no card.
const DIGIT_RUN = /(?<![A-Za-z0-9_]|\d\.|[A-Za-z0-9]-)\d[\d -]{11,}\d(?![A-Za-z0-9_]|[.-]\d)/gu;
const ISSUER =
  /^(?:4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|35|6(?:011|4[4-9]|5|2)|9792|5[06-9]|6[37])/u;
const GROUPINGS: ReadonlySet<string> = new Set([
  "4 4 4 4",
  "4 6 5",
  "4 6 4",
  "4 4 4 4 3",
  "6 13",
  "8 8",
  ...[14, 15, 16, 17, 18, 19].map(String),
]);
const MAX_GROUPS = 5;

const luhn = (digits: string): boolean => {
  let sum = 0;
  for (let index = digits.length - 1, double = false; index >= 0; index--, double = !double) {
    const digit = digits.charCodeAt(index) - 48;
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
};

const isCard = (groups: ReadonlyArray<string>): boolean => {
  const digits = groups.join("");
  return GROUPINGS.has(groups.map((group) => group.length).join(" ")) && ISSUER.test(digits) && luhn(digits) &&
    !/^(\d)\1*$/u.test(digits);
};

const cardsIn = (run: string, offset: number): ReadonlyArray<Span> => {
  const groups = [...run.matchAll(/\d+/gu)];
  const spans: Span[] = [];
  for (let first = 0; first < groups.length; first++) {
    for (let count = Math.min(MAX_GROUPS, groups.length - first); count > 0; count--) {
      const chosen = groups.slice(first, first + count);
      if (!isCard(chosen.map((group) => group[0]))) continue;
      const last = chosen[count - 1];
      spans.push({ from: offset + chosen[0].index, to: offset + last.index + last[0].length, kind: "card" });
      first += count - 1;
      break;
    }
  }
  return spans;
};

/** Payment card numbers. */
export const cards = (text: string): ReadonlyArray<Span> =>
  [...text.matchAll(DIGIT_RUN)].flatMap((match) => cardsIn(match[0], match.index));
