/**
 * Handlers of learned vectors.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { redactText } from "../../effects/mod.ts";
import type { Fix, KernelFailure } from "../../kernel/mod.ts";
import { Artifacts } from "../../registry/contract.ts";
import type { DetailedSource, NeuralFailure } from "../neural/library.ts";
import { attemptingSteps, badModel, badRequest, type NorionFailure } from "./failures.ts";
import { learnWordVectors } from "./memory/embedding/learn.ts";
import { EMBEDDING_MEDIA, writeEmbedding } from "./memory/embedding/stored.ts";
import type { LearnEmbedding } from "./operations_embedding.ts";
import { Norion } from "./service.ts";

type Input = Schema.Schema.Type<typeof LearnEmbedding["input"]>;

/** Whether the room of data says it, and not the kernel. */
const isOfData = (failure: { readonly code: string }): failure is NeuralFailure => failure.code.startsWith("NEURAL_");

/** A fix that names where a set lies, said in this operation's fields. */
const placeIn = ({ summary, patch = [] }: Fix): Fix => {
  const [{ value } = { value: undefined }] = patch as ReadonlyArray<{ readonly value?: unknown }>;
  const place = typeof value === "string" ? value : (value as { readonly path?: string } | undefined)?.path;
  return { summary, ...(place === undefined ? {} : { patch: [{ op: "add", path: "/path", value: place }] }) };
};

const decoder = new TextDecoder();

/** Documents of a data set or of files. */
const documentsOf = (source: DetailedSource, at: string) =>
  Effect.gen(function* () {
    const { diskFiles, openData } = yield* Effect.promise(() => import("../neural/library.ts"));
    const files = yield* diskFiles;
    const { corpus } = yield* openData(source, files).pipe(
      // What the room of data says of it, said by this one: its codes are not of this operation.
      Effect.mapError((failure): NorionFailure | KernelFailure =>
        isOfData(failure)
          ? badRequest({
            reason: failure.message,
            path: at,
            ...(failure.fix?.patch === undefined ? {} : { fix: placeIn(failure.fix) }),
          })
          : failure
      ),
    );
    if (corpus !== undefined) return corpus.documents.map(({ bytes }) => decoder.decode(bytes));
    return yield* Effect.fail<NorionFailure>(
      badRequest({ reason: "words are learned from texts, and these are samples", path: at, expected: "texts" }),
    );
  });

const textsOf = ({ texts, path, data }: Input) =>
  Effect.gen(function* () {
    const named = data !== undefined || path !== undefined;
    if (named === (texts !== undefined)) {
      return yield* Effect.fail<NorionFailure>(
        badRequest({
          reason: named ? "texts are given, and others are named" : "there is nothing to learn words from",
          path: named ? "/texts" : "/data",
          expected: "either texts, or data or path",
        }),
      );
    }
    const place = path === undefined ? {} : { path };
    // Whatever a file of texts is called, it is read as one.
    const source: DetailedSource = data === undefined ? { ...place, format: "text" } : { ...place, name: data };
    return texts ?? (yield* documentsOf(source, data === undefined ? "/path" : "/data"));
  });

/** The handlers. */
export const embeddingHandlers = {
  "norion.learnEmbedding": (input: Input) =>
    Effect.gen(function* () {
      const { size, seed, name } = input;
      // A word of a secret is a secret: what is learned is stored for everybody who may read artifacts.
      const texts = (yield* textsOf(input)).map((text) => redactText(text));
      const options = { ...(size === undefined ? {} : { size }), ...(seed === undefined ? {} : { seed }) };
      const vectors = yield* attemptingSteps(() => learnWordVectors(texts, options));
      const bytes = writeEmbedding(vectors);
      const store = yield* Artifacts;
      const info = yield* Effect.mapError(
        store.put(bytes, {
          kind: "model",
          media: EMBEDDING_MEDIA,
          description: `vectors of ${vectors.words.length} words, ${vectors.size} numbers each`,
          references: [],
          tags: [],
          metrics: { words: vectors.words.length, size: vectors.size },
        }, name),
        (failure): NorionFailure => badModel({ what: "the store of artifacts", reason: failure.message }),
      );
      const { embedder } = yield* (yield* Norion).memory.vectors;
      return {
        name: info.names.at(-1) ?? name,
        digest: info.digest,
        words: vectors.words.length,
        size: vectors.size,
        bytes: bytes.length,
        used: embedder.id.endsWith(info.digest),
      };
    }),
};
