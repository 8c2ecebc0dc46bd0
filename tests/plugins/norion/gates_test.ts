import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { LedgerEvent } from "../../../effects/mod.ts";
import { type Digest, digestText, type Failure, type Json } from "../../../kernel/mod.ts";
import { makeBackends } from "../../../plugins/backends/library.ts";
import { type Descriptor, planDevice, presetOf, PRESETS, pressureOf } from "../../../plugins/norion/device.ts";
import { benchmarkGate, readMeasurement } from "../../../plugins/norion/gates/benchmark.ts";
import { EXIT, exitCodeOf } from "../../../plugins/surfaces/cli/exit.ts";
import { closing } from "../../../plugins/norion/gates/check.ts";
import { descriptorCheck, deviceGate, readContract, writeContract } from "../../../plugins/norion/gates/device.ts";
import { memoryGate, traceGate } from "../../../plugins/norion/gates/state.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { put } from "../../../plugins/norion/state/buckets.ts";
import { checkConsistency } from "../../../plugins/norion/state/consistency.ts";
import type { MemoryItem, MemoryState } from "../../../plugins/norion/state/memory.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const broken = (more: Partial<Descriptor>): string => {
  const { state, detail } = descriptorCheck({ ...presetOf("cpu"), ...more }, DEFAULT_POLICY);
  return state === "holds" ? "holds" : detail;
};

Deno.test("the device gate passes every preset and closes for a broken one with the reason, an unknown device is an error, and loads above one are percent (20.78)", () => {
  for (const preset of PRESETS) assert.equal(descriptorCheck(preset, DEFAULT_POLICY).state, "holds", preset.name);
  assert.equal(broken({ memoryMiB: 0 }), "memory cannot be planned with");
  assert.equal(broken({ parallel: 0, prefetch: 1.5 }), "calls side by side, prefetch cannot be planned with");
  assert.equal(broken({ localScale: NaN }), "scales cannot be planned with");
  assert.equal(broken({ cacheBits: 16 as 8 }), "bits cannot be planned with");
  assert.equal(broken({ latencyMs: -1 }), "latency cannot be planned with");
  assert.equal(
    broken({ weights: { cpu: 0.5, gpu: 0.5, memory: 0.5, disk: 0.5 } }),
    "weights of the loads cannot be planned with",
  );
  assert.throws(() => presetOf("toaster"), { code: "NORION_DEVICE" });
  const provenance = { descriptor: "assumed", load: "assumed" } as const;
  const pressure = (load: number) =>
    pressureOf({ descriptor: presetOf("cpu"), load: { cpu: load, gpu: load, memory: load, disk: load }, provenance });
  assert.equal(pressure(50), pressure(0.5));
});

Deno.test("a device that is here is put to the test by computing, and one that is not is said to be missing", async () => {
  const { checks, unchecked } = await Effect.runPromise(deviceGate([], makeBackends(), DEFAULT_POLICY));
  assert.deepEqual(closing({ checks, unchecked }), []);
  const cpu = checks.find(({ name }) => name === "device cpu:0 computes rightly");
  assert.match(cpu?.detail ?? "", /^(\d+) of \1 cases$/u);
  assert.ok(unchecked.some((line) => line.startsWith("backend ") && line.includes("native")));
  assert.ok(unchecked.includes("how fast any device is"));
});

Deno.test("a device's contract survives the trip through its one line of JSON, and a line that is none is refused", () => {
  for (const preset of PRESETS) {
    for (const load of [0, 0.5, 0.9, 1]) {
      const device = {
        descriptor: preset,
        load: { cpu: load, gpu: load, memory: load, disk: load },
        provenance: { descriptor: "override", load: "assumed" } as const,
      };
      const plan = planDevice(device, 9000, DEFAULT_POLICY);
      assert.deepEqual(readContract(writeContract(plan)), plan);
      assert.ok(!writeContract(plan).includes("\n"));
    }
  }
  const line = writeContract(planDevice(
    {
      descriptor: presetOf("cpu"),
      load: { cpu: 0, gpu: 0, memory: 0, disk: 0 },
      provenance: { descriptor: "assumed", load: "assumed" },
    },
    10,
    DEFAULT_POLICY,
  ));
  for (const bad of [line.replace('"parallel":1', '"parallel":0'), line.replace("{", '{"x":1,'), "{}", "x"]) {
    assert.throws(() => readContract(bad), { code: "NORION_MODELS" }, bad);
  }
});

