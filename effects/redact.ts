/**
 * Redaction: what must never be stored is replaced by a mark that names its kind, before anything is stored.
 *
 * Not a search for everything random: digests, UUIDs, commit ids and source code pass unchanged, so a secret without a
 * known shape and without a name beside it is not recognised.
 * Invariant: redacting twice changes nothing more, and the work is linear in the text, whatever the text.
 *
 * @module
 */
import type { Json, JsonObject } from "../kernel/json.ts";
import { httpCredentials, issuedKeys, pairedSecrets, privateKeys, urlCredentials, webTokens } from "./redact/issued.ts";
import { flaggedSecrets, namedSecrets } from "./redact/named.ts";
import { cards, emails } from "./redact/personal.ts";
import { type Detector, hide, mark } from "./redact/span.ts";
import { familyOfKey, isValueOf, neighbourOf } from "./redact/members.ts";

/**
 * Every detector, in two stages: what encloses other finds goes first, so that the host after a password in a URL is not
 * taken for the end of an address. Within a stage the find that begins first names the kind.
 */
const STAGES: ReadonlyArray<ReadonlyArray<Detector>> = [
  [privateKeys, urlCredentials],
  [httpCredentials, webTokens, issuedKeys, pairedSecrets, emails, cards, namedSecrets, flaggedSecrets],
];

/** Too short for a key, without a sign that ties a value to a name; or a digest: most texts of an event, told at once. */
const PLAIN = /^(?:[\w.-]{0,13}|sha256:[0-9a-f]{64})$/u;

/** Hiding one value can complete the context of another; texts settle in two passes, this is the bound. */
const MAX_PASSES = 4;

/**
 * Replaces keys, tokens, passwords, private keys, credentials in URLs, e-mail addresses and card numbers by
 * `[redacted:<kind>]`.
 *
 * @example
 * ```ts
 * import { redactText } from "@rmi/rmi/effects";
 * import assert from "node:assert/strict";
 * assert.equal(redactText("password=hunter2 for ada@example.org"), "password=[redacted:password] for [redacted:email]");
 * assert.equal(redactText("The password is required."), "The password is required.");
 * ```
 */
export const redactText = (text: string): string => {
  if (PLAIN.test(text)) return text;
  let current = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = STAGES.reduce((before, stage) => hide(before, stage.flatMap((detect) => detect(before))), current);
    if (next === current) return current;
    current = next;
  }
  return current;
};

const redactKeys = (value: JsonObject): ReadonlyArray<readonly [string, string]> => {
  const taken = new Set<string>();
  return Object.keys(value).map((key) => {
    const plain = redactText(key);
    let name = plain;
    // Two addresses hidden as keys would otherwise become one member.
    for (let count = 2; taken.has(name); count++) name = `${plain}#${count}`;
    taken.add(name);
    return [key, name] as const;
  });
};

const redactMember = (value: Json, family: string | undefined): Json => {
  if (family === undefined) return redactJson(value);
  if (Array.isArray(value)) return value.map((item) => redactMember(item as Json, family));
  return isValueOf(family, value) ? mark(family === "plain-token" ? "token" : family) : redactJson(value);
};

/**
 * Redacts every text inside a JSON value. The whole value of a member whose name is that of a secret (`api_key`) is
 * hidden, also where the name is itself a value: `{name: "password", value: …}`, `["--token", …]`, `{path: "/api_key",
 * value: …}`.
 */
export const redactJson = (value: Json): Json => {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) {
    return value.map((item, index) => redactMember(item as Json, neighbourOf(value as ReadonlyArray<Json>, index)));
  }
  if (value === null || typeof value !== "object") return value;
  const record = value as JsonObject;
  return Object.fromEntries(
    redactKeys(record).map(([key, name]) => [name, redactMember(record[key], familyOfKey(record, key))]),
  );
};
