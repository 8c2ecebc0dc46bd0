/**
 * Operations on data: which sets there are, and what one holds.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation } from "../../kernel/operation.ts";
import { DataDescription } from "./data/describe_data.ts";
import { dataAuthorities, DataSource } from "./data/source.ts";
import { NEURAL_FAILURES } from "./failures.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const declare = { idempotent: true, reversible: true, stability: "unstable" as const };

/** Lists the built-in sets. */
export const ListData = operation("data.list", {
  ...declare,
  summary: "List the data sets to learn from: what they are, whether they are here, and what brings them.",
  input: {},
  output: Schema.Struct({
    sets: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        summary: Schema.String,
        task: Schema.Literals(["classification", "text"]),
        size: Count.annotate({ description: "samples, or documents of a text" }),
        splits: Schema.String,
        licence: Schema.String,
        source: Schema.String,
        present: Schema.Boolean,
        reason: Schema.optionalKey(Schema.String.annotate({ description: "why it cannot be opened here" })),
        command: Schema.optionalKey(Schema.String.annotate({ description: "what brings it" })),
      }),
    ),
  }),
  failures: [],
  effects: ["readLocal"],
  cost: { compute: "a look at the place of each set" },
  examples: [{ input: {}, output: { sets: [{ name: "xor", size: 1_000, present: true }, { name: "moons" }] } }],
});

/** Describes one data set. */
export const DescribeData = operation("data.describe", {
  ...declare,
  summary: "Describe data: schema, splits, classes, numbers of what is learned from, and a sample.",
  input: { data: DataSource },
  output: DataDescription,
  failures: NEURAL_FAILURES,
  effects: ["readLocal"],
  refine: ({ data }) => dataAuthorities(data as DataSource),
  cost: { compute: "linear in the bytes of the data" },
  examples: [
    {
      input: { data: "iris" },
      output: {
        samples: 150,
        inputs: [{ name: "lengths", type: "f32[4]" }],
        target: { name: "species", type: "i32[]", kind: "classification", classes: 3 },
        splits: { train: 120, validation: 15, test: 15 },
        classes: [{ label: "setosa", train: 40, validation: 5, test: 5 }],
      },
    },
    {
      title: "a text in windows of 64 bytes",
      input: { data: { name: "sample-text", window: 64 } },
      output: { inputs: [{ name: "tokens", type: "i32[64]" }], text: { documents: 20 } },
    },
    { title: "a set that does not exist", input: { data: "digit" }, failure: "NEURAL_DATA_UNKNOWN" },
    { title: "a file that is not there", input: { data: { path: "absent.csv" } }, failure: "NEURAL_DATA_FILE" },
  ],
});

/** The operations on data. */
export const dataOperations = [ListData, DescribeData] as const;
