/**
 * Between the language and the IR: every op there and back, published architectures, forms, parameters by path, refusals.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  elements,
  evaluate,
  functionOf,
  isConcrete,
  makeProgram,
  optimise,
  parseType,
  type Program,
  programDigest,
  type Tensor,
  tensor as irTensor,
  type TensorType,
} from "../../../plugins/ir/library.ts";
import type { Dtype } from "../../../plugins/rmil/dtype.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import {
  fromCarrier,
  fromIr,
  itemsOf,
  type RunValue,
  scalarTensor,
} from "../../../plugins/rmil/interpreter/run_value.ts";
import { LOWERINGS } from "../../../plugins/rmil/lowering.ts";
import { liftProgram } from "../../../plugins/rmil/lowering/lift.ts";
import { type LoweredProgram, lowerProgram } from "../../../plugins/rmil/lowering/program.ts";
import { tensorProgram } from "../../../plugins/rmil/lowering/tensor_op.ts";
import { type OpName, OPS } from "../../../plugins/rmil/opcodes.ts";
import type { AttributeValue } from "../../../plugins/rmil/ops/row.ts";
import { PATTERNS } from "../../../plugins/rmil/patterns.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import { languageType } from "./language_type.ts";
import { sameBits } from "../ir/judging.ts";
import { randomInputs, randomProgram } from "../ir/programs.ts";
import { failureOf } from "./programs.ts";

const own = ({ dtype, shape }: TensorType) => ({ dtype: fromCarrier(dtype), shape, weak: shape.length === 0 });

const typesOf = (program: Program) =>
  Object.fromEntries(functionOf(program).parameters.map(({ name, type }) => [name, languageType(type)]));

/** Lifts, lowers again, and asserts that both give the same bits; whether they are the same program. */
const roundTrip = (program: Program, seed: string): boolean => {
  const { root, symbols } = liftProgram(program);
  const { program: again } = lowerProgram(root, symbols, { inputs: typesOf(program) });
  // Text is as good as the tree.
  const text = parse(print(root, symbols));
  assert.equal(print(text.root, text.symbols), print(root, symbols));
  const given = new Map(functionOf(program).parameters.map(({ name }, i) => [name, i]));
  for (const turn of [1, 2]) {
    const inputs = randomInputs(program, `${seed} ${turn}`);
    const placed = functionOf(again).parameters.map(({ name }) => inputs[given.get(name)!]);
    const [wanted, found] = [evaluate(program, inputs).results, evaluate(again, placed).results];
    wanted.forEach((value, i) => assert.ok(sameBits(value, found[i]), `${seed}: ${print(root, symbols)}`));
  }
  return programDigest(again) === programDigest(program);
};

/** Operand types for ops that do not take any matrix. */
const OPERANDS: { readonly [op: string]: ReadonlyArray<string> } = {
  matmul: ["f32[2,3]", "f32[3,4]"],
  conv2d: ["f32[1,2,5,5]"],
  attn: ["f32[2,3,4]"],
  embed: ["i64[2,3]"],
  batch_norm: ["f32[2,4,3]"],
  group_norm: ["f32[2,4,3]"],
  instance_norm: ["f32[2,4,3]"],
  max_pool: ["f32[1,2,4,4]"],
  avg_pool: ["f32[1,2,4,4]"],
  adaptive_pool: ["f32[1,2,4,4]"],
  global_pool: ["f32[1,2,4,4]"],
  cross_entropy: ["f32[2,3]", "i64[2]"],
  nll_loss: ["f32[2,3]", "i64[2]"],
  rnn: ["f32[2,3,4]", "f32[2,4]"],
  gru: ["f32[2,3,4]", "f32[2,4]"],
  sinusoidal_pe: ["f32[2,3,4]"],
  rope: ["f32[2,3,4]"],
  learned_pe: ["f32[2,3,4]"],
  alibi: ["f32[1,2,3,3]"],
  gather: ["f32[3,2]", "i64[2]"],
  scatter: ["f32[3,2]", "i64[2]", "f32[2,2]"],
  clamp: ["f32[2,3]", "f32[]", "f32[]"],
};

const ATTRIBUTES: { readonly [op: string]: { readonly [name: string]: AttributeValue } } = {
  reshape: { shape: [6] },
  slice: { start: 1 },
};

