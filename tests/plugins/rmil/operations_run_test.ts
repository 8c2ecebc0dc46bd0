import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure, Json } from "../../../kernel/mod.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const ask = (operation: string, input: Json): Promise<Json> =>
  inWorkspace((kernel) => callAs(kernel, operation, input)) as Promise<Json>;

const refused = (operation: string, input: Json): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, operation, input))) as Promise<Failure>;

Deno.test("a run gives the same value for the same seed, and another for another", async () => {
  const input = (seed: number) => ({
    program: { source: "linear(3)" },
    inputs: { x: { type: "f32[1,2]", values: [1, 2] } },
    seed,
  });
  assert.deepEqual(await ask("rmil.run", input(1)), await ask("rmil.run", input(1)));
  assert.notDeepEqual(await ask("rmil.run", input(1)), await ask("rmil.run", input(2)));
});

Deno.test("inputs bind the names a program reads; the rest is the pipeline's input", async () => {
  const made = await ask("rmil.run", {
    program: { source: "add($y)" },
    inputs: { x: { type: "i64", values: ["1"] }, y: { type: "i64", values: ["41"] } },
  });
  assert.deepEqual((made as { value: Json }).value, { type: "i64", values: ["42"] });
});

Deno.test("values of every kind go in and come out", async () => {
  const x: Json = {
    tuple: [null, true, { sym: "a" }, { type: "u16[2]", values: [0, 65535] }, { type: "f32", values: ["nan"] }],
  };
  assert.deepEqual(
    (await ask("rmil.run", { program: { source: "identity" }, inputs: { x } }) as { value: Json }).value,
    x,
  );
});

Deno.test("a program that a run gives is answered as its source; as an input it is refused", async () => {
  const made = await ask("rmil.run", { program: "match(X >> relu, linear(8) >> relu)" }) as { readonly value: Json };
  assert.deepEqual(made.value, { tuple: [{ tuple: [{ sym: "X" }, { program: "linear(8)" }] }] });
  const failure = await refused("rmil.run", { program: "identity", inputs: { x: { program: "relu" } } });
  assert.deepEqual([failure.code, failure.path], ["RMIL_INPUT", "/inputs/x"]);
});

Deno.test("bytes of a program are judged as its text is", async () => {
  const { hex } = await ask("rmil.encode", { source: "linear(64) >> relu", version: 2 }) as { hex: string };
  const inputs = { x: "f32[8,32]" };
  assert.deepEqual(
    await ask("rmil.check", { program: { hex }, inputs }),
    await ask("rmil.check", { program: { source: "linear(64) >> relu" }, inputs }),
  );
});

Deno.test("what is no type, no value and no program is refused with its place", async () => {
  const program = { source: "relu" };
  assert.equal((await refused("rmil.check", { program, inputs: { x: "f32[" } })).path, "/inputs/x");
  assert.equal((await refused("rmil.check", { program, inputs: { x: "f32) -> (nil" } })).code, "RMIL_INPUT");
  const short = { program, inputs: { x: { type: "f32[2]", values: [1] } } };
  assert.equal((await refused("rmil.run", short)).code, "RMIL_INPUT");
  assert.equal((await refused("rmil.run", { program: { hex: "0" } })).path, "/program/hex");
});

Deno.test("fuel: the steps used suffice, one less does not", async () => {
  const program = { source: "fold(add, 0, identity)" };
  const inputs = { x: { type: "i64[3]", values: ["1", "2", "3"] } };
  const { fuelUsed } = await ask("rmil.run", { program, inputs }) as { fuelUsed: number };
  assert.ok(await ask("rmil.run", { program, inputs, fuel: fuelUsed }));
  assert.equal((await refused("rmil.run", { program, inputs, fuel: fuelUsed - 1 })).code, "RMIL_FUEL");
});

Deno.test("a fix that comes with a patch makes the program pass", async () => {
  const cases = [
    [{ x: "f32[2,3]", w: "f32[4,5]" }, "matmul(identity, $w)"],
    [{ x: "f32[2,3]", w: "f32[4,5]" }, "relu >> matmul($w)"],
    [{ x: "f32[2,3]" }, "let total = relu in $totl"],
  ] as const;
  for (const [inputs, source] of cases) {
    const failure = await refused("rmil.check", { program: { source }, inputs });
    const [edit] = failure.fix!.patch!;
    assert.equal(edit.path, "/program/source");
    assert.ok(await ask("rmil.check", { program: { source: (edit as { value: string }).value }, inputs }), source);
  }
});

/** The least and greatest integers of every integer dtype, as values of a run show them. */
const EXTREMES: { readonly [dtype: string]: ReadonlyArray<number | string> } = {
  i8: [-128, 127],
  i16: [-32768, 32767],
  i32: [-2147483648, 2147483647],
  i64: ["-9223372036854775808", "9223372036854775807"],
  u8: [0, 255],
  u16: [0, 65535],
  u32: [0, 4294967295],
  u64: ["0", "18446744073709551615"],
};

for (const [dtype, values] of Object.entries(EXTREMES)) {
  Deno.test(`tensor ops move the whole range of ${dtype}, and take it as indices`, async () => {
    const x: Json = { type: `${dtype}[2]`, values };
    const i: Json = { type: `${dtype}[2]`, values: [1, 0] };
    const program = "gather(identity, $i) | max(identity, identity)";
    const { value } = await ask("rmil.run", { program, inputs: { x, i } }) as { readonly value: Json };
    assert.deepEqual(value, { tuple: [{ type: `${dtype}[2]`, values: [...values].reverse() }, x] });
  });
}

Deno.test("an index that only u64 can say is refused, not wrapped", async () => {
  const inputs = {
    x: { type: "f32[2]", values: [1, 2] },
    i: { type: "u64[1]", values: ["18446744073709551615"] },
  };
  assert.equal((await refused("rmil.run", { program: "gather(identity, $i)", inputs })).code, "RMIL_INDEX");
});

Deno.test("a term that a run gives is shown as it is written", async () => {
  const made = await ask("rmil.run", { program: "rewrite(rule(f(X), g(X, 0.5, true)), f(1))" }) as { value: Json };
  assert.deepEqual(made.value, { text: "the term g(1, 0.5, true)" });
});

Deno.test("a plan keeps apart an atom and the value that is written alike", async () => {
  const plan = async (goal: string) => {
    const program =
      `{ assert(at(true)); assert(action(go, needs(at(true)), adds(at(#\`true\`)), deletes(at(true)))); plan(at(${goal})) }`;
    return (await ask("rmil.run", { program }) as { readonly value: Json }).value;
  };
  assert.deepEqual(await plan("true"), { tuple: [] });
  assert.deepEqual(await plan("#`true`"), { tuple: [{ sym: "go" }] });
});
