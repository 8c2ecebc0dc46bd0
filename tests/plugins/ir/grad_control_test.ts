/**
 * Gradients through structured control: against central differences in f64, and against the unrolled program.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  costOf,
  evaluate,
  type FunctionBuilder,
  functionOf,
  grad,
  type GradOptions,
  isIrFailure,
  parseProgram,
  printProgram,
  type Program,
  ProgramBuilder,
  programDigest,
  type Tensor,
  tensor,
  toFloats,
  toNested,
  type Value,
  verify,
} from "../../../plugins/ir/library.ts";
import { assertClose, centralDifferences, codeOf, f64, normals } from "./support.ts";

const TOLERANCE = 2e-6;

/** Asserts that the gradient by every float input agrees with central differences, and once more with each policy. */
const judge = (program: Program, inputs: ReadonlyArray<Tensor>, policies: ReadonlyArray<GradOptions> = [{}]): void => {
  const floats = inputs.flatMap((input, i) => input.dtype === "f64" ? [i] : []);
  const expected = floats.map((i) => centralDifferences(program, inputs, i));
  for (const policy of policies) {
    const { results } = evaluate(grad(program, policy), inputs);
    floats.forEach((i, k) => assertClose(toFloats(results[k]), expected[k], TOLERANCE, `d/dx${i}`));
  }
};

const w = normals("w", [3, 3]);
const x5 = normals("x", [5, 3]);
const h0 = normals("h", [3]);

/** A recurrent network over rows: final state and stacked outputs both count. */
const recurrent = (reverse: boolean, length = 5) =>
  buildProgram({ h: "f64[3]", x: `f64[${length},3]`, w: "f64[3,3]" }, (g, { h, x, w }) => {
    const [last, outputs] = g.scan({ length, reverse }, [h], [x], (b, [state], [row]) => {
      const next = b.tanh(b.add(b.matmul(state, w), row));
      return [next, b.mul(next, b.exp(row))];
    });
    return g.add(g.reduce("sum", g.mul(last, last)), g.reduce("sum", outputs));
  });

for (const reverse of [false, true]) {
  Deno.test(`gradient through scan (reverse=${reverse}) agrees with central differences`, () => {
    judge(recurrent(reverse), [h0, x5, w]);
  });
}

Deno.test("gradient through scan equals gradient of the unrolled program", () => {
  const unrolled = buildProgram({ h: "f64[3]", x: "f64[5,3]", w: "f64[3,3]" }, (g, { h, x, w }) => {
    let state = h;
    let total: Value | undefined;
    for (let t = 0; t < 5; t++) {
      const row = g.reshape(g.sliceAxis(x, 0, t, t + 1), [3]);
      state = g.tanh(g.add(g.matmul(state, w), row));
      const out = g.reduce("sum", g.mul(state, g.exp(row)));
      total = total === undefined ? out : g.add(total, out);
    }
    return g.add(total!, g.reduce("sum", g.mul(state, state)));
  });
  const inputs = [h0, x5, w];
  const scanned = evaluate(grad(recurrent(false)), inputs).results;
  evaluate(grad(unrolled), inputs).results.forEach((expected, i) =>
    assertClose(toFloats(scanned[i]), toFloats(expected), 1e-12, `${i}`)
  );
});

Deno.test("scan with integer and bool carries, constants, an unused carry and a stacked constant", () => {
  const program = buildProgram({ x: "f64[4,2]", c: "f64[2]" }, (g, { x, c }) => {
    const zero = g.full({ dtype: "i64", shape: [] }, 0);
    const flag = g.full({ dtype: "bool", shape: [] }, 0);
    const [sum, , , , stack] = g.scan(
      { length: 4 },
      [g.zerosLike(c), zero, flag, c],
      [x],
      (b, [s, i, f, own], [row]) => {
        const even = b.compare("eq", b.rem(i, 2), 0);
        const picked = b.select(b.broadcast(b.or(even, f), [2], []), b.mul(row, c), b.mul(row, own));
        return [b.add(s, b.mul(picked, picked)), b.add(i, 1), b.not(f), b.mul(own, 0.5), b.add(row, c), c];
      },
    );
    return g.reduce("sum", g.mul(g.exp(g.mul(sum, 0.1)), g.reduce("sum", g.mul(stack, stack), [0])));
  });
  judge(program, [normals("x", [4, 2]), normals("c", [2])]);
});

