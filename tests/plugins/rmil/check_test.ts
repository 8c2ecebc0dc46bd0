import assert from "node:assert/strict";
import { check, type Judgement } from "../../../plugins/rmil/check.ts";
import { call, cond, type Expression, par } from "../../../plugins/rmil/expression.ts";
import { isJudged } from "../../../plugins/rmil/check/apply.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import { describeValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { OP_NAMES } from "../../../plugins/rmil/opcodes.ts";
import { scalar, type Shape, showType, tensor as tensorType, type Type } from "../../../plugins/rmil/types.ts";
import {
  bind,
  calling,
  failureOf,
  flag,
  fun,
  int,
  name,
  num,
  op,
  pipe,
  symbols,
  tensor,
  wave,
  withAttributes,
} from "./programs.ts";
import { bool, i64 } from "../../../plugins/rmil/value.ts";

const residual = (inner: Expression): Expression => op("res_add", op("identity"), inner);

/** The crate's patterns, as the specification lists them. */
const PATTERNS: { readonly [pattern: string]: readonly [Expression, "f32" | "i64", ReadonlyArray<number>, string] } = {
  transformer_block: [
    pipe(
      residual(pipe(op("layer_norm"), op("attn"), op("drop"))),
      residual(pipe(op("layer_norm"), op("linear"), op("gelu"), op("linear"), op("drop"))),
    ),
    "f32",
    [2, 5, 8],
    "f32[2,5,8]",
  ],
  mlp: [pipe(op("linear"), op("relu"), op("linear"), op("relu"), op("linear")), "f32", [4, 6], "f32[4,6]"],
  resnet_block: [
    pipe(residual(pipe(op("conv2d"), op("batch_norm"), op("relu"), op("conv2d"), op("batch_norm"))), op("relu")),
    "f32",
    [1, 3, 6, 6],
    "f32[1,3,6,6]",
  ],
  rnn_model: [pipe(op("embed"), op("lstm"), op("drop"), op("linear")), "i64", [2, 4], "f32[2,4,64]"],
  classifier_head: [
    pipe(op("global_pool"), op("linear"), op("relu"), op("drop"), op("linear")),
    "f32",
    [2, 6, 3, 3],
    "f32[2,6]",
  ],
  conv_backbone: [
    op("repeat", pipe(op("conv2d"), op("batch_norm"), op("relu"), op("max_pool")), int(4)),
    "f32",
    [1, 2, 16, 16],
    "f32[1,2,1,1]",
  ],
  image_classifier: [
    pipe(
      op("repeat", pipe(op("conv2d"), op("batch_norm"), op("relu"), op("max_pool")), int(2)),
      pipe(op("global_pool"), op("linear"), op("relu"), op("drop"), op("linear")),
    ),
    "f32",
    [2, 3, 8, 8],
    "f32[2,3]",
  ],
  flat_transformer: [
    pipe(
      op("layer_norm"),
      op("attn"),
      op("drop"),
      op("layer_norm"),
      op("linear"),
      op("gelu"),
      op("linear"),
      op("drop"),
    ),
    "f32",
    [2, 3, 4],
    "f32[2,3,4]",
  ],
};

const checkOn = (program: Expression, type?: Type): Judgement =>
  check(program, symbols, type === undefined ? {} : { inputs: { "the input": type } });

const tensorOf = (shape: Shape, dtype: "f32" | "i64" | "f16" = "f32"): Type => tensorType(dtype, shape);

Deno.test("every op has a rule of its own or a lowering", () => {
  assert.deepEqual(OP_NAMES.filter((text) => !isJudged(text)), []);
});

Deno.test("every published pattern runs to finite values of the checked shape", () => {
  for (const [pattern, [program, dtype, shape, result]] of Object.entries(PATTERNS)) {
    const judged = checkOn(program, tensorOf(shape, dtype));
    assert.equal(showType(judged.type), result, pattern);
    const count = shape.reduce((product, size) => product * size, 1);
    const values = dtype === "f32" ? wave(count) : Array.from({ length: count }, (_, i) => i % 256);
    for (const training of [false, true]) {
      const made = runNow(program, symbols, { inputs: { x: tensor(dtype, shape, values) }, training })!;
      assert.equal(describeValue(made.value), result, pattern);
      assert.ok(made.value.k === "Tensor");
      assert.ok(new Float32Array(made.value.bytes.slice().buffer).every(Number.isFinite), pattern);
      assert.deepEqual([...made.parameters.keys()].sort(), judged.parameters.map(({ path }) => path).sort(), pattern);
    }
  }
});

