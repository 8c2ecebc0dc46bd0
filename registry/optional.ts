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
    name: "onnxruntime-web",
    version: "1.30.0",
    sizeMb: 142,
    purpose: "run exported ONNX models in WebAssembly, to see that they answer alike",
    plugin: "evolution",
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
  { name: "mnist", version: "1.1.0", sizeMb: 41, purpose: "10,000 handwritten digits to learn from", plugin: "neural" },
  { name: "hyparquet", version: "1.31.5", sizeMb: 1, purpose: "read Parquet files", plugin: "neural" },
  {
    name: "hyparquet-compressors",
    version: "1.1.2",
    sizeMb: 1,
    purpose: "read Parquet files compressed by gzip, zstd, brotli or lz4",
    plugin: "neural",
  },
  { name: "apache-arrow", version: "21.2.0", sizeMb: 9, purpose: "read Arrow files", plugin: "neural" },
  { name: "typescript", version: "5.9.3", sizeMb: 23, purpose: "check the types of code in answers", plugin: "norion" },
  { name: "fast-png", version: "8.0.0", sizeMb: 1, purpose: "read PNG images", plugin: "neural" },
  { name: "jpeg-js", version: "0.4.4", sizeMb: 1, purpose: "read JPEG images", plugin: "neural" },
];

/** The row of a package. */
export const optionalPackage = (name: string): OptionalPackage | undefined =>
  optionalPackages.find((row) => row.name === name);

/** Names of packages near a misspelled one. */
export const nearestPackages = (name: string): ReadonlyArray<string> =>
  nearest(name, optionalPackages.map((row) => row.name), 3);

/** Files that are data, by how they end. */
const TYPES: ReadonlyArray<readonly [end: string, type: "json" | "text"]> = [[".json", "json"], [".d.ts", "text"]];

/** Loads an optional package that is in the cache, or one file of it: code, data in JSON, or declarations as text. */
export const loadOptional = <M>(
  name: string,
  file?: string,
): Effect.Effect<M, FailureOf<"KERNEL_PACKAGE_ABSENT">> => {
  const row = optionalPackage(name);
  const absent = () =>
    packageAbsent({ package: name, purpose: row?.purpose ?? "unknown", suggestions: nearestPackages(name) });
  if (row === undefined) return Effect.fail(absent());
  // The specifier is put together at run time, so that no tool finds it and fetches the package beforehand.
  const specifier = ["npm:", row.name, "@", row.version, ...(file === undefined ? [] : ["/", file])].join("");
  const type = file === undefined ? undefined : TYPES.find(([end]) => file.endsWith(end))?.[1];
  const options = type === undefined ? {} : { with: { type } };
  return Effect.tryPromise({ try: () => import(specifier, options) as Promise<M>, catch: absent });
};
