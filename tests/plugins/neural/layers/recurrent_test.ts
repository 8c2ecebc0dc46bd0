/**
 * Recurrent layers against onnxruntime's LSTM, GRU and RNN, central differences, and laws.
 */
import assert from "node:assert/strict";
import { type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { gru, initialValues, lstm, networkOfLayers, rnn } from "../../../../plugins/neural/library.ts";
import {
  agrees,
  differentiates,
  distance,
  failureOf,
  normals,
  numbers,
  onnx,
  resultTypes,
  runLayer,
  runNetwork,
} from "./support.ts";
import { inPieces } from "./pieces.ts";

const [BATCH, STEPS, FEATURES, WIDTH] = [3, 5, 4, 6];
const x = normals("sequence", [BATCH, STEPS, FEATURES]);
const lengths = tensor("i32", [BATCH], [5, 2, 4]);

type Tensors = { readonly [path: string]: Tensor };

/** Axes of [a, b, c] in another order. */
const moved = (of: Tensor, order: readonly [number, number, number]): Tensor => {
  const data = toFloats(of);
  const shape = order.map((axis) => of.shape[axis]);
  const strides = [of.shape[1] * of.shape[2], of.shape[2], 1];
  const made: number[] = [];
  for (let i = 0; i < shape[0]; i++) {
    for (let j = 0; j < shape[1]; j++) {
      for (let k = 0; k < shape[2]; k++) {
        made.push(data[i * strides[order[0]] + j * strides[order[1]] + k * strides[order[2]]]);
      }
    }
  }
  return tensor("f32", shape, made);
};

/** Gates of [n, gates × width] as rows [gates × width, n], in ONNX's order. */
const gateRows = (of: Tensor, order: ReadonlyArray<number>): ReadonlyArray<number> => {
  const n = of.shape.length === 1 ? 1 : of.shape[0];
  const all = of.shape.at(-1)!;
  const width = all / order.length;
  const data = toFloats(of);
  return order.flatMap((gate) =>
    Array.from({ length: width }, (_, i) => i).flatMap((i) =>
      Array.from({ length: n }, (_, row) => data[row * all + gate * width + i])
    )
  );
};

const zeros = (count: number) => Array.from({ length: count }, () => 0);

const CELLS = {
  // ours: input, forget, cell, output; ONNX: input, output, forget, cell.
  LSTM: [0, 3, 1, 2],
  // ours: reset, update, new; ONNX: update, reset, new.
  GRU: [1, 0, 2],
  RNN: [0],
} as const;

type Cell = keyof typeof CELLS;

/** Weights of a layer's lanes as ONNX has them. */
const onnxWeights = (cell: Cell, tensors: Tensors, lanes: ReadonlyArray<string>) => {
  const order = CELLS[cell];
  const gates = order.length;
  const at = (lane: string, name: string) => tensors[lane === "" ? name : `${lane}/${name}`];
  const shift = (lane: string, name: string) => {
    const own = at(lane, name);
    return own === undefined ? zeros(gates * WIDTH) : gateRows(own, order);
  };
  return {
    w: tensor(
      "f32",
      [lanes.length, gates * WIDTH, FEATURES],
      lanes.flatMap((lane) => gateRows(at(lane, "input"), order)),
    ),
    r: tensor(
      "f32",
      [lanes.length, gates * WIDTH, WIDTH],
      lanes.flatMap((lane) => gateRows(at(lane, "hidden"), order)),
    ),
    b: tensor(
      "f32",
      [lanes.length, 2 * gates * WIDTH],
      lanes.flatMap((lane) => [...shift(lane, "bias"), ...shift(lane, "hidden_bias")]),
    ),
  };
};

/** [steps, directions, batch, width] as [batch, steps, directions × width]. */
const asOurs = (y: Tensor): Tensor => {
  const [steps, directions, batch, width] = y.shape;
  const data = toFloats(y);
  const made = zeros(data.length);
  let at = 0;
  for (let s = 0; s < steps; s++) {
    for (let d = 0; d < directions; d++) {
      for (let b = 0; b < batch; b++) {
        for (let i = 0; i < width; i++) made[((b * steps + s) * directions + d) * width + i] = data[at++];
      }
    }
  }
  return tensor("f32", [batch, steps, directions * width], made);
};

const biases = (lanes: ReadonlyArray<string>, names: ReadonlyArray<string>, size: number): Tensors =>
  Object.fromEntries(
    lanes.flatMap((lane) =>
      names.map((name) => {
        const path = lane === "" ? name : `${lane}/${name}`;
        return [path, normals(path, [size])];
      })
    ),
  );

Deno.test("lstm is onnxruntime's LSTM, and its last states are there: hidden and cell", async () => {
  const { outputs, tensors } = runLayer(lstm({ width: WIDTH, forgetBias: 0, states: true }), { x }, {
    tensors: biases([""], ["bias"], 4 * WIDTH),
  });
  const [y, h, c] = await onnx(
    [["LSTM", ["x", "w", "r", "b"], { hidden_size: WIDTH }, ["y", "h", "c"]]],
    { x: moved(x, [1, 0, 2]) },
    onnxWeights("LSTM", tensors, [""]),
    ["y", "h", "c"],
  );
  agrees(outputs[0], asOurs(y));
  agrees(outputs[1], h);
  agrees(outputs[2], c);
});

Deno.test("the forget bias is one unless it is said otherwise, and stands at the forget gate", async () => {
  const { outputs: [ours], tensors } = runLayer(lstm({ width: WIDTH }), { x });
  assert.deepEqual(new Set(numbers(tensors.bias)), new Set([0]));
  const bias = tensor(
    "f32",
    [4 * WIDTH],
    Array.from({ length: 4 }, (_, gate) => zeros(WIDTH).map(() => gate === 1 ? 1 : 0)).flat(),
  );
  const [y] = await onnx(
    [["LSTM", ["x", "w", "r", "b"], { hidden_size: WIDTH }, ["y"]]],
    { x: moved(x, [1, 0, 2]) },
    onnxWeights("LSTM", { ...tensors, bias }, [""]),
    ["y"],
  );
  agrees(ours, asOurs(y));
});

Deno.test("both directions, lengths and first states of an lstm are onnxruntime's", async () => {
  const lanes = ["forward", "reverse"];
  const firsts = { h: normals("h", [2, BATCH, WIDTH]), c: normals("c", [2, BATCH, WIDTH]) };
  const inputs = { x, lengths };
  const { outputs, tensors } = runLayer(
    lstm({ width: WIDTH, bidirectional: true, forgetBias: 0, states: true }),
    inputs,
    { tensors: biases(lanes, ["bias"], 4 * WIDTH) },
  );
  const weights = onnxWeights("LSTM", tensors, lanes);
  const attributes = { hidden_size: WIDTH, direction: "bidirectional" };
  const given = { x: moved(x, [1, 0, 2]), lengths };
  const [y, h, c] = await onnx(
    [["LSTM", ["x", "w", "r", "b", "lengths"], attributes, ["y", "h", "c"]]],
    given,
    weights,
    ["y", "h", "c"],
  );
  agrees(outputs[0], asOurs(y));
  agrees(outputs[1], h);
  agrees(outputs[2], c);
  // First states are [directions, batch, width], whose first size is no batch.
  const network = networkOfLayers(lstm({ width: WIDTH, bidirectional: true, forgetBias: 0, states: true }), {
    x: "f32[3,5,4]",
    h: "f32[2,3,6]",
    c: "f32[2,3,6]",
    lengths: "i32[3]",
  });
  assert.deepEqual(network.outputs.map(({ type }) => type.shape), [[3, 5, 12], [2, 3, 6], [2, 3, 6]]);
  const begun = runNetwork(network, [x, firsts.h, firsts.c, lengths], { tensors });
  const [y1, h1, c1] = await onnx(
    [["LSTM", ["x", "w", "r", "b", "lengths", "h0", "c0"], attributes, ["y", "h", "c"]]],
    { ...given, h0: firsts.h, c0: firsts.c },
    weights,
    ["y", "h", "c"],
  );
  agrees(begun.outputs[0], asOurs(y1));
  agrees(begun.outputs[1], h1);
  agrees(begun.outputs[2], c1);
});

Deno.test("gru in both directions over samples of several lengths is onnxruntime's, the reset after the product", async () => {
  const lanes = ["forward", "reverse"];
  const { outputs, tensors } = runLayer(gru({ width: WIDTH, bidirectional: true, states: true }), { x, lengths }, {
    tensors: biases(lanes, ["bias", "hidden_bias"], 3 * WIDTH),
  });
  const attributes = { hidden_size: WIDTH, direction: "bidirectional", linear_before_reset: 1 };
  const [y, h] = await onnx(
    [["GRU", ["x", "w", "r", "b", "lengths"], attributes, ["y", "h"]]],
    { x: moved(x, [1, 0, 2]), lengths },
    onnxWeights("GRU", tensors, lanes),
    ["y", "h"],
  );
  agrees(outputs[0], asOurs(y));
  agrees(outputs[1], h);
});

Deno.test("rnn from the last step to the first is onnxruntime's", async () => {
  const { outputs: [ours], tensors } = runLayer(rnn({ width: WIDTH, reverse: true }), { x }, {
    tensors: biases([""], ["bias"], WIDTH),
  });
  const [y] = await onnx(
    [["RNN", ["x", "w", "r", "b"], { hidden_size: WIDTH, direction: "reverse" }, ["y"]]],
    { x: moved(x, [1, 0, 2]) },
    onnxWeights("RNN", tensors, [""]),
    ["y"],
  );
  agrees(ours, asOurs(y));
});

Deno.test("several layers are one layer on the results of another", () => {
  for (const make of [rnn, lstm, gru]) {
    const two = runLayer(make({ width: WIDTH, layers: 2 }), { x });
    const own = (layer: number): Tensors =>
      Object.fromEntries(
        Object.entries(two.tensors).filter(([path]) => path.startsWith(`${layer}/`)).map((
          [path, value],
        ) => [path.slice(2), value]),
      );
    const first = runLayer(make({ width: WIDTH }), { x }, { tensors: own(0) });
    const second = runLayer(make({ width: WIDTH }), { x: first.outputs[0] }, { tensors: own(1) });
    assert.deepEqual(numbers(two.outputs[0]), numbers(second.outputs[0]));
  }
});

Deno.test("what lies past a sample's length changes nothing, and results there are zero", () => {
  const other = tensor(
    "f32",
    x.shape,
    toFloats(x).map((value, i) => {
      const [sample, step] = [Math.floor(i / (STEPS * FEATURES)), Math.floor(i / FEATURES) % STEPS];
      return step < Number(lengths.data[sample]) ? value : 99;
    }),
  );
  for (const make of [rnn, lstm, gru]) {
    const layer = make({ width: WIDTH, bidirectional: true, states: true });
    const [one, two] = [x, other].map((given) => runLayer(layer, { x: given, lengths }).outputs);
    one.forEach((value, i) => assert.deepEqual(numbers(value), numbers(two[i])));
    const shown = numbers(one[0]);
    const past = shown.filter((_, i) => {
      const [sample, step] = [Math.floor(i / (STEPS * 2 * WIDTH)), Math.floor(i / (2 * WIDTH)) % STEPS];
      return step >= Number(lengths.data[sample]);
    });
    assert.deepEqual(new Set(past), new Set([0]));
  }
});

Deno.test("gradients of every cell are what central differences measure, with layers, directions and lengths", () => {
  const given = { x: normals("f64 sequence", [2, 4, 3], "f64"), lengths: tensor("i32", [2], [4, 2]) };
  for (const make of [rnn, lstm, gru]) {
    differentiates(make({ width: 3, layers: 2, bidirectional: true, states: true }), given);
  }
  differentiates(rnn({ width: 3, activation: "relu" }), { x: given.x });
});

Deno.test("a sequence in pieces gives what it gives as a whole", () => {
  for (const make of [rnn, lstm, gru]) {
    const layer = make({ width: WIDTH, layers: 2 });
    const [whole, pieces] = inPieces(layer, x, [2, 1, 2]);
    assert.ok(distance(pieces, whole) < 1e-6);
  }
});

Deno.test("parameters: one bias in lstm (144 for 4 to 4), two in gru, and no two weights begin alike", () => {
  const count = (layer: ReturnType<typeof lstm>) =>
    networkOfLayers(layer, { x: "f32[B,5,4]" }).parameters
      .reduce((sum, { type }) => sum + type.shape.reduce((a, b) => a * b, 1), 0);
  assert.equal(count(lstm({ width: 4 })), 4 * (4 * 4 + 4 * 4 + 4));
  assert.equal(count(gru({ width: 4 })), 3 * (4 * 4 + 4 * 4 + 2 * 4));
  assert.equal(count(rnn({ width: 4, bias: false })), 4 * 4 + 4 * 4);
  const network = networkOfLayers(lstm({ width: 4, bidirectional: true }), { x: "f32[B,5,4]" });
  const weights = initialValues(network, 1).parameters.filter(({ shape }) => shape.length > 1).map((value) =>
    numbers(value).join()
  );
  assert.equal(new Set(weights).size, weights.length);
});

Deno.test("dropout stands between layers, while training only", () => {
  const layer = lstm({ width: WIDTH, layers: 2, drop: 0.5 });
  const run = (training: boolean, seed: number) => numbers(runLayer(layer, { x }, { training, seed }).outputs[0]);
  assert.deepEqual(run(false, 1), run(false, 2));
  assert.notDeepEqual(run(true, 1), run(true, 2));
  const single = lstm({ width: WIDTH, drop: 0.5 });
  assert.deepEqual(
    numbers(runLayer(single, { x }, { training: true, seed: 1 }).outputs[0]),
    numbers(runLayer(single, { x }, { training: false }).outputs[0]),
  );
});

Deno.test("results keep the size of the batch open, and what does not fit is refused", () => {
  assert.deepEqual(resultTypes(gru({ width: 7, bidirectional: true }), { x: "f32[B,9,4]" }), ["f32[B,9,14]"]);
  assert.equal(failureOf(() => resultTypes(gru(), { x: "f32[B,4]" })).code, "NEURAL_INPUT");
  const codeOf = (settings: object, types: Parameters<typeof resultTypes>[1]) =>
    failureOf(() => networkOfLayers({ ...gru(), settings: { cache: 8, ...settings } }, types)).code;
  assert.equal(codeOf({ bidirectional: true }, { x: "f32[1,2,4]" }), "NEURAL_INPUT");
  assert.equal(codeOf({ reverse: true }, { x: "f32[1,2,4]" }), "NEURAL_INPUT");
  assert.equal(codeOf({}, { x: "f32[1,2,4]", lengths: "i32[1]" }), "NEURAL_INPUT");
  assert.equal(codeOf({}, { x: "f32[B,2,4]" }), "NEURAL_SIZE");
});
