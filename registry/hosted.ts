/**
 * Hosted: an approved third-party plugin as a plugin of this kernel: its manifest and declarations from data, its
 * handlers as calls to its process.
 *
 * Invariant: it is marked foreign and optional, stands behind the house's namespaces, and has no short names; only one
 * that a person trusted is imported here, and only while its code is what was approved.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { AnyOperation, Implementation, Json, Plugin } from "../kernel/mod.ts";
import { connect, type Connection } from "./connection.ts";
import type { Described } from "./described.ts";
import { type RegistryFailure, unusableSource } from "./failures.ts";
import type { PluginHosts } from "./hosts.ts";

/** What a hosted plugin is made of. */
export interface Hosted {
  /** Its approved description. */
  readonly described: Described;
  /** Its rebuilt declarations. */
  readonly operations: ReadonlyArray<AnyOperation>;
  /** Starts its process. */
  readonly hosts: PluginHosts;
  /** Checks that its code is still what was approved. */
  readonly unchanged: Effect.Effect<void, RegistryFailure>;
  /** Its file, where a person let it run in this process. */
  readonly trusted?: string;
}

const manifestOf = (row: Described): Omit<Plugin, "operations" | "load"> => ({
  id: row.id,
  version: row.version,
  summary: row.summary,
  provides: [],
  requires: [],
  effects: row.effects,
  kinds: row.kinds,
  reach: row.reach,
  stability: row.stability,
  foreign: true,
  optional: true,
  namespaces: row.namespaces.map((space) => ({ ...space, priority: -1 })),
});

const inChild = ({ described, operations, hosts, unchanged }: Hosted): Implementation => {
  class Own extends Context.Service<Own, Connection>()(`rmi/Connection/${described.id}`) {}
  const handlers = Object.fromEntries(operations.map((declared) => [
    declared.id,
    (input: Json) => Effect.flatMap(Effect.service(Own), (connection) => connection.call(declared, input)),
  ]));
  return { layer: Layer.effect(Own, connect(hosts, { described, unchanged })), handlers } as unknown as Implementation;
};

const inProcess = async ({ described, unchanged, trusted }: Hosted): Promise<{ readonly default: Implementation }> => {
  await Effect.runPromise(unchanged);
  const module = await import(`file://${encodeURI(trusted!)}`) as { readonly default?: Plugin };
  const loaded = await module.default?.load();
  if (loaded === undefined) throw unusableSource({ source: described.id, reason: "it has no default export" });
  return loaded;
};

/** The plugin. */
export const hostedPlugin = (hosted: Hosted): Plugin => ({
  ...manifestOf(hosted.described),
  operations: () => hosted.operations,
  load: () => hosted.trusted === undefined ? { default: inChild(hosted) } : inProcess(hosted),
});
