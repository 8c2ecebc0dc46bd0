/**
 * Matrix products of every remainder shape, stride and kind agree with plain loops in binary64, or exact integers.
 */
import assert from "node:assert/strict";
import {
  emitProduct,
  machineTile,
  type Product,
  TILE_16_REGISTERS,
  TILE_32_REGISTERS,
} from "../../../../plugins/backends/cpu/wasm/gemm.ts";
import { vectorRegisters } from "../../../../plugins/backends/cpu/wasm/machine.ts";
import type { UnitKind } from "../../../../plugins/backends/cpu/wasm/numbers.ts";
import type { MatrixOperand } from "../../../../plugins/backends/cpu/wasm/pack.ts";
import { addressOf } from "../../../../plugins/backends/cpu/wasm/tile.ts";
import { load, type Numbers, seeded } from "./kernels.ts";

type Layout = "rows" | "columns" | "sparse";
const LAYOUTS: ReadonlyArray<Layout> = ["rows", "columns", "sparse"];

/** Strides of batches of [rows, columns], and the elements they span. */
const lay = (layout: Layout, batches: number, rows: number, columns: number) => {
  const [row, column] = layout === "rows" ? [columns, 1] : layout === "columns" ? [1, rows] : [columns * 3 + 2, 3];
  const span = Math.max(1, (rows - 1) * row + (columns - 1) * column + 1);
  return { operand: { batch: [span], row, column }, elements: span * Math.max(1, batches) };
};

type ArrayOf = {
  readonly make: (length: number) => Numbers;
  readonly view: (b: ArrayBuffer, at: number, n: number) => Numbers;
};
const ARRAYS: { readonly [K in UnitKind | "i8" | "u8" | "i16"]: ArrayOf } = {
  f32: { make: (n) => new Float32Array(n), view: (b, at, n) => new Float32Array(b, at, n) },
  f64: { make: (n) => new Float64Array(n), view: (b, at, n) => new Float64Array(b, at, n) },
  i32: { make: (n) => new Int32Array(n), view: (b, at, n) => new Int32Array(b, at, n) },
  i64: { make: (n) => new BigInt64Array(n), view: (b, at, n) => new BigInt64Array(b, at, n) },
  i16pair: { make: (n) => new Int32Array(n), view: (b, at, n) => new Int32Array(b, at, n) },
  i8: { make: (n) => new Int8Array(n), view: (b, at, n) => new Int8Array(b, at, n) },
  u8: { make: (n) => new Uint8Array(n), view: (b, at, n) => new Uint8Array(b, at, n) },
  i16: { make: (n) => new Int16Array(n), view: (b, at, n) => new Int16Array(b, at, n) },
};

const bytesOf = (numbers: Numbers): Uint8Array =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

interface Case {
  readonly kind: UnitKind;
  readonly stored: keyof typeof ARRAYS;
  readonly batches: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly layouts: readonly [Layout, Layout, Layout];
  readonly options?: Partial<Product>;
  readonly element?: MatrixOperand["element"];
}

const isFloat = (kind: UnitKind): boolean => kind === "f32" || kind === "f64";

/** Runs a product and compares every element; returns the largest error relative to the sum of |terms|. */
const check = (c: Case, values: (index: number) => number): number => {
  const { batches, m, n, k, kind } = c;
  const [left, right, result] = [
    lay(c.layouts[0], batches, m, k),
    lay(c.layouts[1], batches, k, n),
    lay(c.layouts[2], batches, m, n),
  ];
  const fill = (numbers: Numbers, salt: number): void => {
    for (let i = 0; i < numbers.length; i++) {
      const value = values(i * 2 + salt);
      numbers[i] = (numbers instanceof BigInt64Array ? BigInt(Math.trunc(value * 1e6)) : value) as never;
    }
  };
  const [a, b] = [ARRAYS[c.stored].make(left.elements), ARRAYS[c.stored].make(right.elements)];
  const out = ARRAYS[kind].make(result.elements);
  fill(a, 0);
  fill(b, 1);
  fill(out, 2);
  const before = out.slice() as Numbers;
  const loaded = load([a, b, out].map((x) => x.byteLength), (module) =>
    emitProduct(module, {
      kind,
      batch: [batches],
      m,
      n,
      k,
      left: { ...left.operand, element: c.element },
      right: { ...right.operand, element: c.element },
      result: result.operand,
      fused: false,
      ...c.options,
    }));
  const memory = new Uint8Array(loaded.memory.buffer);
  [a, b, out].forEach((numbers, i) => memory.set(bytesOf(numbers), loaded.at[i]));
  loaded.run();
  const got = ARRAYS[kind].view(loaded.memory.buffer as ArrayBuffer, loaded.at[2], result.elements);
  return compare(c, { a, b, before, got }, { left: left.operand, right: right.operand, result: result.operand });
};

