/**
 * Objectives: what candidates are scored by, as a caller names it: a problem of the literature, a program of the language,
 * or a function in JavaScript.
 *
 * Not the scoring (scoring.ts). Invariant: how many objectives there are is known before anything is scored, and a program
 * that could do anything but compute, or whose result is not numbers, is refused.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { CapsOf } from "../../../kernel/authority.ts";
import type { CallContext } from "../../../kernel/context.ts";
import { failureToJson, isFailure, type KernelFailure } from "../../../kernel/failure.ts";
import type { JsonObject } from "../../../kernel/json.ts";
import { MAX_SOURCE_CHARS } from "../../../kernel/sandbox_limits.ts";
import { unknownEntry } from "../../../kernel/mod.ts";
import { nearest } from "../../../kernel/nearest.ts";
import {
  check,
  encodeProgram,
  type GivenProgram,
  type Program,
  programFrom,
  ProgramSource,
} from "../../rmil/library.ts";
import type { Type } from "../../rmil/library.ts";
import { attempting } from "../attempting.ts";
import { badObjective, type EvolutionFailure } from "../failures.ts";
import { PROBLEM_NAMES, problemNamed } from "../problems/named.ts";
import { ExamplesGiven, unread } from "./examples.ts";
import { type GenomeGiven, genomeOfProblem, type GenomePlan } from "./genomes.ts";
import type { ScoringWork } from "./scoring_job.ts";

/** Most objectives. */
export const MAX_OBJECTIVES = 32;

/** Steps of one candidate where nothing is said. */
export const DEFAULT_STEPS = 1_000_000;

/** Milliseconds of one candidate in the sandbox where nothing is said; a batch of candidates has this together. */
export const DEFAULT_BATCH_MS = 5_000;

/** What candidates are scored by. */
export type ObjectiveGiven =
  | { readonly problem: string; readonly objectives?: number }
  | {
    readonly program: GivenProgram;
    readonly constraints?: GivenProgram;
    readonly descriptor?: GivenProgram;
    readonly fuel?: number;
  }
  | {
    readonly module: string;
    readonly objectives?: number;
    readonly descriptor?: number;
    readonly wallMs?: number;
  }
  | { readonly examples: ExamplesGiven; readonly size?: boolean; readonly fuel?: number };

const Objectives = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_OBJECTIVES }));

const Fuel = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).annotate({
  description: `steps of one candidate; ${DEFAULT_STEPS} where absent`,
});

/** Schema of {@link ObjectiveGiven}. */
export const ObjectiveGiven: Schema.Codec<ObjectiveGiven> = Schema.Union([
  Schema.Struct({
    problem: Schema.String.annotate({ description: `one of ${PROBLEM_NAMES.join(", ")}` }),
    objectives: Schema.optionalKey(Objectives.annotate({ description: "of a DTLZ problem; 3 where absent" })),
  }),
  Schema.Struct({
    program: ProgramSource.annotate({
      description: "program from the genome x, f64[n] (i64[n] of a permutation), to the numbers that are minimised",
    }),
    constraints: Schema.optionalKey(
      ProgramSource.annotate({ description: "program from x to numbers, each at most 0 where x is feasible" }),
    ),
    descriptor: Schema.optionalKey(
      ProgramSource.annotate({
        description: "program from x to numbers that say what kind x is: for mapElites, novelty",
      }),
    ),
    fuel: Schema.optionalKey(Fuel),
  }),
  Schema.Struct({
    module: Schema.String.check(Schema.isMaxLength(MAX_SOURCE_CHARS)).annotate({
      description: "JavaScript whose default export takes a list of genomes and gives for each a number, a list of " +
        "numbers, or {objectives, violation, descriptor}; it runs in the sandbox",
    }),
    objectives: Schema.optionalKey(Objectives.annotate({ description: "numbers for each genome; 1 where absent" })),
    descriptor: Schema.optionalKey(
      Objectives.annotate({ description: "numbers that say what kind each genome is: for mapElites, novelty" }),
    ),
    wallMs: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 50, maximum: 600_000 })).annotate({
        description: `milliseconds for one list of genomes; ${DEFAULT_BATCH_MS} where absent`,
      }),
    ),
  }),
  Schema.Struct({
    examples: ExamplesGiven,
    size: Schema.optionalKey(Schema.Boolean.annotate({ description: "whether nodes are minimised beside the error" })),
    fuel: Schema.optionalKey(Fuel),
  }),
]) as unknown as Schema.Codec<ObjectiveGiven>;

