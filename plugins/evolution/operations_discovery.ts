/**
 * Operation of discovery: a formula from data, or a scheme of matrix multiplication with fewer products.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { NEURAL_FAILURES } from "../neural/library.ts";
import { MAX_SIZE } from "./discovery/multiplying.ts";
import { PRIMITIVE_NAMES, type PrimitiveName, USUAL_PRIMITIVES } from "./discovery/primitives.ts";
import { MAX_DISCOVERY_ISLANDS } from "./discovery/search.ts";
import { EVOLUTION_FAILURES } from "./failures.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.9 }));
const Positive = Schema.Finite.check(Schema.isGreaterThan(0));
const whole = (minimum: number, maximum: number, description: string) =>
  Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum, maximum })).annotate({ description }));

/** The target that means a matrix product instead of a column. */
export const MATMUL = "matmul";

/** Epochs where nothing is said. */
export const DEFAULT_EPOCHS = 48;

/** Epochs without a shorter account after which a formula counts as found, where nothing is said. */
export const DEFAULT_PATIENCE = 16;

/** Share of the points that are held out where nothing is said. */
export const DEFAULT_HOLDOUT = 0.25;

/** Data for a formula: a file, or columns by name. */
export const PointsGiven = Schema.Union([
  Schema.Struct({
    path: role("readPath", "file of comma-separated text with names in its first line"),
    delimiter: Schema.optionalKey(Schema.String.annotate({ description: "default: what line 1 has most of" })),
  }),
  Schema.Struct({
    columns: Schema.Record(Schema.String, Schema.Array(Schema.Finite)).annotate({
      description: "numbers by name, equally many",
    }),
  }),
]);

const Found = Schema.Struct({
  formula: Schema.String.annotate({ description: "for a reader, constants to six digits" }),
  program: Schema.String.annotate({ description: "in the language, exact; of numbers or whole columns by name" }),
  size: Count.annotate({ description: "nodes" }),
  flops: Schema.Finite.annotate({ description: "operations for one point" }),
  bytes: Count,
  error: Schema.Finite.annotate({ description: "share of the variance left on the points it was fitted to" }),
  heldOut: Schema.optionalKey(
    Schema.Finite.annotate({ description: "the same on points never looked at; absent where it is not finite there" }),
  ),
  length: Schema.Finite.annotate({ description: "of the account of the data that uses it, in nats" }),
});

const Scheme = Schema.Struct({
  sizes: Schema.Array(Count),
  products: Count,
  additions: Count,
  identities: Count.annotate({ description: "identities of integers that were checked" }),
  faults: Count.annotate({ description: "of these, how many do not hold" }),
  text: Schema.Array(Schema.String).annotate({ description: "the products, then the elements of the result" }),
  left: Schema.Array(Schema.Array(Schema.Int)),
  right: Schema.Array(Schema.Array(Schema.Int)),
  into: Schema.Array(Schema.Array(Schema.Int)),
});

const Reason = Schema.Literals(["epochs", "patience", "wallMs", "exact", "reached"]);

