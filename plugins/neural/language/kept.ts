/**
 * Kept: what a language model keeps of a text that it has read, head by head: keys and values of the places that its
 * attention still sees, and the features of the last place.
 *
 * Not the text itself: whoever goes on brings it along.
 * Invariant: a text that is gone on from by what was kept of it goes on bit for bit as it would have.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { scalar, tensorOf } from "../../ir/library.ts";
import { badSetting } from "../failures.ts";

/** Keys and values of one head over a stretch of places. */
export interface KeptStretch {
  /** Which layer, from 0. */
  readonly layer: number;
  /** Which head, from 0. */
  readonly head: number;
  /** First place. */
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** Keys, one place after another. */
  readonly keys: Float32Array;
  /** Values, one place after another. */
  readonly values: Float32Array;
}

/** What is kept of a text. */
export interface KeptText {
  /** Bytes of the text. */
  readonly bytes: number;
  /** Features of the last place. */
  readonly step: Float32Array;
  /** Keys and values, a stretch a head; the stretches of a head may be cut, as long as they follow each other. */
  readonly stretches: ReadonlyArray<KeptStretch>;
  /** Scores of the place after the last byte, where they were asked for. */
  readonly ahead?: Float32Array;
}

/** Places of the tensors of keys and values: [1, heads, places, features]; a place lies at its remainder. */
const sizesOf = (keys: Tensor) => {
  const [, heads, places, width] = keys.shape;
  return { heads, places, width };
};

const named = <A>(names: ReadonlyArray<string>, items: ReadonlyArray<A>, name: string): A => items[names.indexOf(name)];

const floatsOf = (tensor: Tensor): Float32Array => tensor.data as Float32Array;

/** What kept tensors hold of a text whose attention sees so many places. */
export const keptOf = (
  names: ReadonlyArray<string>,
  tensors: ReadonlyArray<Tensor>,
  window: number,
): Pick<KeptText, "step" | "stretches"> => {
  const [keys, values] = [named(names, tensors, "keys"), named(names, tensors, "values")];
  const { heads, places, width } = sizesOf(keys);
  const to = Number((named(names, tensors, "position").data as BigInt64Array)[0]);
  const from = Math.max(0, to - window);
  const rows = (tensor: Tensor, head: number): Float32Array => {
    const all = floatsOf(tensor);
    const made = new Float32Array((to - from) * width);
    for (let place = from; place < to; place++) {
      const at = (head * places + place % places) * width;
      made.set(all.subarray(at, at + width), (place - from) * width);
    }
    return made;
  };
  const stretches = Array.from({ length: to > from ? heads : 0 }, (_, head): KeptStretch => ({
    layer: 0,
    head,
    from,
    to,
    keys: rows(keys, head),
    values: rows(values, head),
  }));
  return { step: floatsOf(named(names, tensors, "step")).slice(), stretches };
};

const refuse = (reason: string): never => {
  throw badSetting({ what: "what was kept of a text", reason, path: "" });
};

/** The kept tensors of a text; throws `NEURAL_SETTING` where what was kept is not of it, or of another model. */
export const tensorsOf = (
  names: ReadonlyArray<string>,
  nothing: ReadonlyArray<Tensor>,
  text: Uint8Array,
  { bytes, step, stretches, ahead }: KeptText,
): ReadonlyArray<Tensor> => {
  if (bytes !== text.length) refuse(`it is of ${bytes} bytes, and the text has ${text.length}`);
  const position = bytes + (ahead === undefined ? 0 : 1);
  const { heads, places, width } = sizesOf(named(names, nothing, "keys"));
  const size = floatsOf(named(names, nothing, "step")).length;
  if (step.length !== size) refuse(`its last place has ${step.length} features, not ${size}`);
  const [keys, values] = [new Float32Array(heads * places * width), new Float32Array(heads * places * width)];
  const reached = new Array<number>(heads).fill(-1);
  for (const stretch of stretches) {
    const { layer, head, from, to } = stretch;
    const fits = layer === 0 && head >= 0 && head < heads && to - from <= places && from < to && to <= position &&
      stretch.keys.length === (to - from) * width && stretch.values.length === (to - from) * width;
    if (!fits || (reached[head] >= 0 && reached[head] !== from)) {
      refuse(`places ${from} to ${to} of head ${head} are not of this model and text`);
    }
    reached[head] = to;
    for (let place = from; place < to; place++) {
      const [at, row] = [(head * places + place % places) * width, (place - from) * width];
      keys.set(stretch.keys.subarray(row, row + width), at);
      values.set(stretch.values.subarray(row, row + width), at);
    }
  }
  if (position > 0 && reached.some((to) => to !== position)) refuse(`its heads do not reach place ${position}`);
  const shapeOf = (name: string) => [...named(names, nothing, name).shape];
  const made: { readonly [name: string]: Tensor } = {
    position: scalar("i64", BigInt(position)),
    step: tensorOf("f32", shapeOf("step"), Float32Array.from(step)),
    keys: tensorOf("f32", shapeOf("keys"), keys),
    values: tensorOf("f32", shapeOf("values"), values),
  };
  return names.map((name) => made[name]);
};
