/**
 * Linear algebra's handlers: tensors as JSON in, factors as JSON out, matrix by matrix.
 *
 * Invariant: what a call costs is paid before it starts, and it gives way while it works.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import { Budget } from "../../kernel/meter.ts";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { inSlices } from "../../kernel/slices.ts";
import { type IrFailure, isIrFailure, type TensorJson } from "../ir/library.ts";
import { choleskySteps } from "./cholesky.ts";
import { eigenSteps, eigenSymmetricSteps } from "./eigen.ts";
import { isLinalgFailure, type LinalgFailure } from "./failures.ts";
import { pairsOf, type Stack, stacked, stackOf } from "./interchange.ts";
import { leastSquaresSteps } from "./least_squares.ts";
import { determinantSteps, inverseSteps, lowerOf, luSteps, solveSteps, upperOf } from "./lu.ts";
import { asymmetry, type Matrix, type Steps, zeroMatrix } from "./matrix.ts";
import { normsSteps } from "./norms.ts";
import { operations } from "./operations.ts";
import { qrSteps } from "./qr.ts";
import { svdSteps } from "./svd.ts";

type Expected = LinalgFailure | IrFailure;

/** Runs steps between which the call may be interrupted; a refusal is the answer, not an exception. */
const answered = function* <A>(steps: Steps<A>): Generator<void, Result.Result<A, Expected>> {
  try {
    return Result.succeed(yield* steps);
  } catch (thrown) {
    if (isLinalgFailure(thrown) || isIrFailure(thrown)) return Result.fail(thrown);
    throw thrown;
  }
};

const attempted = <A>(compute: () => A): Effect.Effect<A, Expected> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(compute());
    } catch (thrown) {
      if (isLinalgFailure(thrown) || isIrFailure(thrown)) return Effect.fail(thrown);
      throw thrown;
    }
  });

/** Scalar steps of a factorisation, to the first digit: iterations visit a matrix so many times. */
const VISITS = 30;

const fuelOf = (matrices: ReadonlyArray<Matrix>): number =>
  matrices.reduce((sum, { rows, columns }) => sum + VISITS * (1 + rows * columns * Math.min(rows, columns)), 0);

/** One answer for each item, paid for and in slices. */
const each = <I, A>(
  matrices: ReadonlyArray<Matrix>,
  items: ReadonlyArray<I>,
  steps: (item: I) => Steps<A>,
) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    yield* account.spend("fuel", fuelOf(matrices));
    return yield* Effect.forEach(
      items,
      (item) => Effect.flatMap(inSlices(() => answered(steps(item))), (result) => Effect.fromResult(result)),
    );
  });

const eachMatrix = <A>({ matrices }: Stack, steps: (matrix: Matrix) => Steps<A>) => each(matrices, matrices, steps);

type Part = readonly [shape: ReadonlyArray<number>, numbers: ArrayLike<number>];

/** Answers as tensors: the shape and the numbers of each member, by name. */
const members = <A, const M extends { readonly [name: string]: (answer: A) => Part }>(
  { batch }: Stack,
  answers: ReadonlyArray<A>,
  read: M,
  integers: ReadonlyArray<keyof M> = [],
): { readonly [K in keyof M]: TensorJson } =>
  Object.fromEntries(
    Object.entries(read).map(([name, part]) => {
      const parts = answers.map(part);
      return [name, stacked(batch, parts[0][0], parts.map(([, numbers]) => numbers), integers.includes(name))];
    }),
  ) as never;

const whole = ({ rows, columns, data }: Matrix): Part => [[rows, columns], data];
const list = (numbers: ArrayLike<number>): Part => [[numbers.length], numbers];
const single = (number: number): Part => [[], [number]];

