import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type { LedgerShape } from "../../../effects/mod.ts";
import { redactJson } from "../../../effects/mod.ts";
import { random } from "../../../kernel/mod.ts";
import { MAX_TEXT } from "../../../plugins/norion/memory/hygiene.ts";
import { type Memory, memoryOver, scopeKey } from "../../../plugins/norion/memory/service.ts";
import { exportMemory, readExport, readLegacy } from "../../../plugins/norion/memory/transfer.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { itemsOf, lives, memoryFold } from "../../../plugins/norion/state/memory.ts";
import { inFolder, withLedger } from "../../effects/ledger_fixtures.ts";

const ME = scopeKey({ tenant: "me", workspace: "home" });

/** Runs with a memory over a fresh ledger on disk. */
const withMemory = <A>(
  body: (memory: Memory, ledger: LedgerShape, folder: string) => Effect.Effect<A, unknown>,
): Promise<A> =>
  inFolder((folder) =>
    withLedger(folder, (ledger) => body(memoryOver(ledger, policy), ledger, folder) as Effect.Effect<A>, redactJson)
  );

const remember = (memory: Memory, text: string, scope = ME, source = "user") =>
  memory.remember({ scope, text, source }, "user");

const texts = (memory: Memory, query: string, scope = ME) =>
  Effect.map(memory.recall(query, { scope }), (found) => found.map(({ text }) => text));

Deno.test("a superseded fact is never recalled again, also by another process (20.38)", () =>
  withMemory((memory, ledger) =>
    Effect.gen(function* () {
      const old = yield* remember(memory, "My home city is Porto.");
      const now = yield* remember(memory, "My home city is Turku now.");
      assert.deepEqual(now.supersedes, [old.id]);
      for (const one of [memory, memoryOver(ledger, policy)]) {
        assert.deepEqual(yield* texts(one, "What is my home city?"), ["My home city is Turku now."]);
        const plan = yield* one.snapshot(ME);
        const seen = plan.recall("My home city is Porto.", { scope: ME, limit: 16, floor: 0, gist: 0 });
        assert.deepEqual(seen.map(({ id }) => id), [now.id]);
      }
    })
  ));

Deno.test("a retracted fact is never recalled, its text is deleted, and the chain stays whole (20.38)", () =>
  withMemory((memory, ledger, folder) =>
    Effect.gen(function* () {
      const { id } = yield* remember(memory, "My locker code word is marzipanschwein.");
      yield* memory.retract(id, { scope: ME, reason: "wrong" }, "user");
      assert.deepEqual(yield* texts(memory, "What is my locker code word?"), []);
      assert.deepEqual(yield* texts(memoryOver(ledger, policy), "What is my locker code word?"), []);
      assert.equal((yield* ledger.verify).faults.length, 0);
      assert.deepEqual(filesWith(folder, "marzipanschwein"), []);
      const again = yield* remember(memory, "My locker code word is marzipanschwein.");
      assert.notEqual(again.id, id);
      assert.equal((yield* texts(memory, "What is my locker code word?")).length, 1);
    })
  ));

Deno.test("what two sources say differently is kept twice, the more credible first, each naming the other", () =>
  withMemory((memory) =>
    Effect.gen(function* () {
      const guess = { scope: ME, text: "Anna's job title is pilot.", source: "model", standing: "self" as const };
      const said = yield* remember(memory, "Anna's job title is welder.");
      const guessed = yield* memory.remember(guess, "norion");
      assert.deepEqual(guessed.contradicts, [said.id]);
      const found = yield* memory.recall("What is Anna's job title?", { scope: ME });
      assert.deepEqual(found.map(({ item }) => item.id), [said.id, guessed.id]);
      assert.deepEqual(found.map(({ contradicts }) => contradicts), [[guessed.id], [said.id]]);
    })
  ));

Deno.test("nothing of one scope is seen, replaced or taken back from another, however the names are crafted (20.70)", () =>
  withMemory((memory) =>
    Effect.gen(function* () {
      const parts = ["a", "b", 'a","b', "a/b", '"', "\\", "", "a\u0000b", "password=one", "password=two"];
      const scopes = parts.flatMap((tenant) => parts.slice(0, 4).map((workspace) => scopeKey({ tenant, workspace })));
      assert.equal(new Set(scopes).size, scopes.length);
      const ids: string[] = [];
      for (const [index, scope] of scopes.entries()) {
        ids.push((yield* remember(memory, `My telephone number is 555${index}.`, scope)).id);
      }
      for (const [index, scope] of scopes.entries()) {
        assert.deepEqual(yield* texts(memory, "What is my telephone number?", scope), [
          `My telephone number is 555${index}.`,
        ]);
        const other = ids[(index + 1) % ids.length];
        const refused = yield* Effect.flip(memory.retract(other, { scope, reason: "not mine" }, "user"));
        assert.equal(refused.code, "NORION_MEMORY");
        const replaced = memory.remember({ scope, text: "It is mine.", supersedes: [other] }, "user");
        assert.equal((yield* Effect.flip(replaced)).code, "NORION_MEMORY");
      }
      const plan = yield* memory.snapshot(scopes[0]);
      assert.deepEqual(plan.recall("telephone number", { scope: scopes[1], limit: 9, floor: 0, gist: 0 }), []);
    })
  ));

