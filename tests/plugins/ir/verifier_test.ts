/**
 * The verifier: each thing that can be wrong or odd, several at once, fixes that mend, and data of any form.
 */
import assert from "node:assert/strict";
import { type Random, random } from "../../../kernel/random.ts";
import {
  attempt,
  buildProgram,
  type Diagnostic,
  functionOf,
  type IrFunction,
  makeProgram,
  MAX_DIAGNOSTICS,
  type Node,
  type ObservationCode,
  OBSERVATIONS,
  optimise,
  parseFunctions,
  parseProgram,
  parseType,
  printFunctions,
  type Program,
  ProgramBuilder,
  scalar,
  tensor,
  type Verifiable,
  verify,
} from "../../../plugins/ir/library.ts";
import { randomProgram } from "./programs.ts";

const F2 = parseType("f32[2]");

const fn = (nodes: ReadonlyArray<Partial<Node>>, more: Partial<IrFunction> = {}): IrFunction => ({
  name: "main",
  sizes: [],
  parameters: [{ name: "x", type: F2 }],
  constraints: [],
  nodes: nodes.map((node) => ({ op: "neg", operands: [0], attributes: {}, functions: [], results: [F2], ...node })),
  returns: [nodes.length],
  ...more,
});

const report = (...functions: ReadonlyArray<unknown>) => verify({ entry: "main", functions });
const errorsOf = (found: { readonly diagnostics: ReadonlyArray<Diagnostic> }) =>
  found.diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
const codesOf = (program: Verifiable) => verify(program).diagnostics.map(({ code }) => code);

const AXES = { x_batch: [], y_batch: [], x_contract: [0], y_contract: [0], accumulate: "f32" };

/** What is wrong, the code that says so, and functions that have it. */
const WRONG: ReadonlyArray<readonly [what: string, code: string, ReadonlyArray<unknown>]> = [
  ["too few operands", "IR_OPERANDS", [fn([{ op: "add" }])]],
  ["an operand of a dtype it does not take", "IR_DTYPE", [fn([{ op: "and", operands: [0, 0] }])]],
  [
    "operands of different dtypes",
    "IR_DTYPE",
    [fn([{ op: "add", operands: [0, 1] }], {
      parameters: [{ name: "x", type: F2 }, { name: "i", type: parseType("i32[2]") }],
      returns: [2],
    })],
  ],
  [
    "shapes that do not fit",
    "IR_SHAPE",
    [fn([{ op: "add", operands: [0, 1] }], {
      parameters: [{ name: "x", type: F2 }, { name: "y", type: parseType("f32[3]") }],
      returns: [2],
    })],
  ],
  [
    "inner sizes of a product that differ",
    "IR_SHAPE",
    [fn([{ op: "dot", operands: [0, 1], attributes: AXES, results: [parseType("f32[]")] }], {
      parameters: [{ name: "x", type: F2 }, { name: "y", type: parseType("f32[3]") }],
      returns: [2],
    })],
  ],
  ["an axis out of range", "IR_ATTRIBUTE", [
    fn([{ op: "reduce", attributes: { op: "sum", axes: [1] }, results: [F2] }]),
  ]],
  ["a missing attribute", "IR_ATTRIBUTE", [fn([{ op: "reduce", attributes: { op: "sum" } }])]],
  ["an unknown attribute", "IR_ATTRIBUTE", [fn([{ attributes: { slope: 1 } }])]],
  [
    "a window of no size",
    "IR_ATTRIBUTE",
    [fn([{
      op: "reduce_window",
      attributes: { op: "sum", window: [0], strides: [1], low: [0], high: [0], dilation: [1] },
    }])],
  ],
  [
    "a stride list of the wrong length",
    "IR_ATTRIBUTE",
    [fn([{
      op: "reduce_window",
      attributes: { op: "sum", window: [1], strides: [], low: [0], high: [0], dilation: [1] },
    }])],
  ],
  ["slice bounds outside", "IR_SHAPE", [fn([{ op: "slice", attributes: { start: [0], limit: [3], stride: [1] } }])]],
  ["a reshape to another count", "IR_SHAPE", [
    fn([{ op: "reshape", attributes: { shape: [3] }, results: [parseType("f32[3]")] }]),
  ]],
  ["a value used before it is made", "IR_REFERENCE", [fn([{ operands: [1] }])]],
  ["a value that does not exist", "IR_REFERENCE", [fn([{ operands: [90_000] }])]],
  ["a return of nothing", "IR_REFERENCE", [fn([{}], { returns: [7] })]],
  ["two functions of one name", "IR_REFERENCE", [fn([{}]), fn([{}])]],
  ["a primitive that does not exist", "IR_UNKNOWN_PRIMITIVE", [fn([{ op: "negg" }])]],
  ["a function that does not exist", "IR_UNKNOWN_FUNCTION", [
    fn([{ op: "call", attributes: { sizes: [] }, functions: ["f"] }]),
  ]],
  ["an entry that does not exist", "IR_UNKNOWN_FUNCTION", [fn([{}], { name: "mane" })]],
  ["a function that runs itself", "IR_RECURSION", [
    fn([{ op: "call", attributes: { sizes: [] }, functions: ["main"] }]),
  ]],
  ["a result of another type", "IR_RESULT", [fn([{ results: [parseType("f32[3]")] }])]],
  ["a size that nothing determines", "IR_DIMENSION", [
    fn([{
      op: "iota",
      operands: [],
      attributes: { dtype: "f32", shape: ["N"], axis: 0 },
      results: [parseType("f32[N]")],
    }]),
  ]],
  ["equalities that contradict", "IR_DIMENSION", [fn([{}], { constraints: [[2, 3]] })]],
  ["a name that is too long", "IR_LIMIT", [fn([{}], { parameters: [{ name: "x".repeat(129), type: F2 }] })]],
  ["a type that is none", "IR_VALUE", [fn([{ results: ["f32[2]" as never] }])]],
  ["nodes that are no list", "IR_VALUE", [{ ...fn([{}]), nodes: 3 }]],
  ["a function that is none", "IR_VALUE", [undefined]],
  ["a literal whose data does not fit", "IR_VALUE", [
    fn([{ op: "constant", operands: [], attributes: { value: { ...scalar("f32", 1), shape: [2] } as never } }]),
  ]],
  ["a carried type that changes", "IR_SHAPE", [
    fn([{
      op: "scan",
      attributes: { carry: 1, scanned: 0, length: 2, reverse: false, sizes: [] },
      functions: ["body"],
    }]),
    fn([{ op: "cast", attributes: { dtype: "f64" }, results: [parseType("f64[2]")] }], { name: "body" }),
  ]],
];

