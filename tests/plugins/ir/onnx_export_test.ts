/**
 * Programs exported to ONNX: onnxruntime runs them and gives what the reference gives, and so does our own import of
 * what was exported. Every primitive, control, open sizes, patterns, gradients and whole training steps.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  attempt,
  buildProgram,
  type Dtype,
  elements,
  evaluate,
  exportOnnx,
  functionOf,
  grad,
  importOnnx,
  inspectOnnx,
  isFloat,
  type Program,
  type Tensor,
  tensor,
} from "../../../plugins/ir/library.ts";
import { EMISSION } from "../../../plugins/ir/onnx/emission.ts";
import { PRIMITIVES } from "../../../plugins/ir/library.ts";
import { readMessage } from "../../../plugins/ir/onnx/protobuf.ts";
import { MODEL } from "../../../plugins/ir/onnx/schema.ts";
import { MAX_TAPS } from "../../../plugins/ir/onnx/emission_windows.ts";
import { runOnnxRuntime } from "./onnx_runtime.ts";
import { randomInputs, randomProgram } from "./programs.ts";

const TOLERANCE: { readonly [D in Dtype]?: number } = { f64: 1e-9, f32: 1e-4, f16: 2e-2, bf16: 8e-2 };

/** What is read of an exported graph here. */
interface ExportedGraph {
  readonly node: ReadonlyArray<
    { readonly input: ReadonlyArray<string>; readonly attribute: ReadonlyArray<{ readonly g?: ExportedGraph }> }
  >;
  readonly initializer: ReadonlyArray<{ readonly name: string }>;
}

const difference = (got: Tensor | undefined, want: Tensor): string | undefined => {
  if (got?.dtype !== want.dtype || got.shape.join() !== want.shape.join()) return `${got?.dtype}[${got?.shape}]`;
  const [a, b] = [elements(got), elements(want)];
  const bound = TOLERANCE[want.dtype] ?? 0;
  const wrong = a.findIndex((value, i) => {
    const [x, y] = [Number(value), Number(b[i])];
    if (!isFloat(want.dtype)) return value !== b[i];
    return !(x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= bound * (1 + Math.abs(y)));
  });
  return wrong < 0 ? undefined : `element ${wrong} is ${a[wrong]} instead of ${b[wrong]}`;
};

const named = (program: Program, inputs: ReadonlyArray<Tensor>): ReadonlyMap<string, Tensor> =>
  new Map(functionOf(program).parameters.map(({ name }, i) => [name, inputs[i]]));

/** Judges a program on onnxruntime; false where it lacks a kernel. */
const agrees = async (program: Program, inputs: ReadonlyArray<Tensor>, opset?: number): Promise<boolean> => {
  const wanted = evaluate(program, inputs).results;
  const model = exportOnnx(program, opset === undefined ? {} : { opset });
  const ran = await runOnnxRuntime(model, named(program, inputs));
  if ("unsupported" in ran) return false;
  wanted.forEach((want, i) => assert.equal(difference(ran.results[i], want), undefined, `result ${i}`));
  return true;
};

const COMMON = ["f32", "f64", "i64", "i32", "i16", "i8", "u32", "u16", "u8"] as const;
const SEEDS = 6;

Deno.test("the table has a row for every primitive", () => {
  assert.deepEqual(Object.keys(EMISSION).sort(), PRIMITIVES.map(({ name }) => name).sort());
});

for (const { name } of PRIMITIVES) {
  Deno.test(`${name} exported means the same in onnxruntime`, async () => {
    let judged = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const options = { nodes: 3, ops: [name], edges: false, empty: false, control: false, dtypes: COMMON };
      const program = randomProgram(`export/${name}/${seed}`, options);
      if (await agrees(program, randomInputs(program, `export/${name}/${seed}`, options))) judged++;
    }
    assert.ok(judged >= SEEDS / 2, `${judged} of ${SEEDS} were judged`);
  });
}

/** Names that nodes read, those of graphs within them too. */
const namesRead = (graph: ExportedGraph): ReadonlyArray<string> =>
  graph.node.flatMap(({ input, attribute }) => [...input, ...attribute.flatMap(({ g }) => g ? namesRead(g) : [])]);

Deno.test("a model holds no literal that nobody reads", () => {
  for (const { name } of PRIMITIVES) {
    const options = { nodes: 3, ops: [name], edges: false, empty: false, control: false, dtypes: COMMON };
    const program = randomProgram(`export/${name}/0`, options);
    const { graph } = readMessage(exportOnnx(program), MODEL) as unknown as { readonly graph: ExportedGraph };
    const read = new Set(namesRead(graph));
    assert.deepEqual(graph.initializer.filter((literal) => !read.has(literal.name)).map((one) => one.name), [], name);
  }
});

