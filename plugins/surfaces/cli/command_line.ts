/**
 * Command line: an operation's input written as words a person can type; the inverse of reading them.
 *
 * Invariant: the words, read by the shell and then by the grammar, give the input back.
 *
 * @module
 */
import { canonicalJson, isJsonObject, type Json } from "../../../kernel/json.ts";
import { type Grammar, type Parameter, readValue } from "./grammar.ts";

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/u;

/** Quotes a word for a POSIX shell where it needs it. */
export const quoted = (word: string): string => PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

const isSame = (a: Json | undefined, b: Json): boolean => a !== undefined && canonicalJson(a) === canonicalJson(b);

/** One value as the text that reads back as it; undefined where no text does. */
const textOf = (parameter: Parameter, value: Json): string | undefined =>
  [typeof value === "string" ? value : undefined, JSON.stringify(value)]
    .find((text) => text !== undefined && isSame(readValue(parameter.value, text), value));

const flagWords = (parameter: Parameter, value: Json): ReadonlyArray<string> | undefined => {
  if (parameter.value.kind === "boolean" && typeof value === "boolean" && !parameter.repeated) {
    return [value ? `--${parameter.flag}` : `--no-${parameter.flag}`];
  }
  const values = parameter.repeated ? (Array.isArray(value) && value.length > 0 ? value : undefined) : [value];
  const texts = values?.map((item: Json) => textOf(parameter, item));
  return texts?.every((text) => text !== undefined)
    ? texts.flatMap((text) => text.startsWith("-") ? [`--${parameter.flag}=${text}`] : [`--${parameter.flag}`, text])
    : undefined;
};

const positionalWords = (parameter: Parameter, value: Json): ReadonlyArray<string> | undefined => {
  const texts = (parameter.repeated && Array.isArray(value) ? value : [value]).map((item) => textOf(parameter, item));
  return texts.length > 0 && texts.every((text) => text !== undefined && text !== "" && !text.startsWith("-"))
    ? texts as ReadonlyArray<string>
    : undefined;
};

/** Writes an input after the words that name its operation; what no flag can say goes into `--input`. */
export const commandLine = (words: ReadonlyArray<string>, grammar: Grammar, input: Json): string => {
  const rest: Record<string, Json> = isJsonObject(input) ? { ...input } : {};
  const operands: string[] = [];
  const flags: string[] = [];
  for (const parameter of grammar.parameters) {
    if (!Object.hasOwn(rest, parameter.field)) continue;
    const value = rest[parameter.field];
    const operand = parameter === grammar.positional ? positionalWords(parameter, value) : undefined;
    const spelled = operand ?? flagWords(parameter, value);
    if (spelled === undefined) continue;
    delete rest[parameter.field];
    (operand === undefined ? flags : operands).push(...spelled);
  }
  const whole = Object.keys(rest).length === 0 ? [] : ["--input", JSON.stringify(rest)];
  return [...words, ...operands, ...flags, ...whole].map(quoted).join(" ");
};