Deno.test("the neurosymbolic hybrid checks and runs: a tensor beside what the knowledge base answers", () => {
  const hybrid = pipe(
    op("embed"),
    par(pipe(op("linear"), op("gelu"), op("linear")), pipe(op("infer"), op("resolve"))),
    op("concat"),
  );
  const judged = checkOn(hybrid, tensorOf([2, 3], "i64"));
  assert.equal(showType(judged.type), "(f32[2,3,64]×())");
  const made = runNow(hybrid, symbols, { inputs: { x: tensor("i64", [2, 3], [1, 2, 3, 4, 5, 6]) } })!.value;
  assert.ok(made.k === "Tuple");
  assert.equal(describeValue(made.items[0]), "f32[2,3,64]");
  assert.deepEqual(made.items[1], { k: "Tuple", items: [] });
  assert.deepEqual([judged.parameterCount, judged.exact], [256 * 64 + 2 * (64 * 64 + 64), true]);
});

Deno.test("cost by hand: a linear layer is 2·b·n·m and b·m for the bias; relu counts as comparisons do", () => {
  const judged = checkOn(pipe(op("linear", int(64)), op("relu")), tensorOf([8, 32]));
  assert.equal(showType(judged.type), "f32[8,64]");
  assert.equal(judged.flops, 2 * 8 * 32 * 64 + 8 * 64);
  assert.equal(judged.parameterCount, 32 * 64 + 64);
  assert.deepEqual(judged.parameters.map(({ path, type }) => [path, showType(type)]), [
    ["/a/weight", "f32[32,64]"],
    ["/a/bias", "f32[64]"],
  ]);
  assert.deepEqual([judged.effects, judged.kinds, judged.exact], [[], [], true]);
});

Deno.test("sizes by name stay names: result, cost and parameters are polynomials", () => {
  const judged = checkOn(op("linear", int(64)), tensorOf(["b", 32]));
  assert.equal(showType(judged.type), "f32[b,64]");
  assert.equal(judged.flops, `${2 * 32 * 64 + 64}*b`);
  assert.equal(judged.peakBytes, undefined);
  const square = checkOn(op("linear"), tensorOf([4, "n"]));
  assert.equal(square.parameterCount, "n*n+n");
});

Deno.test("a size that is not known may be any, and takes the one it must have", () => {
  assert.equal(showType(checkOn(op("relu"), tensorOf([null, 3])).type), "f32[?,3]");
  const program = fun([["a", tensorOf([null, 3])], ["b", tensorOf([4, 3])]], op("add", name("a"), name("b")));
  const judged = check(call(program, [name("p"), name("q")]), symbols, {
    inputs: { p: tensorOf([null, 3]), q: tensorOf([4, 3]) },
  });
  assert.equal(showType(judged.type), "f32[4,3]");
});

Deno.test("a last axis that does not fit names both sizes and the path, and says what to insert", () => {
  const product = pipe(op("linear", int(3)), op("matmul", op("identity"), name("w")));
  const refused = failureOf(() => check(product, symbols, { inputs: { x: tensorOf([2, 5]), w: tensorOf([4, 6]) } }));
  assert.deepEqual([refused.code, refused.path, refused.expected, refused.actual], ["RMIL_LAST_AXIS", "/b", 4, 3]);
  assert.equal(refused.fix?.summary, "Insert linear(4) before it");
});

