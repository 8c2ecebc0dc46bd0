/**
 * The laws by the language's interpreter: both sides of each on scalars and tensors, and the programs that must not
 * change.
 */
import assert from "node:assert/strict";
import { isFailure } from "../../../kernel/failure.ts";
import { random } from "../../../kernel/random.ts";
import { optimise } from "../../../plugins/rmil/egraph/optimise.ts";
import type { Expression } from "../../../plugins/rmil/expression.ts";
import { equalExpressions, letIn, lit, ref } from "../../../plugins/rmil/expression.ts";
import type { RunValue } from "../../../plugins/rmil/interpreter/run_value.ts";
import { isPlain } from "../../../plugins/rmil/interpreter/run_value.ts";
import { runNow } from "../../../plugins/rmil/interpreter.ts";
import { instanceOf } from "../../../plugins/rmil/rewriting/instance.ts";
import { EXACT_LAWS } from "../../../plugins/rmil/rewriting/laws.ts";
import { type Binding, guardsHold, matchContext } from "../../../plugins/rmil/rewriting/match.ts";
import { namesIn, type Tmpl } from "../../../plugins/rmil/rewriting/pattern.ts";
import { rewrite } from "../../../plugins/rmil/rewriting/rewriter.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { parse } from "../../../plugins/rmil/syntax/parser.ts";
import { bool, equalValues, f32, f64, i64, tensorValue, type Value } from "../../../plugins/rmil/value.ts";
import { NAME, randomTerm } from "./small_terms.ts";

const floats = (...values: ReadonlyArray<number>): Value =>
  tensorValue("f32", [values.length], new Uint8Array(Float32Array.from(values).buffer));

const VALUES: ReadonlyArray<Value> = [
  i64(5),
  i64(-(2n ** 63n)),
  f64(-0),
  f64(2.5),
  f32(-1.25),
  bool(true),
  floats(1, -2, 0),
  tensorValue("f32", [1, 1, 2, 2], new Uint8Array(Float32Array.of(1, 2, -3, 0).buffer)),
  tensorValue("f64", [2, 1], new Uint8Array(Float64Array.of(-3, 0.5).buffer)),
];

const symbols = (): Symbols => Symbols.of(["", "named", "local", "x3", "x4", "x5", "x6", "x7", "x8", "s"]);

const FUEL = 100_000;

/** A program's plain value on an input; its failure's code; or what it gave instead. */
const run = (root: Expression, input: Value, name: Value): Value | string => {
  try {
    const made: RunValue = runNow(letIn(NAME, lit(name), root), symbols(), { inputs: { input }, fuel: FUEL })!.value;
    return isPlain(made) ? made : made.k;
  } catch (thrown) {
    if (isFailure(thrown)) return "failure";
    throw thrown;
  }
};

const isNan = (value: Value): boolean =>
  (value.k === "F32" && (value.bits & 0x7fffffff) > 0x7f800000) ||
  (value.k === "F64" && (value.hi & 0x7fffffff) >= 0x7ff00000 && ((value.hi & 0xfffff) !== 0 || value.lo !== 0));

const same = (a: Value | string, b: Value | string): boolean =>
  typeof a === "string" || typeof b === "string" ? a === b : equalValues(a, b) || (isNan(a) && isNan(b)) ||
    (a.k === "Tuple" && b.k === "Tuple" && a.items.every((item, i) => same(item, b.items[i])));

const assertSame = (left: Expression, right: Expression, label: string): number => {
  let valued = 0;
  VALUES.forEach((input, i) => {
    const name = VALUES[(i * 3 + 1) % VALUES.length];
    const [before, after] = [run(left, input, name), run(right, input, name)];
    assert.ok(same(before, after), `${label}, input ${i}: ${JSON.stringify(before)} and ${JSON.stringify(after)}`);
    if (before !== "failure") valued++;
  });
  return valued;
};

const SEEDS = 20;
const TRIES = 200;

Deno.test("both sides of every exact law give the same by the interpreter", () => {
  const silent: Array<string> = [];
  for (const law of EXACT_LAWS) {
    let valued = 0;
    for (let seed = 0; seed < SEEDS; seed++) {
      const draw = random(`interpreted/${law.name}/${seed}`);
      const bound = new Map<string, Binding>();
      let tries = 0;
      for (const name of namesIn(law.left)) {
        const isList = name === "before" || name === "after";
        do {
          const node = draw.below(4) === 0 ? ref(NAME) : randomTerm(draw, 1 + draw.below(2));
          const one: Binding = isList ? { k: "many", nodes: [node] } : { k: "one", node };
          bound.set(name, name === "s" ? { k: "symbol", sym: 9 } : one);
        } while (
          !guardsHold(law.guards.filter((guard) => guard.of === name), bound, matchContext()) && tries++ < TRIES
        );
      }
      if (tries >= TRIES) continue;
      const [left, right] = [instanceOf(law.left as Tmpl, bound)!, instanceOf(law.right, bound)!];
      valued += assertSame(left, right, `${law.name} ${seed}`);
    }
    if (valued === 0) silent.push(law.name);
  }
  assert.deepEqual(silent, []);
});

Deno.test("what rewriting and search make of random programs gives the same by the interpreter", () => {
  for (let seed = 0; seed < SEEDS * 2; seed++) {
    const program = randomTerm(random(`interpreted/program/${seed}`), 5);
    assertSame(program, rewrite(program).expression, `rewrite ${seed}`);
    assertSame(program, optimise(program, { limits: { nodes: 500, iterations: 6 } }).expression, `search ${seed}`);
  }
});

const KEPT = [
  "softmax >> softmax",
  "drop >> drop",
  "layer_norm >> layer_norm",
  "res_add(identity, layer_norm >> attn >> drop)",
  "max(linear, linear)",
  "linear(identity >> 3)",
  "max($x, min($x, $y))",
  "if $p then linear else linear",
];

for (const source of KEPT) {
  Deno.test(`stays as it is: ${source}`, () => {
    const { root } = parse(source);
    assert.ok(equalExpressions(rewrite(root).expression, root));
    assert.ok(equalExpressions(optimise(root).expression, root));
  });
}
