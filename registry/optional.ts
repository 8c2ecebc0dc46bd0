/**
 * Optional packages: the one table of what is too heavy to come along, and the only way to load it.
 *
 * Not a dependency list: nothing here is imported by a literal name, because that alone would download it.
 * Invariant: loading never downloads (the process runs `--cached-only`); absent is `KERNEL_PACKAGE_ABSENT` with the
 * command that installs it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type FailureOf, nearest, packageAbsent } from "../kernel/mod.ts";

/** One optional package. */
export interface OptionalPackage {
  /** Its name in the npm registry. */
  readonly name: string;
  /** The pinned version. */
  readonly version: string;
  /** Installed size, megabytes. */
  readonly sizeMb: number;
  /** What it is for. */
  readonly purpose: string;
  /** The plugin that uses it. */
  readonly plugin: string;
}

/** Every optional package. */
export const optionalPackages: ReadonlyArray<OptionalPackage> = [
  {
    name: "onnxruntime-node",
    version: "1.30.0",
    sizeMb: 288,
    purpose: "run whole ONNX graphs on native engines",
    plugin: "backends",
  },
  {
    name: "z3-solver",
    version: "5.2.0",
    sizeMb: 35,
    purpose: "solve constraints over integers and reals",
    plugin: "symbolic",
  },
  { name: "oxigraph", version: "0.5.11", sizeMb: 8, purpose: "SPARQL over the ontology", plugin: "knowledge" },
  {
    name: "@nats-io/transport-node",
    version: "3.4.0",
    sizeMb: 2,
    purpose: "messages between machines",
    plugin: "distributed",
  },
];

/** The row of a package. */
export const optionalPackage = (name: string): OptionalPackage | undefined =>
  optionalPackages.find((row) => row.name === name);

/** Names of packages near a misspelled one. */
export const nearestPackages = (name: string): ReadonlyArray<string> =>
  nearest(name, optionalPackages.map((row) => row.name), 3);

/** Loads an optional package that is in the cache. */
export const loadOptional = <M>(name: string): Effect.Effect<M, FailureOf<"KERNEL_PACKAGE_ABSENT">> => {
  const row = optionalPackage(name);
  const absent = () =>
    packageAbsent({ package: name, purpose: row?.purpose ?? "unknown", suggestions: nearestPackages(name) });
  if (row === undefined) return Effect.fail(absent());
  // The specifier is put together at run time, so that no tool finds it and fetches the package beforehand.
  const specifier = ["npm:", row.name, "@", row.version].join("");
  return Effect.tryPromise({ try: () => import(specifier) as Promise<M>, catch: absent });
};
