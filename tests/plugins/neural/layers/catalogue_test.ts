/**
 * The catalogue: 44 entries, their formulas against the networks they describe, properties against random inputs, and
 * every entry on the CPU backend against the reference.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import { cpuBackend } from "../../../../plugins/backends/cpu/backend.ts";
import { evaluate, isFloat, scalar, type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import {
  CATALOGUE,
  CATALOGUE_GROUPS,
  type CatalogueEntry,
  catalogueNetwork,
  describeLayer,
  describeNetwork,
  formulaAt,
  inputsAt,
  layerAt,
  LAYERS,
  type Properties,
  type Sizes,
  sizesIn,
} from "../../../../plugins/neural/library.ts";
import { distance, failureOf, numbers, runNetwork, tensorsOf } from "./support.ts";

const sizesOf = (entry: CatalogueEntry, seed: string): Sizes => {
  const draws = random(seed);
  return Object.fromEntries(sizesIn(entry).map((name) => [name, 2 + draws.below(4)]));
};

Deno.test("there are 44 entries in ten groups, each of a known kind", () => {
  assert.equal(CATALOGUE.length, 44);
  assert.equal(new Set(CATALOGUE.map(({ name }) => name)).size, 44);
  const counts = CATALOGUE_GROUPS.map((group) => CATALOGUE.filter((entry) => entry.group === group).length);
  assert.deepEqual(counts, [4, 5, 6, 5, 9, 4, 3, 2, 4, 2]);
  assert.ok(CATALOGUE.every(({ kind }) => LAYERS.has(kind)));
});

Deno.test("every formula is what the network's own program counts, at random sizes", () => {
  for (const entry of CATALOGUE) {
    for (const seed of ["a", "b", "c"]) {
      const sizes = sizesOf(entry, `${entry.name} ${seed}`);
      const { parameters, flops, outputs } = describeNetwork(catalogueNetwork(entry, sizes), { batch: sizes.B });
      const found = {
        parameters: parameters.elements,
        flops: flops.forward,
        results: outputs.reduce((sum, { type }) => sum + formulaAt(type.slice(4, -1).replaceAll(",", "*"), sizes), 0),
      };
      const stated = {
        parameters: formulaAt(entry.parameters, sizes),
        flops: formulaAt(entry.flops, sizes),
        results: formulaAt(entry.results, sizes),
      };
      assert.deepEqual(stated, found, `${entry.name} ${JSON.stringify(sizes)}`);
    }
  }
});

Deno.test("a linear map of 32·512 rows from 768 to 3072 features takes more than 77·10⁹ operations", () => {
  const entry = CATALOGUE.find(({ name }) => name === "Linear")!;
  const flops = formulaAt(entry.flops, { B: 32, s: 512, n: 768, m: 3072 });
  assert.equal(flops, 2 * 32 * 512 * 768 * 3072 + 32 * 512 * 3072);
});

Deno.test("a formula with a size that is not given is refused by what is left of it", () => {
  assert.match(failureOf(() => formulaAt("2*B*n", { B: 3 })).message, /6\*n is left/u);
});

const inputsOf = (entry: CatalogueEntry, sizes: Sizes, dtype: "f32" | "f64"): ReadonlyArray<Tensor> => {
  const draws = random(`${entry.name} inputs`);
  return Object.values(inputsAt(entry, sizes)).map(({ dtype: own, shape }) => {
    const known = shape.map((size) => size === "B" ? sizes.B : Number(size));
    const length = known.reduce((a, b) => a * b, 1);
    return isFloat(own)
      ? tensor(dtype, known, Array.from({ length }, () => draws.normal()))
      : tensor(own, known, Array.from({ length }, () => BigInt(draws.below(sizes.v ?? 2))));
  });
};

Deno.test("every entry gives on the CPU backend what the reference gives, in training and outside", async () => {
  for (const entry of CATALOGUE) {
    const sizes = sizesOf(entry, entry.name);
    const network = catalogueNetwork(entry, sizes);
    const args = [...Object.values(tensorsOf(network)), scalar("i64", 7n), ...inputsOf(entry, sizes, "f32")];
    for (const program of [network.training, network.evaluation]) {
      const wanted = evaluate(program, args).results;
      const made = await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
        const executable = yield* cpuBackend.compile(program, { sizes: { B: sizes.B } });
        return yield* executable.step(args);
      })));
      wanted.forEach((value, i) => {
        const gap = distance(made[i], value);
        assert.ok(gap < 1e-5, `${entry.name}: ${gap}`);
      });
    }
  }
});

/** What a network of one input makes of it. */
type Apply = (x: Tensor) => ReadonlyArray<number>;

const like = (x: Tensor, of: (value: number, i: number) => number): Tensor =>
  tensor("f64", x.shape, numbers(x).map(of));

const near = (a: ReadonlyArray<number>, b: ReadonlyArray<number>, tolerance = 1e-9): boolean =>
  a.length === b.length && a.every((value, i) => Math.abs(value - b[i]) <= tolerance * (1 + Math.abs(b[i])));

