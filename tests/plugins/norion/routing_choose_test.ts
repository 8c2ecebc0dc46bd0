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
