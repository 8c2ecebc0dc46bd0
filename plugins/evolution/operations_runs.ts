/**
 * Operations on runs of evolution: what can be evolved, evolve, look, go on, ask where a candidate comes from.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { JsonValue } from "../../kernel/failure.ts";
import { type Authorities, OPERAND, operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { ALGORITHM_NAMES, ALGORITHMS } from "./evolve/algorithms.ts";
import { DEFAULT_EVERY, DEFAULT_GENERATIONS } from "./evolve/evolving.ts";
import { GenomeGiven } from "./evolve/genomes.ts";
import { ObjectiveGiven } from "./evolve/objectives.ts";
import { EVOLUTION_FAILURES } from "./failures.ts";
import { MAX_RELATIVES } from "./lineage/ancestry.ts";
import { MAX_POPULATION } from "./nsga2.ts";
import { MAX_ISLANDS } from "./islands.ts";
import { END_REASONS } from "./state/durable.ts";
import { LineageRow } from "./state/record.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Positive = Schema.Finite.check(Schema.isGreaterThan(0));

/** Most workers that one run takes. */
export const MAX_WORKERS = 64;

/** Rows of a lineage in one answer where nothing is said. */
export const DEFAULT_ROWS = 50;

/** Rows of a front in one answer. */
export const SHOWN_FRONT = 20;

const Settings = Schema.Record(Schema.String, Schema.Union([Schema.Finite, Schema.String]));

const Algorithm = Schema.Literals(ALGORITHM_NAMES);

/** How far and how fast. */
const Going = {
  generations: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000 })).annotate({
      description: `counted from the run's beginning; ${DEFAULT_GENERATIONS} where absent`,
    }),
  ),
  budget: Schema.optionalKey(
    Schema.Struct({
      evaluations: Schema.optionalKey(Count.annotate({ description: "no generation begins after so many" })),
      wallMs: Schema.optionalKey(
        Positive.annotate({ description: "no generation begins after it; such a run is not reproducible" }),
      ),
    }),
  ),
  goal: Schema.optionalKey(
    Schema.Finite.annotate({ description: "ends where the best reaches it, of one objective" }),
  ),
  workers: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_WORKERS })).annotate({
      description: "results do not depend on it",
    }),
  ),
  isolation: Schema.optionalKey(
    Schema.Literals(["thread", "process"]).annotate({
      description: "what the workers are: processes have memory limits of their own; results do not depend on it",
    }),
  ),
  chart: Schema.optionalKey(role("writePath", "file for the front as SVG, where there are two objectives or three")),
};

const Row = LineageRow;

const Shown = Schema.Array(Schema.Struct({
  id: Schema.String,
  genome: JsonValue,
  objectives: Schema.Array(Schema.Finite),
  violation: Schema.optionalKey(Schema.Finite),
  descriptor: Schema.optionalKey(Schema.Array(Schema.Finite)),
  text: Schema.optionalKey(Schema.String.annotate({ description: "of programs and trees: their source" })),
})).annotate({
  description: `the best found, or those that none dominates: ${SHOWN_FRONT} spread evenly where there are more`,
});

const Kinds = Schema.optionalKey(
  Schema.Struct({ size: Count, shown: Shown }).annotate({
    description: "of mapElites: the best of each cell; of novelty: the population",
  }),
);

const Answer = Schema.Struct({
  run: Schema.String.annotate({ description: "name of the run: for status, resume and lineage" }),
  state: Digest,
  archive: Digest.annotate({ description: "of all the best: equal for equal runs" }),
  algorithm: Schema.String,
  generation: Count,
  evaluations: Count,
  failures: Count,
  reason: Schema.Literals(END_REASONS),
  resumed: Schema.Boolean,
  reproducible: Schema.Boolean.annotate({ description: "whether the same call ends in the same archive again" }),
  front: Shown,
  size: Count.annotate({ description: "how many the archive holds" }),
  kinds: Kinds,
  chart: Schema.optionalKey(Schema.String),
});

