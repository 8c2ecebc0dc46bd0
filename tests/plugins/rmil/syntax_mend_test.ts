/** Texts that are no programs: all that is wrong in one answer, and the text that would be read. */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { applyPatch, type Failure, failureFromJson, type Json } from "../../../kernel/mod.ts";
import { MAX_MENDED_TEXT, MAX_MENDINGS, mendSource } from "../../../plugins/rmil/syntax/mend.ts";
import { parseSource } from "../../../plugins/rmil/syntax/parser.ts";
import { readSource } from "../../../plugins/rmil/syntax/reading.ts";
import { readType } from "../../../plugins/rmil/value_json.ts";
import { callAs, inWorkspace } from "../../workspace.ts";
import { failureOf } from "./programs.ts";
import { slippedTexts, SLIPS } from "./slips.ts";

const SEED = "slips-1";

Deno.test("texts broken in six ways: nearly all are mended, and what is mended reads", () => {
  const broken = slippedTexts(SEED);
  const mended = broken.flatMap(({ text }) => mendSource(text) ?? []);
  for (const { text, summaries } of mended) {
    assert.ok(parseSource(text).ok, text);
    assert.ok(summaries.length > 0 && summaries.length <= MAX_MENDINGS);
  }
  assert.equal(new Set(broken.map(({ by }) => by)).size, Object.keys(SLIPS).length);
  assert.ok(broken.length >= 100, String(broken.length));
  assert.ok(mended.length / broken.length >= 0.95, `${mended.length} of ${broken.length}`);
});

/** Texts and what they are mended to: the smallest edit, and the rest as it was. */
const MENDED: { readonly [text: string]: string } = {
  "linear(64 >> relu": "linear(64 >> relu)",
  "linear(64)) >> relu": "linear(64) >> relu",
  "linear(64) >> >> relu // kept": "linear(64) >> relu // kept",
  "linear(64) >>": "linear(64)",
  "add(1, , 2)": "add(1, 2)",
  "let x = 1 add($x, 2)": "let x = 1 in add($x, 2)",
  "{ relu; gelu": "{ relu; gelu}",
  "add(1., 2)": "add(1.0, 2)",
};

for (const [text, wanted] of Object.entries(MENDED)) {
  Deno.test(`mended: ${text}`, () => assert.equal(mendSource(text)?.text.trimEnd().replaceAll(/ +/gu, " "), wanted));
}

Deno.test("a program, and a text longer than allowed, are not mended", () => {
  assert.equal(mendSource("relu"), undefined);
  const long = (length: number): string => `relu >>${" ".repeat(length - 7)}`;
  assert.equal(mendSource(long(MAX_MENDED_TEXT))?.text.trimEnd(), "relu");
  assert.equal(mendSource(long(MAX_MENDED_TEXT + 1)), undefined);
});

Deno.test("as many edits as allowed are made, a text that needs one more is not mended", () => {
  // Every stray mark takes one edit, and none mends another.
  const text = (count: number): string => Array.from({ length: count + 1 }, () => "relu").join(" %>> ");
  assert.equal(
    mendSource(text(MAX_MENDINGS))?.text,
    Array.from({ length: MAX_MENDINGS + 1 }, () => "relu").join(" >> "),
  );
  assert.equal(mendSource(text(MAX_MENDINGS + 1)), undefined);
});

Deno.test("a refused text says all that is wrong with it, at the place where it stands", () => {
  const failure = failureOf(() => readSource("linear(1.) >> let = 3 in relu", "/program/source"));
  const others = failure.also!.map(failureFromJson);
  assert.deepEqual([failure, ...others].map(({ code, path }) => [code, path]), [
    ["RMIL_LITERAL", "/program/source"],
    ["RMIL_SYNTAX", "/program/source"],
  ]);
  const [edit] = failure.fix!.patch!;
  assert.ok(edit.op === "replace" && edit.path === "/program/source");
  assert.ok(parseSource(String(edit.value)).ok);
});

const refused = (input: Json): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, "rmil.check", input))) as Promise<Failure>;

Deno.test("rmil.check: the patch of a text that is no program is one after which the check passes", async () => {
  const texts: ReadonlyArray<readonly [string, string]> = [
    ["linear(3) >> >> softmx", "linear(3) >> softmax"],
    ["linear(3)) >> relu", "linear(3) >> relu"],
    ["linear(3) >> drop(20", "linear(3) >> drop(0.2)"],
  ];
  for (const [source, mended] of texts) {
    const input = { program: { source }, inputs: { x: "f32[2,5]" } };
    const failure = await refused(input);
    assert.equal(failure.code, "RMIL_SYNTAX", source);
    const made = applyPatch(failure.fix!.patch!, input) as typeof input;
    assert.equal(made.program.source, mended);
    await inWorkspace((kernel) => callAs(kernel, "rmil.check", made));
  }
});

Deno.test("rmil.check: where the text that would be read is refused all the same, there is no patch", async () => {
  const failure = await refused({ program: { source: "linear(3 >> drop(20" }, inputs: { x: "f32[2,5]" } });
  assert.deepEqual([failure.code, failure.fix], ["RMIL_SYNTAX", { summary: "Insert ))" }]);
});

Deno.test("a type that is not quite one is refused with the near one", () => {
  const near = (text: string) => failureOf(() => readType("x", text)).fix?.patch?.[0];
  for (
    const [text, wanted] of [
      ["f23[2,3]", "f32[2,3]"],
      ["float32[2,3]", "f32[2,3]"],
      ["[8, 32]", "f32[8,32]"],
      ["int8[4]", "i8[4]"],
      ["bfloat16[4]", "bf16[4]"],
      ["f32(2,3)", "f32[2,3]"],
      ["f32[2x3]", "f32[2,3]"],
      ["float[n,3]", "f32[n,3]"],
    ]
  ) {
    assert.deepEqual(near(text), { op: "replace", path: "/inputs/x", value: wanted }, text);
  }
  assert.equal(near("no such thing"), undefined);
});