Deno.test("scan of symbolic length and symbolic rows", () => {
  const program = buildProgram({ h: "f64[D]", x: "f64[N,D]", w: "f64[D,D]" }, (g, { h, x, w }) => {
    const [last] = g.scan({ length: "N" }, [h], [x], (b, [s], [row]) => b.tanh(b.add(b.matmul(s, w), row)));
    return g.reduce("sum", g.mul(last, last));
  });
  judge(program, [h0, x5, w]);
});

Deno.test("scan of no rows passes the cotangent of the final state to the first", () => {
  const program = buildProgram({ h: "f64[2]", x: "f64[0,2]" }, (g, { h, x }) => {
    const [last] = g.scan({ length: 0 }, [h], [x], (b, [s], [row]) => b.mul(s, row));
    return g.reduce("sum", g.mul(last, last));
  });
  const { results } = evaluate(grad(program), [f64([2], [3, 4]), f64([0, 2], [])]);
  assert.deepEqual(results.map(toNested), [[6, 8], []]);
});

const branching = buildProgram({ p: "bool[]", x: "f64[3]", y: "f64[3]" }, (g, { p, x, y }) => {
  const scaled = g.mul(x, y);
  const [a, b] = g.if(
    p,
    (t) => [t.mul(t.exp(t.mul(scaled, 0.3)), x), t.reduce("sum", t.sin(y))],
    (e) => [e.tanh(y), e.reduce("sum", e.div(scaled, e.add(e.mul(x, x), 1)))],
  );
  return g.mul(g.reduce("sum", a), b);
});

for (const taken of [true, false]) {
  Deno.test(`gradient through if, the ${taken ? "first" : "second"} branch taken`, () => {
    judge(branching, [tensor("bool", [], [taken]), normals("x", [3]), normals("y", [3])]);
  });
}

Deno.test("an if whose branches give back a parameter twice and a constant", () => {
  const program = buildProgram({ p: "bool[]", x: "f64[2]" }, (g, { p, x }) => {
    const [a, b] = g.if(p, () => [x, x], (e) => [e.mul(x, 3), e.full(x.type, 2)]);
    return g.reduce("sum", g.mul(a, g.mul(b, b)));
  });
  for (const taken of [true, false]) judge(program, [tensor("bool", [], [taken]), f64([2], [1.5, -0.5])]);
});

/** Newton's iteration for the root of a, until it is close. */
const newton = (bound?: number) =>
  buildProgram({ a: "f64[]", start: "f64[]" }, (g, { a, start }) => {
    const [root] = g.while(
      [start],
      (c, [r]) => c.compare("gt", c.abs(c.sub(c.mul(r, r), a)), 1e-9),
      (b, [r]) => b.mul(b.add(r, b.div(a, r)), 0.5),
      bound === undefined ? {} : { bound },
    );
    return root;
  });

Deno.test("gradient through a while with a bound attribute agrees with central differences", () => {
  // d/da of the iteration at its fixed point is that of the root: 1/(2√a).
  const { results } = evaluate(grad(newton(20), { value: true }), [f64([], [7]), f64([], [2])]);
  assertClose(toFloats(results[0]), [Math.sqrt(7)], 1e-9);
  assertClose(toFloats(results[1]), [0.5 / Math.sqrt(7)], 1e-6);
  judge(newton(20), [f64([], [7]), f64([], [2])]);
});

Deno.test("gradient through a while whose bound is an option", () => {
  judge(newton(), [f64([], [3]), f64([], [1.2])], [{ bound: 12 }]);
});

