/**
 * First values: their distributions, their streams by seed and path, and matrices.
 */
import assert from "node:assert/strict";
import { type Tensor, toFloats } from "../../../../plugins/ir/library.ts";
import {
  conv2d,
  type Initializer,
  initialTensor,
  initialValues,
  linear,
  networkOfLayers,
  sequential,
  startedWith,
} from "../../../../plugins/neural/library.ts";
import { failureOf, numbers } from "./support.ts";

const drawn = (initial: Initializer, shape: ReadonlyArray<number>, path = "w", seed: number | string = 1): Tensor =>
  initialTensor(initial, { dtype: "f64", shape }, path, seed);

const moments = (of: Tensor) => {
  const values = toFloats(of);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, deviation, reach: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) };
};

const LARGE = [200, 250];
/** Five standard errors of a deviation estimated from 50,000 draws. */
const NEAR = 5 / Math.sqrt(2 * 50_000);

const nearly = (actual: number, expected: number, relative = NEAR): void =>
  assert.ok(Math.abs(actual / expected - 1) < relative, `${actual} is not ${expected}`);

Deno.test("each scaled kind has the variance that its paper gives it", () => {
  const fans = { fan: 200, fanOut: 250 };
  const cases: ReadonlyArray<readonly [Initializer, number]> = [
    [{ kind: "normal", deviation: 0.3 }, 0.3],
    [{ kind: "uniform", bound: 0.3 }, 0.3 / Math.sqrt(3)],
    [{ kind: "xavierNormal", ...fans }, Math.sqrt(2 / 450)],
    [{ kind: "xavierUniform", ...fans, gain: 2 }, 2 * Math.sqrt(2 / 450)],
    [{ kind: "kaimingNormal", fan: 200, gain: Math.SQRT2 }, Math.sqrt(2 / 200)],
    [{ kind: "kaimingUniform", fan: 200 }, Math.sqrt(1 / 200)],
    // A normal cut at two deviations keeps 0.8796 of its own.
    [{ kind: "truncatedNormal", deviation: 0.3 }, 0.3 * 0.879626],
  ];
  for (const [initial, expected] of cases) {
    const { mean, deviation } = moments(drawn(initial, LARGE));
    nearly(deviation, expected);
    assert.ok(Math.abs(mean) < 5 * expected / Math.sqrt(50_000), `${initial.kind}: mean ${mean}`);
  }
});

Deno.test("uniform kinds stay within their bound and fill it, a truncated normal within two deviations", () => {
  const { reach } = moments(drawn({ kind: "xavierUniform", fan: 200, fanOut: 250 }, LARGE));
  assert.ok(reach <= Math.sqrt(6 / 450) && reach > 0.999 * Math.sqrt(6 / 450));
  const cut = moments(drawn({ kind: "truncatedNormal", deviation: 0.5 }, LARGE));
  assert.ok(cut.reach <= 1 && cut.reach > 0.98);
});

Deno.test("normal draws have the shares of the normal distribution: 68.3, 95.4 and 99.7 in a hundred", () => {
  const values = toFloats(drawn({ kind: "normal", deviation: 1 }, LARGE));
  for (const [within, share] of [[1, 0.682689], [2, 0.954500], [3, 0.997300]]) {
    const found = values.filter((value) => Math.abs(value) < within).length / values.length;
    assert.ok(Math.abs(found - share) < 5 * Math.sqrt(share * (1 - share) / values.length), `${within}: ${found}`);
  }
});

Deno.test("neighbouring draws do not correlate, within a tensor and between tensors", () => {
  const [a, b] = ["a", "b"].map((path) => toFloats(drawn({ kind: "normal", deviation: 1 }, LARGE, path)));
  const correlation = (x: Float64Array, y: Float64Array) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0) / x.length;
  const bound = 5 / Math.sqrt(a.length);
  for (const lag of [1, 2, 3, 4]) assert.ok(Math.abs(correlation(a.slice(0, -lag), a.slice(lag))) < bound);
  assert.ok(Math.abs(correlation(a, b)) < bound);
});

const gram = (of: Tensor, rows: number, columns: number, byColumns: boolean): ReadonlyArray<number> => {
  const values = toFloats(of);
  const side = byColumns ? columns : rows;
  const at = (line: number, k: number) => byColumns ? values[k * columns + line] : values[line * columns + k];
  return Array.from({ length: side * side }, (_, i) => {
    const [a, b] = [Math.floor(i / side), i % side];
    let sum = 0;
    for (let k = 0; k < (byColumns ? rows : columns); k++) sum += at(a, k) * at(b, k);
    return sum;
  });
};

