/**
 * Failures of the surfaces: what can be wrong with a request before it reaches an operation.
 *
 * Not for failures of operations: those pass through every surface as they are.
 *
 * @module
 */
import { type AnyFailureDefinition, failure } from "../../kernel/failure.ts";

/** A server would be reachable from other machines without asking for a token. */
export const tokenNeeded = failure("SURFACE_TOKEN_NEEDED", {
  doc: "A server on an address that other machines can reach was to start without access tokens.",
  recoverable: true,
  says: (a: { host: string }) => `Cannot listen on ${a.host}: other machines reach it, and no tokens are given`,
  fix: () => ({
    summary: "Listen on loopback, or name a file of tokens (one `name token` a line) as `tokens`",
    patch: [{ op: "replace", path: "/host", value: "127.0.0.1" }],
  }),
});

/** The file of tokens is not usable. */
export const malformedTokens = failure("SURFACE_TOKENS", {
  doc: "The file of access tokens holds a line that is not `name token`, a weak token, or no token.",
  recoverable: true,
  says: (a: { file: string; line: number; reason: string }) =>
    `Cannot use tokens of "${a.file}": line ${a.line} ${a.reason}`,
  fix: () => ({ summary: "Write one `name token` a line; make tokens of at least 32 random characters" }),
});

/** A surface was to be started by a caller that is not at this machine's command line. */
export const notForCallers = failure("SURFACE_NOT_FOR_CALLERS", {
  doc: "A caller of a surface asked to start another surface.",
  recoverable: false,
  says: (a: { operation: string; actor: string }) => `Cannot start ${a.operation} for ${a.actor}`,
  fix: () => ({ summary: "A user of this machine starts it on the command line" }),
});

/** The port cannot be opened. */
export const cannotListen = failure("SURFACE_LISTEN", {
  doc: "The address and port cannot be opened (in use, or not permitted).",
  recoverable: true,
  says: (a: { host: string; port: number; cause: string }) => `Cannot listen on ${a.host}:${a.port}: ${a.cause}`,
  fix: () => ({
    summary: "Let the system choose a free port",
    patch: [{ op: "add", path: "/port", value: 0 }],
  }),
});

/** Credentials are missing or wrong. */
export const unauthorized = failure("SURFACE_UNAUTHORIZED", {
  doc: "The request carries no valid access token.",
  recoverable: true,
  says: () => "Cannot accept the request: it carries no valid access token",
  fix: () => ({ summary: "Send the header `authorization: Bearer <token>`" }),
});

/** The Host header names another server (DNS rebinding). */
export const foreignHost = failure("SURFACE_HOST", {
  doc: "The Host header does not name this server.",
  recoverable: true,
  says: (a: { host: string }) => `Cannot accept a request for host "${a.host}": this server has another name`,
  fix: () => ({ summary: "Use the address that the server printed when it started" }),
});

/** The request comes from a web page of another origin. */
export const foreignOrigin = failure("SURFACE_ORIGIN", {
  doc: "A web page of another origin sent the request.",
  recoverable: true,
  says: (a: { origin: string }) => `Cannot accept a request from origin "${a.origin}"`,
  fix: () => ({ summary: "List the origin in `origins` when starting the server" }),
});

/** Nothing is at this path. */
export const unknownPath = failure("SURFACE_PATH", {
  doc: "Nothing is served at this path.",
  recoverable: true,
  says: (a: { path: string }) => `Cannot find ${a.path}`,
  fix: () => ({ summary: "GET /llms.txt lists what is served" }),
});

/** The path is served, but not with this method. */
export const wrongMethod = failure("SURFACE_METHOD", {
  doc: "The path is served, but not with this HTTP method.",
  recoverable: true,
  says: (a: { method: string; path: string; allowed: ReadonlyArray<string> }) =>
    `Cannot ${a.method} ${a.path}: use ${a.allowed.join(" or ")}`,
});

/** The body has another media type than JSON. */
export const wrongMediaType = failure("SURFACE_MEDIA_TYPE", {
  doc: "The body's media type is not one that the path takes.",
  recoverable: true,
  says: (a: { found: string; wanted: string }) => `Cannot read a body of type "${a.found}": send ${a.wanted}`,
  fix: (a) => ({ summary: `Send the header content-type: ${a.wanted}` }),
});

/** None of the answers' media types is acceptable to the caller. */
export const notAcceptable = failure("SURFACE_ACCEPT", {
  doc: "The Accept header allows none of the media types that the path answers with.",
  recoverable: true,
  says: (a: { accept: string; offered: ReadonlyArray<string> }) =>
    `Cannot answer with "${a.accept}": this path offers ${a.offered.join(", ")}`,
});

