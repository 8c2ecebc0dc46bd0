/**
 * Handler of the main job: what is asked, with what was left open filled in; and the short answer.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { isFailure } from "../../kernel/failure.ts";
import { CallContext } from "../../kernel/context.ts";
import { attempting } from "./attempting.ts";
import { create, type CreateCall, type Created, unfinished } from "./create/pipeline.ts";
import { relative, sourceOf } from "./create/data.ts";
import {
  type CreateBudget,
  type CreateRequest,
  DEFAULT_FLOPS,
  DEFAULT_LIMITS,
  DEFAULT_SEED,
} from "./create/request.ts";
import type { ExportRecord } from "./create/result.ts";
import { toldOf } from "./create/telling.ts";
import { cannotCreate } from "./failures.ts";
import { type Create, DEFAULT_WORKERS } from "./operations_create.ts";
import { askedOf } from "./tables/source.ts";

type Input = (typeof Create)["input"]["Type"];

const budgetOf = ({ flops, wallMs }: NonNullable<Input["budget"]>): CreateBudget => {
  if (flops !== undefined && wallMs !== undefined) {
    throw cannotCreate({
      reason: "its budget is said in operations and in time",
      path: "/budget",
      fix: { summary: "Say operations alone", patch: [{ op: "remove", path: "/budget/wallMs" }] },
    });
  }
  return wallMs === undefined ? { kind: "flops", value: flops ?? DEFAULT_FLOPS } : { kind: "time", value: wallMs };
};

const requested = (input: Input, workspace: string): CreateRequest => {
  const { data, target, task, budget = {}, seed = DEFAULT_SEED, numerics = "fast", limits } = input;
  if (data === undefined) {
    throw cannotCreate({
      reason: "no data are named",
      path: "/data",
      fix: { summary: "Learn digits", patch: [{ op: "add", path: "/data", value: "digits" }] },
    });
  }
  const source = sourceOf({
    data,
    ...(target === undefined ? {} : { target }),
    ...(task === undefined ? {} : { task }),
  });
  return {
    source: relative(source, workspace),
    budget: budgetOf(budget),
    seed,
    numerics,
    limits: { ...DEFAULT_LIMITS, ...limits },
  };
};

/** Members that a run that is resumed has already. */
const SETTLED = ["data", "target", "task", "budget", "seed", "numerics", "limits"] as const;

const resumed = (input: Input) =>
  Effect.gen(function* () {
    const given = SETTLED.find((member) => input[member] !== undefined);
    if (given === undefined) return yield* unfinished(input.name);
    return yield* cannotCreate({
      reason: `a run that goes on has its ${given} already`,
      path: `/${given}`,
      fix: { summary: `Leave ${given} out`, patch: [{ op: "remove", path: `/${given}` }] },
    });
  });

const verifiedBy = ({ verified }: ExportRecord): string =>
  "by" in verified
    ? `${verified.by}: ${verified.samples - verified.otherAnswers} of ${verified.samples} answers alike`
    : verified.absent;

/** Measures of the short answer. */
const SHOWN: ReadonlyArray<string> = ["accuracy", "r2", "mae", "loss", "calibrationError"];

/** Characters of a digest that tell it from others. */
const SHOWN_DIGEST = 19;

const shown = (scores: { readonly [name: string]: number }): { readonly [name: string]: number } =>
  Object.fromEntries(SHOWN.flatMap((name) => scores[name] === undefined ? [] : [[name, scores[name]]]));

const answerOf = ({ result, files, before }: Created, workspace: string, digest: Created["digest"]) => {
  const path = (file: string): string => relative({ path: file }, workspace).path!;
  const { model, judged, quantised, registration, candidates, steps, exports } = result;
  const sum = (values: ReadonlyArray<number>): number => values.reduce((all, value) => all + value, 0);
  const answer = {
    run: result.run,
    model: model.digest,
    program: model.program.text,
    programBytes: Uint8Array.fromBase64(model.program.base64).length,
    parameters: model.parameters,
    flops: model.flops,
    candidates: candidates.length,
    front: candidates.filter(({ front }) => front).length,
    validation: shown(judged.validation),
    test: shown(judged.test),
    ...(quantised === undefined
      ? {}
      : { int8: { model: quantised.digest, test: shown(quantised.test), otherAnswers: quantised.otherAnswers } }),
    registration: {
      domain: registration.domain,
      state: registration.state,
      by: registration.by,
      ...(registration.proposal === undefined ? {} : { proposal: registration.proposal }),
    },
    rollback: result.rollback.map(({ did, document }) => `${did} ${document.slice(0, SHOWN_DIGEST)}`),
    reproducible: result.budget.reproducible,
    profile: result.profile,
    spent: {
      flops: sum(steps.map(({ spent }) => spent.flops)),
      wallMs: sum(steps.map(({ spent }) => spent.wallMs ?? 0)),
    },
    predicted: {
      flops: sum(steps.map(({ predicted }) => predicted?.flops ?? 0)),
      wallMs: sum(steps.map(({ predicted }) => predicted?.wallMs ?? 0)),
    },
    files: exports.map((one) => ({ what: one.format, file: one.file, verified: verifiedBy(one) })),
    report: path(files.report),
    result: digest,
    before,
    command: result.command,
  };
  return { ...answer, text: toldOf(answer) };
};

const created = (input: Input) =>
  Effect.gen(function* () {
    const { workspace } = yield* CallContext;
    const { name, request } = input.resume === true
      ? yield* resumed(input)
      : { name: input.name, request: yield* attempting(() => requested(input, workspace)) };
    const call: CreateCall = {
      workers: input.workers ?? DEFAULT_WORKERS,
      ...(name === undefined ? {} : { name }),
      ...(input.out === undefined ? {} : { folder: input.out }),
    };
    const made = yield* create(request, call);
    return answerOf(made, workspace, made.digest);
  });

/** The handlers. */
export const createHandlers = {
  "evolution.create": (input: Input) =>
    Effect.mapError(
      created(input),
      (failure) =>
        isFailure(failure) && input.data !== undefined ? askedOf(failure, { ...input, data: input.data }) : failure,
    ),
} as const;
