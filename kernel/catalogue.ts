/**
 * Catalogue: the declarations behind the manifests, loaded when asked for, and the small texts agents discover with.
 *
 * Not the plugins' code: asking what exists starts nothing.
 * Invariant: an actor learns only of operations the gate lets it see, also through near misses.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Actor } from "./actor.ts";
import type { KernelFailure } from "./failure.ts";
import { bootDeadline, bootFailed, incompleteDeclaration, unknownOperation } from "./failures.ts";
import type { GateShape } from "./gate.ts";
import type { Description, Hit } from "./kernel.ts";
import { nearest } from "./nearest.ts";
import { type AnyOperation, declarationFaults, declarationJson, namespaceOf } from "./operation.ts";
import { BOOT_DEADLINE_MS, type Namespace, type Plugin, type Topic } from "./plugin.ts";
import { bm25 } from "./search_index.ts";
import { VERSION } from "./version.ts";

/** Namespaces listed in the manifest before "and N more". */
export const MANIFEST_NAMESPACES = 40;

/** Longest line of a namespace in the manifest, in characters: {@link MANIFEST_NAMESPACES} of them stay in its budget. */
export const MANIFEST_LINE = 88;

/** Results of a search when the caller names no limit. */
export const DEFAULT_HITS = 10;

const SUGGESTIONS = 3;

/** The declarations of a resolved set of plugins. */
export interface Catalogue {
  /** The declaration of an id, or `KERNEL_UNKNOWN_OPERATION` with the nearest ids the actor may know. */
  readonly find: (id: string, actor: Actor, path?: string) => Effect.Effect<Declared, KernelFailure>;
  /**
   * The topic of an id, or `KERNEL_UNKNOWN_OPERATION` with the nearest operations and topics the actor may know. Topics
   * are known to whoever may know one of the plugin's operations.
   */
  readonly explain: (id: string, actor: Actor, path?: string) => Effect.Effect<Explained, KernelFailure>;
  /** Every declaration the actor may know, by id. */
  readonly visible: (actor: Actor) => Effect.Effect<ReadonlyArray<Declared>>;
  /** Plugins whose declarations could not be used, and why. */
  readonly broken: ReadonlyMap<string, KernelFailure>;
}

/** A declaration and the plugin it belongs to. */
export interface Declared {
  /** The declaration. */
  readonly operation: AnyOperation;
  /** Its plugin. */
  readonly plugin: Plugin;
}

/** A topic and the plugin it belongs to. */
export interface Explained {
  /** The topic. */
  readonly topic: Topic;
  /** Its plugin. */
  readonly plugin: Plugin;
}

const checked = (plugin: Plugin, operations: ReadonlyArray<AnyOperation>): KernelFailure | undefined => {
  const names = plugin.namespaces.map(({ name }) => name);
  const seen = new Set<string>();
  for (const declared of operations) {
    const fault = declarationFaults(declared)[0];
    if (fault !== undefined) return fault;
    if (!names.includes(namespaceOf(declared.id))) {
      return incompleteDeclaration({
        operation: declared.id,
        field: "id",
        path: "/id",
        expected: `in one of the namespaces ${names.join(", ")} of ${plugin.id}`,
      });
    }
    if (seen.has(declared.id)) {
      return incompleteDeclaration({ operation: declared.id, field: "id", path: "/id", expected: "declared once" });
    }
    seen.add(declared.id);
    const beyond = [...declared.effects, ...declared.kinds]
      .find((authority) => ![...plugin.effects, ...plugin.kinds].includes(authority));
    if (beyond !== undefined) {
      return incompleteDeclaration({
        operation: declared.id,
        field: "effects",
        path: "/effects",
        expected: `within the manifest of ${plugin.id}, which does not name ${beyond}`,
      });
    }
  }
  return undefined;
};

const byId = (a: Declared, b: Declared): number => a.operation.id < b.operation.id ? -1 : 1;

