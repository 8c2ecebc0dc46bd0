/**
 * OpenBLAS as accelerator of the CPU backend, and the products that a program hands out, with a multiplier of our own.
 *
 * The library is Debian's `libopenblas0-pthread`; without it its tests fail in CI and are left out elsewhere.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { conform } from "../../../plugins/backends/library.ts";
import { cpuBackendWith } from "../../../plugins/backends/cpu/backend.ts";
import { type ExternalProduct, layoutOf } from "../../../plugins/backends/cpu/printer/external.ts";
import { openBlasBackend } from "../../../plugins/backends/openblas/backend.ts";
import { buildProgram, evaluate, type Tensor, tensor } from "../../../plugins/ir/library.ts";

const PRODUCTS = ["dot", "dense", "attention", "conv", "program"];

const { devices, absence } = await Effect.runPromise(openBlasBackend.probe);
const isHere = devices.length > 0;

Deno.test({
  name: "OpenBLAS is there to be tried",
  ignore: !isHere && Deno.env.get("CI") !== "true",
  fn: () => assert.ok(isHere, `${absence?.reason}: install Debian's libopenblas0-pthread`),
});

Deno.test({
  name: "with OpenBLAS every product conforms",
  ignore: !isHere,
  fn: async () => {
    const { cases, passed, wrong } = await Effect.runPromise(conform(openBlasBackend, { ops: PRODUCTS }));
    assert.deepEqual(wrong.map(({ name, reason }) => `${name}: ${reason}`), []);
    assert.equal(passed, cases);
    const large = await Effect.runPromise(conform(openBlasBackend, { level: "full", ops: ["dot"], every: 11 }));
    assert.deepEqual(large.wrong, []);
  },
});

Deno.test({
  name: "results do not depend on OpenBLAS's threads where rows are split alone",
  ignore: !isHere,
  fn: async () => {
    const program = buildProgram({ x: "f32[64,48]", y: "f32[48,40]" }, (g, { x, y }) => g.matmul(x, y));
    const inputs = [wave([64, 48]), wave([48, 40])];
    const run = (threads: number) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(openBlasBackend.compile(program, { threads }), (executable) => executable.step(inputs)),
        ),
      );
    assert.deepEqual(await run(1), await run(2));
  },
});

for (const [m, n] of [[1, 90], [90, 1], [1, 1]] as const) {
  for (const dtype of ["f32", "f64"] as const) {
    for (const layout of [0, 1, 2, 3]) {
      Deno.test({
        name: `a product of ${m} by 80 and 80 by ${n} in ${dtype}, layout ${layout}, alone and in batches`,
        ignore: !isHere,
        fn: async () => {
          const [left, right] = [(layout & 1) === 1, layout >= 2];
          const k = m * n === 1 ? 5000 : 80;
          const filled = (shape: ReadonlyArray<number>): Tensor =>
            tensor(dtype, shape, Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.cos(i)));
          const program = buildProgram(
            {
              x: `${dtype}[3,${left ? `${k},${m}` : `${m},${k}`}]`,
              y: `${dtype}[3,${right ? `${n},${k}` : `${k},${n}`}]`,
            },
            (g, { x, y }) =>
              g.dot(x, y, {
                x_batch: [0],
                y_batch: [0],
                x_contract: [left ? 1 : 2],
                y_contract: [right ? 2 : 1],
              }),
          );
          const inputs = [filled([3, ...(left ? [k, m] : [m, k])]), filled([3, ...(right ? [n, k] : [k, n])])];
          const [found] = await Effect.runPromise(
            Effect.scoped(Effect.flatMap(openBlasBackend.compile(program), (executable) => executable.step(inputs))),
          );
          // The sum of at most k magnitudes of at most one, rounded k times.
          const bound = k * k * (dtype === "f32" ? 2 ** -23 : 2 ** -52);
          evaluate(program, inputs).results[0].data.forEach((value, i) =>
            assert(Math.abs(Number(value) - Number(found.data[i])) <= bound, `${i}: ${found.data[i]}`)
          );
        },
      });
    }
  }
}

const wave = (shape: ReadonlyArray<number>): Tensor =>
  tensor("f32", shape, Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(i)));

/** A multiplier in plain loops, which counts what it is asked for. */
const counting = (fewest: number) => {
  const seen: ExternalProduct[] = [];
  const backend = cpuBackendWith({
    id: "loops",
    doc: "",
    name: "loops",
    features: [],
    multiplier: () => ({
      id: `loops ${fewest}`,
      fewest,
      bind: (memory, products) => (index, a, b, c) => {
        const product = products[index];
        seen.push(product);
        const Data = product.kind === "f64" ? Float64Array : Float32Array;
        const data = new Data(memory.buffer as ArrayBuffer);
        const [left, right, result] = [a, b, c].map((address) => address / Data.BYTES_PER_ELEMENT);
        multiplyIn(data, product, left, right, result);
      },
    }),
  });
  return { backend, seen };
};