/** Ops that make several tensors at once, which no expression with one result is. */
const SEVERAL = ["adam_step", "adamw_step", "lstm"];

/** The lowering of an op, parameters named like inputs. */
const loweringOf = (op: OpName): Program => {
  const row = OPS[op];
  const repeats = row.operands.at(-1)?.repeats === true;
  const required = row.operands.filter(({ optional, repeats: many }) => !optional && !many).length;
  const types = (OPERANDS[op] ?? Array.from({ length: required }, () => "f32[2,3]")).map(parseType);
  const { program } = tensorProgram({
    row,
    operands: repeats ? [] : row.operands.map((_, i) => types[i] && own(types[i])),
    rest: repeats ? [own(parseType("f32[2,3]")), own(parseType("f32[4,3]"))] : [],
    given: new Map(),
    attributes: ATTRIBUTES[op] ?? (repeats ? { axis: 0 } : {}),
    training: false,
  });
  const rename = (fn: ReturnType<typeof functionOf>) => ({
    ...fn,
    parameters: fn.parameters.map(({ type }, i) => ({ name: `p${i}`, type })),
  });
  return makeProgram([...program.functions.values()].map(rename), program.entry);
};

const rewritten: string[] = [];

for (const op of (Object.keys(LOWERINGS) as ReadonlyArray<OpName>).filter((name) => !SEVERAL.includes(name))) {
  Deno.test(`${op}: its lowering lifts, and lowers again to the same bits`, () => {
    if (!roundTrip(loweringOf(op), op)) rewritten.push(op);
  });
}

Deno.test("all lowerings but that of attention come back as the very same program", () => {
  // Attention has operands that may be left out before its learned projections, so its parts are written instead.
  assert.deepEqual(rewritten, ["attn"]);
});

Deno.test("ops that make several tensors are refused by node", () => {
  for (const op of SEVERAL) {
    const name = op as OpName;
    const types = op === "lstm" ? ["f32[2,3,4]", "f32[2,4]", "f32[2,4]"] : ["f32[2,3]", "f32[2,3]"];
    const { program } = tensorProgram({
      row: OPS[name],
      operands: OPS[name].operands.map((_, i) => types[i] === undefined ? undefined : own(parseType(types[i]))),
      rest: [],
      given: new Map(),
      attributes: {},
      training: false,
    });
    const thrown = failureOf(() => liftProgram(program));
    assert.equal(thrown.code, "RMIL_NOT_LIFTED");
    assert.match(thrown.message, /node [0-9]+/u);
  }
});

Deno.test("compositions come back as the composition", () => {
  const sources: ReadonlyArray<readonly [string, { readonly [name: string]: string }]> = [
    ["softmax(matmul($x, $w))", { x: "f32[2,3]", w: "f32[3,4]" }],
    ["layer_norm(gelu(add($x, $y)), $s, $t)", { x: "f32[2,3]", y: "f32[3]", s: "f32[3]", t: "f32[3]" }],
    ["let a = relu($x) in add($a, sigmoid($a))", { x: "f32[4]" }],
    ["mse_loss(linear($x, $w, $b), $y)", { x: "f32[5,3]", w: "f32[3,2]", b: "f32[2]", y: "f32[5,2]" }],
  ];
  for (const [source, types] of sources) {
    const { root, symbols } = parse(source);
    const inputs = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, languageType(parseType(type))]),
    );
    const { program } = lowerProgram(root, symbols, { inputs });
    assert.ok(roundTrip(program, source));
    const lifted = liftProgram(program);
    const applied = (text: string) => [...text.matchAll(/([a-z_0-9]+)\(/gu)].map(([, op]) => op).sort();
    assert.deepEqual(applied(print(lifted.root, lifted.symbols)), applied(source));
  }
});

