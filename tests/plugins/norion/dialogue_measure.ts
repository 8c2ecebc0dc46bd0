/** Measures memory on generated dialogues beside plain BM25 over the same turns with the same limit. */
import type { Digest } from "../../../kernel/mod.ts";
import { Lexicon } from "../../../plugins/norion/memory/lexicon.ts";
import { ScopeMemory } from "../../../plugins/norion/memory/recall.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
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
export const memoryOf = ({ turns }: Pick<Dialogue, "turns">): ScopeMemory => {
  const memory = new ScopeMemory();
  turns.forEach(({ text }, index) => {
    for (const { item } of memory.about(text)) memory.drop(item.id);
    memory.put({ item: itemAt(`i${index}`, index + 1), text });
  });
  return memory;
};

const right = ({ kind, gold, stale }: Asked, texts: ReadonlyArray<string>): boolean => {
  if (kind === "abstention") return texts.length === 0;
  if (kind === "sessions") return gold.every((text) => texts.includes(text));
  return texts[0] === gold[0] && stale.every((text) => !texts.includes(text));
};

type Scores = { [K in typeof KINDS[number]]: number };

/** Shares of right answers by kind. */
export const measureDialogues = (
  seeds: ReadonlyArray<number>,
  onWrong?: (asked: Asked, texts: ReadonlyArray<string>) => void,
): { readonly ours: Scores; readonly plain: Scores } => {
  const limit = DEFAULT_POLICY["memory.recall"];
  const counts = KINDS.map((kind) => ({ kind, all: 0, ours: 0, plain: 0 }));
  for (const seed of seeds) {
    const dialogue = dialogueOf(seed);
    const memory = memoryOf(dialogue);
    const lexicon = new Lexicon();
    dialogue.turns.forEach(({ text }, index) => lexicon.add(`i${index}`, text));
    for (const asked of dialogue.questions) {
      const row = counts.find(({ kind }) => kind === asked.kind)!;
      const ours = memory.answer(asked.query, dialogue.turns.length, limit, DEFAULT_POLICY).map(({ text }) => text);
      const plain = lexicon.byWords(termsOf(asked.query), limit).map(({ slot }) => dialogue.turns[slot].text);
      row.all++;
      if (right(asked, ours)) row.ours++;
      else onWrong?.(asked, ours);
      if (right(asked, plain)) row.plain++;
    }
  }
  const shares = (of: "ours" | "plain"): Scores =>
    Object.fromEntries(counts.map((row) => [row.kind, row[of] / row.all])) as Scores;
  return { ours: shares("ours"), plain: shares("plain") };
};
