/**
 * The failure catalogue of evolution: what a search, its settings, its scores or its stored state can lack.
 *
 * Not for a candidate whose evaluation failed: that is a score (the worst one), not a failure of the search.
 * Invariant: codes are never reused; the functions of this room throw these and nothing else on bad input.
 *
 * @module
 */
import { failure, type FailureDefinition, type FailuresOf, isFailure } from "../../kernel/failure.ts";

/** A setting is outside what a search or operator takes. */
export const badSetting: FailureDefinition<"EVOLUTION_SETTING", { setting: string; wanted: string; found: string }> =
  failure("EVOLUTION_SETTING", {
    doc: "A setting of a search, an operator or a measure is outside what it takes.",
    recoverable: true,
    says: (a) => `Cannot use ${a.setting} ${a.found}: it has to be ${a.wanted}`,
  });

/** Points of objectives do not have the sizes that a measure takes. */
export const badPoints: FailureDefinition<"EVOLUTION_POINTS", { measure: string; reason: string }> = failure(
  "EVOLUTION_POINTS",
  {
    doc: "Points of objectives have other sizes or values than a measure takes.",
    recoverable: true,
    says: (a) => `Cannot compute ${a.measure}: ${a.reason}`,
  },
);

/** A measure or a search would need more than this room's limits. */
export const overLimit: FailureDefinition<"EVOLUTION_LIMIT", { what: string; limit: number; found: number }> = failure(
  "EVOLUTION_LIMIT",
  {
    doc: "A search or a measure is larger than this room takes.",
    recoverable: true,
    says: (a) => `Cannot take ${a.what}: ${a.found} exceeds the limit of ${a.limit}`,
  },
);

/** Scores were told that do not belong to what was asked. */
export const wrongScores: FailureDefinition<"EVOLUTION_SCORES", { asked: number; told: number }> = failure(
  "EVOLUTION_SCORES",
  {
    doc: "The scores told to a search are not one for each candidate that it asked for.",
    recoverable: true,
    says: (a) => `Cannot tell ${a.told} scores to a search that asked for ${a.asked}`,
  },
);

/** A stored state is not one of this search. */
export const badState: FailureDefinition<"EVOLUTION_STATE", { reason: string }> = failure("EVOLUTION_STATE", {
  doc: "A stored state of a search cannot be resumed: it is malformed or belongs to another search.",
  recoverable: false,
  says: (a) => `Cannot resume the search: ${a.reason}`,
  fix: () => ({ summary: "Resume with the settings that the state was stored under, or start anew" }),
});

/** A stored run cannot be read, kept or gone on with. */
export const badRun: FailureDefinition<"EVOLUTION_RUN", { run: string; reason: string }> = failure("EVOLUTION_RUN", {
  doc: "A run cannot be kept in the artifact store, or what is stored of it cannot be read.",
  recoverable: false,
  says: (a) => `Cannot use the run "${a.run}": ${a.reason}`,
  fix: () => ({ summary: "Name another run, or look at what is stored of this one with evolution.status" }),
});

/** A name is another run's. */
export const takenRun: FailureDefinition<"EVOLUTION_RUN_TAKEN", { run: string; operation: string }> = failure(
  "EVOLUTION_RUN_TAKEN",
  {
    doc: "A name belongs to a run of other settings: a name means one run for ever.",
    recoverable: true,
    says: (a) => `Cannot name this run "${a.run}": a run of ${a.operation} with other settings has that name`,
    fix: (a) => ({
      summary: "Leave the name out: each run then has a name of its own",
      ...(a.path === undefined ? {} : { patch: [{ op: "remove", path: a.path }] }),
    }),
  },
);

/** What is to be evolved, or how it is scored, does not fit together. */
export const badObjective: FailureDefinition<"EVOLUTION_OBJECTIVE", { objective: string; reason: string }> = failure(
  "EVOLUTION_OBJECTIVE",
  {
    doc: "What scores the candidates cannot be applied to them.",
    recoverable: true,
    says: (a) => `Cannot score by ${a.objective}: ${a.reason}`,
  },
);

/** Nothing can be created from the data, or a run of it cannot go on. */
export const cannotCreate: FailureDefinition<"EVOLUTION_CREATE", { reason: string }> = failure("EVOLUTION_CREATE", {
  doc: "A model cannot be created: from these data, under these limits, or in the run that is to go on.",
  recoverable: true,
  says: (a) => `Cannot create a model: ${a.reason}`,
});

/** A registered document cannot be changed as asked. */
export const unfitChange: FailureDefinition<"EVOLUTION_CHANGE", { what: string; reason: string }> = failure(
  "EVOLUTION_CHANGE",
  {
    doc: "A registered model, program or set of settings cannot be changed as asked.",
    recoverable: true,
    says: (a) => `Cannot change ${a.what}: ${a.reason}`,
  },
);

/** What guards the system is not changed by the system. */
export const protectedTarget: FailureDefinition<"EVOLUTION_PROTECTED", { target: string; guards: string }> = failure(
  "EVOLUTION_PROTECTED",
  {
    doc: "A change is aimed at what judges, guards or undoes changes, which no change of the system's own may touch.",
    recoverable: false,
    says: (a) => `Cannot change ${a.target}: it is ${a.guards}`,
    fix: () => ({ summary: "Propose a change of a program or of settings that evolution.registered lists" }),
  },
);

/** A test suite cannot judge anything. */
export const badSuite: FailureDefinition<"EVOLUTION_SUITE", { reason: string }> = failure("EVOLUTION_SUITE", {
  doc: "A test suite has no cases, or cases that cannot judge the candidate they are for.",
  recoverable: true,
  says: (a) => `Cannot judge by this suite: ${a.reason}`,
});

/** The catalogue, in the order of the documentation. */
export const EVOLUTION_FAILURES: readonly [
  typeof badSetting,
  typeof badPoints,
  typeof overLimit,
  typeof wrongScores,
  typeof badState,
  typeof badRun,
  typeof takenRun,
  typeof badObjective,
  typeof cannotCreate,
  typeof unfitChange,
  typeof protectedTarget,
  typeof badSuite,
] = [
  badSetting,
  badPoints,
  overLimit,
  wrongScores,
  badState,
  badRun,
  takenRun,
  badObjective,
  cannotCreate,
  unfitChange,
  protectedTarget,
  badSuite,
];

/** Any failure of this room. */
export type EvolutionFailure = FailuresOf<typeof EVOLUTION_FAILURES[number]>;

/** The code of any failure of this room. */
export type EvolutionCode = EvolutionFailure["code"];

const CODES: ReadonlySet<string> = new Set(EVOLUTION_FAILURES.map(({ code }) => code));

/** Whether a thrown value is a failure of this room. */
export const isEvolutionFailure = (value: unknown): value is EvolutionFailure =>
  isFailure(value) && CODES.has(value.code);
