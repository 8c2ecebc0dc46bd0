/**
 * What the import of ONNX models promises besides the operators' meaning, which the project's own cases judge
 * (tests/conformance): names, shapes, versions, functions, loops, and refusals that say what to do.
 */
import assert from "node:assert/strict";
import {
  attempt,
  elements,
  evaluate,
  functionOf,
  importOnnx,
  type ImportOptions,
  type IrFailure,
  printType,
  returnTypes,
  scalar,
  tensor,
} from "../../../plugins/ir/library.ts";
import { MAX_GRAPH_DEPTH } from "../../../plugins/ir/onnx/import.ts";
import { MAX_UNROLLED_TURNS } from "../../../plugins/ir/onnx/operators/control.ts";
import { attribute, graph, modelBytes, node } from "./onnx_models.ts";

const numbers = (...args: Parameters<typeof importOnnx>) => importOnnx(...args).program;

const refusal = (bytes: Uint8Array, options: ImportOptions = {}): IrFailure => {
  const made = attempt(() => importOnnx(bytes, options));
  assert.ok(made._tag === "Failure", "it was imported");
  return made.failure;
};

const list = (...values: ReadonlyArray<number>) => tensor("i64", [values.length], values);

Deno.test("a shape computed from the input's own shape stays symbolic", () => {
  const bytes = modelBytes(graph({ x: "f32[B,4,8]" }, ["y"], [
    node("Shape", ["x"], ["shape"]),
    node("Gather", ["shape", "first"], ["batch"], { axis: 0 }),
    node("Unsqueeze", ["batch", "zero"], ["one"]),
    node("Concat", ["one", "rest"], ["target"], { axis: 0 }),
    node("Reshape", ["x", "target"], ["y"]),
  ], { first: scalar("i64", 0), zero: list(0), rest: list(-1) }));
  const fn = functionOf(numbers(bytes));
  assert.deepEqual(returnTypes(fn).map(printType), ["f32[B,32]"]);
  assert.deepEqual(fn.nodes.map(({ op }) => op), ["reshape"]);
});

Deno.test("a shape that is an input is refused by naming the input, and known it is imported", () => {
  const bytes = modelBytes(graph({ x: "f32[6]", shape: "i64[2]" }, ["y"], [node("Reshape", ["x", "shape"], ["y"])]));
  const failure = refusal(bytes);
  assert.equal(failure.code, "IR_ONNX_DYNAMIC");
  assert.deepEqual(failure.actual, ["shape"]);
  assert.match(failure.message, /Reshape .*Reshape_y.* operand 1 .*shape/u);
  const { program, inputs } = importOnnx(bytes, { known: { shape: list(2, 3) } });
  assert.deepEqual(inputs, ["x"]);
  assert.deepEqual(returnTypes(functionOf(program)).map(printType), ["f32[2,3]"]);
});

Deno.test("an operator that is not there is refused by name with the nearest ones", () => {
  const failure = refusal(modelBytes(graph({ x: "f32[2]" }, ["y"], [node("Sigmoidal", ["x"], ["y"])])));
  assert.equal(failure.code, "IR_ONNX_UNSUPPORTED");
  assert.match(failure.message, /Sigmoidal \(node Sigmoidal_y\)/u);
  assert.ok(failure.suggestions?.includes("Sigmoid"));
  assert.equal(failure.path, "/graph/Sigmoidal_y");
});

Deno.test("what the IR cannot hold is refused for that reason", () => {
  const reasons: ReadonlyArray<readonly [string, RegExp]> = [
    ["NonZero", /depends on elements/u],
    ["RandomNormal", /does not define its generator/u],
    ["StringNormalizer", /text/u],
    ["SequenceEmpty", /sequences/u],
  ];
  for (const [op, reason] of reasons) {
    assert.match(refusal(modelBytes(graph({ x: "f32[2]" }, ["y"], [node(op, ["x"], ["y"])]))).message, reason);
  }
});

Deno.test("a version of the operator set that is not known is refused", () => {
  const of = graph({ x: "f32[2]" }, ["x"], []);
  assert.equal(refusal(modelBytes(of, 22)).code, "IR_ONNX_UNSUPPORTED");
  assert.equal(importOnnx(modelBytes(of, 21)).opset, 21);
});

