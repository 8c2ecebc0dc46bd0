/**
 * The kernel's failure catalogue: every expected error of declaring, resolving, booting and calling.
 *
 * Not for other rooms: each has its own `failures.ts`. Codes are never reused.
 *
 * @module
 */
import { type AnyFailureDefinition, failure, type FailureDefinition } from "./failure.ts";

const list = (names: ReadonlyArray<string>): string => names.join(", ");

/** A declaration lacks a field, or a field is malformed. */
export const incompleteDeclaration: FailureDefinition<
  "KERNEL_DECLARATION",
  { operation: string; field: string; expected: string }
> = failure("KERNEL_DECLARATION", {
  doc: "An operation's declaration lacks a field or holds a malformed one.",
  recoverable: true,
  says: (a) => `Cannot accept operation ${a.operation}: its field "${a.field}" must be ${a.expected}`,
  fix: (a) => ({ summary: `Give "${a.field}" as ${a.expected}` }),
});

/** A manifest lacks a field, or a field is malformed. */
export const incompleteManifest: FailureDefinition<
  "KERNEL_MANIFEST",
  { plugin: string; field: string; expected: string }
> = failure("KERNEL_MANIFEST", {
  doc: "A plugin's manifest lacks a field or holds a malformed one.",
  recoverable: true,
  says: (a) => `Cannot accept plugin ${a.plugin}: its manifest field "${a.field}" must be ${a.expected}`,
  fix: (a) => ({ summary: `Give "${a.field}" as ${a.expected}` }),
});

/** Two plugins share an id. */
export const duplicatePlugin: FailureDefinition<
  "KERNEL_DUPLICATE_PLUGIN",
  { plugin: string; versions: ReadonlyArray<string> }
> = failure("KERNEL_DUPLICATE_PLUGIN", {
  doc: "Two plugins have the same id.",
  recoverable: true,
  says: (a) => `Cannot resolve plugins: id "${a.plugin}" is declared ${a.versions.length} times (${list(a.versions)})`,
  fix: (a) => ({ summary: `Remove all but one "${a.plugin}"` }),
});

/** Two plugins claim a namespace. */
export const namespaceClash: FailureDefinition<
  "KERNEL_NAMESPACE_CLASH",
  { namespace: string; plugins: ReadonlyArray<string> }
> = failure("KERNEL_NAMESPACE_CLASH", {
  doc: "Two plugins declare the same operation namespace.",
  recoverable: true,
  says: (a) => `Cannot resolve plugins: namespace "${a.namespace}" is declared by ${list(a.plugins)}`,
  fix: (a) => ({ summary: `Rename the namespace in one of ${list(a.plugins)}` }),
});

/** Nothing provides a required capability. */
export const missingCapability: FailureDefinition<
  "KERNEL_MISSING_CAPABILITY",
  { plugin: string; capability: string; range: string }
> = failure("KERNEL_MISSING_CAPABILITY", {
  doc: "A plugin requires a capability that no plugin provides.",
  recoverable: true,
  says: (a) => `Cannot resolve ${a.plugin}: it requires ${a.capability}@${a.range} and nothing provides it`,
  fix: (a) => ({ summary: `Add a plugin that provides ${a.capability}@${a.range}` }),
});

/** The provider's version is outside the required range. */
export const incompatibleVersion: FailureDefinition<
  "KERNEL_INCOMPATIBLE_VERSION",
  { plugin: string; capability: string; range: string; provider: string; version: string }
> = failure("KERNEL_INCOMPATIBLE_VERSION", {
  doc: "The provider of a capability has a version outside the required range.",
  recoverable: true,
  says: (a) =>
    `Cannot resolve ${a.plugin}: it requires ${a.capability}@${a.range}, and ${a.provider} provides ${a.version}`,
  fix: (a) => ({ summary: `Use a version of ${a.provider} that provides ${a.capability}@${a.range}` }),
});

/** Several plugins provide a capability and none was chosen. */
export const capabilityClash: FailureDefinition<
  "KERNEL_CAPABILITY_CLASH",
  { capability: string; plugins: ReadonlyArray<string> }
> = failure("KERNEL_CAPABILITY_CLASH", {
  doc: "Several plugins provide a capability and no choice was made.",
  recoverable: true,
  says: (a) => `Cannot resolve ${a.capability}: ${list(a.plugins)} all provide it`,
  fix: (a) => ({ summary: `Choose one: set choose["${a.capability}"] to one of ${list(a.plugins)}` }),
});

