import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import assert from "node:assert/strict";
import { Failure } from "../../../kernel/failure.ts";
import { typeFromAst, valueFromAst, valueToAst } from "../../../plugins/rmil/ast.ts";
import { call, lam, letIn, lit, ref } from "../../../plugins/rmil/expression.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import {
  DEFAULT_TIME_LIMIT_MS,
  type HostFunction,
  HostFunctions,
  MAX_NAME_LENGTH,
} from "../../../plugins/rmil/hosts/functions.ts";
import { hostJudgement } from "../../../plugins/rmil/hosts/judgement.ts";
import { mathPrelude } from "../../../plugins/rmil/hosts/prelude.ts";
import { scalar, showType, tensor, tuple, type Type, VOID } from "../../../plugins/rmil/types.ts";
import { f32, f64, i64, NIL, tensorValue, toFloat64, tupleValue, type Value } from "../../../plugins/rmil/value.ts";

const vectors = JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/ffi.json", import.meta.url)));

const host = (over: Partial<HostFunction> & { readonly inputs: ReadonlyArray<Type> }): HostFunction => ({
  name: "f",
  doc: "Gives its first argument.",
  output: { k: "Opaque", id: 0 },
  effects: [],
  kinds: [],
  run: (args) => Effect.succeed(args[0] ?? NIL),
  ...over,
});

const outcome = (effect: Effect.Effect<Value, Failure>): Promise<Value | string> =>
  Effect.runPromise(Effect.catch(effect, (failure) => Effect.succeed(failure.code)));

const taken = async (type: Type, value: Value, granted: ReadonlyArray<never> = []): Promise<Value | string> =>
  await outcome(new HostFunctions([host({ inputs: [type] })]).call("f", [value], granted));

/** Where the original is wrong: it ignores a tensor's dtype and shape, and the members of unions and variables. */
const CORRECTED: { readonly [param: string]: ReadonlyArray<string> } = {
  "i64[9,9]": ["nil"],
  "i64/Union": ["nil", "i64"],
  "τ0": ["nil", "bool", "i64", "f32", "f64", "tensor_f32_2", "sym", "tuple_i64_f32", "tuple_empty"],
};

Deno.test("what a parameter of each type takes, by the original's matrix less its mistakes", async () => {
  for (const row of vectors.matrix) {
    const type = typeFromAst(row.ty);
    const expected = CORRECTED[type.k === "Union" ? "i64/Union" : row.param] ?? row.accepts;
    const accepted: Array<string> = [];
    for (const { name, val } of vectors.value_names) {
      if (typeof await taken(type, valueFromAst(val)) !== "string") accepted.push(name);
    }
    assert.deepEqual(accepted, expected, showType(type));
  }
});

Deno.test("the mathematical prelude gives the original's results", async () => {
  const functions = new HostFunctions(mathPrelude);
  assert.deepEqual(functions.names, vectors.prelude);
  for (const { fn, args, result } of vectors.prelude_results) {
    const value = await outcome(functions.call(fn, args.map((text: string) => f64(Number(text))), []));
    const wanted = valueFromAst(result);
    assert.ok(typeof value !== "string" && value.k === "F64" && wanted.k === "F64");
    // The sign of NaN is the processor's.
    if (Number.isNaN(toFloat64(wanted))) assert.ok(Number.isNaN(toFloat64(value)), fn);
    else assert.deepEqual(valueToAst(value), result, fn);
  }
});

Deno.test("narrow integers take what fits and refuse the next number", async () => {
  const ranges: ReadonlyArray<readonly [Type & { k: "Scalar" }, bigint, bigint]> = [
    [scalar("i8") as never, -128n, 127n],
    [scalar("u8") as never, 0n, 255n],
    [scalar("i16") as never, -32768n, 32767n],
    [scalar("u16") as never, 0n, 65535n],
    [scalar("i32") as never, -2147483648n, 2147483647n],
    [scalar("u32") as never, 0n, 4294967295n],
  ];
  for (const [type, low, high] of ranges) {
    assert.notEqual(typeof await taken(type, i64(low)), "string");
    assert.notEqual(typeof await taken(type, i64(high)), "string");
    assert.equal(await taken(type, i64(low - 1n)), "RMIL_HOST_ARGUMENT");
    assert.equal(await taken(type, i64(high + 1n)), "RMIL_HOST_ARGUMENT");
  }
});