/** The body is too large. */
export const bodyTooLarge = failure("SURFACE_BODY_SIZE", {
  doc: "The body is larger than the server accepts.",
  recoverable: true,
  says: (a: { limit: number }) => `Cannot read a body of more than ${a.limit} bytes`,
  fix: () => ({ summary: "Store large data as an artifact and pass its digest" }),
});

/** The body did not arrive in time. */
export const bodyTooSlow = failure("SURFACE_BODY_DEADLINE", {
  doc: "The body did not arrive within its deadline.",
  recoverable: true,
  says: (a: { deadlineMs: number }) => `Cannot wait longer than ${a.deadlineMs} ms for the body`,
  fix: () => ({ summary: "Send the body at once" }),
});

/** The body is not JSON. */
export const malformedBody = failure("SURFACE_JSON", {
  doc: "The body is not JSON text in UTF-8, or is nested too deeply.",
  recoverable: true,
  says: (a: { reason: string }) => `Cannot read the body as JSON: ${a.reason}`,
  fix: () => ({ summary: "Send one JSON object in UTF-8: the operation's input" }),
});

/** The call did not finish in time. */
export const tooSlow = failure("SURFACE_DEADLINE", {
  doc: "The call did not finish within the server's deadline for a request, and was interrupted.",
  recoverable: true,
  says: (a: { deadlineMs: number }) => `Cannot wait longer than ${a.deadlineMs} ms for the answer: interrupted`,
  fix: () => ({ summary: "Ask for a stream (accept: text/event-stream), which has a longer deadline" }),
});

/** Too many requests are in progress. */
export const tooBusy = failure("SURFACE_BUSY", {
  doc: "The server has as many requests in progress as it accepts.",
  recoverable: true,
  says: (a: { limit: number }) => `Cannot accept more than ${a.limit} requests at once`,
  fix: () => ({ summary: "Retry a little later" }),
});

/** The server broke. */
export const brokenServer = failure("SURFACE_DEFECT", {
  doc: "The server broke while answering (a bug, not a condition of the request).",
  recoverable: false,
  says: () => "Cannot answer: the server broke while handling the request",
});

/** A command line is not one that the program takes. */
export const unusableCommand = failure("SURFACE_COMMAND", {
  doc: "A command line is not one that the program takes.",
  recoverable: true,
  says: (a: { command: string; reason: string; usage: string }) => `Cannot run "rmi ${a.command}": ${a.reason}`,
  fix: (a) => ({ summary: `Write ${a.usage}` }),
});

/** A document for the machine door is not readable. */
export const malformedDocument = failure("SURFACE_DOCUMENT", {
  doc: "A document for `rmi call` is not JSON text in UTF-8, or not the object that was expected.",
  recoverable: true,
  says: (a: { reason: string }) => `Cannot read the document: ${a.reason}`,
  fix: () => ({ summary: 'Write one JSON document a line: the operation\'s input, or {"operation","input"}' }),
});

/** A document for the machine door is too long. */
export const documentTooLong = failure("SURFACE_DOCUMENT_SIZE", {
  doc: "A document for `rmi call -` is longer than a line may be.",
  recoverable: true,
  says: (a: { limit: number }) => `Cannot read a document of more than ${a.limit} bytes`,
  fix: () => ({ summary: "Store large data as an artifact and pass its digest" }),
});

/** A step of the tour ended otherwise than it must. */
export const tourSurprised = failure("SURFACE_TOUR", {
  doc: "A call of the tour ended otherwise than it must; `actual` holds what came of it.",
  recoverable: false,
  says: (a: { step: string; found: string }) => `Cannot go on with the tour: "${a.step}" ended with ${a.found}`,
  fix: () => ({ summary: "Report it: what the tour shows is promised to work", command: "rmi doctor" }),
});

/** Every failure of the surfaces, for docs and for the uniqueness test. */
export const surfaceFailures: ReadonlyArray<AnyFailureDefinition> = [
  tokenNeeded,
  malformedTokens,
  notForCallers,
  cannotListen,
  unauthorized,
  foreignHost,
  foreignOrigin,
  unknownPath,
  wrongMethod,
  wrongMediaType,
  notAcceptable,
  bodyTooLarge,
  bodyTooSlow,
  malformedBody,
  tooSlow,
  tooBusy,
  brokenServer,
  unusableCommand,
  malformedDocument,
  documentTooLong,
  tourSurprised,
];