Deno.test("a while with an integer counter, a captured value and a carried one that nothing wants", () => {
  const program = buildProgram({ x: "f64[2]", w: "f64[2]", n: "i64[]" }, (g, { x, w, n }) => {
    const [v] = g.while(
      [x, g.full({ dtype: "i64", shape: [] }, 0), w],
      (c, [, i]) => c.compare("lt", i, n),
      (b, [v, i, other]) => [b.sin(b.mul(b.add(v, w), 1.3)), b.add(i, 1), b.mul(other, 2)],
    );
    return g.reduce("sum", g.mul(v, v));
  });
  for (const n of [0n, 1n, 4n]) {
    judge(program, [normals("x", [2]), normals("w", [2]), tensor("i64", [], [n])], [{ bound: 4 }]);
  }
});

Deno.test("a bound that was too small gives NaN gradients and right values, one that fits exactly gives neither", () => {
  const program = buildProgram({ x: "f64[]", n: "i64[]" }, (g, { x, n }) =>
    g.while(
      [x, n],
      (c, [, i]) => c.compare("gt", i, 0),
      (b, [v, i]) => [b.mul(v, 2), b.sub(i, 1)],
    )[0]);
  const made = grad(program, { bound: 3, value: true });
  const at = (n: bigint) => evaluate(made, [f64([], [1.5]), tensor("i64", [], [n])]).results.map(toNested);
  assert.deepEqual(at(3n), [12, 8]);
  assert.deepEqual(at(4n), [24, NaN]);
});

Deno.test("a while without a bound is refused with the option that would bound it", () => {
  try {
    grad(newton());
    assert.fail("not refused");
  } catch (thrown) {
    assert.ok(isIrFailure(thrown));
    assert.equal(thrown.code, "IR_NO_GRADIENT");
    assert.deepEqual(thrown.fix?.patch?.[0], { op: "add", path: "/bound", value: 1024 });
  }
});

/** A function too large to be inlined. */
const large = (g: FunctionBuilder, x: Value, v: Value): Value => {
  let made = x;
  for (let i = 0; i < 12; i++) made = g.tanh(g.add(g.mul(made, v), 0.1 * (i + 1)));
  return made;
};

const calling = (() => {
  const p = new ProgramBuilder();
  p.function("block", { x: "f64[B*S,N]", v: "f64[B*S,N]", s: "f64[S,B]" }, (g, { x, v, s }) => [
    large(g, x, v),
    g.reduce("sum", g.mul(s, s)),
  ]);
  p.function("main", { x: "f64[6,3]", v: "f64[6,3]", s: "f64[2,3]" }, (g, { x, v, s }) => {
    const [once, norm] = g.call("block", [x, v, s]);
    const [twice] = g.call("block", [once, v, s]);
    const [constant] = g.call("block", [g.full(x.type, 0.4), v, s]);
    return g.add(g.reduce("sum", g.mul(twice, constant)), norm);
  });
  return p.build("main");
})();

Deno.test("gradient through calls of a large function keeps the calls and agrees with central differences", () => {
  const inputs = [normals("x", [6, 3]), normals("v", [6, 3]), normals("s", [2, 3])];
  judge(calling, inputs, [{}, { checkpoint: { functions: ["block"] } }]);
  const made = grad(calling);
  const names = [...made.functions.keys()];
  assert.ok(names.some((name) => name.startsWith("block.forward")), names.join());
  // Both calls with the same active arguments share one pair of halves; the one of a constant has its own.
  assert.equal(names.filter((name) => name.startsWith("block.backward")).length <= 3, true, names.join());
});

Deno.test("control inside control: a scan whose body branches and loops, inside a branch", () => {
  const program = buildProgram({ p: "bool[]", x: "f64[4,2]", w: "f64[2]" }, (g, { p, x, w }) => {
    const [out] = g.if(p, (t) => {
      const [sum, stack] = t.scan({ length: 4 }, [w], [x], (b, [s], [row]) => {
        const big = b.compare("gt", b.reduce("sum", row), 0);
        const [next] = b.if(big, (y) => y.mul(y.sin(row), s), (n) => {
          const [looped] = n.while(
            [s, n.full({ dtype: "i64", shape: [] }, 0)],
            (c, [, i]) => c.compare("lt", i, 2),
            (d, [v, i]) => [d.add(d.mul(v, row), w), d.add(i, 1)],
            { bound: 3 },
          );
          return looped;
        });
        return [next, b.mul(next, w)];
      });
      return t.add(t.reduce("sum", sum), t.reduce("sum", t.mul(stack, stack)));
    }, (e) => e.reduce("sum", e.mul(w, w)));
    return out;
  });
  for (const taken of [true, false]) {
    judge(program, [tensor("bool", [], [taken]), normals("deep", [4, 2]), normals("w", [2])]);
  }
});

