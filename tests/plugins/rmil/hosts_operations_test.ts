/** Operations of the system as functions of a program: what crosses, what is judged, what is denied. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import {
  applyPatch,
  type Failure,
  failureFromJson,
  implementation,
  type Json,
  type Kernel,
  openKernel,
  operation,
  type Plugin,
} from "../../../kernel/mod.ts";
import { rmilPlugin } from "../../../plugins/rmil/manifest.ts";
import { barePlugin, testOptions } from "../../kernel/host.ts";
import { callApproving, callAs, inWorkspace, OPEN_POLICY } from "../../workspace.ts";

type Body<A> = (kernel: Kernel) => Effect.Effect<A, unknown>;

const inOpen = <A>(body: Body<A>): Promise<A> => inWorkspace(body, OPEN_POLICY);

const value = (kernel: Kernel, input: Json) =>
  Effect.map(callAs(kernel, "rmil.run", input), (answer) => (answer as { readonly value: Json }).value);

const refused = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Failure, Json> =>
  Effect.flip(callAs(kernel, operation, input));

/** `rmil.run` of a program as a function: whatever goes in comes out of another run. */
const echo = (type: string, into = "/inputs/x", from = "/value"): Json => ({
  operation: "rmil.run",
  takes: [{ type, into }],
  gives: { type, from },
  input: { program: "identity" },
});

const BYTES_OF: Json = {
  operation: "rmil.encode",
  takes: [{ type: "sym", into: "/source" }],
  gives: { type: "i64", from: "/bytes" },
};

Deno.test("a function of the host is data: bound, handed over, mapped, and hidden by names of the program", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const hosts = { size: BYTES_OF };
      const one = { type: "i64", values: ["23"] };
      for (
        const [program, expected] of [
          ["size(#relu)", one],
          ["#relu >> $size", one],
          ["let f = $size in f(#relu)", one],
          ["map($size, (#relu, #tanh))", { tuple: [one, one] }],
          ["let size = \\(x: i64) -> add($x, 1) in size(1)", { type: "i64", values: ["2"] }],
        ] as const
      ) assert.deepEqual(yield* value(kernel, { program, hosts }), expected, program);
    })
  ));

Deno.test("scalars, symbols, tuples and tensors cross as JSON by their declared types, both ways", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const through = (type: string, program: string, over: Json = echo(type)) =>
        value(kernel, { program: `f(${program})`, hosts: { f: over } });
      assert.deepEqual(yield* through("f32[2]", "tensor<f32, [2]>[1.5, nan.f32]"), {
        type: "f32[2]",
        values: [1.5, "nan"],
      });
      assert.deepEqual(yield* through("f64[]", "2.5f64"), { type: "f64[]", values: [2.5] });
      assert.deepEqual(yield* through("b1", "true"), true);
      const text = {
        ...(BYTES_OF as object),
        gives: { type: "sym", from: "/hex" },
        input: { form: "expression" },
      };
      assert.deepEqual(yield* value(kernel, { program: "f(#relu)", hosts: { f: text } }), {
        sym: "0210000000",
      });
      const big = { operation: "rmil.format", takes: [{ type: "sym", into: "/source" }], gives: { type: "(sym, ())" } };
      const misfit = yield* refused(kernel, "rmil.run", { program: "f(#relu)", hosts: { f: big } });
      assert.equal(misfit.code, "RMIL_HOST_RESULT");
    })
  ));

Deno.test("a result without a declared form is read for what it says", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const hosts = {
        look: {
          operation: "rmil.check",
          takes: [{ type: "sym", into: "/program" }],
          gives: { type: "var<0>", from: "/parameters" },
          input: { inputs: { x: "f32[1,1]" } },
        },
      };
      assert.deepEqual(yield* value(kernel, { program: "look(#relu)", hosts }), { tuple: [] });
      const absent = { look: { ...hosts.look, gives: { type: "i64", from: "/nothing" } } };
      assert.equal(
        (yield* refused(kernel, "rmil.run", { program: "look(#relu)", hosts: absent })).code,
        "RMIL_HOST_RESULT",
      );
    })
  ));

