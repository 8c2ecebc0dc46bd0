/**
 * Crashes made on purpose, shared by the test and the acceptance figures: processes killed while they append, and
 * power cuts played on the bytes of the files.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type { LedgerEvent, LedgerShape } from "../../effects/ledger.ts";
import { random } from "../../kernel/mod.ts";
import { inFolder, LEDGER_FILES, numbered, openHere, withLedger } from "./ledger_fixtures.ts";

const CHILD = new URL("./ledger_child.ts", import.meta.url).pathname;

/** Starts a process that appends. */
export const spawnWriter = (
  folder: string,
  name: string,
  appends: number,
  each = 1,
  flags: ReadonlyArray<string> = [],
): Deno.ChildProcess =>
  new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      `--allow-read=${folder}`,
      `--allow-write=${folder}`,
      ...flags,
      CHILD,
      folder,
      name,
      String(appends),
      String(each),
    ],
    cwd: new URL("../..", import.meta.url).pathname,
    stdout: "piped",
    stderr: flags.length === 0 ? "inherit" : "null",
  }).spawn();

/** Every event, a page at a time. */
export const everything = (ledger: LedgerShape): Effect.Effect<ReadonlyArray<LedgerEvent>, unknown> =>
  Effect.gen(function* () {
    const all: LedgerEvent[] = [];
    for (;;) {
      const page = yield* ledger.read({ from: all.length + 1 });
      if (page.length === 0) return all;
      all.push(...page);
    }
  });

/** Kills a writer after some acknowledgements and a while; answers the acknowledged appends as `number position`. */
export const killedWriter = async (
  folder: string,
  name: string,
  acknowledgements: number,
  delayMs: number,
): Promise<ReadonlyArray<readonly [number: number, position: number]>> => {
  const child = spawnWriter(folder, name, 1_000_000, 1 + acknowledgements % 3);
  let text = "";
  let killed = false;
  for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (!killed && text.split("\n").length > acknowledgements) {
      killed = true;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      child.kill("SIGKILL");
    }
  }
  await child.status;
  const whole = text.slice(0, text.lastIndexOf("\n")).split("\n");
  return whole.map((line) => line.split(" ").map(Number) as unknown as readonly [number, number]);
};

/** Reopens a ledger whose writers were killed, and compares it with what they were told. */
export const checkSurvivor = async (
  folder: string,
  acknowledged: ReadonlyArray<{ readonly name: string; readonly n: number; readonly seq: number }>,
): Promise<{ readonly events: number; readonly adopted: number; readonly lost: number }> => {
  // A first append adopts what a dead writer left unacknowledged; after it, nothing is at fault.
  await withLedger(folder, (ledger) => ledger.append([numbered(0)]));
  return await withLedger(folder, (ledger) =>
    Effect.gen(function* () {
      const verified = yield* ledger.verify;
      assert.deepEqual(verified.faults, []);
      const events = yield* everything(ledger);
      const lost = acknowledged.filter(({ name, n, seq }) => {
        const event = events[seq - 1];
        return event?.actor !== `agent:${name}` || (event.data as { n: number }).n !== n;
      });
      const adopted = events.filter(({ type }) => type === "ledger.recovered");
      return { events: events.length, adopted: adopted.length, lost: lost.length };
    }));
};

interface Disk {
  readonly [name: string]: Uint8Array;
}

const snapshot = (folder: string): Disk =>
  Object.fromEntries(LEDGER_FILES.flatMap((name) => {
    try {
      return [[name, Deno.readFileSync(`${folder}/${name}`)] as const];
    } catch {
      return [];
    }
  }));

const restore = (folder: string, disk: Disk): void => {
  Deno.mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(disk)) Deno.writeFileSync(`${folder}/${name}`, bytes);
};

/**
 * What a disk may hold when the power goes between two acknowledged states: the write-ahead log is synchronised before
 * the head is written, so any part of what was written since may be there, whole, torn or as noise.
 */
const cut = (before: Disk, after: Disk, seed: string): Disk => {
  const chance = random(seed);
  const [database, log, head] = LEDGER_FILES;
  const oldLog = before[log] ?? new Uint8Array(0);
  const newLog = after[log] ?? new Uint8Array(0);
  const kept = oldLog.length + chance.below(Math.max(1, newLog.length - oldLog.length + 1));
  const torn = newLog.slice(0, Math.min(kept, newLog.length));
  // The last sector written may hold noise.
  for (let at = Math.max(oldLog.length, torn.length - chance.below(512)); at < torn.length; at++) {
    torn[at] = chance.below(256);
  }
  const logWhole = chance.below(3) === 0;
  const oldHead = before[head];
  const newHead = after[head];
  const mixed = oldHead.slice();
  if (logWhole) {
    // Only a whole log lets the head's sector be on its way.
    const sector = [0, 512].find((start) =>
      Buffer.compare(oldHead.slice(start, start + 512), newHead.slice(start, start + 512)) !== 0
    ) ?? 0;
    const reach = chance.below(513);
    mixed.set(newHead.slice(sector, sector + reach), sector);
  }
  return { [database]: before[database], [log]: logWhole ? newLog : torn, [head]: mixed };
};

/** Plays power cuts after each of some acknowledged appends; answers how many were survived. */
export const powerCuts = (seed: number, appends: number, cutsEach: number): Promise<number> =>
  inFolder(async (folder) => {
    const chance = random(`power/${seed}`);
    const { ledger, close } = await openHere(`${folder}/live`);
    let count = 0;
    let survived = 0;
    let before: Disk | undefined;
    for (let n = 1; n <= appends; n++) {
      const events = Array.from({ length: 1 + chance.below(4) }, () => numbered(n, "x".repeat(chance.below(3000))));
      await Effect.runPromise(ledger.append(events));
      const after = snapshot(`${folder}/live`);
      for (let k = 0; before !== undefined && k < cutsEach; k++) {
        const copy = `${folder}/cut-${n}-${k}`;
        restore(copy, cut(before, after, `${seed}/${n}/${k}`));
        const { events: found } = await checkSurvivor(copy, []);
        assert.ok(found > count, `cut ${seed}/${n}/${k}: ${found - 1} of ${count} acknowledged events are left`);
        survived++;
        Deno.removeSync(copy, { recursive: true });
      }
      count += events.length;
      before = after;
    }
    await close();
    return survived;
  });
