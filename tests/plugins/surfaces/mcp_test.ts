/**
 * MCP, judged by the protocol's own client (`@modelcontextprotocol/client`) against a real process over standard
 * streams and against the real server over HTTP, in both eras of the protocol.
 */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { applyPatch, type JsonPatch, type Progress } from "../../../kernel/mod.ts";
import { layerEntropy } from "../../../kernel/platform/entropy.ts";
import { parseTokens } from "../../../plugins/surfaces/http/tokens.ts";
import { serve } from "../../../plugins/surfaces/http/server.ts";
import { growing } from "../../../plugins/surfaces/mcp/notices.ts";
import { MAX_SESSIONS } from "../../../plugins/surfaces/mcp/sessions.ts";
import { serving, until } from "./http_fixture.ts";
import { inWorkspace, LAUNCH, rmi } from "./rmi.ts";

const HERE = new URL("./", import.meta.url);
const CONFIG = new URL("../../../deno.json", import.meta.url);

const PROCESS = [
  ...["run", "-A", "--no-check", "--cached-only", "--config", CONFIG.pathname],
  new URL("mcp_process.ts", HERE).pathname,
];

type Era = "legacy" | "auto";

const VERSIONS: Readonly<Record<Era, string>> = { legacy: "2025-11-25", auto: "2026-07-28" };

const connected = async (era: Era, transport: Parameters<Client["connect"]>[0], name = "judge"): Promise<Client> => {
  const client = new Client({ name, version: "1.0.0" }, { versionNegotiation: { mode: era } });
  await client.connect(transport);
  assert.equal(client.getNegotiatedProtocolVersion(), VERSIONS[era]);
  return client;
};

const overStdio = (era: Era, tools: ReadonlyArray<string>, name?: string): Promise<Client> =>
  connected(
    era,
    new StdioClientTransport({ command: Deno.execPath(), args: [...PROCESS, ...tools], stderr: "inherit" }),
    name,
  );

type Called = {
  readonly isError?: boolean;
  readonly content: ReadonlyArray<{ readonly type: string; readonly text: string }>;
  // deno-lint-ignore no-explicit-any -- tests look at members one by one
  readonly structuredContent: any;
};

const call = async (client: Client, name: string, given: Record<string, unknown>): Promise<Called> => {
  const called = await client.callTool({ name, arguments: given }) as unknown as Called;
  assert.deepEqual(JSON.parse(called.content[0].text), called.structuredContent, "text and structure agree");
  return called;
};

/** What every client of every transport can rely on. */
const judge = async (client: Client): Promise<void> => {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map(({ name }) => name), ["search", "describe", "call", "demo-count", "demo-echo"]);
  for (const tool of tools) {
    assert.equal(tool.inputSchema.type, "object");
    assert.ok((tool.description ?? "").length > 20, tool.name);
  }
  const echo = tools.find(({ name }) => name === "demo-echo");
  assert.deepEqual(
    [echo?.annotations?.readOnlyHint, echo?.annotations?.destructiveHint, echo?.annotations?.openWorldHint],
    [true, false, false],
  );
  const found = await call(client, "search", { query: "count up" });
  assert.equal(found.structuredContent.value.hits[0].id, "demo.count");
  const described = await call(client, "describe", { id: "demo.echo" });
  assert.deepEqual(described.structuredContent.value.input.required, ["text"]);
  const said = await call(client, "call", { operation: "demo.echo", input: { text: "a" } });
  assert.deepEqual([said.isError ?? false, said.structuredContent.value.text], [false, "a"]);
  assert.equal((await call(client, "demo-echo", { text: "b" })).structuredContent.value.text, "b");
};

const REGISTERED = ["demo.echo", "demo.count"];

