/** What is written of a subject, and what must hold of it after whatever broke. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { Proposals } from "../../../../effects/proposals.ts";
import type { LedgerShape } from "../../../../effects/ledger.ts";
import type { DiskDriver } from "../../../../kernel/mod.ts";
import { modifySubject, registerSubject } from "../../../../plugins/evolution/self/modify.ts";
import { readSubject, type Subject } from "../../../../plugins/evolution/self/subject.ts";
import { canonical, encodeProgram, parse } from "../../../../plugins/rmil/library.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import { inRoom, SUITE } from "./room.ts";

const TARGET = "programs.affine";
const bodyOf = (text: string) => ({ kind: "program" as const, bytes: encodeProgram(canonical(parse(text))) });

/** Registers, changes, undoes: all that is ever written of a subject. */
const story = Effect.gen(function* () {
  yield* registerSubject({ name: "affine", body: bodyOf("mul(3.0) >> add(1.0) >> max(0.0)"), suite: SUITE });
  const made = yield* modifySubject({ target: TARGET, edit: { kind: "delete", path: "/b" }, reason: "simpler" });
  yield* (yield* Proposals).rollback(made.proposal, "agent:a");
});

/** What a subject is written to. */
export interface Ground {
  readonly ledger: LedgerShape;
  readonly disk: DiskDriver;
}

/** The story over a disk and a ledger; answers whether it came to its end. */
export const attempt = ({ ledger, disk }: Ground): Promise<boolean> =>
  inRoom({ ledger, disk }, story).then(() => true, () => false);

/** What must hold after whatever broke, on a disk and a ledger that work again; answers whether the subject was there. */
export const judge = (ground: Ground, what: string): Promise<boolean> =>
  inRoom(
    ground,
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const { document, digest } = yield* proposals.domain(TARGET);
      const read = readSubject(document);
      assert.ok(read === undefined || !("problem" in read), `${what}: ${JSON.stringify(document)}`);
      const subject = read as Subject | undefined;
      if (subject === undefined) {
        const again = yield* registerSubject({ name: "affine", body: bodyOf("mul(3.0) >> add(1.0)"), suite: SUITE });
        assert.equal(again.state, "applied", what);
        yield* proposals.rollback(again.proposal, "agent:a");
        assert.equal((yield* proposals.domain(TARGET)).digest, digest, what);
        return false;
      }
      // What the ledger speaks of can be read.
      yield* (yield* Artifacts).read(subject.current.body);
      yield* (yield* Artifacts).read(subject.current.evidence);
      const edit = { kind: "text", text: "add(0.0) >> mul(3.0) >> add(1.0)" } as const;
      const next = yield* modifySubject({ target: TARGET, edit, reason: "after the fault" });
      assert.equal(next.state, "applied", `${what}: ${next.reasons.join()}`);
      assert.ok(next.version > subject.current.version, what);
      yield* proposals.rollback(next.proposal, "agent:a");
      assert.equal((yield* proposals.domain(TARGET)).digest, digest, what);
      return true;
    }),
  );
