/**
 * Acceptance figures of exchange: ONNX in and out, and programs printed as source code.
 *
 * Judges: the ONNX project's own node tests, onnxruntime, and the compilers and verifiers of the printed languages.
 */
import { attempt, elements, evaluate, exportOnnx, functionOf, isFloat, type Tensor } from "../../plugins/ir/library.ts";
import { emitText, type TextTarget } from "../../plugins/ir/emit/targets.ts";
import {
  caseNames,
  cpuEngine,
  type Engine,
  onnxRuntimeEngine,
  type Outcome,
  referenceEngine,
  runCase,
} from "../conformance/onnx_node.ts";
import { randomCases, wrongLine } from "../plugins/ir/emit_cases.ts";
import { buildAndRun } from "../plugins/ir/emit_judges.ts";
import { runOnnxRuntime } from "../plugins/ir/onnx_runtime.ts";
import { randomInputs, randomProgram } from "../plugins/ir/programs.ts";
import type { Figure } from "./figure.ts";

const GOAL = 600;

/** Cases whose expected data is not what the standard says (tests/conformance/onnx_node_expected.json tells why). */
const DISPUTED = new Set(["test_adam_multiple", "test_cast_FLOAT_to_BFLOAT16"]);

const countBy = (outcomes: ReadonlyArray<Outcome>, status: Outcome["status"]): number =>
  outcomes.filter((outcome) => outcome.status === status).length;

const nodeCases = (engine: string, run: Engine, goal: number): Figure => ({
  name: `ONNX's node tests passed by ${engine}`,
  unit: "cases",
  goal: goal === 0 ? "for comparison" : `at least ${goal}, and no wrong answer`,
  measure: async ({ progress }) => {
    const names = caseNames();
    const outcomes: Outcome[] = [];
    for (const name of names) {
      if (outcomes.length % 100 === 0) progress(outcomes.length, names.length);
      outcomes.push(await runCase(name, run));
    }
    const differ = outcomes.filter(({ status }) => status === "differ").map(({ name }) => name);
    const wrong = differ.filter((name) => !DISPUTED.has(name));
    const [value, refused, broken] = [
      countBy(outcomes, "pass"),
      countBy(outcomes, "refused"),
      countBy(outcomes, "broken"),
    ];
    return {
      value,
      ok: goal === 0 || (value >= goal && wrong.length === 0 && broken === 0),
      detail: {
        of: names.length,
        refused,
        broken,
        differ,
        specialised: outcomes.filter(({ status, known }) => status === "pass" && known.length > 0).length,
      },
    };
  },
});

const EXPORTED = 600;
const TYPES = ["f32", "f64", "i64", "i32", "u32", "i16", "i8", "u8"] as const;
const BOUND = { f32: 1e-4, f64: 1e-9 };

const isNear = (got: Tensor, want: Tensor): boolean => {
  const [a, b] = [elements(got), elements(want)];
  if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join()) return false;
  if (!isFloat(want.dtype)) return a.every((value, i) => value === b[i]);
  const bound = BOUND[want.dtype as "f32" | "f64"];
  return a.every((value, i) => {
    const [x, y] = [Number(value), Number(b[i])];
    return x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= bound * (1 + Math.abs(y));
  });
};

const exported: Figure = {
  name: `random programs exported to ONNX that onnxruntime computes otherwise than the reference`,
  unit: `of ${EXPORTED}`,
  goal: "0",
  measure: async ({ progress }) => {
    let [wrong, judged, lacking, refused] = [0, 0, 0, 0];
    const details: string[] = [];
    for (let seed = 0; seed < EXPORTED; seed++) {
      if (seed % 50 === 0) progress(seed, EXPORTED);
      const options = { nodes: 8, edges: false, empty: false, dtypes: TYPES };
      const program = randomProgram(`accept/${seed}`, options);
      const inputs = randomInputs(program, `accept/${seed}`, options);
      const made = attempt(() => exportOnnx(program));
      if (made._tag === "Failure") {
        refused++;
        continue;
      }
      const names = functionOf(program).parameters.map(({ name }, i) => [name, inputs[i]] as const);
      const ran = await runOnnxRuntime(made.success, new Map(names)).catch((thrown) => ({
        unsupported: String(thrown),
      }));
      if ("unsupported" in ran) {
        lacking++;
        continue;
      }
      judged++;
      if (evaluate(program, inputs).results.every((want, i) => isNear(ran.results[i], want))) continue;
      details.push(`accept/${seed}`);
      wrong++;
    }
    return { value: wrong, ok: wrong === 0, detail: { judged, lacking, refused, apart: details } };
  },
};

const PRINTED: { readonly [T in TextTarget]: number } = { c: 200, rust: 40, mlir: 120, cuda: 8 };

const printed = (target: TextTarget): Figure => ({
  name: `random programs printed as ${target} that do not compile${target === "cuda" ? "" : ", or disagree when run"}`,
  unit: `of ${PRINTED[target]}`,
  goal: "0",
  measure: async ({ progress }) => {
    let [wrong, judged, refused, bytes] = [0, 0, 0, 0];
    const folder = Deno.makeTempDirSync({ prefix: "rmi-emit-" });
    try {
      for (const of of randomCases(`accept/${target}`, PRINTED[target])) {
        progress(judged + refused, PRINTED[target]);
        const made = attempt(() => emitText(of.program, target, { inputs: of.inputs }));
        if (made._tag === "Failure") {
          refused++;
          continue;
        }
        judged++;
        bytes += made.success.length;
        const ran = await buildAndRun(target, `${folder}/${judged}`, made.success);
        if (!ran.ok || (ran.runs && wrongLine(ran.output, of.results) !== undefined)) wrong++;
      }
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
    return { value: wrong, ok: wrong === 0, detail: { judged, refused, bytes } };
  },
});

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  nodeCases("the reference evaluator", referenceEngine, GOAL),
  nodeCases("the CPU backend", cpuEngine, GOAL),
  nodeCases("onnxruntime 1.30, on the cases' own models", onnxRuntimeEngine, 0),
  exported,
  printed("c"),
  printed("rust"),
  printed("mlir"),
  printed("cuda"),
];
