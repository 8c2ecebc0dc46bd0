/** The ops `match` and `rewrite` on programs: what they find and make is judged by the text of the programs. */
import assert from "node:assert/strict";
import { check } from "../../../plugins/rmil/check.ts";
import { MAX_MATCHING_STEPS } from "../../../plugins/rmil/evaluation/programs.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import type { RunValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { print } from "../../../plugins/rmil/syntax/printer.ts";
import type { Symbols } from "../../../plugins/rmil/symbols.ts";
import { showType } from "../../../plugins/rmil/types.ts";
import { toBigInt } from "../../../plugins/rmil/value.ts";
import { failureOf } from "./programs.ts";

/** A value as plain data: programs by their text, symbols by their names. */
const shown = (value: RunValue, symbols: Symbols): unknown => {
  switch (value.k) {
    case "Nil":
      return null;
    case "Program":
      return print(value.program, symbols);
    case "Sym":
      return `#${symbols.nameOf(value.sym)}`;
    case "I64":
      return Number(toBigInt(value));
    case "Tuple":
      return value.items.map((item) => shown(item, symbols));
    case "Term":
      return { term: value.term };
    default:
      return value;
  }
};

const run = (source: string, fuel?: number): unknown => {
  const { root, symbols } = parse(source);
  const checked = check(root, symbols);
  assert.ok(showType(checked.type).length > 0);
  return shown(runNow(root, symbols, fuel === undefined ? {} : { fuel })!.value, symbols);
};

Deno.test("a pattern finds the parts of a program; what it does not fit is nil", () => {
  assert.deepEqual(run("match(X >> relu, linear(8) >> relu)"), [["#X", "linear(8)"]]);
  assert.deepEqual(run("match(A >> B, linear >> relu >> gelu)"), [["#A", "linear >> relu"], ["#B", "gelu"]]);
  assert.deepEqual(run("match(res_add(identity, X), res_add(identity, linear >> gelu))"), [["#X", "linear >> gelu"]]);
  assert.deepEqual(run("match(if P then X else Y, if true then relu else gelu)"), [
    ["#P", "true"],
    ["#X", "relu"],
    ["#Y", "gelu"],
  ]);
  assert.equal(run("match(X >> relu, linear >> gelu)"), null);
});

Deno.test("a pipeline fits however it is bracketed; a repeated variable fits equal parts alone", () => {
  assert.deepEqual(run("match(linear >> X, linear >> (relu >> gelu))"), [["#X", "relu >> gelu"]]);
  assert.deepEqual(run("match(X >> X, tanh >> tanh)"), [["#X", "tanh"]]);
  assert.equal(run("match(X >> X, tanh >> relu)"), null);
});

Deno.test("names that are no variables stand for themselves; names bound to data stand for it", () => {
  assert.deepEqual(run("match(w >> X, w >> relu)"), [["#X", "relu"]]);
  assert.equal(run("match(w >> X, v >> relu)"), null);
  assert.deepEqual(run("let k = 8 in match(linear($k) >> X, linear(8) >> relu)"), [["#X", "relu"]]);
  assert.equal(run("let k = 9 in match(linear($k) >> X, linear(8) >> relu)"), null);
  // A name that the quotation itself binds is its own.
  assert.deepEqual(run("let k = 9 in match(let k = 8 in linear($k) >> X, let k = 8 in linear($k) >> relu)"), [
    ["#k", "#k"],
    ["#X", "relu"],
  ]);
});

Deno.test("programs come through pipelines, from other ops and from the running program itself", () => {
  assert.deepEqual(run("decompose(linear >> relu) >> map(\\(p: var<0>) -> match(relu, $p))"), [null, []]);
  assert.deepEqual(run("mutate(linear >> relu, gelu, 1) >> match(X >> gelu)"), [["#X", "linear"]]);
  assert.deepEqual(run("match(match(X >> Y, Z), self_ref)"), null, "the quotation is data, and is not matched inside");
  assert.deepEqual(run("self_ref >> match(A >> B)"), [["#A", "self_ref"], ["#B", "match($A >> $B)"]]);
});

Deno.test("terms are matched as before, and so are values", () => {
  assert.deepEqual(run("match(f(X, b), f(a, b))"), [["#X", "#a"]]);
  assert.deepEqual(run("match(f(X), f(3))"), [["#X", 3]]);
  assert.equal(run("match(f(X, X), f(1, 2))"), null);
});

Deno.test("rules rewrite a program until none applies", () => {
  assert.equal(run("rewrite(rule(X >> identity, X), linear >> identity >> relu >> identity)"), "linear >> relu");
  assert.equal(
    run("rewrite(rule(relu, gelu) | rule(tanh, sigmoid), linear >> relu >> linear >> tanh)"),
    "linear >> gelu >> linear >> sigmoid",
  );
  assert.equal(
    run("rewrite(rule(add(mul(X, Y), mul(X, Z)), mul(X, add(Y, Z))), $p >> add(mul(a, b), mul(a, c)))"),
    "$p >> mul($a, add($b, $c))",
  );
});

