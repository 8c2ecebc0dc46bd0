/**
 * A process that serves the demo kernel over MCP on its standard streams; its arguments are the direct tools.
 */
import * as Effect from "effect/Effect";
import process from "node:process";
import { platformTerminal } from "../../../kernel/platform/terminal.ts";
import { serveStdio } from "../../../plugins/surfaces/mcp/stdio.ts";
import { openDemo } from "./front_fixture.ts";

const serving = Effect.scoped(Effect.gen(function* () {
  const { front } = yield* openDemo;
  yield* serveStdio({ front, tools: Deno.args, terminal: platformTerminal });
}));

await Effect.runPromise(serving);
// A read of standard input that is still pending would keep the process.
process.exit(0);
