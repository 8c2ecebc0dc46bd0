import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { admit, type Breaker, CLOSED, settled } from "../../../plugins/norion/routing/breaker.ts";
import {
  afterFault,
  attemptsOf,
  chooseModels,
  type Demand,
  FAULTS,
  type Locality,
  type Model,
  type ModelFault,
} from "../../../plugins/norion/routing/choose.ts";

const model = (id: string, locality: Locality, quality: number, cost: number, latencyMs = 100): Model => ({
  id,
  locality,
  quality,
  cost,
  window: 8192,
  latencyMs,
});

const MODELS = [
  model("embedded", "process", 0.3, 0, 10),
  model("local", "machine", 0.6, 0, 400),
  model("cloud", "network", 0.95, 10, 900),
];

const DEMAND: Demand = { tokens: 500, privacy: "network", gain: 1 };

const order = (demand: Demand, breakers: ReadonlyMap<string, Breaker> = new Map()) =>
  chooseModels(MODELS, demand, breakers, 0, policy);

Deno.test("where much is gained the best model is first, where little is gained the cheapest that is good enough", () => {
  assert.equal(order({ ...DEMAND, gain: 1 }).ranked[0].model.id, "local");
  const rich = { ...policy, "model.costWeight": 0.05 };
  assert.equal(chooseModels(MODELS, DEMAND, new Map(), 0, rich).ranked[0].model.id, "cloud");
  assert.equal(order({ ...DEMAND, gain: 0 }).ranked[0].model.id, "embedded");
});

Deno.test("a request that may not leave the machine is never offered elsewhere", () => {
  const draw = random(5);
  for (let i = 0; i < 500; i++) {
    const models = Array.from(
      { length: 6 },
      (_, k) => model(`m${k}`, draw.pick(["process", "machine", "network"]), draw.float(), draw.float() * 9),
    );
    for (const privacy of ["process", "machine"] as const) {
      const { ranked, excluded } = chooseModels(models, { ...DEMAND, privacy }, new Map(), 0, policy);
      const allowed = privacy === "process" ? ["process"] : ["process", "machine"];
      assert.ok(ranked.every((one) => allowed.includes(one.model.locality)));
      assert.equal(ranked.length + excluded.length, models.length);
    }
  }
});

Deno.test("what is too dear, too slow or resting is left out with its reason", () => {
  const reasons = (demand: Demand, breakers?: ReadonlyMap<string, Breaker>) =>
    order(demand, breakers).excluded.map(({ model: { id }, reason }) => `${id}: ${reason}`);
  assert.deepEqual(reasons({ ...DEMAND, maxCost: 5 }), ["cloud: it costs 10, and at most 5 may be spent"]);
  assert.deepEqual(reasons({ ...DEMAND, maxLatencyMs: 500 }), ["cloud: it takes 900 ms, and 500 ms are given"]);
  assert.deepEqual(reasons(DEMAND, new Map([["local", { state: "open", until: 5, trips: 1 }]])), [
    "local: it failed lately and rests",
  ]);
});

Deno.test("a breaker opens at the third failure in a row, lets one call pass after its rest, and rests longer each time", () => {
  let breaker: Breaker = CLOSED;
  for (let i = 0; i < policy["breaker.failures"] - 1; i++) breaker = settled(breaker, "ill", 0, policy);
  assert.equal(breaker.state, "closed");
  assert.deepEqual(settled(breaker, "well", 0, policy), CLOSED);
  breaker = settled(breaker, "ill", 0, policy);
  assert.equal(admit(breaker, policy["breaker.rest"] - 1).pass, false);
  const tried = admit(breaker, policy["breaker.rest"]);
  assert.equal(tried.pass, true);
  assert.equal(admit(tried.breaker, 1000).pass, false);
  assert.deepEqual(settled(tried.breaker, "ill", 8, policy), { state: "open", until: 8 + 16, trips: 2 });
  assert.deepEqual(settled(tried.breaker, "well", 8, policy), CLOSED);
});

Deno.test("a model that refuses or cannot read so much is not ill, and a broken-off call says nothing of it", () => {
  for (const fault of ["refused", "too-long", "interrupted"] as const) {
    let attempts = attemptsOf(["a", "b"], new Map());
    for (let i = 0; i < 5; i++) attempts = { ...afterFault(attempts, fault, i, policy).attempts, at: 0 };
    assert.equal((attempts.breakers.get("a") ?? CLOSED).state, "closed", fault);
  }
  const trying: Breaker = { state: "half-open", trips: 2 };
  assert.equal(admit(settled(trying, "unknown", 9, policy), 9).pass, true);
  assert.equal(settled(trying, "unknown", 9, policy).state, "open");
});

