/**
 * Device: what a machine can do, and what that allows a request.
 *
 * Not the backends that compute tensors (plugins/backends): here is only how much context, how many calls side by side
 * and how long an answer may take.
 * Invariant: numbers come from the descriptor; a preset is a descriptor with a name, never a branch in the rules.
 *
 * @module
 */
import { nearest } from "../../kernel/mod.ts";
import { unknownDevice } from "./failures.ts";
import { clamp, type Policy, unit } from "./policy.ts";

/** Where a number of a descriptor comes from. */
export type Provenance = "measured" | "assumed" | "override";

/** How much of each resource is in use, as shares. */
export interface Load {
  /** Processor. */
  readonly cpu: number;
  /** Accelerator. */
  readonly gpu: number;
  /** Memory. */
  readonly memory: number;
  /** Disk. */
  readonly disk: number;
}

/** What a device is. */
export interface Descriptor {
  /** Its name. */
  readonly name: string;
  /** Memory for models and caches, MiB. */
  readonly memoryMiB: number;
  /** Share of the base context budget it can hold near. */
  readonly localScale: number;
  /** Share of the base context budget it can hold in all. */
  readonly globalScale: number;
  /** Calls it can run side by side. */
  readonly parallel: number;
  /** Stretches of a prompt's beginning that it may keep for the next prompt, when it is idle. */
  readonly prefetch: number;
  /** Time that a token of an answer may take under load, ms. */
  readonly latencyMs: number;
  /** How much the load of each resource counts. */
  readonly weights: Load;
  /** Bits of a cached number under load; without load it is kept as it is. */
  readonly cacheBits: 4 | 8;
  /** Other words for it. */
  readonly aliases: ReadonlyArray<string>;
}

const preset = (
  name: string,
  memoryMiB: number,
  scale: readonly [local: number, global: number],
  latencyMs: number,
  weights: readonly [cpu: number, gpu: number, memory: number, disk: number],
  parallel: number,
  prefetch: number,
  cacheBits: 4 | 8,
  aliases: ReadonlyArray<string>,
): Descriptor => ({
  name,
  memoryMiB,
  localScale: scale[0],
  globalScale: scale[1],
  parallel,
  prefetch,
  latencyMs,
  weights: { cpu: weights[0], gpu: weights[1], memory: weights[2], disk: weights[3] },
  cacheBits,
  aliases,
});

/** Named descriptors: the seed's table, whose figures are assumptions and are reported as such. */
export const PRESETS: ReadonlyArray<Descriptor> = [
  preset("cpu", 8192, [0.62, 0.48], 160, [0.46, 0.04, 0.32, 0.18], 1, 2, 8, ["laptop", "desktop", "x86", "arm64"]),
  preset("integrated-gpu", 12288, [0.82, 0.7], 220, [0.26, 0.24, 0.36, 0.14], 2, 3, 8, ["igpu", "apu"]),
  preset("discrete-gpu", 16384, [1.25, 1.1], 320, [0.18, 0.42, 0.26, 0.14], 4, 5, 8, ["gpu", "cuda", "rocm", "显卡"]),
  preset("unified-memory", 24576, [1.15, 1.2], 260, [0.26, 0.24, 0.36, 0.14], 2, 3, 8, ["apple", "mac", "metal"]),
  preset("mobile", 6144, [0.55, 0.42], 110, [0.28, 0.18, 0.42, 0.12], 1, 2, 8, ["phone", "tablet", "手机"]),
  preset("embedded", 2048, [0.42, 0.32], 105, [0.42, 0.06, 0.4, 0.12], 1, 2, 4, ["raspberry-pi", "sbc"]),
  preset("browser", 512, [0.4, 0.3], 90, [0.3, 0.18, 0.44, 0.08], 1, 2, 4, ["wasm", "web", "浏览器"]),
  preset("microcontroller", 64, [0.18, 0.12], 80, [0.5, 0, 0.42, 0.08], 1, 1, 4, ["mcu", "esp32"]),
  preset("npu", 8192, [0.95, 0.78], 240, [0.18, 0.34, 0.36, 0.12], 2, 3, 8, ["ane", "hexagon", "ascend", "昇腾"]),
  preset("multi-accelerator", 49152, [2.2, 2.4], 520, [0.16, 0.46, 0.22, 0.16], 8, 8, 8, ["multi-gpu", "cluster"]),
  preset("edge-gateway", 4096, [0.48, 0.36], 120, [0.34, 0.12, 0.38, 0.16], 1, 2, 8, ["gateway", "router"]),
  preset("server", 65536, [1.5, 1.6], 420, [0.24, 0.34, 0.24, 0.18], 4, 5, 8, ["cloud", "workstation", "服务器"]),
];

