/** Models that a person lists, asked through the kernel: programs, servers, ONNX artifacts and recordings. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure, Json, JsonObject, Kernel } from "../../../kernel/mod.ts";
import { buildProgram, exportOnnx, tensorOf } from "../../../plugins/ir/library.ts";
import type { ModelRequest } from "../../../plugins/norion/contract.ts";
import {
  encodeLanguageModel,
  initialValues,
  LANGUAGE_MEDIA as OUR_MEDIA,
  languageNetwork,
  smallShape,
} from "../../../plugins/neural/library.ts";
import { LANGUAGE_MEDIA, localityOf, readModels } from "../../../plugins/norion/models/configured.ts";
import { heuristicModel } from "../../../plugins/norion/models/heuristic.ts";
import { readRecording, recordingOf, writeRecording } from "../../../plugins/norion/models/recording.ts";
import { openRmi } from "../../../plugins/open.ts";
import { callAs } from "../../workspace.ts";
import { chatServer, TEXT } from "./chat_server.ts";

/** Answers with the prompt's length, refuses what asks for it, and prints rubbish when told to. */
const PROGRAM = `
const { version, prompt, maxTokens } = JSON.parse(await new Response(Deno.stdin.readable).text());
if (prompt.includes("rubbish")) console.log("{ no JSON");
else if (prompt.includes("forbidden")) console.log(JSON.stringify({ version, fault: "refused" }));
else if (prompt.includes("crash")) Deno.exit(3);
else console.log(JSON.stringify({ version, answer: "The program read " + prompt.length + " characters." }));
`;

interface Ground {
  readonly folder: string;
  readonly kernel: Kernel;
}

/** A workspace with files in it, under a policy that allows everything and names the program. */
const inHouse = async (
  files: { readonly [name: string]: string },
  body: (ground: Ground) => Effect.Effect<void, unknown>,
): Promise<void> => {
  const folder = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    const policy = {
      format: 1,
      rules: [{ name: "all", decision: "allow" }],
      programs: [{
        name: "reader",
        command: Deno.execPath(),
        arguments: ["run", "--no-prompt", "--no-config", `${folder}/program.ts`],
        variables: ["DENO_DIR"],
      }],
    };
    for (
      const [name, text] of Object.entries({
        "rmi.policy.json": JSON.stringify(policy),
        "program.ts": PROGRAM,
        ...files,
      })
    ) {
      Deno.writeTextFileSync(`${folder}/${name}`, text);
    }
    await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(openRmi({ workspace: folder }), (kernel) => body({ folder, kernel })),
      ) as Effect.Effect<
        void
      >,
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

const listOf = (...models: ReadonlyArray<Json>): string => JSON.stringify({ format: 1, models });

const ask = (kernel: Kernel, input: JsonObject): Effect.Effect<JsonObject, Failure> =>
  callAs(kernel, "norion.ask", input) as Effect.Effect<JsonObject, Failure>;

Deno.test("a listed program answers within reach, and is not even known beyond it", () =>
  inHouse(
    { "rmi.models.json": listOf({ id: "command:reader", program: "reader", quality: 0.9 }) },
    ({ kernel }) =>
      Effect.gen(function* () {
        const made = yield* ask(kernel, { prompt: "How long is this?", reach: "machine", model: "command:reader" });
        assert.deepEqual([made.kind, made.model], ["command", "command:reader"]);
        assert.match(String(made.answer), /^The program read \d+ characters\.$/u);
        const near = yield* ask(kernel, { prompt: "How long is this?" });
        assert.equal(near.kind, "heuristic");
        const refused = yield* Effect.flip(ask(kernel, { prompt: "Hello", model: "command:reader" }));
        assert.deepEqual([refused.code, refused.expected], ["NORION_REQUEST", ["heuristic"]]);
      }),
  ));

Deno.test("what a program prints is not trusted: rubbish, a refusal and a crash are failures that say so", () =>
  inHouse(
    { "rmi.models.json": listOf({ id: "command:reader", program: "reader" }) },
    ({ kernel }) =>
      Effect.gen(function* () {
        const failing = (prompt: string) =>
          Effect.flip(ask(kernel, { prompt, reach: "machine", model: "command:reader" }));
        for (
          const [prompt, said] of [
            ["rubbish", "the program's output is no answer of version 1"],
            ["forbidden", "the program says so"],
            ["crash", "the program ended with code 3"],
          ]
        ) {
          const { code, message } = yield* failing(prompt);
          assert.equal(code, "NORION_MODEL");
          assert.ok(message.includes(said), message);
          assert.ok(!message.includes(prompt) || prompt === "crash", message);
        }
      }),
  ));

