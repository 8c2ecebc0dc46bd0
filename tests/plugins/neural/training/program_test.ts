import assert from "node:assert/strict";
import { evaluate, scalar, type Tensor, tensor, toBytes, toFloats } from "../../../../plugins/ir/library.ts";
import { parse, PATTERNS, print, runNow, values as languageValues } from "../../../../plugins/rmil/library.ts";
import {
  CHANNELS,
  type DataSchema,
  fitProgram,
  initialValues,
  networkOfProgram,
  type Port,
  trainingStep,
} from "../../../../plugins/neural/library.ts";

const IMAGE: DataSchema = {
  inputs: [{ name: "image", type: { dtype: "f32", shape: [1, 28, 28] } }],
  target: { kind: "classification", name: "digit", type: { dtype: "i32", shape: [] }, classes: 10 },
};

const VECTOR: DataSchema = {
  inputs: [{ name: "x", type: { dtype: "f32", shape: [4] } }],
  target: { kind: "regression", name: "y", type: { dtype: "f32", shape: [] } },
};

const TOKENS: DataSchema = {
  inputs: [{ name: "tokens", type: { dtype: "i32", shape: [8] } }],
  target: { kind: "tokens", name: "next", type: { dtype: "i32", shape: [8] }, vocabulary: 50 },
};

const port = (dtype: "f32" | "i32", ...shape: ReadonlyArray<number>): ReadonlyArray<Port> => [
  { name: "x", type: { dtype, shape: ["B", ...shape] } },
];

const wave = (shape: ReadonlyArray<number>): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor("f32", shape, Array.from({ length: count }, (_, i) => Math.sin(1 + 0.7 * i)));
};

const textOf = (source: string, schema: DataSchema): string => {
  const { program } = fitProgram(parse(source), schema);
  return print(program.root, program.symbols);
};

Deno.test("a program as a network gives what the interpreter gives with the same parameters, not trained and trained", () => {
  const cases: ReadonlyArray<readonly [source: string, shape: ReadonlyArray<number>]> = [
    ["linear(8) >> relu >> layer_norm >> linear(3)", [5, 4]],
    ["conv2d(4, 3) >> batch_norm >> relu >> max_pool >> global_pool >> linear(2)", [3, 1, 8, 8]],
    ["repeat(res_add(identity, layer_norm >> linear >> gelu), 2) >> linear(2)", [3, 6]],
    ["lstm(5) >> attn(heads: 5) >> linear(2)", [2, 3, 4]],
    ["let twice = \\(v: f32[a,b]) -> mul($v, 2.0) in linear(4) >> $twice >> linear(2)", [3, 4]],
  ];
  for (const [source, shape] of cases) {
    const parsed = parse(source);
    const network = networkOfProgram(parsed, port("f32", ...shape.slice(1)));
    const start = initialValues(network, 3);
    const x = wave(shape);
    const own = [...start.parameters, ...start.state];
    const named = new Map(
      [...network.parameters, ...network.state].map(({ path }, i) => [
        `/${path}`,
        languageValues.tensorValue("f32", own[i].shape, toBytes(own[i])) as never,
      ]),
    );
    const input = languageValues.tensorValue("f32", shape, toBytes(x));
    for (const training of [false, true]) {
      const program = training ? network.training : network.evaluation;
      const [output, ...state] = evaluate(program, [...own, scalar("i64", 1n), x], {
        sizes: { B: shape[0] },
      } as never).results;
      const ran = runNow(parsed.root, parsed.symbols, { inputs: { x: input as never }, parameters: named, training })!;
      const { bytes } = ran.value as { readonly bytes: Uint8Array };
      assert.equal(
        toBytes(output).toHex(),
        new Uint8Array(bytes).toHex(),
        `${source}, ${training ? "trained" : "not"}`,
      );
      network.state.forEach(({ path }, i) => {
        const kept = ran.parameters.get(`/${path}`)!;
        assert.equal(toBytes(state[i]).toHex(), new Uint8Array(kept.bytes).toHex(), path);
      });
    }
  }
});

Deno.test("two dropouts of one program draw differently, and other seeds draw other masks", () => {
  const network = networkOfProgram(parse("drop(0.5) | drop(0.5)"), port("f32", 64));
  const ones = tensor("f32", [1, 64], new Array(64).fill(1));
  const masks = (seed: bigint): ReadonlyArray<string> =>
    evaluate(network.training, [scalar("i64", seed), ones]).results.map((result) => toFloats(result).join());
  const [a, b] = masks(1n);
  assert.notEqual(a, b);
  assert.deepEqual(masks(1n), [a, b]);
  assert.notEqual(masks(2n)[0], a);
  const [left, right] = evaluate(network.evaluation, [scalar("i64", 1n), ones]).results;
  assert.ok([...toFloats(left), ...toFloats(right)].every((value) => value === 1));
});

