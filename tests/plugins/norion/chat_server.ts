/** A local server that speaks the chat completions protocol, and breaks it in every way that servers do. */
import type { Random } from "../../../kernel/mod.ts";

/** How one exchange goes. */
export type Manner =
  | "well"
  | "counted"
  | "length"
  | "busy"
  | "broken"
  | "denied"
  | "gone"
  | "too-long"
  | "filtered"
  | "refusing"
  | "silent"
  | "garbage"
  | "not-a-completion"
  | "empty"
  | "cut"
  | "torn"
  | "late-error"
  | "huge"
  | "moved";

/** What the server was asked. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | null;
  readonly body: Record<string, unknown>;
}

/** The server. */
export interface ChatServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[];
}

/** The words it answers with. */
export const WORDS = ["The ", "answer ", "is ", "雨", " and 4", "2."];

/** The text it answers with. */
export const TEXT = WORDS.join("");

const event = (body: unknown): string => `data: ${JSON.stringify(body)}\n\n`;
const delta = (content: string, finish: string | null = null) =>
  event({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] });

const USAGE = { prompt_tokens: 17, completion_tokens: 6 };

/** Bytes in pieces that tear characters and lines apart. */
const inPieces = (text: string, size: number, fail = false): ReadableStream<Uint8Array> => {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return fail ? controller.error(new Error("torn")) : controller.close();
      controller.enqueue(bytes.slice(at, at += size));
    },
  });
};

const streamed = (manner: Manner): string => {
  const words = WORDS.map((word) => delta(word));
  switch (manner) {
    case "cut":
    case "torn":
      return words.slice(0, 3).join("");
    case "garbage":
      return `${words[0]}data: {"choices": [\n\n`;
    case "late-error":
      return words.slice(0, 2).join("") + event({ error: { code: "server_error", message: "PRIVATE" } });
    case "empty":
      return delta("", "stop") + "data: [DONE]\n\n";
    case "filtered":
      return words[0] + delta("", "content_filter");
    case "refusing":
      return event({ choices: [{ delta: { refusal: "I will not" }, finish_reason: null }] }) + delta("", "stop");
    case "length":
      return words.join("") + delta("", "length") + "data: [DONE]\n\n";
    case "counted":
      return ": comment\n\n" + words.join("") + delta("", "stop") + event({ choices: [], usage: USAGE }) +
        "data: [DONE]\n\n";
    case "not-a-completion":
      return event({ object: "list" });
    default:
      return words.join("") + delta("", "stop") + "data: [DONE]\n\n";
  }
};

const whole = (manner: Manner): string => {
  const choice = (content: string | null, finish: string | null, more = {}) =>
    JSON.stringify({
      choices: [{ message: { role: "assistant", content, ...more }, finish_reason: finish }],
      ...(manner === "counted" ? { usage: USAGE } : {}),
    });
  switch (manner) {
    case "cut":
      return choice(TEXT, null);
    case "torn":
    case "garbage":
      return choice(TEXT, "stop").slice(0, 40);
    case "late-error":
    case "not-a-completion":
      return JSON.stringify({ object: "list" });
    case "empty":
      return choice(" \n", "stop");
    case "filtered":
      return choice("The", "content_filter");
    case "refusing":
      return choice(null, "stop", { refusal: "I will not" });
    case "length":
      return choice(TEXT, "length");
    default:
      return choice(TEXT, "stop");
  }
};

const error = (status: number, code: string, headers: HeadersInit = {}): Response =>
  new Response(JSON.stringify({ error: { code, message: "PRIVATE: your prompt was …" } }), { status, headers });

const REFUSALS: { readonly [M in Manner]?: () => Response } = {
  busy: () => error(429, "rate_limit_exceeded", { "retry-after": "0" }),
  broken: () => error(500, "server_error"),
  denied: () => error(401, "invalid_api_key"),
  gone: () => error(404, "model_not_found"),
  "too-long": () => error(400, "context_length_exceeded"),
  moved: () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/elsewhere" } }),
};

/** Opens a server; `manner` says how each exchange goes. */
export const chatServer = (manner: (asked: Asked) => Manner): ChatServer => {
  const asked: Asked[] = [];
  const hung: Array<() => void> = [];
  const server = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, async (request) => {
    const body = await request.json();
    const one = {
      path: new URL(request.url).pathname,
      authorization: request.headers.get("authorization"),
      body,
    };
    asked.push(one);
    const how = manner(one);
    const refusal = REFUSALS[how];
    if (refusal !== undefined) return refusal();
    if (how === "silent") {
      await new Promise<void>((resolve) => hung.push(resolve));
      return new Response("late");
    }
    if (how === "huge") {
      const line = "data: " + " ".repeat(1 << 20);
      let left = 40;
      return new Response(
        new ReadableStream({
          pull: (to) => left-- > 0 ? to.enqueue(new TextEncoder().encode(line)) : to.close(),
        }),
      );
    }
    const text = body.stream === true ? streamed(how) : whole(how);
    return new Response(inPieces(text, 7, how === "torn" && body.stream === true));
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/v1`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const release of hung) release();
      await server.shutdown();
    },
  };
};

/** A storm: one exchange in so many goes well, by seed. */
export const storm = (draw: Random): () => Manner => {
  const weather: ReadonlyArray<Manner> = [
    "busy",
    "broken",
    "silent",
    "garbage",
    "cut",
    "torn",
    "late-error",
    "empty",
    "not-a-completion",
    "well",
    "counted",
    "well",
  ];
  return () => draw.pick(weather);
};
