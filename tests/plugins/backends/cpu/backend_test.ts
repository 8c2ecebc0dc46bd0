/**
 * The CPU backend as its callers see it: every primitive and dtype, state that stays, refusals, and training.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { conform } from "../../../../plugins/backends/conformance/conform.ts";
import type { CompileOptions, Executable } from "../../../../plugins/backends/contract.ts";
import { CACHED_PROGRAMS, cpuBackend } from "../../../../plugins/backends/cpu/backend.ts";
import {
  buildProgram,
  evaluate,
  type FunctionBuilder,
  functionOf,
  grad,
  type Program,
  ProgramBuilder,
  type Tensor,
  tensor,
  toNested,
  type Value,
} from "../../../../plugins/ir/library.ts";
import { normals } from "../../ir/support.ts";
import { differenceOf, disagreement, onCpu } from "./agreement.ts";

const compiled = <A>(program: Program, options: CompileOptions, use: (made: Executable) => A): A => {
  const scope = Effect.runSync(Scope.make());
  try {
    return use(Effect.runSync(Scope.provide(cpuBackend.compile(program, options), scope)));
  } finally {
    Effect.runSync(Scope.close(scope, Exit.void));
  }
};

const step = (made: Executable, inputs: ReadonlyArray<Tensor> = []): ReadonlyArray<Tensor> =>
  Effect.runSync(made.step(inputs));

const codeOf = (effect: Effect.Effect<unknown, { readonly code: string }>): string =>
  Effect.runSync(Effect.match(effect, { onFailure: ({ code }) => code, onSuccess: () => "none" }));

const f32 = (...values: ReadonlyArray<number>): Tensor => tensor("f32", [values.length], values);

Deno.test("every case of the conformance suite comes out right", async () => {
  const { wrong, refused, passed, cases } = await Effect.runPromise(conform(cpuBackend, { level: "quick" }));
  assert.deepEqual(wrong.map(({ name, reason }) => `${name}: ${reason}`), []);
  assert.deepEqual(refused, {});
  assert.equal(passed, cases);
});

Deno.test("strict numerics pass the same suite, and give the same bytes without fused multiply-add", async () => {
  const { wrong } = await Effect.runPromise(conform(cpuBackend, { level: "quick", numerics: "strict", every: 5 }));
  assert.deepEqual(wrong.map(({ name }) => name), []);
  const program = buildProgram({ x: "f32[37]", y: "f32[37]", z: "f32[37]" }, (g, { x, y, z }) => g.add(g.mul(x, y), z));
  const inputs = ["x", "y", "z"].map((name) => normals(name, [37], "f32"));
  const [x, y, z] = inputs.map(({ data }) => data as Float32Array);
  const wanted = Float32Array.from(x, (value, i) => Math.fround(value * y[i]) + z[i]);
  assert.deepEqual(onCpu(program, inputs, { numerics: "strict" })[0].data, wanted);
});

Deno.test("state stays between steps, starts as zeros, and is written and read", () => {
  const program = buildProgram({ sum: "f32[3]", x: "f32[3]" }, (g, { sum, x }) => {
    const next = g.add(sum, x);
    return [next, g.reduceAll("max", next)];
  });
  compiled(program, { state: [[0, 0]] }, (made) => {
    assert.deepEqual([made.inputs.length, made.outputs.length], [1, 1]);
    assert.equal(toNested(step(made, [f32(1, 2, 3)])[0]), 3);
    assert.equal(toNested(step(made, [f32(1, 2, 3)])[0]), 6);
    assert.deepEqual(toNested(Effect.runSync(made.read(0))), [2, 4, 6]);
    Effect.runSync(made.write(0, f32(10, 0, 0)));
    assert.equal(toNested(step(made, [f32(1, 1, 1)])[0]), 11);
  });
});

Deno.test("two executables of one program do not share state", () => {
  const program = buildProgram({ n: "i64[]" }, (g, { n }) => [g.add(n, 1)]);
  compiled(program, { state: [[0, 0]] }, (a) =>
    compiled(program, { state: [[0, 0]] }, (b) => {
      step(a);
      step(a);
      step(b);
      assert.deepEqual([toNested(Effect.runSync(a.read(0))), toNested(Effect.runSync(b.read(0)))], [2n, 1n]);
    }));
});

/** Runs steps of a program whose results 0 … n−1 replace parameters 0 … n−1, by the backend and by the reference. */
const inStep = (program: Program, first: ReadonlyArray<Tensor>, rest: ReadonlyArray<Tensor>, turns: number): void => {
  const state = first.map((_, i) => [i, i] as const);
  compiled(program, { state }, (made) => {
    let wanted = first;
    first.forEach((value, i) => Effect.runSync(made.write(i, value)));
    for (let turn = 0; turn < turns; turn++) {
      wanted = evaluate(program, [...wanted, ...rest]).results.slice(0, first.length);
      step(made, rest);
      const read = first.map((_, i) => Effect.runSync(made.read(i)));
      assert.equal(differenceOf(wanted, read), undefined, `turn ${turn}`);
    }
  });
};

