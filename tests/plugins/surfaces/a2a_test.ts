/**
 * A2A, judged by the protocol's own client (`@a2a-js/sdk`): its 1.0 transport found through our agent card, and its
 * 0.3 transport.
 */
import { ClientFactory, JsonRpcTransportFactory } from "@a2a-js/sdk/client";
import { LegacyJsonRpcTransport } from "@a2a-js/sdk/compat/v0_3/client";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { applyPatch, Entropy, type Json, type JsonPatch } from "../../../kernel/mod.ts";
import { layerEntropy } from "../../../kernel/platform/entropy.ts";
import { parseTokens } from "../../../plugins/surfaces/http/tokens.ts";
import { askedOf, makeTasks, MAX_TASKS } from "../../../plugins/surfaces/a2a/tasks.ts";
import { openDemo } from "./front_fixture.ts";
import { serving, until } from "./http_fixture.ts";

// deno-lint-ignore no-explicit-any -- the client's types are protobuf-shaped; tests look at members one by one
type Any = any;

/** States of a task, by their numbers in the protocol's 1.0 schema. */
const STATE = { working: 2, completed: 3, failed: 4, canceled: 5, rejected: 7, authRequired: 8 };

const ROLE_USER = 1;

const GENERATIONS: Readonly<Record<string, (url: string) => Promise<Any>>> = {
  "1.0": async (url) => {
    const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory()] } as Any);
    const client = await factory.createFromUrl(url);
    assert.equal(client.protocolVersion, "1.0");
    return client;
  },
  "0.3": (url) => Promise.resolve(new LegacyJsonRpcTransport({ endpoint: `${url}/a2a` } as Any)),
};

let sent = 0;

const messageOf = (content: Any, more: Any = {}): Any => ({
  tenant: "",
  message: {
    messageId: `m-${++sent}`,
    contextId: "",
    taskId: "",
    role: ROLE_USER,
    parts: [{ content, metadata: undefined, filename: "", mediaType: "" }],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
    ...more,
  },
  configuration: undefined,
  metadata: undefined,
});

const call = (operation: string, input?: Json): Any =>
  messageOf({ $case: "data", value: { operation, ...(input === undefined ? {} : { input }) } });

const text = (value: string): Any => messageOf({ $case: "text", value });

const dataOf = (parts: Any): Any => parts.find((part: Any) => part.content.$case === "data")?.content.value;
const textOf = (parts: Any): string => parts.find((part: Any) => part.content.$case === "text")?.content.value;