/** The chosen provider does not provide the capability. */
export const unknownChoice: FailureDefinition<
  "KERNEL_UNKNOWN_CHOICE",
  { capability: string; plugin: string; plugins: ReadonlyArray<string> }
> = failure("KERNEL_UNKNOWN_CHOICE", {
  doc: "The plugin chosen for a capability does not provide it.",
  recoverable: true,
  says: (a) => `Cannot use ${a.plugin} for ${a.capability}: providers are ${list(a.plugins) || "none"}`,
  fix: (a) => ({ summary: `Choose one of ${list(a.plugins) || "no plugin"}` }),
});

/** Plugins require each other in a circle. */
export const dependencyCycle: FailureDefinition<"KERNEL_DEPENDENCY_CYCLE", { cycle: ReadonlyArray<string> }> = failure(
  "KERNEL_DEPENDENCY_CYCLE",
  {
    doc: "Plugins require each other in a circle.",
    recoverable: true,
    says: (a) => `Cannot order plugins: ${a.cycle.join(" → ")}`,
    fix: (a) => ({ summary: `Move what ${a.cycle.slice(0, -1).join(" and ")} share into a plugin of its own` }),
  },
);

/** A version or range is not semver. */
export const malformedVersion: FailureDefinition<"KERNEL_MALFORMED_VERSION", { plugin: string; text: string }> =
  failure("KERNEL_MALFORMED_VERSION", {
    doc: "A version or a version range does not follow semantic versioning.",
    recoverable: true,
    says: (a) => `Cannot resolve ${a.plugin}: "${a.text}" is not semantic versioning`,
    fix: () => ({ summary: "Write a version like 1.2.3 or a range like ^1.2.0" }),
  });

/** A plugin did not start in time. */
export const bootDeadline: FailureDefinition<
  "KERNEL_BOOT_DEADLINE",
  { plugin: string; deadlineMs: number; cause: string }
> = failure("KERNEL_BOOT_DEADLINE", {
  doc: "A plugin did not start within its deadline.",
  recoverable: true,
  says: (a) => `Cannot start ${a.plugin}: not ready after ${a.deadlineMs} ms; likely cause: ${a.cause}`,
  fix: (a) => ({ summary: `Check ${a.cause}, or raise the plugin's deadline` }),
});

/** A plugin's code threw or broke its declaration while starting. */
export const bootFailed: FailureDefinition<"KERNEL_BOOT_FAILED", { plugin: string; cause: string }> = failure(
  "KERNEL_BOOT_FAILED",
  {
    doc: "A plugin failed while starting.",
    recoverable: true,
    says: (a) => `Cannot start ${a.plugin}: ${a.cause}`,
    fix: (a) => ({ summary: `Mend or remove ${a.plugin}; the other plugins run without it if it is optional` }),
  },
);

/** No operation has this id, as far as this caller may know. */
export const unknownOperation: FailureDefinition<"KERNEL_UNKNOWN_OPERATION", { id: string }> = failure(
  "KERNEL_UNKNOWN_OPERATION",
  {
    doc: "No operation has this id, as far as the caller may know.",
    recoverable: true,
    says: (a) => `Cannot find operation "${a.id}"`,
    fix: (a) =>
      a.suggestions === undefined || a.suggestions.length === 0 ? { summary: "Search for it with kernel.search" } : {
        summary: `Did you mean ${a.suggestions[0]}?`,
        ...(a.path ? { patch: [{ op: "replace", path: a.path, value: a.suggestions[0] }] } : {}),
      },
  },
);

/** The input does not fit the declaration. */
export const invalidInput: FailureDefinition<"KERNEL_INVALID_INPUT", { operation: string; problem: string }> = failure(
  "KERNEL_INVALID_INPUT",
  {
    doc: "The input does not fit the operation's input schema.",
    recoverable: true,
    says: (a) => `Cannot call ${a.operation}: ${a.problem}`,
  },
);

/** The handler answered outside its declaration. */
export const invalidOutput: FailureDefinition<"KERNEL_INVALID_OUTPUT", { operation: string; problem: string }> =
  failure("KERNEL_INVALID_OUTPUT", {
    doc: "An operation answered outside its own declaration (a bug in its plugin).",
    recoverable: false,
    says: (a) => `Cannot use the answer of ${a.operation}: ${a.problem}`,
  });