Deno.test("a scan inside a scan, with values captured from both levels", () => {
  const program = buildProgram({ x: "f64[3,4,2]", w: "f64[2]", s: "f64[2]" }, (g, { x, w, s }) => {
    const [last] = g.scan({ length: 3 }, [s], [x], (b, [outer], [rows]) => {
      const scaled = b.mul(w, outer);
      const [inner] = b.scan(
        { length: 4, reverse: true },
        [outer],
        [rows],
        (c, [v], [row]) => c.tanh(c.add(c.mul(v, w), c.mul(row, scaled))),
      );
      return [inner];
    });
    return g.reduce("sum", g.mul(last, last));
  });
  judge(program, [normals("x3", [3, 4, 2]), normals("w", [2]), normals("s", [2])], [
    {},
    { checkpoint: { scan: 2 } },
    { checkpoint: { scan: "sqrt" } },
  ]);
});

Deno.test("second derivatives through control agree with central differences of the first", () => {
  const programs: ReadonlyArray<readonly [Program, ReadonlyArray<Tensor>]> = [
    [recurrent(false), [h0, x5, w]],
    [branching, [tensor("bool", [], [true]), normals("x", [3]), normals("y", [3])]],
    [newton(6), [f64([], [3]), f64([], [1.2])]],
    [calling, [normals("x", [6, 3]), normals("v", [6, 3]), normals("s", [2, 3])]],
  ];
  for (const [program, inputs] of programs) {
    const first = grad(program);
    const p = new ProgramBuilder();
    for (const fn of first.functions.values()) {
      p.add({
        ...fn,
        name: `first.${fn.name}`,
        nodes: fn.nodes.map((node) => ({ ...node, functions: node.functions.map((name) => `first.${name}`) })),
      });
    }
    const types = Object.fromEntries(inputs.map(({ dtype, shape }, i) => [`x${i}`, { dtype, shape }]));
    p.function("main", types, (g, values) =>
      g.call("first.main", Object.values(values))
        .map((value, i) =>
          g.reduce("sum", g.mul(value, g.constant(normals(`second ${i}`, value.type.shape as number[]))))
        )
        .reduce((sum, part) => g.add(sum, part)));
    judge(p.build("main"), inputs);
  }
});

for (const reverse of [false, true]) {
  Deno.test(`checkpointed scan (reverse=${reverse}) gives the same gradients bit for bit, with and without a rest`, () => {
    for (const length of [16, 18, 7]) {
      const inputs = [h0, normals("long", [length, 3]), w];
      const plain = evaluate(grad(recurrent(reverse, length)), inputs).results;
      for (const scan of ["sqrt", 2, 5, 100] as const) {
        const { results } = evaluate(grad(recurrent(reverse, length), { checkpoint: { scan } }), inputs);
        results.forEach((result, i) => assertClose(toFloats(result), toFloats(plain[i]), 1e-13, `${length} ${scan}`));
      }
    }
  });
}

Deno.test("checkpointing lowers the peak memory of a long scan", () => {
  const program = buildProgram({ h: "f64[64]", x: "f64[256]", w: "f64[64,64]" }, (g, { h, x, w }) => {
    const [last] = g.scan({ length: 256 }, [h], [x], (b, [s], [row]) => {
      let next = s;
      for (let i = 0; i < 4; i++) next = b.tanh(b.add(b.matmul(next, w), row));
      return next;
    });
    return g.reduce("sum", last);
  });
  const whole = costOf(grad(program)).peakBytes!;
  const segmented = costOf(grad(program, { checkpoint: { scan: "sqrt" } })).peakBytes!;
  assert.ok(segmented * 2 < whole, `${segmented} of ${whole}`);
});

