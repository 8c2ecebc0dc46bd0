/**
 * The assembler: every instruction validates with its types and computes what this language says it means; structured
 * control, memory, atomics, data, imports and names do what they are for.
 */
import assert from "node:assert/strict";
import { ModuleBuilder } from "../../../../plugins/backends/cpu/wasm/assembler.ts";
import { Bytes } from "../../../../plugins/backends/cpu/wasm/bytes.ts";
import {
  INSTRUCTIONS,
  type LaneInstruction,
  type MemoryInstruction,
  type PlainInstruction,
  type ValueType,
} from "../../../../plugins/backends/cpu/wasm/code.ts";
import { probeFeatures } from "../../../../plugins/backends/cpu/wasm/features.ts";
import type { InstructionRow } from "../../../../plugins/backends/cpu/wasm/scalar_instructions.ts";
import { type Bytes16, fromFloats, meaningOf, TRAP } from "./instructions.ts";
import { compileFunction, seeded } from "./kernels.ts";

const TYPES: { readonly [letter: string]: ValueType } = { i: "i32", l: "i64", f: "f32", d: "f64", v: "v128" };
const LOADS: { readonly [T in ValueType]: MemoryInstruction } = {
  i32: "i32.load",
  i64: "i64.load",
  f32: "f32.load",
  f64: "f64.load",
  v128: "v128.load",
};
const STORES: { readonly [T in ValueType]: MemoryInstruction } = {
  i32: "i32.store",
  i64: "i64.store",
  f32: "f32.store",
  f64: "f64.store",
  v128: "v128.store",
};
const ROWS = Object.entries(INSTRUCTIONS) as unknown as ReadonlyArray<readonly [string, InstructionRow]>;
const sharedMemory = { module: "env", name: "memory", minimum: 1, maximum: 1, shared: true };

Deno.test("every instruction validates with the types and immediates of its row", () => {
  assert(ROWS.length > 450);
  for (const [name, row] of ROWS) {
    const types = (letters: string): ReadonlyArray<ValueType> => [...letters].map((letter) => TYPES[letter]);
    const module = new ModuleBuilder();
    module.importMemory(sharedMemory);
    module.function("f", types(row[1]), types(row[2]), (code, ...given) => {
      for (const local of given) code.get(local);
      if (row.length === 3) code.op(name as PlainInstruction);
      else if (row.length === 4) code.memory(name as MemoryInstruction, 16);
      else code.lane(name as LaneInstruction, 1, 16);
    });
    assert(WebAssembly.validate(module.build()), name);
  }
});

/** Operands full of edges: integers at their ends, floats of every kind, and anything. */
const operandsOf = (name: string): ReadonlyArray<Bytes16> => {
  const next = seeded(name.length * 7919);
  const numbers = [
    0,
    -0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3e9,
    -3e9,
    1e20,
    -1e20,
    127,
    128,
    255.9,
    32767.5,
    -32769,
    2 ** 31,
    2 ** 63,
  ];
  const edges = [...numbers, NaN, Infinity, -Infinity, 5e-324, 1e-40, 2147483647.5, 4294967295];
  const made: Bytes16[] = [];
  for (let i = 0; i < 24; i++) {
    const pick = (): number => edges[Math.floor(next() * edges.length)];
    made.push(fromFloats([pick(), pick(), pick(), pick()], 32), fromFloats([pick(), pick()], 64));
    made.push(Uint8Array.from({ length: 16 }, () => Math.floor(next() * 256)));
    made.push(Uint8Array.from({ length: 16 }, () => [0, 1, 127, 128, 255][Math.floor(next() * 5)]));
    made.push(Uint8Array.from({ length: 16 }, (_, at) => at % 8 === 0 ? Math.floor(next() * 70) : 0));
  }
  return made;
};

/** Whether two results are the same, any NaN being any other. */
const same = (name: string, type: ValueType, a: Bytes16, b: Bytes16): boolean => {
  const width = type === "v128" ? 16 : type.endsWith("64") ? 8 : 4;
  const bits = type === "f32" || (type === "v128" && name.startsWith("f32x4")) ? 32 : 64;
  if (a.subarray(0, width).every((x, i) => x === b[i])) return true;
  if (!type.startsWith("f") && !/^f(?:32x4|64x2)\.(?!(?:eq|ne|lt|gt|le|ge)$)/u.test(name)) return false;
  const Kind = bits === 32 ? Float32Array : Float64Array;
  const [x, y] = [new Kind(a.slice().buffer), new Kind(b.slice().buffer)];
  return x.subarray(0, width * 8 / bits).every((value, i) => Object.is(value, y[i]));
};

