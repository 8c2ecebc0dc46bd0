/**
 * Quantisation of programs: integers against arithmetic written out, accuracy against stated bounds, gradients that pass
 * straight through, reports, refusals.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  evaluate,
  type FunctionBuilder,
  functionOf,
  grad,
  type Node,
  printProgram,
  printTypes,
  type Program,
  ProgramBuilder,
  type QuantizeOptions,
  quantizeProgram,
  type QuantizeScheme,
  returnTypes,
  roundHalfEven,
  type Tensor,
  tensor,
  toFloats,
  toIntegers,
} from "../../../plugins/ir/library.ts";
import { assertClose, codeOf, normals } from "./support.ts";

const single = (shape: ReadonlyArray<number>, make: (i: number) => number): Tensor =>
  tensor("f32", shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => make(i)));

const uniform = (seed: string, shape: ReadonlyArray<number>): Tensor => {
  const draws = random(seed);
  return single(shape, () => draws.float());
};

const dense = (m: number, k: number, n: number): Program =>
  buildProgram({ x: `f32[${m},${k}]`, w: `f32[${k},${n}]` }, (g, { x, w }) => g.matmul(x, w));

const nodesOf = (program: Program, op: string): ReadonlyArray<Node> =>
  functionOf(program).nodes.filter((node) => node.op === op);

const relativeError = (program: Program, made: Program, whole: ReadonlyArray<Tensor>, left: ReadonlyArray<Tensor>) => {
  const before = toFloats(evaluate(program, whole).results[0]);
  const after = toFloats(evaluate(made, left).results[0]);
  const size = before.reduce((sum, value) => sum + Math.abs(value), 0);
  return before.reduce((sum, value, i) => sum + Math.abs(value - after[i]), 0) / size;
};

Deno.test("an asymmetric product equals the same arithmetic written out, integer for integer", () => {
  const [m, k, n] = [3, 5, 4];
  const [x, w] = [uniform("x", [m, k]), normals("w", [k, n], "f32")];
  const { program, report } = quantizeProgram(dense(m, k, n), { weights: { w }, calibration: [[x]] });
  const [xs, ws] = [toFloats(x), toFloats(w)];
  const high = Math.max(0, ...xs);
  const scale = Math.fround(high / 255);
  const zero = -128;
  const qx = xs.map((value) => Math.max(-128, Math.min(127, roundHalfEven(Math.fround(value / scale)) + zero)));
  const expected = new Float64Array(m * n);
  for (let j = 0; j < n; j++) {
    const column = Array.from({ length: k }, (_, i) => ws[i * n + j]);
    const sw = Math.fround(Math.max(...column.map(Math.abs)) / 127);
    const qw = column.map((value) => Math.round(Math.fround(value / sw)));
    for (let i = 0; i < m; i++) {
      const sum = qw.reduce((total, q, t) => total + (qx[i * k + t] - zero) * q, 0);
      expected[i * n + j] = Math.fround(sum * Math.fround(sw * scale));
    }
  }
  assertClose(toFloats(evaluate(program, [x]).results[0]), expected, 1e-7);
  const activation = report.tensors.find(({ role }) => role === "activation")!;
  assert.equal(activation.zero, zero);
  assert.ok(activation.error.max <= scale * 0.5001);
});

Deno.test("the integer form multiplies i8 with i8 and sums in i32", () => {
  const w = normals("w", [5, 4], "f32");
  const { program } = quantizeProgram(dense(3, 5, 4), { weights: { w }, calibration: [[uniform("x", [3, 5])]] });
  const [product] = nodesOf(program, "dot");
  assert.equal(product.attributes.accumulate, "i32");
  assert.equal(product.results[0].dtype, "i32");
  assert.equal(functionOf(program).parameters.length, 1);
  assert.ok(!printProgram(program).includes("f32[5,4]"));
});

Deno.test("products of so many terms that i32 could overflow sum in i64", () => {
  for (const [k, wide] of [[65793, "i32"], [65794, "i64"]] as const) {
    const [x, w] = [single([1, k], () => 1), single([k, 1], () => 1)];
    const { program, report } = quantizeProgram(dense(1, k, 1), { weights: { w }, calibration: [[x]] });
    assert.equal(nodesOf(program, "dot")[0].attributes.accumulate, wide);
    assert.ok(report.results[0].max <= 0.01 * k);
  }
});

Deno.test("on data that is not negative, asymmetric ranges lose under 2 percent and less than symmetric ones", () => {
  const [x, w] = [uniform("data", [4, 8]), normals("w", [8, 5], "f32")];
  const error = (symmetric: boolean): number => {
    const { program } = quantizeProgram(dense(4, 8, 5), {
      weights: { w },
      calibration: [[x]],
      scheme: { symmetric },
    });
    return relativeError(dense(4, 8, 5), program, [x, w], [x]);
  };
  assert.ok(error(false) < 0.02 && error(false) < error(true), `${error(false)} ${error(true)}`);
});

Deno.test("symmetric ranges lose under 5 percent on data of both signs", () => {
  const [x, w] = [normals("data", [4, 6], "f32"), normals("w", [6, 5], "f32")];
  for (const granularity of ["channel", "tensor"] as const) {
    const { program } = quantizeProgram(dense(4, 6, 5), {
      weights: { w },
      calibration: [[x]],
      scheme: { symmetric: true, granularity },
    });
    assert.ok(relativeError(dense(4, 6, 5), program, [x, w], [x]) < 0.05);
  }
});

Deno.test("a scale for each channel keeps the small channels that one for all loses", () => {
  const x = normals("data", [16, 12], "f32");
  const w = single([12, 6], (i) => toFloats(normals("w", [12, 6], "f32"))[i] * 10 ** (i % 6 - 3));
  const lost = (["channel", "tensor"] as const).map((granularity) => {
    const options = { weights: { w }, calibration: [[x]], scheme: { granularity } };
    const { program, report } = quantizeProgram(dense(16, 12, 6), options);
    assert.equal(report.tensors.find(({ role }) => role === "weight")!.scales, granularity === "channel" ? 6 : 1);
    const column = (of: Program, inputs: ReadonlyArray<Tensor>) =>
      toFloats(evaluate(of, inputs).results[0]).filter((_, i) => i % 6 === 0);
    const [before, after] = [column(dense(16, 12, 6), [x, w]), column(program, [x])];
    return before.reduce((sum, value, i) => sum + Math.abs(value - after[i]), 0) /
      before.reduce((sum, value) => sum + Math.abs(value), 0);
  });
  assert.ok(lost[0] < 0.03 && lost[1] > 0.5, lost.join());
});

type Window = Parameters<FunctionBuilder["conv"]>[2];

const CONVOLUTIONS: ReadonlyArray<readonly [string, Window, ReadonlyArray<number>]> = [
  ["plain", {}, [6, 4, 3, 3]],
  ["padded and strided", { low: [1, 2], high: [2, 0], strides: [2, 1] }, [6, 4, 3, 3]],
  ["dilated", { dilation: [2, 1], low: [2, 1], high: [1, 1] }, [6, 4, 3, 3]],
  ["transposed", { input_dilation: [2, 2], low: [1, 1], high: [2, 1] }, [6, 4, 3, 3]],
  ["grouped", { groups: 2, low: [1, 1] }, [6, 2, 3, 3]],
  ["cropping", { low: [-1, 0], high: [0, -2] }, [6, 4, 2, 2]],
];

for (const [title, how, shape] of CONVOLUTIONS) {
  Deno.test(`an integer convolution, ${title}, stays near the float one: padding is zero, not the zero point`, () => {
    const program = buildProgram(
      { x: "f32[2,4,7,6]", w: { dtype: "f32", shape } },
      (g, { x, w }) => g.conv(x, w, how),
    );
    const w = normals("kernel", shape, "f32");
    // Shifted away from zero, so that a wrong padding shows.
    const x = single([2, 4, 7, 6], (i) => 2 + toFloats(normals("image", [2, 4, 7, 6], "f32"))[i]);
    const { program: made, report } = quantizeProgram(program, { weights: { w }, calibration: [[x]] });
    assert.equal(nodesOf(made, "conv")[0].attributes.accumulate, "i32");
    assert.ok(report.results[0].sqnrDb > 35, `${report.results[0].sqnrDb}`);
  });
}

Deno.test("products with batch axes, several summed axes, and weights on the left", () => {
  const cases: ReadonlyArray<readonly [Program, Tensor, Tensor]> = [
    [
      buildProgram(
        { x: "f32[3,2,4,5]", w: "f32[5,4,3,2,2]" },
        (g, { x, w }) => g.dot(x, w, { x_batch: [1, 0], y_batch: [4, 2], x_contract: [3, 2], y_contract: [0, 1] }),
      ),
      normals("x", [3, 2, 4, 5], "f32"),
      normals("w", [5, 4, 3, 2, 2], "f32"),
    ],
    [
      buildProgram({ x: "f32[6,3]", w: "f32[4,6]" }, (g, { x, w }) => g.matmul(w, x)),
      uniform("x", [6, 3]),
      normals("w", [4, 6], "f32"),
    ],
  ];
  for (const [program, x, w] of cases) {
    for (const granularity of ["channel", "tensor"] as const) {
      for (const form of ["integer", "weights"] as const) {
        const options = { weights: { w }, calibration: [[x]], scheme: { granularity, form } };
        const { report } = quantizeProgram(program, options);
        assert.ok(report.results[0].sqnrDb > 30, `${form} ${granularity} ${report.results[0].sqnrDb}`);
        assert.equal(report.skipped.length, 0);
      }
    }
  }
});

for (const form of ["weights", "integer"] as const) {
  Deno.test(`four-bit weights (${form}) are stored as i4 in groups, a rest included, and smaller groups lose less`, () => {
    const [m, k, n] = [8, 50, 12];
    const program = buildProgram(
      { x: `f32[B,${k}]`, w: `f32[${k},3,4]` },
      (g, { x, w }) => g.dot(x, w, { x_batch: [], y_batch: [], x_contract: [1], y_contract: [0] }),
    );
    const w = normals("w", [k, 3, 4], "f32");
    const x = normals("x", [m, k], "f32");
    const noise = [4, 16, 64].map((group) => {
      const scheme = { form, weights: "i4", group } as const;
      const { program: made, report } = quantizeProgram(program, { weights: { w }, calibration: [[x]], scheme });
      const stored = nodesOf(made, "constant").filter(({ results: [type] }) => type.dtype === "i4");
      assert.equal(stored.length, 1);
      assert.equal(report.tensors.find(({ role }) => role === "weight")!.scales, Math.ceil(k / group) * n);
      assert.equal(report.bytesBefore, k * n * 4);
      assert.equal(report.bytesAfter, Math.ceil(k / group) * (group * n / 2 + n * 4));
      if (form === "integer") assert.equal(nodesOf(made, "dot")[0].results[0].dtype, "i32");
      return report.results[0].sqnrDb;
    });
    assert.ok(noise[0] > noise[1] && noise[1] > noise[2], noise.join());
    assert.ok(noise[2] > 12, noise.join());
  });
}

Deno.test("four-bit kernels of convolutions have a scale for each output channel", () => {
  const program = buildProgram({ x: "f32[1,3,6,6]", w: "f32[8,3,3,3]" }, (g, { x, w }) => g.conv(x, w));
  const options = {
    weights: { w: normals("w", [8, 3, 3, 3], "f32") },
    calibration: [[normals("x", [1, 3, 6, 6], "f32")]],
  };
  for (const form of ["weights", "integer"] as const) {
    const { report } = quantizeProgram(program, { ...options, scheme: { form, weights: "i4" } });
    assert.equal(report.tensors.find(({ role }) => role === "weight")!.scales, 8);
    assert.ok(report.results[0].sqnrDb > 12, `${report.results[0].sqnrDb}`);
  }
});

/** Two layers with a bias, a weight that is used transposed, and attention between computed values. */
const network = buildProgram(
  { x: "f32[B,16]", w1: "f32[24,16]", b1: "f32[24]", w2: "f32[24,8]" },
  (g, { x, w1, b1, w2 }) => {
    const hidden = g.activation("relu", g.add(g.matmul(x, g.transpose(w1, [1, 0])), b1));
    const mixed = g.matmul(g.softmax(g.mul(g.matmul(hidden, g.transpose(hidden, [1, 0])), 0.02), -1), hidden);
    return g.matmul(mixed, w2);
  },
);

