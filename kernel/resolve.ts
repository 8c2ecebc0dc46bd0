/**
 * Resolve: which plugins run, who provides what to whom, and in which order.
 *
 * Not loading or starting anything: it reads manifests only, and is a pure function of them.
 * Invariant: the order depends on the manifests alone (providers first, ties by id), never on the order they came in.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as SemVer from "effect/SemVer";
import * as SemVerRange from "effect/SemVerRange";
import type { Failure } from "./failure.ts";
import {
  capabilityClash,
  dependencyCycle,
  duplicatePlugin,
  incompatibleVersion,
  malformedVersion,
  missingCapability,
  namespaceClash,
  unknownChoice,
} from "./failures.ts";
import { nearest } from "./nearest.ts";
import { manifestFaults, type Plugin, type Provision, type Requirement } from "./plugin.ts";

/** The provider name of capabilities that the host layer brings. */
export const HOST = "host";

/** What to resolve. */
export interface Selection {
  /** The candidates. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** The provider of a capability that several provide. */
  readonly choose?: { readonly [capability: string]: string };
  /** What the host layer provides. */
  readonly hostProvides?: ReadonlyArray<Provision>;
}

/** A plugin left out, and why. */
export interface LeftOut {
  /** The plugin. */
  readonly plugin: Plugin;
  /** Why it does not run. */
  readonly failure: Failure;
}

/** A runnable set of plugins. */
export interface Resolution {
  /** Plugins in start order: providers before those that require them, ties by id. */
  readonly order: ReadonlyArray<Plugin>;
  /** Plugin id (or `HOST`) that provides each capability. */
  readonly providers: ReadonlyMap<string, string>;
  /** Ids of the plugins each plugin waits for, sorted. */
  readonly needs: ReadonlyMap<string, ReadonlyArray<string>>;
  /** Optional plugins left out, by id. */
  readonly refused: ReadonlyArray<LeftOut>;
}

const byId = (a: Plugin, b: Plugin): number => a.id < b.id ? -1 : a.id > b.id ? 1 : 0;

const groupBy = <A>(items: ReadonlyArray<A>, keysOf: (item: A) => ReadonlyArray<string>): Map<string, Array<A>> => {
  const groups = new Map<string, Array<A>>();
  for (const item of items) {
    for (const key of keysOf(item)) groups.set(key, [...groups.get(key) ?? [], item]);
  }
  return groups;
};

interface Provider {
  readonly id: string;
  readonly version: string;
}

type Providers = Map<string, ReadonlyArray<Provider>>;

const providersOf = (plugins: ReadonlyArray<Plugin>, hostProvides: ReadonlyArray<Provision>): Providers => {
  const found: Providers = new Map();
  const add = (capability: string, provider: Provider) =>
    found.set(capability, [...found.get(capability) ?? [], provider]);
  for (const { capability, version } of hostProvides) add(capability, { id: HOST, version });
  for (const plugin of plugins) {
    for (const { capability, version } of plugin.provides) add(capability, { id: plugin.id, version });
  }
  return found;
};

const choiceFault = (
  providers: Providers,
  capability: string,
  choose: Selection["choose"],
): Result.Result<Provider, Failure> => {
  const candidates = providers.get(capability) ?? [];
  const ids = candidates.map(({ id }) => id);
  const chosen = choose?.[capability];
  if (chosen !== undefined) {
    const match = candidates.find(({ id }) => id === chosen);
    return match === undefined
      ? Result.fail(unknownChoice({ capability, plugin: chosen, plugins: ids, path: `/choose/${capability}` }))
      : Result.succeed(match);
  }
  return candidates.length === 1
    ? Result.succeed(candidates[0])
    : Result.fail(capabilityClash({ capability, plugins: ids, path: `/choose/${capability}`, suggestions: ids }));
};

const accepts = (plugin: Plugin, need: Requirement, provider: Provider): Failure | undefined => {
  const range = SemVerRange.parse(need.range);
  if (Result.isFailure(range)) return malformedVersion({ plugin: plugin.id, text: need.range, actual: need.range });
  const version = SemVer.parse(provider.version);
  if (Result.isFailure(version)) {
    return malformedVersion({ plugin: provider.id, text: provider.version, actual: provider.version });
  }
  return SemVerRange.matches(range.success, version.success) ? undefined : incompatibleVersion({
    plugin: plugin.id,
    capability: need.capability,
    range: need.range,
    provider: provider.id,
    version: provider.version,
    path: `/${plugin.id}/requires/${need.capability}`,
    expected: need.range,
    actual: provider.version,
  });
};

/** The first fault of one plugin against the providers, or the providers of its requirements. */
const bind = (
  plugin: Plugin,
  providers: Providers,
  choose: Selection["choose"],
): Result.Result<ReadonlyArray<readonly [string, string]>, Failure> => {
  if (Result.isFailure(SemVer.parse(plugin.version))) {
    return Result.fail(
      malformedVersion({ plugin: plugin.id, text: plugin.version, path: `/${plugin.id}/version` }),
    );
  }
  const bound: Array<readonly [string, string]> = [];
  for (const need of plugin.requires) {
    if (!providers.has(need.capability)) {
      if (need.optional) continue;
      return Result.fail(missingCapability({
        plugin: plugin.id,
        capability: need.capability,
        range: need.range,
        path: `/${plugin.id}/requires/${need.capability}`,
        suggestions: nearest(need.capability, providers.keys(), 3),
      }));
    }
    const choice = choiceFault(providers, need.capability, choose);
    if (Result.isFailure(choice)) return Result.fail(choice.failure);
    const fault = accepts(plugin, need, choice.success);
    if (fault === undefined) bound.push([need.capability, choice.success.id]);
    else if (!need.optional) return Result.fail(fault);
  }
  return Result.succeed(bound);
};

