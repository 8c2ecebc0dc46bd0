/**
 * Operation of learning over clients.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { Digest } from "../../kernel/digest.ts";
import { operation } from "../../kernel/operation.ts";
import { ArtifactName } from "../../registry/artifact.ts";
import { ProgramSource } from "../rmil/library.ts";
import { DataSource } from "./data/source.ts";
import { RULE_NAMES } from "./federated/aggregate.ts";
import { REJECTIONS } from "./federated/messages.ts";
import { PARTITION_NAMES } from "./federated/partition.ts";
import { SERVER_NAMES } from "./federated/server.ts";
import { LOSS_NAMES } from "./losses.ts";
import { Runs, ScoresJson, TRAINING_RESERVE, TRAINS } from "./operations_train.ts";

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }));
const Clients = Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 10_000 }));
const Positive = Schema.Finite.check(Schema.isGreaterThan(0));
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));

const RuleGiven = Schema.Union([
  Schema.Literals(RULE_NAMES),
  Schema.Struct({
    kind: Schema.Literals(RULE_NAMES),
    ratio: Schema.optionalKey(Schema.Finite.annotate({ description: "of trimmedMean: share cut at each end" })),
    hostile: Schema.optionalKey(
      Schema.Int.annotate({ description: "of krum, multiKrum: clients that may be hostile" }),
    ),
    keep: Schema.optionalKey(Schema.Int.annotate({ description: "of multiKrum: clients that are kept" })),
  }),
]);

const PartitionGiven = Schema.Union([
  Schema.Literals(PARTITION_NAMES),
  Schema.Struct({ kind: Schema.Literal("shards"), shards: Schema.optionalKey(Count) }),
  Schema.Struct({ kind: Schema.Literals(["dirichlet", "amounts"]), concentration: Schema.optionalKey(Positive) }),
]);

const ServerGiven = Schema.Union([
  Schema.Literals(SERVER_NAMES),
  Schema.Struct({
    kind: Schema.Literals(SERVER_NAMES),
    rate: Schema.optionalKey(Positive),
    momentum: Schema.optionalKey(Share),
    beta1: Schema.optionalKey(Share),
    beta2: Schema.optionalKey(Share),
    epsilon: Schema.optionalKey(Positive),
  }),
]);

const CompressionGiven = Schema.Union([
  Schema.Struct({ kind: Schema.Literals(["none", "int8"]) }),
  Schema.Struct({ kind: Schema.Literal("topK"), share: Share }),
]);

const AttackGiven = Schema.Struct({
  share: Share.annotate({ description: "share of the clients that are hostile" }),
  kind: Schema.Literals(["flip", "noise", "idle"]),
  scale: Schema.optionalKey(Positive.annotate({ description: "of flip: how many times as large; 1 where absent" })),
  deviation: Schema.optionalKey(Positive.annotate({ description: "of noise; 1 where absent" })),
});

const RejectionJson = Schema.Struct({
  client: Schema.String,
  reason: Schema.Literals(Object.keys(REJECTIONS) as ReadonlyArray<keyof typeof REJECTIONS>),
  detail: Schema.String,
});

const Round = {
  round: Schema.Int,
  used: Schema.Int.annotate({ description: "clients whose updates were used" }),
  rejected: Schema.Array(RejectionJson),
  loss: Schema.optionalKey(Schema.Finite.annotate({ description: "mean of the clients' losses, by samples" })),
  skipped: Schema.optionalKey(Schema.String.annotate({ description: "why nothing was learned" })),
  rolledBack: Schema.Boolean,
  stepLength: Schema.Finite,
  score: Schema.optionalKey(ScoresJson.annotate({ description: "on the validation part" })),
  epsilon: Schema.optionalKey(Schema.Finite.annotate({ description: "what was told of any client so far" })),
};

const RoundJson = Schema.Struct(Round);

const FederatedEventJson = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("start"),
    clients: Schema.Int,
    smallest: Schema.Int.annotate({ description: "samples of the client that has fewest" }),
    largest: Schema.Int,
    parameters: Schema.Int,
    score: Schema.optionalKey(ScoresJson),
  }),
  Schema.Struct({ type: Schema.Literal("round"), ...Round }),
]);

/** Learns over clients. */
export const Federate = operation("neural.federate", {
  summary: "Train a program on data spread over clients that only send updates; keep the model.",
  input: {
    program: Schema.optionalKey(ProgramSource).annotate({
      description: "program, or pattern such as mlp(2); sizes that it leaves open are fitted to the data",
    }),
    digest: Schema.optionalKey(
      Schema.String.annotate({
        description: "digest or name of a stored model that is trained on instead of a program",
      }),
    ),
    data: DataSource,
    loss: Schema.optionalKey(
      Schema.Literals(LOSS_NAMES).annotate({
        description: "crossEntropy for classes and tokens, mse for numbers, where absent",
      }),
    ),
    clients: Schema.optionalKey(Clients.annotate({ description: "10 where absent; they share this process" })),
    perRound: Schema.optionalKey(
      Count.annotate({ description: "clients that take part in a round; all where absent" }),
    ),
    rounds: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 })).annotate({ description: "10 where absent" }),
    ),
    epochs: Schema.optionalKey(Count.annotate({ description: "passes of a client in a round; 1 where absent" })),
    batch: Schema.optionalKey(Count.annotate({ description: "samples of a step; 10 where absent" })),
    rate: Schema.optionalKey(Positive.annotate({ description: "step size of clients; 0.1 where absent" })),
    proximal: Schema.optionalKey(
      Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)).annotate({
        description: "pull of clients to the round's weights (FedProx); 0 where absent",
      }),
    ),
    rule: Schema.optionalKey(RuleGiven.annotate({ description: "how updates are combined; mean where absent" })),
    server: Schema.optionalKey(ServerGiven.annotate({ description: "how the server follows; plain where absent" })),
    average: Schema.optionalKey(Share.annotate({ description: "share that a running mean of the weights keeps" })),
    partition: Schema.optionalKey(
      PartitionGiven.annotate({ description: "who holds which samples; even where absent" }),
    ),
    compression: Schema.optionalKey(CompressionGiven.annotate({ description: "of updates, with error feedback" })),
    privacy: Schema.optionalKey(
      Schema.Struct({ clip: Positive, noise: Schema.Finite, delta: Positive }).annotate({
        description: "cut updates to clip, add noise of noise·clip, and account for it at delta",
      }),
    ),
    secure: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "seal updates, so that only their sum is read" }),
    ),
    attackers: Schema.optionalKey(AttackGiven.annotate({ description: "clients that lie, to try a rule on" })),
    rollback: Schema.optionalKey(
      Schema.Finite.annotate({ description: "go back when the loss does not fall by this much" }),
    ),
    least: Schema.optionalKey(Count.annotate({ description: "fewest updates that make a round; 1 where absent" })),
    seed: Schema.optionalKey(
      Schema.Int.annotate({ description: "0 where absent; the same seed gives the same model" }),
    ),
    test: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "judge the test part once, at the end; true where absent" }),
    ),
    name: Schema.optionalKey(ArtifactName.annotate({ description: "name of the model in the store" })),
    ...Runs,
  },
  output: Schema.Struct({
    digest: Digest,
    names: Schema.Array(Schema.String),
    program: Schema.optionalKey(Schema.String.annotate({ description: "with every size that was chosen" })),
    parameters: Schema.Int,
    clients: Schema.Int,
    hostile: Schema.Int,
    rounds: Schema.Array(RoundJson),
    rejected: Schema.Int,
    flops: Schema.Finite,
    metrics: Schema.Struct({
      validation: Schema.optionalKey(ScoresJson),
      test: Schema.optionalKey(ScoresJson),
    }),
    epsilon: Schema.optionalKey(Schema.Finite),
  }),
  event: FederatedEventJson,
  ...TRAINS,
  cost: {
    compute: "rounds × samples of the clients that take part × epochs × the step's operations, paid before it starts",
    reserve: TRAINING_RESERVE,
  },
  examples: [
    {
      title: "two half moons over five clients with few classes each",
      input: {
        program: "mlp(2)",
        data: "moons",
        clients: 5,
        rounds: 3,
        partition: { kind: "shards", shards: 2 },
        name: "moons-together",
      },
      output: {
        names: ["moons-together@1"],
        parameters: 162,
        clients: 5,
        rejected: 0,
        rounds: [{ round: 1, used: 5 }],
      },
    },
    {
      title: "a rule that withstands clients that lie",
      input: {
        program: "mlp(2)",
        data: "moons",
        clients: 5,
        rounds: 2,
        rule: "geometricMedian",
        attackers: { share: 0.2, kind: "flip", scale: 10 },
      },
      output: { hostile: 1, rejected: 0 },
    },
    {
      title: "a rule that would leave nothing",
      input: { program: "mlp(2)", data: "moons", clients: 4, rounds: 1, rule: { kind: "trimmedMean", ratio: 1 } },
      failure: "NEURAL_SETTING",
    },
    {
      title: "more clients than samples",
      input: { program: "mlp(2)", data: "moons", clients: 5000, rounds: 1 },
      failure: "NEURAL_FEDERATED",
    },
  ],
});
