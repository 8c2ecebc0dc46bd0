/**
 * The machine door on a small kernel: every document in has one answer out, in order, and nothing else is written.
 */
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import {
  approvalNeeded,
  CallContext,
  denied,
  failure,
  failureFromJson,
  implementation,
  interrupted,
  invalidInput,
  type Json,
  type JsonObject,
  openKernel,
  operation,
  type Plugin,
  subcallFailed,
  unknownOperation,
} from "../../../kernel/mod.ts";
import { serveDoor } from "../../../plugins/surfaces/cli/door.ts";
import { exitCodeOf, worse } from "../../../plugins/surfaces/cli/exit.ts";
import { linesOf } from "../../../plugins/surfaces/cli/lines.ts";
import * as Layer from "effect/Layer";
import { barePlugin, testOptions } from "../../kernel/host.ts";

const tooBig = failure("DEMO_TOO_BIG", { doc: "Demo.", recoverable: true, says: () => "Cannot: too big" });

const plain = {
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
  examples: [{ input: {} }],
};

const Twice = operation("demo.twice", {
  ...plain,
  summary: "Double a number; more than 100 is too big.",
  input: { n: Schema.Finite },
  output: Schema.Finite,
  failures: [tooBig],
});

const Count = operation("demo.count", {
  ...plain,
  summary: "Count up, an event a step.",
  input: { to: Schema.Int },
  output: Schema.Int,
  event: Schema.Struct({ at: Schema.Int }),
  failures: [],
});

const Wait = operation("demo.wait", { ...plain, summary: "Never end.", input: {}, output: Schema.Null, failures: [] });

const Break = operation("demo.break", { ...plain, summary: "Break.", input: {}, output: Schema.Null, failures: [] });

const demo: Plugin = barePlugin("demo", {
  namespaces: [{ name: "demo", summary: "demonstrations" }],
  operations: () => [Twice, Count, Wait, Break],
  load: () => ({
    default: implementation({
      operations: [Twice, Count, Wait, Break],
      requires: [],
      layer: Layer.empty,
      handlers: {
        "demo.twice": ({ n }) => n > 100 ? Effect.fail(tooBig({})) : Effect.succeed(2 * n),
        "demo.count": ({ to }) =>
          Effect.gen(function* () {
            const { emit } = yield* CallContext;
            for (let at = 1; at <= to; at++) yield* emit({ at });
            return to;
          }),
        "demo.wait": () => Effect.never,
        "demo.break": () => Effect.die(new Error("a bug")),
      },
    }),
  }),
});

async function* chunks(...parts: ReadonlyArray<string | Uint8Array>): AsyncIterable<Uint8Array> {
  for (const part of parts) yield typeof part === "string" ? new TextEncoder().encode(part) : part;
}

interface Served {
  readonly code: number;
  readonly out: ReadonlyArray<JsonObject>;
}

const serving = (args: ReadonlyArray<string>, input: AsyncIterable<Uint8Array>, out: string[]) =>
  Effect.scoped(
    Effect.gen(function* () {
      const kernel = yield* openKernel(testOptions([demo]));
      const terminal = {
        write: (stream: string, text: string) => {
          assert.equal(stream, "stdout");
          out.push(text);
          return true;
        },
        input: () => input,
      };
      return yield* serveDoor({ kernel: Effect.succeed(kernel), actor: "user@headless", terminal }, args);
    }),
  );

const serve = async (args: ReadonlyArray<string>, ...parts: ReadonlyArray<string | Uint8Array>): Promise<Served> => {
  const out: string[] = [];
  const code = await Effect.runPromise(serving(args, chunks(...parts), out) as Effect.Effect<number>);
  for (const text of out) assert.match(text, /^[^\n]+\n$/u, "one document a line");
  return { code, out: out.map((text) => JSON.parse(text)) };
};

const codes = ({ out }: Served): ReadonlyArray<Json | undefined> =>
  out.map((line) => (line.failure as JsonObject | undefined)?.code ?? line.value);

