/**
 * Layers as programs of the language and back: both compute the same from the same tensors.
 */
import assert from "node:assert/strict";
import {
  evaluate,
  functionOf,
  grad,
  isFloat,
  scalar,
  type Tensor,
  tensor,
  tensorOf,
} from "../../../../plugins/ir/library.ts";
import {
  adaptivePool1d,
  added,
  attention,
  avgPool1d,
  batchNorm,
  bilinear,
  concatenated,
  conv1d,
  conv2d,
  denseSkip,
  dropout,
  elu,
  encoderBlock,
  experts,
  feedForward,
  flashAttention,
  flatten,
  globalMaxPool,
  globalPool,
  gru,
  identity,
  type InputTypes,
  instanceNorm,
  type Layer,
  layerNorm,
  layerOf,
  layerOfProgram,
  leakyRelu,
  linear,
  logSoftmax,
  lora,
  lstm,
  matmul,
  maxPool,
  maxPool1d,
  multiplied,
  type Network,
  networkOfLayers,
  networkOfProgram,
  parallel,
  patches,
  type Port,
  portsOf,
  prelu,
  programOfLayer,
  relu,
  repeated,
  reshape,
  residual,
  residualBlock,
  rnn,
  scaledDotProduct,
  separableConv2d,
  sequential,
  shared,
  softmax,
  transposed,
} from "../../../../plugins/neural/library.ts";
import { parse, PATTERNS, print } from "../../../../plugins/rmil/library.ts";
import { distance, failureOf, normals, tensorsOf, weighted } from "./support.ts";

const text = (layer: Layer, types: InputTypes): string => {
  const { root, symbols } = programOfLayer(layer, types);
  return print(root, symbols);
};

/** What a network gives from tensors met in order: in both programs, where training draws nothing. */
const results = (network: Network, tensors: ReadonlyArray<Tensor>, inputs: ReadonlyArray<Tensor>) =>
  [network.evaluation, ...draws(network) ? [] : [network.training]].map((program) =>
    evaluate(program, [...tensors, scalar("i64", 3n), ...inputs]).results
  );

const draws = ({ training }: Network): boolean =>
  [...training.functions.values()].some(({ nodes }) => nodes.some(({ op }) => op === "random"));

const inputOf = ({ name, type }: Port): Tensor => {
  const shape = type.shape.map((size) => typeof size === "number" ? size : 2);
  return type.dtype === "i64"
    ? tensor("i64", shape, [1n, 2n, 3n, 5n, 7n, 11n])
    : normals(name, shape, type.dtype as "f32" | "f64");
};

const same = (a: Network, b: Network): void => {
  const inputs = a.inputs.map(inputOf);
  const shapes = ({ parameters, state }: Network) => [...parameters, ...state].map(({ type }) => type.shape.join("×"));
  assert.deepEqual(shapes(b), shapes(a));
  const tensors = Object.values(tensorsOf(a));
  const [own, other] = [a, b].map((network) => results(network, tensors, inputs));
  own.flat().forEach((value, i) => assert.ok(distance(other.flat()[i], value) < 1e-6));
};

/** The derivatives of what a network gives by its tensors and its inputs, met in order, in both programs. */
const slopes = (network: Network, tensors: ReadonlyArray<Tensor>, inputs: ReadonlyArray<Tensor>) =>
  [network.evaluation, network.training].map((program) => {
    const scored = weighted(network, program);
    const wrt = functionOf(scored).parameters.filter(({ type }) => isFloat(type.dtype)).map(({ name }) => name);
    return evaluate(grad(scored, { wrt }), [...tensors, scalar("i64", 3n), ...inputs]).results;
  });

