/**
 * Resolution: which versions of which modules a program gets, one of each, and the lock that keeps them.
 *
 * Not fetching: the registry is at hand.
 * Invariant: one version a name; every range is satisfied; no circle; the same registry, demands and lock give the same
 * answer; the highest versions are tried first (a locked one before all), in order of name, and the search is bounded.
 *
 * @module
 */
import { type Digest, type Failure, isDigest, isJsonObject, type Json } from "../../../kernel/mod.ts";
import { badModule, moduleConflict, moduleCycle, moduleDigest } from "./failures.ts";
import { type Module, type ModuleRegistry, showModule } from "./modules.ts";
import { inRange, type Range, rangeOf, showVersion } from "./versions.ts";

/** Most versions tried before a search is given up. */
export const MAX_TRIALS = 20_000;

/** Most modules of one resolution. */
export const MAX_RESOLVED = 500;

/** What a resolution answers. */
export interface Resolution {
  /** The modules, what is needed before what needs it, ties by name. */
  readonly order: ReadonlyArray<Module>;
}

/** A lock: exact versions and digests. */
export interface Lock {
  /** Format of the lock. */
  readonly format: 1;
  /** Modules by name, in order of name. */
  readonly modules: { readonly [name: string]: { readonly version: string; readonly digest: Digest } };
}

const lockedIn = (lock: Lock | undefined, name: string): Lock["modules"][string] | undefined =>
  lock !== undefined && Object.hasOwn(lock.modules, name) ? lock.modules[name] : undefined;

interface Demand {
  readonly by: string;
  readonly range: Range;
  readonly text: string;
}

type Demands = ReadonlyMap<string, ReadonlyArray<Demand>>;
type Chosen = ReadonlyMap<string, Module>;

const withDemands = (
  demands: Demands,
  by: string,
  added: ReadonlyArray<{ readonly name: string; readonly range: Range; readonly text: string }>,
): Demands => {
  const more = new Map(demands);
  for (const { name, range, text } of added) more.set(name, [...(more.get(name) ?? []), { by, range, text }]);
  return more;
};

/** A circle among chosen modules, from a module back to itself; `undefined` where there is none. */
const circle = (chosen: Chosen): ReadonlyArray<Module> | undefined => {
  const done = new Set<string>();
  const path: Array<Module> = [];
  const visit = (module: Module): ReadonlyArray<Module> | undefined => {
    const start = path.indexOf(module);
    if (start >= 0) return [...path.slice(start), module];
    if (done.has(module.name)) return undefined;
    path.push(module);
    for (const { name } of module.dependencies) {
      const next = chosen.get(name);
      const found = next === undefined ? undefined : visit(next);
      if (found !== undefined) return found;
    }
    path.pop();
    done.add(module.name);
    return undefined;
  };
  for (const module of chosen.values()) {
    const found = visit(module);
    if (found !== undefined) return found;
  }
  return undefined;
};

const ordered = (chosen: Chosen): ReadonlyArray<Module> => {
  const order = new Set<Module>();
  const visit = (module: Module): void => {
    if (order.has(module)) return;
    for (const { name } of module.dependencies) visit(chosen.get(name)!);
    order.add(module);
  };
  for (const name of [...chosen.keys()].sort()) visit(chosen.get(name)!);
  return [...order];
};

class Search {
  #trials = 0;
  /** What went wrong with the most modules chosen: the reason that a person can act on. */
  #failure: Failure | undefined;
  #reach = -1;

  constructor(readonly registry: ModuleRegistry, readonly lock: Lock | undefined) {}

  run(demands: Demands): Chosen {
    const found = this.#choose(new Map(), demands);
    if (found === undefined) throw this.#failure!;
    return found;
  }

  #blame(reach: number, failure: Failure): undefined {
    if (reach > this.#reach) [this.#reach, this.#failure] = [reach, failure];
    return undefined;
  }

