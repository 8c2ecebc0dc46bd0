/**
 * Handlers of devices, models and gates.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { Ledger } from "../../effects/mod.ts";
import { Disk, invalidInput } from "../../kernel/mod.ts";
import { Backends } from "../backends/contract.ts";
import { type Descriptor, planDevice, presetOf, PRESETS } from "./device.ts";
import { attempting, badModel, gateClosed, type NorionFailure } from "./failures.ts";
import { closing, type GateReport } from "./gates/check.ts";
import { deviceGate, writeContract } from "./gates/device.ts";
import { memoryGate, traceGate } from "./gates/state.ts";
import { configuredModels } from "./models/configured.ts";
import { type MeasuredDevice, measuredDevice, thisDevice } from "./models/devices.ts";
import type { Devices, Gate, ModelsFor } from "./operations_models.ts";
import { DEFAULT_POLICY } from "./policy.ts";
import { consistencyFold } from "./state/consistency.ts";
import { memoryFold } from "./state/memory.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

/** Tokens of the request that a device's contract is shown for. */
const SHORT_REQUEST = 256;

const rowOf = (
  { name, aliases, memoryMiB, parallel, prefetch, latencyMs, cacheBits }: Descriptor,
) => ({ name, aliases, memoryMiB, parallel, prefetch, latencyMs, cacheBits });

const assumedDevice: Effect.Effect<MeasuredDevice> = Effect.map(
  thisDevice,
  (device) => ({ device, assumed: ["everything"] }),
);

/** Text of a file that a gate needs. */
const textOf = (kind: string, member: "file" | "baseline", path: string | undefined) =>
  Effect.gen(function* () {
    // A gate that cannot look is not a closed one: whoever calls it did so wrongly.
    const unusable = (problem: string) =>
      invalidInput({ operation: "norion.gate", problem, path: `/${member}`, expected: "a path of a file" });
    if (path === undefined) return yield* Effect.fail(unusable(`the ${kind} gate needs a ${member}`));
    const disk = yield* Disk;
    if ((yield* disk.stat(path))?.kind !== "file") {
      return yield* Effect.fail(unusable(`there is no file to be the ${member} of the ${kind} gate`));
    }
    return yield* disk.readText(path);
  });

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.search(/[^\\/]*$/u)));

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw badModel({ what: "the runtime manifest", reason: "it is not JSON", path: "/file" });
  }
};

const manifestGate = ({ file, device }: InputOf<typeof Gate>) =>
  Effect.gen(function* () {
    const given = yield* Effect.flatMap(textOf("manifest", "file", file), (text) => attempting(() => parsed(text)));
    const named = device === undefined ? undefined : (yield* attempting(() => presetOf(device))).name;
    const disk = yield* Disk;
    const folder = folderOf(file!);
    const { checkManifest, MAX_ASSET_BYTES } = yield* Effect.promise(() => import("./models/manifest.ts"));
    return yield* checkManifest(given, (name) =>
      Effect.gen(function* () {
        // An asset lies beside its manifest: a name cannot lead elsewhere.
        const path = `${folder}${name}`;
        if (/(?:^|[\\/])\.\.(?:[\\/]|$)|^[\\/]|^[A-Za-z]:/u.test(name)) return undefined;
        const stat = yield* disk.stat(path);
        return stat?.kind === "file" && stat.size <= MAX_ASSET_BYTES ? yield* disk.read(path) : undefined;
      }), named);
  });

const benchmark = ({ file, baseline }: InputOf<typeof Gate>) =>
  Effect.gen(function* () {
    const [before, after] = [
      yield* textOf("benchmark", "baseline", baseline),
      yield* textOf("benchmark", "file", file),
    ];
    const { benchmarkGate, readMeasurement } = yield* Effect.promise(() => import("./gates/benchmark.ts"));
    return yield* attempting(() =>
      benchmarkGate(
        readMeasurement(before, "the measurement before"),
        readMeasurement(after, "the measurement"),
        DEFAULT_POLICY,
      )
    );
  });

const device = ({ device: name }: InputOf<typeof Gate>) =>
  Effect.gen(function* () {
    const descriptors = name === undefined ? PRESETS : [yield* attempting(() => presetOf(name))];
    return yield* deviceGate(descriptors, yield* Backends, DEFAULT_POLICY);
  });

/** Who looks, by gate. */
const LOOKS = {
  device,
  manifest: manifestGate,
  memory: () => Effect.flatMap(Ledger, (ledger) => Effect.map(ledger.state(memoryFold), memoryGate)),
  trace: () => Effect.flatMap(Ledger, (ledger) => Effect.map(ledger.state(consistencyFold), traceGate)),
  benchmark,
} as const;

type Looked = ReturnType<typeof LOOKS[keyof typeof LOOKS]>;

/** The handlers. */
export const modelHandlers = {
  "norion.devices": ({ measure }: InputOf<typeof Devices>) =>
    Effect.gen(function* () {
      const { device, cores, assumed } = measure === true ? yield* measuredDevice : yield* assumedDevice;
      const backends = yield* (yield* Backends).list();
      return {
        here: {
          device: rowOf(device.descriptor),
          ...(cores === undefined ? {} : { cores }),
          load: device.load,
          provenance: device.provenance,
          assumed,
          contract: writeContract(planDevice(device, SHORT_REQUEST, DEFAULT_POLICY)),
        },
        presets: PRESETS.map(rowOf),
        backends: backends.map(({ id, native, probe }) => ({
          id,
          devices: (probe?.devices ?? []).map((found) => found.id),
          ...(probe === undefined && native
            ? { absence: "native code was not asked for" }
            : probe?.absence === undefined
            ? {}
            : { absence: probe.absence.reason }),
        })),
      };
    }),
  "norion.models": ({ reach = "network" }: InputOf<typeof ModelsFor>) =>
    Effect.map(configuredModels(reach), (models) => ({
      models: models.map((model) => {
        const { capabilities, ...rest } = model.describe();
        return { ...rest, ...capabilities };
      }),
    })).pipe(Effect.scoped),
  "norion.gate": (input: InputOf<typeof Gate>) =>
    Effect.gen(function* () {
      const report: GateReport = yield* LOOKS[input.kind](input) as Looked;
      const reasons = closing(report);
      if (reasons.length > 0) {
        return yield* Effect.fail<NorionFailure>(
          gateClosed({ gate: input.kind, reasons, actual: report.checks.map((one) => ({ ...one })) }),
        );
      }
      return { kind: input.kind, checks: report.checks, unchecked: report.unchecked };
    }),
};