/** Outputs and derivatives agree, where inputs hold a zero too; what the second holds has the same elements in order. */
const sameSlopes = (a: Network, b: Network): void => {
  const inputs = a.inputs.map(inputOf);
  for (const { data } of inputs) data[0] = 0;
  const tensors = Object.values(tensorsOf(a));
  const specs = [...b.parameters, ...b.state];
  const held = tensors.map(({ dtype, data }, i) => tensorOf(dtype, specs[i].type.shape, data));
  assert.equal(specs.length, tensors.length);
  for (const  of of[results, slopes]) {
    const [own, other] = [of(a, tensors, inputs).flat(), of(b, held, inputs).flat()];
    assert.equal(other.length, own.length);
    own.forEach((value, i) =>
      assert.ok(distance(tensorOf(value.dtype, value.shape, other[i].data), value) < 2e-6, `value ${i}`)
    );
  }
};

const STEPS = { x: "f32[B,6,8]" };
const IMAGE = { x: "f32[B,2,8,8]" };

const STACKS: ReadonlyArray<readonly [Layer, InputTypes]> = [
  [sequential(linear({ width: 5 }), relu(), linear({ width: 3, bias: false }), softmax()), STEPS],
  [sequential(layerNorm({ epsilon: 1e-3 }), feedForward({ inner: 4 }), feedForward({ gated: true, inner: 3 })), STEPS],
  [repeated(2, residualBlock(feedForward({ inner: 4 }))), STEPS],
  [residualBlock(attention({ heads: 2, causal: true }), { order: "post", norm: "rms_norm" }), STEPS],
  [sequential(rnn({ width: 3 }), gru({ width: 4 }), lstm({ width: 3, forgetBias: 0 })), STEPS],
  [sequential(conv2d({ width: 4, kernel: [3, 2], stride: 2 }), batchNorm(), maxPool(), flatten(), linear()), IMAGE],
  [sequential(separableConv2d({ width: 4 }), instanceNorm(), globalPool()), IMAGE],
  [sequential(patches({ size: 4 }), linear({ width: 6 }), transposed([2, 1]), reshape([12, 2])), IMAGE],
  [sequential(maxPool1d(), avgPool1d({ window: 3, stride: 1, padding: 1 }), adaptivePool1d({ size: 2 })), STEPS],
  [sequential(parallel(linear(), linear(), relu()), concatenated({ axis: 2 })), STEPS],
  [sequential(parallel(linear(), linear(), relu()), added(), denseSkip(relu(), { axis: 2 })), STEPS],
  [sequential(relu(), parallel(linear(), relu()), multiplied()), STEPS],
  [residual(identity()), STEPS],
  [encoderBlock({ heads: 2, inner: 6, causal: true }), STEPS],
  [encoderBlock({ heads: 2, inner: 6, gated: true, order: "post", norm: "rms_norm" }), STEPS],
  [sequential(globalMaxPool(), linear()), IMAGE],
  [globalMaxPool(), STEPS],
  [globalMaxPool(), { x: "f32[B,3]" }],
  [matmul(), { x: "f32[B,3,4]", y: "f32[B,4,2]" }],
  [sequential(), STEPS],
  [concatenated({ axis: 1 }), { a: "f32[B,3,4]", b: "f32[B,2,4]" }],
  [added(), { x: "f32[B,3]", y: "f32[B,3]" }],
  [multiplied(), { x: "f32[B,3]", y: "f32[B,3]" }],
  [added(), { x: "f32[B,3]" }],
];

const THREE = { q: "f32[B,3,4]", k: "f32[B,5,4]", v: "f32[B,5,2]" };