/** Builds the catalogue of a resolved set of plugins. */
export const makeCatalogue = (plugins: ReadonlyArray<Plugin>, gate: GateShape): Catalogue => {
  const reading = new Map<string, Promise<ReadonlyArray<Declared>>>();
  const known = new Map<string, ReadonlyArray<Declared>>();
  const broken = new Map<string, KernelFailure>();
  const settle = (plugin: Plugin, operations: ReadonlyArray<AnyOperation>, fault?: KernelFailure) => {
    // Whatever comes after the deadline comes too late.
    const settled = known.get(plugin.id);
    if (settled !== undefined) return settled;
    if (fault !== undefined) broken.set(plugin.id, fault);
    const declared = fault === undefined ? operations.map((operation) => ({ operation, plugin })) : [];
    known.set(plugin.id, declared);
    return declared;
  };
  const read = async (plugin: Plugin): Promise<ReadonlyArray<Declared>> => {
    try {
      const operations = await plugin.operations();
      return settle(plugin, operations, checked(plugin, operations));
    } catch (cause) {
      const why = `reading its declarations: ${describeCause(cause)}`;
      return settle(plugin, [], bootFailed({ plugin: plugin.id, cause: why }));
    }
  };
  const load = (plugin: Plugin): Promise<ReadonlyArray<Declared>> => {
    const declared = reading.get(plugin.id) ?? read(plugin);
    reading.set(plugin.id, declared);
    return declared;
  };
  // Declarations that never arrive must not keep anybody from asking about the others.
  const declarations = (plugin: Plugin): Effect.Effect<ReadonlyArray<Declared>> =>
    Effect.suspend(() => {
      const declared = known.get(plugin.id);
      if (declared !== undefined) return Effect.succeed(declared);
      const deadlineMs = plugin.bootDeadlineMs ?? BOOT_DEADLINE_MS;
      return Effect.timeoutOrElse(Effect.promise(() => load(plugin)), {
        duration: deadlineMs,
        orElse: () =>
          Effect.sync(() =>
            settle(plugin, [], bootDeadline({ plugin: plugin.id, deadlineMs, cause: "reading its declarations" }))
          ),
      });
    });
  const owners = new Map(plugins.flatMap((plugin) => plugin.namespaces.map(({ name }) => [name, plugin] as const)));
  const mayKnow = (actor: Actor) => ({ operation }: Declared) =>
    gate.visible({
      id: operation.id,
      effects: operation.effects,
      kinds: operation.kinds,
      refined: operation.refine !== undefined,
    }, actor);

  const visible = (actor: Actor) =>
    Effect.map(
      Effect.forEach(plugins, declarations, { concurrency: "unbounded" }),
      (all) => all.flat().filter(mayKnow(actor)).sort(byId),
    );

  const find = (id: string, actor: Actor, path = "") =>
    Effect.gen(function* () {
      const owner = owners.get(namespaceOf(id));
      if (owner !== undefined) {
        const declared = (yield* declarations(owner)).find(({ operation }) => operation.id === id);
        if (declared !== undefined && mayKnow(actor)(declared)) return declared;
        const fault = broken.get(owner.id);
        if (fault !== undefined) return yield* fault;
      }
      const ids = (yield* visible(actor)).map(({ operation }) => operation.id);
      return yield* unknownOperation({ id, path, actual: id, suggestions: nearest(id, ids, SUGGESTIONS) });
    });

  const topicsOf = (plugin: Plugin | undefined): Effect.Effect<ReadonlyArray<Topic>, KernelFailure> =>
    plugin?.topics === undefined ? Effect.succeed([]) : Effect.timeoutOrElse(
      Effect.tryPromise({
        try: async () => await plugin.topics!(),
        catch: (cause) =>
          bootFailed({ plugin: plugin.id, cause: `reading its topics: ${describeCause(cause)}` }) as KernelFailure,
      }),
      {
        duration: plugin.bootDeadlineMs ?? BOOT_DEADLINE_MS,
        orElse: () => Effect.succeed([]),
      },
    );

  const explain = (id: string, actor: Actor, path = "") =>
    Effect.gen(function* () {
      const known = yield* visible(actor);
      const plugin = owners.get(namespaceOf(id));
      const mayExplain = known.some((declared) => declared.plugin === plugin);
      const topics = mayExplain ? yield* topicsOf(plugin) : [];
      const topic = topics.find((each) => each.id === id);
      if (topic !== undefined) return { topic, plugin: plugin! };
      const ids = [...known.map(({ operation }) => operation.id), ...topics.map((each) => each.id)];
      return yield* unknownOperation({ id, path, actual: id, suggestions: nearest(id, ids, SUGGESTIONS) });
    });

  return { find, explain, visible, broken };
};