for (const [what, code, functions] of WRONG) {
  Deno.test(`${what}: ${code}, once`, () => {
    const found = report(...functions);
    assert.equal(found.ok, false);
    assert.deepEqual(errorsOf(found), [code]);
  });
}

/** What is odd, and a program that is. */
const ODD: { readonly [C in ObservationCode]: () => Verifiable } = {
  IR_DEAD_VALUE: () =>
    buildProgram({ x: "f32[]" }, (g, { x }) => {
      g.exp(x);
      return x;
    }),
  IR_UNUSED_PARAMETER: () => buildProgram({ x: "f32[]", y: "f32[]" }, (_, { x }) => x),
  IR_UNUSED_FUNCTION: () => {
    const builder = new ProgramBuilder();
    builder.function("spare", { x: "f32[]" }, (g, { x }) => g.exp(x));
    builder.function("main", { x: "f32[]" }, (_, { x }) => x);
    return builder.build("main");
  },
  IR_UNBOUNDED_LOOP: () =>
    buildProgram(
      { x: "f32[]" },
      (g, { x }) => g.while([x], (h, [y]) => h.compare("lt", y, 9), (h, [y]) => h.add(y, 1)),
    ),
  IR_ENDLESS_LOOP: () =>
    buildProgram({ x: "f32[]", p: "bool[]" }, (g, { x, p }) => g.while([x], (h) => h.not(p), (h, [y]) => h.add(y, 1))),
  IR_NO_RESULT: () => ({ entry: "main", functions: [fn([], { parameters: [], returns: [] })] }),
  IR_AMBIGUOUS_NAME: () => ({
    entry: "main",
    functions: [fn([], { parameters: [{ name: "x", type: F2 }, { name: "x", type: F2 }], returns: [0, 1] })],
  }),
  IR_FIXED_SEED: () =>
    buildProgram({}, (g) => g.random(g.constant(tensor("i64", [], [1])), F2, { distribution: "normal" })),
  IR_SAME_DRAW: () =>
    buildProgram({ seed: "i64[]" }, (g, { seed }) => [
      g.random(seed, F2, { distribution: "normal" }),
      g.random(seed, F2, { distribution: "uniform" }),
    ]),
  IR_REPEATED_DRAW: () =>
    buildProgram(
      { seed: "i64[]", x: "f32[2]" },
      (g, { seed, x }) =>
        g.scan({ length: 3 }, [x], [], (h, [y]) => h.add(y, h.random(seed, F2, { distribution: "normal" }))),
    ),
};

