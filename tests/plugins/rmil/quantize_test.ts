/**
 * Quantisation: every f16, every boundary between two of them, integer bounds, packing, programs that still run.
 */
import assert from "node:assert/strict";
import { isFailure } from "../../../kernel/failure.ts";
import { random } from "../../../kernel/random.ts";
import { decodeExpression } from "../../../plugins/rmil/codec/v1.ts";
import { app, type Expression, lit } from "../../../plugins/rmil/expression.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import {
  INTEGER_TARGETS,
  type IntegerTarget,
  packNibbles,
  roundHalfAway,
  unpackNibbles,
} from "../../../plugins/ir/quantize/integers.ts";
import { narrowBits, widenBits } from "../../../plugins/rmil/quantize/narrow.ts";
import { programTarget, quantizeProgram } from "../../../plugins/rmil/quantize/program.ts";
import {
  dequantizeTensor,
  errorOf,
  quantizeTensor,
  type Target,
  TARGETS,
} from "../../../plugins/rmil/quantize/tensor.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { type TensorValue, tensorValue, tupleValue } from "../../../plugins/rmil/value.ts";
import vectors from "../../vectors/rmil/quantize.json" with { type: "json" };

const words = new DataView(new ArrayBuffer(4));
const f32Bits = (value: number): number => (words.setFloat32(0, value), words.getUint32(0));
const f32From = (bits: number): number => (words.setUint32(0, bits), words.getFloat32(0));

const f16Judge = new Float16Array(1);
const f16Bits = new Uint16Array(f16Judge.buffer);
const isNan16 = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

Deno.test("all 65,536 f16 widen exactly and narrow back to themselves, by the engine's own half floats", () => {
  for (let bits = 0; bits < 65536; bits++) {
    f16Bits[0] = bits;
    const wide = widenBits(bits, "f16");
    if (isNan16(bits)) {
      assert.ok(Number.isNaN(f32From(wide)));
      assert.equal(narrowBits(wide, "f16"), bits | 0x0200, "quiet, with its sign and payload");
    } else {
      assert.equal(wide, f32Bits(f16Judge[0]));
      assert.equal(narrowBits(wide, "f16"), bits);
    }
  }
});

Deno.test("at, just below and just above the middle between any two f16, the engine's rounding is ours", () => {
  for (let bits = 0; bits < 0x7c00; bits++) {
    const low = f32From(widenBits(bits, "f16"));
    const high = bits === 0x7bff ? 65536 : f32From(widenBits(bits + 1, "f16"));
    const middle = f32Bits((low + high) / 2);
    for (const at of [middle - 1, middle, middle + 1]) {
      for (const sign of [0, 0x80000000]) {
        const wide = (at | sign) >>> 0;
        f16Judge[0] = f32From(wide);
        assert.equal(narrowBits(wide, "f16"), f16Bits[0], `0x${wide.toString(16)}`);
      }
    }
  }
});

/** bf16 by integers: upper half, plus one where the rest is above a half, or at it and the upper half is odd. */
const bf16Judge = (bits: number): number => {
  const upper = bits >>> 16;
  const rest = bits & 0xffff;
  return rest > 0x8000 || (rest === 0x8000 && upper % 2 === 1) ? upper + 1 : upper;
};

Deno.test("all 65,536 bf16 narrow back to themselves, and round to even around every middle", () => {
  for (let bits = 0; bits < 65536; bits++) {
    if ((bits & 0x7fff) > 0x7f80) {
      assert.equal(narrowBits((bits << 16) >>> 0, "bf16"), bits | 0x40);
      continue;
    }
    assert.equal(widenBits(bits, "bf16"), (bits << 16) >>> 0);
    assert.equal(narrowBits((bits << 16) >>> 0, "bf16"), bits);
    if ((bits & 0x7fff) === 0x7f80) continue;
    for (const rest of [1, 0x7fff, 0x8000, 0x8001, 0xffff]) {
      const wide = ((bits << 16) | rest) >>> 0;
      assert.equal(narrowBits(wide, "bf16"), bf16Judge(wide));
    }
  }
});

