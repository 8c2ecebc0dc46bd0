/** The language server's session and framing, message by message, with what no client library would send. */
import assert from "node:assert/strict";
import { type Json, random } from "../../../kernel/mod.ts";
import {
  type Frame,
  framed,
  Framer,
  MAX_BODY_BYTES,
  MAX_HEADER_BYTES,
} from "../../../plugins/rmil/tools/lsp/framing.ts";
import { Lines } from "../../../plugins/rmil/tools/lsp/positions.ts";
import { ERROR, LanguageServer, MAX_DOCUMENT, MAX_DOCUMENTS } from "../../../plugins/rmil/tools/lsp/server.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const frames = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<Frame> => {
  const framer = new Framer();
  return chunks.flatMap((chunk) => [...framer.push(chunk)]);
};

Deno.test("messages come out whole, however the stream is cut", () => {
  const texts = ["{}", "", '{"a":"é😀"}', "x".repeat(5000)];
  const stream = bytes(texts.map(framed).join(""));
  const draw = random("cuts");
  for (let round = 0; round < 50; round++) {
    const chunks: Array<Uint8Array> = [];
    for (let at = 0; at < stream.length;) {
      const size = round === 0 ? 1 : 1 + draw.below(700);
      chunks.push(stream.subarray(at, at + size));
      at += size;
    }
    assert.deepEqual(frames(chunks), texts.map((text) => ({ text })));
  }
});

Deno.test("other header lines are allowed, in any order and case", () => {
  const message = "content-type: application/vscode-jsonrpc; charset=utf-8\r\ncontent-LENGTH:2\r\n\r\n{}";
  assert.deepEqual(frames([bytes(message)]), [{ text: "{}" }]);
});

Deno.test("a header without one length ends the stream", () => {
  const bad = [
    "Content-Type: x\r\n\r\n{}",
    "Content-Length: x\r\n\r\n",
    "Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
  ];
  for (const text of bad) {
    const found = frames([bytes(text + framed("{}"))]);
    assert.equal(found.length, 1, text);
    assert.ok("fatal" in found[0] && found[0].fatal);
  }
});

Deno.test("a header of as many bytes as allowed is read, a longer one ends the stream", () => {
  const tail = "\r\nContent-Length: 2\r\n\r\n";
  const header = (size: number) => `X: ${"y".repeat(size - tail.length - 3)}${tail}{}`;
  assert.deepEqual(frames([bytes(header(MAX_HEADER_BYTES))]), [{ text: "{}" }]);
  assert.ok("fatal" in frames([bytes(header(MAX_HEADER_BYTES + 1))])[0]);
});

Deno.test("a body that is too long is skipped without being held, and the next message is read", () => {
  const framer = new Framer();
  const found = [...framer.push(bytes(`Content-Length: ${MAX_BODY_BYTES + 1}\r\n\r\n`))];
  assert.deepEqual(found.map((frame) => "fatal" in frame && frame.fatal), [false]);
  const chunk = new Uint8Array(2 ** 20);
  for (let left = MAX_BODY_BYTES + 1; left > 0; left -= chunk.length) {
    assert.deepEqual([...framer.push(chunk.subarray(0, Math.min(left, chunk.length)))], []);
  }
  assert.deepEqual([...framer.push(bytes(framed("{}")))], [{ text: "{}" }]);
});

Deno.test("a body that is not UTF-8 costs no other message", () => {
  const bad = new Uint8Array([...bytes("Content-Length: 1\r\n\r\n"), 0xff, ...bytes(framed("{}"))]);
  const [first, second] = frames([bad]);
  assert.ok("fault" in first && !first.fatal);
  assert.deepEqual(second, { text: "{}" });
});

Deno.test("positions and offsets agree, for every kind of line end, and beyond the end", () => {
  const lines = new Lines("ab\r\ncd\re\n\n😀f");
  const places: ReadonlyArray<readonly [number, number, number]> = [
    [0, 0, 0],
    [2, 0, 2],
    [4, 1, 0],
    [7, 2, 0],
    [9, 3, 0],
    [10, 4, 0],
    [12, 4, 2],
    [13, 4, 3],
  ];
  for (const [offset, line, character] of places) {
    assert.deepEqual(lines.position(offset), { line, character });
    assert.equal(lines.offset({ line, character }), offset);
  }
  assert.equal(lines.offset({ line: 0, character: 99 }), 2);
  assert.equal(lines.offset({ line: 99, character: 0 }), 13);
});

const newServer = () =>
  new LanguageServer({ faults: () => [], mend: () => undefined, mendAll: () => undefined, explain: () => [] });

type Answer = { readonly result?: Json; readonly error?: { readonly code: number }; readonly method?: string };

const send = (server: LanguageServer, message: unknown): ReadonlyArray<Answer> =>
  server.receive(JSON.stringify(message)) as ReadonlyArray<Answer>;

const ask = (server: LanguageServer, method: string, params: Json = {}): Answer => {
  const answers = send(server, { jsonrpc: "2.0", id: 1, method, params });
  assert.equal(answers.length, 1);
  return answers[0];
};

const running = (): LanguageServer => {
  const server = newServer();
  ask(server, "initialize");
  return server;
};

