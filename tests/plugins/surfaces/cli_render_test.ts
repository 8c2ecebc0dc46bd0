/**
 * What a person sees: answers, failures and progress as text. Expected texts are written by hand.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { failure, type Json, unknownOperation } from "../../../kernel/mod.ts";
import { MAX_SHOWN, renderFailure } from "../../../plugins/surfaces/cli/failure_text.ts";
import { progressBar, progressLine, REDRAW_MS } from "../../../plugins/surfaces/cli/progress.ts";
import { MAX_ROWS, renderEvent, renderValue } from "../../../plugins/surfaces/cli/render.ts";
import { safe, styleOf } from "../../../plugins/surfaces/cli/style.ts";

const style = styleOf(false);

const drawn = (value: Json, columns?: number): string =>
  renderValue(value, columns === undefined ? { style } : { style, columns });

const lines = (...text: ReadonlyArray<string>): string => `${text.join("\n")}\n`;

Deno.test("a list of records is a table, numbers to the right", () => {
  assert.equal(
    drawn([{ id: "a.b", score: 1.5, ok: true }, { id: "long.name", score: 12, ok: false }]),
    lines("id         score  ok", "a.b          1.5  true", "long.name     12  false"),
  );
});

Deno.test("records of different shapes share one table, with gaps", () => {
  assert.equal(drawn([{ a: "1" }, { b: "2" }]), lines("a  b", "1", "   2"));
});

Deno.test("a record is a line a member, deeper values indented below their name", () => {
  assert.equal(
    drawn({ id: "x", sizes: [1, 2], none: null, empty: [], inner: { a: 1 }, rows: [{ k: "v" }] }),
    lines("id     x", "sizes  1, 2", "none   -", "empty  -", "inner", "  a  1", "rows", "  k", "  v"),
  );
});

Deno.test("an event is one line, its type first; one that needs more, or brings its text, is drawn as answers are", () => {
  const event = (value: Json): string => renderEvent(value, { style });
  assert.equal(
    event({ step: 12, type: "step", loss: 0.12345678, near: [1, 2] }),
    "step  step 12  loss 0.123457  near 1, 2\n",
  );
  assert.equal(event({ text: "And " }), drawn({ text: "And " }));
  assert.equal(
    event({ type: "stopped", cause: { kind: "budget" } }),
    lines("type  stopped", "cause", "  kind  budget"),
  );
  assert.equal(event({ type: "note", said: "a\u001b[2J" }).includes("\u001b"), false);
});

Deno.test("lists of texts and of lists are bulleted, an empty one is said to be", () => {
  assert.equal(drawn(["a", "b"]), lines("- a", "- b"));
  assert.equal(drawn([[1, 2], [{ a: { b: 1 } }]]), lines("-", "  - 1", "  - 2", "-", "  -", "    a", "      b  1"));
  assert.equal(drawn([]), lines("(nothing)"));
});

Deno.test("words of a member stand on one line, sentences with commas of their own on one line each", () => {
  assert.equal(drawn({ names: ["a", "b c"] }), lines("names  a, b c"));
  assert.equal(drawn({ lines: ["first, of two", "second"] }), lines("lines", "  - first, of two", "  - second"));
  assert.equal(drawn({ lines: ["one, alone"] }), lines("lines  one, alone"));
});

Deno.test("an answer that brings its own text is shown as that text", () => {
  assert.equal(drawn({ version: "1", text: "RMI\n  two\n" }), "RMI\n  two\n");
  assert.equal(drawn("plain"), "plain\n");
  assert.equal(drawn(42), "42\n");
});

Deno.test("tables are cut to the terminal, wide characters counted as two columns", () => {
  const rows = [{ id: "一二三四五六七八九十", text: "x".repeat(50) }];
  for (const line of drawn(rows, 30).trimEnd().split("\n")) {
    assert.ok([...line].reduce((sum, each) => sum + (/[\u4e00-\u9fff]/u.test(each) ? 2 : 1), 0) <= 30, line);
  }
  assert.match(drawn(rows, 30), /…/u);
  assert.doesNotMatch(drawn(rows), /…/u);
});

Deno.test("a table shows at most its limit of rows and counts the rest", () => {
  const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));
  assert.equal(drawn(rows(MAX_ROWS)).trimEnd().split("\n").length, MAX_ROWS + 1);
  assert.match(drawn(rows(MAX_ROWS + 1)), /and 1 more: use --json\n$/u);
});

Deno.test("text from outside cannot steer the terminal", () => {
  const hostile = "\u001b]0;owned\u0007\u001b[2Jx\r\u0008\u202eevil\u009b31m";
  for (
    const text of [drawn(hostile), drawn({ [hostile]: hostile }), drawn([{ a: hostile }]), drawn({ text: hostile })]
  ) {
    // deno-lint-ignore no-control-regex -- they are what must not be there
    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/u);
  }
  assert.equal(safe("a\tb\nc"), "a\tb\nc");
  assert.equal(safe("\u001b"), "\\u001b");
});

const wrong = failure("DEMO_WRONG", {
  doc: "Demo.",
  recoverable: true,
  says: () => "Cannot draw: it is wrong",
  fix: () => ({ summary: "Use 4", patch: [{ op: "replace", path: "/n", value: 4 }] }),
});

Deno.test("a failure says what, where, expected, found, and the command of the mended call", () => {
  const text = renderFailure(wrong({ path: "/n", expected: 4, actual: "nine" }), style, {
    input: { n: 9 },
    again: (input) => `rmi demo run ${JSON.stringify(input)}`,
  });
  assert.equal(
    text,
    lines(
      "✗ Cannot draw: it is wrong [DEMO_WRONG]",
      "  at        /n",
      "  expected  4",
      "  found     nine",
      "  fix       Use 4",
      '  run       rmi demo run {"n":4}',
    ),
  );
});

Deno.test("a fix with a command shows that command; near ids are listed", () => {
  const retry = { input: {}, again: () => "never" };
  const asked = wrong({ fix: { summary: "Ask", command: "rmi approve 12" } });
  assert.match(renderFailure(asked, style, retry), /run +rmi approve 12\n/u);
  assert.match(renderFailure(unknownOperation({ id: "x", suggestions: ["y", "z"] }), style, retry), /near +y, z\n/u);
});

Deno.test("a patch that does not apply is not offered as a command", () => {
  const text = renderFailure(wrong({}), style, { input: 5, again: () => "never" });
  assert.doesNotMatch(text, /never/u);
});

Deno.test("a huge value in a failure is cut, and its size told", () => {
  const retry = { input: {}, again: () => "" };
  assert.match(renderFailure(wrong({ actual: "x".repeat(MAX_SHOWN + 1) }), style, retry), /… \(401 characters\)/u);
  assert.doesNotMatch(renderFailure(wrong({ actual: "x".repeat(MAX_SHOWN) }), style, retry), /characters/u);
});

Deno.test("colour is asked for, never assumed", () => {
  assert.equal(styleOf(false).bad("x"), "x");
  assert.equal(styleOf(true).bad("x"), "\u001b[31mx\u001b[0m");
});

Deno.test("progress shows share, amounts, rate and time left", () => {
  const line = progressLine({ label: "Training", done: 250, total: 1000, unit: "steps" }, 5_000, 200, style);
  assert.equal(line, `Training  ${"█".repeat(6)}${"░".repeat(18)}  25 %  250/1,000 steps  50/s  15 s left`);
});

Deno.test("progress without a total shows what is known", () => {
  assert.equal(progressLine({ label: "Reading", done: 1_234 }, 1_000, 200, style), "Reading  1,234  1,234/s");
  assert.equal(progressLine({ label: "Reading", done: 3 }, 100, 200, style), "Reading  3", "too early for a rate");
});

Deno.test("progress at its ends: nothing done, all done, more than all, an empty total", () => {
  const at = (done: number, total: number): string => progressLine({ label: "x", done, total }, 60_000, 200, style);
  assert.ok(at(0, 10).endsWith("░  0 %  0/10"));
  assert.ok(at(10, 10).endsWith("█  100 %  10/10  0.2/s"));
  assert.match(at(12, 10), /100 %/u);
  assert.equal(at(0, 0), "x  0/0");
});

Deno.test("long waits are told in the largest two units", () => {
  const left = (seconds: number): string =>
    progressLine({ label: "x", done: 1, total: 1 + seconds }, 1_000, 200, style);
  assert.match(left(59), /59 s left/u);
  assert.match(left(3_600 + 120), /1 h 2 min left/u);
  assert.match(left(90_000), /1 d 1 h left/u);
});

Deno.test("the progress line fits the terminal and cannot break it", () => {
  for (const columns of [20, 40, 60, 80]) {
    const line = progressLine({ label: "L".repeat(100), done: 5e8, total: 1e9, unit: "bytes" }, 9_000, columns, style);
    assert.ok(line.length < columns, `${columns}: ${line.length}`);
  }
  assert.equal(progressLine({ label: "a\nb\u001b[2J", done: 1 }, 0, 80, style), "a b\\u001b[2J  1");
});

Deno.test("the bar is redrawn at intervals, cleared at the end, and silent without a terminal", async () => {
  const draw = (columns: number | undefined) =>
    Effect.gen(function* () {
      const written: string[] = [];
      const bar = progressBar((text) => void written.push(text), () => columns, style);
      for (let done = 0; done < 10; done++) {
        yield* bar.update({ label: "x", done });
        yield* TestClock.adjust(REDRAW_MS / 4);
      }
      yield* bar.clear;
      yield* bar.clear;
      return written;
    }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise);
  const written = await draw(80);
  assert.equal(written.length, 4, "three drawings in 2.5 intervals, one clearing");
  assert.equal(written.at(-1), "\r\u001b[2K");
  assert.deepEqual(await draw(undefined), []);
});