Deno.test("a program that the policy does not name cannot be asked", () =>
  inHouse(
    { "rmi.models.json": listOf({ id: "command:x", program: "absent" }) },
    ({ kernel }) =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(ask(kernel, { prompt: "Hello", reach: "machine", model: "command:x" }));
        assert.match(message, /names no program "absent"/u);
      }),
  ));

Deno.test("a listed server streams its answer through the kernel, and the embedded backend answers when it is down", async () => {
  const server = chatServer(() => "well");
  const list = listOf({ id: "http:tiny", url: server.url, model: "tiny", quality: 0.9 });
  await inHouse({ "rmi.models.json": list }, ({ kernel }) =>
    Effect.gen(function* () {
      const pieces: string[] = [];
      const made = (yield* kernel.invoke({
        operation: "norion.ask",
        input: { prompt: "What is six times seven?", reach: "machine" },
        actor: "user@tty",
        onEvent: (event) => Effect.sync(() => void pieces.push(String((event as JsonObject).text))),
      })) as JsonObject;
      assert.deepEqual([made.answer, made.kind], [TEXT, "http"]);
      assert.ok(pieces.join("").endsWith(TEXT) && pieces.length > 1);
      yield* Effect.promise(() => server[Symbol.asyncDispose]());
      const alone = yield* ask(kernel, { prompt: "What is 6 * 7?", reach: "machine" });
      assert.deepEqual([alone.answer, alone.kind], ["6 * 7 = 42", "heuristic"]);
    }));
});

Deno.test("an ONNX artifact answers in the process, and one that is absent fails by name", async () => {
  const columns = 257;
  const table = new Float32Array(256 * columns);
  // Every byte is followed by an exclamation mark, and that by the end.
  for (let byte = 0; byte < 256; byte++) table[byte * columns + 33] = 1;
  table[33 * columns + 33] = 0;
  table[33 * columns + 256] = 1;
  const bytes = exportOnnx(
    buildProgram(
      { tokens: { dtype: "i64", shape: ["T"] }, table: { dtype: "f32", shape: [256, columns] } },
      (g, { tokens, table }) => [g.gather(table, tokens, 0)],
    ),
    { weights: { table: tensorOf("f32", [256, columns], table) } },
  );
  const list = listOf(
    { id: "onnx:mark", artifact: "mark", end: 256, window: 128 },
    { id: "onnx:none", artifact: "none" },
  );
  await inHouse({ "rmi.models.json": list }, ({ kernel, folder }) =>
    Effect.gen(function* () {
      Deno.writeFileSync(`${folder}/mark.onnx`, bytes);
      yield* callAs(kernel, "artifacts.put", { kind: "model", file: "mark.onnx", name: "mark" });
      const made = yield* ask(kernel, { prompt: "Hi", model: "onnx:mark" });
      assert.deepEqual([made.answer, made.kind], ["!", "onnx"]);
      const failed = yield* Effect.flip(ask(kernel, { prompt: "Hi", model: "onnx:none" }));
      assert.match(failed.message, /onnx:none: .*none/u);
    }));
});

Deno.test("a language model of our own answers once its artifact is there, after the embedded backend, and is not trusted blindly", () =>
  inHouse({}, ({ kernel, folder }) =>
    Effect.gen(function* () {
      assert.equal(OUR_MEDIA, LANGUAGE_MEDIA);
      const texts = ["abcd\n".repeat(60)].map((text) => new TextEncoder().encode(text));
      const shape = { ...smallShape(texts), window: 16 };
      const network = languageNetwork(shape, 1);
      const { parameters } = initialValues(network, 1);
      const model = {
        shape,
        values: new Map(network.parameters.map(({ path }, i) => [path, parameters[i]])),
        metrics: {},
        lineage: { data: "abcd", seed: 1, steps: 0, flops: 0 },
      };
      Deno.writeFileSync(`${folder}/own.bin`, encodeLanguageModel(model));
      Deno.writeTextFileSync(`${folder}/bad.bin`, "no model");
      const put = (file: string, name: string) =>
        callAs(kernel, "artifacts.put", { kind: "model", file, name, media: LANGUAGE_MEDIA });
      yield* put("own.bin", "own");
      yield* put("bad.bin", "bad");
      const { models } = (yield* callAs(kernel, "norion.models", {})) as { models: ReadonlyArray<JsonObject> };
      assert.deepEqual(models.map(({ id }) => id).toSorted(), ["heuristic", "language:bad@1", "language:own@1"]);
      assert.equal((yield* ask(kernel, { prompt: "What is 2 + 2?" })).kind, "heuristic");
      const own = { prompt: "abc", model: "language:own@1", budget: { answerTokens: 12 } };
      const made = yield* ask(kernel, own);
      assert.equal(made.kind, "language");
      assert.ok([...String(made.answer)].length > 0);
      assert.equal((yield* ask(kernel, own)).answer, made.answer);
      const refused = yield* Effect.flip(ask(kernel, { prompt: "abc", model: "language:bad@1" }));
      assert.equal(refused.code, "NORION_MODEL");
    })));

