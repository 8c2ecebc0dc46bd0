import assert from "node:assert/strict";
import { evaluate, functionOf, scalar, type Tensor, tensor, toBytes } from "../../../../plugins/ir/library.ts";
import { decodeAny, encodeProgram, parse, runNow, values as languageValues } from "../../../../plugins/rmil/library.ts";
import {
  decodeModel,
  encodeModel,
  exportModel,
  formatOf,
  importModel,
  type Model,
  type Network,
  networkOfProgram,
  readSafetensors,
  type Values,
} from "../../../../plugins/neural/library.ts";
import { runOnnxRuntime } from "../../ir/onnx_runtime.ts";
import { affine, numbers, startOf } from "./support.ts";

const wave = (...shape: ReadonlyArray<number>): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensor("f32", shape, Array.from({ length: count }, (_, i) => Math.sin(1 + 0.7 * i)));
};

/** What a network answers with some tensors. */
const answers = (network: Network, values: Values, x: Tensor): ReadonlyArray<number> => {
  const own = [...network.parameters, ...network.state].map(({ path }) => values.get(path)!);
  return numbers(evaluate(network.evaluation, [...own, scalar("i64", 0n), x]).results[0]);
};

const SOURCES: ReadonlyArray<readonly [source: string, shape: ReadonlyArray<number>]> = [
  ["linear(8) >> relu >> drop(0.5) >> linear(3)", [5, 4]],
  ["conv2d(4, 3) >> batch_norm >> relu >> max_pool >> reshape((-1, 64)) >> linear(2)", [3, 1, 8, 8]],
  ["repeat(linear >> layer_norm >> gelu, 2) >> linear(2)", [3, 6]],
];

const modelOf = (source: string, shape: ReadonlyArray<number>): Model => {
  const program = parse(source);
  const network = networkOfProgram(program, [{ name: "x", type: { dtype: "f32", shape: ["B", ...shape.slice(1)] } }]);
  return {
    program,
    network,
    values: startOf(network),
    metrics: { "test.accuracy": 0.5 },
    lineage: { made: "train", data: "here", seed: 3, steps: 7 },
    temperature: 1.5,
    scales: [{ scale: [2], offset: [-1] }],
    schema: {
      inputs: [{ name: "x", type: { dtype: "f32", shape: shape.slice(1) } }],
      target: {
        kind: "classification",
        name: "y",
        type: { dtype: "i32", shape: [] },
        classes: 2,
        labels: ["no", "yes"],
      },
    },
  };
};

Deno.test("a model read back says what it said and answers bit for bit, whether made of a program or of layers", () => {
  for (const [source, shape] of SOURCES) {
    const model = modelOf(source, shape);
    const x = wave(...shape);
    const bytes = encodeModel(model);
    const read = decodeModel(bytes);
    assert.deepEqual(answers(read.network, read.values, x), answers(model.network, model.values, x));
    const { program: _own, network: _network, values: _values, ...said } = read;
    const { program: _before, network: _old, values: _kept, ...before } = model;
    assert.deepEqual(said, before);
    assert.deepEqual(encodeModel(read), bytes);
    const { program: _, ...bare } = model;
    const again = decodeModel(encodeModel(bare));
    assert.deepEqual(answers(again.network, again.values, x), answers(model.network, model.values, x));
    assert.deepEqual(again.network.parameters, model.network.parameters);
  }
});

Deno.test("a model cut anywhere, of another kind, newer, or with tensors that do not fit is refused", () => {
  const model = modelOf(...SOURCES[0]);
  const bytes = encodeModel(model);
  const refused = (given: Uint8Array): void => assert.throws(() => decodeModel(given), { code: "NEURAL_MODEL" });
  for (let length = 0; length < bytes.length; length += 61) refused(bytes.subarray(0, length));
  const text = new TextDecoder("latin1").decode(bytes);
  const changed = (from: string, to: string): Uint8Array => {
    assert.ok(text.includes(from) && from.length === to.length, from);
    return Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
  };
  refused(changed("rmi-model/1", "rmi-model/2"));
  refused(changed("rmi-model/1", "xmi-model/1"));
  refused(changed('"shape":[4,8]', '"shape":[8,4]'));
  refused(changed("a/a/a/weight", "a/a/a/weighx"));
  refused(changed('\\"lineage\\"', '\\"lineagx\\"'));
  const missing = new Map([...model.values].slice(1));
  refused(encodeModel({ ...model, values: missing }));
  const { program: _, network, ...rest } = model;
  const swapped = { ...network, parameters: network.parameters.toReversed() };
  refused(encodeModel({ ...rest, network: swapped }));
});