const Event = Schema.Struct({
  generation: Count,
  evaluations: Count,
  failures: Count,
  front: Count,
  least: Schema.optionalKey(
    Schema.Array(Schema.Finite).annotate({ description: "the least value of each objective so far" }),
  ),
});

/** What is reserved for a run where the caller names no budget. */
const RESERVE = { fuel: 100_000_000_000_000, wallMs: 3_600_000, bytes: 1_073_741_824 } as const;

const evolves = {
  output: Answer,
  event: Event,
  failures: EVOLUTION_FAILURES,
  effects: ["readLocal", "writeLocal"],
  kinds: ["evolve"],
  cost: {
    compute: "the scoring of one candidate times their number, taken from the fuel as it goes",
    reserve: RESERVE,
  },
  idempotent: true,
  reversible: true,
  stability: "unstable",
} as const;

/** Lists the test problems. */
export const Problems = operation("evolution.problems", {
  summary: "List the algorithms, and the test problems of the literature that they can be tried on.",
  input: {},
  output: Schema.Struct({
    algorithms: Schema.Array(Schema.Struct({ name: Algorithm, doc: Schema.String })),
    problems: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        variables: Count,
        objectives: Count.annotate({ description: "all minimised" }),
        constrained: Schema.Boolean,
        lower: Schema.Array(Schema.Finite),
        upper: Schema.Array(Schema.Finite),
      }),
    ),
  }),
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [{
    input: {},
    output: {
      algorithms: [{ name: "genetic" }, { name: "ageing" }, { name: "cmaEs" }],
      problems: [{ name: "ZDT1", variables: 30, objectives: 2, constrained: false }],
    },
  }],
});

const SPHERE = "mul(identity, identity) >> reduce(add)";

const sphere = { over: { reals: 2, lower: -5, upper: 5 }, objective: { program: SPHERE } } as const;

