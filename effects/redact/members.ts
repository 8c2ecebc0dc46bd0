/**
 * Members: which member of a JSON value holds a secret because of a name, its own or one beside it.
 *
 * Not text: what a text itself gives away is found by the detectors.
 * Invariant: an object or a number under a secret's name is not taken for the secret unless it can be one, so a schema
 * that describes a password stays a schema.
 *
 * @module
 */
import type { Json, JsonObject } from "../../kernel/json.ts";
import type { Family } from "./words.ts";

/** Last words of member names, joined, and their family. */
const KEY_ENDINGS: ReadonlyArray<readonly [RegExp, Family]> = [
  [
    /(?:password|passwd|passphrase|passcode|passwort|contraseña|pwd|密码|密碼|口令|助记词|mnemonic|seedphrase)s?$/u,
    "password",
  ],
  [/^(?:pass|pw|psw)$/u, "password"],
  [/^(?:pin|pincode|otp|cvv2?|cvc|cardcode|verificationcode|onetimecode|验证码|安全码)$/u, "code"],
  [
    /(?:api|app|access|secret|private|account|encryption|signing|master|auth|service|subscription|license|storage|deploy|client|admin|ssh|webhook|consumer|hmac|jwt|aes)keys?$|密钥$|密鑰$|私钥$/u,
    "key",
  ],
  [/(?:secret|credential|secretaccesskey|connectionstring)s?$/u, "secret"],
  [/(?:authorization|setcookie|cookie|sessionid|sid|jwt|bearer|csrftoken)$/u, "token"],
  [
    /(?:access|refresh|auth|id|api|bearer|session|bot|user|personal|secret|security|oauth|webhook|deploy|registry|npm|github|gitlab)token$|令牌$/u,
    "token",
  ],
  [/tokens?$/u, "token"],
];

/** A name that ends in `token` without saying which: of a lexer or of a login. */
const PLAIN_TOKEN =
  /^(?!.*(?:access|refresh|auth|id|api|bearer|session|bot|user|personal|secret|security|oauth)token$).*tokens?$/u;
const DIGEST = /^sha256:[0-9a-f]{64}$/u;
const MIN_PLAIN_TOKEN = 12;

const normalise = (name: string): string => name.toLowerCase().replace(/^-{1,2}|[\s_.:-]/gu, "");

/** What every name of a secret holds; a member's name without it is passed by at once. */
const HINT =
  /pass|pw|psw|pin|otp|cv|code|key|secret|credential|connection|auth|cookie|sid|session|jwt|bearer|token|mnemonic|phrase|[^ -~]/i;

const familyOfName = (name: string): string | undefined => {
  if (!HINT.test(name)) return undefined;
  const plain = normalise(name);
  const family = KEY_ENDINGS.find(([ending]) => ending.test(plain))?.[1];
  return family === "token" && PLAIN_TOKEN.test(plain) ? "plain-token" : family;
};

const NAMING_MEMBERS: ReadonlyArray<string> = ["name", "key", "field", "header", "variable", "option", "flag"];
const NAMED_MEMBERS: ReadonlySet<string> = new Set(["value", "content", "data", "text"]);
const POINTED_MEMBERS: ReadonlySet<string> = new Set(["value", "actual", "expected", "before", "after"]);

const lastSegment = (pointer: string): string => pointer.slice(pointer.lastIndexOf("/") + 1).replace(/~1/gu, "/");

/** The family of the secret that a member must hold, by its own name or by a naming member beside it. */
export const familyOfKey = (record: JsonObject, key: string): string | undefined => {
  const own = familyOfName(key);
  if (own !== undefined) return own;
  if (NAMED_MEMBERS.has(key)) {
    for (const naming of NAMING_MEMBERS) {
      const name = record[naming];
      const family = typeof name === "string" ? familyOfName(name) : undefined;
      if (family !== undefined) return family;
    }
  }
  const pointer = record.path;
  return POINTED_MEMBERS.has(key) && typeof pointer === "string" && pointer.startsWith("/")
    ? familyOfName(lastSegment(pointer))
    : undefined;
};

/** The family of the secret that a list's item must hold: what follows `--password`, or the second of a pair. */
export const neighbourOf = (list: ReadonlyArray<Json>, index: number): string | undefined => {
  const before = list[index - 1];
  if (typeof before !== "string" || before.length > 64) return undefined;
  return before.startsWith("-") || (list.length === 2 && index === 1) ? familyOfName(before) : undefined;
};

/** Whether a value can be the secret that its name promises. */
export const isValueOf = (family: string, value: Json): boolean => {
  if (typeof value === "number") return family === "password" || family === "code";
  if (typeof value !== "string" || value === "" || DIGEST.test(value)) return false;
  if (family !== "plain-token") return true;
  return value.length >= MIN_PLAIN_TOKEN && !/\s/u.test(value) && !/^[A-Za-z]+$/u.test(value);
};
