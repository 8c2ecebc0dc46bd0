/** Knobs beyond the plan: what is planned is also what is done. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { askModels } from "../../../plugins/norion/asking.ts";
import type { GeneEffect, GeneKind } from "../../../plugins/norion/genome.ts";
import { type NorionRequest, plan } from "../../../plugins/norion/plan.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import type { Failure, JsonObject } from "../../../kernel/mod.ts";
import { callAs, inWorkspace, OPEN_POLICY } from "../../workspace.ts";
import { exchange, saying, withNorion } from "./answering.ts";
import { deviceAt, stateWith, withGene } from "./states.ts";

const REQUEST: NorionRequest = {
  prompt: "How does the tide at the old pier go in and out?",
  profile: "general",
  scope: "local",
};

const plannedWith = (kind: GeneKind, effects: ReadonlyArray<GeneEffect>, request = REQUEST) =>
  plan(stateWith([], { general: withGene("general", kind, effects) }), request, deviceAt("laptop"));

/** The last draft of a model that says these texts one after the other, under a genome with one more gene. */
const drafted = async (kind: GeneKind, effects: ReadonlyArray<GeneEffect>, ...texts: ReadonlyArray<string>) => {
  const outcome = await Effect.runPromise(askModels({
    plan: plannedWith(kind, effects),
    prompt: REQUEST.prompt,
    texts: new Map(),
    models: [saying(...texts)],
    demand: { privacy: "process", gain: 0.5 },
    breakers: new Map(),
    step: 0,
    seed: 1,
    temperature: 0,
    policy: DEFAULT_POLICY,
  }));
  const { text, calls, issues } = outcome.draft!;
  return { text, calls, issues: issues.map(({ check }) => check) };
};

const ENGLISH = "The tide at the old pier goes in twice a day and out twice a day.";
const CHINESE = "老码头的潮水每天涨两次，也退两次。";

Deno.test("a language that genes keep is looked for in the draft, which is asked for again where it is not kept", async () => {
  const keeps = (...texts: ReadonlyArray<string>) =>
    drafted("language", [{ knob: "language.preserve", value: ["zh"] }], ...texts);
  assert.deepEqual(await keeps(CHINESE), { text: CHINESE, calls: 1, issues: [] });
  assert.deepEqual(await keeps(ENGLISH, CHINESE), { text: CHINESE, calls: 2, issues: [] });
  assert.deepEqual(await keeps(ENGLISH), { text: ENGLISH, calls: 2, issues: ["language"] });
  assert.deepEqual(await keeps("6 * 7 = 42"), { text: "6 * 7 = 42", calls: 1, issues: [] });
  assert.deepEqual(await drafted("budget", [], CHINESE), { text: CHINESE, calls: 1, issues: [] });
});

Deno.test("a draft is asked for again as often as genes say, while that mends it", async () => {
  const thrice = ["Yes.", "The tide goes in, the tide goes in, in, in, in.", ENGLISH];
  const looking = (passes: number) =>
    drafted("reflection", [
      { knob: "reflection.checks", value: ["too-short", "repetition", "off-topic"] },
      { knob: "reflection.passes", value: passes },
    ], ...thrice);
  assert.deepEqual(await looking(-1), { text: thrice[0], calls: 1, issues: ["too-short", "off-topic"] });
  assert.deepEqual(await looking(0), { text: thrice[1], calls: 2, issues: ["repetition"] });
  assert.deepEqual(await looking(1), { text: thrice[2], calls: 3, issues: [] });
});

Deno.test("where genes allow no reading of files, none comes along, and the plan says why", () => {
  const request = { ...REQUEST, files: [{ name: "tides.md", text: ENGLISH }] };
  const [open] = plannedWith("budget", [], request).context;
  assert.deepEqual([open.id, open.verdict], ["file:tides.md", "include"]);
  const [closed] = plannedWith("tool-use", [{ knob: "tools.allow", value: [] }], request).context;
  assert.deepEqual([closed.id, closed.verdict, closed.tokens], ["file:tides.md", "skip", 0]);
  assert.match(closed.reason, /no reading of files/u);
});