const multiplyIn = (
  data: Float32Array | Float64Array,
  { batch, m, n, k, left, right, result }: ExternalProduct,
  a: number,
  b: number,
  c: number,
): void => {
  const count = batch.reduce((product, extent) => product * extent, 1);
  for (let flat = 0; flat < count; flat++) {
    let [rest, x, y, z] = [flat, a, b, c];
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const at = rest % batch[axis];
      rest = (rest - at) / batch[axis];
      x += at * left.batch[axis];
      y += at * right.batch[axis];
      z += at * result.batch[axis];
    }
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let t = 0; t < k; t++) {
          sum += data[x + i * left.row + t * left.column] * data[y + t * right.row + j * right.column];
        }
        data[z + i * result.row + j * result.column] = sum;
      }
    }
  }
};

Deno.test("products handed out come back right, with whatever follows them, in all layouts and batches", async () => {
  const { backend, seen } = counting(1);
  const { wrong } = await Effect.runPromise(conform(backend, { ops: PRODUCTS }));
  assert.deepEqual(wrong.map(({ name, reason }) => `${name}: ${reason}`), []);
  assert(seen.length > 50, `${seen.length} products`);
  assert(seen.some(({ batch }) => batch.length > 0 && batch.some((extent) => extent > 1)));
  assert(seen.some(({ left }) => left.row === 1) && seen.some(({ right }) => right.row === 1));
  assert(seen.some(({ kind }) => kind === "f64"));
});

Deno.test("a product with fewer multiplications than are worth a call stays in the program", async () => {
  const program = buildProgram({ x: "f32[8,8]", y: "f32[8,8]" }, (g, { x, y }) => g.matmul(x, y));
  for (const [fewest, calls] of [[512, 1], [513, 0]] as const) {
    const { backend, seen } = counting(fewest);
    const inputs = [wave([8, 8]), wave([8, 8])];
    const [found] = await Effect.runPromise(
      Effect.scoped(Effect.flatMap(backend.compile(program), (executable) => executable.step(inputs))),
    );
    assert.equal(seen.length, calls);
    evaluate(program, inputs).results[0].data.forEach((value, i) =>
      assert(Math.abs(Number(value) - Number(found.data[i])) < 1e-5)
    );
  }
});

Deno.test("under strict numerics nothing is handed out", async () => {
  const program = buildProgram({ x: "f32[32,32]" }, (g, { x }) => g.matmul(x, x));
  const { backend, seen } = counting(1);
  const run = backend.compile(program, { numerics: "strict" });
  await Effect.runPromise(Effect.scoped(Effect.flatMap(run, (executable) => executable.step([wave([32, 32])]))));
  assert.equal(seen.length, 0);
});

Deno.test("a layout is rows or columns that lie together; anything else is none", () => {
  assert.deepEqual(layoutOf({ row: 7, column: 1 }, 3, 5), { transposed: false, line: 7 });
  assert.deepEqual(layoutOf({ row: 1, column: 4 }, 3, 5), { transposed: true, line: 4 });
  assert.deepEqual(layoutOf({ row: 99, column: 1 }, 1, 5), { transposed: false, line: 5 });
  assert.deepEqual(layoutOf({ row: 2, column: 9 }, 3, 1), { transposed: false, line: 2 });
  assert.equal(layoutOf({ row: 10, column: 2 }, 3, 5), undefined);
  assert.equal(layoutOf({ row: 0, column: 1 }, 3, 5), undefined);
  assert.equal(layoutOf({ row: 1, column: 2 }, 3, 5), undefined);
});
