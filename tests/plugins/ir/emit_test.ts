/**
 * Programs printed as C, Rust, CUDA and MLIR: the targets' own tools compile them, and what they print when they run is
 * what the reference computes.
 */
import assert from "node:assert/strict";
import { MAX_THREAD_BYTES } from "../../../plugins/ir/emit/cuda.ts";
import { emitText, TEXT_TARGETS, type TextTarget } from "../../../plugins/ir/emit/targets.ts";
import { attempt, buildProgram, parseProgram, type Program } from "../../../plugins/ir/library.ts";
import { type EmitCase, patternCases, randomCases, wrongLine } from "./emit_cases.ts";
import { buildAndRun, JUDGES } from "./emit_judges.ts";
import { lacksTool } from "./tools.ts";

const judged = async (target: TextTarget, folder: string, of: EmitCase): Promise<void> => {
  const text = emitText(of.program, target, { inputs: of.inputs });
  const path = `${folder}/${of.name.replaceAll(/\W/gu, "_")}`;
  const { ok, output, errors, runs } = await buildAndRun(target, path, text);
  assert.ok(ok, `${of.name} as ${target}: ${errors.slice(0, 2000)}`);
  if (runs) assert.equal(wrongLine(output, of.results), undefined, `${of.name} as ${target}`);
};

for (const judge of JUDGES) {
  Deno.test({
    name: `what is printed as ${judge.target} compiles${judge.runs ? ", runs and agrees with the reference" : ""}`,
    ignore: lacksTool(judge.commands, judge.optional),
    fn: async () => {
      const folder = Deno.makeTempDirSync({ prefix: "rmi-emit-" });
      try {
        for (const of of [...patternCases(), ...randomCases(`emit/${judge.target}`, judge.random)]) {
          await judged(judge.target, folder, of);
        }
      } finally {
        Deno.removeSync(folder, { recursive: true });
      }
    },
  });
}

const targets = Object.keys(TEXT_TARGETS) as ReadonlyArray<TextTarget>;

const refusal = (program: Program, target: TextTarget) => {
  const made = attempt(() => emitText(program, target));
  assert.ok(made._tag === "Failure", `${target} accepted it`);
  return made.failure;
};

Deno.test("an element type that a target lacks is refused by operation, node and target", () => {
  const program = buildProgram({ x: "f32[2]" }, (g, { x }) => g.cast(g.cast(x, "bf16"), "f32"));
  for (const target of targets) {
    const { code, message, path } = refusal(program, target);
    assert.equal(code, "IR_EMIT_UNSUPPORTED");
    assert.match(message, new RegExp(`cast .*${target}.*bf16`, "u"));
    assert.equal(path, "/functions/main/nodes/0");
  }
});

Deno.test("a size without a number is refused", () => {
  const program = buildProgram({ x: "f32[B]" }, (g, { x }) => g.exp(x));
  for (const target of targets) assert.equal(refusal(program, target).code, "IR_UNBOUND_DIMENSION");
  for (const target of targets) assert.match(emitText(program, target, { sizes: { B: 3 } }), /3/u);
});

Deno.test("names of parameters that are words of the languages do no harm", () => {
  const program = parseProgram(
    "program @main\nfunc @main(%0 int: f32[2], %1 fn: f32[2]) {\n  %2: f32[2] = add(%0, %1)\n  return %2\n}\n",
  );
  for (const target of targets) assert.match(emitText(program, target), /in_int0/u);
});

Deno.test("a CUDA thread has room of its own up to the limit and no further", () => {
  const elements = MAX_THREAD_BYTES / 4;
  // A softmax keeps the exponentials of a row in scratch.
  const rows = (width: number) => buildProgram({ x: `f32[2,${width}]` }, (g, { x }) => g.softmax(x, 1));
  const made = [elements, elements + 1].map((width) => attempt(() => emitText(rows(width), "cuda"))._tag);
  assert.deepEqual(made, ["Success", "Failure"]);
});
