/** Planted cheats: none gets a score that it did not earn, and none harms the judge. */
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import assert from "node:assert/strict";
import { layerSandbox } from "../../../../effects/sandbox.ts";
import { layerSupervisorLocal } from "../../../../kernel/platform/supervisor.ts";
import { layerWorkers } from "../../../../kernel/platform/workers.ts";
import { evaluate, type Limits } from "../../../../plugins/evolution/evaluators/evaluate.ts";
import type { Verdict } from "../../../../plugins/evolution/evaluators/judging.ts";
import { checkedSuite, type Suite, trivialScore } from "../../../../plugins/evolution/evaluators/suite.ts";
import { type Cheat, CHEATS, HELD, right, SEEN } from "./cheats.ts";
import { PROGRAM_CHEATS, PROGRAM_SUITE, programBytes } from "./program_cheats.ts";

const root = new URL("../../../../", import.meta.url).href;
const layer = Layer.merge(
  layerSandbox.pipe(Layer.provide(layerSupervisorLocal({ workspace: "/", root, optional: {} }))),
  layerWorkers({ workers: 1 }),
);

/** One room for all that a test asks, so that a worker is loaded once. */
const inRoom = async (body: (judge: (...asked: Parameters<typeof evaluate>) => Promise<Verdict>) => Promise<void>) => {
  const room = ManagedRuntime.make(layer);
  try {
    await body((...asked) => room.runPromise(evaluate(...asked)));
  } finally {
    await room.dispose();
  }
};

const cases = (inputs: ReadonlyArray<number>) => inputs.map((n) => ({ input: n, wants: right(n) }));

const SUITE: Suite = checkedSuite({ name: "quadratic", kind: "module", seen: cases(SEEN), held: cases(HELD) });

const LIMITS: Limits = {
  module: { wallMs: 2_000, outputBytes: 262_144 },
  program: { fuel: 20_000, maxBytes: 1_048_576, wallMs: 10_000 },
};

/** Whether a cheat is expected to run into the clock: then it need not be waited for long. */
const isSlow = ({ must }: Cheat): boolean => typeof must === "object" && must.failed.includes("TIMEOUT");

const HONEST = "export default (n: number): number => (n - 1) * (n - 2);";

const isIntact = (): boolean =>
  Object.keys(Object.prototype).length === 0 && Math.abs(-3) === 3 && [1].every((x) => x === 1) &&
  JSON.stringify(2) === "2" && ({} as { score?: number }).score === undefined;

/** What is wrong with a verdict on a cheat; undefined where it is as it must be. */
const escape = ({ must, flags = [] }: Pick<Cheat, "must" | "flags">, verdict: Verdict): string | undefined => {
  const shown = JSON.stringify(verdict);
  const missing = flags.filter((flag) => !verdict.flags.includes(flag as never));
  if (missing.length > 0) return `does not say ${missing.join()}: ${shown}`;
  if (must === "harmless") return verdict.failed === undefined && verdict.score === 1 ? undefined : shown;
  if (must === "trivial") {
    return verdict.failed === undefined && verdict.score <= verdict.trivial ? undefined : shown;
  }
  return verdict.score === 0 && verdict.failed !== undefined && must.failed.includes(verdict.failed.code)
    ? undefined
    : shown;
};

Deno.test("the honest candidate passes every case, and the best constant only what it is worth", () =>
  inRoom(async (judge) => {
    const verdict = await judge({ module: HONEST }, SUITE, LIMITS);
    assert.deepEqual(verdict, {
      score: 1,
      trivial: trivialScore(SUITE),
      seen: { passed: 6, total: 6 },
      held: { passed: 12, total: 12 },
      missed: [],
      flags: [],
    });
    // Of the held-back answers 6 and 12 come twice each: 4 and -1, and no others.
    const counts = Map.groupBy(HELD.map(right), (value) => value);
    assert.equal(trivialScore(SUITE), Math.max(...[...counts.values()].map((all) => all.length)) / HELD.length);
  }));

Deno.test("there are at least sixty cheats, each with a name of its own", () => {
  const names = [...CHEATS, ...PROGRAM_CHEATS].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length >= 60, `${names.length}`);
});

Deno.test("no module gets a score that it did not earn, and none harms the judge", (t) =>
  inRoom(async (judge) => {
    for (const cheat of CHEATS) {
      await t.step(cheat.name, async () => {
        const module = { ...LIMITS.module, ...(isSlow(cheat) ? { wallMs: 700 } : {}) };
        const verdict = await judge({ module: cheat.source }, SUITE, { ...LIMITS, module });
        assert.equal(escape(cheat, verdict), undefined);
        assert.ok(isIntact());
      });
    }
    assert.throws(() => Deno.statSync("/tmp/rmi-cheat-canary"), Deno.errors.NotFound);
    assert.equal((await judge({ module: HONEST }, SUITE, LIMITS)).score, 1, "the judge goes on");
  }));

Deno.test("no program gets a score that it did not earn, and none harms the judge", (t) =>
  inRoom(async (judge) => {
    for (const cheat of PROGRAM_CHEATS) {
      await t.step(cheat.name, async () => {
        const verdict = await judge({ program: programBytes(cheat.source) }, PROGRAM_SUITE, LIMITS);
        assert.equal(escape(cheat, verdict), undefined);
      });
    }
    const honest = await judge({ program: programBytes("mul(3.0) >> add(1.0)") }, PROGRAM_SUITE, LIMITS);
    assert.deepEqual([honest.score, honest.flags], [1, []]);
  }));
