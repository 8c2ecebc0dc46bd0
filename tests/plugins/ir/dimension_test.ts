/**
 * Dimensions, the solver and types: polynomials judged by their values, the solver by the laws of equality.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  addDimensions,
  buildProgram,
  type Dimension,
  dimension,
  DimensionSolver,
  divideDimension,
  DTYPE_NAMES,
  matchDimensions,
  MAX_RANK,
  multiplyDimensions,
  parseType,
  printType,
  quotientOf,
  substitute,
  subtractDimensions,
  symbolsOf,
  tensorType,
} from "../../../plugins/ir/library.ts";
import { codeOf } from "./support.ts";

Deno.test("equal polynomials have one spelling", () => {
  assert.equal(dimension("S*B"), dimension("B*S"));
  assert.equal(dimension("(B+1)*(B-1)"), "B*B-1");
  assert.equal(dimension("2*(B+3)-6"), "2*B");
  assert.equal(dimension("B-B"), 0);
  assert.equal(dimension("div(2*B+5,2)"), "B+2");
  assert.equal(dimension("div(div(H,2)+4,2)"), "div(div(H,2),2)+2");
  assert.equal(dimension(" 2 + 3 "), 5);
});

Deno.test("random polynomials keep their value through printing, reading and substitution", () => {
  const draws = random("dimension");
  const make = (depth: number): Dimension => {
    const kind = depth === 0 ? draws.below(2) : draws.below(6);
    if (kind === 0) return draws.below(5);
    if (kind === 1) return draws.pick(["A", "B", "C"]);
    const [x, y] = [make(depth - 1), make(depth - 1)];
    if (kind === 2) return addDimensions(x, y);
    if (kind === 3) return multiplyDimensions(x, y);
    if (kind === 4) return subtractDimensions(x, y);
    return divideDimension(x, 1 + draws.below(4));
  };
  /** The value by JavaScript's own arithmetic on the text. */
  const valueOf = (text: Dimension, sizes: Record<string, number>): number => {
    const code = String(text).replaceAll("div(", "floor(");
    return new Function("floor", ...Object.keys(sizes), `return ${code}`)(
      (a: number, b: number) => Math.floor(a / b),
      ...Object.values(sizes),
    ) as number + 0;
  };
  for (let i = 0; i < 2000; i++) {
    const made = make(3);
    const sizes = { A: draws.below(9), B: draws.below(9), C: draws.below(9) };
    const bound = substitute(made, new Map(Object.entries(sizes)));
    assert.equal(bound, valueOf(made, sizes), String(made));
    if (typeof made === "string" && !made.startsWith("-") && valueOf(made, sizes) >= 0) {
      assert.equal(dimension(made), made);
    }
    const doubled = addDimensions(made, made);
    assert.equal(doubled, multiplyDimensions(2, made));
    assert.equal(subtractDimensions(doubled, made), made);
  }
});

Deno.test("an exact quotient is found where it is one, and none where it is not", () => {
  assert.equal(quotientOf("6*B*S+3*B", "3*B"), "2*S+1");
  assert.equal(quotientOf(12, 4), 3);
  assert.equal(quotientOf("B+1", "B"), undefined);
  assert.equal(quotientOf("5*B", 2), undefined);
});

Deno.test("symbols are listed once, also inside div", () => {
  assert.deepEqual(symbolsOf("B*div(H+W,2)+B"), ["B", "H", "W"]);
  assert.deepEqual(symbolsOf(7), []);
});

Deno.test("malformed, negative and over-long dimensions are refused", () => {
  for (const text of ["", "B+", "2**B", "B C", "div(B)", "div(B,0)", "(B", "B)", "-1", "1.5", "B/2"]) {
    assert.equal(codeOf(() => dimension(text)), "IR_DIMENSION", text);
  }
  assert.equal(codeOf(() => dimension("9007199254740993")), "IR_LIMIT");
  assert.equal(codeOf(() => dimension("1+".repeat(600) + "1")), "IR_LIMIT");
  const nested = (depth: number) => `${"(".repeat(depth)}B${")".repeat(depth)}`;
  assert.equal(codeOf(() => dimension(nested(16))), "no failure");
  assert.equal(codeOf(() => dimension(nested(17))), "IR_DIMENSION");
  const sum = (terms: number) => Array.from({ length: terms }, (_, i) => `a${i}`).join("+");
  assert.equal(codeOf(() => dimension(sum(64))), "no failure");
  assert.equal(codeOf(() => dimension(sum(65))), "IR_LIMIT");
});

Deno.test("the solver draws the consequences of sums and products", () => {
  const solver = new DimensionSolver([["N", "4*B"], ["B*S", 128], ["H", "W+1"]]);
  assert.ok(solver.equal("N*S", 512));
  assert.ok(solver.equal("2*H-2*W", 2));
  assert.ok(solver.equal("N", "B+3*B"));
  assert.ok(!solver.equal("N", "B"));
  assert.ok(!solver.equal("B", "S"));
  assert.ok(solver.differ("H", "W"));
  assert.ok(!solver.differ("B", "S"));
});

