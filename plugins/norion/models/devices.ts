/**
 * Devices: the device that requests are planned for where none is named.
 *
 * Not a benchmark and not a guess dressed as a fact: each number says whether it was measured or assumed.
 * Invariant: without the authority to look, the answer is the same everywhere, so that plans repeat.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Cap, type KernelFailure, using } from "../../../kernel/mod.ts";
import { type Descriptor, type DeviceState, type Load, presetOf } from "../device.ts";
import { seeMachine } from "../platform/machine.ts";
import { milli } from "../policy.ts";

const IDLE: Load = { cpu: 0, gpu: 0, memory: 0, disk: 0 };

/** The device of a call that may not look at the machine: an idle computer without accelerators. */
export const thisDevice: Effect.Effect<DeviceState> = Effect.succeed({
  descriptor: presetOf("cpu"),
  load: IDLE,
  provenance: { descriptor: "assumed", load: "assumed" },
});

/** Memory a process of this kind leaves to everything else, as a share. */
const OURS = 0.5;

/** Calls side by side for so many processors: each call keeps two of them busy. */
const parallelOf = (cores: number): number => Math.max(1, Math.floor(cores / 2));

/** A machine as it is seen now. */
export interface MeasuredDevice {
  /** The device, as plans take it. */
  readonly device: DeviceState;
  /** Processors; absent where they may not be counted. */
  readonly cores?: number;
  /** Numbers that are assumed, by name. */
  readonly assumed: ReadonlyArray<string>;
}

/** This machine, looked at now. */
export const measuredDevice: Effect.Effect<MeasuredDevice, KernelFailure, Cap<"sys">> = using(
  "sys",
  "machine",
  Effect.sync(() => {
    const seen = seeMachine();
    const preset = presetOf("cpu");
    const descriptor: Descriptor = {
      ...preset,
      ...(seen.memoryMiB === undefined ? {} : { memoryMiB: Math.floor(seen.memoryMiB * OURS) }),
      ...(seen.cores === undefined ? {} : { parallel: parallelOf(seen.cores) }),
    };
    // Thousandths: a plan is not another one because a byte was freed.
    const load: Load = { ...IDLE, cpu: milli(seen.cpuLoad ?? 0) / 1000, memory: milli(seen.memoryLoad ?? 0) / 1000 };
    const assumed = [
      ...(seen.cores === undefined ? ["parallel"] : []),
      ...(seen.memoryMiB === undefined ? ["memoryMiB"] : []),
      ...(seen.cpuLoad === undefined ? ["load.cpu"] : []),
      ...(seen.memoryLoad === undefined ? ["load.memory"] : []),
      ...["load.gpu", "load.disk", "latencyMs", "localScale", "globalScale"],
    ];
    return {
      device: {
        descriptor,
        load,
        provenance: {
          descriptor: seen.memoryMiB === undefined ? "assumed" : "measured",
          load: seen.cpuLoad === undefined && seen.memoryLoad === undefined ? "assumed" : "measured",
        },
      },
      ...(seen.cores === undefined ? {} : { cores: seen.cores }),
      assumed,
    };
  }),
);
