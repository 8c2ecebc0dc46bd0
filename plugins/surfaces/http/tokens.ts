/**
 * Tokens: who may use a server, read from a file of `name token` lines.
 *
 * Not an account system: a token stands for a name, what the name may do is the policy's business.
 * Invariant: neither which tokens exist nor how much of one was right can be told from the time an answer takes.
 *
 * @module
 */
import * as Result from "effect/Result";
import { type Digest, digestText } from "../../../kernel/digest.ts";
import type { FailureOf } from "../../../kernel/failure.ts";
import { malformedTokens } from "../failures.ts";

/** One token: the caller's name and the digest of the secret, never the secret. */
export interface Token {
  /** The caller's name. */
  readonly name: string;
  /** Digest of the token. */
  readonly digest: Digest;
}

/** Shortest token: 32 characters, as many as a 128-bit value in hexadecimal. */
export const MIN_TOKEN_LENGTH = 32;

/** Most tokens of a file. */
export const MAX_TOKENS = 1_000;

const NAME = /^[A-Za-z0-9._-]{1,40}$/u;

const faultOf = (words: ReadonlyArray<string>, taken: ReadonlySet<string>): string | undefined => {
  const [name, token] = words;
  if (words.length !== 2) return "is not `name token`";
  if (!NAME.test(name)) return "has a name that is not 1 to 40 letters, digits, `.`, `_` or `-`";
  if (taken.has(name)) return "repeats a name";
  // The token itself is never quoted: failures are printed and stored.
  if (token.length < MIN_TOKEN_LENGTH) return `has a token of fewer than ${MIN_TOKEN_LENGTH} characters`;
  return taken.size >= MAX_TOKENS ? `is past the limit of ${MAX_TOKENS} tokens` : undefined;
};

/** Reads a file of tokens; empty lines and lines that begin with `#` say nothing. */
export const parseTokens = (
  text: string,
  file: string,
): Result.Result<ReadonlyArray<Token>, FailureOf<"SURFACE_TOKENS">> => {
  const tokens: Array<Token> = [];
  const taken = new Set<string>();
  const lines = text.split(/\r?\n/u);
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const words = line.trim().split(/\s+/u);
    const reason = faultOf(words, taken);
    if (reason !== undefined) {
      return Result.fail(malformedTokens({ file, line: index + 1, reason, path: "/tokens" }));
    }
    taken.add(words[0]);
    tokens.push({ name: words[0], digest: digestText(words[1]) });
  }
  return tokens.length > 0 ? Result.succeed(tokens) : Result.fail(
    malformedTokens({ file, line: lines.length, reason: "ends the file without a token", path: "/tokens" }),
  );
};

/** Whether two digests are equal, in a time that does not depend on where they differ. */
const sameDigest = (a: Digest, b: Digest): boolean => {
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
};

const BEARER = /^Bearer +([^\s]+)$/iu;

/** The name that an Authorization header proves; `undefined` when it proves none. Every token is compared, always. */
export const nameOf = (authorization: string | null, tokens: ReadonlyArray<Token>): string | undefined => {
  const given = digestText(BEARER.exec(authorization ?? "")?.[1] ?? "");
  let name: string | undefined;
  for (const token of tokens) if (sameDigest(given, token.digest)) name = token.name;
  return name;
};
