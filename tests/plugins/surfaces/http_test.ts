/**
 * The HTTP server, judged from outside: `fetch`, raw sockets, and an OpenAPI validator that is not ours.
 */
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type Actor, applyPatch, type Failure, failureFromJson, type Json } from "../../../kernel/mod.ts";
import { layerEntropy } from "../../../kernel/platform/entropy.ts";
import { MAX_HEAD_BYTES, openServer } from "../../../kernel/platform/http.ts";
import { DEFAULT_PORT, Serve } from "../../../plugins/surfaces/http/operation.ts";
import { admissionOf, admit, isLoopback } from "../../../plugins/surfaces/http/guard.ts";
import { DEFAULT_LIMITS } from "../../../plugins/surfaces/http/limits.ts";
import { ROUTES } from "../../../plugins/surfaces/http/routes.ts";
import { modeOf } from "../../../plugins/surfaces/http/reply.ts";
import { serve } from "../../../plugins/surfaces/http/server.ts";
import { MAX_TOKENS, MIN_TOKEN_LENGTH, nameOf, parseTokens } from "../../../plugins/surfaces/http/tokens.ts";
import { openRmi } from "../../../plugins/open.ts";
import { frontOf } from "../../../plugins/surfaces/contract.ts";
import { demoPlugin, openDemo, type Opened } from "./front_fixture.ts";
import { serving, until } from "./http_fixture.ts";
import { inWorkspace, rmi, start } from "./rmi.ts";

const JSON_TYPE = { "content-type": "application/json" };

const POLICY = {
  format: 1,
  rules: [{ name: "serve-here", operation: "surfaces.serve", hosts: ["127.0.0.1"], decision: "allow" }],
};

/** Sends text over a socket as it is, and gives what comes back until the peer or the patience ends. */
const raw = (port: number, text: string, patienceMs = 10_000): Promise<string> =>
  new Promise((resolve) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(finish, patienceMs);
    socket.on("data", (chunk) => {
      received += chunk;
      if (received.includes("0\r\n\r\n")) finish();
    });
    socket.on("close", finish);
    socket.on("error", finish);
  });

Deno.test("a call answers {ok, value} as the caller that came in over loopback", () =>
  serving(async ({ post }) => {
    const { status, json, headers } = await post("demo.echo", { text: "hi" });
    assert.equal(status, 200);
    assert.deepEqual(json, { ok: true, value: { text: "hi", actor: "http:loopback" } });
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("access-control-allow-origin"), null);
  }));

Deno.test("a failure carries its status, and its patch applied blindly makes the call valid", () =>
  serving(async ({ post }) => {
    const input = { text: "HELLO" };
    const refused = await post("demo.echo", input);
    assert.equal(refused.status, 422);
    const failure = failureFromJson(refused.json.failure);
    assert.equal(failure.code, "DEMO_TOO_LOUD");
    const mended = applyPatch(failure.fix!.patch!, input);
    assert.deepEqual((await post("demo.echo", mended)).json.value.text, "hello");
  }));

Deno.test("every way a call can be refused has its own status", () =>
  serving(async ({ post }) => {
    const cases: ReadonlyArray<readonly [id: string, input: unknown, status: number, code: string]> = [
      ["demo.echo", {}, 400, "KERNEL_INVALID_INPUT"],
      ["demo.echo", [], 400, "KERNEL_INVALID_INPUT"],
      ["demo.echo", { text: "x", oops: 1 }, 400, "KERNEL_INVALID_INPUT"],
      ["demo.nothing", {}, 404, "KERNEL_UNKNOWN_OPERATION"],
      ["demo.send", {}, 403, "KERNEL_DENIED"],
      ["demo.write", { path: "x" }, 403, "KERNEL_APPROVAL_NEEDED"],
      ["demo.break", {}, 500, "KERNEL_DEFECT"],
    ];
    for (const [id, input, status, code] of cases) {
      const answer = await post(id, input);
      assert.deepEqual([answer.status, answer.json.failure.code], [status, code], id);
    }
    assert.equal((await post("demo.write", { path: "x" })).json.failure.fix.command, "rmi approve r-1");
  }));

Deno.test("hidden operations are in no listing, and calling one looks like calling nothing", () =>
  serving(async ({ ask, post }) => {
    const paths = ["/v1/operations", "/v1/manifest", "/openapi.json", "/llms.txt", "/.well-known/agent-card.json"];
    for (const path of [...paths, "/v1/search?q=hidden+secret"]) {
      const { status, text } = await ask(path);
      assert.equal(status, 200, path);
      assert.ok(!text.includes("demo.secret"), `${path} names a hidden operation`);
    }
    const hidden = await post("demo.secret", {});
    assert.equal(hidden.status, 404);
    assert.ok(!JSON.stringify(hidden.json.failure.suggestions).includes("demo.secret"));
    assert.equal((await ask("/v1/operations/demo.secret")).status, 404);
  }));