for (const [code, make] of Object.entries(ODD) as ReadonlyArray<readonly [ObservationCode, () => Verifiable]>) {
  Deno.test(`${code}: ${OBSERVATIONS[code].doc}`, () => {
    const found = verify(make());
    assert.equal(found.ok, true);
    assert.deepEqual(found.diagnostics.map((one) => one.code), [code]);
    assert.equal(found.diagnostics[0].severity, OBSERVATIONS[code].severity);
    assert.equal(verify(make(), { from: "error" }).diagnostics.length, 0);
  });
}

Deno.test("a clean program has nothing said about it", () => {
  const dense = buildProgram({ x: "f32[B,4]", w: "f32[4,2]" }, (g, { x, w }) => g.activation("relu", g.matmul(x, w)));
  assert.deepEqual(verify(dense), { ok: true, errors: 0, warnings: 0, notes: 0, diagnostics: [] });
});

Deno.test("eleven loops after one another are no fault, a broadcast of [32,784] and [784] is none, axis −1 is counted", () => {
  const loops = buildProgram({ x: "f32[2]" }, (g, { x }) => {
    let y = x;
    for (let i = 0; i < 11; i++) [y] = g.scan({ length: 2 }, [y], [], (h, [z]) => h.exp(z));
    return y;
  });
  assert.equal(verify(loops).diagnostics.length, 0);
  const bias = buildProgram({ x: "f32[32,784]", b: "f32[784]" }, (g, { x, b }) => g.concat([g.add(x, b), x], -1));
  assert.equal(verify(bias).diagnostics.length, 0);
});

Deno.test("several faults are all reported, and what follows from a fault is not", () => {
  const found = report(
    fn([
      { op: "negg" },
      { op: "exp", operands: [1] },
      { op: "add", operands: [2, 9] },
      { op: "reduce", operands: [2], attributes: { op: "sum", axes: [4] }, results: [parseType("f32[]")] },
      { op: "call", operands: [4], functions: ["gone"], attributes: { sizes: [] } },
      { results: [parseType("f16[2]")] },
    ]),
    fn([{ op: "call", attributes: { sizes: [] }, functions: ["other"] }], { name: "helper" }),
    fn([{ op: "call", attributes: { sizes: [] }, functions: ["helper"] }], { name: "other" }),
  );
  assert.deepEqual(errorsOf(found).toSorted(), [
    "IR_ATTRIBUTE",
    "IR_RECURSION",
    "IR_REFERENCE",
    "IR_RESULT",
    "IR_UNKNOWN_FUNCTION",
    "IR_UNKNOWN_PRIMITIVE",
  ]);
  assert.deepEqual(
    found.diagnostics.map(({ path }) => path).filter((path) => path.startsWith("/functions/main/")).toSorted(),
    [0, 2, 3, 4, 5].map((i) => `/functions/main/nodes/${i}`),
  );
});

Deno.test("memory: a program within the bound is accepted, one byte less is an error with both numbers", () => {
  const program = buildProgram({ x: "f32[4]" }, (g, { x }) => g.exp(g.neg(x)));
  const peak = 48;
  assert.equal(verify(program, { maxBytes: peak }).ok, true);
  const [found] = verify(program, { maxBytes: peak - 1 }).diagnostics;
  assert.deepEqual([found.code, found.expected, found.actual], ["IR_MEMORY", peak - 1, peak]);
});

Deno.test("fixes mend what they are about when they are applied blindly", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<IrFunction>]> = [
    ["IR_RESULT", [fn([{ results: [parseType("f32[3]")] }])]],
    ["IR_UNKNOWN_PRIMITIVE", [fn([{ op: "negg" }])]],
    ["IR_UNKNOWN_FUNCTION", [fn([{}], { name: "mains" })]],
    ["IR_UNKNOWN_FUNCTION", [
      fn([{ op: "call", attributes: { sizes: [] }, functions: ["halp"] }]),
      fn([{}], { name: "help" }),
    ]],
    ["IR_DIMENSION", [
      fn([{
        op: "iota",
        operands: [],
        attributes: { dtype: "f32", shape: ["N"], axis: 0 },
        results: [parseType("f32[N]")],
      }]),
    ]],
  ];
  for (const [code, functions] of cases) {
    const text = printFunctions({ entry: "main", functions });
    const [found] = verify(parseFunctions(text)).diagnostics;
    assert.equal(found.code, code);
    const [edit] = found.fix!.patch!;
    assert.ok(edit.op === "replace" && edit.path === "/program");
    assert.ok(verify(parseProgram(edit.value as string)).ok, code);
  }
});

