/** Proposals: from draft to applied and back, who may decide, previews, staleness, and identical digests after rollback. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { Approvals } from "../../effects/approvals.ts";
import type { EffectsServices } from "../../effects/layer.ts";
import { Ledger } from "../../effects/ledger.ts";
import { newKeyPair, signText } from "../../effects/platform/signature.ts";
import { signedText } from "../../effects/approvals.ts";
import type { Evidence, ProposalDraft, ProposalRecord } from "../../effects/proposal.ts";
import { consentBinding, Proposals } from "../../effects/proposals.ts";
import { type Actor, digestJson, type Json, type JsonPatch } from "../../kernel/mod.ts";
import { randomFor } from "./seeded.ts";
import { inWorkspace, movableClock, policyWith, roomOver, withRoom } from "./workspace.ts";

const draftOf = (more: Partial<ProposalDraft> = {}): ProposalDraft => ({
  domain: "memory",
  summary: "Remember the tone",
  changedIds: ["tone"],
  patch: [{ op: "add", path: "/tone", value: "warm" }],
  expected: { metric: "quality", direction: "up", bound: 0.5 },
  validation: [],
  reversible: true,
  widensAuthority: false,
  ...more,
});

const passing = (summary = "fine"): Evidence => ({
  source: "verifier",
  result: "pass",
  digest: digestJson(summary),
  summary,
});

const failureOf = <A>(effect: Effect.Effect<A, { readonly code: string }, EffectsServices>) =>
  Effect.match(effect, { onSuccess: () => "ok", onFailure: ({ code }) => code });

/** A draft of agent:a, seen to by agent:b, approved at the terminal. */
const approved = (draft: ProposalDraft) =>
  Effect.gen(function* () {
    const proposals = yield* Proposals;
    const { proposal } = yield* proposals.submit(draft, "agent:a");
    yield* proposals.attest(proposal.id, passing(), "agent:b");
    return yield* proposals.decide(proposal.id, "approve", "user@tty");
  });

const applied = (draft: ProposalDraft) =>
  Effect.flatMap(
    approved(draft),
    ({ proposal }) => Effect.flatMap(Proposals, (proposals) => proposals.apply(proposal.id, "agent:a")),
  );

const documentOf = (domain = "memory") => Effect.flatMap(Proposals, (proposals) => proposals.domain(domain));

Deno.test("the whole road: held without evidence, ready with it, approved, applied, rolled back to the identical digest", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const before = yield* documentOf();
      const first = yield* proposals.submit(draftOf(), "agent:a");
      assert.deepEqual([first.state, first.reasons], ["held", ["EVIDENCE_MISSING", "QUORUM"]]);
      const { id } = first.proposal;
      assert.equal((yield* proposals.attest(id, passing(), "agent:b")).state, "ready");
      assert.equal((yield* proposals.decide(id, "approve", "user@tty")).by, "user@tty");
      const done = yield* proposals.apply(id, "agent:a");
      assert.equal(done.state, "applied");
      const after = yield* documentOf();
      assert.deepEqual(after.document, { tone: "warm" });
      assert.equal(after.digest, digestJson({ tone: "warm" }));
      assert.equal(done.after, after.digest);
      assert.equal((yield* proposals.rollback(id, "agent:z")).state, "rolledBack");
      assert.deepEqual(yield* documentOf(), before);
      assert.equal((yield* (yield* Ledger).verify).ok, true);
    })));

Deno.test("equal content is the same proposal, whoever repeats it and in whatever member order", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const first = yield* proposals.submit(draftOf(), "agent:a");
      const { summary, domain, ...rest } = draftOf();
      const again = yield* proposals.submit({ ...rest, domain, summary } as ProposalDraft, "agent:b");
      assert.equal(again.proposal.id, first.proposal.id);
      assert.equal(again.proposal.proposer, "agent:a");
      assert.equal((yield* proposals.list).length, 1);
    })));

Deno.test("the proposer's own evidence counts as self, also where it claims to be a benchmark", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { proposal } = yield* proposals.submit(draftOf(), "agent:a");
      const own = yield* proposals.attest(proposal.id, { ...passing(), source: "benchmark" }, "agent:a");
      assert.deepEqual([own.state, own.evidence[0].counts, own.evidence[0].source], ["held", "self", "benchmark"]);
    })));

