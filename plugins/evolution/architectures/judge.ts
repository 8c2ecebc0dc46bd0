/**
 * Judge: an architecture as a checked program with what it costs, before anything is trained; or why it is refused.
 *
 * Invariant: whatever is not refused becomes a network for these samples, within every limit.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import { check, encodeProgram, parse, type Program } from "../../rmil/library.ts";
import type { Architecture } from "./grammar.ts";
import { type SampleShape, textOf, typeOfSample } from "./text.ts";

/** Limits of a program. */
export interface Limits {
  /** Most trained numbers. */
  readonly parameters: number;
  /** Most operations for one sample when it answers. */
  readonly flops: number;
  /** Most bytes in version 2 of the format, without weights. */
  readonly bytes: number;
}

/** What an architecture is for. */
export interface Purpose {
  /** Shape of one sample; three sizes are an image's channels, height and width. */
  readonly shape: SampleShape;
  /** Numbers that it gives: classes, or the elements of the target. */
  readonly outputs: number;
  /** What no program may exceed. */
  readonly limits: Limits;
}

/** A checked program and its cost. */
export interface Judged {
  /** Its text. */
  readonly text: string;
  /** The program. */
  readonly program: Program;
  /** Trained numbers. */
  readonly parameters: number;
  /** Operations for one sample when it answers. */
  readonly flops: number;
  /** Bytes in version 2 of the format. */
  readonly bytes: number;
}

/** Why an architecture is refused: a limit's name, or the code of the language's failure. */
export interface Refused {
  /** In a few words, the same for all of one kind. */
  readonly refused: string;
}

/** The judgement of an architecture. */
export const judgeArchitecture = (architecture: Architecture, purpose: Purpose): Judged | Refused => {
  const { shape, outputs, limits } = purpose;
  try {
    const text = textOf(architecture, shape, outputs);
    const program = parse(text);
    const { type, parameterCount, flops: operations, exact } = check(program.root, program.symbols, {
      inputs: { x: typeOfSample(shape) },
    });
    const answers = type.k === "Tensor" && type.shape.length === 2 && Number(type.shape[1]) === outputs;
    if (!answers || !exact) return { refused: "its answer or its cost is not known beforehand" };
    const costs = {
      parameters: Number(parameterCount),
      flops: Number(operations),
      bytes: encodeProgram(program).length,
    };
    for (const [name, cost] of Object.entries(costs)) {
      if (cost > limits[name as keyof Limits]) return { refused: `more ${name} than ${limits[name as keyof Limits]}` };
    }
    return { text, program, ...costs };
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    return { refused: thrown.code };
  }
};

/** Whether a judgement is a refusal. */
export const isRefused = (judged: Judged | Refused): judged is Refused => "refused" in judged;