Deno.test("an f64 arrives rounded where f32 is declared", async () => {
  assert.deepEqual(await taken(scalar("f32"), f64(0.1)), f32(0.1));
});

const vector = (size: number) => tensorValue("f32", [size], new Uint8Array(4 * size));

Deno.test("tensors are taken by dtype and shape; a named size is one size within a call", async () => {
  const named = tensor("f32", ["n"]);
  const both = new HostFunctions([host({ inputs: [named, named] })]);
  assert.notEqual(typeof await outcome(both.call("f", [vector(2), vector(2)], [])), "string");
  assert.equal(await outcome(both.call("f", [vector(2), vector(3)], [])), "RMIL_HOST_ARGUMENT");
  assert.notEqual(typeof await taken(tensor("f32", [null]), vector(7)), "string");
  assert.equal(await taken(tensor("f64", [null]), vector(7)), "RMIL_HOST_ARGUMENT");
  assert.equal(await taken(tensor("f32", [2, 1]), vector(2)), "RMIL_HOST_ARGUMENT");
});

Deno.test("a type variable is one type within a call, and a union's failed member binds nothing", async () => {
  const variable: Type = { k: "Var", id: 0 };
  const both = new HostFunctions([host({ inputs: [variable, variable] })]);
  assert.notEqual(typeof await outcome(both.call("f", [i64(1), i64(2)], [])), "string");
  assert.equal(await outcome(both.call("f", [i64(1), f64(2)], [])), "RMIL_HOST_ARGUMENT");
  const union: Type = { k: "Union", items: [tuple([variable, scalar("b1")]), tuple([scalar("i64"), variable])] };
  assert.notEqual(typeof await taken(union, tupleValue([i64(1), f64(2)])), "string");
});

Deno.test("a call fails for its first fault: name, authority, number of arguments, type", async () => {
  const functions = new HostFunctions([host({ inputs: [scalar("f64")], effects: ["network"], kinds: ["random"] })]);
  const code = (name: string, args: ReadonlyArray<Value>, granted: ReadonlyArray<"network" | "random">) =>
    outcome(functions.call(name, args, granted));
  assert.equal(await code("g", [], []), "RMIL_HOST_UNKNOWN");
  assert.equal(await code("f", [], ["network"]), "RMIL_HOST_DENIED");
  assert.equal(await code("f", [], ["random"]), "RMIL_HOST_DENIED");
  assert.equal(await code("f", [], ["network", "random"]), "RMIL_HOST_ARITY");
  assert.equal(await code("f", [f64(1), f64(2)], ["network", "random"]), "RMIL_HOST_ARITY");
  assert.deepEqual(await code("f", [f64(1)], ["network", "random"]), f64(1));
  assert.equal(await code("f", [i64(1)], ["network", "random"]), "RMIL_HOST_ARGUMENT");
});

Deno.test("a function whose authority was not granted is never entered", async () => {
  let entered = false;
  const run = () => Effect.sync(() => (entered = true, NIL));
  const functions = new HostFunctions([host({ inputs: [], kinds: ["ffi"], run, output: VOID })]);
  assert.equal(await outcome(functions.call("f", [], ["network"])), "RMIL_HOST_DENIED");
  assert.equal(entered, false);
  assert.deepEqual(await outcome(functions.call("f", [], ["ffi"])), NIL);
});

Deno.test("a misspelled name is answered with the nearest", async () => {
  const functions = new HostFunctions(mathPrelude);
  const failure = await Effect.runPromise(Effect.flip(functions.call("ffi_sqr", [f64(1)], [])));
  assert.equal(failure.suggestions[0], "ffi_sqrt");
});

