/**
 * Plan: what a run will do, said before it is done: what it will cost by prediction, and the authority it needs.
 *
 * Invariant: the prediction of operations never exceeds the budget; that of time is by the speed that this machine was
 * measured to have, and no result depends on it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import type { JsonObject } from "../../../../kernel/json.ts";
import { Backends } from "../../../backends/library.ts";
import { costOf } from "../../../ir/library.ts";
import { BATCH, JUDGED_AT_ONCE, networkOfProgram } from "../../../neural/library.ts";
import { parse } from "../../../rmil/library.ts";
import { attempting } from "../../attempting.ts";
import type { Learnable } from "../data.ts";
import { mostUsed } from "../prediction.ts";
import type { CreateResult } from "../result.ts";
import { stepping, type Work } from "../work.ts";

/** What each authority is for. */
const REASONS: { readonly [authority: string]: string } = {
  readLocal: "read the data, and the run where it stood",
  writeLocal: "keep the run and the model in the artifact store, write the report and the files",
};

/** Share of the measured speed of answering that training reaches, data and the passes back counted. */
const TRAINING_EFFICIENCY = 0.4;

/** Milliseconds of a worker until a candidate's training begins. */
const STARTING_MS = 150;

/** Milliseconds of everything besides trying and training: checks, integers, exports, the registry. */
const REST_MS = 4_000;

/** Operations a millisecond of the embedded backend on a small network, by measurement. */
const speedOf = ({ shape, outputs }: Learnable) =>
  Effect.gen(function* () {
    const backends = yield* Backends;
    const elements = shape.reduce((all, size) => all * size, 1);
    const { evaluation } = networkOfProgram(parse(`linear(64) >> relu >> linear(${outputs})`), [
      { name: "x", type: { dtype: "f32", shape: [BATCH, elements] } },
    ]);
    const sizes = { [BATCH]: JUDGED_AT_ONCE };
    const { candidates: [{ estimateMs = 1 }] } = yield* backends.choose(evaluation, { sizes });
    return Number(costOf(evaluation, sizes).flops) / Math.max(1e-3, estimateMs);
  });

/** What the run needs to be allowed, by its own declaration. */
const authorityOf = Effect.gen(function* () {
  const { invoke, operation } = yield* CallContext;
  const { effects } = (yield* invoke("kernel.describe", { id: operation })) as JsonObject;
  return (effects as ReadonlyArray<string>).map((authority) => ({ authority, why: REASONS[authority] ?? authority }));
});

/** What is said before anything is done. */
export interface Planned {
  /** What it needs to be allowed. */
  readonly authority: CreateResult["authority"];
  /** Operations that it may use. */
  readonly mayUse: number;
  /** Milliseconds that it will take, by prediction. */
  readonly wallMs: number;
  /** Operations that it will take, by prediction: what it may use, or less where all that it does is done before. */
  readonly flops: number;
}

const shownTime = (wallMs: number): string => `${Math.max(1, Math.round(wallMs / 1000))} s`;

const shownFlops = (flops: number): string =>
  flops < 1e9 ? `${(flops / 1e6).toPrecision(3)} MFLOP` : `${Number((flops / 1e9).toPrecision(3))} GFLOP`;

/** Says what a run will do. */
export const plan = (work: Pick<Work, "steps" | "request" | "learned" | "space" | "search" | "workers">) =>
  stepping(
    work.steps,
    { name: "plan", does: `create a model of ${work.learned.dataset.name}, seed ${work.request.seed}` },
    Effect.gen(function* () {
      const { learned, workers, request: { budget: { kind, value } } } = work;
      const authority = yield* authorityOf;
      const speed = (yield* speedOf(learned)) * TRAINING_EFFICIENCY * workers;
      const mayUse = kind === "flops" ? value : Math.round(value * speed);
      const { flops, candidates } = yield* attempting(() => mostUsed(work, mayUse));
      const wallMs = Math.round(flops / speed + (candidates * STARTING_MS) / workers + REST_MS);
      const planned: Planned = {
        authority,
        mayUse,
        flops,
        wallMs: kind === "flops" ? wallMs : Math.min(value, wallMs),
      };
      const cost = `${shownFlops(flops)}, about ${shownTime(planned.wallMs)} with ${workers} workers`;
      return {
        value: planned,
        did: `will take ${cost}; needs ${
          authority.map((one) => one.authority).join(", ")
        }; what is interrupted goes on by rmi create --resume`,
      };
    }),
  );