/** An objective ready to score. */
export interface ObjectivePlan {
  /** How many numbers it gives. */
  readonly objectives: number;
  /** How many numbers say what kind a candidate is; 0 where nothing does. */
  readonly descriptor: number;
  /** What scores. */
  readonly work:
    | ScoringWork
    | { readonly kind: "module"; readonly source: string; readonly descriptor: number; readonly wallMs: number };
  /** The objective again, as it is stored: what was read from elsewhere is written out. */
  readonly spec: JsonObject;
}

/** What reading an objective needs. */
export type ReadsObjective = CallContext | CapsOf<"readLocal">;

/** Element types of results that are numbers. */
const NUMBERS: ReadonlySet<string> = new Set(["f64", "f32", "i64", "i32"]);

/** The numbers of a value of a type; undefined where it is not only numbers. */
const numbersIn = (type: Type): number | undefined => {
  if (type.k === "Scalar") return NUMBERS.has(type.dtype) ? 1 : undefined;
  if (type.k === "Tensor") {
    const sizes = type.shape.map((size) => typeof size === "number" ? size : NaN);
    const count = sizes.reduce((product, size) => product * size, 1);
    return Number.isFinite(count) && NUMBERS.has(type.dtype) ? count : undefined;
  }
  if (type.k !== "Tuple") return undefined;
  return type.items.map(numbersIn).reduce(
    (sum: number | undefined, count) => sum === undefined || count === undefined ? undefined : sum + count,
    0,
  );
};

/** How many numbers a program gives for a genome, judged without running it. */
const judged = (program: Program, genome: GenomePlan, objective: string, path: string) => {
  const refuse = (reason: string, more: { readonly actual?: JsonObject } = {}): never => {
    throw badObjective({ objective, reason, path, ...more });
  };
  const dtype = genome.kind === "permutation" ? "i64" : "f64";
  const judgement = (() => {
    try {
      return check(program.root, program.symbols, {
        inputs: { x: { k: "Tensor", dtype, shape: [genome.length] } },
      });
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      return refuse(thrown.message, { actual: failureToJson(thrown) as JsonObject });
    }
  })();
  const [effect] = [...judgement.effects, ...judgement.kinds];
  if (effect !== undefined) refuse(`it needs ${effect}: what scores may only compute`);
  if (judgement.parameters.length > 0) {
    refuse(`it has parameters (${judgement.parameters[0].path}) that nothing sets; write their values out`);
  }
  const count = numbersIn(judgement.type);
  if (count === undefined || count < 1 || count > MAX_OBJECTIVES) {
    refuse(`it gives no list of 1 to ${MAX_OBJECTIVES} numbers whose length is known before it runs`);
  }
  return count!;
};

/** A genome that is a list of numbers. */
type NumbersPlan = GenomePlan & { readonly kind: Exclude<GenomePlan["kind"], "programs" | "tree"> };

const hasNumbers = (genome: GenomePlan): genome is NumbersPlan => genome.kind !== "programs" && genome.kind !== "tree";

const notOfNumbers = ({ kind }: GenomePlan, objective: string): EvolutionFailure =>
  badObjective({
    objective,
    reason: `it scores numbers, and ${kind === "tree" ? "a tree is" : "programs are"} evolved`,
    path: "/objective",
    expected: kind === "tree" ? { module: "export default (trees) => trees.map(…)" } : { examples: {} },
  });

