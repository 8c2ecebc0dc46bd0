/**
 * What the ledger costs: single and batched appends with full synchronisation, reading, folding and verifying.
 * Run with `deno task bench`; the figures the README quotes come from `deno task acceptance ledger`.
 */
import * as Effect from "effect/Effect";
import { numbered, openHere } from "../tests/effects/ledger_fixtures.ts";

const folder = Deno.makeTempDirSync({ prefix: "rmi-bench-" });
const { ledger, close } = await openHere(folder);
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

const TEXT = "x".repeat(100);
const batch = Array.from({ length: 100 }, (_, n) => numbered(n, TEXT));
const single = [numbered(0, TEXT)];

Deno.bench("100 appends of one event, each durable", async () => {
  for (let n = 0; n < 100; n++) await Effect.runPromise(ledger.append(single));
});

Deno.bench("one append of 100 events", async () => {
  await Effect.runPromise(ledger.append(batch));
});

Deno.bench("100 appends of one event from as many fibers", async () => {
  await Effect.runPromise(Effect.all(batch.map((event) => ledger.append([event])), { concurrency: "unbounded" }));
});

const filled = await openHere(`${folder}/filled`);
for (let n = 0; n < 100; n++) await Effect.runPromise(filled.ledger.append(batch));

Deno.bench("read 1,000 of 10,000 events", async () => {
  await Effect.runPromise(filled.ledger.read({ from: 5_000 }));
});

let fold = 0;
Deno.bench("fold 10,000 events without a snapshot", async () => {
  fold++;
  const state = { name: `bench-${fold}`, version: 1, initial: 0, step: (count: number) => count + 1 };
  await Effect.runPromise(filled.ledger.state(state));
});

Deno.bench("verify 10,000 events", async () => {
  await Effect.runPromise(filled.ledger.verify);
});

globalThis.addEventListener("unload", () => void Promise.all([close(), filled.close()]));
