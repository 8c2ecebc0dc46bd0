/** Failing disks, power cuts and lost appends at every write of a self-modification: the subject is one version or another. */
import assert from "node:assert/strict";
import { faultyDisk } from "../../../../kernel/disk_faulty.ts";
import { attempt, judge } from "./fault_rounds.ts";
import { failingLedger, newLedger } from "./room.ts";

Deno.test("whatever step of the disk fails or loses power, the subject is whole and goes on", async () => {
  const counted = faultyDisk();
  assert.ok(await attempt({ ledger: await newLedger(), disk: counted }));
  assert.ok(counted.steps() > 20, `${counted.steps()}`);
  for (let at = 1; at <= counted.steps(); at++) {
    for (const plan of [{ failAt: at, seed: at }, { powerCutAt: at, seed: at }]) {
      const ledger = await newLedger();
      const disk = faultyDisk(plan);
      await attempt({ ledger, disk });
      await judge({ ledger, disk: disk.afterPowerCut() }, JSON.stringify(plan));
    }
  }
});

Deno.test("whatever append to the ledger is the last one, the subject is whole and goes on", async () => {
  const counted = failingLedger(await newLedger(), Infinity);
  assert.ok(await attempt({ ledger: counted, disk: faultyDisk() }));
  assert.ok(counted.appends() > 15, `${counted.appends()}`);
  let there = 0;
  for (let at = 1; at <= counted.appends(); at++) {
    const ledger = await newLedger();
    const disk = faultyDisk();
    assert.equal(await attempt({ ledger: failingLedger(ledger, at), disk }), false);
    if (await judge({ ledger, disk }, `append ${at}`)) there++;
  }
  assert.ok(there > 5 && there < counted.appends(), `${there} of ${counted.appends()}`);
});