/** Layers whose programs are several ops, which no layers are read from. */
const COMPOSED: ReadonlyArray<readonly [Layer, InputTypes]> = [
  ...[0.01, -0.5, 1, 3].map((slope) => [sequential(linear(), leakyRelu({ slope })), STEPS] as const),
  [concatenated({ axis: 1 }), { b: "f32[B,3,4]", a: "f32[B,2,4]" }],
  [sequential(parallel(matmul(), matmul()), added()), { y: "f32[B,3,4]", x: "f32[B,4,2]" }],
  [elu(), STEPS],
  [leakyRelu(), STEPS],
  [leakyRelu({ slope: 1.5 }), STEPS],
  [leakyRelu({ slope: 1e-7 }), { x: "f64[B,3]" }],
  ...[1, 0.3].map((scale) => [sequential(linear(), elu({ scale })), STEPS] as const),
  ...[-1, 1].map((axis) => [sequential(linear(), logSoftmax({ axis })), { x: "f32[B,3,2,4]" }] as const),
  [logSoftmax(), { x: "f64[B,5]" }],
  [added(), { c: "f32[B,3]", b: "f32[B,3]", a: "f32[B,3]" }],
  [multiplied(), { x: "f32[B,3]", y: "f32[B,3]", z: "f32[B,3]" }],
  [scaledDotProduct(), THREE],
  [scaledDotProduct(), { ...THREE, mask: "f32[B,3,5]" }],
  [flashAttention({ block: 2 }), THREE],
];

Deno.test("a stack of layers and its program of the language compute the same", () => {
  for (const [layer, types] of STACKS) {
    same(networkOfLayers(layer, types), networkOfProgram(programOfLayer(layer, types), portsOf(types)));
  }
});

Deno.test("layers that are several ops of the language compute and differentiate as their programs do", () => {
  for (const [layer, types] of [...STACKS, ...COMPOSED]) {
    sameSlopes(networkOfLayers(layer, types), networkOfProgram(programOfLayer(layer, types), portsOf(types)));
  }
});

Deno.test("a bilinear form is written as an affine map of all products, whose weight has the same elements", () => {
  for (const bias of [true, false]) {
    const [layer, types] = [bilinear({ width: 3, bias }), { z: "f32[B,2,4]", x: "f32[B,2,5]" }];
    const own = networkOfLayers(layer, types);
    const other = networkOfProgram(programOfLayer(layer, types), portsOf(types));
    assert.deepEqual(other.parameters.map(({ type }) => type.shape), [[20, 3], ...bias ? [[3]] : []]);
    assert.deepEqual(other.parameters.map(({ initial }) => initial), own.parameters.map(({ initial }) => initial));
    sameSlopes(own, other);
  }
});

Deno.test("the logarithm of a softmax and the exponential's activation hold for large elements as well", () => {
  const x = tensor("f32", [1, 3], [300, -300, 0]);
  for (const layer of [logSoftmax(), elu(), leakyRelu()]) {
    const types = { x: "f32[B,3]" };
    const [own, other] = [
      networkOfLayers(layer, types),
      networkOfProgram(programOfLayer(layer, types), portsOf(types)),
    ].map((network) => results(network, [], [x])[0][0]);
    assert.ok(distance(other, own) < 1e-6);
  }
});

Deno.test("the layers read from that program are the stack again", () => {
  for (const [layer, types] of STACKS) {
    same(networkOfLayers(layer, types), networkOfLayers(layerOfProgram(programOfLayer(layer, types)), types));
  }
});

Deno.test("a convolution of sequences is written as one of images that are one row high, its kernel with that row", () => {
  const layer = conv1d({ width: 4, kernel: 3, stride: 2, dilation: 2, padding: 1, groups: 2 });
  const [own, other] = [networkOfLayers(layer, STEPS), networkOfProgram(programOfLayer(layer, STEPS), portsOf(STEPS))];
  const tensors = Object.values(tensorsOf(own));
  const asRows = tensors.map(({ dtype, data }, i) => tensorOf(dtype, other.parameters[i].type.shape as number[], data));
  assert.deepEqual(other.parameters.map(({ type }) => type.shape), [[4, 3, 1, 3], [4]]);
  const inputs = own.inputs.map(inputOf);
  const [[y], [wanted]] = [results(other, asRows, inputs)[0], results(own, tensors, inputs)[0]];
  assert.deepEqual(y.shape, wanted.shape);
  assert.ok(distance(y, wanted) < 1e-6);
});

