/**
 * Program job: what a program of the language answers to inputs, in a worker.
 *
 * Not the judge: no right answers come here.
 * Invariant: each run has its own fuel and memory; a program reaches nothing but its inputs.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import { decodeAny, readValue, runNow, showValue, type ValueJson } from "../../rmil/library.ts";
import type { Answer } from "./answers.ts";

/** What the job is given. */
export interface ProgramTask {
  /** The program's bytes, of either version. */
  readonly program: Uint8Array;
  /** Inputs by name, one record a case. */
  readonly inputs: ReadonlyArray<{ readonly [name: string]: ValueJson }>;
  /** Most steps of one run. */
  readonly fuel: number;
  /** Most bytes that one run holds. */
  readonly maxBytes: number;
}

const answerOf = ({ program, fuel, maxBytes }: ProgramTask, given: ProgramTask["inputs"][number]): Answer => {
  try {
    const { root, symbols } = decodeAny(program);
    const inputs = Object.fromEntries(
      Object.entries(given).map(([name, json]) => [name, readValue(name, json, symbols)]),
    );
    const result = runNow(root, symbols, { inputs, fuel, maxBytes });
    if (result === undefined) return { none: "it asks others" };
    return { text: JSON.stringify(showValue(result.value, symbols)) };
  } catch (thrown) {
    return { none: isFailure(thrown) ? thrown.code : String(thrown) };
  }
};

/** Runs the program once for each record of inputs. */
export const answerProgram = (task: ProgramTask): ReadonlyArray<Answer> =>
  task.inputs.map((inputs) => answerOf(task, inputs));