Deno.test("discovery: list, describe, search and manifest agree with the kernel", () =>
  serving(async ({ ask, kernel }) => {
    const known = await Effect.runPromise(kernel.operations("http:loopback"));
    const listed = (await ask("/v1/operations")).json.value as ReadonlyArray<{ id: string }>;
    assert.deepEqual(listed.map(({ id }) => id).sort(), known.map(({ id }) => id).sort());
    assert.equal((await ask("/v1/operations/demo.echo")).json.value.id, "demo.echo");
    assert.equal((await ask("/v1/search?q=count+up")).json.value.hits[0].id, "demo.count");
    assert.equal((await ask("/v1/search?q=count&limit=1")).json.value.hits.length, 1);
    assert.equal((await ask("/v1/search")).status, 400);
    assert.equal((await ask("/v1/search?q=x&limit=many")).status, 400);
    assert.equal((await ask("/v1/manifest")).text, await Effect.runPromise(kernel.manifest("http:loopback")));
    assert.deepEqual(Object.keys((await ask("/healthz")).json), ["ok", "version"]);
  }));

Deno.test("a stream tells events and progress in order and ends with the answer: NDJSON and SSE", () =>
  serving(async ({ post }) => {
    const lines = (await post("demo.count", { to: 2 }, { accept: "application/x-ndjson" })).text.trim().split("\n");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), [
      { event: { at: 1 } },
      { progress: { label: "counting", done: 1, total: 2 } },
      { event: { at: 2 } },
      { progress: { label: "counting", done: 2, total: 2 } },
      { ok: true, value: { counted: 2 } },
    ]);
    const sse = await post("demo.count", { to: 1 }, { accept: "text/event-stream" });
    assert.equal(sse.headers.get("content-type"), "text/event-stream");
    assert.deepEqual(sse.text.split("\n\n").filter((block) => block !== ""), [
      'event: event\ndata: {"at":1}',
      'event: progress\ndata: {"label":"counting","done":1,"total":1}',
      'event: answer\ndata: {"ok":true,"value":{"counted":1}}',
    ]);
    const refused = await post("demo.echo", {}, { accept: "application/x-ndjson" });
    assert.equal(JSON.parse(refused.text).failure.code, "KERNEL_INVALID_INPUT");
  }));

Deno.test("a stream of two hundred events arrives whole through a slow reader", () =>
  serving(async ({ url }) => {
    const response = await fetch(`${url}/v1/operations/demo.count`, {
      method: "POST",
      headers: { ...JSON_TYPE, accept: "application/x-ndjson" },
      body: JSON.stringify({ to: 200 }),
    });
    let text = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const events = text.trim().split("\n").map((line) => JSON.parse(line)).flatMap((line) => line.event?.at ?? []);
    assert.deepEqual(events, Array.from({ length: 200 }, (_, index) => index + 1));
  }));

Deno.test("a caller that goes away interrupts its call, streamed or not", () =>
  serving(async ({ url, watch }) => {
    for (const accept of ["application/json", "text/event-stream"]) {
      const before = watch.interrupted;
      const leaving = new AbortController();
      const asked = fetch(`${url}/v1/operations/demo.wait`, {
        method: "POST",
        headers: { ...JSON_TYPE, accept },
        body: "{}",
        signal: leaving.signal,
      }).then((response) => response.text()).catch(() => "gone");
      await until(() => watch.waiting === 1, "the call starts");
      leaving.abort();
      await until(() => watch.interrupted === before + 1 && watch.waiting === 0, `the ${accept} call is interrupted`);
      await asked;
    }
  }));

Deno.test("closing the scope interrupts calls in progress and frees the port", async () => {
  const program = Effect.gen(function* () {
    const { front, watch } = yield* openDemo;
    const options = { front, host: "127.0.0.1", tokens: [], hostNames: [], origins: [], tools: [] };
    const port = yield* Effect.scoped(Effect.gen(function* () {
      const served = yield* serve({ ...options, port: 0 });
      const asked = fetch(`${served.url}/v1/operations/demo.wait`, { method: "POST", headers: JSON_TYPE, body: "{}" });
      asked.catch(() => undefined);
      yield* Effect.promise(() => until(() => watch.waiting === 1, "the call starts"));
      return served.port;
    }));
    yield* Effect.promise(() => until(() => watch.interrupted === 1, "the call is interrupted"));
    const again = yield* Effect.scoped(serve({ ...options, port }));
    assert.equal(again.port, port);
  });
  await Effect.runPromise(Effect.scoped(program).pipe(Effect.provide(layerEntropy)));
});

