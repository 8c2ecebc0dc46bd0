/** Evolves in a workspace, saving after every generation, and prints the answer: the process that a test kills. */
import * as Effect from "effect/Effect";
import { openRmi } from "../../../../plugins/open.ts";

const [workspace, workers] = Deno.args;

const evolved = Effect.scoped(Effect.gen(function* () {
  const kernel = yield* openRmi({ workspace });
  return yield* kernel.invoke({
    operation: "evolution.evolve",
    input: {
      over: { reals: 12, lower: -4, upper: 4 },
      objective: {
        // Two spheres, one around 0 and one around 2.
        program: "(mul(identity, identity) >> reduce(add)) | (sub(2.0) >> mul(identity, identity) >> reduce(add))",
        constraints: "sub(-3.0, gather(identity, 0))",
      },
      population: 16,
      generations: 40,
      seed: 11,
      every: 1,
      workers: Number(workers),
      name: "spheres",
    },
    actor: "user@tty",
  });
}));

console.log(JSON.stringify(await Effect.runPromise(evolved as Effect.Effect<unknown>)));
