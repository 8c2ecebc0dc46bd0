import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import {
  architectureOf,
  blockFaults,
  type CacheBlock,
  type CacheShape,
  type KeptBlocks,
  planTakeIn,
  restoreBlocks,
  storeBlocks,
  storedShare,
  type TakeIn,
  yieldOf,
} from "../../../plugins/norion/models/cache_blocks.ts";
import {
  type Bits,
  dequantise,
  errorBound,
  quantise,
  readQuantised,
  writeQuantised,
} from "../../../plugins/norion/models/quantise.ts";

const WIDTHS: ReadonlyArray<Bits> = [4, 8];

/** Least cosine of a unit vector with itself after a trip through so many bits. */
const LEAST_COSINE = { 4: 0.95, 8: 0.995 } as const;

const cosineOf = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    aa += a[i] ** 2;
    bb += b[i] ** 2;
  }
  return dot / Math.sqrt(aa * bb);
};

Deno.test("no number of a quantised vector comes back further from itself than half a step, and directions stay (20.35)", () => {
  const draw = random("quantise");
  for (let n = 0; n < 600; n++) {
    const length = 1 + draw.below(300);
    const size = 10 ** (draw.float() * 12 - 6);
    const values = Float64Array.from({ length }, () => draw.normal() * size + (n % 3) * size);
    for (const bits of WIDTHS) {
      const made = quantise(values, bits);
      const back = dequantise(readQuantised(writeQuantised(made)));
      const bound = errorBound(made);
      const range = Math.max(...values) - Math.min(...values);
      assert.ok(bound <= range / (2 ** bits - 1) / 2 + 1e-9 * size);
      for (let i = 0; i < length; i++) assert.ok(Math.abs(back[i] - values[i]) <= bound, `${values[i]} ${back[i]}`);
      if (length >= 32) assert.ok(cosineOf(values, back) >= LEAST_COSINE[bits]);
    }
  }
});

Deno.test("constant vectors come back exactly, odd lengths whole, and what is no number is zero (20.35)", () => {
  for (const bits of WIDTHS) {
    assert.deepEqual([...dequantise(quantise([0.1, 0.1, 0.1], bits))], [0.1, 0.1, 0.1]);
    assert.deepEqual([...dequantise(quantise([], bits))], []);
    const steps = 2 ** bits - 1;
    const odd = [0, steps, 3];
    assert.deepEqual([...dequantise(quantise(odd, bits))], odd);
    assert.deepEqual([...dequantise(quantise([NaN, Infinity, -Infinity, 1e39, steps], bits))], [0, 0, 0, 0, steps]);
  }
});

Deno.test("a quantised vector of another width, length or digits is refused (20.35)", () => {
  const text = writeQuantised(quantise([1, 2, 3], 8));
  assert.equal(text, "q8:3:1:0.00784313725490196:0080ff");
  const four = writeQuantised(quantise([0, 15, 3], 4));
  assert.equal(four, "q4:3:0:1:f003");
  for (
    const bad of [
      text.replace("q8", "q2"),
      text.replace(":3:", ":4:"),
      text.replace("80ff", "80fg"),
      text.slice(0, -1),
      text.replace("0.0078", "-0.0078"),
      four.replace("f003", "f013"),
      text.replace(":3:", ":99999999:"),
      "",
    ]
  ) {
    assert.throws(() => readQuantised(bad), { code: "NORION_MODELS" }, bad);
  }
});

const SHAPE: CacheShape = { layers: 2, heads: 2, headSize: 4, window: 16 };

const blockOf = (more: Partial<CacheBlock> = {}): CacheBlock => {
  const { from = 0, to = 3 } = more;
  const draw = random(`${from} ${to}`);
  const numbers = () => Float32Array.from({ length: Math.max(0, to - from) * SHAPE.headSize }, () => draw.normal());
  return { layer: 0, head: 0, from, to, keys: numbers(), values: numbers(), ...more };
};

const faultOf = (more: Partial<CacheBlock>): string => blockFaults([blockOf(more)], SHAPE)[0]?.reason ?? "sound";

