/**
 * Tests of format.ts: numbers as people read them.
 */
import assert from "node:assert/strict";
import {
  amount,
  brief,
  bytes,
  count,
  duration,
  flops,
  number,
  percent,
  shortDigest,
} from "../../../../plugins/evolution/report/format.ts";

const plain = (text: string): string => text.replaceAll("\u202f", " ");

const CASES: ReadonlyArray<readonly [made: string, expected: string]> = [
  [number(0), "0"],
  [number(0.123456), "0.1235"],
  [number(1234.5678), "1 235"],
  [number(-12.5), "-12.5"],
  [number(123456789), "1.23e8"],
  [number(0.00001234), "1.23e-5"],
  [number(undefined), "–"],
  [number(Infinity), "–"],
  [count(1234567), "1 234 567"],
  [count(999), "999"],
  [count(NaN), "–"],
  [percent(0.978051), "97.81 %"],
  [percent(1, 0), "100 %"],
  [percent(undefined), "–"],
  [amount(999), "999"],
  [amount(1_000), "1 k"],
  [amount(-12_345), "-12.3 k"],
  [flops(1e12), "1 TFLOP"],
  [flops(468_000), "468 kFLOP"],
  [bytes(46), "46 bytes"],
  [bytes(49_120), "49.1 kB"],
  [duration(12.3456), "12.3 ms"],
  [duration(56_300), "56.3 s"],
  [duration(125_000), "2 min 5 s"],
  [shortDigest(`sha256:${"ab".repeat(32)}`), "abababababab"],
  [brief(`kept sha256:${"cd".repeat(32)} now`), "kept cdcdcdcdcdcd… now"],
  [brief("sha256:abc"), "sha256:abc"],
];

Deno.test("numbers are as short as they can be read", () => {
  for (const [made, expected] of CASES) assert.equal(plain(made), expected);
});