/** Evolves. */
export const Evolve = operation("evolution.evolve", {
  ...evolves,
  summary: "Evolve numbers, bits, an order, trees or programs by what scores them; keep the run so that it can go on.",
  input: {
    over: Schema.optionalKey(GenomeGiven).annotate({
      description: "what is evolved; a problem of the literature has its own",
    }),
    objective: ObjectiveGiven,
    algorithm: Schema.optionalKey(
      Schema.Union([Algorithm, Schema.Struct({ kind: Algorithm, settings: Schema.optionalKey(Settings) })]).annotate({
        description: ALGORITHMS.map(({ name, doc }) => `${name}: ${doc}`).join("; "),
      }),
    ),
    variation: Schema.optionalKey(
      Settings.annotate({ description: "crossover, crossoverRate, mutation, mutationRate and the like" }),
    ),
    population: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: MAX_POPULATION }))),
    islands: Schema.optionalKey(
      Schema.Struct({
        count: Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: MAX_ISLANDS })),
        interval: Schema.optionalKey(Count),
        migrants: Schema.optionalKey(Count),
      }).annotate({ description: "so many populations, the best of which wander" }),
    ),
    seed: Schema.optionalKey(Schema.Int.annotate({ description: "0 where absent; the same seed, the same run" })),
    ...Going,
    every: Schema.optionalKey(
      Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).annotate({
        description: `generations between two saves; ${DEFAULT_EVERY} where absent`,
      }),
    ),
    name: Schema.optionalKey(ArtifactName.annotate({ description: "name of the run; from its settings where absent" })),
  },
  examples: [
    {
      title: "two numbers whose squares sum to the least",
      input: { ...sphere, seed: 1, generations: 40, name: "sphere" },
      output: { run: "sphere", algorithm: "cmaEs", generation: 40, reason: "generations", size: 1, resumed: false },
    },
    {
      title: "a front of two objectives, with a chart",
      input: { objective: { problem: "ZDT1" }, population: 20, generations: 5, chart: "out/front.svg" },
      output: { algorithm: "nsga2", evaluations: 100, failures: 0, reproducible: true },
    },
    {
      title: "the most ones among 40 bits, by islands",
      input: {
        over: { bits: 40 },
        objective: { program: "mul(-1.0) >> reduce(add)" },
        islands: { count: 2 },
        population: 20,
        goal: -40,
        generations: 200,
        name: "ones",
      },
      output: { reason: "goal", front: [{ objectives: [-40] }] },
    },
    {
      title: "a program of two columns, from one that is only near",
      input: {
        over: { programs: ["add($x, $y)"] },
        objective: { examples: { columns: { x: [0, 1, 2, 3], y: [1, 1, 3, 2] }, output: [0, 1, 6, 6] } },
        population: 30,
        generations: 30,
        goal: 0,
        seed: 1,
      },
      output: { reason: "goal", front: [{ objectives: [0] }] },
    },
    {
      title: "the best of each kind: how near to 1, for every place of the second number",
      input: {
        over: { reals: 2, lower: 0, upper: 1 },
        objective: { program: "sub(1.0, gather(identity, 0))", descriptor: "slice(identity, 1, 2)" },
        algorithm: { kind: "mapElites", settings: { cells: 4 } },
        population: 20,
        generations: 10,
      },
      output: { algorithm: "mapElites", size: 1, kinds: { size: 4 } },
    },
    {
      title: "a tree of additions and ones that is worth 7",
      input: {
        over: {
          tree: {
            symbols: [{ name: "1", result: "n" }, { name: "+", result: "n", operands: ["n", "n"] }],
            result: "n",
          },
        },
        objective: {
          module: "const of = ({ name, operands = [] }) => name === '1' ? 1 : of(operands[0]) + of(operands[1]); " +
            "export default (trees) => trees.map((tree) => Math.abs(of(tree) - 7));",
        },
        population: 20,
        goal: 0,
      },
      output: { reason: "goal", algorithm: "genetic", front: [{ objectives: [0] }] },
    },
    {
      title: "a run of other settings has the name",
      given: [{ operation: "evolution.evolve", input: { ...sphere, generations: 1, name: "mine" } }],
      input: { ...sphere, generations: 1, name: "mine", seed: 2 },
      failure: "EVOLUTION_RUN_TAKEN",
    },
    {
      title: "a program whose result is no list of numbers",
      input: { ...sphere, objective: { program: "identity >> type_of" } },
      failure: "EVOLUTION_OBJECTIVE",
    },
    {
      title: "an algorithm that does not fit",
      input: { objective: { problem: "ZDT1" }, algorithm: "cmaEs" },
      failure: "EVOLUTION_SETTING",
    },
  ],
});

/** Goes on with a run. */
export const Resume = operation("evolution.resume", {
  ...evolves,
  summary: "Go on with a run that was interrupted, or further than it was asked to go.",
  input: { run: ArtifactName.annotate({ description: "its name" }), ...Going },
  examples: [
    {
      title: "further than it was asked to go",
      given: [{ operation: "evolution.evolve", input: { ...sphere, generations: 10, name: "sphere" } }],
      input: { run: "sphere", generations: 20 },
      output: { run: "sphere", generation: 20, resumed: true },
    },
    {
      title: "a run that does not exist",
      input: { run: "spere" },
      failure: "KERNEL_UNKNOWN_ENTRY",
    },
  ],
});

const StatusRow = {
  run: Schema.String,
  operation: Schema.String,
  generation: Count,
  evaluations: Count,
  failures: Count,
  ended: Schema.NullOr(Schema.String).annotate({ description: "why it ended; null while it can go on" }),
  least: Schema.optionalKey(Schema.Array(Schema.Finite)),
};

const writes = ({ chart }: { readonly chart?: string }): Authorities => ({
  effects: chart === undefined ? ["readLocal"] : ["readLocal", "writeLocal"],
});

