import assert from "node:assert/strict";
import { genetic } from "../../../../plugins/evolution/genetic.ts";
import {
  bestOf,
  distancesFrom,
  type Experience,
  KEPT_SETTINGS,
  suggestedSettings,
} from "../../../../plugins/evolution/meta/experience.ts";
import {
  decodeExperience,
  encodeExperience,
  EXPERIENCE_MEDIA,
  EXPERIENCE_VERSION,
} from "../../../../plugins/evolution/meta/experience_store.ts";
import { FEATURE_NAMES, type TaskFeatures } from "../../../../plugins/evolution/meta/features.ts";
import { genomesOf, WARM, warmed } from "../../../../plugins/evolution/meta/warm_start.ts";
import { realVariation } from "../../../../plugins/evolution/operators/real.ts";
import { settingVariation } from "../../../../plugins/evolution/search/space.ts";
import { bestError, evaluationsTo, experienceOf, SPACE, SPACE_NAME, taskOf } from "./tasks.ts";

const at = (value: number): TaskFeatures =>
  Object.fromEntries(FEATURE_NAMES.map((name) => [name, value])) as unknown as TaskFeatures;

const known = (where: number, scores: ReadonlyArray<number>, space = "s"): Experience => ({
  space,
  features: at(where),
  tried: scores.map((score, k) => ({ setting: { from: where, k }, score })),
});

const MEMORY = [known(0.9, [3, 1, 2]), known(0.1, [5, 4]), known(0.15, [1], "other"), known(0.4, [2, 1])];

Deno.test("the nearest task's best comes first, then the next one's, then the second best of each", () => {
  const found = suggestedSettings(MEMORY, at(0.2), { space: "s", count: 5 });
  assert.deepEqual(found.map(({ setting }) => setting), [
    { from: 0.1, k: 1 },
    { from: 0.4, k: 1 },
    { from: 0.9, k: 1 },
    { from: 0.1, k: 0 },
    { from: 0.4, k: 0 },
  ]);
  assert.deepEqual(found.map(({ rank }) => rank), [0, 0, 0, 1, 1]);
});

Deno.test("settings of another space are never suggested", () => {
  const found = suggestedSettings(MEMORY, at(0.15), { space: "other", count: 5 });
  assert.deepEqual(found.map(({ setting }) => setting), [{ from: 0.15, k: 0 }]);
  assert.deepEqual(suggestedSettings(MEMORY, at(0.15), { space: "none", count: 5 }), []);
});

Deno.test("a setting is suggested once, however many tasks liked it", () => {
  const same = [1, 2, 3].map((k) => ({ ...known(k / 10, []), tried: [{ setting: { a: 1 }, score: k }] }));
  assert.equal(suggestedSettings(same, at(0.1), { space: "s", count: 9 }).length, 1);
});

Deno.test("tasks that are too far say nothing, and no more tasks speak than asked", () => {
  const options = { space: "s", count: 9 };
  assert.equal(suggestedSettings(MEMORY, at(0.2), { ...options, tasks: 1 }).length, 2);
  const [nearest] = suggestedSettings(MEMORY, at(0.2), options);
  const near = suggestedSettings(MEMORY, at(0.2), { ...options, farthest: nearest.distance });
  assert.ok(near.every(({ distance }) => distance <= nearest.distance) && near.length === 2);
});

Deno.test("a count below zero is refused, and none is none", () => {
  assert.deepEqual(suggestedSettings(MEMORY, at(0), { space: "s", count: 0 }), []);
  assert.throws(() => suggestedSettings(MEMORY, at(0), { space: "s", count: -1 }), { code: "EVOLUTION_SETTING" });
});

Deno.test("distances: none of a task from itself, and what hardly differs hardly counts", () => {
  const base = at(0.5);
  const other = { ...base, skewness: 0.51 };
  const far = { ...base, linear: 0.9 };
  const [same, hardly, differs] = distancesFrom(base, [base, other, far]);
  assert.ok(same === 0 && hardly < differs / 10, `${same} ${hardly} ${differs}`);
});

Deno.test("only so many settings of a run are kept, scores that are no numbers not at all", () => {
  const many = known(0, Array.from({ length: 30 }, (_, k) => 30 - k));
  assert.equal(bestOf(many).length, KEPT_SETTINGS);
  assert.equal(bestOf(many)[0].score, 1);
  const broken = { ...many, tried: [{ setting: 1, score: NaN }, { setting: 2, score: Infinity }] };
  assert.deepEqual(bestOf(broken), []);
});