Deno.test("nodes without an op of their own are written with others: general products, broadcasts, slices", () => {
  const cases: ReadonlyArray<Program> = [
    buildProgram(
      { x: "f32[2,3,4]", y: "f32[4,5,2]" },
      (g, { x, y }) => g.dot(x, y, { x_batch: [0], y_batch: [2], x_contract: [2], y_contract: [0] }),
    ),
    buildProgram({ x: "f32[3]", y: "f32[3]" }, (g, { x, y }) => g.matmul(x, y)),
    buildProgram({ x: "f64[3]" }, (g, { x }) => g.broadcast(x, [2, 3, 4], [1])),
    buildProgram({ x: "f32[4,5]" }, (g, { x }) => g.slice(x, { start: [1, 0], limit: [4, 5], stride: [2, 3] })),
  ];
  cases.forEach((program, i) => roundTrip(program, `written ${i}`));
});

Deno.test("what no op computes is refused, naming the node and where it stands", () => {
  const cases: ReadonlyArray<readonly [Program, string]> = [
    [buildProgram({ x: "f32[3]" }, (g, { x }) => g.at("/here", () => g.floor(x))), "floor"],
    [buildProgram({ x: "f32[3]" }, (g, { x }) => g.sort(x, 0)[0]), "sort"],
    [buildProgram({ x: "i32[3]" }, (g, { x }) => g.add(x, x)), "add"],
    [buildProgram({ x: "f32[3]", y: "f32[3]" }, (g, { x, y }) => g.max(x, y)), "max"],
  ];
  for (const [program, op] of cases) {
    const thrown = failureOf(() => liftProgram(program));
    assert.deepEqual([thrown.code, thrown.actual], ["RMIL_NOT_LIFTED", op]);
    assert.ok(thrown.path.length > 0);
  }
  const nothing = makeProgram(
    [{ name: "main", sizes: [], parameters: [], constraints: [], nodes: [], returns: [] }],
    "main",
  );
  assert.equal(failureOf(() => liftProgram(nothing)).code, "RMIL_NOT_LIFTED");
});

Deno.test("random programs of the language's primitives lift or are refused, and those that lift keep every bit", () => {
  const ops = [
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "abs",
    "exp",
    "sqrt",
    "sin",
    "tanh",
    "logistic",
    "reshape",
    "transpose",
    "concat",
    "slice",
    "dot",
  ];
  let lifted = 0;
  for (let seed = 0; seed < 24; seed++) {
    const program =
      optimise(randomProgram(`lift ${seed}`, { dtypes: ["f32"], ops, control: false, nodes: 8, empty: false })).program;
    try {
      liftProgram(program);
    } catch (thrown) {
      assert.equal((thrown as { readonly code: string }).code, "RMIL_NOT_LIFTED");
      continue;
    }
    roundTrip(program, `lift ${seed}`);
    lifted++;
  }
  assert.ok(lifted > 14, `${lifted} of 24 lifted`);
});

const leaves = (value: RunValue): ReadonlyArray<Tensor> => {
  const items = itemsOf(value);
  if (value.k === "Tuple" && items !== undefined) return items.flatMap(leaves);
  const made = scalarTensor(value)!;
  return [irTensor(made.dtype as never, made.shape as never, new Float32Array(made.bytes.slice().buffer) as never)];
};

/** Runs a program by the interpreter and, with the parameters it made, as one tensor program. */
const agree = (source: string, type: string, names: ReadonlyArray<string> = ["x"]): LoweredProgram => {
  const { root, symbols } = source in PATTERNS
    ? { root: PATTERNS[source].build(2), symbols: new Symbols() }
    : parse(source);
  const wanted = parseType(type);
  assert.ok(isConcrete(wanted));
  const inputs = names.map((name) =>
    [name, randomInputs(buildProgram({ x: wanted }, (_, { x }) => x), name, { edges: false })[0]] as const
  );
  const indices = wanted.dtype === "i64";
  const values = inputs.map(([name, value]) =>
    [
      name,
      indices ? { ...value, data: (value.data as BigInt64Array<ArrayBuffer>).map((x) => x < 0n ? -x : x) } : value,
    ] as const
  );
  const run = runNow(root, symbols, {
    inputs: Object.fromEntries(values.map(([name, value]) => [name, fromIr(value, fromCarrier(value.dtype) as Dtype)])),
  })!;
  const lowered = lowerProgram(root, symbols, {
    inputs: Object.fromEntries(names.map((name) => [name, languageType(wanted)])),
  });
  const given = new Map(values.map(([name, value]) => [name, value]));
  const args = functionOf(lowered.program).parameters.map(({ name }) =>
    given.get(name) ?? toTensor(run.parameters.get(lowered.parameters.find((own) => own.name === name)!.path)!)
  );
  const found = evaluate(lowered.program, args).results;
  leaves(run.value).forEach((value, i) => assert.ok(sameBits(value, found[i]), source));
  return lowered;
};

