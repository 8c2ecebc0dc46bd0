/**
 * Architectures: what can be asked of them, what edits do and undo, and what becomes of them. Judges: hand counts, the
 * network itself, and laws (an edit and its inverse; JSON there and back; one graph by two roads).
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { evaluate, scalar, type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import {
  type Architecture,
  depthOf,
  edgesInto,
  emptyArchitecture,
  inputsOf,
  nodeNamed,
  nodeOf,
  nodesOfKind,
  predecessors,
  successors,
  topologicalOrder,
} from "../../../../plugins/neural/architecture/architecture.ts";
import {
  ArchitectureBuilder,
  mlpArchitecture,
  transformerBlockArchitecture,
} from "../../../../plugins/neural/architecture/builder.ts";
import {
  applyEdit,
  applyEdits,
  bypass,
  cloneNodes,
  type Edit,
  insertInto,
  subgraph,
} from "../../../../plugins/neural/architecture/edit.ts";
import { changeIn, historyOf, redo, undo } from "../../../../plugins/neural/architecture/history.ts";
import { architectureFromJson, architectureToJson } from "../../../../plugins/neural/architecture/json.ts";
import {
  architectureOfProgram,
  layersOfArchitecture,
  programOfArchitecture,
} from "../../../../plugins/neural/architecture/layers.ts";
import { analyse, networkOfArchitecture, sizeOf } from "../../../../plugins/neural/architecture/materialise.ts";
import { PROPOSAL_NAMES, proposeEdit } from "../../../../plugins/neural/architecture/variation.ts";
import {
  compileStep,
  initialValues,
  type Network,
  networkOfLayers,
  trainingStep,
} from "../../../../plugins/neural/library.ts";
import { networkOfProgram } from "../../../../plugins/neural/program.ts";
import { print } from "../../../../plugins/rmil/library.ts";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import { refused } from "../refused.ts";

const mlp = (): Architecture => mlpArchitecture("f32[B,784]", [256, 128, 10]);
const block = (): Architecture => transformerBlockArchitecture({ hidden: 8, inner: 16, heads: 2, positions: 5 });
const idOf = (architecture: Architecture, name: string): string => nodeNamed(architecture, name)!.id;

const ramp = (shape: ReadonlyArray<number>): Tensor => {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor("f32", shape, Array.from({ length: count }, (_, i) => Math.sin(i + 1)));
};

const execute = (network: Network, inputs: ReadonlyArray<Tensor>, seed = 1): ReadonlyArray<Tensor> => {
  const { parameters, state } = initialValues(network, seed);
  return evaluate(network.evaluation, [...parameters, ...state, scalar("i64", 0n), ...inputs]).results;
};

/** Everything but the version, which only counts on. */
const content = ({ version: _, next: __, ...rest }: Architecture): unknown => rest;

Deno.test("three layers of 784 → 256 → 128 → 10 are 6 nodes, 5 edges, 2 relus, and count to the unit", () => {
  const made = mlp();
  assert.deepEqual([made.nodes.length, made.edges.length, depthOf(made)], [6, 5, 6]);
  assert.equal(nodesOfKind(made, "relu").length, 2);
  assert.deepEqual(inputsOf(made).map(({ name }) => name), ["x"]);
  const size = sizeOf(made, 3);
  const [a, b, c] = [784 * 256, 256 * 128, 128 * 10];
  assert.equal(size.parameters, a + 256 + b + 128 + c + 10);
  // A product of m×k by k×n is 2mkn, a shift one an element and a comparison (relu) none.
  assert.equal(size.flops, 3 * (2 * (a + b + c) + 256 + 128 + 10));
});

Deno.test("an input adds no parameters, and a node's own settings count, not global ones", () => {
  assert.equal(sizeOf(mlpArchitecture("f32[B,3]", [2])).parameters, 8);
  const report = analyse(mlp());
  assert.deepEqual(report.faults, []);
  assert.deepEqual(report.nodes.map(({ parameters }) => parameters), [0, 200_960, 0, 32_896, 0, 1290]);
});

