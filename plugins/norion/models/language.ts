/**
 * Language: this project's own byte-level language model as a model that answers: it writes on after the prompt.
 *
 * Not a model that was taught to answer: it continues text like the text it learned from, and its description says so.
 * Invariant: what it is comes from the artifact alone; the text it reads and writes stays within its bytes.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Scope from "effect/Scope";
import type { BackendsShape } from "../../backends/contract.ts";
import { digestBytes } from "../../../kernel/mod.ts";
import { decodeLanguageModel, sizeOfLanguage, type Writer, writerOf } from "../../neural/library.ts";
import type { ModelBackend, ModelDescription, ModelTrouble } from "../contract.ts";
import { Beginnings } from "./beginnings.ts";
import { architectureOf, type CacheOrigin, type CacheShape } from "./cache_blocks.ts";
import { byteModel } from "./decoding.ts";
import { trouble } from "./finished.ts";

const failed = (failure: { readonly message: string }): ModelTrouble => trouble("unavailable", failure.message);

/** A model from the bytes of its artifact; throws `NEURAL_MODEL` where they are none. */
export const languageModel = (
  { description, artifact, held, backends, scope }: {
    /** How it is declared; its kind is `language`. */
    readonly description: ModelDescription;
    /** Its bytes. */
    readonly artifact: Uint8Array;
    /** Bytes of a text that are read and written; the model itself has no end. */
    readonly held: number;
    /** What runs it. */
    readonly backends: BackendsShape;
    /** Closing it frees what runs. */
    readonly scope: Scope.Scope;
  },
): ModelBackend => {
  const model = decodeLanguageModel(artifact);
  const engine = {
    compile: (...given: Parameters<BackendsShape["compile"]>) =>
      Effect.map(backends.compile(...given), ({ executable }) => executable),
  };
  // Making a writer ready takes longer than most answers: those that are done wait for the next text.
  const idle: Writer[] = [];
  const made = Effect.mapError(Effect.provideService(writerOf(engine, model), Scope.Scope, scope), failed);
  const { heads, width } = model.shape;
  const shape: CacheShape = { layers: 1, heads, headSize: width / heads, window: held };
  const origin: CacheOrigin = {
    model: digestBytes(artifact),
    tokeniser: "bytes",
    architecture: architectureOf(shape),
  };
  const beginnings = new Beginnings(origin, shape);
  const learned = `It has ${sizeOfLanguage(model)} learned numbers and continues text like "${model.lineage.data}".`;
  return byteModel({
    description: { ...description, notes: [...description.notes, learned] },
    bytes: held,
    open: Effect.gen(function* () {
      const writer = yield* Effect.acquireRelease(
        idle.length > 0 ? Effect.sync(() => idle.pop()!) : made,
        (used) => Effect.sync(() => void idle.push(used)),
      );
      yield* Effect.mapError(writer.reset, failed);
      return {
        begin: (tokens, shared) => beginnings.begin(writer, tokens, shared),
        next: (tokens: ReadonlyArray<number>) =>
          Effect.mapError(
            Effect.andThen(
              writer.read(Uint8Array.from(tokens)),
              Effect.map(writer.next, (shares) => Float32Array.from(shares, Math.log)),
            ),
            failed,
          ),
      };
    }),
  });
};
