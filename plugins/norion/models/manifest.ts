/**
 * Manifest: what a runtime's weights, tokeniser and configuration are said to be, and whether that holds, before a byte
 * of the weights is used.
 *
 * Not a loader. What was not looked at is listed: a manifest that passes has passed these checks and no others.
 * Invariant: a digest alone never passes a file, nor does its presence: the container must be read and its shapes must
 * be those of the architecture; whatever the manifest is, the answer is a list of checks.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Digest, digestBytes } from "../../../kernel/mod.ts";
import { presetOf } from "../device.ts";
import { type Check, check, type GateReport } from "../gates/check.ts";
import { CACHE_ABI } from "./cache_blocks.ts";
import { placesOf, saidBy } from "./places.ts";
import { readWeights, type WeightsHeader } from "./weights.ts";

/** Version of the format. */
export const MANIFEST_FORMAT = 1;

/** Longest local window. */
export const MAX_LOCAL_WINDOW = 4096;

/** Fewest bytes that weights can be. */
export const LEAST_WEIGHTS_BYTES = 64;

/** Largest asset that is read here. */
export const MAX_ASSET_BYTES: number = 2 ** 31;

const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 31 }));
const Name = Schema.NonEmptyString.check(Schema.isMaxLength(200));
const CacheBits = Schema.Literals([4, 8]);
const Asset = Schema.Struct({ file: Name, digest: Digest, bytes: Size });

const STATUSES = ["active", "suspect", "quarantined", "retired", "repaired", "rejected"] as const;

/** A runtime manifest. */
export const RuntimeManifest = Schema.Struct({
  format: Schema.Literal(MANIFEST_FORMAT),
  model: Schema.Struct({ id: Name, tokenizer: Name, window: Size, embedding: Size }),
  architecture: Schema.Struct({
    layers: Size,
    hidden: Size,
    heads: Size,
    kvHeads: Size,
    localWindow: Size.check(Schema.isLessThanOrEqualTo(MAX_LOCAL_WINDOW)),
  }),
  assets: Schema.Struct({ weights: Asset, tokenizer: Asset, config: Asset }),
  cache: Schema.Struct({
    import: Schema.Boolean,
    export: Schema.Boolean,
    abi: Schema.Int,
    namespace: Name,
    maxImport: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 64 })),
    maxExport: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 64 })),
  }),
  quantisation: Schema.Struct({ hot: CacheBits, cold: CacheBits, weights: Schema.Literals([4, 8, 16, 32]) }),
  devices: Schema.Array(Name).check(Schema.isMinLength(1)),
  adapters: Schema.Array(Name).check(Schema.isMinLength(1)),
  retired: Schema.Array(Name),
  records: Schema.Array(Schema.Struct({ subject: Name, status: Schema.Literals(STATUSES) })),
});

/** A runtime manifest. */
export type RuntimeManifest = typeof RuntimeManifest.Type;

/** What a look at a manifest tells. */
export interface ManifestReport extends GateReport {
  /** Whether the runtime may be used: `hold` where a person should look first. */
  readonly verdict: "allow" | "hold" | "block";
  /** The adapter that would be used. */
  readonly adapter?: string;
}

const report = (
  checks: ReadonlyArray<Check>,
  unchecked: ReadonlyArray<string>,
  adapter?: string,
): ManifestReport => ({
  verdict: checks.some(({ state }) => state === "fails")
    ? "block"
    : checks.some(({ state }) => state === "hold")
    ? "hold"
    : "allow",
  checks,
  unchecked,
  ...(adapter === undefined ? {} : { adapter }),
});

const shapeChecks = ({ architecture, quantisation, cache }: RuntimeManifest): ReadonlyArray<Check> => {
  const { hidden, heads, kvHeads } = architecture;
  return [
    check("heads divide the hidden size", hidden % heads === 0, `${hidden} by ${heads}`),
    check("key heads divide the heads", heads % kvHeads === 0, `${heads} by ${kvHeads}`),
    check(
      "cold bits are at most hot bits",
      quantisation.cold <= quantisation.hot,
      `${quantisation.cold} and ${quantisation.hot}`,
    ),
    check("cache blocks are of a known ABI", cache.abi === CACHE_ABI, `${cache.abi}, known is ${CACHE_ABI}`),
  ];
};

