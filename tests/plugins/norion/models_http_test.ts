import * as Effect from "effect/Effect";
import type * as Result from "effect/Result";
import * as Stream from "effect/Stream";
import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import type { ModelAnswer, ModelEvent, ModelRequest, ModelTrouble } from "../../../plugins/norion/contract.ts";
import { type AnsweringEvent, answerWith } from "../../../plugins/norion/models/answering.ts";
import { type HttpModel, httpModel, type HttpNeeds } from "../../../plugins/norion/models/http.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { type ChatServer, chatServer, type Manner, storm, TEXT, WORDS } from "./chat_server.ts";
import { granted } from "../../grants.ts";

const REQUEST: ModelRequest = { prompt: "What is 6 times 7?", maxTokens: 64, seed: 3, temperature: 0 };

const at = (url: string, id = "http:test", more: Partial<HttpModel> = {}): HttpModel => ({
  url,
  model: "tiny",
  description: {
    id,
    kind: "http",
    locality: "machine",
    quality: 0.7,
    cost: 0,
    window: 4096,
    latencyMs: 100,
    capabilities: { streaming: true, deterministic: false, countsTokens: true, cacheBlocks: false },
    notes: [],
  },
  ...more,
});

const run = <A, E>(
  body: Effect.Effect<A, E, HttpNeeds>,
  uses: string[] = [],
  refuse: ReadonlyArray<string> = [],
): Promise<Result.Result<A, E>> => Effect.runPromise(Effect.result(granted(body, { uses, refuse })));

const generated = async (server: ChatServer, more: Partial<HttpModel> = {}): Promise<ModelAnswer | ModelTrouble> => {
  const made = await run(httpModel(at(server.url, "http:test", more)).generate(REQUEST));
  return made._tag === "Success" ? made.success : made.failure;
};

const streamed = async (
  server: ChatServer,
): Promise<{ readonly pieces: string; readonly end: ModelAnswer | ModelTrouble }> => {
  const events: ModelEvent[] = [];
  const made = await run(
    Stream.runForEach(httpModel(at(server.url)).stream(REQUEST), (event) => Effect.sync(() => void events.push(event))),
  );
  const last = events.at(-1);
  return {
    pieces: events.flatMap((event) => event.type === "piece" ? [event.text] : []).join(""),
    end: made._tag === "Failure" ? made.failure : last?.type === "answer" ? last.answer : assert.fail("no end"),
  };
};

Deno.test("an answer arrives whole or in pieces, with the server's count of tokens where it gives one", async () => {
  await using server = chatServer(() => "counted");
  const answer = await generated(server);
  const usage = { input: 17, output: 6, counted: true };
  assert.deepEqual(answer, { text: TEXT, model: "http:test", kind: "http", finish: "stop", usage });
  const { pieces, end } = await streamed(server);
  assert.equal(pieces, TEXT);
  assert.deepEqual(end, answer);
  await using plain = chatServer(() => "length");
  assert.deepEqual(await generated(plain), {
    text: TEXT,
    model: "http:test",
    kind: "http",
    finish: "length",
    usage: { input: 5, output: 6, counted: false },
  });
});

Deno.test("what is sent is the protocol's, to the configured path, with the key of the named variable", async () => {
  await using server = chatServer(() => "well");
  Deno.env.set("NORION_TEST_KEY", "k-123");
  try {
    const uses: string[] = [];
    const backend = httpModel(at(`${server.url}/`, "http:test", { keyVariable: "NORION_TEST_KEY" }));
    await run(backend.generate({ ...REQUEST, system: "Be brief.", stop: ["\n"] }), uses);
    assert.deepEqual(server.asked, [{
      path: "/v1/chat/completions",
      authorization: "Bearer k-123",
      body: {
        model: "tiny",
        messages: [{ role: "system", content: "Be brief." }, { role: "user", content: REQUEST.prompt }],
        max_tokens: 64,
        temperature: 0,
        seed: 3,
        stop: ["\n"],
        stream: false,
      },
    }]);
    assert.deepEqual(uses, ["env NORION_TEST_KEY", `network ${new URL(server.url).host}`]);
  } finally {
    Deno.env.delete("NORION_TEST_KEY");
  }
});

/** What each way to fail is, whole and streamed. */
const FAULTS: { readonly [M in Manner]?: readonly [whole: ModelTrouble["fault"], streamed: ModelTrouble["fault"]] } = {
  busy: ["overloaded", "overloaded"],
  broken: ["overloaded", "overloaded"],
  denied: ["unauthorised", "unauthorised"],
  gone: ["unavailable", "unavailable"],
  "too-long": ["too-long", "too-long"],
  filtered: ["refused", "refused"],
  refusing: ["refused", "refused"],
  garbage: ["garbage", "garbage"],
  "not-a-completion": ["garbage", "garbage"],
  empty: ["garbage", "garbage"],
  cut: ["garbage", "garbage"],
  torn: ["garbage", "garbage"],
  "late-error": ["garbage", "overloaded"],
  huge: ["garbage", "garbage"],
  moved: ["unavailable", "unavailable"],
};

