import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { FlipWalk } from "../../../../plugins/evolution/discovery/flip_graph.ts";
import {
  bestScheme,
  decodeMultiplying,
  encodeMultiplying,
  multiplying,
  multiplyingStart,
  toldWalks,
  walked,
  walksOf,
} from "../../../../plugins/evolution/discovery/multiplying.ts";
import {
  additionsOf,
  decodeScheme,
  encodeScheme,
  faultsOf,
  type Scheme,
  schemeProgram,
  schemeText,
  schoolbook,
  type Sizes,
} from "../../../../plugins/evolution/discovery/scheme.ts";
import { check, parse, runNow, values } from "../../../../plugins/rmil/library.ts";

/** Strassen 1969, as in every textbook: rows a, b, c over (11, 12, 21, 22). */
const STRASSEN: Scheme = {
  sizes: [2, 2, 2],
  products: [
    { left: [1, 0, 0, 1], right: [1, 0, 0, 1], into: [1, 0, 0, 1] },
    { left: [0, 0, 1, 1], right: [1, 0, 0, 0], into: [0, 0, 1, -1] },
    { left: [1, 0, 0, 0], right: [0, 1, 0, -1], into: [0, 1, 0, 1] },
    { left: [0, 0, 0, 1], right: [-1, 0, 1, 0], into: [1, 0, 1, 0] },
    { left: [1, 1, 0, 0], right: [0, 0, 0, 1], into: [-1, 1, 0, 0] },
    { left: [-1, 0, 1, 0], right: [1, 1, 0, 0], into: [0, 0, 0, 1] },
    { left: [0, 1, 0, -1], right: [0, 0, 1, 1], into: [1, 0, 0, 0] },
  ],
};

/** The product of two matrices of big integers by a scheme: an independent reading of what a scheme means. */
const byScheme = ({ sizes: [n, , p], products }: Scheme, a: bigint[], b: bigint[]): bigint[] => {
  const out = Array<bigint>(n * p).fill(0n);
  const dot = (c: ReadonlyArray<number>, m: bigint[]) => c.reduce((sum, k, i) => sum + BigInt(k) * m[i], 0n);
  for (const { left, right, into } of products) {
    const m = dot(left, a) * dot(right, b);
    into.forEach((k, i) => out[i] += BigInt(k) * m);
  }
  return out;
};

const byDefinition = ([n, m, p]: Sizes, a: bigint[], b: bigint[]): bigint[] =>
  Array.from({ length: n * p }, (_, at) => {
    const [i, k] = [Math.floor(at / p), at % p];
    return Array.from({ length: m }, (_, j) => a[i * m + j] * b[j * p + k]).reduce((x, y) => x + y, 0n);
  });

const multiplies = (scheme: Scheme, seed: string): void => {
  const { sizes: [n, m, p] } = scheme;
  const chance = random(seed);
  const matrix = (count: number) => Array.from({ length: count }, () => BigInt(chance.below(2_000_001) - 1_000_000));
  for (let k = 0; k < 20; k++) {
    const [a, b] = [matrix(n * m), matrix(m * p)];
    assert.deepEqual(byScheme(scheme, a, b), byDefinition([n, m, p], a, b));
  }
};

Deno.test("Strassen's scheme has no faults, and with any coefficient changed it has some", () => {
  assert.equal(faultsOf(STRASSEN), 0);
  for (let r = 0; r < 7; r++) {
    for (const part of ["left", "right", "into"] as const) {
      for (let at = 0; at < 4; at++) {
        const products = STRASSEN.products.map((product, k) =>
          k === r ? { ...product, [part]: product[part].map((c, i) => i === at ? (c === 1 ? 0 : c + 1) : c) } : product
        );
        assert.ok(faultsOf({ ...STRASSEN, products }) > 0, `${r} ${part} ${at}`);
      }
    }
  }
});

Deno.test("Strassen's scheme takes 18 additions", () => {
  assert.equal(additionsOf(STRASSEN), 18);
});

Deno.test("the definition has n·m·p products and no faults, whatever the sizes", () => {
  for (const sizes of [[1, 1, 1], [2, 2, 2], [1, 2, 3], [3, 2, 4]] as const) {
    const scheme = schoolbook(sizes);
    assert.equal(scheme.products.length, sizes[0] * sizes[1] * sizes[2]);
    assert.equal(faultsOf(scheme), 0);
  }
});

for (const seed of [1, 2, 3, 4, 5]) {
  Deno.test(`a walk comes from 8 products to 7 for 2×2 matrices, and every scheme on its way is right: seed ${seed}`, () => {
    const walk = new FlipWalk(schoolbook([2, 2, 2]), random(seed), 50_000);
    for (let stretch = 0; stretch < 1000 && walk.products > 7; stretch++) {
      walk.walk(100, 7);
      assert.equal(faultsOf(walk.scheme()), 0);
    }
    assert.equal(walk.products, 7);
    multiplies(walk.scheme(), `matrices ${seed}`);
  });
}