/** A bug in the handler. */
export const defect: FailureDefinition<"KERNEL_DEFECT", { operation: string; cause: string }> = failure(
  "KERNEL_DEFECT",
  {
    doc: "An operation broke (a bug, not a condition of the input).",
    recoverable: false,
    says: (a) => `Cannot finish ${a.operation}: it broke with ${a.cause}`,
  },
);

/** An operation called from an operation failed. */
export const subcallFailed: FailureDefinition<
  "KERNEL_SUBCALL",
  { operation: string; called: string; message: string }
> = failure("KERNEL_SUBCALL", {
  doc: "An operation that this operation called failed; `actual` holds its failure whole.",
  recoverable: true,
  says: (a) => `Cannot finish ${a.operation}: its call of ${a.called} failed: ${a.message}`,
});

/** The call was interrupted. */
export const interrupted: FailureDefinition<"KERNEL_INTERRUPTED", { operation: string }> = failure(
  "KERNEL_INTERRUPTED",
  {
    doc: "The call was interrupted before it finished.",
    recoverable: true,
    says: (a) => `${a.operation} was interrupted`,
  },
);

/** An authority is not granted. */
export const denied: FailureDefinition<
  "KERNEL_DENIED",
  { operation: string; authority: string; detail: string; rule: string }
> = failure("KERNEL_DENIED", {
  doc: "Policy refuses an authority; nothing happened.",
  recoverable: true,
  says: (a) => `Cannot run ${a.operation}: ${a.authority} on ${a.detail} is not granted (rule ${a.rule})`,
});

/** A call needs an approval first. */
export const approvalNeeded: FailureDefinition<
  "KERNEL_APPROVAL_NEEDED",
  { operation: string; authorities: ReadonlyArray<string>; rule: string; command: string }
> = failure("KERNEL_APPROVAL_NEEDED", {
  doc: "Policy asks for an approval before this call; nothing happened.",
  recoverable: true,
  says: (a) =>
    `Cannot run ${a.operation} yet: ${list(a.authorities)} needs an approval (rule ${a.rule}); run: ${a.command}`,
  fix: (a) => ({ summary: "A person at a terminal approves the call", command: a.command }),
});

/** A budget is used up. */
export const budgetExhausted: FailureDefinition<
  "KERNEL_BUDGET_EXHAUSTED",
  { account: string; axis: string; asked: number; remaining: number }
> = failure("KERNEL_BUDGET_EXHAUSTED", {
  doc: "A budget axis is used up; the call stopped there.",
  recoverable: true,
  says: (a) => `Cannot spend ${a.asked} ${a.axis} on ${a.account}: ${a.remaining} left`,
  fix: (a) => ({ summary: `Give the call a larger ${a.axis} budget, or a smaller input` }),
});

/** Memory, a queue or another resource is used up. */
export const resourceExhausted: FailureDefinition<"KERNEL_RESOURCE", { reason: string }> = failure("KERNEL_RESOURCE", {
  doc: "Memory, a queue or another resource of this process is used up.",
  recoverable: true,
  says: (a) => `Cannot go on: a resource is used up: ${a.reason}`,
  fix: () => ({ summary: "Free what is no longer needed, or make the batch or the model smaller, then try again" }),
});

/** A file or folder operation failed. */
export const diskFailed: FailureDefinition<"KERNEL_DISK", { action: string; file: string; cause: string }> = failure(
  "KERNEL_DISK",
  {
    doc: "Reading or writing a file failed.",
    recoverable: true,
    says: (a) => `Cannot ${a.action} "${a.file}": ${a.cause}`,
    fix: () => ({ summary: "Check that the path exists, is inside a granted folder, and has room" }),
  },
);

/** The process was started without access to a path. */
export const outOfReach: FailureDefinition<"KERNEL_OUT_OF_REACH", { action: string; file: string }> = failure(
  "KERNEL_OUT_OF_REACH",
  {
    doc: "The process was started without access to a path; nothing happened.",
    recoverable: true,
    says: (a) => `Cannot ${a.action} "${a.file}": this process was started without access to it`,
    fix: () => ({
      summary: "Name the path on the command line (its folder must exist), or its folder in a rule of rmi.policy.json",
    }),
  },
);

/** Stored data was written by a newer version. */
export const newerFormat: FailureDefinition<
  "KERNEL_NEWER_FORMAT",
  { store: string; found: number; supported: number }
> = failure("KERNEL_NEWER_FORMAT", {
  doc: "Stored data has a newer format than this version can read.",
  recoverable: false,
  says: (a) => `Cannot open ${a.store}: it has format ${a.found}, this version reads up to ${a.supported}`,
  fix: (a) => ({ summary: `Use a version of RMI that reads format ${a.found} of ${a.store}` }),
});