/** Relaxed ones leave some results to the engine: compared where all engines agree. */
const relaxedAgree = (name: string, operands: ReadonlyArray<Bytes16>): boolean => {
  if (!name.includes("relaxed")) return true;
  // Signed bytes of either sign, indices past the end, masks of part of a lane, halves of −1·−1, NaN and overflow.
  if (/laneselect|swizzle/u.test(name)) {
    return operands[operands.length - 1].every((x) => x === 0) || name.includes("swizzle");
  }
  const bits = name.startsWith("f64") || name.includes("f64x2") ? 64 : 32;
  const values = operands.flatMap((
    v,
  ) => [...(bits === 32 ? new Float32Array(v.slice().buffer) : new Float64Array(v.slice().buffer))]);
  return values.every((x) => Number.isInteger(x) && Math.abs(x) < 2 ** 11 && !Object.is(x, -0));
};

Deno.test("every plain instruction computes what this language says it means, on edges and at random", () => {
  const features = probeFeatures();
  let [instructions, cases] = [0, 0];
  for (const [name, row] of ROWS) {
    if (row.length !== 3 || row[2] === "" || /relaxed_dot|relaxed_q15|relaxed_swizzle/u.test(name)) continue;
    if (name.includes("relaxed") && !features.relaxed) continue;
    const meaning = meaningOf(name);
    assert(meaning !== undefined, `no meaning of ${name}`);
    instructions++;
    const result = TYPES[row[2]];
    const memory = new WebAssembly.Memory({ initial: 1 });
    const run = compileFunction([], [], (code) => {
      code.i32(64);
      [...row[1]].forEach((letter, i) => code.i32(i * 16).memory(LOADS[TYPES[letter]]));
      code.op(name as PlainInstruction).memory(STORES[result]);
    }, memory);
    const operands = operandsOf(name);
    const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
    operands.forEach((_, at) => {
      const given = [...row[1]].map((_, i) => operands[(at + i * 7) % operands.length]);
      if (!relaxedAgree(name, given)) return;
      given.forEach((value, i) => bytes.set(value, i * 16));
      bytes.fill(0, 64, 80);
      cases++;
      const shown = (): string => `${name} of ${given.map((v) => `[${v}]`)} at ${at}`;
      let expected: Bytes16;
      try {
        expected = meaning(given);
      } catch (thrown) {
        assert.equal(thrown, TRAP);
        assert.throws(run, WebAssembly.RuntimeError, shown());
        return;
      }
      run();
      const got = bytes.slice(64, 80);
      assert(same(name, result, got, expected), `${shown()} is ${got}, not ${expected}`);
    });
  }
  assert(instructions > 290 && cases > 30_000, `${instructions} instructions, ${cases} cases`);
});

Deno.test("loads and stores take the bytes at address plus offset, widened or cut as their names say", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 129) % 256);
  const view = new DataView(bytes.buffer);
  for (const [name, row] of ROWS) {
    if (row.length !== 4 || /atomic|load32_zero|load64_zero|x\d_|splat/u.test(name)) continue;
    const memory = new WebAssembly.Memory({ initial: 1 });
    const all = new Uint8Array(memory.buffer);
    all.set(bytes);
    const [, type, kind, size, sign] = /^(\w+)\.(load|store)(\d*)(?:_([su]))?$/u.exec(name)!;
    const width = size !== "" ? Number(size) / 8 : type === "v128" ? 16 : Number(type.slice(1)) / 8;
    const value = TYPES[kind === "load" ? row[2] : row[1][1]];
    compileFunction([], [], (code) => {
      if (kind === "load") code.i32(128).i32(5).memory(name as MemoryInstruction, 8).memory(STORES[value]);
      else code.i32(100).i32(13).memory(LOADS[value]).memory(name as MemoryInstruction, 28);
    }, memory)();
    const negative = sign === "s" && view.getInt8(13 + width - 1) < 0;
    const full = value === "v128" ? 16 : Number(value.slice(1)) / 8;
    const expected = Array.from({ length: full }, (_, i) => i < width ? bytes[13 + i] : negative ? 255 : 0);
    assert.deepEqual(
      [...all.slice(128, 128 + (kind === "load" ? full : width))],
      expected.slice(0, kind === "load" ? full : width),
      name,
    );
    assert.equal(all[128 + (kind === "load" ? full : width)], 0, `${name} wrote too much`);
  }
});

