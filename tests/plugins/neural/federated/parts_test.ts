/**
 * The parts of learning over clients: who holds what, what is sent, what is hidden, what is told. Judges: counting,
 * closed forms, published figures, and what protocols promise.
 */
import { hexToBytes } from "@noble/hashes/utils.js";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import type { Failure } from "../../../../kernel/failure.ts";
import { random } from "../../../../kernel/random.ts";
import { compress, type Compression, decompress, INT8_RUN } from "../../../../plugins/neural/federated/compress.ts";
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  judgeUpdate,
  MAX_HEAD_BYTES,
  type Order,
  type Reply,
  type Request,
  type Update,
} from "../../../../plugins/neural/federated/messages.ts";
import { type Partition, partition } from "../../../../plugins/neural/federated/partition.ts";
import { epsilonOf, privateMean, renyiOfRound } from "../../../../plugins/neural/federated/privacy.ts";
import { maskKeeper, maskWords, MOST_SEALED, unseal } from "../../../../plugins/neural/federated/secure.ts";
import { clientFailed } from "../../../../plugins/neural/failures.ts";
import { refused } from "../refused.ts";

const labels = Array.from({ length: 1000 }, (_, i) => (i * 7) % 10);

const classesIn = (rows: ReadonlyArray<number>): number => new Set(rows.map((i) => labels[i])).size;

const PARTITIONS: ReadonlyArray<Partition> = [
  { kind: "even" },
  { kind: "shards" },
  { kind: "shards", shards: 3 },
  { kind: "dirichlet", concentration: 0.1 },
  { kind: "dirichlet" },
  { kind: "amounts", concentration: 0.3 },
];

Deno.test("every partition gives each sample to one client and each client something, the same for the same seed", () => {
  for (const how of PARTITIONS) {
    const parts = partition(labels, 20, how, 1);
    assert.equal(parts.length, 20);
    assert.deepEqual(parts.flat().sort((a, b) => a - b), Array.from(labels.keys()), how.kind);
    assert.ok(parts.every((rows) => rows.length > 0), how.kind);
    assert.deepEqual(partition(labels, 20, how, 1), parts);
    assert.notDeepEqual(partition(labels, 20, how, 2), parts);
  }
});

Deno.test("even parts are alike, shards hold few classes, small concentrations are uneven", () => {
  const even = partition(labels, 7, { kind: "even" }, 1);
  assert.deepEqual(new Set(even.map((rows) => rows.length)), new Set([142, 143]));
  assert.ok(even.every((rows) => classesIn(rows) === 10));
  const shards = partition(labels, 50, { kind: "shards" }, 1);
  assert.ok(shards.every((rows) => rows.length === 20 && classesIn(rows) <= 2));
  const most = (how: Partition): number =>
    partition(labels, 10, how, 3).reduce((sum, rows) => {
      const counts = Array.from({ length: 10 }, (_, label) => rows.filter((i) => labels[i] === label).length);
      return sum + Math.max(...counts) / rows.length / 10;
    }, 0);
  const [uneven, middling, mixed] = [0.05, 1, 1000].map((concentration) => most({ kind: "dirichlet", concentration }));
  assert.ok(uneven > middling && middling > mixed && mixed < 0.2, `${uneven} ${middling} ${mixed}`);
  const sizes = partition(labels, 10, { kind: "amounts", concentration: 0.2 }, 1).map((rows) => rows.length);
  assert.ok(Math.max(...sizes) > 4 * Math.min(...sizes));
});

Deno.test("a partition that cannot be is refused: too few samples, no clients, no concentration", () => {
  assert.equal(refused(() => partition([1, 2], 3, { kind: "even" }, 1)).code, "NEURAL_FEDERATED");
  assert.equal(partition([1, 2, 3], 3, { kind: "dirichlet", concentration: 1e-6 }, 1).flat().length, 3);
  assert.match(refused(() => partition(labels, 600, { kind: "shards" }, 1)).message, /1200 parts/u);
  for (const how of [{ kind: "dirichlet", concentration: 0 }, { kind: "shards", shards: 1.5 }] as const) {
    assert.equal(refused(() => partition(labels, 3, how, 1)).code, "NEURAL_SETTING");
  }
  assert.equal(refused(() => partition(labels, 0, { kind: "even" }, 1)).code, "NEURAL_SETTING");
});