for (const [version, open] of Object.entries(GENERATIONS)) {
  Deno.test(`A2A ${version}: a data part calls an operation, and the task holds the answer`, () =>
    serving(async ({ url }) => {
      const client = await open(url);
      const task = await client.sendMessage(call("demo.echo", { text: "hi" }));
      assert.equal(task.status.state, STATE.completed);
      assert.deepEqual(dataOf(task.artifacts[0].parts), {
        ok: true,
        value: { text: "hi", actor: "a2a:loopback" },
      });
      const kept = await client.getTask({ tenant: "", id: task.id });
      assert.deepEqual([kept.id, kept.status.state, kept.contextId], [task.id, STATE.completed, task.contextId]);
      assert.deepEqual(kept.artifacts, task.artifacts);
    }));

  Deno.test(`A2A ${version}: a text part searches; a text that spells a call is the call`, () =>
    serving(async ({ url }) => {
      const client = await open(url);
      const message = await client.sendMessage(text("count up"));
      assert.match(textOf(message.parts), /^demo\.count: /);
      assert.equal(dataOf(message.parts).value.hits[0].id, "demo.count");
      const task = await client.sendMessage(text('{"operation":"demo.echo","input":{"text":"x"}}'));
      assert.equal(dataOf(task.artifacts[0].parts).value.text, "x");
    }));

  Deno.test(`A2A ${version}: how a call failed is the task's state, and the failure comes whole`, () =>
    serving(async ({ url }) => {
      const client = await open(url);
      const cases: ReadonlyArray<readonly [id: string, input: Json, state: number, code: string]> = [
        ["demo.write", { path: "x" }, STATE.authRequired, "KERNEL_APPROVAL_NEEDED"],
        ["demo.send", {}, STATE.rejected, "KERNEL_DENIED"],
        ["demo.secret", {}, STATE.failed, "KERNEL_UNKNOWN_OPERATION"],
        ["demo.break", {}, STATE.failed, "KERNEL_DEFECT"],
      ];
      for (const [id, input, state, code] of cases) {
        const task = await client.sendMessage(call(id, input));
        const { failure } = dataOf(task.status.message.parts);
        assert.deepEqual([task.status.state, failure.code, task.artifacts.length], [state, code, 0], id);
        assert.equal(textOf(task.status.message.parts), failure.message);
      }
      const input = { txt: "x" };
      const wrong = await client.sendMessage(call("demo.echo", input));
      const { fix } = dataOf(wrong.status.message.parts).failure;
      const mended = await client.sendMessage(call("demo.echo", applyPatch(fix.patch as JsonPatch, input)));
      assert.equal(mended.status.state, STATE.completed);
    }));

  Deno.test(`A2A ${version}: a stream tells the task, its steps, its answer and its end`, () =>
    serving(async ({ url }) => {
      const client = await open(url);
      const steps: Array<Any> = [];
      for await (const event of client.sendMessageStream(call("demo.count", { to: 2 }))) steps.push(event.payload);
      assert.equal(steps[0].$case, "task");
      assert.equal(steps[0].value.status.state, STATE.working);
      const told = steps.slice(1, -2).map(({ value }) => dataOf(value.status.message.parts));
      assert.deepEqual(told, [
        { event: { at: 1 } },
        { progress: { label: "counting", done: 1, total: 2 } },
        { event: { at: 2 } },
        { progress: { label: "counting", done: 2, total: 2 } },
      ]);
      const [artifact, end] = steps.slice(-2);
      assert.deepEqual(dataOf(artifact.value.artifact.parts), { ok: true, value: { counted: 2 } });
      assert.equal(artifact.value.lastChunk, true);
      assert.equal(end.value.status.state, STATE.completed);
      const searched: Array<Any> = [];
      for await (const event of client.sendMessageStream(text("count up"))) searched.push(event.payload);
      assert.deepEqual(searched.map(({ $case }) => $case), ["message"]);
    }));

  Deno.test(`A2A ${version}: a task asked for at once can be watched, cancelled once, and is then over`, () =>
    serving(async ({ url, watch }) => {
      const client = await open(url);
      const asked = { ...call("demo.wait"), configuration: { acceptedOutputModes: [], returnImmediately: true } };
      const task = await client.sendMessage(asked);
      assert.equal(task.status.state, STATE.working);
      await until(() => watch.waiting === 1, "the call starts");
      assert.equal((await client.getTask({ tenant: "", id: task.id })).status.state, STATE.working);
      const cancelled = await client.cancelTask({ tenant: "", id: task.id });
      assert.equal(cancelled.status.state, STATE.canceled);
      assert.deepEqual({ ...watch }, { waiting: 0, interrupted: 1 });
      await assert.rejects(client.cancelTask({ tenant: "", id: task.id }));
      await assert.rejects(client.getTask({ tenant: "", id: "nothing" }));
      await assert.rejects(client.sendMessage(messageOf({ $case: "text", value: "more" }, { taskId: task.id })));
    }));

  Deno.test(`A2A ${version}: a caller that leaves a stream interrupts its call`, () =>
    serving(async ({ url, watch }) => {
      const client = await open(url);
      const leaving = new AbortController();
      const stream = client.sendMessageStream(call("demo.wait"), { signal: leaving.signal });
      assert.equal((await stream.next()).value.payload.$case, "task");
      await until(() => watch.waiting === 1, "the call starts");
      leaving.abort();
      await stream.next().catch(() => undefined);
      await until(() => watch.interrupted === 1 && watch.waiting === 0, "the call is interrupted");
    }));
}

Deno.test("the card names the endpoint, one skill a namespace, and nothing hidden", () =>
  serving(async ({ url, ask }) => {
    const { json, text: card } = await ask("/.well-known/agent-card.json");
    assert.deepEqual(json.supportedInterfaces.map((found: Any) => [found.url, found.protocolVersion]), [
      [`${url}/a2a`, "1.0"],
      [`${url}/a2a`, "0.3"],
    ]);
    assert.deepEqual(json.skills.map((skill: Any) => skill.id), ["demo", "kernel", "surfaces", "tour"]);
    assert.ok(!card.includes("demo.secret"));
    for (const example of json.skills[0].examples) assert.ok(JSON.parse(example).operation.startsWith("demo."));
  }));

