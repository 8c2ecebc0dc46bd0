/**
 * Operation: what can be asked of the system, declared once. CLI, MCP, HTTP, manifest and docs are projections of it.
 *
 * Not the code that answers (a plugin's handlers) and not the permission to ask (the gate).
 * Invariant: a declaration is complete (`declarationFaults` names what is missing) and its examples run.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { AUTHORITIES, type EffectName, EFFECTS, type Kind, KINDS } from "./authority.ts";
import { type Digest, digestJson } from "./digest.ts";
import type { AnyFailureDefinition, KernelFailure } from "./failure.ts";
import { incompleteDeclaration } from "./failures.ts";
import type { Json } from "./json.ts";
import type { Amounts } from "./meter.ts";

/** How firmly a declaration is promised. */
export type Stability = "stable" | "unstable" | "experimental";

/** The authority one call needs, where it depends on the input. */
export interface Authorities {
  /** Effect classes of this call. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds of this call. */
  readonly kinds?: ReadonlyArray<Kind>;
}

/** A call that documents and tests an operation. */
export interface Example {
  /** What the example shows; needed where an operation has several. */
  readonly title?: string;
  /** Calls made before it in the same fresh workspace. */
  readonly given?: ReadonlyArray<{ readonly operation: string; readonly input: Json }>;
  /** Encoded input. */
  readonly input: Json;
  /** The part of the encoded output that is always the same; absent: the call succeeds. */
  readonly output?: Json;
  /** The code of the failure this example shows instead of an output. */
  readonly failure?: string;
}

/** What a call consumes. */
export interface Cost {
  /** How work grows with the input, in words. */
  readonly compute: string;
  /** What is reserved for a call when the caller names no budget; unnamed axes use the kernel's defaults. */
  readonly reserve?: Partial<Amounts>;
}

/** A codec whose two sides need no services. */
export type PlainCodec<T = unknown, E = unknown> = Schema.Codec<T, E>;

/** The declaration of an operation. `input`, `output` and `event` are codecs whose encoded side is JSON. */
export interface Operation<
  Id extends string = string,
  I extends Schema.Constraint = PlainCodec,
  O extends PlainCodec = PlainCodec,
  F extends AnyFailureDefinition = AnyFailureDefinition,
  E extends EffectName = EffectName,
  K extends Kind = Kind,
  V extends PlainCodec = PlainCodec,
> {
  /** `namespace.verb`, or deeper. */
  readonly id: Id;
  /** One sentence: what it does for the caller. */
  readonly summary: string;
  /** Codec of the input, an object. */
  readonly input: I;
  /** Codec of the output. */
  readonly output: O;
  /** Codec of the events a streaming operation emits before its output. */
  readonly event?: V;
  /** The failures it can answer with, beyond the kernel's own. */
  readonly failures: ReadonlyArray<F>;
  /** The most it may do: effect classes; empty is pure. */
  readonly effects: ReadonlyArray<E>;
  /** The most it may do: finer kinds. */
  readonly kinds: ReadonlyArray<K>;
  /** What one call needs, bounded by `effects` and `kinds`. Pure; absent means all of them. */
  readonly refine?: (input: never) => Authorities;
  /** What a call consumes. */
  readonly cost: Cost;
  /** Whether repeating the call changes nothing more. */
  readonly idempotent: boolean;
  /** Whether what it did can be undone by the system. */
  readonly reversible: boolean;
  /** How firmly it is promised. */
  readonly stability: Stability;
  /** Calls that document and test it; at least one. */
  readonly examples: ReadonlyArray<Example>;
}

/** Any operation. */
// deno-lint-ignore no-explicit-any -- codec parameters are invariant; `any` is the only supertype of all of them
export type AnyOperation = Operation<string, any, any, any, any, any, any>;

/** Fields of an input: any codecs that need no services. */
export type PlainFields = {
  readonly [field: string]: Schema.Constraint & {
    readonly DecodingServices: never;
    readonly EncodingServices: never;
  };
};

type FieldsOf<I> = I extends PlainFields ? I : never;

