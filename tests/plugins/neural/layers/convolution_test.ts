/**
 * Convolutions of every kind, against onnxruntime and central differences.
 */
import assert from "node:assert/strict";
import { elementCount, type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import {
  conv1d,
  conv2d,
  conv3d,
  type ConvSettings,
  convTranspose1d,
  convTranspose2d,
  type Layer,
  networkOfLayers,
  separableConv2d,
  type TransposedSettings,
} from "../../../../plugins/neural/library.ts";
import { agrees, differentiates, failureOf, normals, onnx, type OnnxNode, resultTypes, runLayer } from "./support.ts";

const AXES = [1, 2, 3] as const;
const CONV = [conv1d, conv2d, conv3d];
const SIZES = [7, 6, 5];

const input = (axes: number, channels = 4, dtype: "f32" | "f64" = "f32"): Tensor =>
  normals(`input ${axes}`, [2, channels, ...SIZES.slice(0, axes)], dtype);

const judged = async (layer: Layer, x: Tensor, attributes: NonNullable<OnnxNode[2]>, bias = true): Promise<void> => {
  const width =
    networkOfLayers(layer, { x: { dtype: "f32", shape: ["B", ...x.shape.slice(1)] } }).outputs[0].type.shape[1];
  const { outputs: [y], tensors } = runLayer(layer, { x }, { tensors: { bias: normals("bias", [Number(width)]) } });
  const [theirs] = await onnx([["Conv", bias ? ["x", "w", "b"] : ["x", "w"], attributes]], { x }, {
    w: tensors.weight,
    ...(bias ? { b: tensors.bias } : {}),
  });
  agrees(y, theirs);
};

const spread = (axes: number, value: number): ReadonlyArray<number> => Array.from({ length: axes }, () => value);

Deno.test("convolution over one, two and three axes is onnxruntime's at every stride, padding, dilation and grouping", async () => {
  const cases: ReadonlyArray<ConvSettings & { readonly kernel: number }> = [
    { kernel: 3, padding: 0 },
    { kernel: 3, padding: 1, stride: 2, width: 6 },
    { kernel: 2, padding: 2, dilation: 2, width: 3 },
    { kernel: 3, padding: 1, groups: 2, width: 6 },
    { kernel: 2, padding: 0, groups: 4, width: 8, bias: false },
    { kernel: 1, padding: 0, width: 5 },
  ];
  for (const axes of AXES) {
    for (const settings of cases) {
      const { kernel, padding = 0, stride = 1, dilation = 1, groups = 1, bias = true } = settings;
      await judged(CONV[axes - 1](settings), input(axes), {
        kernel_shape: spread(axes, kernel),
        pads: spread(2 * axes, padding as number),
        strides: spread(axes, stride as number),
        dilations: spread(axes, dilation as number),
        group: groups,
      }, bias);
    }
  }
});

Deno.test("settings may differ by axis", async () => {
  await judged(conv2d({ kernel: [3, 2], stride: [1, 2], padding: [2, 0], dilation: [2, 1], width: 3 }), input(2), {
    kernel_shape: [3, 2],
    strides: [1, 2],
    pads: [2, 0, 2, 0],
    dilations: [2, 1],
  });
});

Deno.test("without a padding the size is kept at stride 1, for even kernels and dilated ones too", async () => {
  assert.deepEqual(resultTypes(conv1d({ kernel: 5 }), { x: "f32[B,4,S]" }), ["f32[B,4,S]"]);
  await judged(conv1d({ kernel: 4, dilation: 3 }), input(1), { kernel_shape: [4], dilations: [3], pads: [4, 5] });
  await judged(conv2d({ kernel: [2, 5] }), input(2), { kernel_shape: [2, 5], pads: [0, 2, 1, 2] });
});

Deno.test("sizes of results are (n + 2·padding − dilation·(kernel − 1) − 1) / stride + 1", () => {
  const side = (settings: ConvSettings) => resultTypes(conv2d(settings), { x: "f32[B,3,32,32]" })[0];
  assert.equal(side({ width: 16, kernel: 3, padding: 0 }), "f32[B,16,30,30]");
  assert.equal(side({ width: 16, kernel: 3, padding: 1 }), "f32[B,16,32,32]");
  assert.equal(side({ width: 16, kernel: 3, stride: 2, padding: 0 }), "f32[B,16,15,15]");
});

Deno.test("a two-dimensional convolution of 3 channels to 16 by 3×3 kernels has 448 parameters", () => {
  const { parameters } = networkOfLayers(conv2d({ width: 16, kernel: 3 }), { x: "f32[B,3,8,8]" });
  assert.equal(parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0), 448);
});

/** The kernel of our convolution in the layout of ConvTranspose: [channels, width / groups, …], every axis turned. */
const turned = ({ shape, data }: Tensor, groups: number): Tensor => {
  const [width, each, ...kernel] = shape;
  const [per, area] = [width / groups, elementCount(kernel)];
  const from = data as Float32Array;
  const made = new Float32Array(from.length);
  for (let o = 0; o < width; o++) {
    for (let c = 0; c < each; c++) {
      const channel = Math.floor(o / per) * each + c;
      for (let k = 0; k < area; k++) {
        made[(channel * per + o % per) * area + k] = from[(o * each + c) * area + area - 1 - k];
      }
    }
  }
  return tensor("f32", [each * groups, per, ...kernel], made);
};

