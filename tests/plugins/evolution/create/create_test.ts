/**
 * The main job on small data: from data to a registered model, whatever the workers, whatever interrupts it.
 *
 * Judges: the same run undisturbed, neural.evaluate on the stored model, the files on the disk, the chain of events.
 */
import assert from "node:assert/strict";
import type { JsonObject } from "../../../../kernel/mod.ts";
import type { Client } from "../../../../mod.ts";
import { create, inWorkspace, resultIn } from "./workspace.ts";

const BUDGET = { flops: 600_000_000 };
const MOONS: JsonObject = { data: "moons", budget: BUDGET };

/** What is read of a failure here. */
interface Refusal {
  readonly code: string;
  readonly path: string;
  readonly fix?: { readonly patch?: ReadonlyArray<{ readonly value?: unknown }> };
}

const codeOf = async (system: Client, input: JsonObject): Promise<Refusal> => {
  try {
    await create(system, input);
  } catch (thrown) {
    return thrown as Refusal;
  }
  throw new Error("it succeeded");
};

/** A run with one worker, that later runs are compared with. */
const undisturbed = inWorkspace(async (system, folder) => {
  const answer = await create(system, { ...MOONS, workers: 1 });
  const again = await create(system, { ...MOONS, workers: 1 });
  const judged = await system.call("neural.evaluate", { digest: answer.model, data: "moons" }) as JsonObject;
  const lineage = await system.call("evolution.lineage", { run: answer.run }) as JsonObject;
  const verified = await system.call("ledger.verify", {}) as JsonObject;
  const html = Deno.readTextFileSync(`${folder}/${answer.report}`);
  return { answer, again, judged, lineage, verified, html, result: resultIn(folder, answer.run) };
});

Deno.test("a model comes out that somebody else judges alike, registered, promoted and undone", async () => {
  const { answer, judged, result, verified } = await undisturbed;
  assert.equal((judged.scores as JsonObject).accuracy, (answer.test as JsonObject).accuracy);
  assert.ok(Number((answer.test as JsonObject).accuracy) >= 0.9);
  const registration = answer.registration as JsonObject;
  assert.equal(registration.state, "applied");
  assert.equal(registration.domain, "models.moons");
  assert.match(String(registration.by), /^policy:/u);
  const [before, promoted, undone] = result.rollback;
  assert.equal(promoted.model, answer.model);
  assert.equal(undone.document, before.document);
  assert.notEqual(promoted.document, before.document);
  assert.equal(verified.ok, true);
  assert.ok(Number(answer.programBytes) <= 200);
});

Deno.test("every step is said, in the order of the job, and the report shows the run", async () => {
  const { result, html, answer } = await undisturbed;
  const names = [
    ...["plan", "discover", "generate", "evolve", "choose", "train", "calibrate", "keep", "quantise", "export"],
    ...["register", "rollback", "report"],
  ];
  assert.deepEqual(result.steps.map(({ name }) => name), names);
  assert.ok(result.authority.every(({ authority }) => ["readLocal", "writeLocal"].includes(authority)));
  assert.ok(result.capabilities.some(({ operation }) => operation === "rmil.check"));
  assert.ok(html.includes(String(answer.run)) && html.includes(String(answer.model).slice(7, 19)));
  for (const { file, bytes } of result.exports) assert.equal(typeof file === "string" && bytes > 0, true);
});

Deno.test("the lineage of every candidate leads to candidates that are there", async () => {
  const { result, lineage } = await undisturbed;
  const ids = new Set(result.candidates.map(({ id }) => id));
  assert.ok(ids.size === result.candidates.length && ids.has(result.chosen));
  for (const { parents, objectives, failed } of result.candidates) {
    assert.ok(parents.every((parent) => ids.has(parent)));
    assert.ok((objectives === undefined) !== (failed === undefined));
  }
  assert.ok(JSON.stringify(lineage).includes(result.chosen));
});

Deno.test("the budget in operations is kept, and time is told beside it", async () => {
  const { answer } = await undisturbed;
  const [spent, predicted] = [answer.spent, answer.predicted].map((work) => work as { flops: number; wallMs: number });
  assert.ok(spent.flops <= BUDGET.flops && spent.flops > 0, JSON.stringify(spent));
  assert.ok(predicted.flops <= BUDGET.flops && predicted.wallMs > 0, JSON.stringify(predicted));
  assert.equal(answer.reproducible, true);
});

Deno.test("a run that ended is answered without doing it again", async () => {
  const { answer, again } = await undisturbed;
  assert.equal(again.before, true);
  assert.match(String(again.text), /nothing: the run had ended before/u);
  assert.deepEqual({ ...again, before: false, text: answer.text }, answer);
});

Deno.test("killed while it trains and gone on with by two workers, a run ends with the model of one undisturbed", async () => {
  const { answer } = await undisturbed;
  await inWorkspace(async (system, folder) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", new URL("./child.ts", import.meta.url).href, folder, JSON.stringify(MOONS)],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    let text = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (/"type":"epoch"/u.test(text)) break;
    }
    child.kill("SIGKILL");
    await child.status;
    const resumed = await create(system, { resume: true, workers: 2 });
    assert.equal(resumed.model, answer.model);
    assert.equal(resumed.before, false);
    assert.deepEqual(resumed.int8, answer.int8);
  });
});

Deno.test("what cannot be asked is refused with its place", async () => {
  await inWorkspace(async (system) => {
    const cases: ReadonlyArray<readonly [JsonObject, code: string, path: string]> = [
      [{ resume: true }, "EVOLUTION_CREATE", "/resume"],
      [{}, "EVOLUTION_CREATE", "/data"],
      [{ data: "moons", budget: { flops: 1, wallMs: 1 } }, "EVOLUTION_CREATE", "/budget"],
      [{ data: "moons", resume: true }, "EVOLUTION_CREATE", "/data"],
      [{ data: "absent.csv", target: "y" }, "NEURAL_DATA_FILE", "/data"],
      [{ data: "moons", limits: { parameters: 2 } }, "EVOLUTION_SETTING", "/limits"],
      [{ data: "moons", target: "price" }, "EVOLUTION_CREATE", "/target"],
      [{ data: "moons", task: "regression" }, "EVOLUTION_CREATE", "/task"],
      [{ data: "moons", budget: { flops: 1_000 } }, "EVOLUTION_CREATE", "/budget"],
    ];
    for (const [input, code, path] of cases) {
      const failure = await codeOf(system, input);
      assert.deepEqual([failure.code, failure.path], [code, path], JSON.stringify(input));
    }
  });
});

Deno.test("a budget that is too small is refused with the least one, which is enough and kept", async () => {
  await inWorkspace(async (system) => {
    const { fix } = await codeOf(system, { data: "moons", budget: { flops: 1_000 } });
    const budget = fix!.patch![0].value as { readonly flops: number };
    const least = await create(system, { data: "moons", budget });
    assert.ok((least.spent as { flops: number }).flops <= budget.flops);
  });
});