Deno.test("a transformer block is 9 nodes, 10 edges, 9 deep, and its skips enter the second input", () => {
  const made = block();
  assert.deepEqual([made.nodes.length, made.edges.length, depthOf(made)], [9, 10, 9]);
  assert.deepEqual(topologicalOrder(made).map(({ name }) => name), [
    "x",
    "ln1",
    "attn",
    "residual1",
    "ln2",
    "ffn1",
    "gelu",
    "ffn2",
    "residual2",
  ]);
  const residual = idOf(made, "residual1");
  assert.deepEqual(edgesInto(made, residual).map(({ from, input }) => [nodeOf(made, from).name, input]), [
    ["attn", 0],
    ["x", 1],
  ]);
  assert.deepEqual(predecessors(made, residual).length, 2);
  assert.deepEqual(successors(made, idOf(made, "x")).length, 2);
});

Deno.test("types are inferred through the graph, and counts of nodes add up to those of the network", () => {
  const made = block();
  const { nodes, faults } = analyse(made, 4);
  assert.deepEqual(faults, []);
  assert.ok(nodes.every(({ outputs }) => outputs.length === 1));
  const inner = nodes.find(({ name }) => name === "ffn1")!;
  assert.deepEqual([inner.inputs[0].shape, inner.outputs[0].shape], [["B", 5, 8], ["B", 5, 16]]);
  const whole = sizeOf(made, 4);
  const sum = (of: "parameters" | "flops") => nodes.reduce((total, node) => total + node[of], 0);
  assert.deepEqual([sum("parameters"), sum("flops")], [whole.parameters, whole.flops]);
  // Two norms of 2·8, four projections, two linear maps.
  const attention = networkOfArchitecture(made).parameters.filter(({ path }) => path.startsWith("attn/"))
    .reduce((total, { type }) => total + type.shape.reduce((x, y) => x * y, 1), 0);
  assert.equal(whole.parameters, 2 * 16 + attention + (8 * 16 + 16) + (16 * 8 + 8));
});

Deno.test("an architecture is executed: what comes out is what its layers give by hand", () => {
  const made = ArchitectureBuilder.of("by hand").input("x", "f32[B,3]").layer("double", "linear", { width: 3 })
    .residualAdd("sum", "x").build();
  const network = networkOfArchitecture(made);
  const identity = tensor("f32", [3, 3], [2, 0, 0, 0, 2, 0, 0, 0, 2]);
  const shift = tensor("f32", [3], [1, 1, 1]);
  const x = tensor("f32", [1, 3], [1, 2, 3]);
  const [y] = evaluate(network.evaluation, [identity, shift, scalar("i64", 0n), x]).results;
  assert.deepEqual([...toFloats(y)], [4, 7, 10]);
  const [z] = execute(networkOfArchitecture(block()), [ramp([2, 5, 8])]);
  assert.deepEqual(z.shape, [2, 5, 8]);
  assert.ok(toFloats(z).every(Number.isFinite));
});

Deno.test("several inputs and outputs, and what edges do on the way", () => {
  let made = ArchitectureBuilder.of("two").input("a", "f32[B,2,3]").build();
  made = applyEdits(made, [
    { edit: "add", node: { name: "b", kind: "input", type: "f32[B,6]" } },
    { edit: "add", node: { name: "sum", kind: "sum" } },
    { edit: "connect", from: "n2", to: "n3" },
    { edit: "connect", from: "n1", to: "n3", transform: { kind: "reshape", sizes: [6] } },
    { edit: "add", node: { name: "turned", kind: "identity" } },
    { edit: "connect", from: "n1", to: "n4", transform: { kind: "transpose", axes: [2, 1] } },
    { edit: "add", node: { name: "cut", kind: "identity" } },
    { edit: "connect", from: "n2", to: "n5", transform: { kind: "slice", start: 1, end: 3 } },
    { edit: "add", node: { name: "wide", kind: "identity" } },
    { edit: "connect", from: "n5", to: "n6", transform: { kind: "cast", dtype: "f64" } },
    { edit: "outputs", ids: ["n3", "n4", "n5", "n6"] },
  ]);
  const [a, b] = [tensor("f32", [1, 2, 3], [1, 2, 3, 4, 5, 6]), tensor("f32", [1, 6], [10, 20, 30, 40, 50, 60])];
  const [sum, turned, cut, wide] = execute(networkOfArchitecture(made), [a, b]);
  assert.deepEqual([...toFloats(sum)], [11, 22, 33, 44, 55, 66]);
  assert.deepEqual([turned.shape, [...toFloats(turned)]], [[1, 3, 2], [1, 4, 2, 5, 3, 6]]);
  assert.deepEqual([...toFloats(cut)], [20, 30]);
  assert.equal(wide.dtype, "f64");
});