Deno.test("the proposer never approves; a headless user, an agent and a plugin neither", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { proposal } = yield* proposals.submit(draftOf(), "agent:a");
      yield* proposals.attest(proposal.id, passing(), "agent:b");
      const actors: ReadonlyArray<Actor> = ["agent:a", "agent:b", "user@headless", "plugin:x"];
      for (const actor of actors) {
        for (const verdict of ["approve", "reject"] as const) {
          assert.equal(yield* failureOf(proposals.decide(proposal.id, verdict, actor)), "EFFECTS_NOT_APPROVER", actor);
        }
      }
      assert.equal(yield* failureOf(proposals.apply(proposal.id, "agent:a")), "EFFECTS_ADMISSION");
    })));

Deno.test("nothing skips a state: each action in each wrong state is the typed failure and changes nothing", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { proposal: { id } } = yield* proposals.submit(draftOf(), "agent:a");
      const wrong = (...actions: ReadonlyArray<Effect.Effect<unknown, { readonly code: string }, EffectsServices>>) =>
        Effect.gen(function* () {
          const before = (yield* proposals.get(id)).state;
          for (const action of actions) assert.equal(yield* failureOf(action), "EFFECTS_ADMISSION", before);
          assert.equal((yield* proposals.get(id)).state, before);
        });
      const approve = proposals.decide(id, "approve", "user@tty");
      const confirm = proposals.decide(id, "confirm", "user@tty");
      const reject = proposals.decide(id, "reject", "user@tty");
      const apply = proposals.apply(id, "agent:a");
      const rollback = proposals.rollback(id, "user@tty");
      yield* wrong(approve, confirm, apply, rollback);
      yield* proposals.attest(id, passing(), "agent:b");
      yield* wrong(confirm, apply, rollback);
      yield* approve;
      yield* wrong(approve, confirm, rollback);
      yield* apply;
      yield* wrong(approve, reject, apply);
      yield* confirm;
      yield* wrong(approve, reject, apply, confirm);
      yield* rollback;
      yield* wrong(approve, reject, apply, confirm, rollback);
    })));

Deno.test("a rejected change stays rejected", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { proposal } = yield* approved(draftOf());
      yield* proposals.decide(proposal.id, "reject", "user@tty");
      assert.equal(yield* failureOf(proposals.apply(proposal.id, "agent:a")), "EFFECTS_ADMISSION");
      assert.equal((yield* proposals.submit(draftOf(), "agent:a")).state, "rejected");
    })));

Deno.test("during probation anybody rolls back; once confirmed only a person does", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { proposal } = yield* applied(draftOf());
      yield* proposals.decide(proposal.id, "confirm", "user@tty");
      assert.equal(yield* failureOf(proposals.rollback(proposal.id, "agent:a")), "EFFECTS_NOT_APPROVER");
      assert.equal((yield* proposals.rollback(proposal.id, "user@tty")).state, "rolledBack");
    })));

Deno.test("a change that stands on an older state is held, also where it was approved before the state moved", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const other = draftOf({ changedIds: ["other"], patch: [{ op: "add", path: "/other", value: 1 }] });
      const late = yield* approved(other);
      yield* applied(draftOf());
      const failed = yield* Effect.flip(proposals.apply(late.proposal.id, "agent:a"));
      assert.equal(failed.code, "EFFECTS_GATE");
      assert.match(failed.message, /STALE/u);
      const now = yield* proposals.get(late.proposal.id);
      assert.deepEqual([now.state, now.reasons], ["held", ["STALE"]]);
      assert.deepEqual((yield* documentOf()).document, { tone: "warm" });
    })));

Deno.test("an approval of a change runs out: one millisecond before, it applies; at its end it needs a new one", () =>
  withRoom(policyWith([], { approvalLifetimeMs: 10_000 }), ({ advance }) =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const one = yield* approved(draftOf());
      advance(9_999);
      assert.equal((yield* proposals.apply(one.proposal.id, "agent:a")).state, "applied");
      const two = yield* approved(draftOf({ domain: "genome" }));
      advance(10_000);
      const failed = yield* Effect.flip(proposals.apply(two.proposal.id, "agent:a"));
      assert.match(failed.message, /APPROVAL_EXPIRED/u);
      assert.equal((yield* proposals.get(two.proposal.id)).state, "ready");
      yield* proposals.decide(two.proposal.id, "approve", "user@tty");
      assert.equal((yield* proposals.apply(two.proposal.id, "agent:a")).state, "applied");
    })));

