/**
 * Issued: secrets that their own shape gives away: issued keys, JSON web tokens, private keys in PEM, credentials in
 * URLs and in HTTP headers.
 *
 * Not context: a secret that looks like any word is found by its name (named.ts).
 * Invariant: each pattern either starts at a word's beginning or has a body of bounded backtracking: linear time.
 *
 * @module
 */
import { ISSUED_KEYS } from "./keys.ts";
import { MARKS, type Span, spansOf } from "./span.ts";

const alternatives = (ambiguous: boolean): string =>
  ISSUED_KEYS.filter((row) => (row.ambiguous ?? false) === ambiguous).map((row) => row.prefix + row.body).join("|");

const PLAIN_KEY = new RegExp(alternatives(false), "gu");
const AMBIGUOUS_KEY = new RegExp(`(?<![A-Za-z0-9])(?:${alternatives(true)})`, "gu");
const SEGMENT = /[A-Za-z0-9]{8,}/gu;

/** Whether a text holds a run of letters and digits that no word of a language would be. */
export const looksRandom = (text: string): boolean =>
  (text.match(SEGMENT) ?? []).some((run) =>
    /\d/u.test(run) && /[A-Za-z]/u.test(run) && !/^[A-Za-z]+\d{1,4}$/u.test(run)
  );

const MIN_KEY_LENGTH = 14;
const KEY_CHARACTER: ReadonlyArray<boolean> = Array.from(
  { length: 128 },
  (_, code) => /[\w./+=:-]/u.test(String.fromCharCode(code)),
);

/**
 * Whether a text holds a run as long as the shortest key, which ordinary sentences do not. Looks at a run's possible
 * end first and skips what cannot be one, so most characters are never read.
 */
const hasKeyRun = (text: string): boolean => {
  for (let end = MIN_KEY_LENGTH - 1; end < text.length;) {
    let at = end;
    while (at > end - MIN_KEY_LENGTH && KEY_CHARACTER[text.charCodeAt(at)]) at--;
    if (at === end - MIN_KEY_LENGTH) return true;
    end = at + MIN_KEY_LENGTH;
  }
  return false;
};

/** Keys and tokens of known issuers. */
export const issuedKeys = (text: string): ReadonlyArray<Span> =>
  hasKeyRun(text)
    ? [
      ...spansOf(text, PLAIN_KEY, "key"),
      ...spansOf(text, AMBIGUOUS_KEY, "key", (match) => looksRandom(match[0])),
    ]
    : [];

const PAIRED_SECRET = /(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])/gu;
const AWS_ID = /(?:AKIA|ASIA)[A-Z0-9]{16}/u;

/** The secret half of an AWS key pair, wherever its public half stands in the same text. */
export const pairedSecrets = (text: string): ReadonlyArray<Span> =>
  AWS_ID.test(text)
    ? spansOf(
      text,
      PAIRED_SECRET,
      "key",
      (match) => /[a-z]/u.test(match[0]) && /[A-Z]/u.test(match[0]) && /\d/u.test(match[0]),
    )
    : [];

const JWT =
  /(?:(?<![A-Za-z0-9_-])|(?<=%[0-9A-F]{2}))eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}/gu;

/** JSON web tokens, signed or encrypted. */
export const webTokens = (text: string): ReadonlyArray<Span> => text.includes("eyJ") ? spansOf(text, JWT, "token") : [];