const normals = (count: number, seed: number): Float32Array<ArrayBuffer> => {
  const chance = random(`normals ${seed}`);
  return Float32Array.from({ length: count }, () => chance.normal());
};

Deno.test("packing keeps the largest elements, or eight bits of each, in as many bytes as that takes", () => {
  const step = Float32Array.of(0.1, -5, 0.2, 4, -0.3, 0);
  const sparse = compress(step, { kind: "topK", share: 0.34 }).payload;
  assert.ok(sparse.kind === "sparse");
  assert.deepEqual(Array.from(decompress(sparse)!), [0, -5, 0, 4, 0, 0]);
  assert.equal(sparse.indices.byteLength + sparse.values.byteLength, 16);
  const wide = normals(1000, 1);
  const eight = compress(wide, { kind: "int8" }).payload;
  assert.ok(eight.kind === "int8");
  assert.deepEqual([eight.codes.byteLength, eight.scales.byteLength], [1000, 4 * Math.ceil(1000 / INT8_RUN)]);
  const back = decompress(eight)!;
  for (let run = 0; run < 1000; run += INT8_RUN) {
    const most = Math.max(...wide.slice(run, run + INT8_RUN).map(Math.abs));
    const worst = Math.max(...wide.slice(run, run + INT8_RUN).map((value, i) => Math.abs(value - back[run + i])));
    assert.ok(worst <= most / 254 * 1.0001);
  }
  assert.deepEqual(decompress(compress(new Float32Array(300), { kind: "int8" }).payload), new Float32Array(300));
  assert.equal(refused(() => compress(step, { kind: "topK", share: 0 })).path, "/compression/share");
});

Deno.test("what packing leaves out is sent later: with error feedback the sum of packed steps is the sum of steps", () => {
  for (const how of [{ kind: "topK", share: 0.1 }, { kind: "int8" }, { kind: "none" }] as ReadonlyArray<Compression>) {
    let left: Float32Array | undefined;
    const [due, sent] = [new Float64Array(500), new Float64Array(500)];
    for (let round = 0; round < 40; round++) {
      const step = normals(500, round);
      const made = compress(step, how, left);
      left = made.left;
      step.forEach((value, i) => due[i] += value);
      decompress(made.payload)!.forEach((value, i) => sent[i] += value);
    }
    const off = due.map((value, i) => Math.abs(value - sent[i] - left![i]));
    assert.ok(Math.max(...off) < 1e-4, how.kind);
  }
});

Deno.test("payloads whose parts do not fit each other stand for nothing", () => {
  const values = Float32Array.of(1, 2);
  assert.equal(decompress({ kind: "dense", size: 3, values }), undefined);
  assert.equal(decompress({ kind: "sparse", size: 3, indices: Uint32Array.of(0, 3), values }), undefined);
  assert.equal(decompress({ kind: "sparse", size: 3, indices: Uint32Array.of(1, 1), values }), undefined);
  assert.equal(decompress({ kind: "sparse", size: 3, indices: Uint32Array.of(1), values }), undefined);
  assert.equal(decompress({ kind: "sparse", size: 2 ** 40, indices: Uint32Array.of(0, 1), values }), undefined);
  assert.equal(decompress({ kind: "int8", size: 300, scales: values.slice(1), codes: new Int8Array(300) }), undefined);
});

const ORDER: Order = {
  round: 3,
  epochs: 2,
  batch: 10,
  rate: 0.1,
  proximal: 0.5,
  seed: "s/3/a",
  compression: { kind: "topK", share: 0.5 },
  weights: Float32Array.of(1, -2, 3.5),
};

const REQUESTS: ReadonlyArray<Request> = [
  { kind: "describe" },
  { kind: "train", order: ORDER },
  {
    kind: "train",
    order: { ...ORDER, compression: { kind: "none" }, sealing: { roster: [{ id: "a", key: "00ff" }], share: 0.5 } },
  },
  { kind: "reveal", round: 3, silent: ["b"] },
];

const update = (more: Partial<Update> = {}): Update => ({
  client: "a",
  round: 3,
  loss: 0.25,
  payload: { kind: "dense", size: 3, values: Float32Array.of(1, 2, 3) },
  ...more,
});

