/** The language server, judged by the protocol's own client library over a real process's standard streams. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import {
  CodeActionRequest,
  CompletionRequest,
  createProtocolConnection,
  DefinitionRequest,
  type Diagnostic,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DocumentFormattingRequest,
  DocumentSymbolRequest,
  ExitNotification,
  HoverRequest,
  InitializedNotification,
  InitializeRequest,
  PrepareRenameRequest,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  ReferencesRequest,
  RenameRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
} from "vscode-languageserver-protocol/node";
import { denoCommand } from "../../../kernel/platform/children.ts";

const vectors = JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/lsp.json", import.meta.url)));
const PROCESS = new URL("./lsp_process.ts", import.meta.url).pathname;
const URI = "file:///work.rmil";

interface Session {
  readonly client: ProtocolConnection;
  readonly child: ChildProcess;
  /** Opens or replaces the document and waits for its diagnostics. */
  readonly show: (text: string) => Promise<ReadonlyArray<Diagnostic>>;
}

const start = (): ChildProcess =>
  spawn(denoCommand(), ["run", "--no-prompt", "--no-check", "-A", PROCESS], { stdio: ["pipe", "pipe", "inherit"] });

const session = async (body: (session: Session) => Promise<void>): Promise<void> => {
  const child = start();
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const client = createProtocolConnection(
    new StreamMessageReader(child.stdout!),
    new StreamMessageWriter(child.stdin!),
  );
  client.listen();
  let arrived: ((diagnostics: ReadonlyArray<Diagnostic>) => void) | undefined;
  client.onNotification(PublishDiagnosticsNotification.type, ({ diagnostics }) => arrived?.(diagnostics));
  let version = 0;
  const show = async (text: string) => {
    const next = new Promise<ReadonlyArray<Diagnostic>>((resolve) => arrived = resolve);
    version++;
    await (version === 1
      ? client.sendNotification(DidOpenTextDocumentNotification.type, {
        textDocument: { uri: URI, languageId: "rmil", version, text },
      })
      : client.sendNotification(DidChangeTextDocumentNotification.type, {
        textDocument: { uri: URI, version },
        contentChanges: [{ text }],
      }));
    return await next;
  };
  try {
    const { capabilities } = await client.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      capabilities: {},
    });
    assert.equal(capabilities.positionEncoding, "utf-16");
    await client.sendNotification(InitializedNotification.type, {});
    await body({ client, child, show });
    await client.sendRequest(ShutdownRequest.type);
    await client.sendNotification(ExitNotification.type);
    assert.equal(await ended, 0);
  } finally {
    client.dispose();
    if (child.exitCode === null) child.kill("SIGKILL");
    await ended;
  }
};

const textDocument = { uri: URI };

/** The position of the first occurrence of a text, moved by some characters. */
const at = (source: string, text: string, move = 0) => {
  const offset = source.indexOf(text) + move;
  const before = source.slice(0, offset).split("\n");
  return { line: before.length - 1, character: before.at(-1)!.length };
};

const edited = (source: string, edits: ReadonlyArray<TextEdit>): string => {
  const lines = source.split("\n");
  const offset = ({ line, character }: { line: number; character: number }) =>
    lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + character;
  return [...edits].sort((a, b) => offset(b.range.start) - offset(a.range.start)).reduce(
    (text, { range, newText }) => text.slice(0, offset(range.start)) + newText + text.slice(offset(range.end)),
    source,
  );
};