/** A text is not a digest, an actor, or another spelled name. */
export const malformedName: FailureDefinition<"KERNEL_MALFORMED_NAME", { what: string; text: string; rule: string }> =
  failure("KERNEL_MALFORMED_NAME", {
    doc: "A text is not spelled as the name it stands for.",
    recoverable: true,
    says: (a) => `Cannot read "${a.text}" as ${a.what}: ${a.rule}`,
    fix: (a) => ({ summary: `Write ${a.rule}` }),
  });

/** An optional package is not installed. */
export const packageAbsent: FailureDefinition<"KERNEL_PACKAGE_ABSENT", { package: string; purpose: string }> = failure(
  "KERNEL_PACKAGE_ABSENT",
  {
    doc: "An optional package is not installed.",
    recoverable: true,
    says: (a) => `Cannot use ${a.package} (${a.purpose}): it is not installed`,
    fix: (a) => ({ summary: `Install it: rmi install ${a.package}`, command: `rmi install ${a.package}` }),
  },
);

/** A machine lacks a device or a facility. */
export const facilityAbsent: FailureDefinition<"KERNEL_FACILITY_ABSENT", { facility: string; reason: string }> =
  failure("KERNEL_FACILITY_ABSENT", {
    doc: "This machine or process lacks a device or facility.",
    recoverable: true,
    says: (a) => `Cannot use ${a.facility}: ${a.reason}`,
  });

/** A worker broke while it ran a job. */
export const workerCrashed: FailureDefinition<"KERNEL_WORKER", { module: string; job: string; cause: string }> =
  failure("KERNEL_WORKER", {
    doc: "A worker broke while it ran a job: its function threw, is not there, or took too much memory.",
    recoverable: true,
    says: (a) => `Cannot run ${a.job} of ${a.module}: ${a.cause}`,
    fix: () => ({ summary: "Check the job's input; a smaller one may do" }),
  });

/** More jobs wait than the queue takes. */
export const workersBusy: FailureDefinition<"KERNEL_WORKERS_BUSY", { waiting: number }> = failure(
  "KERNEL_WORKERS_BUSY",
  {
    doc: "More jobs wait for a worker than the queue takes.",
    recoverable: true,
    says: (a) => `Cannot take another job: ${a.waiting} are waiting for a worker`,
    fix: () => ({ summary: "Wait for running jobs, or ask for fewer at once" }),
  },
);

/** Operands do not fit an operation on values. */
export const invalidOperand: FailureDefinition<"KERNEL_OPERAND", { what: string }> = failure("KERNEL_OPERAND", {
  doc: "Operands do not fit an operation on values.",
  recoverable: true,
  says: (a) => `Cannot combine operands: ${a.what}`,
  fix: () => ({ summary: "Compare dtypes and shapes with the operation's signature (kernel.describe)" }),
});

/** Shapes disagree. */
export const shapeMismatch: FailureDefinition<
  "KERNEL_SHAPE",
  { expectedShape: ReadonlyArray<number>; actualShape: ReadonlyArray<number> }
> = failure("KERNEL_SHAPE", {
  doc: "A shape is not the one expected.",
  recoverable: true,
  says: (a) => `Cannot use shape [${list(a.actualShape.map(String))}]: expected [${list(a.expectedShape.map(String))}]`,
  fix: (a) => ({ summary: `Reshape or transpose to [${list(a.expectedShape.map(String))}]` }),
});

/** A named concept, plugin, model or other entry does not exist. */
export const unknownEntry: FailureDefinition<
  "KERNEL_UNKNOWN_ENTRY",
  { kind: string; name: string; listedBy?: string }
> = failure("KERNEL_UNKNOWN_ENTRY", {
  doc: "A catalogue, ontology or registry has no entry of this name.",
  recoverable: true,
  says: (a) => `Cannot find ${a.kind} "${a.name}"`,
  fix: (a) =>
    a.suggestions?.length && a.path
      ? {
        summary: `Did you mean ${a.suggestions[0]}?`,
        patch: [{ op: "replace", path: a.path, value: a.suggestions[0] }],
      }
      : { summary: a.listedBy === undefined ? "Check the name" : `${a.listedBy} lists what there is` },
});

