/**
 * Described: a third-party plugin's manifest and declarations as data, read from a process that is not trusted.
 *
 * Not the plugin: data in, data out, no code of its own runs here.
 * Invariant: whatever passes `readDescribed` is bounded in size, claims no other plugin's names, and asks for nothing
 * that a child host cannot confine.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import {
  type Amounts,
  type AnyFailureDefinition,
  type AnyOperation,
  type Digest,
  digestJson,
  type EffectName,
  EFFECTS,
  type Example,
  type FailureOf,
  type Json,
  jsonSchemaOf,
  JsonValue,
  type Kind,
  KINDS,
  namespaceOf,
  PartialAmounts,
  type Plugin,
  type Reach,
  type Stability,
} from "../kernel/mod.ts";
import { AuthoritySet, wantedBy } from "./authority_set.ts";
import { pluginRefused } from "./failures.ts";

/** Operations of one plugin. */
export const MAX_OPERATIONS = 256;

/** Namespaces of one plugin. */
export const MAX_NAMESPACES = 8;

/** Characters of any one text. */
export const MAX_TEXT = 1_000;

/** Characters of the whole description, as JSON. */
export const MAX_DESCRIPTION = 1_048_576;

// Control and direction marks could repaint a terminal or hide words from a person who approves.
const Line = Schema.String.check(
  Schema.isMaxLength(MAX_TEXT),
  Schema.isPattern(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, { expected: "one line without control marks" }),
);

const Effects = Schema.Array(Schema.Literals(EFFECTS));
const Kinds = Schema.Array(Schema.Literals(KINDS));
const StabilityName = Schema.Literals(["stable", "unstable", "experimental"]);
const OperationId = Schema.String.check(
  Schema.isPattern(/^[a-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9_]*)+$/u),
  Schema.isMaxLength(120),
);

/** A failure a plugin may answer with, as data. */
export interface DescribedFailure {
  /** The stable code. */
  readonly code: string;
  /** Whether the same caller can expect success after the fix. */
  readonly recoverable: boolean;
  /** When it happens. */
  readonly doc: string;
}

/** An operation's declaration as data; schemas are JSON Schema (draft 2020-12). */
export interface DescribedOperation {
  /** Operation id. */
  readonly id: string;
  /** One sentence. */
  readonly summary: string;
  /** Schema of the input. */
  readonly input: Json;
  /** Schema of the output. */
  readonly output: Json;
  /** Schema of events. */
  readonly event?: Json;
  /** Its failures. */
  readonly failures: ReadonlyArray<DescribedFailure>;
  /** Effect classes. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds. */
  readonly kinds: ReadonlyArray<Kind>;
  /** What a call consumes. */
  readonly cost: { readonly compute: string; readonly reserve?: Partial<Amounts> };
  /** Whether repeating changes nothing more. */
  readonly idempotent: boolean;
  /** Whether it can be undone. */
  readonly reversible: boolean;
  /** How firmly it is promised. */
  readonly stability: Stability;
  /** Calls that show it. */
  readonly examples: ReadonlyArray<Example>;
}

/** A third-party plugin as data. */
export interface Described {
  /** Plugin id. */
  readonly id: string;
  /** Semver. */
  readonly version: string;
  /** One sentence. */
  readonly summary: string;
  /** Effect classes it may use. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds it may use. */
  readonly kinds: ReadonlyArray<Kind>;
  /** How far they reach. */
  readonly reach: Reach;
  /** How firmly it is promised. */
  readonly stability: Stability;
  /** Its groups of operations. */
  readonly namespaces: ReadonlyArray<{
    readonly name: string;
    readonly summary: string;
    readonly recipes?: ReadonlyArray<{ readonly task: string; readonly steps: ReadonlyArray<string> }>;
  }>;
  /** Its declarations, by id. */
  readonly operations: ReadonlyArray<DescribedOperation>;
}

/** Schema of {@link DescribedOperation}. */
const DescribedOperation: Schema.Codec<DescribedOperation> = Schema.Struct({
  id: OperationId,
  summary: Line,
  input: JsonValue,
  output: JsonValue,
  event: Schema.optionalKey(JsonValue),
  failures: Schema.Array(Schema.Struct({
    code: Schema.String.check(Schema.isPattern(/^[A-Z][A-Z0-9_]{2,60}$/u)),
    recoverable: Schema.Boolean,
    doc: Line,
  })),
  effects: Effects,
  kinds: Kinds,
  cost: Schema.Struct({ compute: Line, reserve: Schema.optionalKey(PartialAmounts) }),
  idempotent: Schema.Boolean,
  reversible: Schema.Boolean,
  stability: StabilityName,
  examples: Schema.Array(Schema.Struct({
    title: Schema.optionalKey(Line),
    given: Schema.optionalKey(Schema.Array(Schema.Struct({ operation: OperationId, input: JsonValue }))),
    input: JsonValue,
    output: Schema.optionalKey(JsonValue),
    failure: Schema.optionalKey(Line),
  })).check(Schema.isMinLength(1), Schema.isMaxLength(32)),
}) as unknown as Schema.Codec<DescribedOperation>;

