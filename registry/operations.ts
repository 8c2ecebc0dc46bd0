/**
 * Declarations of the namespaces `registry` and `artifacts`.
 *
 * Not the code that answers (registry/handlers.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { ledgerFailures } from "../effects/failures.ts";
import { type AnyOperation, Digest, Failure, operation, packageAbsent, role, unknownEntry } from "../kernel/mod.ts";
import { ARTIFACT_KINDS, ArtifactInfo, ArtifactName, Metrics, References, Tags } from "./artifact.ts";
import { registryFailures } from "./failures.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }));
const Words = Schema.Array(Schema.String);
const stable = { stability: "stable" as const, idempotent: true, reversible: true };
const failures = [...registryFailures, ...ledgerFailures, unknownEntry] as const;

const PluginLine = Schema.Struct({
  plugin: Schema.String,
  version: Schema.String,
  summary: Schema.String,
  state: Schema.Literals(["built in", "ready", "waiting", "refused"]),
  source: Schema.String,
  wants: Words,
  changes: Words,
  failure: Schema.optionalKey(Failure as unknown as Schema.Codec<Failure>),
});

/** `registry.plugins`. */
export const Plugins = operation("registry.plugins", {
  ...stable,
  summary: "List every plugin: built in, ready, waiting for an approval, or refused with the reason.",
  input: {},
  output: Schema.Struct({ plugins: Schema.Array(PluginLine) }),
  failures: [],
  effects: [],
  cost: { compute: "linear in plugins" },
  examples: [{ input: {} }],
});

const Looked = Schema.Struct({
  plugin: Schema.String,
  version: Schema.String,
  summary: Schema.String,
  operations: Words,
  manifest: Digest,
  wants: Words,
  changes: Words,
  approve: Schema.String,
});

/** `registry.look`. */
export const LookAt = operation("registry.look", {
  ...stable,
  summary: "See what a third-party plugin declares and wants, by starting it without any permission.",
  input: {
    source: role("freeText", "A .ts or .js file, a folder with plugin.ts, or an exact npm: or jsr: specifier"),
  },
  output: Looked,
  failures,
  effects: ["readLocal"],
  cost: { compute: "one process start" },
  examples: [{ title: "nothing is there", input: { source: "absent.ts" }, failure: "REGISTRY_SOURCE" }],
});

/** `registry.add`. */
export const Add = operation("registry.add", {
  ...stable,
  summary: "Add a third-party plugin that wants no authority; what wants more is told, and needs registry.approve.",
  input: { source: role("freeText", "A file, a folder, or an exact npm: or jsr: specifier") },
  output: Looked,
  failures,
  effects: ["readLocal", "writeLocal"],
  kinds: ["selfModify"],
  cost: { compute: "one process start" },
  examples: [{ title: "nothing is there", input: { source: "absent.ts" }, failure: "REGISTRY_SOURCE" }],
});

/** `registry.approve`. */
export const Approve = operation("registry.approve", {
  ...stable,
  summary: "Approve a plugin exactly as it was looked at, as a person at a terminal; it runs from the next start on.",
  input: {
    source: role("freeText", "The plugin's source, or the id of one that is locked"),
    manifest: Digest,
    trust: Schema.optionalKey(Schema.Boolean),
  },
  output: Looked,
  failures,
  effects: ["readLocal", "writeLocal"],
  kinds: ["selfModify"],
  cost: { compute: "one process start" },
  examples: [{
    title: "nothing is there",
    input: { source: "absent.ts", manifest: `sha256:${"0".repeat(64)}` },
    failure: "REGISTRY_SOURCE",
  }],
});

/** `registry.remove`. */
export const Remove = operation("registry.remove", {
  ...stable,
  summary: "Remove a third-party plugin from the lock; it is gone from the next start on.",
  input: { plugin: Schema.String },
  output: Schema.Struct({ removed: Schema.Boolean }),
  failures,
  effects: ["writeLocal"],
  kinds: ["selfModify"],
  cost: { compute: "constant" },
  examples: [{ title: "not in the lock", input: { plugin: "greeter" }, failure: "KERNEL_UNKNOWN_ENTRY" }],
});