Deno.test("checkpointing a function keeps its operands alone, and lowers the peak memory of a stack of calls", () => {
  const p = new ProgramBuilder();
  p.function("block", { x: "f64[64,64]", w: "f64[64,64]" }, (g, { x, w }) => {
    let made = x;
    for (let i = 0; i < 12; i++) made = g.tanh(g.add(g.matmul(made, w), x));
    return made;
  });
  p.function("main", { x: "f64[64,64]", w: "f64[64,64]" }, (g, { x, w }) => {
    let made = x;
    for (let i = 0; i < 8; i++) [made] = g.call("block", [made, w]);
    return g.reduce("sum", made);
  });
  const program = p.build("main");
  const [whole, again] = [{}, { checkpoint: { functions: ["block"] } }].map((policy) => grad(program, policy));
  const kept = (made: Program) => functionOf(made).nodes.reduce((sum, node) => sum + node.results.length, 0);
  assert.ok(kept(again) < kept(whole) / 2, `${kept(again)} of ${kept(whole)}`);
  const [before, after] = [whole, again].map((made) => costOf(made).peakBytes!);
  assert.ok(after * 3 < before, `${after} of ${before} bytes`);
  const inputs = [normals("x", [64, 64]), normals("w", [64, 64])].map((input) => ({
    ...input,
    data: Float64Array.from(toFloats(input), (value) => value / 8),
  }));
  const [first, second] = [whole, again].map((made) => evaluate(made, inputs).results);
  first.forEach((expected, i) => assertClose(toFloats(second[i]), toFloats(expected), 1e-12, `${i}`));
});

Deno.test("gradient programs of control flow verify without errors, and read back from their text", () => {
  const programs = [
    grad(recurrent(true)),
    grad(branching),
    grad(newton(5)),
    grad(calling),
    grad(recurrent(false, 16), { checkpoint: { scan: "sqrt" } }),
  ];
  for (const program of programs) {
    assert.deepEqual(verify(program).diagnostics.filter(({ severity }) => severity === "error"), []);
    assert.equal(programDigest(parseProgram(printProgram(program))), programDigest(program));
  }
});

Deno.test("the bound of a while is printed, read, and no part of what it computes", () => {
  const [promised, without] = [newton(7), newton()];
  assert.ok(printProgram(promised).includes("bound = 7"));
  assert.equal(programDigest(parseProgram(printProgram(promised))), programDigest(promised));
  const inputs = [f64([], [2]), f64([], [1])];
  assert.deepEqual(evaluate(promised, inputs).results, evaluate(without, inputs).results);
  assert.equal(codeOf(() => newton(-1)), "IR_ATTRIBUTE");
});

Deno.test("a lean builder emits equal nodes once, tells −0 from 0, and drops what a body does not need", () => {
  const body = (g: FunctionBuilder, { x }: { readonly x: Value }) => {
    const [made] = g.scan({ length: 2 }, [x], [], (b, [s]) => {
      b.exp(b.sin(x));
      return b.add(b.mul(s, 2), b.mul(s, 2));
    });
    return g.add(g.mul(made, 0), g.mul(made, -0));
  };
  const [plain, lean] = [false, true].map((lean) => buildProgram({ x: "f64[]" }, body, { lean }));
  const nodes = (program: Program) => [...program.functions.values()].map((fn) => fn.nodes.length).join();
  assert.equal(nodes(plain), "7,6");
  assert.equal(nodes(lean), "3,6");
  assert.deepEqual(evaluate(lean, [f64([], [3])]).results, evaluate(plain, [f64([], [3])]).results);
});

Deno.test("a loop inside a function that has no bound is refused by its place", () => {
  assert.equal(codeOf(() => grad(newton(), { wrt: ["start"] })), "IR_NO_GRADIENT");
});
