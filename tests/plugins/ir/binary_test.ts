/**
 * The binary form: round trips, one spelling, hostile bytes; and the digest that every difference changes.
 */
import assert from "node:assert/strict";
import { type Random, random } from "../../../kernel/random.ts";
import {
  type Attribute,
  BINARY_VERSION,
  buildProgram,
  decodeProgram,
  DTYPE_NAMES,
  encodeProgram,
  functionOf,
  type IrFunction,
  isIrFailure,
  makeProgram,
  MAX_TYPE_CHARACTERS,
  type Node,
  parseProgram,
  parseType,
  printProgram,
  type Program,
  programDigest,
  scalar,
  type TensorType,
} from "../../../plugins/ir/library.ts";
import { randomProgram, randomTensor } from "./programs.ts";
import { codeOf } from "./support.ts";

const square = buildProgram({ x: "f32[B]" }, (g, { x }) => g.at("/here", () => g.mul(x, x)));

Deno.test("every random program comes back with its text, names, locations and digest, in one spelling", () => {
  for (let seed = 0; seed < 200; seed++) {
    const program = randomProgram(`binary ${seed}`, { symbolic: seed % 2 === 0 });
    const bytes = encodeProgram(program);
    const back = decodeProgram(bytes);
    assert.equal(printProgram(back), printProgram(program));
    assert.equal(programDigest(back), programDigest(program));
    assert.deepEqual(encodeProgram(back), bytes);
  }
});

Deno.test("the layout is what it is documented to be, byte for byte", () => {
  const program = parseProgram('program @f\nfunc @f(%0 x: f32[2]) {\n  %1: f32[2] = neg(%0) at "/a"\n  return %1\n}');
  const text = (t: string) => [0, t.length, ...new TextEncoder().encode(t)];
  assert.deepEqual([...encodeProgram(program)], [
    ...[0x52, 0x4d, 0x49, 0x52, BINARY_VERSION],
    ...[1, ...text("f"), 0],
    ...[1, ...text("x"), 0, ...text("f32"), 1, 1, 2],
    0,
    ...[1, ...text("neg"), 1, 0, 0, 0, 1, 1, 1, ...text("/a")],
    ...[1, 1],
    0,
  ]);
});

Deno.test("literals of every dtype keep every bit", () => {
  for (const dtype of DTYPE_NAMES) {
    const value = randomTensor(random(`literal ${dtype}`), dtype, [3, 5]);
    const program = buildProgram({}, (g) => g.constant(value));
    assert.equal(programDigest(decodeProgram(encodeProgram(program))), programDigest(program));
  }
});

Deno.test("it is smaller than the text", () => {
  const program = randomProgram("size", { nodes: 200 });
  assert.ok(encodeProgram(program).length * 2 < printProgram(program).length);
});

const withBytes = (change: (bytes: number[]) => void): Uint8Array => {
  const bytes = [...encodeProgram(square)];
  change(bytes);
  return Uint8Array.from(bytes);
};

/** Bytes that are no program, by what is wrong with them. */
const HOSTILE: ReadonlyArray<readonly [what: string, Uint8Array]> = [
  ["nothing", new Uint8Array()],
  ["another magic", withBytes((bytes) => bytes[0]++)],
  ["a newer version", withBytes((bytes) => bytes[4]++)],
  ["a needless byte in a number", withBytes((bytes) => bytes.splice(4, 1, BINARY_VERSION + 128, 0))],
  ["a number past the integers", withBytes((bytes) => bytes.splice(5, 1, ...new Array(9).fill(255), 1))],
  ["a list longer than the bytes", withBytes((bytes) => bytes.splice(5, 1, 255, 255, 127))],
  ["a text that is not UTF-8", withBytes((bytes) => bytes[8] = 0xff)],
  ["something after it", withBytes((bytes) => bytes.push(0))],
  ["the end missing", encodeProgram(square).slice(0, -1)],
  ["an entry that is no function", withBytes((bytes) => bytes[bytes.length - 1] = 3)],
  [
    "a text written twice",
    withBytes((bytes) => {
      // The name of the function's only operation, written anew where the location stands.
      const at = bytes.length - 3 - 5;
      bytes.splice(at - 1, 6, 0, 3, ...new TextEncoder().encode("mul"));
    }),
  ],
];

