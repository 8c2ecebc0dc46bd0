/**
 * Architectures: whatever the space gives is a program within the limits; the judge of sizes is the network that neural
 * builds from the text, not the check that the space itself asks.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/mod.ts";
import { costOf, elementCount } from "../../../../plugins/ir/library.ts";
import { networkOfProgram } from "../../../../plugins/neural/library.ts";
import { encodeProgram, parse } from "../../../../plugins/rmil/library.ts";
import { decodeArchitecture } from "../../../../plugins/evolution/architectures/grammar.ts";
import type { Architecture } from "../../../../plugins/evolution/architectures/grammar.ts";
import { isRefused, judgeArchitecture, type Purpose } from "../../../../plugins/evolution/architectures/judge.ts";
import { architectureSpace, drawArchitecture } from "../../../../plugins/evolution/architectures/space.ts";

const IMAGES: Purpose = { shape: [1, 12, 12], outputs: 3, limits: { parameters: 4_000, flops: 200_000, bytes: 200 } };
const ROWS: Purpose = { shape: [7], outputs: 2, limits: { parameters: 9_000, flops: 30_000, bytes: 200 } };

const networkOf = (text: string, { shape }: Purpose) =>
  networkOfProgram(parse(text), [{ name: "x", type: { dtype: "f32", shape: ["B", ...shape] } }]);

const assertFits = (architecture: Architecture, purpose: Purpose): void => {
  const judged = judgeArchitecture(architecture, purpose);
  assert.ok(!isRefused(judged), JSON.stringify(architecture));
  const network = networkOf(judged.text, purpose);
  const parameters = network.parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0);
  assert.equal(judged.parameters, parameters, judged.text);
  assert.equal(encodeProgram(parse(judged.text)).length, judged.bytes);
  assert.ok(parameters <= purpose.limits.parameters && judged.bytes <= purpose.limits.bytes);
  assert.ok(judged.flops <= purpose.limits.flops);
  assert.deepEqual(network.outputs.map(({ type }) => type.shape), [["B", purpose.outputs]]);
};

for (const [what, purpose] of [["images", IMAGES], ["rows", ROWS]] as const) {
  Deno.test(`drawn, changed and crossed architectures for ${what} become networks within the limits`, () => {
    const { variation } = architectureSpace(purpose);
    const chance = random(`architectures/${what}`);
    let parents = [variation.random(chance), variation.random(chance)] as const;
    for (let turn = 0; turn < 25; turn++) {
      const [first, second] = variation.cross(parents[0], parents[1], chance);
      const changed = variation.mutate(first, chance);
      for (const one of [first, second, changed]) assertFits(one, purpose);
      parents = [changed, turn % 5 === 0 ? variation.random(chance) : second];
    }
  });
}

Deno.test("a change changes the program, and is named", () => {
  const { variation } = architectureSpace(IMAGES);
  const chance = random("changes");
  const ways = new Set<string>();
  for (let turn = 0; turn < 60; turn++) {
    const parent = variation.random(chance);
    const { genome, by } = variation.mutateBy!(parent, chance);
    assert.notEqual(variation.key(genome), variation.key(parent));
    ways.add(by);
  }
  assert.ok(ways.size >= 8, [...ways].join());
});

Deno.test("architectures that write the same program are one genome, others are not", () => {
  const { variation } = architectureSpace(ROWS);
  const plain: Architecture = { stages: [], bridge: "flat", layers: [], drop: 0 };
  assert.equal(variation.key({ ...plain, bridge: "mean" }), variation.key(plain));
  assert.notEqual(variation.key({ ...plain, drop: 0.1 }), variation.key(plain));
});

Deno.test("a program at a limit passes, one past it is refused by the limit's name", () => {
  const plain: Architecture = { stages: [], bridge: "flat", layers: [], drop: 0 };
  // One linear layer from 7 numbers to 2: 7·2 + 2 parameters.
  const within = { ...ROWS, limits: { ...ROWS.limits, parameters: 16 } };
  assert.ok(!isRefused(judgeArchitecture(plain, within)));
  const past = judgeArchitecture(plain, { ...ROWS, limits: { ...ROWS.limits, parameters: 15 } });
  assert.deepEqual(past, { refused: "more parameters than 15" });
});

Deno.test("limits without room for one layer are refused", () => {
  assert.throws(
    () => architectureSpace({ ...ROWS, limits: { ...ROWS.limits, parameters: 15 } }),
    (thrown: { code?: string }) => thrown.code === "EVOLUTION_SETTING",
  );
});

Deno.test("an image that a window does not fit is refused by the language, not drawn", () => {
  const tiny: Purpose = { ...IMAGES, shape: [1, 2, 2] };
  const chance = random("tiny");
  const refused = Array.from({ length: 40 }, () => judgeArchitecture(drawArchitecture(true, chance), tiny))
    .filter(isRefused);
  assert.ok(refused.some((one) => one.refused.startsWith("RMIL_")), JSON.stringify(refused.slice(0, 3)));
  const { variation } = architectureSpace(tiny);
  for (let turn = 0; turn < 10; turn++) assertFits(variation.random(chance), tiny);
});

Deno.test("a genome goes through JSON; what is none is refused", () => {
  const { variation } = architectureSpace(IMAGES);
  const genome = variation.random(random("json"));
  assert.deepEqual(variation.decode(JSON.parse(JSON.stringify(variation.encode(genome)))), genome);
  assert.throws(
    () => decodeArchitecture({ stages: [], bridge: "flat", layers: [{ width: 7 }], drop: 0 }),
    (thrown: { code?: string }) => thrown.code === "EVOLUTION_STATE",
  );
});

Deno.test("the cost of one answer is that of the network's program", () => {
  const { variation, judge } = architectureSpace(ROWS);
  const judged = judge(variation.random(random("cost")));
  assert.ok(!isRefused(judged));
  const { flops } = costOf(networkOf(judged.text, ROWS).evaluation, { B: 1 });
  assert.equal(judged.flops, Number(flops));
});