Deno.test("one call answers one document and exit 0", async () => {
  assert.deepEqual(await serve(["demo.twice", '{"n":21}']), { code: 0, out: [{ ok: true, value: 42 }] });
});

Deno.test("an operation without a document gets an empty input", async () => {
  const { code, out } = await serve(["demo.twice"]);
  assert.equal(code, 2);
  assert.equal((out[0].failure as JsonObject).code, "KERNEL_INVALID_INPUT");
});

Deno.test("a failure is answered whole, and reads back as a failure", async () => {
  const { code, out } = await serve(["demo.twice", '{"n":101}']);
  assert.equal(code, 1);
  assert.deepEqual(Object.keys(out[0]), ["ok", "failure"]);
  assert.equal(failureFromJson(out[0].failure).code, "DEMO_TOO_BIG");
});

Deno.test("an unknown operation is answered with the nearest id", async () => {
  const { out } = await serve(["demo.twicee", '{"n":1}']);
  const failure = failureFromJson(out[0].failure);
  assert.equal(failure.code, "KERNEL_UNKNOWN_OPERATION");
  assert.deepEqual(failure.suggestions, ["demo.twice"]);
});

Deno.test("events come before the answer, in order", async () => {
  const { out } = await serve(["demo.count", '{"to":3}']);
  assert.deepEqual(out, [{ event: { at: 1 } }, { event: { at: 2 } }, { event: { at: 3 } }, { ok: true, value: 3 }]);
});

Deno.test("a batch of inputs answers each with its index, and the highest exit code counts", async () => {
  const served = await serve(["demo.twice", "-"], '{"n":1}\n{"n":101}\n', '{"n":3}');
  assert.equal(served.code, 1);
  assert.deepEqual(codes(served), [2, "DEMO_TOO_BIG", 6]);
  assert.deepEqual(served.out.map(({ index }) => index), [0, 1, 2]);
});

Deno.test("a batch of calls names the operation a line", async () => {
  const served = await serve(
    ["-"],
    '{"operation":"demo.count","input":{"to":1}}\n',
    '{"operation":"demo.twice","input":{"n":1},"seed":7,"budget":{"fuel":10}}\n',
  );
  assert.equal(served.code, 0);
  assert.deepEqual(served.out, [
    { index: 0, event: { at: 1 } },
    { index: 0, ok: true, value: 1 },
    { index: 1, ok: true, value: 2 },
  ]);
});