for (const [what, bytes] of HOSTILE) {
  Deno.test(`refused with IR_BINARY: ${what}`, () => assert.equal(codeOf(() => decodeProgram(bytes)), "IR_BINARY"));
}

Deno.test("every prefix is refused", () => {
  const bytes = encodeProgram(randomProgram("prefix", { nodes: 20 }));
  for (let length = 0; length < bytes.length; length++) {
    assert.notEqual(codeOf(() => decodeProgram(bytes.subarray(0, length))), "no failure");
  }
});

Deno.test("types that grow by being named are refused before they take long", () => {
  const long = `${Array.from({ length: 40 }, (_, i) => `a${i}*b${i}`).join("+")}`;
  const types = (count: number): Program => {
    const size = parseType(`f32[${Array.from({ length: 8 }, () => long).join(",")}]`);
    const names = [...long.matchAll(/[ab][0-9]+/gu)].map(([name]) => ({ name, type: parseType(`f32[${name}]`) }));
    const negation: Node = { op: "neg", operands: [names.length], attributes: {}, functions: [], results: [size] };
    const nodes = Array.from({ length: count }, () => negation);
    const parameters = [...names, { name: "x", type: size }];
    return {
      entry: "main",
      functions: new Map([["main", {
        name: "main",
        sizes: [],
        parameters,
        constraints: [],
        nodes,
        returns: [parameters.length],
      }]]),
    };
  };
  const [{ type: { shape: [size] } }] = functionOf(types(0)).parameters.slice(-1);
  const characters = 8 * String(size).length + 12;
  assert.equal(codeOf(() => encodeProgram(types(Math.floor(MAX_TYPE_CHARACTERS / characters) + 1))), "IR_LIMIT");
  assert.equal(codeOf(() => encodeProgram(types(1000))), "no failure");
});

/** Changes some bytes: flips bits, inserts, drops, copies a stretch, or puts in an extreme. */
const mutated = (bytes: Uint8Array, draws: Random): Uint8Array => {
  const made = [...bytes];
  for (let times = 1 + draws.below(3); times > 0; times--) {
    const at = draws.below(made.length);
    const kind = draws.below(5);
    if (kind === 0) made[at] ^= 1 << draws.below(8);
    else if (kind === 1) made.splice(at, 0, draws.below(256));
    else if (kind === 2) made.splice(at, 1 + draws.below(3));
    else if (kind === 3) made.splice(at, 0, ...made.slice(draws.below(made.length)).slice(0, 6));
    else made[at] = draws.pick([0, 1, 127, 128, 255]);
  }
  return Uint8Array.from(made);
};

Deno.test("20000 mutated programs are refused with a failure, or are programs of exactly these bytes", () => {
  const originals = Array.from({ length: 50 }, (_, i) => encodeProgram(randomProgram(`mutated ${i}`, { nodes: 4 })));
  let accepted = 0;
  for (let seed = 0; seed < 20_000; seed++) {
    const draws = random(`bytes ${seed}`);
    const bytes = mutated(originals[seed % originals.length], draws);
    try {
      assert.deepEqual(encodeProgram(decodeProgram(bytes)), bytes);
      accepted++;
    } catch (thrown) {
      if (!isIrFailure(thrown)) throw thrown;
    }
  }
  assert.ok(accepted > 20, `${accepted} accepted`);
});

Deno.test("random bytes after the magic are refused", () => {
  for (let seed = 0; seed < 2000; seed++) {
    const draws = random(`noise ${seed}`);
    const noise = Array.from({ length: draws.below(200) }, () => draws.below(256));
    const bytes = Uint8Array.from([0x52, 0x4d, 0x49, 0x52, BINARY_VERSION, ...noise]);
    assert.notEqual(codeOf(() => decodeProgram(bytes)), "no failure");
  }
});

const rebuilt = (program: Program, change: (fn: IrFunction) => IrFunction): Program =>
  makeProgram([...program.functions.values()].map(change), program.entry);

