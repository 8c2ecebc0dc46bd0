/** The language server as a process of its own, for the tests that speak to it through a real client. */
import * as Effect from "effect/Effect";
import { platformTerminal } from "../../../kernel/platform/terminal.ts";
import { checkedMeaning } from "../../../plugins/rmil/tools/lsp/meaning.ts";
import { serveLanguage } from "../../../plugins/rmil/tools/lsp/stdio.ts";

await Effect.runPromise(serveLanguage({ meaning: checkedMeaning, terminal: platformTerminal }));