Deno.test("what was removed leaves nothing behind: later edits reach the nodes they name", () => {
  let made = mlp();
  const last = idOf(made, "linear3");
  const relu = idOf(made, "relu1");
  made = applyEdit(made, { edit: "remove", id: relu }).architecture;
  assert.ok(made.edges.every(({ from, to }) => from !== relu && to !== relu));
  assert.equal(nodeOf(made, last).name, "linear3");
  made = applyEdit(made, { edit: "add", node: { name: "more", kind: "relu" } }).architecture;
  assert.equal(idOf(made, "more"), "n7");
  made = applyEdit(made, { edit: "connect", from: last, to: "n7" }).architecture;
  assert.deepEqual(predecessors(made, "n7"), [last]);
  const removed = applyEdit(mlp(), { edit: "remove", id: last }).architecture;
  assert.deepEqual(removed.outputs, []);
});

Deno.test("a bypassed node's neighbours are joined; an inserted one stands between", () => {
  const made = mlp();
  const short = applyEdit(made, bypass(made, idOf(made, "relu1"))).architecture;
  assert.deepEqual(predecessors(short, idOf(short, "linear2")), [idOf(short, "linear1")]);
  assert.deepEqual(analyse(short).faults, []);
  const cut = applyEdit(made, bypass(made, idOf(made, "linear3"))).architecture;
  assert.deepEqual(networkOfArchitecture(cut).outputs[0].type.shape, ["B", 128]);
  const edge = edgesInto(made, idOf(made, "linear2"))[0];
  const long = applyEdit(made, insertInto(made, edge, { name: "norm", kind: "layer_norm" })).architecture;
  assert.deepEqual(topologicalOrder(long).map(({ name }) => name).slice(2, 5), ["relu1", "norm", "linear2"]);
  assert.equal(sizeOf(long).parameters, sizeOf(made).parameters + 512);
});

const EDITS: ReadonlyArray<readonly [string, (made: Architecture) => Edit]> = [
  ["add", () => ({ edit: "add", node: { name: "new", kind: "relu" } })],
  ["remove", (made) => ({ edit: "remove", id: idOf(made, "residual1") })],
  ["remove an input", (made) => ({ edit: "remove", id: idOf(made, "x") })],
  ["remove an output", (made) => ({ edit: "remove", id: idOf(made, "residual2") })],
  ["connect", (made) => ({ edit: "connect", from: idOf(made, "ln1"), to: idOf(made, "residual2"), input: 2 })],
  ["disconnect", (made) => ({ edit: "disconnect", to: idOf(made, "residual1"), input: 0 })],
  ["rename", (made) => ({ edit: "rename", id: idOf(made, "attn"), name: "looking" })],
  ["configure", (made) => ({ edit: "configure", id: idOf(made, "ffn1"), settings: { width: 32 } })],
  ["configure a kind", (made) => ({ edit: "configure", id: idOf(made, "gelu"), kind: "relu" })],
  ["freeze", (made) => ({ edit: "freeze", id: idOf(made, "ffn1"), frozen: true })],
  ["annotate", (made) => ({ edit: "annotate", id: idOf(made, "ffn1"), metadata: { who: "me" } })],
  ["outputs", (made) => ({ edit: "outputs", ids: [idOf(made, "attn"), idOf(made, "residual2")] })],
  ["bypass", (made) => bypass(made, idOf(made, "gelu"))],
  ["insert", (made) => insertInto(made, made.edges[4], { name: "in", kind: "relu" })],
  ["clone", (made) => cloneNodes(made, made.nodes.slice(1, 4).map(({ id }) => id)).edit],
];

