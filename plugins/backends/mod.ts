/**
 * The backends' handlers: text and JSON in, a device's work, JSON out.
 *
 * Invariant: native code is looked for and run only under `ffi`; a program whose end is not known runs only where it can
 * be interrupted; what a program costs is paid before it starts.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { using } from "../../kernel/authority.ts";
import { Budget } from "../../kernel/meter.ts";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import type { ConcreteType, Program } from "../ir/contract.ts";
import { attemptEffect, costOf, parseProgram, tensorFromJson, tensorToJson } from "../ir/library.ts";
import { conform } from "./conformance/conform.ts";
import { Backends, type Found, type Wanted } from "./contract.ts";
import { backendAbsent } from "./failures.ts";
import { operations } from "./operations.ts";
import { makeBackends } from "./service.ts";
import { type Sizes, sizesOfInputs } from "./signature.ts";
import { BACKENDS } from "./table.ts";

const isNative = ({ native, backend }: { readonly native?: boolean; readonly backend?: string }): boolean =>
  native === true || BACKENDS.some((row) => row.id === backend && row.native);

const NOT_LOOKED_FOR = {
  reason: "native engines were not looked for",
  remedy: "ask with native: true; it needs ffi",
};

const listed = ({ id, doc, native, probe }: Found) => {
  const absence = probe === undefined ? NOT_LOOKED_FOR : probe.absence;
  const devices = (probe?.devices ?? []).map(({ backend: _, ...device }) => device);
  return { id, doc, native, devices, ...(absence === undefined ? {} : { absence }) };
};

/** The fuel of a step: its operations and the elements it touches, so that no work is free. */
const fuelOf = (program: Program, sizes: Sizes): number => {
  const { flops, bytes, nodes } = costOf(program, sizes);
  return Math.min(Number.MAX_SAFE_INTEGER, Number(flops) + Math.ceil(Number(bytes) / 8) + nodes);
};

/** Runs under `ffi` where native code may be used. */
const consented = <A, E, R>(input: Parameters<typeof isNative>[0], body: Effect.Effect<A, E, R>) =>
  isNative(input) ? using("ffi", input.backend ?? "native engines", body) : body;

const wantedOf = (input: Wanted, sizes: Sizes): Wanted => ({
  ...(input.backend === undefined ? {} : { backend: input.backend }),
  ...(input.numerics === undefined ? {} : { numerics: input.numerics }),
  ...(input.threads === undefined ? {} : { threads: input.threads }),
  native: isNative(input),
  interruptible: true,
  sizes,
});

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [],
  layer: Layer.sync(Backends, () => makeBackends()),
  handlers: {
    "backend.list": (input) =>
      consented(
        input,
        Effect.gen(function* () {
          const backends = yield* Backends;
          return { backends: (yield* backends.list({ native: isNative(input) })).map(listed) };
        }),
      ),
    "backend.explain": (input) =>
      consented(
        input,
        Effect.scoped(Effect.gen(function* () {
          const program = yield* attemptEffect(() => parseProgram(input.program));
          const backends = yield* Backends;
          const { choice, executable } = yield* backends.compile(program, wantedOf(input, input.sizes ?? {}));
          return { choice, explanation: executable.explanation };
        })),
      ),
    "backend.run": (input) =>
      consented(
        input,
        Effect.scoped(Effect.gen(function* () {
          const program = yield* attemptEffect(() => parseProgram(input.program));
          const inputs = yield* attemptEffect(() =>
            input.inputs.map((json, i) => tensorFromJson(json, `/inputs/${i}`))
          );
          const types: ReadonlyArray<ConcreteType> = inputs;
          const sizes = yield* Effect.fromResult(sizesOfInputs(program, types, input.sizes));
          const account = yield* Budget;
          yield* account.spend("fuel", fuelOf(program, sizes));
          const backends = yield* Backends;
          const { choice, executable } = yield* backends.compile(program, wantedOf(input, sizes));
          const results = yield* executable.step(inputs);
          return { results: results.map(tensorToJson), backend: choice.backend, device: choice.device };
        })),
      ),
    "backend.conform": (input) =>
      consented(
        input,
        Effect.gen(function* () {
          const backends = yield* Backends;
          const id = input.backend ?? BACKENDS[0].id;
          const backend = yield* backends.get(id);
          const { devices, absence } = yield* backend.probe;
          if (devices.length === 0) {
            return yield* Effect.fail(
              backendAbsent({ backend: id, reason: absence?.reason ?? "it has no device here", path: "/backend" }),
            );
          }
          const { backend: _backend, native: _native, ...options } = input;
          return { backend: id, ...(yield* conform(backend, options)) };
        }),
      ),
  },
});

export default plugin;
