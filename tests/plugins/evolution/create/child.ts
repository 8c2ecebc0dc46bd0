/**
 * A process that creates a model and tells of every event on a line, to be killed by a test.
 */
import * as Effect from "effect/Effect";
import { rmi } from "../../../../mod.ts";

const [workspace, input] = Deno.args;
await using system = rmi({ workspace });
const kernel = await system.kernel();
await Effect.runPromise(kernel.invoke({
  operation: "evolution.create",
  input: JSON.parse(input),
  actor: "user@headless",
  onEvent: (event) => Effect.sync(() => console.log(JSON.stringify(event))),
}));
