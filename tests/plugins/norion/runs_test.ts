/** A recorded request once more: replayed, resumed, forked. */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import assert from "node:assert/strict";
import type { LedgerShape } from "../../../effects/mod.ts";
import { scopeKey } from "../../../plugins/norion/memory/service.ts";
import { DEFAULT_POLICY as policy, type Policy } from "../../../plugins/norion/policy.ts";
import { fork, replay, resume } from "../../../plugins/norion/runs.ts";
import { type AskRequest, norionOver } from "../../../plugins/norion/service.ts";
import { adaptiveFold } from "../../../plugins/norion/state/adaptive.ts";
import { consistencyFold } from "../../../plugins/norion/state/consistency.ts";
import { memoryFold } from "../../../plugins/norion/state/memory.ts";
import { requestFold, requestOf } from "../../../plugins/norion/state/requests.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";
import { exchange, ME, saying, withNorion } from "./answering.ts";
import { deviceAt } from "./states.ts";

const PLANT = "Our plant in Turku has 14 turbines.";
const PROMPT = "How many turbines has our plant in Turku, and what else is known of it?";
const LONG = `${PLANT} It stands by the river and was built in stages, each of which added some of the turbines there.`;

const asked = (more: Partial<AskRequest<never>> = {}): AskRequest<never> => ({
  prompt: PROMPT,
  profile: "general",
  scope: ME,
  materials: {},
  device: deviceAt("laptop", 0),
  models: [saying(LONG)],
  demand: { privacy: "process" },
  temperature: 0,
  seed: 1,
  judges: { logic: symbolicDefault },
  ...more,
});

const dying = { ...saying("never"), generate: () => Effect.die("the process ends") };

/** A ledger that dies at the n-th append from now on. */
const failingAt = (ledger: LedgerShape, nth: number): LedgerShape => {
  let count = 0;
  return { ...ledger, append: (events) => ++count === nth ? Effect.die("the process ends") : ledger.append(events) };
};

const everything = (ledger: LedgerShape) =>
  Effect.gen(function* () {
    return JSON.stringify([yield* ledger.state(adaptiveFold), yield* ledger.state(memoryFold)]);
  });

Deno.test("a request's decisions made again are the same, byte by byte, whatever was learned or remembered since", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      yield* norion.memory.remember({ scope: ME, text: PLANT }, "user@tty");
      const first = yield* norion.ask(asked(), "user@tty");
      assert.ok(first.settled.stored.length > 0 && first.conclusion.lesson !== undefined);
      yield* norion.memory.remember({ scope: ME, text: "Our plant in Turku has 15 turbines." }, "user@tty");
      for (let turn = 0; turn < 3; turn++) yield* exchange(norion, "What is 17 * 3?", "It is 17 * 3 = 51, I am told.");
      yield* norion.experience.feedback(first.request, { scope: ME, rating: 1 }, "user@tty");
      const { count } = yield* ledger.head;
      const again = yield* replay(
        norion,
        ledger,
        first.request,
        asked({ answer: first.draft.text } as never),
        "user@tty",
      );
      assert.deepEqual([again.samePlan, again.sameOutcome, again.differing], [true, true, []]);
      assert.ok(again.lines.length > 5);
      assert.equal((yield* ledger.head).count, count);
    })
  ));

Deno.test("a replay under another policy, device or answer says what differs, or refuses", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      yield* norion.memory.remember({ scope: ME, text: PLANT }, "user@tty");
      const { request, draft } = yield* norion.ask(asked(), "user@tty");
      const busy = yield* replay(norion, ledger, request, asked({ device: deviceAt("laptop", 0.9) }), "user@tty");
      assert.equal(busy.samePlan, false);
      const strict: Policy = { ...policy, "drift.block": 1.01 };
      const other = yield* replay(
        norionOver(ledger, strict),
        ledger,
        request,
        asked({ answer: draft.text } as never),
        "user@tty",
      );
      assert.deepEqual([other.samePlan, other.sameOutcome], [true, false]);
      assert.ok(other.differing.includes("norion.request.settled"));
      const codes = yield* Effect.forEach([
        replay(norion, ledger, request, asked({ answer: "something else" } as never), "user@tty"),
        replay(norion, ledger, request, asked({ prompt: "Another prompt?" }), "user@tty"),
        replay(norion, ledger, "r9", asked(), "user@tty"),
        replay(norion, ledger, request, asked({ scope: scopeKey({ tenant: "you", workspace: "home" }) }), "user@tty"),
      ], (refused) => Effect.map(Effect.flip(refused), ({ code, path }) => `${code} ${path}`));
      assert.deepEqual(codes, [
        "NORION_RECORD /answer",
        "NORION_RECORD /prompt",
        "NORION_UNKNOWN_REQUEST /request",
        "NORION_UNKNOWN_REQUEST /request",
      ]);
    })
  ));

