/**
 * Plan: what a run will do, said before it is done: what it will cost by prediction, and the authority it needs.
 *
 * Invariant: the prediction of operations is exact to the budget; that of time is by the speed that this machine was
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
import type { Learnable } from "../data.ts";
import type { CreateRequest } from "../request.ts";
import type { CreateResult, StepRecord } from "../result.ts";
import { stepping } from "../work.ts";

/** What each authority is for. */
const REASONS: { readonly [authority: string]: string } = {
  readLocal: "read the data, and the run where it stood",
  writeLocal: "keep the run and the model in the artifact store, write the report and the files",
};

/** Share of the measured speed of answering that training reaches, data and the passes back counted. */
const TRAINING_EFFICIENCY = 0.4;

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
  /** Milliseconds that it will take, by prediction. */
  readonly wallMs: number;
  /** Operations that it will take at most. */
  readonly flops: number;
}

const seconds = (wallMs: number): string => `${(wallMs / 1000).toFixed(0)} s`;

/** Says what a run will do. */
export const plan = (
  steps: Array<StepRecord>,
  request: CreateRequest,
  learned: Learnable,
  workers: number,
) =>
  stepping(
    steps,
    { name: "plan", does: `create a model of ${learned.dataset.name}, seed ${request.seed}` },
    Effect.gen(function* () {
      const authority = yield* authorityOf;
      const speed = (yield* speedOf(learned)) * TRAINING_EFFICIENCY * workers;
      const { kind, value } = request.budget;
      const planned: Planned = kind === "flops"
        ? { authority, flops: value, wallMs: Math.round(value / speed) }
        : { authority, flops: Math.round(value * speed), wallMs: value };
      const cost = `${(planned.flops / 1e9).toFixed(0)} GFLOP, about ${
        seconds(planned.wallMs)
      } with ${workers} workers`;
      return { value: planned, did: `will take ${cost}; needs ${authority.map((one) => one.authority).join(", ")}` };
    }),
  );
