/**
 * Convolutions of every stride, padding, cropping, dilation and grouping agree with plain loops.
 */
import assert from "node:assert/strict";
import {
  type Convolution,
  emitConvolution,
  type Spatial,
  windowsOn,
} from "../../../../plugins/backends/cpu/wasm/convolution.ts";
import { addressOf } from "../../../../plugins/backends/cpu/wasm/tile.ts";
import { load, seeded } from "./kernels.ts";

type Shape = Pick<
  Convolution,
  | "batch"
  | "groups"
  | "inputs"
  | "outputs"
  | "size"
  | "kernel"
  | "strides"
  | "low"
  | "high"
  | "dilation"
  | "inputDilation"
>;

const SIMPLE: Shape = {
  batch: 2,
  groups: 1,
  inputs: 3,
  outputs: 7,
  size: [9, 11],
  kernel: [3, 3],
  strides: [1, 1],
  low: [1, 1],
  high: [1, 1],
  dilation: [1, 1],
  inputDilation: [1, 1],
};

/** The result by loops over everything, in binary64. */
const loops = (s: Shape, x: ArrayLike<number>, w: ArrayLike<number>, windows: Spatial): Float64Array => {
  const channels = s.groups * s.inputs;
  const out = new Float64Array(s.batch * s.groups * s.outputs * windows[0] * windows[1]);
  let at = 0;
  for (let n = 0; n < s.batch; n++) {
    for (let o = 0; o < s.groups * s.outputs; o++) {
      const group = Math.floor(o / s.outputs);
      for (let i = 0; i < windows[0]; i++) {
        for (let j = 0; j < windows[1]; j++, at++) {
          for (let c = 0; c < s.inputs; c++) {
            for (let p = 0; p < s.kernel[0]; p++) {
              for (let q = 0; q < s.kernel[1]; q++) {
                const y = i * s.strides[0] + p * s.dilation[0] - s.low[0];
                const z = j * s.strides[1] + q * s.dilation[1] - s.low[1];
                if (y < 0 || z < 0 || y % s.inputDilation[0] !== 0 || z % s.inputDilation[1] !== 0) continue;
                const [row, column] = [y / s.inputDilation[0], z / s.inputDilation[1]];
                if (row >= s.size[0] || column >= s.size[1]) continue;
                out[at] += x[((n * channels + group * s.inputs + c) * s.size[0] + row) * s.size[1] + column] *
                  w[((o * s.inputs + c) * s.kernel[0] + p) * s.kernel[1] + q];
              }
            }
          }
        }
      }
    }
  }
  return out;
};

const dense = (s: Shape): Convolution => {
  const terms = s.inputs * s.kernel[0] * s.kernel[1];
  const made = { ...s, kind: "f32" } as Convolution;
  const area = windowsOn(made, 0) * windowsOn(made, 1);
  return {
    ...made,
    fused: false,
    input: {
      batch: s.groups * s.inputs * s.size[0] * s.size[1],
      channel: s.size[0] * s.size[1],
      row: s.size[1],
      column: 1,
    },
    weights: { batch: [s.outputs * terms], row: terms, column: 1 },
    result: { batch: s.groups * s.outputs * area, channel: area },
  };
};

/** Runs and compares; `after` is what an epilogue does to each truth. */
const agrees = (c: Convolution, after: (value: number, channel: number) => number = (value) => value): void => {
  const next = seeded(c.inputs * 31 + c.outputs);
  const Kind = c.kind === "f64" ? Float64Array : c.kind === "i32" ? Int32Array : Float32Array;
  const value = (): number => c.kind === "i32" ? Math.floor((next() - 0.5) * 1000) : next() * 2 - 1;
  const x = new Kind(c.batch * c.groups * c.inputs * c.size[0] * c.size[1]).map(value);
  const w = new Kind(c.groups * c.outputs * c.inputs * c.kernel[0] * c.kernel[1]).map(value);
  const windows: Spatial = [windowsOn(c, 0), windowsOn(c, 1)];
  const truth = loops(c, x, w, windows);
  const size = loops(c, x.map(Math.abs), w.map(Math.abs), windows);
  const bytes = truth.length * Kind.BYTES_PER_ELEMENT;
  const loaded = load([x.byteLength, w.byteLength, bytes], (module) => emitConvolution(module, c));
  const memory = loaded.memory.buffer as ArrayBuffer;
  new Kind(memory, loaded.at[0], x.length).set(x);
  new Kind(memory, loaded.at[1], w.length).set(w);
  loaded.run();
  const got = new Kind(memory, loaded.at[2], truth.length);
  const area = windows[0] * windows[1];
  for (let i = 0; i < truth.length; i++) {
    const channel = Math.floor(i / area) % (c.groups * c.outputs);
    const tolerance = c.kind === "f64" ? 2 ** -48 : c.kind === "i32" ? 0 : 2 ** -20;
    const error = Math.abs(got[i] - after(truth[i], channel));
    assert(error <= tolerance * Math.max(size[i], 1e-300), `${JSON.stringify(c)} at ${i}: ${got[i]}, not ${truth[i]}`);
  }
};

