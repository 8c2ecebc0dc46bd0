/**
 * Program job: what a program of the language, or a typed graph below it, answers to inputs, in a worker.
 *
 * Not the judge: no right answers come here.
 * Invariant: each run has its own fuel and memory; a program reaches nothing but its inputs.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import { decodeProgram, evaluate, tensorFromJson, type TensorJson, tensorToJson } from "../../ir/library.ts";
import { decodeAny, readValue, runNow, showValue, type ValueJson } from "../../rmil/library.ts";
import type { Answer } from "./answers.ts";

/** What a job is given. */
export interface Task<Input> {
  /** The candidate's bytes. */
  readonly program: Uint8Array;
  /** Inputs, one for each case. */
  readonly inputs: ReadonlyArray<Input>;
  /** Most steps of one run. */
  readonly fuel: number;
  /** Most bytes that one run holds. */
  readonly maxBytes: number;
}

/** A program of the language, of either version, and inputs by name. */
export type ProgramTask = Task<{ readonly [name: string]: ValueJson }>;

/** A typed graph, and the tensors that it takes in their order. */
export type GraphTask = Task<ReadonlyArray<TensorJson>>;

const answering = <Input>({ inputs }: Task<Input>, run: (input: Input) => Answer): ReadonlyArray<Answer> =>
  inputs.map((input) => {
    try {
      return run(input);
    } catch (thrown) {
      return { none: isFailure(thrown) ? thrown.code : String(thrown) };
    }
  });

/** Runs the program once for each record of inputs. */
export const answerProgram = (task: ProgramTask): ReadonlyArray<Answer> =>
  answering(task, (given) => {
    const { root, symbols } = decodeAny(task.program);
    const inputs = Object.fromEntries(
      Object.entries(given).map(([name, json]) => [name, readValue(name, json, symbols)]),
    );
    const result = runNow(root, symbols, { inputs, fuel: task.fuel, maxBytes: task.maxBytes });
    if (result === undefined) return { none: "it asks others" };
    return { text: JSON.stringify(showValue(result.value, symbols)) };
  });

/** Evaluates the graph once for each list of tensors, by the reference; one result is itself, several are a list. */
export const answerGraph = (task: GraphTask): ReadonlyArray<Answer> =>
  answering(task, (given) => {
    const inputs = given.map((json, index) => tensorFromJson(json, `/${index}`));
    const { results } = evaluate(decodeProgram(task.program), inputs, { fuel: task.fuel, maxBytes: task.maxBytes });
    const shown = results.map(tensorToJson);
    return { text: JSON.stringify(shown.length === 1 ? shown[0] : shown) };
  });
