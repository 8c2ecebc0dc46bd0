/** The tools' operations through a real kernel: every example as declared, and calls that no example shows. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { isJsonObject, type Json, openKernel } from "../../../kernel/mod.ts";
import { rmilPlugin } from "../../../plugins/rmil/manifest.ts";
import { toolOperations } from "../../../plugins/rmil/operations_tools.ts";
import { testOptions } from "../../kernel/host.ts";

type Answer = { readonly output: Json } | { readonly failure: string; readonly path: string };

const invoke = (operation: string, input: Json, actor: "user@tty" | "mcp:someone" = "user@tty"): Promise<Answer> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const kernel = yield* openKernel(testOptions([rmilPlugin]));
    const called = kernel.invoke({ operation, input, actor });
    return yield* Effect.match(called, {
      onSuccess: (output): Answer => ({ output }),
      onFailure: ({ code, path }): Answer => ({ failure: code, path }),
    });
  })));

const contains = (whole: Json | undefined, part: Json): boolean => {
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((item, index) => contains(whole[index], item));
  if (isJsonObject(part)) {
    return isJsonObject(whole) && Object.entries(part).every(([key, value]) => contains(whole[key], value));
  }
  return whole === part;
};

Deno.test("every example of the tools gives what it declares", async () => {
  // What is stored has a place in a whole system only: the test of all examples opens one.
  for (const declared of toolOperations.filter(({ id }) => id !== "rmil.store")) {
    for (const { input, output, failure } of declared.examples) {
      const answer = await invoke(declared.id, input);
      if (failure !== undefined) assert.equal("failure" in answer && answer.failure, failure, declared.id);
      else assert.ok("output" in answer && contains(answer.output, output ?? null), JSON.stringify(answer));
    }
  }
});

const outputOf = (answer: Answer): { readonly [key: string]: Json } => {
  assert.ok("output" in answer && isJsonObject(answer.output), JSON.stringify(answer));
  return answer.output;
};

Deno.test("what rmil.diff finds, rmil.patch applies", async () => {
  const from = "let f = \\(x: f32) -> add($x, 1.0) in f(2.0) >> linear(8)";
  const to = "let g = \\(x: f32) -> add($x, 2.0) in $g(2.0) | gelu >> concat >> linear(8)";
  const { patch } = outputOf(await invoke("rmil.diff", { from, to }));
  assert.equal(outputOf(await invoke("rmil.patch", { program: from, patch })).source, to);
});

Deno.test("a text that is no program is refused at its own place", async () => {
  const refused = async (operation: string, input: Json) => {
    const answer = await invoke(operation, input);
    assert.ok("failure" in answer);
    return answer.path;
  };
  assert.equal(await refused("rmil.diff", { from: "relu", to: "relu >>" }), "/to");
  assert.equal(await refused("rmil.patch", { program: ")", patch: {} }), "/program");
  const modules = [{ name: "m", version: "1.0.0", source: "add(" }];
  assert.equal(await refused("rmil.modules", { modules, needs: { m: "*" } }), "/modules/0/source");
  assert.equal(
    await refused("rmil.modules", { modules: [{ ...modules[0], source: "1", version: "1" }], needs: {} }),
    "/modules/0/version",
  );
  assert.equal(await refused("rmil.patch", { program: "relu", patch: {} }), "/patch/from");
});

Deno.test("a caller of a server cannot take this process's standard input", async () => {
  const answer = await invoke("rmil.lsp", {}, "mcp:someone");
  assert.equal("failure" in answer && answer.failure, "RMIL_NOT_FOR_CALLERS");
});

Deno.test("a debugged program that fails shows where and why, and can be looked at before", async () => {
  const { stops } = outputOf(
    await invoke("rmil.debug", {
      program: "let d = sub($n, 2) in div(6, $d)",
      inputs: { n: "2" },
      commands: ["continue", "back"],
      watches: ["$d", "$nothing"],
    }),
  );
  assert.ok(
    contains(stops, [
      { status: "failed", failure: { code: "RMIL_DOMAIN", path: "/body" }, scope: { d: "0", n: "2" } },
      { status: "paused", at: "enter", path: "/body/args/1", watches: { $d: "0" } },
    ]),
    JSON.stringify(stops),
  );
  assert.match(JSON.stringify(stops), /RMIL_UNBOUND/u);
});

Deno.test("a debug call is refused for its first fault, at its place", async () => {
  const refused = async (input: Json) => {
    const answer = await invoke("rmil.debug", input);
    assert.ok("failure" in answer, JSON.stringify(answer));
    return `${answer.failure} ${answer.path}`;
  };
  const program = "add(1, 2)";
  const breakpoints = [{ on: "op", op: "ad" }];
  assert.equal(await refused({ program, commands: [], breakpoints }), "RMIL_UNKNOWN_OP /breakpoints/0");
  assert.equal(await refused({ program, commands: [], watches: ["add("] }), "RMIL_SYNTAX /watches/0");
  assert.equal(await refused({ program, commands: [], inputs: { x: "add(1, 2)" } }), "RMIL_TEXT /inputs/x");
  assert.match(await refused({ program, commands: ["back"] }), /RMIL_DEBUG/u);
  assert.equal(
    (await invoke("rmil.debug", { program, commands: Array(200).fill("continue") }) as { output: Json }).output !==
      null,
    true,
  );
  assert.match(await refused({ program, commands: Array(201).fill("continue") }), /KERNEL_/u);
});

Deno.test("an endless program under the debugger ends with its fuel", async () => {
  const program = "let f = \\(n: i64) -> f(add($n, 1)) in f(0)";
  const { stops } = outputOf(await invoke("rmil.debug", { program, commands: ["continue"], fuel: 5000 }));
  assert.ok(contains(stops, [{ status: "failed", failure: { code: "RMIL_FUEL" } }]));
});
