/** Logic and agents that other plugins provide to programs. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { type Actor, implementation, type Json, openKernel, type Plugin } from "../../../kernel/mod.ts";
import { LocalAgents } from "../../../plugins/rmil/agent_port.ts";
import { Agents, Logic } from "../../../plugins/rmil/contract.ts";
import { rmilPlugin } from "../../../plugins/rmil/manifest.ts";
import { symbolicDefault } from "../../../plugins/rmil/symbolic_default.ts";
import { barePlugin, testOptions } from "../../kernel/host.ts";

/** Logic in which nothing unifies, and a network that every run of a kernel shares. */
const providing = (network: LocalAgents): Plugin =>
  barePlugin("others", {
    provides: [
      { capability: "rmi/rmil/Logic", version: "1.0.0" },
      { capability: "rmi/rmil/Agents", version: "1.0.0" },
    ],
    load: () => ({
      default: implementation({
        operations: [],
        requires: [],
        layer: Layer.mergeAll(
          Layer.succeed(Logic, { ...symbolicDefault, unify: () => undefined }),
          Layer.succeed(Agents, network),
        ),
        handlers: {},
      }),
    }),
  });

const valueIn = (plugins: ReadonlyArray<Plugin>, calls: ReadonlyArray<readonly [Actor, string, Json]>) =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const kernel = yield* openKernel(testOptions([rmilPlugin, ...plugins]));
    const values: Array<Json> = [];
    for (const [actor, operation, input] of calls) {
      values.push((yield* kernel.invoke({ operation, input, actor })) as Json);
    }
    return values;
  })));

const valueOf = (answer: Json): Json => (answer as { readonly value: Json }).value;

Deno.test("a provided logic answers the symbolic ops; without one the language's own does", async () => {
  const call = ["user@tty", "rmil.run", { program: "unify($f($X), $f(1))" }] as const;
  const [own] = await valueIn([], [call]);
  assert.deepEqual(valueOf(own), { tuple: [{ tuple: [{ sym: "X" }, { type: "i64", values: ["1"] }] }] });
  const [provided] = await valueIn([providing(new LocalAgents())], [call]);
  assert.equal(valueOf(provided), null);
});

Deno.test("runs of two callers meet on a provided network, under their callers' names", async () => {
  const network = new LocalAgents();
  network.port("agent:ann");
  const [, received, debugged] = await valueIn([providing(network)], [
    ["agent:bob", "rmil.run", { program: "send(#`agent:ann`, 41)" }],
    ["agent:ann", "rmil.run", { program: "add(recv, 1)" }],
    ["agent:ann", "rmil.debug", { program: "recv", commands: ["continue"] }],
  ]);
  assert.deepEqual(valueOf(received), { type: "i64", values: ["42"] });
  assert.equal((debugged as { readonly stops: ReadonlyArray<{ readonly value: string }> }).stops[0].value, "nil");
});

Deno.test("without a network every run has one of its own: what is sent stays in it", async () => {
  const waiting = { program: "recv" };
  const [, value] = await valueIn([], [
    ["agent:bob", "rmil.run", { program: "{ subscribe(#news); publish(#news, 1) }" }],
    ["agent:bob", "rmil.run", waiting],
  ]);
  assert.equal(valueOf(value), null);
});
