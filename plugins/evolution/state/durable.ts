/**
 * Durable: the loop of run.ts with every so many generations stored, so that a run survives whatever ends its process.
 *
 * Not a search, and not what evaluates. Invariant: the archive and the state after generation g depend on the search and
 * the evaluator alone: not on how many evaluations run at once, on how often the run was interrupted, or on how often it
 * was stored. A failure of the evaluator as a whole (not of a candidate) ends the run before the generation is told.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { Digest } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import { attempting } from "../attempting.ts";
import type { Candidate, Member, Search, SearchState } from "../contract.ts";
import { judged } from "../population/members.ts";
import { decodeState, encodeState } from "../run.ts";
import { archived } from "./archive.ts";
import type { KeepsRuns, OpenRun, RunFailure, RunStep } from "./keeping.ts";
import { type LineageRow, lineageRow } from "./record.ts";

/** Why a run ended. */
export const END_REASONS = ["generations", "evaluations", "wallMs", "goal", "flops", "exhausted"] as const;

/** One reason. */
export type EndReason = typeof END_REASONS[number];

/** What a run may use; it ends between two generations. Counted from the run's beginning, but for the time. */
export interface RunBudget {
  /** Generations. */
  readonly generations?: number;
  /** Evaluations after which no further generation begins. */
  readonly evaluations?: number;
  /** Milliseconds of this call after which no further generation begins: not reproducible. */
  readonly wallMs?: number;
}

/** Where a run stands, as its caller sees it. */
export interface Standing<G> {
  /** The search's state. */
  readonly state: SearchState<G>;
  /** Candidates that failed so far. */
  readonly failures: number;
  /** The best so far. */
  readonly archive: ReadonlyArray<LineageRow>;
  /** What else the run remembers. */
  readonly memory: Json;
}

/** A generation that was told. */
export interface Generation<G> extends Standing<G> {
  /** Its candidates, judged. */
  readonly told: ReadonlyArray<Member<G>>;
}

/** How a run goes. */
export interface DurableOptions<G, E, R> {
  /** Where it is kept. */
  readonly run: OpenRun;
  /** What asks. */
  readonly search: Search<G>;
  /** Scores a generation's candidates, in their order; what is no score is the worst. */
  readonly evaluate: (asked: ReadonlyArray<Candidate<G>>) => Effect.Effect<ReadonlyArray<unknown>, E, R>;
  /** What it may use. */
  readonly budget: RunBudget;
  /** Generations between two saves; 1 where absent. */
  readonly every?: number;
  /** The objective of the best at which it ends, where there is one objective. */
  readonly goal?: number;
  /** Why it ends besides, asked between two generations. */
  readonly stop?: (standing: Standing<G>) => EndReason | undefined;
  /** What the lineage says of a candidate besides its scores. */
  readonly note?: (member: Member<G>, told: unknown) => Json | undefined;
  /** Told after every generation, before it is stored. */
  readonly onGeneration?: (generation: Generation<G>) => Effect.Effect<void, E, R>;
  /** Asked at every save: what else the run remembers, and the artifacts that this speaks of. */
  readonly remember?: (standing: Standing<G>) => { readonly memory: Json; readonly references?: ReadonlyArray<Digest> };
}

/** How a run ended. */
export interface Ended<G> extends Standing<G> {
  /** Why. */
  readonly reason: EndReason;
  /** Whether it began at a stored state. */
  readonly resumed: boolean;
  /** The artifact of its last state. */
  readonly digest: Digest;
}

const reasonToEnd = <G>(
  standing: Standing<G>,
  { budget, goal, search, stop }: DurableOptions<G, never, never>,
  wallMs: number,
): EndReason | undefined => {
  const { state, archive } = standing;
  const [best] = archive;
  if (goal !== undefined && search.objectives === 1 && best !== undefined && best.violation === undefined) {
    if (best.objectives![0] <= goal) return "goal";
  }
  if (state.generation >= (budget.generations ?? Infinity)) return "generations";
  if (state.evaluations >= (budget.evaluations ?? Infinity)) return "evaluations";
  return wallMs >= (budget.wallMs ?? Infinity) ? "wallMs" : stop?.(standing);
};

/** Where a run begins: its start, or where it was stored. */
const beginningOf = <G>(run: OpenRun, search: Search<G>): Effect.Effect<Standing<G>, RunFailure> => {
  const { from } = run;
  if (from === undefined) return Effect.succeed({ state: search.start, failures: 0, archive: [], memory: null });
  const { failures, archive, memory } = from;
  return Effect.map(attempting(() => decodeState(search, from.search)), (state) => ({
    state,
    failures,
    archive,
    memory,
  }));
};

/** One generation: asked, evaluated, told. */
const generation = <G, E, R>(standing: Standing<G>, { search, evaluate, note }: DurableOptions<G, E, R>) =>
  Effect.gen(function* () {
    const asked = search.ask(standing.state);
    const scores = yield* evaluate(asked);
    const state = yield* attempting(() => search.tell(standing.state, asked, scores));
    const told = asked.map((candidate, at) => judged(candidate, scores[at], search.objectives));
    const rows = told.map((member, at) =>
      lineageRow(search.variation, state.generation, member, note?.(member, scores[at]))
    );
    const failures = standing.failures + told.filter(({ failed }) => failed !== undefined).length;
    const archive = archived(standing.archive, rows, search.objectives);
    return { state, failures, archive, memory: standing.memory, told, rows };
  });

const stepOf = <G, E, R>(
  standing: Standing<G>,
  rows: ReadonlyArray<LineageRow>,
  { search, remember }: DurableOptions<G, E, R>,
): RunStep => {
  const { state, failures, archive } = standing;
  const { memory, references = [] } = remember?.(standing) ?? { memory: standing.memory };
  return {
    generation: state.generation,
    evaluations: state.evaluations,
    failures,
    search: encodeState(search, state),
    archive,
    memory,
    rows,
    references,
  };
};

/** Runs a search until its budget is used, from where it stood; stores it every so often and at its end. */
export const runDurably = <G, E = never, R = never>(
  options: DurableOptions<G, E, R>,
): Effect.Effect<Ended<G>, E | RunFailure, R | KeepsRuns> =>
  Effect.gen(function* () {
    const { run, search, every = 1, onGeneration } = options;
    const resumed = run.from !== undefined;
    const began = yield* Clock.currentTimeMillis;
    const ending = (standing: Standing<G>) =>
      Effect.map(Clock.currentTimeMillis, (now) => reasonToEnd(standing, options as never, now - began));
    let standing = yield* beginningOf(run, search);
    let waiting: ReadonlyArray<LineageRow> = [];
    let reason = yield* ending(standing);
    // An ended run that is asked for again is answered as it stands.
    if (reason !== undefined && run.from !== undefined && run.from.ended !== null) {
      return { ...standing, reason, resumed, digest: run.stored! };
    }
    // Whatever ends the process from here on, the name leads back to the run.
    if (reason === undefined && !resumed) yield* run.save(stepOf(standing, [], options));
    while (reason === undefined) {
      const { told, rows, ...next } = yield* generation(standing, options);
      waiting = [...waiting, ...rows];
      standing = next;
      if (onGeneration !== undefined) yield* onGeneration({ ...standing, told });
      reason = yield* ending(standing);
      if (reason !== undefined || standing.state.generation % every !== 0) continue;
      yield* run.save(stepOf(standing, waiting, options));
      waiting = [];
    }
    const last = stepOf(standing, waiting, options);
    const { digest } = yield* run.end(last, reason);
    return { ...standing, memory: last.memory, reason, resumed, digest };
  });
