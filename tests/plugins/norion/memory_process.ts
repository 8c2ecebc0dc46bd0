/**
 * A process of its own that opens a ledger, asks its memory and remembers something: prints how long each took, in
 * milliseconds. Arguments: the state folder and the scope.
 */
import * as Effect from "effect/Effect";
import type { LedgerShape } from "../../../effects/mod.ts";
import { memoryOver } from "../../../plugins/norion/memory/service.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { dialogueOf } from "./dialogues.ts";
import { withLedger } from "../../effects/ledger_fixtures.ts";
import { median } from "../../acceptance/figure.ts";

/** What was measured, in milliseconds. */
export interface MemoryTimes {
  /** The first question, with the opening of the index. */
  readonly first: number;
  /** A later question, the median. */
  readonly question: number;
  /** To remember, without what the ledger takes to store the text and the event, the median. */
  readonly own: number;
}

const REMEMBERED = 15;

/** Time that the ledger took, added up. */
const timed = (ledger: LedgerShape, spent: { ms: number }): LedgerShape => {
  const measured = <A, E>(body: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const start = performance.now();
      return Effect.tap(body, () => Effect.sync(() => spent.ms += performance.now() - start));
    });
  return {
    ...ledger,
    append: (events) => measured(ledger.append(events)),
    putBlob: (bytes, options) => measured(ledger.putBlob(bytes, options)),
  };
};

const measure = (folder: string, scope: string): Promise<MemoryTimes> =>
  withLedger(folder, (ledger) =>
    Effect.gen(function* () {
      const spent = { ms: 0 };
      const { questions } = dialogueOf(1);
      const memory = memoryOver(timed(ledger, spent), DEFAULT_POLICY);
      const start = performance.now();
      yield* memory.recall(questions[0].query, { scope });
      const first = performance.now() - start;
      const asked: number[] = [];
      for (const { query } of [...questions, ...questions]) {
        const before = performance.now();
        yield* memory.recall(query, { scope });
        asked.push(performance.now() - before);
      }
      const own: number[] = [];
      for (let at = 0; at < REMEMBERED; at++) {
        spent.ms = 0;
        const before = performance.now();
        const text = `Note ${at} of process ${Deno.pid} at ${before}: Anna bought apples near the museum in Porto.`;
        yield* memory.remember({ scope, text }, "user");
        own.push(performance.now() - before - spent.ms);
      }
      yield* memory.close;
      return { first, question: median(asked), own: median(own) };
    }));

if (import.meta.main) console.log(JSON.stringify(await measure(Deno.args[0], Deno.args[1])));