Deno.test("a written program reads as one would write it", () => {
  assert.equal(
    text(sequential(conv2d({ width: 8, kernel: 5 }), relu(), flatten(), linear({ width: 10 })), {
      x: "f32[B,1,4,4]",
    }),
    "conv2d(kernel: 5, width: 8) >> relu >> reshape(shape: (-1, 128)) >> linear(width: 10)",
  );
  assert.equal(
    text(residualBlock(linear(), { drop: 0.5 }), STEPS),
    "res_add(identity, layer_norm >> linear >> drop(rate: 0.5))",
  );
});

const PATTERN_INPUTS: { readonly [name: string]: string } = {
  transformer_block: "f32[B,3,4]",
  mlp: "f32[B,4]",
  resnet_block: "f32[B,2,4,4]",
  rnn_model: "i64[B,3]",
  classifier_head: "f32[B,3,2,2]",
  conv_backbone: "f32[B,1,4,4]",
  image_classifier: "f32[B,1,4,4]",
};

Deno.test("every published neural pattern is layers, and both are one network", () => {
  for (const [name, { build }] of Object.entries(PATTERNS)) {
    const program = parse(print(build(2)));
    const type = PATTERN_INPUTS[name];
    if (type === undefined) {
      assert.match(failureOf(() => layerOfProgram(program)).message, /infer.*no kind of layer/u);
      continue;
    }
    same(networkOfProgram(program, portsOf({ x: type })), networkOfLayers(layerOfProgram(program), { x: type }));
  }
});

Deno.test("what has no form is refused by kind and reason, and reading by the path of the expression", () => {
  const written = (layer: Layer, types: InputTypes = STEPS) => {
    const { code, message } = failureOf(() => programOfLayer(layer, types));
    assert.equal(code, "NEURAL_WRITTEN");
    return message;
  };
  assert.match(written(experts()), /experts.*no op/u);
  assert.match(written(sequential(relu(), prelu())), /prelu.*no op/u);
  assert.match(written(logSoftmax({ axis: 0 })), /log_softmax.*batch/u);
  assert.match(written(scaledDotProduct({ causal: true }), THREE), /scaled_dot_product.*before/u);
  assert.match(written(flashAttention({ causal: true }), THREE), /before/u);
  assert.match(written(scaledDotProduct(), { ...THREE, seen: "bool[B,3,5]" }), /bools/u);
  assert.match(written(lora(linear())), /lora/u);
  assert.match(written(encoderBlock({ dropPath: 0.1 })), /drop_path.*no op/u);
  assert.match(written(encoderBlock(), { x: "f32[B,6,8]", mask: "bool[B,6,6]" }), /encoder_block.*no op/u);
  assert.match(written(attention({ rope: true })), /attn.*rope/u);
  assert.match(written(lstm()), /forget_bias/u);
  assert.match(written(parallel(relu(), relu(), relu())), /pairs branches/u);
  assert.match(written(sequential(shared("w", linear()), shared("w", linear()))), /shares the tensors of w/u);
  const read = (source: string) => failureOf(() => layerOfProgram(parse(source)));
  assert.match(read("relu >> 3").message, /names and literals/u);
  assert.equal(read("relu >> bind(1)").path, "/b");
  assert.match(read("relu >> matmul(identity, relu)").message, /written in it/u);
  assert.match(failureOf(() => programOfLayer(layerOf("nothing"), STEPS)).message, /none of that name/u);
});

Deno.test("dropout stands in the program, and the batch stays open through a reshape", () => {
  assert.equal(text(sequential(dropout(), flatten()), STEPS), "drop >> reshape(shape: (-1, 48))");
  assert.equal(failureOf(() => programOfLayer(flatten(), { x: "f32[B,S,4]" })).code, "NEURAL_SIZE");
});