const networkWeights = {
  w1: normals("w1", [24, 16], "f32"),
  b1: normals("b1", [24], "f32"),
  w2: normals("w2", [24, 8], "f32"),
};

const batches = (seed: string, count = 4): ReadonlyArray<ReadonlyArray<Tensor>> =>
  Array.from({ length: count }, (_, i) => [normals(`${seed} ${i}`, [5, 16], "f32")]);

Deno.test("a network is quantised whole, products of two activations included, and judged on inputs held out", () => {
  const { program, report } = quantizeProgram(network, {
    weights: networkWeights,
    calibration: batches("calibration"),
    heldOut: batches("held out"),
  });
  assert.equal(report.products, 4);
  assert.equal(report.skipped.length, 0);
  assert.equal(report.tensors.filter(({ role }) => role === "weight").length, 2);
  assert.equal(report.tensors.filter(({ role }) => role === "activation").length, 6);
  assert.ok(report.results[0].sqnrDb > 15, `${report.results[0].sqnrDb}`);
  assert.ok(report.bytesAfter < report.bytesBefore / 3);
  assert.equal(printTypes(returnTypes(functionOf(program))), "(f32[B,8])");
  assert.equal(evaluate(program, [normals("other", [3, 16], "f32")]).results[0].shape[0], 3);
});

