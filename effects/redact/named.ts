/**
 * Named: values that stand beside the name of a secret: `password=…`, `"api_key": "…"`, "the password is …", 密码：….
 *
 * Not certain: a name may be followed by a type, a variable, a mask or an ordinary word, so each value is judged by how
 * it is given (assigned, told in a sentence, or merely next to the name) and by the family of its name.
 * Invariant: one place reads a value (`readValue`) and one judges it (`isSecret`); both look at a bounded stretch.
 *
 * @module
 */
import { MARK_START, MARKS, type Span } from "./span.ts";
import { type Family, NOT_A_VALUE, ORDINARY, ORDINARY_ENDING, SECRET_NAMES } from "./words.ts";

/** Longest value that is read as a whole. */
export const MAX_VALUE_LENGTH = 4096;

/** How a value is tied to its name. */
type Link = "assigned" | "spaced" | "colon" | "told" | "beside";

interface Value {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  readonly quoted: boolean;
}

const QUOTE = `(?:\\\\{0,4}["'\`]|&quot;|%22|[“”‘’「」『』«»]|\\*{1,2}|_{2})`;
const groups = SECRET_NAMES.map((name) => `(?<${name.family}>${name.latin}|${name.chinese})`).join("|");
const NAME = new RegExp(groups, "gi");

const ABOUT = "(?:\\s(?:for|to|on|of|at|in|from|there)(?:\\s[^.,;:!?\\n\\r。，]{1,48}?)?)?";
const VERB = "(?:(?:has been|is|was|will be|should be|got|gets)\\s(?:now\\s|still\\s|simply\\s|just\\s)?)?" +
  "(?:is|was|are|equals|becomes?|changed to|set to|reset to|updated to|rotated to|be|now)(?:\\s?:)?";
const CHINESE_VERB = "[^，。；！？、\\n:：=＝A-Za-z0-9\"'「『“]{0,8}?" +
  "(?:是|为|為|係|叫做?|改成|改为|改為|设为|設為|设成|换成|[:：=＝])了?\\s{0,2}[:：]?";

const SUBJECT = "(?:\\s(?:for|of|on|to|in|at|from)\\s[^.,;:!?()\\n\\r。，]{1,40}|\\s?\\([^()\\n\\r]{1,40}\\))";

