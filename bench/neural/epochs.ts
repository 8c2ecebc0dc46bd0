/**
 * Epochs: one pass of training over the 8,000 digits in this project, TensorFlow.js (WebAssembly) and jax-js, one after
 * another in one process, again and again; the fastest pass of each counts, by CPU time of this thread.
 *
 * The same network, optimiser (Adam), batch and samples for all; batches are cut before the clock starts, so what is
 * compared is training alone.
 */
import { batches, type MemoryDataset } from "../../plugins/neural/library.ts";
import { cpuMs } from "../cpu/clock.ts";
import { BATCH, type Measured, type Samples, type Trainer } from "./trainer.ts";
import { TRAINERS } from "./trainers.ts";

/** An epoch's batches of the digits to learn from, in an order that is always the same. */
export const samplesOf = (dataset: MemoryDataset): ReadonlyArray<Samples> =>
  [...batches(dataset, { split: "train", batch: BATCH, seed: 1, drop: true })].map(({ inputs, target }) => ({
    x: inputs[0].data as Float32Array<ArrayBuffer>,
    y: target!.data as Int32Array<ArrayBuffer>,
  }));

/** What an engine took. */
export interface EpochTime {
  /** Its name. */
  readonly name: string;
  /** Milliseconds of the fastest pass, CPU time of this thread. */
  readonly cpuMs: number;
  /** Mean loss of its first and its last pass: all learn. */
  readonly losses: readonly [first: number, last: number];
}

/**
 * Times passes over the digits of all engines that train such a network, interleaved, ours first; a pass has so many
 * steps, all where nothing is said.
 */
export const timeEpochs = async (
  network: Measured,
  dataset: MemoryDataset,
  { rounds, steps = Infinity }: { readonly rounds: number; readonly steps?: number },
): Promise<ReadonlyArray<EpochTime>> => {
  const samples = samplesOf(dataset).slice(0, steps);
  const trainers: Trainer[] = [];
  for (const start of Object.values(TRAINERS)) {
    const trainer = await start(network);
    if (trainer !== undefined) trainers.push(trainer);
  }
  const given = trainers.map(({ ready }) => ready(samples));
  const times = trainers.map(({ name }) => ({ name, cpuMs: Infinity, losses: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, { pass }] of given.entries()) {
      const before = cpuMs();
      const loss = await pass();
      times[i].cpuMs = Math.min(times[i].cpuMs, cpuMs() - before);
      times[i].losses.push(loss);
    }
  }
  given.forEach(({ free }) => free());
  for (const { close } of trainers) await close();
  return times.map(({ name, cpuMs, losses }) => ({ name, cpuMs, losses: [losses[0], losses.at(-1)!] }));
};