const SCOPE = digestText("scope");

const item = (id: string, more: Partial<MemoryItem> = {}): MemoryItem => ({
  id,
  namespace: "fact",
  scope: SCOPE,
  text: digestText(id),
  source: "user",
  standing: "user",
  strength: 600,
  hits: 0,
  failures: 0,
  born: 3,
  used: 3,
  protected: false,
  supersedes: [],
  ...more,
});

const event = (seq: number, type: string, data: Json): LedgerEvent => ({
  seq,
  at: "2026-01-01T00:00:00.000Z",
  type,
  actor: "user@tty",
  data,
  hash: "sha256:0" as Digest,
  previous: "sha256:0" as Digest,
});

/** A state as no fold would make it. */
const memoryOf = (items: ReadonlyArray<MemoryItem>): MemoryState =>
  items.reduce((state, one) => put(state, one.id, one), { buckets: {} } as MemoryState);

const memoryFaults = (items: ReadonlyArray<MemoryItem>): ReadonlyArray<string> => closing(memoryGate(memoryOf(items)));

Deno.test("the memory gate closes for each way in which memory can contradict itself", () => {
  assert.deepEqual(memoryFaults([item("a"), item("b", { supersededBy: "a" }), item("c", { retractedAt: 9 })]), []);
  assert.deepEqual(memoryFaults([item("a", { strength: 3001 })]), ["strengths are within their bounds: a"]);
  assert.deepEqual(memoryFaults([item("a", { supersedes: ["b"] }), item("b")]), ["what was replaced lives no more: b"]);
  assert.deepEqual(memoryFaults([item("a", { supersededBy: "none" })]), [
    "what replaces is there, in the same scope and kind: a",
  ]);
  assert.deepEqual(memoryFaults([item("a", { supersededBy: "b" }), item("b", { scope: digestText("other") })]), [
    "what replaces is there, in the same scope and kind: a",
  ]);
  assert.deepEqual(memoryFaults([item("a", { supersededBy: "b" }), item("b", { supersededBy: "a" })]), [
    "nothing replaces itself, however far around: a, b",
  ]);
  assert.deepEqual(memoryFaults([item("a", { supersedes: ["b"] }), item("b", { namespace: "gist" })]), []);
});

Deno.test("each kind of contradiction between events closes the trace gate under its own name", () => {
  assert.deepEqual(closing(traceGate(checkConsistency([]))), []);
  const answered = event(1, "norion.request.answered", { request: "r1" });
  const [reason, ...others] = closing(traceGate(checkConsistency([answered])));
  assert.deepEqual(others, []);
  assert.match(reason, /^requests are planned, answered and settled once, in this order: answered-unplanned at 1/u);
  const violations = Array.from(
    { length: 9 },
    (_, i) => ({ step: i, code: "held-but-written" as const, request: "r" }),
  );
  const state = { ...checkConsistency([]), violations, count: 9 };
  assert.deepEqual(closing(traceGate(state)), [
    "a request that says hold wrote nothing: " +
    [0, 1, 2, 3, 4].map((step) => `held-but-written at ${step} (r)`).join(", ") + ", 9 in all",
  ]);
});

const measured = (
  more: { readonly [name: string]: number } = {},
  tasks = ["a", "b"],
  wrong: ReadonlyArray<string> = [],
) =>
  JSON.stringify({
    values: { solved: 800, recalled: 800, caught: 800, safe: 1000, tokens: 500, calls: 2, latencyMs: 1000, ...more },
    tasks: tasks.map((id) => ({ id, solved: true })),
    broken: wrong,
  });

