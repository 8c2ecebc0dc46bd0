/** Dialogues that are asked about: the promised kinds, and how far reading in other words carries. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { mattersOf, relatedWords } from "../../../plugins/norion/memory/relations.ts";
import { inWorkspace } from "../../workspace.ts";
import { call } from "./program_models.ts";
import { measureDialogues, memoryOf } from "./dialogue_measure.ts";
import { KINDS, SEEDS } from "./dialogues.ts";
import { hardDialogueOf } from "./dialogues_hard.ts";
import { otherDialogueOf } from "./dialogues_other.ts";

Deno.test("questions about long dialogues are answered at 95 % or more each, and plain BM25 stays behind", () => {
  const { ours, plain, stemmed } = measureDialogues(SEEDS);
  console.log("right answers, ours, plain BM25, BM25 with a stemmer:", ours, plain, stemmed);
  for (const kind of KINDS) {
    assert.ok(ours[kind] >= 0.95, `${kind}: ${ours[kind]}`);
    assert.ok(plain[kind] <= ours[kind] - 0.1, `${kind}: plain BM25 reaches ${plain[kind]}`);
  }
});

for (const [name, dialogue] of [["hard", hardDialogueOf], ["other", otherDialogueOf]] as const) {
  Deno.test(`${name} dialogues, asked in other words than they were told in, are answered no worse than by BM25`, () => {
    const { ours, plain, stemmed } = measureDialogues([1, 2], dialogue);
    for (const kind of KINDS) {
      assert.ok(ours[kind] >= Math.max(plain[kind], stemmed[kind]), `${kind}: ${ours[kind]} ${plain[kind]}`);
    }
    assert.ok(ours.update > plain.update && ours.abstention === 1);
  });
}

const told = (...texts: ReadonlyArray<string>) => {
  const memory = memoryOf({ turns: texts.map((text, session) => ({ session, text })) });
  return (query: string) => memory.answer(query, texts.length, 4, DEFAULT_POLICY).map(({ text }) => text);
};

Deno.test("of what was said in other words of how things stand, the last counts, and not what was denied or is another's", () => {
  const ask = told(
    "Alma lives in Oslo.",
    "Alma moved to Rome.",
    "Alma would never live in Ghent.",
    "The sister of Alma lives in Bonn.",
  );
  assert.equal(ask("Where does Alma live?")[0], "Alma moved to Rome.");
  assert.equal(ask("Where did Alma first live?")[0], "Alma lives in Oslo.");
  assert.deepEqual(ask("How old is Alma?"), []);
});

Deno.test("the kind of thing that is asked for need not be said, where no memory says it; where one does, it must", () => {
  assert.deepEqual(told("We had pancakes in Lyon.")("List the cities in which we ate pancakes."), [
    "We had pancakes in Lyon.",
  ]);
  const ask = told("We visited a museum in Lyon.", "We visited a castle in Metz.", "My museum card is lost.");
  assert.equal(ask("Which museum did we visit?")[0], "We visited a museum in Lyon.");
  assert.deepEqual(told("We visited a castle in Metz.", "My museum card is lost.")("Which museum did we see?"), []);
});

Deno.test("words of one matter are related in all their forms and both languages, and others are not", () => {
  const related = (a: string, b: string) => !mattersOf([a]).isDisjointFrom(mattersOf([b]));
  for (
    const [a, b] of [["lives", "moved"], ["ate", "dinner"], ["hired", "jobs"], ["studies", "student"], ["搬到", "住在"]]
  ) {
    assert.ok(related(a, b), `${a} ${b}`);
  }
  for (const [a, b] of [["lives", "ate"], ["tall", "moved"], ["play", "eat"], ["生日", "住在"]]) {
    assert.ok(!related(a, b), `${a} ${b}`);
  }
  assert.ok(relatedWords("bought").includes("purchased") && !relatedWords("bought").includes("bought"));
  assert.deepEqual(relatedWords("zeppelin"), []);
});

Deno.test("through the operation, a question in other words finds what was said last", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const text of ["Alma lives in Oslo.", "Alma moved to Rome.", "A friend of Alma lives in Bonn."]) {
        yield* call(kernel, "norion.remember", { text });
      }
      const { items } = yield* call(kernel, "norion.recall", { query: "Where does Alma live?" }) as Effect.Effect<
        never
      >;
      assert.equal((items as ReadonlyArray<{ readonly text: string }>)[0].text, "Alma moved to Rome.");
    })
  ));