const toTensor = (value: RunValue): Tensor => leaves(value)[0];

Deno.test("published architectures are one tensor program each, and give what the interpreter gives", () => {
  const patterns: ReadonlyArray<readonly [string, string]> = [
    ["transformer_block", "f32[2,3,8]"],
    ["mlp", "f32[4,5]"],
    ["resnet_block", "f32[1,4,6,6]"],
    ["classifier_head", "f32[2,4,3,3]"],
    ["image_classifier", "f32[1,4,8,8]"],
    ["conv_backbone", "f32[1,4,8,8]"],
  ];
  for (const [pattern, type] of patterns.filter(([name]) => name in PATTERNS)) {
    const { parameters, program } = agree(pattern, type);
    assert.ok(parameters.length > 0 && program.functions.size >= 1, pattern);
  }
  assert.ok(patterns.filter(([name]) => name in PATTERNS).length >= 4);
});

Deno.test("every form: pipelines, tuples, let, functions, calls, repetition, conditions", () => {
  agree("relu | neg", "f32[3]");
  agree("(relu | neg) >> add", "f32[3]");
  agree("let a = relu($x) in mul($a, $a)", "f32[3]");
  agree("repeat(linear >> relu, 3)", "f32[2,4]");
  agree("let f = \\(a: f32[3]) -> add(a, 1.5) in f($x)", "f32[3]");
});

Deno.test("a condition on an input is a branch of the tensor program", () => {
  const { root, symbols } = parse("if $p then relu($x) else neg($x)");
  const types = { p: parseType("bool[]"), x: parseType("f32[3]") };
  const inputs = Object.fromEntries(Object.entries(types).map(([name, type]) => [name, languageType(type)]));
  const { program } = lowerProgram(root, symbols, { inputs });
  assert.ok(functionOf(program).nodes.some(({ op }) => op === "if"));
  const x = irTensor("f32", [3], [-1, 0, 2]);
  for (const [p, wanted] of [[true, [0, 0, 2]], [false, [1, -0, -2]]] as const) {
    const given = functionOf(program).parameters.map(({ name }) => name === "p" ? irTensor("bool", [], [p]) : x);
    assert.deepEqual(elements(evaluate(program, given).results[0]), wanted);
  }
});

Deno.test("parameters are named by path, a function's own turn by turn", () => {
  const { parameters } = agree("repeat(linear >> relu, 2) >> linear", "f32[2,4]");
  const paths = parameters.map(({ path }) => path);
  assert.equal(new Set(paths).size, 6);
  assert.ok(paths.some((path) => path.includes("[0]")) && paths.some((path) => path.includes("[1]")));
});

Deno.test("symbolic sizes stay symbolic", () => {
  const { root, symbols } = parse("linear(4) >> softmax");
  const { program } = lowerProgram(root, symbols, { inputs: { x: languageType(parseType("f32[B,3]")) } });
  assert.deepEqual(functionOf(program).parameters[0].type.shape, ["B", 3]);
});

Deno.test("what is no tensor computation is refused with its path", () => {
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ["relu($x) >> unify(identity, 1)", "RMIL_NOT_LOWERED", "/b"],
    ["let f = \\(a: f32[3]) -> f(a) in f($x)", "RMIL_NOT_LOWERED", ""],
    ["add($n, $n)", "RMIL_NOT_LOWERED", ""],
    ["add($x, $gone)", "RMIL_UNBOUND", "/args/1"],
  ];
  for (const [source, code, path] of cases) {
    const { root, symbols } = parse(source);
    const inputs = { x: languageType(parseType("f32[3]")), n: languageType(parseType("i64[3]")) };
    const thrown = failureOf(() => lowerProgram(root, symbols, { inputs }));
    assert.equal(thrown.code, code, source);
    assert.ok(thrown.path.startsWith(path), `${source}: ${thrown.path}`);
  }
});
