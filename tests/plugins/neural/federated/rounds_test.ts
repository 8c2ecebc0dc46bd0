/**
 * Rounds of learning over clients. Judges: descent by hand, learning in one place, closed forms of clients that are
 * quadratics, and what each setting promises.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import type { Failure } from "../../../../kernel/failure.ts";
import { random } from "../../../../kernel/random.ts";
import { clientFailed } from "../../../../plugins/neural/failures.ts";
import { lengthOf } from "../../../../plugins/neural/federated/weights.ts";
import {
  batchNorm,
  federate,
  type FederatedClient,
  type FederatedSettings,
  type Federation,
  hostileClient,
  learnedWeights,
  linear,
  localClient,
  maskKeeper,
  networkOfLayers,
  objectiveOf,
  partition,
  remoteClient,
  type Rule,
  samplesOf,
  sequential,
} from "../../../../plugins/neural/library.ts";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import { tensor } from "../../../../plugins/ir/library.ts";
import { localTrainer } from "../../../../plugins/neural/federated/local.ts";
import { blobs, eventsOf, inScope, roundsOf, smallNetwork, trainerOf } from "./support.ts";

const BATCH = 10;
const PLAN = { batch: BATCH, rate: 0.1, seed: 1 } as const;

/** A client that wants the weights to be somewhere, and goes a share of the way. */
const wanting = (
  id: string,
  goal: ReadonlyArray<number>,
  { samples = 1, share = 1, loss = 0 } = {},
): FederatedClient => ({
  id,
  describe: Effect.succeed({ id, samples }),
  train: ({ round, weights }) => {
    const values = weights.map((weight, i) => share * (goal[i] - weight)) as Float32Array<ArrayBuffer>;
    return Effect.succeed({ client: id, round, loss, payload: { kind: "dense", size: values.length, values } });
  },
});

const refusal = (federation: Federation, settings: FederatedSettings): Promise<Failure> =>
  Effect.runPromise(Effect.flip(Stream.runCollect(federate(federation, settings)))) as Promise<Failure>;

Deno.test("one step of a client is descent by hand: loss, gradient, and the pull towards the round's weights", async () => {
  // One linear layer, squared distance: y = w·x + b, one sample (x = 2, t = 1).
  const network = networkOfLayers(linear({ width: 1 }), { x: "f32[B,1]" });
  const samples = samplesOf({ inputs: [tensor("f32", [1, 1], [2])], target: tensor("f32", [1, 1], [1]) });
  const [w, b, rate, proximal] = [0.5, 0.25, 0.1, 3];
  await inScope(Effect.gen(function* () {
    const trainer = yield* localTrainer(cpuBackend, network, objectiveOf(network, { kind: "mse" }), {
      batch: 1,
      initial: () => [tensor("f32", [1, 1], [w]), tensor("f32", [1], [b])],
    });
    const order = Float32Array.of(w, b);
    const one = yield* trainer.train(order, samples, { epochs: 1, batch: 1, rate, proximal, seed: "s" });
    const slope = 2 * (2 * w + b - 1);
    assert.ok(Math.abs(one.loss - (2 * w + b - 1) ** 2) < 1e-6);
    const first = [w - rate * slope * 2, b - rate * slope];
    first.forEach((value, i) => assert.ok(Math.abs(one.weights[i] - value) < 1e-6));
    const two = yield* trainer.train(order, samples, { epochs: 2, batch: 1, rate, proximal, seed: "s" });
    const again = 2 * (2 * first[0] + first[1] - 1);
    const second = [
      first[0] - rate * (again * 2 + proximal * (first[0] - w)),
      first[1] - rate * (again + proximal * (first[1] - b)),
    ];
    second.forEach((value, i) => assert.ok(Math.abs(two.weights[i] - value) < 1e-6, `${two.weights[i]} ${value}`));
    assert.deepEqual([two.steps, (yield* trainer.score(order, samples)).loss], [2, (2 * w + b - 1) ** 2]);
  }));
});

