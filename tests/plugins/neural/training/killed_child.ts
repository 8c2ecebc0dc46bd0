/** Trains in a workspace, saving often, and prints the model's digest: the process that a test kills. */
import * as Effect from "effect/Effect";
import { openRmi } from "../../../../plugins/open.ts";

const [workspace] = Deno.args;

const trained = Effect.scoped(Effect.gen(function* () {
  const kernel = yield* openRmi({ workspace });
  return yield* kernel.invoke({
    operation: "neural.train",
    input: {
      program: "linear(24) >> batch_norm >> relu >> drop(0.1) >> linear(2)",
      data: "spirals",
      epochs: 12,
      batch: 16,
      seed: 5,
      average: 0.99,
      checkpoint: { name: "spirals-run", every: 25 },
    },
    actor: "user@tty",
  });
}));

console.log(JSON.stringify(await Effect.runPromise(trained as Effect.Effect<unknown>)));