/** An agent or peer is not in a state to take the request. */
export const agentUnavailable: FailureDefinition<"KERNEL_AGENT", { agent: string; reason: string }> = failure(
  "KERNEL_AGENT",
  {
    doc: "An agent is not in a state to take the request.",
    recoverable: true,
    says: (a) => `Cannot ask agent ${a.agent}: ${a.reason}`,
    fix: () => ({ summary: "Check the agent's state and capabilities before calling" }),
  },
);

/** A peer broke a protocol. */
export const protocolViolation: FailureDefinition<"KERNEL_PROTOCOL", { peer: string; reason: string }> = failure(
  "KERNEL_PROTOCOL",
  {
    doc: "A peer broke the protocol, or speaks another version.",
    recoverable: true,
    says: (a) => `Cannot go on with ${a.peer}: ${a.reason}`,
    fix: () => ({ summary: "Retry; if it stays, connect again and compare versions" }),
  },
);

/** Bytes or text do not decode. */
export const malformedPayload: FailureDefinition<"KERNEL_PAYLOAD", { format: string; reason: string }> = failure(
  "KERNEL_PAYLOAD",
  {
    doc: "Bytes or text do not decode as the format they claim.",
    recoverable: false,
    says: (a) => `Cannot decode ${a.format}: ${a.reason}`,
    fix: (a) => ({ summary: `Encode it again with the current ${a.format} codec` }),
  },
);

/** A configuration value is not usable. */
export const invalidConfig: FailureDefinition<"KERNEL_CONFIG", { field: string; reason: string }> = failure(
  "KERNEL_CONFIG",
  {
    doc: "A configuration value is not usable.",
    recoverable: true,
    says: (a) => `Cannot use configuration "${a.field}": ${a.reason}`,
    fix: (a) => ({ summary: `Correct "${a.field}", or leave it out for the default` }),
  },
);

/** A network of layers does not fit together. */
export const layersDisagree: FailureDefinition<"KERNEL_LAYERS", { reason: string }> = failure("KERNEL_LAYERS", {
  doc: "Consecutive layers of a network do not fit together.",
  recoverable: true,
  says: (a) => `Cannot build the network: ${a.reason}`,
  fix: () => ({ summary: "Make each layer's input width the previous layer's output width" }),
});

/** A formula or knowledge base is not well formed. */
export const malformedFormula: FailureDefinition<"KERNEL_FORMULA", { reason: string }> = failure("KERNEL_FORMULA", {
  doc: "A formula or knowledge base is not well formed.",
  recoverable: true,
  says: (a) => `Cannot use the formula: ${a.reason}`,
  fix: () => ({ summary: "Validate the formula first" }),
});

/** Two terms do not unify. */
export const termsDiffer: FailureDefinition<"KERNEL_UNIFICATION", { reason: string }> = failure("KERNEL_UNIFICATION", {
  doc: "Two terms do not unify.",
  recoverable: true,
  says: (a) => `Cannot unify: ${a.reason}`,
  fix: () => ({ summary: "Check functor names and arity" }),
});

/** Code was to be generated from a program that does not verify. */
export const unverifiedProgram: FailureDefinition<"KERNEL_UNVERIFIED", { reason: string }> = failure(
  "KERNEL_UNVERIFIED",
  {
    doc: "Code was to be generated from a program that does not verify.",
    recoverable: true,
    says: (a) => `Cannot generate code: ${a.reason}`,
    fix: () => ({ summary: "Verify the program and mend what it reports" }),
  },
);

/** Every failure the kernel can answer with, for docs and for the uniqueness test. */
export const kernelFailures: ReadonlyArray<AnyFailureDefinition> = [
  incompleteDeclaration,
  incompleteManifest,
  duplicatePlugin,
  namespaceClash,
  missingCapability,
  incompatibleVersion,
  capabilityClash,
  unknownChoice,
  dependencyCycle,
  malformedVersion,
  bootDeadline,
  bootFailed,
  unknownOperation,
  invalidInput,
  invalidOutput,
  defect,
  subcallFailed,
  interrupted,
  denied,
  approvalNeeded,
  budgetExhausted,
  resourceExhausted,
  diskFailed,
  outOfReach,
  newerFormat,
  malformedName,
  packageAbsent,
  facilityAbsent,
  workerCrashed,
  workersBusy,
  invalidOperand,
  shapeMismatch,
  unknownEntry,
  agentUnavailable,
  protocolViolation,
  malformedPayload,
  invalidConfig,
  layersDisagree,
  malformedFormula,
  termsDiffer,
  unverifiedProgram,
];
