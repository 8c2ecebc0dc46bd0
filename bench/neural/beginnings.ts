/**
 * Beginnings: start-up and memory of training, ours beside TensorFlow.js (WebAssembly) and jax-js, each in processes of
 * its own (fresh.ts).
 */
import type { MemoryDataset } from "../../plugins/neural/library.ts";
import { samplesOf } from "./epochs.ts";
import { type Beginner, type Beginning, MARK, NOTHING, now, packed } from "./fresh.ts";
import { type TrainerName, TRAINERS } from "./trainers.ts";

const beginningOf = async (beginner: Beginner, file: string): Promise<Beginning> => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      decodeURIComponent(new URL("fresh.ts", import.meta.url).pathname),
      beginner,
      file,
      `${now()}`,
    ],
  }).output();
  const line = new TextDecoder().decode(stdout).split("\n").find((each) => each.startsWith(MARK));
  if (line === undefined) throw new Error(`${beginner} did not begin: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(line.slice(MARK.length));
};

/**
 * Measures the multilayer perceptron's beginning by all, taking turns: the quickest of each counts, and the middle of
 * the memory. A turn before them, which is not counted, fills the runtime's caches.
 */
export const beginnings = async (
  dataset: MemoryDataset,
  rounds: number,
): Promise<ReadonlyArray<Beginning & { readonly beginner: Beginner }>> => {
  const beginners: ReadonlyArray<Beginner> = [...Object.keys(TRAINERS) as TrainerName[], NOTHING];
  const file = await Deno.makeTempFile({ prefix: "rmi-digits-" });
  try {
    await Deno.writeFile(file, packed(samplesOf(dataset)));
    const runs = beginners.map((): Beginning[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [i, beginner] of beginners.entries()) {
        const found = await beginningOf(beginner, file);
        if (round > 0) runs[i].push(found);
      }
    }
    return runs.map((each, i) => ({
      beginner: beginners[i],
      name: each[0].name,
      wallMs: Math.min(...each.map(({ wallMs }) => wallMs)),
      cpuMs: Math.min(...each.map(({ cpuMs }) => cpuMs)),
      epochCpuMs: Math.min(...each.map(({ epochCpuMs }) => epochCpuMs)),
      peakBytes: each.map((run) => run.peakBytes).sort((a, b) => a - b)[each.length >> 1],
      loss: each[0].loss,
    }));
  } finally {
    await Deno.remove(file);
  }
};
