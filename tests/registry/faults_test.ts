/**
 * Failing disks and power cuts at every step: no artifact that the ledger speaks of is lost, and the lock is old or new.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { memoryLedger } from "../../effects/ledger.ts";
import {
  type Authority,
  CallContext,
  caps,
  type Digest,
  type DiskDriver,
  diskOver,
  type Failure,
  isFailure,
  type Json,
  random,
  type SupervisorShape,
} from "../../kernel/mod.ts";
import { type FaultPlan, faultyDisk } from "../../kernel/disk_faulty.ts";
import { layerEntropy } from "../../kernel/platform/entropy.ts";
import type { ArtifactFacts } from "../../registry/artifact.ts";
import { artifactStore } from "../../registry/artifact_store.ts";
import { Registry } from "../../registry/contract.ts";
import { discover } from "../../registry/discovery.ts";
import { EMPTY_LOCK, type Lock, printLock } from "../../registry/lock.ts";

const SEEDS = 3;

/** Steps that bring the old lock onto the disk. */
const SETUP_STEPS = 5;

const facts = (references: ReadonlyArray<Digest> = []): ArtifactFacts => ({
  kind: "program",
  media: "text/plain",
  description: "",
  references,
  tags: [],
  metrics: {},
});
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.repeat(50));
const grant = (authority: Authority) => ({ authority, check: () => Effect.void });

const call = {
  id: "1",
  operation: "artifacts.put",
  actor: "user@tty" as const,
  workspace: "/w",
  stateFolder: "/w/.rmi",
  outputFolder: "/w/out",
  random: random(1),
  emit: () => Effect.void,
  progress: () => Effect.void,
  invoke: () => Effect.succeed(null as Json),
};

/** Runs under a call's authority, which is granted throughout. */
const run = <A>(body: Effect.Effect<A, Failure, unknown>): Promise<A | Failure> =>
  Effect.runPromise(
    body.pipe(
      Effect.provideService(CallContext, call),
      Effect.provideService(caps.readLocal as never, grant("readLocal") as never),
      Effect.provideService(caps.writeLocal as never, grant("writeLocal") as never),
      Effect.match({ onFailure: (failure): A | Failure => failure, onSuccess: (value): A | Failure => value }),
    ) as Effect.Effect<A | Failure>,
  );

const newLedger = () => Effect.runPromise(Effect.provide(memoryLedger((value) => value), layerEntropy));

/** Stores three artifacts and collects one; answers the digests that were acknowledged. */
const story = async (
  driver: DiskDriver,
  ledger: Awaited<ReturnType<typeof newLedger>>,
): Promise<ReadonlyArray<Digest>> => {
  const store = await Effect.runPromise(artifactStore(ledger, diskOver(driver)));
  const acknowledged: Array<Digest> = [];
  const put = async (text: string, references: ReadonlyArray<Digest>, name?: string) => {
    const info = await run(store.put(bytes(text), facts(references), name));
    if (isFailure(info)) return undefined;
    if (name !== undefined) acknowledged.push(info.digest);
    return info.digest;
  };
  const base = await put("base", [], "base");
  if (base === undefined) return acknowledged;
  await put("loose", []);
  await put("model", [base], "model");
  await run(store.collect({ dry: false, keep: [] }));
  return acknowledged;
};

const judge = async (
  driver: DiskDriver,
  ledger: Awaited<ReturnType<typeof newLedger>>,
  acknowledged: ReadonlyArray<Digest>,
) => {
  const store = await Effect.runPromise(artifactStore(ledger, diskOver(driver)));
  assert.deepEqual(await run(store.damaged), []);
  for (const digest of acknowledged) assert.ok(!isFailure(await run(store.read(digest))), digest);
  for (const text of ["base", "loose", "model"]) {
    assert.ok(!isFailure(await run(store.put(bytes(text), facts()))), text);
  }
};

const plans: ReadonlyArray<readonly [string, (at: number, seed: number) => FaultPlan]> = [
  ["a step that fails", (failAt, seed) => ({ failAt, seed })],
  ["a power cut", (powerCutAt, seed) => ({ powerCutAt, seed })],
];

for (const [what, plan] of plans) {
  Deno.test(`with ${what} at any step, every artifact the ledger speaks of is whole`, async () => {
    const counted = faultyDisk();
    assert.equal((await story(counted, await newLedger())).length, 2);
    assert.ok(counted.steps() > 10);
    for (let at = 1; at <= counted.steps(); at++) {
      for (let seed = 0; seed < SEEDS; seed++) {
        const driver = faultyDisk(plan(at, seed));
        const ledger = await newLedger();
        const acknowledged = await story(driver, ledger);
        await judge(driver.afterPowerCut(), ledger, acknowledged);
      }
    }
  });

  Deno.test(`with ${what} at any step, the lock is the old one or the new one`, async () => {
    const next: Lock = { format: 1, plugins: {} };
    const old = `${printLock(EMPTY_LOCK)}\n`;
    const replaceOn = async (driver: DiskDriver) => {
      await driver.makeFolder("/w");
      await driver.syncFolder("/");
      await driver.write("/w/rmi.lock", new TextEncoder().encode(old));
      await driver.sync("/w/rmi.lock");
      await driver.syncFolder("/w");
      const found = await Effect.runPromise(discover({
        workspace: "/w",
        stateFolder: "/w/.rmi",
        disk: driver,
        supervisor: {} as SupervisorShape,
        builtin: [],
      }));
      const write = Effect.flatMap(Effect.service(Registry), (registry) => registry.writeLock(next));
      return await run(Effect.provide(write, found.layer));
    };
    const counted = faultyDisk();
    await replaceOn(counted);
    assert.ok(counted.steps() >= SETUP_STEPS + 4);
    for (let at = SETUP_STEPS + 1; at <= counted.steps(); at++) {
      for (let seed = 0; seed < SEEDS; seed++) {
        const driver = faultyDisk(plan(at, seed));
        const failed = isFailure(await replaceOn(driver));
        const text = new TextDecoder().decode(await driver.afterPowerCut().read("/w/rmi.lock"));
        assert.ok(failed ? [old, printLock(next)].includes(text) : text === printLock(next), `${at}/${seed}: ${text}`);
      }
    }
  });
}