Deno.test("contradictions are found: constants, divisibility, signs", () => {
  const holds = (...constraints: ReadonlyArray<readonly [Dimension, Dimension]>) =>
    codeOf(() => new DimensionSolver(constraints));
  assert.equal(holds([3, 4]), "IR_DIMENSION");
  assert.equal(holds(["2*B", 7]), "IR_DIMENSION");
  assert.equal(holds(["2*B", 8]), "no failure");
  assert.equal(holds(["B+5", 3]), "IR_DIMENSION");
  assert.equal(holds(["B", "C+1"], ["C", "B"]), "IR_DIMENSION");
  assert.equal(holds(["B", "C"], ["C", "B"]), "no failure");
});

Deno.test("equations that rewrite in circles end", () => {
  const solver = new DimensionSolver([["A*B", "C*D"], ["C*D", "A*A*B"], ["A*A", "B*B*B"]]);
  solver.equal("A*A*B*B*C", "D*D*A*B");
  assert.ok(solver.equal("A*B", "C*D"));
});

Deno.test("whatever the solver calls equal is equal for random sizes that satisfy its assumptions", () => {
  const draws = random("solver");
  for (let i = 0; i < 300; i++) {
    const [b, k, c] = [1 + draws.below(6), 1 + draws.below(4), draws.below(5)];
    const sizes = new Map<string, Dimension>([["B", b], ["N", k * b + c], ["M", b * (k * b + c)]]);
    const solver = new DimensionSolver([["N", `${k}*B+${c}`], ["M", "B*N"]]);
    const candidates = ["M", "B*N", `${k}*B*B+${c}*B`, "N", "B", `M+B`, `B*N+B`, `${k}*B+${c}`];
    for (const x of candidates) {
      for (const y of candidates) {
        if (solver.equal(x, y)) assert.equal(substitute(x, sizes), substitute(y, sizes), `${x} ${y}`);
      }
    }
    assert.ok(solver.equal("M", `${k}*B*B+${c}*B`));
  }
});

Deno.test("patterns bind names, and compound patterns are solved for their unknown", () => {
  assert.deepEqual(Object.fromEntries(matchDimensions([["B", 8], ["2*S", 6]])!), { B: 8, S: 3 });
  assert.deepEqual(Object.fromEntries(matchDimensions([["B*S", 24], ["B", 8]])!), { B: 8, S: 3 });
  assert.equal(matchDimensions([["2*S", 7]]), undefined);
  assert.equal(matchDimensions([["B", 8], ["B", 9]]), undefined);
  assert.equal(matchDimensions([["B*S", 24]]), undefined);
  assert.deepEqual(Object.fromEntries(matchDimensions([["B", "N"], ["4*B", "4*N"]])!), { B: "N" });
});

Deno.test("types print and read back in every dtype", () => {
  for (const dtype of DTYPE_NAMES) {
    for (const shape of [[], [0], [2, 3], ["B", "2*B+1", 4], ["div(H+1,2)"]]) {
      const type = tensorType(dtype, shape);
      assert.deepEqual(parseType(printType(type)), type);
    }
  }
});

Deno.test("malformed types are refused, ranks up to the limit are not", () => {
  for (const text of ["f32", "f32[", "f33[2]", "f32[2]]", "[2]", "f32[2,]", "F32[2]"]) {
    assert.match(codeOf(() => parseType(text)), /^IR_(?:TYPE|DIMENSION)$/u, text);
  }
  const ones = (rank: number) => Array.from({ length: rank }, () => 1);
  assert.equal(codeOf(() => tensorType("f32", ones(MAX_RANK))), "no failure");
  assert.equal(codeOf(() => tensorType("f32", ones(MAX_RANK + 1))), "IR_LIMIT");
  assert.equal(codeOf(() => tensorType("f32", [2 ** 20, 2 ** 20])), "no failure");
  assert.equal(codeOf(() => tensorType("f32", [2 ** 20, 2 ** 21])), "IR_LIMIT");
});

Deno.test("a reshape is accepted exactly when the counts are equal under the function's equalities", () => {
  const build = (where: ReadonlyArray<readonly [Dimension, Dimension]>) => () =>
    buildProgram({ x: "f32[N]", y: "f32[B]" }, (g, { x }) => g.reshape(x, ["B", 4]), { where });
  assert.equal(codeOf(build([["N", "4*B"]])), "no failure");
  assert.equal(codeOf(build([["N", "3*B"]])), "IR_SHAPE");
  assert.equal(codeOf(build([])), "IR_SHAPE");
});
