/**
 * Mutation and crossover: every kind changes what it says, nothing ill-typed comes out, records undo, seeds repeat.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  cross,
  CROSSOVER_NAMES,
  evaluate,
  type FunctionBuilder,
  functionOf,
  isIrFailure,
  mutate,
  type MutateOptions,
  MUTATION_NAMES,
  type MutationName,
  printProgram,
  type Program,
  programDigest,
  undoMutation,
  type Value,
} from "../../../plugins/ir/library.ts";
import { isVerified, signatureOf } from "./offspring.ts";
import { randomInputs, randomProgram } from "./programs.ts";
import { codeOf, normals } from "./support.ts";

type Weights = { readonly [name: string]: Value };

/** A residual network with everything the kinds look for. */
const network = buildProgram(
  { x: "f32[B,6]", w: "f32[6,6]", b: "f32[6]", v: "f32[6,6]" },
  (g: FunctionBuilder, { x, w, b, v }: Weights) => {
    const normed = g.normalize(x, { axes: [1], epsilon: 1e-5, centered: true });
    const hidden = g.activation("gelu", g.add(g.matmul(normed, w), b));
    const out = g.add(x, g.matmul(hidden, v));
    return [g.softmax(g.mul(out, 0.5), -1), g.reduce("max", out, [1])];
  },
);

const opsOf = (program: Program): ReadonlyArray<string> =>
  [...program.functions.values()].flatMap((fn) => fn.nodes.map(({ op }) => op));

const countOf = (program: Program, op: string): number => opsOf(program).filter((each) => each === op).length;

const changed = (kind: MutationName, options: MutateOptions = {}, seed = "kinds"): Program =>
  mutate(network, random(`${seed} ${kind}`), { kinds: [kind], ...options }).program;

/** What each kind does to the network, judged by its nodes. */
const EFFECTS: { readonly [K in MutationName]: (child: Program) => boolean } = {
  insertNode: (child) => opsOf(child).length > opsOf(network).length,
  deleteNode: (child) => MISSING.some((op) => countOf(child, op) < countOf(network, op)),
  replaceOp: (child) => String(opsOf(child)) !== String(opsOf(network)),
  rewireInputs: (child) => programDigest(child) !== programDigest(network),
  swapNodes: (child) => programDigest(child) !== programDigest(network),
  changeDtype: (child) => countOf(child, "cast") > 0,
  changeShape: (child) => countOf(child, "slice") + countOf(child, "pad") > 0,
  changeAttribute: (child) => programDigest(child) !== programDigest(network),
  hoist: (child) => String([...opsOf(child)].sort()) === String([...opsOf(network)].sort()),
  changeActivation: (child) => countOf(child, "erf") === 0,
  changeNormalization: (child) => programDigest(child) !== programDigest(network),
  modifyConstant: (child) => String(opsOf(child)) === String(opsOf(network)),
  addSkip: (child) => countOf(child, "add") > countOf(network, "add"),
  removeSkip: (child) => countOf(child, "add") === countOf(network, "add") - 1,
  addLayer: (child) => opsOf(child).length > opsOf(network).length,
  removeLayer: (child) => countOf(child, "dot") === countOf(network, "dot") - 1,
  duplicateBlock: (child) => opsOf(child).length > opsOf(network).length,
};

const MISSING = [...new Set(opsOf(network))];

for (const kind of MUTATION_NAMES) {
  Deno.test(`${kind} changes the network as it says, keeps its signature and can be undone`, () => {
    for (let seed = 0; seed < 10; seed++) {
      const { program, record } = mutate(network, random(`effect ${seed}`), { kinds: [kind] });
      assert.equal(record.kind, kind);
      assert.ok(EFFECTS[kind](program), `${record.detail}\n${printProgram(program)}`);
      assert.notEqual(programDigest(program), programDigest(network));
      assert.equal(signatureOf(program), signatureOf(network));
      assert.ok(isVerified(program));
      assert.equal(programDigest(undoMutation(program, record)), programDigest(network));
      const inputs = [
        normals("x", [2, 6], "f32"),
        ...["w", "b", "v"].map((name, i) => normals(name, i === 1 ? [6] : [6, 6], "f32")),
      ];
      assert.equal(evaluate(program, inputs).results.length, 2);
    }
  });
}

