import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { described, simplified } from "../../../../plugins/evolution/discovery/describe.ts";
import { Workbench } from "../../../../plugins/evolution/discovery/evaluate.ts";
import { fit, refitted, Target } from "../../../../plugins/evolution/discovery/fit.ts";
import {
  applied,
  constant,
  constantsOf,
  encodeFormula,
  variable,
} from "../../../../plugins/evolution/discovery/formula.ts";
import { PRIMITIVE_NAMES } from "../../../../plugins/evolution/discovery/primitives.ts";
import { alphabetOf, grown } from "../../../../plugins/evolution/discovery/vary.ts";

const x = variable(0);
const COUNT = 60;
const XS = Float64Array.from({ length: COUNT }, (_, i) => -2 + 4 * i / (COUNT - 1));
const bench = () => new Workbench([XS], COUNT);
const targetOf = (of: (x: number) => number) => new Target(XS.map(of));

Deno.test("scale and offset are those of the straight line through two points' worth of data", () => {
  const found = fit(x, bench(), targetOf((v) => 3 * v - 5), { steps: 0 })!;
  assert.ok(Math.abs(found.scale - 3) < 1e-12 && Math.abs(found.offset + 5) < 1e-12 && found.error < 1e-24);
});

Deno.test("the slope of least squares has its closed form where the data are no line", () => {
  const target = targetOf(Math.exp);
  const found = fit(x, bench(), target, { steps: 0 })!;
  // The points lie evenly about 0, so the slope is Σ x·y / Σ x².
  const slope = XS.reduce((sum, v) => sum + v * Math.exp(v), 0) / XS.reduce((sum, v) => sum + v * v, 0);
  assert.ok(Math.abs(found.scale - slope) < 1e-12);
});

Deno.test("constants inside operators come back from far enough away", () => {
  const wave = applied("sin", applied("add", constant(0.1), applied("mul", constant(1.7), x)));
  const formula = applied("mul", applied("exp", applied("mul", constant(-0.4), x)), wave);
  const target = targetOf((v) => 3 * Math.exp(-0.7 * v) * Math.sin(2 * v + 0.3) + 1.5);
  const found = fit(formula, bench(), target, { steps: 60, least: 0 })!;
  assert.ok(found.error < 1e-20);
  const wanted = [-0.7, 0.3, 2];
  const sorted = [...constantsOf(found.formula)].sort((a, b) => a - b);
  wanted.forEach((value, k) => assert.ok(Math.abs(sorted[k] - value) < 1e-8, `${sorted}`));
  assert.ok(Math.abs(found.scale - 3) < 1e-8 && Math.abs(found.offset - 1.5) < 1e-8);
});

Deno.test("more steps never make the error larger", () => {
  const chance = random("steps");
  const alphabet = alphabetOf(PRIMITIVE_NAMES, 1);
  const target = targetOf((v) => Math.cos(3 * v) + v);
  for (let k = 0; k < 200; k++) {
    const formula = grown(alphabet, 9, chance);
    const errors = [0, 2, 10].map((steps) => fit(formula, bench(), target, { steps, least: 0 })?.error);
    if (errors[0] === undefined) continue;
    assert.ok(errors[1]! <= errors[0] && errors[2]! <= errors[1]!, `${errors}`);
  }
});

Deno.test("constants that are fixed stay, and the others still fit", () => {
  const formula = applied("exp", applied("mul", constant(0.5), x));
  const free = { scale: true, offset: true, constants: [false] };
  const target = targetOf((v) => 2 * Math.exp(v));
  const found = refitted({ formula, scale: 1, offset: 0 }, free, bench(), target, 20)!;
  assert.deepEqual(constantsOf(found.formula), [0.5]);
  const open = refitted({ formula, scale: 1, offset: 0 }, { ...free, constants: [true] }, bench(), target, 40)!;
  assert.ok(open.error < 1e-16 && open.error < found.error);
});

for (
  const [name, formula] of [
    ["the logarithm of a negative number", applied("log", x)],
    ["a division by zero", applied("div", constant(1), applied("sub", x, x))],
    ["an overflow", applied("exp", applied("exp", applied("square", applied("square", x))))],
    ["the same everywhere", applied("sub", applied("square", x), applied("mul", x, x))],
  ] as const
) {
  Deno.test(`a formula has no fit: ${name}`, () => {
    assert.equal(fit(formula, bench(), targetOf((v) => v), { steps: 5 }), undefined);
  });
}

Deno.test("a target that never changes has finite errors", () => {
  const found = fit(x, bench(), targetOf(() => 4), { steps: 3 })!;
  assert.ok(Number.isFinite(found.error) && Math.abs(found.offset - 4) < 1e-12);
});

Deno.test("constants that may as well be simple become so, and the account is shorter for it", () => {
  const chance = random("noise");
  const values = XS.map((v) => 0.5 * v * v - 3 + 0.001 * chance.normal());
  const fitted = fit(applied("square", x), bench(), new Target(values), { steps: 5 })!;
  const before = described(fitted, 12, COUNT);
  const after = simplified(fitted, 12, bench(), new Target(values));
  assert.ok(after.length < before.length);
  assert.deepEqual(encodeFormula(after.formula), ["sub", ["mul", 0.5, ["square", { v: 0 }]], 3]);
});

Deno.test("a constant that the data tell from every simple number stays what they say", () => {
  const chance = random("noise");
  const values = XS.map((v) => 0.5123456 * v * v + 1e-6 * chance.normal());
  const fitted = fit(applied("square", x), bench(), new Target(values), { steps: 5 })!;
  const { formula } = simplified(fitted, 12, bench(), new Target(values));
  assert.equal(constantsOf(formula).length, 1);
  assert.ok(Math.abs(constantsOf(formula)[0] - 0.5123456) < 1e-5);
});

Deno.test("of two formulas that fit alike, the smaller one has the shorter account", () => {
  const exact = { scale: 1, offset: 0, error: 1e-4 };
  const short = described({ formula: applied("sin", x), ...exact }, 12, COUNT);
  const long = described({ formula: applied("sin", applied("sqrt", applied("square", x))), ...exact }, 12, COUNT);
  assert.ok(short.length < long.length);
});
