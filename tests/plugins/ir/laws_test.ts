/**
 * Laws of arithmetic: each holds for every dtype it speaks of, at the values where laws break, and is used.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  type Dtype,
  DTYPE_NAMES,
  elements,
  type FunctionBuilder,
  isFloat,
  type Program,
  roundTo,
  type Tensor,
  tensor,
  toFloats,
  type Value,
} from "../../../plugins/ir/library.ts";
import { optimise } from "../../../plugins/ir/optimise.ts";
import { literalElement } from "../../../plugins/ir/passes/algebra.ts";
import { LAWS } from "../../../plugins/ir/passes/laws.ts";
import { CLASSES, CONSTANT_LETTERS, type Law, type Pattern } from "../../../plugins/ir/passes/pattern.ts";
import { priceOf } from "../../../plugins/ir/passes/price.ts";
import { sameBits } from "./judging.ts";
import { randomElement } from "./programs.ts";
import { run } from "./support.ts";

const COUNT = 96;

const lettersOf = (pattern: Pattern): ReadonlyArray<string> =>
  pattern.k === "value" ? [pattern.name] : pattern.k === "node" ? pattern.parts.flatMap(lettersOf) : [];

/** Builds a side; a literal has the type of what stands beside it. */
const build = (g: FunctionBuilder, pattern: Pattern, letters: ReadonlyMap<string, Value>, like: Value): Value => {
  if (pattern.k === "value") return letters.get(pattern.name)!;
  if (pattern.k === "literal") {
    const bool = pattern.literal === "true" || pattern.literal === "false";
    const type = bool ? { dtype: "bool" as const, shape: like.type.shape } : like.type;
    return g.full(type, literalElement(pattern.literal, type)!);
  }
  const isSelect = pattern.op === "select";
  const beside = pattern.parts.find((part, i) => part.k !== "literal" && !(isSelect && i === 0));
  const first = beside === undefined ? like : build(g, beside, letters, like);
  const operands = pattern.parts.map((part) => part === beside ? first : build(g, part, letters, first));
  return g.emit(pattern.op, operands, pattern.direction === undefined ? {} : { direction: pattern.direction })[0];
};

/** Both sides as programs over the law's letters; letters for known values are literals. */
const sides = (law: Law, dtype: Dtype, constants: ReadonlyMap<string, Tensor>): readonly [Program, Program] => {
  const names = [...new Set(lettersOf(law.left))];
  const open = names.filter((name) => !constants.has(name));
  const types = Object.fromEntries(open.map((name) => [name, `${name === "p" ? "bool" : dtype}[${COUNT}]`]));
  const program = (which: "left" | "right") =>
    buildProgram(types, (g, values) => {
      const letters = new Map<string, Value>(Object.entries(values));
      constants.forEach((value, name) => letters.set(name, g.broadcast(g.constant(value), [COUNT], [])));
      const like = open.map((name) => values[name]).find((value) => value.type.dtype === dtype) ?? values[open[0]];
      const left = build(g, law.left, letters, like);
      if (which === "left") return left;
      return build(g, law.right, letters, left);
    });
  return [program("left"), program("right")];
};

const FORBIDDEN: { readonly [need: string]: (x: number) => boolean } = {
  notNaN: Number.isNaN,
  notMinusZero: (x) => Object.is(x, -0),
  finite: (x) => !Number.isFinite(x),
  notBelowZero: (x) => x < 0,
};

const inputFor = (law: Law, letter: string, dtype: Dtype, seed: string): Tensor => {
  const draws = random(seed);
  const needs = law.needs[letter] ?? [];
  const draw = () => {
    const drawn = randomElement(draws, dtype);
    const x = typeof drawn === "number" ? roundTo(drawn, dtype) : drawn;
    return typeof x === "number" && needs.some((need) => FORBIDDEN[need](x)) ? 1 : x;
  };
  return tensor(dtype, [COUNT], Array.from({ length: COUNT }, draw));
};

const EDGES = [0, -0, 1, -1, 0.1, 1e-9, -0.7, NaN, Infinity, -Infinity, 1e-300, 1e300];

/** Values at which laws break, so few that letters often agree, among others. */
const wild = (dtype: Dtype, seed: string): Tensor => {
  const draws = random(seed);
  return tensor(
    dtype,
    [COUNT],
    Array.from({ length: COUNT }, () => draws.below(3) === 0 ? draws.normal() : draws.pick(EDGES)),
  );
};

const tame = (dtype: Dtype, seed: string): Tensor => {
  const draws = random(seed);
  return tensor(dtype, [COUNT], Array.from({ length: COUNT }, () => 0.5 + 1.5 * draws.float()));
};

