/**
 * Failure: a refusal that teaches. One class for every expected error in the system, built from catalogued definitions.
 *
 * Not for bugs: a defect (a thrown exception, a broken invariant) stays a defect and is never dressed as a failure.
 * Invariant: code, message and recoverability come from one definition, and a failure survives a JSON round trip.
 *
 * @module
 */
import type * as Cause from "effect/Cause";
import * as Schema from "effect/Schema";
import type { Json, JsonPatch } from "./json.ts";

/** Schema of any JSON value. */
export const JsonValue: Schema.Codec<Json> = Schema.Json as unknown as Schema.Codec<Json>;

/** One edit of the operation's input. */
export const Edit: Schema.Codec<JsonPatch[number]> = Schema.Union([
  Schema.Struct({ op: Schema.Literals(["add", "replace"]), path: Schema.String, value: JsonValue }),
  Schema.Struct({ op: Schema.Literal("remove"), path: Schema.String }),
]) as unknown as Schema.Codec<JsonPatch[number]>;

/** What to do about a failure: a sentence, and where known a patch on the operation's input or a command to run. */
export interface Fix {
  /** What the fix does, in one sentence. */
  readonly summary: string;
  /** Edits of the operation's input that make the call valid. */
  readonly patch?: JsonPatch;
  /** A command a person runs to make the call possible. */
  readonly command?: string;
}

/** Schema of {@link Fix}. */
export const Fix: Schema.Codec<Fix> = Schema.Struct({
  summary: Schema.String,
  patch: Schema.optionalKey(Schema.Array(Edit)),
  command: Schema.optionalKey(Schema.String),
}) as unknown as Schema.Codec<Fix>;

type FailureFields = {
  readonly code: Schema.String;
  readonly recoverable: Schema.Boolean;
  readonly message: Schema.String;
  readonly path: Schema.String;
  readonly expected: Schema.optionalKey<Schema.Codec<Json>>;
  readonly actual: Schema.optionalKey<Schema.Codec<Json>>;
  readonly fix: Schema.optionalKey<Schema.Codec<Fix>>;
  readonly suggestions: Schema.$Array<Schema.String>;
  readonly docs: Schema.String;
  readonly also: Schema.optionalKey<Schema.$Array<Schema.Codec<Json>>>;
};

const FailureBase: Schema.Class<Failure, Schema.TaggedStruct<"Failure", FailureFields>, Cause.YieldableError> = Schema
  .TaggedError<Failure>()("Failure", {
    code: Schema.String,
    recoverable: Schema.Boolean,
    message: Schema.String,
    path: Schema.String,
    expected: Schema.optionalKey(JsonValue),
    actual: Schema.optionalKey(JsonValue),
    fix: Schema.optionalKey(Fix),
    suggestions: Schema.Array(Schema.String),
    docs: Schema.String,
    also: Schema.optionalKey(Schema.Array(JsonValue)),
  });

/** An expected error: stable code, path into the input, expected, actual, and the fix where it is known. */
export class Failure extends FailureBase {}

/** A failure of one code, or of one of several, so that the error channel of an effect names what can go wrong. */
export type FailureOf<Code extends string> = Code extends string ? Failure & { readonly code: Code } : never;

/** A failure of the kernel's own catalogue: budgets, denial, disk, unknown entries and the like. */
export type KernelFailure = FailureOf<`KERNEL_${string}`>;

/** What every failure may say besides the arguments of its own message. */
export interface Circumstances {
  /** JSON Pointer into the operation's input (or, for programs, the path of the expression). */
  readonly path?: string;
  /** What would have been accepted. */
  readonly expected?: Json;
  /** What was found. */
  readonly actual?: Json;
  /** Near alternatives, best first. */
  readonly suggestions?: ReadonlyArray<string>;
  /** The fix, where the place that fails knows it better than the catalogue. */
  readonly fix?: Fix;
  /** Further failures of the same input, in their JSON form, where more than the first is known. */
  readonly also?: ReadonlyArray<Json>;
}

