import assert from "node:assert/strict";
import {
  diagnostic,
  failureFromJson,
  failureToJson,
  fromOriginal,
  kernelFailures,
  ORIGINAL_KINDS,
  parseDiagnostic,
} from "../../kernel/mod.ts";

/** The original's table, copied from its behaviour specification: kind, category, recoverable. */
const PUBLISHED: ReadonlyArray<readonly [string, string, boolean]> = [
  ["Primitive", "primitive", false],
  ["Ontology", "ontology", false],
  ["Agent", "agent", false],
  ["Protocol", "protocol", true],
  ["Compute", "compute", false],
  ["Serialization", "serialization", false],
  ["Io", "io", true],
  ["ShapeMismatch", "shape", false],
  ["ResourceExhausted", "resource", true],
  ["InvalidConfig", "config", false],
  ["Neural", "neural", false],
  ["Symbolic", "symbolic", false],
  ["Unification", "unification", false],
  ["CodeGen", "codegen", false],
  ["Validation", "validation", false],
];

const PAYLOADS = [
  { text: "plain words" },
  { text: 'a "quoted" blank = sign\nand a second line\u2028and a third' },
  { text: "" },
  {},
  {
    expected: [4, 8],
    actual: [4],
    module: "neural.dense",
    message: "width is zero",
    field: "layers.0.width",
    text: "x",
  },
];

Deno.test("all fifteen kinds are there, with the original's categories and flags", () => {
  assert.deepEqual(ORIGINAL_KINDS.map((row) => [row.kind, row.category, row.recoverableThere]), PUBLISHED);
});

for (const { kind, category, failure, from } of ORIGINAL_KINDS) {
  Deno.test(`${kind}: has a diagnostic with a fix, survives JSON, and its line parses back, whatever the payload`, () => {
    assert(kernelFailures.includes(failure));
    for (const payload of PAYLOADS) {
      const made = from(payload);
      if (payload.text === "plain words") assert.equal(made.code, failure.code);
      assert.notEqual(made.message, "");
      const line = diagnostic(made);
      assert(line.startsWith(`error code="${made.code}" recoverable="${made.recoverable}" message="`), line);
      assert.doesNotMatch(line, /[\n\r\u2028\u2029]/u);
      const read = parseDiagnostic(line);
      assert.notEqual(read?.fix, "");
      assert.deepEqual(read, {
        code: made.code,
        recoverable: made.recoverable,
        message: made.message,
        fix: made.fix?.summary,
        path: made.path,
      });
      const back = failureFromJson(JSON.parse(JSON.stringify(failureToJson(made))));
      assert.deepEqual(failureToJson(back), failureToJson(made));
    }
    assert.equal(fromOriginal(category, { text: "x" })?.code, fromOriginal(kind, { text: "x" })?.code);
  });
}

Deno.test("the reason the original gave is never lost", () => {
  for (const { kind, from } of ORIGINAL_KINDS) {
    if (kind === "ShapeMismatch") continue;
    assert.match(from({ text: "reason-4711" }).message, /reason-4711/u, kind);
  }
});

Deno.test("a shape mismatch prints both shapes and carries them as data", () => {
  const made = fromOriginal("ShapeMismatch", { expected: [4, 8], actual: [2, 2, 2] });
  assert.match(made!.message, /\[4, 8\]/u);
  assert.match(made!.message, /\[2, 2, 2\]/u);
  assert.deepEqual([made!.expected, made!.actual], [[4, 8], [2, 2, 2]]);
});

Deno.test("a shape mismatch that the original files under compute is a shape mismatch here", () => {
  const made = fromOriginal("Compute", { text: "Shape mismatch: expected [4, 8], got []" });
  assert.equal(made!.code, "KERNEL_SHAPE");
  assert.deepEqual([made!.expected, made!.actual], [[4, 8], []]);
  assert.equal(fromOriginal("Compute", { text: "no kernel for bf16" })!.code, "KERNEL_OPERAND");
});

Deno.test("a validation error names its module, and its field reaches message, path and fix", () => {
  const made = fromOriginal("Validation", { module: "config", message: "must be positive", field: "train.rate" });
  assert.match(made!.message, /config.*train\.rate.*must be positive/u);
  assert.equal(made!.path, "/train/rate");
  assert.match(made!.fix!.summary, /train\.rate/u);
});

Deno.test("corrupt storage, which the original calls a protocol error to retry, is not recoverable here", () => {
  for (const text of ["checksum mismatch in segment 3", "bad tensor magic"]) {
    const made = fromOriginal("Protocol", { text });
    assert.equal(made!.code, "KERNEL_PAYLOAD");
    assert.equal(made!.recoverable, false);
  }
  assert.equal(fromOriginal("Protocol", { text: "connection reset" })!.code, "KERNEL_PROTOCOL");
});

Deno.test("a kind that the original does not have is not guessed", () => {
  assert.equal(fromOriginal("Quantum", { text: "x" }), undefined);
});
