/**
 * Device gate: whether what is planned for devices is sound, and whether the devices that are here compute rightly.
 *
 * Not a benchmark. A preset is a description; only a device that was found on this machine is put to the test, and none
 * is ever pretended.
 * Invariant: a descriptor passes only with budgets, widths and bits that plans can use at every load; a plan survives
 * the trip through its JSON.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { canonicalJson } from "../../../kernel/mod.ts";
import type { BackendsShape } from "../../backends/contract.ts";
import { type Descriptor, type DevicePlan, LEAST_TOKENS, type Load, planDevice } from "../device.ts";
import { badModel } from "../failures.ts";
import { saidBy } from "../models/places.ts";
import { type Bits, dequantise, errorBound, quantise } from "../models/quantise.ts";
import type { Policy } from "../policy.ts";
import { type Check, check, type GateReport } from "./check.ts";

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
const Least = (minimum: number) => Schema.Int.check(Schema.isGreaterThanOrEqualTo(minimum));

const Origin = Schema.Literals(["measured", "assumed", "override"]);

const Contract = Schema.Struct({
  device: Schema.NonEmptyString,
  provenance: Schema.Struct({ descriptor: Origin, load: Origin }),
  pressure: Share,
  localTokens: Least(LEAST_TOKENS),
  globalTokens: Least(LEAST_TOKENS),
  parallel: Least(1),
  prefetch: Least(1),
  latencyMs: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
  cacheBits: Schema.Literals([4, 8, 32]),
});

const decodeContract = Schema.decodeUnknownResult(Schema.fromJsonString(Contract));

/** A device's plan as one line, for traces and runtimes. */
export const writeContract = (plan: DevicePlan): string => canonicalJson(plan);

/** Reads a device's plan; throws `NORION_MODELS` where it is none. */
export const readContract = (text: string): DevicePlan => {
  const read = decodeContract(text, { onExcessProperty: "error" });
  if (Result.isFailure(read)) {
    throw badModel({ what: "the device contract", reason: saidBy(read.failure) });
  }
  return read.success;
};

/** Loads at which every descriptor is planned for: idle, busy, full. */
const LOADS: ReadonlyArray<Load> = [0, 0.5, 1].map((load) => ({ cpu: load, gpu: load, memory: load, disk: load }));

/** Prompts for which it is planned: one that is short, one beyond every window. */
const PROMPTS: ReadonlyArray<number> = [64, 65_536];

/** Bits that every device falls back to under critical load. */
const LEAST_BITS = 4;

/** Vectors that bits are tried on. */
const TRIED: ReadonlyArray<ReadonlyArray<number>> = [
  Array.from({ length: 64 }, (_, i) => Math.sin(i)),
  Array.from({ length: 33 }, (_, i) => i / 33 - 0.5),
  [0.25, 0.25, 0.25],
];

/** The first number that comes back from so many bits further from itself than allowed. */
const bitsFault = (bits: Bits): string | undefined => {
  for (const vector of TRIED) {
    const made = quantise(vector, bits);
    const back = dequantise(made);
    const bound = errorBound(made);
    const at = vector.findIndex((value, i) => Math.abs(back[i] - value) > bound);
    if (at >= 0) return `${vector[at]} comes back as ${back[at]}`;
  }
  return undefined;
};

const planFault = (descriptor: Descriptor, policy: Policy): string | undefined => {
  for (const tokens of PROMPTS) {
    let before = Infinity;
    for (const load of LOADS) {
      const plan = planDevice(
        { descriptor, load, provenance: { descriptor: "assumed", load: "assumed" } },
        tokens,
        policy,
      );
      try {
        if (writeContract(readContract(writeContract(plan))) !== writeContract(plan)) return "its contract changes";
      } catch (cause) {
        return (cause as Error).message;
      }
      if (plan.cacheBits > before) return "cached numbers take more bits the busier it is";
      before = plan.cacheBits;
    }
  }
  return undefined;
};

/** Rules of a descriptor, each with its name. */
const RULES: ReadonlyArray<readonly [name: string, holds: (descriptor: Descriptor) => boolean]> = [
  ["memory", ({ memoryMiB }) => Number.isFinite(memoryMiB) && memoryMiB > 0],
  ["scales", ({ localScale, globalScale }) => [localScale, globalScale].every((scale) => scale > 0 && scale < 100)],
  ["calls side by side", ({ parallel }) => Number.isInteger(parallel) && parallel >= 1],
  ["prefetch", ({ prefetch }) => Number.isInteger(prefetch) && prefetch >= 1],
  ["latency", ({ latencyMs }) => Number.isFinite(latencyMs) && latencyMs > 0],
  ["bits", ({ cacheBits }) => [4, 8].includes(cacheBits)],
  [
    "weights of the loads",
    ({ weights }) => {
      const all = Object.values(weights);
      return all.every((weight) => weight >= 0) && Math.abs(all.reduce((a, b) => a + b, 0) - 1) < 1e-9;
    },
  ],
];

/** Whether plans for a descriptor are sound. */
export const descriptorCheck = (descriptor: Descriptor, policy: Policy): Check => {
  const broken = RULES.filter(([, holds]) => !holds(descriptor)).map(([name]) => name);
  const fault = broken.length > 0
    ? `${broken.join(", ")} cannot be planned with`
    : planFault(descriptor, policy) ?? bitsFault(descriptor.cacheBits) ?? bitsFault(LEAST_BITS);
  return check(`preset ${descriptor.name}`, fault === undefined, fault ?? "sound at every load");
};

/** Primitives that a language model cannot do without; a device that is here is tried on them. */
const TRIED_OPS = ["dot", "softmax", "exp", "gather", "add", "mul"];

const conforming = (backends: BackendsShape): Effect.Effect<GateReport> =>
  Effect.gen(function* () {
    const { conform } = yield* Effect.promise(() => import("../../backends/library.ts"));
    const checks: Check[] = [];
    const unchecked: string[] = [];
    for (const { id, native, probe } of yield* backends.list()) {
      const devices = probe?.devices ?? [];
      if (devices.length === 0) {
        const why = native && probe === undefined ? "native code was not asked for" : probe?.absence?.reason;
        unchecked.push(`backend ${id}: ${why ?? "no device"}`);
        continue;
      }
      const backend = yield* Effect.orDie(backends.get(id));
      for (const device of devices) {
        const { cases, passed, wrong } = yield* conform(backend, {
          device: device.id,
          level: "quick",
          ops: TRIED_OPS,
        });
        const detail = `${passed} of ${cases} cases${wrong.length === 0 ? "" : `; first wrong: ${wrong[0].name}`}`;
        checks.push(check(`device ${device.id} computes rightly`, wrong.length === 0 && passed > 0, detail));
      }
    }
    return { checks, unchecked };
  });

/** Looks at some descriptors, and at every device of this machine that may be used. */
export const deviceGate = (
  descriptors: ReadonlyArray<Descriptor>,
  backends: BackendsShape,
  policy: Policy,
): Effect.Effect<GateReport> =>
  Effect.map(conforming(backends), (found) => ({
    checks: [...descriptors.map((descriptor) => descriptorCheck(descriptor, policy)), ...found.checks],
    unchecked: [...found.unchecked, "how fast any device is"],
  }));