Deno.test("deleting a node removes it: the negation of a negation is gone", () => {
  const parent = buildProgram({ x: "f32[3]" }, (g, { x }) => g.neg(x));
  const { program } = mutate(parent, random("delete"), { kinds: ["deleteNode"] });
  assert.deepEqual(opsOf(program), []);
});

Deno.test("hoisting changes the order alone: results are the same bit for bit", () => {
  for (let seed = 0; seed < 20; seed++) {
    const { program } = mutate(network, random(`hoist ${seed}`), { kinds: ["hoist"] });
    const inputs = [
      normals("x", [2, 6], "f32"),
      normals("w", [6, 6], "f32"),
      normals("b", [6], "f32"),
      normals("v", [6, 6], "f32"),
    ];
    assert.deepEqual(evaluate(program, inputs).results, evaluate(network, inputs).results);
  }
});

Deno.test("a choice fixes what is used: the op, the activation, the dtype, the layer, the step of a constant", () => {
  assert.ok(countOf(changed("insertNode", { use: "cos" }), "cos") === 1);
  assert.ok(countOf(changed("changeActivation", { use: "tanh" }), "tanh") === 1);
  assert.ok(printProgram(changed("changeDtype", { use: "bf16" })).includes("bf16["));
  assert.ok(countOf(changed("addLayer", { use: "linear" }), "dot") === countOf(network, "dot") + 1);
  const half = buildProgram({ x: "f64[]" }, (g, { x }) => g.mul(x, 0.5));
  const { program } = mutate(half, random("step"), { kinds: ["modifyConstant"], use: "0.25" });
  assert.ok(printProgram(program).includes("(0.75)"));
});

Deno.test("normalisation becomes root mean square or none where that is asked for", () => {
  const none = changed("changeNormalization", { use: "none" });
  assert.equal(countOf(none, "sqrt"), 0);
  const rms = changed("changeNormalization", { use: "rms" });
  assert.equal(countOf(rms, "sqrt"), 1);
  assert.ok(countOf(rms, "reduce") < countOf(network, "reduce"));
});

Deno.test("a new layer's weights become a parameter where that is asked for", () => {
  const { program } = mutate(network, random("asked"), { kinds: ["addLayer"], use: "scale", parameters: true });
  const [before, after] = [network, program].map((each) => functionOf(each).parameters);
  assert.equal(after.length, before.length + 1);
  assert.equal(after.at(-1)!.type.dtype, "f32");
});

Deno.test("the same seed gives the same child, another seed another", () => {
  const child = (seed: string) => programDigest(mutate(network, random(seed)).program);
  assert.equal(child("a"), child("a"));
  assert.equal(new Set(Array.from({ length: 40 }, (_, i) => child(`seed ${i}`))).size > 30, true);
});

Deno.test("a stream that goes on gives another mutation each time", () => {
  const draws = random("stream");
  const kinds = Array.from({ length: 200 }, () => mutate(network, draws).record.kind);
  assert.ok(new Set(kinds).size >= 14, [...new Set(kinds)].join());
});

Deno.test("a program with nothing to change is refused, and so is an unknown kind with the nearest name", () => {
  const empty = buildProgram({ x: "i32[2]" }, (_g, { x }) => x);
  assert.equal(codeOf(() => mutate(empty, random(0))), "IR_NO_VARIATION");
  assert.equal(codeOf(() => mutate(network, random(0), { kinds: [] })), "IR_NO_VARIATION");
  try {
    mutate(network, random(0), { kinds: ["insertNod"] });
    assert.fail("not refused");
  } catch (thrown) {
    assert.ok(isIrFailure(thrown));
    assert.deepEqual(thrown.fix?.patch, [{ op: "replace", path: "/kinds/0", value: "insertNode" }]);
  }
  const { record } = mutate(network, random(1));
  assert.equal(codeOf(() => undoMutation(network, record)), "IR_NO_VARIATION");
});

const OFFSPRING = 1000;

