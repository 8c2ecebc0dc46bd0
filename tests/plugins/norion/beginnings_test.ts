/** Beginnings that prompts share: a language model of ours keeps them as cache blocks and goes on from them. */
import * as Effect from "effect/Effect";
import * as Scope from "effect/Scope";
import assert from "node:assert/strict";
import type { Failure, Json, JsonObject } from "../../../kernel/mod.ts";
import { cpuBackend } from "../../../plugins/backends/cpu/mod.ts";
import type { BackendsShape } from "../../../plugins/backends/contract.ts";
import { encodeLanguageModel, type LanguageModel, type Writer, writerOf } from "../../../plugins/neural/library.ts";
import type { CacheBits, ModelRequest } from "../../../plugins/norion/contract.ts";
import { Beginnings, bytesKept, heldIn, keptFrom, STRETCH } from "../../../plugins/norion/models/beginnings.ts";
import { architectureOf, type CacheShape } from "../../../plugins/norion/models/cache_blocks.ts";
import { languageModel } from "../../../plugins/norion/models/language.ts";
import { errorBound, quantise } from "../../../plugins/norion/models/quantise.ts";
import { untrained } from "../neural/language/small_model.ts";
import { callAs, inWorkspace, OPEN_POLICY } from "../../workspace.ts";

const SHAPE: CacheShape = { layers: 1, heads: 2, headSize: 4, window: 65_536 };
const ORIGIN = { model: "m", tokeniser: "bytes", architecture: architectureOf(SHAPE) };
const model: LanguageModel = untrained();
const utf8 = new TextEncoder();
const BEGINNING = utf8.encode("abc de ".repeat(30));

const writing = <A>(use: (writer: Writer) => Effect.Effect<A, unknown>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(writerOf(cpuBackend, model), use)) as Effect.Effect<A>);

/** Numbers that go through blocks of so many bits: keys and values as they were, and as they come back. */
const through = (bits: CacheBits) =>
  writing((writer) =>
    Effect.gen(function* () {
      yield* writer.read(BEGINNING);
      const kept = yield* writer.keep;
      const back = keptFrom(heldIn(kept, SHAPE, bits), SHAPE);
      const flat = (name: "keys" | "values", of: typeof kept) =>
        [0, 1].flatMap((head) => of.stretches.filter((one) => one.head === head).flatMap((one) => [...one[name]]));
      return (["keys", "values"] as const).map((name) => ({ was: flat(name, kept), is: flat(name, back) }));
    })
  );

Deno.test("what goes through blocks of 32 bits comes back as it was, and of 8 and 4 within half a step (20.35)", async () => {
  for (const { was, is } of await through(32)) assert.deepEqual(is, was);
  for (const bits of [8, 4] as const) {
    for (const { was, is } of await through(bits)) {
      assert.equal(is.length, was.length);
      for (let at = 0; at < was.length; at += SHAPE.headSize) {
        const vector = was.slice(at, at + SHAPE.headSize);
        const bound = errorBound(quantise(vector, bits)) + 1e-7;
        vector.forEach((value, i) => assert.ok(Math.abs(is[at + i] - value) <= bound));
      }
    }
  }
});

Deno.test("as many whole stretches of a beginning are kept as the device allows", () => {
  const of = (bytes: number, prefetch: number) =>
    bytesKept(bytes, { characters: bytes, bits: 32, prefetch }, ORIGIN) / STRETCH;
  assert.deepEqual([of(STRETCH - 1, 9), of(STRETCH, 9), of(5 * STRETCH + 1, 9)], [0, 1, 5]);
  assert.deepEqual([of(5 * STRETCH, 4), of(5 * STRETCH, 5), of(5 * STRETCH, 0)], [4, 5, 0]);
});

Deno.test("a text goes on the same whether its beginning was read or gone on from, in any bits", async () => {
  const rest = utf8.encode("dead bee bad cab ".repeat(9));
  for (const bits of [32, 8, 4] as const) {
    const [begun, first, second, plain] = await writing((writer) =>
      Effect.gen(function* () {
        const beginnings = new Beginnings(ORIGIN, SHAPE);
        const shared = { characters: BEGINNING.length, bits, prefetch: 2 };
        const once = Effect.gen(function* () {
          yield* writer.reset;
          const begun = yield* beginnings.begin(writer, [...BEGINNING], shared);
          yield* writer.read(BEGINNING.subarray(begun.read));
          yield* writer.read(rest);
          return { begun, next: yield* writer.next };
        });
        const [one, two] = [yield* once, yield* once];
        yield* writer.reset;
        yield* writer.read(BEGINNING);
        yield* writer.read(rest);
        return [[one.begun, two.begun], one.next, two.next, yield* writer.next] as const;
      })
    );
    assert.deepEqual(begun, [{ read: 128, kept: 0 }, { read: 128, kept: 128 }]);
    assert.deepEqual(second, first);
    if (bits === 32) assert.deepEqual(first, plain);
    else assert.ok(first.every((share, byte) => Math.abs(share - plain[byte]) < (bits === 8 ? 0.002 : 0.05)));
  }
});

