import assert from "node:assert/strict";
import { Failure, type Json, random } from "../../../kernel/mod.ts";
import { nameOf } from "../../../plugins/rmil/opcodes.ts";
import {
  app,
  block,
  equalExpressions,
  type Expression,
  lam,
  letIn,
  lit,
  par,
  ref,
  seq,
} from "../../../plugins/rmil/expression.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { diff, MAX_DIFF_NODES, type Patch, patchSize } from "../../../plugins/rmil/tools/diff.ts";
import { boundedCount } from "../../../plugins/rmil/tools/key.ts";
import { applyPatch, patchFromJson, patchToJson } from "../../../plugins/rmil/tools/patch.ts";
import { childrenOf, withStages } from "../../../plugins/rmil/tools/stages.ts";
import { scalar } from "../../../plugins/rmil/types.ts";
import { i64 } from "../../../plugins/rmil/value.ts";
import { mutated, table, tree } from "./tools_trees.ts";

const symbols = table();
const [LINEAR, RELU, ADD] = [0x0002, 0x0010, 0x0600];
const pipeline = (...codes: ReadonlyArray<number>): Expression => codes.map((code) => app(code)).reduce(seq);
const between = (a: Expression, b: Expression): Patch => diff({ symbols, root: a }, { symbols, root: b });
const one = lit(i64(1));

const failureOf = (run: () => unknown): Failure => {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof Failure, String(cause));
    return cause;
  }
  return assert.fail("expected a failure");
};

const codeOf = (run: () => unknown): string => failureOf(run).code;

Deno.test("applying the difference of any two programs to the first gives the second, also through JSON", () => {
  const draw = random("diff");
  for (let round = 0; round < 1500; round++) {
    const a = tree(draw, 1 + draw.below(60));
    let b = draw.below(3) === 0 ? tree(draw, 1 + draw.below(60)) : a;
    for (let edits = draw.below(4); edits > 0; edits--) b = mutated(draw, b);
    const patch = between(a, b);
    assert.ok(equalExpressions(applyPatch(patch, { symbols, root: a }).root, b), `round ${round}`);
    const read = patchFromJson(JSON.parse(JSON.stringify(patchToJson(patch, nameOf))));
    assert.ok(equalExpressions(applyPatch(read, { symbols, root: a }).root, b), `round ${round}, JSON`);
    assert.ok(patchSize(patch) <= boundedCount(b, "program") + 1, `round ${round}: ${patchSize(patch)}`);
  }
});

Deno.test("equal programs differ in nothing, whatever their tables", () => {
  const other = Symbols.of(["f", "x"]);
  const patch = diff({ symbols: Symbols.of(["x", "f"]), root: ref(1) }, { symbols: other, root: ref(2) });
  assert.deepEqual(patch.edits, []);
});

Deno.test("tables may differ: names are compared and brought along", () => {
  const a = { symbols: Symbols.of(["x"]), root: app(ADD, [ref(1), one]) };
  const b = { symbols: Symbols.of(["new", "x"]), root: app(ADD, [ref(2), ref(1)]) };
  const { symbols: names, root } = applyPatch(diff(a, b), a);
  assert.deepEqual(root.children.map((child) => names.nameOf(child.code)), ["x", "new"]);
});

Deno.test("a stage put anywhere into a long pipeline is one edit that brings one node", () => {
  const codes = Array.from({ length: 300 }, (_, index) => 0x0001 + (index % 7));
  for (const at of [0, 1, 150, 299, 300]) {
    const patch = between(pipeline(...codes), pipeline(...codes.slice(0, at), ADD, ...codes.slice(at)));
    assert.deepEqual(patch.edits.map(({ edit }) => edit), ["splice"]);
    assert.equal(patchSize(patch), 2);
  }
});

Deno.test("a stage taken away is one edit that brings nothing", () => {
  const patch = between(pipeline(LINEAR, RELU, ADD, LINEAR), pipeline(LINEAR, ADD, LINEAR));
  assert.deepEqual(patch.edits, [{ edit: "splice", path: [], at: 1, remove: 1, insert: [] }]);
});

Deno.test("two changes far apart are two edits", () => {
  const items = Array.from({ length: 40 }, (_, index) => app(ADD, [lit(i64(index)), one]));
  const changed = items.map((item, index) => index === 3 || index === 30 ? app(ADD, [lit(i64(index)), ref(1)]) : item);
  assert.equal(between(block(items), block(changed)).edits.length, 2);
});

Deno.test("wrapping a part copies it instead of sending it", () => {
  const part = tree(random("part"), 60);
  const patch = between(part, app(ADD, [part, one]));
  assert.equal(patchSize(patch), 4);
});

Deno.test("moving a part copies it", () => {
  const part = app(ADD, [app(ADD, [one, ref(1)]), app(ADD, [ref(2), one])]);
  const patch = between(block([part, one, ref(1)]), block([one, ref(1), part]));
  assert.ok(patchSize(patch) <= 4, String(patchSize(patch)));
});

