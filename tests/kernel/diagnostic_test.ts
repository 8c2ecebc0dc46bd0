import * as Arbitrary from "effect/Arbitrary";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { diagnostic, Failure, parseDiagnostic } from "../../kernel/mod.ts";

const failureOf = (code: string, message: string, fix: string, path: string, recoverable: boolean): Failure =>
  new Failure({ code, recoverable, message, path, fix: { summary: fix }, suggestions: [], docs: "docs/failures.md" });

const HARD_TEXTS = [
  "",
  " ",
  "two words",
  'a "quote" and a \\ backslash \\" both',
  "ends in a backslash \\",
  'x" fix="forged" path="',
  "line\nbreak\r\nand tab\t",
  "\u2028\u2029\u0085\u0000\u007f",
  "中文，表情 😀",
  "\ud800 alone",
  "code=x recoverable=true",
];

Deno.test("every hard text comes back exactly from every place in the line", () => {
  for (const one of HARD_TEXTS) {
    for (const two of HARD_TEXTS) {
      const line = diagnostic(failureOf("TEST_CODE", one, two, one, true));
      assert.doesNotMatch(line, /[\n\r\u2028\u2029]/u);
      const expected = { code: "TEST_CODE", recoverable: true, message: one, fix: two, path: one };
      assert.deepEqual(parseDiagnostic(line), expected);
    }
  }
});

Deno.test("law: any failure's line is one line and parses back", async () => {
  const made = Arbitrary.schema(Schema.Struct({
    code: Schema.String,
    message: Schema.String,
    fix: Schema.String,
    path: Schema.String,
    recoverable: Schema.Boolean,
  }));
  const outcome = await Effect.runPromise(Arbitrary.checkEffect(made, (f) => {
    const line = diagnostic(failureOf(f.code, f.message, f.fix, f.path, f.recoverable));
    const read = parseDiagnostic(line);
    return !/[\n\r\u2028\u2029]/u.test(line) && read !== undefined && read.code === f.code &&
      read.message === f.message && read.fix === f.fix && read.path === f.path && read.recoverable === f.recoverable;
  }, { runs: 500 }));
  assert.equal(outcome._tag, "Passed", Arbitrary.formatCheckFailure(outcome));
});

Deno.test("a command is shown in preference to the sentence about it, and no fix is an empty one", () => {
  const base = { code: "A", recoverable: true, message: "m", path: "", suggestions: [], docs: "d" };
  const commanded = new Failure({ ...base, fix: { summary: "Install it", command: "rmi install x" } });
  assert.equal(parseDiagnostic(diagnostic(commanded))?.fix, "rmi install x");
  assert.equal(parseDiagnostic(diagnostic(new Failure(base)))?.fix, "");
});

Deno.test("what is not a diagnostic line is not read as one", () => {
  const line = diagnostic(failureOf("A", "b", "c", "/d", false));
  assert.notEqual(parseDiagnostic(line), undefined);
  for (
    const wrong of [
      "",
      "error",
      line.slice(0, -1),
      line.slice(1),
      `${line} `,
      line.replace("recoverable", "Recoverable"),
      line.replace('"false"', '"maybe"'),
      line.replace("code=", "path="),
      line.replace('code="A" ', ""),
      line.replace('"b"', '"\\q"'),
      line.replace('"b"', '"b\nc"'),
    ]
  ) assert.equal(parseDiagnostic(wrong), undefined, wrong);
});

Deno.test("text after the last pair is not swallowed", () => {
  const line = diagnostic(failureOf("A", "b", "c", "/d", false));
  assert.equal(parseDiagnostic(`${line} extra="x"`), undefined);
  assert.equal(parseDiagnostic(`${line}x`), undefined);
});