  #candidates(name: string, demands: ReadonlyArray<Demand>): ReadonlyArray<Module> {
    const locked = lockedIn(this.lock, name);
    const isLocked = ({ version }: Module): boolean => locked !== undefined && showVersion(version) === locked.version;
    const fitting = this.registry.versions(name)
      .filter((module) => !module.yanked || isLocked(module))
      .filter(({ version }) => demands.every(({ range }) => inRange(range, version)))
      .toReversed();
    return [...fitting.filter(isLocked), ...fitting.filter((module) => !isLocked(module))];
  }

  #nothingFits(name: string, demands: ReadonlyArray<Demand>): Failure {
    const lonely = demands.find(({ range }) =>
      !this.registry.versions(name).some(({ version, yanked }) => !yanked && inRange(range, version))
    );
    if (lonely !== undefined) return this.registry.unknown(name, lonely.text, lonely.by);
    const wanted = demands.map(({ by, text }) => `${by} needs ${text}`).sort().join(", ");
    return moduleConflict({ name, demands: wanted });
  }

  #choose(chosen: Chosen, demands: Demands): Chosen | undefined {
    const circular = circle(chosen);
    if (circular !== undefined) {
      const cycle = circular.map(showModule);
      return this.#blame(chosen.size, moduleCycle({ cycle: cycle.join(" → "), actual: cycle }));
    }
    for (const [name, module] of chosen) {
      const asked = demands.get(name)!;
      if (!asked.every(({ range }) => inRange(range, module.version))) {
        return this.#blame(chosen.size, this.#nothingFits(name, asked));
      }
    }
    const open = [...demands.keys()].filter((name) => !chosen.has(name)).sort()[0];
    if (open === undefined) return chosen;
    if (chosen.size >= MAX_RESOLVED) {
      throw badModule({ what: "module", text: open, reason: `more than ${MAX_RESOLVED} modules are needed together` });
    }
    const asked = demands.get(open)!;
    const candidates = this.#candidates(open, asked);
    if (candidates.length === 0) return this.#blame(chosen.size, this.#nothingFits(open, asked));
    for (const module of candidates) {
      if (++this.#trials > MAX_TRIALS) {
        throw moduleConflict({ name: open, demands: `no choice was found among ${MAX_TRIALS} versions tried` });
      }
      const found = this.#choose(
        new Map([...chosen, [open, module]]),
        withDemands(demands, showModule(module), module.dependencies),
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/**
 * Chooses versions for what is asked for, by name and range. Throws `RMIL_MODULE_UNKNOWN`, `RMIL_MODULE_CONFLICT` or
 * `RMIL_MODULE_CYCLE`.
 */
export const resolveModules = (
  registry: ModuleRegistry,
  asked: { readonly [name: string]: string },
  lock?: Lock,
  path = "",
): Resolution => {
  const wanted = Object.entries(asked).map(([name, text]) => ({ name, text, range: rangeOf(text, `${path}/${name}`) }));
  const order = ordered(new Search(registry, lock).run(withDemands(new Map(), "the program", wanted)));
  for (const module of order) {
    registry.get(module.name, showVersion(module.version));
    const locked = lockedIn(lock, module.name);
    if (locked?.version === showVersion(module.version) && locked.digest !== module.digest) {
      throw moduleDigest({ module: showModule(module), expected: locked.digest, actual: module.digest });
    }
  }
  return { order };
};

/** The lock of a resolution. */
export const lockOf = ({ order }: Resolution): Lock => ({
  format: 1,
  modules: Object.fromEntries(
    [...order].sort((a, b) => a.name < b.name ? -1 : 1)
      .map(({ name, version, digest }) => [name, { version: showVersion(version), digest }]),
  ),
});

/** Reads a lock; throws `RMIL_MODULE` where it is none. */
export const lockFromJson = (json: Json, path = ""): Lock => {
  const malformed = (at: string, reason: string) => badModule({ what: "lock", text: at, reason, path: path + at });
  if (!isJsonObject(json) || json.format !== 1) throw malformed("/format", "format 1 is expected");
  if (!isJsonObject(json.modules)) throw malformed("/modules", "an object is expected");
  const modules = Object.entries(json.modules).map(([name, entry]) => {
    const at = `/modules/${name}`;
    if (!isJsonObject(entry)) throw malformed(at, "an object is expected");
    const { version, digest } = entry;
    if (typeof version !== "string") throw malformed(`${at}/version`, "a version is expected");
    if (typeof digest !== "string" || !isDigest(digest)) throw malformed(`${at}/digest`, "a digest is expected");
    return [name, { version, digest }] as const;
  });
  return { format: 1, modules: Object.fromEntries(modules) };
};