const BY_NAME: ReadonlyMap<string, Descriptor> = new Map(
  PRESETS.flatMap((device) => [device.name, ...device.aliases].map((name) => [name, device] as const)),
);

/** The preset of a name or alias; throws `NORION_DEVICE`. */
export const presetOf = (name: string): Descriptor => {
  const found = BY_NAME.get(name.trim().toLowerCase());
  if (found === undefined) throw unknownDevice({ device: name, suggestions: nearest(name, [...BY_NAME.keys()], 3) });
  return found;
};

/** A device as a request meets it. */
export interface DeviceState {
  /** What it is. */
  readonly descriptor: Descriptor;
  /** How busy it is. */
  readonly load: Load;
  /** Where descriptor and load come from. */
  readonly provenance: { readonly descriptor: Provenance; readonly load: Provenance };
}

/** Loads above 1 are percent. */
const asShare = (load: number): number => unit(load > 1 ? load / 100 : load);

/** How busy a device is, 0..1: its loads by the weights of its descriptor. */
export const pressureOf = ({ descriptor: { weights }, load }: DeviceState): number =>
  unit(
    weights.cpu * asShare(load.cpu) + weights.gpu * asShare(load.gpu) + weights.memory * asShare(load.memory) +
      weights.disk * asShare(load.disk),
  );

/** What a device allows one request. */
export interface DevicePlan {
  /** Its name. */
  readonly device: string;
  /** Where its numbers come from. */
  readonly provenance: DeviceState["provenance"];
  /** How busy it is. */
  readonly pressure: number;
  /** Tokens of context from the neighbourhood of the request. */
  readonly localTokens: number;
  /** Tokens of context from everywhere. */
  readonly globalTokens: number;
  /** Calls side by side. */
  readonly parallel: number;
  /** Stretches of a beginning that are kept for the prompts that share it. */
  readonly prefetch: number;
  /** Time a token of the answer may take, ms; absent while there is no hurry. */
  readonly latencyMs?: number;
  /** Bits of cached numbers; 32 keeps them as they are. */
  readonly cacheBits: 4 | 8 | 32;
}

/** Most stretches that any device keeps. */
const MOST_STRETCHES = 64;

/** No budget is planned below this. */
export const LEAST_TOKENS = 32;

/** Prompts from these sizes on leave less room beside them. */
const ROOM: ReadonlyArray<readonly [tokens: number, share: number]> = [[32_000, 0.7], [8192, 0.82], [0, 1]];

const LEAST_SHARE = 0.24;
const PRESSURE_COST = 0.62;
const LATENCY_SLOPE_MS = 180;
const LEAST_LATENCY_MS = 80;

/** What a device allows a request of some tokens. */
export const planDevice = (device: DeviceState, promptTokens: number, policy: Policy): DevicePlan => {
  const { descriptor } = device;
  const pressure = pressureOf(device);
  const room = ROOM.find(([tokens]) => promptTokens >= tokens)![1];
  const share = Math.max(LEAST_SHARE, 1 - PRESSURE_COST * pressure) * room;
  const budget = (base: number, scale: number): number => Math.max(LEAST_TOKENS, Math.floor(base * scale * share));
  const medium = pressure >= policy["pressure.medium"];
  const parallel = pressure >= policy["pressure.high"]
    ? 1
    : Math.max(1, Math.floor(descriptor.parallel / (medium ? 2 : 1)));
  const latency = Math.max(
    LEAST_LATENCY_MS,
    Math.round(descriptor.latencyMs - LATENCY_SLOPE_MS * (pressure - policy["pressure.medium"])),
  );
  return {
    device: descriptor.name,
    provenance: device.provenance,
    pressure,
    localTokens: budget(policy["window.localTokens"], descriptor.localScale),
    globalTokens: budget(policy["window.globalTokens"], descriptor.globalScale),
    parallel,
    prefetch: clamp(Math.floor(descriptor.prefetch * (1 - pressure)), 1, MOST_STRETCHES),
    ...(medium ? { latencyMs: latency } : {}),
    cacheBits: pressure >= policy["pressure.critical"] ? 4 : medium ? descriptor.cacheBits : 32,
  };
};
