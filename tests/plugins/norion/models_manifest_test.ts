import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { digestBytes, random } from "../../../kernel/mod.ts";
import { buildProgram, exportOnnx, tensorOf } from "../../../plugins/ir/library.ts";
import { writeRmiModel } from "../../../plugins/neural/library.ts";
import { readGguf } from "../../../plugins/norion/models/gguf.ts";
import { checkManifest, type ManifestReport } from "../../../plugins/norion/models/manifest.ts";
import { readWeights } from "../../../plugins/norion/models/weights.ts";
import { ggufFile } from "./gguf_file.ts";

const HIDDEN = 8;
const VOCABULARY = 20;

const WEIGHTS = ggufFile(
  {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": HIDDEN,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
  },
  [
    { name: "token_embd.weight", shape: [HIDDEN, VOCABULARY] },
    ...[0, 1].map((layer) => ({ name: `blk.${layer}.attn_q.weight`, shape: [HIDDEN, HIDDEN] })),
  ],
);
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const TOKENIZER = json({
  model: { vocab: Object.fromEntries(Array.from({ length: VOCABULARY }, (_, i) => [`t${i}`, i])) },
});
const CONFIG = { hidden_size: HIDDEN, num_hidden_layers: 2, num_attention_heads: 4, max_position_embeddings: 128 };

type Files = { readonly [name: string]: Uint8Array };
const FILES: Files = { "w.gguf": WEIGHTS, "tokenizer.json": TOKENIZER, "config.json": json(CONFIG) };

const assetOf = (files: Files, file: string) => ({ file, digest: digestBytes(files[file]), bytes: files[file].length });

const manifestOf = (files: Files = FILES) => ({
  format: 1,
  model: { id: "tiny", tokenizer: "tiny-20", window: 128, embedding: HIDDEN },
  architecture: { layers: 2, hidden: HIDDEN, heads: 4, kvHeads: 2, localWindow: 64 },
  assets: {
    weights: assetOf(files, "w.gguf"),
    tokenizer: assetOf(files, "tokenizer.json"),
    config: assetOf(files, "config.json"),
  },
  cache: { import: true, export: true, abi: 1, namespace: "tiny", maxImport: 8, maxExport: 4 },
  quantisation: { hot: 8, cold: 4, weights: 16 },
  devices: ["cpu", "server"],
  adapters: ["fast", "plain"],
  retired: [] as string[],
  records: [] as Array<{ subject: string; status: string }>,
});

type Manifest = ReturnType<typeof manifestOf>;

const judged = (
  manifest: unknown,
  files: Files = FILES,
  device: string | null = "cpu",
): Promise<ManifestReport & { readonly read: ReadonlyArray<string> }> => {
  const read: string[] = [];
  return Effect.runPromise(Effect.map(
    checkManifest(manifest, (file) =>
      Effect.sync(() => {
        read.push(file);
        return files[file];
      }), device ?? undefined),
    (report) => ({ ...report, read }),
  ));
};

const failing = ({ checks }: ManifestReport): ReadonlyArray<string> =>
  checks.filter(({ state }) => state === "fails").map(({ name, detail }) => `${name}: ${detail}`);

/** The manifest with one member replaced. */
const changed = (path: string, value: unknown, base: Manifest = manifestOf()): unknown => {
  const copy = JSON.parse(JSON.stringify(base));
  const keys = path.split("/").slice(1);
  keys.slice(0, -1).reduce((at, key) => at[key], copy)[keys.at(-1)!] = value;
  return copy;
};

Deno.test("a sound runtime passes, with the adapter that would be used and a list of what was not checked", async () => {
  const report = await judged(manifestOf());
  assert.deepEqual([report.verdict, failing(report), report.adapter], ["allow", [], "fast"]);
  assert.deepEqual(report.unchecked, [
    "the config does not say num_key_value_heads",
    "whether the weights are of 16 bits",
    "the values of the weights",
    "what the model answers",
  ]);
  assert.ok((await judged(manifestOf(), FILES, null)).unchecked.includes("whether this device is supported"));
  assert.deepEqual(report.read, ["config.json", "tokenizer.json", "w.gguf"]);
});

