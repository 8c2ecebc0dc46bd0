/**
 * Index arithmetic agrees with arithmetic on numbers at every point of small iteration spaces.
 */
import assert from "node:assert/strict";
import { type Random, random } from "../../../../kernel/random.ts";
import {
  addIndices,
  type Affine,
  type Axis,
  axisIndex,
  divideIndex,
  flatIndex,
  literal,
  rangeOf,
  remainderIndex,
  replaceAxes,
  scaleIndex,
  splitIndex,
  stepOf,
} from "../../../../plugins/backends/codegen/affine.ts";

type Point = ReadonlyMap<number, number>;

const valueAt = (index: Affine, point: Point): number =>
  index.terms.reduce((sum, { atom, step }) => {
    if (atom.kind === "axis") return sum + step * point.get(atom.axis.id)!;
    assert.ok(atom.kind !== "value");
    const inner = valueAt(atom.of, point);
    assert.ok(inner >= 0, `${atom.key} divides ${inner}`);
    const quotient = Math.floor(inner / atom.by);
    return sum + step * (atom.kind === "quotient" ? quotient : inner - quotient * atom.by);
  }, index.constant);

const pointsOf = (axes: ReadonlyArray<Axis>): ReadonlyArray<Point> =>
  axes.reduce<ReadonlyArray<Point>>(
    (points, axis) =>
      points.flatMap((point) => Array.from({ length: axis.extent }, (_, turn) => new Map([...point, [axis.id, turn]]))),
    [new Map()],
  );

const AXES: ReadonlyArray<Axis> = [{ id: 0, extent: 3 }, { id: 1, extent: 4 }, { id: 2, extent: 5 }];

const POINTS = pointsOf(AXES);

type Judged = { readonly index: Affine; readonly at: (point: Point) => number };

/** A random index, and the same arithmetic on numbers. */
const grown = (draws: Random, depth: number): Judged => {
  if (depth === 0) {
    const axis = draws.pick(AXES);
    const constant = draws.below(9) - 3;
    return draws.below(3) === 0
      ? { index: literal(constant), at: () => constant }
      : { index: axisIndex(axis), at: (point) => point.get(axis.id)! };
  }
  const a = grown(draws, depth - 1);
  const number = 1 + draws.below(7);
  const kind = draws.below(5);
  if (kind === 0) return { index: scaleIndex(a.index, number - 4), at: (point) => a.at(point) * (number - 4) };
  if (kind === 1) return { index: divideIndex(a.index, number), at: (point) => Math.floor(a.at(point) / number) };
  if (kind === 2) {
    const at = (point: Point): number => a.at(point) - Math.floor(a.at(point) / number) * number;
    return { index: remainderIndex(a.index, number), at };
  }
  const b = grown(draws, depth - 1);
  return { index: addIndices(a.index, b.index), at: (point) => a.at(point) + b.at(point) };
};

Deno.test("sums, multiples, quotients and remainders of indices are those of numbers", () => {
  const draws = random("affine");
  for (let turn = 0; turn < 3000; turn++) {
    const { index, at } = grown(draws, 1 + draws.below(5));
    const [low, high] = rangeOf(index);
    for (const point of POINTS) {
      const wanted = at(point);
      assert.equal(valueAt(index, point) + 0, wanted + 0, index.key);
      assert.ok(low <= wanted && wanted <= high, `${wanted} is outside ${low} … ${high} of ${index.key}`);
    }
  }
});

Deno.test("a step that is known is the difference between neighbours", () => {
  const draws = random("steps");
  let known = 0;
  for (let turn = 0; turn < 1000; turn++) {
    const { index } = grown(draws, 3);
    const step = stepOf(index, AXES[2]);
    if (step === undefined) continue;
    known++;
    for (const point of POINTS) {
      const here = point.get(2)!;
      if (here + 1 === AXES[2].extent) continue;
      assert.equal(valueAt(index, new Map([...point, [2, here + 1]])) - valueAt(index, point), step);
    }
  }
  assert.ok(known > 500);
});

Deno.test("an index of a shape, flattened and split again, is itself", () => {
  const index = AXES.map(axisIndex);
  const shape = AXES.map(({ extent }) => extent);
  const flat = flatIndex(index, shape);
  assert.deepEqual(splitIndex(flat, shape).map(({ key }) => key), index.map(({ key }) => key));
});

Deno.test("whatever shape lies between, a flat position comes back as one axis", () => {
  const axis: Axis = { id: 7, extent: 360 };
  for (const shape of [[360], [2, 180], [8, 45], [3, 4, 30], [2, 2, 3, 5, 6], [5, 1, 72], [1, 360, 1]]) {
    const split = splitIndex(axisIndex(axis), shape);
    assert.equal(flatIndex(split, shape).key, axisIndex(axis).key, shape.join());
  }
});

Deno.test("two reshapes that undo each other leave no division", () => {
  const [i, j] = [{ id: 0, extent: 8 }, { id: 1, extent: 6 }];
  const through = splitIndex(flatIndex([axisIndex(i), axisIndex(j)], [8, 6]), [4, 2, 3, 2]);
  assert.equal(flatIndex(through, [4, 2, 3, 2]).key, flatIndex([axisIndex(i), axisIndex(j)], [8, 6]).key);
});

Deno.test("axes replaced by indices give the index at those places", () => {
  const draws = random("replace");
  for (let turn = 0; turn < 500; turn++) {
    const { index } = grown(draws, 3);
    const by = new Map([[0, addIndices(axisIndex(AXES[1]), literal(2))], [2, scaleIndex(axisIndex(AXES[0]), 2)]]);
    const made = replaceAxes(index, by);
    for (const point of POINTS) {
      const moved = new Map([[0, point.get(1)! + 2], [1, point.get(1)!], [2, point.get(0)! * 2]]);
      // The ranges known of the axes must hold for what replaces them.
      if (moved.get(0)! >= AXES[0].extent || moved.get(2)! >= AXES[2].extent) continue;
      assert.equal(valueAt(made, point) + 0, valueAt(index, moved) + 0);
    }
  }
});
