/**
 * What a decision costs: the compiled policy alone, and the gate's whole answer to a call.
 * Run with `deno task bench`; the figures the README quotes come from `deno task acceptance policy`.
 */
import * as Effect from "effect/Effect";
import { makeGate } from "../effects/gate.ts";
import { makeGrants } from "../effects/grants.ts";
import { callOf } from "../tests/effects/workspace.ts";
import { measuredPolicy, questions } from "../tests/effects/policy_load.ts";

const policy = measuredPolicy();
const asked = questions();
const grants = makeGrants();
const noConsent = { consume: () => Effect.undefined, automatic: () => Effect.undefined, ask: () => Effect.never };
const gate = makeGate({ ...policy, source: "bench" }, grants, noConsent, Effect.succeed);
const call = callOf({ operation: "plain.read", effects: ["readLocal"], actor: "user@tty" });

Deno.bench("4,000 decisions of a policy with 60 rules", () => {
  for (const query of asked) policy.decide(query);
});

Deno.bench("1,000 calls through the gate, granted and released", () => {
  Effect.runSync(Effect.gen(function* () {
    for (let n = 0; n < 1_000; n++) {
      const decision = yield* gate.decide(call);
      yield* decision.release ?? Effect.void;
    }
  }));
});
