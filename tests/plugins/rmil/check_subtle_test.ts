/** The subtle cases of the check, each by name; expected values are worked out by hand, or are what a run gives. */
import assert from "node:assert/strict";
import { check, type Judgement } from "../../../plugins/rmil/check.ts";
import { checkOpen } from "../../../plugins/rmil/check/open.ts";
import type { Dtype } from "../../../plugins/rmil/dtype.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import { describeValue, type RunValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { showType, type Type } from "../../../plugins/rmil/types.ts";
import { readType } from "../../../plugins/rmil/value_json.ts";
import { failureOf, tensor } from "./programs.ts";

type Inputs = { readonly [name: string]: string };

const judge = (source: string, inputs: Inputs = {}): Judgement => {
  const { root, symbols } = parse(source);
  const types = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, readType(name, text)]));
  return check(root, symbols, { inputs: types });
};

const type = (source: string, inputs: Inputs = {}): string => showType(judge(source, inputs).type);

const refused = (source: string, inputs: Inputs = {}) => failureOf(() => judge(source, inputs));

/** A value of a type, of small whole numbers. */
const sample = (own: Type): RunValue => {
  assert.ok(own.k === "Tensor" || own.k === "Scalar");
  if (own.k === "Scalar") {
    const made = tensor(own.dtype, [], [own.dtype === "b1" ? true : own.dtype === "i64" ? 1n : 1]);
    return made.dtype === "b1" ? { k: "Bool", v: true } : made;
  }
  const shape = own.shape as ReadonlyArray<number>;
  const count = shape.reduce((product, size) => product * size, 1);
  const isInteger = /^[iu]/u.test(own.dtype);
  return tensor(
    own.dtype,
    shape,
    Array.from({ length: count }, (_, i) => own.dtype === "b1" ? i % 2 === 0 : isInteger ? BigInt(i % 3) : i % 3),
  );
};

const ran = (source: string, inputs: Inputs = {}) => {
  const { root, symbols } = parse(source);
  const values = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, sample(readType(name, text))]));
  return runNow(root, symbols, { inputs: values })!;
};

Deno.test("broadcasting: axes align at the end, one stretches, names are sizes of their own", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["f32[4,3]", "f32[3]", "f32[4,3]"],
    ["f32[4,1]", "f32[3]", "f32[4,3]"],
    ["f32[2,1,3]", "f32[4,1]", "f32[2,4,3]"],
    ["f32[1]", "f32[5]", "f32[5]"],
    ["f32[0,3]", "f32[3]", "f32[0,3]"],
    ["f32[0]", "f32[1]", "f32[0]"],
    ["f32", "f32[2,2]", "f32[2,2]"],
  ];
  for (const [x, y, wanted] of cases) {
    for (const inputs of [{ x, y }, { x: y, y: x }]) {
      assert.equal(type("add($x, $y)", inputs), wanted);
      assert.equal(describeValue(ran("add($x, $y)", inputs).value), wanted);
    }
  }
  assert.equal(type("add($x, $y)", { x: "f32[n,1]", y: "f32[m]" }), "f32[n,m]");
  assert.equal(type("add($x, $y)", { x: "f32[n,3]", y: "f32[n,1]" }), "f32[n,3]");
  assert.equal(type("add($x, $y)", { x: "f32[?,3]", y: "f32[4,3]" }), "f32[4,3]");
  assert.equal(refused("add($x, $y)", { x: "f32[n]", y: "f32[m]" }).code, "RMIL_SHAPE");
  assert.equal(refused("add($x, $y)", { x: "f32[2,3]", y: "f32[2]" }).code, "RMIL_SHAPE");
});

Deno.test("dtype promotion: floats over integers, the wider of a kind, both of different kinds, never booleans", () => {
  const tensors: ReadonlyArray<readonly [Dtype, Dtype, Dtype]> = [
    ["i32", "f32", "f32"],
    ["i64", "f16", "f16"],
    ["f32", "f64", "f64"],
    ["f16", "bf16", "f32"],
    ["i8", "u8", "i16"],
    ["u16", "i32", "i32"],
    ["u32", "i8", "i64"],
    ["u64", "i8", "i64"],
    ["i8", "i32", "i32"],
    ["u8", "u16", "u16"],
  ];
  for (const [a, b, wanted] of tensors) {
    for (const [x, y] of [[a, b], [b, a]]) {
      const inputs = { x: `${x}[2]`, y: `${y}[2]` };
      assert.equal(type("add($x, $y)", inputs), `${wanted}[2]`);
      assert.equal(describeValue(ran("add($x, $y)", inputs).value), `${wanted}[2]`);
    }
  }
  assert.equal(refused("add($x, $y)", { x: "bool[2]", y: "f32[2]" }).code, "RMIL_OPERAND");
});