const deviceChecks = ({ devices }: RuntimeManifest, device: string | undefined): ReadonlyArray<Check> => {
  const named = devices.map((name) => {
    try {
      return presetOf(name).name;
    } catch {
      return undefined;
    }
  });
  const unknown = devices.filter((_, at) => named[at] === undefined);
  return [
    check(
      "the devices are known",
      unknown.length === 0,
      unknown.length === 0 ? devices.join(", ") : unknown.join(", "),
    ),
    ...(device === undefined
      ? []
      : [check("this device is supported", named.includes(device), `${device}; supported are ${devices.join(", ")}`)]),
  ];
};

/** What a status means to whatever it stands for. */
const MEANING: { readonly [S in typeof STATUSES[number]]: Check["state"] } = {
  active: "holds",
  repaired: "holds",
  suspect: "hold",
  quarantined: "fails",
  retired: "fails",
  rejected: "fails",
};

const recordChecks = (
  { adapters, retired, records, assets }: RuntimeManifest,
): { readonly checks: ReadonlyArray<Check>; readonly adapter?: string } => {
  const statusOf = (subject: string) => records.findLast((record) => record.subject === subject)?.status;
  const sound = (name: string): boolean => !retired.includes(name) && MEANING[statusOf(name) ?? "active"] !== "fails";
  const adapter = adapters.find(sound);
  const out = adapters.filter((name) => !sound(name)).map((name) =>
    `${name} is ${retired.includes(name) ? "retired" : statusOf(name)}`
  );
  const state = adapter === undefined ? "fails" : MEANING[statusOf(adapter) ?? "active"];
  return {
    checks: [
      {
        name: "an adapter may be used",
        state,
        detail: [...(adapter === undefined ? [] : [adapter]), ...out].join("; "),
      },
      ...Object.keys(assets).flatMap((asset): ReadonlyArray<Check> => {
        const status = statusOf(asset);
        return status === undefined
          ? []
          : [{ name: `the ${asset} may be used`, state: MEANING[status], detail: status }];
      }),
    ],
    ...(adapter === undefined ? {} : { adapter }),
  };
};

/** Members of a configuration that must agree with the architecture. */
const CONFIG_MEMBERS = {
  hidden_size: "hidden",
  num_hidden_layers: "layers",
  num_attention_heads: "heads",
  num_key_value_heads: "kvHeads",
} as const;