Deno.test("a request that was broken off at any append is carried on, and comes to what it would have come to", () =>
  withNorion((whole, wholeLedger) =>
    Effect.gen(function* () {
      yield* whole.memory.remember({ scope: ME, text: PLANT }, "user@tty");
      const expected = yield* whole.ask(asked(), "user@tty");
      const reached = yield* everything(wholeLedger);
      for (const nth of [2, 3]) {
        yield* Effect.promise(() =>
          withNorion((norion, ledger) =>
            Effect.gen(function* () {
              yield* norion.memory.remember({ scope: ME, text: PLANT }, "user@tty");
              const broken = norionOver(failingAt(ledger, nth), policy);
              assert.ok(Exit.isFailure(yield* Effect.exit(broken.ask(asked(), "user@tty"))));
              const entry = requestOf(yield* ledger.state(requestFold), "r1")!;
              assert.deepEqual([entry.answered !== undefined, entry.settled], [nth === 3, undefined]);
              // Nothing was learned or remembered by what was broken off.
              assert.equal((yield* ledger.state(adaptiveFold)).router.general.observations, 0);
              // An answer that waits is settled by itself: no model is asked.
              const models = nth === 3 ? [dying] : [saying(LONG)];
              const carried = yield* resume(norionOver(ledger, policy), ledger, "r1", asked({ models }), "user@tty");
              assert.deepEqual(carried.settled, expected.settled);
              assert.equal(carried.draft.text, expected.draft.text);
              const strip = (text: string) => text.replaceAll(/sha256:[0-9a-f]+|"(?:born|used)":\d+/gu, "");
              assert.equal(strip(yield* everything(ledger)), strip(reached));
              assert.equal((yield* ledger.state(consistencyFold)).count, 0);
              const over = yield* Effect.flip(resume(norion, ledger, "r1", asked(), "user@tty"));
              assert.equal(over.code, "NORION_RECORD");
            })
          )
        );
      }
    })
  ));

Deno.test("a request is not carried on under another plan, with another prompt, or without its answer", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      yield* Effect.exit(norion.ask(asked({ models: [dying] }), "user@tty"));
      const refusal = (more: Partial<AskRequest<never>>) =>
        Effect.map(Effect.flip(resume(norion, ledger, "r1", asked(more), "user@tty")), ({ message }) => message);
      assert.match(yield* refusal({ profile: "coding" }), /planned for another profile/u);
      assert.match(yield* refusal({ prompt: "Another?" }), /not its prompt/u);
      yield* Effect.exit(norionOver(failingAt(ledger, 3), policy).ask(asked(), "user@tty"));
      const { answer } = requestOf(yield* ledger.state(requestFold), "r2")!;
      yield* ledger.dropBlob(answer!);
      const gone = yield* Effect.flip(resume(norion, ledger, "r2", asked(), "user@tty"));
      assert.match(gone.message, /answer was deleted/u);
      const settled = yield* resume(norion, ledger, "r1", asked(), "user@tty");
      assert.equal(settled.request, "r1");
    })
  ));

Deno.test("a fork asks on the ledger as it stood, another prompt too, and leaves the history as it is", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { id } = yield* norion.memory.remember({ scope: ME, text: PLANT }, "user@tty");
      const { request } = yield* norion.ask(asked(), "user@tty");
      const { id: later } = yield* norion.memory.remember(
        { scope: ME, text: "Our plant in Turku has 15 turbines." },
        "user@tty",
      );
      const before = yield* everything(ledger);
      const { count, hash } = yield* ledger.head;
      const beside = yield* fork(norion, ledger, request, asked({ models: [saying("Our plant has 9.")] }), "user@tty");
      assert.deepEqual([beside.used.includes(id), beside.used.includes(later)], [true, false]);
      assert.equal(beside.request, request);
      const other = yield* fork(norion, ledger, request, asked({ prompt: "Where is our plant?" }), "user@tty");
      assert.equal(other.draft.text, LONG);
      assert.equal(yield* everything(ledger), before);
      assert.deepEqual(yield* ledger.head, { count, hash });
      const unknown = yield* Effect.flip(fork(norion, ledger, "r9", asked(), "user@tty"));
      assert.equal(unknown.code, "NORION_UNKNOWN_REQUEST");
    })
  ));

Deno.test("a memory whose text was deleted since is missing from a fork, and a replay says that the plan differs", () =>
  withNorion((norion, ledger) =>
    Effect.gen(function* () {
      const { id } = yield* norion.memory.remember({ scope: ME, text: PLANT }, "user@tty");
      const { request } = yield* norion.ask(asked(), "user@tty");
      yield* norion.memory.retract(id, { scope: ME, reason: "wrong" }, "user@tty");
      const again = yield* replay(norion, ledger, request, asked(), "user@tty");
      assert.equal(again.samePlan, false);
    })
  ));