Deno.test("dtype promotion: a scalar gives way to a tensor of its kind, and lifts one of a lesser kind", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["f32[2]", "2.0f64", "f32[2]"],
    ["f16[2]", "2.0", "f16[2]"],
    ["u8[2]", "3", "u8[2]"],
    ["i32[2]", "2.0", "f32[2]"],
    ["i32[2]", "2.0f64", "f64[2]"],
  ];
  for (const [x, literal, wanted] of cases) {
    assert.equal(type(`add($x, ${literal})`, { x }), wanted);
    assert.equal(describeValue(ran(`add($x, ${literal})`, { x }).value), wanted);
  }
  assert.equal(type("add(1, 2.0)"), "f32");
  assert.equal(type("add(1.0, 2.0f64)"), "f64");
});

Deno.test("closures: a function sees the names where it was made, not where it is called", () => {
  const source = "let w = $a in let f = \\(v: f32[2,3]) -> matmul($v, $w) in let w = $b in f($x)";
  const inputs = { a: "f32[3,4]", b: "f32[9,9]", x: "f32[2,3]" };
  assert.equal(type(source, inputs), "f32[2,4]");
  assert.equal(describeValue(ran(source, inputs).value), "f32[2,4]");
});

Deno.test("closures: a function that gives a function gives it with its surroundings", () => {
  const source = "let by = \\(n: f32) -> \\(v: f32[3]) -> mul($v, $n) in let twice = by(2.0) in twice($x)";
  assert.equal(type(source, { x: "f32[3]" }), "f32[3]");
  assert.equal(describeValue(ran(source, { x: "f32[3]" }).value), "f32[3]");
});

Deno.test("recursion: every branch counts, a step that changes the type is a union, one without an end is unknown", () => {
  const down = (end: string): string =>
    `let f = \\(n: i64) -> if subsume(0, $n) then ${end} else f(sub($n, 1)) in f(3)`;
  assert.equal(type(down("1.0")), "f32");
  assert.equal(type(down("#end")), "sym");
  assert.equal(type("let f = \\(n: i64) -> if subsume(0, $n) then 1.0 else 2 in f(3)"), "f32|i64");
  const endless = judge("let f = \\(n: i64) -> f($n) in f(3)");
  assert.deepEqual([endless.type.k, endless.exact], ["Var", false]);
});

Deno.test("recursion: shapes that shrink at every call are followed as far as calls are, and then unknown", () => {
  const source =
    "let f = \\(v: f32[?], n: i64) -> if subsume(0, $n) then $v else f(slice($v, 1), sub($n, 1)) in f($x, 2)";
  assert.equal(type(source, { x: "f32[20]" }), "f32[?]");
  assert.equal(describeValue(ran(source, { x: "f32[20]" }).value), "f32[18]");
});

Deno.test("recursion: an effect at any depth is the program's", () => {
  const { kinds } = judge("let f = \\(n: i64) -> if subsume(0, $n) then broadcast(1) else f(sub($n, 1)) in f(3)");
  assert.deepEqual(kinds, ["agent"]);
});

Deno.test("conditional joins: equal types stay, sizes that differ are unknown, ranks and kinds that differ are a union", () => {
  const c = { c: "bool" };
  assert.equal(type("if $c then 1 else 2", c), "i64");
  assert.equal(type("if $c then (1, 2.0) else (3, 4.0)", c), "(i64×f32)");
  assert.equal(type("if $c then (1, 2.0) else (3, 4)", c), "(i64×(f32|i64))");
  assert.equal(type("if $c then linear(3) else linear(4)", { ...c, x: "f32[2,5]" }), "f32[2,?]");
  assert.equal(type("if $c then reshape(-1) else identity", { ...c, x: "f32[2,5]" }), "f32[10]|f32[2,5]");
  assert.equal(type("if $c then nil else 1", c), "∅|i64");
  assert.equal(type("if $c then (if $c then 1 else 2.0) else #s", c), "i64|f32|sym");
});

Deno.test("conditional joins: what takes one kind refuses a union, what takes any value passes it on", () => {
  const source = (then: string): string => `(if $c then 1 else nil) >> ${then}`;
  assert.equal(refused(source("neg"), { c: "bool" }).code, "RMIL_BRANCHES");
  assert.equal(type(source("identity"), { c: "bool" }), "i64|∅");
  assert.equal(type(source("hash"), { c: "bool" }), "i64");
});