for (const era of ["legacy", "auto"] as const) {
  Deno.test(`over standard streams, ${era}: search, describe, call and direct tools, as mcp:<client>`, async () => {
    const client = await overStdio(era, REGISTERED, "a judge/1");
    try {
      assert.equal(client.getServerVersion()?.name, "rmi");
      await judge(client);
      const said = await call(client, "call", { operation: "demo.echo", input: { text: "x" } });
      assert.equal(said.structuredContent.value.actor, "mcp:a-judge-1");
    } finally {
      await client.close();
    }
  });

  Deno.test(`over HTTP, ${era}: the same, as mcp:<token or loopback>/<client>`, () =>
    serving(async ({ url }) => {
      const client = await connected(era, new StreamableHTTPClientTransport(new URL(`${url}/mcp`)), "ada/x");
      await judge(client);
      const said = await call(client, "call", { operation: "demo.echo", input: { text: "x" } });
      assert.equal(said.structuredContent.value.actor, "mcp:loopback/ada-x");
      await client.close();
    }, { tools: REGISTERED }));

  Deno.test(`${era}: refusals are results with the failure whole: the command to approve, the patch to apply`, () =>
    serving(async ({ url }) => {
      const client = await connected(era, new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
      const asked = await call(client, "call", { operation: "demo.write", input: { path: "x" } });
      assert.deepEqual([asked.isError, asked.structuredContent.ok], [true, false]);
      assert.equal(asked.structuredContent.failure.code, "KERNEL_APPROVAL_NEEDED");
      assert.equal(asked.structuredContent.failure.fix.command, "rmi approve r-1");
      const denied = await call(client, "call", { operation: "demo.send" });
      assert.equal(denied.structuredContent.failure.code, "KERNEL_DENIED");
      const input = { txt: "x" };
      const wrong = await call(client, "call", { operation: "demo.echo", input });
      assert.equal(wrong.isError, true);
      const mended = applyPatch(wrong.structuredContent.failure.fix.patch as JsonPatch, input);
      assert.equal((await call(client, "call", { operation: "demo.echo", input: mended })).isError ?? false, false);
      const misspelt = await call(client, "call", { operation: "demo.ecko", input: { text: "x" } });
      assert.equal(misspelt.structuredContent.failure.suggestions[0], "demo.echo");
      for (const given of [{}, { operation: 1 }, { operation: "demo.echo", input: { text: "x" }, more: 1 }]) {
        const malformed = await call(client, "call", given);
        assert.equal(malformed.structuredContent.failure.code, "KERNEL_INVALID_INPUT", JSON.stringify(given));
      }
      const broken = await call(client, "call", { operation: "demo.break" });
      assert.equal(broken.structuredContent.failure.code, "KERNEL_DEFECT");
      await client.close();
    }));

  Deno.test(`${era}: progress and events reach the client that asked for them, in order`, async () => {
    const client = await overStdio(era, []);
    try {
      const progress: Array<unknown> = [];
      const events: Array<unknown> = [];
      client.setNotificationHandler("notifications/message", (notification) => {
        events.push([notification.params.logger, notification.params.data]);
      });
      const called = await client.callTool(
        {
          name: "call",
          arguments: { operation: "demo.count", input: { to: 3, everyMs: 30 } },
          ...(era === "auto" ? { _meta: { "io.modelcontextprotocol/logLevel": "info" } } : {}),
        },
        { onprogress: (told: unknown) => void progress.push(told) },
      ) as unknown as Called;
      assert.deepEqual(called.structuredContent, { ok: true, value: { counted: 3 } });
      // The last notices and the result are read in one go; this client then drops progress of a finished call.
      assert.deepEqual(progress.slice(0, 2), [
        { progress: 1, total: 3, message: "counting" },
        { progress: 2, total: 3, message: "counting" },
      ]);
      assert.deepEqual(events, [1, 2, 3].map((at) => ["demo.count", { at }]));
    } finally {
      await client.close();
    }
  });

  Deno.test(`${era}: a cancelled call is interrupted, and the connection goes on`, async () => {
    const client = await overStdio(era, []);
    try {
      const watched = async () => (await call(client, "call", { operation: "demo.watched" })).structuredContent.value;
      const cancelling = new AbortController();
      const waiting = client.callTool({ name: "call", arguments: { operation: "demo.wait" } }, {
        signal: cancelling.signal,
      }).then(() => "answered", () => "cancelled");
      for (let round = 0; (await watched()).waiting !== 1; round++) assert.ok(round < 2_000, "the call starts");
      cancelling.abort();
      assert.equal(await waiting, "cancelled");
      for (let round = 0; (await watched()).interrupted !== 1; round++) {
        assert.ok(round < 2_000, "the call is interrupted");
      }
      assert.equal((await watched()).waiting, 0);
    } finally {
      await client.close();
    }
  });

  Deno.test(`${era}: resources: the manifest, the list, one operation, and completion of its id`, () =>
    serving(async ({ url, kernel }) => {
      const client = await connected(era, new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
      const read = async (uri: string) => {
        const [content] = (await client.readResource({ uri })).contents;
        return (content as { text: string }).text;
      };
      const listed = (await client.listResources()).resources.map(({ uri }) => uri);
      assert.deepEqual(listed.sort(), ["manifest://operations", "manifest://rmi"]);
      assert.equal(await read("manifest://rmi"), await Effect.runPromise(kernel.manifest("mcp:loopback/judge")));
      assert.ok((await read("manifest://operations")).includes("demo.echo"));
      assert.equal(JSON.parse(await read("manifest://operations/demo.echo")).id, "demo.echo");
      await assert.rejects(read("manifest://operations/demo.ecko"), /Cannot find operation/);
      const { completion } = await client.complete({
        ref: { type: "ref/resource", uri: "manifest://operations/{id}" },
        argument: { name: "id", value: "demo.e" },
      });
      assert.deepEqual(completion.values, ["demo.echo"]);
      await client.close();
    }));
}

Deno.test("hidden operations are in no tool, resource or completion, and are no tool by wish either", () =>
  serving(async ({ url, front }) => {
    const client = await connected("auto", new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
    const told = JSON.stringify([
      await client.listTools(),
      await client.readResource({ uri: "manifest://rmi" }),
      await client.readResource({ uri: "manifest://operations" }),
      await call(client, "search", { query: "secret hidden", limit: 50 }),
      await call(client, "call", { operation: "demo.secre" }),
    ]);
    assert.ok(!told.includes("demo.secret") && !told.includes("demo-secret"));
    await assert.rejects(client.readResource({ uri: "manifest://operations/demo.secret" }));
    await client.close();
    for (const tools of [["demo.secret"], ["nowhere"], ["demo.ech"]]) {
      const options = { front, host: "127.0.0.1", port: 0, tokens: [], hostNames: [], origins: [], tools };
      const exit = await Effect.runPromiseExit(Effect.scoped(serve(options)).pipe(Effect.provide(layerEntropy)));
      assert.ok(Exit.isFailure(exit) && exit.cause.reasons[0]._tag === "Fail", tools[0]);
      const { code, path, suggestions } = exit.cause.reasons[0].error;
      assert.deepEqual([code, path], ["KERNEL_UNKNOWN_OPERATION", "/tools/0"]);
      assert.ok(!suggestions.includes("demo.secret"));
    }
  }));

Deno.test("a namespace stands for all of its operations that may be known", () =>
  serving(async ({ url, kernel }) => {
    const client = await connected("auto", new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
    const names = (await client.listTools()).tools.map(({ name }) => name).slice(3);
    const known = await Effect.runPromise(kernel.operations("mcp:loopback/judge"));
    const demo = known.map(({ id }) => id).filter((id) => id.startsWith("demo."));
    assert.deepEqual(names, demo.map((id) => id.replace(".", "-")).sort());
    await client.close();
  }, { tools: ["demo"] }));

Deno.test("standard output carries messages only, whatever comes in; the end of input ends the process", async () => {
  const child = new Deno.Command(Deno.execPath(), { args: PROCESS, stdin: "piped", stdout: "piped", stderr: "piped" })
    .spawn();
  const initialize = {
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
  };
  const params = { name: "call", arguments: { operation: "demo.break" } };
  const lines: ReadonlyArray<Uint8Array | string> = [
    "not json",
    "42",
    Uint8Array.of(0x7b, 0xff, 0x7d),
    "[]",
    JSON.stringify(initialize),
    JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" }),
    "{}",
    JSON.stringify({ jsonrpc: "2.0", id: 2, method: "no/such" }),
    JSON.stringify({ jsonrpc: "2.0", id: 3, method: "tools/call", params }),
    JSON.stringify({ jsonrpc: "2.0", id: 4, method: "tools/call", params: { name: "nothing", arguments: {} } }),
  ];
  const writer = child.stdin.getWriter();
  for (const line of lines) {
    await writer.write(typeof line === "string" ? new TextEncoder().encode(line) : line);
    await writer.write(new TextEncoder().encode("\n"));
  }
  await writer.close();
  const { code, stdout } = await child.output();
  const messages = new TextDecoder().decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(code, 0);
  for (const message of messages) assert.equal(message.jsonrpc, "2.0");
  const answerTo = (id: unknown) => messages.filter((message) => message.id === id);
  assert.deepEqual(answerTo(null).map(({ error }) => error.code).sort(), [-32_600, -32_600, -32_700, -32_700]);
  assert.equal(answerTo(1)[0].result.protocolVersion, "2025-06-18");
  assert.equal(answerTo(2)[0].error.code, -32_601);
  assert.equal(answerTo(3)[0].result.structuredContent.failure.code, "KERNEL_DEFECT");
  assert.equal(answerTo(4).length, 1);
});

Deno.test("a client that stops reading ends the process", async () => {
  const child = new Deno.Command(Deno.execPath(), { args: PROCESS, stdin: "piped", stdout: "piped", stderr: "null" })
    .spawn();
  await child.stdout.cancel();
  const writer = child.stdin.getWriter();
  let ended = false;
  const status = child.status.then((found) => {
    ended = true;
    return found;
  });
  while (!ended) {
    await writer.write(new TextEncoder().encode("not json\n")).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal((await status).code, 0);
  await writer.close().catch(() => undefined);
});

Deno.test("over HTTP the token is the caller: no token no session, and no header can name another", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const tokens = Result.getOrThrow(parseTokens(`ada ${secret}\n`, "tokens"));
  return serving(async ({ url }) => {
    const endpoint = new URL(`${url}/mcp`);
    await assert.rejects(connected("legacy", new StreamableHTTPClientTransport(endpoint)));
    const headers = { authorization: `Bearer ${secret}`, "x-rmi-caller": "root" };
    const client = await connected("auto", new StreamableHTTPClientTransport(endpoint, { requestInit: { headers } }));
    const said = await call(client, "call", { operation: "demo.echo", input: { text: "x" } });
    assert.equal(said.structuredContent.value.actor, "mcp:ada/judge");
    await client.close();
  }, { tokens });
});

Deno.test("over HTTP a client that leaves interrupts its call; a body over the limit is refused", () =>
  serving(async ({ url, watch, ask }) => {
    const client = await connected("auto", new StreamableHTTPClientTransport(new URL(`${url}/mcp`)));
    const cancelling = new AbortController();
    const waiting = client.callTool({ name: "call", arguments: { operation: "demo.wait" } }, {
      signal: cancelling.signal,
    }).catch(() => "cancelled");
    await until(() => watch.waiting === 1, "the call starts");
    cancelling.abort();
    await waiting;
    await until(() => watch.interrupted === 1 && watch.waiting === 0, "the call is interrupted");
    await client.close();
    const over = await ask("/mcp", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { pad: "x".repeat(10_000) } }),
    });
    assert.deepEqual([over.status, over.json.failure.code], [413, "SURFACE_BODY_SIZE"]);
  }, { limits: { bodyBytes: 8_000 } }));

const MCP_HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};

