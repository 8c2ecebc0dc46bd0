/**
 * Modules: programs published under a name and a version, found by name and tag.
 *
 * Not the choice of versions (resolution.ts) and not the plugins' registry: a module is a program of this language.
 * Invariant: a published version never changes, bytes are what their digest says, and every listing is in order of name
 * and version, whatever the order of publishing.
 *
 * @module
 */
import { type Digest, digestBytes, nearest } from "../../../kernel/mod.ts";
import { badModule, moduleDigest, moduleExists, unknownModule } from "./failures.ts";
import { compareVersions, inRange, type Range, rangeOf, showVersion, type Version, versionOf } from "./versions.ts";

/** Longest name of a module, in characters. */
export const MAX_MODULE_NAME = 128;

/** Most modules of a registry, versions counted each. */
export const MAX_MODULES = 10_000;

/** Most dependencies and most tags of a module. */
export const MAX_DEPENDENCIES = 100;

/** What a module says about itself. */
export interface ModuleMeta {
  /** ASCII letters, digits, `_` and `-`. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** What it is for. */
  readonly description?: string;
  /** Who made it. */
  readonly author?: string;
  /** Words to find it by. */
  readonly tags?: ReadonlyArray<string>;
  /** Ranges of the modules it needs, by name. */
  readonly dependencies?: { readonly [name: string]: string };
}

/** A module as published. */
export interface Module {
  /** Name. */
  readonly name: string;
  /** Parsed version. */
  readonly version: Version;
  /** What it is for. */
  readonly description: string;
  /** Who made it. */
  readonly author: string;
  /** Words to find it by, in order. */
  readonly tags: ReadonlyArray<string>;
  /** Ranges of what it needs, in order of name. */
  readonly dependencies: ReadonlyArray<{ readonly name: string; readonly range: Range; readonly text: string }>;
  /** SHA-256 of its bytes. */
  readonly digest: Digest;
  /** Its encoded program. */
  readonly bytes: Uint8Array;
  /** Whether it is no longer offered; what is locked to it still gets it. */
  readonly yanked: boolean;
}

const NAME = /^[A-Za-z0-9_-]+$/u;

const compareText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;

/** `name@version`. */
export const showModule = ({ name, version }: Pick<Module, "name" | "version">): string =>
  `${name}@${showVersion(version)}`;

const checkName = (name: string, path: string): void => {
  if (name.length > MAX_MODULE_NAME || !NAME.test(name)) {
    throw badModule({
      what: "module name",
      text: name.slice(0, MAX_MODULE_NAME),
      reason: `1 to ${MAX_MODULE_NAME} letters, digits, _ and - are expected`,
      path,
    });
  }
};

const checkCount = (what: string, count: number, path: string): void => {
  if (count > MAX_DEPENDENCIES) {
    throw badModule({ what, text: String(count), reason: `at most ${MAX_DEPENDENCIES} are expected`, path });
  }
};

/** A registry of modules, in memory. */
export class ModuleRegistry {
  /** Versions by name, lowest first. */
  readonly #modules = new Map<string, Array<Module>>();
  #count = 0;

  /** Publishes a module; throws where its description is malformed or the version is there already. */
  publish(meta: ModuleMeta, bytes: Uint8Array, path = ""): Module {
    checkName(meta.name, `${path}/name`);
    const dependencies = Object.entries(meta.dependencies ?? {}).sort(([a], [b]) => compareText(a, b));
    const tags = [...new Set(meta.tags ?? [])].sort(compareText);
    checkCount("number of dependencies", dependencies.length, `${path}/dependencies`);
    checkCount("number of tags", tags.length, `${path}/tags`);
    if (this.#count >= MAX_MODULES) {
      throw badModule({ what: "registry", text: meta.name, reason: `it holds ${MAX_MODULES} modules already`, path });
    }
    const own = bytes.slice();
    const module: Module = {
      name: meta.name,
      version: versionOf(meta.version, `${path}/version`),
      description: meta.description ?? "",
      author: meta.author ?? "",
      tags,
      dependencies: dependencies.map(([name, text]) => {
        checkName(name, `${path}/dependencies`);
        return { name, text, range: rangeOf(text, `${path}/dependencies/${name}`) };
      }),
      digest: digestBytes(own),
      bytes: own,
      yanked: false,
    };
    const versions = this.#modules.get(module.name) ?? [];
    if (versions.some(({ version }) => compareVersions(version, module.version) === 0)) {
      throw moduleExists({ module: showModule(module), path });
    }
    versions.push(module);
    versions.sort((a, b) => compareVersions(a.version, b.version));
    this.#modules.set(module.name, versions);
    this.#count++;
    return module;
  }

  /** Takes a version out of the offer. Throws `RMIL_MODULE_UNKNOWN`. */
  yank(name: string, version: string): void {
    const found = this.get(name, version);
    const versions = this.#modules.get(name)!;
    versions[versions.indexOf(found)] = { ...found, yanked: true };
  }

  /** The module of a name and a version, its bytes verified. Throws `RMIL_MODULE_UNKNOWN` or `RMIL_MODULE_DIGEST`. */
  get(name: string, version: string, by = "the caller"): Module {
    const wanted = versionOf(version);
    const found = this.versions(name).find((module) => compareVersions(module.version, wanted) === 0);
    if (found === undefined) throw this.unknown(name, version, by);
    const actual = digestBytes(found.bytes);
    if (actual !== found.digest) throw moduleDigest({ module: showModule(found), expected: found.digest, actual });
    return found;
  }

  /** The highest version in a range that is still offered. Throws `RMIL_MODULE_UNKNOWN`. */
  highest(name: string, range: string): Module {
    const wanted = rangeOf(range);
    const found = this.versions(name).findLast(({ version, yanked }) => !yanked && inRange(wanted, version));
    if (found === undefined) throw this.unknown(name, range, "the caller");
    return found;
  }

  /** Every version of a name, lowest first, yanked ones too. */
  versions(name: string): ReadonlyArray<Module> {
    return this.#modules.get(name) ?? [];
  }

  /** Every name, in order. */
  get names(): ReadonlyArray<string> {
    return [...this.#modules.keys()].sort(compareText);
  }

  /** Number of modules, versions counted each. */
  get size(): number {
    return this.#count;
  }

  /** Versions that carry a tag, in any case of letters. */
  withTag(tag: string): ReadonlyArray<Module> {
    const wanted = tag.toLowerCase();
    return this.names.flatMap((name) =>
      this.versions(name).filter(({ tags }) => tags.some((each) => each.toLowerCase() === wanted))
    );
  }

  /** The highest version of each name that contains a text, in any case of letters. */
  search(text: string): ReadonlyArray<Module> {
    const wanted = text.toLowerCase();
    return this.names.filter((name) => name.toLowerCase().includes(wanted)).map((name) => this.versions(name).at(-1)!);
  }

  /** The failure for what nobody published. */
  unknown(name: string, range: string, by: string): ReturnType<typeof unknownModule> {
    const versions = this.versions(name).map(({ version }) => showVersion(version));
    const suggestions = versions.length > 0 ? versions.toReversed().slice(0, 3) : nearest(name, this.names, 3);
    return unknownModule({ name, range, by, suggestions });
  }
}