Deno.test("an f64 is rounded once, and what narrow floats cannot hold is refused at the first such number", () => {
  // Just above a middle: rounded to f32 first, it would be the middle and go down.
  const [up] = numbersOf(dequantizeTensor(quantizeTensor(doubles([1 + 2 ** -11 + 2 ** -40]), "f16")));
  assert.equal(up, 1 + 2 ** -10);
  assert.equal(numbersOf(dequantizeTensor(quantizeTensor(floats([65519]), "f16")))[0], 65504);
  refuses(() => quantizeTensor(floats([65520]), "f16"));
  assert.equal(quantizeTensor(floats([65520]), "bf16").bytes.length, 2);
  refuses(() => quantizeTensor(floats([3.4e38]), "bf16"));
});

Deno.test("no NaN becomes a number, whichever bits it has", () => {
  for (const bits of [0x7f800001, 0xffffffff, 0x7fffffff, 0x7fc00000, 0xff800001]) {
    for (const format of ["f16", "bf16"] as const) {
      const back = widenBits(narrowBits(bits, format), format);
      assert.ok(Number.isNaN(f32From(back)));
      assert.equal(back >>> 31, bits >>> 31);
    }
  }
});

/** Where the original truncates subnormal halves or loses a NaN; the right bits follow from the tests above. */
const WRONG_F16 = ["0x7f800001", "0x7f80ffff", "0x387fffff", "0x387fe000", "0x337fffff", "0x358637bd"];
const WRONG_BF16 = ["0x7f800001", "0xffffffff", "0x7fffffff", "0x7f80ffff"];

Deno.test("the original's vectors of narrow floats, where they round", () => {
  let agreed = 0;
  for (const row of vectors.f32_to_half) {
    const bits = Number(row.f32_bits);
    for (
      const [format, wanted, wrong] of [
        ["f16", row.f16_bits, WRONG_F16],
        ["bf16", row.bf16_bits, WRONG_BF16],
      ] as const
    ) {
      if (wrong.includes(row.f32_bits)) continue;
      assert.equal(narrowBits(bits, format), Number(wanted), `${format} of ${row.f32_bits}`);
      agreed++;
    }
  }
  for (const row of vectors.f16_to_f32) assert.equal(widenBits(Number(row.f16_bits), "f16"), Number(row.f32_bits));
  assert.ok(agreed >= 2 * vectors.f32_to_half.length - WRONG_F16.length - WRONG_BF16.length);
});

const floats = (values: ReadonlyArray<number>, shape: ReadonlyArray<number> = [values.length]): TensorValue =>
  tensorValue("f32", shape, new Uint8Array(Float32Array.from(values).buffer));
const doubles = (values: ReadonlyArray<number>, shape: ReadonlyArray<number> = [values.length]): TensorValue =>
  tensorValue("f64", shape, new Uint8Array(Float64Array.from(values).buffer));
const numbersOf = ({ dtype, bytes }: TensorValue): ReadonlyArray<number> =>
  dtype === "f32" ? [...new Float32Array(bytes.buffer)] : [...new Float64Array(bytes.buffer)];

const NOT_FINITE = ["with_nan", "with_inf"];

for (const row of vectors.integer) {
  Deno.test(`integer vector ${row.name}`, () => {
    const tensor = floats(row.input_bits.map((bits) => f32From(Number(bits))));
    for (const target of ["i8", "i16"] as const) {
      if (NOT_FINITE.includes(row.name)) {
        refuses(() => quantizeTensor(tensor, target));
        continue;
      }
      const quantized = quantizeTensor(tensor, target);
      const integers = target === "i8" ? new Int8Array(quantized.bytes.buffer) : new Int16Array(quantized.bytes.buffer);
      assert.deepEqual([...integers], row[target]);
      assert.equal(f32Bits(quantized.mappings[0].scale), Number(row[`${target}_scale_bits`]));
      const back = numbersOf(dequantizeTensor(quantized)).map(f32Bits);
      assert.deepEqual(back, row[`${target}_back_bits`].map(Number));
    }
  });
}

const refuses = (act: () => unknown): void => {
  assert.throws(act, (error) => isFailure(error) && error.code === "RMIL_QUANTIZE");
};