Deno.test("what is remembered twice is stored once, and says so (20.37)", () =>
  withMemory((memory, ledger) =>
    Effect.gen(function* () {
      const first = yield* remember(memory, "The bicycle stands in the shed.");
      const head = yield* ledger.head;
      const second = yield* remember(memory, "The bicycle stands in the shed.");
      assert.deepEqual([second.id, second.known], [first.id, true]);
      assert.deepEqual(yield* ledger.head, head);
    })
  ));

Deno.test("a preview answers what remembering then does, and stores nothing", () =>
  withMemory((memory, ledger, folder) =>
    Effect.gen(function* () {
      const draw = random(11);
      for (let i = 0; i < 40; i++) {
        const request = {
          scope: ME,
          text: `${draw.pick(["Anna", "Ivo"])}'s home city is ${draw.pick(["Ghent", "Fano"])}.`,
        };
        const before = yield* ledger.head;
        const files = filesWith(folder, "");
        const preview = yield* memory.preview(request, "user");
        assert.deepEqual(yield* ledger.head, before);
        if (i > 0) assert.deepEqual(filesWith(folder, ""), files);
        assert.deepEqual(yield* memory.remember(request, "user"), preview);
      }
      assert.deepEqual(yield* memory.previewUpkeep(ME), yield* memory.upkeep(ME, "user"));
    })
  ));

Deno.test("an export read into an empty memory exports to the same bytes", () =>
  withMemory((memory) =>
    Effect.gen(function* () {
      const there = scopeKey({ tenant: "me", workspace: "elsewhere" });
      yield* remember(memory, "Anna's home city is Ghent.");
      yield* remember(memory, "Anna's home city is Fano.", ME, "letter");
      const { id } = yield* remember(memory, '小明的电话是五五五。\n"quoted"\ttab');
      yield* memory.judge([id], { scope: ME, helped: true }, "user");
      yield* memory.remember({ scope: ME, text: "A gist.", namespace: "gist", protected: true }, "user");
      const exported = exportMemory(yield* memory.list(ME));
      const { items, skipped } = readExport(exported);
      assert.deepEqual([items.length, skipped], [4, []]);
      assert.equal(yield* memory.bringIn(items, there, "user"), 4);
      assert.equal(exportMemory(yield* memory.list(there)), exported);
      assert.equal(yield* memory.bringIn(items, there, "user"), 0);
    })
  ));

Deno.test("a bad row is skipped with its line and reason and the others are read (20.34)", () => {
  const legacy = readLegacy("a fact\\twith tab\t0.5\t2\t1\tunknown\nshort row\n\t1\nbad strength\tmuch\nlast\t9\n");
  assert.deepEqual(legacy.items.map(({ text, strength, hits }) => [text, strength, hits]), [
    ["a fact\twith tab", 500, 2],
    ["short row", 600, 0],
  ]);
  assert.deepEqual(legacy.skipped.map(({ line }) => line), [3, 4, 5]);
  assert.equal(readExport('{"norion":"memory","format":2}\n{}').skipped[0].reason, "format 2 is not 1");
  const mixed = readExport('{"norion":"memory","format":1}\nnot json\n{"text":"x"}\n');
  assert.deepEqual(mixed.skipped.map(({ line }) => line), [2, 3]);
  const rows = readLegacy(`${"x".repeat(MAX_TEXT)}\n${"x".repeat(MAX_TEXT + 1)}\nuser: a\\nassistant: b\\nuser: c`);
  assert.deepEqual(rows.skipped.map(({ line, reason }) => [line, reason]), [
    [2, "the text is too long"],
    [3, "the text is a pasted transcript, not something to remember"],
  ]);
});

Deno.test("empty, overlong and pasted texts are refused; the longest text is not", () =>
  withMemory((memory) =>
    Effect.gen(function* () {
      const pasted = "$ deno test\nerror: it failed\n    at run (file.ts:3:4)\nwhy?";
      for (const text of ["  ", "x".repeat(MAX_TEXT + 1), pasted, "\ud800"]) {
        assert.equal((yield* Effect.flip(remember(memory, text))).code, "NORION_MEMORY");
      }
      assert.equal((yield* remember(memory, "x".repeat(MAX_TEXT))).known, false);
    })
  ));

