/**
 * Stdio: MCP over standard input and output, for clients that start this process themselves.
 *
 * Invariant: standard output carries protocol messages and nothing else; a line that is no message is answered and costs
 * no other line; the end of standard input ends the server, after the answers that are due.
 *
 * @module
 */
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Sink from "effect/Sink";
import * as Stdio from "effect/Stdio";
import * as Stream from "effect/Stream";
import { layerStdio } from "effect/ai/McpServer";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { Terminal } from "../../../kernel/platform/terminal.ts";
import { type Line, linesOf, MAX_LINE_BYTES } from "../cli/lines.ts";
import type { FrontShape } from "../contract.ts";
import { DEFAULT_LIMITS } from "../http/limits.ts";
import { makeAdmitted } from "../http/routes.ts";
import { announcement, layerRegistrations } from "./server.ts";
import { chosenOperations } from "./tools.ts";

/** What the server works with. */
export interface StdioOptions {
  /** The way to the kernel. */
  readonly front: FrontShape;
  /** Operations and namespaces offered as tools of their own. */
  readonly tools: ReadonlyArray<string>;
  /** Standard input and output. */
  readonly terminal: Pick<Terminal, "input" | "write">;
}

/** JSON-RPC errors for lines that never become a message. */
const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;

/** Why a line is no JSON-RPC message; `undefined` where it may be one. */
const faultOf = (line: Line): readonly [code: number, message: string] | undefined => {
  if (!("text" in line)) {
    return [PARSE_ERROR, line.fault === "too long" ? `Longer than ${MAX_LINE_BYTES} bytes` : "Not UTF-8"];
  }
  try {
    const message: unknown = JSON.parse(line.text);
    return typeof message === "object" && message !== null ? undefined : [INVALID_REQUEST, "Not an object"];
  } catch {
    return [PARSE_ERROR, "Not JSON"];
  }
};

/** Serves until standard input ends, or until nobody reads standard output. */
export const serveStdio = (options: StdioOptions): Effect.Effect<void, KernelFailure> =>
  Effect.gen(function* () {
    const { front, terminal } = options;
    const direct = yield* chosenOperations(options.tools, front.caller("mcp", "unnamed"));
    const abandoned = yield* Deferred.make<void>();
    const write = (text: string): Effect.Effect<void> =>
      Effect.suspend(() =>
        terminal.write("stdout", text) ? Effect.void : Effect.asVoid(Deferred.succeed(abandoned, undefined))
      );
    const stdin = Stream.fromAsyncIterable(linesOf(terminal.input()), (cause) => cause).pipe(
      Stream.orDie,
      Stream.mapEffect((line) => {
        const fault = faultOf(line);
        if (fault === undefined) return Effect.succeed((line as { readonly text: string }).text);
        const error = { code: fault[0], message: fault[1] };
        return Effect.as(write(`${JSON.stringify({ jsonrpc: "2.0", id: null, error })}\n`), undefined);
      }),
      Stream.filter((text) => text !== undefined),
      Stream.map((text) => new TextEncoder().encode(`${text}\n`)),
    );
    const stdio = Stdio.make({
      args: Effect.succeed([]),
      stdin,
      stdout: () =>
        Sink.forEach((chunk: string | Uint8Array) =>
          write(typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk))
        ),
      stderr: () => Sink.drain,
    });
    const server = layerStdio({
      ...announcement,
      registrations: layerRegistrations({ front, direct, admitted: makeAdmitted(DEFAULT_LIMITS.requests) }),
    }).pipe(Layer.provide(Layer.succeed(Stdio.Stdio, stdio)));
    // The protocol ends by interrupting the fiber that built it: here a child of ours, so that we go on.
    const running = yield* Effect.forkChild(Effect.orDie(Layer.launch(server)));
    yield* Effect.raceFirst(Effect.asVoid(Fiber.await(running)), Deferred.await(abandoned));
    yield* Fiber.interrupt(running);
  });