Deno.test("every edit is undone by its inverse, to the order of nodes and edges", () => {
  for (const [name, edit] of EDITS) {
    const before = block();
    const { architecture, inverse } = applyEdit(before, edit(before));
    assert.equal(architecture.version, before.version + 1, name);
    assert.notDeepEqual(content(architecture), content(before), name);
    const back = applyEdit(architecture, inverse).architecture;
    assert.deepEqual(content(back), content(before), name);
    assert.deepEqual(
      content(applyEdit(back, applyEdit(architecture, inverse).inverse).architecture),
      content(architecture),
      name,
    );
  }
});

Deno.test("a history goes back and forth, and what was undone is forgotten after another edit", () => {
  const began = block();
  const names = [
    "add",
    "connect",
    "configure",
    "configure a kind",
    "freeze",
    "annotate",
    "outputs",
    "insert",
    "remove",
  ];
  const edits = names.map((name) => EDITS.find(([known]) => known === name)![1]);
  const history = edits.reduce((now, edit) => changeIn(now, edit(now.architecture)), historyOf(began));
  const end = content(history.architecture);
  let back = history;
  for (let i = 0; i < 9; i++) back = undo(back);
  assert.deepEqual(content(back.architecture), content(began));
  assert.equal(undo(back), back);
  let again = back;
  for (let i = 0; i < 9; i++) again = redo(again);
  assert.deepEqual(content(again.architecture), end);
  assert.equal(redo(again), again);
  assert.deepEqual(again.done.map(({ version }) => version).every((v, i, all) => i === 0 || v > all[i - 1]), true);
  assert.deepEqual(changeIn(undo(again), { edit: "freeze", id: "n2", frozen: true }).undone, []);
});

Deno.test("what has no meaning is refused and changes nothing", () => {
  const made = block();
  const [x, ln1, attn] = ["x", "ln1", "attn"].map((name) => idOf(made, name));
  const cases: ReadonlyArray<readonly [RegExp, Edit]> = [
    [/there is no node n99/u, { edit: "remove", id: "n99" }],
    [/there is no node nowhere/u, { edit: "connect", from: "nowhere", to: attn }],
    [/would be a cycle/u, { edit: "connect", from: idOf(made, "residual2"), to: ln1, input: 1 }],
    [/would be a cycle/u, { edit: "connect", from: ln1, to: ln1, input: 1 }],
    [/takes from n2 already/u, { edit: "connect", from: x, to: attn, input: 0 }],
    [/is an input, which takes nothing/u, { edit: "connect", from: ln1, to: x }],
    [/is no place/u, { edit: "connect", from: x, to: attn, input: 1.5 }],
    [/nothing goes into its input 7/u, { edit: "disconnect", to: attn, input: 7 }],
    [/there is a node called ln2/u, { edit: "rename", id: ln1, name: "ln2" }],
    [/is no name/u, { edit: "rename", id: ln1, name: "a/b" }],
    [/there is no kind of layer linaer/u, { edit: "add", node: { name: "y", kind: "linaer" } }],
    [/an input needs a type/u, { edit: "add", node: { name: "y", kind: "input" } }],
    [/only inputs have a type/u, { edit: "add", node: { name: "y", kind: "relu", type: "f32[B,1]" } }],
    [/an input is no layer/u, { edit: "configure", id: x, kind: "relu" }],
    [/named twice/u, { edit: "outputs", ids: [x, x] }],
    [/there is a node n1/u, { edit: "restore", node: nodeOf(made, x), at: 0, edges: [], outputs: [] }],
    [/never given out/u, {
      edit: "restore",
      node: { ...nodeOf(made, x), id: "n50", name: "y" },
      at: 0,
      edges: [],
      outputs: [],
    }],
    [/there is no node n99/u, { edit: "all", edits: [{ edit: "remove", id: ln1 }, { edit: "remove", id: "n99" }] }],
  ];
  const before = JSON.stringify(made);
  for (const [message, edit] of cases) {
    const failure = refused(() => applyEdit(made, edit));
    assert.deepEqual([failure.code, message.test(failure.message)], ["NEURAL_ARCHITECTURE", true], failure.message);
  }
  assert.equal(JSON.stringify(made), before);
  assert.deepEqual(
    refused(() => applyEdit(made, { edit: "add", node: { name: "y", kind: "linaer" } })).suggestions[0],
    "linear",
  );
  assert.deepEqual(refused(() => applyEdit(made, { edit: "remove", id: "attn" })).suggestions, [attn]);
});

