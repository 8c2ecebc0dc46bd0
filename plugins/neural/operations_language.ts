/**
 * Operations on language models: learn from texts, and write.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { type Authorities, operation, role } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { DataSource } from "./data/source.ts";
import { FitEventJson } from "./events.ts";
import { MAX_GENERATED } from "./language/generate.ts";
import { LANGUAGE_SIZES } from "./language/train.ts";
import { kindsOfBackend, MODEL_FAILURES, Runs } from "./operations_train.ts";

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));
const Bits = Schema.Finite.annotate({ description: "bits a byte" });

const declare = {
  failures: MODEL_FAILURES,
  kinds: ["ffi"] as const,
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

const usual = (name: "epochs" | "batch" | "length"): string =>
  `${LANGUAGE_SIZES.small.training[name]} for small, ${LANGUAGE_SIZES.large.training[name]} for large, where absent`;

const sizes = Object.entries(LANGUAGE_SIZES).map(([name, { doc }]) => `${name}: ${doc}`).join("; ");

/** Learns. */
export const LearnText = operation("neural.learnText", {
  ...declare,
  summary: "Train a byte-level language model on texts; keep it in the artifact store.",
  input: {
    data: DataSource.annotate({ description: "texts: sample-text, kjv, or files; the test part is not learned" }),
    size: Schema.optionalKey(
      Schema.Literals(Object.keys(LANGUAGE_SIZES) as ReadonlyArray<keyof typeof LANGUAGE_SIZES>).annotate({
        description: `${sizes}; small where absent`,
      }),
    ),
    epochs: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 })).annotate({ description: usual("epochs") }),
    ),
    batch: Schema.optionalKey(Count.annotate({ description: `windows of a step; ${usual("batch")}` })),
    length: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 4096 })).annotate({
        description: `bytes of a window; ${usual("length")}`,
      }),
    ),
    rate: Schema.optionalKey(
      Schema.Finite.check(Schema.isGreaterThan(0)).annotate({ description: "learning rate; 0.004 where absent" }),
    ),
    seed: Schema.optionalKey(
      Schema.Int.annotate({ description: "1 where absent; the same seed gives the same model" }),
    ),
    name: Schema.optionalKey(ArtifactName.annotate({ description: "name of the model in the store" })),
    ...Runs,
  },
  output: Schema.Struct({
    digest: Digest,
    names: Schema.Array(Schema.String),
    parameters: Schema.Int,
    steps: Schema.Int,
    flops: Schema.Finite,
    trainingBits: Bits,
    test: Schema.optionalKey(Schema.Struct({
      bytes: Schema.Int,
      bitsPerByte: Bits,
      ngram: Bits.annotate({ description: "of counts of the three bytes before, on the same texts" }),
    })),
  }),
  event: FitEventJson,
  effects: ["readLocal", "writeLocal"],
  refine: ({ backend }: { readonly backend?: string }): Authorities => ({
    effects: ["readLocal", "writeLocal"],
    kinds: kindsOfBackend(backend),
  }),
  cost: {
    compute: "the step's operations times the number of steps, taken from the fuel before it starts",
    reserve: { fuel: 100_000_000_000_000, wallMs: 3_600_000, bytes: 1_073_741_824 },
  },
  examples: [
    {
      title: "a small model of the text that comes along",
      input: { data: "sample-text", epochs: 1, batch: 8, name: "ruth" },
      output: { names: ["ruth@1"], parameters: 41_420 },
    },
    { title: "what is no text", input: { data: "iris" }, failure: "NEURAL_DATA_FORMAT" },
  ],
});

/** Writes. */
export const WriteText = operation("neural.writeText", {
  ...declare,
  summary: "Let a language model write on after a prompt.",
  input: {
    digest: Schema.String.annotate({ description: "digest or name of a stored language model" }),
    prompt: role("freeText", "what it writes on after"),
    tokens: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MAX_GENERATED })).annotate({
        description: "most bytes; 200 where absent",
      }),
    ),
    temperature: Schema.optionalKey(
      Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)).annotate({
        description: "0: the likeliest byte; 1 where absent",
      }),
    ),
    topK: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 })).annotate({
        description: "among so many likeliest bytes; all where absent",
      }),
    ),
    topP: Schema.optionalKey(
      Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1)).annotate({
        description: "among the likeliest bytes that have this share; all where absent",
      }),
    ),
    seed: Schema.optionalKey(Schema.Int.annotate({ description: "0 where absent; the same seed writes the same" })),
    stop: Schema.optionalKey(role("freeText", "text after which it ends")),
    ...Runs,
  },
  output: Schema.Struct({ text: Schema.String, bytes: Schema.Int }),
  event: Schema.Struct({ type: Schema.Literal("piece"), text: Schema.String }),
  effects: ["readLocal"],
  refine: ({ backend }: { readonly backend?: string }): Authorities => ({
    effects: ["readLocal"],
    kinds: kindsOfBackend(backend),
  }),
  cost: { compute: "the model's operations for every byte", reserve: { fuel: 1_000_000_000_000, wallMs: 600_000 } },
  examples: [{
    given: [{
      operation: "neural.learnText",
      input: { data: "sample-text", epochs: 1, batch: 8, name: "ruth" },
    }],
    input: { digest: "ruth", prompt: "And ", tokens: 40, temperature: 0.7, seed: 1 },
    output: { bytes: 40 },
  }],
});

/** Operations on language models. */
export const languageOperations = [LearnText, WriteText] as const;
