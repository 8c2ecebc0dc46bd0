/**
 * Tests of bit strings and permutations: worked examples of the literature, and what every child has to keep.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import { isEvolutionFailure } from "../../../plugins/evolution/failures.ts";
import { BIT_CROSSOVERS, bitVariation, MAX_LENGTH } from "../../../plugins/evolution/operators/bits.ts";
import {
  cycleKept,
  orderKept,
  partiallyMapped,
  PERMUTATION_CROSSOVERS,
  PERMUTATION_MOVES,
  permutationVariation,
} from "../../../plugins/evolution/operators/permutation.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

/** A permutation written from 1 on, as the literature does. */
const order = (text: string): Uint32Array => Uint32Array.from(text, (digit) => Number(digit) - 1);

Deno.test("PMX, OX and CX give the children of the textbook", () => {
  // Eiben, Smith, "Introduction to Evolutionary Computing", chapter on permutations: places 4 to 7 of these parents.
  const [a, b] = [order("123456789"), order("937826514")];
  assert.deepEqual(partiallyMapped(b, a, 3, 7), order("932456718"));
  assert.deepEqual(orderKept(a, b, 3, 7), order("382456719"));
  assert.deepEqual(cycleKept(a, b, 0), order("137426589"));
});

Deno.test("every child of every crossover and move is a permutation, and parents stay as they are", () => {
  for (const crossover of PERMUTATION_CROSSOVERS) {
    for (const mutation of PERMUTATION_MOVES) {
      for (const length of [2, 3, 17]) {
        const variation = permutationVariation(length, { crossover, mutation, crossoverRate: 1, mutationRate: 1 });
        const chance = random(`${crossover} ${mutation} ${length}`);
        for (let round = 0; round < 100; round++) {
          const parents = [variation.random(chance), variation.random(chance)];
          const copies = parents.map((parent) => parent.slice());
          for (const child of variation.cross(parents[0], parents[1], chance)) {
            const moved = variation.mutate(child, chance);
            for (const genome of [child, moved]) {
              assert.deepEqual([...genome].sort((x, y) => x - y), Array.from({ length }, (_, i) => i));
            }
            assert.notDeepEqual(moved, child);
          }
          assert.deepEqual(parents, copies);
        }
      }
    }
  }
});

Deno.test("a child of equal parents is its parents", () => {
  const chance = random("equal");
  for (const crossover of PERMUTATION_CROSSOVERS) {
    const variation = permutationVariation(9, { crossover, crossoverRate: 1 });
    const parent = variation.random(chance);
    for (let round = 0; round < 30; round++) {
      assert.deepEqual(variation.cross(parent, parent, chance), [parent, parent]);
    }
  }
});

Deno.test("crossed bit strings hold at each place the parents' two bits", () => {
  for (const crossover of BIT_CROSSOVERS) {
    const variation = bitVariation(16, { crossover, crossoverRate: 1 });
    const chance = random(crossover);
    for (let round = 0; round < 100; round++) {
      const [a, b] = [variation.random(chance), variation.random(chance)];
      const [first, second] = variation.cross(a, b, chance);
      first.forEach((bit, i) => assert.equal(bit + second[i], a[i] + b[i]));
    }
  }
});

Deno.test("bits flip at their rate", () => {
  const chance = random("flip");
  const zeros = new Uint8Array(10_000);
  for (const mutationRate of [0, 0.1, 1]) {
    const flipped = bitVariation(zeros.length, { mutationRate }).mutate(zeros, chance).reduce(
      (sum, bit) => sum + bit,
      0,
    );
    assert.ok(Math.abs(flipped / zeros.length - mutationRate) < 0.015);
  }
});

Deno.test("bit strings and permutations come back from their JSON, and keys tell them apart", () => {
  const chance = random("json");
  const [bits, places] = [bitVariation(12), permutationVariation(12)];
  const [a, b] = [bits.random(chance), places.random(chance)];
  assert.deepEqual(bits.decode(JSON.parse(JSON.stringify(bits.encode(a)))), a);
  assert.deepEqual(places.decode(JSON.parse(JSON.stringify(places.encode(b)))), b);
  // Without a separator 1, 11 and 11, 1 would read the same.
  assert.notEqual(places.key(Uint32Array.of(1, 11)), places.key(Uint32Array.of(11, 1)));
});

Deno.test("settings and stored genomes outside their ranges are refused", () => {
  bitVariation(MAX_LENGTH);
  for (const length of [0, 1.5, MAX_LENGTH + 1]) refuses("EVOLUTION_SETTING", () => bitVariation(length));
  refuses("EVOLUTION_SETTING", () => permutationVariation(1));
  refuses("EVOLUTION_SETTING", () => bitVariation(4, { mutationRate: 2 }));
  refuses("EVOLUTION_SETTING", () => permutationVariation(4, { crossoverRate: -1 }));
  for (const json of [null, "01", "0120", [0, 1, 0, 1]]) refuses("EVOLUTION_STATE", () => bitVariation(4).decode(json));
  for (const json of [null, [0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 4], [0, 1, 2, "3"]]) {
    refuses("EVOLUTION_STATE", () => permutationVariation(4).decode(json));
  }
});