Deno.test("JSON-RPC: every way to be wrong has its code, and the id comes back", () =>
  serving(async ({ ask }) => {
    const rpc = async (body: string, headers: Record<string, string> = {}) =>
      (await ask("/a2a", { method: "POST", headers: { "content-type": "application/json", ...headers }, body })).json;
    const request = (method: string, params: Json = {}) => JSON.stringify({ jsonrpc: "2.0", id: 7, method, params });
    const cases: ReadonlyArray<readonly [name: string, answer: Any, code: number, id: Json]> = [
      ["not JSON", await rpc("{"), -32_700, null],
      ["no request", await rpc("[]"), -32_600, null],
      ["no method", await rpc('{"jsonrpc":"2.0","id":7}'), -32_600, 7],
      ["unknown method", await rpc(request("Sing")), -32_601, 7],
      ["a method of every object", await rpc(request("constructor")), -32_601, 7],
      ["no message", await rpc(request("SendMessage")), -32_602, 7],
      ["no parts", await rpc(request("SendMessage", { message: { parts: [] } })), -32_602, 7],
      ["no usable part", await rpc(request("message/send", { message: { parts: [{ kind: "file" }] } })), -32_602, 7],
      ["params no object", await rpc(request("GetTask", [1])), -32_602, 7],
      ["unknown task", await rpc(request("GetTask", { id: "x" })), -32_001, 7],
      ["unknown task of a message", await rpc(request("SendMessage", { message: { taskId: "x" } })), -32_001, 7],
      ["not offered", await rpc(request("ListTasks")), -32_004, 7],
      ["version", await rpc(request("GetTask", { id: "x" }), { "a2a-version": "9.0" }), -32_009, 7],
    ];
    for (const [name, answer, code, id] of cases) assert.deepEqual([answer.error?.code, answer.id], [code, id], name);
    const form = await ask("/a2a", { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" });
    assert.deepEqual([form.status, form.json.failure.code], [415, "SURFACE_MEDIA_TYPE"]);
  }));

Deno.test("a task is its caller's: another token finds nothing", () => {
  const [ada, bob] = ["a".repeat(32), "b".repeat(32)];
  const tokens = Result.getOrThrow(parseTokens(`ada ${ada}\nbob ${bob}`, "tokens"));
  return serving(async ({ ask }) => {
    const rpc = async (token: string, method: string, params: Json) =>
      (await ask("/a2a", {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      })).json;
    const parts = [{ data: { operation: "demo.echo", input: { text: "x" } } }];
    const { task } = (await rpc(ada, "SendMessage", { message: { messageId: "1", role: "ROLE_USER", parts } })).result;
    assert.equal(task.artifacts[0].parts[0].data.value.actor, "a2a:ada");
    assert.equal((await rpc(ada, "GetTask", { id: task.id })).result.id, task.id);
    assert.equal((await rpc(bob, "GetTask", { id: task.id })).error.code, -32_001);
  }, { tokens });
});

Deno.test("the first call among the parts counts, and plain text is a search", async () => {
  const asked = (parts: Parameters<typeof askedOf>[0]) => Effect.runPromise(askedOf(parts));
  assert.deepEqual(await asked([{ text: "please" }, { data: { operation: "a.b" } }, { data: { operation: "c.d" } }]), {
    kind: "call",
    operation: "a.b",
    input: {},
  });
  assert.deepEqual(await asked([{ text: "count" }, { text: "up" }, { data: [1] }]), {
    kind: "search",
    query: "count up",
  });
});

Deno.test("ended tasks are kept up to the limit and then forgotten, the oldest first; a running one never", () =>
  Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const { front } = yield* openDemo;
      const caller = front.caller("a2a", "x");
      const tasks = yield* makeTasks({ entropy: yield* Entropy, admitted: (call) => call, deadlineMs: 60_000 });
      const begin = (operation: string, input: Json) =>
        tasks.start(caller, { kind: "call", operation, input }, undefined, false);
      const waiting = yield* begin("demo.wait", {});
      const ids: Array<string> = [];
      for (let index = 0; index < MAX_TASKS; index++) {
        const task = yield* begin("demo.echo", { text: "x" });
        yield* task.ended;
        ids.push(task.view().id);
      }
      assert.equal(new Set(ids).size, MAX_TASKS, "identifiers differ");
      const kept = (id: string) => tasks.find(caller, id) !== undefined;
      assert.deepEqual([kept(waiting.view().id), kept(ids[0]), kept(ids[1]), kept(ids.at(-1)!)], [
        true,
        false,
        true,
        true,
      ]);
      assert.equal((yield* waiting.cancel).state, "canceled");
    })).pipe(Effect.provide(layerEntropy)),
  ));
