/** The language server as a process of its own, for the tests that speak to it through a real client. */
import * as Effect from "effect/Effect";
import { platformTerminal } from "../../../kernel/platform/terminal.ts";
import { serveLanguage } from "../../../plugins/rmil/tools/lsp/stdio.ts";

await Effect.runPromise(
  serveLanguage({ meaning: { faults: () => [], explain: () => [] }, terminal: platformTerminal }),
);