const HAZARDS: { readonly [name: string]: (g: FunctionBuilder, a: Value, b: Value) => ReadonlyArray<Value> } = {
  "each replaces the other": (_, a, b) => [b, a],
  "one reversed": (g, a, b) => [g.reverse(a, [0]), g.add(b, a)],
  "one shifted by itself": (g, a, b) => [
    g.add(a, g.concat([g.sliceAxis(a, 0, 1, 9), g.sliceAxis(a, 0, 0, 1)], 0)),
    g.mul(a, b),
  ],
  "both from both": (g, a, b) => [g.add(a, g.mul(b, 0.5)), g.sub(b, g.mul(a, 0.5))],
  "second reads what the first replaces": (g, a, b) => [g.mul(a, 0.5), g.add(b, g.reduceKeep("sum", a, [0]))],
  "one the sum of itself": (g, a, b) => [g.broadcastTo(g.reduceKeep("max", a, [0]), [9]), g.add(b, a)],
  "one sorted": (g, a, b) => [g.sort(a, 0)[0], g.cumulative("sum", g.add(a, b), { axis: 0 })],
  "one gathered from itself": (g, a, b) => [g.gather(a, g.sort(b, 0)[1], 0), b],
  "one a product with itself": (g, a, b) => {
    const row = g.reshape(a, [3, 3]);
    return [g.reshape(g.matmul(row, row), [9]), g.add(b, 1)];
  },
};

for (const [name, body] of Object.entries(HAZARDS)) {
  Deno.test(`state is replaced as if all at once: ${name}`, () => {
    const program = buildProgram({ a: "f32[9]", b: "f32[9]" }, (g, { a, b }) => body(g, a, b));
    inStep(program, [normals("a", [9], "f32"), normals("b", [9], "f32")], [], 3);
  });
}

Deno.test("loops carry values that change places, shift and refer to each other", () => {
  for (const [name, body] of Object.entries(HAZARDS)) {
    const scanned = buildProgram(
      { a: "f32[9]", b: "f32[9]", x: "f32[5,9]" },
      (g, { a, b, x }) =>
        g.scan({ length: 5, reverse: true }, [a, b], [x], (inner, [p, q], [row]) => {
          const next = body(inner, p, q).map((value) => inner.mul(value, 0.5));
          return [...next, inner.add(row, p)];
        }),
    );
    const inputs = [normals("a", [9], "f32"), normals("b", [9], "f32"), normals("x", [5, 9], "f32")];
    assert.equal(disagreement(scanned, inputs), undefined, name);
  }
});

Deno.test("a branch inside a scan is taken by the row of its turn", () => {
  const program = buildProgram(
    { p: "bool[3]", x: "f64[3]" },
    (g, { p, x }) =>
      g.scan({ length: 3 }, [], [p, x], (h, _, [q, r]) => h.if(q, (then) => then.mul(r, 2), (other) => other.neg(r))),
  );
  const inputs = [tensor("bool", [3], [true, false, true]), tensor("f64", [3], [1, 2, 3])];
  assert.deepEqual(toNested(onCpu(program, inputs)[0]), [2, -2, 6]);
});

Deno.test("a reversed tensor under another shape is read from its end", () => {
  const program = buildProgram(
    { x: "i32[3,4]" },
    (g, { x }) => g.reshape(g.reverse(g.reshape(x, [12]), [0]), [2, 6]),
  );
  const x = tensor("i32", [3, 4], Array.from({ length: 12 }, (_, i) => i));
  assert.deepEqual(toNested(onCpu(program, [x])[0]), [[11, 10, 9, 8, 7, 6], [5, 4, 3, 2, 1, 0]]);
  const turned = buildProgram(
    { x: "i32[3,4]" },
    (g, { x }) => g.reverse(g.reshape(g.transpose(x, [1, 0]), [12]), [0]),
  );
  assert.deepEqual(toNested(onCpu(turned, [x])[0]), [11, 7, 3, 10, 6, 2, 9, 5, 1, 8, 4, 0]);
});