Deno.test("vector loads that widen, splat or zero, and single lanes, go where they should", () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const all = new Uint8Array(memory.buffer);
  all.set(Array.from({ length: 32 }, (_, i) => 200 + i), 0);
  const stored = (write: Parameters<typeof compileFunction>[2]): number[] => {
    all.fill(0, 64, 80);
    compileFunction([], [], (code, ...given) => {
      code.i32(64);
      write(code, ...given);
      code.memory("v128.store");
    }, memory)();
    return [...all.slice(64, 80)];
  };
  const pad = (given: ReadonlyArray<number>): number[] => [...given, ...Array(16 - given.length).fill(0)];
  assert.deepEqual(stored((c) => c.i32(0).memory("v128.load32_zero", 4)), pad([204, 205, 206, 207]));
  assert.deepEqual(stored((c) => c.i32(0).memory("v128.load64_zero")), pad([200, 201, 202, 203, 204, 205, 206, 207]));
  assert.deepEqual(stored((c) => c.i32(0).memory("v128.load16_splat", 1)), Array(8).fill([201, 202]).flat());
  assert.deepEqual(
    stored((c) => c.i32(0).memory("v128.load64_splat", 8)),
    Array(2).fill([208, 209, 210, 211, 212, 213, 214, 215]).flat(),
  );
  assert.deepEqual(
    stored((c) => c.i32(0).memory("v128.load8x8_u")),
    [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) => [200 + i, 0]),
  );
  assert.deepEqual(
    stored((c) => c.i32(0).memory("v128.load16x4_s")),
    [0, 1, 2, 3].flatMap((i) => [200 + 2 * i, 201 + 2 * i, 255, 255]),
  );
  assert.deepEqual(stored((c) => c.i32(0).memory("v128.load32x2_u")), [
    200,
    201,
    202,
    203,
    0,
    0,
    0,
    0,
    204,
    205,
    206,
    207,
    0,
    0,
    0,
    0,
  ]);
  const zero = new Uint8Array(16);
  assert.deepEqual(stored((c) => c.i32(2).v128(zero).lane("v128.load16_lane", 3, 1)), [
    ...Array(6).fill(0),
    203,
    204,
    ...Array(8).fill(0),
  ]);
  stored((c) => {
    c.i32(80).i32(0).memory("v128.load").lane("v128.store32_lane", 2, 4);
    c.v128(zero);
  });
  assert.deepEqual([...all.slice(84, 88)], [208, 209, 210, 211]);
  const reversed = Array.from({ length: 16 }, (_, i) => 31 - i);
  assert.deepEqual(
    stored((c) => c.i32(0).memory("v128.load").i32(16).memory("v128.load").shuffle(reversed)),
    reversed.map((i) => 200 + i),
  );
});

Deno.test("lanes are read and replaced by their numbers", () => {
  for (const [name, row] of ROWS) {
    if (row.length !== 5 || !name.includes("extract_lane")) continue;
    const [shape, what] = name.split(".");
    const lanes = row[4];
    for (let lane = 0; lane < lanes; lane++) {
      const type: ValueType = TYPES[row[2]];
      const replace = `${shape}.replace_lane` as LaneInstruction;
      const constant = type.startsWith("f") ? type as "f32" | "f64" : "i32";
      const got: unknown = compileFunction([], [type], (code) => {
        code.v128(new Uint8Array(16));
        if (type === "i64") code.i64(-7n);
        else code[constant](-7);
        code.lane(replace, lane).lane(name as LaneInstruction, lane);
      })();
      const bits = 128 / lanes;
      assert.equal(Number(got), what.endsWith("_u") ? 2 ** bits - 7 : -7, `${name} ${lane}`);
    }
  }
});

