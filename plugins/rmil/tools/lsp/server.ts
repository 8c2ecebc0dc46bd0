/**
 * Server: a session of the language server protocol, as a function from messages to messages.
 *
 * Not a transport (stdio.ts) and not what editors ask (features.ts).
 * Invariant: every request has exactly one answer, whatever it holds; notifications have none; documents are bounded;
 * nothing but the answers leaves this class.
 *
 * @module
 */
import { isFailure, isJsonObject, type Json, type JsonObject, VERSION } from "../../../../kernel/mod.ts";
import type { Diagnostic, Span } from "../../syntax/diagnostics.ts";
import { format } from "../../syntax/format.ts";
import { analyse, type Analysis, nameAt } from "./analysis.ts";
import {
  completionsAt,
  diagnosticsOf,
  type Explain,
  hoverAt,
  type Mender,
  outlineOf,
  placesAt,
  quickFixes,
  renameAt,
} from "./features.ts";
import { Lines, type Position } from "./positions.ts";

/** Most documents open at once. */
export const MAX_DOCUMENTS = 256;

/** Longest document, in UTF-16 code units. */
export const MAX_DOCUMENT = 1_000_000;

/** Error codes of JSON-RPC and of the protocol. */
export const ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  notInitialized: -32002,
  requestFailed: -32803,
} as const;

/** What a program means, where a check is at hand. */
export interface Meaning extends Mender {
  /** Faults of meaning of a program without faults of form. */
  readonly faults: (analysis: Analysis) => ReadonlyArray<Diagnostic>;
  /** Type, effects and cost, in lines for a person. */
  readonly explain: Explain;
}

class Refusal extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

const invalid = (what: string): Refusal => new Refusal(ERROR.invalidParams, `${what} is expected`);

interface Document {
  readonly analysis: Analysis;
  readonly faults: ReadonlyArray<Diagnostic>;
  readonly version: Json;
}

type Handler = (params: JsonObject) => Json;

const objectAt = (json: Json | undefined, what: string): JsonObject => {
  if (!isJsonObject(json)) throw invalid(what);
  return json;
};

const textAt = (json: Json | undefined, what: string): string => {
  if (typeof json !== "string") throw invalid(what);
  return json;
};

const countAt = (json: Json | undefined, what: string): number => {
  if (typeof json !== "number" || !Number.isSafeInteger(json) || json < 0) throw invalid(what);
  return json;
};

const positionAt = (json: Json | undefined): Position => {
  const { line, character } = objectAt(json, "a position");
  return { line: countAt(line, "a line"), character: countAt(character, "a character") };
};

const spanAt = (json: Json | undefined, lines: Lines): Span => {
  const { start, end } = objectAt(json, "a range");
  const span = { start: lines.offset(positionAt(start)), end: lines.offset(positionAt(end)) };
  if (span.end < span.start) throw invalid("a range that does not end before it starts");
  return span;
};

/** Interfaces are not JSON to the type checker, though their values are. */
const asJson = (value: unknown): Json => value as Json;

/** What the server can do, as `initialize` answers. */
export const CAPABILITIES: Json = {
  positionEncoding: "utf-16",
  textDocumentSync: { openClose: true, change: 2 },
  hoverProvider: true,
  completionProvider: { triggerCharacters: ["$", "(", ","] },
  definitionProvider: true,
  referencesProvider: true,
  renameProvider: { prepareProvider: true },
  documentFormattingProvider: true,
  documentSymbolProvider: true,
  codeActionProvider: { codeActionKinds: ["quickfix"] },
};

/** A session. */
export class LanguageServer {
  readonly #meaning: Meaning;
  readonly #documents = new Map<string, Document>();
  #state: "new" | "running" | "shut down" | "ended" = "new";
  #outbox: Array<Json> = [];

  /** A session before its first message. */
  constructor(meaning: Meaning) {
    this.#meaning = meaning;
  }

  /** Whether the client has asked the server to leave. */
  get ended(): boolean {
    return this.#state === "ended";
  }

