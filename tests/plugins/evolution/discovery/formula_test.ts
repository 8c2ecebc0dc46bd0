import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { Workbench } from "../../../../plugins/evolution/discovery/evaluate.ts";
import {
  affine,
  applied,
  bare,
  compareForms,
  constant,
  constantsOf,
  decodeFormula,
  encodeFormula,
  formOf,
  type Formula,
  replaced,
  subtree,
  tidied,
  valueAt,
  variable,
  withConstants,
} from "../../../../plugins/evolution/discovery/formula.ts";
import {
  type Binary,
  primitive,
  PRIMITIVE_NAMES,
  type PrimitiveName,
  type Unary,
} from "../../../../plugins/evolution/discovery/primitives.ts";
import { alphabetOf, child, grown } from "../../../../plugins/evolution/discovery/vary.ts";

const x = variable(0);
const y = variable(1);
const c = constant;
const CHANCE = random("formula tests");
const ALL = alphabetOf(PRIMITIVE_NAMES, 2);
const close = (a: number, b: number) => a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));

/** A tree as it was drawn, and what it computes, without any rule. */
interface Plain {
  readonly formula: Formula;
  readonly at: (point: ReadonlyArray<number>) => number;
}

const drawn = (depth: number, chance: typeof CHANCE): Plain => {
  if (depth === 0 || chance.float() < 0.2) {
    if (chance.float() < 0.4) {
      const value = chance.below(9) - 4;
      return { formula: c(value), at: () => value };
    }
    const place = chance.below(2);
    return { formula: variable(place), at: (point) => point[place] };
  }
  const op = chance.pick(PRIMITIVE_NAMES);
  const row = primitive(op);
  const a = drawn(depth - 1, chance);
  if (row.arity === 1) return { formula: applied(op, a.formula), at: (point) => (row as Unary).at(a.at(point)) };
  const b = drawn(depth - 1, chance);
  return {
    formula: applied(op, a.formula, b.formula),
    at: (point) => (row as Binary).at(a.at(point), b.at(point)),
  };
};

/** Whether every part of a tree is an ordinary number at a point: rules may change what is not. */
const isTame = (formula: Formula, point: ReadonlyArray<number>): boolean => {
  const value = valueAt(formula, point);
  return Number.isFinite(value) && Math.abs(value) < 1e6 && (formula.a === undefined || isTame(formula.a, point)) &&
    (formula.b === undefined || isTame(formula.b, point));
};

Deno.test("a canonical formula has the value of what was written, wherever both are ordinary numbers", () => {
  let compared = 0;
  for (let k = 0; k < 3000; k++) {
    const { formula, at } = drawn(4, CHANCE.split(`value ${k}`));
    for (const point of [[0.3, -1.7], [2.5, 0.6]]) {
      const wanted = at(point);
      if (!Number.isFinite(wanted) || Math.abs(wanted) > 1e6 || !isTame(formula, point)) continue;
      assert.ok(close(valueAt(formula, point), wanted), `${formOf(formula)} at ${point}`);
      compared++;
    }
  }
  assert.ok(compared > 2000, `${compared}`);
});

const SAME: ReadonlyArray<readonly [string, Formula, Formula]> = [
  ["operands that commute", applied("add", x, y), applied("add", y, x)],
  ["constants of a sum", applied("add", c(1), applied("add", x, c(2))), applied("add", x, c(3))],
  ["constants of a product", applied("mul", c(2), applied("mul", c(3), x)), applied("mul", x, c(6))],
  ["a constant taken off", applied("sub", x, c(2)), applied("add", c(-2), x)],
  ["division by a constant", applied("div", x, c(4)), applied("mul", c(0.25), x)],
  ["zero in a sum", applied("add", c(0), x), x],
  ["one in a product", applied("mul", c(1), x), x],
  ["a sum of the same", applied("add", x, x), applied("mul", c(2), x)],
  ["a difference of the same", applied("sub", y, y), c(0)],
  ["a quotient of the same", applied("div", y, y), c(1)],
  ["a constant in a square", applied("square", applied("mul", c(3), x)), applied("mul", c(9), applied("square", x))],
  ["a constant in a root", applied("sqrt", applied("mul", c(4), x)), applied("mul", c(2), applied("sqrt", x))],
  [
    "a constant in a logarithm",
    applied("log", applied("mul", c(Math.E), x)),
    applied("add", c(Math.log(Math.E)), applied("log", x)),
  ],
  ["operators on constants", applied("sin", c(0)), c(0)],
];

for (const [name, one, other] of SAME) {
  Deno.test(`equal formulas have one form: ${name}`, () => {
    assert.deepEqual(encodeFormula(one), encodeFormula(other));
  });
}

Deno.test("the root of a negative constant stays inside, where it is no number either way", () => {
  assert.equal(formOf(applied("sqrt", applied("mul", c(-4), x))), "sqrt(mul(c,v0))");
});

Deno.test("other constants leave the form, and come back in the same order", () => {
  const formula = applied("div", applied("add", c(2), x), applied("exp", applied("mul", c(3), y)));
  const changed = withConstants(formula, [5, 7]);
  assert.equal(formOf(changed), formOf(formula));
  assert.deepEqual(constantsOf(changed), [5, 7]);
  assert.deepEqual(constantsOf(formula), [2, 3]);
});

Deno.test("constants that became 0 or 1 leave the tree when it is tidied", () => {
  const formula = withConstants(applied("add", c(2), applied("mul", c(3), x)), [0, 1]);
  assert.deepEqual(encodeFormula(tidied(formula)), { v: 0 });
});