Deno.test("a while loop counts, and one that does not end is stopped", () => {
  const count = (limit: number) =>
    buildProgram(
      { n: "i32[]" },
      (g, { n }) => g.while([n], (h, [i]) => h.compare("lt", i, limit), (h, [i]) => h.add(i, 1)),
    );
  assert.equal(toNested(onCpu(count(1000), [tensor("i32", [], [0])])[0]), 1000);
  assert.equal(toNested(onCpu(count(10), [tensor("i32", [], [0])], { maxTurns: 10 })[0]), 10);
  compiled(count(10), { maxTurns: 9 }, (made) => {
    assert.equal(codeOf(made.step([tensor("i32", [], [0])])), "BACKENDS_DEVICE");
    assert.equal(toNested(step(made, [tensor("i32", [], [5])])[0]), 10);
  });
});

Deno.test("sizes are bound by name, and inputs that do not fit are refused", () => {
  const program = buildProgram({ x: "f32[B,4]" }, (g, { x }) => g.mean(x, [0]));
  assert.equal(codeOf(Effect.scoped(cpuBackend.compile(program))), "BACKENDS_INPUT");
  assert.equal(codeOf(Effect.scoped(cpuBackend.compile(program, { sizes: { B: -1 } }))), "BACKENDS_INPUT");
  assert.equal(codeOf(Effect.scoped(cpuBackend.compile(program, { device: "cpu:7" }))), "BACKENDS_ABSENT");
  compiled(program, { sizes: { B: 3 } }, (made) => {
    assert.equal(codeOf(made.step([normals("x", [4, 4], "f32")])), "BACKENDS_INPUT");
    assert.equal(codeOf(made.step([])), "BACKENDS_INPUT");
    assert.equal(codeOf(made.read(0)), "BACKENDS_INPUT");
    assert.equal(step(made, [normals("x", [3, 4], "f32")])[0].shape.join(), "4");
  });
});

Deno.test("an executable whose scope is closed says so", () => {
  const program = buildProgram({ x: "f32[2]" }, (g, { x }) => g.neg(x));
  const made = compiled(program, {}, (open) => open);
  assert.equal(codeOf(made.step([f32(1, 2)])), "BACKENDS_DEVICE");
});

Deno.test("a program too large for the memory is refused before it runs", () => {
  const program = buildProgram({ x: "f32[]" }, (g, { x }) => {
    const wide = g.broadcast(x, [30_000, 30_000], []);
    return g.cumulative("sum", g.cumulative("sum", wide, { axis: 0 }), { axis: 1 });
  });
  assert.equal(codeOf(Effect.scoped(cpuBackend.compile(program))), "BACKENDS_CAPACITY");
});

Deno.test("long chains are cut into kernels, and one nested deeper than the stack is refused by name", () => {
  const chain = (length: number, op: "tanh" | "view") =>
    buildProgram({ x: "f32[2,3]" }, (g, { x }) => {
      let y = x;
      for (let i = 0; i < length; i++) y = op === "tanh" ? g.tanh(g.add(y, x)) : g.transpose(y, [1, 0]);
      return y;
    });
  const x = tensor("f32", [2, 3], [0, 1, 2, 3, -1, -2]);
  assert.equal(disagreement(chain(1000, "tanh"), [x]), undefined);
  assert.equal(disagreement(chain(100, "view"), [x]), undefined);
  const code = codeOf(Effect.scoped(cpuBackend.compile(chain(100_000, "view"))));
  assert.ok(code === "BACKENDS_UNSUPPORTED" || code === "none", code);
});

Deno.test("more programs than are kept are compiled again, with the same results", () => {
  const program = (scale: number) => buildProgram({ x: "f32[2]" }, (g, { x }) => g.mul(x, scale));
  for (let turn = 0; turn < 2; turn++) {
    for (let scale = 0; scale < CACHED_PROGRAMS + 3; scale++) {
      assert.deepEqual(toNested(onCpu(program(scale), [f32(1, 2)])[0]), [scale, 2 * scale]);
    }
  }
});

Deno.test("the explanation names kernels, nodes, flops, bytes of memory and of code", () => {
  const program = buildProgram(
    { x: "f32[8,16]", w: "f32[16,4]" },
    (g, { x, w }) => g.softmax(g.matmul(x, w), -1),
  );
  compiled(program, {}, ({ explanation }) => {
    assert.deepEqual(explanation.kernels.map(({ name }) => name), ["dot", "reduce+sub+exp+reduce+div"]);
    assert.equal(explanation.kernels[0].flops, 2 * 8 * 16 * 4);
    assert.ok(explanation.bytes > (8 * 16 + 16 * 4 + 8 * 4) * 4);
    assert.ok(explanation.codeBytes! > 100);
  });
});

