/**
 * Text and hash: round trips over generated programs, precise refusals, and what identity does and does not see.
 */
import assert from "node:assert/strict";
import type { Failure } from "../../../kernel/failure.ts";
import { random } from "../../../kernel/random.ts";
import {
  attempt,
  buildProgram,
  type Dtype,
  DTYPE_NAMES,
  elements,
  type FunctionBuilder,
  grad,
  makeProgram,
  MAX_FUNCTIONS,
  MAX_LOCATION,
  MAX_NAME,
  MAX_NODES,
  MAX_PARAMETERS,
  MAX_PRINTED_ELEMENTS,
  parseProgram,
  parseType,
  printProgram,
  type Program,
  programDigest,
  tensor,
  toBytes,
  type Value,
} from "../../../plugins/ir/library.ts";
import { codeOf, normals } from "./support.ts";

/** Functions of a program as data that compares: typed arrays as bytes. */
const plain = (program: Program): unknown =>
  JSON.parse(
    JSON.stringify({ entry: program.entry, functions: [...program.functions.entries()] }, (_, value) =>
      value !== null && typeof value === "object" && "data" in value && "dtype" in value
        ? { dtype: value.dtype, shape: value.shape, bytes: [...toBytes(value)] }
        : value),
  );

/** A random well-typed program: elementwise, shape changes, control, literals of every dtype. */
const generate = (seed: string): Program => {
  const draws = random(seed);
  const literal = (dtype: Dtype) => {
    const count = draws.below(3) === 0 ? MAX_PRINTED_ELEMENTS + 3 : draws.below(4);
    const float = ["f64", "f32", "f16", "bf16"].includes(dtype);
    const pick = () =>
      float
        ? draws.pick([NaN, -0, Infinity, -Infinity, 1e-40, draws.normal(), 5e-324])
        : dtype === "bool"
        ? draws.below(2) === 1
        : draws.below(8);
    return tensor(dtype, [count], Array.from({ length: count }, pick));
  };
  const grow = (g: FunctionBuilder, start: ReadonlyArray<Value>, depth: number): Value => {
    const values = [...start];
    for (let i = 0; i < 6; i++) {
      const [x, y] = [draws.pick(values), draws.pick(values)];
      const made = [
        () => g.add(x, y),
        () => g.mul(x, draws.normal()),
        () => g.select(g.compare("lt", x, y), x, y),
        () => g.at(draws.pick(["/a/0", 'odd "path"\n%1', ""]), () => g.exp(x)),
        () => g.reverse(x, [0]),
        () => g.sub(x, g.reduceKeep("sum", x, [1])),
        () => g.cumulative("max", x, { axis: 1, reverse: true }),
        () =>
          depth === 0
            ? g.neg(x)
            : g.if(g.compare("gt", g.reduce("sum", x), 0), (h) => grow(h, [x, y], depth - 1), () => y)[0],
        () => depth === 0 ? g.abs(x) : g.scan({ length: 2 }, [x], [], (h, [c]) => grow(h, [c, y], depth - 1))[0],
      ];
      values.push(draws.pick(made)());
    }
    return values[values.length - 1];
  };
  return buildProgram({ x: "f64[B,3]", "a name": "f64[1,3]" }, (g, values) => {
    const literals = DTYPE_NAMES.filter(() => draws.below(4) === 0).map((dtype) => g.constant(literal(dtype)));
    return [grow(g, Object.values(values).map((value) => g.broadcastTo(value, ["B", 3])), 2), ...literals];
  }, { where: [["B", "2*C+1"]], sizes: ["C"] });
};

Deno.test("200 generated programs print and read back as the same program with the same digest", () => {
  for (let i = 0; i < 200; i++) {
    const program = generate(`text ${i}`);
    const text = printProgram(program);
    const back = parseProgram(text);
    assert.deepEqual(plain(back), plain(program), text);
    assert.equal(printProgram(back), text);
    assert.equal(programDigest(back), programDigest(program));
  }
});

Deno.test("programs made by grad print and read back", () => {
  const program = buildProgram(
    { x: "f32[B,4]", w: "f32[4,2]" },
    (g, { x, w }) => g.mean(g.activation("gelu", g.matmul(x, w))),
  );
  const made = grad(program, { value: true });
  assert.equal(programDigest(parseProgram(printProgram(made))), programDigest(made));
});