interface Operands {
  readonly a: Numbers;
  readonly b: Numbers;
  readonly before: Numbers;
  readonly got: Numbers;
}

/** Largest error of a float result relative to the sum of |terms|; integers must be exact. */
const errorOf = (kind: UnitKind, got: number | bigint, start: number | bigint, terms: ReadonlyArray<Term>): number => {
  if (!isFloat(kind)) {
    const sum = terms.reduce((total, [x, y]) => total + BigInt(x) * BigInt(y), BigInt(start));
    assert.equal(BigInt(got), BigInt.asIntN(kind === "i64" ? 64 : 32, sum));
    return 0;
  }
  let [sum, size] = [Number(start), Math.abs(Number(start))];
  for (const [x, y] of terms) {
    sum += Number(x) * Number(y);
    size += Math.abs(Number(x) * Number(y));
  }
  if (Number.isNaN(sum) || !Number.isFinite(size)) {
    assert.deepEqual(got, sum);
    return 0;
  }
  const error = Math.abs(Number(got) - sum) / (size === 0 ? 1 : size);
  assert(Number.isFinite(error), `it is ${got}, not ${sum}`);
  return error;
};

type Term = readonly [number | bigint, number | bigint];

/** Compares every element, also those between results, which must be as they were. */
const compare = (
  { batches, m, n, k, kind, options }: Case,
  { a, b, before, got }: Operands,
  strides: { readonly [side in "left" | "right" | "result"]: ReturnType<typeof lay>["operand"] },
): number => {
  const { left, right, result } = strides;
  const written = new Set<number>();
  let worst = 0;
  for (let batch = 0; batch < batches; batch++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const at = batch * result.batch[0] + i * result.row + j * result.column;
        written.add(at);
        const terms = Array.from({ length: k }, (_, p): Term => [
          a[batch * left.batch[0] + i * left.row + p * left.column],
          b[batch * right.batch[0] + p * right.row + j * right.column],
        ]);
        worst = Math.max(worst, errorOf(kind, got[at], options?.accumulate === true ? before[at] : 0, terms));
      }
    }
  }
  for (let i = 0; i < got.length; i++) {
    if (!written.has(i)) assert.deepEqual(got[i], before[i], `element ${i} is between results and was written`);
  }
  return worst;
};

const TOLERANCE = { f32: 2 ** -22, f64: 2 ** -51 } as const;
const uniform = (seed: number) => {
  const next = seeded(seed);
  return (): number => next() * 2 - 1;
};
const label = (c: Case): string => `${c.kind} ${c.batches}×${c.m}x${c.k}x${c.n} ${c.layouts.join("/")}`;
const agrees = (c: Case, seed: number): void => {
  const kind = c.kind as "f32" | "f64";
  let worst = 0;
  try {
    worst = check(c, isFloat(c.kind) ? uniform(seed) : uniformInteger(seed, c.stored));
  } catch (thrown) {
    throw new Error(`${label(c)}: ${(thrown as Error).message}`);
  }
  if (isFloat(c.kind)) assert(worst <= TOLERANCE[kind] * Math.max(1, Math.sqrt(c.k)), `${label(c)}: ${worst}`);
};
const uniformInteger = (seed: number, stored: string) => {
  const next = seeded(seed);
  const range = stored === "i8" || stored === "u8"
    ? 256
    : stored === "i16"
    ? 65_536
    : stored === "i64"
    ? 2e12
    : 2 ** 32;
  return (): number => Math.floor((next() - (stored === "u8" ? 0 : 0.5)) * range);
};

