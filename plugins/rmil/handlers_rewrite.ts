/**
 * Handlers of the operations that change programs.
 *
 * Invariant: search gives way to the event loop, spends the caller's fuel, and takes no more of it than there is.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Budget, type Failure, inSlices, isFailure, type Json } from "../../kernel/mod.ts";
import { attempting } from "./attempting.ts";
import type { Program } from "./codec/v1.ts";
import * as v2 from "./codec/v2.ts";
import { type CostName, COSTS, type Optimised, optimiseSteps } from "./egraph/optimise.ts";
import { DEFAULT_LIMITS } from "../ir/library.ts";
import { treeCost } from "./egraph/terms.ts";
import type { Expression } from "./expression.ts";
import type { RmilFailure } from "./failures.ts";
import { Interner } from "./intern.ts";
import { type GivenProgram, programFrom } from "./program_source.ts";
import { programTarget, quantizeProgram } from "./quantize/program.ts";
import { LAW_SETS } from "./rewriting/laws.ts";
import { DEFAULT_FUEL } from "./rewriting/match.ts";
import type { Rule } from "./rewriting/pattern.ts";
import { ruleFromJson } from "./rewriting/pattern_json.ts";
import { looksForLayers, type Marked, marked, type Moved, movesOf, unmarked } from "./rewriting/lineage.ts";
import { rewrite, type Rewriting } from "./rewriting/rewriter.ts";
import type { StrategyName } from "./rewriting/strategy.ts";
import type { Symbols } from "./symbols.ts";
import { print } from "./syntax/printer.ts";

/** Largest tree that is answered as text; shared parts are written out there. */
export const MAX_PRINTED_NODES = 100_000;

/** Most applications whose before and after are shown. */
export const MAX_SHOWN_FIRINGS = 100;

type Outcome<A> = { readonly value: A } | { readonly failure: Failure };

const caught = (thrown: unknown): { readonly failure: Failure } => {
  if (isFailure(thrown)) return { failure: thrown };
  throw thrown;
};

const answer = <A>(outcome: Outcome<A>): Effect.Effect<A, RmilFailure> =>
  "value" in outcome ? Effect.succeed(outcome.value) : Effect.fail(outcome.failure as RmilFailure);

const isPrintable = (root: Expression): boolean => {
  const interner = new Interner();
  return interner.sizeOf(interner.numberOf(root)) <= MAX_PRINTED_NODES;
};

const programJson = (root: Expression, symbols: Symbols) => ({
  ...(isPrintable(root) ? { source: print(root, symbols) } : {}),
  hex: v2.encodeProgram({ root, symbols }).toHex(),
  digest: v2.programDigest({ root, symbols }),
});

/** The input of `rmil.rewrite`, decoded. */
interface RewriteInput {
  readonly program: GivenProgram;
  readonly method?: "search" | "rules";
  readonly laws?: "exact" | "real" | "none";
  readonly rules?: ReadonlyArray<
    { readonly name: string; readonly left: Json; readonly right: Json; readonly guards?: Json }
  >;
  readonly cost?: CostName;
  readonly strategy?: StrategyName;
  readonly growing?: boolean;
  readonly iterations?: number;
  readonly nodes?: number;
  readonly fuel?: number;
}

const rulesOf = ({ rules = [], laws = "exact", method = "search" }: RewriteInput): ReadonlyArray<Rule> => {
  const own = rules.map((rule, i) => ruleFromJson({ ...rule }, `/rules/${i}`));
  if (laws === "none") return own;
  // Laws that go round in circles are for search, which keeps both sides.
  return [...own, ...LAW_SETS[laws].filter(({ shrinks }) => method === "search" || shrinks)];
};

const countedFirings = ({ trace }: Rewriting) => {
  const counts = new Map<string, number>();
  for (const { rule } of trace) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  return [...counts].map(([rule, count]) => ({ rule, count }));
};

const traceJson = ({ trace }: Rewriting, symbols: Symbols) =>
  trace.filter(({ before }) => isPrintable(before)).slice(0, MAX_SHOWN_FIRINGS).map((
    { rule, path, before, after },
  ) => ({
    rule,
    path,
    before: print(unmarked(before), symbols),
    after: print(unmarked(after), symbols),
  }));