Deno.test("a result of another type, an exception and a failure of its own are typed failures", async () => {
  const giving = (run: HostFunction["run"]) =>
    outcome(new HostFunctions([host({ inputs: [], output: scalar("i64"), run })]).call("f", [], []));
  assert.equal(await giving(() => Effect.succeed(f64(1))), "RMIL_HOST_RESULT");
  assert.equal(await giving(() => Effect.succeed(NIL)), "RMIL_HOST_RESULT");
  assert.deepEqual(await giving(() => Effect.succeed(i64(1))), i64(1));
  assert.equal(
    await giving(() => {
      throw new Error("broke");
    }),
    "RMIL_HOST_FAILED",
  );
  assert.equal(await giving(() => Effect.die("broke")), "RMIL_HOST_FAILED");
  assert.equal(await giving(() => new HostFunctions().call("gone", [], [])), "RMIL_HOST_UNKNOWN");
});

Deno.test("a function that does not answer in its time is stopped", async () => {
  let stopped = false;
  const run = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (stopped = true)));
  const functions = new HostFunctions([host({ inputs: [], run })]);
  const code = await Effect.runPromise(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.flip(functions.call("f", [], [])));
      yield* TestClock.adjust(DEFAULT_TIME_LIMIT_MS - 1);
      assert.equal(stopped, false);
      yield* TestClock.adjust(1);
      return (yield* Fiber.join(fiber)).code;
    }).pipe(Effect.provide(TestClock.layer())),
  );
  assert.deepEqual([code, stopped], ["RMIL_HOST_FAILED", true]);
});

Deno.test("registering again replaces, unregistering says whether there was one", async () => {
  const functions = new HostFunctions([host({ inputs: [] })]);
  functions.register(host({ inputs: [], run: () => Effect.succeed(i64(7)) }));
  assert.deepEqual([functions.size, await outcome(functions.call("f", [], []))], [1, i64(7)]);
  assert.deepEqual([functions.unregister("f"), functions.unregister("f"), functions.size], [true, false, 0]);
});

Deno.test("a name that no program can write is refused; the longest is taken, a longer one refused", () => {
  const named = (name: string) => () => new HostFunctions([host({ inputs: [], name })]);
  for (const name of ["", "1f", "f g", "f-g", "a".repeat(MAX_NAME_LENGTH + 1)]) {
    assert.throws(named(name), (cause) => cause instanceof Failure && cause.code === "RMIL_TEXT", name);
  }
  assert.equal(named("a".repeat(MAX_NAME_LENGTH))().size, 1);
});

const symbols = Symbols.of(["f", "x", "ffi_sqrt"]);
const [f, x, sqrt] = [1, 2, 3];

Deno.test("what a program would call shows before it runs: functions, effects, kinds and faults", () => {
  const functions = new HostFunctions([...mathPrelude, host({ inputs: [], effects: ["network"], kinds: ["time"] })]);
  const judged = hostJudgement({ symbols, root: call(ref(sqrt), [call(ref(f), [])]) }, functions);
  assert.deepEqual({ ...judged, faults: judged.faults.length }, {
    functions: ["f", "ffi_sqrt"],
    effects: ["network"],
    kinds: ["time"],
    faults: 0,
  });
  const faulty = hostJudgement({ symbols, root: call(ref(sqrt), [call(ref(f), [lit(i64(1))])]) }, functions);
  assert.deepEqual(faulty.faults.map(({ code, path }) => [code, path]), [["RMIL_HOST_ARITY", "/1"]]);
  const mistyped = hostJudgement({ symbols, root: call(ref(sqrt), [lit(i64(1))]) }, functions);
  assert.deepEqual(mistyped.faults.map(({ code, path }) => [code, path]), [["RMIL_HOST_ARGUMENT", "/1"]]);
});

Deno.test("a function handed over by name counts, a name that the program binds itself does not", () => {
  const functions = new HostFunctions([host({ inputs: [], effects: ["exec"] })]);
  const effects = (root: ReturnType<typeof ref>) => hostJudgement({ symbols, root }, functions).effects;
  assert.deepEqual(effects(call(ref(x), [ref(f)])), ["exec"]);
  assert.deepEqual(effects(letIn(f, lam([], lit(NIL)), call(ref(f), []))), []);
  assert.deepEqual(effects(lam([{ sym: f, type: scalar("f32") }], call(ref(f), []))), []);
});