/** What went wrong, in one line. */
export const describeCause = (cause: unknown): string =>
  (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)).split("\n")[0];

/** `describe` of one declaration. */
export const description = ({ operation, plugin }: Declared): Description => ({
  id: operation.id,
  summary: operation.summary,
  plugin: plugin.id,
  declaration: declarationJson(operation),
  examples: operation.examples,
});

/** Ranks declarations against a query: id and summary weigh most, then member names, failures and recipes. */
export const searchDeclared = (
  declared: ReadonlyArray<Declared>,
  query: string,
  limit = DEFAULT_HITS,
): ReadonlyArray<Hit> => {
  const summaries = new Map(declared.map(({ operation }) => [operation.id, operation.summary]));
  const index = bm25(declared.map(({ operation, plugin }) => ({
    id: operation.id,
    fields: [
      { text: operation.id.replaceAll(".", " "), weight: 4 },
      { text: operation.summary, weight: 3 },
      { text: plugin.namespaces.find(({ name }) => name === namespaceOf(operation.id))?.summary ?? "", weight: 1 },
      { text: Object.keys(operation.input.fields ?? {}).join(" "), weight: 1 },
      { text: [...operation.effects, ...operation.kinds].join(" "), weight: 1 },
      { text: recipesNaming(plugin, operation.id).join(" "), weight: 2 },
    ],
  })));
  return index.search(query, limit).map(({ id, score }) => ({ id, summary: summaries.get(id)!, score }));
};

const recipesNaming = (plugin: Plugin, id: string): ReadonlyArray<string> =>
  plugin.namespaces.flatMap(({ recipes = [] }) =>
    recipes.filter(({ steps }) => steps.includes(id)).map(({ task }) => task)
  );

/** A namespace's line; what a plugin says of itself never makes a second one. */
const lineOf = ({ name, summary }: Namespace, count: number): string => {
  const line = `  ${name} (${count}): ${summary.replaceAll(/[\s\p{C}]+/gu, " ").trim()}`;
  return line.length <= MANIFEST_LINE ? line : `${line.slice(0, MANIFEST_LINE - 1).trimEnd()}…`;
};

/** The manifest text: one line a namespace that holds something the actor may know. */
export const manifestText = (plugins: ReadonlyArray<Plugin>, declared: ReadonlyArray<Declared>): string => {
  const counts = new Map<string, number>();
  for (const { operation } of declared) {
    const name = namespaceOf(operation.id);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const namespaces = plugins.flatMap((plugin) => plugin.namespaces)
    .filter(({ name }) => counts.has(name))
    .sort((a: Namespace, b: Namespace) => (b.priority ?? 0) - (a.priority ?? 0) || (a.name < b.name ? -1 : 1));
  const listed = namespaces.slice(0, MANIFEST_NAMESPACES);
  const more = namespaces.length - listed.length;
  return [
    `RMI ${VERSION}: ${declared.length} operations in ${namespaces.length} namespaces`,
    ...listed.map((namespace) => lineOf(namespace, counts.get(namespace.name)!)),
    ...more > 0 ? [`  and ${more} more: search`] : [],
    'search: kernel.search {"query":"…"}   describe: kernel.describe {"id":"namespace.verb"}',
    "call: rmi call <operation> '<json>'   every failure carries a code, a path and a fix",
    "",
  ].join("\n");
};
