import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { digitsData } from "../../../../plugins/neural/data/digits.ts";
import { fitProgram, judge, makeAnswerer, planTraining, train } from "../../../../plugins/neural/library.ts";
import { parse } from "../../../../plugins/rmil/library.ts";
import { CHECKS } from "./learning.ts";
import { engine, now } from "./support.ts";

for (const [name, check] of Object.entries(CHECKS)) {
  Deno.test(`learned: ${name}`, async () => {
    const { value, ok } = await check();
    assert.ok(ok, String(value));
  });
}

Deno.test("one epoch on the digits gets nine of ten held-out ones right", () =>
  now(Effect.scoped(Effect.gen(function* () {
    const dataset = yield* digitsData;
    const { network } = fitProgram(parse("mlp(3)"), dataset.schema);
    const { plan } = planTraining(network, dataset, { epochs: 1, augment: [], seed: 1 });
    const { values } = yield* train(engine, plan, () => Effect.void);
    const answerer = yield* makeAnswerer(engine, network);
    yield* answerer.write(values);
    const { scores } = yield* judge(answerer, network, dataset, { split: "validation" });
    assert.ok(scores.accuracy >= 0.9, String(scores.accuracy));
  }))));
