/** Random edits: those that are admitted roll back to identical documents, in the order in which they stand. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { Proposals } from "../../../../effects/proposals.ts";
import { faultyDisk } from "../../../../kernel/disk_faulty.ts";
import { type Digest, isFailure, random } from "../../../../kernel/mod.ts";
import { modifySubject, registerSubject } from "../../../../plugins/evolution/self/modify.ts";
import { canonical, encodeProgram, parse } from "../../../../plugins/rmil/library.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import { randomEdit } from "./patches.ts";
import { inRoom, newLedger, SUITE } from "./room.ts";

const TARGET = "programs.affine";
const ADMITTED = 40;
const MOST_TRIES = 600;

Deno.test("random admitted patches roll back to identical hashes, and what spoils the program is not admitted", async () => {
  const chance = random("patches");
  await inRoom(
    { ledger: await newLedger(), disk: faultyDisk() },
    Effect.gen(function* () {
      const proposals = yield* Proposals;
      const store = yield* Artifacts;
      const first = encodeProgram(canonical(parse("mul(3.0) >> add(1.0)")));
      const { body } = yield* registerSubject({
        name: "affine",
        body: { kind: "program", bytes: first },
        suite: SUITE,
      });
      const stack: Array<{ readonly proposal: Digest; readonly before: Digest; readonly body: Digest }> = [];
      let [current, admitted, held] = [body, 0, 0];
      for (let tries = 0; admitted < ADMITTED && tries < MOST_TRIES; tries++) {
        const edit = randomEdit(yield* store.read(current), chance);
        const made = yield* Effect.result(modifySubject({ target: TARGET, edit, reason: `try ${tries}` }));
        if (made._tag === "Failure") {
          assert.ok(isFailure(made.failure) && made.failure.code === "EVOLUTION_CHANGE", String(made.failure));
          continue;
        }
        const { state, trial, proposal, before } = made.success;
        assert.equal(state, trial.ok ? "applied" : "held");
        assert.equal(trial.ok, trial.after.score === 1, "this program is right; nothing less is admitted");
        if (state === "held") {
          held++;
          continue;
        }
        admitted++;
        stack.push({ proposal, before, body: current });
        current = made.success.body;
        // Now and then some of them go back, latest first.
        for (let back = chance.below(8) === 0 ? chance.below(4) : 0; back > 0 && stack.length > 0; back--) {
          const last = stack.pop()!;
          yield* proposals.rollback(last.proposal, "agent:a");
          assert.equal((yield* proposals.domain(TARGET)).digest, last.before);
          current = last.body;
        }
      }
      for (const { proposal, before } of stack.toReversed()) {
        yield* proposals.rollback(proposal, "agent:a");
        assert.equal((yield* proposals.domain(TARGET)).digest, before);
      }
      assert.equal(admitted, ADMITTED);
      assert.ok(held > 10, `${held}`);
    }),
  );
});