/** What a catalogue row says about a failure. */
export interface FailureSpec<Args> {
  /** When this happens, in one sentence; the documentation line. */
  readonly doc: string;
  /** Whether the same caller can expect success after the fix. */
  readonly recoverable: boolean;
  /** The message: which action failed, on which value. */
  readonly says: (args: Args) => string;
  /** The fix derived from the arguments. */
  readonly fix?: (args: Args & Circumstances) => Fix;
}

/** A catalogue row: call it with its arguments to make the failure. */
export interface FailureDefinition<Code extends string = string, Args = never> {
  (args: Args & Circumstances): FailureOf<Code>;
  /** The stable code. */
  readonly code: Code;
  /** The documentation line. */
  readonly doc: string;
  /** Whether the same caller can expect success after the fix. */
  readonly recoverable: boolean;
}

/** Any catalogue row. */
export type AnyFailureDefinition = FailureDefinition<string, never>;

/** The failures that a list of definitions can make. */
export type FailuresOf<D> = D extends FailureDefinition<infer Code, infer _Args> ? FailureOf<Code> : never;

/**
 * Declares one failure of a room's catalogue. `path`, `expected`, `actual`, `suggestions` and `fix` given in the
 * arguments are carried as they are; `spec.fix` is used where the arguments bring none.
 *
 * @example
 * ```ts
 * import { failure } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * const tooWide = failure("DEMO_TOO_WIDE", {
 *   doc: "A width exceeds its limit.",
 *   recoverable: true,
 *   says: (args: { width: number; limit: number }) => `Cannot use width ${args.width}: the limit is ${args.limit}`,
 *   fix: (args) => ({ summary: "Use the limit", patch: [{ op: "replace", path: "/width", value: args.limit }] }),
 * });
 * assert.equal(tooWide({ width: 9, limit: 4, path: "/width" }).code, "DEMO_TOO_WIDE");
 * ```
 */
export const failure = <const Code extends string, Args = Record<never, never>>(
  code: Code,
  spec: FailureSpec<Args>,
): FailureDefinition<Code, Args> =>
  Object.assign(
    (args: Args & Circumstances): FailureOf<Code> => {
      const fix = args.fix ?? spec.fix?.(args);
      return new Failure({
        code,
        recoverable: spec.recoverable,
        message: spec.says(args),
        path: args.path ?? "",
        ...(args.expected === undefined ? {} : { expected: args.expected }),
        ...(args.actual === undefined ? {} : { actual: args.actual }),
        ...(fix === undefined ? {} : { fix }),
        suggestions: args.suggestions ?? [],
        docs: `docs/failures.md#${code.toLowerCase()}`,
        ...(args.also === undefined ? {} : { also: args.also }),
      }) as FailureOf<Code>;
    },
    { code, doc: spec.doc, recoverable: spec.recoverable },
  );

/** JSON form of a failure, for the wire. */
export const failureToJson: (failure: Failure) => Json = Schema.encodeSync(Failure) as never;

/** Reads a failure back from its JSON form; throws a schema error when it is not one. */
export const failureFromJson: (json: unknown) => Failure = Schema.decodeUnknownSync(Failure) as never;

/** Whether a value is a failure (rather than a defect). */
export const isFailure = (value: unknown): value is Failure => value instanceof Failure;

/** What a failure says, to make another of it. */
export const fieldsOf = (thrown: Failure): { readonly [field: string]: unknown } => {
  const { _tag, ...fields } = Failure.fields as { readonly [name: string]: unknown };
  return Object.fromEntries(
    Object.keys(fields).filter((name) => Object.hasOwn(thrown, name))
      .map((name) => [name, (thrown as unknown as Record<string, unknown>)[name]]),
  );
};

/** The failure with a path, where it has none yet. */
export const located = (thrown: Failure, path: string): Failure =>
  thrown.path !== "" || path === "" ? thrown : new Failure({ ...fieldsOf(thrown), path } as never);