/** Search as a generator that answers its failure instead of throwing it. */
const search = function* (
  root: Expression,
  rules: ReadonlyArray<Rule>,
  input: RewriteInput,
  fuel: number,
): Generator<void, Outcome<Optimised>> {
  const { iterations = DEFAULT_LIMITS.iterations, nodes = DEFAULT_LIMITS.nodes, cost = "work" } = input;
  try {
    return {
      value: yield* optimiseSteps(root, { laws: rules, cost: COSTS[cost], limits: { iterations, nodes, fuel } }),
    };
  } catch (thrown) {
    return caught(thrown);
  }
};

const movedJson = (marks: Marked | undefined, made: Expression): { readonly moved?: ReadonlyArray<Moved> } => {
  const moved = marks && movesOf(marks, made);
  return moved === undefined ? {} : { moved };
};

const bySearch = (program: Program, rules: ReadonlyArray<Rule>, input: RewriteInput, fuel: number) =>
  Effect.gen(function* () {
    const marks = rules.some(looksForLayers) ? undefined : marked(program.root);
    const start = marks?.root ?? program.root;
    const found = yield* answer(yield* inSlices(() => search(start, rules, input, fuel)));
    return {
      ...(yield* attempting(() => programJson(unmarked(found.expression), program.symbols))),
      changed: found.expression !== start,
      ...movedJson(marks, found.expression),
      end: found.saturation?.end ?? "selfReference",
      costBefore: found.costBefore,
      costAfter: found.costAfter,
      applied: (found.saturation?.unions ?? []).filter(({ count }) => count > 0),
      fuelUsed: found.saturation?.fuelUsed ?? 0,
    };
  });

const byRules = ({ root, symbols }: Program, rules: ReadonlyArray<Rule>, input: RewriteInput, fuel: number) =>
  attempting(() => {
    const { strategy = "innermost", growing = false, cost = "work" } = input;
    const marks = marked(root);
    const made = rewrite(marks?.root ?? root, rules, { strategy, shrinking: !growing, fuel });
    return {
      ...programJson(unmarked(made.expression), symbols),
      changed: made.firings > 0,
      ...movedJson(marks, made.expression),
      end: made.end,
      costBefore: treeCost(root, COSTS[cost]),
      costAfter: treeCost(made.expression, COSTS[cost]),
      applied: countedFirings(made),
      trace: traceJson(made, symbols),
      fuelUsed: made.fuelUsed,
    };
  });

const rewritten = (input: RewriteInput) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const isSearch = input.method !== "rules";
    const asked = input.fuel ?? (isSearch ? DEFAULT_LIMITS.fuel : DEFAULT_FUEL);
    const fuel = Math.min(asked, account.remaining().fuel);
    const program = yield* programFrom(input.program);
    const rules = yield* attempting(() => rulesOf(input));
    const made = yield* (isSearch ? bySearch : byRules)(program, rules, input, fuel);
    yield* account.spend("fuel", made.fuelUsed);
    return made;
  });

/** The input of `rmil.quantize`, decoded. */
interface QuantizeInput {
  readonly program: GivenProgram;
  readonly target: string;
  readonly symmetric?: boolean;
  readonly axis?: number;
  readonly percentile?: number;
}

const quantized = ({ root, symbols }: Program, { target, program: _, ...options }: QuantizeInput) => {
  const made = quantizeProgram(root, programTarget(target), options);
  const bytesBefore = v2.encodeProgram({ root, symbols }).length;
  const json = programJson(made.expression, symbols);
  return {
    ...json,
    quantized: made.quantized.map(({ path, error: { snrDb, ...error } }) => ({
      path,
      ...error,
      ...(Number.isFinite(snrDb) ? { snrDb } : {}),
    })),
    skipped: made.skipped,
    bytesBefore,
    bytesAfter: json.hex.length / 2,
  };
};

/** Handlers by operation id. */
export const rewriteHandlers = {
  "rmil.rewrite": rewritten,
  "rmil.quantize": (input: QuantizeInput) =>
    Effect.flatMap(programFrom(input.program), (program) => attempting(() => quantized(program, input))),
};