Deno.test("all faults are found, each at its node, and what only follows from them is not one", () => {
  const made = ArchitectureBuilder.of("broken").input("image", "f32[B,3,8,8]").layer("flat", "linear", { width: 4 })
    .layer("conv", "conv2d", { width: 2 }).residualAdd("sum", "flat").layer("late", "relu").build();
  const wide =
    applyEdit(made, { edit: "add", node: { name: "odd", kind: "linear", settings: { widht: 3 } } }).architecture;
  const all = applyEdit(wide, { edit: "connect", from: idOf(wide, "image"), to: idOf(wide, "odd") }).architecture;
  const { faults } = analyse(all);
  assert.deepEqual(faults.map(({ node }) => nodeOf(all, node!).name), ["sum", "odd"]);
  assert.ok(faults.every(({ node, failure }) => failure.path.includes(node!) || failure.path !== ""));
  assert.match(refused(() => networkOfArchitecture(emptyArchitecture("none"))).message, /it has no input/u);
  assert.equal(analyse(emptyArchitecture("none")).faults.length, 2);
  const gap = applyEdits(mlp(), [{ edit: "add", node: { name: "s", kind: "sum" } }, {
    edit: "connect",
    from: "n1",
    to: "n7",
    input: 1,
  }]);
  assert.match(analyse(gap).faults[0].failure.message, /nothing goes into its input 0/u);
  const second = applyEdits(mlp(), [{ edit: "add", node: { name: "s", kind: "relu" } }, {
    edit: "connect",
    from: "n1",
    to: "n7",
    output: 3,
  }]);
  assert.match(analyse(second).faults[0].failure.message, /x has no output 3/u);
});

Deno.test("a clone has ids and names of its own; a part becomes an architecture of its own", () => {
  const made = block();
  const ids = ["ffn1", "gelu"].map((name) => idOf(made, name));
  const { edit, clones } = cloneNodes(made, ids);
  const after = applyEdit(made, edit).architecture;
  assert.equal(after.nodes.length, 11);
  assert.deepEqual([...clones.values()].map((id) => nodeOf(after, id).name), ["ffn1_2", "gelu_2"]);
  assert.deepEqual(predecessors(after, clones.get(ids[1])!), [clones.get(ids[0])]);
  const renamed = applyEdit(after, { edit: "rename", id: clones.get(ids[0])!, name: "other" }).architecture;
  assert.equal(nodeOf(renamed, ids[0]).name, "ffn1");
  const part = subgraph(made, ids, "part");
  assert.deepEqual([part.nodes.map(({ id }) => id), part.edges.length, part.version], [["n1", "n2"], 1, 1]);
  assert.equal(applyEdit(part, { edit: "add", node: { name: "z", kind: "relu" } }).architecture.nodes[2].id, "n3");
});

Deno.test("a fork is another place in the same architecture, so what it adds is connected", () => {
  const trunk = ArchitectureBuilder.of("forked").input("x", "f32[B,4]").layer("a", "relu");
  const branch = trunk.fork();
  assert.equal(branch.current, trunk.current);
  branch.layer("b", "tanh");
  trunk.layer("c", "sigmoid").join("both", "concat", ["b"]);
  const made = trunk.build();
  assert.deepEqual(predecessors(made, idOf(made, "b")), [idOf(made, "a")]);
  assert.deepEqual(networkOfArchitecture(made).outputs[0].type.shape, ["B", 8]);
  assert.match(refused(() => trunk.residualAdd("r", "nobody")).message, /no node called nobody/u);
  assert.match(refused(() => ArchitectureBuilder.of("e").output()).message, /nothing is here/u);
});