Deno.test("a tidied formula has as few constants below zero as can be, and the same value", () => {
  const formula = affine(applied("sub", c(-1), applied("mul", c(-2), applied("sub", x, y))), -3, 0);
  const made = tidied(formula);
  assert.ok(close(valueAt(made, [0.7, 2]), -3 * (-1 + 2 * (0.7 - 2))));
  assert.ok(constantsOf(made).filter((value) => value < 0).length <= 1);
});

Deno.test("a bare formula differs from the whole by a scale and an offset", () => {
  const inner = applied("sin", applied("mul", x, y));
  assert.deepEqual(encodeFormula(bare(applied("add", c(3), applied("mul", c(-2), inner)))), encodeFormula(inner));
});

Deno.test("a part put in the place of a part is found there", () => {
  const chance = random("parts");
  for (let k = 0; k < 300; k++) {
    const whole = grown(ALL, 12, chance);
    const at = chance.below(whole.size);
    assert.deepEqual(encodeFormula(replaced(whole, at, subtree(whole, at))), encodeFormula(whole));
  }
});

Deno.test("the order of forms is one: opposite both ways, equal only for equal forms", () => {
  const chance = random("order");
  for (let k = 0; k < 500; k++) {
    const [a, b] = [grown(ALL, 6, chance), grown(ALL, 6, chance)];
    assert.equal(Math.sign(compareForms(a, b)), -Math.sign(compareForms(b, a)) || 0);
    assert.equal(compareForms(a, b) === 0, formOf(a) === formOf(b));
  }
});

Deno.test("children are within the limit, finite and no constants", () => {
  const chance = random("children");
  let born = 0;
  for (let k = 0; k < 2000; k++) {
    const made = child(grown(ALL, 10, chance), grown(ALL, 10, chance), ALL, 14, chance);
    if (made === undefined) continue;
    born++;
    assert.ok(made.size <= 14 && made.op !== "constant" && constantsOf(made).every(Number.isFinite));
  }
  assert.ok(born > 1000, `${born}`);
});

Deno.test("there is one zero", () => {
  assert.ok(Object.is(constant(-0).value, 0));
  assert.ok(Object.is(constantsOf(applied("mul", constant(-1), constant(0)))[0], 0));
});

Deno.test("a formula as JSON reads back to itself", () => {
  const chance = random("json");
  for (let k = 0; k < 300; k++) {
    const formula = grown(ALL, 15, chance);
    // The logarithm of a negative constant is no number, and no stored formula holds one.
    if (!constantsOf(formula).every(Number.isFinite)) continue;
    const json = JSON.parse(JSON.stringify(encodeFormula(formula)));
    assert.deepEqual(decodeFormula(json, 2), formula);
  }
});

const DEEP = Array.from({ length: 300 }).reduce((inner) => ["sin", inner], 1);

for (
  const [name, json] of [
    ["an operator that is none", ["pow", 1, 2]],
    ["too few operands", ["add", 1]],
    ["too many operands", ["sin", 1, 2]],
    ["a variable that is not there", { v: 2 }],
    ["a variable before the first", { v: -1 }],
    ["text", "x"],
    ["nothing", null],
    ["a tree that is too deep", DEEP],
  ] as const
) {
  Deno.test(`a stored formula is refused: ${name}`, () => {
    assert.throws(() => decodeFormula(json as never, 2), { code: "EVOLUTION_STATE" });
  });
}

const POINTS = 7;
const COLUMNS = [
  Float64Array.from({ length: POINTS }, (_, i) => 0.3 + 0.4 * i),
  Float64Array.from({ length: POINTS }, (_, i) => 2.1 - 0.2 * i),
];

Deno.test("values on all points are the values at each", () => {
  const chance = random("values");
  const bench = new Workbench(COLUMNS, POINTS);
  for (let k = 0; k < 300; k++) {
    const formula = grown(ALL, 12, chance);
    const values = bench.evaluate(formula);
    for (let i = 0; i < POINTS; i++) {
      assert.ok(Object.is(values[i], valueAt(formula, [COLUMNS[0][i], COLUMNS[1][i]])), formOf(formula));
    }
  }
});

for (const op of PRIMITIVE_NAMES) {
  Deno.test(`derivatives by constants agree with central differences: ${op}`, () => {
    const bench = new Workbench(COLUMNS, POINTS);
    const inner = { ...applied("add", applied("mul", c(0.7), x), y), constants: 1 };
    const formula = primitive(op).arity === 1
      ? applied(op as PrimitiveName, inner)
      : applied(op as PrimitiveName, inner, applied("add", c(1.3), applied("sin", applied("mul", c(0.4), y))));
    const constants = constantsOf(formula);
    bench.evaluate(formula);
    const slopes = bench.derivatives((column) => column.fill(1)).map((column) => column.slice());
    assert.equal(slopes.length, constants.length);
    constants.forEach((value, k) => {
      const h = 1e-6;
      const at = (shift: number, i: number) =>
        valueAt(withConstants(formula, constants.map((other, j) => j === k ? value + shift : other)), [
          COLUMNS[0][i],
          COLUMNS[1][i],
        ]);
      for (let i = 0; i < POINTS; i++) {
        const difference = (at(h, i) - at(-h, i)) / (2 * h);
        assert.ok(Math.abs(slopes[k][i] - difference) < 1e-6 * Math.max(1, Math.abs(difference)), `${k} ${i}`);
      }
    });
  });
}
