import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { Failure, random } from "../../../kernel/mod.ts";
import { LocalAgents } from "../../../plugins/rmil/agent_port.ts";
import { valueToAst } from "../../../plugins/rmil/ast.ts";
import { decodeExpression } from "../../../plugins/rmil/codec/v1.ts";
import { run, type RunOptions } from "../../../plugins/rmil/interpreter.ts";
import { isPlain, type RunValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import type { Breakpoint } from "../../../plugins/rmil/tools/breakpoints.ts";
import { Debugger, type DebugState, MAX_TRACE, WATCH_FUEL } from "../../../plugins/rmil/tools/debugger.ts";
import { i64, type Value } from "../../../plugins/rmil/value.ts";

const vectors = JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/debugger.json", import.meta.url)));

const opened = (source: string, breakpoints: ReadonlyArray<Breakpoint> = [], options: RunOptions = {}): Debugger =>
  new Debugger(parse(source), options, breakpoints);

const now = (command: Effect.Effect<DebugState, Failure>): Promise<DebugState> => Effect.runPromise(command);

const place = (state: DebugState): string =>
  state.status === "paused" ? `${state.at} ${state.path} ${state.label}` : state.status;

const plain = (value: RunValue): Value => {
  assert.ok(isPlain(value));
  return value;
};

const finished = (state: DebugState): Value => {
  assert.ok(state.status === "finished", place(state));
  return plain(state.value);
};

const FACTORIAL = "let f = \\(n: i64) -> if subsume(1, $n) then 1 else mul($n, f(sub($n, 1))) in f(5)";

const BREAKPOINTS: { readonly [text: string]: Breakpoint } = {
  "OpCode 0x0600": { on: "op", opcode: 0x0600 },
  "EveryN(2)": { on: "every", count: 2 },
  "Depth(2)": { on: "depth", depth: 2 },
};

Deno.test("traces are the original's: order, depths, labels, results", async () => {
  for (const { name, expr_hex, breakpoints, result, trace } of vectors.vectors) {
    if (name === "labels") continue;
    const root = decodeExpression(Uint8Array.fromHex(expr_hex));
    const debugged = new Debugger({ symbols: new Symbols(), root });
    assert.deepEqual(valueToAst(finished(await now(debugged.continue))), result);
    assert.deepEqual(
      debugged.trace.map(({ step, depth, label, result: value }) => ({
        step,
        depth,
        label,
        result: valueToAst(plain(value)),
      })),
      trace.map(({ step, depth, label, result: value }: Record<string, unknown>) => ({
        step,
        depth,
        label,
        result: value,
      })),
    );
    // Unlike the original's, ours stop; those by op and depth at the nodes that it flags.
    const [text] = breakpoints;
    if (text === "EveryN(2)") continue;
    const stopping = new Debugger({ symbols: new Symbols(), root }, {}, [BREAKPOINTS[text]]);
    let stops = 0;
    while ((await now(stopping.continue)).status === "paused") stops++;
    assert.equal(stops, trace.filter(({ hit }: { hit: boolean }) => hit).length, name);
  }
});

Deno.test("labels of every kind of literal and form are the original's", async () => {
  const { expr_hex, trace } = vectors.vectors.find(({ name }: { name: string }) => name === "labels");
  const root = decodeExpression(Uint8Array.fromHex(expr_hex));
  const debugged = new Debugger({ symbols: Symbols.of(["a", "b", "c", "d", "e"]), root });
  await now(debugged.continue);
  // Up to the lambda; calls and ops without input are where the original is wrong.
  const count = trace.findIndex(({ label }: { label: string }) => label === "lam(1)") + 1;
  assert.equal(count, 20);
  const shown = ({ label, depth }: { label: string; depth: number }) => `${depth} ${label}`;
  assert.deepEqual(debugged.trace.slice(0, count).map(shown), trace.slice(0, count).map(shown));
});

Deno.test("each kind of breakpoint stops before its node runs", async () => {
  const { symbols } = parse(FACTORIAL);
  const first = async (breakpoint: Breakpoint) => {
    const debugged = opened(FACTORIAL, [breakpoint]);
    const state = await now(debugged.continue);
    assert.equal(state.status === "paused" && state.breakpoint, 0);
    return place(state);
  };
  assert.match(await first({ on: "op", opcode: 0x0602 }), /^enter .* mul\(2\)$/u);
  assert.equal(await first({ on: "path", path: "/body" }), "enter /body call(1)");
  assert.match(await first({ on: "symbol", symbol: symbols.indexOf("n")! }), /^enter .* ref\(/u);
  assert.match(await first({ on: "kind", kind: "Cond" }), /^enter .* cond$/u);
  assert.equal(await first({ on: "every", count: 1 }), `enter  let(${symbols.indexOf("f")})`);
  const deep = await first({ on: "depth", depth: 6 });
  assert.match(deep, /^enter/u);
  assert.equal((await now(opened("1", [{ on: "depth", depth: 2 }]).continue)).status, "finished");
});

Deno.test("a breakpoint with a number stops at that hit alone", async () => {
  const debugged = opened(FACTORIAL, [{ on: "op", opcode: 0x0602, nth: 3 }]);
  await now(debugged.continue);
  assert.deepEqual(plain(debugged.scope.get("n")!), i64(3));
  assert.deepEqual(finished(await now(debugged.continue)), i64(120));
});

Deno.test("a recursive function stops once a call, with its own names in scope", async () => {
  const debugged = opened(FACTORIAL, [{ on: "kind", kind: "Cond" }]);
  const seen: Array<Value> = [];
  for (let state = await now(debugged.continue); state.status === "paused"; state = await now(debugged.continue)) {
    seen.push(plain(debugged.scope.get("n")!));
    assert.deepEqual(new Set(debugged.scope.keys()), new Set(["f", "n"]));
  }
  assert.deepEqual(seen, [5, 4, 3, 2, 1].map(i64));
});

Deno.test("stepping in visits every node once, in the order of starting", async () => {
  const debugged = opened("add(mul(2, 3), 4)");
  const places: Array<string> = [];
  for (let state = await now(debugged.stepIn); state.status === "paused"; state = await now(debugged.stepIn)) {
    places.push(place(state));
  }
  assert.deepEqual(places, [
    "enter  add(2)",
    "enter /args/0 mul(2)",
    "enter /args/0/args/0 2",
    "enter /args/0/args/1 3",
    "enter /args/1 4",
  ]);
});

Deno.test("stepping over runs a node to its end, stepping out the node around", async () => {
  const debugged = opened("add(mul(2, 3), 4)");
  await now(debugged.stepIn);
  await now(debugged.stepIn);
  const over = await now(debugged.stepOver);
  assert.equal(place(over), "leave /args/0 mul(2)");
  assert.deepEqual(over.status === "paused" && over.result, i64(6));
  assert.equal(place(await now(debugged.stepOver)), "enter /args/1 4");
  assert.equal(place(await now(debugged.stepOut)), "finished");
  const deep = opened("add(mul(2, 3), 4)", [{ on: "path", path: "/args/0/args/0" }]);
  await now(deep.continue);
  assert.equal(place(await now(deep.stepOut)), "leave /args/0 mul(2)");
});

Deno.test("a breakpoint stops inside of what is stepped over", async () => {
  const debugged = opened("add(mul(2, 3), 4)", [{ on: "path", path: "/args/0/args/1" }]);
  await now(debugged.stepIn);
  assert.equal(place(await now(debugged.stepOver)), "enter /args/0/args/1 3");
});

Deno.test("stepping back from anywhere visits the same places in reverse", async () => {
  const debugged = opened(FACTORIAL);
  const forward: Array<string> = [];
  for (let state = await now(debugged.stepIn); state.status === "paused"; state = await now(debugged.stepIn)) {
    forward.push(place(state));
  }
  const back: Array<string> = [];
  for (let count = 0; count < forward.length; count++) back.push(place(await now(debugged.stepBack)));
  assert.deepEqual(back, forward.toReversed());
  const failure = await Effect.runPromise(Effect.flip(debugged.stepBack));
  assert.equal(failure.code, "RMIL_DEBUG");
  assert.deepEqual(finished(await now(debugged.continue)), i64(120), "and forward again");
});

Deno.test("a run that failed can be looked into and stepped back", async () => {
  const debugged = opened("let d = 0 in add(1, div(6, $d))");
  const state = await now(debugged.continue);
  assert.ok(state.status === "failed" && state.failure.code === "RMIL_DOMAIN");
  assert.deepEqual(plain(debugged.scope.get("d")!), i64(0));
  assert.match(debugged.callStack.map(({ label }) => label).join(" "), /^let\(\d+\) add\(2\) div\(2\)$/u);
  assert.match(place(await now(debugged.stepBack)), /^enter \/body\/args\/1\/args\/1 ref/u);
});

Deno.test("watches evaluate any expression where the run stands, and change nothing", async () => {
  const source = "let x = 2 in add(mul($x, 3), 4)";
  const program = parse(source);
  const debugged = new Debugger(program, {}, [{ on: "op", opcode: 0x0602 }]);
  await now(debugged.continue);
  const watch = (text: string) => debugged.watch(parse(text, { symbols: program.symbols }).root);
  assert.deepEqual(plain(watch("add($x, 40)")), i64(42));
  assert.deepEqual(plain(watch("let x = 7 in $x")), i64(7));
  assert.throws(() => watch("$nowhere"), (cause) => cause instanceof Failure && cause.code === "RMIL_UNBOUND");
  const endless = "let f = \\(n: i64) -> f(add($n, 1)) in f(0)";
  assert.throws(
    () => watch(endless),
    (cause) => cause instanceof Failure && cause.message.includes(String(WATCH_FUEL)),
  );
  assert.throws(() => watch("send(#a, 1)"), (cause) => cause instanceof Failure && cause.code === "RMIL_DEBUG");
  assert.deepEqual(finished(await now(debugged.continue)), i64(10));
});

Deno.test("a debugged run gives what a plain one gives, however it is stepped", async () => {
  const draw = random("stepping");
  const sources = [
    FACTORIAL,
    "let xs = map(\\(x: i64) -> mul($x, $x), (1, 2, 3)) in reduce(\\(a: i64, b: i64) -> add($a, $b), $xs)",
    "1 >> add(2) | mul(3) >> fold(\\(a: i64, b: i64) -> sub($a, $b), 10)",
    "{ 1; 2; (3 | 4) }",
    "if subsume(1, 1) then add(1, 2) else div(1, 0)",
  ];
  for (const source of sources) {
    const { root, symbols } = parse(source);
    const { value } = await Effect.runPromise(run(root, symbols));
    for (let round = 0; round < 8; round++) {
      const debugged = opened(source, [{ on: "every", count: 3 }]);
      let state = await now(debugged.stepIn);
      for (let count = 0; state.status === "paused"; count++) {
        const { stepIn, stepOver, stepOut, stepBack } = debugged;
        const commands = count < 30 ? [stepIn, stepOver, stepOut, debugged.continue, stepBack] : [debugged.continue];
        state = await Effect.runPromise(Effect.catch(draw.pick(commands), () => debugged.stepIn));
      }
      assert.deepEqual(finished(state), plain(value), source);
    }
  }
});

Deno.test("going back does not send messages again", async () => {
  const network = new LocalAgents();
  const other = network.port("other");
  const debugged = opened("{ send(#other, 1); send(#other, 2); 3 }", [], { agents: network.port("main") });
  assert.deepEqual(finished(await now(debugged.continue)), i64(3));
  for (let count = 0; count < 6; count++) await now(debugged.stepBack);
  assert.deepEqual(finished(await now(debugged.continue)), i64(3));
  const received: Array<unknown> = [];
  for (;;) {
    const next = await Effect.runPromise(other.receive());
    if (next === undefined) break;
    received.push(next.message);
  }
  assert.deepEqual(received, [i64(1), i64(2)]);
});

Deno.test("a trace keeps the latest entries, as many as allowed", async () => {
  const debugged = opened("let f = \\(n: i64) -> if subsume(0, $n) then 0 else f(sub($n, 1)) in f(2500)");
  assert.deepEqual(finished(await now(debugged.continue)), i64(0));
  assert.ok(debugged.stepCount > MAX_TRACE);
  assert.equal(debugged.trace.length, MAX_TRACE);
  assert.equal(debugged.trace.at(-1)!.step, debugged.stepCount - 1);
});