Deno.test("JSON there and back is equal, and what is no architecture is refused", () => {
  const made = applyEdits(block(), [
    { edit: "freeze", id: "n2", frozen: true },
    { edit: "annotate", id: "n3", metadata: { why: "because" } },
    { edit: "remove", id: "n9" },
  ]);
  assert.deepEqual(architectureFromJson(JSON.parse(JSON.stringify(architectureToJson(made)))), made);
  const good = architectureToJson(mlp()) as unknown as Record<string, never> & {
    nodes: Array<object>;
    edges: Array<object>;
  };
  const broken: ReadonlyArray<readonly [string, object]> = [
    ["nothing", {}],
    ["another format", { ...good, format: 2 }],
    ["something more", { ...good, extra: 1 }],
    ["an id twice", { ...good, nodes: [...good.nodes, good.nodes[0]] }],
    ["a cycle", { ...good, edges: [...good.edges, { from: "n6", output: 0, to: "n2", input: 1 }] }],
    ["an edge to nowhere", { ...good, edges: [{ from: "n6", output: 0, to: "n20", input: 1 }] }],
    ["an input taken twice", { ...good, edges: [...good.edges, { from: "n1", output: 0, to: "n6", input: 0 }] }],
    ["an output that is not there", { ...good, outputs: ["n44"] }],
    ["an unknown kind", { ...good, nodes: good.nodes.map((node, i) => i === 1 ? { ...node, kind: "magic" } : node) }],
    ["ids from the future", { ...good, next: 2 }],
    ["an input without type", { ...good, nodes: good.nodes.map(({ type: _, ...node }: { type?: string }) => node) }],
  ];
  for (const [name, json] of broken) {
    assert.equal(refused(() => architectureFromJson(json)).code, "NEURAL_ARCHITECTURE", name);
  }
  assert.equal(refused(() => architectureFromJson(null)).code, "NEURAL_ARCHITECTURE");
});

Deno.test("a graph of chains, residuals and branches that meet is a layer with the same tensors and results", () => {
  const forked = ArchitectureBuilder.of("forked").input("x", "f32[B,4]").layer("a", "linear", { width: 4 });
  forked.fork().layer("b", "tanh").layer("b2", "linear", { width: 3 });
  const meeting = forked.layer("c", "sigmoid").join("both", "concat", ["b2", "a"]).layer("d", "linear", { width: 2 })
    .build();
  for (const [made, shape] of [[mlp(), [2, 784]], [block(), [2, 5, 8]], [meeting, [2, 4]]] as const) {
    const network = networkOfArchitecture(made);
    const { type, name } = inputsOf(made)[0];
    const layered = networkOfLayers(layersOfArchitecture(made), { [name]: type! });
    const paths = ({ parameters }: Network) => parameters.map((spec) => spec.path).sort();
    assert.deepEqual(paths(layered), paths(network));
    const [one, other] = [network, layered].map((each) => toFloats(execute(each, [ramp(shape)])[0]));
    assert.deepEqual(one, other);
  }
});

Deno.test("a graph whose branches cross, or that has several ends, has no form as layers", () => {
  const crossed = ArchitectureBuilder.of("crossed").input("x", "f32[B,4]").layer("a", "relu");
  const other = crossed.fork();
  crossed.layer("b", "tanh");
  other.layer("c", "sigmoid");
  crossed.join("m", "sum", ["c"]);
  other.join("n", "sum", ["b"]);
  const made = crossed.join("end", "sum", ["n"]).build();
  assert.equal(analyse(made).faults.length, 0);
  assert.match(refused(() => layersOfArchitecture(made)).message, /several ways|on the way/u);
  const two = applyEdit(mlp(), { edit: "outputs", ids: ["n2", "n6"] }).architecture;
  assert.match(refused(() => layersOfArchitecture(two)).message, /2 outputs/u);
  const dangling = applyEdits(mlp(), [{ edit: "add", node: { name: "s", kind: "relu" } }, {
    edit: "connect",
    from: "n1",
    to: "n7",
  }]);
  assert.match(refused(() => layersOfArchitecture(dangling)).message, /s leads to no output/u);
});