const dtypesOf = (law: Law): ReadonlyArray<Dtype> =>
  DTYPE_NAMES.filter((dtype) => {
    const spoken = lettersOf(law.left)[0] === "p" ? true : CLASSES[law.of](dtype);
    const literals = (pattern: Pattern): boolean =>
      pattern.k === "node"
        ? pattern.parts.every(literals)
        : pattern.k === "value" || typeof pattern.literal === "string" ||
          literalElement(pattern.literal, { dtype, shape: [] }) !== undefined;
    if (law.of === "bool" && dtype !== "bool") return false;
    return spoken && literals(law.left) && literals(law.right);
  });

const exact = LAWS.filter((law) => !law.fast);
const TRIALS = 3;

Deno.test(`${exact.length} exact laws keep every bit, for every dtype and at the values where laws break`, () => {
  let judged = 0;
  for (const law of exact) {
    const dtypes = dtypesOf(law);
    assert.ok(dtypes.length > 0, law.name);
    for (const dtype of dtypes) {
      for (let trial = 0; trial < TRIALS; trial++) {
        const seed = `${law.name} ${dtype} ${trial}`;
        const names = [...new Set(lettersOf(law.left))];
        const constants = new Map(
          names.filter((name) => CONSTANT_LETTERS.has(name))
            .map((name) => [name, tensor(dtype, [], [randomElement(random(`${seed} ${name}`), dtype)])]),
        );
        const inputs = names.filter((name) => !constants.has(name))
          .map((name) => inputFor(law, name, name === "p" ? "bool" : dtype, `${seed} ${name}`));
        const [left, right] = sides(law, dtype, constants).map((program) => run(program, inputs));
        assert.ok(sameBits(left, right), `${law.name} for ${dtype}: ${elements(left)} is not ${elements(right)}`);
        judged++;
      }
    }
  }
  assert.ok(judged > 1000);
});

Deno.test("fast laws hold within rounding for tame numbers, and each changes some bit somewhere", () => {
  for (const law of LAWS.filter(({ fast }) => fast)) {
    let broken = false;
    for (const dtype of ["f32", "f64"] as const) {
      const names = [...new Set(lettersOf(law.left))];
      const constants = new Map(
        names.filter((name) => CONSTANT_LETTERS.has(name)).map((name, i) => [name, tensor(dtype, [], [0.7 + i / 3])]),
      );
      const open = names.filter((name) => !constants.has(name));
      const [left, right] = sides(law, dtype, constants);
      const inputs = open.map((name) => tame(dtype, `${law.name} ${name}`));
      const [a, b] = [left, right].map((program) => toFloats(run(program, inputs)));
      const tolerance = dtype === "f32" ? 4e-6 : 1e-14;
      a.forEach((x, i) => {
        assert.ok(
          Math.abs(x - b[i]) <= tolerance * Math.max(1, Math.abs(x)),
          `${law.name} for ${dtype}: ${x}, ${b[i]}`,
        );
      });
      const edges = open.map((name) => wild(dtype, `${law.name} wild ${name}`));
      broken ||= !sameBits(run(left, edges), run(right, edges));
    }
    assert.ok(broken, `${law.name} keeps every bit and should be an exact law`);
  }
});

Deno.test("every directed law is used: the left side becomes no dearer than the right", () => {
  for (const law of LAWS.filter(({ directed }) => directed)) {
    const dtypes = dtypesOf(law).filter((dtype) => !law.fast || isFloat(dtype));
    const used = dtypes.some((dtype) => {
      const names = [...new Set(lettersOf(law.left))];
      const constants = new Map(
        names.filter((name) => CONSTANT_LETTERS.has(name)).map((name, i) => [name, tensor(dtype, [], [i + 2])]),
      );
      if (Object.keys(law.needs).length > 0) return true;
      const [left, right] = sides(law, dtype, constants);
      const { program, stats } = optimise(left, { passes: ["algebra", "folding", "trimming"], fastMath: law.fast });
      const rules = stats.passes.find(({ pass }) => pass === "algebra")!.rules;
      return Object.keys(rules).length > 0 && priceOf(program) <= priceOf(right);
    });
    assert.ok(used, law.name);
  }
});

Deno.test("what a law needs to be known is looked for: x + 0 is x after a square, and stays after a sine", () => {
  const sum = (body: (g: FunctionBuilder, x: Value) => Value) =>
    optimise(buildProgram({ x: "f32[4]" }, (g, { x }) => g.add(body(g, x), 0)), { level: 1 }).program;
  const ops = (program: Program) => [...program.functions.values()].flatMap((fn) => fn.nodes.map(({ op }) => op));
  assert.deepEqual(ops(sum((g, x) => g.mul(x, x))), ["mul"]);
  assert.ok(ops(sum((g, x) => g.sin(x))).includes("add"));
});