const FINE = `program @main
func @main(%0 x: f32[B,2], %1 y: f32[2]) {
  %2: f32[B,2] = broadcast(%1) {axes = [1], shape = ["B", 2]} at "/y"
  %3: f32[B,2] = add(%0, %2)   # a comment
  return %3
}`;

Deno.test("comments, spacing and line ends are free", () => {
  assert.equal(programDigest(parseProgram(FINE)), programDigest(parseProgram(FINE.replaceAll("\n", " \r\n\t"))));
});

Deno.test("every truncation and every single-character change is read or refused by a failure of the catalogue", () => {
  const draws = random("mutations");
  for (let end = 0; end < FINE.length; end++) attempt(() => parseProgram(FINE.slice(0, end)));
  for (let i = 0; i < 3000; i++) {
    const at = draws.below(FINE.length);
    const text = FINE.slice(0, at) + String.fromCharCode(32 + draws.below(95)) + FINE.slice(at + 1);
    attempt(() => parseProgram(text));
  }
});

Deno.test("very long runs of anything are read or refused, and take no stack", () => {
  const length = 2 ** 22;
  const head = "program @main func @main(%0 x: f32[";
  const texts = [
    " ".repeat(length),
    "#\n".repeat(length / 2),
    "a".repeat(length),
    `program @${"a".repeat(length)}`,
    head + "1".repeat(length),
    head + "(".repeat(length),
    `${head}A]) where ${"a,1)".repeat(length / 4)}`,
    `program @main func @main() { %0: u8[] = constant() at "${"\\".repeat(length)}" return %0 }`,
    `program @main func @main() { %0: u8[] = constant() {value = ${"[".repeat(length)}`,
    `program @main func @main() { %0: u8[1] = constant() {value = u8[1] x${"00".repeat(length)}} return %0 }`,
  ];
  for (const text of texts) assert.match(codeOf(() => parseProgram(text)), /^IR_/u, text.slice(0, 60));
});

Deno.test("names, locations, functions and parameters are accepted at their limits and refused one past them", () => {
  const program = (
    parts: { name?: number; location?: number; parameters?: number; functions?: number; nodes?: number },
  ) =>
    codeOf(() => {
      const { name = 1, location = 1, parameters = 1, functions = 1, nodes = 1 } = parts;
      const fn = (index: number) => ({
        name: index === 0 ? "a".repeat(name) : `f${index}`,
        sizes: [],
        parameters: Array.from({ length: parameters }, () => ({ name: "x", type: parseType("f32[]") })),
        constraints: [],
        nodes: Array.from({ length: nodes }, () => ({
          op: "neg",
          operands: [0],
          attributes: {},
          functions: [],
          results: [parseType("f32[]")],
          location: "l".repeat(location),
        })),
        returns: [0],
      });
      makeProgram(Array.from({ length: functions }, (_, i) => fn(i)), "a".repeat(name));
    });
  assert.equal(program({ name: MAX_NAME }), "no failure");
  assert.equal(program({ name: MAX_NAME + 1 }), "IR_LIMIT");
  assert.equal(program({ location: MAX_LOCATION }), "no failure");
  assert.equal(program({ location: MAX_LOCATION + 1 }), "IR_LIMIT");
  assert.equal(program({ parameters: MAX_PARAMETERS }), "no failure");
  assert.equal(program({ parameters: MAX_PARAMETERS + 1 }), "IR_LIMIT");
  assert.equal(program({ functions: MAX_FUNCTIONS, nodes: 0 }), "no failure");
  assert.equal(program({ functions: MAX_FUNCTIONS + 1, nodes: 0 }), "IR_LIMIT");
  assert.equal(program({ nodes: MAX_NODES }), "no failure");
  assert.equal(program({ nodes: MAX_NODES + 1 }), "IR_LIMIT");
});

Deno.test("a malformed program is refused with line and column", () => {
  const refusal = (text: string): string => {
    try {
      parseProgram(text);
    } catch (thrown) {
      return (thrown as Failure).message;
    }
    return "";
  };
  assert.match(refusal(FINE.replace("= add(", "= add[")), /at 4:21: expected "\("/u);
  assert.match(refusal(FINE.replace("%3:", "%4:")), /at 4:\d+: expected results numbered %3/u);
  assert.match(refusal(""), /at 1:1: expected "program", found the end/u);
});

