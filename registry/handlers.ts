/**
 * Handlers of the namespaces `registry` and `artifacts`.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { Ledger } from "../effects/ledger.ts";
import {
  CallContext,
  type Digest,
  Disk,
  type Implementation,
  implementation,
  invalidInput,
  isPerson,
  packageAbsent,
  unknownEntry,
  using,
} from "../kernel/mod.ts";
import { type ArtifactFacts, type ArtifactKind, queryArtifacts } from "./artifact.ts";
import { decodeFrame, encodeFrame } from "./artifact_frame.ts";
import { artifactStore } from "./artifact_store.ts";
import { inWord, inWords } from "./authority_set.ts";
import { entriesOf, type Entry, findEntries, recipesFor, recipesOf } from "./catalogue.ts";
import { Artifacts, type Look, Registry } from "./contract.ts";
import { lockedFrom } from "./discovery.ts";
import { pluginNotApproved, pluginRefused } from "./failures.ts";
import * as declared from "./operations.ts";
import { nearestPackages, optionalPackage, optionalPackages } from "./optional.ts";
import { LOCK_FILE } from "./lock.ts";
import { isPackage } from "./source.ts";

/** Artifacts of one answer where the caller names no limit. */
const DEFAULT_ARTIFACTS = 100;

/** Operations among the hits of a search over everything; what `kernel.search` gives at once. */
const MAX_OPERATION_HITS = 50;

/** Bytes that are answered in place; larger artifacts go into a file. */
export const MAX_INLINE_BYTES = 1_048_576;

const layer = Layer.effect(
  Artifacts,
  Effect.gen(function* () {
    return yield* artifactStore(yield* Ledger, yield* Disk);
  }),
);

const approveCommand = ({ source, manifest }: Look): string =>
  `rmi registry approve --source ${source.source} --manifest ${manifest}`;

const shownLook = (found: Look) => ({
  plugin: found.described.id,
  version: found.described.version,
  summary: found.described.summary,
  operations: found.described.operations.map(({ id }) => id),
  manifest: found.manifest,
  wants: inWords(found.authority),
  changes: found.changes,
  approve: approveCommand(found),
});

/** Writes a plugin into the lock as it was looked at. */
const lockIn = (found: Look, trusted: boolean) =>
  Effect.gen(function* () {
    const registry = yield* Registry;
    const lock = yield* registry.lock;
    yield* registry.remember(found);
    const row = lockedFrom(found, registry.workspace, trusted);
    yield* using(
      "selfModify",
      LOCK_FILE,
      registry.writeLock({ ...lock, plugins: { ...lock.plugins, [found.described.id]: row } }),
    );
    return { ...shownLook(found), changes: [] };
  });

const notApproved = (found: Look, changes: ReadonlyArray<string>) =>
  pluginNotApproved({
    plugin: found.described.id,
    changes,
    fix: { summary: "Read what it wants, then approve it at a terminal", command: approveCommand(found) },
  });

/** A plugin's source: as given, or the locked one's where an id is given. */
const sourceOf = (text: string) =>
  Effect.gen(function* () {
    const lock = yield* (yield* Registry).lock;
    return Object.hasOwn(lock.plugins, text) ? lock.plugins[text].source : text;
  });

const add = (source: string) =>
  Effect.gen(function* () {
    const found = yield* (yield* Registry).look(yield* sourceOf(source));
    const wants = inWords(found.authority);
    if (wants.length === 0) return yield* lockIn(found, false);
    return yield* notApproved(found, [...found.changes, `in all it wants to: ${wants.join("; ")}`]);
  });

const approve = (input: { readonly source: string; readonly manifest: Digest; readonly trust?: boolean }) =>
  Effect.gen(function* () {
    const { actor } = yield* CallContext;
    const found = yield* (yield* Registry).look(yield* sourceOf(input.source));
    const wants = inWords(found.authority);
    if (input.manifest !== found.manifest) {
      return yield* notApproved(found, ["it is not what you looked at; look again"]);
    }
    if (!isPerson(actor)) {
      return yield* notApproved(found, [
        "only a person at a terminal approves plugins",
        ...(wants.length === 0 ? [] : [`it wants to: ${wants.join("; ")}`]),
      ]);
    }
    if (input.trust === true && isPackage(found.source.source)) {
      return yield* pluginRefused({
        plugin: found.described.id,
        reason: "only a file or a folder can be trusted, a package runs in a process of its own",
        fix: { summary: "Approve it without trust", patch: [{ op: "remove", path: "/trust" }] },
      });
    }
    return yield* lockIn(found, input.trust === true);
  });

const remove = (plugin: string) =>
  Effect.gen(function* () {
    const registry = yield* Registry;
    const lock = yield* registry.lock;
    if (!Object.hasOwn(lock.plugins, plugin)) {
      const known = Object.keys(lock.plugins);
      return yield* unknownEntry({
        kind: "locked plugin",
        name: plugin,
        listedBy: "registry.plugins",
        path: "/plugin",
        suggestions: known.slice(0, 3),
      });
    }
    const { [plugin]: _gone, ...plugins } = lock.plugins;
    yield* using("selfModify", LOCK_FILE, registry.writeLock({ ...lock, plugins }));
    return { removed: true };
  });