Deno.test("a batch that is not full counts as what it holds: 7 samples in batches of 10 give the mean's gradient", async () => {
  const network = networkOfLayers(linear({ width: 1, bias: false }), { x: "f32[B,1]" });
  const x = [1, 2, 3, 4, 5, 6, 7];
  const samples = samplesOf({ inputs: [tensor("f32", [7, 1], x)], target: tensor("f32", [7, 1], x.map(() => 0)) });
  await inScope(Effect.gen(function* () {
    const trainer = yield* localTrainer(cpuBackend, network, objectiveOf(network, { kind: "mse" }), {
      batch: 10,
      initial: () => [tensor("f32", [1, 1], [1])],
    });
    const { weights, loss } = yield* trainer.train(Float32Array.of(1), samples, {
      epochs: 1,
      batch: 10,
      rate: 0.01,
      proximal: 0,
      seed: "s",
    });
    assert.ok(Math.abs(loss - 20) < 1e-5);
    assert.ok(Math.abs(weights[0] - (1 - 0.01 * 2 * 20)) < 1e-6);
  }));
});

Deno.test("orders that are not for this network, or not for batches of this size, are refused by the client", () =>
  inScope(Effect.gen(function* () {
    const trainer = yield* trainerOf(smallNetwork(), BATCH);
    const samples = samplesOf(blobs(20, 4, 1));
    const order = { ...PLAN, epochs: 1, proximal: 0, seed: "s" };
    const short = yield* Effect.flip(trainer.train(new Float32Array(3), samples, order));
    assert.deepEqual([short.code, short.path], ["NEURAL_FEDERATED", "/weights"]);
    const other = yield* Effect.flip(trainer.train(trainer.initial(1), samples, { ...order, batch: 7 }));
    assert.deepEqual([other.code, other.path], ["NEURAL_FEDERATED", "/batch"]);
    const unscored = yield* Effect.flip(trainer.score(new Float32Array(3), samples));
    assert.equal(unscored.code, "NEURAL_FEDERATED");
  })));

/** Clients with few classes each. */
const uneven = (count: number) =>
  Effect.gen(function* () {
    const data = blobs(400, 4, 3, 0.8);
    const network = smallNetwork();
    const trainer = yield* trainerOf(network, BATCH);
    const parts = partition(data.target.data as Int32Array, count, { kind: "shards", shards: 1 }, 5);
    const clients = parts.map((rows, k) => localClient(`c${k}`, trainer, samplesOf(data, rows)));
    return { trainer, clients, start: trainer.initial(1), test: samplesOf(blobs(200, 4, 77, 0.8)) };
  });

Deno.test("learning over clients learns: from chance to what learning in one place reaches", () =>
  inScope(Effect.gen(function* () {
    const data = blobs(400, 4, 3);
    const trainer = yield* trainerOf(smallNetwork(), BATCH);
    const parts = partition(data.target.data as Int32Array, 8, { kind: "even" }, 5);
    const clients = parts.map((rows, k) => localClient(`c${k}`, trainer, samplesOf(data, rows)));
    const test = samplesOf(blobs(200, 4, 77));
    const start = trainer.initial(1);
    const central = yield* trainer.train(start, samplesOf(data), { ...PLAN, epochs: 6, proximal: 0, seed: "c" });
    const goal = (yield* trainer.score(central.weights, test)).accuracy!;
    const events = yield* eventsOf(
      { clients, start, score: (weights) => trainer.score(weights, test) },
      { ...PLAN, rounds: 15, perRound: 4, epochs: 2 },
    );
    const rounds = roundsOf(events);
    assert.equal(events[0].kind, "start");
    assert.equal(rounds.length, 15);
    assert.ok(
      rounds.every(({ asked, used, losses }) => asked.length === 4 && used.length === 4 && losses.length === 4),
    );
    assert.ok(rounds.every(({ loss, stepLength }) => Number.isFinite(loss) && stepLength > 0));
    assert.ok(rounds[14].score!.accuracy! >= goal - 0.03, `${rounds[14].score!.accuracy} beside ${goal}`);
    assert.ok(goal > 0.9);
  })));