Deno.test("closing waits for nobody: a peer in the middle of its head, an idle one, a stream", async () => {
  const closed: Array<string> = [];
  const peers = await Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      const { front, watch } = yield* openDemo;
      const options = { front, host: "127.0.0.1", tokens: [], hostNames: [], origins: [], tools: [] };
      const { port, url } = yield* serve({ ...options, port: 0 });
      const heads = {
        silent: "",
        half: "GET /healthz HTTP/1.1\r\nho",
        idle: `GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n`,
      };
      for (const [name, text] of Object.entries(heads)) {
        const socket = connect(port, "127.0.0.1", () => socket.write(text));
        socket.on("close", () => closed.push(name));
        socket.on("error", () => undefined);
        socket.on("data", () => undefined);
      }
      const stream = fetch(`${url}/v1/operations/demo.wait`, {
        method: "POST",
        headers: { ...JSON_TYPE, accept: "text/event-stream" },
        body: "{}",
      }).then((response) => response.text()).then(() => closed.push("stream"), () => closed.push("stream"));
      yield* Effect.promise(() => until(() => watch.waiting === 1, "the stream starts"));
      return [stream];
    })).pipe(Effect.provide(layerEntropy)),
  );
  await Promise.all(peers);
  await until(() => closed.length === 4, "every connection is closed");
});

Deno.test("a port in use is a typed failure whose patch works", () =>
  serving(async ({ front, port }) => {
    const options = { front, host: "127.0.0.1", tokens: [], hostNames: [], origins: [], tools: [] };
    const open = (at: number) =>
      Effect.runPromiseExit(Effect.scoped(serve({ ...options, port: at })).pipe(Effect.provide(layerEntropy)));
    const refused = await open(port);
    assert.ok(Exit.isFailure(refused) && refused.cause.reasons[0]._tag === "Fail");
    const failure = (refused.cause.reasons[0] as unknown as { error: { code: string; fix: { patch: [] } } }).error;
    assert.equal(failure.code, "SURFACE_LISTEN");
    const mended = applyPatch(failure.fix.patch, { port }) as { port: number };
    assert.ok(Exit.isSuccess(await open(mended.port)));
  }));

Deno.test("unknown paths, methods, media types and malformed bodies are typed JSON failures", () =>
  serving(async ({ ask, url }) => {
    const post = (headers: HeadersInit, body: BodyInit) =>
      ask("/v1/operations/demo.echo", { method: "POST", headers, body });
    const cases: ReadonlyArray<readonly [name: string, Awaited<ReturnType<typeof ask>>, number, string]> = [
      ["path", await ask("/v2"), 404, "SURFACE_PATH"],
      ["path below", await ask("/v1/operations/demo.echo/x"), 404, "SURFACE_PATH"],
      ["method", await ask("/v1/operations/demo.echo", { method: "DELETE" }), 405, "SURFACE_METHOD"],
      ["method of list", await ask("/v1/operations", { method: "PUT", body: "{}" }), 405, "SURFACE_METHOD"],
      [
        "form",
        await post({ "content-type": "application/x-www-form-urlencoded" }, "text=x"),
        415,
        "SURFACE_MEDIA_TYPE",
      ],
      ["plain text", await post({ "content-type": "text/plain" }, "{}"), 415, "SURFACE_MEDIA_TYPE"],
      ["accept", await post({ ...JSON_TYPE, accept: "image/png" }, "{}"), 406, "SURFACE_ACCEPT"],
      ["json", await post(JSON_TYPE, "{"), 400, "SURFACE_JSON"],
      ["utf-8", await post(JSON_TYPE, Uint8Array.of(0x22, 0xff, 0x22)), 400, "SURFACE_JSON"],
      ["nesting", await post(JSON_TYPE, "[".repeat(257) + "]".repeat(257)), 400, "SURFACE_JSON"],
    ];
    for (const [name, answer, status, code] of cases) {
      assert.deepEqual([answer.status, answer.json?.failure?.code], [status, code], name);
      assert.equal(answer.json.ok, false);
    }
    assert.equal((await ask("/v1/operations", { method: "PUT", body: "{}" })).headers.get("allow"), "GET");
    const head = await fetch(`${url}/healthz`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
  }));

Deno.test("a body at the limit is read, one byte more is refused, said or unsaid beforehand", () => {
  const bodyBytes = 2_000;
  return serving(async ({ ask }) => {
    const frame = JSON.stringify({ text: "" }).length;
    const text = (size: number) => JSON.stringify({ text: "x".repeat(size - frame) });
    const send = (body: BodyInit) => ask("/v1/operations/demo.echo", { method: "POST", headers: JSON_TYPE, body });
    assert.equal((await send(text(bodyBytes))).status, 200);
    const over = await send(text(bodyBytes + 1));
    assert.deepEqual([over.status, over.json.failure.code], [413, "SURFACE_BODY_SIZE"]);
    const bytes = new TextEncoder().encode(text(bodyBytes + 1));
    const unsaid = await send(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(bytes.subarray(0, 1_000));
          controller.enqueue(bytes.subarray(1_000));
          controller.close();
        },
      }),
    );
    assert.deepEqual([unsaid.status, unsaid.json.failure.code], [413, "SURFACE_BODY_SIZE"]);
    assert.equal((await send(text(bodyBytes))).status, 200, "and the server goes on");
  }, { limits: { bodyBytes } });
});