Deno.test("a walk that goes up a product now and then stays right and within its bound", () => {
  const walk = new FlipWalk(schoolbook([2, 2, 3]), random("plus"), 20);
  for (let stretch = 0; stretch < 500; stretch++) {
    walk.walk(50, 1);
    assert.equal(faultsOf(walk.scheme()), 0);
    assert.ok(walk.products <= 16);
  }
});

Deno.test("the search reaches 7 and 11 products, and its state as JSON goes on to the same end", () => {
  for (const [sizes, products] of [[[2, 2, 2], 7], [[2, 2, 3], 11]] as const) {
    const search = multiplying(sizes, products, 3);
    const once = toldWalks(
      search,
      multiplyingStart(search, 2),
      walksOf(search, multiplyingStart(search, 2)).map(walked),
    );
    assert.equal(bestScheme(search, once).products.length, products);
    multiplies(bestScheme(search, once), "search");
    const again = decodeMultiplying(JSON.parse(JSON.stringify(encodeMultiplying(once))), search);
    assert.deepEqual(again, once);
  }
});

Deno.test("the order in which walks are walked changes nothing", () => {
  const search = multiplying([2, 2, 2], 6, 1);
  const short = { ...search, wanted: 7 };
  const jobs = walksOf(short, multiplyingStart(short, 3));
  const forward = jobs.map(walked);
  const backward = [...jobs].reverse().map(walked).reverse();
  assert.deepEqual(forward, backward);
});

Deno.test("a scheme as a program multiplies tensors", () => {
  const { root, symbols } = parse(schemeProgram(STRASSEN));
  const shape = { k: "Tensor", dtype: "f64", shape: [2, 2] } as const;
  assert.deepEqual(check(root, symbols, { inputs: { a: shape, b: shape } }).type, shape);
  const tensor = (list: number[]) => values.tensorValue("f64", [2, 2], new Uint8Array(Float64Array.from(list).buffer));
  const { value } = runNow(root, symbols, { inputs: { a: tensor([1, 2, 3, 4]), b: tensor([5, 6, 7, 8]) } })!;
  assert.ok(value.k === "Tensor");
  assert.deepEqual([...new Float64Array(value.bytes.slice().buffer)], [19, 22, 43, 50]);
});

Deno.test("a scheme for a reader names every product and every element of the result", () => {
  assert.deepEqual(schemeText(STRASSEN).slice(0, 2), ["m1 = (a11 + a22) (b11 + b22)", "m2 = (a21 + a22) (b11)"]);
  assert.equal(schemeText(STRASSEN).at(-4), "c11 = m1 + m4 - m5 + m7");
});

for (
  const [name, size] of [
    ["two sizes", [2, 2]],
    ["a size of zero", [2, 0, 2]],
    ["a size that is no whole number", [2, 2.5, 2]],
    ["a size beyond the limit", [9, 1, 1]],
  ] as const
) {
  Deno.test(`sizes are refused: ${name}`, () => {
    assert.throws(() => multiplying(size, 7, 0), { code: "EVOLUTION_SETTING", path: "/size" });
  });
}

Deno.test("16 elements of a matrix are taken, and 20 are one limit past it", () => {
  assert.equal(multiplying([4, 4, 4], 49, 0).wanted, 49);
  assert.throws(() => multiplying([4, 5, 1], 20, 0), { code: "EVOLUTION_LIMIT", path: "/size" });
});

Deno.test("a stored scheme that is malformed or does not multiply is refused", () => {
  const search = multiplying([2, 2, 2], 7, 0);
  const state = encodeMultiplying({ epoch: 1, steps: 1, still: 0, walks: [encodeScheme(STRASSEN)], best: [] });
  assert.throws(() => decodeMultiplying(state, search), { code: "EVOLUTION_STATE" });
  const wrong = encodeScheme({ ...STRASSEN, products: STRASSEN.products.slice(1) });
  const lame = encodeMultiplying({ epoch: 1, steps: 1, still: 0, walks: [wrong], best: [wrong] });
  assert.throws(() => decodeMultiplying(lame, search), { code: "EVOLUTION_STATE" });
  assert.throws(() => decodeScheme({ products: [{ left: [1] }] }, [2, 2, 2]), { code: "EVOLUTION_STATE" });
  assert.deepEqual(decodeScheme(encodeScheme(STRASSEN), [2, 2, 2]), STRASSEN);
});
