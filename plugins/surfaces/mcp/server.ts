/**
 * Server: what an MCP server of this system says and offers, whatever its transport.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { v2025_06_18, v2025_11_25, v2026_07_28 } from "effect/ai/McpProtocol";
import type { McpServer } from "effect/ai/McpServer";
import { VERSION } from "../../../kernel/version.ts";
import { registerResources } from "./resources.ts";
import { registerTools, type ToolOptions } from "./tools.ts";

const INSTRUCTIONS = [
  "RMI: a microkernel of typed operations. Use `search` to find operations, `describe` to read about one, `call` to",
  "run it. A failure names what to change: apply `failure.fix.patch` to the input and call again. A denied call names",
  "in `failure.fix.command` what a person must run; it cannot be approved from here. Overview: manifest://rmi.",
].join("\n");

/** What every transport announces. */
export const announcement: {
  readonly name: string;
  readonly version: string;
  readonly instructions: string;
  readonly protocols: readonly [typeof v2026_07_28, typeof v2025_11_25, typeof v2025_06_18];
} = {
  name: "rmi",
  version: VERSION,
  instructions: INSTRUCTIONS,
  protocols: [v2026_07_28, v2025_11_25, v2025_06_18],
};

/** The registrations of a server. */
export const layerRegistrations = (options: ToolOptions): Layer.Layer<never, never, McpServer> =>
  Layer.effectDiscard(Effect.andThen(registerTools(options), registerResources(options.front)));