Deno.test("an orthogonal start has orthonormal columns, or rows where they are fewer, times its gain", () => {
  for (const [rows, columns] of [[7, 4], [4, 7], [5, 5]]) {
    const products = gram(drawn({ kind: "orthogonal", gain: 2 }, [rows, columns]), rows, columns, columns <= rows);
    const side = Math.min(rows, columns);
    products.forEach((value, i) => {
      const expected = Math.floor(i / side) === i % side ? 4 : 0;
      assert.ok(Math.abs(value - expected) < 1e-12, `${rows}×${columns}: ${value}`);
    });
  }
  const kernel = drawn({ kind: "orthogonal" }, [3, 2, 2, 2]);
  gram(kernel, 3, 8, false).forEach((value, i) => assert.ok(Math.abs(value - (i % 4 === 0 ? 1 : 0)) < 1e-12));
});

Deno.test("orthogonal starts are spread evenly: their signs are not those of the factorisation", () => {
  const firsts = Array.from({ length: 64 }, (_, i) => toFloats(drawn({ kind: "orthogonal" }, [3, 3], `w${i}`))[0]);
  const positive = firsts.filter((value) => value > 0).length;
  assert.ok(positive > 12 && positive < 52, String(positive));
});

Deno.test("a sparse start has the same number of zeros in every column", () => {
  const [rows, columns] = [10, 6];
  const values = toFloats(drawn({ kind: "sparse", sparsity: 0.25, deviation: 1 }, [rows, columns]));
  const zeros = Array.from(
    { length: columns },
    (_, c) => Array.from({ length: rows }, (_, r) => values[r * columns + c]).filter((value) => value === 0).length,
  );
  assert.deepEqual(zeros, Array(columns).fill(3));
});

Deno.test("an identity start is the identity, of kernels the one that keeps an image", () => {
  assert.deepEqual(numbers(drawn({ kind: "identity" }, [2, 3])), [1, 0, 0, 0, 1, 0]);
  assert.deepEqual(numbers(drawn({ kind: "identity" }, [2, 2, 3])), [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
});

Deno.test("a tensor's start depends on the seed and its path alone, not on its neighbours or their order", () => {
  const types = { x: "f32[B,4]" };
  const first = ({ kind }: { readonly kind: "one" | "two" }, seed: number | string) => {
    const layers = kind === "one" ? [linear()] : [linear(), linear({ width: 9 })];
    return initialValues(networkOfLayers(sequential(...layers), types), seed).parameters[0];
  };
  assert.deepEqual(first({ kind: "one" }, 3), first({ kind: "two" }, 3));
  assert.notDeepEqual(first({ kind: "one" }, 3), first({ kind: "one" }, 4));
  assert.deepEqual(first({ kind: "one" }, 3), first({ kind: "one" }, "3"));
});

Deno.test("no two tensors of one shape start alike: symmetry is broken", () => {
  const network = networkOfLayers(sequential(linear(), linear(), linear()), { x: "f32[B,4]" });
  const weights = initialValues(network, 1).parameters.filter(({ shape }) => shape.length === 2);
  const spelled = weights.map((value) => numbers(value).join(","));
  assert.equal(new Set(spelled).size, 3);
  const columns = Array.from({ length: 4 }, (_, c) => [0, 1, 2, 3].map((r) => numbers(weights[0])[r * 4 + c]).join());
  assert.equal(new Set(columns).size, 4);
});

Deno.test("a start that a layer is given counts by what its tensors sum over", () => {
  const ofLinear = networkOfLayers(startedWith({ weight: { kind: "xavierNormal" } }, linear({ width: 6 })), {
    x: "f32[B,4]",
  });
  assert.deepEqual(ofLinear.parameters[0].initial, { kind: "xavierNormal", fan: 4, fanOut: 6, gain: 1 });
  const ofKernel = networkOfLayers(
    startedWith({ weight: { kind: "kaimingUniform", gain: 2 } }, conv2d({ width: 6, kernel: 3 })),
    { x: "f32[B,4,8,8]" },
  );
  assert.deepEqual(ofKernel.parameters[0].initial, { kind: "kaimingUniform", fan: 36, gain: 2 });
});

Deno.test("a start that cannot be made is refused by tensor and reason", () => {
  const refused = (initial: Initializer, shape: ReadonlyArray<number>, dtype: "f32" | "i64" = "f32") =>
    failureOf(() => initialTensor(initial, { dtype, shape }, "w", 1));
  assert.match(refused({ kind: "orthogonal" }, [4]).message, /w f32\[4\].*no matrix/u);
  assert.match(refused({ kind: "normal", deviation: 1 }, [4], "i64").message, /only floats/u);
  assert.match(refused({ kind: "kaimingNormal", fan: 0 }, [0, 4]).message, /not finite/u);
  assert.match(refused({ kind: "zeros" }, [2 ** 14, 2 ** 14]).message, /more than/u);
});

Deno.test("zeros, ones and constants are what they say, of any dtype", () => {
  assert.deepEqual(numbers(initialTensor({ kind: "ones" }, { dtype: "i32", shape: [2] }, "n", 1)), [1, 1]);
  assert.deepEqual(numbers(drawn({ kind: "constant", value: 0.25 }, [2])), [0.25, 0.25]);
});
