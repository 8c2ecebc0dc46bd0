/**
 * A process that changes itself without end, to be killed: random edits of a registered program, some of them undone.
 * It prints a line for each change that was acknowledged: the digest of the document then.
 */
import * as Effect from "effect/Effect";
import { openRmi } from "../../../../plugins/open.ts";
import { random } from "../../../../kernel/mod.ts";
import { APPROVING } from "./room.ts";
import { changeOnce, registerOnce } from "./patch_run.ts";

const [workspace, seed] = Deno.args;
const chance = random(`modifying/${seed}`);

await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
  const kernel = yield* openRmi({ workspace, policy: APPROVING });
  yield* registerOnce(kernel);
  for (;;) console.log(yield* changeOnce(kernel, chance));
})));