Deno.test("shapes that do not broadcast, ranks that do not fit and kinds that are not taken are refused at their path", () => {
  const cases: ReadonlyArray<readonly [Expression, Type, string, string]> = [
    [pipe(op("relu"), op("add", name("y"))), tensorOf([2, 3]), "RMIL_SHAPE", "/b"],
    [op("conv2d"), tensorOf([2, 3]), "RMIL_SHAPE", ""],
    [op("exp"), tensorOf([2], "i64"), "RMIL_OPERAND", ""],
    [op("embed"), tensorOf([2]), "RMIL_OPERAND", ""],
    [op("attn", int(3)), tensorOf([2, 4, 8]), "RMIL_SHAPE", ""],
    [op("rope"), tensorOf([2, 4, 3]), "RMIL_SHAPE", ""],
    [op("add"), tensorOf([2]), "RMIL_OPERANDS", ""],
    [cond(op("identity"), int(1), int(2)), tensorOf([2]), "RMIL_PREDICATE", "/pred"],
    [op("map", op("neg")), scalar("f32"), "RMIL_ITEMS", ""],
    [call(int(3), [int(1)]), scalar("f32"), "RMIL_NOT_CALLABLE", "/func"],
    [name("nobody"), scalar("f32"), "RMIL_UNBOUND", ""],
  ];
  for (const [program, type, code, path] of cases) {
    const y: { readonly [name: string]: Type } = path === "/b" ? { y: tensorOf([4, 5]) } : {};
    const refused = failureOf(() => check(program, symbols, { inputs: { "the input": type, ...y } }));
    assert.deepEqual([refused.code, refused.path], [code, path]);
  }
});

Deno.test("branches of one type join; sizes that differ become unknown; kinds that differ are a union no op takes", () => {
  const choose = (yes: Expression, no: Expression): Expression => cond(flag(true), yes, no);
  assert.equal(showType(checkOn(choose(int(1), int(2))).type), "i64");
  assert.equal(
    showType(checkOn(choose(op("linear", int(3)), op("linear", int(4))), tensorOf([2, 5])).type),
    "f32[2,?]",
  );
  assert.equal(showType(checkOn(choose(int(1), num(2))).type), "i64|f32");
  const used = failureOf(() => checkOn(pipe(choose(int(1), num(2)), op("neg"))));
  assert.deepEqual([used.code, used.path], ["RMIL_BRANCHES", "/b"]);
});

Deno.test("the dearer branch is counted, and the count is then not exact", () => {
  const judged = checkOn(cond(flag(true), op("linear", int(4)), op("identity")), tensorOf([2, 4]));
  assert.deepEqual([judged.flops, judged.exact], [2 * 2 * 4 * 4 + 2 * 4, false]);
});

Deno.test("functions are judged at each call: polymorphic in types and in effects", () => {
  const twice = fun(
    [["f", { k: "Var", id: 0 }], ["x", { k: "Var", id: 1 }]],
    call(name("f"), [call(name("f"), [name("x")])]),
  );
  const noisy = fun([["x", { k: "Var", id: 0 }]], op("broadcast", name("x")));
  const quiet = fun([["x", { k: "Var", id: 0 }]], op("neg", name("x")));
  const program = (f: Expression): Expression => bind("twice", twice, call(name("twice"), [f, int(1)]));
  assert.deepEqual(checkOn(program(quiet)).kinds, []);
  assert.deepEqual(checkOn(program(noisy)).kinds, ["agent"]);
  assert.equal(showType(checkOn(program(noisy)).type), "i64");
});

Deno.test("a lambda with an effect that is never called has none", () => {
  assert.deepEqual(checkOn(bind("f", fun([], op("broadcast", int(1))), int(2))).kinds, []);
});

Deno.test("recursion: the result is what the base case gives, and the cost is not exact", () => {
  const sum = fun(
    [["n", scalar("i64")]],
    cond(op("subsume", int(0), name("n")), int(0), op("add", name("n"), calling("sum", op("sub", name("n"), int(1))))),
  );
  const judged = checkOn(bind("sum", sum, calling("sum", int(10))));
  assert.deepEqual([showType(judged.type), judged.exact], ["i64", false]);
});

Deno.test("a program that doubles at every call is refused, not followed", () => {
  let program: Expression = calling("f30", num(1));
  const x = scalar("f32");
  for (let i = 30; i > 0; i--) {
    const inner = i === 1 ? op("neg", name("x")) : calling(`f${i - 1}`, calling(`f${i - 1}`, name("x")));
    program = bind(`g${i}`, int(0), program);
    program = i === 30 ? bind("f30", fun([["x", x]], inner), program) : bind(`f${i}`, fun([["x", x]], inner), program);
  }
  assert.equal(failureOf(() => checkOn(program)).code, "RMIL_MEMORY");
});

