import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { compilePolicy, EMPTY_POLICY, type LedgerShape, redactJson } from "../../../effects/mod.ts";
import { random } from "../../../kernel/mod.ts";
import { type Embedder, HASHED, quantised } from "../../../plugins/norion/memory/embedder.ts";
import { always } from "../../../plugins/norion/memory/embedding/newest.ts";
import { INDEX_FILE } from "../../../plugins/norion/memory/index.ts";
import { type Memory, memoryOver, scopeKey } from "../../../plugins/norion/memory/service.ts";
import { exportMemory } from "../../../plugins/norion/memory/transfer.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { itemsOf, lives, memoryFold } from "../../../plugins/norion/state/memory.ts";
import { copyLedger, inFolder, withLedger } from "../../effects/ledger_fixtures.ts";

const ME = scopeKey({ tenant: "me", workspace: "home" });

const run = <A>(folder: string, body: (ledger: LedgerShape) => Effect.Effect<A, unknown>): Promise<A> =>
  withLedger(folder, body as (ledger: LedgerShape) => Effect.Effect<A>, redactJson);

/** What a process does with memory that begins and ends with it. */
const process = <A>(
  folder: string,
  body: (memory: Memory, ledger: LedgerShape) => Effect.Effect<A, unknown>,
  embedder: Embedder = HASHED,
): Promise<A> =>
  run(folder, (ledger) => {
    const memory = memoryOver(ledger, policy, always(embedder));
    return body(memory, ledger).pipe(Effect.ensuring(memory.close));
  });

const remember = (memory: Memory, text: string) => memory.remember({ scope: ME, text, source: "user" }, "user");

const SAID = ["My home city is Porto.", "The bicycle stands in the shed.", "小明的电话是五五五。"];
const ASKED = ["What is my home city?", "Where does the bicycle stand?", "小明的电话是多少？"];

const answers = (memory: Memory) =>
  Effect.map(
    Effect.forEach(ASKED, (query) => memory.recall(query, { scope: ME })),
    (found) => found.map((some) => some.map(({ text, similarity }) => [text, similarity])),
  );

const filled = (folder: string) =>
  process(folder, (memory) => Effect.andThen(Effect.forEach(SAID, (text) => remember(memory, text)), answers(memory)));

const indexOf = (folder: string): string => join(folder, INDEX_FILE);

/** Ways to spoil an index file; none may change an answer. */
const DAMAGES: { readonly [name: string]: (file: string) => void } = {
  "deleted": (file) => Deno.removeSync(file),
  "emptied": (file) => Deno.truncateSync(file, 0),
  "cut in the middle": (file) => Deno.truncateSync(file, Deno.statSync(file).size >> 1),
  "no database": (file) => Deno.writeTextFileSync(file, "not a database ".repeat(999)),
  "overwritten page by page": (file) => {
    const bytes = Deno.readFileSync(file);
    for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0xa5, at, at + 64);
    Deno.writeFileSync(file, bytes);
  },
  "of another format": (file) => changed(file, "PRAGMA user_version = 99"),
  "of another fold": (file) => changed(file, "UPDATE meta SET value = '[\"other\",1]' WHERE name = 'maker'"),
  "of another history": (file) =>
    changed(file, "UPDATE meta SET value = json_set(value, '$.hash', 'sha256:00') WHERE name = 'position'"),
  "without its tables": (file) => changed(file, "DROP TABLE posting; DROP TABLE part"),
};

const changed = (file: string, sql: string): void => {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
};

for (const [name, spoil] of Object.entries(DAMAGES)) {
  Deno.test(`an index of memory that is ${name} is made anew and answers the same`, () =>
    inFolder(async (folder) => {
      const before = await filled(folder);
      assert.deepEqual(before.map(([[text]]) => text), SAID);
      spoil(indexOf(folder));
      assert.deepEqual(await process(folder, answers), before);
      assert.deepEqual(await process(folder, answers), before);
    }));
}

Deno.test("an index ahead of a ledger that was put back tells nothing of what never was", () =>
  inFolder(async (folder) => {
    const older = join(folder, "older");
    await process(folder, (memory) => remember(memory, SAID[0]));
    copyLedger(folder, older);
    await process(folder, (memory) => remember(memory, "My home city is Turku now."));
    copyLedger(older, folder);
    await process(folder, (memory) =>
      Effect.gen(function* () {
        const found = yield* memory.recall(ASKED[0], { scope: ME });
        assert.deepEqual(found.map(({ text }) => text), [SAID[0]]);
        assert.equal((yield* memory.list(ME)).length, 1);
      }));
    assert.equal(bytesWith(folder, "Turku", "derived"), false);
  }));

