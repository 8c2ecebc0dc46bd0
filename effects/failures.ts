/**
 * Failure catalogue of the effects room: policy, approvals, proposals, ledger.
 *
 * Codes are never reused. Refusals of calls themselves are the kernel's (`KERNEL_DENIED`, `KERNEL_APPROVAL_NEEDED`).
 *
 * @module
 */
import { failure, type FailureDefinition, type FailuresOf, type KernelFailure } from "../kernel/mod.ts";

/** The policy file does not fit its schema. */
export const malformedPolicy: FailureDefinition<"EFFECTS_POLICY", { file: string; problem: string }> = failure(
  "EFFECTS_POLICY",
  {
    doc: "The policy file does not fit its schema; nothing is allowed until it is mended.",
    recoverable: true,
    says: (a: { file: string; problem: string }) => `Cannot use policy "${a.file}": ${a.problem}`,
    fix: (a) => ({
      summary: `Correct ${a.path || "the document"} in "${a.file}", or remove the file for the defaults`,
    }),
  },
);

/** The caller may not approve. */
export const notApprover: FailureDefinition<"EFFECTS_NOT_APPROVER", { what: string; actor: string; command: string }> =
  failure("EFFECTS_NOT_APPROVER", {
    doc:
      "The caller may not give this approval: only a person at a terminal or a key of the policy may, never the asker.",
    recoverable: true,
    says: (a: { what: string; actor: string; command: string }) =>
      `Cannot approve ${a.what} as ${a.actor}: only a person at a terminal or a signature by a policy key may`,
    fix: (a) => ({ summary: "A person runs the command at a terminal", command: a.command }),
  });

/** A signature does not verify. */
export const badSignature: FailureDefinition<"EFFECTS_SIGNATURE", { key: string; reason: string }> = failure(
  "EFFECTS_SIGNATURE",
  {
    doc: "A signature does not verify against the named key of the policy.",
    recoverable: true,
    says: (a: { key: string; reason: string }) => `Cannot accept the signature of key "${a.key}": ${a.reason}`,
    fix: () => ({ summary: "Sign the exact text in `binding` with the private key of a key in the policy" }),
  },
);

/** A request for approval is no longer open. */
export const requestClosed: FailureDefinition<"EFFECTS_REQUEST_CLOSED", { request: string; state: string }> = failure(
  "EFFECTS_REQUEST_CLOSED",
  {
    doc: "A request for approval is already approved, used, revoked or expired.",
    recoverable: true,
    says: (a: { request: string; state: string }) => `Cannot change request ${a.request}: it is ${a.state}`,
    fix: () => ({ summary: "Make the call again for a fresh request" }),
  },
);

/** A proposal is in a state that does not lead where it was told to go. */
export const wrongAdmission: FailureDefinition<
  "EFFECTS_ADMISSION",
  { proposal: string; state: string; action: string; needed: string }
> = failure("EFFECTS_ADMISSION", {
  doc: "A proposal's admission state does not lead to the state asked for.",
  recoverable: true,
  says: (a: { proposal: string; state: string; action: string; needed: string }) =>
    `Cannot ${a.action} proposal ${a.proposal}: it is ${a.state}, which needs to be ${a.needed}`,
  fix: (a) => ({ summary: `See proposals.show for what is missing before it can be ${a.action}` }),
});

/** The gate pipeline does not let a proposal through. */
export const gateHolds: FailureDefinition<
  "EFFECTS_GATE",
  { proposal: string; outcome: string; reasons: ReadonlyArray<string> }
> = failure("EFFECTS_GATE", {
  doc: "The gate pipeline holds or rejects a proposal; `actual` is the report with every reason code.",
  recoverable: true,
  says: (a: { proposal: string; outcome: string; reasons: ReadonlyArray<string> }) =>
    `Cannot apply proposal ${a.proposal}: ${a.outcome} (${a.reasons.join(", ")})`,
  fix: (a) => ({ summary: `Answer each reason: ${a.reasons.join(", ")}` }),
});

/** A proposal is not well formed. */
export const malformedProposal: FailureDefinition<"EFFECTS_PROPOSAL", { problem: string }> = failure(
  "EFFECTS_PROPOSAL",
  {
    doc: "A proposal is not well formed or exceeds a limit.",
    recoverable: true,
    says: (a: { problem: string }) => `Cannot take the proposal: ${a.problem}`,
  },
);

/** A change stands on a state that is no longer current. */
export const staleChange: FailureDefinition<"EFFECTS_STALE", { domain: string; base: string; current: string }> =
  failure("EFFECTS_STALE", {
    doc: "A change or a rollback stands on a state that is no longer the current one.",
    recoverable: true,
    says: (a: { domain: string; base: string; current: string }) =>
      `Cannot change ${a.domain}: the change stands on ${a.base}, the current state is ${a.current}`,
  });