Deno.test("an architecture is a program of the language and back: the same text, parameters and work", () => {
  const forked = ArchitectureBuilder.of("forked").input("x", "f32[B,4]").layer("a", "linear", { width: 4 });
  forked.fork().layer("b", "tanh");
  const meeting = forked.layer("c", "sigmoid").join("both", "sum", ["b"]).layer("d", "linear", { width: 2 }).build();
  const cases = [
    [mlp(), "linear(width: 256) >> relu >> linear(width: 128) >> relu >> linear(width: 10)"],
    [meeting, undefined],
    [block(), undefined],
  ] as const;
  for (const [made, text] of cases) {
    const program = programOfArchitecture(made);
    const said = print(program.root, program.symbols);
    if (text !== undefined) assert.equal(said, text);
    const { name, type } = inputsOf(made)[0];
    const back = architectureOfProgram(program, { name, type: type! });
    assert.deepEqual(analyse(back).faults, [], said);
    assert.equal(back.nodes.length, made.nodes.length, said);
    assert.deepEqual(sizeOf(back, 3), sizeOf(made, 3), said);
    const again = programOfArchitecture(back);
    assert.equal(print(again.root, again.symbols), said);
    const network = networkOfProgram(program, networkOfArchitecture(made).inputs);
    const count = ({ parameters }: Network) =>
      parameters.reduce((sum, spec) => sum + spec.type.shape.reduce((x, y) => x * y, 1), 0);
    assert.equal(count(network), sizeOf(made).parameters, said);
  }
  const odd = ArchitectureBuilder.of("odd").input("x", "f32[B,4]").layer("e", "experts", { count: 2 }).build();
  assert.match(refused(() => programOfArchitecture(odd)).code, /NEURAL_/u);
});

Deno.test("an architecture is trained: its loss falls to nothing on one batch", () =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const made = ArchitectureBuilder.of("trained").input("x", "f32[B,2]").layer("in", "linear", { width: 16 })
      .layer("t", "tanh").layer("mid", "linear", { width: 16 }).residualAdd("sum", "t")
      .layer("out", "linear", { width: 2 }).build();
    const network = networkOfArchitecture(made);
    const step = trainingStep({ network, loss: { kind: "crossEntropy" }, optimiser: { kind: "adam" } });
    const stepper = yield* compileStep(cpuBackend, step, { batch: 4 });
    const { parameters } = initialValues(network, 1);
    yield* stepper.write(new Map(network.parameters.map(({ path }, i) => [path, parameters[i]])));
    const x = tensor("f32", [4, 2], [0, 0, 0, 1, 1, 0, 1, 1]);
    const y = tensor("i32", [4], [0, 1, 1, 0]);
    let loss = Infinity;
    for (let i = 0; i < 300; i++) ({ loss } = yield* stepper.step([x], [y], { seed: 0n, rate: 0.02 }));
    assert.ok(loss < 0.01, String(loss));
  })) as Effect.Effect<void>));

Deno.test("frozen nodes are not trained", () => {
  const made = applyEdit(mlp(), { edit: "freeze", id: "n2", frozen: true }).architecture;
  assert.deepEqual(networkOfArchitecture(made).parameters.map(({ trained }) => trained), [
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
});

Deno.test("drawn edits fit: each way finds places, keeps inputs and outputs, and repeats for a seed", () => {
  for (const way of PROPOSAL_NAMES) {
    const found = proposeEdit(mlp(), random(`way ${way}`), [way]);
    assert.ok(found !== undefined, way);
  }
  const walk = (seed: number): Architecture => {
    let made = mlpArchitecture("f32[B,6]", [8, 4]);
    const chance = random(seed);
    for (let i = 0; i < 12; i++) {
      const found = proposeEdit(made, chance);
      if (found === undefined) continue;
      made = applyEdit(made, found.edit).architecture;
      assert.deepEqual(analyse(made).faults, []);
      assert.deepEqual(networkOfArchitecture(made).outputs[0].type.shape, ["B", 4]);
    }
    return made;
  };
  assert.deepEqual(walk(1), walk(1));
  assert.notDeepEqual(content(walk(1)), content(walk(2)));
});
