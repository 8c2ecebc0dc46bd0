/**
 * Declaration of learned vectors: `norion.learnEmbedding`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { declare } from "./declaration.ts";
import { LEAST_COUNT, MAX_CHARACTERS, MAX_SIZE, MAX_VOCABULARY, USUAL_SIZE } from "./memory/embedding/learn.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** Most texts that are named one by one. */
const MAX_TEXTS = 10_000;

/** Texts of a first try: two ways to say one thing, beside others. */
const TRIED: ReadonlyArray<string> = [
  "The physician saw the patient in the clinic. The doctor saw the patient in the clinic.",
  "The doctor gave the patient medicine. The physician gave the patient medicine.",
  "The train left the station in the morning. The bus left the station in the evening.",
];

/** `norion.learnEmbedding`. */
export const LearnEmbedding = operation("norion.learnEmbedding", {
  ...declare,
  summary:
    "Learn which words stand in like places from texts, and store it: memory is found by the newest such embedding.",
  input: {
    name: ArtifactName.annotate({
      description:
        "name of the stored embedding; memory uses the newest that has a name (artifacts.unname takes it away)",
    }),
    texts: Schema.optionalKey(
      Schema.Array(role("privateText", "A text")).check(Schema.isMaxLength(MAX_TEXTS)).annotate({
        description: "texts to learn from",
      }),
    ),
    path: Schema.optionalKey(role("readPath", "file or folder of texts; with data: where that lies")),
    data: Schema.optionalKey(Schema.String.annotate({ description: "name of texts: sample-text, kjv" })),
    size: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: MAX_SIZE })).annotate({
        description: `numbers of a vector; ${USUAL_SIZE} where absent`,
      }),
    ),
    seed: Schema.optionalKey(
      Schema.Int.annotate({ description: "1 where absent; the same seed gives the same bytes" }),
    ),
  },
  output: Schema.Struct({
    name: Schema.String,
    digest: Schema.String,
    words: Count.annotate({
      description: `words that have a vector: the ${MAX_VOCABULARY} most frequent that stand ${LEAST_COUNT} times`,
    }),
    size: Count,
    bytes: Count,
    used: Schema.Boolean.annotate({ description: "whether memory is found by it now; norion.inspect says by what" }),
  }),
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  cost: { compute: `linear in the texts, up to ${MAX_CHARACTERS} characters; square in the words` },
  examples: [
    {
      title: "ways to say one thing",
      input: { name: "clinic", texts: TRIED },
      output: { name: "clinic@1", words: 9, used: true },
    },
    { title: "a text that comes along", input: { name: "ruth", data: "sample-text", size: 16 }, output: { size: 16 } },
    { title: "nothing to learn from", input: { name: "none" }, failure: "NORION_REQUEST" },
  ],
});

/** Declarations of learned vectors. */
export const EMBEDDING = [LearnEmbedding] as const;
