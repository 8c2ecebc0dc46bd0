import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import {
  applied,
  constant,
  constantsOf,
  type Formula,
  valueAt,
  variable,
} from "../../../../plugins/evolution/discovery/formula.ts";
import { formulaProgram, formulaText } from "../../../../plugins/evolution/discovery/notation.ts";
import { PRIMITIVE_NAMES } from "../../../../plugins/evolution/discovery/primitives.ts";
import { alphabetOf, grown } from "../../../../plugins/evolution/discovery/vary.ts";
import { decodeProgram, runNow, values } from "../../../../plugins/rmil/library.ts";

const x = variable(0);
const y = variable(1);
const NAMES = ["x", "a name with spaces"];

/** What a reader of the text would compute: the same text as JavaScript. */
const read = (text: string): (x: number, y: number) => number => {
  const functions = "const {sin, cos, exp, log, sqrt, abs, tanh} = Math;";
  return new Function("x", "y", `${functions} return ${text.replaceAll("^2", "**2")}`) as never;
};

const TEXTS: ReadonlyArray<readonly [Formula, string]> = [
  [applied("sub", x, applied("sub", y, x)), "x - (y - x)"],
  [applied("div", x, applied("mul", x, y)), "x/(x*y)"],
  [applied("mul", applied("add", x, y), x), "x*(x + y)"],
  [applied("square", applied("add", constant(1), x)), "(1 + x)^2"],
  [applied("square", applied("square", x)), "(x^2)^2"],
  [applied("sin", applied("mul", constant(-2), x)), "sin(-2*x)"],
  [applied("sub", y, applied("mul", constant(-2), x)), "y - (-2)*x"],
  [applied("mul", constant(1 / 3), x), "0.333333*x"],
];

for (const [formula, text] of TEXTS) {
  Deno.test(`a formula for a reader: ${text}`, () => assert.equal(formulaText(formula, ["x", "y"]), text));
}

Deno.test("a reader computes from the text what the formula is", () => {
  const chance = random("texts");
  const alphabet = alphabetOf(PRIMITIVE_NAMES, 2);
  let compared = 0;
  for (let k = 0; k < 500; k++) {
    const formula = grown(alphabet, 10, chance);
    if (!constantsOf(formula).every((value) => Number.isInteger(value) && Math.abs(value) < 1000)) continue;
    const wanted = valueAt(formula, [0.7, 1.9]);
    const found = read(formulaText(formula, ["x", "y"]))(0.7, 1.9);
    assert.ok(Object.is(wanted, found) || Math.abs(wanted - found) <= 1e-12 * Math.abs(wanted), `${wanted} ${found}`);
    compared++;
  }
  assert.ok(compared > 200, `${compared}`);
});

const numberOf = (value: ReturnType<typeof values.f64>): number => {
  assert.ok(value.k === "F64");
  return values.toFloat64(value);
};

Deno.test("the program of a formula gives its value, bit by bit but for the power, after its bytes were read back", () => {
  const chance = random("programs");
  const alphabet = alphabetOf(PRIMITIVE_NAMES, 2);
  let compared = 0;
  for (let k = 0; k < 150; k++) {
    const formula = grown(alphabet, 12, chance);
    if (!constantsOf(formula).every(Number.isFinite)) continue;
    const { bytes, flops } = formulaProgram(formula, NAMES);
    const { root, symbols } = decodeProgram(bytes);
    const wanted = valueAt(formula, [0.7, 1.9]);
    if (!Number.isFinite(wanted)) continue;
    const inputs = { x: values.f64(0.7), "a name with spaces": values.f64(1.9) };
    const found = formula.op === "constant" ? wanted : numberOf(runNow(root, symbols, { inputs })!.value as never);
    assert.ok(Math.abs(wanted - found) <= 1e-12 * Math.abs(wanted), `${wanted} ${found}`);
    assert.ok(flops >= 0);
    compared++;
  }
  assert.ok(compared > 80, `${compared}`);
});

Deno.test("the program of a formula works on whole columns", () => {
  const { program: { root, symbols } } = formulaProgram(applied("add", applied("square", x), y), ["x", "y"]);
  const column = (list: number[]) => values.tensorValue("f64", [3], new Uint8Array(Float64Array.from(list).buffer));
  const { value } = runNow(root, symbols, { inputs: { x: column([1, -2, 3]), y: column([10, 20, 30]) } })!;
  assert.ok(value.k === "Tensor");
  assert.deepEqual([...new Float64Array(value.bytes.slice().buffer)], [11, 24, 39]);
});

Deno.test("very large and very small constants keep all their digits", () => {
  for (const value of [1e21, 1.5e-7, Math.PI, -5e-324, 1.7976931348623157e308]) {
    const { program: { root, symbols } } = formulaProgram(applied("mul", constant(value), x), ["x"]);
    const found = numberOf(runNow(root, symbols, { inputs: { x: values.f64(1) } })!.value as never);
    assert.ok(Object.is(found, value), `${found}`);
  }
});