Deno.test("random programs with control come back from ONNX as they went, in every element type", () => {
  for (let seed = 0; seed < 80; seed++) {
    const options = { nodes: 6, dtypes: ["f32", "f64", "f16", "bf16", "i64", "i32", "u32", "u8", "bool"] as const };
    const program = randomProgram(`round/${seed}`, options);
    const made = attempt(() => exportOnnx(program));
    if (made._tag === "Failure") {
      assert.equal(made.failure.code, "IR_EMIT_UNSUPPORTED");
      continue;
    }
    const inputs = randomInputs(program, `round/${seed}`, options);
    const back = evaluate(importOnnx(made.success).program, inputs).results;
    evaluate(program, inputs).results.forEach((want, i) =>
      assert.equal(difference(back[i], want), undefined, `round/${seed}, result ${i}`)
    );
  }
});

Deno.test("random programs with control run in onnxruntime as in the reference", async () => {
  let judged = 0;
  for (let seed = 0; seed < 60; seed++) {
    const options = { nodes: 6, edges: false, empty: false, dtypes: ["f32", "f64", "i64", "i32", "u8"] as const };
    const program = randomProgram(`control/${seed}`, options);
    if (attempt(() => exportOnnx(program))._tag === "Failure") continue;
    if (await agrees(program, randomInputs(program, `control/${seed}`, options))) judged++;
  }
  assert.ok(judged >= 40, `${judged} were judged`);
});

Deno.test("draws are the same bits in onnxruntime", async () => {
  for (
    const [dtype, distribution] of [["f32", "uniform"], ["f64", "uniform"], ["u32", "bits"], ["i64", "bits"]] as const
  ) {
    const program = buildProgram(
      { seed: "i64[]" },
      (g, { seed }) => g.random(seed, { dtype, shape: [5, 3] }, { distribution, stream: 7 }),
    );
    const seed = tensor("i64", [], [-81985529216486896n]);
    const [want] = evaluate(program, [seed]).results;
    const ran = await runOnnxRuntime(exportOnnx(program), new Map([["seed", seed]]));
    assert.ok("results" in ran);
    assert.deepEqual(elements(ran.results[0]), elements(want));
  }
});

const floats = (seed: string, shape: ReadonlyArray<number>, scale = 1): Tensor => {
  const draws = random(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draws.normal() * scale);
  return { dtype: "f32", shape, data };
};

Deno.test("one model serves every size of an open dimension", async () => {
  const program = buildProgram({ x: "f32[B,S,4]", w: "f32[4,3]" }, (g, { x, w }) => {
    const y = g.matmul(x, w);
    const count = g.dimension("B*S", "f32");
    return [g.reshape(y, ["B*S", 3]), g.div(g.reduceAll("sum", y), count), g.iota("i64", ["S"], 0)];
  });
  const model = exportOnnx(program);
  for (const [b, s] of [[1, 1], [2, 3], [5, 2]]) {
    const inputs = [floats(`${b},${s}`, [b, s, 4]), floats("w", [4, 3])];
    const ran = await runOnnxRuntime(model, named(program, inputs));
    assert.ok("results" in ran);
    evaluate(program, inputs).results.forEach((want, i) => assert.equal(difference(ran.results[i], want), undefined));
  }
});

const mlp = (): Program =>
  buildProgram({ x: "f32[8,5]", t: "i64[8]", a: "f32[5,16]", b: "f32[16]", c: "f32[16,3]" }, (g, { x, t, a, b, c }) => {
    const logits = g.matmul(g.activation("gelu", g.add(g.matmul(x, a), b)), c);
    const picked = g.takeAlong(g.logSoftmax(logits, 1), g.reshape(t, [8, 1]), 1);
    return g.neg(g.mean(picked));
  });

const block = (): Program =>
  buildProgram(
    { x: "f32[2,6,8]", t: "f32[2,6,8]", w: "f32[8,24]", o: "f32[8,8]", u: "f32[8,16]", d: "f32[16,8]", s: "f32[8]" },
    (g, { x, t, w, o, u, d, s }) => {
      const norm = (v: typeof x) => g.mul(g.normalize(v, { axes: [2], epsilon: 1e-5, centered: true }), s);
      const heads = (v: typeof x) => g.transpose(g.reshape(v, [2, 6, 2, 4]), [0, 2, 1, 3]);
      const parts = g.matmul(norm(x), w);
      const [q, k, v] = [0, 1, 2].map((i) => heads(g.sliceAxis(parts, 2, 8 * i, 8 * i + 8)));
      const seen = g.reshape(g.transpose(g.attention(q, k, v), [0, 2, 1, 3]), [2, 6, 8]);
      const middle = g.add(x, g.matmul(seen, o));
      const out = g.add(middle, g.matmul(g.activation("relu", g.matmul(norm(middle), u)), d));
      const error = g.sub(out, t);
      return g.mean(g.mul(error, error));
    },
  );

const STEPS = 10;
const RATE = 0.1;
const LOSS_TOLERANCE = 1e-5;

const apart = (a: number, b: number): number => Math.abs(a - b) / Math.max(1, Math.abs(b));