Deno.test("where genes allow no commands, a request that names a program as its judge is refused before it begins", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const ran: string[] = [];
      const judges = {
        program: (name: string) => Effect.sync(() => (ran.push(name), { code: 0, output: "", complaint: "" })),
      };
      const asked = { materials: { program: "judge" }, judges };
      const { count } = yield* ledger.head;
      const refused = yield* Effect.flip(exchange(norion, REQUEST.prompt, ENGLISH, asked));
      const { code, path } = refused as { readonly code: string; readonly path: string };
      assert.deepEqual([code, path], ["NORION_REQUEST", "/check/program"]);
      assert.deepEqual([ran, (yield* ledger.head).count], [[], count]);
      const { settled } = yield* exchange(norion, REQUEST.prompt, ENGLISH, { ...asked, profile: "coding" });
      assert.deepEqual([ran, settled.proven], [["judge"], true]);
    })
  ));

/** Calls of a slow model that are broken off, where a device or a wait leaves less time than it takes. */
const slow = (more: Parameters<typeof exchange>[3]) =>
  withNorion(
    (norion) =>
      Effect.match(exchange(norion, REQUEST.prompt, ENGLISH, { takes: 300, maxTokens: 1, ...more }), {
        onSuccess: ({ draft }) => draft.text,
        onFailure: (failure) => (failure as Failure).message,
      }),
    { ...DEFAULT_POLICY, "model.leastDeadline": 1, "model.pause": 1 },
  );

Deno.test("a busy device breaks a call off after its time for each token, an idle one does not (device.latencyMs)", async () => {
  assert.equal(await slow({ device: "microcontroller", load: 0 }), ENGLISH);
  assert.match(await slow({ device: "microcontroller", load: 0.95 }), /no answer within 80 ms/u);
  // Fifty tokens may take fifty times as long.
  assert.equal(await slow({ device: "microcontroller", load: 0.95, maxTokens: 50 }), ENGLISH);
});

Deno.test("a request waits no longer in all than it says, retries counted in", async () => {
  assert.match(await slow({ waitMs: 120 }), /no answer within 120 ms|120 ms are over/u);
  assert.equal(await slow({ waitMs: 60_000 }), ENGLISH);
});

Deno.test("a device under load reads fewer parts side by side (device.parallel)", async () => {
  const prompt = `${
    Array.from({ length: 300 }, (_, i) => `Pier ${i} is ${i * 7 % 91} m long.`).join(" ")
  }\n\nWhich is longest?`;
  const most = async (load: number) => {
    let [now, peak] = [0, 0];
    const counting = saying("Pier 12.");
    const request: NorionRequest = { ...REQUEST, prompt, profile: "long-context", window: 256 };
    await Effect.runPromise(askModels({
      plan: plan(stateWith(), request, deviceAt("server", load)),
      prompt,
      texts: new Map(),
      models: [{
        ...counting,
        generate: (asked) =>
          Effect.suspend(() => {
            peak = Math.max(peak, ++now);
            return Effect.ensuring(Effect.delay(counting.generate(asked), 5), Effect.sync(() => now--));
          }),
      }],
      demand: { privacy: "process", gain: 0.5 },
      breakers: new Map(),
      step: 0,
      seed: 1,
      temperature: 0,
      policy: DEFAULT_POLICY,
    }));
    return peak;
  };
  assert.deepEqual([await most(0), await most(0.5), await most(0.9)], [4, 2, 1]);
});

Deno.test("a request that asks for it is planned for this machine as busy as it is, through the operation", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const input = { prompt: REQUEST.prompt };
      const lines = (more: JsonObject) =>
        Effect.map(
          callAs(kernel, "norion.plan", { ...input, ...more }),
          (made) => ((made as JsonObject).lines as ReadonlyArray<string>)[1],
        );
      assert.match(yield* lines({}), /^device {4}cpu \(assumed\) at pressure 0\.000 \(assumed\)/u);
      assert.match(yield* lines({ measure: true }), /^device {4}cpu \(measured\) at pressure 0\.\d+ \(measured\)/u);
      const made = (yield* callAs(kernel, "norion.ask", { ...input, measure: true })) as JsonObject;
      assert.equal(made.kind, "heuristic");
    }), OPEN_POLICY));
