/**
 * Effects: who may do what, what was done, and how it is undone: policy, gate, grants, approvals, proposals, budgets,
 * ledger and redaction. Imports the kernel and nothing else of ours.
 *
 * @module
 */
export * from "./approval_state.ts";
export * from "./approvals.ts";
export * from "./budget.ts";
export * from "./failures.ts";
export * from "./gate.ts";
export * from "./grants.ts";
export * from "./journal.ts";
export * from "./layer.ts";
export * from "./ledger.ts";
export * from "./manifest.ts";
export * from "./patterns.ts";
export * from "./pipeline.ts";
export * from "./policy.ts";
export * from "./policy_file.ts";
export * from "./programs.ts";
export * from "./proposal.ts";
export * from "./proposal_state.ts";
export * from "./proposals.ts";
export * from "./redact.ts";
export * from "./sandbox.ts";
