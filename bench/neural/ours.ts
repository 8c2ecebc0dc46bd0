/**
 * This project: a program of the language, its training step compiled for the CPU backend.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { cpuBackend } from "../../plugins/backends/cpu/mod.ts";
import {
  compileStep,
  firstCounters,
  initialValues,
  networkOfProgram,
  trainingStep,
} from "../../plugins/neural/library.ts";
import { parse } from "../../plugins/rmil/library.ts";
import { BATCH, type Measured, PIXELS, RATE, SIDE, type Trainer } from "./trainer.ts";

const PROGRAMS: { readonly [M in Measured]: string } = {
  mlp: "linear(128) >> relu >> linear(64) >> relu >> linear(10)",
  cnn: "conv2d(8, 5) >> relu >> max_pool >> conv2d(16, 5) >> relu >> max_pool >> reshape((-1, 784)) >> linear(10)",
};

/** Starts it. */
export const startOurs = async (measured: Measured): Promise<Trainer> => {
  const sample = measured === "mlp" ? [PIXELS] : [1, SIDE, SIDE];
  const network = networkOfProgram(parse(PROGRAMS[measured]), [
    { name: "x", type: { dtype: "f32", shape: ["B", ...sample] } },
  ]);
  const step = trainingStep({ network, loss: { kind: "crossEntropy" }, optimiser: { kind: "adam" } });
  const { parameters } = initialValues(network, 1);
  const scope = Scope.makeUnsafe();
  const stepper = await Effect.runPromise(
    Effect.provideService(compileStep(cpuBackend, step, { batch: BATCH }), Scope.Scope, scope),
  );
  await Effect.runPromise(stepper.write(firstCounters(step)));
  await Effect.runPromise(stepper.write(new Map(network.parameters.map(({ path }, i) => [path, parameters[i]]))));
  return {
    name: "this project",
    ready: (samples) => {
      const given = samples.map(({ x, y }) => ({
        x: { dtype: "f32", shape: [BATCH, ...sample], data: x } as const,
        y: { dtype: "i32", shape: [BATCH], data: y } as const,
      }));
      const pass = Effect.gen(function* () {
        let sum = 0;
        for (const { x, y } of given) sum += (yield* stepper.step([x], [y], { seed: 1n, rate: RATE })).loss;
        return sum / given.length;
      });
      return { pass: () => Effect.runPromise(pass), free: () => {} };
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
};