Deno.test("products of every remainder of the tile agree with loops, in all layouts of the operands", () => {
  let seed = 1;
  for (const m of [1, 2, 5, 6, 7, 13]) {
    for (const n of [1, 3, 4, 5, 8, 9, 17]) {
      for (const k of [1, 3, 4, 5, 9]) {
        const at = seed++;
        const layouts = [LAYOUTS[at % 3], LAYOUTS[Math.floor(at / 3) % 3], LAYOUTS[Math.floor(at / 9) % 3]] as const;
        agrees({ kind: "f32", stored: "f32", batches: 1 + at % 2, m, n, k, layouts }, at);
      }
    }
  }
});

Deno.test("all combinations of layouts agree with loops, for every kind of number", () => {
  let seed = 1000;
  const kinds: ReadonlyArray<readonly [UnitKind, Case["stored"], MatrixOperand["element"]]> = [
    ["f32", "f32", undefined],
    ["f64", "f64", undefined],
    ["i32", "i32", undefined],
    ["i64", "i64", undefined],
    ["i16pair", "i8", { read: "i32.load8_s", bytes: 1 }],
    ["i16pair", "u8", { read: "i32.load8_u", bytes: 1 }],
    ["i16pair", "i16", { read: "i32.load16_s", bytes: 2 }],
  ];
  for (const [kind, stored, element] of kinds) {
    for (const x of LAYOUTS) {
      for (const y of LAYOUTS) {
        for (const z of LAYOUTS) {
          agrees({ kind, stored, batches: 2, m: 29, n: 19, k: 11, layouts: [x, y, z], element }, seed++);
        }
      }
    }
  }
});

Deno.test("zero sizes: no rows, no columns, no batches write nothing; no terms write zeros", () => {
  for (const [batches, m, n, k] of [[1, 0, 5, 3], [1, 5, 0, 3], [0, 5, 5, 3], [1, 7, 9, 0], [3, 1, 1, 0]]) {
    agrees({ kind: "f32", stored: "f32", batches, m, n, k, layouts: ["rows", "rows", "rows"] }, 7);
    agrees({ kind: "f64", stored: "f64", batches, m, n, k, layouts: ["rows", "columns", "rows"] }, 7);
  }
});

Deno.test("sums in blocks, columns in parts and every choice of packing give the same as loops", () => {
  let seed = 2000;
  for (const packLeft of [false, true]) {
    for (const packRight of [false, true]) {
      for (const [batches, m, n, k] of [[1, 26, 37, 45], [5, 14, 21, 33], [1, 12, 16, 32]]) {
        for (const layout of LAYOUTS) {
          const tuning = { packLeft, packRight, blockTerms: 16, blockRows: 12, blockColumns: 16, unroll: 4 };
          const layouts = [layout, LAYOUTS[seed % 3], "rows"] as const;
          agrees({ kind: "f32", stored: "f32", batches, m, n, k, layouts, options: { tuning } }, seed++);
          agrees(
            { kind: "f64", stored: "f64", batches, m, n, k, layouts, options: { tuning, accumulate: true } },
            seed++,
          );
        }
      }
    }
  }
});

Deno.test("tiles of other machines are right too", () => {
  for (
    const tile of [{ rows: 8, vectors: 2 }, { rows: 4, vectors: 4 }, { rows: 3, vectors: 3 }, { rows: 1, vectors: 1 }]
  ) {
    for (const kind of ["f32", "f64"] as const) {
      const layouts = ["rows", "rows", "rows"] as const;
      agrees({ kind, stored: kind, batches: 1, m: 19, n: 37, k: 21, layouts, options: { tile } }, 5);
      agrees({ kind, stored: kind, batches: 1, m: 16, n: 32, k: 8, layouts, options: { tile, accumulate: true } }, 6);
    }
  }
});

