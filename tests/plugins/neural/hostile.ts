/**
 * Hostile files: seeded edits of good ones, which a reader must take or refuse by a failure of its room.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import type { Dtype } from "../../../plugins/ir/contract.ts";
import { isNeuralFailure } from "../../../plugins/neural/failures.ts";

/** Element types that every format of numbers knows. */
export const USUAL_DTYPES: ReadonlyArray<Dtype> = [
  "f64",
  "f32",
  "f16",
  "i64",
  "i32",
  "i16",
  "i8",
  "u64",
  "u32",
  "u16",
  "u8",
  "bool",
];

/** Bytes of a fixture. */
export const fixture = (name: string): Uint8Array<ArrayBuffer> =>
  Deno.readFileSync(new URL(`./fixtures/${name}`, import.meta.url));

/** The code of the failure that a computation throws; anything else thrown passes. */
export const codeOf = (compute: () => unknown): string => {
  try {
    compute();
  } catch (thrown) {
    if (isNeuralFailure(thrown)) return thrown.code;
    throw thrown;
  }
  return assert.fail("nothing was refused");
};

/** The message of the failure that a computation throws. */
export const messageOf = (compute: () => unknown): string => {
  try {
    compute();
  } catch (thrown) {
    if (isNeuralFailure(thrown)) return thrown.message;
    throw thrown;
  }
  return assert.fail("nothing was refused");
};

/** Seeded edits of bytes: cut off, a byte changed, a large number put in, a part doubled. */
export function* editsOf(bytes: Uint8Array, count: number, seed: string): Generator<Uint8Array<ArrayBuffer>> {
  const draw = random(`hostile/${seed}`);
  for (let i = 0; i < count; i++) {
    const made = new Uint8Array(bytes);
    const at = draw.below(made.length);
    switch (draw.below(4)) {
      case 0:
        yield made.slice(0, at);
        break;
      case 1:
        made[at] = draw.below(256);
        yield made;
        break;
      case 2:
        made.fill(0xff, at, at + draw.pick([1, 2, 4, 8]));
        yield made;
        break;
      default:
        yield Uint8Array.of(...made.subarray(0, at), ...made.subarray(draw.below(at + 1)));
    }
  }
}

/** Reads edits of good bytes: each is taken or refused by a failure of the room, and some are refused. */
export const survives = async (
  bytes: Uint8Array,
  count: number,
  seed: string,
  read: (bytes: Uint8Array<ArrayBuffer>) => unknown,
): Promise<void> => {
  let refused = 0;
  for (const edited of editsOf(bytes, count, seed)) {
    try {
      await read(edited);
    } catch (thrown) {
      if (!isNeuralFailure(thrown)) throw thrown;
      refused++;
    }
  }
  assert.ok(refused > count / 10, `only ${refused} of ${count} refused`);
};