Deno.test("a change on which a later one stands does not roll back alone, and the failure names the later one", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const first = yield* applied(draftOf());
      const middle = yield* documentOf();
      const second = yield* applied(draftOf({ patch: [{ op: "replace", path: "/tone", value: "cool" }] }));
      const failed = yield* Effect.flip(proposals.rollback(first.proposal.id, "user@tty"));
      assert.equal(failed.code, "EFFECTS_STALE");
      assert.deepEqual(failed.suggestions, [second.proposal.id]);
      yield* proposals.rollback(second.proposal.id, "user@tty");
      assert.deepEqual(yield* documentOf(), middle);
      yield* proposals.rollback(first.proposal.id, "user@tty");
      assert.deepEqual((yield* documentOf()).document, {});
    })));

Deno.test("preview shows what applying does, writes nothing, and twice gives the same", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const ledger = yield* Ledger;
      const { proposal } = yield* proposals.submit(draftOf(), "agent:a");
      const head = yield* ledger.head;
      const first = yield* proposals.preview(proposal.id);
      const second = yield* proposals.preview(proposal.id);
      assert.deepEqual(first, second);
      assert.deepEqual(yield* ledger.head, head);
      assert.deepEqual(first.document, { tone: "warm" });
      assert.equal(first.report.outcome, "held");
      assert.deepEqual((yield* documentOf()).document, {});
      yield* proposals.attest(proposal.id, passing(), "agent:b");
      yield* proposals.decide(proposal.id, "approve", "user@tty");
      assert.equal((yield* proposals.apply(proposal.id, "agent:a")).after, first.after);
    })));

Deno.test("a change that holds a secret is rejected, and the secret is in no event", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const canary = "sk-proj-" + "Zq7Rw2Lm9Kx4Tv8Bn3Yc6Hd1".repeat(2);
      const patch: JsonPatch = [{ op: "add", path: "/tone", value: `api_key=${canary}` }];
      const found = yield* (yield* Proposals).submit(draftOf({ patch }), "agent:a");
      assert.deepEqual([found.state, found.reasons[0]], ["rejected", "PRIVATE_CONTENT"]);
      const events = yield* (yield* Ledger).read({});
      assert.equal(JSON.stringify(events).includes(canary), false);
    })));

Deno.test("a policy rule approves reversible changes of its domain within its bounds; the rest waits", () =>
  withRoom(
    policyWith([], { automatic: [{ name: "small-memory", domain: "memory", perHour: 1, maxBytes: 60 }] }),
    () =>
      Effect.gen(function* () {
        const proposals = yield* Proposals;
        const outcome = (draft: ProposalDraft) =>
          Effect.gen(function* () {
            const { proposal } = yield* proposals.submit(draft, "agent:a");
            const { state, by } = yield* proposals.attest(proposal.id, passing(), "agent:b");
            return [state, by];
          });
        assert.deepEqual(yield* outcome(draftOf({ domain: "genome" })), ["ready", undefined]);
        assert.deepEqual(yield* outcome(draftOf({ reversible: false })), ["ready", undefined]);
        assert.deepEqual(yield* outcome(draftOf({ widensAuthority: true })), ["ready", undefined]);
        const long = draftOf({ patch: [{ op: "add", path: "/tone", value: "x".repeat(60) }] });
        assert.deepEqual(yield* outcome(long), ["ready", undefined]);
        assert.deepEqual(yield* outcome(draftOf()), ["approved", "policy:small-memory"]);
        assert.deepEqual(yield* outcome(draftOf({ summary: "a second" })), ["ready", undefined]);
        assert.deepEqual((yield* (yield* Approvals).state).counts, { person: 0, key: 0, policy: 1 });
      }),
  ));

