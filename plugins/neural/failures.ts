/**
 * The failure catalogue of the neural room: everything that can be wrong with a network, its data or its training.
 *
 * Not for defects: a broken invariant of this room stays a thrown error.
 * Invariant: codes are never reused; the functions of this room throw these, and failures of the rooms they call.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { failure, type FailureDefinition, type FailuresOf, isFailure } from "../../kernel/failure.ts";

/** Two layers share a path but not a type. */
export const sharedDiffers: FailureDefinition<"NEURAL_SHARED", { path: string; expected: string; actual: string }> =
  failure("NEURAL_SHARED", {
    doc: "Two layers ask for one tensor by the same path with different types.",
    recoverable: true,
    says: (a) => `Cannot share ${a.path}: it is ${a.expected}, and ${a.actual} is asked for`,
    fix: (a) => ({ summary: `Give the layers paths of their own, or both the type ${a.expected}` }),
  });

/** A forward pass is not one network. */
export const notOneNetwork: FailureDefinition<"NEURAL_NETWORK", { reason: string }> = failure("NEURAL_NETWORK", {
  doc: "A forward pass does not make one network.",
  recoverable: true,
  says: (a) => `Cannot make a network: ${a.reason}`,
});

/** No data set has this name. */
export const unknownData: FailureDefinition<"NEURAL_DATA_UNKNOWN", { name: string }> = failure("NEURAL_DATA_UNKNOWN", {
  doc: "No data set has this name.",
  recoverable: true,
  says: (a) => `Cannot open data set "${a.name}": there is none of that name`,
  fix: (a) => {
    const [best] = a.suggestions ?? [];
    if (best === undefined) return { summary: "List them with data.list" };
    const summary = `Use ${best}`;
    return a.path === undefined ? { summary } : { summary, patch: [{ op: "replace", path: a.path, value: best }] };
  },
});

/** A data set is known and not here. */
export const absentData: FailureDefinition<"NEURAL_DATA_ABSENT", { name: string; reason: string; command: string }> =
  failure("NEURAL_DATA_ABSENT", {
    doc: "A data set is known, and its files are not on this machine.",
    recoverable: true,
    says: (a) => `Cannot open data set "${a.name}": ${a.reason}`,
    fix: (a) => ({ summary: `Install it: ${a.command}`, command: a.command }),
  });

/** A file that was named is not there. */
export const absentFile: FailureDefinition<"NEURAL_DATA_FILE", { file: string; reason: string }> = failure(
  "NEURAL_DATA_FILE",
  {
    doc: "A file or folder of data is not there, or is not what is expected there.",
    recoverable: true,
    says: (a) => `Cannot read data from ${a.file}: ${a.reason}`,
    fix: () => ({ summary: "Name a file that is there" }),
  },
);

/** The bytes of a file are not what its format says. */
export const malformedData: FailureDefinition<"NEURAL_DATA_MALFORMED", { format: string; at: string; reason: string }> =
  failure("NEURAL_DATA_MALFORMED", {
    doc: "The bytes of a file are not what its format says they are.",
    recoverable: true,
    says: (a) => `Cannot read ${a.format} at ${a.at}: ${a.reason}`,
  });

/** Data exceed a limit. */
export const dataLimit: FailureDefinition<"NEURAL_DATA_LIMIT", { what: string; limit: number; found: number }> =
  failure("NEURAL_DATA_LIMIT", {
    doc: "A file, or what it declares, is larger than may be held.",
    recoverable: true,
    says: (a) => `Cannot accept ${a.what}: ${a.found} exceeds the limit of ${a.limit}`,
  });

/** What data are cannot be told, or is told wrongly. */
export const badData: FailureDefinition<"NEURAL_DATA_FORMAT", { what: string; reason: string }> = failure(
  "NEURAL_DATA_FORMAT",
  {
    doc: "The format of data cannot be told, or does not suit what is asked of them.",
    recoverable: true,
    says: (a) => `Cannot use ${a.what}: ${a.reason}`,
  },
);

/** A table has no such column. */
export const unknownColumn: FailureDefinition<"NEURAL_DATA_COLUMN", { column: string }> = failure(
  "NEURAL_DATA_COLUMN",
  {
    doc: "A table has no column of this name.",
    recoverable: true,
    says: (a) => `Cannot use column "${a.column}": the table has none of that name`,
    fix: (a) => {
      const [best] = a.suggestions ?? [];
      if (best === undefined) return { summary: "See its columns with data.describe" };
      const summary = `Use ${best}`;
      return a.path === undefined ? { summary } : { summary, patch: [{ op: "replace", path: a.path, value: best }] };
    },
  },
);

/** A column's values are of the wrong kind. */
export const badColumn: FailureDefinition<"NEURAL_DATA_VALUES", { column: string; reason: string }> = failure(
  "NEURAL_DATA_VALUES",
  {
    doc: "The values of a column are not of the kind that is asked of them.",
    recoverable: true,
    says: (a) => `Cannot use column "${a.column}": ${a.reason}`,
  },
);