Deno.test("the digest does not see names of functions, parameters and sizes, nor locations", () => {
  for (let seed = 0; seed < 100; seed++) {
    const program = randomProgram(`names ${seed}`);
    const renamed = makeProgram(
      [...program.functions.values()].map((fn) => ({
        ...fn,
        name: `g.${fn.name}`,
        parameters: fn.parameters.map(({ type }, i) => ({ name: `p${i}`, type })),
        nodes: fn.nodes.map((node) => ({
          ...node,
          functions: node.functions.map((name) => `g.${name}`),
          location: "/x",
        })),
      })),
      `g.${program.entry}`,
    );
    assert.equal(programDigest(renamed), programDigest(program));
    assert.notDeepEqual(encodeProgram(renamed), encodeProgram(program));
  }
  const other = buildProgram({ y: "f32[N]" }, (g, { y }) => g.mul(y, y));
  assert.equal(programDigest(other), programDigest(square));
});

const sameAttribute = (a: Attribute, b: Attribute): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Other values that an attribute could have. */
const otherValues = (value: Attribute): ReadonlyArray<Attribute> => {
  if (typeof value === "boolean") return [!value];
  if (typeof value === "number") return [value + 1, value === 0 ? 2 : 0];
  if (typeof value === "string") {
    return ["max", "min", "sum", "prod", "set", "add", "lt", "ge", "f64", "f32", "uniform", "normal"];
  }
  if (Array.isArray(value)) {
    return [value.map((item) => typeof item === "number" ? item + 1 : item), value.toReversed(), value.slice(1)];
  }
  return [];
};

Deno.test("the digest sees every attribute of every kind of node", () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < 150; seed++) {
    const program = randomProgram(`payload ${seed}`, { nodes: 6 });
    const digest = programDigest(program);
    const fn = functionOf(program);
    fn.nodes.forEach((node, index) => {
      for (const [name, value] of Object.entries(node.attributes)) {
        for (const other of otherValues(value)) {
          if (sameAttribute(value, other)) continue;
          const nodes = fn.nodes.with(index, { ...node, attributes: { ...node.attributes, [name]: other } });
          // Not every change is a valid program; what identifies is asked of data, so types need not fit.
          const changed = {
            entry: program.entry,
            functions: new Map(program.functions).set(fn.name, { ...fn, nodes }),
          };
          assert.notEqual(programDigest(changed), digest, `${node.op}.${name}`);
          seen.set(`${node.op}.${name}`, 1);
        }
      }
    });
  }
  assert.ok(seen.size > 45, `${seen.size} attributes`);
});

Deno.test("the digest sees operation, operands, order, types, constants to the bit, functions and returns", () => {
  const base = buildProgram({ x: "f32[2]", y: "f32[2]" }, (g, { x, y }) => g.sub(g.exp(x), y));
  const digest = programDigest(base);
  const changes: ReadonlyArray<(fn: IrFunction) => IrFunction> = [
    (fn) => ({ ...fn, nodes: fn.nodes.with(0, { ...fn.nodes[0], op: "neg" }) }),
    (fn) => ({ ...fn, nodes: fn.nodes.with(0, { ...fn.nodes[0], operands: [1] }) }),
    (fn) => ({ ...fn, nodes: fn.nodes.with(1, { ...fn.nodes[1], operands: [1, 2] }) }),
    (fn) => ({ ...fn, returns: [2] }),
    (fn) => ({ ...fn, returns: [3, 3] }),
    (fn) => ({
      ...fn,
      parameters: [...fn.parameters, { name: "z", type: parseType("f32[]") }],
      nodes: [],
      returns: [0],
    }),
  ];
  for (const change of changes) assert.notEqual(programDigest(rebuilt(base, change)), digest);
  const literal = (bits: number) => programDigest(buildProgram({}, (g) => g.constant(scalar("f32", bits))));
  assert.notEqual(literal(0), literal(-0));
  assert.notEqual(literal(1), literal(1 + 2 ** -23));
  assert.equal(literal(NaN), literal(-NaN));
  const shaped = (type: TensorType) => programDigest(buildProgram({ x: type }, (_, { x }) => x));
  assert.equal(new Set(DTYPE_NAMES.map((dtype) => shaped({ dtype, shape: [2] }))).size, DTYPE_NAMES.length);
  assert.notEqual(shaped(parseType("f32[2,3]")), shaped(parseType("f32[3,2]")));
  assert.notEqual(shaped(parseType("f32[B,B]")), shaped(parseType("f32[B,S]")));
  const negated = buildProgram({ x: "f32[2]" }, (g, { x }) => g.neg(x));
  const raised = buildProgram({ x: "f32[2]" }, (g, { x }) => g.exp(x));
  assert.notEqual(programDigest(negated), programDigest(raised));
});
