/**
 * Guard: whether a request may come in at all, before anything of it is read: host, origin, token.
 *
 * Not the gate (that decides about calls): this keeps out web pages and strangers.
 * Invariant: a web page can reach the server only from an origin that the person who started it named, or its own.
 *
 * @module
 */
import * as Result from "effect/Result";
import type { Failure } from "../../../kernel/failure.ts";
import { foreignHost, foreignOrigin, unauthorized } from "../failures.ts";
import { nameOf, type Token } from "./tokens.ts";

/** Whom a server lets in. */
export interface Admission {
  /** Names under which the server may be addressed, with port; `undefined`: any (then tokens are asked for). */
  readonly hosts: ReadonlySet<string> | undefined;
  /** Origins of web pages that may call, besides the server's own. */
  readonly origins: ReadonlySet<string>;
  /** Accepted tokens; empty: none is asked for. */
  readonly tokens: ReadonlyArray<Token>;
}

/** Name of a caller where no token is asked for. */
export const LOOPBACK_NAME = "loopback";

const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** Whether an address can be reached from this machine only. */
export const isLoopback = (address: string): boolean =>
  address === "localhost" || address === "::1" || /^127(?:\.\d{1,3}){3}$/u.test(address);

/** The admission rules of a server, from what the person who started it said. */
export const admissionOf = (options: {
  /** Address the server is bound to. */
  readonly host: string;
  /** Port it is bound to. */
  readonly port: number;
  /** Further names under which it may be addressed, with port where it is not 80. */
  readonly hostNames: ReadonlyArray<string>;
  /** Origins of web pages that may call. */
  readonly origins: ReadonlyArray<string>;
  /** Accepted tokens. */
  readonly tokens: ReadonlyArray<Token>;
}): Admission => {
  const own = [...LOOPBACK_NAMES, options.host].map((name) => `${name}:${options.port}`);
  // An address of all interfaces has names we cannot know; there the token is what a rebinding page lacks.
  const unknowable = !isLoopback(options.host) && options.hostNames.length === 0;
  return {
    hosts: unknowable ? undefined : new Set([...own, ...options.hostNames].map((host) => host.toLowerCase())),
    origins: new Set(options.origins),
    tokens: options.tokens,
  };
};

/** The name of whoever sent the request, or why it may not come in. `open` paths ask for no token. */
export const admit = (
  headers: Headers,
  admission: Admission,
  open: boolean,
): Result.Result<string, Failure> => {
  const host = (headers.get("host") ?? "").toLowerCase();
  if (host === "" || admission.hosts?.has(host) === false) {
    return Result.fail(foreignHost({ host: host.slice(0, 200) }));
  }
  const origin = headers.get("origin");
  if (origin !== null && origin !== `http://${host}` && !admission.origins.has(origin)) {
    return Result.fail(foreignOrigin({ origin: origin.slice(0, 200) }));
  }
  if (admission.tokens.length === 0 || open) return Result.succeed(LOOPBACK_NAME);
  const name = nameOf(headers.get("authorization"), admission.tokens);
  return name === undefined ? Result.fail(unauthorized({})) : Result.succeed(name);
};

/** Headers that let a web page of a named origin read the answer; none for others. */
export const corsHeaders = (headers: Headers, admission: Admission): Readonly<Record<string, string>> => {
  const origin = headers.get("origin");
  return origin === null || !admission.origins.has(origin) ? {} : {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers":
      "authorization, content-type, accept, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name, a2a-version",
    "access-control-expose-headers": "mcp-session-id, mcp-protocol-version",
    vary: "origin",
  };
};
