/** Repairs: every fault of meaning in one answer, with edits that work when they are applied blindly. */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { applyPatch, type Failure, failureFromJson, isFailure, type Json } from "../../../kernel/mod.ts";
import { checkAll } from "../../../plugins/rmil/check.ts";
import { MAX_FAULTS } from "../../../plugins/rmil/check/fault.ts";
import { checkMending } from "../../../plugins/rmil/check/mend.ts";
import { atOnce } from "../../../plugins/rmil/check/walk.ts";
import { MAX_CHANGES, MAX_REPAIRED_NODES } from "../../../plugins/rmil/check/repair.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { showType } from "../../../plugins/rmil/types.ts";
import { readType } from "../../../plugins/rmil/value_json.ts";
import { callAs, inWorkspace } from "../../workspace.ts";
import { BREAKS, brokenPrograms, WELL_TYPED } from "./broken.ts";
import { Trees } from "./trees.ts";

type Inputs = { readonly [name: string]: string };

const typesOf = (inputs: Inputs) =>
  Object.fromEntries(Object.entries(inputs).map(([name, type]) => [name, readType(name, type)]));

/** The failure of a check as the operation answers it; `undefined` where the program passes. */
const refusal = (source: string, inputs: Inputs = {}): Failure | undefined => {
  try {
    atOnce(checkMending({ source }, parse(source), { inputs: typesOf(inputs) }));
    return undefined;
  } catch (thrown) {
    if (isFailure(thrown)) return thrown;
    throw thrown;
  }
};

const patched = (source: string, failure: Failure): string | undefined => {
  const { patch } = failure.fix ?? {};
  if (patch === undefined) return undefined;
  const input = applyPatch(patch, { program: { source } }) as { readonly program: { readonly source: string } };
  return input.program.source;
};

const SEED = "repair-1";

Deno.test("the programs that are broken here pass as they are", () => {
  for (const { source, inputs } of WELL_TYPED) assert.equal(refusal(source, inputs)?.message, undefined, source);
});

Deno.test("programs broken in fourteen ways: most come with a patch, and patches work when applied blindly", () => {
  const counts = new Map(Object.keys(BREAKS).map((name) => [name, { faults: 0, patched: 0, mended: 0 }]));
  for (const { by, source, inputs } of brokenPrograms(SEED)) {
    const failure = refusal(source, inputs);
    // A break that leaves a program well-typed is none.
    if (failure === undefined) continue;
    const count = counts.get(by)!;
    count.faults++;
    const text = patched(source, failure);
    if (text === undefined) continue;
    count.patched++;
    if (refusal(text, inputs) === undefined) count.mended++;
  }
  const total = (key: "faults" | "patched" | "mended"): number =>
    [...counts.values()].reduce((sum, count) => sum + count[key], 0);
  for (const [name, count] of counts) {
    assert.ok(count.faults > 0, `${name} breaks something`);
    assert.ok(count.patched > 0, `${name} is mended somewhere`);
  }
  assert.ok(total("faults") >= 150);
  assert.ok(total("patched") / total("faults") >= 0.9, `${total("patched")} of ${total("faults")}`);
  assert.equal(total("mended"), total("patched"));
});

