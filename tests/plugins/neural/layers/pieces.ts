/**
 * A sequence given to a layer as a whole, and piece by piece with what the layer keeps between.
 */
import { scalar, type Tensor, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { evaluate } from "../../../../plugins/ir/library.ts";
import { decoding, initialValues, type Layer, networkOfLayers } from "../../../../plugins/neural/library.ts";

/** Steps from one to before another of [batch, steps, features]. */
export const stepsOf = (x: Tensor, from: number, to: number): Tensor => {
  const [batch, steps, features] = x.shape;
  const data = toFloats(x);
  const rows = Array.from(
    { length: batch },
    (_, b) => [...data.subarray((b * steps + from) * features, (b * steps + to) * features)],
  );
  return tensor(x.dtype, [batch, to - from, features], rows.flat());
};

const joined = (parts: ReadonlyArray<Tensor>): Tensor => {
  const [batch, , features] = parts[0].shape;
  const steps = parts.reduce((sum, { shape }) => sum + shape[1], 0);
  const rows = Array.from(
    { length: batch },
    (_, b) =>
      parts.flatMap((
        part,
      ) => [...toFloats(part).subarray(b * part.shape[1] * features, (b + 1) * part.shape[1] * features)]),
  );
  return tensor(parts[0].dtype, [batch, steps, features], rows.flat());
};

/** What a layer gives for a whole sequence, and for its pieces one after another. */
export const inPieces = (
  layer: Layer,
  x: Tensor,
  pieces: ReadonlyArray<number>,
  kept = 16,
): readonly [whole: Tensor, pieces: Tensor] => {
  const typeOf = (steps: number) => ({ x: `${x.dtype}[${x.shape[0]},${steps},${x.shape[2]}]` });
  const seed = scalar("i64", 0n);
  const network = networkOfLayers(layer, typeOf(x.shape[1]));
  const { parameters } = initialValues(network, 1);
  const [whole] = evaluate(network.evaluation, [...parameters, seed, x]).results;
  const byPath = new Map(network.parameters.map(({ path }, i) => [path, parameters[i]]));
  let state: ReadonlyMap<string, Tensor> | undefined;
  let from = 0;
  const made = pieces.map((steps) => {
    const step = networkOfLayers(decoding(layer, kept), typeOf(steps));
    const first = initialValues(step, 1).state;
    const given = step.state.map(({ path }, i) => state?.get(path) ?? first[i]);
    const args = [
      ...step.parameters.map(({ path }) => byPath.get(path)!),
      ...given,
      seed,
      stepsOf(x, from, from + steps),
    ];
    const [output, ...next] = evaluate(step.evaluation, args).results;
    state = new Map(step.state.map(({ path }, i) => [path, next[i]]));
    from += steps;
    return output;
  });
  return [whole, joined(made)];
};