Deno.test("the same seed gives the same rounds to the bit, another seed other ones", () =>
  inScope(Effect.gen(function* () {
    const { clients, start } = yield* uneven(6);
    const settings = { ...PLAN, rounds: 3, perRound: 3 };
    const [one, two, other] = yield* Effect.forEach(
      [1, 1, 2],
      (seed) => eventsOf({ clients, start }, { ...settings, seed }),
    );
    assert.deepEqual(roundsOf(one), roundsOf(two));
    assert.notDeepEqual(roundsOf(one)[2].state.weights, roundsOf(other)[2].state.weights);
    assert.notDeepEqual(roundsOf(one)[0].asked, roundsOf(one)[1].asked);
  })));

Deno.test("learning that is resumed from a round's state goes on as if it had never stopped", () =>
  inScope(Effect.gen(function* () {
    const { clients, start } = yield* uneven(6);
    const settings = {
      ...PLAN,
      rounds: 4,
      perRound: 3,
      average: 0.5,
      server: { kind: "momentum" } as const,
      rollback: { minDelta: -10 },
    };
    const whole = roundsOf(yield* eventsOf({ clients, start }, settings));
    const half = roundsOf(yield* eventsOf({ clients, start }, { ...settings, rounds: 2 }));
    const rest = roundsOf(yield* eventsOf({ clients, start: half[1].state }, settings));
    assert.deepEqual(rest, whole.slice(2));
  })));

Deno.test("all clients begin a round at the same weights, whatever they did before", async () => {
  const seen: Array<ReadonlyArray<number>> = [];
  const watching = (id: string, goal: number): FederatedClient => {
    const client = wanting(id, [goal]);
    return {
      ...client,
      train: (order) => {
        seen.push(Array.from(order.weights));
        return client.train(order);
      },
    };
  };
  await Effect.runPromise(eventsOf(
    { clients: [watching("a", 0), watching("b", 8)], start: Float32Array.of(100) },
    { ...PLAN, rounds: 2 },
  ));
  assert.deepEqual(seen, [[100], [100], [4], [4]]);
});

Deno.test("μ is used: FedProx differs from FedAvg, and how far clients drift falls as μ grows", () =>
  inScope(Effect.gen(function* () {
    const { trainer, clients, start } = yield* uneven(4);
    void clients;
    const data = blobs(400, 4, 3, 0.8);
    const rows = partition(data.target.data as Int32Array, 4, { kind: "shards", shards: 1 }, 5)[0];
    const drifts = yield* Effect.forEach([0, 0.1, 1, 5], (proximal) =>
      Effect.map(
        trainer.train(start, samplesOf(data, rows), { ...PLAN, epochs: 5, rate: 0.05, proximal, seed: "d" }),
        ({ weights }) => lengthOf(weights.map((value, i) => value - start[i])),
      ));
    for (let i = 1; i < drifts.length; i++) assert.ok(drifts[i] < drifts[i - 1] * 0.99, drifts.join(" "));
    const run = (proximal: number) => eventsOf({ clients, start }, { ...PLAN, rounds: 1, epochs: 3, proximal });
    const [plain, pulled] = [yield* run(0), yield* run(1)].map((events) => roundsOf(events)[0]);
    assert.notDeepEqual(plain.state.weights, pulled.state.weights);
    assert.ok(pulled.stepLength < plain.stepLength);
  })));

Deno.test("a trimmed mean resists one poisoned client of five, and the mean does not", () =>
  inScope(Effect.gen(function* () {
    const data = blobs(400, 4, 3);
    const trainer = yield* trainerOf(smallNetwork(), BATCH);
    const test = samplesOf(blobs(200, 4, 77));
    const clients = partition(data.target.data as Int32Array, 5, { kind: "even" }, 5).map((rows, k) => {
      const honest = localClient(`c${k}`, trainer, samplesOf(data, rows));
      return k === 2 ? hostileClient(honest, { kind: "flip", scale: 20 }) : honest;
    });
    const accuracy = (rule: Rule) =>
      Effect.map(
        eventsOf({ clients, start: trainer.initial(1), score: (weights) => trainer.score(weights, test) }, {
          ...PLAN,
          rounds: 5,
          epochs: 2,
          rule,
        }),
        (events) => roundsOf(events).at(-1)!.score!.accuracy!,
      );
    assert.ok((yield* accuracy({ kind: "mean" })) < 0.6);
    for (const kind of ["trimmedMean", "median", "geometricMedian", "clippedMean"] as const) {
      const reached = yield* accuracy({ kind });
      assert.ok(reached > 0.9, `${kind}: ${reached}`);
    }
    assert.ok((yield* accuracy({ kind: "multiKrum", hostile: 1 })) > 0.9);
  })));

