import assert from "node:assert/strict";
import { isFailure } from "../../kernel/failure.ts";
import * as v1 from "../../plugins/rmil/codec/v1.ts";
import * as v2 from "../../plugins/rmil/codec/v2.ts";
import { Trees } from "../plugins/rmil/trees.ts";
import { mutate } from "./rmil_mutations.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (thrown) {
    assert.ok(isFailure(thrown), String(thrown));
    return thrown.code;
  }
  return "";
};

const ANY = { knows: v1.anyOpcode };

Deno.test("ten thousand mutations of both versions: an answer each, and what is accepted is written back the same", () => {
  const { tried, accepted, broken } = mutate("hostile", 10_000);
  assert.deepEqual(broken.slice(0, 3), []);
  assert.equal(tried, 10_000);
  // Were none accepted, nothing would have been judged.
  assert.ok(accepted > 300, `${accepted}`);
});

Deno.test("every truncation of a program is refused, in both versions", () => {
  const trees = new Trees("truncations", { v1: true });
  for (let i = 0; i < 30; i++) {
    const program = { symbols: trees.symbols, root: trees.expression(4) };
    for (const codec of [v1, v2]) {
      const bytes = codec.encodeProgram(program);
      for (let length = 0; length < bytes.length; length += 1 + (bytes.length >> 8)) {
        const code = codeOf(() => codec.decodeProgram(bytes.subarray(0, length), ANY));
        assert.equal(code, "RMIL_TRUNCATED", `${bytes.toHex()} at ${length}`);
      }
    }
  }
});

Deno.test("any byte after the end is refused, in both versions and forms", () => {
  const trees = new Trees("trailing", { v1: true });
  for (let i = 0; i < 100; i++) {
    const root = trees.expression(3);
    for (const codec of [v1, v2]) {
      const expression = Uint8Array.of(...codec.encodeExpression(root), i);
      assert.equal(codeOf(() => codec.decodeExpression(expression, ANY)), "RMIL_TRAILING");
      const program = Uint8Array.of(...codec.encodeProgram({ symbols: trees.symbols, root }), i);
      assert.equal(codeOf(() => codec.decodeProgram(program, ANY)), "RMIL_TRAILING");
    }
  }
});

/** Heads of programs: nothing after them, and enormous announcements in them. */
const header = (version: number, rest: string): Uint8Array =>
  Uint8Array.fromHex(`524d494c${version.toString(16).padStart(2, "0")}00${rest}`);

Deno.test("bombs are refused before anything of their size is allocated", () => {
  const bombs: ReadonlyArray<readonly [() => unknown, string]> = [
    [() => v1.decodeProgram(header(1, "000001000000ffffffff")), "RMIL_TRUNCATED"],
    [() => v1.decodeProgram(header(1, "000001000000010000000000" + "09ffffffff")), "RMIL_TRUNCATED"],
    [() => v1.decodeExpression(Uint8Array.fromHex("00050b0200ffffff7fffffff7fffffffff")), "RMIL_SIZE"],
    [() => v1.decodeExpression(Uint8Array.fromHex("00050b0100ffffff3ffcffffff")), "RMIL_TRUNCATED"],
    [() => v1.decodeExpression(Uint8Array.fromHex("0007ffff")), "RMIL_TRUNCATED"],
    [() => v1.decodeExpression(Uint8Array.fromHex("07ffff")), "RMIL_TRUNCATED"],
    [() => v2.decodeProgram(header(2, "ffffffff7f")), "RMIL_SIZE"],
    [() => v2.decodeProgram(header(2, "00" + "ffffffff7f")), "RMIL_SIZE"],
    [() => v2.decodeProgram(header(2, "00" + "00" + "ffffffff7f")), "RMIL_SIZE"],
    [() => v2.decodeProgram(header(2, "00" + "01" + "0b03ffff03ffff03ffff03")), "RMIL_SIZE"],
    [() => v2.decodeProgram(header(2, "ffffff7f")), "RMIL_TRUNCATED"],
    [() => v2.decodeExpression(Uint8Array.fromHex("d9ffffff7f")), "RMIL_TRUNCATED"],
    [() => v2.decodeExpression(Uint8Array.fromHex("d60bffffff7f")), "RMIL_TRUNCATED"],
    [() => v2.decodeExpression(Uint8Array.fromHex("b7ffffff7f07")), "RMIL_TRUNCATED"],
  ];
  const before = Deno.memoryUsage().rss;
  bombs.forEach(([run, code], index) => assert.equal(codeOf(run), code, `bomb ${index}`));
  assert.ok(Deno.memoryUsage().rss - before < 64 * 2 ** 20);
});

Deno.test("symbol tables with a name twice, an empty name or half a character are refused, in version 2 as in 1", () => {
  const tables: ReadonlyArray<readonly [string, string]> = [
    ["0201610161" + "00" + "01d0", "RMIL_TEXT"],
    ["0100" + "00" + "01d0", "RMIL_TEXT"],
    ["0103eda080" + "00" + "01d0", "RMIL_TEXT"],
    ["0101ff" + "00" + "01d0", "RMIL_TEXT"],
    ["01" + "808004" + "00" + "01d0", "RMIL_SIZE"],
    ["010161" + "00" + "01e2", "RMIL_SYMBOL"],
  ];
  for (const [rest, code] of tables) assert.equal(codeOf(() => v2.decodeProgram(header(2, rest))), code, rest);
});
