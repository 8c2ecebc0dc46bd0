/**
 * The main job as an outside client of the Model Context Protocol does it, step by step, through the real launcher: finds
 * the operation in its own words, reads about it, calls it, follows its progress, and checks what came out by others.
 */
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import assert from "node:assert/strict";
import type { Json, JsonObject } from "../../../kernel/mod.ts";
import { LAUNCH } from "../surfaces/rmi.ts";

/** Longest wait for an answer, milliseconds. */
const PATIENCE_MS = 900_000;

/** A call's answer: its value, or the failure. */
export interface Answered {
  readonly ok: boolean;
  // deno-lint-ignore no-explicit-any -- answers are looked at member by member
  readonly value: any;
  // deno-lint-ignore no-explicit-any -- likewise
  readonly failure: any;
}

/** What a client sees while a call goes on. */
export interface Followed {
  /** Progress: how much is done, of how much, of what. */
  readonly progress: Array<{ readonly progress: number; readonly total?: number; readonly message?: string }>;
  /** Events of the operation. */
  readonly events: Array<JsonObject>;
}

/** A client at work. */
export interface McpClient {
  /** The tools of the server. */
  readonly tools: ReadonlyArray<string>;
  /** Calls one of them. */
  readonly tool: (name: string, given: JsonObject, followed?: Followed) => Promise<Answered>;
  /** Calls an operation, which has to succeed. */
  readonly call: (operation: string, input: JsonObject, followed?: Followed) => Promise<Answered["value"]>;
}

/** Starts the launcher in a workspace, connects, and works. */
export const asMcpClient = async <A>(workspace: string, work: (client: McpClient) => Promise<A>): Promise<A> => {
  const client = new Client({ name: "outsider", version: "1.0.0" }, { versionNegotiation: { mode: "auto" } });
  const transport = new StdioClientTransport({
    command: Deno.execPath(),
    args: [...LAUNCH, "surfaces", "mcp"],
    cwd: workspace,
    stderr: "inherit",
  });
  await client.connect(transport);
  let following: Followed | undefined;
  client.setNotificationHandler("notifications/message", ({ params }) => {
    following?.events.push(params.data as JsonObject);
  });
  const tool: McpClient["tool"] = async (name, given, followed) => {
    following = followed;
    const answer = await client.callTool(
      {
        name,
        arguments: given as Record<string, unknown>,
        _meta: { "io.modelcontextprotocol/logLevel": "info" },
      },
      {
        timeout: PATIENCE_MS,
        ...(followed === undefined ? {} : { onprogress: (told) => void followed.progress.push(told) }),
      },
    ) as unknown as { readonly structuredContent: Answered };
    following = undefined;
    return answer.structuredContent;
  };
  try {
    const { tools } = await client.listTools();
    return await work({
      tools: tools.map(({ name }) => name),
      tool,
      call: async (operation, input, followed) => {
        const { ok, value, failure } = await tool("call", { operation, input }, followed);
        assert.ok(ok, `${operation}: ${failure?.code} ${failure?.message}`);
        return value;
      },
    });
  } finally {
    await client.close();
  }
};

/** A policy under which what this client makes is approved by a rule, within the bounds of models. */
export const TRUSTING: Json = {
  format: 1,
  rules: [],
  automatic: [{ name: "trusted.client", actor: "mcp:outsider", domain: "models.*", perHour: 60, maxBytes: 16_384 }],
};

/** What the job is asked for. */
export interface McpJob {
  /** The data, as the operation takes them. */
  readonly data: Json;
  /** The column that is learned, of a table. */
  readonly target?: string;
  /** Operations it may take. */
  readonly flops: number;
  /** The run's name. */
  readonly name: string;
}

/** What the client found out, step by step. */
export interface McpFound {
  /** Operations that it found by searching. */
  readonly hits: ReadonlyArray<string>;
  /** Members of the description that it read. */
  readonly described: ReadonlyArray<string>;
  /** What it saw while the call went on. */
  readonly followed: Followed;
  /** The answer. */
  readonly answer: Answered["value"];
  /** The model judged once more, by another call. */
  readonly judged: Answered["value"];
  /** The run's lineage. */
  readonly lineage: Answered["value"];
  /** One candidate of it with its ancestors. */
  readonly kin: Answered["value"];
  /** The stored result. */
  readonly stored: Answered["value"];
  /** Whether the chain of events is whole. */
  readonly verified: Answered["value"];
}

const QUERY = "create a model from data: evolve, train and register it";

/** Does the main job and looks at what came of it. */
export const mcpJob = async (client: McpClient, { data, target, flops, name }: McpJob): Promise<McpFound> => {
  const found = await client.tool("search", { query: QUERY });
  const hits: ReadonlyArray<{ readonly id: string }> = found.value.hits;
  const described = await client.tool("describe", { id: hits[0].id });
  const followed: Followed = { progress: [], events: [] };
  const answer = await client.call(
    hits[0].id,
    { data, ...(target === undefined ? {} : { target }), budget: { flops }, name, seed: 1 },
    followed,
  );
  const source = target === undefined ? data : { path: data, target, prepare: true };
  const judged = await client.call("neural.evaluate", { digest: answer.model, data: source });
  const lineage = await client.call("evolution.lineage", { run: answer.run, limit: 200 });
  const last = lineage.rows.at(-1);
  return {
    hits: hits.map(({ id }) => id),
    described: Object.keys(described.value),
    followed,
    answer,
    judged,
    lineage,
    kin: await client.call("evolution.lineage", { run: answer.run, individual: last.id }),
    stored: await client.call("artifacts.get", { artifact: answer.result }),
    verified: await client.call("ledger.verify", {}),
  };
};