/** The ways a name is tied to what follows, first match wins; each ends where the value begins. */
const LINKS: ReadonlyArray<readonly [Link, RegExp]> = [
  ["assigned", new RegExp(`(?:${QUOTE})?(?:=(?![=>~])|%3D|&#61;|＝)`, "iuy")],
  ["beside", /:[ \t]{0,2}(?:[|>][-+]?)?\r?\n[ \t]{0,8}/uy],
  [
    "colon",
    new RegExp(`(?:${QUOTE}\\]?|${SUBJECT})?\\s?(?:[:：→](?![:=])|%3A)(?:\\*{1,2})?[ \\t]{0,4}(?:@(?=["']))?`, "iuy"),
  ],
  ["colon", />(?=[^<>\s]{1,512}<\/)/uy],
  ["colon", new RegExp(`${QUOTE}\\s{1,4}(?:value|content)\\s?=\\s?(?=["'])`, "iuy")],
  ["spaced", new RegExp(`(?:${QUOTE}\\]?)?[ \\t]{1,4}(?::?=(?![=>~])|＝)[ \\t]{0,4}`, "iuy")],
  ["spaced", new RegExp(`(?:${QUOTE}\\]?)?\\s{0,4}(?:=>|->|<-)\\s{0,4}(?=["'])`, "iuy")],
  ["told", new RegExp(`(?:${QUOTE})?${ABOUT}\\s${VERB}[ \\t]{1,2}`, "iuy")],
  ["told", new RegExp(`(?:${QUOTE})?${CHINESE_VERB}[ \\t]{0,2}`, "iuy")],
  [
    "beside",
    /[ \t]{1,2}(?:to[ \t]|[-–—|][ \t]{1,2}|\()?|['’]s[ \t]|｜|(?<=\p{Script=Han})[ \t]?[（(]?(?=[A-Za-z0-9])/uy,
  ],
];

const OPENING = /(?:\\{0,4}["'`]|&quot;|%22|[“‘「『«]|\*{2}|__)/uy;
const CLOSING: { readonly [opening: string]: string } = { "“": "”", "‘": "’", "「": "」", "『": "』", "«": "»" };
const BARE = new RegExp(`[^\\s"'\`<>\\p{Script=Han}，。；：、！？“”‘’「」『』（）【】…]{1,${MAX_VALUE_LENGTH}}`, "uy");
const HAN = /[\p{Script=Han}]{2,12}(?=[。！；\s]|$)/uy;
const PHRASE = /(?:[a-z]{3,12}[ \t]){3,23}[a-z]{3,12}(?=[.。"']?\s*(?:$|[\n\r]))/uy;
const PHRASE_NAME = /phrase|mnemonic|助/iu;
const FUNCTION_WORD =
  /[字的了在不需必请請应應与與和或被由要会會已未个個位什怎么么谁誰哪空错錯对對该該这這那我你他您它以将將是有没沒无無否]/u;
// A separator ends a bare value where another `name=` follows or nothing does; elsewhere it may belong to a password.
const NEXT_FIELD = /[;&,|](?=\s*[A-Za-z_][\w .-]{0,40}(?:=|:\s)|$)/u;

const readQuoted = (text: string, from: number, opening: string): Value | undefined => {
  const closing = CLOSING[opening] ?? opening;
  const limit = Math.min(text.length, from + MAX_VALUE_LENGTH);
  for (let at = text.indexOf(closing, from); at >= 0 && at < limit; at = text.indexOf(closing, at + 1)) {
    let slashes = 0;
    while (opening.length === 1 && text[at - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return { text: text.slice(from, at), from, to: at, quoted: true };
  }
  return undefined;
};

const readBare = (text: string, from: number): Value | undefined => {
  BARE.lastIndex = from;
  const run = BARE.exec(text)?.[0];
  if (run === undefined) return undefined;
  const cut = NEXT_FIELD.exec(run)?.index ?? run.length;
  const bare = run.slice(0, cut).replace(
    /[.,;:)\]}\\*]+$/u,
    (end) => /^\]/u.test(end) && run.startsWith("[") ? "]" : "",
  );
  return bare === "" ? undefined : { text: bare, from, to: from + bare.length, quoted: false };
};

const bounded = (text: string, from: number): string => text.slice(from, from + MAX_VALUE_LENGTH + 8);

const readValue = (text: string, from: number): Value | undefined => {
  // A window keeps a missing closing quote from being searched for through the whole text.
  const window = bounded(text, from);
  OPENING.lastIndex = 0;
  const opening = OPENING.exec(window)?.[0];
  const found = opening === undefined
    ? readBare(window, 0)
    : readQuoted(window, opening.length, opening) ?? readBare(window, opening.length);
  return found === undefined ? undefined : { ...found, from: found.from + from, to: found.to + from };
};

const isMask = (value: string): boolean =>
  value.replace(/[\s.,;:!?"'()[\]{}-]/gu, "") === "" ||
  NOT_A_VALUE.some((pattern) => pattern.test(value));

const NAMES_A_SECRET = new RegExp(SECRET_NAMES.map((name) => name.latin).join("|"), "iu");
const WORD = /^[A-Za-zÀ-ɏ]+$/u;
const WORDS = /^[A-Za-zÀ-ɏ]+(?:[-_./'’][A-Za-zÀ-ɏ]+)*$/u;
const CODE_PATH = /^[A-Za-z_$][\w$]*(?:\??\.#?[A-Za-z_$][\w$]*)+$/u;
const CALL = /^(?:await\s|new\s|!)?[A-Za-z_$][\w$.?]*(?:\(|\[|\?\.|<)/u;
// A sign at the start is an operator only where no digit follows: `!done` is code, `!Passw0rd` is not.
const OPERATOR = /=>|\|\||&&|\?\?|^[([{]|\.\.\.|^-{2}|^[/\\!+|&?:@^][^\d]*$/u;
// A keyword is a word of its own and no part of a name: `privateKey` and `private key` begin no statement.
const CODE_LINE =
  /^\s*(?:const|let|var|export|import|return|if|for|while|switch|case|function|async|readonly|public|private|static|type|interface|class|def|fn|self|this)\b(?![ \t-]?key\b)|[;{]\s*$|=>/u;
/** Where a line of code has a name, or a number of the size a program computes with. */
const CODE_WORD = /^(?:[A-Za-z_$][\w$.]*|\d[\w$.]{0,31})$/u;

/** The line around a place, as far as 200 characters each way. */
const lineAround = (text: string, at: number): string => {
  const before = text.slice(Math.max(0, at - 200), at);
  const after = text.slice(at, at + 200);
  return before.slice(before.lastIndexOf("\n") + 1) + after.split("\n", 1)[0];
};

const classes = (value: string): number =>
  [/[a-z]/u, /[A-Z]/u, /\d/u, /[^\p{L}\p{N}]/u].filter((pattern) => pattern.test(value)).length;

/** Letters with digits or signs between them, as a made-up password has and a word has not. */
const isMixed = (value: string): boolean =>
  (/\d/u.test(value) && /[^\d.,:/-]/u.test(value)) || /\p{L}[^\p{L}\p{N}\s'’./_-]+\p{L}/u.test(value);

const isOrdinary = (word: string): boolean => {
  const lower = word.toLowerCase();
  return ORDINARY.has(lower) || ORDINARY_ENDING.test(lower) || (word.length > 1 && word === word.toUpperCase());
};

const isSecretPhrase = (value: string, family: Family, link: Link): boolean => {
  if (family !== "password" && family !== "secret") return isMixed(value) && !/[.?!]$/u.test(value);
  if (/^[A-Z]/u.test(value) && /^[\p{L}\s,.'’()/:-]+[.!?…]?$/u.test(value)) return false;
  return !NAMES_A_SECRET.test(value) && !/[{}()<>]|\b(?:the|must|is|not|at least|please|a|an|of)\b/iu.test(value) &&
    link !== "beside";
};

const isSecretQuoted = (value: string, family: Family, link: Link): boolean => {
  if (/\$\{|^\w+\($/u.test(value)) return false;
  if (/\s/u.test(value.trim())) return isSecretPhrase(value.trim(), family, link);
  if (/^\d+$/u.test(value)) {
    return value.length >= 4 && (family === "password" || family === "code" || value.length >= 12);
  }
  if (isMixed(value)) return value.length >= (family === "password" || family === "code" ? 4 : 6);
  if (/\p{Script=Han}/u.test(value)) return family === "password" && !FUNCTION_WORD.test(value);
  if (family === "password") {
    return value.length >= 4 && !(WORD.test(value) && isOrdinary(value)) && !NAMES_A_SECRET.test(value);
  }
  if (family === "secret" && link !== "spaced") {
    return value.length >= 6 && !isOrdinary(value) && !NAMES_A_SECRET.test(value);
  }
  return value.length >= 20 && classes(value) >= 2 && !WORDS.test(value) || (WORD.test(value) && value.length >= 32);
};

const COUNTED =
  /^[ \t]?(?:%|char|letter|digit|bit|byte|year|time|day|hour|minute|second|word|sign|user|account|site|entr|rule|line|[年月日位次个個字天分秒小条])/iu;

const isSecretNumber = (value: string, family: Family, link: Link, after: string): boolean => {
  if (family === "code") return /^\d{3,8}$/u.test(value) && !COUNTED.test(after);
  if (family === "token") return value.length >= 16;
  if (family !== "password") return value.length >= 8;
  return value.length >= (link === "beside" ? 6 : 4) && !COUNTED.test(after);
};

const isCode = (value: string, link: Link, text: string, to: number): boolean => {
  const next = text.slice(to, to + 2);
  if (CALL.test(value + (/^(?:[([`]|<[^/])/u.test(next) ? next[0] : "")) || OPERATOR.test(value)) return true;
  if (CODE_PATH.test(value) && (link !== "assigned" || !/\d/u.test(value))) return true;
  if (/^[\w$]+[;,)\]}]*$/u.test(value) && NAMES_A_SECRET.test(value)) return true;
  return (link === "spaced" || link === "colon") && CODE_WORD.test(value) && CODE_LINE.test(lineAround(text, to));
};

const isSecretBare = (value: Value, family: Family, link: Link, text: string): boolean => {
  const word = value.text;
  const after = text.slice(value.to, value.to + 12);
  if (/^\d+$/u.test(word)) {
    return !(link === "beside" && family !== "code" && family !== "password") &&
      isSecretNumber(word, family, link, after);
  }
  if (isCode(word, link, text, value.to)) return false;
  const strict = family === "token" || family === "key" || family === "secret";
  const floor = link === "beside" ? 6 : strict ? 6 : link === "told" ? 5 : 4;
  if (isMixed(word)) return word.length >= floor && !(link === "beside" && family === "code");
  if (family === "code" || link === "beside" || link === "spaced") return false;
  if (strict) {
    if (link === "told") return word.length >= 20 && !WORDS.test(word);
    return (link === "assigned" || family === "key" || family === "secret") && word.length >= 8 && !isOrdinary(word) &&
      !NAMES_A_SECRET.test(word) && (link === "assigned" || !WORDS.test(word) || word.length >= 24);
  }
  if (!WORDS.test(word) || isOrdinary(word) || word.length < 4) return word.length >= 6 && !WORDS.test(word);
  if (link === "assigned") return true;
  // A plain word is a password only where the clause ends with it: "the password is swordfish."
  return /^(?:[.!。！，,;；"'”」)]|\s*(?:$|[\n\r]|(?:and|but|so|please|if you)\b))/u.test(after) &&
    !/^[;,)]/u.test(after);
};

const spelled = (text: string, from: number, pattern: RegExp): Value | undefined => {
  pattern.lastIndex = from;
  const found = pattern.exec(text)?.[0];
  return found === undefined ? undefined : { text: found, from, to: from + found.length, quoted: true };
};

/** A password of Chinese characters, or a passphrase of several words, up to the end of its clause. */
const phraseAfter = (text: string, from: number, name: string): Value | undefined => {
  const han = spelled(text, from, HAN);
  if (han !== undefined) return han.text.length >= 4 && !FUNCTION_WORD.test(han.text) ? han : undefined;
  const words = PHRASE_NAME.test(name) ? spelled(text, from, PHRASE) : undefined;
  const all = words?.text.split(/\s+/u) ?? [];
  return all.filter(isOrdinary).length > all.length / 4 ? undefined : words;
};

const isSecret = (found: Value, family: Family, link: Link, text: string): boolean => {
  // A mark put before a secret does not shelter it.
  const value = { ...found, text: found.text.replaceAll(MARKS, "") };
  return !isMask(value.text) &&
    (value.quoted ? isSecretQuoted(value.text, family, link) : isSecretBare(value, family, link, text));
};

const valueAfter = (text: string, at: number, family: Family, name: string): Value | undefined => {
  for (const [link, pattern] of LINKS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) continue;
    const from = at + match[0].length;
    if (family === "password" && (link === "told" || link === "colon")) {
      const phrase = phraseAfter(text, from, name);
      if (phrase !== undefined) return phrase;
    }
    const value = readValue(text, from);
    if (value !== undefined && isSecret(value, family, link, text)) return value;
    if (link !== "told" && link !== "beside") return undefined;
  }
  return undefined;
};

const REST = /[^\s"'`]*/uy;

/** Where a secret ends: one that fills the whole stretch that was read goes on to the end of its run. */
const endOf = (text: string, value: Value): number => {
  if (value.to - value.from < MAX_VALUE_LENGTH) return value.to;
  REST.lastIndex = value.to;
  return value.to + REST.exec(text)![0].length;
};

/** A part of every name in SECRET_NAMES, cheap to look for: most texts hold none. */
const HINT =
  /pass|pw|code|otp|pin|cvv|cvc|masterauth|identified|contrase|phrase|mnemonic|key|token|jwt|bearer|session|sid|sig|secret|credential|[一-鿿]/i;

/** Values that follow the name of a secret. */
export const namedSecrets = (text: string): ReadonlyArray<Span> => {
  if (!HINT.test(text)) return [];
  const spans: Span[] = [];
  NAME.lastIndex = 0;
  for (let match = NAME.exec(text); match !== null; match = NAME.exec(text)) {
    if (text.startsWith(MARK_START, match.index - MARK_START.length)) continue;
    const family = SECRET_NAMES.find((name) => match!.groups?.[name.family] !== undefined)!.family;
    const value = valueAfter(text, NAME.lastIndex, family, match[0]);
    if (value === undefined) continue;
    const to = endOf(text, value);
    spans.push({ from: value.from, to, kind: family });
    NAME.lastIndex = Math.max(NAME.lastIndex, to);
  }
  return spans;
};

const NAME_AFTER =
  /\s(?:as|is)\s(?:the\s|my\s|your\s|his\s|her\s|our\s|their\s|a\s)?(?:new\s|root\s|admin\s|login\s)?(pass(?:word|phrase|code)|api key|access key|secret key|access token|secret|token)(?![A-Za-z])/giu;
const WORD_BEFORE = /(?<![^\s"'“「(])["'“「`]?([^\s"'“”「」`()]{5,64})["'”」`]?$/u;
const LONG_NUMBER = /^\d{6,}$/u;
const FLAG_PAIR = /(?<!\S)(?:-u|--user|--proxy-user)[ =]["']?([A-Za-z0-9._@-]{1,64}:[^\s"']{4,128})/gu;
const GLUED_FLAG =
  /(?<!\S)(?:mysql|mysqldump|mysqladmin|mariadb|sshpass)\s[^\n]{0,160}?\s?-p\s?["']?([^\s"'-][^\s"']{3,128})/gu;

const lastGroup = (match: RegExpExecArray, group: string, kind: string): Span => {
  const from = match.index + match[0].indexOf(group);
  return { from, to: from + group.length, kind };
};

const FLAG_HINT = /\s(?:as|is)\s|(?:^|\s)-/u;

/** Values that stand before the name of a secret, or in a command's flags. */
export const flaggedSecrets = (text: string): ReadonlyArray<Span> => {
  if (!FLAG_HINT.test(text)) return [];
  const spans: Span[] = [];
  for (const match of text.matchAll(NAME_AFTER)) {
    const start = Math.max(0, match.index - 67);
    const word = WORD_BEFORE.exec(text.slice(start, match.index));
    if (
      word === null || !(isMixed(word[1]) || LONG_NUMBER.test(word[1])) || isMask(word[1]) || OPERATOR.test(word[1]) ||
      CALL.test(word[1])
    ) continue;
    const from = start + word.index + word[0].indexOf(word[1]);
    const kind = match[1].toLowerCase().startsWith("pass") ? "password" : "token";
    spans.push({ from, to: from + word[1].length, kind });
  }
  for (const match of text.matchAll(FLAG_PAIR)) {
    if (!/^\$|:\$|[<{]/u.test(match[1])) spans.push(lastGroup(match, match[1], "credentials"));
  }
  for (const match of text.matchAll(GLUED_FLAG)) {
    if (!isMask(match[1])) spans.push(lastGroup(match, match[1], "password"));
  }
  return spans;
};