/** The language model as norion asks it, and how many texts it was made ready for. */
const asked = <A>(
  use: (answer: (request: Partial<ModelRequest>) => Effect.Effect<JsonObject, unknown>) => Effect.Effect<A, unknown>,
): Promise<readonly [result: A, compiled: number]> => {
  let compiled = 0;
  const compile = (...given: Parameters<typeof cpuBackend.compile>) => {
    compiled++;
    return Effect.map(cpuBackend.compile(...given), (executable) => ({ executable }));
  };
  return Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const backend = languageModel({
        description: {
          id: "language:tiny",
          kind: "language",
          locality: "process",
          quality: 0.1,
          cost: 0,
          window: 8192,
          latencyMs: 1,
          capabilities: { streaming: true, deterministic: true, countsTokens: true, cacheBlocks: true },
          notes: [],
        },
        artifact: encodeLanguageModel(model),
        held: 65_536,
        backends: { compile } as unknown as BackendsShape,
        scope: yield* Scope.Scope,
      });
      const result = yield* use((request) =>
        Effect.map(
          backend.generate({ prompt: "", maxTokens: 24, seed: 1, temperature: 0, ...request }),
          (answer) => answer as unknown as JsonObject,
        )
      );
      return [result, compiled] as const;
    })) as Effect.Effect<readonly [A, number]>,
  );
};

Deno.test("prompts with one beginning are answered as if each was read whole, and the second reads less", async () => {
  const prompt = (part: string) => `${"abc de ".repeat(30)}${part}`;
  const shared = { characters: 210, bits: 32, prefetch: 3 } as const;
  const [answers, compiled] = await asked((answer) =>
    Effect.gen(function* () {
      const all: JsonObject[] = [];
      for (const part of ["cab", "dead bee"]) {
        all.push(yield* answer({ prompt: prompt(part) }), yield* answer({ prompt: prompt(part), shared }));
      }
      return all;
    })
  );
  assert.deepEqual([answers[1].text, answers[3].text], [answers[0].text, answers[2].text]);
  const usage = answers.map((one) => one.usage as JsonObject);
  assert.deepEqual(usage.map(({ input, kept }) => [input, kept ?? 0]), [[213, 0], [213, 0], [218, 0], [218, 192]]);
  // Two programs, made ready once: the writer of a finished text takes the next.
  assert.equal(compiled, 2);
});

Deno.test("a prompt that is all beginning is still answered, and one of other instructions begins otherwise", async () => {
  const shared = { characters: 10_000, bits: 8, prefetch: 64 } as const;
  const prompt = "abc de ".repeat(30).slice(0, 3 * STRETCH);
  const [kept] = await asked((answer) =>
    Effect.gen(function* () {
      const once = (system?: string) =>
        Effect.map(
          answer({ prompt, shared, ...(system === undefined ? {} : { system }) }),
          ({ usage }) => (usage as JsonObject).kept ?? 0,
        );
      return [yield* once(), yield* once(), yield* once("bad"), yield* once("bad")] as const;
    })
  );
  assert.deepEqual(kept, [0, 2 * STRETCH, 0, 3 * STRETCH]);
});

/** A long request that our own model reads in parts, in a workspace that has one. */
const longRequest = (device: string | undefined, window = 512): Promise<JsonObject> => {
  const folder = Deno.makeTempDirSync();
  const file = `${folder}/own.bin`;
  Deno.writeFileSync(file, encodeLanguageModel(model));
  let made: JsonObject = {};
  return inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* callAs(kernel, "artifacts.put", {
        file,
        kind: "model",
        media: "application/vnd.rmi.language+safetensors",
        name: "own",
        description: "a language model",
      });
      made = (yield* callAs(kernel, "norion.ask", {
        prompt: `${"A bad cab. ".repeat(600)}\n\n${"Which bee is dead and which cab is bad, and why so? ".repeat(4)}`,
        profile: "long-context",
        model: "language:own@1",
        window,
        ...(device === undefined ? {} : { device }),
      } as Json)) as Failure & JsonObject;
    }), OPEN_POLICY).then(() => made).finally(() => Deno.removeSync(folder, { recursive: true }));
};

Deno.test("reading in parts, the instructions are read once and gone on from after, as far as the device keeps them", async () => {
  const [cpu, server, small] = [await longRequest(undefined), await longRequest("server"), await longRequest("mcu")];
  const keptOf = (made: JsonObject) => Number((made.tokens as JsonObject).kept) / STRETCH;
  const parts = Number(cpu.calls) - 1;
  assert.ok(parts >= 4);
  // All parts but the first, also where they are read side by side: two, one and five stretches of each.
  assert.equal(keptOf(cpu), 2 * (parts - 1));
  assert.equal(keptOf(small), parts - 1);
  assert.equal(keptOf(server), 5 * (parts - 1));
  // The numbers are kept as they are while the device is idle, so how many are kept changes nothing.
  assert.equal(small.answer, cpu.answer);
});
