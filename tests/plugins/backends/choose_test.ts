/**
 * Choice of a device: by what it can and how fast it is, the same for the same measurements.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import {
  type Backend,
  type BackendRow,
  type Contender,
  type Device,
  estimateMs,
  makeBackends,
  mayNotEnd,
  type Needs,
  type Probe,
  rank,
  referenceBackend,
  type Speed,
  type Wanted,
} from "../../../plugins/backends/library.ts";
import { buildProgram, DTYPE_NAMES, type Program } from "../../../plugins/ir/library.ts";

const product = buildProgram({ x: "f32[N,64]", y: "f32[64,64]" }, (g, { x, y }) => g.matmul(x, y));

const device = (backend: string, more: Partial<Device> = {}): Device => ({
  id: `${backend}:0`,
  backend,
  name: backend,
  kind: "cpu",
  features: [],
  dtypes: DTYPE_NAMES,
  memoryBytes: 2 ** 30,
  ...more,
});

const speed = (overheadMs: number, flopsPerMs: number): Speed => ({ overheadMs, flopsPerMs, bytesPerMs: 1e9 });

const contender = (backend: string, measured: Speed, more: Partial<Contender> = {}): Contender => ({
  backend,
  device: device(backend),
  unsupported: [],
  speed: measured,
  ...more,
});

const needs = (sizes: Needs["sizes"], interruptible = false): Needs => ({ sizes, interruptible });

const NEAR = contender("near", speed(0.001, 1e6));
const FAR = contender("far", speed(5, 1e9));

Deno.test("a small program runs where starting is cheap, a large one where arithmetic is", () => {
  assert.equal(rank(product, [FAR, NEAR], needs({ N: 1 })).choice?.backend, "near");
  assert.equal(rank(product, [FAR, NEAR], needs({ N: 1_000_000 })).choice?.backend, "far");
});

Deno.test("an estimate is overhead, arithmetic and memory", () => {
  // 2·8·64·64 operations; 8·64, 64·64 and 8·64 elements of four bytes.
  assert.equal(estimateMs(product, { N: 8 }, speed(2, 1000)), 2 + 65_536 / 1000 + 4 * (512 + 4096 + 512) / 1e9);
});

Deno.test("equals go to the one that stands first", () => {
  const [a, b] = [contender("a", speed(1, 1)), contender("b", speed(1, 1))];
  assert.equal(rank(product, [a, b], needs({ N: 4 })).choice?.backend, "a");
  assert.equal(rank(product, [b, a], needs({ N: 4 })).choice?.backend, "b");
});

Deno.test("a device that cannot run one node is not chosen, and the node is named", () => {
  const unable = contender("fast", speed(0.001, 1e12), {
    unsupported: [
      { path: "/functions/main/nodes/0", op: "dot", reason: "it has no kernel for it" },
      { path: "/functions/main/nodes/1", op: "sort", reason: "nor for this" },
    ],
  });
  const { choice, candidates } = rank(product, [unable, NEAR], needs({ N: 4 }));
  assert.equal(choice?.backend, "near");
  assert.equal(
    candidates[1].refused,
    "dot at /functions/main/nodes/0: it has no kernel for it and 1 more nodes",
  );
});

const REFUSALS: ReadonlyArray<readonly [why: string, more: Partial<Contender>, reason: RegExp]> = [
  ["is absent", { device: undefined, absent: "there is no driver" }, /^there is no driver$/u],
  ["lacks a dtype", { device: device("x", { dtypes: ["f64"] }) }, /^it does not compute with f32$/u],
  ["lacks memory", { device: device("x", { memoryBytes: 100 }) }, /^it has 100 bytes, and \d+ are needed$/u],
  ["has no known speed", { speed: undefined }, /^its speed is not known$/u],
];

for (const [why, more, reason] of REFUSALS) {
  Deno.test(`a device that ${why} is not chosen`, () => {
    const { choice, candidates } = rank(product, [contender("x", speed(1, 1e9), more), NEAR], needs({ N: 4 }));
    assert.equal(choice?.backend, "near");
    assert.match(candidates[1].refused!, reason);
  });
}

Deno.test("a device that differs from the reference is chosen for fast numerics and refused for strict ones", () => {
  const loose = contender("loose", speed(0.001, 1e12), { deviations: ["zeroSigns", "nanOrder"] });
  assert.equal(rank(product, [NEAR, loose], needs({ N: 4 })).choice?.backend, "loose");
  const { choice, candidates } = rank(product, [NEAR, loose], { ...needs({ N: 4 }), strict: true });
  assert.equal(choice?.backend, "near");
  assert.equal(candidates[1].refused, "it differs from the reference in zeroSigns, nanOrder");
});

Deno.test("without a device that can, there is no choice", () => {
  const { choice, candidates } = rank(
    product,
    [contender("x", speed(1, 1), { unsupported: [], device: undefined })],
    needs({ N: 4 }),
  );
  assert.equal(choice, undefined);
  assert.equal(candidates.length, 1);
});

const endless = buildProgram(
  { n: "i64[]" },
  (g, { n }) => g.while([n], (h) => h.full({ dtype: "bool", shape: [] }, true), (_, [v]) => v),
);

Deno.test("a loop whose end is not known runs only where it can be interrupted", () => {
  assert(mayNotEnd(endless) && !mayNotEnd(product));
  const slow = contender("slow", speed(9, 1), { device: device("slow", { features: ["interruptible"] }) });
  assert.equal(rank(endless, [NEAR, slow], needs({}, true)).choice?.backend, "slow");
  assert.equal(rank(endless, [NEAR, slow], needs({}, false)).choice?.backend, "near");
});

/** A backend that runs as the reference does, under another name and with a probe of its own. */
const named = (id: string, probe: Probe): Backend => ({ ...referenceBackend, id, probe: Effect.succeed(probe) });