const REPLIES: ReadonlyArray<Reply> = [
  { kind: "description", description: { id: "a", samples: 12 } },
  { kind: "description", description: { id: "a", samples: 12, key: "00ff" } },
  { kind: "update", update: update() },
  {
    kind: "update",
    update: update({
      payload: { kind: "sparse", size: 9, indices: Uint32Array.of(1, 8), values: Float32Array.of(5, 6) },
    }),
  },
  {
    kind: "update",
    update: update({ payload: { kind: "int8", size: 3, scales: Float32Array.of(2), codes: Int8Array.of(-1, 0, 127) } }),
  },
  { kind: "update", update: update({ payload: { kind: "sealed", size: 2, words: Uint32Array.of(1, 2 ** 32 - 1) } }) },
  { kind: "seeds", seeds: ["ab".repeat(32)] },
  { kind: "failure", failure: clientFailed({ client: "a", reason: "it is tired" }) },
];

Deno.test("messages are bytes and come back equal", () => {
  for (const request of REQUESTS) assert.deepEqual(decodeRequest(encodeRequest(request)), request);
  for (const reply of REPLIES) {
    const back = decodeReply(encodeReply(reply), "a");
    if (reply.kind === "failure") assert.equal(back.kind === "failure" && back.failure.message, reply.failure.message);
    else assert.deepEqual(back, reply);
  }
  const odd = decodeReply(encodeReply({ kind: "update", update: update({ loss: NaN }) }), "a");
  assert.ok(odd.kind === "update" && Number.isNaN(odd.update.loss));
});

Deno.test("numbers in messages are little-endian, behind a head whose length comes first", () => {
  const bytes = encodeReply({ kind: "update", update: update() });
  const length = bytes[0] + 256 * bytes[1];
  assert.equal(JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))).client, "a");
  assert.deepEqual(Array.from(bytes.subarray(4 + length)), [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64]);
});

Deno.test("whatever bytes arrive, decoding answers a message or a failure", () => {
  const chance = random("hostile bytes");
  const good = [...REQUESTS.map(encodeRequest), ...REPLIES.map(encodeReply)];
  const attempts: Array<Uint8Array> = [new Uint8Array(), Uint8Array.of(255, 255, 255, 255), new Uint8Array(3)];
  for (const bytes of good) {
    for (let i = 0; i < 60; i++) {
      const broken = bytes.slice(0, chance.below(4) === 0 ? chance.below(bytes.length) : bytes.length);
      for (let j = chance.below(3); j >= 0 && broken.length > 0; j--) {
        broken[chance.below(broken.length)] = chance.below(256);
      }
      attempts.push(broken);
    }
  }
  attempts.push(new Uint8Array([...encodeRequest({ kind: "describe" }), 1]));
  const huge = new Uint8Array(8);
  new DataView(huge.buffer).setUint32(0, MAX_HEAD_BYTES + 1, true);
  attempts.push(huge);
  for (const bytes of attempts) {
    for (const decode of [decodeRequest, (given: Uint8Array) => decodeReply(given, "a")]) {
      try {
        decode(bytes);
      } catch (thrown) {
        assert.equal((thrown as Failure).code, "NEURAL_CLIENT");
      }
    }
  }
  assert.match(refused(() => decodeReply(encodeRequest({ kind: "describe" }), "a")).message, /is no reply/u);
  assert.match(refused(() => decodeRequest(encodeReply(REPLIES[0]))).message, /is no request/u);
});

Deno.test("an update that is not an answer to its order is rejected with the reason", () => {
  const reasons: ReadonlyArray<readonly [string, Partial<Update>]> = [
    ["stranger", { client: "b" }],
    ["stale", { round: 2 }],
    ["size", { payload: { kind: "dense", size: 2, values: Float32Array.of(1, 2) } }],
    ["notFinite", { payload: { kind: "dense", size: 3, values: Float32Array.of(1, NaN, 3) } }],
    ["notFinite", { payload: { kind: "dense", size: 3, values: Float32Array.of(1, Infinity, 3) } }],
    ["notFinite", { loss: Infinity }],
    ["form", { payload: { kind: "sealed", size: 3, words: new Uint32Array(3) } }],
  ];
  for (const [reason, more] of reasons) {
    const judged = judgeUpdate("a", ORDER, update(more));
    assert.ok("reason" in judged && judged.reason === reason, reason);
  }
  const sealing = { roster: [], share: 1 };
  const open = judgeUpdate("a", { ...ORDER, sealing }, update());
  assert.ok("reason" in open && open.reason === "form");
  const short = judgeUpdate(
    "a",
    { ...ORDER, sealing },
    update({ payload: { kind: "sealed", size: 1, words: new Uint32Array(1) } }),
  );
  assert.ok("reason" in short && short.reason === "size");
  assert.ok("step" in judgeUpdate("a", ORDER, update()));
});