Deno.test("a malformed line costs only itself", async () => {
  const served = await serve(
    ["-"],
    "{\n",
    "\n   \n",
    "[1]\n",
    '{"operation":"demo.twice","input":{"n":1},"more":1}\n',
    '{"operation":"demo.twice","seed":{}}\n',
    '{"operation":"demo.twice","budget":[]}\n',
    new Uint8Array([0x22, 0xff, 0x22, 0x0a]),
    '{"operation":"demo.twice","input":{"n":2}}\r\n',
  );
  assert.equal(served.code, 2);
  const malformed = "SURFACE_DOCUMENT";
  assert.deepEqual(codes(served), [malformed, malformed, malformed, malformed, malformed, malformed, 4]);
  assert.deepEqual(served.out.map(({ index }) => index), [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("a deeply nested document is refused, not a crash", async () => {
  const deep = `{"n":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
  const served = await serve(["demo.twice", "-"], `${deep}\n{"n":2}\n`);
  assert.equal(served.out.length, 2);
  assert.equal(served.out[0].ok, false);
  assert.equal(served.out[1].value, 4);
});

Deno.test("an empty batch answers nothing and exits 0", async () => {
  assert.deepEqual(await serve(["-"]), { code: 0, out: [] });
});

Deno.test("words the door does not take are answered as failures, exit 2", async () => {
  for (const args of [[], ["--json", "demo.twice"], ["demo.twice", "{}", "{}"], ["-", "-"], ["demo.twice", "{"]]) {
    const { code, out } = await serve(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(out.length, 1);
    assert.equal(out[0].ok, false);
  }
});

Deno.test("a bug in a handler is answered as a defect, and the batch goes on", async () => {
  const served = await serve(["-"], '{"operation":"demo.break"}\n{"operation":"demo.twice","input":{"n":1}}\n');
  assert.deepEqual(codes(served), ["KERNEL_DEFECT", 2]);
  assert.equal(served.code, 1);
});

Deno.test("a kernel that does not open is answered", async () => {
  const out: string[] = [];
  const terminal = { write: (_: string, text: string) => (out.push(text), true), input: () => chunks() };
  const kernel = Effect.fail(tooBig({}));
  const code = await Effect.runPromise(serveDoor({ kernel, actor: "user@headless", terminal }, ["demo.twice"]));
  assert.equal(code, 1);
  assert.equal(JSON.parse(out[0]).failure.code, "DEMO_TOO_BIG");
});

Deno.test("an interrupted call is answered before the door closes", async () => {
  const out: string[] = [];
  const fiber = Effect.runFork(serving(["demo.wait"], chunks(), out) as Effect.Effect<number>);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Effect.runPromise(Fiber.interrupt(fiber));
  assert.equal(out.length, 1);
  assert.equal(JSON.parse(out[0]).failure.code, "KERNEL_INTERRUPTED");
});

Deno.test("a reader that went away stops the batch", async () => {
  let written = 0;
  const terminal = { write: () => ++written < 2, input: () => chunks('{"n":1}\n'.repeat(5)) };
  const exit = await Effect.runPromiseExit(Effect.scoped(
    Effect.flatMap(
      openKernel(testOptions([demo])),
      (kernel) => serveDoor({ kernel: Effect.succeed(kernel), actor: "user@headless", terminal }, ["demo.twice", "-"]),
    ),
  ));
  assert.equal(exit._tag, "Failure");
  assert.ok(written < 5, `${written} writes`);
});

Deno.test("lines are cut at line feeds wherever the chunks end, and at the limit exactly", async () => {
  const collect = async (limit: number, ...parts: ReadonlyArray<string>) => {
    const out = [];
    for await (const line of linesOf(chunks(...parts), limit)) out.push("text" in line ? line.text : line.fault);
    return out;
  };
  assert.deepEqual(await collect(100, "a", "b\nc", "\n", "\n", "d"), ["ab", "c", "d"]);
  assert.deepEqual(await collect(4, "1234\n12345\n1", "23", "45", "6\n12\n"), ["1234", "too long", "too long", "12"]);
  assert.deepEqual(await collect(6, "中文\n", "中文x\n"), ["中文", "too long"], "the limit counts bytes");
});

Deno.test("exit codes: input 2, refusal 3, interruption 130, anything else 1; through calls within calls too", () => {
  const refusal = denied({ operation: "a.b", authority: "network", detail: "x", rule: "r" });
  const question = approvalNeeded({ operation: "a.b", authorities: ["network"], rule: "r", command: "rmi approve 1" });
  const wrong = invalidInput({ operation: "a.b", problem: "p" });
  const through = (inner: { readonly toJSON?: unknown }) =>
    subcallFailed({ operation: "x.y", called: "a.b", message: "m", actual: JSON.parse(JSON.stringify(inner)) });
  assert.equal(exitCodeOf(refusal), 3);
  assert.equal(exitCodeOf(question), 3);
  assert.equal(exitCodeOf(wrong), 2);
  assert.equal(exitCodeOf(unknownOperation({ id: "x" })), 2);
  assert.equal(exitCodeOf(interrupted({ operation: "x" })), 130);
  assert.equal(exitCodeOf(tooBig({})), 1);
  assert.equal(exitCodeOf(through({ ...refusal, code: refusal.code } as never)), 3);
  assert.equal(exitCodeOf(through({ ...wrong, code: wrong.code } as never)), 1);
  assert.equal(exitCodeOf(subcallFailed({ operation: "x", called: "y", message: "m" })), 1);
  assert.equal(worse(1, 3), 3);
});
