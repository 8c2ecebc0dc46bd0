/**
 * Failing disks, power cuts and lost appends at every write of a run: what is acknowledged is there, and it goes
 * on to the same end.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { Ledger, type LedgerShape } from "../../../../effects/ledger.ts";
import { faultyDisk } from "../../../../kernel/disk_faulty.ts";
import { type Authority, CallContext, caps, type DiskDriver, diskOver } from "../../../../kernel/mod.ts";
import { random } from "../../../../kernel/random.ts";
import { lineageFaults } from "../../../../plugins/evolution/lineage/ancestry.ts";
import { nsga2, realVariation, type Search, zdt } from "../../../../plugins/evolution/library.ts";
import { runDurably } from "../../../../plugins/evolution/state/durable.ts";
import { type KeepsRuns, openRun, readLineage, readRun } from "../../../../plugins/evolution/state/keeping.ts";
import { artifactStore } from "../../../../registry/artifact_store.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import { failingLedger, newLedger } from "../self/room.ts";

const problem = zdt("ZDT1", 3);
const search = nsga2({ variation: realVariation(problem), objectives: 2, seed: 1, size: 4 }) as Search<Float64Array>;

const GENERATIONS = 5;

const call = {
  id: "1",
  operation: "evolution.evolve",
  actor: "agent:a",
  workspace: "/w",
  stateFolder: "/w/.rmi",
  outputFolder: "/w/out",
  random: random(1),
  emit: () => Effect.void,
  progress: () => Effect.void,
};

interface Ground {
  readonly ledger: LedgerShape;
  readonly disk: DiskDriver;
}

const grant = (authority: Authority) => ({ authority, check: () => Effect.void });

const over = <A, E>({ ledger, disk }: Ground, body: Effect.Effect<A, E, KeepsRuns>): Promise<A> =>
  Effect.runPromise(
    Effect.flatMap(artifactStore(ledger, diskOver(disk)), (store) =>
      body.pipe(
        Effect.provideService(Artifacts, store),
        Effect.provideService(Ledger, ledger),
        Effect.provideService(CallContext, call as never),
        Effect.provideService(caps.readLocal as never, grant("readLocal") as never),
        Effect.provideService(caps.writeLocal as never, grant("writeLocal") as never),
      )) as Effect.Effect<A>,
  );

/** Runs to its end; tells the generations that were acknowledged before. */
const story = (acknowledged: (generation: number) => void) =>
  Effect.gen(function* () {
    const run = yield* openRun({ name: "zdt", operation: "evolution.evolve", spec: { seed: 1 } });
    if (run.from !== undefined) acknowledged(run.from.generation);
    const { archive, state } = yield* runDurably({
      run: {
        ...run,
        save: (step) => Effect.tap(run.save(step), () => Effect.sync(() => acknowledged(step.generation))),
      },
      search,
      budget: { generations: GENERATIONS },
      every: 2,
      evaluate: (asked) => Effect.succeed(asked.map(({ genome }) => ({ objectives: problem.evaluate(genome) }))),
    });
    const { record } = yield* readRun("zdt");
    return { archive, evaluations: state.evaluations, rows: yield* readLineage(record.lineage, "zdt") };
  });

/** A run to a fault, and then to its end: what the second life began with is at least what the first was promised. */
const judge = async (first: Ground, second: Ground, whole: unknown, what: string): Promise<void> => {
  let promised = -1;
  await over(first, story((generation) => promised = Math.max(promised, generation))).catch(() => undefined);
  let found = -1;
  const ended = await over(
    second,
    story((generation) => {
      if (found < 0) found = generation;
    }),
  );
  assert.deepEqual(ended, whole, what);
  assert.ok(found >= promised, `${what}: promised ${promised}, found ${found}`);
};

const wholeRun = async () => over({ ledger: await newLedger(), disk: faultyDisk() }, story(() => {}));

Deno.test("whatever step of the disk fails or loses power, the run goes on to the same archive and lineage", async () => {
  const counted = faultyDisk();
  const whole = await over({ ledger: await newLedger(), disk: counted }, story(() => {}));
  assert.equal(whole.rows.length, 4 * GENERATIONS);
  assert.deepEqual(lineageFaults(whole.rows), []);
  assert.ok(counted.steps() > 20, `${counted.steps()}`);
  for (let at = 1; at <= counted.steps(); at++) {
    for (const plan of [{ failAt: at, seed: at }, { powerCutAt: at, seed: at }]) {
      const ledger = await newLedger();
      const disk = faultyDisk(plan);
      // The disk is looked at after its power is back, and not before.
      let again: DiskDriver | undefined;
      const later: DiskDriver = new Proxy({} as DiskDriver, {
        get: (_, name) => Reflect.get(again ??= disk.afterPowerCut(), name),
      });
      await judge({ ledger, disk }, { ledger, disk: later }, whole, JSON.stringify(plan));
    }
  }
});

Deno.test("whatever append to the ledger is the last one, the run goes on to the same archive and lineage", async () => {
  const whole = await wholeRun();
  const counted = failingLedger(await newLedger(), Infinity);
  await over({ ledger: counted, disk: faultyDisk() }, story(() => {}));
  assert.ok(counted.appends() > 8, `${counted.appends()}`);
  for (let at = 1; at <= counted.appends(); at++) {
    const ledger = await newLedger();
    const disk = faultyDisk();
    await judge({ ledger: failingLedger(ledger, at), disk }, { ledger, disk }, whole, `append ${at}`);
  }
});