Deno.test("a session is its opener's: for another token it is as if it had never been, and cannot be ended", () => {
  const tokens = Result.getOrThrow(parseTokens(`ada ${"a".repeat(32)}\nbob ${"b".repeat(32)}`, "tokens"));
  return serving(async ({ ask }) => {
    const as = (letter: string) => ({ ...MCP_HEADERS, authorization: `Bearer ${letter.repeat(32)}` });
    const opened = await ask("/mcp", { method: "POST", headers: as("a"), body: JSON.stringify(INITIALIZE) });
    const session = opened.headers.get("mcp-session-id")!;
    const body = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list" });
    const list = async (letter: string, id: string) =>
      (await ask("/mcp", { method: "POST", headers: { ...as(letter), "mcp-session-id": id }, body })).status;
    const end = async (letter: string) =>
      (await ask("/mcp", { method: "DELETE", headers: { ...as(letter), "mcp-session-id": session } })).status;
    assert.equal(await list("a", session), 200);
    assert.deepEqual([await list("b", session), await list("b", "never-was")], [404, 404]);
    assert.notEqual(await end("b"), 204);
    assert.equal(await list("a", session), 200, "still there");
    assert.equal(await end("a"), 204);
    assert.equal(await list("a", session), 404);
  }, { tokens });
});