/** What is changed, what is said of it, and how many files were read. */
const FAULTS: ReadonlyArray<readonly [name: string, path: string, value: unknown, said: RegExp, read?: number]> = [
  ["a window of nothing", "/model/window", 0, /^\/model\/window is well formed/u],
  ["an unknown member", "/model/colour", "red", /^\/model\/colour is well formed/u],
  [
    "a local window that is too wide",
    "/architecture/localWindow",
    4097,
    /^\/architecture\/localWindow is well formed/u,
  ],
  ["heads that do not divide", "/architecture/heads", 3, /^heads divide the hidden size: 8 by 3/u],
  ["key heads that do not divide", "/architecture/kvHeads", 3, /^key heads divide the heads: 4 by 3/u],
  ["six-bit caches", "/quantisation/hot", 6, /^\/quantisation\/hot is well formed/u],
  ["cold above hot", "/quantisation", { hot: 4, cold: 8, weights: 16 }, /^cold bits are at most hot bits/u],
  ["another ABI", "/cache/abi", 2, /^cache blocks are of a known ABI: 2, known is 1/u],
  ["an unknown device", "/devices", ["cpu", "toaster"], /^the devices are known: toaster/u],
  ["an unsupported device", "/devices", ["server"], /^this device is supported: cpu; supported are server/u],
  [
    "only retired adapters",
    "/retired",
    ["fast", "plain"],
    /^an adapter may be used: fast is retired; plain is retired/u,
  ],
  [
    "only quarantined adapters",
    "/records",
    [{ subject: "fast", status: "quarantined" }, { subject: "plain", status: "rejected" }],
    /^an adapter may be used: fast is quarantined; plain is rejected/u,
  ],
  ["retired weights", "/records", [{ subject: "weights", status: "retired" }], /^the weights may be used: retired/u],
  ["another digest", "/assets/weights/digest", `sha256:${"0".repeat(64)}`, /^the weights has its digest/u, 3],
  ["another size", "/assets/config/bytes", 7, /^the config has its size/u, 3],
  ["a file that is not there", "/assets/tokenizer/file", "none.json", /^the tokenizer is there: none.json/u, 3],
  ["another count of layers", "/architecture/layers", 3, /^config num_hidden_layers agrees/u, 3],
  ["another hidden size", "/architecture/hidden", 16, /^config hidden_size agrees/u, 3],
];

for (const [name, path, value, said, read = 0] of FAULTS) {
  const when = read === 0 ? "before any file is read" : "before its weights are used";
  Deno.test(`a manifest with ${name} is blocked ${when}, with a message of its own (20.76)`, async () => {
    const report = await judged(changed(path, value));
    assert.equal(report.verdict, "block");
    assert.match(failing(report)[0], said);
    assert.equal(report.read.length, read);
  });
}

Deno.test("an adapter that is retired is passed over, and one that is suspect waits for a person (20.76)", async () => {
  const passed = await judged(changed("/retired", ["fast"]));
  assert.deepEqual([passed.verdict, passed.adapter], ["allow", "plain"]);
  const held = await judged(changed("/records", [{ subject: "fast", status: "suspect" }]));
  assert.deepEqual([held.verdict, held.adapter], ["hold", "fast"]);
  const repaired = await judged(changed("/records", [
    { subject: "fast", status: "quarantined" },
    { subject: "fast", status: "repaired" },
  ]));
  assert.deepEqual([repaired.verdict, repaired.adapter], ["allow", "fast"]);
});

Deno.test("weights of one byte are blocked though their digest is right, and so is every other container's beginning (20.76)", async () => {
  for (
    const bytes of [Uint8Array.of(8), WEIGHTS.slice(0, 100), new Uint8Array(500), json({ weights: "x".repeat(99) })]
  ) {
    const files = { ...FILES, "w.gguf": bytes };
    const report = await judged(manifestOf(files), files);
    assert.equal(report.verdict, "block");
    assert.match(failing(report)[0], /^the weights (?:has its size|can be read)/u);
  }
});

