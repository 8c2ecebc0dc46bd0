/**
 * Suite: the cases that judge a candidate: some that its maker may see, some that are held back.
 *
 * Not the candidate's own tests: who proposes a candidate never brings its suite (self/).
 * Invariant: a suite without cases, without held-back cases, or that one answer to everything solves, judges nothing and
 * is refused; its digest names it, so a changed suite is another one.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Digest, digestJson } from "../../../kernel/digest.ts";
import { canonicalJson, type Json } from "../../../kernel/json.ts";
import { JsonValue, role } from "../../../kernel/mod.ts";
import { ArtifactName } from "../../../registry/artifact.ts";
import { badSuite } from "../failures.ts";
import { depthOf, matches, MAX_CASE_DEPTH } from "./matching.ts";

/** Most cases of a suite, seen and held back together. */
export const MAX_CASES = 1_000;

/** Largest suite, bytes of canonical JSON. */
export const MAX_SUITE_BYTES = 1_048_576;

/** What a candidate is given, and what it has to answer. */
export interface Case {
  /** Its name in reports; its number where absent. */
  readonly name?: string;
  /** A module's argument; a program's inputs by name, as `rmil.run` takes them; a graph's tensors in their order. */
  readonly input: Json;
  /** The right answer; a program's as `rmil.run` gives it; a graph's tensor, or the list of several. */
  readonly wants: Json;
}

/** The kinds of candidates that a suite can judge. */
export const CANDIDATE_KINDS = ["program", "graph", "module"] as const;

/** A kind of candidate: a program of the language, a typed graph, or a JavaScript or TypeScript module. */
export type CandidateKind = typeof CANDIDATE_KINDS[number];

/** Cases for one kind of candidate. */
export interface Suite {
  /** Its name. */
  readonly name: string;
  /** What it judges. */
  readonly kind: CandidateKind;
  /** Cases that a candidate's maker may see. */
  readonly seen: ReadonlyArray<Case>;
  /** Cases that nobody is told about: the score is made of them. */
  readonly held: ReadonlyArray<Case>;
  /** By how much a number may be off, relative to it where it is larger than 1; 0 where absent. */
  readonly tolerance?: number;
}

const CaseJson = Schema.Struct({
  name: Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(80))),
  input: JsonValue.annotate({ description: "a module's argument; a program's inputs by name, as rmil.run takes them" }),
  wants: JsonValue.annotate({ description: "the right answer; a program's as rmil.run gives it" }),
});

const Cases = Schema.Array(CaseJson).check(Schema.isMaxLength(MAX_CASES));

const fields = {
  name: ArtifactName,
  kind: Schema.Literals(CANDIDATE_KINDS),
  seen: Cases.annotate({ description: "cases that a candidate's maker may see" }),
  tolerance: Schema.optionalKey(
    Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })).annotate({
      description: "by how much a number may be off, relative to it where it is larger than 1; 0 where absent",
    }),
  ),
};

/** Schema of {@link Suite}. */
export const Suite: Schema.Codec<Suite> = Schema.Struct({ ...fields, held: Cases }) as unknown as Schema.Codec<Suite>;

/** A suite as a caller gives it: what is held back is text of JSON, so that it is kept as a secret would be. */
export interface SuiteGiven extends Omit<Suite, "held"> {
  /** The cases held back, as JSON text. */
  readonly held: string;
}

/** Schema of {@link SuiteGiven}. */
export const SuiteGiven: Schema.Codec<SuiteGiven> = Schema.Struct({
  ...fields,
  held: role(
    "privateText",
    'Cases held back, as JSON text [{"input": …, "wants": …}, …]: the score is made of them, and nothing shows them',
    Schema.String.check(Schema.isMaxLength(MAX_SUITE_BYTES)),
  ),
}) as unknown as Schema.Codec<SuiteGiven>;

const decodeCases = Schema.decodeUnknownResult(Cases);

/** The suite that a caller gave; throws EVOLUTION_SUITE where it cannot judge. */
export const suiteFrom = (given: SuiteGiven, path = "/suite"): Suite => {
  let cases: unknown;
  try {
    cases = JSON.parse(given.held);
  } catch {
    throw badSuite({ reason: "what it holds back is not JSON text", path: `${path}/held` });
  }
  const held = decodeCases(cases, { onExcessProperty: "error" });
  if (Result.isSuccess(held)) return checkedSuite({ ...given, held: held.success as ReadonlyArray<Case> }, path);
  // What is wrong with a case would show it, so only that something is.
  throw badSuite({ reason: "what it holds back is not a list of {name?, input, wants}", path: `${path}/held` });
};

/** The identity of a suite. */
export const suiteDigest = (suite: Suite): Digest => digestJson(suite as unknown as Json);

/** The bytes of a suite in the store. */
export const suiteBytes = (suite: Suite): Uint8Array =>
  new TextEncoder().encode(canonicalJson(suite as unknown as Json));

/** The share of held-back cases that the best single answer to everything passes. */
export const trivialScore = ({ held, tolerance = 0 }: Suite): number => {
  const best = held.reduce(
    (most, { wants }) => Math.max(most, held.filter((other) => matches(wants, other.wants, tolerance)).length),
    0,
  );
  return held.length === 0 ? 1 : best / held.length;
};

/** Throws EVOLUTION_SUITE where a suite cannot judge. */
export const checkedSuite = (suite: Suite, path = "/suite"): Suite => {
  const { seen, held } = suite;
  const refuse = (reason: string, at: string) => badSuite({ reason, path: `${path}${at}` });
  if (seen.length === 0) throw refuse("it has no cases that can be seen", "/seen");
  if (held.length === 0) throw refuse("it holds no cases back", "/held");
  if (seen.length + held.length > MAX_CASES) throw refuse(`it has more than ${MAX_CASES} cases`, "");
  const bytes = suiteBytes(suite).length;
  if (bytes > MAX_SUITE_BYTES) throw refuse(`it has ${bytes} bytes, more than ${MAX_SUITE_BYTES}`, "");
  const names = [...seen, ...held].flatMap(({ name }) => name ?? []);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refuse(`two cases are called "${twice}"`, "");
  for (const [part, cases] of [["seen", seen], ["held", held]] as const) {
    const deep = cases.findIndex(({ input, wants }) =>
      depthOf(input) > MAX_CASE_DEPTH || depthOf(wants) > MAX_CASE_DEPTH
    );
    if (deep >= 0) throw refuse(`a case nests deeper than ${MAX_CASE_DEPTH}`, `/${part}/${deep}`);
  }
  const known = new Set(seen.map(({ input }) => canonicalJson(input)));
  const leaked = held.findIndex(({ input }) => known.has(canonicalJson(input)));
  if (leaked >= 0) throw refuse("a case that is held back can be seen", `/held/${leaked}`);
  if (trivialScore(suite) === 1) throw refuse("one answer to everything passes every case that is held back", "/held");
  return suite;
};
