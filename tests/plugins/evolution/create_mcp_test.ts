/**
 * The main job through MCP, reduced: an outside client finds it, runs it on a small table, follows it and checks it; what
 * it made waits for a person, who then admits it.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { openRmi } from "../../../plugins/open.ts";
import { callAs } from "../../workspace.ts";
import { inWorkspace } from "../surfaces/rmi.ts";
import { asMcpClient, mcpJob } from "./mcp_job.ts";

/** Flowers whose kind the length of a petal tells. */
const FLOWERS = [
  "petal,colour,kind",
  ...Array.from({ length: 120 }, (_, i) => {
    const isRose = i % 2 === 1;
    return `${isRose ? 2 + (i % 5) / 10 : 4 + (i % 7) / 10},${i % 3 ? "red" : "white"},${isRose ? "rose" : "tulip"}`;
  }),
].join("\n");

/** Steps of which the events tell, in their order. */
const STEPS = ["plan", "discover", "generate", "evolve", "train", "quantise", "export", "register", "report"];

Deno.test("an outside client of MCP makes a model from a table, step by step, and a person admits it", () =>
  inWorkspace(async (workspace) => {
    Deno.writeTextFileSync(`${workspace}/flowers.csv`, FLOWERS);
    const { answer, followed, judged, kin, lineage, stored, verified, ...found } = await asMcpClient(
      workspace,
      (client) => mcpJob(client, { data: "flowers.csv", target: "kind", flops: 20_000_000, name: "flowers" }),
    );
    assert.equal(found.hits[0], "evolution.create");
    for (const member of ["input", "output", "failures", "effects", "cost", "examples"]) {
      assert.ok(found.described.includes(member), member);
    }
    // It was told how far it is, and what was done, while it went on.
    assert.ok(followed.progress.length > 0);
    assert.ok(followed.progress.every(({ progress, total = Infinity }) => progress <= total));
    const told = followed.events.filter(({ did }) => did !== undefined).map(({ step }) => String(step));
    assert.deepEqual(told.filter((step) => STEPS.includes(step)), STEPS);
    // Somebody else finds the same, and one column tells the classes apart.
    assert.ok(judged.scores.accuracy > 0.9, String(judged.scores.accuracy));
    assert.equal(judged.scores.accuracy, answer.test.accuracy);
    assert.equal(lineage.total, answer.candidates);
    assert.ok(kin.individual.id === lineage.rows.at(-1).id && Array.isArray(kin.individual.parents));
    assert.equal(stored.info.digest, answer.result);
    assert.equal(verified.ok, true);
    const page = Deno.readTextFileSync(`${workspace}/${answer.report}`);
    assert.ok(page.startsWith("<!doctype html>") && page.includes(answer.model));
    // An agent's model waits for a person.
    assert.equal(answer.registration.state, "ready");
    const { proposal, domain } = answer.registration;
    const admitted = await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const kernel = yield* openRmi({ workspace });
      yield* callAs(kernel, "proposals.decide", { proposal, verdict: "approve" });
      yield* callAs(kernel, "evolution.apply", { proposal });
      return yield* callAs(kernel, "evolution.models", { name: domain.replace(/^models\./u, "") });
    }))) as { readonly rows: Readonly<Record<string, { readonly model: string }>> };
    assert.deepEqual(Object.values(admitted.rows).map(({ model }) => model), [answer.model]);
  }));