/** A way of batching, splitting or augmenting does not suit the data. */
export const badBatches: FailureDefinition<"NEURAL_DATA_OPTION", { option: string; reason: string }> = failure(
  "NEURAL_DATA_OPTION",
  {
    doc: "A way of batching, splitting or augmenting is malformed or does not suit the data.",
    recoverable: true,
    says: (a) => `Cannot take ${a.option}: ${a.reason}`,
  },
);

/** The test split was read before. */
export const testSplitRead: FailureDefinition<"NEURAL_TEST_SPLIT", { name: string }> = failure("NEURAL_TEST_SPLIT", {
  doc: "The test split of a data set is read a second time in one run, so its answer would no longer be unseen.",
  recoverable: false,
  says: (a) => `Cannot read the test split of "${a.name}" again: this run has read it`,
  fix: () => ({ summary: "Choose between models by the validation split; read the test split once, at the end" }),
});

/** A file of weights is malformed. */
export const malformedWeights: FailureDefinition<
  "NEURAL_WEIGHTS",
  { format: string; at: string; reason: string }
> = failure("NEURAL_WEIGHTS", {
  doc: "A file of weights is malformed, or weights cannot be written in its format.",
  recoverable: true,
  says: (a) => `Cannot take ${a.format} at ${a.at}: ${a.reason}`,
});

/** The failures of data and of files. */
export const DATA_FAILURES = [
  unknownData,
  absentData,
  absentFile,
  malformedData,
  dataLimit,
  badData,
  unknownColumn,
  badColumn,
  badBatches,
  testSplitRead,
  malformedWeights,
] as const;

/** A setting of a layer, a loss, an optimiser, a schedule or a training is none of its values. */
export const badSetting: FailureDefinition<"NEURAL_SETTING", { what: string; reason: string }> = failure(
  "NEURAL_SETTING",
  {
    doc:
      "A setting of a layer, a loss, an optimiser, a schedule or a training does not exist or cannot have its value.",
    recoverable: true,
    says: (a) => `Cannot use ${a.what}: ${a.reason}`,
  },
);

/** What a loss compares does not fit together. */
export const lossMisfit: FailureDefinition<"NEURAL_LOSS", { loss: string; reason: string }> = failure("NEURAL_LOSS", {
  doc: "A loss is given outputs and targets that do not fit together.",
  recoverable: true,
  says: (a) => `Cannot apply ${a.loss}: ${a.reason}`,
});

/** Training cannot begin or go on. */
export const cannotTrain: FailureDefinition<"NEURAL_TRAINING", { reason: string }> = failure("NEURAL_TRAINING", {
  doc: "A training cannot begin or go on as it was asked for.",
  recoverable: true,
  says: (a) => `Cannot train: ${a.reason}`,
});

/** Learning cannot be spread over clients as asked. */
export const notFederated: FailureDefinition<"NEURAL_FEDERATED", { reason: string }> = failure("NEURAL_FEDERATED", {
  doc: "Federated learning cannot run as asked: of its network, its clients, its partition or its settings.",
  recoverable: true,
  says: (a) => `Cannot learn over clients: ${a.reason}`,
});

/** A rule cannot combine the updates it has. */
export const notCombined: FailureDefinition<"NEURAL_AGGREGATE", { rule: string; reason: string }> = failure(
  "NEURAL_AGGREGATE",
  {
    doc: "A rule cannot combine the updates of a round: too few are left, or its settings leave none.",
    recoverable: true,
    says: (a) => `Cannot combine updates by ${a.rule}: ${a.reason}`,
  },
);

/** A client did not answer as a client does. */
export const clientFailed: FailureDefinition<"NEURAL_CLIENT", { client: string; reason: string }> = failure(
  "NEURAL_CLIENT",
  {
    doc: "A client of federated learning did not answer, or not with an update.",
    recoverable: true,
    says: (a) => `Cannot use the answer of client ${a.client}: ${a.reason}`,
  },
);

/** Variables are used as they cannot be. */
export const badVariable: FailureDefinition<"NEURAL_TAPE", { op: string; reason: string }> = failure("NEURAL_TAPE", {
  doc: "An operation on variables, or their differentiation, cannot be done.",
  recoverable: true,
  says: (a) => `Cannot do ${a.op}: ${a.reason}`,
});

/** An architecture is not one, or an edit of it has no meaning. */
export const badArchitecture: FailureDefinition<"NEURAL_ARCHITECTURE", { what: string; reason: string }> = failure(
  "NEURAL_ARCHITECTURE",
  {
    doc: "An edit of an architecture has no meaning, or the architecture cannot become a network.",
    recoverable: true,
    says: (a) => `Cannot ${a.what}: ${a.reason}`,
  },
);

/** No layer has this kind. */
export const unknownLayer: FailureDefinition<"NEURAL_LAYER", { kind: string }> = failure("NEURAL_LAYER", {
  doc: "No kind of layer has this name.",
  recoverable: true,
  says: (args: { kind: string }) => `Cannot build a layer of kind ${args.kind}: there is none of that name`,
  fix: (args) => ({
    summary: args.suggestions?.[0] === undefined ? "Take a kind of the table" : `Take ${args.suggestions[0]}`,
  }),
});

