/**
 * This project's backends: each case is a program of the IR, compiled for one thread; what it works on stays on the device.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { type Backend, BACKENDS, type CompileOptions } from "../../plugins/backends/library.ts";
import type { Case } from "./cases.ts";
import { cpuMs } from "./clock.ts";
import { type Engine, type Prepared, type Started, starting } from "./engine.ts";
import { programOf } from "./programs.ts";

/** A case on a backend. */
export const prepareOn =
  (backend: Backend, options: CompileOptions = {}) => async (measured: Case): Promise<Prepared> => {
    const { program, values, state } = programOf(measured);
    const scope = await Effect.runPromise(Scope.make());
    const began = cpuMs();
    const executable = await Effect.runPromise(
      Scope.provide(backend.compile(program, { threads: 1, ...options, state }), scope),
    );
    const compileMs = cpuMs() - began;
    const kept = new Set(state.map(([, parameter]) => parameter));
    for (const [index, [, parameter]] of state.entries()) {
      await Effect.runPromise(executable.write(index, values[parameter]));
    }
    const inputs = values.filter((_, parameter) => !kept.has(parameter));
    return {
      run: () => Effect.runSync(executable.step(inputs))[0].data as Float32Array,
      compileMs,
      close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
    };
  };

/** Starts a backend by id. */
export const startOurs = (id: string, name: string): Promise<Started> =>
  starting(name, async (): Promise<Engine> => {
    const row = BACKENDS.find((each) => each.id === id);
    if (row === undefined) throw new Error(`there is no backend ${id}`);
    const backend = await row.load();
    const { devices, absence } = await Effect.runPromise(backend.probe);
    if (devices.length === 0) throw new Error(absence?.reason ?? "it has no device here");
    return { name, version: devices[0].name, portable: !row.native, prepare: prepareOn(backend) };
  });
