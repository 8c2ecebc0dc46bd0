/**
 * The declaration of `surfaces.mcp` (listed in plugins/surfaces/operations.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { unknownOperation } from "../../../kernel/failures.ts";
import { operation, type PlainCodec, role } from "../../../kernel/operation.ts";
import { notForCallers } from "../failures.ts";

const MAX_NAMES = 200;

/** Operations and namespaces to offer as MCP tools of their own. */
export const toolNames: PlainCodec<ReadonlyArray<string>, ReadonlyArray<string>> = Schema.Array(
  role("operationId", "An operation id, or a namespace for all of its operations"),
).check(Schema.isMaxLength(MAX_NAMES)).annotate({
  description: "Operations to offer as tools of their own, besides search, describe and call",
}) as never;

/** A day more than three weeks: the longest time that every platform's timers can wait. */
export const LONGEST_WAIT_MS = 2_000_000_000;

/** `surfaces.mcp`: an MCP server on standard input and output. */
export const Mcp = operation("surfaces.mcp", {
  summary: "Serve the Model Context Protocol on standard input and output, until the input ends.",
  input: { tools: Schema.optionalKey(toolNames) },
  output: Schema.Null,
  failures: [unknownOperation, notForCallers],
  effects: [],
  cost: { compute: "until the client leaves; each call pays for itself", reserve: { wallMs: LONGEST_WAIT_MS } },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{
    title: "a tool that does not exist",
    input: { tools: ["kernel.serch"] },
    failure: "KERNEL_UNKNOWN_OPERATION",
  }],
});