/** A broken text, its inputs, the code, what the fix says, and the text after the patch. */
const NAMED: {
  readonly [fault: string]: readonly [source: string, inputs: Inputs, code: string, fix: RegExp, mended: string];
} = {
  "a width that does not fit is mapped": [
    "linear(3) >> // narrow\n  matmul(identity, $w)",
    { x: "f32[2,5]", w: "f32[4,6]" },
    "RMIL_LAST_AXIS",
    /Insert linear\(4\)/u,
    "linear(3) >> // narrow\n  matmul(linear(4), $w)",
  ],
  "swapped axes are transposed": [
    "matmul(identity, $w)",
    { x: "f32[2,5]", w: "f32[7,5]" },
    "RMIL_LAST_AXIS",
    /Transpose/u,
    "matmul(identity, $w >> transpose)",
  ],
  "integers where floats are taken are cast": [
    "exp >> linear(2)",
    { x: "i64[2,3]" },
    "RMIL_OPERAND",
    /Cast it to f32/u,
    "mul(1.0) >> exp >> linear(2)",
  ],
  "a missing argument is the name that nothing uses yet": [
    "let scale = 2.0 in let shift = 1.0 in add(mul($x, $scale))",
    { x: "f32[3]" },
    "RMIL_OPERANDS",
    /Give shift/u,
    "let scale = 2.0 in let shift = 1.0 in add(mul($x, $scale), $shift)",
  ],
  "a misspelled name is the nearest one": [
    "let weight = $w in matmul(identity, $wieght)",
    { x: "f32[2,3]", w: "f32[3,4]" },
    "RMIL_UNBOUND",
    /Did you mean weight/u,
    "let weight = $w in matmul(identity, $weight)",
  ],
  "a misspelled op is the nearest one, also where it is called": [
    "linear(4) >> rleu >> sofmax(0)",
    { x: "f32[2,3]" },
    "RMIL_UNBOUND",
    /Did you mean relu\?, then did you mean softmax/u,
    "linear(4) >> relu >> softmax(0)",
  ],
  "a misspelled input is the nearest one": [
    "add($biass)",
    { x: "f32[2,3]", bias: "f32[3]" },
    "RMIL_UNBOUND",
    /Did you mean bias/u,
    "add($bias)",
  ],
  "too many axes are merged": [
    "lstm(8)",
    { x: "f32[2,3,4,5]" },
    "RMIL_SHAPE",
    /Reshape it to/u,
    "reshape((2, 3, 20)) >> lstm(8)",
  ],
  "too few axes are added": [
    "conv2d(4)",
    { x: "f32[3,8,8]" },
    "RMIL_SHAPE",
    /Reshape it to/u,
    "reshape((1, 3, 8, 8)) >> conv2d(4)",
  ],
  "sizes that do not broadcast get an axis of one": [
    "mul(identity, $gate)",
    { x: "f32[4,7]", gate: "f32[4]" },
    "RMIL_SHAPE",
    /Reshape it to \[4,1\]/u,
    "mul(identity, $gate >> reshape((4, 1)))",
  ],
  "branches of different kinds get one": [
    "(if $c then 1 else 2.0) >> neg",
    { c: "bool" },
    "RMIL_BRANCHES",
    /one kind/u,
    "(if $c then 1.0 else 2.0) >> neg",
  ],
  "a residual whose inner path is too wide is mapped back": [
    "res_add(identity, linear(48) >> gelu)",
    { x: "f32[4,16]" },
    "RMIL_SHAPE",
    /linear\(16\)/u,
    "res_add(identity, linear(48) >> gelu >> linear(16))",
  ],
  "an argument too many is left out": [
    "let f = \\(a: f32) -> neg($a) in f(1.0, 2.0)",
    {},
    "RMIL_CALL",
    /Leave out the last argument/u,
    "let f = \\(a: f32) -> neg($a) in $f(1.0)",
  ],
  "an argument too few is given": [
    "let f = \\(a: f32, b: f32) -> add($a, $b) in let other = 4.0 in f(1.0)",
    {},
    "RMIL_CALL",
    /Give other/u,
    "let f = \\(a: f32, b: f32) -> add($a, $b) in let other = 4.0 in $f(1.0, $other)",
  ],
  "an argument of another kind is written in that of the parameter": [
    "let f = \\(a: f32) -> neg($a) in f(1)",
    {},
    "RMIL_ARGUMENT_TYPE",
    /Write it as f32/u,
    "let f = \\(a: f32) -> neg($a) in f(1.0)",
  ],
  "a condition that is a number is compared with 0": [
    "if $n then 1 else 2",
    { n: "i64" },
    "RMIL_PREDICATE",
    /Compare it with 0/u,
    "if subsume(0, $n) then 2 else 1",
  ],
  "an attribute's name is the nearest one": [
    "attn(casual: true)",
    { x: "f32[2,3,4]" },
    "RMIL_ATTRIBUTE",
    /Did you mean causal/u,
    "attn(causal: true)",
  ],
  "a rate in percent is a rate": ["drop(20)", { x: "f32[2]" }, "RMIL_ATTRIBUTE", /rate/u, "drop(0.2)"],
  "heads divide the width": ["attn(5)", { x: "f32[2,3,12]" }, "RMIL_SHAPE", /heads/u, "attn(6)"],
  "a size of a reshape follows from the others": [
    "reshape((2, 7))",
    { x: "f32[4,3]" },
    "RMIL_SHAPE",
    /shape/u,
    "reshape((2, -1))",
  ],
  "branches in parallel become one value": [
    "(linear(2) | linear(3)) >> gelu",
    { x: "f32[4,3]" },
    "RMIL_OPERAND",
    /concat/u,
    "(linear(2) | linear(3)) >> concat >> gelu",
  ],
  "a function over items is applied to the one value": [
    "map(neg)",
    { x: "f32" },
    "RMIL_ITEMS",
    /one value/u,
    "neg",
  ],
};

