/**
 * The tour, on the whole system: every step is a real call, and what it shows is what the folder holds afterwards.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Actor, Json, JsonObject } from "../../../kernel/mod.ts";
import { openRmi } from "../../../plugins/open.ts";
import { inWorkspace, rmi } from "./rmi.ts";

const play = async (workspace: string, actor: Actor = "user@headless") => {
  const shown: JsonObject[] = [];
  const answer = await Effect.runPromise(
    Effect.scoped(Effect.flatMap(openRmi({ workspace }), (kernel) =>
      kernel.invoke({
        operation: "tour.run",
        input: {},
        actor,
        onEvent: (event: Json) => Effect.sync(() => void shown.push(event as JsonObject)),
      }))),
  );
  return { answer: answer as JsonObject, shown };
};

const rows = (file: string): ReadonlyArray<Record<string, unknown>> => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare("SELECT seq, type, actor, data FROM event ORDER BY seq").all();
  } finally {
    database.close();
  }
};

Deno.test("the tour runs to its end, refuses what it must, and its folder proves it", () =>
  inWorkspace(async (workspace) => {
    const { answer, shown } = await play(workspace);
    assert.equal(answer.steps, 10);
    assert.deepEqual(shown.map(({ ok }) => ok), [true, true, true, false, true, false, false, true, true, true]);
    const folder = `${workspace}/out/tour`;
    const events = rows(`${folder}/.rmi/ledger.sqlite`);
    const types = events.map(({ type }) => type);
    assert.ok(types.includes("approval.requested") && types.includes("approval.automatic"), types.join());
    assert.ok(!types.includes("approval.granted"), "nobody consented for the person");
    assert.ok(rows(`${folder}/copy/.rmi/ledger.sqlite`).some(({ data }) => String(data).includes("Tour: before")));
    const [fault] = (shown.at(-1)!.answer as { faults: ReadonlyArray<JsonObject> }).faults;
    const changed = events.find(({ data }) => String(data).startsWith('{"name":"tour: before'))!;
    assert.equal(fault.seq, changed.seq, JSON.stringify(fault));
  }));

Deno.test("the fix that the tour applies is the failure's own patch", () =>
  inWorkspace(async (workspace) => {
    const { shown } = await play(workspace);
    const slip = shown.find(({ title }) => String(title).startsWith("Slip"))!;
    const { patch } = (slip.answer as { fix: { patch: Json } }).fix;
    assert.ok(String(slip.text).includes(JSON.stringify(patch)));
    const mend = shown.find(({ title }) => String(title).startsWith("Mend"))!;
    assert.deepEqual(mend.input, { query: "approve a request", limit: 1 });
  }));

Deno.test("the tour may be taken again, and by an agent", () =>
  inWorkspace(async (workspace) => {
    await play(workspace);
    const { shown } = await play(workspace, "mcp:client");
    assert.equal(shown.length, 10);
    assert.equal(shown[0].actor, "mcp:client");
  }));

Deno.test("rmi tour shows ten steps on standard output", () =>
  inWorkspace(async (workspace) => {
    const ran = await rmi(workspace, ["tour"]);
    assert.equal(ran.code, 0, ran.err);
    assert.equal(ran.err, "", "the damage that the last step makes is told by the step alone");
    for (let step = 1; step <= 10; step++) assert.ok(ran.out.includes(`── ${step}/10 `), `${step}`);
    assert.match(ran.out, /rmi approve [0-9a-f]+/u);
    assert.ok(Deno.statSync(`${workspace}/out/tour/.rmi`).isDirectory);
    assert.ok(!Deno.readTextFileSync(`${workspace}/out/tour/.rmi/ledger.head`).includes(workspace));
  }));

Deno.test("through the machine door the tour streams its steps before the answer", () =>
  inWorkspace(async (workspace) => {
    const ran = await rmi(workspace, ["call", "tour.run", "{}"]);
    assert.equal(ran.code, 0, ran.err);
    const documents = ran.documents();
    assert.deepEqual(documents.slice(0, -1).map(({ event }) => (event as { step: number }).step), [
      ...Array.from({ length: 10 }, (_, index) => index + 1),
    ]);
    assert.equal(documents.at(-1)!.ok, true);
  }));