Deno.test("softmax counts the axes from its axis on as one before version 13", () => {
  const of = graph({ x: "f32[2,2,2]" }, ["y"], [node("Softmax", ["x"], ["y"], { axis: 1 })]);
  const zeros = [tensor("f32", [2, 2, 2], new Array(8).fill(0))];
  assert.deepEqual(elements(evaluate(numbers(modelBytes(of, 11)), zeros).results[0]), new Array(8).fill(0.25));
  assert.deepEqual(elements(evaluate(numbers(modelBytes(of, 13)), zeros).results[0]), new Array(8).fill(0.5));
});

Deno.test("a function of the model runs in place of its name, with its attributes", () => {
  const bytes = modelBytes(
    graph({ x: "f32[2]" }, ["y"], [node("Leak", ["x"], ["y"], { slope: 0.5 }, "own")]),
    18,
    {
      opsetImport: [{ domain: "", version: 18 }, { domain: "own", version: 1 }],
      functions: [{
        name: "Leak",
        domain: "own",
        input: ["a"],
        output: ["b"],
        attribute: ["slope"],
        opsetImport: [{ domain: "", version: 18 }],
        node: [{
          ...node("LeakyRelu", ["a"], ["b"]),
          attribute: [{ name: "alpha", refAttrName: "slope", type: 1 }],
        }],
      }],
    },
  );
  const [y] = evaluate(numbers(bytes), [tensor("f32", [2], [-4, 3])]).results;
  assert.deepEqual(elements(y), [-2, 3]);
});

Deno.test("weights become parameters after the inputs where they are to be trained", () => {
  const w = tensor("f32", [2, 1], [3, 4]);
  const bytes = modelBytes(graph({ x: "f32[1,2]" }, ["y"], [node("MatMul", ["x", "w"], ["y"])], { w }));
  const { program, inputs, weights } = importOnnx(bytes, { weights: "parameters" });
  assert.deepEqual(inputs, ["x"]);
  assert.deepEqual([...weights], [["w", w]]);
  assert.deepEqual(functionOf(program).parameters.map(({ name }) => name), ["x", "w"]);
  const [y] = evaluate(program, [tensor("f32", [1, 2], [1, 10]), tensor("f32", [2, 1], [1, 2])]).results;
  assert.deepEqual(elements(y), [21]);
});

const step = (opType: string, more: ReadonlyArray<ReturnType<typeof node>> = []) =>
  graph({ turn: "i64[]", go: "bool[]", v: "f32[]" }, ["going", "next", ...more.map((m) => (m.output as string[])[0])], [
    node("Identity", ["go"], ["going"]),
    node(opType, ["v", "v"], ["next"]),
    ...more,
  ]);

Deno.test("a loop of a known number of turns is a scan, with rows where it stacks them", () => {
  const bytes = modelBytes(graph({ v: "f32[]" }, ["last", "rows"], [
    node("Loop", ["n", "yes", "v"], ["last", "rows"], { body: step("Add", [node("Identity", ["v"], ["row"])]) }),
  ], { n: scalar("i64", 3), yes: scalar("bool", true) }));
  const program = numbers(bytes);
  assert.deepEqual(functionOf(program).nodes.map(({ op }) => op).filter((op) => op === "scan"), ["scan"]);
  const { results } = evaluate(program, [scalar("f32", 1)]);
  assert.deepEqual(results.map(elements), [[8], [1, 2, 4]]);
});

Deno.test("a loop whose turns are an input is a while", () => {
  const bytes = modelBytes(graph({ n: "i64[]", v: "f32[]" }, ["last"], [
    node("Loop", ["n", "", "v"], ["last"], { body: step("Add") }),
  ]));
  const program = numbers(bytes);
  assert.ok(functionOf(program).nodes.some(({ op }) => op === "while"));
  assert.deepEqual(elements(evaluate(program, [scalar("i64", 4), scalar("f32", 1)]).results[0]), [16]);
});

Deno.test("rows of a loop whose turns are an input are refused by naming the input", () => {
  const bytes = modelBytes(graph({ n: "i64[]", v: "f32[]" }, ["last", "rows"], [
    node("Loop", ["n", "", "v"], ["last", "rows"], { body: step("Add", [node("Identity", ["v"], ["row"])]) }),
  ]));
  assert.deepEqual(refusal(bytes).actual, ["n"]);
});