Deno.test("convolutions of many shapes agree with loops", () => {
  const shapes: ReadonlyArray<Partial<Shape>> = [
    {},
    { strides: [2, 2] },
    { strides: [3, 1], low: [0, 2], high: [2, 0] },
    { dilation: [2, 3], low: [2, 3], high: [2, 3] },
    { inputDilation: [2, 2], low: [2, 2], high: [1, 1] },
    { inputDilation: [3, 2], low: [-1, -2], high: [-2, 1] },
    { low: [-1, -2], high: [-1, 0] },
    { low: [0, 0], high: [0, 0] },
    { groups: 3, inputs: 2, outputs: 5 },
    { groups: 6, inputs: 1, outputs: 1 },
    { kernel: [1, 1], low: [0, 0], high: [0, 0], outputs: 13 },
    { kernel: [1, 1], low: [0, 0], high: [0, 0], strides: [2, 2] },
    { size: [1, 40], kernel: [1, 5], low: [0, 2], high: [0, 2] },
    { inputs: 64, outputs: 9, kernel: [3, 3] },
    { batch: 5, size: [4, 4], kernel: [3, 3], low: [0, 0], high: [0, 0], outputs: 8 },
    { batch: 4, size: [10, 9], kernel: [8, 7], low: [0, 0], high: [0, 0], outputs: 13, inputs: 5 },
    { batch: 6, size: [12, 12], kernel: [10, 10], low: [0, 0], high: [0, 0], groups: 2, strides: [2, 2] },
    { batch: 1, size: [1, 1], kernel: [1, 1], low: [0, 0], high: [0, 0] },
    { size: [20, 23], outputs: 100, inputs: 2 },
  ];
  for (const shape of shapes) {
    agrees(dense({ ...SIMPLE, ...shape }));
    agrees({ ...dense({ ...SIMPLE, ...shape }), kind: "f64", fused: true });
    agrees({ ...dense({ ...SIMPLE, ...shape }), kind: "i32" });
  }
});

Deno.test("zero images, channels and sizes: nothing is written, and no terms make zeros", () => {
  agrees(dense({ ...SIMPLE, batch: 0 }));
  agrees(dense({ ...SIMPLE, outputs: 0 }));
  agrees(dense({ ...SIMPLE, inputs: 0 }));
  agrees(dense({ ...SIMPLE, size: [0, 5], low: [0, 0], high: [0, 0], kernel: [1, 1] }));
  agrees(dense({ ...SIMPLE, size: [0, 5], low: [2, 2], high: [2, 2] }));
});

Deno.test("an epilogue sees image, group, channel and window, also where images are taken together", () => {
  for (const shape of [{}, { batch: 5, size: [5, 5] as Spatial, groups: 2 }, { inputs: 64, groups: 1 }]) {
    const c = dense({ ...SIMPLE, ...shape });
    const area = windowsOn(c, 0) * windowsOn(c, 1);
    agrees({
      ...c,
      epilogue: {
        inline: true,
        // Adds the number of the channel.
        write: (code, sums, place) => {
          code.get(place.batch[1]).times(c.outputs).get(place.row).op("i32.add").plus(place.rowOffset);
          code.op("f32.convert_i32_s").op("f32x4.splat").get(sums).op("f32x4.add").set(sums);
          const at = code.local("i32");
          const strides = { batch: [c.result.batch, c.outputs * area], row: area, column: 1, bytes: 4 };
          const offset = addressOf(code, place, strides);
          code.set(at);
          for (let lane = 0; lane < place.lanes; lane++) {
            code.get(at).get(sums).lane("v128.store32_lane", lane, offset + lane * 4);
          }
          code.release(at);
        },
      },
    }, (value, channel) => value + channel);
  }
});

Deno.test("a prologue of the input and of the weights is applied to every element", () => {
  const c = dense(SIMPLE);
  agrees({
    ...c,
    load: (code, { base, batch, channel, row, column }) => {
      const { input } = c;
      code.get(base);
      for (
        const [index, stride] of [[batch, input.batch], [channel, input.channel], [row, input.row], [
          column,
          1,
        ]] as const
      ) {
        code.get(index).times(stride * 4).op("i32.add");
      }
      code.memory("f32.load").f32(2).op("f32.mul");
    },
    weights: {
      ...c.weights,
      load: (code, { base, row, column }) =>
        void code.get(base).get(row).times(c.weights.row).get(column).op("i32.add").times(4).op("i32.add")
          .memory("f32.load").f32(3).op("f32.mul"),
    },
  }, (value) => value * 6);
});
