/**
 * Engine: the embedded backend for whatever a run trains and asks in its own process, as exactly as the run was asked to.
 *
 * One thread: programs of the size that a run makes win nothing from more, and lose where others use the cores.
 * Invariant: the same program and inputs give the same bits within a numeric profile.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Backends } from "../../../backends/library.ts";
import type { Engine } from "../../../neural/library.ts";
import type { Work } from "../work.ts";

/** The backend of a run: embedded, the same on every machine. */
export const BACKEND = "cpu";

/** The engine of a run. */
export const engineOf = (
  { request: { numerics } }: Pick<Work, "request">,
): Effect.Effect<Engine, never, Backends> =>
  Effect.map(Effect.service(Backends), (backends) => ({
    compile: (program, options = {}) =>
      Effect.map(
        backends.compile(program, { ...options, backend: BACKEND, numerics, threads: 1 }),
        ({ executable }) => executable,
      ),
  }));

/** How numbers are computed here, by name: what else digests may depend on. Nothing under strict numerics. */
export const profileOf = (
  { numerics }: Pick<Work["request"], "numerics">,
): Effect.Effect<{ readonly [name: string]: string }, never, Backends> =>
  Effect.gen(function* () {
    const none: { readonly [name: string]: string } = {};
    if (numerics === "strict") return none;
    const found = yield* (yield* Backends).list();
    const device = found.find(({ id }) => id === BACKEND)?.probe?.devices[0];
    const features = device?.features ?? [];
    return {
      backend: BACKEND,
      device: device?.name ?? "absent",
      products: features.includes("relaxed-fma") ? "fused multiply-add" : "multiply, then add",
      tiles: features.includes("simd128") ? "vectors of 128 bits" : "single numbers",
    };
  });
