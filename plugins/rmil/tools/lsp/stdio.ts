/**
 * Stdio: the language server on standard input and output, for editors that start this process themselves.
 *
 * Invariant: standard output carries protocol messages and nothing else; the server ends when the client asks it to,
 * when the input ends, when nobody reads the output, or when the input can no longer be told apart into messages.
 *
 * @module
 */
import type * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { Json } from "../../../../kernel/mod.ts";
import type { Terminal } from "../../../../kernel/platform/terminal.ts";
import { type Frame, framed, Framer } from "./framing.ts";
import { ERROR, LanguageServer, type Meaning } from "./server.ts";

/** What the server works with. */
export interface LanguageServerOptions {
  /** What programs mean. */
  readonly meaning: Meaning;
  /** Standard input and output. */
  readonly terminal: Pick<Terminal, "input" | "write">;
}

/** Serves until the session ends. */
export const serveLanguage = ({ meaning, terminal }: LanguageServerOptions): Effect.Effect<void> => {
  const server = new LanguageServer(meaning);
  const framer = new Framer();
  const answers = (frame: Frame): ReadonlyArray<Json> =>
    "text" in frame ? server.receive(frame.text) : [server.fault(ERROR.parse, `Not readable: ${frame.fault}`)];
  /** Whether the session goes on after a message. */
  const handle = (frame: Frame): boolean => {
    const sent = answers(frame).every((message) => terminal.write("stdout", framed(JSON.stringify(message))));
    return sent && !server.ended && !("fatal" in frame && frame.fatal);
  };
  return Stream.fromAsyncIterable(terminal.input(), (cause) => cause).pipe(
    Stream.orDie,
    Stream.map((chunk) => {
      for (const frame of framer.push(chunk)) if (!handle(frame)) return false;
      return true;
    }),
    Stream.takeWhile((goesOn) => goesOn),
    Stream.runDrain,
  );
};