/** The ledger's chain, head file or table is not what was acknowledged. */
export const ledgerTampered: FailureDefinition<"EFFECTS_LEDGER_TAMPERED", { action: string; problem: string }> =
  failure("EFFECTS_LEDGER_TAMPERED", {
    doc: "The ledger does not agree with what was acknowledged: rows or the head file were changed from outside.",
    recoverable: false,
    says: (a: { action: string; problem: string }) => `Cannot ${a.action} the ledger: ${a.problem}`,
    fix: () => ({
      summary: "Locate the damage with ledger.verify; keep the ledger's files as evidence, then restore all of them " +
        "from one backup, or move them aside to begin a new chain",
    }),
  });

/** Other processes held the ledger for too long. */
export const ledgerBusy: FailureDefinition<"EFFECTS_LEDGER_BUSY", { action: string; waitedMs: number }> = failure(
  "EFFECTS_LEDGER_BUSY",
  {
    doc: "Other processes held the ledger's lock for longer than a call waits; nothing was written.",
    recoverable: true,
    says: (a: { action: string; waitedMs: number }) =>
      `Cannot ${a.action} the ledger: other processes held its lock for ${a.waitedMs} ms`,
    fix: () => ({ summary: "Try again; if it stays, look for a stopped process that uses the same state folder" }),
  },
);

/** An event is not well formed. */
export const malformedEvent: FailureDefinition<"EFFECTS_LEDGER_EVENT", { problem: string }> = failure(
  "EFFECTS_LEDGER_EVENT",
  {
    doc: "An event for the ledger is not well formed; nothing of its batch was written.",
    recoverable: true,
    says: (a: { problem: string }) => `Cannot append the event: ${a.problem}`,
  },
);

/** An event, a batch or a page exceeds a limit. */
export const ledgerLimit: FailureDefinition<
  "EFFECTS_LEDGER_LIMIT",
  { what: string; amount: number; limit: number; unit: string }
> = failure("EFFECTS_LEDGER_LIMIT", {
  doc: "An event, a batch or a page of the ledger exceeds its limit; nothing was written.",
  recoverable: true,
  says: (a: { what: string; amount: number; limit: number; unit: string }) =>
    `Cannot use ${a.what} of ${a.amount} ${a.unit}: the limit is ${a.limit}`,
  fix: (a) => ({ summary: `Keep ${a.what} within ${a.limit} ${a.unit}; large payloads are blobs (putBlob)` }),
});

/** The database or one of the ledger's files could not be used. */
export const ledgerStore: FailureDefinition<"EFFECTS_LEDGER_STORE", { action: string; cause: string }> = failure(
  "EFFECTS_LEDGER_STORE",
  {
    doc: "The ledger's database or one of its files could not be used; what was not acknowledged may be absent.",
    recoverable: true,
    says: (a: { action: string; cause: string }) => `Cannot ${a.action} the ledger: ${a.cause}`,
    fix: () => ({ summary: "Check that the state folder is writable and has room, then try again" }),
  },
);

/** The ledger was closed. */
export const ledgerClosed: FailureDefinition<"EFFECTS_LEDGER_CLOSED", { action: string }> = failure(
  "EFFECTS_LEDGER_CLOSED",
  {
    doc: "The ledger was used after it was closed; nothing was written.",
    recoverable: false,
    says: (a: { action: string }) => `Cannot ${a.action} the ledger: it is closed`,
  },
);

/** No point of this name lies in the live history. */
export const unknownMark: FailureDefinition<"EFFECTS_LEDGER_MARK", { mark: string }> = failure("EFFECTS_LEDGER_MARK", {
  doc: "No mark of this name lies in the live history, so nothing can roll back to it.",
  recoverable: true,
  says: (a: { mark: string }) => `Cannot roll back to "${a.mark}": the live history has no such mark`,
  fix: (a) =>
    a.suggestions?.length && a.path
      ? { summary: `Use ${a.suggestions[0]}`, patch: [{ op: "replace", path: a.path, value: a.suggestions[0] }] }
      : { summary: a.suggestions?.length ? `Use one of ${a.suggestions.join(", ")}` : "Set a mark first" },
});

/** No blob has this digest. */
export const blobAbsent: FailureDefinition<"EFFECTS_BLOB_ABSENT", { digest: string }> = failure("EFFECTS_BLOB_ABSENT", {
  doc: "No blob has this digest: it was never stored here, or it was deleted.",
  recoverable: true,
  says: (a: { digest: string }) => `Cannot read blob ${a.digest}: it is not stored here, or was deleted`,
});

