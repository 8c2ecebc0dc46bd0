/**
 * Run: the loop that asks a search, evaluates and tells, generation by generation, with a state that is JSON.
 *
 * Not a search: what is asked is decided by the search alone (contract.ts), never by the loop.
 * Invariant: the digest of the state after generation g depends on the search and the evaluator only: not on how many
 * evaluations run at once, in which order they end, or how often the run was interrupted and resumed.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Digest, digestJson } from "../../kernel/digest.ts";
import { isJsonObject, type Json, type JsonObject } from "../../kernel/json.ts";
import type { Candidate, Member, Scores, Search, SearchState } from "./contract.ts";
import { badSetting, badState } from "./failures.ts";
import { judged } from "./population/members.ts";

/** Version of the stored form. */
export const STATE_VERSION = 1;

/** Most evaluations at once. */
export const MAX_CONCURRENCY = 256;

/** What evaluates a candidate. A failure is the worst score, with the failure's text as the reason. */
export type Evaluator<G, R = never> = (candidate: Candidate<G>) => Effect.Effect<Scores, unknown, R>;

const encodedMember = <G>(search: Search<G>, member: Member<G>): Json => ({
  id: member.id,
  genome: search.variation.encode(member.genome),
  parents: member.parents,
  edit: member.edit,
  ...(member.descriptor === undefined ? {} : { descriptor: member.descriptor }),
  ...(member.failed === undefined
    ? { objectives: member.objectives, violation: member.violation }
    : { failed: member.failed }),
});

/** The state as JSON. */
export const encodeState = <G>(search: Search<G>, state: SearchState<G>): Json => ({
  version: STATE_VERSION,
  search: search.name,
  generation: state.generation,
  evaluations: state.evaluations,
  members: state.members.map((member) => encodedMember(search, member)),
  memory: state.memory,
});

/** The digest of a state: equal for equal runs. */
export const stateDigest = <G>(search: Search<G>, state: SearchState<G>): Digest =>
  digestJson(encodeState(search, state));

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

const decodedMember = <G>(search: Search<G>, json: Json, at: number): Member<G> => {
  const fault = (reason: string) => badState({ reason: `member ${at} ${reason}`, path: `/members/${at}` });
  if (!isJsonObject(json) || typeof json.id !== "string" || typeof json.edit !== "string" || !isTexts(json.parents)) {
    throw fault("lacks an id, an edit or parents");
  }
  const candidate = {
    id: json.id,
    genome: search.variation.decode(json.genome ?? null),
    parents: json.parents,
    edit: json.edit,
  };
  const member = judged(candidate, json, search.objectives);
  if (member.failed !== undefined && typeof json.failed !== "string") throw fault(`has no scores: ${member.failed}`);
  return member;
};

const decodedMemory = (json: Json, first: SearchState<unknown>["memory"]): SearchState<unknown>["memory"] => {
  const isRow = (value: unknown) => Array.isArray(value) && value.every(Number.isFinite);
  if (!isJsonObject(json) || !Object.values(json).every(isRow)) {
    throw badState({ reason: "its memory is not rows of finite numbers", path: "/memory" });
  }
  for (const [name, row] of Object.entries(first)) {
    const found = json[name] as ReadonlyArray<number> | undefined;
    if (found === undefined || (row.length > 0 && found.length !== row.length)) {
      throw badState({ reason: `its memory lacks the row ${name} of ${row.length} numbers`, path: `/memory/${name}` });
    }
  }
  return json as SearchState<unknown>["memory"];
};

const header = (search: Search<unknown>, json: Json): JsonObject => {
  if (!isJsonObject(json)) throw badState({ reason: "the state is not an object" });
  const wanted = { version: STATE_VERSION, search: search.name };
  for (const [key, expected] of Object.entries(wanted)) {
    if (json[key] !== expected) {
      throw badState({
        reason: `its ${key} is ${JSON.stringify(json[key])}, not ${JSON.stringify(expected)}`,
        path: `/${key}`,
        expected,
        ...(json[key] === undefined ? {} : { actual: json[key] }),
      });
    }
  }
  return json;
};