const sizes = (g: FunctionBuilder, x: Value, w: Value, b: Value): Value => g.add(g.matmul(x, w), b);

/** A loss with its gradient and a step of descent: parameters first, then what is given. */
const descent = (
  parameters: { readonly [name: string]: ReadonlyArray<number> },
  given: { readonly [name: string]: ReadonlyArray<number> },
  loss: (g: FunctionBuilder, values: { readonly [name: string]: Value }) => Value,
): Program => {
  const types = Object.fromEntries(
    Object.entries({ ...parameters, ...given }).map(([name, shape]) => [name, { dtype: "f32", shape } as const]),
  );
  const names = Object.keys(parameters);
  const gradient = grad(buildProgram(types, (g, values) => loss(g, values)), { wrt: names, value: true });
  const builder = new ProgramBuilder();
  [...gradient.functions.values()].forEach((fn) => builder.add({ ...fn, name: `loss.${fn.name}` }));
  const renamed = functionOf(gradient);
  builder.function("step", types, (g, values) => {
    const [value, ...slopes] = g.call(`loss.${renamed.name}`, Object.values(values));
    return [...names.map((name, i) => g.sub(values[name], g.mul(slopes[i], 0.05))), value];
  });
  return builder.build("step");
};

const tensorsOf = (shapes: { readonly [name: string]: ReadonlyArray<number> }): ReadonlyArray<Tensor> =>
  Object.entries(shapes).map(([name, shape]) => {
    const drawn = normals(name, shape, "f32");
    return { ...drawn, data: (drawn.data as Float32Array<ArrayBuffer>).map((value) => value * 0.3) };
  });

Deno.test("ten steps of training a perceptron leave the parameters the reference has", () => {
  const parameters = { w0: [20, 17], b0: [17], w1: [17, 10], b1: [10] };
  const given = { x: [13, 20], y: [13, 10] };
  const program = descent(parameters, given, (g, { w0, b0, w1, b1, x, y }) => {
    const hidden = g.activation("relu", sizes(g, x, w0, b0));
    return g.mul(g.reduceAll("sum", g.mul(g.logSoftmax(sizes(g, hidden, w1, b1), -1), y)), -1 / 13);
  });
  inStep(program, tensorsOf(parameters), tensorsOf(given), 10);
});