Deno.test("the check judges calls of the host: types, counts, effects", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const store: Json = {
        operation: "rmil.store",
        takes: [{ type: "sym", into: "/program" }],
        gives: { type: "sym", from: "/digest" },
        effects: ["readLocal", "writeLocal"],
      };
      const hosts = { keep: store, size: BYTES_OF };
      const check = (program: string) => callAs(kernel, "rmil.check", { program, hosts });
      const pure = (yield* check("add(size(#relu), 1)")) as { readonly [field: string]: Json };
      assert.deepEqual([pure.type, pure.effects, pure.exact], ["i64", [], false]);
      const writing = (yield* check("map($keep, (#relu,))")) as { readonly effects: Json };
      assert.deepEqual(writing.effects, ["readLocal", "writeLocal"]);
      const wrong = yield* refused(kernel, "rmil.check", { program: "add(1, size(2))", hosts });
      assert.deepEqual([wrong.code, wrong.path], ["RMIL_HOST_ARGUMENT", "/args/1/args/0"]);
      const many = yield* refused(kernel, "rmil.check", { program: "size(#a, #b)", hosts });
      assert.equal(many.code, "RMIL_HOST_ARITY");
      const misspelt = yield* refused(kernel, "rmil.check", { program: "sise(#a)", hosts });
      assert.deepEqual([misspelt.code, misspelt.suggestions], ["RMIL_UNBOUND", ["size"]]);
    })
  ));

Deno.test("an operation that is not there is refused before anything runs, with a patch that names the near one", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const input: Json = {
        program: "size(#relu)",
        hosts: { size: { ...(BYTES_OF as object), operation: "rmil.encod" } },
      };
      const failure = yield* refused(kernel, "rmil.run", input);
      assert.deepEqual([failure.code, failure.path], ["KERNEL_UNKNOWN_OPERATION", "/hosts/size/operation"]);
      assert.deepEqual(yield* value(kernel, applyPatch(failure.fix!.patch!, input)), { type: "i64", values: ["23"] });
    })
  ));

Deno.test("what an operation always needs must be declared; the patch declares it", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const keep = {
        operation: "rmil.store",
        takes: [{ type: "sym", into: "/program" }],
        gives: { type: "i64", from: "/bytes" },
      };
      const input: Json = { program: "keep(#relu)", hosts: { keep } };
      const failure = yield* refused(kernel, "rmil.act", input);
      assert.deepEqual([failure.code, failure.path], ["RMIL_HOST_DENIED", "/hosts/keep"]);
      const mended = applyPatch(failure.fix!.patch!, input);
      const made = (yield* callAs(kernel, "rmil.act", mended)) as { readonly value: Json };
      assert.deepEqual(made.value, { type: "i64", values: ["10"] });
      // Looking programs may not write: that is another operation's.
      const looking = yield* refused(kernel, "rmil.run", input);
      assert.deepEqual([looking.code, looking.fix?.patch], ["RMIL_HOST_DENIED", undefined]);
      assert.match(looking.fix!.summary, /rmil\.act/u);
      assert.equal((yield* refused(kernel, "rmil.run", mended)).code, "KERNEL_INVALID_INPUT");
      const never = { f: { operation: "kernel.doctor", gives: { type: "sym" } } };
      assert.equal((yield* refused(kernel, "rmil.act", { program: "1", hosts: never })).code, "RMIL_HOST_DENIED");
    })
  ));

Deno.test("a call that turns out to need more than its function declares is denied where it is made", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      yield* callAs(kernel, "rmil.store", { program: "relu", name: "p" });
      const get: Json = {
        operation: "artifacts.get",
        takes: [{ type: "sym", into: "/file" }],
        gives: { type: "sym", from: "/file" },
        input: { artifact: "p" },
        effects: ["readLocal"],
      };
      const failure = yield* refused(kernel, "rmil.run", { program: "get(#out)", hosts: { get } });
      assert.equal(failure.code, "KERNEL_SUBCALL");
      assert.equal(failureFromJson(failure.actual!).code, "KERNEL_DENIED");
    })
  ));