Deno.test("atomic read-modify-writes give what was there and leave what they say; wait and notify count", () => {
  const operations: { readonly [op: string]: (a: bigint, b: bigint) => bigint } = {
    add: (a, b) => a + b,
    sub: (a, b) => a - b,
    and: (a, b) => a & b,
    or: (a, b) => a | b,
    xor: (a, b) => a ^ b,
    xchg: (_, b) => b,
    cmpxchg: (a) => a,
  };
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const words = new BigUint64Array(memory.buffer);
  const made = (write: Parameters<typeof compileFunction>[2], result: ValueType): unknown => {
    const module = new ModuleBuilder();
    module.importMemory(sharedMemory);
    module.export(module.function("f", [], [result], write));
    return (new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } }).exports.f as () =>
      unknown)();
  };
  for (const [name, row] of ROWS) {
    const [, type, size, op] = /^(i\d+)\.atomic\.rmw(\d*)\.(\w+?)(?:_u)?$/u.exec(name) ?? [];
    if (op === undefined) continue;
    const bits = Number(size === "" ? type.slice(1) : size);
    const [before, operand] = [0x1122334455667788n, 0x0f0e0d0c0b0a0908n];
    words[1] = before;
    const old = made((code) => {
      code.i32(0);
      for (let i = 1; i < row[1].length; i++) {
        if (type === "i64") code.i64(operand);
        else code.i32(Number(BigInt.asIntN(32, operand)));
      }
      code.memory(name as MemoryInstruction, 8);
    }, type as ValueType);
    assert.equal(BigInt.asUintN(bits, BigInt(old as number)), BigInt.asUintN(bits, before), name);
    const low = BigInt.asUintN(bits, operations[op](BigInt.asUintN(bits, before), BigInt.asUintN(bits, operand)));
    assert.equal(words[1], (before >> BigInt(bits) << BigInt(bits)) | low, name);
  }
  words[0] = 5n;
  assert.equal(made((code) => code.i32(0).i32(4).i64(-1n).memory("memory.atomic.wait32"), "i32"), 1);
  assert.equal(made((code) => code.i32(0).i64(5n).i64(1000n).memory("memory.atomic.wait64"), "i32"), 2);
  assert.equal(made((code) => code.i32(0).i32(3).memory("memory.atomic.notify"), "i32"), 0);
  assert.equal(
    made((code) => code.fence().i32(0).i32(9).memory("i32.atomic.store").i32(0).memory("i32.atomic.load"), "i32"),
    9,
  );
});

Deno.test("blocks, loops, choices, branch tables, calls and counted loops run as they nest", () => {
  const sum = compileFunction(["i32"], ["i32"], (code, n) => {
    const [i, total] = [code.local("i32"), code.local("i32")];
    code.each(i, 0, n, 3, () => {
      code.get(i).i32(6).op("i32.eq").when(() => {}, () => code.get(total).get(i).op("i32.add").set(total));
    });
    code.get(total);
  });
  for (const n of [0, 1, 3, 4, 10, -5]) {
    let expected = 0;
    for (let i = 0; i < n; i += 3) if (i !== 6) expected += i;
    assert.equal(sum(n), expected, String(n));
  }
  const table = compileFunction(["i32"], ["i32"], (code, which) => {
    code.block((other) => {
      code.block((one) => {
        code.block((zero) => code.get(which).branchTable([zero, one], other));
        code.i32(100).op("return");
      });
      code.i32(101).op("return");
    });
    code.i32(102);
  });
  assert.deepEqual([0, 1, 2, 99, -1].map((n) => table(n)), [100, 101, 102, 102, 102]);
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 0 });
  const log = module.importFunction("env", "log", ["i32"], []);
  const even = module.declare("even", ["i32"], ["i32"]);
  const odd = module.function(
    "odd",
    ["i32"],
    ["i32"],
    (code, n) => code.get(n).op("i32.eqz").when(() => code.i32(0), () => code.get(n).plus(-1).call(even), "i32"),
  );
  module.define(
    even,
    (code, n) =>
      code.get(n).call(log).get(n).op("i32.eqz").when(() => code.i32(1), () => code.get(n).plus(-1).call(odd), "i32"),
  );
  module.export(even);
  const seen: number[] = [];
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), {
    env: { memory, log: (n: number) => seen.push(n) },
  });
  assert.equal((instance.exports.even as (n: number) => number)(7), 0);
  assert.deepEqual(seen, [7, 5, 3, 1]);
});