Deno.test("clients that fail, are late, or answer nonsense are left out with the reason, and the others go on", async () => {
  const wrong = (id: string, more: object): FederatedClient => {
    const client = wanting(id, [1]);
    return { ...client, train: (order) => Effect.map(client.train(order), (update) => ({ ...update, ...more })) };
  };
  const clients: ReadonlyArray<FederatedClient> = [
    wanting("good", [7]),
    { ...wanting("dead", [1]), train: () => Effect.fail(clientFailed({ client: "dead", reason: "it has no power" })) },
    { ...wanting("slow", [1]), train: () => Effect.never },
    wrong("shaped", { payload: { kind: "dense", size: 2, values: Float32Array.of(1, 2) } }),
    wrong("nan", { payload: { kind: "dense", size: 1, values: Float32Array.of(NaN) } }),
    wrong("liar", { client: "good" }),
    wrong("old", { round: 0 }),
  ];
  const [, round] = await Effect.runPromise(
    eventsOf({ clients, start: Float32Array.of(0) }, { ...PLAN, rounds: 1, deadlineMs: 50 }),
  );
  assert.ok(round.kind === "round");
  assert.deepEqual(round.used, ["good"]);
  assert.deepEqual(round.rejected.map(({ client, reason }) => `${client}: ${reason}`), [
    "dead: failed",
    "slow: late",
    "shaped: size",
    "nan: notFinite",
    "liar: stranger",
    "old: stale",
  ]);
  assert.match(round.rejected[0].detail, /NEURAL_CLIENT: .*it has no power/u);
  assert.deepEqual(Array.from(round.state.weights), [7]);
});

Deno.test("a round with too few updates changes nothing and says so", async () => {
  const dead = (id: string): FederatedClient => ({
    ...wanting(id, [1]),
    train: () => Effect.fail(clientFailed({ client: id, reason: "gone" })),
  });
  const run = async (settings: Partial<FederatedSettings>, clients: ReadonlyArray<FederatedClient>) => {
    const events = await Effect.runPromise(
      eventsOf({ clients, start: Float32Array.of(5) }, { ...PLAN, rounds: 1, ...settings }),
    );
    const round = roundsOf(events)[0];
    assert.deepEqual(Array.from(round.state.weights), [5]);
    return round.skipped!;
  };
  assert.match(await run({}, [dead("a"), dead("b")]), /0 updates of 1/u);
  assert.match(await run({ least: 2 }, [wanting("a", [1]), dead("b")]), /1 updates of 2/u);
  assert.match(
    await run({ rule: { kind: "krum", hostile: 1 } }, [wanting("a", [1]), wanting("b", [1])]),
    /need 5 updates/u,
  );
  assert.match(
    await run({ rule: { kind: "trimmedMean", ratio: 0.5 } }, [wanting("a", [1]), wanting("b", [1])]),
    /leaves nothing/u,
  );
});

Deno.test("weights that would not be finite are not taken over: the round says so and the next goes on", async () => {
  const wild = wanting("wild", [3e38]);
  let turn = 0;
  const clients = [wild, { ...wanting("calm", [1]), train: wild.train }].map((client): FederatedClient => ({
    ...client,
    train: (order) => {
      const values = Float32Array.of(turn++ < 2 ? 3e38 : 1);
      return Effect.succeed({
        client: client.id,
        round: order.round,
        loss: 0,
        payload: { kind: "dense", size: 1, values },
      });
    },
  }));
  const rounds = roundsOf(
    await Effect.runPromise(eventsOf(
      { clients, start: Float32Array.of(0) },
      { ...PLAN, rounds: 2, server: { kind: "plain", rate: 2 } },
    )),
  );
  assert.deepEqual(rounds.map(({ skipped }) => skipped), ["the weights after it would not be finite", undefined]);
  assert.deepEqual(rounds.map(({ state, stepLength }) => [state.weights[0], stepLength]), [[0, 0], [2, 1]]);
});

