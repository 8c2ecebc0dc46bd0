import assert from "node:assert/strict";
import { Failure, random } from "../../../kernel/mod.ts";
import { app, equalExpressions, lam, letIn, lit, ref, seq } from "../../../plugins/rmil/expression.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { alphaDigest, alphaEqual, canonical, renumbered } from "../../../plugins/rmil/tools/canonical.ts";
import { boundedCount, MAX_NODES, namedDigest } from "../../../plugins/rmil/tools/key.ts";
import { freeReferences } from "../../../plugins/rmil/tools/scope.ts";
import { scalar } from "../../../plugins/rmil/types.ts";
import { i64, symbolValue } from "../../../plugins/rmil/value.ts";
import { NAMES, table, tree } from "./tools_trees.ts";

const one = lit(i64(1));
const ADD = 0x0600;
const real = scalar("f32");
const symbols = Symbols.of(["x", "y", "z"]);
const [x, y, z] = [1, 2, 3];
const program = (root: ReturnType<typeof ref>) => ({ symbols, root });

Deno.test("symbols are numbered in the parser's order: a let's name comes after its bound expression and body", () => {
  // let x = $y in $z: the specification numbers y = 1, z = 2, x = 3.
  const { symbols: own, root } = canonical(program(letIn(x, ref(y), ref(z))));
  assert.deepEqual(own.names, ["", "y", "z", "x"]);
  assert.ok(equalExpressions(root, letIn(3, ref(1), ref(2))));
});

Deno.test("unused names are dropped, symbols inside values are kept", () => {
  assert.deepEqual(canonical(program(lit(symbolValue(z)))).symbols.names, ["", "z"]);
});

Deno.test("programs that differ in their tables only have one canonical form", () => {
  const draw = random("canonical");
  for (let round = 0; round < 300; round++) {
    const root = tree(draw, 1 + draw.below(40));
    const order = draw.shuffle([...NAMES.keys()]);
    const shuffled = Symbols.of(["unused", ...order.map((index) => NAMES[index])]);
    const other = renumbered(root, (symbol) => shuffled.indexOf(table().nameOf(symbol)!)!);
    const [a, b] = [canonical({ symbols: table(), root }), canonical({ symbols: shuffled, root: other })];
    assert.deepEqual(a.symbols.names, b.symbols.names);
    assert.ok(equalExpressions(a.root, b.root));
    assert.equal(namedDigest({ symbols: table(), root }), namedDigest({ symbols: shuffled, root: other }));
    assert.equal(alphaDigest({ symbols: table(), root }), alphaDigest(b));
  }
});

Deno.test("canonical is idempotent", () => {
  const draw = random("idempotent");
  for (let round = 0; round < 100; round++) {
    const once = canonical({ symbols: table(), root: tree(draw, 30) });
    const twice = canonical(once);
    assert.deepEqual(once.symbols.names, twice.symbols.names);
    assert.ok(equalExpressions(once.root, twice.root));
  }
});

Deno.test("a shared part stays shared", () => {
  const part = app(ADD, [ref(x), one]);
  const { root } = canonical(program(seq(part, part)));
  assert.equal(root.children[0], root.children[1]);
});

const identity = (name: number) => lam([{ sym: name, type: real }], ref(name));

Deno.test("names of bound variables do not matter to the alpha digest", () => {
  const same = (a: ReturnType<typeof ref>, b: ReturnType<typeof ref>) => alphaEqual(program(a), program(b));
  assert.ok(same(identity(x), identity(y)));
  assert.ok(same(letIn(x, one, ref(x)), letIn(y, one, ref(y))));
  // Shadowing: the inner binder wins whatever it is called.
  assert.ok(same(letIn(x, one, letIn(x, one, ref(x))), letIn(y, one, letIn(z, one, ref(z)))));
  // A recursive function may be renamed as a whole.
  assert.ok(same(letIn(x, lam([], ref(x)), ref(x)), letIn(y, lam([], ref(y)), ref(y))));
});

Deno.test("whatever else differs, the alpha digest differs", () => {
  const differ = (a: ReturnType<typeof ref>, b: ReturnType<typeof ref>) => !alphaEqual(program(a), program(b));
  assert.ok(differ(ref(x), ref(y)), "a free name");
  assert.ok(differ(letIn(x, one, letIn(y, one, ref(x))), letIn(x, one, letIn(y, one, ref(y)))), "another binder");
  assert.ok(differ(lam([{ sym: x, type: real }], ref(x)), lam([{ sym: x, type: scalar("f64") }], ref(x))), "a type");
  assert.ok(differ(identity(x), lam([{ sym: x, type: real }], ref(y))), "captured or not");
  assert.ok(differ(letIn(x, ref(x), one), letIn(y, ref(y), one)), "a let does not see itself outside of a lambda");
  assert.ok(differ(lit(symbolValue(x)), lit(symbolValue(y))), "a symbol as a value is data");
  assert.ok(differ(app(ADD, [one, one]), app(ADD, [app(ADD, [one]), one])), "a structure");
});

Deno.test("renaming every binder at random keeps the alpha digest", () => {
  const draw = random("alpha");
  for (let round = 0; round < 200; round++) {
    // Binders only from x, y; renamed apart to fresh names, free references stay.
    const root = tree(draw, 1 + draw.below(40));
    const fresh = Symbols.of([...NAMES, "p", "q", "r", "s", "t"]);
    const free = new Set(freeReferences(root).map(({ symbol }) => symbol));
    const data = new Set<number>();
    const collect = (node: typeof root): void => {
      const value = node.value;
      if (value.k === "Sym") data.add(value.sym);
      if (value.k === "Tuple") data.add(2);
      node.children.forEach(collect);
    };
    collect(root);
    const renamed = renumbered(root, (symbol) => free.has(symbol) || data.has(symbol) ? symbol : symbol + NAMES.length);
    assert.equal(alphaDigest({ symbols: fresh, root }), alphaDigest({ symbols: fresh, root: renamed }));
  }
});

Deno.test("a symbol without a name is a failure", () => {
  assert.throws(
    () => canonical({ symbols: new Symbols(), root: ref(5) }),
    (cause) => cause instanceof Failure && cause.code === "RMIL_SYMBOL",
  );
});

Deno.test("a program of as many nodes as allowed is taken, one more is refused, shared parts counted each time", () => {
  // Doubling: 2^17 leaves are 2^18 − 1 nodes in 18 shared ones.
  let root = one;
  for (let level = 0; level < 17; level++) root = app(ADD, [root, root]);
  assert.throws(
    () => boundedCount(root, "program"),
    (cause) => cause instanceof Failure && cause.code === "RMIL_TOO_LARGE",
  );
  assert.equal(boundedCount(root, "program", 2 ** 18 - 1), 2 ** 18 - 1);
  assert.throws(() => boundedCount(root, "program", 2 ** 18 - 2));
  assert.ok(MAX_NODES < 2 ** 18 - 1);
});
