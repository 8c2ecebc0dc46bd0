/** Knobs beyond the plan: what is planned is also what is done. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { askModels } from "../../../plugins/norion/asking.ts";
import type { GeneEffect, GeneKind } from "../../../plugins/norion/genome.ts";
import { type NorionRequest, plan } from "../../../plugins/norion/plan.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
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