Deno.test("a policy key approves by signature over this proposal on this base", async () => {
  const pair = await newKeyPair();
  await withRoom(policyWith([], { keys: [{ id: "ops", publicKey: pair.publicKey }] }), () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const make = (summary: string) =>
        Effect.gen(function* () {
          const { proposal } = yield* proposals.submit(draftOf({ summary }), "agent:a");
          return yield* proposals.attest(proposal.id, passing(), "agent:b");
        });
      const one = yield* make("one");
      const two = yield* make("two");
      const value = yield* Effect.promise(() => signText(pair.privateKey, signedText(consentBinding(one))));
      const decide = (record: ProposalRecord) =>
        proposals.decide(record.proposal.id, "approve", "agent:a", { key: "ops", value });
      assert.equal(yield* failureOf(decide(two)), "EFFECTS_SIGNATURE");
      assert.equal((yield* decide(one)).by, "key:ops");
    }));
});

Deno.test("the policy's demands on a domain hold: writes off is preview only, fixed ids, quorum", () =>
  withRoom(
    policyWith([], {
      proposals: [
        { domain: "safe*", writes: false, evidence: 0, quorum: 0, benefit: false },
        { domain: "memory", writes: true, evidence: 1, quorum: 2, benefit: false, fixed: ["core"] },
      ],
    }),
    () =>
      Effect.gen(function* () {
        const proposals = yield* Proposals;
        const safe = yield* proposals.submit(draftOf({ domain: "safety" }), "agent:a");
        assert.equal(safe.state, "previewOnly");
        assert.equal(yield* failureOf(proposals.decide(safe.proposal.id, "approve", "user@tty")), "EFFECTS_ADMISSION");
        const core = draftOf({ changedIds: ["core"], patch: [{ op: "add", path: "/core", value: 1 }] });
        assert.deepEqual((yield* proposals.submit(core, "agent:a")).reasons[0], "FIXED_IDS");
        const { proposal } = yield* proposals.submit(draftOf(), "agent:a");
        assert.deepEqual((yield* proposals.attest(proposal.id, passing(), "agent:b")).reasons, ["QUORUM"]);
        assert.deepEqual((yield* proposals.attest(proposal.id, passing("too"), "agent:b")).reasons, ["QUORUM"]);
        assert.equal((yield* proposals.attest(proposal.id, passing(), "agent:c")).state, "ready");
      }),
  ));

Deno.test("a plugin's validators decide on their domains and on no others", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      yield* proposals.register("genome*", [{
        name: "drift",
        order: 95,
        run: ({ document, proposal }) =>
          Effect.succeed({
            outcome: "hold",
            code: "NORION_DRIFT",
            detail: `${JSON.stringify(document)} ${proposal.domain}`,
          }),
      }]);
      assert.ok((yield* proposals.submit(draftOf({ domain: "genome" }), "agent:a")).reasons.includes("NORION_DRIFT"));
      assert.equal((yield* proposals.submit(draftOf(), "agent:a")).reasons.includes("NORION_DRIFT"), false);
    })));

Deno.test("evidence that arrives after the approval and speaks against the change takes the approval back", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { proposal } = yield* approved(draftOf());
      assert.equal((yield* proposals.attest(proposal.id, passing("more"), "agent:c")).state, "approved");
      const against = yield* proposals.attest(proposal.id, { ...passing("harm"), result: "fail" }, "agent:d");
      assert.deepEqual([against.state, against.reasons], ["held", ["EVIDENCE_AGAINST"]]);
      assert.equal(yield* failureOf(proposals.apply(proposal.id, "agent:a")), "EFFECTS_ADMISSION");
    })));

Deno.test("rolling the ledger back to a mark undoes changes, and the chain keeps everything", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger;
      yield* applied(draftOf());
      const marked = yield* documentOf();
      yield* ledger.mark("good", "user@tty");
      yield* applied(draftOf({ patch: [{ op: "replace", path: "/tone", value: "cool" }] }));
      const { count } = yield* ledger.head;
      yield* ledger.rollback("good", "user@tty");
      assert.deepEqual(yield* documentOf(), marked);
      assert.equal((yield* ledger.head).count, count + 1);
      assert.equal((yield* ledger.verify).ok, true);
    })));

Deno.test("names that objects have by nature are ordinary domains and ids", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      for (const name of ["constructor", "toString", "hasOwnProperty"]) {
        assert.deepEqual((yield* documentOf(name)).document, {});
        const draft = draftOf({ domain: name, changedIds: [name], patch: [{ op: "add", path: `/${name}`, value: 1 }] });
        yield* applied(draft);
        assert.deepEqual((yield* documentOf(name)).document, { [name]: 1 });
      }
      assert.equal(yield* failureOf(proposals.get("constructor")), "KERNEL_UNKNOWN_ENTRY");
    })));