const open = (server: LanguageServer, uri: string, text: string) =>
  send(server, { jsonrpc: "2.0", method: "textDocument/didOpen", params: { textDocument: { uri, text, version: 1 } } });

Deno.test("requests before initialize, twice initialize and requests after shutdown are refused", () => {
  const server = newServer();
  assert.equal(ask(server, "textDocument/hover").error?.code, ERROR.notInitialized);
  assert.ok(ask(server, "initialize").result);
  assert.equal(ask(server, "initialize").error?.code, ERROR.invalidRequest);
  assert.equal(ask(server, "shutdown").result, null);
  assert.equal(ask(server, "textDocument/hover").error?.code, ERROR.invalidRequest);
  send(server, { jsonrpc: "2.0", method: "exit" });
  assert.equal(server.ended, true);
});

Deno.test("what is no message is answered and costs nothing", () => {
  const server = running();
  const codes = ["", "{", "[]", "1", "{}", '{"id":{},"method":1}'].map((text) =>
    (server.receive(text) as ReadonlyArray<Answer>)[0]?.error?.code
  );
  assert.deepEqual(codes, [ERROR.parse, ERROR.parse, ...Array.from({ length: 4 }, () => ERROR.invalidRequest)]);
  assert.deepEqual(send(server, { jsonrpc: "2.0", id: 5, result: null }), [], "an answer to nothing");
  assert.deepEqual(send(server, { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } }), []);
  assert.equal(ask(server, "textDocument/hover", []).error?.code, ERROR.invalidParams);
});

Deno.test("parameters of every wrong shape are refused, never a crash", () => {
  const server = running();
  open(server, "a", "let x = 1 in $x");
  const draw = random("shapes");
  const junk = (depth: number): Json => {
    const leaves: ReadonlyArray<Json> = [null, true, -1, 1.5, 1e300, "a", "", "constructor"];
    if (depth === 0 || draw.below(3) === 0) return draw.pick(leaves);
    const keys = ["textDocument", "uri", "position", "line", "character", "range", "start", "end", "newName", "text"];
    return draw.below(4) === 0
      ? [junk(depth - 1)]
      : Object.fromEntries(draw.shuffle(keys).slice(0, 4).map((key) => [key, junk(depth - 1)]));
  };
  const methods = [
    "hover",
    "completion",
    "definition",
    "references",
    "prepareRename",
    "rename",
    "formatting",
    "codeAction",
  ];
  for (let round = 0; round < 3000; round++) {
    const params = draw.below(2) === 0 ? junk(4) : { textDocument: { uri: "a" }, position: junk(2), range: junk(3) };
    const { error, result } = ask(server, `textDocument/${draw.pick(methods)}`, params);
    assert.ok(result !== undefined || (error!.code !== ERROR.internal), JSON.stringify(params));
    const method = draw.pick(["didOpen", "didChange", "didClose"]);
    if (round % 7 === 0) send(server, { jsonrpc: "2.0", method: `textDocument/${method}`, params });
    if (round % 100 === 0) open(server, "a", "let x = 1 in $x");
  }
});

Deno.test("features answer at every place of texts cut anywhere", () => {
  const server = running();
  const source =
    "let f = \\(x: f32) -> add($x, `q r`) in { f(2.0) >> linear(width: 8) | #s; if true then nil else 1.5f64 }";
  for (let cut = 0; cut <= source.length; cut += 3) {
    open(server, "a", source.slice(0, cut));
    for (let character = 0; character <= cut; character += 2) {
      const params = { textDocument: { uri: "a" }, position: { line: 0, character }, newName: "n" };
      for (const feature of ["hover", "completion", "definition", "prepareRename", "rename"]) {
        assert.notEqual(ask(server, `textDocument/${feature}`, params).error?.code, ERROR.internal);
      }
    }
  }
});

Deno.test("as many documents as allowed are held, one more is refused; a closed one makes room", () => {
  const server = running();
  const method = (answers: ReadonlyArray<Answer>) => answers[0].method;
  for (let index = 0; index < MAX_DOCUMENTS; index++) open(server, `${index}`, "relu");
  assert.equal(method(open(server, "more", "relu")), "window/logMessage");
  assert.equal(method(open(server, "0", "gelu")), "textDocument/publishDiagnostics", "opening again replaces");
  send(server, { jsonrpc: "2.0", method: "textDocument/didClose", params: { textDocument: { uri: "0" } } });
  assert.equal(method(open(server, "more", "relu")), "textDocument/publishDiagnostics");
});

Deno.test("a document as long as allowed is held, a longer one is refused, also by growing", () => {
  const server = running();
  const comment = (length: number) => `relu//${"x".repeat(length - 6)}`;
  assert.equal(open(server, "a", comment(MAX_DOCUMENT))[0].method, "textDocument/publishDiagnostics");
  assert.equal(open(server, "b", comment(MAX_DOCUMENT + 1))[0].method, "window/logMessage");
  const grow = send(server, {
    jsonrpc: "2.0",
    method: "textDocument/didChange",
    params: {
      textDocument: { uri: "a", version: 2 },
      contentChanges: [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, text: " " }],
    },
  });
  assert.equal(grow[0].method, "window/logMessage");
});
