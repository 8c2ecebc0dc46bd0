/** A room in which cheats are judged, and what a verdict on one may be. */
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import { layerSandbox } from "../../../../effects/sandbox.ts";
import { layerSupervisorLocal } from "../../../../kernel/platform/supervisor.ts";
import { layerWorkers } from "../../../../kernel/platform/workers.ts";
import { evaluate, type Limits } from "../../../../plugins/evolution/evaluators/evaluate.ts";
import type { Verdict } from "../../../../plugins/evolution/evaluators/judging.ts";
import { checkedSuite, type Suite } from "../../../../plugins/evolution/evaluators/suite.ts";
import { type Cheat, HELD, right, SEEN } from "./cheats.ts";
import { PROGRAM_SUITE, programBytes } from "./program_cheats.ts";

const root = new URL("../../../../", import.meta.url).href;
const layer = Layer.merge(
  layerSandbox.pipe(Layer.provide(layerSupervisorLocal({ workspace: "/", root, optional: {} }))),
  layerWorkers({ workers: 1 }),
);

/** Judges a candidate. */
export type Judge = (...asked: Parameters<typeof evaluate>) => Promise<Verdict>;

/** One room for all that is asked, so that a worker is loaded once. */
export const inRoom = async <A>(body: (judge: Judge) => Promise<A>): Promise<A> => {
  const room = ManagedRuntime.make(layer);
  try {
    return await body((...asked) => room.runPromise(evaluate(...asked)));
  } finally {
    await room.dispose();
  }
};

const cases = (inputs: ReadonlyArray<number>) => inputs.map((n) => ({ input: n, wants: right(n) }));

/** Cases for modules. */
export const SUITE: Suite = checkedSuite({ name: "quadratic", kind: "module", seen: cases(SEEN), held: cases(HELD) });

/** What candidates may use here. */
export const LIMITS: Limits = {
  module: { wallMs: 20_000, outputBytes: 262_144 },
  program: { fuel: 20_000, maxBytes: 1_048_576, wallMs: 60_000 },
};

/** Whether a cheat is expected to run into the clock: then it need not be waited for long. */
const isSlow = ({ must }: Cheat): boolean => typeof must === "object" && must.failed.includes("TIMEOUT");

/** Who computes. */
export const HONEST = "export default (n: number): number => (n - 1) * (n - 2);";

/** Whether this process is as it was. */
export const isIntact = (): boolean =>
  Object.keys(Object.prototype).length === 0 && Math.abs(-3) === 3 && [1].every((x) => x === 1) &&
  JSON.stringify(2) === "2" && ({} as { score?: number }).score === undefined;

/** What is wrong with a verdict on a cheat; undefined where it is as it must be. */
export const escapeOf = ({ must, flags = [] }: Pick<Cheat, "must" | "flags">, verdict: Verdict): string | undefined => {
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

/** Judges a module that cheats; what is wrong with the verdict, if anything. */
export const tryModule = async (judge: Judge, cheat: Cheat): Promise<string | undefined> => {
  const module = { ...LIMITS.module, ...(isSlow(cheat) ? { wallMs: 700 } : {}) };
  return escapeOf(cheat, await judge({ module: cheat.source }, SUITE, { ...LIMITS, module }));
};

/** Judges a program that cheats. */
export const tryProgram = async (judge: Judge, cheat: Cheat): Promise<string | undefined> =>
  escapeOf(cheat, await judge({ program: programBytes(cheat.source) }, PROGRAM_SUITE, LIMITS));
