/**
 * Program cheats: programs of the language that want a score they did not earn. The task is 3 x + 1 on numbers.
 */
import type { Suite } from "../../../../plugins/evolution/evaluators/suite.ts";
import { encodeProgram, parse } from "../../../../plugins/rmil/library.ts";
import type { Cheat } from "./cheats.ts";

const given = (x: number) => ({ x: { type: "f32", values: [x] } });
const wanted = (x: number) => ({ type: "f32", values: [3 * x + 1] });
const cases = (inputs: ReadonlyArray<number>) => inputs.map((x) => ({ input: given(x), wants: wanted(x) }));

/** Cases for programs. */
export const PROGRAM_SUITE: Suite = {
  name: "affine",
  kind: "program",
  seen: cases([0, 1, 2]),
  held: cases([3, 4, 5, 6, -7, -8]),
  tolerance: 1e-6,
};

const BYTES = "bytes ";

/** A program's bytes: those of its text, or those that are written out. */
export const programBytes = (source: string): Uint8Array =>
  source.startsWith(BYTES) ? Uint8Array.fromHex(source.slice(BYTES.length)) : encodeProgram(parse(source));

const trivial = (name: string, source: string, ...flags: ReadonlyArray<string>): Cheat => ({
  name: `program: ${name}`,
  source,
  must: "trivial",
  flags,
});

export const PROGRAM_CHEATS: ReadonlyArray<Cheat> = [
  trivial("the input itself", "identity"),
  trivial("one answer to everything", "mul(0.0) >> add(10.0)", "CONSTANT", "TRIVIAL"),
  trivial("minus infinity", "mul(0.0) >> log >> sub(1.0)", "NOT_FINITE"),
  trivial("infinity", "add(100.0) >> mul(100.0) >> exp", "NOT_FINITE"),
  trivial("not a number", "mul(0.0) >> sub(1.0) >> sqrt", "NOT_FINITE"),
  trivial("right, but in a pair", "mul(3.0) >> add(1.0) >> (identity | identity)"),
  trivial("right for what can be seen", "mul(3.0) >> add(1.0) >> max(1.0) >> min(7.0)", "MEMORISED"),
  trivial("chance", "drop(0.5) >> mul(2.0)"),
  trivial("nothing at all", "bytes 00", "SILENT"),
  trivial("bytes that are no program", "bytes ffffffffffffffff", "SILENT"),
  trivial("itself without end", "let f = \\(x: f32) -> $f($x) in $f(1.0)", "SILENT"),
  trivial("loops within loops", "loop(loop(loop(add(1.0))))", "SILENT"),
  trivial("more memory than there is", "linear(1000000000)", "SILENT"),
  trivial("asks another agent", "send(#other, 1)", "SILENT"),
];