/** Looks at runs. */
export const Status = operation("evolution.status", {
  summary: "Say where runs stand: all of them in a line each, or one with its best and its settings.",
  input: {
    run: Schema.optionalKey(ArtifactName.annotate({ description: "its name; all runs where absent", ...OPERAND })),
    svg: Schema.optionalKey(Schema.Boolean.annotate({ description: "answer with the chart of the front as well" })),
    chart: Going.chart,
  },
  output: Schema.Struct({
    runs: Schema.Array(Schema.Struct(StatusRow)),
    detail: Schema.optionalKey(
      Schema.Struct({
        state: Digest,
        lineage: Schema.NullOr(Digest),
        archive: Digest,
        saved: Schema.String.annotate({ description: "when the state was stored" }),
        settings: JsonValue,
        memory: JsonValue,
        front: Shown,
        size: Count,
        kinds: Kinds,
        svg: Schema.optionalKey(Schema.String),
        chart: Schema.optionalKey(Schema.String),
      }),
    ),
  }),
  failures: EVOLUTION_FAILURES,
  effects: ["readLocal", "writeLocal"],
  refine: writes,
  cost: { compute: "linear in the bytes of the runs' states" },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [
    { title: "nothing was evolved yet", input: {}, output: { runs: [] } },
    {
      title: "one run, with its front as a drawing",
      given: [{
        operation: "evolution.evolve",
        input: { objective: { problem: "BNH" }, population: 20, generations: 3, name: "bnh" },
      }],
      input: { run: "bnh", svg: true },
      output: { runs: [{ run: "bnh", operation: "evolution.evolve", generation: 3, ended: "generations" }] },
    },
  ],
});

/** Asks where candidates come from. */
export const Lineage = operation("evolution.lineage", {
  summary: "Say where a run's candidates come from: parents, edits and scores of one with its kin, or of all by pages.",
  input: {
    run: ArtifactName.annotate({ description: "its name" }),
    individual: Schema.optionalKey(Schema.String.annotate({ description: "id of one candidate" })),
    kin: Schema.optionalKey(
      Schema.Literals(["ancestors", "descendants"]).annotate({
        description: `of the individual; ancestors where absent; the nearest ${MAX_RELATIVES} where there are more`,
      }),
    ),
    order: Schema.optionalKey(
      Schema.Literals(["told", "best"]).annotate({ description: "of pages; as they were told where absent" }),
    ),
    from: Schema.optionalKey(Count.annotate({ description: "rows to pass over: the `next` of the answer before" })),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_RELATIVES })).annotate({
        description: `rows of a page; ${DEFAULT_ROWS} where absent`,
      }),
    ),
    genomes: Schema.optionalKey(
      Schema.Boolean.annotate({
        description: "whether rows carry genomes and their content hashes; kin do where absent",
      }),
    ),
  },
  output: Schema.Struct({
    run: Schema.String,
    total: Count.annotate({ description: "rows of the whole lineage, or kin of the individual" }),
    individual: Schema.optionalKey(Row),
    rows: Schema.Array(Schema.Struct({
      ...(Row as unknown as { readonly fields: Schema.Struct.Fields }).fields,
      genome: Schema.optionalKey(JsonValue),
      key: Schema.optionalKey(Schema.String),
    })) as unknown as Schema.Codec<ReadonlyArray<Partial<LineageRow> & { readonly id: string }>>,
    next: Schema.optionalKey(Count.annotate({ description: "where the next page begins" })),
  }),
  failures: EVOLUTION_FAILURES,
  effects: ["readLocal"],
  cost: { compute: "linear in the candidates of the run up to its last save" },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [
    {
      title: "the best of a run, and where it comes from",
      given: [{
        operation: "evolution.evolve",
        input: { objective: { problem: "ZDT1" }, population: 10, generations: 2, name: "zdt" },
      }],
      input: { run: "zdt", individual: "1.0" },
      output: { individual: { id: "1.0", generation: 2 }, rows: [{ generation: 1, edit: "drawn", parents: [] }] },
    },
    {
      title: "a page of all",
      given: [{
        operation: "evolution.evolve",
        input: { objective: { problem: "ZDT1" }, population: 10, generations: 2, name: "zdt" },
      }],
      input: { run: "zdt", from: 9, limit: 2 },
      output: { total: 20, rows: [{ id: "0.9" }, { id: "1.0" }], next: 11 },
    },
  ],
});

/** The operations on runs. */
export const runOperations = [Problems, Evolve, Resume, Status, Lineage] as const;