/** `registry.install`. */
export const Install = operation("registry.install", {
  ...stable,
  summary: "Download one optional package into the package cache; the only operation that downloads.",
  input: { package: Schema.String },
  output: Schema.Struct({ package: Schema.String, version: Schema.String, log: Schema.String }),
  failures: [packageAbsent],
  effects: ["network", "writeLocal", "exec"],
  reversible: false,
  cost: { compute: "one download" },
  examples: [{ title: "misspelled", input: { package: "oxigraf" }, failure: "KERNEL_PACKAGE_ABSENT" }],
});

/** `registry.packages`. */
export const Packages = operation("registry.packages", {
  ...stable,
  summary: "List the optional packages with version, size and purpose.",
  input: {},
  output: Schema.Struct({
    packages: Schema.Array(Schema.Struct({
      name: Schema.String,
      version: Schema.String,
      sizeMb: Schema.Finite,
      purpose: Schema.String,
      plugin: Schema.String,
    })),
  }),
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  examples: [{ input: {} }],
});

const RecipeLine = Schema.Struct({ task: Schema.String, steps: Words, plugin: Schema.String });

/** `registry.recipes`. */
export const Recipes = operation("registry.recipes", {
  ...stable,
  summary: "Find recipes: which operations, in which order, do a task.",
  input: { task: Schema.optionalKey(role("freeText", "What is to be done; absent: all recipes")) },
  output: Schema.Struct({ recipes: Schema.Array(RecipeLine) }),
  failures: [],
  effects: [],
  cost: { compute: "linear in recipes" },
  examples: [{ input: { task: "find and call an operation" } }],
});

/** `registry.find`. */
export const Find = operation("registry.find", {
  ...stable,
  summary: "Search operations, plugins, recipes and artifacts together, within a budget of tokens.",
  input: {
    query: role("freeText", "A few words"),
    tokens: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 20, maximum: 100_000 }))),
  },
  output: Schema.Struct({
    hits: Schema.Array(Schema.Struct({
      kind: Schema.Literals(["operation", "plugin", "recipe", "artifact"]),
      id: Schema.String,
      text: Schema.String,
      score: Schema.Finite,
    })),
    left: Count,
  }),
  failures,
  effects: [],
  cost: { compute: "linear in the catalogue" },
  examples: [{ input: { query: "store an artifact", tokens: 200 } }],
});

/** `registry.artifacts`. */
export const Artifacts = operation("registry.artifacts", {
  ...stable,
  summary: "List stored artifacts by kind, tag, name or a metric within bounds, newest first.",
  input: {
    kind: Schema.optionalKey(Schema.Literals(ARTIFACT_KINDS)),
    tag: Schema.optionalKey(Schema.String),
    name: Schema.optionalKey(Schema.String),
    metric: Schema.optionalKey(Schema.Struct({
      name: Schema.String,
      least: Schema.optionalKey(Schema.Finite),
      most: Schema.optionalKey(Schema.Finite),
    })),
    limit: Schema.optionalKey(Limit),
  },
  output: Schema.Struct({ artifacts: Schema.Array(ArtifactInfo), total: Count }),
  failures,
  effects: [],
  cost: { compute: "linear in artifacts" },
  examples: [{ input: {}, output: { artifacts: [], total: 0 } }],
});

const given = [{ operation: "artifacts.put", input: { kind: "program", name: "plus", text: "x + 1" } }];

/** `artifacts.put`. */
export const Put = operation("artifacts.put", {
  ...stable,
  summary: "Store bytes by digest, once, with facts, and name them; from a text, base64, or a file.",
  input: {
    kind: Schema.Literals(ARTIFACT_KINDS),
    text: Schema.optionalKey(Schema.String),
    base64: Schema.optionalKey(Schema.String.check(Schema.isBase64())),
    file: Schema.optionalKey(role("readPath", "A file to store")),
    name: Schema.optionalKey(ArtifactName),
    media: Schema.optionalKey(Schema.String),
    description: Schema.optionalKey(role("freeText", "One line about it")),
    references: Schema.optionalKey(References),
    tags: Schema.optionalKey(Tags),
    metrics: Schema.optionalKey(Metrics),
  },
  output: ArtifactInfo,
  failures,
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "linear in bytes" },
  examples: [{ input: { kind: "program", name: "plus", text: "x + 1" }, output: { size: 5, names: ["plus@1"] } }],
});

