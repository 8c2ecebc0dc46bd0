/**
 * Stored: tensors and one JSON document in one safetensors file, so that any tool reads the weights.
 *
 * Not what the document means (model.ts, checkpoint.ts).
 * Invariant: the same tensors and document give the same bytes; a file of another kind or a newer version is refused.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../kernel/json.ts";
import { badModel, isNeuralFailure, type NeuralFailure } from "./failures.ts";
import { readSafetensors, writeSafetensors } from "./formats/safetensors.ts";
import type { Values } from "./stepper.ts";

/** What a file is. */
export interface StoredKind {
  /** Its name in messages. */
  readonly what: string;
  /** What stands in the file. */
  readonly format: string;
  /** The version that is written, and the newest that is read. */
  readonly version: number;
}

/** The bytes of tensors and a document. */
export const writeStored = ({ format, version }: StoredKind, document: Json, values: Values): Uint8Array<ArrayBuffer> =>
  writeSafetensors(values, { format: `${format}/${version}`, document: canonicalJson(document) });

const opened = (kind: StoredKind, bytes: Uint8Array) => {
  try {
    return readSafetensors(bytes);
  } catch (thrown) {
    if (!isNeuralFailure(thrown)) throw thrown;
    throw badModel({ what: kind.what, reason: (thrown as NeuralFailure).message });
  }
};

/** Reads them back; throws `NEURAL_MODEL`. */
export const readStored = (
  kind: StoredKind,
  bytes: Uint8Array,
): { readonly document: { readonly [name: string]: Json }; readonly values: Values } => {
  const { tensors, metadata } = opened(kind, bytes);
  const [format, version] = (metadata.format ?? "").split("/");
  const refuse = (reason: string): never => {
    throw badModel({ what: kind.what, reason });
  };
  if (format !== kind.format) refuse(`it is no ${kind.what} of this system`);
  if (!(Number(version) <= kind.version)) refuse(`its version ${version} is newer than ${kind.version}`);
  let document: unknown;
  try {
    document = JSON.parse(metadata.document ?? "");
  } catch {
    return refuse("its document is not JSON");
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    return refuse("its document is no object");
  }
  return { document: document as { readonly [name: string]: Json }, values: tensors };
};
