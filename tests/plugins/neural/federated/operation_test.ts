/**
 * The operation neural.federate through a kernel: what examples do not show.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../../kernel/failure.ts";
import type { Json } from "../../../../kernel/json.ts";
import { callAs, inWorkspace } from "../../../workspace.ts";

type Answer = {
  readonly digest: string;
  readonly hostile: number;
  readonly epsilon?: number;
  readonly rejected: number;
  readonly rounds: ReadonlyArray<{ readonly used: number; readonly score: { readonly accuracy: number } }>;
  readonly metrics: {
    readonly test?: { readonly accuracy: number };
    readonly validation: { readonly accuracy: number };
  };
};

const BASE = { program: "mlp(2)", data: "moons", clients: 6, rounds: 4, epochs: 2, rate: 0.2 } as const;

const ask = (more: { readonly [name: string]: Json }): Promise<Answer> =>
  inWorkspace((kernel) => callAs(kernel, "neural.federate", { ...BASE, ...more })) as unknown as Promise<Answer>;

const refused = (more: { readonly [name: string]: Json }): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, "neural.federate", { ...BASE, ...more }))) as Promise<Failure>;

Deno.test("the same seed gives the same stored model, another seed another one, and it has learned", async () => {
  const [one, two, other] = await inWorkspace((kernel) =>
    Effect.forEach(
      [{ ...BASE, name: "ours" }, BASE, { ...BASE, seed: 5 }],
      (input) => callAs(kernel, "neural.federate", input) as unknown as Effect.Effect<Answer, Failure>,
    )
  );
  assert.equal(one.digest, two.digest);
  assert.notEqual(one.digest, other.digest);
  assert.ok(one.rounds.at(-1)!.score.accuracy > 0.8);
  assert.ok(one.metrics.test!.accuracy > 0.8);
});

Deno.test("a stored model is gone on from, and named as the parent", async () => {
  const [first, second] = await inWorkspace((kernel) =>
    Effect.gen(function* () {
      const first =
        (yield* callAs(kernel, "neural.federate", { ...BASE, rounds: 1, name: "early" })) as unknown as Answer;
      const { program: _, ...rest } = BASE;
      const later = { ...rest, rounds: 0, digest: "early" };
      const second = (yield* callAs(kernel, "neural.federate", later)) as unknown as Answer;
      return [first, second] as const;
    })
  );
  assert.deepEqual(second.metrics, first.metrics);
  assert.notEqual(second.digest, first.digest);
  const both = await refused({ digest: "early" });
  assert.deepEqual([both.code, both.path], ["NEURAL_FEDERATED", "/digest"]);
  const lost = await inWorkspace((kernel) => {
    const { program: _, ...rest } = BASE;
    return Effect.flip(callAs(kernel, "neural.federate", { ...rest, digest: "nowhere" }));
  }) as Failure;
  assert.deepEqual([lost.code, lost.path], ["KERNEL_UNKNOWN_ENTRY", "/digest"]);
});

Deno.test("clients that lie are as many as asked, and a robust rule is not led astray", async () => {
  const attackers = { share: 0.34, kind: "flip", scale: 30 };
  const [led, kept] = [await ask({ attackers }), await ask({ attackers, rule: "geometricMedian" })];
  assert.deepEqual([led.hostile, kept.hostile], [2, 2]);
  assert.ok(led.rounds.at(-1)!.score === undefined || led.rounds.at(-1)!.score.accuracy < 0.7);
  assert.ok(kept.rounds.at(-1)!.score.accuracy > 0.8);
});

Deno.test("sealed and packed updates learn; a private run says what it told", async () => {
  const sealed = await ask({ secure: true });
  const open = await ask({});
  assert.ok(Math.abs(sealed.metrics.validation.accuracy - open.metrics.validation.accuracy) < 0.02);
  assert.equal((await ask({ compression: { kind: "topK", share: 0.3 }, test: false })).metrics.test, undefined);
  const told = await ask({ privacy: { clip: 1, noise: 1, delta: 0.01 }, perRound: 3 });
  assert.ok(told.epsilon! > 0);
});

Deno.test("what cannot be spread or combined so is refused with its place", async () => {
  const cases: ReadonlyArray<readonly [string, string, { readonly [name: string]: Json }]> = [
    ["NEURAL_SETTING", "/perRound", { perRound: 7 }],
    ["NEURAL_SETTING", "/secure", { secure: true, rule: "median" }],
    ["NEURAL_SETTING", "/rule/keep", { rule: { kind: "krum", keep: 2 } }],
    ["NEURAL_SETTING", "/server/momentum", { server: { kind: "momentum", momentum: 1 } }],
    ["NEURAL_SETTING", "/compression/share", { compression: { kind: "topK", share: 0 } }],
    ["NEURAL_FEDERATED", "/clients", { clients: 3000 }],
    ["NEURAL_TRAINING", "/data", { loss: "mse" }],
  ];
  for (const [code, path, more] of cases) {
    const failure = await refused(more);
    assert.deepEqual([failure.code, failure.path], [code, path], JSON.stringify(more));
  }
});