Deno.test("running statistics in a branch cannot be kept, and that is said with the path", () => {
  const source = "if $flag then batch_norm else identity";
  assert.throws(
    () =>
      networkOfProgram(parse(source), [
        { name: "flag", type: { dtype: "bool", shape: [] } },
        { name: "x", type: { dtype: "f32", shape: ["B", 2, 4] } },
      ]),
    { code: "RMIL_NOT_LOWERED", path: "/yes" },
  );
});

Deno.test("mlp(3) on digits is 128, 64 and 10 wide and sees a vector; explicit widths stay", () => {
  assert.equal(textOf("mlp(3)", IMAGE), "linear(width: 128) >> relu >> linear(width: 64) >> relu >> linear(width: 10)");
  assert.equal(textOf("linear(16) >> relu >> linear", IMAGE), "linear(16) >> relu >> linear(width: 10)");
  assert.equal(textOf("linear(16) >> relu >> linear(10)", IMAGE), "linear(16) >> relu >> linear(10)");
  assert.deepEqual(fitProgram(parse("mlp"), IMAGE).network.inputs[0].type.shape, ["B", 784]);
});

Deno.test("patterns stand in pipelines; convolutions get their channels and see an image, also of a flat sample", () => {
  const text = textOf("conv_backbone(2) >> classifier_head", IMAGE);
  assert.ok(text.includes(`conv2d(width: ${CHANNELS})`) && text.endsWith("linear(width: 10))"), text);
  const flat: DataSchema = { ...IMAGE, inputs: [{ name: "image", type: { dtype: "f32", shape: [784] } }] };
  assert.deepEqual(fitProgram(parse("image_classifier(2)"), flat).network.inputs[0].type.shape, ["B", 1, 28, 28]);
});

Deno.test("every pattern that is made of tensors fits some data, and its explicit program fits again as it is", () => {
  const rows: ReadonlyArray<readonly [source: string, schema: DataSchema]> = [
    ["mlp(4)", VECTOR],
    ["image_classifier(2)", IMAGE],
    ["conv_backbone(1) >> classifier_head", IMAGE],
    ["resnet_block >> classifier_head", IMAGE],
    ["rnn_model", TOKENS],
    ["embed(32) >> transformer_block >> linear", TOKENS],
  ];
  for (const [source, schema] of rows) {
    const { program, network } = fitProgram(parse(source), schema);
    const text = print(program.root, program.symbols);
    assert.equal(textOf(text, schema), text);
    trainingStep({
      network,
      loss: (g, [output]) => g.mean(output),
      targets: [],
      optimiser: { kind: "sgd" },
    });
  }
  assert.ok(textOf("rnn_model", TOKENS).includes("vocabulary: 50"));
  assert.equal(Object.keys(PATTERNS).length, 8);
});

Deno.test("a number is learned by one output", () =>
  assert.deepEqual(fitProgram(parse("mlp(2)"), VECTOR).network.outputs[0].type.shape, ["B", 1]));

Deno.test("a name that the program binds is no pattern", () => {
  const text = textOf("let mlp = \\(x: f32) -> mul($x, 2.0) in linear >> $mlp", { ...VECTOR });
  assert.ok(text.startsWith("let mlp"), text);
});

Deno.test("an output that is not wanted is refused with the end that mends it, and applying it mends it", () => {
  for (const source of ["relu", "linear(16) >> relu"]) {
    let patched = "";
    assert.throws(
      () => fitProgram(parse(source), IMAGE),
      (thrown: { code: string; fix: { patch: { value: string }[] } }) => {
        patched = thrown.fix.patch[0].value;
        return thrown.code === "NEURAL_PROGRAM";
      },
    );
    assert.ok(fitProgram(parse(patched), IMAGE).network.parameters.length > 0, patched);
  }
});

Deno.test("patterns of no, too many or wrong parts, data without target, and programs that fit no shape are refused", () => {
  const refused = (source: string, code: string, schema: DataSchema = IMAGE): void =>
    assert.throws(() => fitProgram(parse(source), schema), { code });
  refused("mlp(0)", "NEURAL_PROGRAM");
  refused("mlp(65)", "NEURAL_PROGRAM");
  refused("mlp(2, 3)", "NEURAL_PROGRAM");
  refused("transformer_block(2)", "NEURAL_PROGRAM");
  refused("mlp(2)", "NEURAL_PROGRAM", { inputs: IMAGE.inputs });
  const five: DataSchema = { ...VECTOR, inputs: [{ name: "x", type: { dtype: "f32", shape: [5] } }] };
  refused("conv2d(4, 3) >> linear", "RMIL_SHAPE", five);
});