/** A layer takes another number of inputs or parts. */
export const wrongCount: FailureDefinition<"NEURAL_COUNT", { kind: string; of: string; takes: string; found: number }> =
  failure("NEURAL_COUNT", {
    doc: "A layer is given more or fewer inputs or inner layers than it takes.",
    recoverable: true,
    says: (args: { kind: string; of: string; takes: string; found: number }) =>
      `Cannot build ${args.kind}: it takes ${args.takes} ${args.of}, not ${args.found}`,
  });

/** A layer needs a size that is not known before it runs. */
export const sizeUnknown: FailureDefinition<"NEURAL_SIZE", { kind: string; what: string; size: string }> = failure(
  "NEURAL_SIZE",
  {
    doc: "The size of a learned tensor, or one that a layer counts with, is a symbol.",
    recoverable: true,
    says: (args: { kind: string; what: string; size: string }) =>
      `Cannot build ${args.kind}: ${args.what} needs a known size, and ${args.size} is none`,
    fix: (args) => ({ summary: `Give the input a number in place of ${args.size}` }),
  },
);

/** An input does not fit a layer. */
export const unfitInput: FailureDefinition<"NEURAL_INPUT", { kind: string; found: string; reason: string }> = failure(
  "NEURAL_INPUT",
  {
    doc: "A layer is given a tensor of a type it does not take.",
    recoverable: true,
    says: (args: { kind: string; found: string; reason: string }) =>
      `Cannot apply ${args.kind} to ${args.found}: ${args.reason}`,
  },
);

/** A start cannot be made. */
export const badStart: FailureDefinition<"NEURAL_START", { tensor: string; kind: string; reason: string }> = failure(
  "NEURAL_START",
  {
    doc: "A tensor cannot start in the way that is asked for.",
    recoverable: true,
    says: (args: { tensor: string; kind: string; reason: string }) =>
      `Cannot start ${args.tensor} as ${args.kind}: ${args.reason}`,
  },
);

/** A program cannot be trained on data. */
export const unfitProgram: FailureDefinition<"NEURAL_PROGRAM", { reason: string }> = failure("NEURAL_PROGRAM", {
  doc: "A program of the language gives something that a target cannot be compared with.",
  recoverable: true,
  says: (a) => `Cannot fit the program to the data: ${a.reason}`,
});

/** A stored model or checkpoint is malformed, or of another training. */
export const badModel: FailureDefinition<"NEURAL_MODEL", { what: string; reason: string }> = failure("NEURAL_MODEL", {
  doc: "A stored model or checkpoint is malformed, or does not belong to what is asked of it.",
  recoverable: true,
  says: (a) => `Cannot use the ${a.what}: ${a.reason}`,
});

/** A layer has no form in the language, or an expression none as a layer. */
export const notWritten: FailureDefinition<"NEURAL_WRITTEN", { kind: string; reason: string }> = failure(
  "NEURAL_WRITTEN",
  {
    doc: "A layer cannot be written as a program of the language, or a program not be read as layers.",
    recoverable: true,
    says: (args: { kind: string; reason: string }) => `Cannot turn ${args.kind} into the other form: ${args.reason}`,
    fix: () => ({ summary: "Take layers that are ops of the language, or arrangements of them" }),
  },
);

/** A layer is not one, or too large to build. */
export const badForm: FailureDefinition<"NEURAL_FORM", { reason: string }> = failure("NEURAL_FORM", {
  doc: "A layer is malformed, or layers stand too deep or are too many.",
  recoverable: true,
  says: (args: { reason: string }) => `Cannot take this as a layer: ${args.reason}`,
});

/** Every failure of this room. */
export const NEURAL_FAILURES = [
  sharedDiffers,
  notOneNetwork,
  ...DATA_FAILURES,
  lossMisfit,
  cannotTrain,
  unfitProgram,
  badModel,
  notFederated,
  notCombined,
  clientFailed,
  badVariable,
  badArchitecture,
  unknownLayer,
  wrongCount,
  sizeUnknown,
  unfitInput,
  badStart,
  notWritten,
  badForm,
  badSetting,
] as const;

/** A failure of this room. */
export type NeuralFailure = FailuresOf<typeof NEURAL_FAILURES[number]>;

const CODES: ReadonlySet<string> = new Set(NEURAL_FAILURES.map((row) => row.code));

/** Whether a thrown value is a failure of this room. */
export const isNeuralFailure = (value: unknown): value is NeuralFailure => isFailure(value) && CODES.has(value.code);

/** Runs a computation of this room and answers its failure as an effect; anything else thrown is a defect and passes. */
export const attemptEffect = <A>(compute: () => A): Effect.Effect<A, NeuralFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(compute());
    } catch (thrown) {
      if (isNeuralFailure(thrown)) return Effect.fail(thrown);
      throw thrown;
    }
  });

/** The same for a computation that takes its time. */
export const attemptPromise = <A>(compute: () => Promise<A>): Effect.Effect<A, NeuralFailure> =>
  Effect.catchDefect(
    Effect.promise(compute),
    (thrown) => isNeuralFailure(thrown) ? Effect.fail(thrown) : Effect.die(thrown),
  );