Deno.test("cache blocks out of range, of odd sizes, not finite, or twice the same are refused, each by its reason (20.77)", () => {
  assert.equal(faultOf({}), "sound");
  assert.equal(faultOf({ layer: 1, head: 1, from: 15, to: 16 }), "sound");
  assert.equal(faultOf({ layer: 2 }), "there is no layer 2");
  assert.equal(faultOf({ head: -1 }), "there is no head -1");
  assert.equal(faultOf({ layer: 0.5 }), "there is no layer 0.5");
  assert.equal(faultOf({ from: 3, to: 3 }), "tokens 3 to 3 are no stretch of 16");
  assert.equal(faultOf({ from: 14, to: 17 }), "tokens 14 to 17 are no stretch of 16");
  assert.equal(faultOf({ keys: new Float32Array(11) }), "11 keys stand where 12 belong");
  assert.equal(faultOf({ values: new Float32Array(12).fill(NaN) }), "a number of its values is not finite");
  const twice = [blockOf(), blockOf({ head: 1 }), blockOf({ from: 2, to: 5 }), blockOf({ from: 3, to: 5 })];
  assert.deepEqual(blockFaults(twice, SHAPE), [
    { index: 2, reason: "its tokens are in another block of this head" },
  ]);
});

Deno.test("cache blocks come back from rest within half a step, in a quarter and an eighth of the bytes (20.77)", () => {
  const blocks = [blockOf(), blockOf({ layer: 1, from: 3, to: 9 })];
  for (const bits of WIDTHS) {
    const stored = storeBlocks(blocks, SHAPE, bits);
    const back = restoreBlocks(JSON.parse(JSON.stringify(stored)), SHAPE);
    back.forEach((block, i) => {
      for (const part of ["keys", "values"] as const) {
        for (let token = 0; token < block.to - block.from; token++) {
          const was = blocks[i][part].subarray(token * 4, token * 4 + 4);
          const half = (Math.max(...was) - Math.min(...was)) / (2 ** bits - 1) / 2;
          block[part].subarray(token * 4, token * 4 + 4).forEach((value, k) =>
            assert.ok(Math.abs(value - was[k]) <= half + 1e-6)
          );
        }
      }
    });
    assert.ok(Math.abs(storedShare(bits, 128) - bits / 32) < 0.02);
  }
  assert.throws(() => storeBlocks([blockOf({ layer: 9 })], SHAPE, 8), { code: "NORION_MODELS" });
  const [first] = storeBlocks(blocks, SHAPE, 8);
  assert.throws(() => restoreBlocks([{ ...first, keys: first.keys.slice(1) }], SHAPE), { code: "NORION_MODELS" });
  assert.throws(() => restoreBlocks([first], { ...SHAPE, headSize: 5 }), { code: "NORION_MODELS" });
});

const ORIGIN = { model: "tiny", tokeniser: "bytes", architecture: architectureOf(SHAPE) };

const kept = (id: string, more: Partial<KeptBlocks> = {}): KeptBlocks => ({
  id,
  origin: ORIGIN,
  scope: "a",
  strength: 0.8,
  tier: "warm",
  tokens: 3,
  ...more,
});

const TAKE: TakeIn = { allowed: true, origin: ORIGIN, scope: "a", prefetch: 4, pressure: 0, leastStrength: 0.45 };

Deno.test("blocks are taken in only by the model and scope that made them, the worthiest first, within the budget (20.77)", () => {
  const all = [
    kept("weak", { strength: 0.44 }),
    kept("limit", { strength: 0.45 }),
    kept("cold", { tier: "cold" }),
    kept("elsewhere", { scope: "b" }),
    kept("model", { origin: { ...ORIGIN, model: "other" } }),
    kept("shape", { origin: { ...ORIGIN, architecture: architectureOf({ ...SHAPE, window: 17 }) } }),
    kept("best", { strength: 0.9 }),
    kept("good"),
    kept("also good"),
  ];
  assert.deepEqual(planTakeIn(all, TAKE), {
    included: ["best", "also good", "good", "limit"],
    left: [
      { id: "weak", reason: "weak" },
      { id: "cold", reason: "cold" },
      { id: "elsewhere", reason: "other-scope" },
      { id: "model", reason: "other-model" },
      { id: "shape", reason: "other-model" },
    ],
  });
  const busy = planTakeIn(all, { ...TAKE, pressure: 0.6 });
  assert.deepEqual(busy.included, ["best"]);
  assert.deepEqual(busy.left.filter(({ reason }) => reason === "budget").length, 3);
  assert.ok(planTakeIn(all, { ...TAKE, allowed: false }).left.every(({ reason }) => reason === "forbidden"));
  assert.equal(yieldOf(4, 2, 1), 4 - 0.5 - 0.75);
});
