import assert from "node:assert/strict";
import { measureDialogues } from "./dialogue_measure.ts";
import { KINDS, SEEDS } from "./dialogues.ts";

Deno.test("questions about long dialogues are answered at 95 % or more each, and plain BM25 stays behind", () => {
  const { ours, plain, stemmed } = measureDialogues(SEEDS);
  console.log("right answers, ours, plain BM25, BM25 with a stemmer:", ours, plain, stemmed);
  for (const kind of KINDS) {
    assert.ok(ours[kind] >= 0.95, `${kind}: ${ours[kind]}`);
    assert.ok(plain[kind] <= ours[kind] - 0.1, `${kind}: plain BM25 reaches ${plain[kind]}`);
  }
});