Deno.test("percentile and entropy calibration clamp an outlier, and lose less on everything else", () => {
  const draws = random("tail");
  const values = Array.from({ length: 4096 }, (_, i) => i === 7 ? 400 : draws.normal());
  const x = tensor("f32", [64, 64], values);
  const w = normals("w", [64, 8], "f32");
  const heldOut = [[normals("held out", [64, 64], "f32")]];
  const noise = Object.fromEntries((["max", "percentile", "entropy"] as const).map((calibration) => [
    calibration,
    quantizeProgram(dense(64, 64, 8), {
      weights: { w },
      calibration: [[x]],
      heldOut,
      scheme: { calibration, symmetric: true },
    }).report.results[0].sqnrDb,
  ]));
  assert.ok(noise.percentile > noise.max + 20, JSON.stringify(noise));
  assert.ok(noise.entropy > noise.max + 10, JSON.stringify(noise));
});

const fake = (program: Program, options: QuantizeOptions, scheme: Partial<QuantizeScheme> = {}) =>
  quantizeProgram(program, { ...options, scheme: { ...scheme, form: "fake" } });

Deno.test("the fake form keeps its parameters and computes what the integer form computes", () => {
  const [x, w] = [uniform("x", [3, 5]), normals("w", [5, 4], "f32")];
  const options = { weights: { w }, calibration: [[x]] };
  for (const symmetric of [false, true]) {
    const { program, report } = fake(dense(3, 5, 4), options, { symmetric });
    assert.equal(functionOf(program).parameters.length, 2);
    assert.ok(report.results[0].sqnrDb < Infinity && report.results[0].sqnrDb > 30);
    const integer = quantizeProgram(dense(3, 5, 4), { ...options, scheme: { symmetric } }).program;
    const [a, b] = [evaluate(program, [x, w]), evaluate(integer, [x])].map(({ results: [y] }) => toFloats(y));
    assertClose(a, b, 1e-5);
  }
});