const filesWith = (folder: string, text: string): ReadonlyArray<string> =>
  [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return filesWith(path, text);
    return new TextDecoder("latin1").decode(Deno.readFileSync(path)).includes(text) ? [path] : [];
  });

Deno.test("a secret that goes through memory stands in no file, nor does the name of a scope (20.69)", () =>
  withMemory((memory, _ledger, folder) =>
    Effect.gen(function* () {
      const secret = "sk-proj-Zq8vN2mX7rT4kW9bL1cY6hJ3";
      const scope = scopeKey({ tenant: "canary-tenant-77aa", workspace: "w" });
      const kept = yield* remember(memory, `My api_key=${secret} belongs to the oven.`, scope, `password=${secret}`);
      assert.ok(!kept.text.includes(secret));
      yield* memory.retract(kept.id, { scope, reason: `it was ${secret}` }, `token=${secret}`);
      yield* remember(memory, `The oven has api_key=${secret}.`, scope);
      for (const canary of [secret, "canary-tenant-77aa"]) assert.deepEqual(filesWith(folder, canary), []);
    })
  ));

Deno.test("upkeep of more items than one event holds is written, and what faded away is not recalled", () =>
  withMemory((memory, ledger) =>
    Effect.gen(function* () {
      const items = Array.from({ length: 620 }, (_, i) => ({
        text: `Shelf ${i} holds part ${i}.`,
        namespace: "fact" as const,
        source: "list",
        standing: "user" as const,
        strength: 600,
        hits: 0,
        failures: i === 0 ? 4 : 0,
        protected: false,
      }));
      yield* memory.bringIn(items, ME, "user");
      const preview = yield* memory.previewUpkeep(ME);
      assert.ok(Object.keys(preview.strengths).length > 500);
      assert.equal(preview.removed.length, 1);
      assert.deepEqual(yield* memory.upkeep(ME, "user"), preview);
      const left = yield* memoryOver(ledger, policy).list(ME);
      assert.equal(left.length, 619);
      for (const { item } of left) assert.equal(item.strength, preview.strengths[item.id] ?? 600);
    })
  ));

Deno.test("what gave way for want of room is a tombstone that says so, and its words are not recalled", () =>
  withMemory((_, ledger) =>
    Effect.gen(function* () {
      const small = memoryOver(ledger, { ...policy, "memory.capacity": 16 });
      for (let i = 0; i < 18; i++) {
        yield* small.remember(
          { scope: ME, text: `Shelf ${i} holds part ${i}.`, usefulness: i < 2 ? 0.3 : 0.6 },
          "user",
        );
      }
      assert.equal((yield* small.upkeep(ME, "user")).evicted?.length, 2);
      assert.equal((yield* small.list(ME)).length, 16);
      const gone = itemsOf(yield* ledger.state(memoryFold)).filter((item) => !lives(item));
      assert.deepEqual(gone.map(({ reason }) => reason), ["evicted", "evicted"]);
      assert.deepEqual(
        (yield* texts(small, "What does shelf 1 hold?")).filter((text) => text.startsWith("Shelf 1 ")),
        [],
      );
    })
  ));

Deno.test("a rollback of the ledger brings memory back to what it was, and what was replaced lives again", () =>
  withMemory((memory, ledger) =>
    Effect.gen(function* () {
      yield* remember(memory, "My home city is Porto.");
      yield* ledger.mark("before", "user");
      yield* remember(memory, "My home city is Turku now.");
      yield* remember(memory, "My telephone number is 5550199.");
      yield* ledger.rollback("before", "user");
      assert.deepEqual(yield* texts(memory, "What is my home city?"), ["My home city is Porto."]);
      assert.deepEqual(yield* texts(memory, "What is my telephone number?"), []);
    })
  ));

Deno.test("many who remember at once lose nothing and leave one value of a subject", () =>
  withMemory((memory, ledger) =>
    Effect.gen(function* () {
      const said = Array.from({ length: 12 }, (_, i) => `My telephone number is 55502${i}.`);
      yield* Effect.all(said.map((text) => remember(memory, text)), { concurrency: "unbounded" });
      assert.equal((yield* texts(memory, "What is my telephone number?")).length, 1);
      assert.equal((yield* ledger.read({ type: "norion.memory.added" })).length, said.length);
    })
  ));

Deno.test("cached computation is no knowledge: it is never an answer, nor put into a plan", () =>
  withMemory((memory) =>
    Effect.gen(function* () {
      yield* memory.remember({ scope: ME, text: "Block of the harbour text.", namespace: "runtime-kv" }, "user");
      assert.deepEqual(yield* texts(memory, "harbour text block"), []);
      const plan = yield* memory.snapshot(ME);
      assert.deepEqual(plan.recall("harbour text", { scope: ME, limit: 4, floor: 0, gist: 0 }), []);
    })
  ));