Deno.test("a few rows by a large matrix, and a large matrix by a few columns, agree with loops in every layout", () => {
  let seed = 3000;
  const shapes = [[1, 517, 33], [2, 1030, 17], [3, 1025, 9], [4, 300, 61], [1, 5, 2048], [517, 1, 33], [130, 2, 65]];
  for (const [m, n, k] of [...shapes, [257, 3, 70], [300, 4, 41], [1, 1, 9000], [2, 3, 5001], [1, 4097, 8]]) {
    for (const x of LAYOUTS) {
      for (const y of LAYOUTS) {
        // Large shapes in one kind, by turns: bigints are slow.
        const kinds = [["f32", "rows"], ["f64", "columns"], ["i32", "sparse"], ["i64", "rows"]] as const;
        for (const [kind, z] of m * n * k > 40_000 ? [kinds[seed % 2]] : kinds) {
          const accumulate = seed % 2 === 0;
          agrees({ kind, stored: kind, batches: 2, m, n, k, layouts: [x, y, z], options: { accumulate } }, seed++);
        }
      }
    }
  }
});

Deno.test("strict products give the very bits of multiply then add in order of k", () => {
  const [m, n, k] = [13, 21, 37];
  const next = uniform(99);
  const [a, b] = [Float32Array.from({ length: m * k }, next), Float32Array.from({ length: k * n }, next)];
  const loaded = load([a.byteLength, b.byteLength, m * n * 4], (module) =>
    emitProduct(module, {
      kind: "f32",
      batch: [],
      m,
      n,
      k,
      left: { batch: [], row: k, column: 1 },
      right: { batch: [], row: n, column: 1 },
      result: { batch: [], row: n, column: 1 },
      fused: false,
      tuning: { blockTerms: 8 },
    }));
  new Float32Array(loaded.memory.buffer, loaded.at[0], a.length).set(a);
  new Float32Array(loaded.memory.buffer, loaded.at[1], b.length).set(b);
  loaded.run();
  const got = new Float32Array(loaded.memory.buffer, loaded.at[2], m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum = Math.fround(sum + Math.fround(a[i * k + p] * b[p * n + j]));
      assert.equal(got[i * n + j], sum);
    }
  }
});

Deno.test("NaN and infinities come through, and only to the results they belong to", () => {
  const special = [NaN, Infinity, -Infinity, 0, -0, 1, -2, 3e38, 1e-45];
  const next = seeded(3);
  const mostly = (): number => next() < 0.05 ? special[Math.floor(next() * special.length)] : next() - 0.5;
  for (const [m, n, k] of [[7, 9, 12], [6, 8, 4], [30, 11, 5]]) {
    check({ kind: "f64", stored: "f64", batches: 1, m, n, k, layouts: ["rows", "rows", "rows"] }, mostly);
    check({ kind: "f32", stored: "f32", batches: 1, m, n, k, layouts: ["columns", "columns", "rows"] }, mostly);
  }
});