const install = (name: string) =>
  Effect.gen(function* () {
    const row = optionalPackage(name);
    if (row === undefined) {
      const suggestions = nearestPackages(name);
      return yield* packageAbsent({
        package: name,
        purpose: "no optional package of this system",
        path: "/package",
        suggestions,
        fix: suggestions.length === 0 ? { summary: "List them with registry.packages" } : {
          summary: `Did you mean ${suggestions[0]}?`,
          patch: [{ op: "replace", path: "/package", value: suggestions[0] }],
        },
      });
    }
    const registry = yield* Registry;
    const log = yield* using("exec", `install ${name}`, registry.install(name));
    return { package: name, version: row.version, log };
  });

const plugins = Effect.map(Registry, (registry) => {
  const third = new Set(registry.findings.map(({ plugin }) => plugin));
  const house = registry.plugins.filter(({ id }) => !third.has(id)).map(({ id, version, summary, effects, kinds }) => ({
    plugin: id,
    version,
    summary,
    state: "built in" as const,
    source: "built in",
    wants: [...effects, ...kinds].map(inWord),
    changes: [],
  }));
  const others = registry.findings.map((finding) => ({
    plugin: finding.plugin,
    version: finding.version ?? "",
    summary: registry.plugins.find(({ id }) => id === finding.plugin)?.summary ?? "",
    state: finding.state,
    source: finding.source,
    wants: finding.wants,
    changes: finding.changes,
    ...(finding.failure === undefined ? {} : { failure: finding.failure }),
  }));
  return { plugins: [...house, ...others].sort((a, b) => a.plugin < b.plugin ? -1 : 1) };
});

/** Recipes whose every step the caller may know: a recipe must not tell of an operation that is hidden from it. */
const knownRecipes = Effect.gen(function* () {
  const call = yield* CallContext;
  const recipes = recipesOf((yield* Registry).plugins);
  const ids = [...new Set(recipes.flatMap(({ steps }) => steps))];
  const answers = yield* Effect.forEach(
    ids,
    (id) => Effect.match(call.invoke("kernel.describe", { id }), { onFailure: () => false, onSuccess: () => true }),
  );
  const known = new Set(ids.filter((_, index) => answers[index]));
  return recipes.filter(({ steps }) => steps.every((id) => known.has(id)));
});

const find = ({ query, tokens }: { readonly query: string; readonly tokens?: number }) =>
  Effect.gen(function* () {
    const call = yield* CallContext;
    const registry = yield* Registry;
    const state = yield* (yield* Artifacts).state;
    // Operations come through the kernel's own search, which shows a caller only what it may know.
    const known = yield* call.invoke("kernel.search", { query, limit: MAX_OPERATION_HITS });
    const operations = (known as { readonly hits: ReadonlyArray<{ readonly id: string; readonly summary: string }> })
      .hits
      .map(({ id, summary }): Entry => ({ kind: "operation", id, text: summary }));
    const entries = [
      ...operations,
      ...entriesOf(registry.plugins, yield* knownRecipes, queryArtifacts(state, {})),
    ];
    const { hits, left } = findEntries(entries, query, tokens);
    return { hits: hits.map(({ kind, id, text, score }) => ({ kind, id, text, score })), left };
  });

interface PutInput extends Partial<Omit<ArtifactFacts, "kind">> {
  readonly kind: ArtifactKind;
  readonly text?: string;
  readonly base64?: string;
  readonly file?: string;
  readonly name?: string;
}

const fromBase64 = Schema.decodeSync(Schema.Uint8ArrayFromBase64);
const toBase64 = Schema.encodeSync(Schema.Uint8ArrayFromBase64);

const bytesOf = ({ text, base64, file }: PutInput) =>
  Effect.gen(function* () {
    const given = [text, base64, file].filter((one) => one !== undefined);
    if (given.length !== 1) {
      return yield* invalidInput({
        operation: "artifacts.put",
        problem: `${given.length} of text, base64 and file were given`,
        expected: "exactly one of text, base64 and file",
      });
    }
    if (text !== undefined) return new TextEncoder().encode(text);
    return base64 !== undefined ? fromBase64(base64) : yield* (yield* Disk).read(file!);
  });

const put = (input: PutInput) =>
  Effect.gen(function* () {
    const bytes = yield* bytesOf(input);
    const facts = {
      kind: input.kind,
      media: input.media ?? (input.text === undefined ? "application/octet-stream" : "text/plain"),
      description: input.description ?? "",
      references: input.references ?? [],
      tags: input.tags ?? [],
      metrics: input.metrics ?? {},
    };
    return yield* (yield* Artifacts).put(bytes, facts, input.name);
  });

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