const bytesWith = (folder: string, text: string, below = ""): boolean =>
  [...Deno.readDirSync(join(folder, below))].some(({ name, isDirectory }) =>
    isDirectory
      ? bytesWith(folder, text, join(below, name))
      : new TextDecoder("latin1").decode(Deno.readFileSync(join(folder, below, name))).includes(text)
  );

Deno.test("a text that was taken back or replaced leaves the index at once, words and all, with the process still open", () =>
  inFolder((folder) =>
    process(folder, (memory, ledger) =>
      Effect.gen(function* () {
        const { id } = yield* remember(memory, "My locker code word is marzipanschwein.");
        yield* remember(memory, "My home city is Zwiebelstadt.");
        assert.ok(bytesWith(folder, "marzipanschwein", "derived"), "it was there");
        yield* memory.retract(id, { scope: ME, reason: "wrong" }, "user");
        assert.equal(bytesWith(folder, "marzipanschwein"), false);
        yield* remember(memory, "My home city is Turku now.");
        for (const word of ["Zwiebelstadt", "zwiebelstadt"]) assert.equal(bytesWith(folder, word, "derived"), false);
        // The replaced text itself stays where the ledger keeps it: a rollback brings it back.
        assert.equal((yield* ledger.verify).faults.length, 0);
      }))
  ));

const WORDS = ["bicycle", "shed", "Porto", "harbour", "bridge", "letter", "电话", "museum"];

Deno.test("through any history of two processes the index holds what the fold holds and answers as one made anew", () =>
  inFolder((folder) =>
    run(folder, (ledger) =>
      Effect.gen(function* () {
        const draw = random(77);
        const both = [memoryOver(ledger, policy), memoryOver(ledger, policy)];
        const text = () =>
          draw.below(3) === 0
            ? `${draw.pick(["Anna", "Ivo"])}'s home city is ${draw.pick(["Ghent", "Fano", "Porto"])}.`
            : `The ${draw.pick(WORDS)} near the ${draw.pick(WORDS)} has number ${draw.below(40)}.`;
        for (let turn = 0; turn < 120; turn++) {
          const memory = draw.pick(both);
          const living = itemsOf(yield* ledger.state(memoryFold)).filter(lives);
          const id = living.length === 0 ? undefined : draw.pick(living).id;
          const what = draw.below(10);
          if (what < 6 || id === undefined) yield* remember(memory, text());
          else if (what === 6) yield* memory.retract(id, { scope: ME, reason: "wrong" }, "user");
          else if (what === 7) yield* memory.judge([id], { scope: ME, helped: draw.below(2) === 0 }, "user");
          else if (what === 8) yield* memory.upkeep(ME, "user");
          else if (turn % 3 === 0) yield* ledger.mark(`m${turn}`, "user");
          else {
            const [mark] = (yield* ledger.marks).slice(-1);
            if (mark !== undefined) yield* ledger.rollback(mark.name, "user");
          }
          if (turn % 10 !== 9) continue;
          const anew = memoryOver(yield* ledger.fork, policy);
          const query = `Where is the ${draw.pick(WORDS)}, and ${draw.pick(ASKED)}`;
          const expected = yield* anew.recall(query, { scope: ME });
          const held = itemsOf(yield* ledger.state(memoryFold)).filter(lives);
          for (const one of both) {
            assert.deepEqual(yield* one.recall(query, { scope: ME }), expected, `turn ${turn}`);
            // A text that was deleted before a rollback cannot come back, though its item does.
            const listed = (yield* one.list(ME)).map(({ item }) => item);
            assert.deepEqual(listed, held.filter((item) => listed.some((other) => other.id === item.id)));
            assert.equal(listed.length, (yield* anew.list(ME)).length);
          }
        }
        yield* Effect.all(both.map(({ close }) => close));
      }))
  ));

Deno.test("a fork of the ledger remembers for itself and leaves the index alone", () =>
  inFolder((folder) =>
    process(folder, (memory, ledger) =>
      Effect.gen(function* () {
        yield* remember(memory, SAID[0]);
        const before = Deno.readFileSync(indexOf(folder));
        const beside = memoryOver(yield* ledger.fork, policy);
        yield* remember(beside, "My home city is Turku now.");
        assert.equal((yield* beside.recall(ASKED[0], { scope: ME }))[0].text, "My home city is Turku now.");
        assert.deepEqual(Deno.readFileSync(indexOf(folder)), before);
        assert.equal((yield* memory.recall(ASKED[0], { scope: ME }))[0].text, SAID[0]);
      }))
  ));

