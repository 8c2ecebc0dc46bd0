/**
 * Members: scores judged, and the objectives of a population as points.
 *
 * Invariant: a candidate that failed, or whose scores are not finite numbers, is worse than every other, keeps its
 * reason, and never reaches an objective value.
 *
 * @module
 */
import type { Candidate, Member, Scores, SearchState } from "../contract.ts";
import { wrongScores } from "../failures.ts";
import type { Points } from "../objectives/points.ts";

const faultOf = (told: unknown, width: number): string | undefined => {
  if (typeof told !== "object" || told === null) return `no scores: ${String(told)}`;
  if ("failed" in told) return String(told.failed);
  const { objectives, violation = 0, descriptor = [] } = told as { readonly [Key in keyof Scores]?: unknown };
  if (!Array.isArray(objectives)) return "no objectives";
  if (objectives.length !== width) return `${objectives.length} objectives where ${width} are wanted`;
  const at = Array.from(objectives).findIndex((value) => typeof value !== "number" || !Number.isFinite(value));
  if (at >= 0) return `objective ${at} is ${String(objectives[at])}`;
  if (typeof violation !== "number" || !(violation >= 0 && violation < Infinity)) {
    return `the violation is ${String(violation)}`;
  }
  if (!Array.isArray(descriptor) || !Array.from(descriptor).every(Number.isFinite)) {
    return "the descriptor is not a list of finite numbers";
  }
  return undefined;
};

/** A candidate with what was told of it; anything but finite scores of the right number is a failure with its reason. */
export const judged = <G>(candidate: Candidate<G>, told: unknown, width: number): Member<G> => {
  const { id, genome, parents, edit } = candidate;
  const failed = faultOf(told, width);
  if (failed !== undefined) return { id, genome, parents, edit, objectives: [], violation: 0, failed };
  const { objectives, violation = 0, descriptor } = told as Scores;
  // Adding 0 turns −0, which canonical JSON refuses, into 0.
  const plain = (values: ReadonlyArray<number>) => values.map((value) => value + 0);
  const scored = { id, genome, parents, edit, objectives: plain(objectives), violation: violation + 0 };
  return descriptor === undefined ? scored : { ...scored, descriptor: plain(descriptor) };
};

/** All candidates judged; throws EVOLUTION_SCORES where there is not one score for each. */
export const judgedAll = <G>(
  asked: ReadonlyArray<Candidate<G>>,
  scores: ReadonlyArray<unknown>,
  width: number,
): ReadonlyArray<Member<G>> => {
  if (asked.length !== scores.length) throw wrongScores({ asked: asked.length, told: scores.length });
  return asked.map((candidate, at) => judged(candidate, scores[at], width));
};

/** The objectives of members; a failed one has infinities. */
export const pointsOfMembers = (members: ReadonlyArray<Member<unknown>>, width: number): Points => {
  const data = new Float64Array(members.length * width).fill(Infinity);
  members.forEach(({ objectives }, i) => data.set(objectives, i * width));
  return { count: members.length, width, data };
};

/** The violations of members; infinite for a failed one. */
export const violationsOf = (members: ReadonlyArray<Member<unknown>>): Float64Array =>
  Float64Array.from(members, ({ violation, failed }) => failed === undefined ? violation : Infinity);

/** A state before anything was asked. */
export const beginning = <G>(): SearchState<G> => ({ generation: 0, evaluations: 0, members: [], memory: {} });

/** Names for the genomes of a generation. */
export const named = <G>(
  generation: number,
  born: ReadonlyArray<Omit<Candidate<G>, "id">>,
): ReadonlyArray<Candidate<G>> => born.map((child, place) => ({ id: `${generation}.${place}`, ...child }));

/** The order of members by their one objective, best first: feasible ones, then by violation, failed ones last. */
export const byScore = (a: Member<unknown>, b: Member<unknown>): number =>
  Number(a.failed !== undefined) - Number(b.failed !== undefined) || a.violation - b.violation ||
  (a.objectives[0] ?? 0) - (b.objectives[0] ?? 0);
