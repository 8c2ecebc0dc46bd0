/**
 * The conformance suite: the reference passes it, and a backend with one mistake is caught, by the name of what is wrong.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import {
  type Backend,
  conform,
  type ConformOptions,
  type Executable,
  referenceBackend,
  type Report,
} from "../../../plugins/backends/library.ts";
import { casesOf } from "../../../plugins/backends/conformance/conform.ts";
import { differenceOf, EXACT, ulpsBetween } from "../../../plugins/backends/conformance/tolerance.ts";
import { unsupported } from "../../../plugins/backends/failures.ts";
import {
  CONTROL,
  elementAt,
  evaluate,
  makeProgram,
  parseProgram,
  PRIMITIVES,
  type Program,
  type Tensor,
  tensor,
  tensorFromJson,
} from "../../../plugins/ir/library.ts";

const report = (backend: Backend, options: ConformOptions = {}): Promise<Report> =>
  Effect.runPromise(conform(backend, options));

/** The reference with a mistake in its programs, its results or its steps. */
const mistaken = (
  { program = (given) => given, results = (given) => given }: {
    readonly program?: (given: Program) => Program;
    readonly results?: (given: ReadonlyArray<Tensor>, step: number) => ReadonlyArray<Tensor>;
  },
): Backend => ({
  ...referenceBackend,
  compile: (given, options) =>
    Effect.map(referenceBackend.compile(program(given), options), (made): Executable => {
      let step = 0;
      return { ...made, step: (inputs) => Effect.map(made.step(inputs), (found) => results(found, step++)) };
    }),
});

/** A program in which one primitive is another. */
const replacing = (op: string, by: string) => (program: Program): Program =>
  makeProgram(
    [...program.functions.values()].map((fn) => ({
      ...fn,
      nodes: fn.nodes.map((node) => node.op === op ? { ...node, op: by } : node),
    })),
    program.entry,
  );

Deno.test("every primitive and every control node but the call has cases", () => {
  const tried = new Set(casesOf("quick").map(({ op }) => op));
  const wanted = [...PRIMITIVES.map(({ name }) => name), ...Object.keys(CONTROL).filter((op) => op !== "call")];
  assert.deepEqual(wanted.filter((op) => !tried.has(op)), []);
});

Deno.test("names of cases are unique, so that a failing one can be found", () => {
  const names = casesOf("quick").map(({ name }) => name);
  assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
});

Deno.test("the reference passes its own suite, and the same report comes out again", async () => {
  const first = await report(referenceBackend);
  assert.equal(first.passed, first.cases);
  assert(first.cases > 1500, `${first.cases} cases`);
  assert.deepEqual(first.wrong, []);
  assert.deepEqual(await report(referenceBackend, { every: 20 }), await report(referenceBackend, { every: 20 }));
});

const PLANTED: ReadonlyArray<readonly [op: string, by: string]> = [
  ["max", "min"],
  ["add", "sub"],
  ["floor", "ceil"],
  ["and", "or"],
  ["exp", "expm1"],
  ["logistic", "tanh"],
  ["shift_right", "shift_left"],
  ["abs", "neg"],
  ["rem", "div"],
];

for (const [op, by] of PLANTED) {
  Deno.test(`a backend that computes ${by} for ${op} is caught at ${op}`, async () => {
    const { wrong } = await report(mistaken({ program: replacing(op, by) }), { ops: [op] });
    assert(wrong.length > 0);
    assert(wrong.every((found) => found.op === op));
  });
}

const changed = (given: Tensor, change: (value: number, index: number) => number): Tensor => ({
  ...given,
  data: given.dtype === "f32" ? (given.data as Float32Array<ArrayBuffer>).map(change) : given.data,
});

Deno.test("a last element that a vector loop left out is caught", async () => {
  const lost = mistaken({
    results: (given) =>
      given.map((each) =>
        changed(each, (value, i) => each.data.length % 4 !== 0 && i === each.data.length - 1 ? value + 1 : value)
      ),
  });
  const { wrong } = await report(lost, { ops: ["add"] });
  assert(wrong.some(({ name }) => name.includes("f32[43]")), JSON.stringify(wrong.map(({ name }) => name)));
});

Deno.test("a lost sign of zero is caught", async () => {
  const lost = mistaken({ results: (given) => given.map((each) => changed(each, (value) => value === 0 ? 0 : value)) });
  assert((await report(lost, { ops: ["neg"] })).wrong.some(({ reason }) => reason.includes("-0")));
});

Deno.test("a NaN that became a number is caught", async () => {
  const lost = mistaken({
    results: (given) => given.map((each) => changed(each, (value) => Number.isNaN(value) ? 0 : value)),
  });
  for (const op of ["max", "reduce", "sort"]) {
    assert((await report(lost, { ops: [op] })).wrong.some(({ reason }) => reason.includes("nan")), op);
  }
});

Deno.test("a sum that is wrong by one term is caught", async () => {
  const lost = mistaken({ results: (given) => given.map((each) => changed(each, (value) => value * (1 + 1e-5))) });
  const { wrong } = await report(lost, { ops: ["dot"] });
  assert(wrong.length > 0);
});