/** Whether a property that is stated holds on an input. */
const HOLDS: { readonly [K in keyof Properties]-?: (apply: Apply, x: Tensor, stated: Properties[K]) => boolean } = {
  elementwise: (apply, x) => {
    const y = apply(x);
    const moved = apply(like(x, (value, i) => i === 1 ? value + 1 : value));
    return y.every((value, i) => i === 1 || value === moved[i]);
  },
  monotonic: (apply, x) => {
    const raised = apply(like(x, (value) => value + 0.1));
    return apply(x).every((value, i) => value <= raised[i] + 1e-12);
  },
  range: (apply, x, stated) => {
    const [low, high] = stated!;
    return [1, 1e3].every((factor) => apply(like(x, (value) => value * factor)).every((y) => y >= low && y <= high));
  },
  linear: (apply, x) => {
    const z = like(x, (_, i) => Math.cos(i));
    const shift = apply(like(x, () => 0));
    const plain = (of: Tensor) => apply(of).map((value, i) => value - shift[i]);
    const [own, other] = [plain(x), plain(z)];
    const mixed = plain(like(x, (value, i) => 2 * value - 3 * Math.cos(i)));
    return near(mixed, own.map((value, i) => 2 * value - 3 * other[i]));
  },
  scaleInvariant: (apply, x) =>
    near(apply(like(x, (value) => 100 * value)), apply(like(x, (value) => 1000 * value)), 1e-4),
  shiftInvariant: (apply, x) => near(apply(like(x, (value) => value + 5)), apply(x)),
  idempotent: (apply, x) => near(apply(tensor("f64", x.shape, apply(x))), apply(x)),
  sumsToOne: (apply, x) => {
    const [width, y] = [x.shape.at(-1)!, apply(x)];
    return Array.from({ length: y.length / width }, (_, row) => y.slice(row * width, (row + 1) * width))
      .every((row) => Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) < 1e-12);
  },
};

const INPUTS: { readonly [kind: string]: string } = {
  leaky_relu: "ReLU",
  elu: "ReLU",
  prelu: "ReLU",
  identity: "ReLU",
  s4: "Learned",
};
const IMAGES = new Set(["conv_transpose1d"]);

const entryOf = (kind: string): CatalogueEntry | undefined => {
  const own = CATALOGUE.find((entry) => entry.kind === kind);
  if (own !== undefined) return own;
  if (IMAGES.has(kind)) return { ...CATALOGUE.find(({ name }) => name === "Conv1d")!, kind };
  const other = CATALOGUE.find(({ name }) => name === INPUTS[kind]);
  return other && { ...other, kind };
};

/** A layer of a kind as a function of its first input. */
const applyOf = (entry: CatalogueEntry): { readonly apply: Apply; readonly x: Tensor } => {
  const sizes = sizesOf(entry, entry.name);
  const wide = {
    ...entry,
    inputs: Object.fromEntries(Object.entries(entry.inputs).map(([n, t]) => [n, t.replace("f32", "f64")])),
  };
  const network = catalogueNetwork(wide, sizes);
  const [x, ...others] = inputsOf(entry, sizes, "f64");
  return { apply: (of) => numbers(runNetwork(network, [of, ...others]).outputs[0]), x };
};

Deno.test("every property that the table states holds on random inputs", () => {
  let checked = 0;
  for (const { kind, properties = {} } of LAYERS.values()) {
    const stated = Object.entries(properties) as unknown as ReadonlyArray<[keyof Properties, never]>;
    if (stated.length === 0 || kind === "unembed") continue;
    const entry = entryOf(kind);
    assert.ok(entry !== undefined, `${kind} states properties and has no input to judge them on`);
    const { apply, x } = applyOf(entry);
    for (const [name, value] of stated) {
      assert.ok(HOLDS[name](apply, x, value), `${kind} is not ${name}`);
      checked++;
    }
  }
  assert.ok(checked >= 40, String(checked));
});

Deno.test("the judge of properties refuses what does not hold: GeLU, SiLU and Mish are not monotonic, ReLU is not linear", () => {
  for (const name of ["GeLU", "SiLU", "Mish"]) {
    const { apply, x } = applyOf(CATALOGUE.find((entry) => entry.name === name)!);
    const dip = like(x, (_, i) => -3 + 0.1 * i);
    assert.equal(HOLDS.monotonic(apply, dip, true), false, name);
    assert.equal(describeLayer(CATALOGUE.find((entry) => entry.name === name)!.kind).properties.monotonic, undefined);
  }
  const { apply, x } = applyOf(CATALOGUE.find(({ name }) => name === "ReLU")!);
  assert.equal(HOLDS.linear(apply, x, true), false);
  assert.equal(HOLDS.shiftInvariant(apply, x, true), false);
});

Deno.test("a kind is described as JSON, with its settings, defaults and entries", () => {
  for (const kind of LAYERS.keys()) {
    const described = describeLayer(kind);
    const plain = JSON.parse(JSON.stringify(described));
    assert.equal(plain.kind, kind);
    assert.equal(plain.settings.length, described.settings.length);
  }
  const conv = describeLayer("conv2d");
  assert.deepEqual(conv.catalogue.map(({ name }) => name), ["Conv2d"]);
  assert.equal(conv.settings.find(({ name }) => name === "kernel")!.default, 3);
  assert.equal(describeLayer("layer_norm").settings.find(({ name }) => name === "epsilon")!.default, 1e-5);
  assert.equal(failureOf(() => describeLayer("linaer")).code, "NEURAL_LAYER");
});

Deno.test("an entry's layer has its sizes put in", () => {
  const entry = CATALOGUE.find(({ name }) => name === "AdaptiveAvgPool")!;
  assert.deepEqual(layerAt(entry, { B: 1, c: 2, h: 3, w: 4 }).settings, { size: [3, 4] });
});