Deno.test("weights whose own facts or shapes are others are blocked", async () => {
  const swap = async (bytes: Uint8Array): Promise<ReadonlyArray<string>> => {
    const files = { ...FILES, "w.gguf": bytes };
    return failing(await judged(manifestOf(files), files));
  };
  const facts = { "general.architecture": "llama", "llama.embedding_length": 16 };
  const narrow = [{ name: "token_embd.weight", shape: [HIDDEN, VOCABULARY - 1] }];
  assert.deepEqual(await swap(ggufFile(facts, narrow)), [
    "the weights' own hidden agrees: 16",
    "the tokens have embeddings: 20 tokens of 8 numbers",
  ]);
  assert.deepEqual(await swap(ggufFile({}, [{ name: "blk.0.w", shape: [4, 40] }, { name: "blk.2.w", shape: [4] }])), [
    "a tensor has the hidden size: 8",
    "the tokens have embeddings: 20 tokens of 8 numbers",
  ]);
});

Deno.test("an ONNX file tells its weights and their shapes", async () => {
  const bytes = exportOnnx(
    buildProgram(
      { x: { dtype: "f32", shape: ["N", HIDDEN] }, w: { dtype: "f32", shape: [HIDDEN, 3] } },
      (g, { x, w }) => [g.matmul(x, w)],
    ),
    { weights: { w: tensorOf("f32", [HIDDEN, 3], new Float32Array(3 * HIDDEN)) } },
  );
  const header = await readWeights(bytes);
  assert.ok("container" in header);
  assert.equal(header.container, "onnx");
  assert.deepEqual(header.tensors.map(({ shape }) => [...shape]), [[HIDDEN, 3]]);
});

Deno.test("a safetensors file tells its tensors, and one whose tensors do not cover its bytes is none", async () => {
  const header = JSON.stringify({ "model.layers.0.w": { dtype: "F32", shape: [HIDDEN, 2], data_offsets: [0, 64] } });
  const file = (bytes: number): Uint8Array => {
    const whole = new Uint8Array(8 + header.length + bytes);
    new DataView(whole.buffer).setBigUint64(0, BigInt(header.length), true);
    whole.set(new TextEncoder().encode(header), 8);
    return whole;
  };
  const read = await readWeights(file(64));
  assert.ok("container" in read && read.container === "safetensors");
  assert.deepEqual(read.tensors.map(({ name, shape }) => [name, [...shape]]), [["model.layers.0.w", [HIDDEN, 2]]]);
  for (const bytes of [63, 65]) assert.ok("reason" in await readWeights(file(bytes)));
});

Deno.test("a .rmi model file tells its tensors", async () => {
  const tensors = new Map([["layer_0.param_0", tensorOf("f32", [HIDDEN, 2], new Float32Array(2 * HIDDEN))]]);
  const read = await readWeights(writeRmiModel(tensors, {}));
  assert.ok("container" in read && read.container === "rmi");
  assert.deepEqual(read.tensors.map(({ name, shape }) => [name, [...shape]]), [["layer_0.param_0", [HIDDEN, 2]]]);
});

Deno.test("whatever the bytes of a weights file are, the answer is a header or a reason", async () => {
  const draw = random("gguf");
  let read = 0;
  for (let n = 0; n < 3000; n++) {
    const bytes = WEIGHTS.slice(0, n % 3 === 0 ? draw.below(WEIGHTS.length) : WEIGHTS.length);
    for (let k = draw.below(6); k > 0; k--) bytes[draw.below(400) % Math.max(1, bytes.length)] = draw.below(256);
    const header = await readWeights(bytes);
    if ("container" in header) read++;
    else assert.ok(header.reason.length > 0);
  }
  assert.ok(read > 100 && read < 2900, `${read}`);
  assert.throws(() => readGguf(new TextEncoder().encode("GGUF")), { code: "NORION_MODELS" });
});
