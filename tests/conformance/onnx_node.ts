/**
 * The ONNX project's own node tests (Debian's libonnx-testdata): every case is imported and run, and its results are
 * compared with those that come with it, at the project's tolerances.
 *
 * A case passes, differs, or is refused by a typed failure. Inputs that decide shapes (the shape operand of Reshape) are
 * given to the import as known, as the failure itself names them.
 */
import * as Effect from "effect/Effect";
import { cpuBackend } from "../../plugins/backends/cpu/backend.ts";
import { isFailure } from "../../kernel/failure.ts";
import {
  type Dtype,
  elements,
  evaluate,
  type Imported,
  importOnnx,
  inspectOnnx,
  isFloat,
  readOnnxTensor,
  type Tensor,
} from "../../plugins/ir/library.ts";
import { runOnnxRuntime } from "../plugins/ir/onnx_runtime.ts";

/** Where Debian puts the cases. */
export const ONNX_CASES = "/usr/share/libonnx-testdata/data/node";

/** How a case ended. */
export interface Outcome {
  /** Its name. */
  readonly name: string;
  /** `refused`: by a typed failure. `broken`: anything else that was thrown. */
  readonly status: "pass" | "differ" | "refused" | "broken";
  /** What was wrong, or the failure. */
  readonly detail: string;
  /** Inputs that were given as known. */
  readonly known: ReadonlyArray<string>;
}

/** One set of inputs and the results they must give. */
interface Case {
  readonly name: string;
  readonly model: Uint8Array;
  readonly sets: ReadonlyArray<{ readonly inputs: ReadonlyArray<Tensor>; readonly outputs: ReadonlyArray<Tensor> }>;
}

/** Runs a case's model on one set of inputs. */
export type Engine = (
  model: Uint8Array,
  inputs: ReadonlyMap<string, Tensor>,
) => Promise<{ readonly results: ReadonlyArray<Tensor>; readonly known: ReadonlyArray<string> }>;

/** Whether the cases are installed. */
export const casesInstalled = (): boolean => {
  try {
    return Deno.statSync(ONNX_CASES).isDirectory;
  } catch {
    return false;
  }
};

/** Names of all cases. */
export const caseNames = (root = ONNX_CASES): ReadonlyArray<string> =>
  [...Deno.readDirSync(root)].filter((entry) => entry.isDirectory).map(({ name }) => name).sort();

const numbered = (folder: string, prefix: string): ReadonlyArray<string> =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith(prefix))
    .sort((a, b) => Number(/\d+/u.exec(a)![0]) - Number(/\d+/u.exec(b)![0]))
    .map((name) => `${folder}/${name}`);

/** These cases hold bfloat16 bits in files that say uint16. */
const asBfloat = (name: string, value: Tensor): Tensor =>
  value.dtype === "u16" && name.includes("BFLOAT16") ? { ...value, dtype: "bf16" } : value;

const readCase = (root: string, name: string): Case => {
  const folder = `${root}/${name}`;
  const tensors = (set: string, prefix: string) =>
    numbered(`${folder}/${set}`, prefix).map((file) => asBfloat(name, readOnnxTensor(Deno.readFileSync(file))));
  const sets = [...Deno.readDirSync(folder)].filter((entry) => entry.isDirectory).map((entry) => entry.name).sort();
  return {
    name,
    model: Deno.readFileSync(`${folder}/model.onnx`),
    sets: sets.map((set) => ({ inputs: tensors(set, "input_"), outputs: tensors(set, "output_") })),
  };
};

const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

const near = (dtype: Dtype, got: number, want: number): boolean =>
  Object.is(got, want) || got === want ||
  (isFloat(dtype) && Math.abs(got - want) <= ABSOLUTE + RELATIVE * Math.abs(want));

const difference = (got: Tensor | undefined, want: Tensor): string | undefined => {
  if (got === undefined) return "there is no such result";
  if (got.dtype !== want.dtype || got.shape.join() !== want.shape.join()) {
    return `${got.dtype}[${got.shape}] instead of ${want.dtype}[${want.shape}]`;
  }
  const [a, b] = [elements(got), elements(want)];
  const at = a.findIndex((value, i) => value !== b[i] && !near(got.dtype, Number(value), Number(b[i])));
  return at < 0 ? undefined : `element ${at} is ${a[at]} instead of ${b[at]}`;
};

/** Runs one case. */
export const runCase = async (name: string, engine: Engine, root = ONNX_CASES): Promise<Outcome> => {
  let known: ReadonlyArray<string> = [];
  try {
    const { model, sets } = readCase(root, name);
    const names = inspectOnnx(model).inputs;
    for (const { inputs, outputs } of sets) {
      const made = await engine(model, new Map(inputs.map((value, i) => [names[i], value])));
      known = made.known;
      for (const [i, want] of outputs.entries()) {
        const wrong = difference(made.results[i], want);
        if (wrong !== undefined) return { name, status: "differ", detail: `result ${i}: ${wrong}`, known };
      }
    }
    return { name, status: "pass", detail: "", known };
  } catch (thrown) {
    if (isFailure(thrown)) return { name, status: "refused", detail: `${thrown.code}: ${thrown.message}`, known };
    return { name, status: "broken", detail: String(thrown), known };
  }
};

/** Imports, giving as known what the refusal names, until nothing more is named. */
const importWith = (
  model: Uint8Array,
  inputs: ReadonlyMap<string, Tensor>,
): Imported & { readonly known: string[] } => {
  const known: Record<string, Tensor> = {};
  for (;;) {
    try {
      return { ...importOnnx(model, { known }), known: Object.keys(known) };
    } catch (thrown) {
      if (!isFailure(thrown) || thrown.code !== "IR_ONNX_DYNAMIC") throw thrown;
      const missing = (thrown.actual as ReadonlyArray<string>).filter((name) => !Object.hasOwn(known, name));
      if (missing.length === 0) throw thrown;
      for (const name of missing) known[name] = inputs.get(name)!;
    }
  }
};

/** The IR's own evaluator. */
export const referenceEngine: Engine = (model, inputs) => {
  const { program, inputs: names, known } = importWith(model, inputs);
  return Promise.resolve({ results: evaluate(program, names.map((name) => inputs.get(name)!)).results, known });
};

/** The CPU backend. */
export const cpuEngine: Engine = async (model, inputs) => {
  const { program, inputs: names, known } = importWith(model, inputs);
  const run = Effect.gen(function* () {
    const executable = yield* cpuBackend.compile(program);
    return yield* executable.step(names.map((name) => inputs.get(name)!));
  });
  return { results: await Effect.runPromise(Effect.scoped(run)), known };
};

/** onnxruntime, on the case's own model. */
export const onnxRuntimeEngine: Engine = async (model, inputs) => {
  const ran = await runOnnxRuntime(model, inputs, true);
  if ("unsupported" in ran) throw new Error(ran.unsupported);
  return { results: ran.results, known: [] };
};