Deno.test("a recording answers as the model did", async () => {
  const { backend, recording } = recordingOf(heuristicModel);
  const request: ModelRequest = { prompt: "x", maxTokens: 1, seed: 0, temperature: 0 };
  await Effect.runPromise(Effect.ignore(backend.generate(request)));
  const files = {
    "tape.json": writeRecording(recording()),
    "rmi.models.json": listOf({ id: "recording:tape", file: "tape.json" }),
  };
  await inHouse(files, ({ kernel }) =>
    Effect.gen(function* () {
      const { models } = (yield* callAs(kernel, "norion.models", {})) as { models: ReadonlyArray<JsonObject> };
      assert.deepEqual(models.map(({ id, kind }) => `${id} ${kind}`), [
        "recording:tape recording",
        "heuristic heuristic",
      ]);
      const failed = yield* Effect.flip(ask(kernel, { prompt: "Not recorded", model: "recording:tape" }));
      assert.match(failed.message, /was not recorded; the nearest is call 0/u);
    }));
});

Deno.test("a model that is listed to be recorded is, and its recording answers the same request without it", async () => {
  const server = chatServer(() => "counted");
  const http = { id: "http:tiny", url: server.url, model: "tiny", quality: 0.9 };
  await inHouse(
    { "rmi.models.json": listOf({ ...http, record: true }) },
    ({ kernel, folder }) =>
      Effect.gen(function* () {
        const secret = "sk-abcdefghijklmnopqrstuvwx";
        const request = { prompt: "What is six times seven?", reach: "machine" };
        const asked = (input: JsonObject) =>
          kernel.invoke({ operation: "norion.ask", input, actor: "user@tty", seed: "same" });
        const live = (yield* asked(request)) as JsonObject;
        yield* asked({ ...request, prompt: `Forget api_key=${secret}` });
        yield* Effect.promise(() => server[Symbol.asyncDispose]());
        const tape = Deno.readTextFileSync(`${folder}/out/recordings/http-tiny.json`);
        assert.equal(readRecording(tape).calls.length, 2);
        assert.ok(!tape.includes(secret));
        const list = listOf({ id: "recording:tiny", file: "out/recordings/http-tiny.json" });
        Deno.writeTextFileSync(`${folder}/rmi.models.json`, list);
        const replayed = (yield* asked({ ...request, model: "recording:tiny" })) as JsonObject;
        assert.deepEqual([replayed.answer, replayed.kind], [live.answer, "http"]);
      }),
  );
});

Deno.test("a list that cannot be understood is refused with its place", () => {
  const fault = (text: string) => {
    try {
      readModels(text);
      return "read";
    } catch (cause) {
      const { code, path } = cause as Failure;
      return `${code} ${path}`;
    }
  };
  const http = { id: "http:a", url: "http://127.0.0.1:1/v1", model: "m" };
  assert.equal(fault(listOf(http)), "read");
  assert.match(fault(listOf(http, http)), /^NORION_MODELS \/models\/1\/id$/u);
  assert.match(fault(listOf({ ...http, id: "command:a" })), /^NORION_MODELS \/models\/0/u);
  assert.match(fault(listOf({ ...http, url: "ftp://x" })), /^NORION_MODELS \/models\/0/u);
  assert.match(fault(listOf({ ...http, key: "sk-secret" })), /^NORION_MODELS \/models\/0/u);
  assert.match(fault(JSON.stringify({ format: 2, models: [] })), /^NORION_MODELS \/format$/u);
  assert.match(fault("{"), /^NORION_MODELS /u);
  const many = Array.from({ length: 64 }, (_, i) => ({ ...http, id: `http:${i}` }));
  assert.equal(fault(listOf(...many)), "read");
  assert.match(fault(listOf(...many, http)), /^NORION_MODELS \/models$/u);
});

Deno.test("loopback is this machine, everything else is the network", () => {
  for (const url of ["http://localhost:8080/v1", "http://127.0.0.1/v1", "http://127.9.9.9/v1", "http://[::1]:1/v1"]) {
    assert.equal(localityOf(url), "machine");
  }
  for (const url of ["https://api.example.org/v1", "http://127.0.0.1.example.org/", "http://10.0.0.1/v1"]) {
    assert.equal(localityOf(url), "network");
  }
});