const keepers = (ids: ReadonlyArray<string>) =>
  Effect.runPromise(
    Effect.forEach(ids, (id) => Effect.map(maskKeeper(normalsBytes(id)), (keeper) => ({ id, keeper }))),
  );

const normalsBytes = (label: string): Uint8Array => {
  const chance = random(label);
  return Uint8Array.from({ length: 32 }, () => chance.below(256));
};

Deno.test("sealed steps tell nothing alone, and their sum is the sum of the steps to the fixed point", async () => {
  const members = await keepers(["carol", "alice", "bob", "dave"]);
  const roster = members.map(({ id, keeper }) => ({ id, key: keeper.key }));
  const own = members.map((_, i) => normals(1000, 50 + i));
  const seal = (round: number) =>
    Effect.runPromise(
      Effect.forEach(members, ({ id, keeper }, i) =>
        Effect.map(keeper.seal(id, round, { roster, share: 0.25 }, own[i]), (words) => ({ id, words }))),
    );
  const sealed = await seal(1);
  const sum = unseal(sealed, []);
  sum.forEach((value, i) => {
    const wanted = own.reduce((total, step) => total + 0.25 * step[i], 0);
    assert.ok(Math.abs(value - wanted) <= 4 * 0.5 * 2 ** -22 + 1e-7 * Math.abs(wanted));
  });
  // Whole numbers cancel exactly: what is left of zeros under masks is zero.
  for (const { words } of sealed) {
    const high = words.filter((word) => word >= 2 ** 31).length;
    assert.ok(Math.abs(high - 500) < 5 * Math.sqrt(250), "a mask's top bits are a fair coin");
  }
  const again = await seal(2);
  assert.notDeepEqual(again[0].words, sealed[0].words);
  assert.notDeepEqual(unseal(sealed.slice(1), []), unseal(again.slice(1), []));
});

Deno.test("when clients fall silent, the others' seeds take their masks away; revealed once, and not to the last one", async () => {
  const members = await keepers(["a", "b", "c", "d"]);
  const roster = members.map(({ id, keeper }) => ({ id, key: keeper.key }));
  const sealed = await Effect.runPromise(
    Effect.forEach(
      members,
      ({ id, keeper }, i) =>
        Effect.map(keeper.seal(id, 1, { roster, share: 0.25 }, Float32Array.of(i + 1, -i)), (words) => ({ id, words })),
    ),
  );
  const survivors = [sealed[0], sealed[2]];
  const silent = ["b", "d"];
  const revealed = await Effect.runPromise(
    Effect.forEach([members[0], members[2]], ({ id, keeper }) =>
      Effect.map(keeper.reveal(1, silent), (seeds) => ({
        id,
        seeds: silent.map((who, i) => [who, seeds[i]] as const),
      }))),
  );
  const sum = unseal(survivors, revealed);
  assert.deepEqual(Array.from(sum), [1, -0.5]);
  assert.notDeepEqual(Array.from(unseal(survivors, [])), [1, -0.5]);
  const told = async (effect: Effect.Effect<unknown, Failure>): Promise<string> => {
    const result = await Effect.runPromise(Effect.result(effect));
    return Result.isFailure(result) ? result.failure.message : "nothing";
  };
  assert.match(await told(members[0].keeper.reveal(1, ["b"])), /nothing is revealed/u);
  assert.match(await told(members[1].keeper.reveal(1, ["a", "c", "d"])), /nobody else left/u);
  assert.match(await told(members[1].keeper.reveal(1, ["z"])), /z is not in round 1/u);
  assert.match(await told(members[1].keeper.reveal(2, ["a"])), /nothing is revealed of round 2/u);
  assert.match(
    await told(members[1].keeper.seal("b", 1, { roster, share: 0.25 }, Float32Array.of(1))),
    /has been sealed/u,
  );
  assert.match(
    await told(members[1].keeper.seal("b", 2, { roster: roster.slice(0, 1), share: 1 }, Float32Array.of(1))),
    /not one its step/u,
  );
  assert.match(
    await told(members[1].keeper.seal("b", 2, { roster, share: 1 }, Float32Array.of(MOST_SEALED * 1.01))),
    /beyond/u,
  );
  const forged = roster.map((one) => one.id === "a" ? { ...one, key: "00".repeat(32) } : one);
  assert.match(
    await told(members[1].keeper.seal("b", 2, { roster: forged, share: 1 }, Float32Array.of(1))),
    /is no key/u,
  );
});

