/**
 * Tests of programs as genomes: what comes out is verified, of the same types, within the limit, and can be stored.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../../kernel/random.ts";
import { genetic, isEvolutionFailure, nodesOf, programVariation, run } from "../../../plugins/evolution/library.ts";
import { buildProgram, type FunctionBuilder, programDigest, type Value } from "../../../plugins/ir/library.ts";
import { isVerified, signatureOf } from "../ir/offspring.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const TYPES = { x: "f32[4,6]", w: "f32[6,6]" };
type Inputs = { readonly [name: string]: Value };
const seeds = [
  buildProgram(TYPES, (g: FunctionBuilder, { x, w }: Inputs) => [g.activation("relu", g.matmul(x, w))]),
  buildProgram(TYPES, (g: FunctionBuilder, { x, w }: Inputs) => [g.add(x, g.activation("tanh", g.matmul(x, w)))]),
];
const NODES = 30;
const variation = programVariation({ seeds, nodes: NODES });

Deno.test("programs that come of mutation and crossover are verified, of the seeds' types and within the limit", () => {
  const chance = random("programs");
  const programs = Array.from({ length: 10 }, () => variation.random(chance));
  for (let round = 0; round < 10; round++) {
    const [a, b] = [chance.pick(programs), chance.pick(programs)];
    for (const child of variation.cross(a, b, chance)) {
      for (const program of [child, variation.mutate(child, chance)]) {
        assert.ok(isVerified(program));
        assert.deepEqual(signatureOf(program), signatureOf(seeds[0]));
        assert.ok(nodesOf(program) <= NODES);
      }
    }
  }
  assert.ok(new Set(programs.map(variation.key)).size > 5);
});

Deno.test("a program comes back from its JSON with the same digest", () => {
  const program = variation.random(random("json"));
  const back = variation.decode(JSON.parse(JSON.stringify(variation.encode(program))));
  assert.equal(programDigest(back), programDigest(program));
});

Deno.test("programs that the optimiser makes the same are one, and only under `class`", () => {
  const byClass = programVariation({ seeds, identity: "class" });
  const plain = buildProgram(TYPES, (g: FunctionBuilder, { x }: Inputs) => [g.tanh(x)]);
  const twice = buildProgram(TYPES, (g: FunctionBuilder, { x }: Inputs) => [g.tanh(g.neg(g.neg(x)))]);
  const other = buildProgram(TYPES, (g: FunctionBuilder, { x }: Inputs) => [g.neg(g.tanh(x))]);
  assert.notEqual(variation.key(plain), variation.key(twice));
  assert.equal(byClass.key(plain), byClass.key(twice));
  assert.notEqual(byClass.key(plain), byClass.key(other));
});

Deno.test("programs evolve towards fewer nodes under a search", async () => {
  const search = genetic({ variation, seed: 1, size: 12 });
  const state = await Effect.runPromise(run(search, {
    generations: 5,
    evaluate: ({ genome }) => Effect.succeed({ objectives: [nodesOf(genome)] }),
  }));
  assert.ok(state.members[0].objectives[0] <= Math.min(...seeds.map(nodesOf)));
});

Deno.test("settings and stored programs outside their limits are refused", () => {
  const largest = Math.max(...seeds.map(nodesOf));
  programVariation({ seeds, nodes: largest });
  refuses("EVOLUTION_SETTING", () => programVariation({ seeds, nodes: largest - 1 }));
  refuses("EVOLUTION_SETTING", () => programVariation({ seeds: [] }));
  refuses("EVOLUTION_SETTING", () => programVariation({ seeds, drift: 0 }));
  for (const json of [null, 3, "*", "AAAA", ""]) refuses("EVOLUTION_STATE", () => variation.decode(json));
  const small = programVariation({ seeds: [seeds[0]], nodes: nodesOf(seeds[0]) });
  if (nodesOf(seeds[1]) > nodesOf(seeds[0])) {
    refuses("EVOLUTION_STATE", () => small.decode(variation.encode(seeds[1])));
  }
});