for (const [title, [source, inputs, code, fix, mended]] of Object.entries(NAMED)) {
  Deno.test(`repair: ${title}`, () => {
    const failure = refusal(source, inputs);
    assert.equal(failure?.code, code);
    assert.match(failure.fix!.summary, fix);
    assert.equal(patched(source, failure), mended);
    assert.equal(refusal(mended, inputs), undefined);
  });
}

Deno.test("several faults come in one answer, the first with the patch that mends them all", async () => {
  const source = "{ drop(20); if 3 then 1 else 2; map(neg, 1.0) }";
  const input = { program: { source }, inputs: { x: "f32[2]" } };
  const ask = (given: Json) => inWorkspace((kernel) => Effect.result(callAs(kernel, "rmil.check", given)));
  const first = await ask(input);
  assert.equal(first._tag, "Failure");
  const { code, path, also, fix } = (first as unknown as { readonly failure: Failure }).failure;
  const others = also!.map(failureFromJson);
  assert.deepEqual([[code, path], ...others.map((other) => [other.code, other.path])], [
    ["RMIL_ATTRIBUTE", "/exprs/0"],
    ["RMIL_PREDICATE", "/exprs/1/pred"],
    ["RMIL_ITEMS", "/exprs/2"],
  ]);
  // Each further failure has its own edit, on the text as it was given.
  assert.equal(
    (applyPatch(others[0].fix!.patch!, input) as typeof input).program.source,
    "{ drop(20); if true then 1 else 2; map(neg, 1.0) }",
  );
  const second = await ask(applyPatch(fix!.patch!, input));
  assert.equal(second._tag, "Success");
});

Deno.test("what follows from a fault is not a fault: nothing is known of the value, and the check goes on", () => {
  const faults = (source: string, inputs: Inputs): ReadonlyArray<readonly [string, string]> => {
    const { root, symbols } = parse(source);
    return checkAll(root, symbols, { inputs: typesOf(inputs) }).faults.map(({ failure, path }) => [failure.code, path]);
  };
  const x = { x: "f32[2,3]" };
  assert.deepEqual(faults("conv2d >> relu >> linear(4) >> matmul(identity, $w)", { ...x, w: "f32[9,9]" }), [[
    "RMIL_SHAPE",
    "/a/a/a",
  ]]);
  assert.deepEqual(faults("let a = add in add(mul($a, $a), $a)", {}), [["RMIL_OPERANDS", "/val"]]);
  assert.deepEqual(faults("nobody(1, exp(2)) >> neg", {}), [["RMIL_UNBOUND", "/a/func"], [
    "RMIL_OPERAND",
    "/a/args/1",
  ]]);
  assert.deepEqual(faults("add(exp(1))", {}), [["RMIL_OPERAND", "/args/0"], ["RMIL_OPERANDS", ""]]);
  // A function with a fault is reported once, however often it is called.
  assert.deepEqual(faults("let f = \\(a: var<0>) -> exp($a) in { f(1); f(2); repeat(f, 3) }", { x: "i64" }), [
    ["RMIL_OPERAND", "/val/body"],
  ]);
});