/** The state of its JSON; throws EVOLUTION_STATE where it is malformed or belongs to another search. */
export const decodeState = <G>(search: Search<G>, json: Json): SearchState<G> => {
  const { generation, evaluations, members, memory } = header(search as unknown as Search<unknown>, json);
  if (!isCount(generation) || !isCount(evaluations) || !Array.isArray(members)) {
    throw badState({ reason: "its counts or members are malformed" });
  }
  if (generation > 0 && members.length < search.fewest) {
    throw badState({ reason: `it has ${members.length} members of ${search.fewest}`, path: "/members" });
  }
  return {
    generation,
    evaluations,
    members: members.map((member: Json, at: number) => decodedMember(search, member, at)),
    memory: decodedMemory(memory ?? null, search.start.memory),
  };
};

/** What a run reports after each generation. */
export interface Progress<G> {
  /** The state, from which the run can go on. */
  readonly state: SearchState<G>;
  /** The candidates of the generation with their judged scores, in the order they were asked: the lineage. */
  readonly told: ReadonlyArray<Member<G>>;
}

/** How a run goes. */
export interface RunOptions<G, R> {
  /** What evaluates candidates. */
  readonly evaluate: Evaluator<G, R>;
  /** Generations after which the run ends, counted from the first of the search. */
  readonly generations: number;
  /** Evaluations at once; 1 where absent. */
  readonly concurrency?: number;
  /** Where the run begins; the search's start where absent. */
  readonly from?: SearchState<G>;
  /** Told after every generation, before the next is asked: the place to store the state. */
  readonly onGeneration?: (progress: Progress<G>) => Effect.Effect<void, never, R>;
}

const reasonOf = (failure: unknown): string =>
  failure instanceof Error ? failure.message : typeof failure === "string" ? failure : JSON.stringify(failure) ?? "";

const checkedOptions = (generations: number, concurrency: number): void => {
  const limits = { generations: [0, Number.MAX_SAFE_INTEGER], concurrency: [1, MAX_CONCURRENCY] } as const;
  for (const [setting, value] of [["generations", generations], ["concurrency", concurrency]] as const) {
    const [least, most] = limits[setting];
    if (!(Number.isSafeInteger(value) && value >= least && value <= most)) {
      throw badSetting({
        setting,
        wanted: `a whole number in ${least} … ${most}`,
        found: String(value),
        path: `/${setting}`,
      });
    }
  }
};

/**
 * Runs a search for a number of generations and gives its last state.
 *
 * A generation is told only when all its evaluations have ended, so an interruption loses at most one generation; a
 * candidate whose evaluation fails has the worst score. Defects of the evaluator stay defects. Throws EVOLUTION_SETTING.
 */
export const run = <G, R = never>(
  search: Search<G>,
  { evaluate, generations, concurrency = 1, from = search.start, onGeneration }: RunOptions<G, R>,
): Effect.Effect<SearchState<G>, never, R> => {
  checkedOptions(generations, concurrency);
  const scored = (candidate: Candidate<G>): Effect.Effect<unknown, never, R> =>
    Effect.match(evaluate(candidate), {
      onSuccess: (scores): unknown => scores,
      onFailure: (failure): unknown => ({ failed: reasonOf(failure) }),
    });
  return Effect.gen(function* () {
    let state = from;
    while (state.generation < generations) {
      const asked = search.ask(state);
      const scores = yield* Effect.forEach(asked, scored, { concurrency });
      state = search.tell(state, asked, scores);
      if (onGeneration !== undefined) {
        const told = asked.map((candidate, at) => judged(candidate, scores[at], search.objectives));
        yield* onGeneration({ state, told });
      }
    }
    return state;
  });
};