for (const [manner, [whole, stream]] of Object.entries(FAULTS)) {
  Deno.test(`a reply that is ${manner} is ${whole} trouble, and its reason holds nothing that was said`, async () => {
    await using server = chatServer(() => manner as Manner);
    const one = await generated(server) as ModelTrouble;
    const { end } = await streamed(server) as { readonly end: ModelTrouble };
    assert.deepEqual([one.fault, end.fault], [whole, stream]);
    for (const { reason } of [one, end]) assert.ok(!/PRIVATE|雨|and 4|6 times/u.test(reason), reason);
    assert.equal(one.retryAfterMs, manner === "busy" ? 0 : undefined);
  });
}

Deno.test("a server that is not there, a host or a key that may not be used: trouble that says so", async () => {
  const closed = chatServer(() => "well");
  await closed[Symbol.asyncDispose]();
  assert.equal((await generated(closed) as ModelTrouble).fault, "unavailable");
  await using server = chatServer(() => "well");
  const host = new URL(server.url).host;
  const refused = await run(httpModel(at(server.url)).generate(REQUEST), [], [host]);
  assert.ok(refused._tag === "Failure" && refused.failure.fault === "unauthorised");
  assert.match(refused.failure.reason, new RegExp(`network on ${host} is not granted`));
  const keyless = await generated(server, { keyVariable: "NORION_NO_SUCH_KEY" }) as ModelTrouble;
  assert.deepEqual([keyless.fault, server.asked.length], ["unauthorised", 0]);
});

Deno.test("a request beyond the window is not sent", async () => {
  await using server = chatServer(() => "well");
  const backend = httpModel(at(server.url));
  const made = await run(backend.generate({ ...REQUEST, prompt: "word ".repeat(4097) }));
  assert.ok(made._tag === "Failure" && made.failure.fault === "too-long");
  assert.equal(server.asked.length, 0);
});

Deno.test("interrupting a call closes its connection", async () => {
  await using server = chatServer(() => "silent");
  const made = await run(
    httpModel(at(server.url)).generate(REQUEST).pipe(Effect.timeoutOption("80 millis")),
  );
  assert.ok(made._tag === "Success" && made.success._tag === "None");
  assert.equal(server.asked.length, 1);
});

const POLICY = { ...DEFAULT_POLICY, "model.deadline": 120, "model.pause": 1, "model.hops": 12, "model.retries": 3 };

Deno.test("through storms every request is answered rightly or fails with every attempt named", async () => {
  const weather = storm(random("storm"));
  await using stormy = chatServer(weather);
  await using other = chatServer(weather);
  const backends = [httpModel(at(stormy.url, "http:a")), httpModel(at(other.url, "http:b"))];
  let answered = 0;
  for (let n = 0; n < 40; n++) {
    const said: AnsweringEvent[] = [];
    const made = await Effect.runPromise(granted(answerWith(backends, REQUEST, {
      demand: { tokens: 6, privacy: "machine", gain: 1 },
      breakers: new Map(),
      step: n,
      policy: POLICY,
      ...(n % 2 === 0 ? { onEvent: (event) => Effect.sync(() => void said.push(event)) } : {}),
    })));
    assert.ok(made.attempts.length <= POLICY["model.hops"]);
    assert.ok(made.attempts.every(({ outcome, reason }) => outcome === "answered" || reason !== undefined));
    if (made.answer === undefined) continue;
    answered++;
    assert.equal(made.answer.text, TEXT);
    if (n % 2 !== 0) continue;
    // What stands after the last withdrawal is the answer.
    const kept = said.slice(said.findLastIndex(({ type }) => type === "withdrawn") + 1);
    assert.equal(kept.map((event) => event.type === "piece" ? event.text : "").join(""), TEXT);
  }
  assert.ok(answered >= 30, `${answered} of 40`);
});

Deno.test("a server that asks for a long rest is left, and the next one answers", async () => {
  await using resting = chatServer(() => "busy");
  await using well = chatServer(() => "well");
  const tired = httpModel(at(resting.url, "http:a"));
  const patient = {
    ...tired,
    generate: (request: ModelRequest) =>
      Effect.mapError(tired.generate(request), (failed) => ({ ...failed, retryAfterMs: 60_000 })),
  };
  const made = await Effect.runPromise(granted(answerWith([patient, httpModel(at(well.url, "http:b"))], REQUEST, {
    demand: { tokens: 6, privacy: "machine", gain: 1 },
    breakers: new Map(),
    step: 1,
    policy: POLICY,
  })));
  assert.deepEqual(made.attempts.map(({ model, outcome }) => `${model} ${outcome}`), [
    "http:a overloaded",
    "http:b answered",
  ]);
  assert.equal(made.breakers.get("http:a")?.state, "closed");
  assert.equal(WORDS.join(""), made.answer?.text);
});