Deno.test("the loss of a round is that of its clients by their samples, and steps are weighed the same", async () => {
  const clients = [wanting("a", [4], { samples: 3, loss: 1 }), wanting("b", [8], { samples: 1, loss: 5 })];
  const [, round] = await Effect.runPromise(eventsOf({ clients, start: Float32Array.of(0) }, { ...PLAN, rounds: 1 }));
  assert.ok(round.kind === "round");
  assert.deepEqual([round.loss, round.losses, round.state.weights[0], round.stepLength], [2, [1, 5], 5, 5]);
});

Deno.test("a rollback goes back to the best weights, counts, and forgets the server's momentum", async () => {
  let turn = 0;
  // Losses of the weights a round begins with: 3, 2, 9, …
  const losses = [3, 2, 9, 1];
  const client = (id: string): FederatedClient => ({
    ...wanting(id, [0]),
    train: ({ round, weights }) => {
      const values = Float32Array.of(10 - 0 * weights[0]);
      const loss = losses[Math.floor(turn++ / 2)];
      return Effect.succeed({ client: id, round, loss, payload: { kind: "dense", size: 1, values } });
    },
  });
  const rounds = roundsOf(
    await Effect.runPromise(eventsOf(
      { clients: [client("a"), client("b")], start: Float32Array.of(0) },
      { ...PLAN, rounds: 4, rollback: { minDelta: 0 } },
    )),
  );
  assert.deepEqual(rounds.map(({ rolledBack }) => rolledBack), [false, false, true, false]);
  assert.deepEqual(rounds.map(({ state }) => state.weights[0]), [10, 20, 10, 20]);
  assert.deepEqual(rounds.map(({ stepLength }) => stepLength), [10, 10, 0, 10]);
});

Deno.test("the running mean of weights begins with the first round, and rounds go on from their own weights", async () => {
  const clients = [wanting("a", [8], { share: 0.5 }), wanting("b", [8], { share: 0.5 })];
  const rounds = roundsOf(
    await Effect.runPromise(eventsOf(
      { clients, start: Float32Array.of(0) },
      { ...PLAN, rounds: 4, average: 0.6 },
    )),
  );
  assert.deepEqual(rounds.map(({ state }) => state.weights[0]), [4, 6, 7, 7.5]);
  // Shares kept: 0, 1/2, 0.6, 0.6.
  const means = rounds.map(({ state }) => learnedWeights(state)[0]);
  [4, 5, 5.8, 6.48].forEach((value, i) => assert.ok(Math.abs(means[i] - value) < 1e-5, `${means}`));
});

Deno.test("private rounds draw each client by chance, account for what they tell, and need the mean", async () => {
  const clients = Array.from({ length: 20 }, (_, k) => wanting(`c${k}`, [1]));
  const privacy = { clip: 0.5, noise: 0.1, delta: 1e-5 };
  const settings = { ...PLAN, rounds: 30, perRound: 10, privacy };
  const rounds = roundsOf(await Effect.runPromise(eventsOf({ clients, start: Float32Array.of(0) }, settings)));
  const counts = rounds.map(({ asked }) => asked.length);
  assert.ok(new Set(counts).size > 3);
  assert.ok(Math.abs(counts.reduce((sum, count) => sum + count, 0) / 30 - 10) < 2.5);
  assert.ok(rounds.every(({ epsilon }, i) => i === 0 || epsilon! > rounds[i - 1].epsilon!));
  assert.ok(rounds[0].stepLength < 0.5 * 20 / 10 + 0.1);
  const refused = await refusal({ clients, start: Float32Array.of(0) }, { ...settings, rule: { kind: "median" } });
  assert.match(refused.message, /median tells of one client/u);
  const back = await refusal({ clients, start: Float32Array.of(0) }, { ...settings, rollback: { minDelta: 0 } });
  assert.match(back.message, /losses that no noise covers/u);
});

