/** The share of changes that nobody asked for. */
import assert from "node:assert/strict";
import type { LedgerEvent } from "../../../effects/mod.ts";
import { automaticShare, writeFold } from "../../../plugins/norion/state/writes.ts";

const event = (type: string, data: unknown, actor = "user@tty"): LedgerEvent =>
  ({ seq: 0, type, actor, data }) as unknown as LedgerEvent;

const added = (source: string) => event("norion.memory.added", { item: { id: "m", source } });

Deno.test("memories that requests leave, lessons and edits that a rule approved are counted apart from what was asked for", () => {
  const events = [
    added("user@tty"),
    added("request:r1"),
    event("norion.request.settled", { request: "r1", lesson: { threshold: 1 } }),
    event("norion.request.settled", { request: "r2" }),
    event("proposal.approved", { proposal: "p" }),
    event("proposal.approved", { proposal: "q" }, "policy:pipeline"),
    event("norion.experience.recorded", { request: "r1" }),
  ];
  const state = events.reduce(writeFold.step, writeFold.initial);
  assert.deepEqual(state, { asked: 2, automatic: 3 });
  assert.equal(automaticShare(state), 3 / 5);
  assert.equal(automaticShare(writeFold.initial), 0);
});