/** A blob's bytes do not match its digest. */
export const blobDamaged: FailureDefinition<"EFFECTS_BLOB_DAMAGED", { digest: string }> = failure(
  "EFFECTS_BLOB_DAMAGED",
  {
    doc: "A stored blob's bytes do not match its digest.",
    recoverable: true,
    says: (a: { digest: string }) => `Cannot use blob ${a.digest}: its stored bytes do not match the digest`,
    fix: () => ({ summary: "Store the original bytes again; that replaces the damaged file" }),
  },
);

/** Every failure of the ledger and its blobs. */
export const ledgerFailures: readonly [
  typeof ledgerTampered,
  typeof ledgerBusy,
  typeof malformedEvent,
  typeof ledgerLimit,
  typeof ledgerStore,
  typeof ledgerClosed,
  typeof unknownMark,
  typeof blobAbsent,
  typeof blobDamaged,
] = [
  ledgerTampered,
  ledgerBusy,
  malformedEvent,
  ledgerLimit,
  ledgerStore,
  ledgerClosed,
  unknownMark,
  blobAbsent,
  blobDamaged,
];

/** What reading or writing state can fail with. */
export type StateFailure = KernelFailure | FailuresOf<typeof ledgerFailures[number]>;

type SandboxRow<Code extends string> = FailureDefinition<Code, { detail: string }>;

const sandboxRow = <const Code extends string>(
  code: Code,
  doc: string,
  reason: string,
  advice: string,
): SandboxRow<Code> =>
  failure(code, {
    doc,
    recoverable: true,
    says: (a: { detail: string }) => `Cannot use the candidate: ${reason}${a.detail === "" ? "" : ` (${a.detail})`}`,
    fix: () => ({ summary: advice }),
  });

/** A candidate did not finish within its time. */
export const sandboxTimeout: SandboxRow<"EFFECTS_SANDBOX_TIMEOUT"> = sandboxRow(
  "EFFECTS_SANDBOX_TIMEOUT",
  "A candidate in the sandbox did not answer within its time; its process was ended.",
  "it did not answer in time",
  "Give it more time (limits.wallMs), or a smaller input",
);

/** A candidate used more memory than it was given. */
export const sandboxMemory: SandboxRow<"EFFECTS_SANDBOX_MEMORY"> = sandboxRow(
  "EFFECTS_SANDBOX_MEMORY",
  "A candidate in the sandbox used more memory than it was given; its process was ended.",
  "it used more memory than it was given",
  "Give it more memory (limits.heapMb, limits.residentMb), or a smaller input",
);

/** A candidate printed or answered more than it was given. */
export const sandboxOutput: SandboxRow<"EFFECTS_SANDBOX_OUTPUT"> = sandboxRow(
  "EFFECTS_SANDBOX_OUTPUT",
  "A candidate in the sandbox printed or answered more bytes than it was given; its process was ended.",
  "its output is larger than it was given",
  "Let it print less, or raise limits.outputBytes",
);

/** A candidate's process ended without an answer. */
export const sandboxCrash: SandboxRow<"EFFECTS_SANDBOX_CRASH"> = sandboxRow(
  "EFFECTS_SANDBOX_CRASH",
  "A candidate's process ended without an answer.",
  "its process ended without an answer",
  "Run it on a smaller input and mend what ends it",
);

/** A candidate imitated the sandbox's own result. */
export const sandboxForged: SandboxRow<"EFFECTS_SANDBOX_FORGED"> = sandboxRow(
  "EFFECTS_SANDBOX_FORGED",
  "A candidate wrote what only the sandbox writes; nothing it says is taken.",
  "it imitated the sandbox's own result",
  "Answer by returning a value, and print nothing that looks like a result",
);

/** A candidate's function threw. */
export const sandboxThrew: SandboxRow<"EFFECTS_SANDBOX_THREW"> = sandboxRow(
  "EFFECTS_SANDBOX_THREW",
  "A candidate's function threw.",
  "it threw",
  "Mend what it throws",
);

/** A candidate is not a module with a function as default export, or answered with what JSON cannot hold. */
export const sandboxShape: SandboxRow<"EFFECTS_SANDBOX_SHAPE"> = sandboxRow(
  "EFFECTS_SANDBOX_SHAPE",
  "A candidate is not a module with a function as default export, or its value is not JSON.",
  "it does not have the form of a candidate",
  "Export a function as default that takes one JSON value and returns one",
);

/** Every failure of the sandbox, by the reason a run has no value. */
export const sandboxFailures: {
  readonly timeout: typeof sandboxTimeout;
  readonly memory: typeof sandboxMemory;
  readonly output: typeof sandboxOutput;
  readonly crash: typeof sandboxCrash;
  readonly forged: typeof sandboxForged;
  readonly threw: typeof sandboxThrew;
  readonly shape: typeof sandboxShape;
} = {
  timeout: sandboxTimeout,
  memory: sandboxMemory,
  output: sandboxOutput,
  crash: sandboxCrash,
  forged: sandboxForged,
  threw: sandboxThrew,
  shape: sandboxShape,
};
