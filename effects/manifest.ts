/**
 * Manifest of the effects room: what is done, allowed, approved and proposed, as operations.
 *
 * Not its services (effects/layer.ts composes them below the kernel); pure data.
 *
 * @module
 */
import type { Plugin } from "../kernel/mod.ts";

/** The effects room as a plugin. */
export const effectsPlugin: Plugin = {
  id: "effects",
  version: "1.0.0",
  summary: "Ledger, policy, approvals and proposals: what may happen, what happened, and how it is undone.",
  provides: [],
  requires: [
    { capability: "rmi/Ledger", range: "^1.0.0" },
    { capability: "rmi/Journal", range: "^1.0.0" },
    { capability: "rmi/Policy", range: "^1.0.0" },
    { capability: "rmi/Grants", range: "^1.0.0" },
    { capability: "rmi/Approvals", range: "^1.0.0" },
    { capability: "rmi/Proposals", range: "^1.0.0" },
  ],
  effects: ["readLocal", "writeLocal"],
  kinds: ["selfModify"],
  stability: "stable",
  namespaces: [
    {
      name: "ledger",
      summary: "events of all that changed: read, verify, roll back",
      priority: 80,
      recipes: [{
        task: "undo everything since a moment",
        steps: ["ledger.mark", "ledger.rollback", "approvals.approve", "ledger.verify"],
      }],
    },
    {
      name: "policy",
      summary: "which rules allow, ask or deny what",
      priority: 70,
      recipes: [{ task: "find out whether a call would be allowed", steps: ["policy.check", "policy.show"] }],
    },
    {
      name: "approvals",
      summary: "requests that wait for a person, and consents",
      priority: 70,
      aliases: { approve: "approvals.approve" },
    },
    {
      name: "proposals",
      summary: "durable changes of behaviour: check, approve, apply, undo",
      priority: 60,
      recipes: [{
        task: "change behaviour safely",
        steps: [
          "proposals.submit",
          "proposals.validate",
          "proposals.preview",
          "proposals.decide",
          "proposals.apply",
          "proposals.rollback",
        ],
      }],
    },
  ],
  operations: async () => (await import("./operations.ts")).operations,
  load: () => import("./handlers.ts"),
};