Deno.test("an annotated parameter refuses an argument of another type, at the argument", () => {
  const refused = failureOf(() => checkOn(call(fun([["x", scalar("f32")]], name("x")), [int(1)])));
  assert.deepEqual([refused.code, refused.path, refused.expected, refused.actual], [
    "RMIL_ARGUMENT_TYPE",
    "/args/0",
    "f32",
    "i64",
  ]);
});

Deno.test("with no input given the program is judged as far as it can be", () => {
  const judged = checkOn(pipe(op("recv"), op("linear", int(4))));
  assert.deepEqual([judged.type.k, judged.exact, judged.kinds], ["Var", false, ["agent"]]);
});

Deno.test("repeat gives each time parameters of its own; map shares them", () => {
  const repeated = checkOn(op("repeat", op("linear"), int(3)), tensorOf([2, 4]));
  assert.equal(repeated.parameterCount, 3 * 20);
  assert.deepEqual(repeated.parameters.map(({ path }) => path).filter((path) => path.endsWith("weight")), [
    "/args/0[0]/weight",
    "/args/0[1]/weight",
    "/args/0[2]/weight",
  ]);
  const mapped = checkOn(op("map", op("linear")), tensorOf([5, 2, 4]));
  assert.equal(mapped.parameterCount, 20);
  assert.equal(mapped.flops, 5 * (2 * 2 * 4 * 4 + 2 * 4));
  assert.equal(showType(mapped.type), "f32[5,2,4]");
});

Deno.test("running statistics are listed and not counted as learned", () => {
  const judged = checkOn(op("batch_norm"), tensorOf([2, 3, 4, 4]));
  assert.equal(judged.parameterCount, 6);
  assert.deepEqual(judged.parameters.filter(({ learned }) => !learned).map(({ path }) => path), ["/mean", "/variance"]);
});

Deno.test("a given weight replaces the learned one and says the width", () => {
  const judged = check(op("linear", op("identity"), name("w")), symbols, {
    inputs: { x: tensorOf([2, 5]), w: tensorOf([5, 7]) },
  });
  assert.equal(showType(judged.type), "f32[2,7]");
  assert.deepEqual(judged.parameters.map(({ path }) => path), ["/bias"]);
});

Deno.test("what check says of a program is what its run gives, over every family of shapes", () => {
  const image = [2, 4, 6, 7] as const;
  const cases: ReadonlyArray<readonly [Expression, ReadonlyArray<number>]> = [
    [withAttributes("conv2d", { groups: i64(2), dilation: i64(2) }, int(6), int(3), int(2), int(1)), image],
    [op("max_pool", int(3), int(2), int(1)), image],
    [op("avg_pool"), image],
    [op("adaptive_pool", int(3)), image],
    [op("group_norm", int(2)), image],
    [op("instance_norm"), image],
    [op("rms_norm"), [2, 3, 4]],
    [withAttributes("attn", { causal: bool(true), bias: bool(true) }, int(2)), [2, 3, 4]],
    [op("rnn", int(5)), [2, 3, 4]],
    [op("lstm", int(5)), [2, 3, 4]],
    [op("gru", int(5)), [2, 3, 4]],
    [op("sinusoidal_pe"), [2, 3, 5]],
    [op("rope"), [2, 3, 4]],
    [op("learned_pe", int(9)), [2, 3, 4]],
    [op("alibi"), [2, 4, 3, 3]],
    [op("softmax", int(0)), [2, 3]],
    [op("transpose"), [2, 3, 4]],
    [op("reshape", int(-1)), [2, 3, 4]],
    [op("slice", int(1), int(3), int(-1)), [2, 3, 4]],
    [op("concat", op("identity"), op("neg")), [2, 3]],
    [withAttributes("res_cat", { axis: i64(0) }, op("identity"), op("neg")), [2, 3]],
    [op("mse_loss", op("identity"), op("relu")), [2, 3]],
    [op("scan", op("add")), [4, 3]],
  ];
  for (const [program, shape] of cases) {
    const judged = checkOn(program, tensorOf(shape));
    const count = shape.reduce((product, size) => product * size, 1);
    const made = runNow(program, symbols, { inputs: { x: tensor("f32", shape, wave(count)) } })!;
    assert.equal(describeValue(made.value), showType(judged.type));
  }
});