Deno.test("a loop whose values grow from turn to turn is unrolled", () => {
  const body = graph({ turn: "i64[]", go: "bool[]", v: "f32[n]" }, ["going", "next"], [
    node("Identity", ["go"], ["going"]),
    node("Concat", ["v", "v"], ["next"], { axis: 0 }),
  ]);
  const bytes = modelBytes(
    graph({ v: "f32[1]" }, ["last"], [node("Loop", ["n", "yes", "v"], ["last"], { body })], {
      n: scalar("i64", 3),
      yes: scalar("bool", true),
    }),
  );
  assert.deepEqual(elements(evaluate(numbers(bytes), [tensor("f32", [1], [7])]).results[0]), new Array(8).fill(7));
});

const growing = (turns: number): Uint8Array => {
  const body = graph({ turn: "i64[]", go: "bool[]", v: "f32[n]" }, ["going", "next"], [
    node("Identity", ["go"], ["going"]),
    node("Concat", ["v", "one"], ["next"], { axis: 0 }),
  ]);
  return modelBytes(
    graph({ v: "f32[1]" }, ["last"], [node("Loop", ["n", "yes", "v"], ["last"], { body })], {
      n: scalar("i64", turns),
      yes: scalar("bool", true),
      one: tensor("f32", [1], [1]),
    }),
  );
};

Deno.test("a loop is unrolled up to the limit of turns and no further", () => {
  const fn = functionOf(numbers(growing(MAX_UNROLLED_TURNS)));
  assert.deepEqual(returnTypes(fn).map(printType), [`f32[${MAX_UNROLLED_TURNS + 1}]`]);
  assert.equal(refusal(growing(MAX_UNROLLED_TURNS + 1)).code, "IR_SHAPE");
});

const nested = (depth: number): Uint8Array => {
  const leaf = graph({}, ["r"], [node("Neg", ["x"], ["r"])]);
  let of = leaf;
  for (let i = 0; i < depth; i++) {
    of = graph({}, ["r"], [node("If", ["p"], ["r"], { then_branch: of, else_branch: leaf })]);
  }
  return modelBytes({ ...of, input: graph({ x: "f32[]", p: "bool[]" }, [], []).input });
};

Deno.test("graphs nest to the limit and no deeper", () => {
  const known = { p: scalar("bool", true) };
  assert.deepEqual(importOnnx(nested(MAX_GRAPH_DEPTH), { known }).inputs, ["x"]);
  assert.equal(refusal(nested(MAX_GRAPH_DEPTH + 1), { known }).code, "IR_LIMIT");
});

Deno.test("a branch sees the values around it", () => {
  const branch = (op: string) => graph({}, ["r"], [node(op, ["x"], ["r"])]);
  const bytes = modelBytes(graph({ p: "bool[]", x: "f32[2]" }, ["y"], [
    node("If", ["p"], ["y"], { then_branch: branch("Neg"), else_branch: branch("Abs") }),
  ]));
  const x = tensor("f32", [2], [-1, 2]);
  const run = (p: boolean) => elements(evaluate(numbers(bytes), [scalar("bool", p), x]).results[0]);
  assert.deepEqual([run(true), run(false)], [[1, -2], [1, 2]]);
});

Deno.test("graphs that name what is not there are malformed, not crashes", () => {
  const of = graph({ x: "f32[2]" }, ["y"], [node("Neg", ["z"], ["y"])]);
  assert.equal(refusal(modelBytes(of)).code, "IR_ONNX_FORMAT");
  assert.equal(refusal(modelBytes(graph({}, ["y"], []))).code, "IR_ONNX_FORMAT");
  assert.equal(
    refusal(modelBytes({ ...of, initializer: [{ name: "z", dims: [2], dataType: 1, rawData: new Uint8Array(7) }] }))
      .code,
    "IR_ONNX_FORMAT",
  );
});

Deno.test("data in another file and sparse literals are refused", () => {
  const away = {
    name: "z",
    dims: [2],
    dataType: 1,
    dataLocation: 1,
    externalData: [{ key: "location", value: "z.bin" }],
  };
  const of = graph({}, ["z"], []);
  assert.match(refusal(modelBytes({ ...of, initializer: [away] })).message, /another file/u);
  assert.match(refusal(modelBytes({ ...of, sparseInitializer: [{}] })).message, /sparse/u);
});

Deno.test("an attribute outside its choices is refused with the choices", () => {
  const bytes = modelBytes(graph({ x: "f32[1,1,2,2]" }, ["y"], [{
    ...node("MaxPool", ["x"], ["y"]),
    attribute: [attribute("kernel_shape", [2, 2]), attribute("auto_pad", "SOMEHOW")],
  }]));
  assert.match(refusal(bytes).message, /SOMEHOW.*NOTSET/u);
});
