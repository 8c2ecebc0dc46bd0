/**
 * A small language model as it begins, and one on the processor.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import {
  initialValues,
  type LanguageModel,
  languageNetwork,
  type LanguageShape,
  type Writer,
  writerOf,
} from "../../../../plugins/neural/library.ts";

/** Its shape. */
export const SHAPE: LanguageShape = {
  alphabet: [...new TextEncoder().encode("\n abcde")],
  contexts: [
    { of: "bytes", span: 1, rows: 256, width: 4 },
    { of: "bytes", span: 3, rows: 64, width: 4 },
    { of: "words", span: 1, rows: 32, width: 4 },
  ],
  heads: 2,
  width: 8,
  window: 24,
  hidden: 10,
  drop: 0.1,
};

/** The model before any training. */
export const untrained = (shape: LanguageShape = SHAPE, seed = 1): LanguageModel => {
  const network = languageNetwork(shape, 1);
  const { parameters } = initialValues(network, seed);
  return {
    shape,
    values: new Map(network.parameters.map(({ path }, i) => [path, parameters[i]])),
    metrics: {},
    lineage: { data: "nothing", seed, steps: 0, flops: 0 },
  };
};

/** Runs with a writer of a model. */
export const writing = <A, E>(
  model: LanguageModel,
  use: (writer: Writer) => Effect.Effect<A, E, Scope.Scope>,
): Promise<A> => Effect.runPromise(Effect.scoped(Effect.flatMap(writerOf(cpuBackend, model), use)));
