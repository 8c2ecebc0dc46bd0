/**
 * Operations on runs of evolution: what can be evolved, evolve, look, go on, ask where a candidate comes from.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation } from "../../kernel/operation.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** Lists the test problems. */
export const Problems = operation("evolution.problems", {
  summary: "List the test problems of the literature that a search can be tried on.",
  input: {},
  output: Schema.Struct({
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
  examples: [{ input: {}, output: { problems: [{ name: "ZDT1", variables: 30, objectives: 2, constrained: false }] } }],
});

/** The operations on runs. */
export const runOperations = [Problems] as const;
