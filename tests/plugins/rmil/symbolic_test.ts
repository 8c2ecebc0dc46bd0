import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { LocalAgents, MAX_INBOX } from "../../../plugins/rmil/agent_port.ts";
import { check } from "../../../plugins/rmil/check.ts";
import { block, call, cond, type Expression, par } from "../../../plugins/rmil/expression.ts";
import { run } from "../../../plugins/rmil/interpreter.ts";
import { describeValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { atom, compound, type Substitution, type Term, variable } from "../../../plugins/rmil/symbolic.ts";
import { equalTerms, MAX_TERM_DEPTH, printTerm, symbolicDefault } from "../../../plugins/rmil/symbolic_default.ts";
import { i64, NIL } from "../../../plugins/rmil/value.ts";
import {
  bind,
  calling,
  failureOf,
  flag,
  fun,
  int,
  name,
  num,
  op,
  pipe,
  plain,
  runOn,
  symbol,
  symbols,
  tensor,
  wave,
} from "./programs.ts";

/** Reads `f(X, g(a))`: a reader of its own, so that nothing here rests on the language's parser. */
const read = (text: string): Term => {
  let at = 0;
  const term = (): Term => {
    const word = /[A-Za-z0-9_]+/uy;
    word.lastIndex = at;
    const [found] = word.exec(text)!;
    at += found.length;
    if (text[at] !== "(") return /^[A-Z_]/u.test(found) ? variable(found) : atom(found);
    const args: Term[] = [];
    do {
      at++;
      args.push(term());
    } while (text[at] === ",");
    at++;
    return compound(found, args);
  };
  return term();
};

/** The cases in Prolog's own notation, written as plain terms: lists are pairs, operators functors. */
const PLAIN: { readonly [text: string]: string } = {
  "[H|T]": "cons(H,T)",
  "[1,2,3]": "cons(1,cons(2,cons(3,empty)))",
  "[]": "empty",
  "[X]": "cons(X,empty)",
  "[X,Y|Z]": "cons(X,cons(Y,Z))",
  "[1]": "cons(1,empty)",
  "[X|X]": "cons(X,X)",
  "[[a]|Y]": "cons(cons(a,empty),Y)",
  "1.0": "float_1",
  "'A'": "quoted_A",
  '"A"': "text_A",
  "f(-1)": "f(minus_1)",
  "f(- 1)": "f(minus(1))",
  "{X,Y}": "braces(comma(X,Y))",
  "{1,Z}": "braces(comma(1,Z))",
  "a:b:X": "colon(a,colon(b,X))",
  "Y:Z": "colon(Y,Z)",
  "x-(y-Z)": "minus(x,minus(y,Z))",
  "x-y-Z": "minus(minus(x,y),Z)",
  "A-B": "minus(A,B)",
  "[b('H',1),b('T',[2,3])]": "[b('H',1),b('T',cons(2,cons(3,empty)))]",
  "[b('X',[a]),b('Y',[a])]": "[b('X',cons(a,empty)),b('Y',cons(a,empty))]",
  "[b('X',A),b('Y',a),b('Z',:(b,A))]": "[b('X',A),b('Y',a),b('Z',colon(b,A))]",
  "[b('Z',A),b('A',x),b('B',-(y,A))]": "[b('Z',A),b('A',x),b('B',minus(y,A))]",
  "[b('Z',A),b('A',-(x,y)),b('B',A)]": "[b('Z',A),b('A',minus(x,y)),b('B',A)]",
};

type Case = { l: string; r: string; unifies_with_occurs_check: boolean; bindings_canonical: string | null };

const inPlain = (text: string): string => PLAIN[text] ?? text;

const cases: ReadonlyArray<Case> = JSON.parse(
  Deno.readTextFileSync(new URL("../../vectors/unification/cases.json", import.meta.url)),
).map((own: Case) => ({
  ...own,
  l: inPlain(own.l),
  r: inPlain(own.r),
  bindings_canonical: own.bindings_canonical?.startsWith("[b")
    ? inPlain(own.bindings_canonical)
    : own.bindings_canonical,
}));

/** `[b('X',f(A)),…]` with free variables numbered by first occurrence: the judge's canonical form. */
const canonical = (substitution: Substitution, order: ReadonlyArray<string>): string => {
  const names = new Map<string, string>();
  const show = (term: Term): string => {
    if (term.kind === "variable") {
      if (!names.has(term.name)) names.set(term.name, String.fromCharCode(65 + names.size));
      return names.get(term.name)!;
    }
    if (term.kind === "value") return "value";
    return term.args.length === 0 ? term.functor : `${term.functor}(${term.args.map(show).join(",")})`;
  };
  return `[${order.map((key) => `b('${key}',${show(symbolicDefault.apply(substitution, variable(key)))})`).join(",")}]`;
};

Deno.test("all 400 unification cases: verdict and most general unifier", () => {
  assert.equal(cases.length, 400);
  for (const { l, r, unifies_with_occurs_check: unifies, bindings_canonical: wanted } of cases) {
    const [left, right] = [read(l), read(r)];
    const found = symbolicDefault.unify(left, right);
    assert.equal(found !== undefined, unifies, `${l} = ${r}`);
    if (found === undefined) continue;
    const [a, b] = [left, right].map((term) => symbolicDefault.apply(found, term));
    assert.ok(equalTerms(a, b), `${l} = ${r}: ${printTerm(a)} and ${printTerm(b)}`);
    const order = [...wanted!.matchAll(/b\('([A-Za-z0-9_]+)',/gu)].map(([, key]) => key);
    assert.equal(canonical(found, order), wanted, `${l} = ${r}`);
    for (const term of found.values()) assert.ok(equalTerms(symbolicDefault.apply(found, term), term), "idempotent");
  }
});

Deno.test("unification is symmetric, and long chains and deep terms neither overflow nor take for ever", () => {
  for (const { l, r } of cases) {
    assert.equal(
      symbolicDefault.unify(read(r), read(l)) !== undefined,
      symbolicDefault.unify(read(l), read(r)) !== undefined,
    );
  }
  const deep = (end: Term, levels: number): Term => {
    let term = end;
    for (let i = 0; i < levels; i++) term = compound("s", [term]);
    return term;
  };
  assert.ok(symbolicDefault.unify(deep(atom("a"), 100_000), deep(atom("a"), 100_000)) !== undefined);
  assert.equal(symbolicDefault.unify(deep(atom("a"), 100_000), deep(atom("b"), 100_000)), undefined);
  const at = (levels: number) => symbolicDefault.unify(variable("X"), deep(atom("a"), levels));
  assert.ok(at(MAX_TERM_DEPTH - 1) !== undefined);
  assert.equal(failureOf(() => at(MAX_TERM_DEPTH + 2)).code, "RMIL_MEMORY");
});

const fact = (functor: string, ...args: ReadonlyArray<Expression>): Expression => call(name(functor), args);

const family = [
  op("assert", fact("parent", name("ann"), name("bob"))),
  op("assert", fact("parent", name("bob"), name("cid"))),
  op("assert", fact("parent", name("cid"), name("dan"))),
  op("assert", fact("rule", fact("elder", name("X"), name("Y")), fact("parent", name("X"), name("Y")))),
  op(
    "assert",
    fact(
      "rule",
      fact("elder", name("X"), name("Z")),
      fact("parent", name("X"), name("Y")),
      fact("elder", name("Y"), name("Z")),
    ),
  ),
];

Deno.test("resolution answers recursive goals, in the order of the clauses", () => {
  const made = runOn(block([...family, op("resolve", fact("elder", name("ann"), name("Who")))]));
  assert.deepEqual(plain(made), [[["Who", "bob"]], [["Who", "cid"]], [["Who", "dan"]]]);
  assert.deepEqual(plain(runOn(block([...family, op("resolve", fact("elder", name("dan"), name("Who")))]))), []);
  assert.deepEqual(plain(runOn(block([...family, op("resolve", fact("elder", name("A"), name("B")), int(2))]))), [
    [["A", "ann"], ["B", "bob"]],
    [["A", "bob"], ["B", "cid"]],
  ]);
});

Deno.test("facts alone answer a query; no rule is applied", () => {
  assert.deepEqual(plain(runOn(block([...family, op("query_kb", fact("parent", name("X"), name("dan")))]))), [[[
    "X",
    "cid",
  ]]]);
  assert.deepEqual(plain(runOn(block([...family, op("query_kb", fact("elder", name("X"), name("dan")))]))), []);
});

Deno.test("forward chaining reaches the transitive closure and stops", () => {
  const made = runOn(block([...family, op("infer")]));
  assert.ok(made.k === "Tuple");
  const terms = made.items.map(describeValue).sort();
  assert.deepEqual(terms, [
    ...["ann, bob", "ann, cid", "ann, dan", "bob, cid", "bob, dan", "cid, dan"].map((pair) =>
      `the term elder(${pair})`
    ),
  ]);
});

Deno.test("left recursion ends at the fuel, by a typed failure", () => {
  const loop = op("assert", fact("rule", fact("p", name("X")), fact("p", name("X"))));
  const program = block([loop, op("resolve", fact("p", name("a")))]);
  assert.equal(failureOf(() => runOn(program, undefined, { fuel: 2_000 })).code, "RMIL_FUEL");
});

Deno.test("matching binds the pattern only; subsumption is one-way", () => {
  const general = fact("f", name("X"), name("Y"));
  const specific = fact("f", name("a"), name("Z"));
  assert.equal(plain(runOn(op("subsume", general, specific))), true);
  assert.equal(plain(runOn(op("subsume", specific, general))), false);
  assert.deepEqual(runOn(op("match", fact("f", name("a")), fact("f", name("X")))), NIL);
  assert.deepEqual(plain(runOn(op("unify", fact("f", name("X"), name("X")), fact("f", name("a"), name("b"))))), null);
  assert.deepEqual(plain(runOn(op("unify", name("X"), fact("f", name("X"))))), null);
});

Deno.test("rewriting reaches a normal form: Peano addition", () => {
  const rules = par(
    fact("rule", fact("plus", name("zero"), name("Y")), name("Y")),
    fact("rule", fact("plus", fact("s", name("X")), name("Y")), fact("s", fact("plus", name("X"), name("Y")))),
  );
  const two = fact("s", fact("s", name("zero")));
  const made = runOn(op("rewrite", rules, fact("plus", two, two)));
  assert.equal(describeValue(made), "the term s(s(s(s(zero))))");
});

Deno.test("rules that undo each other stop at their limit", () => {
  const rules = par(fact("rule", name("a"), name("b")), fact("rule", name("b"), name("a")));
  assert.equal(plain(runOn(op("rewrite", rules, name("a"), int(3)))), "b");
});

Deno.test("planning finds the shortest way, uses deletions, and says nil where there is none", () => {
  const move = fact(
    "action",
    fact("move", name("A"), name("B")),
    fact("needs", fact("at", name("A")), fact("road", name("A"), name("B"))),
    fact("adds", fact("at", name("B"))),
    fact("deletes", fact("at", name("A"))),
  );
  const roads = [["home", "shop"], ["shop", "work"], ["home", "park"], ["park", "lake"], ["lake", "work"]]
    .map(([from, to]) => op("assert", fact("road", name(from), name(to))));
  const world = [op("assert", move), op("assert", fact("at", name("home"))), ...roads];
  const made = runOn(block([...world, op("plan", fact("at", name("work")))]));
  assert.ok(made.k === "Tuple");
  assert.deepEqual(made.items.map(describeValue), ["the term move(home, shop)", "the term move(shop, work)"]);
  assert.deepEqual(plain(runOn(block([...world, op("plan", fact("at", name("moon")))]))), null);
  const both = par(fact("at", name("home")), fact("at", name("shop")));
  assert.deepEqual(plain(runOn(block([...world, op("plan", both)]))), null, "one cannot be at two places");
});

Deno.test("a variable bound in the run stands for its value; it cannot hold itself", () => {
  assert.deepEqual(
    plain(runOn(block([op("bind", name("X"), int(3)), op("unify", fact("f", name("X")), fact("f", name("Y")))]))),
    [["Y", 3n]],
  );
});

const running = (program: Expression, agents = new LocalAgents()) =>
  Effect.runPromise(run(program, symbols, { agents: agents.port("main") }));

Deno.test("agents: a child answers by its behaviour, tasks come back, a killed one is gone", async () => {
  const program = bind(
    "child",
    op("spawn", fun([["x", { k: "Var", id: 0 }]], op("mul", name("x"), int(2)))),
    block([
      op("send", name("child"), int(21)),
      par(
        par(op("recv"), op("delegate", name("child"), int(4))),
        par(op("kill", name("child")), op("kill", name("child"))),
      ),
    ]),
  );
  assert.deepEqual(plain((await running(program)).value), [[42n, 8n], [true, false]]);
});

Deno.test("messages arrive in order; nothing waiting is nil; unknown agents are refused with their path", async () => {
  const agents = new LocalAgents();
  const other = agents.port("other");
  const first = block([op("send", symbol("other"), int(1)), op("broadcast", int(2)), op("recv")]);
  assert.deepEqual((await running(first, agents)).value, NIL);
  const next = () => Effect.runPromise(other.receive());
  assert.deepEqual([(await next())?.message, (await next())?.message, await next()], [i64(1), i64(2), undefined]);
  const refused = await Effect.runPromise(Effect.flip(run(pipe(int(1), op("send", symbol("nobody"))), symbols)));
  assert.deepEqual([refused.code, refused.path], ["RMIL_AGENT", "/b"]);
});

Deno.test("topics reach their followers alone", async () => {
  const agents = new LocalAgents();
  const [a, b] = [agents.port("a"), agents.port("b")];
  await Effect.runPromise(a.subscribe("news"));
  await running(op("publish", symbol("news"), int(7)), agents);
  assert.equal((await Effect.runPromise(a.receive()))?.from, "main");
  assert.equal(await Effect.runPromise(b.receive()), undefined);
});

Deno.test("an inbox takes its limit and refuses one past", async () => {
  const agents = new LocalAgents();
  agents.port("other");
  const port = agents.port("main");
  const send = Effect.result(port.send("other", i64(1)));
  for (let i = 0; i < MAX_INBOX; i++) assert.equal((await Effect.runPromise(send))._tag, "Success");
  assert.equal((await Effect.runPromise(send))._tag, "Failure");
});

Deno.test("a run that never ends can be interrupted", async () => {
  const endless = op(
    "loop",
    cond(flag(true), op("add", int(1)), op("neg")),
    fun([["n", { k: "Var", id: 0 }]], flag(true)),
    int(0),
    int(1e9),
  );
  const outcome = await Effect.runPromise(Effect.timeoutOption(run(endless, symbols, { fuel: 1e12 }), 50));
  assert.equal(outcome._tag, "None");
});

Deno.test("one program mixes neural, symbolic and agent ops", async () => {
  const program = bind(
    "scores",
    pipe(op("linear", int(3)), op("softmax")),
    block([
      ...family,
      par(
        par(name("scores"), op("resolve", fact("elder", name("ann"), name("Who")))),
        bind("child", op("spawn", pipe(op("layer_norm"), op("relu"))), op("delegate", name("child"), name("scores"))),
      ),
    ]),
  );
  const x = tensor("f32", [2, 4], wave(8));
  const made = (await Effect.runPromise(run(program, symbols, { inputs: { x } }))).value;
  assert.ok(made.k === "Tuple" && made.items[0].k === "Tuple");
  assert.equal(describeValue(made.items[0].items[0]), "f32[2,3]");
  assert.equal(describeValue(made.items[0].items[1]), "a tuple of 3");
  assert.equal(describeValue(made.items[1]), "f32[2,3]");
  const judged = check(program, symbols, { inputs: { x: { k: "Tensor", dtype: "f32", shape: [2, 4] } } });
  assert.deepEqual([judged.kinds, judged.effects], [["agent"], []]);
  assert.equal(judged.parameterCount, 4 * 3 + 3);
  assert.equal(
    plain(runOn(calling("f", num(1)), undefined, { inputs: { f: { k: "Program", program: op("neg") } } })),
    -1,
  );
});