const jsonOf = (bytes: Uint8Array): Record<string, unknown> | undefined => {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

interface Found {
  readonly checks: ReadonlyArray<Check>;
  readonly unchecked: ReadonlyArray<string>;
}

const configChecks = ({ architecture, model }: RuntimeManifest, bytes: Uint8Array): Found => {
  const config = jsonOf(bytes);
  if (config === undefined) {
    return { checks: [check("the config is JSON", false, "it is no JSON object")], unchecked: [] };
  }
  const wanted: ReadonlyArray<readonly [string, number]> = [
    ...Object.entries(CONFIG_MEMBERS).map(([member, of]) => [member, architecture[of]] as const),
    ["max_position_embeddings", model.window],
  ];
  const told = wanted.filter(([member]) => config[member] !== undefined);
  return {
    checks: told.map(([member, value]) =>
      check(`config ${member} agrees`, config[member] === value, `${config[member]}, the manifest says ${value}`)
    ),
    unchecked: wanted.filter(([member]) => config[member] === undefined).map(([member]) =>
      `the config does not say ${member}`
    ),
  };
};

const vocabularyOf = (bytes: Uint8Array): number | undefined => {
  const vocabulary = (jsonOf(bytes)?.model as { vocab?: unknown } | undefined)?.vocab;
  return typeof vocabulary === "object" && vocabulary !== null ? Object.keys(vocabulary).length : undefined;
};

/** Numbers of layers that tensor names speak of. */
const LAYER = /(?:^|[._/])(?:layers?|blk|blocks?|h)[._](\d+)[._]/u;

const weightChecks = (
  { architecture, quantisation }: RuntimeManifest,
  header: WeightsHeader,
  vocabulary: number | undefined,
): Found => {
  const { tensors, facts } = header;
  const { hidden } = architecture;
  const layers = new Set(tensors.flatMap(({ name }) => LAYER.exec(name)?.[1] ?? []));
  const told = Object.entries(facts);
  const matrix = (rows: number): boolean =>
    tensors.some(({ shape }) => shape.length === 2 && shape.includes(hidden) && Math.max(...shape) >= rows);
  return {
    checks: [
      check("the weights hold tensors", tensors.length > 0, `${tensors.length} tensors in ${header.container}`),
      check("a tensor has the hidden size", tensors.some(({ shape }) => shape.includes(hidden)), `${hidden}`),
      ...(layers.size === 0 ? [] : [
        check(
          "as many layers as said",
          layers.size === architecture.layers,
          `${layers.size} of ${architecture.layers}`,
        ),
      ]),
      ...told.map(([fact, value]) =>
        check(`the weights' own ${fact} agrees`, value === architecture[fact as keyof typeof facts], `${value}`)
      ),
      ...(vocabulary === undefined
        ? []
        : [check("the tokens have embeddings", matrix(vocabulary), `${vocabulary} tokens of ${hidden} numbers`)]),
    ],
    unchecked: [
      ...(layers.size === 0 ? ["layers are not told by the tensors' names"] : []),
      ...(vocabulary === undefined ? ["the tokenizer does not tell its vocabulary"] : []),
      `whether the weights are of ${quantisation.weights} bits`,
      "the values of the weights",
    ],
  };
};

/** Reads a file of a runtime; nothing where there is none. */
export type ReadAsset<E, R> = (file: string) => Effect.Effect<Uint8Array | undefined, E, R>;

const ASSETS = ["weights", "tokenizer", "config"] as const;

const assetChecks = (
  manifest: RuntimeManifest,
  held: { readonly [A in typeof ASSETS[number]]?: Uint8Array },
): ReadonlyArray<Check> =>
  ASSETS.flatMap((asset) => {
    const { file, digest, bytes: wanted } = manifest.assets[asset];
    const bytes = held[asset];
    if (bytes === undefined) return [check(`the ${asset} is there`, false, file)];
    const least = asset === "weights" ? LEAST_WEIGHTS_BYTES : 2;
    return [
      check(`the ${asset} has its size`, bytes.length === wanted && bytes.length >= least, `${bytes.length} bytes`),
      check(`the ${asset} has its digest`, digestBytes(bytes) === digest, `${file}`),
    ];
  });

/** Characters of what a schema says that are shown. */
const MAX_SAID = 400;

const decode = Schema.decodeUnknownResult(RuntimeManifest);

/** Judges a manifest and its files, for a device where one is named; the weights are read last, and only if all else holds. */
export const checkManifest = <E, R>(
  given: unknown,
  read: ReadAsset<E, R>,
  device?: string,
): Effect.Effect<ManifestReport, E, R> =>
  Effect.gen(function* () {
    const decoded = decode(given, { onExcessProperty: "error", errors: "all" });
    if (Result.isFailure(decoded)) {
      const said = saidBy(decoded.failure).slice(0, MAX_SAID);
      return report(
        placesOf(decoded.failure).map((place, at) =>
          check(`${place || "the manifest"} is well formed`, false, at === 0 ? said : "as said before")
        ),
        ["the files of the runtime"],
      );
    }
    const manifest = decoded.success;
    const { checks: records, adapter } = recordChecks(manifest);
    const before = [...shapeChecks(manifest), ...deviceChecks(manifest, device), ...records];
    if (before.some(({ state }) => state === "fails")) return report(before, ["the files of the runtime"], adapter);

    const held: { [A in typeof ASSETS[number]]?: Uint8Array } = {};
    for (const asset of ASSETS.toReversed()) {
      const bytes = yield* read(manifest.assets[asset].file);
      if (bytes !== undefined) held[asset] = bytes;
    }
    const files = assetChecks(manifest, held);
    if (files.some(({ state }) => state === "fails")) {
      return report([...before, ...files], ["the shapes of the weights", "what the config says"], adapter);
    }
    const config = configChecks(manifest, held.config!);
    const header = yield* Effect.promise(() => readWeights(held.weights!));
    const weights: Found = "reason" in header
      ? { checks: [check("the weights can be read", false, header.reason)], unchecked: ["the shapes of the weights"] }
      : weightChecks(manifest, header, vocabularyOf(held.tokenizer!));
    return report(
      [...before, ...files, ...config.checks, ...weights.checks],
      [
        ...config.unchecked,
        ...weights.unchecked,
        ...(device === undefined ? ["whether this device is supported"] : []),
        "what the model answers",
      ],
      adapter,
    );
  });
