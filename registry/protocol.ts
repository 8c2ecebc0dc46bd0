/**
 * Protocol: what a kernel and a plugin's process say to each other, one JSON document a line.
 *
 * Not trusted in the direction of the kernel: every line from the plugin is measured before it is parsed, checked for
 * depth and poisoned member names after, and decoded by a closed schema.
 * Invariant: an answer is matched to a question by the number the asker gave it; nothing else has an effect.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { AUTHORITIES, type Authority, isJsonObject, type Json, JsonValue, MAX_JSON_DEPTH } from "../kernel/mod.ts";

/** Version of the protocol; both sides must agree. */
export const PROTOCOL_VERSION = 1;

/** Characters of one line. */
export const MAX_FRAME = 4 * 1024 * 1024;

/** Questions of one call that wait for an answer; a plugin that asks faster than it listens is stopped. */
export const MAX_OUTSTANDING = 64;

/** Questions of one call in all. */
export const MAX_ASKS = 100_000;

/** What a plugin's process may ask while it serves a call. */
export const ASKS = ["event", "progress", "invoke", "check", "disk"] as const;

/** One kind of question. */
export type AskKind = typeof ASKS[number];

/** From the plugin's process. */
export type FromPlugin =
  | { readonly type: "ready"; readonly version: number; readonly described: Json }
  | { readonly type: "unusable"; readonly reason: string }
  | {
    readonly type: "done";
    readonly call: number;
    readonly value: Json;
    readonly spent?: { readonly [axis: string]: number };
  }
  | { readonly type: "failed"; readonly call: number; readonly failure: Json }
  | { readonly type: "broke"; readonly call: number; readonly cause: string }
  | { readonly type: "ask"; readonly call: number; readonly ask: number; readonly what: AskKind; readonly about: Json };

/** To the plugin's process. */
export type ToPlugin =
  | {
    readonly type: "call";
    readonly call: number;
    readonly operation: string;
    readonly input: Json;
    readonly context: {
      readonly id: string;
      readonly actor: string;
      readonly workspace: string;
      readonly stateFolder: string;
      readonly outputFolder: string;
      readonly random: string;
      readonly authorities: ReadonlyArray<Authority>;
      readonly remaining: { readonly [axis: string]: number };
    };
  }
  | { readonly type: "interrupt"; readonly call: number }
  | { readonly type: "answer"; readonly ask: number; readonly value: Json }
  | { readonly type: "refusal"; readonly ask: number; readonly failure: Json };

const Number32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 32 }));
const Counts = Schema.Record(Schema.String, Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)));
const Text = Schema.String.check(Schema.isMaxLength(4_000));

/** Schema of {@link FromPlugin}. */
const FromPlugin: Schema.Codec<FromPlugin> = Schema.Union([
  Schema.Struct({ type: Schema.Literal("ready"), version: Number32, described: JsonValue }),
  Schema.Struct({ type: Schema.Literal("unusable"), reason: Text }),
  Schema.Struct({
    type: Schema.Literal("done"),
    call: Number32,
    value: JsonValue,
    spent: Schema.optionalKey(Counts),
  }),
  Schema.Struct({ type: Schema.Literal("failed"), call: Number32, failure: JsonValue }),
  Schema.Struct({ type: Schema.Literal("broke"), call: Number32, cause: Text }),
  Schema.Struct({
    type: Schema.Literal("ask"),
    call: Number32,
    ask: Number32,
    what: Schema.Literals(ASKS),
    about: JsonValue,
  }),
]) as unknown as Schema.Codec<FromPlugin>;

/** Schema of {@link ToPlugin}. */
const ToPlugin: Schema.Codec<ToPlugin> = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("call"),
    call: Number32,
    operation: Text,
    input: JsonValue,
    context: Schema.Struct({
      id: Text,
      actor: Text,
      workspace: Text,
      stateFolder: Text,
      outputFolder: Text,
      random: Text,
      authorities: Schema.Array(Schema.Literals(AUTHORITIES)),
      remaining: Counts,
    }),
  }),
  Schema.Struct({ type: Schema.Literal("interrupt"), call: Number32 }),
  Schema.Struct({ type: Schema.Literal("answer"), ask: Number32, value: JsonValue }),
  Schema.Struct({ type: Schema.Literal("refusal"), ask: Number32, failure: JsonValue }),
]) as unknown as Schema.Codec<ToPlugin>;

/** Why a parsed document is poisoned: too deep, or a member that would reach a prototype when copied. */
const poison = (document: unknown): string | undefined => {
  const waiting: Array<readonly [unknown, number]> = [[document, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [value, depth] = next;
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_JSON_DEPTH) return `it nests deeper than ${MAX_JSON_DEPTH}`;
    if (isJsonObject(value) && Object.hasOwn(value, "__proto__")) return 'a member is named "__proto__"';
    for (const member of Object.values(value)) waiting.push([member, depth + 1]);
  }
  return undefined;
};

const reader = <M>(codec: Schema.Codec<M>) => {
  const decode = Schema.decodeUnknownResult(codec, { onExcessProperty: "error" });
  return (line: string): Result.Result<M, string> => {
    if (line.length > MAX_FRAME) return Result.fail(`a line is longer than ${MAX_FRAME} characters`);
    let document: unknown;
    try {
      document = JSON.parse(line);
    } catch {
      return Result.fail("a line is not JSON");
    }
    const poisoned = poison(document);
    if (poisoned !== undefined) return Result.fail(poisoned);
    const decoded = decode(document);
    return Result.isFailure(decoded)
      ? Result.fail("a line is no message of this protocol")
      : Result.succeed(decoded.success);
  };
};

/** Reads a line from a plugin's process; the failure says why it is not one. */
export const readFromPlugin: (line: string) => Result.Result<FromPlugin, string> = reader(FromPlugin);

/** Reads a line from the kernel. */
export const readToPlugin: (line: string) => Result.Result<ToPlugin, string> = reader(ToPlugin);

/** Writes a message as one line, without its end. */
export const writeMessage = (message: FromPlugin | ToPlugin): string => JSON.stringify(message);
