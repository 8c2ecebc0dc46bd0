/**
 * Figures of the ledger: tamperings located, crashes survived, processes on one chain, space, and speed with full
 * synchronisation.
 */
import * as Effect from "effect/Effect";
import { random } from "../../kernel/mod.ts";
import { checkSurvivor, killedWriter, powerCuts, spawnWriter } from "../effects/ledger_crashing.ts";
import { inFolder, numbered, openHere, withLedger } from "../effects/ledger_fixtures.ts";
import { spaceFor } from "../effects/ledger_load.ts";
import { located, makeVictim, tamperOnce, TAMPERS } from "../effects/ledger_tampering.ts";
import { type Figure, median, rounded } from "./figure.ts";

const TAMPERINGS = 10_000;
const KILLS = 100;
const CUT_RUNS = 50;
const CUT_APPENDS = 11;
const CUTS_EACH = 10;
const SPACE_GOAL = 1.5;
const BATCHES_PER_SECOND_GOAL = 20_000;
const SINGLES_PER_SECOND_GOAL = 500;
const PROCESSES = 4;
const APPENDS_EACH = 1_000;
const ROUNDS = 9;
const TEXT = "x".repeat(100);

type Progress = (done: number, total: number) => void;

const fresh = (): number => crypto.getRandomValues(new Uint32Array(1))[0];

const tamperings = (progress: Progress) =>
  inFolder(async (folder) => {
    await makeVictim(`${folder}/victim`);
    // The last hundredth uses seeds that nobody has seen.
    const unseen = fresh();
    let value = 0;
    const missed: number[] = [];
    for (let n = 0; n < TAMPERINGS; n++) {
      const seed = n < TAMPERINGS * 0.99 ? n : unseen + n;
      if (located(await tamperOnce(`${folder}/victim`, `${folder}/copy`, seed))) value++;
      else missed.push(seed);
      if (n % 100 === 0) progress(n, TAMPERINGS);
    }
    return {
      value,
      ok: value === TAMPERINGS,
      detail: { kinds: Object.keys(TAMPERS).length, unseen, missed: missed.slice(0, 20) },
    };
  });

const kills = (progress: Progress) =>
  inFolder(async (folder) => {
    const unseen = fresh();
    const chance = random(`kills/${unseen}`);
    const acknowledged: Array<{ name: string; n: number; seq: number }> = [];
    let [lost, adopted] = [0, 0];
    for (let round = 0; round < KILLS; round++) {
      const name = `w${round}`;
      const lines = await killedWriter(folder, name, 1 + chance.below(80), chance.below(12));
      acknowledged.push(...lines.map(([n, seq]) => ({ name, n, seq })));
      ({ lost, adopted } = await checkSurvivor(folder, acknowledged));
      progress(round + 1, KILLS);
    }
    return {
      value: lost,
      ok: lost === 0,
      detail: { kills: KILLS, acknowledged: acknowledged.length, adopted, unseen },
    };
  });

const cuts = async (progress: Progress) => {
  const unseen = fresh();
  let survived = 0;
  for (let run = 0; run < CUT_RUNS; run++) {
    survived += await powerCuts(run === CUT_RUNS - 1 ? unseen : run, CUT_APPENDS, CUTS_EACH);
    progress(run + 1, CUT_RUNS);
  }
  const total = CUT_RUNS * (CUT_APPENDS - 1) * CUTS_EACH;
  return { value: survived, ok: survived === total, detail: { unseen } };
};

const company = () =>
  inFolder(async (folder) => {
    const start = performance.now();
    const writers = Array.from({ length: PROCESSES }, (_, n) => spawnWriter(folder, `p${n}`, APPENDS_EACH).output());
    const codes = (await Promise.all(writers)).map(({ code }) => code);
    const seconds = (performance.now() - start) / 1000;
    const { ok, events, acknowledged } = await withLedger(folder, (ledger) => ledger.verify);
    const whole = ok && acknowledged?.count === PROCESSES * APPENDS_EACH && codes.every((code) => code === 0);
    return { value: events, ok: whole && events === PROCESSES * APPENDS_EACH, detail: { seconds: rounded(seconds) } };
  });

const space = (count: number): Figure => ({
  name: `bytes stored for a byte of payload, ${count} events of 1 KB`,
  unit: "ratio",
  goal: `at most ${SPACE_GOAL} (stretch 1.25)`,
  measure: async () => {
    const { stored, payload } = await spaceFor(count);
    return { value: rounded(stored / payload), ok: stored / payload <= SPACE_GOAL, detail: { stored, payload } };
  },
});

const speed = (name: string, goal: number, batch: number, rounds: number): Figure => ({
  name,
  unit: "events/s",
  goal: `at least ${goal}`,
  measure: ({ progress }) =>
    inFolder(async (folder) => {
      const { ledger, close } = await openHere(folder);
      const events = Array.from({ length: batch }, (_, n) => numbered(n, TEXT));
      const round = async (): Promise<number> => {
        const start = performance.now();
        for (let n = 0; n < rounds; n++) await Effect.runPromise(ledger.append(events));
        return batch * rounds / (performance.now() - start) * 1000;
      };
      await round();
      const rates: number[] = [];
      for (let n = 0; n < ROUNDS; n++) {
        rates.push(await round());
        progress(n + 1, ROUNDS);
      }
      await close();
      const value = rounded(median(rates), 3);
      return { value, ok: value >= goal, detail: { worst: rounded(Math.min(...rates), 3), rounds: ROUNDS } };
    }),
});

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "tamperings found where they were done",
    unit: `of ${TAMPERINGS}`,
    goal: "all",
    measure: ({ progress }) => tamperings(progress),
  },
  {
    name: "acknowledged events lost to killed writers",
    unit: "events",
    goal: "none",
    measure: ({ progress }) => kills(progress),
  },
  {
    name: "power cuts survived with every acknowledged event",
    unit: `of ${CUT_RUNS * (CUT_APPENDS - 1) * CUTS_EACH}`,
    goal: "all",
    measure: ({ progress }) => cuts(progress),
  },
  {
    name: `events in one valid chain from ${PROCESSES} processes with ${APPENDS_EACH} appends each`,
    unit: "events",
    goal: `${PROCESSES * APPENDS_EACH}`,
    measure: company,
  },
  space(200),
  space(10_000),
  speed("appends in batches of 100, full synchronisation", BATCHES_PER_SECOND_GOAL, 100, 50),
  speed("single appends, full synchronisation", SINGLES_PER_SECOND_GOAL, 1, 300),
];
