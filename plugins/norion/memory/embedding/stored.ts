/**
 * Stored: word vectors as bytes of an artifact.
 *
 * Layout, little-endian: eight bytes that name the format; its version, numbers of a vector, words, bytes of the words
 * (32 bits each); the words in UTF-8, one a line; a weight each (binary32); their vectors (8 bits a number).
 * Invariant: bytes that are read give exactly the bytes that would be written; anything else is refused with a reason.
 *
 * @module
 */
import { badModel } from "../../failures.ts";
import { termsOf } from "../../text.ts";
import { MAX_SIZE, MAX_VOCABULARY, type WordVectors } from "./learn.ts";

/** Media type of an embedding. */
export const EMBEDDING_MEDIA = "application/vnd.rmi.word-vectors";

/** Version of its format. */
export const EMBEDDING_FORMAT = 1;

const MAGIC = "rmi-wvec";
const FIELDS = 4;
const HEAD: number = MAGIC.length + 4 * FIELDS;

/** Bytes that words take on average, at most. */
const MAX_WORD_BYTES = 256;

/** Weights are logarithms of counts: none comes near this. */
const MAX_WEIGHT = 64;

/** Word vectors as bytes. */
export const writeEmbedding = ({ size, words, weights, vectors }: WordVectors): Uint8Array<ArrayBuffer> => {
  const text = new TextEncoder().encode(words.join("\n"));
  const bytes = new Uint8Array(HEAD + text.length + 4 * words.length + vectors.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  [EMBEDDING_FORMAT, size, words.length, text.length].forEach((value, at) =>
    view.setUint32(MAGIC.length + 4 * at, value, true)
  );
  bytes.set(text, HEAD);
  weights.forEach((weight, at) => view.setFloat32(HEAD + text.length + 4 * at, weight, true));
  bytes.set(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.length), HEAD + text.length + 4 * words.length);
  return bytes;
};

/** The words of a text, in order and each once; undefined where they are not. */
const wordsIn = (bytes: Uint8Array, count: number): ReadonlyArray<string> | undefined => {
  try {
    const words = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).split("\n");
    const sound = words.length === count &&
      words.every((word, at) =>
        (at === 0 || words[at - 1] < word) && termsOf(word).length === 1 && termsOf(word)[0] === word
      );
    return sound ? words : undefined;
  } catch {
    return undefined;
  }
};

/** Reads word vectors; throws `NORION_MODELS`. */
export const readEmbedding = (name: string, bytes: Uint8Array): WordVectors => {
  const refuse = (reason: string) => badModel({ what: `the embedding ${name}`, reason });
  if (bytes.length < HEAD || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) {
    throw refuse("it does not begin as word vectors do");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [format, size, count, length] = Array.from(
    { length: FIELDS },
    (_, at) => view.getUint32(MAGIC.length + 4 * at, true),
  );
  if (format !== EMBEDDING_FORMAT) throw refuse(`it is of format ${format}, and ${EMBEDDING_FORMAT} is read`);
  if (size < 1 || size > MAX_SIZE) throw refuse(`its vectors have ${size} numbers, and 1 to ${MAX_SIZE} are read`);
  if (count < 1 || count > MAX_VOCABULARY) throw refuse(`it has ${count} words, and 1 to ${MAX_VOCABULARY} are read`);
  if (length > count * MAX_WORD_BYTES) throw refuse(`its words take ${length} bytes`);
  const whole = HEAD + length + count * (4 + size);
  if (bytes.length !== whole) throw refuse(`it has ${bytes.length} bytes, and its head speaks of ${whole}`);
  const words = wordsIn(bytes.subarray(HEAD, HEAD + length), count);
  if (words === undefined) throw refuse("its words are not words in order, each once");
  const weights = Float32Array.from({ length: count }, (_, at) => view.getFloat32(HEAD + length + 4 * at, true));
  if (!weights.every((weight) => weight > 0 && weight <= MAX_WEIGHT)) {
    throw refuse(`it has a weight that is not above 0 and up to ${MAX_WEIGHT}`);
  }
  const vectors = new Int8Array(bytes.slice(HEAD + length + 4 * count).buffer);
  if (vectors.includes(-128)) throw refuse("it has a number below -127");
  return { size, words, weights, vectors };
};
