/**
 * The ONNX project's node tests on the reference evaluator and on the CPU backend: every case ends as the table says.
 * A case that is not in the table passes.
 */
import assert from "node:assert/strict";
import { importOnnx, readOnnxTensor, toFloats } from "../../plugins/ir/library.ts";
import { isMissing } from "../plugins/ir/tools.ts";
import expected from "./onnx_node_expected.json" with { type: "json" };
import {
  caseNames,
  casesInstalled,
  cpuEngine,
  type Engine,
  ONNX_CASES,
  referenceEngine,
  runCase,
} from "./onnx_node.ts";

const LEAST_CASES = 900;
const GOAL = 600;

const DISPUTED = "disputed:";

const REASONS = new Map(
  Object.entries(expected as { readonly [reason: string]: ReadonlyArray<string> })
    .flatMap(([reason, names]) => names.map((name): readonly [string, string] => [`test_${name}`, reason])),
);

const expectedStatus = (name: string): string => {
  const reason = REASONS.get(name);
  if (reason === undefined) return "pass";
  return reason.startsWith(DISPUTED) ? "differ" : "refused";
};

const absent = isMissing("libonnx-testdata", casesInstalled());

const judge = (name: string, engine: Engine): void =>
  Deno.test({
    name: `the ONNX project's node tests end on the ${name} as the table says`,
    ignore: absent,
    fn: async () => {
      const names = caseNames();
      assert.ok(names.length >= LEAST_CASES, `${names.length} cases`);
      const wrong: string[] = [];
      let passed = 0;
      for (const each of names) {
        const { status, detail } = await runCase(each, engine);
        if (status === "pass") passed++;
        if (status !== expectedStatus(each)) wrong.push(`${each}: ${status}, not ${expectedStatus(each)}: ${detail}`);
      }
      assert.deepEqual(wrong, []);
      assert.ok(passed >= GOAL, `${passed} passed`);
    },
  });

judge("reference evaluator", referenceEngine);
judge("CPU backend", cpuEngine);

const CONVERTED = ["pytorch-converted", "pytorch-operator"];

Deno.test({
  name: "every model converted from PyTorch passes on the reference evaluator and on the CPU backend",
  ignore: absent,
  fn: async () => {
    for (const root of CONVERTED.map((folder) => ONNX_CASES.replace(/node$/u, folder))) {
      for (const name of caseNames(root)) {
        for (const engine of [referenceEngine, cpuEngine]) {
          const { status, detail } = await runCase(name, engine, root);
          assert.equal(status, "pass", `${name}: ${detail}`);
        }
      }
    }
  },
});

Deno.test({
  name: "the disputed optimiser case is right with the epsilon its data was made with",
  ignore: absent,
  fn: () => {
    const folder = `${ONNX_CASES}/test_adam_multiple/test_data_set_0`;
    const floats = (name: string) => toFloats(readOnnxTensor(Deno.readFileSync(`${folder}/${name}.pb`)));
    const [x, g, v, h, want] = ["input_3", "input_5", "input_7", "input_9", "output_1"].map(floats);
    const [rate] = floats("input_0");
    const turns = Number(readOnnxTensor(Deno.readFileSync(`${folder}/input_1.pb`)).data[0]);
    // The model: alpha 0.95, beta 0.85, norm_coefficient 0.001, and no epsilon.
    const adam = (epsilon: number) =>
      Array.from(x, (weight, i) => {
        const slope = 0.001 * weight + g[i];
        const [moment, square] = [0.95 * v[i] + 0.05 * slope, 0.85 * h[i] + 0.15 * slope * slope];
        const step = turns > 0 ? rate * Math.sqrt(1 - 0.85 ** turns) / (1 - 0.95 ** turns) : rate;
        return weight - step * moment / (Math.sqrt(square) + epsilon);
      });
    const distance = (epsilon: number) => Math.max(...adam(epsilon).map((value, i) => Math.abs(value - want[i])));
    assert.ok(distance(0.01) < 1e-6);
    assert.ok(distance(1e-6) > 1e-3);
    assert.ok(importOnnx(Deno.readFileSync(`${ONNX_CASES}/test_adam_multiple/model.onnx`)).outputs.length === 6);
  },
});
