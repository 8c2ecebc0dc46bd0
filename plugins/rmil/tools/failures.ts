/**
 * Failures of the tools: patches, caches, modules, the debugger and the language server.
 *
 * Not those of form (../failures.ts) or of meaning (../interpreter/failures.ts).
 *
 * @module
 */
import { type AnyFailureDefinition, failure, type FailureDefinition } from "../../../kernel/mod.ts";

/** A program has more nodes than a tool takes. */
export const tooLarge: FailureDefinition<"RMIL_TOO_LARGE", { what: string; limit: number }> = failure(
  "RMIL_TOO_LARGE",
  {
    doc: "A program or a patch is larger than the tool accepts.",
    recoverable: true,
    says: (a) => `Cannot use the ${a.what}: it has more than ${a.limit} nodes`,
    fix: () => ({ summary: "Split the program with let, or compare its parts" }),
  },
);

/** A patch does not fit the program. */
export const patchMisfit: FailureDefinition<"RMIL_PATCH", { reason: string }> = failure("RMIL_PATCH", {
  doc: "A patch is not one for this program: it was made from another, or its edits contradict each other.",
  recoverable: true,
  says: (a) => `Cannot apply the patch: ${a.reason}`,
  fix: () => ({ summary: "Make the patch again from this program with rmil.diff" }),
});

/** A module, version or range is misspelled. */
export const badModule: FailureDefinition<"RMIL_MODULE", { what: string; text: string; reason: string }> = failure(
  "RMIL_MODULE",
  {
    doc: "A module's name, version, range or lock is not well-formed.",
    recoverable: true,
    says: (a) => `Cannot use ${a.what} "${a.text}": ${a.reason}`,
  },
);

/** A module of this name and version is there already. */
export const moduleExists: FailureDefinition<"RMIL_MODULE_EXISTS", { module: string }> = failure("RMIL_MODULE_EXISTS", {
  doc: "A module of this name and version is published already; published versions never change.",
  recoverable: true,
  says: (a) => `Cannot publish ${a.module}: it is published already`,
  fix: () => ({ summary: "Publish under a higher version" }),
});

/** No such module or version. */
export const unknownModule: FailureDefinition<"RMIL_MODULE_UNKNOWN", { name: string; range: string; by: string }> =
  failure("RMIL_MODULE_UNKNOWN", {
    doc: "No module of this name, or none of its versions lies in the range.",
    recoverable: true,
    says: (a) => `Cannot find ${a.name} ${a.range}, which ${a.by} needs`,
    fix: (a) => ({
      summary: a.suggestions?.[0] === undefined
        ? "Publish it, or widen the range"
        : `Did you mean ${a.suggestions[0]}?`,
    }),
  });

/** No choice of versions satisfies every requirement. */
export const moduleConflict: FailureDefinition<"RMIL_MODULE_CONFLICT", { name: string; demands: string }> = failure(
  "RMIL_MODULE_CONFLICT",
  {
    doc: "No one version of a module satisfies everybody who needs it.",
    recoverable: true,
    says: (a) => `Cannot choose a version of ${a.name}: ${a.demands}`,
    fix: (a) => ({ summary: `Align the ranges for ${a.name}` }),
  },
);

/** Modules need each other in a circle. */
export const moduleCycle: FailureDefinition<"RMIL_MODULE_CYCLE", { cycle: string }> = failure("RMIL_MODULE_CYCLE", {
  doc: "Modules depend on each other in a circle.",
  recoverable: true,
  says: (a) => `Cannot order the modules: ${a.cycle}`,
  fix: () => ({ summary: "Move what both need into a third module" }),
});

/** Bytes are not the ones that were published or locked. */
export const moduleDigest: FailureDefinition<"RMIL_MODULE_DIGEST", { module: string }> = failure("RMIL_MODULE_DIGEST", {
  doc: "A module's bytes do not have the digest that was published or locked.",
  recoverable: false,
  says: (a) => `Cannot use ${a.module}: its bytes are not the ones that were locked`,
});

/** The debugger cannot do what it was asked. */
export const debugLimit: FailureDefinition<"RMIL_DEBUG", { reason: string }> = failure("RMIL_DEBUG", {
  doc: "The debugger cannot go where it was asked to, or would have to keep more than it may.",
  recoverable: true,
  says: (a) => `Cannot debug further: ${a.reason}`,
});

/** A caller without a terminal of its own asked for a server on standard input and output. */
export const notForCallers: FailureDefinition<"RMIL_NOT_FOR_CALLERS", { operation: string; actor: string }> = failure(
  "RMIL_NOT_FOR_CALLERS",
  {
    doc: "A caller that came in through a server asked for this process's standard input and output.",
    recoverable: false,
    says: (a) => `Cannot start ${a.operation} for ${a.actor}`,
    fix: () => ({ summary: "A user of this machine starts it on the command line" }),
  },
);

/** Every failure of the tools. */
export const toolFailures: ReadonlyArray<AnyFailureDefinition> = [
  tooLarge,
  patchMisfit,
  badModule,
  moduleExists,
  unknownModule,
  moduleConflict,
  moduleCycle,
  moduleDigest,
  debugLimit,
  notForCallers,
];