Deno.test("sealed rounds give the weights of open ones to the fixed point, also when clients fall silent", () =>
  inScope(Effect.gen(function* () {
    const data = blobs(200, 4, 3);
    const trainer = yield* trainerOf(smallNetwork(), BATCH);
    const parts = partition(data.target.data as Int32Array, 5, { kind: "amounts", concentration: 2 }, 5);
    const chance = random("keys");
    // A keeper never seals a round twice, so every run has keepers of its own.
    const made = Effect.forEach(parts, (rows, k) =>
      Effect.map(
        maskKeeper(Uint8Array.from({ length: 32 }, () => chance.below(256))),
        (keeper) => localClient(`c${k}`, trainer, samplesOf(data, rows), keeper),
      ));
    const start = trainer.initial(1);
    const silent = (clients: ReadonlyArray<FederatedClient>) =>
      clients.map((client, k): FederatedClient =>
        k === 3 ? { ...client, train: () => Effect.fail(clientFailed({ client: client.id, reason: "gone" })) } : client
      );
    for (const among of [(clients: ReadonlyArray<FederatedClient>) => clients, silent]) {
      const run = (secure: boolean) =>
        Effect.gen(function* () {
          const clients = among(yield* made);
          return roundsOf(yield* eventsOf({ clients, start }, { ...PLAN, rounds: 2, secure }));
        });
      const [sealed, open] = [yield* run(true), yield* run(false)];
      assert.deepEqual(sealed.map(({ skipped }) => skipped), [undefined, undefined]);
      assert.deepEqual(sealed.map(({ used }) => used), open.map(({ used }) => used));
      const off = sealed[1].state.weights.map((value, i) => Math.abs(value - open[1].state.weights[i]));
      assert.ok(Math.max(...off) < 1e-4, String(Math.max(...off)));
    }
    const mute = silent(yield* made).map(({ reveal: _, ...client }): FederatedClient => client);
    const [stopped] = roundsOf(yield* eventsOf({ clients: mute, start }, { ...PLAN, rounds: 1, secure: true }));
    assert.match(stopped.skipped!, /c3 did not answer, and the masks they left were not revealed/u);
    assert.deepEqual(stopped.state.weights, start);
  })));

Deno.test("sealed rounds refuse what needs open steps, and clients that cannot seal", async () => {
  const clients = [wanting("a", [1]), wanting("b", [1])];
  const start = Float32Array.of(0);
  const refused = (more: object) => refusal({ clients, start }, { ...PLAN, rounds: 1, secure: true, ...more });
  assert.match((await refused({})).message, /client a cannot seal/u);
  assert.match((await refused({ rule: { kind: "median" } })).message, /needs every step in the open/u);
  assert.match((await refused({ compression: { kind: "int8" } })).message, /as wide as the model/u);
  assert.match(
    (await refused({ privacy: { clip: 1, noise: 1, delta: 0.1 } })).message,
    /single steps, which are sealed/u,
  );
});

Deno.test("packed steps learn what open ones learn, in a fraction of the bytes", () =>
  inScope(Effect.gen(function* () {
    const { trainer, clients, start, test } = yield* uneven(4);
    const data = blobs(400, 4, 3, 0.8);
    const run = (compression: FederatedSettings["compression"] & object) => {
      const parts = partition(data.target.data as Int32Array, 4, { kind: "even" }, 5);
      const own = parts.map((rows, k) => localClient(`c${k}`, trainer, samplesOf(data, rows)));
      return Effect.map(
        eventsOf({ clients: own, start, score: (weights) => trainer.score(weights, test) }, {
          ...PLAN,
          rounds: 10,
          epochs: 2,
          compression,
        }),
        (events) => roundsOf(events).at(-1)!.score!.accuracy!,
      );
    };
    void clients;
    const open = yield* run({ kind: "none" });
    for (const how of [{ kind: "topK", share: 0.25 }, { kind: "int8" }] as const) {
      const packed = yield* run(how);
      assert.ok(packed > open - 0.05, `${how.kind}: ${packed} beside ${open}`);
    }
  })));