Deno.test("a body that does not arrive, and a call that does not end, meet their deadlines", () =>
  serving(async ({ port, post, watch }) => {
    const head =
      `POST /v1/operations/demo.echo HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n`;
    const slow = await raw(port, `${head}content-length: 100\r\n\r\n{`);
    assert.match(slow, /^HTTP\/1\.1 408 /);
    assert.match(slow, /SURFACE_BODY_DEADLINE/);
    const endless = await post("demo.wait", {});
    assert.deepEqual([endless.status, endless.json.failure.code], [504, "SURFACE_DEADLINE"]);
    const stream = await post("demo.wait", {}, { accept: "application/x-ndjson" });
    assert.equal(JSON.parse(stream.text).failure.code, "SURFACE_DEADLINE");
    assert.deepEqual([watch.waiting, watch.interrupted], [0, 2]);
  }, { limits: { bodyMs: 500, answerMs: 300, streamMs: 400 } }));

Deno.test("calls beyond the limit are refused, and room made is room given", () =>
  serving(async ({ post, url, watch }) => {
    const leaving = new AbortController();
    for (let index = 0; index < 2; index++) {
      fetch(`${url}/v1/operations/demo.wait`, {
        method: "POST",
        headers: JSON_TYPE,
        body: "{}",
        signal: leaving.signal,
      }).catch(() => undefined);
    }
    await until(() => watch.waiting === 2, "both calls start");
    const busy = await post("demo.echo", { text: "x" });
    assert.deepEqual([busy.status, busy.json.failure.code, busy.headers.get("retry-after")], [
      503,
      "SURFACE_BUSY",
      "1",
    ]);
    leaving.abort();
    await until(() => watch.waiting === 0, "both calls end");
    assert.equal((await post("demo.echo", { text: "x" })).status, 200);
  }, { limits: { requests: 2 } }));

Deno.test("connections at the limit are served, those beyond it are closed at once", async () => {
  const limit = 3;
  const server = await openServer({
    address: "127.0.0.1",
    port: 0,
    maxConnections: limit,
    headDeadlineMs: 1_000,
    answer: () => Promise.resolve(new Response("x")),
  });
  const fate = { answered: 0, closed: 0 };
  const sockets = Array.from({ length: limit + 1 }, () => {
    const socket = connect(server.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    socket.once("data", () => fate.answered++);
    socket.on("close", () => fate.closed++);
    socket.on("error", () => undefined);
    return socket;
  });
  await until(() => fate.answered === limit && fate.closed === 1, "all but one are answered");
  for (const socket of sockets) socket.destroy();
  await server.close();
});

Deno.test("a head within the limit is read, one beyond it is not", () =>
  serving(async ({ port }) => {
    const get = (padding: number) =>
      raw(port, `GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nx-pad: ${"p".repeat(padding)}\r\n\r\n`, 500);
    assert.match(await get(MAX_HEAD_BYTES - 500), /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(await get(MAX_HEAD_BYTES + 500), /^HTTP\/1\.1 200 /);
  }));

Deno.test("every list and number of surfaces.serve: at its limit accepted, one past it refused with the place named", () => {
  const decode = Schema.decodeUnknownResult(Serve.input);
  const many = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`);
  const cases: ReadonlyArray<readonly [at: Record<string, unknown>, past: Record<string, unknown>]> = [
    [{ port: 65_535 }, { port: 65_536 }],
    [{ port: 0 }, { port: -1 }],
    [{ tools: many(200, "a.b") }, { tools: many(201, "a.b") }],
    [{ origins: many(100, "https://x") }, { origins: many(101, "https://x") }],
    [{ hostNames: many(100, "x") }, { hostNames: many(101, "x") }],
    [{ host: "x".repeat(253) }, { host: "x".repeat(254) }],
    [{ host: "::1" }, { host: "http://x" }],
    [{ origins: ["http://[::1]:80"] }, { origins: ["https://x/path"] }],
    [{ hostNames: ["box.example:8080"] }, { hostNames: ["box.example/x"] }],
  ];
  for (const [at, past] of cases) {
    assert.ok(Result.isSuccess(decode(at)), JSON.stringify(at).slice(0, 60));
    assert.ok(Result.isFailure(decode(past)), JSON.stringify(past).slice(0, 60));
  }
});

Deno.test("DNS rebinding: a foreign or missing Host is refused before anything else", () =>
  serving(async ({ port }) => {
    const get = (host: string) => raw(port, `GET /v1/operations HTTP/1.1\r\n${host}connection: close\r\n\r\n`);
    assert.match(await get(`host: 127.0.0.1:${port}\r\n`), /^HTTP\/1\.1 200 /);
    assert.match(await get(`host: LOCALHOST:${port}\r\n`), /^HTTP\/1\.1 200 /);
    for (const host of [`host: evil.example:${port}\r\n`, "host: 127.0.0.1:1\r\n", "host: 127.0.0.1\r\n"]) {
      const answer = await get(host);
      assert.match(answer, /^HTTP\/1\.1 403 /, host);
      assert.match(answer, /SURFACE_HOST/);
      assert.ok(!answer.includes("demo."), "nothing is told to it");
    }
    const absolute = await raw(
      port,
      `GET http://127.0.0.1:${port}/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n`,
      300,
    );
    assert.doesNotMatch(absolute, /^HTTP\/1\.1 200 /);
  }));

