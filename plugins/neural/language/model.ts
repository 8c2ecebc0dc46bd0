/**
 * Model: a trained language model as one artifact.
 *
 * Not a network of any kind (../model.ts): its inputs are hashed contexts, so what hashes them is stored with the weights.
 * Invariant: a model that was read back gives every byte the probability it gave, bit for bit, on the same backend; a file
 * whose tensors do not fit its shape is refused.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json } from "../../../kernel/json.ts";
import { elementCount, printType, sameType } from "../../ir/library.ts";
import type { Scores } from "../events.ts";
import { badModel } from "../failures.ts";
import { readStored, type StoredKind, writeStored } from "../stored.ts";
import type { Values } from "../stepper.ts";
import { languageNetwork, type LanguageShape, LanguageShapeJson } from "./shape.ts";

const KIND: StoredKind = { what: "language model", format: "rmi-language", version: 1 };

/** Media type of a language model. */
export const LANGUAGE_MEDIA = "application/vnd.rmi.language+safetensors";

/** Most learned numbers of a model that is read. */
export const MAX_LANGUAGE_PARAMETERS = 100_000_000;

/** Where a language model came from. */
export interface LanguageLineage {
  /** The text's name. */
  readonly data: string;
  /** Where draws started. */
  readonly seed: number;
  /** Steps taken. */
  readonly steps: number;
  /** Operations, by count. */
  readonly flops: number;
}

/** A trained language model. */
export interface LanguageModel {
  /** What it is made of. */
  readonly shape: LanguageShape;
  /** Its learned tensors by path. */
  readonly values: Values;
  /** How good it is. */
  readonly metrics: Scores;
  /** Where it came from. */
  readonly lineage: LanguageLineage;
}

const Document = Schema.Struct({
  shape: LanguageShapeJson,
  metrics: Schema.Record(Schema.String, Schema.Finite),
  lineage: Schema.Struct({
    data: Schema.String,
    seed: Schema.Int,
    steps: Schema.Int,
    flops: Schema.Finite,
  }),
});

/** How many numbers a shape learns. */
export const languageParameters = (shape: LanguageShape): number => {
  const tables = shape.contexts.reduce((sum, { rows, width }) => sum + rows * width, 0);
  const features = shape.contexts.reduce((sum, { width }) => sum + width, 0);
  const symbols = shape.alphabet.length + 1;
  return tables + 4 * features * shape.width + (features + 1) * shape.hidden + (shape.hidden + 1) * symbols;
};

/** The bytes of a model. */
export const encodeLanguageModel = ({ shape, values, metrics, lineage }: LanguageModel): Uint8Array<ArrayBuffer> =>
  writeStored(KIND, { shape, metrics, lineage } as unknown as Json, values);

/** Reads a model; throws `NEURAL_MODEL`. */
export const decodeLanguageModel = (bytes: Uint8Array): LanguageModel => {
  const { document, values } = readStored(KIND, bytes);
  const refuse = (reason: string) => badModel({ what: KIND.what, reason });
  const decoded = Schema.decodeUnknownResult(Document)(document);
  if (Result.isFailure(decoded)) throw refuse(`its document is malformed: ${String(decoded.failure)}`);
  const { shape, metrics, lineage } = decoded.success;
  if (shape.width % shape.heads !== 0) throw refuse(`${shape.heads} heads do not divide a width of ${shape.width}`);
  const count = languageParameters(shape);
  if (count > MAX_LANGUAGE_PARAMETERS) throw refuse(`its ${count} parameters exceed ${MAX_LANGUAGE_PARAMETERS}`);
  for (const { path, type } of languageNetwork(shape, 1).parameters) {
    const value = values.get(path);
    if (value !== undefined && sameType(value, type)) continue;
    const found = value === undefined ? "absent" : printType(value);
    throw refuse(`its tensor ${path} is ${found}, and ${printType(type)} is needed`);
  }
  return { shape, values, metrics, lineage };
};

/** How many numbers a model has learned. */
export const sizeOfLanguage = ({ values }: LanguageModel): number =>
  [...values.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