Deno.test("sessions at the limit are all served; one more ends the one used longest ago", () =>
  serving(async ({ ask }) => {
    const open = async () =>
      (await ask("/mcp", { method: "POST", headers: MCP_HEADERS, body: JSON.stringify(INITIALIZE) })).headers.get(
        "mcp-session-id",
      )!;
    const body = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping" });
    const ping = async (id: string) =>
      (await ask("/mcp", { method: "POST", headers: { ...MCP_HEADERS, "mcp-session-id": id }, body })).status;
    const ids: Array<string> = [];
    while (ids.length < MAX_SESSIONS) ids.push(await open());
    assert.equal(await ping(ids[0]), 200, "the first is alive at the limit, and now used most recently");
    await open();
    assert.deepEqual([await ping(ids[0]), await ping(ids[1]), await ping(ids[2])], [200, 404, 200]);
  }));

Deno.test("progress in several phases grows, and what gains nothing is not sent", () => {
  const grow = growing();
  const phases: ReadonlyArray<readonly [done: number, total: number | undefined]> = [
    [0, 4],
    [2, 4],
    [2, 4],
    [4, 4],
    [0, 10],
    [5, 10],
    [6, undefined],
    [1, undefined],
  ];
  const sent = phases.map(([done, total]) =>
    grow({ label: "x", done, ...(total === undefined ? {} : { total }) } as Progress)
  );
  assert.deepEqual(sent, [
    { progress: 0, total: 4 },
    { progress: 2, total: 4 },
    undefined,
    { progress: 4, total: 4 },
    undefined,
    { progress: 9, total: 14 },
    { progress: 10 },
    { progress: 11 },
  ]);
});