/** Providers first, ties by id; or the plugins of a circle, first one repeated at the end. */
const order = (
  plugins: ReadonlyArray<Plugin>,
  needs: ReadonlyMap<string, ReadonlyArray<string>>,
): Result.Result<ReadonlyArray<Plugin>, ReadonlyArray<string>> => {
  const waiting = new Map(plugins.map((plugin) => [plugin.id, plugin]));
  const ordered: Array<Plugin> = [];
  while (waiting.size > 0) {
    const ready = [...waiting.values()].find(({ id }) => needs.get(id)!.every((need) => !waiting.has(need)));
    if (ready === undefined) break;
    ordered.push(ready);
    waiting.delete(ready.id);
  }
  if (waiting.size === 0) return Result.succeed(ordered);
  // Everything still waiting waits for something still waiting, so this walk must come back to where it was.
  const path: Array<string> = [];
  let here = waiting.keys().next().value!;
  while (!path.includes(here)) {
    path.push(here);
    here = needs.get(here)!.find((need) => waiting.has(need))!;
  }
  return Result.fail([...path.slice(path.indexOf(here)), here]);
};

const duplicateFault = (plugins: ReadonlyArray<Plugin>): Failure | undefined => {
  for (const [plugin, same] of groupBy(plugins, ({ id }) => [id])) {
    if (same.length > 1) {
      return duplicatePlugin({ plugin, versions: same.map(({ version }) => version), path: `/${plugin}` });
    }
  }
  for (const [namespace, same] of groupBy(plugins, ({ namespaces }) => namespaces.map(({ name }) => name))) {
    if (same.length > 1) {
      return namespaceClash({ namespace, plugins: same.map(({ id }) => id), path: `/${same[1].id}/namespaces` });
    }
  }
  return undefined;
};

const choicesFault = (providers: Providers, choose: Selection["choose"]): Failure | undefined => {
  for (const capability of [...providers.keys()].sort()) {
    const choice = choiceFault(providers, capability, choose);
    if (Result.isFailure(choice)) return choice.failure;
  }
  return undefined;
};

/**
 * Resolves a set of plugins. Optional plugins with a fault are left out and listed; any other fault fails with the
 * plugins, the path and the fix: a malformed manifest, a duplicate id or namespace, a missing capability, an
 * incompatible version, two providers without a choice, a circle.
 */
export const resolve = (selection: Selection): Result.Result<Resolution, Failure> => {
  const refused: Array<LeftOut> = [];
  let plugins = [...selection.plugins];
  for (const plugin of selection.plugins) {
    const fault = manifestFaults(plugin)[0];
    if (fault === undefined) continue;
    if (plugin?.optional !== true) return Result.fail(fault);
    refused.push({ plugin, failure: fault });
    plugins = plugins.filter((other) => other !== plugin);
  }
  const duplicate = duplicateFault(plugins);
  if (duplicate !== undefined) return Result.fail(duplicate);
  plugins.sort(byId);

  for (;;) {
    const providers = providersOf(plugins, selection.hostProvides ?? []);
    const clash = choicesFault(providers, selection.choose);
    if (clash !== undefined) return Result.fail(clash);
    const bound = plugins.map((plugin) => [plugin, bind(plugin, providers, selection.choose)] as const);
    const faulty = bound.find(([, result]) => Result.isFailure(result));
    if (faulty !== undefined) {
      const [plugin, result] = faulty;
      if (!Result.isFailure(result)) continue;
      if (plugin.optional !== true) return Result.fail(result.failure);
      // Leaving one out may starve another: resolve again without it.
      refused.push({ plugin, failure: result.failure });
      plugins = plugins.filter((other) => other !== plugin);
      continue;
    }
    const needs = new Map(bound.map(([plugin, result]) => [
      plugin.id,
      Result.isSuccess(result)
        ? [...new Set(result.success.map(([, provider]) => provider))].filter((id) => id !== HOST).sort()
        : [],
    ]));
    const ordered = order(plugins, needs);
    if (Result.isFailure(ordered)) {
      const cycle = ordered.failure;
      const victim = plugins.find(({ id, optional }) => optional === true && cycle.includes(id));
      const failure = dependencyCycle({ cycle, path: `/${cycle[0]}/requires` });
      if (victim === undefined) return Result.fail(failure);
      refused.push({ plugin: victim, failure });
      plugins = plugins.filter((other) => other !== victim);
      continue;
    }
    return Result.succeed({
      order: ordered.success,
      providers: new Map([...providers].map(([capability]) => {
        const choice = choiceFault(providers, capability, selection.choose);
        return [capability, Result.isSuccess(choice) ? choice.success.id : HOST];
      })),
      needs,
      refused: refused.sort((a, b) => byId(a.plugin, b.plugin)),
    });
  }
};
