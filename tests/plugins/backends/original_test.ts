/**
 * What the original's backends answered wrongly, one test each: every portable backend answers the right column.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { BACKENDS, type CompileOptions } from "../../../plugins/backends/library.ts";
import {
  buildProgram,
  type FunctionBuilder,
  type Results,
  type Tensor,
  tensor,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";

const portable = BACKENDS.filter(({ native }) => !native);

const square = tensor("f32", [2, 2], [1, 2, 3, 4]);

interface Vector {
  readonly name: string;
  readonly inputs: ReadonlyArray<Tensor>;
  readonly body: (g: FunctionBuilder, values: ReadonlyArray<Value>) => Results;
  readonly right: ReadonlyArray<unknown>;
}

const e = Math.exp(-1);

/** Results rounded to six digits, as nested lists. */
const VECTORS: ReadonlyArray<Vector> = [
  {
    name: "softmax along an axis: each row sums to one, where the original normalised the whole tensor",
    inputs: [square],
    body: (g, [x]) => g.reduce("sum", g.softmax(x, -1), [1]),
    right: [[1, 1]],
  },
  {
    name: "softmax of [[1,2],[3,4]] by rows",
    inputs: [square],
    body: (g, [x]) => g.softmax(x, 1),
    right: [[[e / (1 + e), 1 / (1 + e)], [e / (1 + e), 1 / (1 + e)]]],
  },
  {
    name: "concat of two [2,2] along axis 0 is [4,2], where the original flattened to [8]",
    inputs: [square, square],
    body: (g, [x, y]) => g.concat([x, y], 0),
    right: [[[1, 2], [3, 4], [1, 2], [3, 4]]],
  },
  {
    name: "split along axis 1 keeps its axes, where the original gave flat pieces",
    inputs: [square],
    body: (g, [x]) => [g.sliceAxis(x, 1, 0, 1), g.sliceAxis(x, 1, 1, 2)],
    right: [[[1], [3]], [[2], [4]]],
  },
  {
    name: "sum and mean along axis 0, where the original gave the grand total",
    inputs: [square],
    body: (g, [x]) => [g.reduce("sum", x, [0]), g.mean(x, [0])],
    right: [[4, 6], [2, 3]],
  },
  {
    name: "transpose of three axes heeds its permutation",
    inputs: [tensor("f32", [1, 2, 3], [1, 2, 3, 4, 5, 6])],
    body: (g, [x]) => g.transpose(x, [2, 0, 1]),
    right: [[[[1, 4]], [[2, 5]], [[3, 6]]]],
  },
  {
    name: "operands of different shapes broadcast, where the original stopped at the shorter one",
    inputs: [square, tensor("f32", [2], [10, 20])],
    body: (g, [x, y]) => g.add(x, y),
    right: [[[11, 22], [13, 24]]],
  },
  {
    name: "a product keeps its batches, where the original ignored them",
    inputs: [tensor("f32", [2, 1, 2], [1, 2, 3, 4]), tensor("f32", [2, 2, 1], [1, 1, 2, 2])],
    body: (g, [x, y]) => g.matmul(x, y),
    right: [[[[3]], [[14]]]],
  },
  {
    name: "ones of i32 are 1, where the original's were 16843009",
    inputs: [],
    body: (g) => g.full({ dtype: "i32", shape: [2] }, 1),
    right: [[1, 1]],
  },
  {
    name: "f64 keeps its digits, where the original read its bytes as f32",
    inputs: [tensor("f64", [2], [1e300, 1 + 2 ** -40])],
    body: (g, [x]) => [g.mul(x, 1e-300), g.sub(x, 1)],
    right: [[1, 1e-300], [1e300, 2 ** -40]],
  },
  {
    name: "i32 is added as integers, where the original added reinterpreted floats",
    inputs: [tensor("i32", [2], [16_777_217, -3])],
    body: (g, [x]) => g.add(x, x),
    right: [[33_554_434, -6]],
  },
  {
    name: "max of a tensor with NaN is NaN, and of nothing −∞, where the original panicked",
    inputs: [tensor("f32", [2], [NaN, 1]), tensor("f32", [0], [])],
    body: (g, [x, y]) => [g.reduce("max", x), g.reduce("max", y)],
    right: [NaN, -Infinity],
  },
  {
    name: "a product of 31 and of 32 rows is computed to the same precision, where the original changed it at 32",
    inputs: [tensor("f32", [32, 3], Array.from({ length: 96 }, (_, i) => (i % 3 === 0 ? 1 : i % 3 === 1 ? 1e-8 : -1)))],
    body: (g, [x]) => {
      const whole = g.matmul(x, g.transpose(x, [1, 0]));
      const rows = g.sliceAxis(x, 0, 0, 31);
      const part = g.matmul(rows, g.transpose(rows, [1, 0]));
      return g.reduce("max", g.abs(g.sub(g.sliceAxis(g.sliceAxis(whole, 0, 0, 31), 1, 0, 31), part)));
    },
    right: [0],
  },
  {
    name: "x · 1 is x, where the original's optimiser gave 0",
    inputs: [square],
    body: (g, [x]) => g.mul(x, 1),
    right: [[[1, 2], [3, 4]]],
  },
];

const rounded = (nested: unknown): unknown =>
  Array.isArray(nested)
    ? nested.map(rounded)
    : typeof nested === "number" && Number.isFinite(nested)
    ? Number(nested.toPrecision(6)) + 0
    : nested;

for (const { id, load } of portable) {
  const backend = await load();
  for (const { name, inputs, body, right } of VECTORS) {
    Deno.test(`${id}: ${name}`, async () => {
      const types = Object.fromEntries(inputs.map((input, i) => [`x${i}`, input]));
      const program = buildProgram(types, (g, values) => body(g, Object.values(values)));
      const options: CompileOptions = { threads: 1 };
      const results = await Effect.runPromise(
        Effect.scoped(Effect.flatMap(backend.compile(program, options), (executable) => executable.step(inputs))),
      );
      assert.deepEqual(results.map((result) => rounded(toNested(result))), right.map(rounded));
    });
  }
}

Deno.test("what the original called a device by another name is not listed: every device is of its own backend", async () => {
  for (const { load } of portable) {
    const backend = await load();
    const { devices } = await Effect.runPromise(backend.probe);
    assert(devices.length > 0);
    for (const device of devices) {
      assert.equal(device.backend, backend.id);
      assert.equal(device.kind, "cpu");
      assert(device.id.startsWith(`${backend.id}:`));
    }
  }
});
