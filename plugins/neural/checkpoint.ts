/**
 * Checkpoint: everything a training needs to go on, as bytes.
 *
 * Not where they are kept. Invariant: what is read back is what was written, bit for bit; a checkpoint of another
 * training is refused, for going on from it would be neither.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Json } from "../../kernel/json.ts";
import type { Tensor } from "../ir/contract.ts";
import { badModel } from "./failures.ts";
import type { Checkpoint, Progress } from "./fit.ts";
import { readStored, type StoredKind, writeStored } from "./stored.ts";
import type { Values } from "./stepper.ts";

const KIND: StoredKind = { what: "checkpoint", format: "rmi-checkpoint", version: 1 };

/** Media type of a checkpoint. */
export const CHECKPOINT_MEDIA = "application/vnd.rmi.checkpoint+safetensors";

const LIVE = "live/";
const BEST = "best/";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Scores = Schema.Record(Schema.String, Schema.Finite);

const ProgressSchema: Schema.Codec<Progress> = Schema.Struct({
  step: Count,
  epoch: Count,
  index: Count,
  lossSum: Schema.Finite,
  measureSums: Scores,
  heard: Schema.Struct({ best: Schema.NullOr(Schema.Finite), waited: Count, factor: Schema.Finite }),
  best: Schema.Struct({ value: Schema.NullOr(Schema.Finite), waited: Count }),
  wallMs: Schema.Finite,
  history: Schema.Array(Schema.Struct({
    epoch: Count,
    step: Count,
    loss: Schema.Finite,
    rate: Schema.Finite,
    measures: Scores,
    scores: Schema.optionalKey(Scores),
  })),
}) as unknown as Schema.Codec<Progress>;

const prefixed = (values: Values, prefix: string): ReadonlyArray<readonly [string, Tensor]> =>
  [...values].map(([name, tensor]) => [prefix + name, tensor] as const);

const under = (values: Values, prefix: string): Values =>
  new Map(
    [...values].filter(([name]) => name.startsWith(prefix)).map((
      [name, tensor],
    ) => [name.slice(prefix.length), tensor]),
  );

/** The bytes of a checkpoint of a training, which `run` names. */
export const encodeCheckpoint = (
  { progress, values, best }: Checkpoint,
  run: string,
): Uint8Array<ArrayBuffer> =>
  writeStored(
    KIND,
    { run, progress: progress as unknown as Json },
    new Map([...prefixed(values, LIVE), ...prefixed(best ?? new Map(), BEST)]),
  );

/** Reads a checkpoint of a training; throws `NEURAL_MODEL`. */
export const decodeCheckpoint = (bytes: Uint8Array, run: string): Checkpoint => {
  const { document, values } = readStored(KIND, bytes);
  if (document.run !== run) {
    throw badModel({
      what: KIND.what,
      reason: "it belongs to a training with other data, another program or other settings",
      path: "/checkpoint",
      expected: run,
      actual: document.run ?? null,
    });
  }
  const progress = Schema.decodeUnknownResult(ProgressSchema)(document.progress);
  if (Result.isFailure(progress)) {
    throw badModel({ what: KIND.what, reason: `its progress is malformed: ${String(progress.failure)}` });
  }
  const best = under(values, BEST);
  return { progress: progress.success, values: under(values, LIVE), ...(best.size === 0 ? {} : { best }) };
};