Deno.test(`${OFFSPRING} offspring of random programs: all verify, all differ, signatures stay, most are distinct`, () => {
  const digests = new Set<string>();
  let made = 0;
  for (let seed = 0; made < OFFSPRING; seed++) {
    const symbolic = seed % 2 === 0;
    const parents = ["a", "b"].map((name) => randomProgram(`${name} ${seed}`, { nodes: 6, symbolic }));
    const draws = random(`offspring ${seed}`);
    const keep = (parent: Program, child: Program, name: string) => {
      made++;
      assert.ok(isVerified(child), name);
      assert.equal(signatureOf(child), signatureOf(parent), name);
      assert.notEqual(programDigest(child), programDigest(parent), name);
      digests.add(programDigest(child));
    };
    try {
      for (let i = 0; i < 3; i++) {
        const { program, record } = mutate(parents[0], draws);
        keep(parents[0], program, `${seed} ${record.kind}`);
        assert.equal(programDigest(undoMutation(program, record)), programDigest(parents[0]), `${seed} undo`);
      }
      const { program, record } = cross(parents[0], parents[1], draws);
      keep(parents[0], program, `${seed} ${record.kind}`);
    } catch (thrown) {
      if (!isIrFailure(thrown) || thrown.code !== "IR_NO_VARIATION") throw thrown;
    }
  }
  assert.ok(digests.size > 0.9 * made, `${digests.size} of ${made}`);
});

Deno.test("mutations pile up: a hundred generations still verify and run within fuel", () => {
  let program = network;
  const draws = random("generations");
  for (let generation = 0; generation < 100; generation++) {
    const child = mutate(program, draws).program;
    // Growth is for selection to bound; here large children are passed over.
    if (opsOf(child).length < 200) program = child;
  }
  assert.ok(isVerified(program));
  assert.equal(signatureOf(program), signatureOf(network));
});

const other = buildProgram(
  { x: "f32[B,6]", w: "f32[6,6]" },
  (g, { x, w }) => [g.cos(g.matmul(g.sin(x), w)), g.reduce("sum", g.exp(x), [1])],
);

for (const kind of CROSSOVER_NAMES) {
  Deno.test(`${kind} crossover gives children with nodes of both parents and the signature of the first`, () => {
    let both = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { program, record } = cross(network, other, random(`cross ${seed}`), { kinds: [kind] });
      assert.equal(record.kind, kind);
      assert.deepEqual(record.parents, [programDigest(network), programDigest(other)]);
      assert.equal(signatureOf(program), signatureOf(network));
      assert.ok(isVerified(program));
      const ops = opsOf(program);
      const own = ["erf", "max"].some((op) => ops.includes(op)) || ops.includes("sqrt");
      if (own && ["sin", "cos"].some((op) => ops.includes(op))) both++;
    }
    assert.ok(both > 0, `${both}`);
  });
}

Deno.test("parents of other signatures, sizes and control flow cross as well", () => {
  const looping = buildProgram({ n: "i64[]", y: "f64[S,2]" }, (g, { n, y }) =>
    g.while(
      [y, n],
      (c, [, i]) => c.compare("gt", i, 0),
      (b, [v, i]) => [b.sin(v), b.sub(i, 1)],
    )[0]);
  for (let seed = 0; seed < 20; seed++) {
    for (const [a, b] of [[network, looping], [looping, network]] as const) {
      const { program } = cross(a, b, random(`foreign ${seed}`));
      assert.ok(isVerified(program));
      assert.equal(signatureOf(program), signatureOf(a));
    }
  }
});

Deno.test("an unknown kind of crossover is refused, and so are parents that give nothing new", () => {
  assert.equal(codeOf(() => cross(network, other, random(0), { kinds: ["three"] })), "IR_UNKNOWN_VARIATION");
  const same = buildProgram({ x: "f32[2]" }, (_g, { x }) => x);
  assert.equal(codeOf(() => cross(same, same, random(0))), "IR_NO_VARIATION");
});

Deno.test("children of programs that run to an end end too, or run out of fuel: none crashes the evaluator", () => {
  for (let seed = 0; seed < 150; seed++) {
    const options = { nodes: 8, symbolic: false };
    const parent = randomProgram(`run ${seed}`, options);
    const inputs = randomInputs(parent, `inputs ${seed}`, options);
    try {
      const { program } = mutate(parent, random(`run ${seed}`));
      evaluate(program, inputs, { fuel: 200_000 });
    } catch (thrown) {
      assert.ok(isIrFailure(thrown), String(thrown));
    }
  }
});