Deno.test("conditional joins: one of two functions has the effects and results of both", () => {
  const source = (call: string): string =>
    `let f = if $c then \\(v: i64) -> broadcast($v) else \\(v: i64) -> mul($v, 1.0) in ${call}`;
  const called = judge(source("f(1)"), { c: "bool" });
  assert.deepEqual([showType(called.type), called.kinds], ["i64|f32", ["agent"]]);
  assert.deepEqual(judge(source("1"), { c: "bool" }).kinds, []);
});

Deno.test("conditional joins: the untaken branch's parameters are listed, since either may run", () => {
  const { parameters } = judge("if $c then linear(3) else linear(4, false)", { c: "bool", x: "f32[2,5]" });
  assert.deepEqual(parameters.map(({ path }) => path), ["/yes/weight", "/yes/bias", "/no/weight"]);
});

Deno.test("effect polymorphism: a function's effects are those of the functions it is given, where it calls them", () => {
  const noisy = "\\(e: i64) -> broadcast($e)";
  const through: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    [`let h = \\(f: var<0>, v: i64) -> f($v) in h(${noisy}, 1)`, ["agent"]],
    [`let h = \\(f: var<0>, v: i64) -> f($v) in h(\\(e: i64) -> neg($e), 1)`, []],
    [`let h = \\(f: var<0>, v: i64) -> neg($v) in h(${noisy}, 1)`, []],
    [`map(${noisy}, (1, 2))`, ["agent"]],
    [`fold(\\(a: i64, e: i64) -> broadcast(add($a, $e)), 0, (1, 2))`, ["agent"]],
    [`loop(${noisy}, \\(e: i64) -> false, 1)`, ["agent"]],
    [`compose(${noisy}, neg) >> identity`, ["agent"]],
    [`let f = compose(${noisy}, neg) in 1`, []],
    [`let f = compose(${noisy}, neg) in f(1)`, ["agent"]],
    [`let fs = ((${noisy}) | neg) in 1`, []],
    [`let fs = ((${noisy}) | neg) in fs >> slice(0, 1) >> map(\\(f: var<0>) -> f(3))`, ["agent"]],
    [`let f = mutate(neg, ${noisy}) in 1`, []],
  ];
  for (const [source, kinds] of through) assert.deepEqual(judge(source, { x: "i64" }).kinds, kinds, source);
});

Deno.test("effect polymorphism: of a function that cannot be known, every op of the program is assumed", () => {
  const { root, symbols } = parse("map($f, $items) >> identity");
  const open = (program: string) => {
    const read = parse(program);
    return check(read.root, read.symbols, { inputs: { f: { k: "Var", id: 0 }, items: { k: "Var", id: 1 } } }).kinds;
  };
  assert.deepEqual(check(root, symbols, { inputs: { f: { k: "Var", id: 0 }, items: { k: "Var", id: 1 } } }).kinds, []);
  assert.deepEqual(open("let say = \\(e: i64) -> broadcast($e) in map($f, $items)"), ["agent"]);
});

Deno.test("parameters are named by path, through lets, closures, repeats, maps, branches and calls, as a run names them", () => {
  const cases: { readonly [source: string]: ReadonlyArray<string> } = {
    "let f = \\(v: f32[2,3]) -> linear($v) in f >> f": ["/val/body"],
    "let f = \\(v: f32[2,3]) -> linear($v) in repeat(f, 2)": ["/val/body[0]", "/val/body[1]"],
    "repeat(repeat(linear, 2), 2)": [
      "/args/0[0]/args/0[0]",
      "/args/0[0]/args/0[1]",
      "/args/0[1]/args/0[0]",
      "/args/0[1]/args/0[1]",
    ],
    "let mk = \\(k: i64) -> \\(v: f32[2,3]) -> linear($v) in let g = mk(1) in g($x)": ["/val/body/body"],
    "compose(linear, relu) >> linear": ["/a/args/0", "/b"],
    "map(\\(row: f32[3]) -> linear)": ["/args/0/body"],
    "res_add(identity, linear) | linear": ["/a/args/1", "/b"],
    "{ linear; linear >> relu }": ["/exprs/0", "/exprs/1/a"],
    "let h = linear in add($h, $h)": ["/val"],
    "repeat(compose(linear, linear), 2)": [
      "/args/0/args/0[0]",
      "/args/0/args/1[0]",
      "/args/0/args/0[1]",
      "/args/0/args/1[1]",
    ],
  };
  for (const [source, layers] of Object.entries(cases)) {
    const wanted = layers.flatMap((path) => [`${path}/weight`, `${path}/bias`]);
    assert.deepEqual(judge(source, { x: "f32[2,3]" }).parameters.map(({ path }) => path), wanted, source);
    assert.deepEqual([...ran(source, { x: "f32[2,3]" }).parameters.keys()], wanted, source);
  }
});