Deno.test("gradients pass straight through rounding, and not through clamping", () => {
  const program = buildProgram(
    { x: "f32[1,3]", w: "f32[3,1]" },
    (g, { x, w }) => g.reduce("sum", g.matmul(x, w)),
  );
  const w = tensor("f32", [3, 1], [0.5, -1, 0.25]);
  const { program: made } = fake(program, { weights: { w }, calibration: [[single([1, 3], (i) => i)]] }, {
    symmetric: true,
  });
  // Calibrated up to 2: the last element lies beyond.
  const x = tensor("f32", [1, 3], [0.3, 1.1, 5]);
  const [dx, dw] = evaluate(grad(made), [x, w]).results.map(toFloats);
  assertClose(dx, [0.5, -1, 0], 0.01);
  assertClose(dw, [0.3, 1.1, 2], 0.01);
});

Deno.test("training through the fake form lowers the loss of the rounded network", () => {
  const loss = buildProgram({ x: "f32[16,4]", y: "f32[16,1]", w: "f32[4,1]" }, (g, { x, y, w }) => {
    const error = g.sub(g.matmul(x, w), y);
    return g.mean(g.mul(error, error));
  });
  const x = normals("x", [16, 4], "f32");
  const target = [0.7, -0.3, 0.2, 0.9];
  const y = tensor(
    "f32",
    [16, 1],
    Array.from({ length: 16 }, (_, i) => target.reduce((sum, weight, k) => sum + weight * toFloats(x)[i * 4 + k], 0)),
  );
  let w = single([4, 1], () => 0.1);
  const { program } = fake(loss, { weights: { w }, calibration: [[x, y]] }, { weights: "i4" });
  const step = grad(program, { wrt: ["w"], value: true });
  const losses: number[] = [];
  for (let i = 0; i < 40; i++) {
    const [value, slope] = evaluate(step, [x, y, w]).results.map(toFloats);
    losses.push(value[0]);
    w = single([4, 1], (k) => toFloats(w)[k] - 0.1 * slope[k]);
  }
  assert.ok(Math.min(...losses.slice(-5)) < losses[0] / 50, `${losses[0]} … ${losses.at(-1)}`);
});