const row = (id: string, probe: Probe, native = false): BackendRow => ({
  id,
  doc: id,
  native,
  load: () => Promise.resolve(named(id, probe)),
});

const here = (id: string): Probe => ({ devices: [device(id, { id: "reference:0" })] });
const ABSENT: Probe = {
  devices: [],
  absence: { backend: "gone", reason: "there is no driver", remedy: "install one" },
};

const chosen = (rows: ReadonlyArray<BackendRow>, program: Program, wanted: Wanted) =>
  Effect.runPromise(Effect.result(makeBackends(rows).choose(program, wanted)));

const refusal = async (rows: ReadonlyArray<BackendRow>, wanted: Wanted) => {
  const answer = await chosen(rows, product, { sizes: { N: 4 }, ...wanted });
  assert(answer._tag === "Failure");
  return answer.failure;
};

Deno.test("a backend named is used, however slow", async () => {
  const rows = [row("a", here("a")), row("b", here("b"))];
  const answer = await chosen(rows, product, { sizes: { N: 4 }, backend: "b" });
  assert.equal(answer._tag === "Success" && answer.success.backend, "b");
});

Deno.test("a backend that is absent is refused with its reason and remedy; one that does not exist with the nearest", async () => {
  const rows = [row("gone", ABSENT), row("here", here("here"))];
  const absent = await refusal(rows, { backend: "gone" });
  assert.equal(absent.code, "BACKENDS_ABSENT");
  assert.match(absent.message, /there is no driver \(install one\)/u);
  const unknown = await refusal(rows, { backend: "her" });
  assert.equal(unknown.code, "BACKENDS_UNKNOWN");
  assert.deepEqual(unknown.fix?.patch, [{ op: "replace", path: "/backend", value: "here" }]);
});

Deno.test("a device that a backend does not have is refused with those it has", async () => {
  const failure = await refusal([row("here", here("here"))], { backend: "here", device: "here:7" });
  assert.equal(failure.code, "BACKENDS_UNKNOWN");
  assert.deepEqual(failure.expected, ["reference:0"]);
});

Deno.test("native code is neither looked for nor chosen unless it is allowed", async () => {
  let looked = 0;
  const native: BackendRow = {
    ...row("native", here("native"), true),
    load: () => {
      looked++;
      return Promise.resolve(named("native", here("native")));
    },
  };
  const backends = makeBackends([native, row("here", here("here"))]);
  const listed = await Effect.runPromise(backends.list());
  assert.deepEqual(listed.map(({ probe }) => probe === undefined), [true, false]);
  const choice = await Effect.runPromise(backends.choose(product, { sizes: { N: 4 } }));
  assert.deepEqual([choice.backend, choice.candidates.length, looked], ["here", 1, 0]);
  const both = await Effect.runPromise(backends.choose(product, { sizes: { N: 4 }, native: true }));
  assert.deepEqual([both.candidates.length, looked], [2, 1]);
});

Deno.test("a device is measured once", async () => {
  let compiled = 0;
  const counting: Backend = {
    ...named("here", here("here")),
    compile: (program, options) => {
      compiled++;
      return referenceBackend.compile(program, options);
    },
  };
  const backends = makeBackends([{ id: "here", doc: "", native: false, load: () => Promise.resolve(counting) }]);
  await Effect.runPromise(backends.choose(product, { sizes: { N: 4 } }));
  const first = compiled;
  await Effect.runPromise(backends.choose(product, { sizes: { N: 8 } }));
  assert(first >= 3);
  assert.equal(compiled, first);
});