Deno.test("the gate decides on what the functions declare, before the run", () =>
  inWorkspace(
    (kernel) =>
      Effect.gen(function* () {
        const hosts = { size: { ...(BYTES_OF as object), effects: ["network"] } };
        assert.equal((yield* refused(kernel, "rmil.act", { program: "1", hosts })).code, "KERNEL_DENIED");
        assert.ok(yield* callAs(kernel, "rmil.run", { program: "size(#relu)", hosts: { size: BYTES_OF } }));
      }),
    { format: 1, rules: [{ name: "offline", decision: "deny", authorities: ["network"], reason: "No net here" }] },
  ));

Deno.test("a run that writes through the host is in the ledger, before and after, and so is the write", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const store: Json = {
        operation: "rmil.store",
        takes: [{ type: "sym", into: "/program" }],
        gives: { type: "i64", from: "/bytes" },
        effects: ["readLocal", "writeLocal"],
      };
      const program = "map($keep, (#relu, #tanh))";
      assert.ok(yield* callApproving(kernel, "rmil.act", { program, hosts: { keep: store } }));
      const { events } = (yield* callAs(kernel, "ledger.events", { limit: 100 })) as {
        readonly events: ReadonlyArray<{ readonly type: string; readonly data: { readonly operation?: string } }>;
      };
      const of = (operation: string) => events.filter(({ data }) => data.operation === operation).length;
      assert.ok(
        of("rmil.act") >= 1 && of("rmil.store") >= 2,
        JSON.stringify(events.map(({ type, data }) => [type, data])),
      );
    })
  ));

const counting = (): { readonly plugin: Plugin; readonly calls: () => number } => {
  let calls = 0;
  const Next = operation("tally.next", {
    summary: "Count one more.",
    input: {},
    output: Schema.Struct({ count: Schema.Int }),
    failures: [],
    effects: [],
    cost: { compute: "constant" },
    idempotent: false,
    reversible: true,
    stability: "stable",
    examples: [{ input: {} }],
  });
  const handlers = { "tally.next": () => Effect.sync(() => ({ count: ++calls })) };
  const plugin = barePlugin("tally", {
    namespaces: [{ name: "tally", summary: "counts" }],
    operations: () => [Next],
    load: () => ({ default: implementation({ operations: [Next], requires: [], layer: Layer.empty, handlers }) }),
  });
  return { plugin, calls: () => calls };
};

Deno.test("going back in the debugger does not call the host again", async () => {
  const { plugin, calls } = counting();
  const next: Json = { operation: "tally.next", gives: { type: "i64", from: "/count" } };
  const input = { program: "add(next(), 40)", hosts: { next }, commands: ["continue", "back", "continue"] };
  const { stops } = (await Effect.runPromise(Effect.scoped(
    Effect.flatMap(openKernel(testOptions([rmilPlugin, plugin])), (kernel) => callAs(kernel, "rmil.debug", input)),
  ))) as unknown as { readonly stops: ReadonlyArray<{ readonly value?: string }> };
  assert.deepEqual([stops[0].value, stops[2].value], ["41", "41"]);
  assert.equal(calls(), 1);
});

Deno.test("names that no program can write, pointers that are none and too many functions are refused", () =>
  inOpen((kernel) =>
    Effect.gen(function* () {
      const codeOf = (hosts: Json) =>
        Effect.map(refused(kernel, "rmil.run", { program: "1", hosts }), ({ code }) => code);
      assert.equal(yield* codeOf({ "a-b": BYTES_OF }), "RMIL_TEXT");
      assert.match(
        yield* codeOf({ f: { ...(BYTES_OF as object), gives: { type: "i64", from: "bytes" } } }),
        /^KERNEL_/u,
      );
      assert.equal(yield* codeOf({ f: { ...(BYTES_OF as object), gives: { type: "i65" } } }), "RMIL_INPUT");
      const many = (count: number): Json =>
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, BYTES_OF]));
      assert.ok(yield* callAs(kernel, "rmil.run", { program: "1", hosts: many(64) }));
      assert.match(yield* codeOf(many(65)), /^KERNEL_/u);
    })
  ));