Deno.test("what cannot be quantised is left and named: products in bodies, of integers, of two unknown operands", () => {
  const program = buildProgram({ x: "f32[3,4]", n: "i32[2,2]", w: "f32[4,4]" }, (g, { x, n, w }) => {
    const [looped] = g.scan(
      { length: 3 },
      [g.full({ dtype: "f32", shape: [4] }, 0)],
      [x],
      (b, [s], [row]) => b.add(s, b.matmul(row, w)),
    );
    return [looped, g.matmul(n, n), g.matmul(x, g.transpose(x, [1, 0]))];
  });
  const { report } = quantizeProgram(program, { scheme: { form: "weights" } });
  assert.equal(report.products, 0);
  assert.deepEqual(report.skipped.map(({ reason }) => reason.split(" ").slice(0, 3).join(" ")), [
    "it is in",
    "its operands are",
    "neither operand is",
  ]);
});

Deno.test("products in called functions are quantised where they are called, each with weights of its own", () => {
  const p = new ProgramBuilder();
  p.function("dense", { x: "f32[M,K]", w: "f32[K,N]" }, (g, { x, w }) => g.activation("relu", g.matmul(x, w)));
  p.function("main", { x: "f32[4,8]", a: "f32[8,6]", b: "f32[6,3]" }, (g, { x, a, b }) => {
    const [hidden] = g.call("dense", [x, a]);
    return g.call("dense", [hidden, b]);
  });
  const weights = { a: normals("a", [8, 6], "f32"), b: normals("b", [6, 3], "f32") };
  const { program, report } = quantizeProgram(p.build("main"), { weights, calibration: [[uniform("x", [4, 8])]] });
  assert.deepEqual([report.products, report.skipped.length, program.functions.size], [2, 0, 1]);
  assert.deepEqual(report.tensors.filter(({ role }) => role === "weight").map(({ scales }) => scales), [6, 3]);
  assert.ok(report.results[0].sqnrDb > 30);
});

