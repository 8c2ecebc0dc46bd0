/** Planted cheats: none gets a score that it did not earn, and none harms the judge. */
import assert from "node:assert/strict";
import { trivialScore } from "../../../../plugins/evolution/evaluators/suite.ts";
import { HONEST, inRoom, isIntact, LIMITS, SUITE, tryModule, tryProgram } from "./cheat_room.ts";
import { CHEATS, HELD, right, SMUGGLERS } from "./cheats.ts";
import { PROGRAM_CHEATS, PROGRAM_SUITE, programBytes } from "./program_cheats.ts";

Deno.test("the honest candidate passes every case, and the best constant only what it is worth", () =>
  inRoom(async (judge) => {
    const verdict = await judge({ module: HONEST }, SUITE, LIMITS);
    assert.deepEqual(verdict, {
      score: 1,
      trivial: trivialScore(SUITE),
      seen: { passed: 6, total: 6 },
      held: { passed: 12, total: 12 },
      missed: [],
      flags: [],
    });
    // Of the held-back answers 6 and 12 come twice each: 4 and -1, and no others.
    const counts = Map.groupBy(HELD.map(right), (value) => value);
    assert.equal(trivialScore(SUITE), Math.max(...[...counts.values()].map((all) => all.length)) / HELD.length);
  }));

Deno.test("there are at least sixty cheats, each with a name of its own", () => {
  const names = [...CHEATS, ...PROGRAM_CHEATS].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.length >= 60, `${names.length}`);
});

Deno.test("no module gets a score that it did not earn, and none harms the judge", (t) =>
  inRoom(async (judge) => {
    for (const cheat of CHEATS) {
      await t.step(cheat.name, async () => {
        assert.equal(await tryModule(judge, cheat), undefined);
        assert.ok(isIntact());
      });
    }
    assert.throws(() => Deno.statSync("/tmp/rmi-cheat-canary"), Deno.errors.NotFound);
    assert.equal((await judge({ module: HONEST }, SUITE, LIMITS)).score, 1, "the judge goes on");
  }));

Deno.test("no program gets a score that it did not earn, and none harms the judge", (t) =>
  inRoom(async (judge) => {
    for (const cheat of PROGRAM_CHEATS) {
      await t.step(cheat.name, async () => {
        assert.equal(await tryProgram(judge, cheat), undefined);
      });
    }
    const honest = await judge({ program: programBytes("mul(3.0) >> add(1.0)") }, PROGRAM_SUITE, LIMITS);
    assert.deepEqual([honest.score, honest.flags], [1, []]);
  }));

Deno.test("the words of a failure tell no input, and tell what is wrong where there is none to tell", () =>
  inRoom(async (judge) => {
    for (const { name, source, failed } of SMUGGLERS) {
      const verdict = await judge({ module: source }, SUITE, LIMITS);
      assert.equal(verdict.failed?.code, failed, name);
      const told = JSON.stringify(verdict.failed);
      assert.doesNotMatch(told, /inputs \S*\d/u, name);
      assert.ok(HELD.filter((n) => n > 9).every((n) => !new RegExp(`\\b${n}\\b`, "u").test(told)), told);
    }
    const broken = await judge({ module: 'throw new Error("no such table"); export default (n) => n;' }, SUITE, LIMITS);
    assert.match(broken.failed?.detail ?? "", /no such table/u);
  }));
