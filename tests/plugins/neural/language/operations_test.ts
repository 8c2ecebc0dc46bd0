/**
 * Learning texts and writing, through the kernel.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import type { Failure, Json, Kernel } from "../../../../kernel/mod.ts";
import { sampleCorpus } from "../../../../plugins/neural/library.ts";
import { callApproving, inWorkspace, OPEN_POLICY } from "../../../workspace.ts";

const LEARN = { data: "sample-text", epochs: 1, batch: 8, name: "ruth" };

type Members = { readonly [name: string]: Json };

const called = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Members, Failure> =>
  callApproving(kernel, operation, input) as Effect.Effect<Members, Failure>;

const refused = (kernel: Kernel, operation: string, input: Json): Effect.Effect<Failure, Members> =>
  Effect.flip(called(kernel, operation, input));

Deno.test("a model learns, is kept under its name, and writes the same after the same prompt and seed", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const learned = yield* called(kernel, "neural.learnText", LEARN);
      assert.deepEqual(learned.names, ["ruth@1"]);
      const test = learned.test as { readonly bytes: number; readonly bitsPerByte: number; readonly ngram: number };
      const { documents, splits } = yield* sampleCorpus;
      assert.equal(test.bytes, splits.test.reduce((sum, index) => sum + documents[index].bytes.length, 0));
      assert.ok(test.bitsPerByte < 4 && test.ngram > 2 && test.ngram < 3, JSON.stringify(test));
      const again = yield* called(kernel, "neural.learnText", { ...LEARN, name: "again" });
      assert.equal(again.digest, learned.digest);
      const write = (more: Members) =>
        called(kernel, "neural.writeText", { digest: "ruth", prompt: "And ", tokens: 30, seed: 2, ...more });
      const [one, two, other] = [yield* write({}), yield* write({}), yield* write({ seed: 3 })];
      assert.equal(one.bytes, 30);
      assert.equal(one.text, two.text);
      assert.notEqual(one.text, other.text);
      const sharp = yield* write({ temperature: 0, topK: 3, topP: 0.9 });
      assert.equal((yield* write({ temperature: 0, digest: learned.digest })).text, sharp.text);
      const stop = (one.text as string).slice(5, 7);
      assert.ok(((yield* write({ stop })).text as string).endsWith(stop));
    }), OPEN_POLICY));

Deno.test("what is no text, no model of texts, or out of bounds is refused by name", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const samples = yield* refused(kernel, "neural.learnText", { data: "moons" });
      assert.equal(samples.code, "NEURAL_DATA_FORMAT");
      assert.equal(samples.path, "/data");
      const little = yield* refused(kernel, "neural.learnText", { data: "sample-text", batch: 100_000 });
      assert.equal(little.code, "NEURAL_TRAINING");
      yield* called(kernel, "neural.train", { program: "mlp(1)", data: "xor", epochs: 1, name: "xor" });
      const network = yield* refused(kernel, "neural.writeText", { digest: "xor", prompt: "a" });
      assert.equal(network.code, "NEURAL_MODEL");
      const absent = yield* refused(kernel, "neural.writeText", { digest: "nobody", prompt: "a" });
      assert.equal(absent.code, "KERNEL_UNKNOWN_ENTRY");
      assert.equal(absent.path, "/digest");
      const seed = yield* refused(kernel, "neural.writeText", { digest: "xor", prompt: "a", topP: 2 });
      assert.equal(seed.code, "KERNEL_INVALID_INPUT");
    }), OPEN_POLICY));

Deno.test("a text of one's own is learned by heart and said again", async () => {
  const row = "the quick brown fox jumps over the lazy dog\n";
  const folder = Deno.makeTempDirSync({ prefix: "rmi-test-" });
  try {
    Deno.writeTextFileSync(`${folder}/fox.txt`, row.repeat(200));
    await inWorkspace((kernel) =>
      Effect.gen(function* () {
        const data = { path: `${folder}/fox.txt` };
        yield* called(kernel, "neural.learnText", { data, epochs: 10, batch: 2, name: "fox" });
        const how = { digest: "fox", prompt: "the quick ", tokens: row.length - 10, temperature: 0 };
        const written = yield* called(kernel, "neural.writeText", how);
        assert.equal(`the quick ${String(written.text)}`, row);
      }), OPEN_POLICY);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
