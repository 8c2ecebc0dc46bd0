import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { random } from "../../../kernel/mod.ts";
import { gistsOf } from "../../../plugins/norion/memory/gist.ts";
import { isTranscript } from "../../../plugins/norion/memory/hygiene.ts";
import { HASHED } from "../../../plugins/norion/memory/embedder.ts";
import { Lexicon } from "../../../plugins/norion/memory/lexicon.ts";
import { readQuestion, sameWord, statedSubject } from "../../../plugins/norion/memory/question.ts";
import { planUpkeep, tierOf, verdictsOf } from "../../../plugins/norion/memory/upkeep.ts";
import { memoryRows } from "../../../plugins/norion/platform/memory_index.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import type { MemoryItem } from "../../../plugins/norion/state/memory.ts";
import { termsOf } from "../../../plugins/norion/text.ts";
import { itemAt } from "./dialogue_measure.ts";
import { dialogueOf } from "./dialogues.ts";

Deno.test("BM25 over words is SQLite's, score for score", () => {
  const { turns, questions } = dialogueOf(9, 60);
  const database = new DatabaseSync(":memory:");
  try {
    database.exec('CREATE VIRTUAL TABLE item USING fts5(words, tokenize = "unicode61 remove_diacritics 0")');
    const insert = database.prepare("INSERT INTO item (rowid, words) VALUES (?, ?)");
    const search = database.prepare(
      "SELECT rowid, bm25(item) AS score FROM item WHERE item MATCH ? ORDER BY score, rowid",
    );
    const lexicon = new Lexicon(memoryRows().scope(""), HASHED);
    turns.forEach(({ text }, index) => {
      assert.equal(lexicon.add(text), index);
      insert.run(index, termsOf(text).join(" "));
    });
    for (const { query } of questions) {
      const terms = [...new Set(termsOf(query))];
      const theirs = search.all(terms.map((term) => `"${term}"`).join(" OR "));
      const ours = new Map(lexicon.byWords(terms, turns.length).map(({ slot, score }) => [slot, score]));
      assert.equal(ours.size, theirs.length);
      for (const { rowid, score } of theirs) {
        assert.ok(Math.abs(ours.get(Number(rowid))! + Number(score)) < 1e-9, `${query}: ${rowid}`);
      }
    }
  } finally {
    database.close();
  }
});

Deno.test("a lexicon that texts came into and left, also one read back from its rows, answers as one made of what remains", () => {
  const draw = random(3);
  const { turns } = dialogueOf(4, 300);
  const rows = memoryRows().scope("");
  let changed = new Lexicon(rows, HASHED);
  const alive = new Map<number, string>();
  turns.forEach(({ text }, index) => {
    alive.set(changed.add(text), text);
    if (index % 100 === 50) {
      changed.flush();
      changed = new Lexicon(rows, HASHED);
    }
    if (draw.below(3) > 0) return;
    const gone = draw.pick([...alive.keys()]);
    changed.remove(gone, alive.get(gone)!);
    alive.delete(gone);
  });
  changed.flush();
  const fresh = new Lexicon(memoryRows().scope(""), HASHED);
  const textAt = [...alive.values()];
  for (const text of textAt) fresh.add(text);
  for (const query of ["Anna colour", "museum we visited", "小明电话", "nothing of this"]) {
    const seen = (lexicon: Lexicon, text: (slot: number) => string | undefined) =>
      [lexicon.byWords(termsOf(query), 20), lexicon.byVector(query, 20).hits]
        .map((hits) => hits.map(({ slot, score }) => [text(slot), score]));
    const expected = seen(fresh, (slot) => textAt[slot]);
    for (const one of [changed, new Lexicon(rows, HASHED)]) {
      assert.deepEqual(seen(one, (slot) => alive.get(slot)), expected);
    }
  }
});

Deno.test("statements have a subject, questions and other sentences have none", () => {
  assert.deepEqual(statedSubject("By the way, my new home city is Fano."), { owner: "i", attribute: ["home", "city"] });
  assert.deepEqual(statedSubject("小明的电话改成一二三了。"), { owner: "小明", attribute: ["电话"] });
  for (const text of ["What is my home city?", "小明的电话是多少？", "It rains.", ""]) {
    assert.equal(statedSubject(text), undefined);
  }
  assert.deepEqual(readQuestion("What is Anna's favorite color now?").subject, {
    owner: "anna",
    attribute: ["favorite", "color"],
  });
});

Deno.test("spellings of a word are one word; short words, numbers and other beginnings are not", () => {
  for (const [a, b] of [["favourite", "favorite"], ["visited", "visit"], ["colour", "color"], ["museum", "museums"]]) {
    assert.ok(sameWord(a, b), `${a} ${b}`);
  }
  for (const [a, b] of [["cat", "car"], ["55501", "55502"], ["visit", "revisit"], ["type", "title"]]) {
    assert.ok(!sameWord(a, b), `${a} ${b}`);
  }
});

const worn = (more: Partial<MemoryItem>, text = "The bicycle stands in the shed") => ({
  item: itemAt(more.id ?? "a", 1, more),
  text,
});

