/**
 * Loads for the ledger's figures: events of 1 KB without anything a store could save on.
 */
import * as Effect from "effect/Effect";
import type { EventDraft } from "../../effects/ledger.ts";
import { canonicalJson, random } from "../../kernel/mod.ts";
import { inFolder, withLedger } from "./ledger_fixtures.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const EVENTS_EACH = 200;

/** Characters of text whose event data has exactly 1,024 bytes. */
const TEXT = 1024 - canonicalJson({ text: "" }).length;

/** Events whose data is 1,024 bytes of canonical JSON each. */
export const kilobytes = (count: number, seed: string): ReadonlyArray<EventDraft> => {
  const chance = random(seed);
  return Array.from({ length: count }, () => ({
    type: "test.payload",
    actor: "agent:bench",
    call: "0123456789abcdef0123456789abcdef",
    data: { text: Array.from({ length: TEXT }, () => LETTERS[chance.below(LETTERS.length)]).join("") },
  }));
};

/** Bytes of the state folder over bytes of payload, after a truncating checkpoint. */
export const spaceFor = (count: number): Promise<{ readonly stored: number; readonly payload: number }> =>
  inFolder((folder) =>
    withLedger(folder, (ledger) =>
      Effect.gen(function* () {
        let payload = 0;
        for (let done = 0; done < count; done += EVENTS_EACH) {
          const events = kilobytes(EVENTS_EACH, `payload/${done}`);
          for (const { data } of events) payload += new TextEncoder().encode(canonicalJson(data)).length;
          yield* ledger.append(events);
        }
        yield* ledger.checkpoint;
        // The index in shared memory is rebuilt at every opening and never outlives the last connection.
        const stored = [...Deno.readDirSync(folder)].filter(({ name }) => !name.endsWith("-shm"))
          .reduce((sum, { name }) => sum + Deno.statSync(`${folder}/${name}`).size, 0);
        return { stored, payload };
      }))
  );
