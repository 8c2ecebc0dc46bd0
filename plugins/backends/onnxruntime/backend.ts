/**
 * onnxruntime: programs exported as ONNX and run whole by a native engine, on any execution provider it has.
 *
 * Not a compiler of ours: it is the road to devices that only this engine drives.
 * Invariant: a program is run only where every node has a dtype and an operator of the engine that means the same; the
 * rest is refused by node before anything runs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Scope } from "effect/Scope";
import type { Dtype, Program } from "../../ir/contract.ts";
import {
  attempt,
  costOf,
  exportOnnx,
  firstResults,
  functionOf,
  returnTypes,
  substituteType,
  valueTypes,
} from "../../ir/library.ts";
import type { Backend, CompileOptions, Device, Executable, Probe, Unsupported } from "../contract.ts";
import { backendAbsent, type BackendsFailure, deviceFailed, unknownBackend, unsupported } from "../failures.ts";
import { heldExecutable } from "../held.ts";
import { type Signature, signatureOf } from "../signature.ts";
import {
  findRuntime,
  type Found,
  fromOrt,
  type NotFound,
  ORT_DTYPES,
  type OrtSession,
  sessionOptions,
  toOrt,
} from "./runtime.ts";
import { refusalOf } from "./support.ts";

const ID = "onnxruntime";

/** Most bytes of one program's tensors: a model file ends at two gibibytes. */
export const ONNXRUNTIME_MEMORY_BYTES: number = 2 ** 31;

let known: Found | NotFound | undefined;

/** Looked for once a process: the package is loaded for good. */
const found: Effect.Effect<Found | NotFound> = Effect.suspend(() =>
  known !== undefined ? Effect.succeed(known) : Effect.map(findRuntime, (runtime) => known = runtime)
);

const deviceOf = (provider: string, index: number): Device => ({
  id: `${ID}:${index}`,
  backend: ID,
  name: `execution provider ${provider}`,
  kind: provider === "cpu" ? "cpu" : "gpu",
  features: [provider],
  dtypes: Object.keys(ORT_DTYPES) as ReadonlyArray<Dtype>,
  memoryBytes: ONNXRUNTIME_MEMORY_BYTES,
});

const probe: Effect.Effect<Probe> = Effect.map(
  found,
  (runtime) =>
    "absent" in runtime
      ? { devices: [], absence: { backend: ID, reason: runtime.absent, remedy: runtime.remedy } }
      : { devices: runtime.providers.map(deviceOf) },
);

/** Names of results; parameters keep theirs as far as they are different. */
const resultNames = (program: Program): ReadonlyArray<string> =>
  returnTypes(functionOf(program)).map((_, i) => `result${i}`);

/** Parameters under names of which there is one each. */
const withPlainNames = (program: Program): Program => {
  const entry = functionOf(program);
  const renamed = { ...entry, parameters: entry.parameters.map(({ type }, i) => ({ name: `input${i}`, type })) };
  return { ...program, functions: new Map([...program.functions, [entry.name, renamed]]) };
};

const unsupportedIn = (program: Program, { sizes = {} }: CompileOptions = {}): ReadonlyArray<Unsupported> => {
  const known = new Map(Object.entries(sizes));
  return [...program.functions.values()].flatMap((fn) => {
    const types = valueTypes(fn).map((type) => substituteType(type, known));
    const firsts = firstResults(fn);
    return fn.nodes.flatMap((node, index) => {
      const results = node.results.map((_, i) => types[firsts[index] + i]);
      const reason = refusalOf(node, node.operands.map((operand) => types[operand]), results);
      return reason === undefined ? [] : [{ path: `/functions/${fn.name}/nodes/${index}`, op: node.op, reason }];
    });
  });
};

const failed = (device: string, thrown: unknown): BackendsFailure =>
  deviceFailed({ device, reason: thrown instanceof Error ? thrown.message.split("\n")[0] : String(thrown) });

const sessionOf = (
  { module, providers }: Found,
  index: number,
  model: Uint8Array,
  { threads = 1 }: CompileOptions,
): Effect.Effect<OrtSession, BackendsFailure, Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => module.InferenceSession.create(model, sessionOptions(providers[index], threads)),
      catch: (thrown) => failed(`${ID}:${index}`, thrown),
    }),
    (session) => Effect.promise(() => session.release()),
  );

const executable = (
  program: Program,
  signature: Signature,
  runtime: Found,
  session: OrtSession,
  device: string,
): Executable => {
  const names = resultNames(program);
  const { flops, peakBytes } = costOf(program, signature.sizes);
  const explanation = {
    backend: ID,
    device,
    kernels: [{ name: "one ONNX graph", nodes: functionOf(program).nodes.length, flops: Number(flops) }],
    bytes: peakBytes ?? 0,
  };
  return heldExecutable(signature, explanation, (all) =>
    Effect.tryPromise({
      try: async () => {
        const feeds = Object.fromEntries(all.map((tensor, i) => [`input${i}`, toOrt(runtime.module, tensor)]));
        const made = await session.run(feeds);
        return names.map((name, i) => fromOrt(signature.results[i].dtype, made[name]));
      },
      catch: (thrown) => failed(device, thrown),
    }));
};

const compile = (program: Program, options: CompileOptions = {}): ReturnType<Backend["compile"]> =>
  Effect.gen(function* () {
    const runtime = yield* found;
    if ("absent" in runtime) {
      return yield* Effect.fail(backendAbsent({ backend: ID, reason: `${runtime.absent} (${runtime.remedy})` }));
    }
    const ids = runtime.providers.map((_, index) => `${ID}:${index}`);
    const index = options.device === undefined ? 0 : ids.indexOf(options.device);
    if (index < 0) return yield* Effect.fail(unknownBackend({ backend: options.device!, expected: ids }));
    const device = ids[index];
    const signature = yield* Effect.fromResult(signatureOf(program, options));
    const [refused] = unsupportedIn(program, options);
    if (refused !== undefined) return yield* Effect.fail(unsupported({ device, ...refused }));
    const exported = attempt(() =>
      exportOnnx(withPlainNames(program), { sizes: signature.sizes, outputs: resultNames(program) })
    );
    if (Result.isFailure(exported)) {
      const { message, path } = exported.failure;
      return yield* Effect.fail(unsupported({ device, op: "the program", reason: message, path }));
    }
    const session = yield* sessionOf(runtime, index, exported.success, options);
    return executable(program, signature, runtime, session, device);
  });

/** Programs run whole by onnxruntime. */
export const onnxRuntimeBackend: Backend = {
  id: ID,
  doc: "whole programs on onnxruntime's execution providers; native code, an optional package",
  deviations: ["zeroSigns", "nanOrder", "approximations"],
  probe,
  unsupported: unsupportedIn,
  compile,
};