Deno.test("where no index can be written memory answers all the same", () =>
  inFolder(async (folder) => {
    Deno.writeTextFileSync(join(folder, "derived"), "a file stands where the folder would");
    const before = await filled(folder);
    assert.deepEqual(before.map(([[text]]) => text), SAID);
    assert.deepEqual(await process(folder, answers), before);
    assert.equal(Deno.readTextFileSync(join(folder, "derived")), "a file stands where the folder would");
  }));

Deno.test("where another process keeps the index to itself memory answers all the same, also of what came since", () =>
  inFolder((folder) =>
    process(folder, (memory) =>
      Effect.gen(function* () {
        yield* remember(memory, SAID[0]);
        const other = new DatabaseSync(indexOf(folder));
        other.exec("BEGIN IMMEDIATE");
        assert.equal((yield* memory.recall(ASKED[0], { scope: ME }))[0].text, SAID[0]);
        yield* remember(memory, SAID[1]);
        for (const at of [0, 1]) assert.equal((yield* memory.recall(ASKED[at], { scope: ME }))[0].text, SAID[at]);
        other.exec("ROLLBACK");
        other.close();
        assert.ok(Deno.statSync(indexOf(folder)).size > 0, "the file of the other is left alone");
      }))
  ));

Deno.test("an empty ledger leaves no index behind", () =>
  inFolder(async (folder) => {
    assert.deepEqual(await process(folder, answers), [[], [], []]);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name === "derived"), []);
  }));

/** Another embedder, with vectors of another size: letters counted. */
const LETTERS: Embedder = {
  id: "letters-1",
  size: 26,
  embed: (text) => {
    const vector = new Float32Array(26);
    for (const letter of text.toLowerCase()) if (letter >= "a" && letter <= "z") vector[letter.charCodeAt(0) - 97]++;
    return vector;
  },
};

Deno.test("vectors of another size or another embedder never meet in one index: it is made anew (20.27)", () =>
  inFolder(async (folder) => {
    const hashed = await filled(folder);
    const byLetters = await process(folder, answers, LETTERS);
    assert.deepEqual(byLetters.map(([[text]]) => text), SAID);
    assert.notDeepEqual(byLetters, hashed);
    const anew = await run(
      folder,
      (ledger) => Effect.flatMap(ledger.fork, (fork) => answers(memoryOver(fork, policy, always(LETTERS)))),
    );
    assert.deepEqual(byLetters, anew);
    assert.deepEqual(await process(folder, answers, { ...LETTERS, id: "letters-2" }), anew);
    assert.deepEqual(await process(folder, answers), hashed);
    const { embedder } = await process(folder, (memory) => memory.vectors);
    assert.equal(embedder, HASHED);
  }));

Deno.test("a vector in whole numbers points where it pointed, and zeros stay zeros", () => {
  const draw = random(5);
  assert.deepEqual(quantised(new Float32Array(4)), new Int8Array(4));
  for (let i = 0; i < 50; i++) {
    const vector = Float32Array.from({ length: 256 }, () => draw.below(5) === 0 ? draw.normal() : 0);
    const whole = quantised(vector);
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a, (x, k) => x * b[k]).reduce((s, x) => s + x, 0);
    assert.ok(dot(vector, whole) / Math.sqrt(dot(vector, vector) * dot(whole, whole)) > 0.9999);
  }
});

Deno.test("no operation reads or writes the index, whatever a policy allows", () => {
  const rules = [{ name: "everything", decision: "allow" as const }];
  const compiled = compilePolicy({ ...EMPTY_POLICY, rules }, { workspace: "/w", state: "/w/.rmi", output: "/w/out" });
  for (const authority of ["readLocal", "writeLocal"] as const) {
    for (const side of ["", "-wal", "-shm"]) {
      const query = { actor: "user@tty", operation: "any.thing", authority, detail: `/w/.rmi/${INDEX_FILE}${side}` };
      assert.equal(compiled.decide(query).decision, "deny", `${authority} ${side}`);
    }
  }
});

Deno.test("an export is the same whether the index was there or made anew", () =>
  inFolder(async (folder) => {
    await filled(folder);
    const list = (memory: Memory) => Effect.map(memory.list(ME), exportMemory);
    const exported = await process(folder, list);
    Deno.removeSync(indexOf(folder));
    assert.equal(await process(folder, list), exported);
  }));