/** What {@link operation} asks for besides the id. */
export type OperationSpec<I, O, F, E, K, V> =
  & Omit<
    Operation<string, PlainCodec, O & PlainCodec, F & AnyFailureDefinition, E & EffectName, K & Kind, V & PlainCodec>,
    "id" | "input" | "refine" | "kinds"
  >
  & {
    /** Fields of the input. */
    readonly input: I;
    /** Finer kinds; default none. */
    readonly kinds?: ReadonlyArray<K & Kind>;
    /** What one call needs, where it depends on the input. */
    readonly refine?: (input: Schema.Struct.Type<FieldsOf<I>>) => Authorities;
  };

/**
 * Declares an operation. Input fields are a struct; unknown members of an input are refused at the call.
 *
 * @example
 * ```ts
 * import { operation } from "@rmi/rmi/kernel";
 * import * as Schema from "effect/Schema";
 * export const Greet = operation("demo.greet", {
 *   summary: "Greet somebody by name.",
 *   input: { name: Schema.String },
 *   output: Schema.Struct({ text: Schema.String }),
 *   failures: [],
 *   effects: [],
 *   cost: { compute: "constant" },
 *   idempotent: true,
 *   reversible: true,
 *   stability: "stable",
 *   examples: [{ input: { name: "Ada" }, output: { text: "Hello, Ada" } }],
 * });
 * ```
 */
export const operation = <
  const Id extends string,
  const I extends PlainFields,
  O extends PlainCodec,
  const F extends AnyFailureDefinition = never,
  const E extends EffectName = never,
  const K extends Kind = never,
  V extends PlainCodec = PlainCodec<never, never>,
>(
  id: Id,
  spec: OperationSpec<I, O, F, E, K, V>,
): Operation<Id, Schema.Struct<I>, O, F, E, K, V> =>
  ({ ...spec, kinds: spec.kinds ?? [], id, input: inputOf(spec.input) }) as never;

/** A struct; but the empty struct accepts anything that is not null, so no members is an object that may have none. */
const inputOf = (fields: PlainFields): Schema.Constraint =>
  Object.keys(fields).length === 0 ? Schema.Record(Schema.String, Schema.Never) : Schema.Struct(fields);

const ID_PATTERN = /^[a-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9_]*)+$/u;
const STABILITIES: ReadonlyArray<unknown> = ["stable", "unstable", "experimental"];

const isSubset = (values: unknown, of: ReadonlyArray<unknown>): boolean =>
  Array.isArray(values) && values.every((value) => of.includes(value)) && new Set(values).size === values.length;

const isText = (value: unknown): boolean => typeof value === "string" && value.trim().length > 0;

/** What makes each field of a declaration complete. */
const FIELD_RULES: ReadonlyArray<readonly [keyof Operation, string, (value: unknown) => boolean]> = [
  ["id", "namespace.verb in letters and digits", (value) => typeof value === "string" && ID_PATTERN.test(value)],
  ["summary", "one sentence", isText],
  ["input", "a codec", Schema.isSchema],
  ["output", "a codec", Schema.isSchema],
  [
    "failures",
    "a list of catalogue rows",
    (value) => Array.isArray(value) && value.every((row) => typeof row === "function" && isText(row.code)),
  ],
  ["effects", `a subset of ${EFFECTS.join(", ")}`, (value) => isSubset(value, EFFECTS)],
  ["kinds", `a subset of ${KINDS.join(", ")}`, (value) => isSubset(value, KINDS)],
  ["refine", "a function of the input, or absent", (value) => value === undefined || typeof value === "function"],
  ["cost", "an object with `compute`", (value) => isText((value as Cost | undefined)?.compute)],
  ["idempotent", "true or false", (value) => typeof value === "boolean"],
  ["reversible", "true or false", (value) => typeof value === "boolean"],
  ["stability", STABILITIES.join(", "), (value) => STABILITIES.includes(value)],
  ["examples", "at least one example", (value) => Array.isArray(value) && value.length > 0],
];

/** What is missing or malformed in a declaration, one failure a field; empty for a complete one. */
export const declarationFaults = (declared: unknown): ReadonlyArray<KernelFailure> => {
  const record = (declared ?? {}) as Record<string, unknown>;
  const id = typeof record.id === "string" ? record.id : "(no id)";
  return FIELD_RULES.filter(([field, , holds]) => !holds(record[field])).map(([field, expected]) =>
    incompleteDeclaration({ operation: id, field, path: `/${field}`, expected })
  );
};