Deno.test("the real process, `rmi surfaces mcp` under the supervisor: discovery, a call, and the command to approve", () =>
  inWorkspace(async (workspace) => {
    const transport = new StdioClientTransport({
      command: Deno.execPath(),
      args: [...LAUNCH, "surfaces", "mcp", "--tools", "kernel"],
      cwd: workspace,
      env: Deno.env.toObject(),
      stderr: "inherit",
    });
    const client = await connected("auto", transport);
    try {
      const { tools } = await client.listTools();
      const direct = tools.map(({ name }) => name).filter((name) => name.startsWith("kernel-"));
      assert.ok(direct.includes("kernel-manifest") && direct.includes("kernel-search"));
      const manifest = await call(client, "kernel-manifest", {});
      const { contents: [resource] } = await client.readResource({ uri: "manifest://rmi" });
      assert.equal(manifest.structuredContent.value.text, (resource as { text: string }).text);
      const asked = await call(client, "call", { operation: "surfaces.serve", input: { port: 0 } });
      assert.equal(asked.structuredContent.failure.code, "KERNEL_APPROVAL_NEEDED");
      assert.match(asked.structuredContent.failure.fix.command, /^rmi approve [0-9a-z-]+$/);
    } finally {
      await client.close();
    }
    const wrong = await rmi(workspace, ["call", "surfaces.mcp", '{"tools":["kernel.serch"]}']);
    assert.equal((wrong.documents()[0].failure as { code: string }).code, "KERNEL_UNKNOWN_OPERATION");
    assert.equal((await rmi(workspace, ["surfaces", "mcp"])).out, "", "without a client there is nothing to say");
  }));