Deno.test("stale items fade, the weak and harmful go, protected ones stay (20.28, 20.29)", () => {
  const stale = policy["memory.stale"];
  assert.deepEqual(planUpkeep([worn({})], stale, policy).strengths, {});
  assert.deepEqual(planUpkeep([worn({})], stale + 1, policy).strengths, { a: 576 });
  assert.deepEqual(planUpkeep([worn({ strength: 41 })], stale + 1, policy).removed, ["a"]);
  assert.deepEqual(planUpkeep([worn({ strength: 41, hits: 1 })], stale + 1, policy).removed, []);
  assert.deepEqual(planUpkeep([worn({ failures: 4 })], 1, policy).removed, ["a"]);
  assert.deepEqual(planUpkeep([worn({ failures: 3 })], 1, policy).removed, []);
  assert.deepEqual(planUpkeep([worn({ failures: 4, hits: 1 })], 1, policy).removed, []);
  assert.deepEqual(planUpkeep([worn({ failures: 4, protected: true })], 999, policy).removed, []);
});

Deno.test("equal items are merged into the protected one, up to the limit of merges (20.30)", () => {
  const many = Array.from({ length: 40 }, (_, i) => worn({ id: `m${i}`, protected: i === 7 }));
  const { merged, strengths } = planUpkeep(many, 1, policy);
  assert.equal(merged.length, policy["memory.compactions"]);
  assert.ok(merged.every(([into, from]) => into === "m7" && from !== "m7"));
  assert.equal(strengths.m7, 3000);
});

Deno.test("past its capacity a memory lets the least worth go, protected items last; at its capacity none", () => {
  const room = { ...policy, "memory.capacity": 16 };
  const items = (count: number, shielded = false) =>
    Array.from(
      { length: count },
      (_, i) =>
        worn({ id: `c${i}`, strength: 900 - 10 * i, protected: shielded || i === count - 1 }, `Locker ${i} is ours`),
    );
  assert.deepEqual(planUpkeep(items(16), 1, room).evicted, []);
  assert.deepEqual(planUpkeep(items(17), 1, room).evicted, ["c15"]);
  assert.deepEqual(planUpkeep(items(18), 1, room).evicted, ["c16", "c15"]);
  assert.deepEqual(planUpkeep(items(17, true), 1, room).evicted, ["c16"]);
});

Deno.test("every item that upkeep changes has one verdict, which says what became of it", () => {
  const stale = policy["memory.stale"] + 1;
  const items = [
    worn({ id: "fades" }, "The bridge is closed"),
    worn({ id: "goes", failures: 4 }, "A letter came"),
    worn({ id: "stays", protected: true }, "The lamp is out"),
    worn({ id: "goes in" }, "The lamp is out"),
  ];
  const verdicts = verdictsOf(planUpkeep(items, stale, policy));
  assert.deepEqual(verdicts.toSorted((a, b) => a.id < b.id ? -1 : 1), [
    { id: "fades", verdict: "decay" },
    { id: "goes", verdict: "tombstone" },
    { id: "goes in", verdict: "merge", into: "stays" },
  ]);
});

Deno.test("items of another kind, scope or number are never merged (20.26, 20.36)", () => {
  const other = "sha256:1" as MemoryItem["scope"];
  const pairs = [
    [worn({}), worn({ id: "b", namespace: "gist" })],
    [worn({}), worn({ id: "b", scope: other })],
    [worn({}, "Locker 512 is ours"), worn({ id: "b" }, "Locker 513 is ours")],
    [worn({}, "My home city is Fano"), worn({ id: "b" }, "My home city is Fano.")],
  ];
  for (const pair of pairs) assert.deepEqual(planUpkeep(pair, 1, policy).merged, []);
});

Deno.test("how warm an item is follows from it and the step alone (20.31)", () => {
  const at = (strength: number, now = 1) => tierOf(itemAt("a", 1, { strength }), now, policy);
  assert.deepEqual([at(780), at(779), at(520), at(519), at(240), at(239)], [
    "hot",
    "warm",
    "warm",
    "cold",
    "cold",
    "retire",
  ]);
  assert.equal(at(780, 400), "cold");
});

Deno.test("gists are few and short; poor and short texts have none (20.33)", () => {
  const sentence = "The bridge over the river was closed because the ice had moved its northern pillar. ";
  const text = Array.from({ length: 9 }, (_, i) => `# Part ${i}\n\n${sentence.repeat(3)}Day ${i} of the report.`).join(
    "\n\n",
  );
  const gists = gistsOf(text, 1, policy);
  assert.ok(gists.length >= 2 && gists.length <= 7);
  assert.equal(new Set(gists.map(({ text }) => text)).size, gists.length);
  for (const gist of gists) assert.ok([...gist.text].length <= policy["memory.gistLength"]);
  assert.deepEqual(gistsOf(text, 0.49, policy), []);
  assert.deepEqual(gistsOf("x".repeat(95), 1, policy), []);
  assert.equal(gistsOf("x".repeat(96), 1, policy).length, 1);
  assert.ok([...gistsOf("字".repeat(500), 1, policy)[0].text].length <= policy["memory.gistLength"]);
});

Deno.test("transcripts are told from what people write", () => {
  assert.ok(isTranscript("user: hi\nassistant: hello\nuser: bye"));
  assert.ok(isTranscript("$ ls\nerror: no such file\nnothing else"));
  for (const text of ["One line.", "First:\n- buy milk\n- call Anna\n- read", "小明来了。\n他说你好。\n我们走了。"]) {
    assert.ok(!isTranscript(text));
  }
});
