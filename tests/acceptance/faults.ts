/**
 * Faults: seeded ways to break an operation's example input, each leaving an input that is wrong in one way.
 *
 * Not a fuzzer for crashes (tests/hostile): these are the slips an agent makes, used to measure how well failures teach.
 */
import { isJsonObject, type Json, type JsonObject, type Random } from "../../kernel/mod.ts";

/** The mutators, by the slip they imitate. */
export const FAULTS = ["drop", "retype", "misspell", "outOfRange", "wrongOrder", "unknownId", "wrongCase"] as const;

/** One slip. */
export type Fault = typeof FAULTS[number];

const swapLetters = (word: string, chance: Random): string => {
  if (word.length < 2) return `${word}x`;
  const at = chance.below(word.length - 1);
  const swapped = word.slice(0, at) + word[at + 1] + word[at] + word.slice(at + 2);
  return swapped === word ? word.slice(0, at) + word.slice(at + 1) : swapped;
};

const retyped = (value: Json, chance: Random): Json => {
  if (typeof value === "number") return chance.pick<Json>([String(value), [value]]);
  if (typeof value === "boolean") return chance.pick<Json>([String(value), value ? 1 : 0]);
  if (typeof value === "string") return chance.pick<Json>([[value], 7]);
  if (Array.isArray(value)) return chance.pick<Json>([JSON.stringify(value), value.length === 1 ? value[0] : {}]);
  return JSON.stringify(value);
};

const renamed = (object: JsonObject, key: string, name: string): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([member, value]) => [member === key ? name : member, value]));

const otherCase = (text: string): string => {
  const upper = text.toUpperCase();
  return upper === text ? text.toLowerCase() : upper;
};

const changed = (input: JsonObject, key: string, value: Json): JsonObject => ({ ...input, [key]: value });

/** Applies one slip to one member of an input; `undefined` where the slip does not apply to it. */
export const applyFault = (
  fault: Fault,
  input: JsonObject,
  key: string,
  schema: JsonObject,
  chance: Random,
): Json | undefined => {
  const value = input[key];
  const member = (schema.properties as JsonObject | undefined)?.[key];
  switch (fault) {
    case "drop": {
      const { [key]: _, ...rest } = input;
      return (schema.required as ReadonlyArray<string> | undefined)?.includes(key) ? rest : undefined;
    }
    case "retype":
      return changed(input, key, retyped(value, chance));
    case "misspell":
      return renamed(input, key, swapLetters(key, chance));
    case "outOfRange": {
      if (typeof value !== "number" || !isJsonObject(member)) return undefined;
      const [low, high] = [member.minimum ?? member.exclusiveMinimum, member.maximum ?? member.exclusiveMaximum];
      if (typeof high === "number" && Math.abs(high) < 1e15) return changed(input, key, high + 1 + chance.below(100));
      return typeof low === "number" && Math.abs(low) < 1e15
        ? changed(input, key, low - 1 - chance.below(100))
        : undefined;
    }
    case "wrongOrder":
      return Array.isArray(value) && value.length > 1 ? changed(input, key, [...value].reverse()) : undefined;
    case "unknownId":
      return typeof value === "string" ? changed(input, key, swapLetters(value, chance)) : undefined;
    case "wrongCase":
      return typeof value === "string" && chance.below(2) === 0
        ? changed(input, key, otherCase(value))
        : renamed(input, key, otherCase(key));
  }
};