Deno.test("the benchmark gate closes at a fall beyond the bound, for broken answers, for slowness, and for other tasks", () => {
  const before = readMeasurement(measured(), "it");
  const faults = (text: string) => closing(benchmarkGate(before, readMeasurement(text, "it"), DEFAULT_POLICY));
  assert.deepEqual(faults(measured()), []);
  assert.deepEqual(faults(measured({ solved: 780 })), []);
  assert.deepEqual(faults(measured({ solved: 779 })), ["nothing regressed: REGRESSION_SOLVED"]);
  assert.deepEqual(faults(measured({ latencyMs: 1250 })), []);
  assert.deepEqual(faults(measured({ latencyMs: 1251 })), ["nothing regressed: LATENCY"]);
  assert.deepEqual(faults(measured({}, ["a", "b"], ["b"])), ["nothing regressed: INTEGRITY"]);
  assert.deepEqual(faults(measured({}, ["a", "c", "d"])), ["both are of the same tasks: 2 and 3"]);
  assert.throws(() => readMeasurement("{}", "it"), { code: "NORION_MODELS" });
});

Deno.test("gates are operations: they succeed where all holds, and fail with reasons where it does not", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* callAs(kernel, "norion.remember", { text: "The deploy window is Friday." });
      yield* callAs(kernel, "norion.ask", { prompt: "When is the deploy window?" });
      for (const kind of ["memory", "trace"]) {
        const made = (yield* callAs(kernel, "norion.gate", { kind })) as { checks: ReadonlyArray<{ state: string }> };
        assert.ok(made.checks.length > 0 && made.checks.every(({ state }) => state === "holds"));
      }
      const missing = yield* Effect.flip(callAs(kernel, "norion.gate", { kind: "benchmark" }));
      assert.deepEqual([missing.code, missing.path], ["KERNEL_INVALID_INPUT", "/baseline"]);
      const absent = yield* Effect.flip(callAs(kernel, "norion.gate", { kind: "manifest", file: "nowhere.json" }));
      assert.deepEqual([absent.code, absent.path], ["KERNEL_INVALID_INPUT", "/file"]);
      assert.deepEqual([exitCodeOf(missing), exitCodeOf(absent)], [EXIT.usage, EXIT.usage]);
    })
  ));

Deno.test("a manifest of one-byte weights fails the gate with the reasons, and its files cannot lie elsewhere", async () => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    const { openRmi } = await import("../../../plugins/open.ts");
    const asset = (file: string) => ({ file, digest: digestText("x"), bytes: 1 });
    const manifest = (weights: string) =>
      JSON.stringify({
        format: 1,
        model: { id: "m", tokenizer: "t", window: 64, embedding: 8 },
        architecture: { layers: 1, hidden: 8, heads: 2, kvHeads: 1, localWindow: 64 },
        assets: { weights: asset(weights), tokenizer: asset("t"), config: asset("c") },
        cache: { import: false, export: false, abi: 1, namespace: "m", maxImport: 0, maxExport: 0 },
        quantisation: { hot: 8, cold: 4, weights: 32 },
        devices: ["cpu"],
        adapters: ["plain"],
        retired: [],
        records: [],
      });
    for (const name of ["w", "t", "c"]) Deno.writeTextFileSync(`${folder}/${name}`, "x");
    Deno.writeTextFileSync(`${folder}/one.json`, manifest("w"));
    Deno.writeTextFileSync(`${folder}/two.json`, manifest("../../etc/hostname"));
    const gate = (file: string): Promise<Failure> =>
      Effect.runPromise(Effect.scoped(Effect.flatMap(
        openRmi({ workspace: folder }),
        (kernel) => Effect.flip(callAs(kernel, "norion.gate", { kind: "manifest", file })),
      )) as Effect.Effect<Failure>);
    const one = await gate("one.json");
    assert.deepEqual([one.code, exitCodeOf(one)], ["NORION_GATE", EXIT.failed]);
    assert.match(one.message, /the weights has its size: 1 bytes/u);
    assert.match((await gate("two.json")).message, /the weights is there: \.\.\/\.\.\/etc\/hostname/u);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
