/**
 * Platform HTTP: a server on `node:http` (Deno and Node alike) that hands each exchange over as web Request and Response.
 *
 * Not a router and not a guard (plugins/surfaces/http): whoever opens a server decides who may use it.
 * Invariant: a request's signal aborts when its peer goes away, and after `close` the port is free and no peer is served.
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";

/** What a server needs. */
export interface ServerOptions {
  /** Address to bind. */
  readonly address: string;
  /** Port to bind; 0 lets the system choose. */
  readonly port: number;
  /** Most connections at once. */
  readonly maxConnections: number;
  /** How long the head of a request may take, where the platform can bound it, milliseconds. */
  readonly headDeadlineMs: number;
  /** Answers one request. A rejection closes the connection without an answer. */
  readonly answer: (request: Request) => Promise<Response>;
}

/** A server that is listening. */
export interface OpenServer {
  /** The port in use. */
  readonly port: number;
  /** Aborts what is in progress and frees the port. */
  readonly close: () => Promise<void>;
}

/** Most bytes of a request's head. */
export const MAX_HEAD_BYTES = 16_384;

const BODILESS: ReadonlyArray<string> = ["GET", "HEAD"];

const requestOf = (incoming: IncomingMessage, signal: AbortSignal): Request => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const one of Array.isArray(value) ? value : [value ?? ""]) headers.append(name, one);
  }
  const method = incoming.method ?? "GET";
  // Always relative to our own name: a request line with a foreign absolute URL must not choose the origin.
  const target = incoming.url ?? "/";
  const url = new URL(target.startsWith("/") ? `http://localhost${target}` : "http://localhost/");
  if (BODILESS.includes(method)) return new Request(url, { method, headers, signal });
  const body = Readable.toWeb(incoming) as unknown as BodyInit;
  return new Request(url, { method, headers, signal, body, duplex: "half" } as RequestInit);
};

const drained = (outgoing: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      outgoing.off("drain", settle);
      outgoing.off("close", settle);
      resolve();
    };
    outgoing.on("drain", settle);
    outgoing.on("close", settle);
  });

const send = async (response: Response, outgoing: ServerResponse, method: string): Promise<void> => {
  outgoing.writeHead(response.status, [...response.headers].flat());
  if (response.body === null || method === "HEAD") {
    await response.body?.cancel();
    outgoing.end();
    return;
  }
  // A stream's head must reach the peer before its first event does.
  outgoing.flushHeaders();
  const reader = response.body.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  outgoing.on("close", stop);
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      if (outgoing.destroyed) return;
      if (!outgoing.write(step.value)) await drained(outgoing);
    }
    outgoing.end();
  } finally {
    outgoing.off("close", stop);
  }
};

/** Opens a server; rejects when the address cannot be bound. */
export const openServer = (options: ServerOptions): Promise<OpenServer> => {
  const inProgress = new Set<AbortController>();
  const server = createServer(
    { maxHeaderSize: MAX_HEAD_BYTES, headersTimeout: options.headDeadlineMs },
    (incoming, outgoing) => {
      const controller = new AbortController();
      inProgress.add(controller);
      outgoing.on("close", () => {
        inProgress.delete(controller);
        controller.abort();
      });
      void (async () => {
        try {
          const request = requestOf(incoming, controller.signal);
          await send(await options.answer(request), outgoing, request.method);
        } catch {
          // Nothing was promised to this peer that could still be kept: a broken exchange ends its connection.
          outgoing.destroy();
        }
      })();
    },
  );
  server.maxConnections = options.maxConnections;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const controller of inProgress) controller.abort();
      server.closeAllConnections();
    });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: options.port, host: options.address }, () => {
      const bound = server.address();
      resolve({ port: typeof bound === "object" && bound !== null ? bound.port : options.port, close });
    });
  });
};