Deno.test("two rooms applying changes on the same base: one is applied, the other is stale", () =>
  inWorkspace((folder) => {
    const clock = movableClock();
    const open = <A, E>(body: Effect.Effect<A, E, EffectsServices>) =>
      Effect.provide(body, Layer.fresh(roomOver(folder).pipe(Layer.provideMerge(clock.layer))));
    const draft = (name: string) => draftOf({ changedIds: [name], patch: [{ op: "add", path: `/${name}`, value: 1 }] });
    const apply = (id: string) =>
      open(failureOf(Effect.flatMap(Proposals, (proposals) => proposals.apply(id, "agent:a"))));
    return Effect.runPromise(Effect.gen(function* () {
      const one = yield* open(approved(draft("one")));
      const two = yield* open(approved(draft("two")));
      const outcomes = yield* Effect.all([apply(one.proposal.id), apply(two.proposal.id)], {
        concurrency: "unbounded",
      });
      assert.equal(outcomes.filter((outcome) => outcome === "ok").length, 1);
      assert.ok(outcomes.some((outcome) => outcome === "EFFECTS_STALE" || outcome === "EFFECTS_GATE"), outcomes.join());
      const { document } = yield* open(documentOf());
      assert.equal(Object.keys(document as Record<string, Json>).length, 1);
    }));
  }));

Deno.test("Eight seeded runs of applying and rolling back: every rollback restores the digest it was applied on", async () => {
  for (let seed = 0; seed < 8; seed++) {
    const { below, pick } = randomFor(`road ${seed}`);
    await withRoom(undefined, () =>
      Effect.gen(function* () {
        const proposals = yield* Proposals;
        const stack: Array<{ readonly id: string; readonly before: string }> = [];
        let model: Record<string, Json> = {};
        const models: Array<Record<string, Json>> = [];
        for (let step = 0; step < 12; step++) {
          if (stack.length > 0 && below(3) === 0) {
            const { id, before } = stack.pop()!;
            yield* proposals.rollback(id, "agent:a");
            model = models.pop()!;
            assert.equal((yield* documentOf()).digest, before);
          } else {
            const id = pick(["a", "b", "c"]);
            const exists = Object.hasOwn(model, id);
            const remove = exists && below(3) === 0;
            const value = { n: step, list: [below(5), { deep: below(9) }] };
            const patch: JsonPatch = remove
              ? [{ op: "remove", path: `/${id}` }]
              : [{ op: exists ? "replace" : "add", path: `/${id}`, value }];
            const before = (yield* documentOf()).digest;
            const done = yield* applied(draftOf({ changedIds: [id], patch, summary: `step ${step}` }));
            stack.push({ id: done.proposal.id, before });
            models.push(model);
            model = remove
              ? Object.fromEntries(Object.entries(model).filter(([key]) => key !== id))
              : { ...model, [id]: value };
          }
          assert.equal((yield* documentOf()).digest, digestJson(model));
        }
      }));
  }
});

const setting = (id: string, value: Json, more: Partial<ProposalDraft> = {}): ProposalDraft =>
  draftOf({ summary: `${id} ${value}`, changedIds: [id], patch: [{ op: "add", path: `/${id}`, value }], ...more });

Deno.test("undoing a change in the middle leaves what does not stand on it, as if it had never been applied", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      yield* applied(setting("a", 1));
      const second = yield* applied(setting("b", 2));
      const third = yield* applied(setting("c", 3));
      yield* proposals.rollback(second.proposal.id, "agent:z");
      assert.deepEqual((yield* documentOf()).document, { a: 1, c: 3 });
      yield* proposals.rollback(third.proposal.id, "agent:z");
      assert.deepEqual((yield* documentOf()).document, { a: 1 });
    })));