Deno.test("attributes given twice, unknown or missing are refused", () => {
  assert.equal(codeOf(() => parseProgram(FINE.replace("axes = [1]", "axes = [1], axes = [1]"))), "IR_SYNTAX");
  assert.equal(codeOf(() => parseProgram(FINE.replace("axes = [1]", "axis = [1]"))), "IR_ATTRIBUTE");
  assert.equal(codeOf(() => parseProgram(FINE.replace('shape = ["B", 2]', "shape = [3, 2]"))), "IR_RESULT");
});

Deno.test("literals are refused when their count, range or spelling is wrong", () => {
  const literal = (text: string) =>
    codeOf(() => parseProgram(`program @main func @main() { %0: i8[2] = constant() {value = ${text}} return %0 }`));
  assert.equal(literal("i8[2] (1, -128)"), "no failure");
  assert.equal(literal("i8[2] x0180"), "no failure");
  assert.equal(literal("i8[2] (1, 128)"), "IR_VALUE");
  assert.equal(literal("i8[2] (1)"), "IR_OPERANDS");
  assert.equal(literal("i8[2] x01"), "IR_VALUE");
  assert.equal(literal("i8[2] (1, 1.5)"), "IR_SYNTAX");
  assert.equal(literal("i8[N] (1, 2)"), "IR_SYNTAX");
  assert.equal(literal(`${"[".repeat(20)}1${"]".repeat(20)}`), "IR_SYNTAX");
});

Deno.test("literals of every dtype survive the text bit for bit, short and long", () => {
  for (const dtype of DTYPE_NAMES) {
    for (const count of [0, 1, MAX_PRINTED_ELEMENTS, MAX_PRINTED_ELEMENTS + 1]) {
      const values = elements(normals(`${dtype} ${count}`, [count])).map((value) =>
        dtype.includes("f") ? value : dtype === "bool" ? (value as number) > 0 : Math.abs(Math.trunc(value as number))
      );
      const value = tensor(dtype, [count], values);
      const back = parseProgram(printProgram(buildProgram({}, (g) => g.constant(value))));
      const literal = back.functions.get("main")!.nodes[0].attributes.value as typeof value;
      assert.deepEqual([...toBytes(literal)], [...toBytes(value)], dtype);
    }
  }
});

const base = (
  change: Partial<{ op: "exp" | "neg"; by: number; axis: number; type: string; size: string; name: string }>,
) => {
  const { op = "exp", by = 2, axis = 0, type = "f32", size = "B", name = "x" } = change;
  return programDigest(
    buildProgram(
      { [name]: `${type}[${size},${size}]` },
      (g, values) => g.at(`/${name}`, () => g.reduce("sum", g.mul(g[op](values[name]), by), [axis])),
    ),
  );
};

Deno.test("equal builds have equal digests, under any names of parameters, sizes and locations", () => {
  assert.equal(base({}), base({}));
  assert.equal(base({}), base({ name: "other" }));
  assert.equal(base({}), base({ size: "N" }));
});

Deno.test("an op, a constant's bits, an attribute, a dtype, a size and what is returned each change the digest", () => {
  const different = [
    base({}),
    base({ op: "neg" }),
    base({ by: 3 }),
    base({ axis: 1 }),
    base({ type: "f64" }),
    base({ size: "4" }),
    programDigest(buildProgram({ x: "f32[B,C]" }, (g, { x }) => g.reduce("sum", g.mul(g.exp(x), 2), [0]))),
    programDigest(buildProgram({ x: "f32[B,B]" }, (g, { x }) => g.mul(g.exp(x), 2))),
    programDigest(buildProgram({ x: "f32[B,B]" }, (g, { x }) => g.mul(g.exp(x), -0))),
    programDigest(buildProgram({ x: "f32[B,B]" }, (g, { x }) => g.mul(g.exp(x), 0))),
  ];
  assert.equal(new Set(different).size, different.length);
});

Deno.test("names of functions are no part of the digest, what they do is", () => {
  const text = (name: string, op: string) =>
    `program @${name}x
func @${name}(%0 x: f32[2]) { %1: f32[2] = ${op}(%0) return %1 }
func @${name}x(%0 x: f32[2]) { %1: f32[2] = call(%0) @${name} {sizes = []} return %1 }`;
  const digest = (name: string, op: string) => programDigest(parseProgram(text(name, op)));
  assert.equal(digest("a", "exp"), digest("b", "exp"));
  assert.notEqual(digest("a", "exp"), digest("a", "neg"));
});