Deno.test("every kind of failure ends within the bounded hops, and no model is tried after it was given up", () => {
  const faults = Object.keys(FAULTS) as ReadonlyArray<ModelFault>;
  const draw = random(9);
  for (let run = 0; run < 500; run++) {
    let attempts = attemptsOf(["a", "b", "c"], new Map());
    const tried: string[] = [];
    for (let step = 0;; step++) {
      tried.push(attempts.order[attempts.at]);
      const next = afterFault(attempts, draw.pick(faults), step, policy);
      attempts = next.attempts;
      if (next.remedy === "give-up") break;
      assert.ok(step < policy["model.hops"]);
    }
    assert.ok(tried.length <= policy["model.hops"]);
    assert.deepEqual(tried, tried.toSorted(), "order is kept");
  }
});

Deno.test("each failure is answered by its class: again, elsewhere, or not at all", () => {
  const first = (fault: ModelFault) => afterFault(attemptsOf(["a", "b"], new Map()), fault, 0, policy).remedy;
  assert.equal(first("overloaded"), "retry-here");
  assert.equal(first("unauthorised"), "go-elsewhere");
  assert.equal(first("refused"), "give-up");
  const once = afterFault(attemptsOf(["a", "b"], new Map()), "timeout", 0, policy);
  assert.equal(afterFault(once.attempts, "timeout", 1, policy).remedy, "go-elsewhere");
  assert.equal(afterFault(attemptsOf(["a"], new Map()), "unavailable", 0, policy).remedy, "give-up");
});

/** A request and models by chance. */
const drawn = (draw: ReturnType<typeof random>) => {
  const models = Array.from(
    { length: 1 + draw.below(7) },
    (_, k) =>
      model(`m${k}`, draw.pick(["process", "machine", "network"]), draw.float(), draw.float() * 9, draw.below(2000)),
  );
  const demand: Demand = {
    tokens: draw.below(40_000),
    privacy: draw.pick(["process", "machine", "network"]),
    gain: draw.float(),
    ...(draw.below(2) === 0 ? { maxCost: draw.float() * 9 } : {}),
    ...(draw.below(2) === 0 ? { maxLatencyMs: draw.below(2000) } : {}),
  };
  return { models, demand };
};

Deno.test("the order hangs on nothing but the models and the request: not on the order they are listed in, and worth only falls", () => {
  const draw = random("order");
  for (let n = 0; n < 500; n++) {
    const { models, demand } = drawn(draw);
    const ids = (list: ReadonlyArray<Model>) =>
      chooseModels(list, demand, new Map(), 0, policy).ranked.map((one) => one.model.id);
    const { ranked } = chooseModels(models, demand, new Map(), 0, policy);
    assert.deepEqual(ids(draw.shuffle(models)), ids(models));
    ranked.slice(1).forEach(({ worth }, i) => assert.ok(worth <= ranked[i].worth));
    assert.ok(ranked.every(({ worth }) => Number.isFinite(worth)));
  }
});

Deno.test("a model that is better than it was never falls behind for it", () => {
  const draw = random("monotone");
  for (let n = 0; n < 500; n++) {
    const { models, demand } = drawn(draw);
    const at = draw.below(models.length);
    const place = (list: ReadonlyArray<Model>) =>
      chooseModels(list, { ...demand, gain: 0.5 }, new Map(), 0, policy).ranked
        .findIndex((one) => one.model.id === models[at].id);
    const before = place(models);
    if (before < 0) continue;
    const bettered: Model = { ...models[at], quality: Math.min(1, models[at].quality + 0.2) };
    const after = place(models.map((one, i) => i === at ? bettered : one));
    assert.ok(after >= 0 && after <= before);
  }
});

Deno.test("a breaker never lets pass before its rest is over, and lets pass again after any history", () => {
  const draw = random("breaker");
  for (let n = 0; n < 500; n++) {
    let breaker: Breaker = CLOSED;
    for (let step = 0; step < 200; step++) {
      const { pass, breaker: admitted } = admit(breaker, step);
      if (breaker.state === "open") assert.equal(pass, step >= breaker.until);
      breaker = pass ? settled(admitted, draw.pick(["well", "ill", "unknown"]), step, policy) : admitted;
      assert.notEqual(breaker.state, "half-open", "a call that was let pass has settled");
    }
    assert.equal(admit(breaker, 200 + policy["breaker.rest"] * 2 ** 7).pass, true);
  }
});