/** Schema of {@link Described}. */
export const Described: Schema.Codec<Described> = Schema.Struct({
  id: Schema.String.check(
    Schema.isPattern(/^[a-z][a-z0-9-]{0,60}$/u, { expected: "lower-case letters, digits and -" }),
  ),
  version: Schema.String.check(
    Schema.isPattern(/^\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]{1,60})?$/u, { expected: "a semantic version" }),
  ),
  summary: Line,
  effects: Effects,
  kinds: Kinds,
  reach: Schema.Struct({
    hosts: Schema.optionalKey(Schema.Array(Line)),
    env: Schema.optionalKey(Schema.Array(Line)),
    sys: Schema.optionalKey(Schema.Array(Line)),
  }),
  stability: StabilityName,
  namespaces: Schema.Array(Schema.Struct({
    name: Schema.String.check(Schema.isPattern(/^[a-z][A-Za-z0-9]{0,60}$/u)),
    summary: Line,
    recipes: Schema.optionalKey(
      Schema.Array(Schema.Struct({ task: Line, steps: Schema.Array(OperationId).check(Schema.isMaxLength(32)) }))
        .check(Schema.isMaxLength(32)),
    ),
  })).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_NAMESPACES)),
  operations: Schema.Array(DescribedOperation).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_OPERATIONS)),
}) as unknown as Schema.Codec<Described>;

const rowOf = (declared: AnyOperation): DescribedOperation => ({
  id: declared.id,
  summary: declared.summary,
  input: jsonSchemaOf(declared.input),
  output: jsonSchemaOf(declared.output),
  ...(declared.event === undefined ? {} : { event: jsonSchemaOf(declared.event) }),
  failures: declared.failures.map(({ code, recoverable, doc }: AnyFailureDefinition) => ({ code, recoverable, doc })),
  effects: declared.effects,
  kinds: declared.kinds,
  cost: declared.cost,
  idempotent: declared.idempotent,
  reversible: declared.reversible,
  stability: declared.stability,
  examples: declared.examples,
});

/** Describes a plugin, in the process that imported it. Its short names are left out: they belong to the house. */
export const describePlugin = (plugin: Plugin, operations: ReadonlyArray<AnyOperation>): Described => ({
  id: plugin.id,
  version: plugin.version,
  summary: plugin.summary,
  effects: plugin.effects,
  kinds: plugin.kinds,
  reach: plugin.reach ?? {},
  stability: plugin.stability,
  namespaces: plugin.namespaces.map(({ name, summary, recipes }) => ({
    name,
    summary,
    ...(recipes === undefined ? {} : { recipes }),
  })),
  operations: [...operations].sort((a, b) => a.id < b.id ? -1 : 1).map(rowOf),
});

/** Identity of a manifest with its declarations. */
export const descriptionDigest = (described: Described): Digest => digestJson(Schema.encodeSync(Described)(described));

/** Names that are taken: by the house, and by plugins read earlier. */
export interface Taken {
  /** Plugin ids. */
  readonly plugins: ReadonlySet<string>;
  /** Namespaces. */
  readonly namespaces: ReadonlySet<string>;
}

/** Authorities that no child process can be confined to: with them it would no longer be a sandbox. */
const UNCONFINED: ReadonlySet<string> = new Set(["exec", "ffi"]);

/** Codes of failures start like this only in our own rooms. */
const HOUSE_CODES = /^(?:KERNEL|EFFECTS|LEDGER|REGISTRY|SURFACES?|RMIL|IR)_/u;

/** How the codes of a namespace begin: `myTools` → `MY_TOOLS_`. */
const codePrefix = (namespace: string): string => `${namespace.replace(/([a-z0-9])([A-Z])/gu, "$1_$2").toUpperCase()}_`;

const refusals = (described: Described, taken: Taken): ReadonlyArray<string> => {
  const names = described.namespaces.map(({ name }) => name);
  const allowed = new Set<string>([...described.effects, ...described.kinds]);
  const ids = described.operations.map(({ id }) => id);
  return [
    ...(taken.plugins.has(described.id) ? [`the id ${described.id} belongs to another plugin`] : []),
    ...names.filter((name) => taken.namespaces.has(name)).map((name) => `the namespace ${name} is taken`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `the namespace ${name} comes twice`),
    ...ids.filter((id) => !names.includes(namespaceOf(id))).map((id) => `${id} is in none of its namespaces`),
    ...ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id} is declared twice`),
    ...[...allowed].filter((name) => UNCONFINED.has(name)).map((name) => `${name} cannot be confined to a process`),
    ...described.operations.flatMap((row) =>
      [...row.effects, ...row.kinds].filter((name) => !allowed.has(name))
        .map((name) => `${row.id} uses ${name}, which its manifest does not name`)
    ),
    ...described.operations.flatMap(({ failures }) =>
      failures.filter(({ code }) => !names.some((name) => code.startsWith(codePrefix(name))))
        .map(({ code }) => `the code ${code} does not begin with ${names.map(codePrefix).join(" or ")}`)
    ),
    ...described.operations.flatMap((row) =>
      row.failures.filter(({ code }) => HOUSE_CODES.test(code)).map(({ code }) => `the code ${code} is ours`)
    ),
  ];
};

/** Reads a description sent by a plugin's process. */
export const readDescribed = (
  source: string,
  sent: unknown,
  taken: Taken,
): Result.Result<Described, FailureOf<"REGISTRY_PLUGIN_REFUSED">> => {
  const refuse = (plugin: string, reason: string) => Result.fail(pluginRefused({ plugin, reason }));
  const decoded = Schema.decodeUnknownResult(Described, { onExcessProperty: "error" })(sent);
  if (Result.isFailure(decoded)) {
    return refuse(source, String(decoded.failure.message).split("\n").slice(0, 2).join(" "));
  }
  const described = decoded.success;
  if (JSON.stringify(described).length > MAX_DESCRIPTION) return refuse(described.id, "its declarations are too long");
  const wanted = Schema.decodeUnknownResult(AuthoritySet)(wantedBy(described));
  if (Result.isFailure(wanted)) return refuse(described.id, "its reach names something that is no host or variable");
  const reasons = refusals(described, taken);
  return reasons.length > 0 ? refuse(described.id, reasons.slice(0, 3).join("; ")) : Result.succeed(described);
};
