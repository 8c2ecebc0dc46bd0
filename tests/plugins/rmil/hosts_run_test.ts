import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Authority } from "../../../kernel/mod.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { type HostFunction, HostFunctions } from "../../../plugins/rmil/hosts/functions.ts";
import { mathPrelude } from "../../../plugins/rmil/hosts/prelude.ts";
import { run } from "../../../plugins/rmil/interpreter.ts";
import { scalar } from "../../../plugins/rmil/types.ts";
import { f64, i64, toFloat64 } from "../../../plugins/rmil/value.ts";

const fetchAge: HostFunction = {
  name: "fetch_age",
  doc: "Asks a server.",
  inputs: [scalar("i64")],
  output: scalar("i64"),
  effects: ["network"],
  kinds: [],
  run: ([id]) => Effect.as(Effect.yieldNow, id),
};

const functions = new HostFunctions([...mathPrelude, fetchAge]);

const ran = (source: string, granted: ReadonlyArray<Authority> = []) =>
  Effect.suspend(() => {
    const { root, symbols } = parse(source);
    return run(root, symbols, { hosts: functions, granted });
  }).pipe(
    Effect.match({ onSuccess: ({ value }) => value, onFailure: ({ code, path }) => `${code} ${path}` }),
    Effect.runPromise,
  );

Deno.test("a program calls host functions by name, with results of computations", async () => {
  const value = await ran("ffi_sqrt(add(ffi_abs(-9.0f64), 7.0f64))");
  assert.ok(typeof value !== "string" && value.k === "F64");
  assert.equal(toFloat64(value), 4);
  assert.deepEqual(await ran("map(\\(x: f64) -> ffi_floor($x), (1.5f64, 2.5f64))"), {
    k: "Tuple",
    items: [f64(1), f64(2)],
  });
});

Deno.test("an authority that was not granted stops the run at the call", async () => {
  assert.equal(await ran("add(1, fetch_age(41))"), "RMIL_HOST_DENIED /args/1");
  assert.deepEqual(await ran("add(1, fetch_age(41))", ["network"]), i64(42));
});

Deno.test("what the program binds is its own", async () => {
  assert.deepEqual(await ran("let ffi_sqrt = \\(x: i64) -> add($x, 1) in ffi_sqrt(1)"), i64(2));
});

Deno.test("wrong arguments fail at the call, functions are no data, unknown names are unbound", async () => {
  assert.equal(await ran("ffi_sqrt(1)"), "RMIL_HOST_ARGUMENT ");
  assert.equal(await ran("neg(ffi_sqrt(1.0f64, 2.0f64))"), "RMIL_HOST_ARITY /args/0");
  assert.equal(await ran("ffi_sqrt(\\(x: i64) -> $x)"), "RMIL_HOST_ARGUMENT /args/0");
  assert.match(String(await ran("ffi_nothing(1)")), /RMIL_UNBOUND/u);
});