/** Discovers. */
export const Discover = operation("evolution.discover", {
  summary: "Discover a formula in data, or a way to multiply matrices with fewer products, as a program.",
  input: {
    data: Schema.optionalKey(PointsGiven.annotate({ description: "points; absent for matmul" })),
    target: Schema.String.annotate({ description: `the column to be explained, or ${MATMUL}` }),
    variables: Schema.optionalKey(
      Schema.Array(Schema.String).annotate({
        description: "columns that may stand in it; all of numbers where absent",
      }),
    ),
    operators: Schema.optionalKey(
      Schema.Array(Schema.Literals(PRIMITIVE_NAMES as readonly [PrimitiveName, ...PrimitiveName[]])).annotate({
        description: `${USUAL_PRIMITIVES.join(", ")} where absent`,
      }),
    ),
    largest: whole(1, 100, "nodes of the largest formula, without scale and offset; 24 where absent"),
    holdout: Schema.optionalKey(
      Share.annotate({ description: `share of the points never looked at; ${DEFAULT_HOLDOUT} where absent` }),
    ),
    size: Schema.optionalKey(
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_SIZE }))).annotate({
        description: `for ${MATMUL}: n, m, p of an n×m by m×p matrix, at most 16 elements each`,
      }),
    ),
    products: whole(1, 64, `for ${MATMUL}: products wanted; 7 for 2×2×2`),
    islands: whole(1, MAX_DISCOVERY_ISLANDS, "populations, or walks; 4 where absent"),
    budget: Schema.optionalKey(
      Schema.Struct({
        epochs: whole(0, 100_000, `${DEFAULT_EPOCHS} where absent; counted from the run's beginning`),
        patience: whole(1, 100_000, `epochs without a better one after which it ends; ${DEFAULT_PATIENCE}`),
        work: whole(1_000, 1_000_000_000_000, "of one epoch of an island, in additions; 100 million where absent"),
        wallMs: Schema.optionalKey(
          Positive.annotate({ description: "no epoch begins after it; such a run is not reproducible" }),
        ),
      }),
    ),
    seed: Schema.optionalKey(Schema.Int.annotate({ description: "0 where absent; the same seed finds the same" })),
    workers: whole(1, 64, "results do not depend on it"),
    run: Schema.optionalKey(ArtifactName.annotate({ description: "name of the run; the same call goes on from it" })),
    name: Schema.optionalKey(ArtifactName.annotate({ description: "name of the program in the store" })),
  },
  output: Schema.Struct({
    run: Schema.String,
    state: Digest,
    resumed: Schema.Boolean,
    reproducible: Schema.Boolean,
    reason: Reason,
    epochs: Count,
    tried: Count.annotate({ description: "formulas tried, or steps walked" }),
    program: Schema.optionalKey(Schema.String.annotate({ description: "the best, as a program of the language" })),
    digest: Schema.optionalKey(Digest.annotate({ description: "of the program in the store" })),
    names: Schema.Array(Schema.String),
    formula: Schema.optionalKey(
      Schema.Struct({
        chosen: Found.annotate({ description: "the one that gives the shortest account of the data" }),
        found: Schema.Array(Found).annotate({ description: "by size: none is beaten by a smaller one" }),
        variables: Schema.Array(Schema.String),
        leftOut: Schema.Array(Schema.Struct({ column: Schema.String, reason: Schema.String })),
        points: Schema.Struct({ fitted: Count, heldOut: Count, leftOut: Count }),
      }),
    ),
    scheme: Schema.optionalKey(Scheme),
  }),
  event: Schema.Struct({
    epoch: Count,
    tried: Count,
    best: Schema.optionalKey(Schema.String.annotate({ description: "the formula so far" })),
    size: Schema.optionalKey(Count),
    error: Schema.optionalKey(Schema.Finite),
    front: Schema.optionalKey(
      Schema.Array(Schema.Tuple([Count, Schema.Finite])).annotate({ description: "[size, error], smallest first" }),
    ),
    products: Schema.optionalKey(Count),
  }),
  failures: [...EVOLUTION_FAILURES, ...NEURAL_FAILURES],
  effects: ["readLocal", "writeLocal"],
  kinds: ["evolve"],
  cost: {
    compute: "the work of an epoch times islands times epochs, taken from the fuel as it goes",
    reserve: { fuel: 100_000_000_000_000, wallMs: 3_600_000, bytes: 1_073_741_824 },
  },
  idempotent: true,
  reversible: true,
  stability: "unstable",
  examples: [
    {
      title: "a formula from a few points",
      input: {
        data: {
          columns: {
            x: [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5],
            y: [3, 1.25, 0, -0.75, -1, -0.75, 0, 1.25, 3, 5.25],
          },
        },
        target: "y",
        budget: { epochs: 2, work: 1_000_000 },
        seed: 1,
      },
      output: { reason: "exact", formula: { chosen: { formula: "x^2 - 1", size: 4 } } },
    },
    {
      title: "two 2×2 matrices with seven products",
      input: { target: MATMUL, size: [2, 2, 2], products: 7, seed: 1 },
      output: { reason: "reached", scheme: { products: 7, identities: 64, faults: 0 } },
    },
  ],
});

/** The operations of discovery. */
export const discoveryOperations = [Discover] as const;