Deno.test("onnxruntime answers an export as the network answers, at two sizes of batch", async () => {
  for (const [source, shape] of SOURCES) {
    const model = modelOf(source, shape);
    const onnx = exportModel(model, "onnx");
    for (const batch of [1, 7]) {
      const x = wave(batch, ...shape.slice(1));
      const ran = await runOnnxRuntime(onnx, new Map([["x", x]]));
      assert.ok("results" in ran, source);
      const own = answers(model.network, model.values, x);
      numbers(ran.results[0]).forEach((value, i) =>
        assert.ok(Math.abs(value - own[i]) < 1e-4, `${source}: ${value} ${own[i]}`)
      );
    }
  }
});

Deno.test("an ONNX model comes back as a network with its literals as parameters, and can be trained on", () => {
  const model = modelOf(...SOURCES[0]);
  const read = importModel(exportModel(model, "onnx"));
  const x = wave(3, 4);
  const [own, theirs] = [answers(model.network, model.values, x), answers(read.network, read.values, x)];
  theirs.forEach((value, i) => assert.ok(Math.abs(value - own[i]) < 1e-5));
  assert.deepEqual(read.network.inputs[0].type.shape, ["B", 4]);
  const trained = read.network.parameters.filter((spec) => spec.trained);
  assert.equal(
    trained.reduce((sum, { type }) => sum + type.shape.reduce((a, b) => a * b, 1), 0),
    4 * 8 + 8 + 8 * 3 + 3,
  );
  const kept = decodeModel(encodeModel(read));
  assert.deepEqual(answers(kept.network, kept.values, x), theirs);
});

Deno.test("the program with its weights in it gives what the network gives, from its bytes alone", () => {
  for (const [source, shape] of [...SOURCES, ["linear(4, bias: false) >> rms_norm >> linear(2)", [3, 5]] as const]) {
    const model = modelOf(source, shape);
    const x = wave(...shape);
    const bytes = exportModel(model, "rmil");
    const { root, symbols } = decodeAny(bytes);
    const ran = runNow(root, symbols, {
      inputs: { x: languageValues.tensorValue("f32", shape, toBytes(x)) as never },
    })!;
    const own = evaluate(
      model.network.evaluation,
      [
        ...[...model.network.parameters, ...model.network.state].map(({ path }) => model.values.get(path)!),
        scalar("i64", 0n),
        x,
      ],
    ).results[0];
    assert.equal(new Uint8Array((ran.value as { bytes: Uint8Array }).bytes).toHex(), toBytes(own).toHex(), source);
    assert.equal(ran.parameters.size, 0, "nothing is left to be drawn");
    const read = importModel(bytes, "rmil", model.network.inputs);
    assert.deepEqual(answers(read.network, read.values, x), numbers(own));
  }
});

Deno.test("weights that have no place in a program, and models without one, are refused by path", () => {
  const attention = modelOf("attn(heads: 2) >> linear(2)", [2, 3, 4]);
  assert.throws(() => exportModel(attention, "rmil"), { code: "NEURAL_MODEL", path: "/to" });
  const network = affine(2, 1);
  const bare: Model = { network, values: startOf(network), metrics: {}, lineage: { made: "train" } };
  assert.throws(() => exportModel(bare, "rmil"), { code: "NEURAL_MODEL", path: "/to" });
  const open = encodeProgram(parse("linear(2)"));
  assert.throws(() => importModel(open, "rmil"), { code: "NEURAL_MODEL", path: "/inputs" });
  const inputs = [{ name: "x", type: { dtype: "f32", shape: ["B", 3] } }] as const;
  assert.throws(() => importModel(open, "rmil", inputs), { code: "NEURAL_MODEL", path: "/file" });
});

Deno.test("the tensors alone are a safetensors file by path; the format of bytes is seen from their beginning", () => {
  const model = modelOf(...SOURCES[0]);
  const { tensors } = readSafetensors(exportModel(model, "safetensors"));
  assert.deepEqual([...tensors.keys()].sort(), [...model.values.keys()].sort());
  for (const to of ["onnx", "model", "rmil"] as const) assert.equal(formatOf(exportModel(model, to)), to);
  assert.equal(functionOf(model.network.evaluation).parameters.length, 6);
});

Deno.test("tensors alone become a model of the program they are for, bit for bit; one too few or too many is refused", () => {
  for (const [source, shape] of SOURCES) {
    const model = modelOf(source, shape);
    const bytes = exportModel(model, "safetensors");
    const read = importModel(bytes, "safetensors", model.network.inputs, model.program);
    assert.deepEqual(
      answers(read.network, read.values, wave(...shape)),
      answers(model.network, model.values, wave(...shape)),
    );
    assert.throws(() => importModel(bytes, "safetensors", model.network.inputs), {
      code: "NEURAL_MODEL",
      path: "/program",
    });
    const [[path, one], ...others] = model.values;
    for (const values of [new Map(others), new Map([...model.values, [`${path}2`, one]])]) {
      const other = exportModel({ ...model, values }, "safetensors");
      assert.throws(() => importModel(other, "safetensors", model.network.inputs, model.program), {
        code: "NEURAL_WEIGHTS",
      });
    }
  }
});