Deno.test("a client in a worker is a client: bytes out, bytes in, the same update as here", async () => {
  const worker = new Worker(new URL("./worker_client.ts", import.meta.url), { type: "module" });
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  try {
    assert.equal(await next(), "ready");
    const far = remoteClient("far", (request) =>
      Effect.promise(() => {
        const reply = next();
        worker.postMessage(request, [request.buffer]);
        return reply as Promise<Uint8Array>;
      }));
    await inScope(Effect.gen(function* () {
      const trainer = yield* trainerOf(smallNetwork(), BATCH);
      const near = localClient("near", trainer, samplesOf(blobs(60, 4, 8)));
      const start = trainer.initial(1);
      const rounds = roundsOf(yield* eventsOf({ clients: [near, far], start }, { ...PLAN, rounds: 2 }));
      assert.deepEqual(rounds.map(({ used }) => used), [["near", "far"], ["near", "far"]]);
      const twin = localClient("far", trainer, samplesOf(blobs(60, 4, 9)));
      const here = roundsOf(yield* eventsOf({ clients: [near, twin], start }, { ...PLAN, rounds: 2 }));
      assert.deepEqual(rounds[1].state, here[1].state);
      const refused = yield* Effect.flip(remoteClient("mute", () => Effect.succeed(new Uint8Array(2))).describe);
      assert.equal(refused.code, "NEURAL_CLIENT");
    }));
  } finally {
    worker.terminate();
  }
});

Deno.test("running statistics are averaged, and the server's optimiser leaves them alone", () =>
  inScope(Effect.gen(function* () {
    const network = networkOfLayers(sequential(batchNorm(), linear({ width: 4 })), { x: "f32[B,2]" });
    const trainer = yield* trainerOf(network, BATCH);
    assert.equal(trainer.layout.size - trainer.layout.learned, 4);
    const clients = [1, 2].map((seed) => localClient(`c${seed}`, trainer, samplesOf(blobs(50, 4, seed))));
    const start = trainer.initial(1);
    const { learned } = trainer.layout;
    const run = (rate: number) =>
      Effect.map(
        eventsOf({ clients, start, learned }, { ...PLAN, rounds: 1, server: { kind: "plain", rate } }),
        (events) => roundsOf(events)[0].state.weights,
      );
    const [full, tenth] = [yield* run(1), yield* run(0.1)];
    assert.notDeepEqual(full.slice(0, learned), tenth.slice(0, learned));
    assert.deepEqual(full.slice(learned), tenth.slice(learned));
    assert.notDeepEqual(full.slice(learned), start.slice(learned));
  })));

Deno.test("settings that have no meaning are refused before anybody is asked", async () => {
  const asked: Array<string> = [];
  const watched = (id: string): FederatedClient => ({
    ...wanting(id, [1]),
    describe: Effect.sync(() => (asked.push(id), { id, samples: 1 })),
  });
  const clients = [watched("a"), watched("b")];
  const cases: ReadonlyArray<readonly [string, Partial<FederatedSettings>]> = [
    ["/rounds", { rounds: -1 }],
    ["/perRound", { perRound: 3 }],
    ["/epochs", { epochs: 0 }],
    ["/batch", { batch: 0.5 }],
    ["/rate", { rate: 0 }],
    ["/proximal", { proximal: -1 }],
    ["/average", { average: 1 }],
    ["/least", { least: 3 }],
    ["/rule/ratio", { rule: { kind: "trimmedMean", ratio: 2 } }],
    ["/server/beta1", { server: { kind: "momentum", beta1: 0.5 } as never }],
    ["/server/rate", { server: { kind: "adam", rate: -1 } }],
    ["/compression/share", { compression: { kind: "topK", share: 1.1 } }],
    ["/privacy/clip", { privacy: { clip: 0, noise: 1, delta: 0.1 } }],
    ["/privacy/delta", { privacy: { clip: 1, noise: 1, delta: 1 } }],
  ];
  for (const [path, more] of cases) {
    const failure = await refusal({ clients, start: Float32Array.of(0) }, { ...PLAN, rounds: 1, ...more });
    assert.deepEqual([failure.code, failure.path], ["NEURAL_SETTING", path]);
  }
  assert.deepEqual(asked, []);
  const one = await refusal({ clients: [clients[0]], start: Float32Array.of(0) }, { ...PLAN, rounds: 1 });
  assert.match(one.message, /two clients at least/u);
  const twins = await refusal({ clients: [clients[0], clients[0]], start: Float32Array.of(0) }, { ...PLAN, rounds: 1 });
  assert.match(twins.message, /one name/u);
  const empty = await refusal({ clients: [clients[0], wanting("e", [1], { samples: 0 })], start: Float32Array.of(0) }, {
    ...PLAN,
    rounds: 1,
  });
  assert.match(empty.message, /e has no samples/u);
});