Deno.test("data, globals, bulk memory, selects and constants of every size come through", () => {
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 1 });
  const counter = module.global("i32", -70_000);
  const half = module.global("f64", 0.5);
  module.data(16, Uint8Array.of(1, 2, 3, 4));
  const passive = module.passiveData(Uint8Array.of(9, 8, 7, 6, 5));
  module.export(module.function("f", [], ["f64"], (code) => {
    code.globalGet(counter).plus(1).globalSet(counter);
    code.i32(32).globalGet(counter).memory("i32.store");
    code.i32(20).i32(16).i32(4).memoryCopy();
    code.i32(24).i32(0xab).i32(3).memoryFill();
    code.i32(40).i32(1).i32(3).memoryInit(passive);
    code.globalGet(half).f64(2).i32(1).select("f64");
  }));
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  assert.equal((instance.exports.f as () => number)(), 0.5);
  const bytes = new Uint8Array(memory.buffer);
  assert.deepEqual([...bytes.slice(16, 27)], [1, 2, 3, 4, 1, 2, 3, 4, 0xab, 0xab, 0xab]);
  assert.deepEqual([...bytes.slice(40, 44)], [8, 7, 6, 0]);
  assert.equal(new DataView(memory.buffer).getInt32(32, true), -69_999);
  for (const value of [0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 2 ** 31 - 1, -(2 ** 31)]) {
    assert.equal(compileFunction([], ["i32"], (code) => code.i32(value))(), value);
    for (const wide of [BigInt(value), BigInt(value) * 2n ** 32n, BigInt(value) ** 2n]) {
      assert.equal(compileFunction([], ["i64"], (code) => code.i64(wide))(), BigInt.asIntN(64, wide));
    }
  }
  for (const value of [0, -0, 1.5, Infinity, 1e-45, 16777217]) {
    assert(Object.is(compileFunction([], ["f32"], (code) => code.f32(value))(), Math.fround(value)));
    assert(Object.is(compileFunction([], ["f64"], (code) => code.f64(value))(), value));
  }
  for (const factor of [0, 1, 2, 3, 8, 2 ** 31, -4, 12]) {
    assert.equal(compileFunction(["i32"], ["i32"], (code, x) => code.get(x).times(factor))(7), Math.imul(7, factor));
  }
});

Deno.test("splatted constants are one local each, told apart by sign and kind, and hold from the entry on", () => {
  const got = compileFunction([], ["f32"], (code) => {
    const [zero, negative, again] = [code.splatted("f32x4", 0), code.splatted("f32x4", -0), code.splatted("f32x4", 0)];
    assert.equal(zero, again);
    assert.notEqual(zero, negative);
    assert.notEqual(code.splatted("i32x4", 0), zero);
    code.f32(1).get(negative).lane("f32x4.extract_lane", 3).op("f32.div");
  });
  assert.equal(got(), -Infinity);
});

Deno.test("what cannot be built says what is wrong", () => {
  const module = new ModuleBuilder();
  module.declare("lonely", [], []);
  assert.throws(() => module.build(), /lonely is declared and not defined/u);
  assert.throws(() => module.importFunction("env", "late", [], []), /late comes after/u);
});

Deno.test("a trap names the function it happened in", () => {
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 0 });
  module.export(module.function("the culprit", [], [], (code) => code.op("unreachable")), "f");
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } }).exports;
  assert.throws(f as () => void, (thrown: Error) => /the[ _]culprit/u.test(String(thrown.stack)));
});

Deno.test("buffers grow as they are written, whatever the room they began with", () => {
  for (const room of [0, 1, 7]) {
    const bytes = new Bytes(room);
    for (let i = 0; i < 1000; i++) bytes.unsigned(i * 1000);
    bytes.sized("a name: ü");
    let at = 0;
    const read = (): number => {
      let [value, shift] = [0, 0];
      for (;;) {
        const byte = bytes.buffer[at++];
        value += (byte & 127) * 2 ** shift;
        shift += 7;
        if (byte < 128) return value;
      }
    };
    for (let i = 0; i < 1000; i++) assert.equal(read(), i * 1000);
    assert.equal(read(), 10);
    assert.equal(new TextDecoder().decode(bytes.copy().subarray(at)), "a name: ü");
  }
});
