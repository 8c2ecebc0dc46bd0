/** Random admitted edits roll back to identical digests, and a crash at any write leaves the old state or the new one. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { ledgerStore } from "../../../effects/failures.ts";
import type { LedgerShape } from "../../../effects/mod.ts";
import { type Digest, digestJson } from "../../../kernel/mod.ts";
import { strategyGenes } from "../../../plugins/norion/scissors/strategies.ts";
import { scissorsOver } from "../../../plugins/norion/scissors/service.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { proposalFold } from "../../../effects/proposal_state.ts";
import { domainFor } from "../../../plugins/norion/state/genome.ts";
import { copyLedger, inFolder, LEDGER_FILES, openHere, withLedger } from "../../effects/ledger_fixtures.ts";
import { admitted, freshLedger, groundOver, plansUntil } from "./genes_random.ts";

Deno.test("a hundred random edits that the gate let through are undone to the identical digests (20.49)", async () => {
  const { admitted, refused, kinds } = await plansUntil(100, 40, "test");
  assert.ok(admitted >= 100 && refused > 0);
  assert.ok(new Set(kinds).size >= 5, [...new Set(kinds)].join());
});

const RECALL = strategyGenes("code", "coding")[0];

const digestIn = (ledger: LedgerShape) =>
  Effect.map(ledger.state(proposalFold), ({ domains }) => domains[domainFor("coding")]?.digest ?? digestJson({}));

/** A ledger whose n-th append fails: nothing of it is stored, as when the disk is full. */
const failing = (ledger: LedgerShape, at: number): { readonly ledger: LedgerShape; readonly count: () => number } => {
  let count = 0;
  return {
    count: () => count,
    ledger: {
      ...ledger,
      append: (events) =>
        Effect.suspend(() =>
          ++count === at
            ? Effect.fail(ledgerStore({ action: "append to", cause: "as planned" }))
            : ledger.append(events)
        ),
    },
  };
};

/** Splices a gene and takes it out again; what fails on the way is the failure. */
const thereAndBack = (ledger: LedgerShape) =>
  Effect.gen(function* () {
    const place = yield* groundOver(ledger);
    const id = yield* admitted(place, "coding", { kind: "splice", gene: RECALL }, "THERE");
    const there = yield* digestIn(ledger);
    yield* place.scissors.rollback(id!, "agent:z");
    return there;
  });

Deno.test("an append that fails anywhere on the road leaves the state before or after, and the road can be gone again", () =>
  Effect.runPromise(Effect.gen(function* () {
    const counted = failing(yield* freshLedger("whole"), 0);
    const there = yield* thereAndBack(counted.ledger);
    const none = digestJson({});
    assert.equal(yield* digestIn(counted.ledger), none);
    const seen = new Set<Digest>();
    for (let at = 1; at <= counted.count(); at++) {
      const base = yield* freshLedger(`at ${at}`);
      const outcome = yield* Effect.result(thereAndBack(failing(base, at).ledger));
      assert.equal(outcome._tag, "Failure", `${at} of ${counted.count()}`);
      const state = yield* digestIn(base);
      assert.ok(state === none || state === there, `${at}`);
      seen.add(state);
      assert.equal((yield* base.verify).ok, true);
      const { proposals, scissors } = yield* groundOver(base);
      const [left] = yield* proposals.list;
      if (left?.state === "applied") yield* scissors.rollback(left.proposal.id, "agent:z");
      assert.equal(yield* digestIn(base), none);
      // The same content is the same proposal: where it was undone already, another reason makes another one.
      const place = yield* groundOver(base);
      assert.ok((yield* admitted(place, "coding", { kind: "splice", gene: RECALL }, "AGAIN")) !== undefined);
    }
    assert.deepEqual([...seen].toSorted(), [none, there].toSorted());
  }) as Effect.Effect<void>));

const sizeOf = (folder: string, name: string): number => Deno.statSync(`${folder}/${name}`).size;

const WAL = LEDGER_FILES[1];

/** Where writes of a write-ahead log end and half-way between: a frame is 24 bytes of header and a page. */
const boundaries = (log: Uint8Array, from: number): ReadonlyArray<number> => {
  const frame = 24 + new DataView(log.buffer).getUint32(8);
  const all: number[] = [];
  for (let at = from; at < log.length; at += frame / 2) all.push(at);
  return [...all, log.length];
};

Deno.test("a power cut at every boundary of the log's writes leaves the genome as it was or as it became", () =>
  inFolder(async (root) => {
    const [live, before, after] = ["live", "before", "after"].map((name) => `${root}/${name}`);
    const { ledger, close } = await openHere(live);
    const place = await Effect.runPromise(groundOver(ledger));
    const none = digestJson({});
    const { proposal: { id } } = await Effect.runPromise(Effect.gen(function* () {
      const edit = { kind: "quarantine", gene: "gene:coding:routing" } as const;
      const request = {
        profile: "coding" as const,
        edit,
        reason: "CUT",
        evidence: [{ summary: "A power cut" }],
        expected: { metric: "solved", direction: "up" as const, bound: 1 },
        validation: [{ operation: "ledger.verify", input: {} }],
      };
      const record = yield* place.scissors.propose(request, "agent:a");
      yield* place.proposals.attest(record.proposal.id, {
        source: "verifier",
        result: "pass",
        digest: digestJson("seen"),
        summary: "seen",
      }, "agent:b");
      yield* place.proposals.validated(record.proposal.id, 0, true);
      return yield* place.proposals.decide(record.proposal.id, "approve", "user@tty");
    }));
    copyLedger(live, before);
    await Effect.runPromise(place.scissors.apply(id, "agent:a"));
    const there = await Effect.runPromise(digestIn(ledger));
    copyLedger(live, after);
    await close();
    const [from, to] = [sizeOf(before, WAL), sizeOf(after, WAL)];
    assert.ok(to > from);
    const log = Deno.readFileSync(`${after}/${WAL}`);
    const found = new Set<string>();
    for (const length of boundaries(log, from)) {
      for (const head of [before, after]) {
        // The head is written after the commit: a new head beside a log that was cut never is.
        if (head === after && length < to) continue;
        const folder = `${root}/cut-${length}-${head === after}`;
        copyLedger(before, folder);
        Deno.writeFileSync(`${folder}/${WAL}`, log.slice(0, length));
        Deno.copyFileSync(`${head}/${LEDGER_FILES[2]}`, `${folder}/${LEDGER_FILES[2]}`);
        const state = await withLedger(folder, (opened) =>
          Effect.gen(function* () {
            const digest = yield* digestIn(opened);
            // A first append adopts what was committed and not acknowledged; then nothing is at fault.
            yield* opened.append([{ type: "test.after", actor: "user@tty", data: {} }]);
            assert.equal((yield* opened.verify).ok, true);
            const again = scissorsOver(opened, (yield* groundOver(opened)).proposals, DEFAULT_POLICY);
            const { genome } = yield* again.genome("coding");
            const routing = genome.genes.find(({ kind }) => kind === "routing");
            assert.equal(routing?.status, digest === none ? "active" : "quarantined");
            return digest;
          }));
        assert.ok(state === none || state === there, `${length}`);
        found.add(state);
      }
    }
    assert.deepEqual([...found].toSorted(), [none, there].toSorted());
  }));
