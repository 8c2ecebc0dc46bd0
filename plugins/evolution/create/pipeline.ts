/**
 * Pipeline: the main job from data to a verified, explained, reversible model: its steps in order over one run that is
 * kept.
 *
 * Not a step. Invariant: whatever ends the process, the same call goes on from what is stored and ends with the same model
 * as a run that was never disturbed; a run that ended is answered from what it found.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { Ledger } from "../../../effects/mod.ts";
import { CallContext } from "../../../kernel/context.ts";
import type { Digest } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import { Budget } from "../../../kernel/meter.ts";
import { resolvePath } from "../../../kernel/paths.ts";
import { withWorkers } from "../../../kernel/workers.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { attempting as attemptingNeural, diskFiles, openData } from "../../neural/library.ts";
import { isRefused, judgeArchitecture } from "../architectures/judge.ts";
import { type ArchitectureSpace, architectureSpace, SIMPLEST } from "../architectures/space.ts";
import { attempting } from "../attempting.ts";
import { cannotCreate } from "../failures.ts";
import { nsga2 } from "../nsga2.ts";
import { decodeState } from "../run.ts";
import { openRun, readLineage, readRun, runNames } from "../state/keeping.ts";
import { affordable, leastBudget, POPULATION } from "./budget.ts";
import { digestOfData, type Learnable, learnable, located, relative } from "./data.ts";
import { FIRST_MEMORY, memoryOf } from "./memory.ts";
import { recipes } from "./recipe.ts";
import { type CreateRequest, nameOfRun, specOf } from "./request.ts";
import type { CreateResult } from "./result.ts";
import { discover } from "./steps/discover.ts";
import { evolve } from "./steps/evolve.ts";
import { exportAll } from "./steps/export.ts";
import { generate } from "./steps/generate.ts";
import { judge } from "./steps/judge.ts";
import { keep, quantise } from "./steps/keep.ts";
import { plan, type Planned } from "./steps/plan.ts";
import { promoteAndUndo, register } from "./steps/register.ts";
import { commandOf, report, writeReport } from "./steps/report.ts";
import { forgetTraining, train } from "./steps/train.ts";
import { atStep, OBJECTIVES, remember, stepOf, type Work } from "./work.ts";

/** What a call says besides the request. */
export interface CreateCall {
  /** Workers at once. */
  readonly workers: number;
  /** The run's name, where the caller gave one. */
  readonly name?: string;
  /** Where files go, where the caller said. */
  readonly folder?: string;
}

/** The operation whose runs these are. */
export const CREATE = "evolution.create";

/** Opens the data of a request. */
const opened = (request: CreateRequest) =>
  Effect.gen(function* () {
    const { workspace } = yield* CallContext;
    const found = yield* openData(located(request.source, workspace), yield* diskFiles);
    return yield* attempting(() => learnable(found, request.source));
  });

/** The space of architectures whose first generation the budget has room for. Throws EVOLUTION_CREATE where there is none. */
const spaceFor = ({ limits, budget }: CreateRequest, { shape, outputs }: Learnable): ArchitectureSpace => {
  const flops = Math.min(limits.flops, affordable(budget));
  const simplest = judgeArchitecture(SIMPLEST, { shape, outputs, limits });
  if (!isRefused(simplest) && simplest.flops > flops) {
    const least = leastBudget(simplest.flops);
    throw cannotCreate({
      reason: `${budget.value} operations have no room for a generation of programs; the least is ${least}`,
      path: "/budget",
      fix: { summary: "Allow more operations", patch: [{ op: "add", path: "/budget", value: { flops: least } }] },
    });
  }
  return architectureSpace({ shape, outputs, limits: { ...limits, flops } });
};

/** Everything that the steps share, from what is stored where there is something. */
const begun = (request: CreateRequest, call: CreateCall) =>
  Effect.gen(function* () {
    const startedMs = yield* Clock.currentTimeMillis;
    yield* atStep("reading the data", 0);
    const learned = yield* opened(request);
    const spec = specOf(request, yield* attemptingNeural(() => digestOfData(learned)));
    const space = yield* attempting(() => spaceFor(request, learned));
    const search = nsga2({
      variation: recipes(space, learned.shape.length === 3),
      objectives: OBJECTIVES.length,
      seed: `${request.seed}/create`,
      size: POPULATION,
    });
    const name = call.name ?? nameOfRun(learned.dataset.name, spec);
    const run = yield* openRun({ name, operation: CREATE, spec, path: "/name" });
    const { from } = run;
    const memory = from === undefined ? FIRST_MEMORY : yield* attempting(() => memoryOf(from.memory));
    const work: Work = {
      request,
      workers: call.workers,
      learned,
      space,
      search,
      run,
      state: from === undefined ? search.start : yield* attempting(() => decodeState(search, from.search)),
      rows: from === undefined ? [] : yield* readLineage(from.lineage, name),
      memory,
      mayUse: 0,
      planned: { flops: 0, wallMs: 0 },
      steps: [],
      startedMs,
      earlierMs: memory.wallMs,
    };
    return work;
  });

