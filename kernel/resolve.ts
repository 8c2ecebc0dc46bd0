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

const idOf = (plugin: Plugin | undefined): string => String(plugin?.id);

const byId = (a: Plugin, b: Plugin): number => idOf(a) < idOf(b) ? -1 : idOf(a) > idOf(b) ? 1 : 0;

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

/** A name that several plugins claim. */
interface Clash {
  readonly claimants: ReadonlyArray<Plugin>;
  readonly failure: Failure;
}

const nameClash = (plugins: ReadonlyArray<Plugin>): Clash | undefined => {
  for (const [plugin, claimants] of groupBy(plugins, ({ id }) => [id])) {
    if (claimants.length === 1) continue;
    const versions = claimants.map(({ version }) => version).sort();
    return { claimants, failure: duplicatePlugin({ plugin, versions, path: `/${plugin}` }) };
  }
  for (const [namespace, claimants] of groupBy(plugins, ({ namespaces }) => namespaces.map(({ name }) => name))) {
    if (claimants.length === 1) continue;
    const ids = claimants.map(({ id }) => id);
    return { claimants, failure: namespaceClash({ namespace, plugins: ids, path: `/${ids[1]}/namespaces` }) };
  }
  return undefined;
};

const providerClash = (
  plugins: ReadonlyArray<Plugin>,
  providers: Providers,
  choose: Selection["choose"],
): Clash | undefined => {
  for (const capability of [...providers.keys()].sort()) {
    const choice = choiceFault(providers, capability, choose);
    if (Result.isSuccess(choice)) continue;
    // A wrong choice is the chooser's to mend: no provider gives way to it.
    const claimants = choose?.[capability] === undefined
      ? plugins.filter(({ provides }) => provides.some((provision) => provision.capability === capability))
      : [];
    return { claimants, failure: choice.failure };
  }
  return undefined;
};

/** The plugins that run, as far as it is known, and those left out. */
interface Field {
  readonly plugins: ReadonlyArray<Plugin>;
  readonly refused: ReadonlyArray<LeftOut>;
}

/** The field without the optional ones among the plugins at fault; fails where none of them is optional. */
const without = (field: Field, faulty: ReadonlyArray<Plugin>, failure: Failure): Result.Result<Field, Failure> => {
  const yielding = faulty.filter((plugin) => plugin?.optional === true);
  return yielding.length === 0 ? Result.fail(failure) : Result.succeed({
    plugins: field.plugins.filter((plugin) => !yielding.includes(plugin)),
    refused: [...field.refused, ...yielding.map((plugin) => ({ plugin, failure }))],
  });
};

/** Leaves one fault out, or finds what runs: leaving one plugin out may starve another, so it is asked again. */
const settle = (field: Field, selection: Selection): Result.Result<Field | Resolution, Failure> => {
  const { plugins, refused } = field;
  const malformed = plugins.find((plugin) => manifestFaults(plugin).length > 0);
  if (malformed !== undefined) return without(field, [malformed], manifestFaults(malformed)[0]);
  const providers = providersOf(plugins, selection.hostProvides ?? []);
  const clash = nameClash(plugins) ?? providerClash(plugins, providers, selection.choose);
  if (clash !== undefined) return without(field, clash.claimants, clash.failure);
  const needs = new Map<string, ReadonlyArray<string>>();
  for (const plugin of plugins) {
    const bound = bind(plugin, providers, selection.choose);
    if (Result.isFailure(bound)) return without(field, [plugin], bound.failure);
    const ids = new Set(bound.success.map(([, provider]) => provider));
    needs.set(plugin.id, [...ids].filter((id) => id !== HOST).sort());
  }
  const ordered = order(plugins, needs);
  if (Result.isFailure(ordered)) {
    const cycle = ordered.failure;
    const victim = plugins.find(({ id, optional }) => optional === true && cycle.includes(id));
    const failure = dependencyCycle({ cycle, path: `/${cycle[0]}/requires` });
    return without(field, victim === undefined ? [] : [victim], failure);
  }
  const chosen = [...providers].map(([capability]) => {
    const choice = choiceFault(providers, capability, selection.choose);
    return [capability, Result.isSuccess(choice) ? choice.success.id : HOST] as const;
  });
  return Result.succeed({
    order: ordered.success,
    providers: new Map(chosen),
    needs,
    refused: [...refused].sort((a, b) => byId(a.plugin, b.plugin)),
  });
};

/**
 * Resolves a set of plugins. Optional plugins with a fault, or that claim what another plugin has, are left out and
 * listed; any other fault fails with the plugins, the path and the fix: a malformed manifest, a duplicate id or
 * namespace, a missing capability, an incompatible version, two providers without a choice, a circle.
 */
export const resolve = (selection: Selection): Result.Result<Resolution, Failure> => {
  let field: Field = { plugins: [...selection.plugins].sort(byId), refused: [] };
  for (;;) {
    const step = settle(field, selection);
    if (Result.isFailure(step)) return Result.fail(step.failure);
    if ("order" in step.success) return Result.succeed(step.success);
    field = step.success;
  }
};