Deno.test("a prologue is applied to each element once packed, and an epilogue to each result, in registers or in memory", () => {
  const [batch, m, n, k] = [3, 17, 13, 10];
  const next = uniform(5);
  const a = Float32Array.from({ length: batch * m * k }, next);
  const b = Float32Array.from({ length: batch * k * n }, next);
  const bias = Float32Array.from({ length: n + 4 }, next);
  for (const inline of [true, false]) {
    for (const blockTerms of [4, 256]) {
      const loaded = load(
        [a.byteLength, b.byteLength, batch * m * n * 4, bias.byteLength],
        (module) =>
          emitProduct(module, {
            kind: "f32",
            batch: [batch],
            m,
            n,
            k,
            left: {
              batch: [m * k],
              row: k,
              column: 1,
              // Twice the element, plus its row.
              load: (code, { base, row, column }) => {
                code.get(base).get(row).times(k).get(column).op("i32.add").times(4).op("i32.add").memory("f32.load");
                code.f32(2).op("f32.mul").get(row).op("f32.convert_i32_s").op("f32.add");
              },
            },
            right: {
              batch: [k * n],
              row: n,
              column: 1,
              load: (code, { base, row, column }) =>
                void code.get(base).get(row).times(n).get(column).op("i32.add").times(4).op("i32.add").memory(
                  "f32.load",
                )
                  .op("f32.neg"),
              loadVector: {
                along: "column",
                write: (code, { base, row, column }) =>
                  void code.get(base).get(row).times(n).get(column).op("i32.add").times(4).op("i32.add")
                    .memory("v128.load").op("f32x4.neg"),
              },
            },
            result: { batch: [m * n], row: n, column: 1 },
            fused: true,
            pointers: 1,
            tuning: { blockTerms },
            epilogue: {
              inline,
              // Sum plus bias of the column, stored.
              write: (code, sums, place) => {
                const from = addressOf(code, { ...place, base: place.pointers[0] }, {
                  batch: [0],
                  row: 0,
                  column: 1,
                  bytes: 4,
                });
                code.memory("v128.load", from).get(sums).op("f32x4.add").set(sums);
                const at = code.local("i32");
                const to = addressOf(code, place, { batch: [m * n], row: n, column: 1, bytes: 4 });
                code.set(at);
                for (let lane = 0; lane < place.lanes; lane++) {
                  code.get(at).get(sums).lane("v128.store32_lane", lane, to + lane * 4);
                }
                code.release(at);
              },
            },
          }),
        1,
      );
      const memory = loaded.memory.buffer;
      [a, b].forEach((x, i) => new Float32Array(memory, loaded.at[i], x.length).set(x));
      new Float32Array(memory, loaded.at[3], bias.length).set(bias);
      loaded.run();
      const got = new Float32Array(memory, loaded.at[2], batch * m * n);
      for (let z = 0; z < batch; z++) {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let sum = bias[j];
            for (let p = 0; p < k; p++) sum -= (2 * a[(z * m + i) * k + p] + i) * b[(z * k + p) * n + j];
            assert(Math.abs(got[(z * m + i) * n + j] - sum) < 1e-4, `${inline} ${blockTerms} (${z},${i},${j})`);
          }
        }
      }
    }
  }
});

Deno.test("the tile of sixteen registers leaves one for the engine, and machines with more have a larger one", () => {
  assert.equal(TILE_16_REGISTERS.rows * TILE_16_REGISTERS.vectors + TILE_16_REGISTERS.vectors + 1, 15);
  for (
    const [architecture, tile] of [["x64", TILE_16_REGISTERS], ["arm64", TILE_32_REGISTERS], [
      "",
      TILE_16_REGISTERS,
    ]] as const
  ) {
    assert.equal(machineTile(vectorRegisters(architecture)), tile);
  }
});

Deno.test("a tile changes no bit of a result, nor does what is packed", () => {
  const [m, n, k] = [61, 45, 83];
  const next = uniform(77);
  const [a, b] = [Float32Array.from({ length: m * k }, next), Float32Array.from({ length: k * n }, next)];
  const resultOf = (options: Partial<Product>): Uint32Array => {
    const loaded = load([a.byteLength, b.byteLength, m * n * 4], (module) =>
      emitProduct(module, {
        kind: "f32",
        batch: [],
        m,
        n,
        k,
        left: { batch: [], row: k, column: 1 },
        right: { batch: [], row: n, column: 1 },
        result: { batch: [], row: n, column: 1 },
        fused: true,
        ...options,
      }));
    new Float32Array(loaded.memory.buffer, loaded.at[0], a.length).set(a);
    new Float32Array(loaded.memory.buffer, loaded.at[1], b.length).set(b);
    loaded.run();
    return new Uint32Array(loaded.memory.buffer, loaded.at[2], m * n).slice();
  };
  const first = resultOf({});
  for (const tile of [TILE_16_REGISTERS, TILE_32_REGISTERS, { rows: 4, vectors: 4 }, { rows: 1, vectors: 1 }]) {
    for (const packLeft of [false, true]) {
      for (const packRight of [false, true]) {
        assert.deepEqual(resultOf({ tile, tuning: { packLeft, packRight } }), first);
      }
    }
  }
});