/** What a run answers. */
export interface Created {
  /** What was found. */
  readonly result: CreateResult;
  /** Where the page and the document lie. */
  readonly files: { readonly report: string; readonly result: string };
  /** What was found, as an artifact. */
  readonly digest: Digest;
  /** Whether the run ended before this call: nothing was done again. */
  readonly before: boolean;
}

/** The answer of a run that ended before. */
const answered = (work: Work, folder: string) =>
  Effect.gen(function* () {
    const { result: digest } = work.memory;
    const bytes = yield* (yield* Artifacts).read(digest!);
    const result = JSON.parse(new TextDecoder().decode(bytes)) as CreateResult;
    const { invoke } = yield* CallContext;
    for (const { format, file } of result.exports) {
      const to = resolvePath(folder, file.split("/").at(-1)!);
      yield* invoke("neural.export", { digest: result.model.digest, to: format, file: to });
    }
    return {
      result,
      files: yield* writeReport(result, folder),
      digest: digest!,
      before: true,
    } satisfies Created as Created;
  });

/** Takes what the run may use from the call's account. */
const paid = ({ mayUse }: Planned) =>
  Effect.flatMap(Effect.service(Budget), (account) => account.spend("fuel", Math.ceil(mayUse)));

const steps = (work: Work, folder: string) =>
  Effect.gen(function* () {
    const { request } = work;
    const { workspace } = yield* CallContext;
    const from = (yield* (yield* Ledger).head).count;
    const planned = yield* plan(work);
    work.planned = planned;
    work.mayUse = planned.mayUse;
    yield* paid(planned);
    const capabilities = yield* discover(work.steps);
    const refused = yield* generate(work, capabilities);
    const row = yield* evolve(work);
    const trained = yield* train(work, row);
    const judgement = yield* judge(work, trained);
    const kept = yield* keep(work, row, trained, judgement);
    const quantised = yield* quantise(work, trained, kept, judgement);
    const written = yield* exportAll(work, folder, capabilities, kept, trained, judgement);
    const exports = written.map((one) => ({ ...one, file: relative({ path: one.file }, workspace).path! }));
    const { record: { lineage } } = yield* readRun(work.run.name);
    const registration = yield* register(work, kept, lineage);
    const rollback = yield* promoteAndUndo(work, kept, registration, capabilities);
    const found = {
      planned,
      capabilities,
      refused,
      chosen: row.id,
      trained,
      judgement,
      kept,
      quantised,
      exports,
      registration,
      rollback,
      from,
    };
    const { result, files, digest } = yield* report(work, found, commandOf(request), folder);
    work.memory = { ...work.memory, phase: "trained", result: digest };
    const ending = { ...stepOf(work, []), references: [digest, kept.info.digest] };
    yield* work.run.end(ending, request.budget.kind === "flops" ? "flops" : "wallMs");
    yield* forgetTraining(work);
    return { result, files, digest, before: false } satisfies Created as Created;
  });

/** Creates a model. */
export const create = (request: CreateRequest, call: CreateCall) =>
  Effect.gen(function* () {
    const { outputFolder } = yield* CallContext;
    const work = yield* begun(request, call);
    const folder = call.folder ?? resolvePath(outputFolder, work.run.name);
    if (work.run.from?.ended != null && work.memory.result !== undefined) return yield* answered(work, folder);
    // A run that is interrupted at once can be gone on with as well.
    if (work.run.from === undefined) yield* remember(work, {});
    return yield* withWorkers({ workers: work.workers }, steps(work, folder));
  });

/** The request of a run that is stored. */
const requestOf = (spec: Json): CreateRequest => {
  const { source, budget, seed, numerics, limits } = spec as unknown as CreateRequest;
  return { source, budget, seed, numerics, limits };
};

/** The run that was left last without its end, or the one of a name. */
export const unfinished = (name: string | undefined) =>
  Effect.gen(function* () {
    const names = name === undefined ? yield* runNames : [name];
    const runs = yield* Effect.forEach(names, (one) => readRun(one, "/name"));
    const [newest] = runs
      .filter(({ document, record }) => document.operation === CREATE && (name !== undefined || record.ended === null))
      .toSorted((a, b) => a.info.at < b.info.at ? 1 : -1);
    if (newest !== undefined) return { name: newest.name, request: requestOf(newest.document.spec) };
    const reason = name === undefined ? "no run of it was left without its end" : `${name} is no run of it`;
    return yield* cannotCreate({ reason, path: name === undefined ? "/resume" : "/name" });
  });
