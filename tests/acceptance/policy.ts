/**
 * Figures of policy, budgets and approvals: decisions a second, schedules under which no child exceeds its parent, and
 * contested approvals used once.
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Approvals } from "../../effects/approvals.ts";
import { makeGate } from "../../effects/gate.ts";
import { makeGrants } from "../../effects/grants.ts";
import { Gate } from "../../kernel/mod.ts";
import { fiberSchedule, schedule } from "../effects/budget_model.ts";
import { measuredPolicy, QUESTIONS, questions, RULES } from "../effects/policy_load.ts";
import { randomFor } from "../effects/seeded.ts";
import { callOf, inWorkspace, movableClock, roomOver } from "../effects/workspace.ts";
import { type Figure, median, rounded } from "./figure.ts";

const ROUNDS = 15;
const GOAL_PER_SECOND = 100_000;
const GATED_CALLS = 20_000;
const SCHEDULES = 20_000;
const CONTESTS = 200;
const RIVALS = 4;

/** Decisions a second over rounds of questions, the median round. */
const rate = (count: number, round: () => void, progress: (done: number, total: number) => void): number => {
  round();
  const rates = Array.from({ length: ROUNDS }, (_, n) => {
    const start = performance.now();
    round();
    progress(n + 1, ROUNDS);
    return count / (performance.now() - start) * 1_000;
  });
  return median(rates);
};

/** Runs schedules by seeded names, one of them unseen before this run; answers how many held. */
const holding = async (
  name: string,
  run: (seed: string) => Promise<unknown>,
  progress: (done: number, total: number) => void,
): Promise<{ held: number; unseen: string; firstFault?: string }> => {
  const unseen = `${name} ${crypto.randomUUID()}`;
  let held = 0;
  let firstFault: string | undefined;
  for (let seed = 0; seed < SCHEDULES; seed++) {
    const seeded = seed % 10 === 0 ? `${unseen} ${seed}` : `${name} ${seed}`;
    try {
      await run(seeded);
      held++;
    } catch (cause) {
      firstFault ??= `${seeded}: ${(cause as Error).message}`;
    }
    if (seed % 1_000 === 0) progress(seed, SCHEDULES);
  }
  return { held, unseen, ...(firstFault === undefined ? {} : { firstFault }) };
};

/** One consent, and calls from two open rooms over one folder at the same time; answers how many passed. */
const contest = (folder: string, round: number): Promise<number> => {
  const room = () => Layer.fresh(roomOver(folder).pipe(Layer.provideMerge(movableClock().layer)));
  const call = () => callOf({ operation: "demo.fetch", effects: ["network"], actor: `agent:${round}` });
  const passed = Effect.forEach(
    Array.from({ length: RIVALS / 2 }, call),
    (call) =>
      Effect.flatMap(Gate, (gate) => Effect.match(gate.decide(call), { onSuccess: () => 1, onFailure: () => 0 })),
    { concurrency: "unbounded" },
  );
  return Effect.runPromise(Effect.gen(function* () {
    yield* Effect.provide(
      Effect.gen(function* () {
        yield* Effect.flip((yield* Gate).decide(call()));
        const approvals = yield* Approvals;
        const { requests } = yield* approvals.state;
        yield* approvals.approve(requests.at(-1)!.request, "user@tty");
      }),
      room(),
    );
    const both = yield* Effect.all([Effect.provide(passed, room()), Effect.provide(passed, room())], {
      concurrency: "unbounded",
    });
    return both.flat().reduce((sum, one) => sum + one, 0);
  }));
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "policy decisions",
    unit: "decisions/s",
    goal: `at least ${GOAL_PER_SECOND} a second, ${RULES} rules, ${QUESTIONS} different questions with paths and hosts`,
    measure: ({ progress }) => {
      const policy = measuredPolicy();
      const asked = questions();
      const counts = { allow: 0, ask: 0, deny: 0 };
      for (const query of asked) counts[policy.decide(query).decision]++;
      const value = rate(asked.length, () => asked.forEach(policy.decide), progress);
      return Promise.resolve({ value: rounded(value), ok: value >= GOAL_PER_SECOND, detail: counts });
    },
  },
  {
    name: "gate decisions",
    unit: "calls/s",
    goal: `at least ${GOAL_PER_SECOND} calls a second decided, granted and released`,
    measure: ({ progress }) => {
      const noConsent = { consume: () => Effect.undefined, automatic: () => Effect.undefined, ask: () => Effect.never };
      const gate = makeGate({ ...measuredPolicy(), source: "measured" }, makeGrants(), noConsent, Effect.succeed);
      const call = callOf({ operation: "plain.read", effects: ["readLocal"], actor: "user@tty" });
      const calls = Effect.gen(function* () {
        for (let n = 0; n < GATED_CALLS; n++) yield* (yield* gate.decide(call)).release ?? Effect.void;
      });
      const value = rate(GATED_CALLS, () => Effect.runSync(calls), progress);
      return Promise.resolve({ value: rounded(value), ok: value >= GOAL_PER_SECOND });
    },
  },
  {
    name: "budget schedules agreeing with the model",
    unit: "schedules",
    goal: `all of ${SCHEDULES}, a tenth of them never run before`,
    measure: async ({ progress }) => {
      const { held, ...detail } = await holding(
        "tree",
        (seed) => Effect.runPromise(schedule(randomFor(seed))),
        progress,
      );
      return { value: held, ok: held === SCHEDULES, detail };
    },
  },
  {
    name: "budget schedules of concurrent and interrupted fibers",
    unit: "schedules",
    goal: `all of ${SCHEDULES} exceed nothing and lose nothing, a tenth of them never run before`,
    measure: async ({ progress }) => {
      const { held, ...detail } = await holding("fibers", (seed) => fiberSchedule(randomFor(seed)), progress);
      return { value: held, ok: held === SCHEDULES, detail };
    },
  },
  {
    name: "contested approvals used once",
    unit: "contests",
    goal: `all of ${CONTESTS}: of ${RIVALS} equal calls in two rooms over one state folder, one passes`,
    measure: ({ progress }) =>
      inWorkspace(async (folder) => {
        const passed: Record<string, number> = {};
        for (let round = 0; round < CONTESTS; round++) {
          const count = await contest(folder, round);
          passed[count] = (passed[count] ?? 0) + 1;
          progress(round + 1, CONTESTS);
        }
        return { value: passed[1] ?? 0, ok: passed[1] === CONTESTS, detail: { passed } };
      }),
  },
];