Deno.test("renaming a binder changes heads, not bodies", () => {
  const body = app(ADD, [one, one]);
  const patch = between(letIn(1, body, body), letIn(2, body, body));
  assert.deepEqual(patch.edits.map(({ edit }) => edit), ["relabel"]);
});

Deno.test("right-nested pipelines and groups inside pipelines stay as they are", () => {
  for (const root of [seq(app(1), seq(app(2), app(3))), par(par(app(1), app(2)), par(app(3), app(4)))]) {
    assert.ok(equalExpressions(withStages(root, childrenOf(root)), root));
    const patch = between(pipeline(1, 2, 3), root);
    assert.ok(equalExpressions(applyPatch(patch, { symbols, root: pipeline(1, 2, 3) }).root, root));
  }
});

Deno.test("a patch for another program is refused", () => {
  const patch = between(one, ref(1));
  assert.equal(codeOf(() => applyPatch(patch, { symbols, root: ref(2) })), "RMIL_PATCH");
});

const forged = (a: Expression, edits: ReadonlyArray<Json>): Failure => {
  const { from, to } = between(a, a);
  return failureOf(() => applyPatch(patchFromJson({ from, to, symbols: [], edits }), { symbols, root: a }));
};

const ONE: Json = { k: "Lit", val: { k: "I64", v: "1" } };

Deno.test("edits that do not fit are refused, each for its reason", () => {
  const root = app(ADD, [one, ref(1)]);
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Json>]> = [
    ["a path that leads nowhere", [{ edit: "replace", path: "/7", with: ONE }]],
    ["a copy from nowhere", [{ edit: "replace", path: "", with: { copy: "/0/0" } }]],
    ["a result that is not promised", [{ edit: "replace", path: "/0", with: { copy: "/1" } }]],
    ["two edits of one node", [{ edit: "replace", path: "/0", with: ONE }, { edit: "replace", path: "/0", with: ONE }]],
    ["an edit inside a replaced part", [
      { edit: "replace", path: "", with: ONE },
      { edit: "replace", path: "/0", with: ONE },
    ]],
    ["a removal beyond the end", [{ edit: "splice", path: "", at: 1, remove: 2, insert: [] }]],
    ["two removals of one child", [
      { edit: "splice", path: "", at: 0, remove: 2, insert: [] },
      { edit: "splice", path: "", at: 1, remove: 1, insert: [] },
    ]],
    ["a change inside a removed child", [
      { edit: "splice", path: "", at: 0, remove: 1, insert: [] },
      { edit: "replace", path: "/0", with: ONE },
    ]],
    ["another kind of node", [{ edit: "relabel", path: "", head: { k: "Block" } }]],
    ["a leaf with children", [{ edit: "splice", path: "/0", at: 0, remove: 0, insert: [ONE] }]],
    ["no edit at all", [{ edit: "swap", path: "" }]],
    ["a count below zero", [{ edit: "splice", path: "", at: -1, remove: 0, insert: [] }]],
    ["a path that is none", [{ edit: "replace", path: "/01", with: ONE }]],
    ["a pipeline of one stage", [{ edit: "replace", path: "", with: { k: "Seq", parts: [ONE] } }]],
    ["a conditional without branches", [{ edit: "replace", path: "", with: { k: "Cond", parts: [ONE] } }]],
  ];
  for (const [name, edits] of cases) {
    const { code, message } = forged(root, edits);
    assert.equal(code, "RMIL_PATCH", name);
    // The digest of the result is the last line of defence, not the reason.
    assert.equal(message.includes("promises"), name === "a result that is not promised", `${name}: ${message}`);
  }
});

Deno.test("a patch that copies and copies is refused before it has grown", () => {
  const whole = { copy: "" };
  const root = Array.from({ length: 400 }, () => app(ADD)).reduce(seq);
  const insert = Array.from({ length: 500 }, () => whole);
  assert.equal(
    forged(root, [{ edit: "replace", path: "", with: { k: "Block", parts: insert } }]).code,
    "RMIL_TOO_LARGE",
  );
});

Deno.test("a program of as many nodes as allowed is compared, one more is refused", () => {
  const wide = (count: number) => block(Array.from({ length: count - 1 }, () => one));
  assert.deepEqual(between(wide(MAX_DIFF_NODES), wide(MAX_DIFF_NODES)).edits, []);
  assert.equal(codeOf(() => between(one, wide(MAX_DIFF_NODES + 1))), "RMIL_TOO_LARGE");
});

Deno.test("two long lists without likeness are compared in bounded work", () => {
  const wide = (offset: number) => block(Array.from({ length: 20_000 }, (_, index) => lit(i64(offset + index))));
  const patch = between(wide(0), wide(50_000));
  assert.ok(equalExpressions(applyPatch(patch, { symbols, root: wide(0) }).root, wide(50_000)));
});

Deno.test("a lambda that gains a parameter is relabelled", () => {
  const body = tree(random("body"), 20);
  const parameter = (sym: number) => ({ sym, type: scalar("f32") });
  const patch = between(lam([parameter(1)], body), lam([parameter(1), parameter(2)], body));
  assert.deepEqual(patch.edits.map(({ edit }) => edit), ["relabel"]);
});