Deno.test("the language server serves the protocol's own client", async (test) => {
  await session(async ({ client, show }) => {
    await test.step("texts that the original reads have no errors, others have", async () => {
      for (const { doc, source, parsed } of vectors.documents) {
        const errors = (await show(source)).filter(({ severity }) => severity === 1);
        assert.equal(errors.length === 0, parsed, doc);
      }
    });

    await test.step("several faults of one text are told apart, each at its place", async () => {
      const found = await show("relu >>\n  add(1. , 2) >> let = 3 in gelu");
      assert.ok(found.length >= 2);
      assert.deepEqual(found[0].range.start, { line: 1, character: 6 });
      assert.equal(found[0].code, "RMIL_LITERAL");
      assert.equal(found[1].range.start.line, 1);
      assert.equal(found[1].range.start.character, "  add(1. , 2) >> let ".length);
    });

    await test.step("positions count UTF-16 code units", async () => {
      // The name in quotes holds a character of two code units, and the fault stands after it.
      const source = "let `😀` = 1 in add(1. , 2)";
      const [fault] = await show(source);
      assert.equal(fault.range.start.character, source.indexOf("1."));
    });

    await test.step("a misspelled op is a warning whose fix applies", async () => {
      const source = "linear >> rellu";
      const [fault] = await show(source);
      assert.equal(fault.severity, 2);
      const actions = await client.sendRequest(CodeActionRequest.type, {
        textDocument,
        range: fault.range,
        context: { diagnostics: [fault] },
      });
      const [action] = actions!;
      assert.ok("edit" in action);
      assert.equal(edited(source, action.edit!.changes![URI]), "linear >> relu");
      assert.deepEqual(await show("linear >> relu"), []);
    });

    await test.step("faults of meaning stand where they are, whatever the inputs", async () => {
      const source = "let f = \\(x: f32) -> $x in\nlinear(8) >> f(1.0, 2.0)";
      const [fault] = await show(source);
      assert.equal(fault.code, "RMIL_CALL");
      assert.deepEqual(fault.range, { start: at(source, "f(1.0"), end: { line: 1, character: 24 } });
      assert.deepEqual(await show("if 3 then 1 else 2").then((all) => all.map(({ code }) => code)), ["RMIL_PREDICATE"]);
      assert.deepEqual(await show("linear(64) >> relu >> add($input, 1.0)"), [], "unknown inputs are no fault");
    });

    const actionsAt = async (source: string, fault: Diagnostic) => {
      const found = await client.sendRequest(CodeActionRequest.type, {
        textDocument,
        range: fault.range,
        context: { diagnostics: [fault] },
      });
      return found!.map((action) => {
        assert.ok("edit" in action && action.kind === "quickfix");
        return { title: action.title, text: edited(source, action.edit!.changes![URI]) };
      });
    };

    await test.step("several faults of meaning of one text are told apart, without those that only follow", async () => {
      const source = [
        "let w = `weights` in // kept",
        "let f = \\(x: f32) -> $x in {",
        "  if 3 then $w else $w;",
        "  f(1, 2);",
        "  drop(20) >> linear(8) >> relu;",
        "  add(1, 2) >> map(neg) >> neg",
        "}",
      ].join("\n");
      const found = await show(source);
      assert.deepEqual(found.map(({ code }) => code), ["RMIL_PREDICATE", "RMIL_CALL", "RMIL_ATTRIBUTE", "RMIL_ITEMS"]);
      assert.deepEqual(found.map(({ range }) => range.start), [
        at(source, "3 then"),
        at(source, "f(1, 2)"),
        at(source, "drop(20)"),
        at(source, "map(neg)"),
      ]);
    });

    await test.step("a fault of meaning has a quick fix that changes its place alone", async () => {
      const cases: ReadonlyArray<readonly [source: string, title: RegExp, mended: string]> = [
        ["if 3 then 1 else 2", /Write true/u, "if true then 1 else 2"],
        [
          "let f = \\(x: f32) -> $x in\n  f(1.0, 2.0) // two",
          /last argument/u,
          "let f = \\(x: f32) -> $x in\n  $f(1.0) // two",
        ],
        ["drop( 20 ) >> relu", /rate/u, "drop( 0.2 ) >> relu"],
        ["let f = \\(x: f32) -> $x in $f( 2 )", /f32/u, "let f = \\(x: f32) -> $x in $f( 2.0 )"],
      ];
      for (
        const [source, title, mended] of cases.map(([text, ...rest]) =>
          [text.replace("/* n */ ", ""), ...rest] as const
        )
      ) {
        const [fault] = await show(source);
        const [action] = await actionsAt(source, fault);
        assert.match(action.title, title);
        assert.equal(action.text, mended);
        assert.deepEqual(await show(action.text), []);
      }
    });

    await test.step("several faults have one action that mends them all", async () => {
      const source = "let f = \\(x: f32) -> $x in { if 1 then 2 else 3; f(1.0, 2.0); drop(30) }";
      const found = await show(source);
      assert.equal(found.length, 3);
      const actions = await actionsAt(source, found[0]);
      assert.deepEqual(actions.map(({ title }) => title), ["Write true", "Mend all 3 faults"]);
      assert.deepEqual(await show(actions[1].text), []);
    });

    await test.step("hover tells the program's type, effects and cost", async () => {
      await show("add(1, 2)");
      const found = await client.sendRequest(HoverRequest.type, { textDocument, position: { line: 0, character: 1 } });
      const { value } = found!.contents as { value: string };
      assert.match(value, /Program: `i64`; parameters: 0; effects: none; cost: 1 FLOPs/u);
      await show("linear(64) >> relu");
      const open = await client.sendRequest(HoverRequest.type, { textDocument, position: { line: 0, character: 1 } });
      assert.match((open!.contents as { value: string }).value, /`f32\[a,b\] → f32\[a,64\]`/u);
    });

    const program = "let width = 64 in\n  let f = \\(x: f32) -> add($x, $width) in\n  f(2.0) >> linear(width: 8)";

    await test.step("hover explains ops, names, attributes and marks, wherever the original does", async () => {
      for (const { doc, line, col, hit, start_col } of vectors.hover) {
        const { source } = vectors.documents.find((each: { doc: string }) => each.doc === doc);
        await show(source);
        const found = await client.sendRequest(HoverRequest.type, { textDocument, position: { line, character: col } });
        if (hit) assert.ok(found !== null, `${doc} ${line}:${col} ${start_col}`);
      }
      await show(program);
      const hover = async (text: string, move = 0) => {
        const found = await client.sendRequest(HoverRequest.type, { textDocument, position: at(program, text, move) });
        assert.ok(found !== null && "value" in (found.contents as { value: string }), text);
        return { text: (found.contents as { value: string }).value, range: found.range! };
      };
      const op = await hover("linear", 3);
      assert.match(op.text, /Differentiable/u);
      assert.match(op.text, /weight/u);
      // The range is the word, not what follows the cursor.
      assert.deepEqual(op.range, { start: at(program, "linear"), end: at(program, "linear", 6) });
      assert.match((await hover("width", 0)).text, /let width = 64/u);
      assert.match((await hover("$width", 2)).text, /let width = 64/u);
      assert.match((await hover("$x", 1)).text, /x: f32/u);
      assert.match((await hover("width: 8")).text, /width/u);
      assert.match((await hover(">>", 1)).text, /output of a/u);
      assert.match((await hover("let")).text, /names a value/u);
    });

    await test.step("completion offers names in scope, attributes of the op around, ops and keywords", async () => {
      await show(program);
      const labels = async (text: string, move: number) => {
        const found = await client.sendRequest(CompletionRequest.type, {
          textDocument,
          position: at(program, text, move),
        });
        assert.ok(found !== null && "items" in found);
        return found.items.map(({ label }) => label);
      };
      const inside = await labels("$x,", 1);
      assert.deepEqual([...inside].sort(), ["f", "width", "x"]);
      const outside = await labels("f(2.0)", 0);
      assert.ok(outside.includes("f") && outside.includes("width") && !outside.includes("x"));
      assert.ok(outside.includes("relu") && outside.includes("let"));
      const attributes = await labels("width: 8", 0);
      assert.ok(attributes.includes("bias"));
      assert.equal(new Set(outside).size, outside.length);
      const ops = outside.filter((label) => label.length > 0).length;
      assert.ok(ops >= vectors.completions.opcodes);
      assert.deepEqual(await labels("let width", 4), [], "a new name is nobody's to propose");
    });

    await test.step("a name leads to its binder, over shadowing", async () => {
      const source = "let x = 1 in let x = add($x, 1) in mul($x, $x)";
      await show(source);
      const definition = async (position: { line: number; character: number }) => {
        const found = await client.sendRequest(DefinitionRequest.type, { textDocument, position });
        return found === null ? null : (found as { range: { start: { character: number } } }).range.start.character;
      };
      assert.equal(await definition(at(source, "$x, 1", 1)), 4);
      assert.equal(await definition(at(source, "mul($x", 5)), 17);
      assert.equal(await definition(at(source, "add")), null);
      const references = await client.sendRequest(ReferencesRequest.type, {
        textDocument,
        position: { line: 0, character: 17 },
        context: { includeDeclaration: true },
      });
      assert.deepEqual(references!.map(({ range }) => range.start.character), [17, 40, 44]);
    });

    await test.step("renaming changes the binder and its uses, and nothing else", async () => {
      const source = "let x = 1 in let x = add($x, 1) in mul($x, x)";
      await show(source);
      const rename = async (position: { line: number; character: number }, newName: string) => {
        const found = await client.sendRequest(RenameRequest.type, { textDocument, position, newName });
        return edited(source, found!.changes![URI]);
      };
      const inner = at(source, "mul($x", 5);
      assert.equal(await rename(inner, "y"), "let x = 1 in let y = add($x, 1) in mul($y, y)");
      assert.equal(await rename({ line: 0, character: 4 }, "z"), "let z = 1 in let x = add($z, 1) in mul($x, x)");
      assert.equal(await rename(inner, "relu"), "let x = 1 in let relu = add($x, 1) in mul($relu, $relu)");
      assert.equal(
        await rename(inner, "my name"),
        "let x = 1 in let `my name` = add($x, 1) in mul($`my name`, `my name`)",
      );
      const prepared = await client.sendRequest(PrepareRenameRequest.type, {
        textDocument,
        position: at(source, "add"),
      });
      assert.equal(prepared, null);
    });

    await test.step("a rename that would capture another name is refused", async () => {
      const source = "let x = 1 in let y = 2 in add($x, $y)";
      await show(source);
      const position = { line: 0, character: 4 };
      await assert.rejects(client.sendRequest(RenameRequest.type, { textDocument, position, newName: "y" }), /means/u);
      await assert.rejects(client.sendRequest(RenameRequest.type, { textDocument, position, newName: "" }), /name/u);
    });

    await test.step("formatting keeps comments, and a text without order of its own gets the one layout", async () => {
      const source = "linear( 64 )>>relu // keep me\n";
      await show(source);
      const options = { tabSize: 2, insertSpaces: true };
      const edits = await client.sendRequest(DocumentFormattingRequest.type, { textDocument, options });
      const formatted = edited(source, edits!);
      assert.match(formatted, /linear\(64\)\s+>> relu/u);
      assert.match(formatted, /\/\/ keep me/u);
      await show(formatted);
      assert.deepEqual(await client.sendRequest(DocumentFormattingRequest.type, { textDocument, options }), []);
    });

    await test.step("the outline has every let by its real name, also inside lambdas and calls", async () => {
      const source = "let a = 1 in f(\\(x: f32) -> let b = $x in $b)";
      await show(source);
      const found = await client.sendRequest(DocumentSymbolRequest.type, { textDocument });
      assert.deepEqual(found!.map(({ name }) => name), ["a", "b"]);
    });

    await test.step("changes by range add up to the text, over lines and wide characters", async () => {
      await show("relu\n// 😀😀\nlinear >> gelu");
      const next = new Promise<number>((resolve) =>
        client.onNotification(PublishDiagnosticsNotification.type, ({ diagnostics }) => resolve(diagnostics.length))
      );
      await client.sendNotification(DidChangeTextDocumentNotification.type, {
        textDocument: { uri: URI, version: 100 },
        contentChanges: [
          { range: { start: { line: 1, character: 5 }, end: { line: 1, character: 7 } }, text: "ok" },
          { range: { start: { line: 0, character: 4 }, end: { line: 0, character: 4 } }, text: " >>" },
          { range: { start: { line: 2, character: 0 }, end: { line: 2, character: 99 } }, text: "tanh" },
        ],
      });
      assert.equal(await next, 0);
      const edits = await client.sendRequest(DocumentFormattingRequest.type, {
        textDocument,
        options: { tabSize: 2, insertSpaces: true },
      });
      const source = "relu >>\n// 😀ok\ntanh";
      assert.match(edited(source, edits!), /relu\s+>>\s+\/\/ 😀ok\s+tanh/u);
    });

    await test.step("closing clears the diagnostics, and what is closed is unknown", async () => {
      const next = new Promise<number>((resolve) =>
        client.onNotification(PublishDiagnosticsNotification.type, ({ diagnostics }) => resolve(diagnostics.length))
      );
      await client.sendNotification(DidCloseTextDocumentNotification.type, { textDocument });
      assert.equal(await next, 0);
      await assert.rejects(
        client.sendRequest(HoverRequest.type, { textDocument, position: { line: 0, character: 0 } }),
        /not open/u,
      );
    });

    await test.step("an unknown request is refused, and the session goes on", async () => {
      await assert.rejects(client.sendRequest("textDocument/telepathy", {}), /There is no/u);
      await client.sendNotification(DidOpenTextDocumentNotification.type, {
        textDocument: { uri: URI, languageId: "rmil", version: 1, text: "relu" },
      });
      assert.ok(await client.sendRequest(HoverRequest.type, { textDocument, position: { line: 0, character: 0 } }));
    });
  });
});

Deno.test("the server leaves when its input ends", async () => {
  const child = start();
  const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
  child.stdin!.end();
  assert.equal(await ended, 0);
});