/** `artifacts.get`. */
export const Get = operation("artifacts.get", {
  ...stable,
  summary: "Read an artifact by digest, name or name@version; into a file, or as text or base64.",
  input: { artifact: Schema.String, file: Schema.optionalKey(role("writePath", "Where the bytes go")) },
  output: Schema.Struct({
    info: ArtifactInfo,
    text: Schema.optionalKey(Schema.String),
    base64: Schema.optionalKey(Schema.String),
    file: Schema.optionalKey(Schema.String),
  }),
  failures,
  effects: ["readLocal", "writeLocal"],
  refine: ({ file }) => ({ effects: file === undefined ? ["readLocal"] : ["readLocal", "writeLocal"] }),
  cost: { compute: "linear in bytes" },
  examples: [{ given, input: { artifact: "plus" }, output: { text: "x + 1" } }],
});

/** `artifacts.tag`. */
export const Tag = operation("artifacts.tag", {
  ...stable,
  summary: "Add or remove tags, set metrics, or give an artifact a further name.",
  input: {
    artifact: Schema.String,
    add: Schema.optionalKey(Tags),
    remove: Schema.optionalKey(Tags),
    metrics: Schema.optionalKey(Metrics),
    name: Schema.optionalKey(ArtifactName),
  },
  output: ArtifactInfo,
  failures,
  effects: ["writeLocal"],
  cost: { compute: "constant" },
  examples: [{ given, input: { artifact: "plus", add: ["checked"] }, output: { tags: ["checked"] } }],
});

/** `artifacts.unname`. */
export const Unname = operation("artifacts.unname", {
  ...stable,
  summary: "Give up a name@version; what nothing else keeps can then be collected.",
  input: { name: Schema.String },
  output: Schema.Struct({ name: Schema.String }),
  failures,
  effects: ["writeLocal"],
  cost: { compute: "constant" },
  examples: [{ given, input: { name: "plus@1" }, output: { name: "plus@1" } }],
});

/** `artifacts.export`. */
export const Export = operation("artifacts.export", {
  ...stable,
  summary: "Write an artifact with its facts as one frame, to hand to somebody else.",
  input: { artifact: Schema.String, file: role("writePath", "Where the frame goes") },
  output: Schema.Struct({ file: Schema.String, bytes: Count, digest: Digest }),
  failures,
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "linear in bytes" },
  examples: [{ given, input: { artifact: "plus", file: "out/plus.rmia" } }],
});

/** `artifacts.import`. */
export const Import = operation("artifacts.import", {
  ...stable,
  summary: "Read a frame, check it, and store the artifact it holds.",
  input: {
    file: role("readPath", "The frame"),
    name: Schema.optionalKey(ArtifactName),
  },
  output: ArtifactInfo,
  failures,
  effects: ["readLocal", "writeLocal"],
  cost: { compute: "linear in bytes" },
  examples: [{
    given: [...given, { operation: "artifacts.export", input: { artifact: "plus", file: "out/plus.rmia" } }],
    input: { file: "out/plus.rmia" },
    output: { size: 5, kind: "program" },
  }],
});

/** `artifacts.gc`. */
export const Gc = operation("artifacts.gc", {
  ...stable,
  summary: "Remove artifacts that no name keeps, directly or through references; or only tell which.",
  input: { dry: Schema.optionalKey(Schema.Boolean), keep: Schema.optionalKey(References) },
  output: Schema.Struct({ digests: Schema.Array(Digest), bytes: Count, orphans: Count }),
  failures,
  effects: ["readLocal", "writeLocal"],
  reversible: false,
  cost: { compute: "linear in artifacts" },
  examples: [{ given, input: { dry: true }, output: { digests: [], bytes: 0 } }],
});

/** `artifacts.verify`. */
export const Verify = operation("artifacts.verify", {
  ...stable,
  summary: "Read every artifact and name those whose bytes are missing or damaged.",
  input: {},
  output: Schema.Struct({ checked: Count, damaged: Schema.Array(Digest) }),
  failures,
  effects: ["readLocal"],
  cost: { compute: "linear in all bytes" },
  examples: [{ given, input: {}, output: { checked: 1, damaged: [] } }],
});

/** Every declaration of the registry. */
export const operations: ReadonlyArray<AnyOperation> = [
  Plugins,
  LookAt,
  Add,
  Approve,
  Remove,
  Install,
  Packages,
  Recipes,
  Find,
  Artifacts,
  Put,
  Get,
  Tag,
  Unname,
  Export,
  Import,
  Gc,
  Verify,
];
