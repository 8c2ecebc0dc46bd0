/**
 * Measures memory on generated dialogues beside BM25 over the same turns with the same limit: SQLite's FTS5, plain and with
 * its Porter stemmer. Both are forgiven what is out of date as long as they put the right turn first.
 */
import { DatabaseSync } from "node:sqlite";
import type { Digest } from "../../../kernel/mod.ts";
import { type Embedder, HASHED } from "../../../plugins/norion/memory/embedder.ts";
import { ScopeMemory } from "../../../plugins/norion/memory/recall.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { memoryRows } from "../../../plugins/norion/platform/memory_index.ts";
import type { MemoryItem } from "../../../plugins/norion/state/memory.ts";
import { termsOf } from "../../../plugins/norion/text.ts";
import { type Asked, type Dialogue, dialogueOf, KINDS } from "./dialogues.ts";

/** An item made by hand. */
export const itemAt = (id: string, born: number, more: Partial<MemoryItem> = {}): MemoryItem => ({
  id,
  namespace: "fact",
  scope: "sha256:0" as Digest,
  text: "sha256:0" as Digest,
  source: "user",
  standing: "user",
  strength: 600,
  hits: 0,
  failures: 0,
  born,
  used: born,
  protected: false,
  supersedes: [],
  ...more,
});

/** The memory of one user who said every turn of a dialogue: later values of a subject replace earlier ones. */
export const memoryOf = ({ turns }: Pick<Dialogue, "turns">, embedder: Embedder = HASHED): ScopeMemory => {
  const memory = new ScopeMemory(memoryRows().scope(""), embedder);
  turns.forEach(({ text }, index) => {
    for (const { item } of memory.about(text)) memory.drop(item.id);
    memory.put(itemAt(`i${index}`, index + 1), text);
  });
  return memory;
};

const found = ({ kind, gold }: Asked, texts: ReadonlyArray<string>): boolean => {
  if (kind === "abstention") return texts.length === 0;
  return kind === "sessions" ? gold.every((text) => texts.includes(text)) : texts[0] === gold[0];
};

const right = (asked: Asked, texts: ReadonlyArray<string>): boolean =>
  found(asked, texts) && asked.stale.every((text) => !texts.includes(text));

/** Search by words: the turns with any word of the query, the best by BM25. */
const wordSearch = ({ turns }: Dialogue, tokenizer: string): {
  readonly search: (query: string, limit: number) => ReadonlyArray<string>;
  readonly close: () => void;
} => {
  const database = new DatabaseSync(":memory:");
  database.exec(`CREATE VIRTUAL TABLE turn USING fts5(words, tokenize = '${tokenizer}')`);
  const insert = database.prepare("INSERT INTO turn (rowid, words) VALUES (?, ?)");
  turns.forEach(({ text }, index) => insert.run(index, termsOf(text).join(" ")));
  const select = database.prepare("SELECT rowid FROM turn WHERE turn MATCH ? ORDER BY bm25(turn), rowid LIMIT ?");
  return {
    search: (query, limit) =>
      select.all(termsOf(query).map((term) => `"${term}"`).join(" OR "), limit)
        .map(({ rowid }) => turns[Number(rowid)].text),
    close: () => database.close(),
  };
};

type Scores = { [K in typeof KINDS[number]]: number };

/** Shares of right answers by kind. */
export const measureDialogues = (
  seeds: ReadonlyArray<number>,
  make: (seed: number) => Dialogue = dialogueOf,
  embedder: Embedder = HASHED,
): { readonly ours: Scores; readonly plain: Scores; readonly stemmed: Scores } => {
  const limit = DEFAULT_POLICY["memory.recall"];
  const counts = KINDS.map((kind) => ({ kind, all: 0, ours: 0, plain: 0, stemmed: 0 }));
  for (const seed of seeds) {
    const dialogue = make(seed);
    const memory = memoryOf(dialogue, embedder);
    const plain = wordSearch(dialogue, "unicode61");
    const stemmed = wordSearch(dialogue, "porter unicode61");
    for (const asked of dialogue.questions) {
      const row = counts.find(({ kind }) => kind === asked.kind)!;
      const ours = memory.answer(asked.query, dialogue.turns.length, limit, DEFAULT_POLICY).map(({ text }) => text);
      row.all++;
      if (right(asked, ours)) row.ours++;
      if (found(asked, plain.search(asked.query, limit))) row.plain++;
      if (found(asked, stemmed.search(asked.query, limit))) row.stemmed++;
    }
    plain.close();
    stemmed.close();
  }
  const shares = (of: "ours" | "plain" | "stemmed"): Scores =>
    Object.fromEntries(counts.map((row) => [row.kind, row[of] / row.all])) as Scores;
  return { ours: shares("ours"), plain: shares("plain"), stemmed: shares("stemmed") };
};