Deno.test("halves round away from zero, and what is just below a half does not", () => {
  const cases: ReadonlyArray<readonly [number, number]> = [
    [0.5, 1],
    [-0.5, -1],
    [1.5, 2],
    [-2.5, -3],
    [0.49999999999999994, 0],
    [-0.49999999999999994, 0],
    [4503599627370495.5, 4503599627370496],
    [9007199254740991, 9007199254740991],
  ];
  for (const [value, wanted] of cases) assert.equal(roundHalfAway(value) + 0, wanted);
});

Deno.test("the error is at most half a step, or one where a zero point had to be rounded, for every mode", () => {
  for (let seed = 0; seed < 30; seed++) {
    const draw = random(`quantize/${seed}`);
    const values = Array.from({ length: 60 }, () => draw.normal() * 10 ** (draw.below(9) - 4) + draw.below(3));
    for (const make of [floats, doubles]) {
      for (const symmetric of [true, false]) {
        for (const axis of [undefined, 0, 1, -1]) {
          for (const target of Object.keys(INTEGER_TARGETS) as ReadonlyArray<IntegerTarget>) {
            const tensor = make(values, [3, 4, 5]);
            const quantized = quantizeTensor(tensor, target, { symmetric, ...(axis === undefined ? {} : { axis }) });
            const channels = axis === undefined ? 1 : [3, 4, 5].at(axis)!;
            assert.equal(quantized.mappings.length, channels);
            const inner = axis === 0 ? 20 : axis === 1 ? 5 : 1;
            const back = numbersOf(dequantizeTensor(quantized));
            numbersOf(tensor).forEach((value, i) => {
              const { scale } = quantized.mappings[Math.floor(i / inner) % channels];
              const bound = scale * (symmetric ? 0.5001 : 1.0001) + Math.abs(value) * 1e-6;
              assert.ok(
                Math.abs(value - back[i]) <= bound,
                `${target} ${value} came back as ${back[i]}, step ${scale}`,
              );
            });
          }
        }
      }
    }
  }
});

Deno.test("zero is exact in every mode, and the ends of the widest ranges do not overflow", () => {
  for (const target of TARGETS) {
    for (const symmetric of [true, false]) {
      const back = numbersOf(dequantizeTensor(quantizeTensor(floats([0, 5, 9]), target, { symmetric })));
      assert.equal(back[0] + 0, 0);
    }
  }
  const wide = quantizeTensor(doubles([-Number.MAX_VALUE, Number.MAX_VALUE]), "i8", { symmetric: false });
  assert.ok(Number.isFinite(wide.mappings[0].scale));
  const tiny = quantizeTensor(floats([2 ** -149, 0]), "i16");
  assert.deepEqual(numbersOf(dequantizeTensor(tiny)), [2 ** -149, 0]);
});

Deno.test("a percentile leaves outliers to the clamp", () => {
  const values = [...Array.from({ length: 99 }, (_, i) => (i + 1) / 99), 1000];
  const all = quantizeTensor(floats(values), "i8");
  const most = quantizeTensor(floats(values), "i8", { percentile: 99 });
  assert.equal(most.mappings[0].scale, Math.fround(1 / 127));
  assert.equal(all.mappings[0].scale, Math.fround(1000 / 127));
  assert.equal(numbersOf(dequantizeTensor(most))[99], 1);
  refuses(() => quantizeTensor(floats(values), "i8", { percentile: 50 }));
  refuses(() => quantizeTensor(floats(values), "i8", { percentile: 100.1 }));
  refuses(() => quantizeTensor(floats(values), "i8", { percentile: NaN }));
  assert.equal(quantizeTensor(floats(values), "i8", { percentile: 50.1 }).mappings.length, 1);
});

Deno.test("four-bit integers are packed two to a byte, the first in the lower half", () => {
  assert.deepEqual([...packNibbles(Int16Array.of(1, -1, 7, -8, -3))], [0xf1, 0x87, 0x0d]);
  const all = Int16Array.from({ length: 17 }, (_, i) => (i % 16) - 8);
  assert.deepEqual(unpackNibbles(packNibbles(all), 17), all);
  const quantized = quantizeTensor(floats([7, -7, 3.4, 0, 1]), "i4");
  assert.equal(quantized.bytes.length, 3);
  assert.deepEqual(numbersOf(dequantizeTensor(quantized)), [7, -7, 3, 0, 1]);
});

