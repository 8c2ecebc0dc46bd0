/**
 * Random programs, every primitive and control node, every dtype, edge values and empty axes: the CPU backend gives what
 * the reference gives.
 */
import assert from "node:assert/strict";
import { printProgram } from "../../../../plugins/ir/library.ts";
import { type ProgramOptions, randomInputs, randomProgram } from "../../ir/programs.ts";
import { disagreement } from "./agreement.ts";

const agree = (kind: string, count: number, options: ProgramOptions): void => {
  for (let seed = 0; seed < count; seed++) {
    const program = randomProgram(`${kind} ${seed}`, options);
    const why = disagreement(program, randomInputs(program, seed, options));
    assert.equal(why, undefined, `${kind} ${seed}: ${why}\n${why === undefined ? "" : printProgram(program)}`);
  }
};

Deno.test("400 short programs of everything agree with the reference", () => {
  agree("short", 400, { nodes: 12 });
});

Deno.test("120 long programs agree with the reference", () => {
  agree("long", 120, { nodes: 40, edges: false });
});

Deno.test("100 float programs with axes wider than vectors agree with the reference", () => {
  agree("wide", 100, { nodes: 15, dtypes: ["f32", "f64"], maxSize: 19, edges: false, empty: false });
});
