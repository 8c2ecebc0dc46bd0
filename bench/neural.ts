/**
 * `deno run -A bench/neural.ts`: milliseconds of one epoch on the digits, beside TensorFlow.js and jax-js.
 */
import * as Effect from "effect/Effect";
import { digitsData } from "../plugins/neural/data/digits.ts";
import { timeEpochs } from "./neural/epochs.ts";

const ROUNDS = 4;

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