Deno.test("the report counts what was lost", () => {
  const tensor = floats([127, 0.5, -0.25, 0]);
  const report = errorOf(tensor, quantizeTensor(tensor, "i8"));
  assert.deepEqual(
    { ...report, snrDb: Math.round(report.snrDb) },
    { count: 4, maxError: 0.5, rmsError: Math.sqrt((0.25 + 0.0625) / 4), snrDb: 47, bytesBefore: 16, bytesAfter: 8 },
  );
  const exact = floats([1, 2]);
  assert.equal(errorOf(exact, quantizeTensor(exact, "f16")).snrDb, Infinity);
});

Deno.test("what would be lost is refused: dtypes, sizes, axes, infinities", () => {
  refuses(() => quantizeTensor(tensorValue("i32", [1], new Uint8Array(4)), "i8"));
  refuses(() => quantizeTensor(tensorValue("f32", [3], new Uint8Array(8)), "i8"));
  refuses(() => quantizeTensor(tensorValue("f32", [null], new Uint8Array(8)), "i8"));
  refuses(() => quantizeTensor(floats([1]), "i8", { axis: 1 }));
  refuses(() => quantizeTensor(floats([1]), "i8", { axis: -2 }));
  for (const target of TARGETS) refuses(() => quantizeTensor(floats([Infinity]), target));
  refuses(() => programTarget("f64"));
  refuses(() => programTarget("i4"));
});

const runs = (program: Expression): TensorValue => {
  const made = runNow(program, new Symbols())!.value;
  assert.equal(made.k, "Tensor");
  return made as TensorValue;
};

for (const target of ["i8", "i16", "f16", "bf16"] as const) {
  Deno.test(`programs: the original's ${target} vector, with the scale kept`, () => {
    const row = vectors.expr.find((one) => one.target === target)!;
    const { expression, quantized } = quantizeProgram(decodeExpression(Uint8Array.fromHex(row.in_hex)), target);
    // The original leaves f64 tensors alone.
    assert.deepEqual([quantized.length, row.stats.tensors_found], [2, 2]);
    const wanted = decodeExpression(Uint8Array.fromHex(row.out_hex)).children[0].value as TensorValue;
    const bound = expression.children[0];
    const stored = (target === "i8" || target === "i16" ? bound.children[0] : bound).value as TensorValue;
    assert.deepEqual([stored.dtype, [...stored.bytes]], [wanted.dtype, [...wanted.bytes]]);
  });
}

Deno.test("a quantised program gives what the quantised tensor stands for, in every mode", () => {
  const tensor = floats(Array.from({ length: 24 }, (_, i) => Math.sin(i) * (i + 1)), [2, 3, 4]);
  for (const target of ["i8", "i16"] as ReadonlyArray<Target>) {
    for (const symmetric of [true, false]) {
      for (const axis of [undefined, 0, 1, 2]) {
        const options = { symmetric, ...(axis === undefined ? {} : { axis }) };
        const wanted = dequantizeTensor(quantizeTensor(tensor, target, options));
        const found = runs(quantizeProgram(lit(tensor), target, options).expression);
        assert.deepEqual([found.dtype, found.shape, numbersOf(found)], ["f32", [2, 3, 4], numbersOf(wanted)]);
      }
    }
  }
});

Deno.test("what cannot be quantised in place is left and named", () => {
  const inTuple = quantizeProgram(lit(tupleValue([floats([1, 2])])), "i8");
  assert.deepEqual(inTuple.skipped.map(({ path }) => path), ["/#/0"]);
  const narrow = quantizeProgram(lit(tupleValue([floats([1, 2])])), "f16");
  assert.equal(narrow.quantized.length, 1);
  const flat = quantizeProgram(lit(floats([1, 2])), "i8", { axis: 1 });
  assert.equal(flat.skipped.length, 1);
  const quoted = app(OPS.hash.code, [lit(floats([1, 2]))]);
  assert.equal(quantizeProgram(quoted, "i8").expression, quoted);
});