Deno.test("a keeper's key is that of its bytes, and masks are the hash of seed and counter", async () => {
  // Its public key by OpenSSL 3.
  const own = hexToBytes("77076d0a7318a57d3c16c17251b26645df4c2f92ebc0992ac177fba51db92c2a");
  const { key } = await Effect.runPromise(maskKeeper(own));
  assert.equal(key, "f8a9535a2d2ff605e8e144d54f4ef5c62313a2055dbb21fddd3fd9c299eb015d");
  const words = maskWords(new Uint8Array(32), 20);
  assert.deepEqual(words.slice(0, 9), maskWords(new Uint8Array(32), 9));
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", new Uint8Array(36)));
  assert.equal(words[0], new DataView(digest.buffer).getUint32(0, true));
});

Deno.test("the account of a round of all clients is the closed form of the Gaussian mechanism", () => {
  for (const order of [2, 5, 32, 256]) {
    assert.ok(Math.abs(renyiOfRound(1, 1.5, order) - order / 4.5) < 1e-12);
    const almost = renyiOfRound(1 - 1e-12, 1.5, order);
    assert.ok(Math.abs(almost - order / 4.5) < 1e-6 * order);
  }
  assert.equal(renyiOfRound(0, 1, 8), 0);
  // Order 2 has a form of its own: log(1 + q²(e^{1/σ²} − 1)).
  assert.ok(Math.abs(renyiOfRound(0.1, 2, 2) - Math.log(1 + 0.01 * (Math.exp(1 / 4) - 1))) < 1e-15);
});

Deno.test("the published figure is met: 3,600 steps of 250 in 60,000 at noise 1.3 give ε 1.18 at δ 1e-5", () => {
  const share = 250 / 60_000;
  const classic = Math.min(
    ...Array.from({ length: 62 }, (_, i) => i + 2).map((order) =>
      3600 * renyiOfRound(share, 1.3, order) + Math.log(1e5) / (order - 1)
    ),
  );
  assert.ok(Math.abs(classic - 1.18) < 0.01, String(classic));
  const ours = epsilonOf(3600, share, { clip: 1, noise: 1.3, delta: 1e-5 });
  assert.ok(ours < classic && ours > 0.8, String(ours));
});

Deno.test("ε grows with rounds and shares, falls with noise, and is without bound where there is none", () => {
  const at = (rounds: number, share: number, noise: number) =>
    epsilonOf(rounds, share, { clip: 1, noise, delta: 1e-5 });
  assert.equal(at(0, 0.1, 1), 0);
  assert.ok(at(10, 0.1, 1) < at(20, 0.1, 1) && at(10, 0.1, 1) < at(10, 0.2, 1) && at(10, 0.1, 2) < at(10, 0.1, 1));
  assert.equal(at(1, 0.5, 0), Infinity);
});

Deno.test("a private mean cuts long steps, leaves short ones, and its noise has the deviation that was said", () => {
  const steps = [{ step: Float32Array.of(3, 4), samples: 1 }, { step: Float32Array.of(0.3, 0), samples: 99 }];
  const quiet = privateMean(steps, 2, 2, { clip: 1, noise: 0, delta: 1e-5 }, random(1));
  [0.45, 0.4].forEach((value, i) => assert.ok(Math.abs(quiet[i] - value) < 1e-6));
  const noisy = privateMean([], 20_000, 4, { clip: 2, noise: 3, delta: 1e-5 }, random(1));
  const deviation = Math.sqrt(noisy.reduce((sum, value) => sum + value * value, 0) / noisy.length);
  assert.ok(Math.abs(deviation / (3 * 2 / 4) - 1) < 0.03);
});