Deno.test("a web page of another origin is refused, with and without a preflight", () =>
  serving(async ({ ask, url }) => {
    for (const origin of ["https://evil.example", "null", url.replace("127.0.0.1", "localhost")]) {
      const answer = await ask("/v1/operations", { headers: { origin } });
      assert.deepEqual([answer.status, answer.json.failure.code], [403, "SURFACE_ORIGIN"], origin);
      const preflight = await ask("/v1/operations/demo.echo", {
        method: "OPTIONS",
        headers: { origin, "access-control-request-method": "POST" },
      });
      assert.equal(preflight.headers.get("access-control-allow-origin"), null);
      assert.notEqual(preflight.status, 204);
    }
    assert.equal((await ask("/v1/operations", { headers: { origin: url } })).status, 200, "its own pages may");
  }));

Deno.test("a web page of an origin that was named may call", () =>
  serving(async ({ ask, post }) => {
    const origin = "https://desk.example";
    const preflight = await ask("/v1/operations/demo.echo", { method: "OPTIONS", headers: { origin } });
    assert.equal(preflight.status, 204);
    const answer = await post("demo.echo", { text: "x" }, { origin });
    assert.deepEqual([answer.status, answer.headers.get("access-control-allow-origin")], [200, origin]);
    assert.equal((await post("demo.echo", { text: "x" }, { origin: "https://desk.example.evil" })).status, 403);
  }, { origins: ["https://desk.example"] }));

Deno.test("with tokens: nothing but the health check answers without one, and the token's name is the actor", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const tokens = Result.getOrThrow(parseTokens(`# people\nada ${secret}\nbob ${"f".repeat(40)}\n`, "tokens"));
  return serving(async ({ ask, post }) => {
    assert.equal((await ask("/healthz")).status, 200);
    for (const path of ["/v1/operations", "/openapi.json", "/llms.txt", "/.well-known/agent-card.json", "/nowhere"]) {
      const answer = await ask(path);
      assert.deepEqual([answer.status, answer.headers.get("www-authenticate")], [401, "Bearer"], path);
    }
    const wrong = ["", "Bearer", `Bearer ${secret}0`, `Bearer ${secret.slice(1)}`, `Basic ${secret}`, secret];
    for (const authorization of wrong) {
      assert.equal((await ask("/v1/operations", { headers: { authorization } })).status, 401, authorization);
    }
    const ada = await post("demo.echo", { text: "x" }, { authorization: `Bearer ${secret}` });
    assert.equal(ada.json.value.actor, "http:ada");
    const bob = await post("demo.echo", { text: "x" }, { authorization: `bearer ${"f".repeat(40)}` });
    assert.equal(bob.json.value.actor, "http:bob");
  }, { tokens });
});

