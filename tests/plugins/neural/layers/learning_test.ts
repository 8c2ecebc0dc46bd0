/**
 * Every kind of layer learns: a gradient reaches each trained tensor, and training brings a layer near to another one of
 * its kind. In the original no parameter ever received a gradient, and weights froze after the first batch.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { cpuBackend } from "../../../../plugins/backends/cpu/backend.ts";
import {
  evaluate,
  fromFloats,
  isFloat,
  scalar,
  type Tensor,
  tensor,
  toFloats,
} from "../../../../plugins/ir/library.ts";
import {
  buildLayer,
  compileStep,
  firstCounters,
  initialValues,
  linear,
  type Network,
  networkOf,
  networkOfLayers,
  portsOf,
  trainingStep,
} from "../../../../plugins/neural/library.ts";
import { type KindExample, KINDS, missingKinds } from "./kinds.ts";
import { normals } from "./support.ts";

const BATCH = 6;
const STEPS = 60;
const RATE = 0.03;
/** Layers that drop have noise that does not go away. */
const LEFT = 0.5;

/** The layer, behind a linear one where it learns nothing itself. */
const learning = ({ layer, types }: KindExample): Network => {
  const alone = networkOfLayers(layer, types);
  if (alone.parameters.some(({ trained }) => trained)) return alone;
  return networkOf(portsOf(types), (scope, [x, ...others]) => {
    const first = buildLayer(linear(), scope.child("before"), [x]);
    return buildLayer(layer, scope.child("layer"), [...first, ...others]);
  });
};

const inputsOf = ({ inputs }: Network): ReadonlyArray<Tensor> =>
  inputs.map(({ name, type }) => {
    const shape = type.shape.map((size) => typeof size === "number" ? size : BATCH);
    const length = shape.reduce((a, b) => a * b, 1);
    return isFloat(type.dtype)
      ? normals(name, shape)
      : tensor(type.dtype, shape, Array.from({ length }, (_, i) => BigInt(i * i % 2)));
  });

/** Another network of the kind: each trained tensor moved by normal noise. */
const other = (network: Network, values: ReadonlyArray<Tensor>): ReadonlyArray<Tensor> =>
  values.map((value, i) => {
    const { trained, path } = network.parameters[i];
    if (!trained) return value;
    const noise = toFloats(normals(`other ${path}`, value.shape, "f64"));
    return fromFloats("f32", value.shape, Float64Array.from(toFloats(value), (x, at) => x + 0.5 * noise[at]));
  });

const learned = (network: Network) =>
  Effect.gen(function* () {
    const { parameters, state } = initialValues(network, 1);
    const inputs = inputsOf(network);
    const wanted = evaluate(network.training, [
      ...other(network, parameters),
      ...state,
      scalar("i64", 1n),
      ...inputs,
    ]).results.slice(0, network.outputs.length);
    const step = trainingStep({
      network,
      loss: (g, outputs, targets) =>
        outputs.map((output, i) => {
          const distance = g.sub(output, targets[i]);
          return g.mean(g.mul(distance, distance));
        }).reduce((sum, part) => g.add(sum, part)),
      targets: network.outputs.map(({ name, type }) => ({ name: `wanted ${name}`, type })),
      optimiser: { kind: "adam" },
    });
    const stepper = yield* compileStep(cpuBackend, step, { batch: BATCH });
    const first = [...parameters, ...state];
    const specs = [...network.parameters, ...network.state];
    yield* stepper.write(new Map([...firstCounters(step), ...specs.map(({ path }, i) => [path, first[i]] as const)]));
    const losses: number[] = [];
    for (let turn = 0; turn < STEPS; turn++) {
      losses.push((yield* stepper.step(inputs, wanted, { seed: 1n, rate: RATE })).loss);
    }
    const after = yield* stepper.read(["parameter"]);
    const still = network.parameters.filter(({ path, trained }, i) =>
      trained && toFloats(after.get(path)!).every((value, at) => value === toFloats(parameters[i])[at])
    );
    const moved = network.parameters.filter(({ path, trained }, i) =>
      !trained && toFloats(after.get(path)!).some((value, at) => value !== toFloats(parameters[i])[at])
    );
    return { losses, still: still.map(({ path }) => path), moved: moved.map(({ path }) => path) };
  });

Deno.test("there is an example of every kind", () => {
  assert.deepEqual(missingKinds(), []);
});

Deno.test("every kind of layer learns to be another one of its kind; what is frozen stays", async () => {
  for (const [kind, example] of KINDS) {
    const { losses, still, moved } = await Effect.runPromise(Effect.scoped(learned(learning(example))));
    assert.deepEqual(still, [], `${kind}: no gradient reaches these`);
    assert.deepEqual(moved, [], `${kind}: these are frozen`);
    const [first, last] = [losses[0], losses.at(-1)!];
    assert.ok(first > 1e-6 && last < LEFT * first, `${kind}: loss ${first} to ${last}`);
    // Not only in the first step, as the original's: half way there is still something to gain.
    assert.ok(losses[STEPS / 2] < losses[1] || losses[1] < 1e-6, `${kind}: ${losses[1]} to ${losses[STEPS / 2]}`);
  }
});
