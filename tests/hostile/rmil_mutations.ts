/**
 * Mutations of wire bytes, drawn from a seed: what they judge is that decoding answers, with a tree or a failure of the
 * language, and that a tree is written back to the same bytes.
 *
 * @module
 */
import { isFailure } from "../../kernel/failure.ts";
import { type Random, random } from "../../kernel/random.ts";
import * as v1 from "../../plugins/rmil/codec/v1.ts";
import * as v2 from "../../plugins/rmil/codec/v2.ts";
import { Trees } from "../plugins/rmil/trees.ts";

type Codec = typeof v1 | typeof v2;

/** Lengths and counts worth trying. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff];
const LONGEST_INSERT = 12;

const edit = (bytes: Uint8Array, random: Random): Uint8Array => {
  const at = random.below(bytes.length + 1);
  const rest = bytes.subarray(at);
  const [head, drawn] = [bytes.subarray(0, at), () => random.below(256)];
  switch (random.below(7)) {
    case 0: {
      const changed = bytes.slice();
      if (changed.length > 0) changed[at % changed.length] ^= 1 << random.below(8);
      return changed;
    }
    case 1: {
      const changed = bytes.slice();
      if (changed.length > 0) changed[at % changed.length] = random.pick(EXTREMES);
      return changed;
    }
    case 2:
      return head.slice();
    case 3:
      return Uint8Array.of(...head, ...Array.from({ length: 1 + random.below(LONGEST_INSERT) }, drawn), ...rest);
    case 4:
      return Uint8Array.of(...head, ...rest.subarray(random.below(LONGEST_INSERT)));
    case 5: {
      const from = random.below(bytes.length + 1);
      return Uint8Array.of(...head, ...bytes.subarray(from, from + random.below(4 * LONGEST_INSERT)), ...rest);
    }
    default:
      return Uint8Array.of(...head, 0xff, 0xff, 0xff, random.pick(EXTREMES), ...rest.subarray(4));
  }
};

/** What a run of mutations found. */
export interface Mutated {
  /** How many were decoded. */
  readonly tried: number;
  /** How many of them were accepted. */
  readonly accepted: number;
  /** Hexadecimal bytes of those that broke a promise, with what happened. */
  readonly broken: ReadonlyArray<string>;
}

const SEEDS = 200;
const MOST_EDITS = 3;
const MOST_BYTES = 600;

/** Of any table, so that an unknown opcode does not end the reading early. */
const ANY = { knows: v1.anyOpcode };

/** Decodes; says what went wrong, or whether the bytes were accepted. */
const judge = (codec: Codec, program: boolean, bytes: Uint8Array): boolean | string => {
  try {
    const again = program
      ? codec.encodeProgram(codec.decodeProgram(bytes, ANY))
      : codec.encodeExpression(codec.decodeExpression(bytes, ANY));
    return again.toHex() === bytes.toHex() || `${bytes.toHex()}: written back as ${again.toHex()}`;
  } catch (thrown) {
    if (isFailure(thrown) && thrown.code.startsWith("RMIL_")) return false;
    return `${bytes.toHex()}: ${thrown}`;
  }
};

/** Tries mutations of programs and expressions of both versions. */
export const mutate = (seed: string, count: number): Mutated => {
  const draw = random(seed);
  const trees = new Trees(`${seed}/trees`, { v1: true });
  const sources: Array<{ readonly codec: Codec; readonly program: boolean; readonly bytes: Uint8Array }> = [];
  for (let i = 0; i < SEEDS; i++) {
    const root = trees.expression(4);
    for (const codec of [v1, v2]) {
      sources.push({ codec, program: false, bytes: codec.encodeExpression(root) });
      sources.push({ codec, program: true, bytes: codec.encodeProgram({ symbols: trees.symbols, root }) });
    }
  }
  const small = sources.filter(({ bytes }) => bytes.length <= MOST_BYTES);
  const broken: Array<string> = [];
  let accepted = 0;
  for (let i = 0; i < count; i++) {
    const { codec, program, bytes } = draw.pick(small);
    let changed = bytes;
    for (let edits = 1 + draw.below(MOST_EDITS); edits > 0; edits--) changed = edit(changed, draw);
    const judged = judge(codec, program, changed);
    if (judged === true) accepted++;
    else if (judged !== false) broken.push(judged);
  }
  return { tried: count, accepted, broken };
};