Deno.test("peak memory: what one op reads and writes, with what is held beside it, and the weights", () => {
  const x = { x: "f32[8,32]" };
  const [input, output] = [8 * 32 * 4, 8 * 16 * 4];
  // A product alone: both operands and the result.
  const product = { x: "f32[8,32]", y: "f32[32,4]" };
  assert.equal(judge("matmul($x, $y)", product).peakBytes, input + 32 * 4 * 4 + 8 * 4 * 4);
  // A layer: input, weights, the product, the shift stretched to its shape, and the sum of both.
  const weights = 32 * 16 * 4 + 16 * 4;
  assert.equal(judge("linear(16)", x).peakBytes, input + weights + 3 * output);
  // The left branch's result is held while the right one runs, and the input for both.
  const alone = judge("linear(16)", x).peakBytes!;
  assert.equal(judge("linear(16) | linear(16)", x).peakBytes, alone + weights + output + input);
  // A name holds its value while the body runs.
  const named = judge("let h = linear(16) in linear(16)", x).peakBytes!;
  assert.equal(named, alone + weights + output);
  // A pipeline lets go of what has passed.
  assert.equal(
    judge("linear(32) >> linear(32)", x).peakBytes,
    judge("linear(32)", x).peakBytes! + 32 * 32 * 4 + 32 * 4,
  );
  assert.equal(judge("linear(16)", { x: "f32[n,32]" }).peakBytes, undefined);
});

Deno.test("bytes moved: what every primitive reads and writes", () => {
  const size = 8 * 32 * 4;
  assert.equal(judge("neg", { x: "f32[8,32]" }).bytes, 2 * size);
  assert.equal(judge("neg >> neg", { x: "f32[8,32]" }).bytes, 4 * size);
  assert.equal(judge("matmul($x, $y)", { x: "f32[8,32]", y: "f32[32,4]" }).bytes, size + 32 * 4 * 4 + 8 * 4 * 4);
  assert.equal(judge("neg", { x: "f16[8,32]" }).bytes, size);
  assert.equal(judge("neg", { x: "f32[n,32]" }).bytes, `${2 * 32 * 4}*n`);
  // A loop over items counts its body as often as there are items.
  assert.equal(judge("map(neg)", { x: "f32[5,7]" }).bytes, 5 * 2 * 7 * 4);
});

Deno.test("polymorphism: a program that is told nothing of its inputs says what it needs and gives", () => {
  const open = (source: string) => {
    const { judgement, needs, signatures } = checkOpen(parse(source));
    return {
      type: showType(judgement!.type),
      needs,
      signatures: signatures.map((each) => `${showType(each.input)} → ${showType(each.type)}`),
    };
  };
  assert.deepEqual(open("add(1, 2)"), { type: "i64", needs: [], signatures: [] });
  assert.deepEqual(open("add($a, $b)").needs, ["a", "b"]);
  assert.deepEqual(open("linear(64) >> relu"), {
    type: "τ2",
    needs: [""],
    signatures: [1, 2, 3, 4].map((rank) => {
      const lead = ["a", "b", "c", "d"].slice(0, rank - 1);
      return `f32[${["a", "b", "c", "d"].slice(0, rank).join(",")}] → f32[${[...lead, 64].join(",")}]`;
    }),
  });
  assert.deepEqual(open("conv2d(8) >> global_pool").signatures, ["f32[a,b,c,d] → f32[a,8]"]);
  assert.deepEqual(open("embed(16)").signatures.slice(0, 3), [
    "i64 → f32[16]",
    "i64[a] → f32[a,16]",
    "i64[a,b] → f32[a,b,16]",
  ]);
  assert.deepEqual(open("lstm(5)").signatures, ["f32[a,b,c] → f32[a,b,5]"]);
});

Deno.test("polymorphism: signatures count parameters and operations as polynomials of the sizes", () => {
  const { signatures } = checkOpen(parse("linear(64)"));
  const matrix = signatures.find(({ input }) => showType(input) === "f32[a,b]")!;
  assert.deepEqual([matrix.parameterCount, matrix.flops], ["64*b+64", "128*a*b+64*a"]);
});

Deno.test("polymorphism: what is wrong whatever the inputs are is refused; a misspelled op is no input", () => {
  const codes = (source: string) => checkOpen(parse(source)).faults.map(({ failure }) => failure.code);
  assert.deepEqual(codes("linear(64) >> drop(20)"), ["RMIL_ATTRIBUTE"]);
  assert.deepEqual(codes("linear(64) >> rleu"), ["RMIL_UNBOUND"]);
  assert.deepEqual(codes("someone(1)"), ["RMIL_UNBOUND"]);
  assert.deepEqual(codes("matmul(identity, $weights)"), []);
});
