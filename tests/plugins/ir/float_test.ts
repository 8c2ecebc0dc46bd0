/**
 * f16 and bf16: every bit pattern, and rounding judged by the platform's own binary16 and by exact halfway points.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import { decodeNarrow, encodeNarrow, roundHalfEven, roundTo, tensor, toNested } from "../../../plugins/ir/library.ts";
import { compute } from "./support.ts";

/** The platform's binary16, judge of ours. */
const platform = new Float16Array(1);
const platformBits = new Uint16Array(platform.buffer);

const judged = (value: number): number => {
  platform[0] = value;
  return Number.isNaN(value) ? 0x7e00 : platformBits[0];
};

Deno.test("every f16 bit pattern decodes to the number the platform reads", () => {
  for (let bits = 0; bits < 65536; bits++) {
    platformBits[0] = bits;
    assert.ok(Object.is(decodeNarrow(bits, "f16"), platform[0]), bits.toString(16));
  }
});

Deno.test("every f16 bit pattern but NaN survives decoding and encoding", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = decodeNarrow(bits, "f16");
    assert.equal(encodeNarrow(value, "f16"), Number.isNaN(value) ? 0x7e00 : bits);
  }
});

Deno.test("every bf16 bit pattern is the upper half of an f32", () => {
  const view = new DataView(new ArrayBuffer(4));
  for (let bits = 0; bits < 65536; bits++) {
    view.setUint16(0, bits);
    const value = view.getFloat32(0);
    assert.ok(Object.is(decodeNarrow(bits, "bf16"), value), bits.toString(16));
    assert.equal(encodeNarrow(value, "bf16"), Number.isNaN(value) ? 0x7fc0 : bits);
  }
});

Deno.test("f16 rounding agrees with the platform on 200,000 seeded numbers of every magnitude", () => {
  const draws = random("f16");
  for (let i = 0; i < 200_000; i++) {
    const value = (draws.float() * 2 - 1) * 2 ** (draws.below(60) - 35);
    assert.equal(encodeNarrow(value, "f16"), judged(value), String(value));
  }
});

Deno.test("between two neighbours of a format the halfway point goes to the even one, and a hair more goes up", () => {
  for (const format of ["f16", "bf16"] as const) {
    const infinity = encodeNarrow(Infinity, format);
    for (let bits = 0; bits < infinity - 1; bits += 7) {
      const [low, high] = [decodeNarrow(bits, format), decodeNarrow(bits + 1, format)];
      const halfway = low / 2 + high / 2;
      assert.equal(encodeNarrow(halfway, format), bits % 2 === 0 ? bits : bits + 1, `${format} ${bits}`);
      assert.equal(encodeNarrow(halfway * (1 + 2 ** -50), format), bits + 1);
      assert.equal(encodeNarrow(-halfway * (1 - 2 ** -50), format), bits | 0x8000);
    }
  }
});

Deno.test("f64 goes to f16 in one rounding, where going through f32 would round twice", () => {
  const value = 1 + 2 ** -11 + 2 ** -40;
  assert.equal(roundTo(value, "f16"), 1 + 2 ** -10);
  assert.equal(roundTo(Math.fround(value), "f16"), 1);
  assert.deepEqual(compute([tensor("f64", [1], [value])], (g, [x]) => g.cast(g.cast(x, "f16"), "f64")), [1 + 2 ** -10]);
});

Deno.test("f16 overflows to infinity from 65520 on and not before", () => {
  assert.equal(roundTo(65519.999, "f16"), 65504);
  assert.equal(roundTo(65520, "f16"), Infinity);
  assert.equal(roundTo(-65520, "f16"), -Infinity);
});

Deno.test("NaN with a payload becomes the quiet NaN in f16 and bf16, never infinity", () => {
  const view = new DataView(new ArrayBuffer(4));
  for (const bits of [0x7f800001, 0xffffffff, 0x7fffffff]) {
    view.setUint32(0, bits);
    assert.equal(encodeNarrow(view.getFloat32(0), "bf16"), 0x7fc0);
    assert.equal(encodeNarrow(view.getFloat32(0), "f16"), 0x7e00);
  }
});

Deno.test("roundHalfEven agrees with the definition on halves and keeps the sign of zero", () => {
  for (let i = -1000; i <= 1000; i++) {
    const expected = i % 2 === 0 ? i / 2 : 2 * Math.round(i / 4);
    assert.equal(roundHalfEven(i / 2), expected === 0 ? roundHalfEven(i / 2) : expected, String(i / 2));
  }
  assert.ok(Object.is(roundHalfEven(-0.5), -0));
  assert.ok(Object.is(roundHalfEven(0.5), 0));
  assert.equal(roundHalfEven(2.5), 2);
  assert.equal(roundHalfEven(-3.5), -4);
  assert.equal(roundHalfEven(4503599627370497.5), 4503599627370497.5);
});

Deno.test("i64 goes to f32 in one rounding, where going through f64 would round twice", () => {
  // 2^60 + 2^36 + 1 is just above the middle of two f32 neighbours; in f64 the 1 is lost and the tie goes to even.
  const value = 2n ** 60n + 2n ** 36n + 1n;
  assert.equal(Math.fround(Number(value)), 2 ** 60);
  assert.deepEqual(
    toNested(tensor("f32", [1], [value])),
    [2 ** 60 + 2 ** 37],
  );
  assert.deepEqual(compute([tensor("i64", [1], [value])], (g, [x]) => g.cast(x, "f32")), [2 ** 60 + 2 ** 37]);
  assert.deepEqual(compute([tensor("i64", [1], [-value])], (g, [x]) => g.cast(x, "f32")), [-(2 ** 60) - 2 ** 37]);
});
