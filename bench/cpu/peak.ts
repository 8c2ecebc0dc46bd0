/**
 * Peak: what this thread could do at most with 128-bit fused multiply-adds, which is all that WebAssembly has.
 *
 * Twelve independent accumulators, no memory: as many as the latency of two units needs.
 */
import { cpuMs } from "./clock.ts";

const ACCUMULATORS = 12;
const LANES = 4;
const TURNS = 2_000_000;
const ROUNDS = 15;

const leb = (value: number): number[] => value > 127 ? [value & 127 | 128, ...leb(value >>> 7)] : [value];
const section = (id: number, body: number[]): number[] => [id, ...leb(body.length), ...body];
const get = (local: number): number[] => [0x20, ...leb(local)];
const set = (local: number): number[] => [0x21, ...leb(local)];

/** A module whose function `run(turns)` does nothing but fused multiply-adds; relaxed, which an engine with FMA fuses. */
const moduleBytes = (): Uint8Array<ArrayBuffer> => {
  const factor = 1 + ACCUMULATORS;
  const madd = Array.from({ length: ACCUMULATORS }, (_, i) => [
    ...get(factor),
    ...get(factor),
    ...get(1 + i),
    ...[0xfd, 0x85, 0x02],
    ...set(1 + i),
  ]).flat();
  const fold = Array.from({ length: ACCUMULATORS - 1 }, (_, i) => [...get(2 + i), 0xfd, 0xe4, 0x01]).flat();
  const body = [
    ...[1, ACCUMULATORS + 1, 0x7b],
    ...[0x43, 0, 0, 0, 0x3f, 0xfd, 0x13],
    ...set(factor),
    ...[0x03, 0x40],
    ...madd,
    ...get(0),
    ...[0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b],
    ...get(1),
    ...fold,
    ...[0xfd, 0x1f, 0, 0x0b],
  ];
  return Uint8Array.from([
    ...[0, 97, 115, 109, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 1, 0x7d]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, 114, 117, 110, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
};

/** Billions of operations a second, best of many; undefined where the engine has no fused multiply-add. */
export const peakGflops = (): number | undefined => {
  const bytes = moduleBytes();
  if (!WebAssembly.validate(bytes)) return undefined;
  const run = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.run as (turns: number) => number;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const began = cpuMs();
    run(TURNS);
    best = Math.min(best, cpuMs() - began);
  }
  return TURNS * ACCUMULATORS * LANES * 2 / best / 1e6;
};
