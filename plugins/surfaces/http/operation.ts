/**
 * The declaration of `surfaces.serve` (listed in plugins/surfaces/operations.ts).
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { unknownOperation } from "../../../kernel/failures.ts";
import { operation, role } from "../../../kernel/operation.ts";
import { cannotListen, malformedTokens, notForCallers, tokenNeeded } from "../failures.ts";
import { LONGEST_WAIT_MS, toolNames } from "../mcp/operation.ts";
import { isLoopback } from "./guard.ts";

/** Port of a server that names none. */
export const DEFAULT_PORT = 7433;

const MAX_NAMES = 100;

const HOST_PATTERN = /^(?:[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:]{2,45})$/u;
const ORIGIN_PATTERN = /^https?:\/\/[A-Za-z0-9.[\]:-]{1,253}$/u;
const HOST_NAME_PATTERN = /^[A-Za-z0-9.[\]:-]{1,253}$/u;

const names = (pattern: RegExp, expected: string) =>
  Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isPattern(pattern, { expected }))).check(Schema.isMaxLength(MAX_NAMES))
      .annotate({ description: expected }),
  );

const input = {
  host: Schema.optionalKey(
    Schema.String.check(Schema.isPattern(HOST_PATTERN, { expected: "an address of this machine" })).annotate({
      description: "Address to listen on; default 127.0.0.1. Any address that other machines reach needs `tokens`",
    }),
  ),
  port: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })).annotate({
      description: `Port; default ${DEFAULT_PORT}; 0: any free one`,
    }),
  ),
  tokens: Schema.optionalKey(
    role(
      "readPath",
      "File of access tokens, one `name token` a line; callers then send `authorization: Bearer <token>`",
    ),
  ),
  hostNames: names(HOST_NAME_PATTERN, "further names under which the server may be addressed, with port"),
  origins: names(ORIGIN_PATTERN, "origins of web pages that may call, for example https://example.org"),
  tools: Schema.optionalKey(toolNames),
};

type Input = Schema.Struct.Type<typeof input>;

/** Whether a server would be open to other machines without asking for a token. */
export const isExposed = ({ host, tokens }: Pick<Input, "host" | "tokens">): boolean =>
  host !== undefined && !isLoopback(host) && tokens === undefined;

/** `surfaces.serve`: the HTTP API, MCP and A2A on one port. */
export const Serve = operation("surfaces.serve", {
  summary: "Serve the HTTP API, MCP and A2A on one port of this machine, until interrupted.",
  input,
  output: Schema.Null,
  event: Schema.Struct({ url: Schema.String, mcp: Schema.String, card: Schema.String, openapi: Schema.String }),
  failures: [tokenNeeded, malformedTokens, notForCallers, cannotListen, unknownOperation],
  effects: ["network", "readLocal"],
  // A server that is going to be refused opens nothing, so it needs nothing.
  refine: (asked) => ({
    effects: isExposed(asked) ? [] : asked.tokens === undefined ? ["network"] : ["network", "readLocal"],
  }),
  cost: { compute: "until interrupted; each call pays for itself", reserve: { wallMs: LONGEST_WAIT_MS } },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{
    title: "an open server for other machines is refused",
    input: { host: "0.0.0.0" },
    failure: "SURFACE_TOKEN_NEEDED",
  }],
});