Deno.test("files of tokens: each way to be wrong names its line and never the token", () => {
  const good = "a".repeat(MIN_TOKEN_LENGTH);
  const cases: ReadonlyArray<readonly [text: string, line: number, reason: RegExp]> = [
    ["", 1, /without a token/],
    ["# nothing\n", 2, /without a token/],
    ["ada", 1, /not `name token`/],
    [`ada ${good} more`, 1, /not `name token`/],
    [`ada ${good}\nada ${good}b`, 2, /repeats/],
    [`ada ${good.slice(1)}`, 1, /fewer than/],
    [`a/b ${good}`, 1, /name/],
    [Array.from({ length: MAX_TOKENS + 1 }, (_, index) => `n${index} ${good}`).join("\n"), MAX_TOKENS + 1, /limit/],
  ];
  for (const [text, line, reason] of cases) {
    const parsed = parseTokens(text, "tokens");
    assert.ok(Result.isFailure(parsed), text.slice(0, 40));
    assert.match(parsed.failure.message, new RegExp(`line ${line} `));
    assert.match(parsed.failure.message, reason);
    assert.ok(!parsed.failure.message.includes(good.slice(1)));
  }
  const at = Array.from({ length: MAX_TOKENS }, (_, index) => `n${index} ${good}`).join("\r\n");
  assert.equal(Result.getOrThrow(parseTokens(at, "tokens")).length, MAX_TOKENS);
  const two = Result.getOrThrow(parseTokens(`ada ${good}\nbob ${good}b`, "tokens"));
  assert.equal(nameOf(`Bearer ${good}b`, two), "bob");
  assert.equal(nameOf(null, two), undefined);
});

Deno.test("only this machine's own addresses count as loopback, and an open address needs no known name", () => {
  for (const own of ["127.0.0.1", "127.9.8.7", "::1", "localhost"]) assert.ok(isLoopback(own), own);
  for (const open of ["0.0.0.0", "::", "192.168.0.1", "127.0.0.1.evil.example", "10.127.0.0", "localhost.evil"]) {
    assert.ok(!isLoopback(open), open);
  }
  const rules = { port: 80, origins: [], tokens: [] };
  const headers = (host: string) => new Headers({ host });
  const anywhere = admissionOf({ ...rules, host: "0.0.0.0", hostNames: [] });
  assert.ok(Result.isSuccess(admit(headers("box.example"), anywhere, false)));
  const named = admissionOf({ ...rules, host: "0.0.0.0", hostNames: ["box.example"] });
  assert.ok(Result.isSuccess(admit(headers("Box.Example"), named, false)));
  assert.ok(Result.isFailure(admit(headers("other.example"), named, false)));
});

Deno.test("the Accept header chooses how the answer travels", () => {
  const cases: ReadonlyArray<readonly [string | null, string | undefined]> = [
    [null, "application/json"],
    ["*/*", "application/json"],
    ["application/json, text/event-stream", "application/json"],
    ["text/event-stream", "text/event-stream"],
    ["text/*", "text/event-stream"],
    ["application/x-ndjson;q=1, application/json;q=0.5", "application/x-ndjson"],
    ["application/json;q=0, */*;q=0.1", "text/event-stream"],
    ["text/html", undefined],
  ];
  for (const [accept, mode] of cases) assert.equal(modeOf(accept), mode, String(accept));
});

Deno.test("a seed makes a call's randomness repeatable", () =>
  serving(async ({ ask }) => {
    const throwOf = async (query: string) =>
      JSON.stringify(
        (await ask(`/v1/operations/demo.dice${query}`, { method: "POST", headers: JSON_TYPE, body: "{}" })).json.value,
      );
    assert.equal(await throwOf("?seed=a"), await throwOf("?seed=a"));
    assert.notEqual(await throwOf("?seed=a"), await throwOf("?seed=b"));
  }));

Deno.test("the OpenAPI document is valid, and describes each operation it serves", () =>
  serving(async ({ ask, kernel, url }) => {
    const { json } = await ask("/openapi.json");
    const judged = await new Validator().validate(json);
    assert.deepEqual(judged.errors ?? [], []);
    assert.ok(judged.valid);
    const served = Object.keys(json.paths).filter((path) => /^\/v1\/operations\/[^{]/u.test(path));
    const known = await Effect.runPromise(kernel.operations("http:loopback"));
    assert.deepEqual(served.sort(), known.map(({ id }) => `/v1/operations/${id}`).sort());
    assert.equal(json.servers[0].url, url);
    const dangling = [...JSON.stringify(json).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/gu)]
      .map(([, name]) => name).filter((name) => !Object.hasOwn(json.components.schemas, name));
    assert.deepEqual(dangling, []);
  }));

/** Calls `surfaces.serve` as somebody, until `body` has used the server it opened. */
const served = (
  input: Json,
  actor: Actor,
  body: (url: string, opened: Opened) => Promise<void>,
): Promise<Result.Result<Json, Failure>> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const opened = yield* openDemo;
    const told = yield* Deferred.make<string>();
    const call = opened.kernel.invoke({
      operation: "surfaces.serve",
      input,
      actor,
      onEvent: (event) => Effect.asVoid(Deferred.succeed(told, (event as { url: string }).url)),
    });
    const use = Effect.flatMap(Deferred.await(told), (url) => Effect.promise(() => body(url, opened)));
    return yield* Effect.result(Effect.raceFirst(call, Effect.as(use, null)));
  })));

