/**
 * `deno task bench neural`: training on the digits beside TensorFlow.js and jax-js: milliseconds of an epoch; start-up
 * and memory, each in a process of its own.
 */
import * as Effect from "effect/Effect";
import { digitsData } from "../plugins/neural/data/digits.ts";
import { beginnings } from "./neural/beginnings.ts";
import { timeEpochs } from "./neural/epochs.ts";

const ROUNDS = 4;

/** Processes of each engine. */
const BEGINNINGS = 3;

/** Steps of a pass of the convolutional network, on which the peers are slow. */
const CNN_STEPS = 20;

const digits = await Effect.runPromise(digitsData);
for (const network of ["mlp", "cnn"] as const) {
  const times = await timeEpochs(
    network,
    digits,
    network === "mlp" ? { rounds: ROUNDS } : { rounds: ROUNDS, steps: CNN_STEPS },
  );
  for (const { name, cpuMs, losses } of times) {
    const ratio = (cpuMs / times[0].cpuMs).toFixed(2);
    console.log(
      `${network} ${name}: ${cpuMs.toFixed(0)} ms, ${ratio} times ours, loss ${
        losses.map((l) => l.toFixed(3)).join(" → ")
      }`,
    );
  }
}

console.log("mlp in a new process: first step (CPU, wall), epoch (CPU), peak memory");
for (const { name, cpuMs, wallMs, epochCpuMs, peakBytes } of await beginnings(digits, BEGINNINGS)) {
  const times = [cpuMs, wallMs, epochCpuMs].map((ms) => `${ms.toFixed(0).padStart(6)} ms`).join("");
  console.log(`  ${name.padEnd(20)}${times}${(peakBytes / 2 ** 20).toFixed(0).padStart(6)} MiB`);
}
Deno.exit(0);