  /** Takes the text of one message; gives the messages to send. */
  receive(text: string): ReadonlyArray<Json> {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      return [this.fault(ERROR.parse, "The message is not JSON")];
    }
    if (!isJsonObject(message as Json)) return [this.fault(ERROR.invalidRequest, "The message is not an object")];
    this.#outbox = [];
    this.#take(message as JsonObject);
    return this.#outbox;
  }

  /** The answer to what is no message. */
  fault(code: number, message: string): Json {
    return { jsonrpc: "2.0", id: null, error: { code, message } };
  }

  #take({ id, method, params }: JsonObject): void {
    const isRequest = typeof id === "string" || typeof id === "number";
    if (typeof method !== "string") {
      // An answer to a request of ours: there are none.
      if (id === undefined || !isRequest) this.#outbox.push(this.fault(ERROR.invalidRequest, "There is no method"));
      return;
    }
    if (!isRequest) return this.#notified(method, isJsonObject(params) ? params : {});
    try {
      this.#outbox.push({ jsonrpc: "2.0", id, result: this.#answer(method, params) });
    } catch (cause) {
      const known = cause instanceof Refusal || isFailure(cause);
      const code = cause instanceof Refusal ? cause.code : isFailure(cause) ? ERROR.requestFailed : ERROR.internal;
      this.#outbox.push({ jsonrpc: "2.0", id, error: { code, message: known ? cause.message : "The server broke" } });
    }
  }

  #answer(method: string, params: Json | undefined): Json {
    if (method === "initialize") return this.#initialize();
    if (this.#state === "new") throw new Refusal(ERROR.notInitialized, "Send initialize first");
    if (this.#state !== "running") throw new Refusal(ERROR.invalidRequest, "The server is shut down");
    if (method === "shutdown") {
      this.#state = "shut down";
      return null;
    }
    if (!Object.hasOwn(this.#handlers, method)) throw new Refusal(ERROR.methodNotFound, `There is no ${method}`);
    return this.#handlers[method](objectAt(params, "an object of parameters"));
  }

  #initialize(): Json {
    if (this.#state !== "new") throw new Refusal(ERROR.invalidRequest, "The server is initialized already");
    this.#state = "running";
    return { capabilities: CAPABILITIES, serverInfo: { name: "rmil", version: VERSION } };
  }

  #notified(method: string, params: JsonObject): void {
    if (method === "exit") {
      this.#state = "ended";
      return;
    }
    if (this.#state !== "running" || !Object.hasOwn(this.#notifications, method)) return;
    try {
      this.#notifications[method](params);
    } catch (cause) {
      // A notification has no answer; what is wrong with it is said where the client shows it.
      if (!(cause instanceof Refusal)) throw cause;
      this.#notify("window/logMessage", { type: 1, message: `${method}: ${cause.message}` });
    }
  }

  #notify(method: string, params: Json): void {
    this.#outbox.push({ jsonrpc: "2.0", method, params });
  }

  // ---- documents ---------------------------------------------------------------------------------------------------

  #uri(params: JsonObject): string {
    return textAt(objectAt(params.textDocument, "a document").uri, "a document's uri");
  }

  #document(params: JsonObject): Document {
    const uri = this.#uri(params);
    const found = this.#documents.get(uri);
    if (found === undefined) throw new Refusal(ERROR.invalidParams, `${uri} is not open`);
    return found;
  }

  #set(uri: string, text: string, version: Json): void {
    if (text.length > MAX_DOCUMENT) throw invalid(`a document of at most ${MAX_DOCUMENT} characters`);
    const analysis = analyse(text);
    const faults = analysis.parsed.ok ? this.#meaning.faults(analysis) : [];
    this.#documents.set(uri, { analysis, faults, version });
    this.#publish(uri, version, asJson(diagnosticsOf(analysis, faults)));
  }

  #publish(uri: string, version: Json, diagnostics: Json): void {
    const params = { uri, diagnostics };
    this.#notify("textDocument/publishDiagnostics", typeof version === "number" ? { ...params, version } : params);
  }

  #open(params: JsonObject): void {
    const { uri, text, version } = objectAt(params.textDocument, "a document");
    const name = textAt(uri, "a document's uri");
    if (!this.#documents.has(name) && this.#documents.size >= MAX_DOCUMENTS) {
      throw invalid(`at most ${MAX_DOCUMENTS} open documents`);
    }
    this.#set(name, textAt(text, "a document's text"), version ?? null);
  }

  #change(params: JsonObject): void {
    const { analysis } = this.#document(params);
    if (!Array.isArray(params.contentChanges)) throw invalid("a list of changes");
    let { source, lines } = analysis;
    for (const item of params.contentChanges as ReadonlyArray<Json>) {
      const change = objectAt(item, "a change");
      const text = textAt(change.text, "a change's text");
      const { start, end } = change.range === undefined
        ? { start: 0, end: source.length }
        : spanAt(change.range, lines);
      if (source.length - (end - start) + text.length > MAX_DOCUMENT) {
        throw invalid(`a document of at most ${MAX_DOCUMENT} characters`);
      }
      source = source.slice(0, start) + text + source.slice(end);
      lines = new Lines(source);
    }
    const { version } = objectAt(params.textDocument, "a document");
    this.#set(this.#uri(params), source, version ?? null);
  }

  #close(params: JsonObject): void {
    const uri = this.#uri(params);
    if (this.#documents.delete(uri)) this.#publish(uri, null, []);
  }

  readonly #notifications: { readonly [method: string]: (params: JsonObject) => void } = {
    "textDocument/didOpen": (params) => this.#open(params),
    "textDocument/didChange": (params) => this.#change(params),
    "textDocument/didClose": (params) => this.#close(params),
  };

  // ---- requests ----------------------------------------------------------------------------------------------------

  #at(params: JsonObject): { readonly analysis: Analysis; readonly offset: number; readonly uri: string } {
    const { analysis } = this.#document(params);
    return { analysis, offset: analysis.lines.offset(positionAt(params.position)), uri: this.#uri(params) };
  }

  #references(params: JsonObject): Json {
    const { analysis, offset, uri } = this.#at(params);
    const places = placesAt(analysis, offset);
    if (places === undefined) return [];
    const withBinder = isJsonObject(params.context) && params.context.includeDeclaration === true;
    const binder = withBinder && places.binder !== undefined ? [places.binder] : [];
    return asJson([...binder, ...places.uses].map((span) => ({ uri, range: analysis.lines.range(span) })));
  }

  #prepareRename(params: JsonObject): Json {
    const { analysis, offset } = this.#at(params);
    const use = nameAt(analysis, offset);
    if (use === undefined || placesAt(analysis, offset)?.binder === undefined) return null;
    return asJson({ range: analysis.lines.range(use), placeholder: use.name });
  }

  #rename(params: JsonObject): Json {
    const { analysis, offset, uri } = this.#at(params);
    const renamed = renameAt(analysis, offset, textAt(params.newName, "a new name"));
    if ("refused" in renamed) throw new Refusal(ERROR.requestFailed, renamed.refused);
    return asJson({ changes: { [uri]: renamed.edits } });
  }

  #format(params: JsonObject): Json {
    const { analysis } = this.#document(params);
    const { source } = format(analysis.source);
    return source === analysis.source ? [] : asJson([{ range: analysis.lines.whole, newText: source }]);
  }

  #actions(params: JsonObject): Json {
    const { analysis, faults } = this.#document(params);
    const uri = this.#uri(params);
    const fixes = quickFixes(analysis, faults, spanAt(params.range, analysis.lines), this.#meaning);
    return asJson(fixes.map(({ title, diagnostics, edit, isPreferred }) => ({
      title,
      kind: "quickfix",
      diagnostics,
      isPreferred,
      edit: { changes: { [uri]: [edit] } },
    })));
  }

  readonly #handlers: { readonly [method: string]: Handler } = {
    "textDocument/hover": (params) => {
      const { analysis, offset } = this.#at(params);
      return asJson(hoverAt(analysis, offset, this.#meaning.explain));
    },
    "textDocument/completion": (params) => {
      const { analysis, offset } = this.#at(params);
      return asJson({ isIncomplete: false, items: completionsAt(analysis, offset) });
    },
    "textDocument/definition": (params) => {
      const { analysis, offset, uri } = this.#at(params);
      const binder = placesAt(analysis, offset)?.binder;
      return binder === undefined ? null : asJson({ uri, range: analysis.lines.range(binder) });
    },
    "textDocument/references": (params) => this.#references(params),
    "textDocument/prepareRename": (params) => this.#prepareRename(params),
    "textDocument/rename": (params) => this.#rename(params),
    "textDocument/formatting": (params) => this.#format(params),
    "textDocument/documentSymbol": (params) => asJson(outlineOf(this.#document(params).analysis)),
    "textDocument/codeAction": (params) => this.#actions(params),
  };
}