Deno.test("training a transformer block leaves the parameters the reference has", () => {
  const [batch, length, width, heads, inner] = [2, 5, 12, 3, 20];
  const parameters = {
    g1: [width],
    c1: [width],
    wq: [width, width],
    wk: [width, width],
    wv: [width, width],
    wo: [width, width],
    g2: [width],
    c2: [width],
    w1: [width, inner],
    b1: [inner],
    w2: [inner, width],
    b2: [width],
  };
  const given = { x: [batch, length, width], y: [batch, length, width] };
  const program = descent(parameters, given, (g, p) => {
    const norm = (x: Value, scale: Value, shift: Value): Value =>
      g.add(g.mul(g.normalize(x, { axes: [-1], epsilon: 1e-5, centered: true }), scale), shift);
    const split = (x: Value): Value => g.transpose(g.reshape(x, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
    const n1 = norm(p.x, p.g1, p.c1);
    const [q, k, v] = [p.wq, p.wk, p.wv].map((w) => split(g.matmul(n1, w)));
    const mixed = g.reshape(g.transpose(g.attention(q, k, v), [0, 2, 1, 3]), [batch, length, width]);
    const h = g.add(p.x, g.matmul(mixed, p.wo));
    const f = sizes(g, g.activation("gelu", sizes(g, norm(h, p.g2, p.c2), p.w1, p.b1)), p.w2, p.b2);
    const far = g.sub(g.add(h, f), p.y);
    return g.mean(g.mul(far, far));
  });
  inStep(program, tensorsOf(parameters), tensorsOf(given), 3);
});

Deno.test("Adam over several parameters overwrites parameters and moments in place", () => {
  const shapes = { w: [7, 9], m: [7, 9], v: [7, 9] };
  const program = buildProgram(
    { w: "f32[7,9]", m: "f32[7,9]", v: "f32[7,9]", d: "f32[7,9]" },
    (g, { w, m, v, d }) => {
      const mean = g.add(g.mul(m, 0.9), g.mul(d, 0.1));
      const square = g.add(g.mul(v, 0.99), g.mul(g.mul(d, d), 0.01));
      return [g.sub(w, g.div(g.mul(mean, 0.01), g.add(g.sqrt(square), 1e-6))), mean, square];
    },
  );
  compiled(program, { state: [[0, 0], [1, 1], [2, 2]] }, ({ explanation }) => {
    assert.equal(explanation.kernels.length, 1);
  });
  const [w, m, v] = tensorsOf(shapes);
  const positive = { ...v, data: (v.data as Float32Array<ArrayBuffer>).map(Math.abs) };
  inStep(program, [w, m, positive], [normals("d", [7, 9], "f32")], 4);
});

Deno.test("axes of every size around a vector's width, reduced, repeated and running", () => {
  for (const columns of [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33]) {
    const program = buildProgram({ x: { dtype: "f32", shape: [3, columns] } }, (g, { x }) => [
      g.softmax(x, -1),
      g.reduce("sum", x, [0]),
      g.reduce("max", x, [1]),
      g.reduce("min", x),
      g.transpose(g.exp(x), [1, 0]),
      g.cumulative("sum", x, { axis: 1 }),
      g.cast(g.compare("gt", x, 0), "f32"),
      g.compare("lt", x, 0),
      g.cast(g.iota("i32", [3, columns], 1), "f32"),
      g.reverse(x, [1]),
    ]);
    assert.equal(disagreement(program, [normals(`${columns}`, [3, columns], "f32")]), undefined, `${columns}`);
  }
});

Deno.test("products and convolutions of bytes are exact, and scaled on the way out", () => {
  const bytes = (seed: string, shape: ReadonlyArray<number>, dtype: "i8" | "u8"): Tensor => {
    const drawn = normals(seed, shape, "f32").data as Float32Array;
    const data = Array.from(
      drawn,
      (value) => Math.max(dtype === "i8" ? -128 : 0, Math.min(127, Math.round(value * 90))),
    );
    return tensor(dtype, shape, data);
  };
  const dot = buildProgram({ x: "i8[3,17,33]", w: "i8[3,33,21]", s: "f32[21]" }, (g, { x, w, s }) => {
    const axes = { x_batch: [0], y_batch: [0], x_contract: [2], y_contract: [1] };
    const sums = g.dot(x, w, axes, "i32");
    return [sums, g.mul(g.cast(sums, "f32"), s)];
  });
  const inputs = [bytes("x", [3, 17, 33], "i8"), bytes("w", [3, 33, 21], "i8"), normals("s", [21], "f32")];
  assert.equal(disagreement(dot, inputs), undefined);
  const conv = buildProgram(
    { x: "u8[2,6,9,9]", w: "u8[4,3,3,3]" },
    (g, { x, w }) => g.conv(x, w, { low: [1, 1], high: [1, 1], strides: [2, 1], groups: 2 }, "i32"),
  );
  assert.equal(disagreement(conv, [bytes("x", [2, 6, 9, 9], "u8"), bytes("w", [4, 3, 3, 3], "u8")]), undefined);
  const packed = buildProgram(
    { x: "i8[9,40]", w: "i4[40,12]" },
    (g, { x, w }) => g.dot(x, g.cast(w, "i8"), { x_batch: [], y_batch: [], x_contract: [1], y_contract: [0] }, "i32"),
  );
  const nibbles = tensor("i4", [40, 12], Array.from({ length: 480 }, (_, i) => i % 16 - 8));
  assert.equal(disagreement(packed, [bytes("x", [9, 40], "i8"), nibbles]), undefined);
});

Deno.test("one true or false element is found wherever it stands among the lanes", () => {
  for (const dtype of ["f64", "f32"] as const) {
    const program = buildProgram({ x: { dtype, shape: [18] }, y: { dtype, shape: [18] } }, (g, { x, y }) => {
      const e = g.add(x, 1);
      return [e, g.reduce("any", g.compare("ge", e, y)), g.reduce("all", g.compare("lt", e, y))];
    });
    for (let place = 0; place < 18; place++) {
      const x = tensor(dtype, [18], Array.from({ length: 18 }, (_, i) => i === place ? 3 : -1));
      const y = tensor(dtype, [18], Array.from({ length: 18 }, () => 2));
      assert.deepEqual(onCpu(program, [x, y]).slice(1).map(toNested), [true, false], `${dtype} ${place}`);
    }
  }
});

Deno.test("sorting keeps equal elements in order and puts NaN last, also beyond a power of two", () => {
  for (const size of [1, 2, 3, 31, 32, 33, 1000]) {
    const data = Float32Array.from({ length: size }, (_, i) => i % 7 === 3 ? NaN : (i * 37) % 11);
    for (const descending of [false, true]) {
      const program = buildProgram({ x: { dtype: "f32", shape: [size] } }, (g, { x }) => g.sort(x, 0, descending));
      assert.equal(disagreement(program, [{ dtype: "f32", shape: [size], data }]), undefined, `${size} ${descending}`);
    }
  }
});