Deno.test("surfaces.serve tells its address, asks for exactly that authority, and frees the port when interrupted", async () => {
  let address = "";
  const ended = await served({ port: 0 }, "user@headless", async (url, { seen }) => {
    address = url;
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const uses = seen.flatMap((line) => (line.port === "use" ? [[line.authority, line.detail]] : []));
    assert.deepEqual(uses, [["network", "127.0.0.1:0"]]);
    assert.equal((await (await fetch(`${url}/healthz`)).json()).ok, true);
  });
  assert.ok(Result.isSuccess(ended));
  await assert.rejects(fetch(`${address}/healthz`), "nobody listens any more");
});

Deno.test("surfaces.serve: an address for other machines without tokens opens nothing, and its patch is valid", async () => {
  for (const host of ["0.0.0.0", "::", "192.168.1.1"]) {
    const refused = await served({ host }, "user@tty", () => Promise.resolve());
    assert.ok(Result.isFailure(refused), host);
    assert.equal(refused.failure.code, "SURFACE_TOKEN_NEEDED");
    const mended = applyPatch(refused.failure.fix!.patch!, { host, port: 0 });
    assert.ok(Result.isSuccess(await served(mended, "user@tty", () => Promise.resolve())));
  }
});

Deno.test("surfaces.serve with a file of tokens asks for them; a bad file is refused", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${await Deno.realPath(folder)}/tokens`;
    await Deno.writeTextFile(file, `ada ${"a".repeat(32)}\n`);
    const ended = await served({ port: 0, tokens: file }, "user@headless", async (url) => {
      assert.equal((await fetch(`${url}/v1/operations`)).status, 401);
      const headers = { authorization: `Bearer ${"a".repeat(32)}` };
      assert.equal((await fetch(`${url}/v1/operations`, { headers })).status, 200);
    });
    assert.ok(Result.isSuccess(ended));
    await Deno.writeTextFile(file, "ada short\n");
    const refused = await served({ port: 0, tokens: file }, "user@headless", () => Promise.resolve());
    assert.ok(Result.isFailure(refused));
    assert.equal(refused.failure.code, "SURFACE_TOKENS");
    const absent = await served({ port: 0, tokens: `${file}.absent` }, "user@headless", () => Promise.resolve());
    assert.ok(Result.isFailure(absent));
    assert.equal(absent.failure.code, "KERNEL_DISK");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("no caller of a surface can start another surface", async () => {
  for (const actor of ["http:loopback", "mcp:x", "a2a:x", "agent:x", "policy:x", "plugin:x"] as const) {
    const refused = await served({ port: 0 }, actor, () => Promise.resolve());
    assert.ok(Result.isFailure(refused), actor);
    assert.equal(refused.failure.code, "SURFACE_NOT_FOR_CALLERS");
  }
  await serving(async ({ post }) => {
    const { status, json } = await post("surfaces.mcp", {});
    assert.deepEqual([status, json.failure.code], [403, "SURFACE_NOT_FOR_CALLERS"]);
  });
});

Deno.test("the page on serving names every route with its methods, its limits, and a policy that is accepted", () => {
  const page = Deno.readTextFileSync(new URL("../../../docs/serving.md", import.meta.url));
  const rows = [...page.matchAll(/^\| `(\/[^`]*)` +\| ([A-Z, ]+?) +\|/gmu)].flatMap(([, path, methods]) =>
    methods.split(", ").map((method) => `${method} ${path}`)
  );
  const served = ROUTES.flatMap(({ path, methods }) => Object.keys(methods).map((method) => `${method} ${path}`));
  assert.deepEqual(rows.sort(), served.sort());
  const blocks = [...page.matchAll(/```json\n(.*?)```/gsu)].map(([, text]) => JSON.parse(text));
  assert.deepEqual(blocks.find((block) => "rules" in block), POLICY);
  const { bodyBytes, bodyMs, answerMs, streamMs, requests } = DEFAULT_LIMITS;
  assert.deepEqual([bodyBytes, bodyMs, answerMs, streamMs, requests], [2 ** 20, 15_000, 120_000, 3_600_000, 64]);
  assert.match(
    page,
    /1 MiB, 15 seconds to arrive and 256 levels; a call may take 2 minutes, a stream 1 hour; 64 calls/,
  );
  assert.match(page, new RegExp(`127\\.0\\.0\\.1:${DEFAULT_PORT} `));
});