for (const [name, build, data] of [["an mlp", mlp, 2], ["a transformer block", block, 2]] as const) {
  Deno.test(`losses of ${STEPS} training steps of ${name} are onnxruntime's to ${LOSS_TOLERANCE}`, async () => {
    const program = build();
    const { parameters } = functionOf(program);
    const wrt = parameters.slice(data).map((parameter) => parameter.name);
    const step = grad(program, { wrt, value: true });
    const model = exportOnnx(step);
    assert.deepEqual(inspectOnnx(model).inputs, parameters.map((parameter) => parameter.name));
    const values = parameters.map(({ name: of, type }): Tensor =>
      type.dtype === "i64"
        ? tensor("i64", [8], [0, 1, 2, 0, 1, 2, 0, 1])
        : floats(`${name}/${of}`, type.shape as ReadonlyArray<number>, 0.4)
    );
    const descend = (of: ReadonlyArray<Tensor>, results: ReadonlyArray<Tensor>): ReadonlyArray<Tensor> =>
      of.map((value, i) => {
        if (i < data) return value;
        const slope = results[1 + i - data].data as Float32Array;
        return {
          ...value,
          data: (value.data as Float32Array).map((w, k) => w - RATE * slope[k]) as Float32Array<ArrayBuffer>,
        };
      });
    let [ours, theirs]: ReadonlyArray<Tensor>[] = [values, values];
    let first: number | undefined;
    for (let turn = 0; turn < STEPS; turn++) {
      const mine = evaluate(step, ours).results;
      const ran = await runOnnxRuntime(model, named(step, theirs));
      assert.ok("results" in ran);
      const [loss, other] = [Number(mine[0].data[0]), Number(ran.results[0].data[0])];
      assert.ok(apart(loss, other) <= LOSS_TOLERANCE, `step ${turn}: ${loss} and ${other}`);
      first ??= loss;
      [ours, theirs] = [descend(ours, mine), descend(theirs, ran.results)];
      if (turn === STEPS - 1) assert.ok(loss < first, `${first} became ${loss}`);
    }
  });
}

Deno.test("weights become literals of the model, and results get the names that are asked for", async () => {
  const program = buildProgram({ x: "f32[1,2]", w: "f32[2,1]" }, (g, { x, w }) => g.matmul(x, w));
  const model = exportOnnx(program, { weights: { w: tensor("f32", [2, 1], [3, 4]) }, outputs: ["score"] });
  assert.deepEqual(inspectOnnx(model), { inputs: ["x"], outputs: ["score"], operators: ["Identity", "MatMul"] });
  const ran = await runOnnxRuntime(model, new Map([["x", tensor("f32", [1, 2], [1, 10])]]));
  assert.ok("results" in ran);
  assert.deepEqual(elements(ran.results[0]), [43]);
});

Deno.test("every version of the operator set that is offered loads and agrees", async () => {
  const program = buildProgram(
    { x: "f32[3,4]" },
    (g, { x }) => [g.softmax(x, 1), g.reduce("max", x, [0]), g.argReduce("min", x, 1)],
  );
  for (const opset of [17, 18, 19, 20, 21]) assert.ok(await agrees(program, [floats("x", [3, 4])], opset));
});

const code = (run: () => unknown): string => {
  const made = attempt(run);
  return made._tag === "Failure" ? made.failure.code : "none";
};

Deno.test("what ONNX cannot say is refused by node, and options that do not fit by name", () => {
  const narrow = buildProgram({ x: "i4[2]" }, (g, { x }) => g.add(x, x));
  assert.equal(code(() => exportOnnx(narrow)), "IR_EMIT_UNSUPPORTED");
  const bits = buildProgram({ x: "i32[2]" }, (g, { x }) => g.xor(x, x));
  assert.equal(code(() => exportOnnx(bits, { opset: 17 })), "IR_EMIT_UNSUPPORTED");
  assert.equal(code(() => exportOnnx(bits, { opset: 16 })), "IR_ATTRIBUTE");
  assert.equal(code(() => exportOnnx(bits, { opset: 22 })), "IR_ATTRIBUTE");
  assert.equal(code(() => exportOnnx(bits, { outputs: [] })), "IR_ATTRIBUTE");
  assert.equal(code(() => exportOnnx(bits, { weights: { y: tensor("i32", [2], [1, 2]) } })), "IR_ATTRIBUTE");
  assert.equal(code(() => exportOnnx(bits, { weights: { x: tensor("i32", [3], [1, 2, 3]) } })), "IR_SHAPE");
});

Deno.test("windows are written out up to the limit of their elements and no further", () => {
  const windowed = (size: number) =>
    buildProgram(
      { x: "i32[N]" },
      (g, { x }) => g.reduceWindow("sum", x, { window: [size], strides: [1], low: [0], high: [0], dilation: [1] }),
    );
  assert.ok(exportOnnx(windowed(MAX_TAPS)).length > 0);
  assert.equal(code(() => exportOnnx(windowed(MAX_TAPS + 1))), "IR_EMIT_UNSUPPORTED");
});