/** Symmetric where all are, so that a stack has answers of one kind. */
const isSymmetric = ({ matrices }: Stack): boolean =>
  matrices.every((a) => a.rows === a.columns && asymmetry(a) === undefined);

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [],
  layer: Layer.empty,
  handlers: {
    "linalg.lu": ({ a }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        const found = yield* eachMatrix(stack, luSteps);
        return members(stack, found, {
          l: (answer) => whole(lowerOf(answer)),
          u: (answer) => whole(upperOf(answer)),
          permutation: ({ permutation }) => list(permutation),
        }, ["permutation"]);
      }),
    "linalg.solve": ({ a, b }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        const pairs = yield* attempted(() => pairsOf(stack, stackOf(b, "b")));
        const found = yield* each(stack.matrices, pairs, ([matrix, right]) => solveSteps(matrix, right));
        return members(stack, found, { x: whole });
      }),
    "linalg.inverse": ({ a }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        return members(stack, yield* eachMatrix(stack, inverseSteps), { inverse: whole });
      }),
    "linalg.determinant": ({ a }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        return members(stack, yield* eachMatrix(stack, determinantSteps), {
          value: ({ value }) => single(value),
          sign: ({ sign }) => single(sign),
          logarithm: ({ logarithm }) => single(logarithm),
        });
      }),
    "linalg.cholesky": ({ a }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        return members(stack, yield* eachMatrix(stack, choleskySteps), { l: whole });
      }),
    "linalg.qr": ({ a, ...options }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        const found = yield* eachMatrix(stack, (matrix) => qrSteps(matrix, options));
        return members(stack, found, {
          q: ({ q }) => whole(q),
          r: ({ r }) => whole(r),
          permutation: ({ permutation }) => list(permutation),
        }, ["permutation"]);
      }),
    "linalg.svd": ({ a, rounds }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        const found = yield* eachMatrix(stack, (matrix) => svdSteps(matrix, rounds));
        return members(stack, found, {
          u: ({ u }) => whole(u),
          values: ({ values }) => list(values),
          vt: ({ vt }) => whole(vt),
        });
      }),
    "linalg.eigen": ({ a, symmetric: demanded, rounds }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        const symmetric = demanded ?? isSymmetric(stack);
        if (!symmetric) {
          const found = yield* eachMatrix(stack, (matrix) => eigenSteps(matrix, rounds));
          return {
            symmetric,
            ...members(stack, found, {
              real: ({ real }) => list(real),
              imaginary: ({ imaginary }) => list(imaginary),
              vectors: ({ vectors }) => whole(vectors),
              vectorsImaginary: ({ vectorsImaginary }) => whole(vectorsImaginary),
            }),
          };
        }
        const found = yield* eachMatrix(stack, (matrix) => eigenSymmetricSteps(matrix, rounds));
        return {
          symmetric,
          ...members(stack, found, {
            real: ({ values }) => list(values),
            imaginary: ({ values }) => list(new Float64Array(values.length)),
            vectors: ({ vectors }) => whole(vectors),
            vectorsImaginary: ({ vectors }) => whole(zeroMatrix(vectors.rows, vectors.columns)),
          }),
        };
      }),
    "linalg.leastSquares": ({ a, b, share }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        const pairs = yield* attempted(() => pairsOf(stack, stackOf(b, "b")));
        const found = yield* each(stack.matrices, pairs, ([matrix, right]) => leastSquaresSteps(matrix, right, share));
        return members(stack, found, {
          x: ({ x }) => whole(x),
          rank: ({ rank }) => single(rank),
          values: ({ values }) => list(values),
        }, ["rank"]);
      }),
    "linalg.norms": ({ a }) =>
      Effect.gen(function* () {
        const stack = yield* attempted(() => stackOf(a, "a"));
        return members(stack, yield* eachMatrix(stack, normsSteps), {
          one: ({ one }) => single(one),
          infinity: ({ infinity }) => single(infinity),
          frobenius: ({ frobenius }) => single(frobenius),
          largest: ({ largest }) => single(largest),
          spectral: ({ spectral }) => single(spectral),
          nuclear: ({ nuclear }) => single(nuclear),
          rank: ({ rank }) => single(rank),
          condition: ({ condition }) => single(condition),
        }, ["rank"]);
      }),
  },
});

export default plugin;
