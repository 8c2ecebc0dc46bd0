/**
 * Journal: intents before, outcomes after, and dangling intents of processes that died.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { layerJournal, MAX_INLINE_BYTES, settleDangling } from "../../effects/journal.ts";
import { layerLedger, Ledger } from "../../effects/ledger.ts";
import { fileLock } from "../../effects/ledger/file_lock.ts";
import { type Call, type Decision, type Digest, digestJson, Journal, type Json } from "../../kernel/mod.ts";
import { asIs, inFolder, platform, withDatabase } from "./ledger_fixtures.ts";

const call = (id: string, input: Json = { path: "/x" }): Call => ({
  id,
  operation: "demo.write",
  declaration: digestJson("declaration"),
  arguments: digestJson(input),
  input,
  actor: "agent:tester",
  effects: ["writeLocal"],
  kinds: ["time"],
  reversible: true,
  paths: { read: [], write: ["/x"] },
});

const decision: Decision = { rule: "default", grants: [] };

const within = <A, E>(
  folder: string,
  seed: string,
  body: Effect.Effect<A, E, Journal | Ledger>,
  redact: (value: Json) => Json = asIs,
): Promise<A> => {
  const ledger = layerLedger({ stateFolder: folder, redact });
  const layer = Layer.provideMerge(layerJournal({ stateFolder: folder }), ledger).pipe(Layer.provide(platform(seed)));
  return Effect.runPromise(Effect.provide(body, layer));
};

Deno.test("an intent and its outcome are events of the call, with everything needed to audit it", async () => {
  await inFolder((folder) =>
    within(
      folder,
      "a",
      Effect.gen(function* () {
        const journal = yield* Journal;
        const ledger = yield* Ledger;
        const one = { ...call("c1"), parent: "c0" };
        yield* journal.intent(one, decision);
        yield* journal.outcome(one, { ok: true, output: digestJson("done") });
        const [intent, outcome] = yield* ledger.read();
        assert.deepEqual([intent.type, intent.actor, intent.call], ["call.intent", "agent:tester", "c1"]);
        const { run, ...data } = intent.data as { run: string };
        assert.match(run, /^[0-9a-f]{32}$/u);
        assert.deepEqual(data, {
          operation: "demo.write",
          declaration: one.declaration,
          arguments: one.arguments,
          input: { path: "/x" },
          effects: ["writeLocal"],
          kinds: ["time"],
          reversible: true,
          rule: "default",
          parent: "c0",
        });
        assert.deepEqual([outcome.type, outcome.call], ["call.outcome", "c1"]);
        assert.deepEqual(outcome.data, { operation: "demo.write", ok: true, output: digestJson("done") });
      }),
    )
  );
});

Deno.test("an intent without an outcome is dangling for the next start, not for its own run", async () => {
  await inFolder(async (folder) => {
    await within(
      folder,
      "first",
      Effect.gen(function* () {
        const journal = yield* Journal;
        yield* journal.intent(call("done"), decision);
        yield* journal.outcome(call("done"), { ok: false, failure: { code: "X" } });
        yield* journal.intent(call("lost"), decision);
        assert.deepEqual(yield* journal.dangling, []);
      }),
    );
    const found = await within(folder, "second", Effect.flatMap(Journal, (journal) => journal.dangling));
    assert.deepEqual(found.map(({ call: id, operation, actor }) => [id, operation, actor]), [
      ["lost", "demo.write", "agent:tester"],
    ]);
    assert.match(found[0].at, /^\d{4}-\d\d-\d\dT/u);
    // Reported until somebody settles it.
    await within(
      folder,
      "third",
      Effect.gen(function* () {
        const journal = yield* Journal;
        const dangling = yield* journal.dangling;
        assert.equal(dangling.length, 1);
        yield* settleDangling(yield* Ledger, dangling, "user@tty");
        assert.deepEqual(yield* journal.dangling, []);
      }),
    );
    assert.deepEqual(await within(folder, "fourth", Effect.flatMap(Journal, (journal) => journal.dangling)), []);
  });
});

Deno.test("the intent of a run that is alive elsewhere is not dangling, and becomes so when it dies", async () => {
  await inFolder(async (folder) => {
    await within(folder, "first", Effect.flatMap(Journal, (journal) => journal.intent(call("busy"), decision)));
    const run = withDatabase(
      folder,
      (database) => JSON.parse(String(database.prepare("SELECT data FROM event WHERE seq = 1").get()!.data)).run,
    );
    // Another process holds that run's lock.
    const alive = fileLock(`${folder}/runs/${run}`);
    assert.ok(alive.tryHold());
    const dangling = Effect.flatMap(Journal, (journal) => journal.dangling);
    assert.deepEqual(await within(folder, "second", dangling), []);
    alive.close();
    assert.equal((await within(folder, "third", dangling)).length, 1);
  });
});

Deno.test("locks of dead runs are swept when a run begins, those of living ones stay", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/runs`, { recursive: true });
    const dead = "d".repeat(32);
    const living = "a".repeat(32);
    fileLock(`${folder}/runs/${dead}`).close();
    Deno.writeTextFileSync(`${folder}/runs/${dead}`, "");
    const alive = fileLock(`${folder}/runs/${living}`);
    assert.ok(alive.tryHold());
    await within(
      folder,
      "x",
      Effect.gen(function* () {
        yield* (yield* Journal).intent(call("c"), decision);
        const names = [...Deno.readDirSync(`${folder}/runs`)].map(({ name }) => name);
        assert.equal(names.includes(dead), false);
        assert.equal(names.includes(living), true);
        assert.equal(names.length, 2);
      }),
    );
    alive.close();
    assert.deepEqual([...Deno.readDirSync(`${folder}/runs`)].map(({ name }) => name), [living]);
  });
});

Deno.test("an input beyond the inline limit becomes a private blob, at the limit it does not; both redacted", async () => {
  const hide = (value: Json): Json => JSON.parse(JSON.stringify(value).replaceAll("hunter2", "*"));
  await inFolder((folder) =>
    within(
      folder,
      "a",
      Effect.gen(function* () {
        const journal = yield* Journal;
        const ledger = yield* Ledger;
        const text = (bytes: number) => `hunter2${"x".repeat(bytes - 3)}`;
        yield* journal.intent(call("at", text(MAX_INLINE_BYTES)), decision);
        yield* journal.intent(call("past", text(MAX_INLINE_BYTES + 1)), decision);
        const [at, past] = (yield* ledger.read()).map(({ data }) => data as { input?: string; inputBlob?: Digest });
        assert.equal(at.input, `*${"x".repeat(MAX_INLINE_BYTES - 3)}`);
        assert.equal(past.input, undefined);
        const bytes = yield* ledger.getBlob(past.inputBlob!);
        assert.equal(JSON.parse(new TextDecoder().decode(bytes)), `*${"x".repeat(MAX_INLINE_BYTES - 2)}`);
        yield* journal.outcome(call("past"), { ok: false, failure: { text: "y".repeat(20_000) } });
        assert.ok("failureBlob" in ((yield* ledger.read({ from: 3 }))[0].data as object));
      }),
      hide,
    )
  );
});

Deno.test("a journal that cannot write refuses the call with a kernel failure that carries the reason", async () => {
  await inFolder(async (folder) => {
    await within(folder, "a", Effect.flatMap(Journal, (journal) => journal.intent(call("c"), decision)));
    Deno.removeSync(`${folder}/ledger.head`);
    const failure = await within(
      folder,
      "b",
      Effect.flatMap(Journal, (journal) => Effect.flip(journal.intent(call("d"), decision))),
    );
    assert.equal(failure.code, "KERNEL_DISK");
    assert.equal((failure.actual as { code: string }).code, "EFFECTS_LEDGER_TAMPERED");
    assert.ok(failure.fix !== undefined);
  });
});

Deno.test("private texts of an input are in no event, and no guess of them can be tested without the ledger's key", async () => {
  await inFolder((folder) =>
    within(
      folder,
      "private",
      Effect.gen(function* () {
        const journal = yield* Journal;
        const ledger = yield* Ledger;
        const input = {
          prompt: "a quiet word",
          files: [{ name: "n", text: "a quiet word" }, { name: "m", text: "two" }],
        };
        const one = { ...call("c1", input), privates: [["prompt"], ["files", "*", "text"]] };
        yield* journal.intent(one, decision);
        yield* journal.outcome(one, { ok: true, output: digestJson("an answer") });
        const [intent, outcome] = yield* ledger.read();
        const stored = JSON.stringify([intent, outcome]);
        for (const text of ["quiet", "two", digestJson(input), digestJson("an answer"), digestJson("a quiet word")]) {
          assert.equal(stored.includes(text), false, text);
        }
        const shown =
          (intent.data as { input: { prompt: string; files: ReadonlyArray<{ name: string; text: string }> } }).input;
        assert.match(shown.prompt, /^private sha256:[0-9a-f]{64}$/u);
        assert.equal(shown.files[0].text, shown.prompt);
        assert.notEqual(shown.files[1].text, shown.prompt);
        assert.deepEqual(shown.files.map(({ name }) => name), ["n", "m"]);
      }),
    )
  );
});