Deno.test("as many faults as allowed are told, a program with more has those", () => {
  const source = `{ ${Array.from({ length: MAX_FAULTS + 1 }, () => "exp(1)").join("; ")} }`;
  const { root, symbols } = parse(source);
  assert.equal(checkAll(root, symbols).faults.length, MAX_FAULTS);
});

Deno.test("as many changes as allowed are made, a program that needs one more has no patch for the whole", () => {
  const source = (count: number): string => `{ ${Array.from({ length: count }, () => "drop(20)").join("; ")} }`;
  const failure = (count: number) => refusal(source(count), { x: "f32[2]" })!;
  assert.notEqual(failure(MAX_CHANGES).fix!.patch, undefined);
  assert.equal(failure(MAX_CHANGES + 1).fix?.patch, undefined);
});

Deno.test("a program as large as allowed is repaired, a larger one is refused without a patch", () => {
  // A block of literals and one op with a bad rate: the block, the op and its literal are three nodes.
  const source = (nodes: number): string => `{ ${Array.from({ length: nodes - 3 }, () => "1").join("; ")}; drop(20) }`;
  assert.equal(parse(source(MAX_REPAIRED_NODES)).root.size, MAX_REPAIRED_NODES);
  assert.notEqual(refusal(source(MAX_REPAIRED_NODES), { x: "f32[2]" })!.fix?.patch, undefined);
  assert.equal(refusal(source(MAX_REPAIRED_NODES + 1), { x: "f32[2]" })!.fix?.patch, undefined);
});

Deno.test("bytes that are refused are mended as text", () => {
  const source = "drop(20)";
  const { root, symbols } = parse(source);
  assert.throws(
    () => atOnce(checkMending({ hex: "" }, { root, symbols }, { inputs: typesOf({ x: "f32[2]" }) })),
    (thrown: unknown) => {
      assert.ok(isFailure(thrown));
      assert.deepEqual(thrown.fix?.patch, [{ op: "replace", path: "/program", value: { source: "drop(0.2)" } }]);
      return true;
    },
  );
});

Deno.test("a repair leaves the names of the program that it was asked about alone", () => {
  const program = parse("join(by: #smu)");
  const before = [...program.symbols.names];
  assert.throws(() => atOnce(checkMending({ source: "" }, program, { inputs: typesOf({ x: "f32[2]" }) })));
  assert.deepEqual(program.symbols.names, before);
});

Deno.test("arbitrary trees are checked and repaired without a defect, and what is offered passes", () => {
  let offered = 0;
  for (let round = 0; round < 300; round++) {
    const trees = new Trees(`repair-hostile-${round}`);
    const { symbols } = trees;
    const root = trees.expression(4);
    const inputs = typesOf({ x: "f32[2,3]" });
    try {
      const made = atOnce(checkMending({ hex: "" }, { root, symbols }, { inputs }));
      assert.equal(typeof showType(made.type), "string");
    } catch (thrown) {
      assert.ok(isFailure(thrown), String(thrown));
      const [edit] = thrown.fix?.patch ?? [];
      if (edit === undefined || edit.op === "remove") continue;
      offered++;
      const { source } = edit.value as { readonly source: string };
      const read = parse(source);
      assert.deepEqual(checkAll(read.root, read.symbols, { inputs }).faults, [], source);
    }
  }
  assert.ok(offered > 20, String(offered));
});