Deno.test("at most so many findings are kept, errors before notes, and all are counted", () => {
  const dead = { operands: [0] };
  const found = report(fn([...Array.from({ length: MAX_DIAGNOSTICS + 20 }, () => ({ operands: [99_999] })), dead]));
  assert.equal(found.diagnostics.length, MAX_DIAGNOSTICS);
  assert.equal(found.errors, MAX_DIAGNOSTICS + 20);
});

Deno.test("random programs are accepted, before and after optimisation", () => {
  for (let seed = 0; seed < 150; seed++) {
    const program = randomProgram(`verify ${seed}`, { nodes: 8, symbolic: seed % 3 === 0 });
    assert.equal(verify(program).errors, 0);
    assert.equal(verify(optimise(program, { level: 3 }).program, { from: "warning" }).errors, 0);
  }
});

const JUNK: ReadonlyArray<unknown> = [
  null,
  undefined,
  -1,
  1.5,
  NaN,
  Infinity,
  2 ** 53,
  "",
  "x",
  "__proto__",
  [],
  {},
  [[[[[[[[[[1]]]]]]]]]],
  true,
  Object.create(null),
  { dtype: "f32", shape: [2] },
  { dtype: "f32", shape: ["N*N"] },
  { dtype: "f32", shape: [2], data: new Float32Array(1) },
  ["neg"],
  "N",
  "add",
  1n,
];

const copied = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copied(item)]));
};

/** Changes one place of data: replaces it by junk, drops it, or puts there what stands elsewhere. */
const spoil = (data: unknown, draws: Random): void => {
  let at = data as Record<string, unknown>;
  for (;;) {
    const names = Object.keys(at);
    if (names.length === 0) return;
    const name = draws.pick(names);
    const next = at[name];
    const isInner = typeof next === "object" && next !== null && !ArrayBuffer.isView(next) &&
      Object.keys(next).length > 0;
    if (isInner && draws.below(8) > 0) {
      at = next as Record<string, unknown>;
      continue;
    }
    if (draws.below(6) === 0) delete at[name];
    else at[name] = draws.below(3) === 0 ? copied(at[draws.pick(names)]) : draws.pick(JUNK);
    return;
  }
};

const accepts = (data: { readonly entry: string; readonly functions: ReadonlyArray<IrFunction> }): boolean => {
  try {
    return attempt(() => makeProgram(data.functions, data.entry))._tag === "Success";
  } catch {
    // makeProgram is for data of the right form; other data it may refuse in any way.
    return false;
  }
};

Deno.test("3000 spoilt programs get a report, with errors exactly where they are not accepted", () => {
  let refused = 0;
  for (let seed = 0; seed < 3000; seed++) {
    const draws = random(`spoilt ${seed}`);
    const program: Program = randomProgram(`spoilt ${seed % 60}`, { nodes: 6 });
    const data = copied({ entry: program.entry, functions: [...program.functions.values()] }) as never;
    for (let times = 1 + draws.below(3); times > 0; times--) spoil(data, draws);
    const found = verify(data);
    // Data of another form than functions have is malformed, whether or not the checks would stumble over it.
    const malformed = found.diagnostics.some(({ code }) => code === "IR_VALUE");
    const said = `seed ${seed}: ${JSON.stringify(found.diagnostics.slice(0, 3))}`;
    if (!malformed) assert.equal(found.ok, accepts(data), said);
    if (!found.ok) refused++;
    for (const { message, code } of found.diagnostics) assert.ok(message.length > 0 && code.startsWith("IR_"));
  }
  assert.ok(refused > 1500, `${refused} refused`);
});

Deno.test("anything at all gets a report", () => {
  for (const junk of JUNK) {
    assert.equal(verify(junk as never).ok, false);
    assert.equal(verify({ entry: junk, functions: junk }).ok, false);
    assert.equal(verify({ entry: "main", functions: [junk] }).ok, false);
  }
});

Deno.test("a chain of functions too deep for the stack is refused, not fallen over", () => {
  const deep = Array.from(
    { length: 4000 },
    (_, i) =>
      fn([{ op: "call", attributes: { sizes: [] }, functions: [`f${i + 1}`] }], { name: i === 0 ? "main" : `f${i}` }),
  );
  assert.deepEqual(codesOf({ entry: "main", functions: [...deep, fn([{}], { name: "f4000" })] }), ["IR_LIMIT"]);
  assert.deepEqual(codesOf({ entry: "main", functions: deep }), ["IR_UNKNOWN_FUNCTION"]);
});

Deno.test("functions in a map are read like a list", () => {
  const program = buildProgram({ x: "f32[]" }, (g, { x }) => g.exp(x));
  assert.ok(verify({ entry: program.entry, functions: program.functions }).ok);
  assert.ok(verify({ entry: program.entry, functions: [functionOf(program)] }).ok);
});