const variation = realVariation({ lower: new Float64Array(2), upper: Float64Array.of(1, 1) });
const SEARCH = genetic({ variation, seed: 1, size: 10 });

Deno.test("a warm search begins with what it is given, as far as its share goes, and names how it came about", () => {
  const genomes = Array.from({ length: 8 }, (_, k) => Float64Array.of(k / 10, 0.5));
  const asked = warmed(SEARCH, genomes).ask(SEARCH.start);
  assert.equal(asked.length, 10);
  assert.deepEqual(asked.map(({ id }) => id), SEARCH.ask(SEARCH.start).map(({ id }) => id));
  assert.deepEqual(
    asked.slice(0, 3).map(({ genome }) => [...genome]),
    genomes.slice(0, 3).map((genome) => [...genome]),
  );
  assert.deepEqual(asked.map(({ edit }) => edit === WARM), [...Array(3).fill(true), ...Array(7).fill(false)]);
});

Deno.test("later generations are asked for by the search itself", () => {
  const search = warmed(SEARCH, [Float64Array.of(0.1, 0.2)]);
  const first = search.ask(search.start);
  const state = search.tell(search.start, first, first.map(({ genome }) => ({ objectives: [genome[0]] })));
  assert.deepEqual(search.ask(state), SEARCH.ask(state));
});

Deno.test("without settings, or with no share, the search is the same search; with them it has another name", () => {
  assert.equal(warmed(SEARCH, []), SEARCH);
  assert.equal(warmed(SEARCH, [Float64Array.of(0.1, 0.2)], 0), SEARCH);
  assert.notEqual(warmed(SEARCH, [Float64Array.of(0.1, 0.2)]).name, SEARCH.name);
  assert.throws(() => warmed(SEARCH, [], 1.1), { code: "EVOLUTION_SETTING" });
});

Deno.test("settings that the space does not take any more are left out, and each is taken once", () => {
  const genomes = genomesOf(variation, [[0.1, 0.2], [2, 2], "x", null, [0.1, 0.2], [0.3, 0.4]]);
  assert.deepEqual(genomes.map((genome) => [...genome]), [[0.1, 0.2], [0.3, 0.4]]);
});

Deno.test("an experience reads back from its bytes, best settings first", () => {
  const read = decodeExperience(encodeExperience(MEMORY[0]));
  assert.ok(read._tag === "Some");
  assert.deepEqual(read.value.features, MEMORY[0].features);
  assert.deepEqual(read.value.tried.map(({ score }) => score), [1, 2, 3]);
  assert.match(EXPERIENCE_MEDIA, /experience\+json$/u);
});

for (
  const [name, bytes] of [
    ["no JSON", new TextEncoder().encode("{")],
    ["no UTF-8", Uint8Array.of(0xff, 0xfe)],
    ["another thing", new TextEncoder().encode("[]")],
    [
      "a newer version",
      new TextEncoder().encode(
        new TextDecoder().decode(encodeExperience(MEMORY[0])).replace(
          `"version":${EXPERIENCE_VERSION}`,
          `"version":${EXPERIENCE_VERSION + 1}`,
        ),
      ),
    ],
  ] as const
) {
  Deno.test(`bytes are no experience: ${name}`, () => assert.equal(decodeExperience(bytes)._tag, "None"));
}

Deno.test("on held-out tasks of a family a warm start takes fewer evaluations, in the geometric mean", () => {
  const earlier = Array.from({ length: 20 }, (_, k) => experienceOf(taskOf(`earlier ${k}`), 40));
  const space = settingVariation(SPACE);
  const ratios = Array.from({ length: 12 }, (_, k) => {
    const task = taskOf(`held out ${k}`);
    const error = 1.1 * bestError(task);
    const search = genetic({ variation: space, seed: 7, size: 10 });
    const suggested = suggestedSettings(earlier, task.features, { space: SPACE_NAME, count: 5 });
    const warm = warmed(search, genomesOf(space, suggested.map(({ setting }) => setting)));
    return Math.log(evaluationsTo(warm, task, error, 60) / evaluationsTo(search, task, error, 60));
  });
  assert.ok(ratios.reduce((sum, ratio) => sum + ratio, 0) < 0, `${ratios}`);
});