const PEM_BEGIN = /-{5}BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}/gu;
const PEM_END = /-{5}END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-{5}/gu;
const PEM_BODY =
  /^(?:\s*[A-Za-z-]+: [^\n]{1,200}(?=\n))*(?:(?:\s|\\+[nrt]|["',+]|\\u000a){0,80}[A-Za-z0-9+/]{16,}={0,2})+(?:(?:\s|\\+[nrt]){0,8}[A-Za-z0-9+/]{1,15}={1,2})?/u;
const MIN_PEM_BODY = 24;

/** Private keys in PEM; one whose end is cut off is hidden as far as its body goes. */
export const privateKeys = (text: string): ReadonlyArray<Span> => {
  if (!text.includes("PRIVATE KEY")) return [];
  const begins = [...text.matchAll(PEM_BEGIN)];
  const ends = [...text.matchAll(PEM_END)];
  const spans: Span[] = [];
  let end = 0;
  begins.forEach((begin, index) => {
    const from = begin.index + begin[0].length;
    const limit = begins[index + 1]?.index ?? text.length;
    while (end < ends.length && ends[end].index < from) end++;
    const closed = end < ends.length && ends[end].index < limit;
    const body = closed ? text.slice(from, ends[end].index) : PEM_BODY.exec(text.slice(from, limit))?.[0] ?? "";
    if (body.replace(/[^A-Za-z0-9+/]|\\[nrt]/gu, "").length < MIN_PEM_BODY) return;
    spans.push({
      from: begin.index,
      to: closed ? ends[end].index + ends[end][0].length : from + body.trimEnd().length,
      kind: "private-key",
    });
  });
  return spans;
};

const USERINFO =
  /:\/\/([^\s/?#@:"'`<>\\]{0,256}):([^\s@"'`<>\\]{1,512}(?:@[^\s@/"'`<>\\:]{1,128}(?=@))*)@(?=[A-Za-z0-9[._-])/gu;
const USER_TOKEN = /:\/\/([A-Za-z0-9_.~-]{16,512})@(?=[A-Za-z0-9[])/gu;
const TEMPLATE = /[${}]|^<|^\*+$|^%/u;

const insideOf = (match: RegExpExecArray, kind: string): Span => ({
  from: match.index + 3,
  to: match.index + match[0].length - 1,
  kind,
});

// Without a slash before it, anything up to the last @ is a password; after a slash it is one only where the host
// could not be complete before that slash, as in postgres://user:p/w@host.
const isCredential = (user: string, password: string): boolean => {
  if (password.replaceAll(MARKS, "") === "" || (TEMPLATE.test(password) && /^\$?\{|^</u.test(password))) return false;
  return !/^\d{1,5}(?:[/?#]|$)/u.test(password) || (user !== "" && !user.includes(".") && user !== "localhost");
};

/** Credentials in URLs and connection strings. */
export const urlCredentials = (text: string): ReadonlyArray<Span> => {
  if (!text.includes("://")) return [];
  const spans: Span[] = [];
  for (const match of text.matchAll(USERINFO)) {
    if (isCredential(match[1], match[2])) spans.push(insideOf(match, "credentials"));
  }
  for (const match of text.matchAll(USER_TOKEN)) {
    if (looksRandom(match[1])) spans.push(insideOf(match, "credentials"));
  }
  return spans;
};

const BEARER = /(?<![A-Za-z])(?:bearer|token|apikey)\s{1,4}([A-Za-z0-9._~+/-]{12,}={0,2})/giu;
const BASIC = /(?<![A-Za-z])basic\s{1,4}([A-Za-z0-9+/]{8,}={0,2})(?![A-Za-z0-9+/=])/giu;
const HEADER =
  /(?:authorization|(?:set-)?cookie)(?:\\{0,4}["'])?\s{0,2}[:=]\s{0,2}(?:\\{0,4}["'])?([^"'\n\r\\`]{6,4096})/giu;
const SCHEME = /^(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+/iu;

const isPair = (encoded: string): boolean => {
  try {
    return /^[\x20-\x7e]+:[\x20-\x7e]*$/u.test(atob(encoded));
  } catch {
    return false;
  }
};

const isHeaderSecret = (value: string): boolean => {
  const secret = value.replace(SCHEME, "").trim();
  if (/[${}<()]/u.test(secret) || secret.replaceAll(MARKS, "").trim() === "") return false;
  return SCHEME.test(value)
    ? /^\S{8,}/u.test(secret)
    : /(?:^|;\s*)[\w.-]+=[^;\s]{6,}/u.test(secret) || looksRandom(secret);
};

const tail = (match: RegExpExecArray, kind: string): Span => {
  const secret = match[1].trimEnd().replace(/[.,;]+$/u, "");
  const from = match.index + match[0].length - match[1].length;
  return { from, to: from + secret.length, kind };
};

const HTTP_HINT = /bearer|basic|token|apikey|authorization|cookie/i;

/** Bearer tokens, basic credentials, and the values of Authorization and Cookie headers. */
export const httpCredentials = (text: string): ReadonlyArray<Span> => {
  if (!HTTP_HINT.test(text)) return [];
  const spans: Span[] = [];
  for (const match of text.matchAll(BEARER)) if (looksRandom(match[1])) spans.push(tail(match, "token"));
  for (const match of text.matchAll(BASIC)) if (isPair(match[1])) spans.push(tail(match, "credentials"));
  for (const match of text.matchAll(HEADER)) if (isHeaderSecret(match[1])) spans.push(tail(match, "credentials"));
  return spans;
};
