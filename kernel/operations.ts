/**
 * Declarations of the `kernel` namespace.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { EFFECTS } from "./authority.ts";
import { JsonValue } from "./failure.ts";
import { Report } from "./doctor.ts";
import { facilityAbsent, unknownOperation } from "./failures.ts";
import { type AnyOperation, operation, role } from "./operation.ts";

const Text = Schema.String;

/** Whole numbers from 1 to `most`. */
const count = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: most }));

/** Longest query of a search, in characters. */
export const MAX_QUERY = 400;

/** Most results of a search. */
export const MAX_HITS = 50;

const pure = {
  effects: [],
  kinds: [],
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
};

/** `kernel.manifest`: the whole system in under 1,000 tokens. */
export const Manifest = operation("kernel.manifest", {
  ...pure,
  summary: "List the namespaces of the whole system, in under 1,000 tokens.",
  input: {},
  output: Schema.Struct({ version: Text, text: Text }),
  failures: [],
  cost: { compute: "linear in operations" },
  examples: [{ input: {} }],
});

const exampleSchema = Schema.Struct({
  title: Schema.optionalKey(Text),
  given: Schema.optionalKey(Schema.Array(Schema.Struct({ operation: Text, input: JsonValue }))),
  input: JsonValue,
  output: Schema.optionalKey(JsonValue),
  failure: Schema.optionalKey(Text),
});

const Described = Schema.Struct({
  id: Text,
  summary: Text,
  plugin: Text,
  input: JsonValue,
  output: JsonValue,
  event: Schema.optionalKey(JsonValue),
  failures: Schema.Array(Schema.Struct({ code: Text, recoverable: Schema.Boolean, doc: Text })),
  effects: Schema.Array(Schema.Literals(EFFECTS)),
  kinds: Schema.Array(Text),
  refined: Schema.Boolean,
  cost: JsonValue,
  idempotent: Schema.Boolean,
  reversible: Schema.Boolean,
  stability: Text,
  examples: Schema.Array(exampleSchema),
});

const Explained = Schema.Struct({
  id: Text,
  summary: Text,
  plugin: Text,
  topic: JsonValue.annotate({ description: "all there is to say about an id that is no operation's" }),
});

/** `kernel.describe`: one operation in full, or what else a plugin explains. */
export const Describe = operation("kernel.describe", {
  ...pure,
  summary: "Show one operation in full: schemas, effects, cost, failures and examples; or an op, such as rmil.op.ADD.",
  input: { id: role("operationId", "The operation's id, namespace.verb", Text.check(Schema.isMaxLength(128))) },
  output: Schema.Union([Described, Explained]),
  failures: [unknownOperation],
  cost: { compute: "linear in the declaration" },
  examples: [
    {
      title: "an operation",
      input: { id: "kernel.search" },
      output: { id: "kernel.search", plugin: "kernel", effects: [] },
    },
    { title: "a misspelt id", input: { id: "kernel.serch" }, failure: "KERNEL_UNKNOWN_OPERATION" },
  ],
});

/** `kernel.search`: ranked operations for a few words. */
export const Search = operation("kernel.search", {
  ...pure,
  summary: "Find operations by a few words, best first.",
  input: {
    query: Text.check(Schema.isMinLength(1), Schema.isMaxLength(MAX_QUERY)).annotate({ description: "A few words" }),
    limit: Schema.optionalKey(count(MAX_HITS)),
  },
  output: Schema.Struct({ hits: Schema.Array(Schema.Struct({ id: Text, summary: Text, score: Schema.Finite })) }),
  failures: [],
  cost: { compute: "linear in operations" },
  examples: [{ input: { query: "describe an operation", limit: 1 }, output: { hits: [{ id: "kernel.describe" }] } }],
});

/** `kernel.boot`: how every plugin started. */
export const BootReport = operation("kernel.boot", {
  ...pure,
  summary: "Show every plugin's state, start time and authorities, and calls that never finished.",
  input: {},
  output: Schema.Struct({
    tree: Text,
    plugins: Schema.Array(Schema.Struct({
      plugin: Text,
      version: Text,
      state: Schema.Literals(["declared", "ready", "failed", "refused"]),
      tookMs: Schema.optionalKey(Schema.Int),
      granted: Schema.Array(Text),
      refused: Schema.Array(Text),
      needs: Schema.Array(Text),
      failure: Schema.optionalKey(JsonValue),
    })),
    dangling: Schema.Array(Schema.Struct({ call: Text, operation: Text, actor: Text, at: Text })),
  }),
  failures: [],
  cost: { compute: "linear in plugins" },
  examples: [{ input: {} }],
});

/** `kernel.doctor`: what this machine and process offer, what is absent, and how to get it. */
export const Doctor = operation("kernel.doctor", {
  ...pure,
  summary: "Show devices, permissions, versions and optional packages: what is absent and how to get it.",
  input: {},
  output: Schema.Struct({ text: Text, report: Report }),
  failures: [facilityAbsent],
  effects: ["readLocal"],
  kinds: ["sys", "env"],
  cost: { compute: "constant; asks the graphics driver once" },
  examples: [{ input: {}, output: { report: { sections: [{ title: "Machine" }, { title: "Versions" }] } } }],
});

/** Every declaration of the namespace. */
export const operations: ReadonlyArray<AnyOperation> = [Manifest, Describe, Search, BootReport, Doctor];