Deno.test("a record tells every application: which rule, where, before and after, and why it ended", () => {
  assert.deepEqual(run("rewrite(rule(relu, gelu) | rule(tanh, relu), linear >> tanh, trace: true)"), [
    "linear >> gelu",
    [
      [1, [1], "tanh", "relu"],
      [0, [1], "relu", "gelu"],
    ],
    "#done",
  ]);
  const [, steps, end] = run("rewrite(rule(f(X), g(X)) | rule(g(b), c), h(f(a), f(b)), trace: true)") as [
    unknown,
    ReadonlyArray<readonly [number, ReadonlyArray<number>]>,
    string,
  ];
  assert.deepEqual(steps.map(([rule, path]) => [rule, path]), [[0, [0]], [0, [1]], [1, [1]]]);
  assert.equal(end, "#done");
});

Deno.test("rules that undo each other end at the limit, for programs and for terms", () => {
  const around = (limit: number) =>
    run(`rewrite(rule(relu, gelu) | rule(gelu, relu), linear >> relu, ${limit}, trace: true)`) as [
      string,
      ReadonlyArray<unknown>,
      string,
    ];
  assert.deepEqual([around(3)[0], around(3)[1].length, around(3)[2]], ["linear >> gelu", 3, "#limit"]);
  assert.deepEqual([around(4)[0], around(4)[1].length, around(4)[2]], ["linear >> relu", 4, "#limit"]);
  assert.equal(
    (run("rewrite(rule(a, b) | rule(b, a), f(a), 5, trace: true)") as [unknown, unknown, string])[2],
    "#limit",
  );
  assert.equal((run("rewrite(rule(a, b), f(a), 5, trace: true)") as [unknown, unknown, string])[2], "#done");
});

Deno.test("a rule that makes the program larger and larger ends at the limit of applications", () => {
  const [program, steps, end] = run(
    "rewrite(rule(relu, relu >> relu), linear >> relu, 10, trace: true, strategy: #outermost)",
  ) as [string, ReadonlyArray<unknown>, string];
  assert.equal(program.split("relu").length - 1, 11);
  assert.deepEqual([steps.length, end], [10, "#limit"]);
});

Deno.test("strategies differ in where they begin", () => {
  const first = (strategy: string) =>
    (run(`rewrite(rule(neg(X), abs(X)), neg(neg(a)) >> identity, 1, trace: true, strategy: #${strategy})`) as [
      string,
      ReadonlyArray<readonly [number, ReadonlyArray<number>]>,
    ])[1][0][1];
  assert.deepEqual(first("innermost"), [0, 0]);
  assert.deepEqual(first("outermost"), [0]);
});

Deno.test("matching takes the run's fuel, and without any left it is refused rather than answered", () => {
  const stages = Array.from({ length: 60 }, () => "relu").join(" >> ");
  const source = `match(A >> B >> C >> D >> E >> F >> gelu, ${stages})`;
  assert.equal(failureOf(() => run(source, 1_000)).code, "RMIL_FUEL");
  const unbounded = failureOf(() => run(source));
  assert.deepEqual([unbounded.code, unbounded.message.includes(String(MAX_MATCHING_STEPS))], ["RMIL_FUEL", true]);
});

Deno.test("what is no rule, and a template with a name that its pattern lacks, are refused with the reason", () => {
  const refused = (source: string) => failureOf(() => run(source));
  assert.equal(refused("rewrite(relu >> gelu, linear >> relu)").code, "RMIL_TERM");
  assert.match(refused("rewrite(rule(relu, X >> Y), linear >> relu)").message, /does not bind X/u);
  assert.match(refused("unify(a >> b, c)").message, /no term/u);
});

Deno.test("check knows what the symbolic ops give", () => {
  const type = (source: string): string => {
    const { root, symbols } = parse(source);
    return showType(check(root, symbols).type);
  };
  assert.equal(type("match(X >> relu, linear >> relu)"), "∅|⊥3");
  assert.equal(type("unify(f(X), f(1))"), "∅|⊥3");
  assert.equal(type("rewrite(rule(relu, gelu), linear >> relu)"), "⊥0");
  assert.equal(type("rewrite(rule(relu, gelu), linear >> relu, trace: true)"), "(⊥0×⊥3×sym)");
  assert.equal(type("{ assert(p(a)); resolve(p(X)) }"), "⊥3");
  assert.equal(type("resolve(p(X))"), "()", "nothing is known, so nothing is proved");
  assert.equal(type("query_kb(p(X))"), "()");
  assert.equal(type("infer(p(a))"), "()");
  assert.equal(type("plan(at(home))"), "∅");
  assert.equal(type("{ assert(p(a)); plan(at(home)) }"), "∅|⊥3");
  assert.equal(type("assert(p(a))"), "⊥2");
  assert.equal(type("bind(X, 3)"), "i64");
  assert.equal(type("subsume(f(X), f(a))"), "b1");
  assert.equal(type("{ assert(p(a)); resolve(p(X)) } >> shape_of"), "(i64)");
  assert.equal(type("{ assert(p(a)); resolve(p(X)) } >> map(hash)"), "⊥3");
  const { root, symbols } = parse("{ assert(p(a)); resolve(p(X)) } >> linear(3)");
  const refused = failureOf(() => check(root, symbols));
  assert.deepEqual([refused.code, refused.path], ["RMIL_OPERAND", "/b"]);
});

Deno.test("what check says an empty knowledge base answers is what a run gives", () => {
  for (const source of ["resolve(p(X))", "query_kb(p(X))", "infer(p(a))", "infer", "plan(at(home))"]) {
    const { root, symbols } = parse(source);
    const value = runNow(root, symbols)!.value;
    assert.equal(showType(check(root, symbols).type), value.k === "Nil" ? "∅" : "()", source);
  }
});
