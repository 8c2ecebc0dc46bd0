/**
 * Scheme: a way to multiply an n×m matrix by an m×p one with so many products of sums of their elements.
 *
 * Not the search for one (flip_graph.ts).
 * Invariant: `faultsOf` decides: a scheme is right exactly when all (n·m)·(m·p)·(n·p) identities of integers hold, which
 * makes it right over every ring.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { lit, print, values } from "../../rmil/library.ts";
import { badState } from "../failures.ts";

/** Sizes of a product: n×m by m×p. */
export type Sizes = readonly [n: number, m: number, p: number];

/** One product: the sum of elements of the left matrix times that of the right one, and where it is added. */
export interface Product {
  /** Coefficients of the left matrix's elements, row by row. */
  readonly left: ReadonlyArray<number>;
  /** Coefficients of the right matrix's elements, row by row. */
  readonly right: ReadonlyArray<number>;
  /** Coefficients with which it is added to the result's elements, row by row. */
  readonly into: ReadonlyArray<number>;
}

/** A scheme. */
export interface Scheme {
  /** Sizes. */
  readonly sizes: Sizes;
  /** Products. */
  readonly products: ReadonlyArray<Product>;
}

const unit = (length: number, at: number): ReadonlyArray<number> => Array.from({ length }, (_, i) => i === at ? 1 : 0);

/** The scheme of the definition: n·m·p products. */
export const schoolbook = ([n, m, p]: Sizes): Scheme => ({
  sizes: [n, m, p],
  products: Array.from({ length: n * m * p }, (_, at) => {
    const [i, j, k] = [Math.floor(at / (m * p)), Math.floor(at / p) % m, at % p];
    return { left: unit(n * m, i * m + j), right: unit(m * p, j * p + k), into: unit(n * p, i * p + k) };
  }),
});

/** Number of identities that do not hold. */
export const faultsOf = ({ sizes: [n, m, p], products }: Scheme): number => {
  let faults = 0;
  for (let a = 0; a < n * m; a++) {
    for (let b = 0; b < m * p; b++) {
      for (let c = 0; c < n * p; c++) {
        const [ai, aj, bi, bj] = [Math.floor(a / m), a % m, Math.floor(b / p), b % p];
        const wanted = aj === bi && c === ai * p + bj ? 1 : 0;
        const found = products.reduce((sum, { left, right, into }) => sum + left[a] * right[b] * into[c], 0);
        if (found !== wanted) faults++;
      }
    }
  }
  return faults;
};

/** Additions and subtractions that the scheme takes, done plainly. */
export const additionsOf = ({ sizes: [n, , p], products }: Scheme): number => {
  const terms = (list: ReadonlyArray<number>) => list.filter((c) => c !== 0).length;
  const inside = products.reduce((sum, { left, right }) => sum + terms(left) + terms(right) - 2, 0);
  return inside + products.reduce((sum, { into }) => sum + terms(into), 0) - n * p;
};

const SIGNS: { readonly [coefficient: number]: string } = { 1: " + ", [-1]: " - " };

const sumText = (name: string, columns: number, list: ReadonlyArray<number>): string => {
  const text = list.map((c, at) =>
    c === 0 ? "" : `${SIGNS[c] ?? ` + ${c}·`}${name}${Math.floor(at / columns) + 1}${at % columns + 1}`
  ).join("");
  return text.startsWith(" + ") ? text.slice(3) : `-${text.slice(3)}`;
};

/** The scheme for a reader: the products, then the elements of the result. */
export const schemeText = ({ sizes: [n, m, p], products }: Scheme): ReadonlyArray<string> => [
  ...products.map(({ left, right }, r) => `m${r + 1} = (${sumText("a", m, left)}) (${sumText("b", p, right)})`),
  ...Array.from({ length: n * p }, (_, at) => {
    const text = products.map(({ into }, r) => into[at] === 0 ? "" : `${SIGNS[into[at]] ?? ` + ${into[at]}·`}m${r + 1}`)
      .join("");
    return `c${Math.floor(at / p) + 1}${at % p + 1} = ${text.startsWith(" + ") ? text.slice(3) : `-${text.slice(3)}`}`;
  }),
];

const tensorText = (rows: ReadonlyArray<ReadonlyArray<number>>): string =>
  print(lit(values.tensorValue(
    "f64",
    [rows.length, rows[0].length],
    new Uint8Array(Float64Array.from(rows.flat()).buffer),
  )));

const transposed = (rows: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<ReadonlyArray<number>> =>
  rows[0].map((_, at) => rows.map((row) => row[at]));

/** The scheme as a program of the language: of tensors `a` and `b` of f64 it makes their product. */
export const schemeProgram = ({ sizes: [n, m, p], products }: Scheme): string => {
  const factor = (name: string, length: number, rows: ReadonlyArray<ReadonlyArray<number>>) =>
    `matmul(${tensorText(rows)}, reshape($${name}, (${length}, 1)))`;
  const multiplied = `mul(${factor("a", n * m, products.map(({ left }) => left))}, ${
    factor("b", m * p, products.map(({ right }) => right))
  })`;
  return `reshape(matmul(${tensorText(transposed(products.map(({ into }) => into)))}, ${multiplied}), (${n}, ${p}))`;
};

/** As JSON. */
export const encodeScheme = ({ sizes, products }: Scheme): Json => ({
  sizes: [...sizes],
  products: products.map(({ left, right, into }) => ({ left, right, into })),
});

/** A scheme of its JSON; throws EVOLUTION_STATE where it is malformed. */
export const decodeScheme = (json: Json, [n, m, p]: Sizes): Scheme => {
  const isList = (value: unknown, length: number): value is ReadonlyArray<number> =>
    Array.isArray(value) && value.length === length && value.every(Number.isSafeInteger);
  if (!isJsonObject(json) || !Array.isArray(json.products)) throw badState({ reason: "a scheme has no products" });
  const products = json.products.map((product: Json) => {
    if (
      !isJsonObject(product) || !isList(product.left, n * m) || !isList(product.right, m * p) ||
      !isList(product.into, n * p)
    ) throw badState({ reason: "a product of a scheme is malformed" });
    return { left: product.left, right: product.right, into: product.into };
  });
  return { sizes: [n, m, p], products };
};