/** The namespace of an operation id: what stands before the first dot. */
export const namespaceOf = (id: string): string => id.slice(0, Math.max(0, id.indexOf(".")));

/** JSON Schema (draft 2020-12) of a codec's encoded side, closed to unknown members. */
export const jsonSchemaOf = (codec: PlainCodec): Json => {
  const document = Schema.toJsonSchemaDocument(codec, { onExcessProperty: "error", includeAnnotationKey: isRoleKey });
  const definitions = Object.keys(document.definitions).length === 0 ? {} : { $defs: document.definitions };
  return { ...document.schema, ...definitions } as Json;
};

/** The annotation that says what a text field is for. */
export const ROLE_KEY = "x-rmi-role";

/**
 * The annotation of an optional field that a command line takes without its name; a field that alone is required is
 * taken so without it.
 */
export const OPERAND_KEY = "x-rmi-operand";

/** The value of the annotation. */
export const OPERAND: { readonly [OPERAND_KEY]: "yes" } = { [OPERAND_KEY]: "yes" };

const isRoleKey = (key: string): boolean => key === ROLE_KEY || key === OPERAND_KEY;

/** What a text field is for: paths are resolved in the user's folder, free text is redacted at ingestion. */
export type Role = "readPath" | "writePath" | "freeText" | "privateText" | "operationId";

/** Marks a text field with its role. */
export const role = <S extends PlainCodec<string, string>>(name: Role, description: string, schema?: S): S =>
  (schema ?? Schema.String).annotate({ [ROLE_KEY]: name, description }) as unknown as S;

/** A declaration as data. */
export interface Declaration {
  /** Operation id. */
  readonly id: string;
  /** One sentence. */
  readonly summary: string;
  /** JSON Schema of the input. */
  readonly input: Json;
  /** JSON Schema of the output. */
  readonly output: Json;
  /** JSON Schema of the events. */
  readonly event?: Json;
  /** The failures it names. */
  readonly failures: ReadonlyArray<{ readonly code: string; readonly recoverable: boolean; readonly doc: string }>;
  /** Effect classes. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds. */
  readonly kinds: ReadonlyArray<string>;
  /** Whether a call may need less than `effects`, depending on its input. */
  readonly refined: boolean;
  /** What a call consumes. */
  readonly cost: Json;
  /** Whether repeating a call changes nothing more. */
  readonly idempotent: boolean;
  /** Whether the system can undo a call. */
  readonly reversible: boolean;
  /** How firmly it is promised. */
  readonly stability: string;
}

/** The declaration as data: what `describe` shows, what approvals bind to. */
export const declarationJson = (declared: AnyOperation): Declaration => ({
  id: declared.id,
  summary: declared.summary,
  input: jsonSchemaOf(declared.input),
  output: jsonSchemaOf(declared.output),
  ...(declared.event === undefined ? {} : { event: jsonSchemaOf(declared.event) }),
  failures: declared.failures.map((row: AnyFailureDefinition) => ({
    code: row.code,
    recoverable: row.recoverable,
    doc: row.doc,
  })),
  effects: [...declared.effects],
  kinds: [...declared.kinds],
  refined: declared.refine !== undefined,
  cost: { compute: declared.cost.compute, ...(declared.cost.reserve ? { reserve: { ...declared.cost.reserve } } : {}) },
  idempotent: declared.idempotent,
  reversible: declared.reversible,
  stability: declared.stability,
});

/** Identity of a declaration. */
export const declarationDigest = (declared: AnyOperation): Digest => digestJson(declarationJson(declared));

/** The authorities of one call: what `refine` says, never more than was declared. */
export const authoritiesOf = (declared: AnyOperation, input: unknown): Required<Authorities> => {
  const whole = { effects: declared.effects, kinds: declared.kinds };
  if (declared.refine === undefined) return whole;
  const refined = (declared.refine as (input: unknown) => Authorities)(input);
  return {
    effects: AUTHORITIES.filter((name) => (refined.effects as ReadonlyArray<string>).includes(name))
      .filter((name) => whole.effects.includes(name)) as ReadonlyArray<EffectName>,
    kinds: (refined.kinds ?? []).filter((name) => whole.kinds.includes(name)),
  };
};
