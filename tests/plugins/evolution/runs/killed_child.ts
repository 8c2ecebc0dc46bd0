/** Evolves in a workspace, saving after every generation, and prints the answer: the process that a test kills. */
import * as Effect from "effect/Effect";
import { openRmi } from "../../../../plugins/open.ts";
import { asked } from "./killed_asked.ts";

const [workspace, workers] = Deno.args;

const evolved = Effect.scoped(Effect.gen(function* () {
  const kernel = yield* openRmi({ workspace });
  return yield* kernel.invoke({ operation: "evolution.evolve", input: asked(Number(workers)), actor: "user@tty" });
}));

console.log(JSON.stringify(await Effect.runPromise(evolved as Effect.Effect<unknown>)));