Deno.test("a second step that is not as the first is caught", async () => {
  const stale = mistaken({
    results: (given, step) => step === 0 ? given : given.map((each) => changed(each, (value) => value + 1)),
  });
  const { wrong } = await report(stale, { ops: ["add"] });
  assert(wrong.some(({ reason }) => reason.startsWith("in a second step")));
});

Deno.test("a wrong dtype and a missing result are caught", async () => {
  const missing = await report(mistaken({ results: (given) => given.slice(1) }), { ops: ["neg"] });
  assert(missing.wrong.every(({ reason }) => reason === "it gave 0 results instead of 1"));
  const other = mistaken({ results: (given) => given.map((each) => tensor("i4", each.shape, elementsOfZero(each))) });
  assert((await report(other, { ops: ["neg"] })).wrong.some(({ reason }) => reason.includes("instead of f32")));
});

const elementsOfZero = (of: Tensor) => Array.from({ length: of.data.length }, () => 0);

Deno.test("what a backend says it differs in is not held against it, and nothing else is excused", async () => {
  const lost = mistaken({ results: (given) => given.map((each) => changed(each, (value) => value === 0 ? 0 : value)) });
  const told: Backend = { ...lost, deviations: ["zeroSigns"] };
  assert.equal((await report(told, { ops: ["neg"] })).wrong.length, 0);
  assert((await report({ ...lost, deviations: ["nanOrder"] }, { ops: ["neg"] })).wrong.length > 0);
  const near = mistaken({ results: (given) => given.map((each) => changed(each, (value) => value * (1 + 1e-6))) });
  const approximate: Backend = { ...near, deviations: ["approximations"] };
  assert((await report(approximate, { ops: ["tanh"] })).wrong.length > 0, "one in a million is too far");
  assert((await report(approximate, { ops: ["add"] })).wrong.length > 0, "what is exact stays exact");
});

Deno.test("a refusal is counted, a refusal that was not announced is wrong", async () => {
  const refusing = (announced: boolean): Backend => ({
    ...referenceBackend,
    unsupported: () => announced ? [{ path: "/functions/main/nodes/0", op: "neg", reason: "it has no kernel" }] : [],
    compile: () =>
      Effect.fail(
        unsupported({ device: "x:0", op: "neg", reason: "it has no kernel", path: "/functions/main/nodes/0" }),
      ),
  });
  const told = await report(refusing(true), { ops: ["neg"] });
  assert.deepEqual([told.refused, told.wrong], [{ neg: told.cases }, []]);
  const untold = await report(refusing(false), { ops: ["neg"] });
  assert.equal(untold.wrong.length, untold.cases);
});

Deno.test("a failing case carries a program and inputs that reproduce what was expected", async () => {
  const { wrong } = await report(mistaken({ program: replacing("max", "min") }), { ops: ["max"] });
  const found = wrong.find(({ name }) => name.includes("f64[43]"))!;
  const [result] = evaluate(parseProgram(found.program), found.inputs.map((json) => tensorFromJson(json))).results;
  const [, index, expected] = /^element (\d+) of result 0 is \S+ instead of (\S+)$/u.exec(found.reason)!;
  assert.equal(String(elementAt(result, Number(index))).replace("NaN", "nan").replace("Infinity", "inf"), expected);
});

Deno.test("units in the last place: neighbours, zero, infinity, and each format's spacing", () => {
  assert.equal(ulpsBetween(1, 1 + 2 ** -23, "f32"), 1);
  assert.equal(ulpsBetween(1, 1 + 2 ** -52, "f64"), 1);
  assert.equal(ulpsBetween(1, 1 + 2 ** -10, "f16"), 1);
  assert.equal(ulpsBetween(256, 258, "bf16"), 1);
  assert.equal(ulpsBetween(0, 2 ** -149, "f32"), 1);
  assert.equal(ulpsBetween(0, 5e-324, "f64"), 1);
  assert.equal(ulpsBetween(3.4028234663852886e38, Infinity, "f32"), 1);
  assert.equal(ulpsBetween(2 ** -149, -(2 ** -149), "f32"), 2);
});

Deno.test("exact is exact: one unit, a NaN or a zero's sign is a difference; equal infinities are none", () => {
  const difference = (want: number, got: number) =>
    differenceOf(tensor("f32", [1], [want]), tensor("f32", [1], [got]), EXACT)?.index;
  assert.equal(difference(1, 1 + 2 ** -23), 0);
  assert.equal(difference(0, -0), 0);
  assert.equal(difference(NaN, 1), 0);
  assert.equal(difference(NaN, NaN), undefined);
  assert.equal(difference(Infinity, Infinity), undefined);
});

Deno.test("a sum's bound is that of its terms, at the limit and one past it", () => {
  const [want, terms] = [tensor("f64", [1], [0]), 9];
  const magnitudes = tensor("f64", [1], [1]);
  const limit = 10 * 2 ** -53;
  const at = (value: number) => differenceOf(want, tensor("f64", [1], [value]), { terms }, magnitudes);
  assert.equal(at(limit), undefined);
  assert.notEqual(at(limit * 1.01), undefined);
});
