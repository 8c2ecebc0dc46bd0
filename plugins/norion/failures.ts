/**
 * The failure catalogue of norion: everything that can be wrong with a request, a memory, a gene or a plan.
 *
 * Not for refusals by the gate: those are answers, with reason codes.
 * Invariant: codes are never reused.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { failure, type FailureDefinition, type FailuresOf, inSlices, isFailure } from "../../kernel/mod.ts";

/** There is no profile of a name. */
export const unknownProfile: FailureDefinition<"NORION_PROFILE", { profile: string }> = failure("NORION_PROFILE", {
  doc: "There is no task profile of that name.",
  recoverable: true,
  says: (a) => `Cannot plan for profile "${a.profile}": there is none of that name`,
  fix: () => ({ summary: "Use general, coding, writing, long-context or local-tool" }),
});

/** There is no device of a name. */
export const unknownDevice: FailureDefinition<"NORION_DEVICE", { device: string }> = failure("NORION_DEVICE", {
  doc: "There is no device preset of that name, or a device descriptor has impossible numbers.",
  recoverable: true,
  says: (a) => `Cannot plan for device "${a.device}"`,
});

/** A request cannot be planned. */
export const badRequest: FailureDefinition<"NORION_REQUEST", { reason: string }> = failure("NORION_REQUEST", {
  doc: "A request is empty, too large, or contradicts itself.",
  recoverable: true,
  says: (a) => `Cannot plan the request: ${a.reason}`,
});

/** A gene is malformed. */
export const badGene: FailureDefinition<"NORION_GENE", { gene: string; reason: string }> = failure("NORION_GENE", {
  doc: "A gene has an unknown kind, a knob outside its bounds, or text that is too thin.",
  recoverable: true,
  says: (a) => `Cannot use gene ${a.gene}: ${a.reason}`,
});

/** A text cannot be remembered, or there is no such item. */
export const badMemory: FailureDefinition<"NORION_MEMORY", { reason: string }> = failure("NORION_MEMORY", {
  doc: "A text cannot be remembered, or there is no item of an id in that scope.",
  recoverable: true,
  says: (a) => `Cannot do this with memory: ${a.reason}`,
});

/** No model answered a request. */
export const noAnswer: FailureDefinition<
  "NORION_MODEL",
  { tried: ReadonlyArray<string>; leftOut: ReadonlyArray<string> }
> = failure("NORION_MODEL", {
  doc: "No model answered: each one that may be asked failed or was left out.",
  recoverable: true,
  says: (a) =>
    a.tried.length === 0 && a.leftOut.length === 0
      ? "Cannot answer: there is no model"
      : `Cannot answer: ${[...a.tried, ...a.leftOut].join("; ")}`,
  fix: (a) => ({
    summary: a.tried.length === 0
      ? "Let the request travel further or cost more, or name another model in rmi.models.json"
      : "Ask again later, or name another model in rmi.models.json",
  }),
});

/** The list of models, a model's manifest or its cache cannot be used. */
export const badModel: FailureDefinition<"NORION_MODELS", { what: string; reason: string }> = failure("NORION_MODELS", {
  doc: "The list of models, a recording, a runtime manifest, an embedding or a block of a model's cache is malformed.",
  recoverable: true,
  says: (a) => `Cannot use ${a.what}: ${a.reason}`,
});

/** A gate is closed. */
export const gateClosed: FailureDefinition<"NORION_GATE", { gate: string; reasons: ReadonlyArray<string> }> = failure(
  "NORION_GATE",
  {
    doc: "A check of norion.gate found something that must be mended first.",
    recoverable: true,
    says: (a) => `The ${a.gate} gate is closed: ${a.reasons.join("; ")}`,
  },
);

/** A caller names no scope. */
export const badScope: FailureDefinition<"NORION_SCOPE", { actor: string }> = failure("NORION_SCOPE", {
  doc: "A caller that is not a person at a terminal names no scope, so that nothing says whose memory it may see.",
  recoverable: true,
  says: (a) => `Cannot serve ${a.actor}: it names no scope`,
  fix: () => ({
    summary: "Name the tenant, the workspace and, where there is one, the conversation",
    patch: [{ op: "add", path: "/scope", value: { tenant: "local", workspace: "default" } }],
  }),
});

/** There is no request of an id. */
export const unknownRequest: FailureDefinition<"NORION_UNKNOWN_REQUEST", { request: string }> = failure(
  "NORION_UNKNOWN_REQUEST",
  {
    doc: "There is no request of that id in this scope.",
    recoverable: true,
    says: (a) => `There is no request ${a.request} in this scope`,
    fix: () => ({ summary: "Call norion.inspect for the latest requests" }),
  },
);

/** An edit of a genome cannot be proposed. */
export const badEdit: FailureDefinition<"NORION_EDIT", { edit: string; reason: string }> = failure("NORION_EDIT", {
  doc: "An edit of a genome lacks one of its parts, names a gene that is not there, or cannot be made from it.",
  recoverable: true,
  says: (a) => `Cannot propose to ${a.edit}: ${a.reason}`,
});

/** A recorded request or edit cannot be taken up like this. */
export const badRecord: FailureDefinition<"NORION_RECORD", { what: string; reason: string }> = failure(
  "NORION_RECORD",
  {
    doc:
      "A recorded request or an edit of records is not where this would take it up, or what was brought is not its own.",
    recoverable: true,
    says: (a) => `Cannot take up ${a.what}: ${a.reason}`,
  },
);

/** Every row of the catalogue. */
export const NORION_FAILURES: readonly [
  typeof badScope,
  typeof unknownRequest,
  typeof badRecord,
  typeof unknownProfile,
  typeof unknownDevice,
  typeof badRequest,
  typeof badGene,
  typeof badMemory,
  typeof badEdit,
  typeof noAnswer,
  typeof badModel,
  typeof gateClosed,
] = [
  badScope,
  unknownRequest,
  badRecord,
  unknownProfile,
  unknownDevice,
  badRequest,
  badGene,
  badMemory,
  badEdit,
  noAnswer,
  badModel,
  gateClosed,
];

/** The codes of the catalogue. */
export type NorionCode = typeof NORION_FAILURES[number]["code"];

/** A failure of this room. */
export type NorionFailure = FailuresOf<typeof NORION_FAILURES[number]>;

const CODES: ReadonlySet<string> = new Set(NORION_FAILURES.map(({ code }) => code));

const carried = (thrown: unknown): Effect.Effect<never, NorionFailure> => {
  if (isFailure(thrown) && CODES.has(thrown.code)) return Effect.fail(thrown as NorionFailure);
  throw thrown;
};

/** Runs a computation that throws failures of this room; what else it throws is a defect. */
export const attempting = <A>(compute: () => A): Effect.Effect<A, NorionFailure> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(compute());
    } catch (thrown) {
      return carried(thrown);
    }
  });

/** Runs a long computation of the same kind in slices, so that others have their turn. */
export const attemptingSteps = <A>(compute: () => Generator<void, A>): Effect.Effect<A, NorionFailure> =>
  Effect.flatten(inSlices(function* (): Generator<void, Effect.Effect<A, NorionFailure>> {
    try {
      return Effect.succeed(yield* compute());
    } catch (thrown) {
      return carried(thrown);
    }
  }));