Deno.test("hostile bytes on the socket leave the server whole", () =>
  serving(async ({ port, ask }) => {
    const attacks = [
      "\x00\x01\x02\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      `GET /${"x".repeat(40_000)} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`,
      `GET /%ff%00 HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`,
      `TRACE / HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`,
      `POST /v1/operations/demo.echo HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n`,
      `OPTIONS * HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`,
    ];
    for (const attack of attacks) {
      const answer = await raw(port, attack, 300);
      assert.ok(!answer.startsWith("HTTP/1.1 200"), attack.slice(0, 30));
      assert.equal((await ask("/healthz")).status, 200, `alive after ${JSON.stringify(attack.slice(0, 30))}`);
    }
    const poison = await ask("/v1/operations/demo.echo", {
      method: "POST",
      headers: JSON_TYPE,
      body: '{"__proto__":{"polluted":true},"text":"x"}',
    });
    assert.equal(poison.status, 400);
    assert.equal(({} as { polluted?: Json }).polluted, undefined);
  }));

Deno.test("under the real guard: what a person approves lets the same call of the same caller through, once", () =>
  inWorkspace(async (workspace) => {
    await Effect.runPromise(
      Effect.scoped(Effect.gen(function* () {
        const kernel = yield* openRmi({ workspace, plugins: [demoPlugin({ waiting: 0, interrupted: 0 })] });
        const front = frontOf(Effect.succeed(kernel));
        const tokens = Result.getOrThrow(parseTokens(`ada ${"a".repeat(32)}\nbob ${"b".repeat(32)}`, "tokens"));
        const { url } = yield* serve({
          front,
          host: "127.0.0.1",
          port: 0,
          tokens,
          hostNames: [],
          origins: [],
          tools: [],
        });
        const send = (letter: string) =>
          Effect.promise(async () => {
            const headers = { ...JSON_TYPE, authorization: `Bearer ${letter.repeat(32)}` };
            const response = await fetch(`${url}/v1/operations/demo.send`, { method: "POST", headers, body: "{}" });
            return { status: response.status, ...await response.json() };
          });
        const asked = yield* send("a");
        assert.deepEqual([asked.status, asked.failure.code], [403, "KERNEL_APPROVAL_NEEDED"]);
        const request = asked.failure.fix.command.replace("rmi approve ", "");
        const approve = (actor: Actor) =>
          Effect.result(kernel.invoke({ operation: "approvals.approve", input: { request }, actor }));
        assert.ok(Result.isFailure(yield* approve("http:ada")), "the proposer never approves");
        assert.ok(Result.isFailure(yield* approve("user@headless")));
        assert.ok(Result.isSuccess(yield* approve("user@tty")));
        assert.equal((yield* send("b")).status, 403, "another caller has nothing of it");
        assert.deepEqual(yield* send("a"), { status: 200, ok: true, value: null });
        assert.equal((yield* send("a")).status, 403, "it was for once");
      })).pipe(Effect.provide(layerEntropy)),
    );
  }));

Deno.test("the real process, `rmi call surfaces.serve` under the supervisor: allowed by policy, stopped by an interrupt", () =>
  inWorkspace(async (workspace) => {
    const asked = await rmi(workspace, ["call", "surfaces.serve", '{"port":0}']);
    assert.equal(asked.code, 3, "by default it asks");
    await Deno.writeTextFile(`${workspace}/rmi.policy.json`, JSON.stringify(POLICY));
    const child = start(workspace, ["call", "surfaces.serve", '{"port":0}']);
    await child.stdin.close();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const first = await lines.read();
    const { url, mcp, card } = JSON.parse(first.value!.split("\n")[0]).event;
    assert.deepEqual([mcp, card], [`${url}/mcp`, `${url}/.well-known/agent-card.json`]);
    const found = await (await fetch(`${url}/v1/search?q=describe+an+operation&limit=1`)).json();
    assert.equal(found.value.hits[0].id, "kernel.describe");
    const spec = await (await fetch(`${url}/openapi.json`)).json();
    assert.ok((await new Validator().validate(spec)).valid);
    const refused = await fetch(`${url}/v1/operations/surfaces.serve`, {
      method: "POST",
      headers: JSON_TYPE,
      body: '{"port":0}',
    });
    assert.equal((await refused.json()).failure.code, "SURFACE_NOT_FOR_CALLERS");
    child.kill("SIGINT");
    let rest = "";
    for (let step = await lines.read(); !step.done; step = await lines.read()) rest += step.value;
    const [{ code }] = await Promise.all([child.status, child.stderr.cancel()]);
    assert.equal(code, 130);
    assert.equal(JSON.parse(rest).failure.code, "KERNEL_INTERRUPTED");
    await assert.rejects(fetch(`${url}/healthz`), "nobody listens any more");
  }));