Deno.test("with its descendants a change takes along what changed its ids or was made from them, and nothing else", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const root = yield* applied(setting("a", 1));
      const other = yield* applied(setting("b", 2));
      const child = yield* applied(setting("c", 3, { standsOn: ["a"] }));
      const grandchild = yield* applied(setting("c", 4, { patch: [{ op: "replace", path: "/c", value: 4 }] }));
      const alone = yield* Effect.flip(proposals.rollback(root.proposal.id, "agent:z"));
      assert.equal(alone.code, "EFFECTS_STALE");
      assert.deepEqual(alone.suggestions, [grandchild.proposal.id, child.proposal.id]);
      const { count } = yield* (yield* Ledger).head;
      yield* proposals.rollback(root.proposal.id, "agent:z", { descendants: true });
      assert.equal((yield* (yield* Ledger).head).count, count + 3);
      assert.deepEqual((yield* documentOf()).document, { b: 2 });
      const states = [];
      for (const { proposal } of [root, other, child, grandchild]) {
        states.push((yield* proposals.get(proposal.id)).state);
      }
      assert.deepEqual(states, ["rolledBack", "applied", "rolledBack", "rolledBack"]);
    })));

Deno.test("a confirmed descendant is undone by a person only", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const root = yield* applied(setting("a", 1));
      const child = yield* applied(setting("c", 3, { standsOn: ["a"] }));
      yield* proposals.decide(child.proposal.id, "confirm", "user@tty");
      const before = yield* documentOf();
      const tried = proposals.rollback(root.proposal.id, "agent:z", { descendants: true });
      assert.equal(yield* failureOf(tried), "EFFECTS_NOT_APPROVER");
      assert.deepEqual(yield* documentOf(), before);
      yield* proposals.rollback(root.proposal.id, "user@tty", { descendants: true });
      assert.deepEqual((yield* documentOf()).document, {});
    })));

Deno.test("a change of a gene is a preview at best until the policy file says otherwise", async () => {
  const road = Effect.gen(function* () {
    const proposals = yield* Proposals;
    const { proposal } = yield* proposals.submit(setting("gene", 1, { domain: "genome.coding" }), "agent:a");
    return (yield* proposals.attest(proposal.id, passing(), "agent:b")).state;
  });
  const writes = [{ domain: "genome.*", writes: true, evidence: 1, quorum: 1, benefit: false }];
  assert.equal(await withRoom(undefined, () => road), "previewOnly");
  assert.equal(await withRoom(policyWith([], { proposals: writes }), () => road), "ready");
});

Deno.test("a change of a gene is not applied where nobody looks at genes, and the failure names who does", () =>
  withRoom(
    policyWith([], { proposals: [{ domain: "genome.*", writes: true, evidence: 1, quorum: 1, benefit: false }] }),
    () =>
      Effect.gen(function* () {
        const proposals = yield* Proposals;
        const { proposal } = yield* approved(setting("gene", 1, { domain: "genome.coding" }));
        const failed = yield* Effect.flip(proposals.apply(proposal.id, "user@tty"));
        assert.equal(failed.code, "EFFECTS_GATE");
        assert.match(`${failed.message} ${failed.fix?.summary}`, /CHECKS_ABSENT.*norion\.apply/u);
        assert.deepEqual((yield* documentOf("genome.coding")).document, {});
        yield* proposals.register("genome.*", [{ name: "looks", order: 500, run: () => Effect.succeed(undefined) }]);
        assert.equal((yield* proposals.apply(proposal.id, "user@tty")).state, "applied");
      }),
  ));

Deno.test("the rule for models approves only where the checks of their owner were asked", () =>
  withRoom(undefined, () =>
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const validation = [{ operation: "evolution.assess", input: {}, expect: { ok: true } }];
      const draft = (id: string) =>
        draftOf({
          domain: "models.x",
          summary: id,
          changedIds: [id],
          patch: [{ op: "add", path: `/${id}`, value: 1 }],
          validation,
        });
      const { proposal: first } = yield* proposals.submit(draft("a"), "user@headless");
      const unasked = yield* proposals.validated(first.id, 0, true);
      assert.deepEqual([unasked.state, unasked.by], ["ready", undefined]);
      yield* proposals.register("models.*", [{ name: "owner", order: 900, run: () => Effect.undefined }]);
      const { proposal: second } = yield* proposals.submit(draft("b"), "user@headless");
      const asked = yield* proposals.validated(second.id, 0, true);
      assert.deepEqual([asked.state, asked.by], ["approved", "policy:default.models"]);
      const { proposal: third } = yield* proposals.submit(draft("c"), "mcp:client");
      assert.equal((yield* proposals.validated(third.id, 0, true)).state, "ready");
    })));