const read = (artifact: string) =>
  Effect.gen(function* () {
    const store = yield* Artifacts;
    const info = yield* store.find(artifact, "/artifact");
    return { info, bytes: yield* store.read(info.digest) };
  });

const get = ({ artifact, file }: { readonly artifact: string; readonly file?: string }) =>
  Effect.gen(function* () {
    const { info, bytes } = yield* read(artifact);
    if (file !== undefined) {
      yield* (yield* Disk).write(file, bytes);
      return { info, file };
    }
    if (bytes.length > MAX_INLINE_BYTES) {
      return yield* invalidInput({
        operation: "artifacts.get",
        problem: `${bytes.length} bytes are too many for an answer, the limit is ${MAX_INLINE_BYTES}`,
        path: "/file",
        fix: {
          summary: "Give a file",
          patch: [{ op: "add", path: "/file", value: `out/${info.digest.slice(7, 19)}` }],
        },
      });
    }
    const text = textOf(bytes);
    return text === undefined ? { info, base64: toBase64(bytes) } : { info, text };
  });

const handlers = {
  "registry.plugins": () => plugins,
  "registry.look": ({ source }: { readonly source: string }) =>
    Effect.gen(function* () {
      return shownLook(yield* (yield* Registry).look(yield* sourceOf(source)));
    }),
  "registry.add": ({ source }: { readonly source: string }) => add(source),
  "registry.approve": approve,
  "registry.remove": ({ plugin }: { readonly plugin: string }) => remove(plugin),
  "registry.install": (input: { readonly package: string }) => install(input.package),
  "registry.packages": () => Effect.succeed({ packages: optionalPackages }),
  "registry.recipes": ({ task }: { readonly task?: string }) =>
    Effect.map(knownRecipes, (recipes) => ({ recipes: recipesFor(recipes, task) })),
  "registry.find": find,
  "registry.artifacts": (query: Parameters<typeof queryArtifacts>[1] & { readonly limit?: number }) =>
    Effect.gen(function* () {
      const all = queryArtifacts(yield* (yield* Artifacts).state, query);
      return { artifacts: all.slice(0, query.limit ?? DEFAULT_ARTIFACTS), total: all.length };
    }),
  "artifacts.put": put,
  "artifacts.get": get,
  "artifacts.tag": (
    input: {
      readonly artifact: string;
      readonly add?: ReadonlyArray<string>;
      readonly remove?: ReadonlyArray<string>;
      readonly metrics?: { readonly [name: string]: number };
      readonly name?: string;
    },
  ) =>
    Effect.gen(function* () {
      const store = yield* Artifacts;
      const { digest, tags, metrics } = yield* store.find(input.artifact, "/artifact");
      const kept = [...tags, ...input.add ?? []].filter((tag) => !(input.remove ?? []).includes(tag));
      return yield* store.change(digest, { tags: kept, metrics: { ...metrics, ...input.metrics } }, input.name);
    }),
  "artifacts.unname": ({ name }: { readonly name: string }) =>
    Effect.gen(function* () {
      yield* (yield* Artifacts).unname(name);
      return { name };
    }),
  "artifacts.export": ({ artifact, file }: { readonly artifact: string; readonly file: string }) =>
    Effect.gen(function* () {
      const { info, bytes } = yield* read(artifact);
      const { kind, media, description, references, tags, metrics } = info;
      const frame = yield* encodeFrame({ facts: { kind, media, description, references, tags, metrics }, bytes });
      yield* (yield* Disk).write(file, frame);
      return { file, bytes: frame.length, digest: info.digest };
    }),
  "artifacts.import": ({ file, name }: { readonly file: string; readonly name?: string }) =>
    Effect.gen(function* () {
      const { facts, bytes } = yield* decodeFrame(yield* (yield* Disk).read(file));
      return yield* (yield* Artifacts).put(bytes, facts, name);
    }),
  "artifacts.gc": ({ dry, keep }: { readonly dry?: boolean; readonly keep?: ReadonlyArray<Digest> }) =>
    Effect.gen(function* () {
      return yield* (yield* Artifacts).collect({ dry: dry ?? false, keep: keep ?? [] });
    }),
  "artifacts.verify": () =>
    Effect.gen(function* () {
      const store = yield* Artifacts;
      const checked = Object.keys((yield* store.state).artifacts).length;
      return { checked, damaged: yield* store.damaged };
    }),
};

/** The code of the registry. */
const code: Implementation = implementation({
  operations: [
    declared.Plugins,
    declared.LookAt,
    declared.Add,
    declared.Approve,
    declared.Remove,
    declared.Install,
    declared.Packages,
    declared.Recipes,
    declared.Find,
    declared.Artifacts,
    declared.Put,
    declared.Get,
    declared.Tag,
    declared.Unname,
    declared.Export,
    declared.Import,
    declared.Gc,
    declared.Verify,
  ],
  requires: [Registry, Ledger],
  layer,
  handlers,
});

export default code;