const planProgram = (
  given: Extract<ObjectiveGiven, { readonly program: unknown }>,
  genome: GenomePlan,
): Effect.Effect<ObjectivePlan, EvolutionFailure | KernelFailure, ReadsObjective> =>
  Effect.gen(function* () {
    const { fuel = DEFAULT_STEPS } = given;
    if (!hasNumbers(genome)) return yield* Effect.fail(notOfNumbers(genome, "program"));
    const read = (source: GivenProgram, name: "program" | "constraints" | "descriptor") =>
      Effect.gen(function* () {
        const path = `/objective/${name}`;
        const program = yield* Effect.mapError(programFrom(source, path), unread(name, path));
        const count = yield* attempting(() => judged(program, genome, `the ${name}`, path));
        return { hex: encodeProgram(program).toHex(), count };
      });
    const program = yield* read(given.program, "program");
    const constraints = given.constraints === undefined ? undefined : yield* read(given.constraints, "constraints");
    const descriptor = given.descriptor === undefined ? undefined : yield* read(given.descriptor, "descriptor");
    const hexes = {
      program: program.hex,
      ...(constraints === undefined ? {} : { constraints: constraints.hex }),
      ...(descriptor === undefined ? {} : { descriptor: descriptor.hex }),
    };
    return {
      objectives: program.count,
      descriptor: descriptor?.count ?? 0,
      work: { kind: "program", genome: genome.kind, fuel, ...hexes },
      spec: { ...Object.fromEntries(Object.entries(hexes).map(([name, hex]) => [name, { hex }])), fuel },
    };
  });

/** The genome that an objective has by itself, where it is a problem of the literature. */
export const ownGenome = (
  given: ObjectiveGiven,
): Effect.Effect<GenomeGiven | undefined, EvolutionFailure | KernelFailure> => {
  if (!("problem" in given)) return Effect.succeed(undefined);
  const { problem, objectives } = given;
  return attempting(() => problemNamed(problem, objectives)).pipe(
    Effect.flatMap((found): Effect.Effect<GenomeGiven, KernelFailure> =>
      found === undefined
        ? Effect.fail(unknownEntry({
          kind: "problem",
          name: problem,
          listedBy: "evolution.problems",
          path: "/objective/problem",
          suggestions: nearest(problem, PROBLEM_NAMES, 3),
        }))
        : Effect.succeed(genomeOfProblem(found))
    ),
  );
};

/** An objective for a genome, ready. */
export const planObjective = (
  given: ObjectiveGiven,
  genome: GenomePlan,
): Effect.Effect<ObjectivePlan, EvolutionFailure | KernelFailure, ReadsObjective> => {
  if (("examples" in given) !== (genome.kind === "programs")) {
    return Effect.fail(badObjective({
      objective: "examples",
      reason: "they are for programs",
      path: "/over",
      expected: { programs: ["$x"] },
    }));
  }
  if ("examples" in given) {
    const { examples, size = false, fuel = DEFAULT_STEPS } = given;
    return Effect.succeed({
      objectives: size ? 2 : 1,
      descriptor: 0,
      work: { kind: "examples", ...examples, size, fuel },
      spec: { examples: { columns: { ...examples.columns }, output: examples.output }, size, fuel },
    });
  }
  if ("program" in given) return planProgram(given, genome);
  if ("module" in given) {
    const { module, objectives = 1, descriptor = 0, wallMs = DEFAULT_BATCH_MS } = given;
    return Effect.succeed({
      objectives,
      descriptor,
      work: { kind: "module", source: module, descriptor, wallMs },
      spec: { module, objectives, ...(descriptor === 0 ? {} : { descriptor }), wallMs },
    });
  }
  const { problem } = given;
  const { objectives } = problemNamed(problem, given.objectives)!;
  return Effect.succeed({
    objectives,
    descriptor: 0,
    work: { kind: "problem", problem, objectives },
    spec: { problem, objectives },
  });
};