Deno.test("transposed convolution is onnxruntime's, its kernel turned and swapped", async () => {
  const cases: ReadonlyArray<TransposedSettings & { readonly kernel: number }> = [
    { kernel: 3 },
    { kernel: 3, stride: 2, width: 6 },
    { kernel: 4, stride: 2, padding: 1, width: 2 },
    { kernel: 3, stride: 3, padding: 2, extra: 1, dilation: 2, width: 6, groups: 2 },
    { kernel: 2, stride: 2, groups: 4, bias: false },
  ];
  for (const axes of [1, 2]) {
    for (const settings of cases) {
      const { kernel, padding = 0, stride = 1, dilation = 1, groups = 1, extra = 0, bias = true } = settings;
      const x = input(axes);
      const layer = [convTranspose1d, convTranspose2d][axes - 1](settings);
      const { outputs: [y], tensors } = runLayer(layer, { x }, {
        tensors: { bias: normals("bias", [settings.width ?? 4]) },
      });
      const [theirs] = await onnx(
        [["ConvTranspose", bias ? ["x", "w", "b"] : ["x", "w"], {
          kernel_shape: spread(axes, kernel),
          pads: spread(2 * axes, padding as number),
          strides: spread(axes, stride as number),
          dilations: spread(axes, dilation as number),
          output_padding: spread(axes, extra as number),
          group: groups,
        }]],
        { x },
        { w: turned(tensors.weight, groups), ...(bias ? { b: tensors.bias } : {}) },
      );
      agrees(y, theirs);
    }
  }
});

Deno.test("a separable convolution is onnxruntime's depthwise one followed by a mix of channels", async () => {
  const x = input(2);
  const { outputs: [y], tensors } = runLayer(
    separableConv2d({ kernel: 3, stride: 2, padding: 1, width: 5, multiplier: 2 }),
    { x },
    { tensors: { "pointwise/bias": normals("bias", [5]) } },
  );
  const [theirs] = await onnx(
    [
      ["Conv", ["x", "d"], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], group: 4 }],
      ["Conv", ["0", "p", "b"], { kernel_shape: [1, 1] }],
    ],
    { x },
    { d: tensors["depthwise/weight"], p: tensors["pointwise/weight"], b: tensors["pointwise/bias"] },
  );
  agrees(y, theirs);
});

Deno.test("gradients of every convolution are those of central differences", () => {
  const [line, image] = [{ x: input(1, 4, "f64") }, { x: input(2, 2, "f64") }];
  const volume = { x: normals("volume", [1, 2, 3, 3, 2], "f64") };
  differentiates(conv1d({ kernel: 3, stride: 2, groups: 2, width: 6 }), line);
  differentiates(conv2d({ kernel: [3, 2], stride: [2, 1], dilation: [1, 2], width: 3 }), image);
  differentiates(conv3d({ kernel: 2, width: 2 }), volume);
  differentiates(convTranspose1d({ kernel: 3, stride: 2, padding: 1, extra: 1, width: 2 }), line);
  differentiates(convTranspose2d({ kernel: 2, stride: 2, width: 3 }), image);
  differentiates(separableConv2d({ kernel: 3, width: 3, multiplier: 2 }), image);
});

Deno.test("kernels begin within 1/√fan of what each result sums over", () => {
  const fans: ReadonlyArray<readonly [Layer, number]> = [
    [conv1d({ kernel: 5, width: 32, groups: 2 }), 2 * 5],
    [conv3d({ kernel: 2, width: 32 }), 4 * 8],
    // Of 16 kernel elements one in four meets an input.
    [convTranspose2d({ kernel: 4, stride: 2, width: 32 }), 4 * 16 / 4],
  ];
  for (const [layer, fan] of fans) {
    const axes = Number(layer.kind.at(-2));
    const weights = toFloats(runLayer(layer, { x: input(axes) }).tensors.weight);
    const reach = weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0) * Math.sqrt(fan);
    assert.ok(reach <= 1 && reach > 0.9, `${layer.kind}: ${reach}`);
  }
});

Deno.test("a convolution says what does not fit: rank, groups, counts of a setting", () => {
  const on = (layer: Layer, x = "f32[B,4,8,8]") => failureOf(() => networkOfLayers(layer, { x }));
  assert.match(on(conv1d()).message, /a batch, channels and 1 axes/u);
  assert.equal(on(conv1d({ groups: 3 }), "f32[B,4,8]").code, "NEURAL_INPUT");
  assert.equal(on(conv1d({ kernel: [3, 3] }), "f32[B,4,8]").code, "NEURAL_SETTING");
  assert.equal(on(conv1d(), "f32[B,C,8]").code, "NEURAL_SIZE");
  assert.equal(on(conv2d({ groups: 3 })).code, "RMIL_SHAPE");
  assert.equal(on(separableConv2d(), "f32[B,C,8,8]").code, "NEURAL_SIZE");
});