Deno.test("a program without products comes back as it was, and results that are equal lose nothing", () => {
  const program = buildProgram({ x: "f32[3]" }, (g, { x }) => g.neg(x));
  const made = quantizeProgram(program, { calibration: [[normals("x", [3], "f32")]] });
  assert.deepEqual(made.report.results, [{ max: 0, mean: 0, sqnrDb: Infinity }]);
});

Deno.test("half-precision programs are quantised in f32 and give back their own dtype", () => {
  const program = buildProgram({ x: "f16[4,64]", w: "f16[64,4]" }, (g, { x, w }) => g.matmul(x, w));
  const [x, w] = [normals("x", [4, 64], "f16"), normals("w", [64, 4], "f16")];
  const { program: made, report } = quantizeProgram(program, { weights: { w }, calibration: [[x]] });
  assert.equal(evaluate(made, [x]).results[0].dtype, "f16");
  assert.ok(report.results[0].sqnrDb > 30);
});

Deno.test("weights of zeros, a calibration of zeros and an empty product have scale one and no error", () => {
  const zeros = { weights: { w: single([2, 3], () => 0) }, calibration: [[single([4, 2], () => 0)]] };
  assert.equal(quantizeProgram(dense(4, 2, 3), zeros).report.results[0].max, 0);
  const empty = { weights: { w: single([0, 3], () => 0) }, calibration: [[single([4, 0], () => 0)]] };
  assert.deepEqual([
    ...toFloats(evaluate(quantizeProgram(dense(4, 0, 3), empty).program, empty.calibration[0]).results[0]),
  ], new Array(12).fill(0));
});

Deno.test("schemes that do not hold together, unknown weights and missing data are refused", () => {
  const w = normals("w", [2, 3], "f32");
  const x = normals("x", [4, 2], "f32");
  const code = (options: QuantizeOptions) => codeOf(() => quantizeProgram(dense(4, 2, 3), options));
  assert.equal(code({ weights: { w } }), "IR_QUANTIZE");
  assert.equal(code({ weights: { v: w }, calibration: [[x]] }), "IR_QUANTIZE");
  assert.equal(code({ weights: { w: x }, calibration: [[x]] }), "IR_QUANTIZE");
  assert.equal(code({ weights: { w: single([2, 3], () => NaN) }, calibration: [[x]] }), "IR_QUANTIZE");
  for (const scheme of [{ percentile: 50 }, { percentile: 100.5 }, { group: 0 }, { group: 1.5 }]) {
    assert.equal(code({ weights: { w }, calibration: [[x]], scheme }), "IR_QUANTIZE");
  }
  assert.equal(code({ weights: { w }, calibration: [[x]], scheme: { percentile: 100, group: 1 } }), "no failure");
  assert.equal(code({ weights: { w }, calibration: [[w]] }), "IR_INPUT");
});

Deno.test("integers of weights fill the range of their target and no more", () => {
  for (const [weights, most] of [["i8", 127n], ["i4", 7n]] as const) {
    const { program } = quantizeProgram(dense(4, 64, 3), {
      weights: { w: normals("w", [64, 3], "f32") },
      scheme: { form: "weights", weights },
    });
    const stored = nodesOf(program, "constant").map(({ attributes }) => attributes.value as Tensor)
      .find(({ dtype }) => dtype === weights)!;
    const integers = [...toIntegers(stored)];
    assert.ok(integers.some((q) => q === most || q === -most));
    assert.ok(integers.every((q) => q <= most && q >= -most));
  }
});
