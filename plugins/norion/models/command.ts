/**
 * Command: a model that is a program on this machine: one JSON document in, one out.
 *
 * Not a shell: the program and its arguments stand in the policy file under a name, and only the name is known here.
 * Invariant: what the program prints is not trusted: another exit code, no JSON, another version or an empty answer is
 * trouble with a fault.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { ProgramEnd, ProgramsShape } from "../../../effects/mod.ts";
import type { Cap } from "../../../kernel/mod.ts";
import type { ModelBackend, ModelDescription, ModelFault, ModelTrouble } from "../contract.ts";
import { finished, inOnePiece, inputTokens, tooLong, trouble, untilStop } from "./finished.ts";

/** Version of the documents. */
export const COMMAND_VERSION = 1;

/** What a program is sent. */
export interface CommandRequest {
  /** Version of this document. */
  readonly version: 1;
  /** The text to answer. */
  readonly prompt: string;
  /** Standing instructions. */
  readonly system?: string;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** Chance. */
  readonly seed: number;
  /** How freely to sample. */
  readonly temperature: number;
  /** Texts at which the answer ends. */
  readonly stop: ReadonlyArray<string>;
}

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const FAULTS: ReadonlyArray<ModelFault> = ["timeout", "overloaded", "unavailable", "too-long", "refused"];

/** What a program answers: an answer, or why there is none. */
const CommandAnswer = Schema.Union([
  Schema.Struct({
    version: Schema.Literal(COMMAND_VERSION),
    answer: Schema.String,
    finish: Schema.optionalKey(Schema.Literals(["stop", "length"])),
    usage: Schema.optionalKey(Schema.Struct({ input: Count, output: Count })),
  }),
  Schema.Struct({ version: Schema.Literal(COMMAND_VERSION), fault: Schema.Literals(FAULTS) }),
]);

const decodeAnswer = Schema.decodeUnknownResult(Schema.fromJsonString(CommandAnswer));

/** What stopping a program means. */
const STOPS: { readonly [S in NonNullable<ProgramEnd["stopped"]>]: ModelFault } = {
  absent: "unavailable",
  timeout: "timeout",
  output: "garbage",
};

const troubleOf = ({ code, stopped }: ProgramEnd): ModelTrouble | undefined => {
  if (stopped === "absent") return trouble("unavailable", "the program cannot be started");
  if (stopped !== undefined) return trouble(STOPS[stopped], `the program was stopped (${stopped})`);
  return code === 0 ? undefined : trouble("unavailable", `the program ended with code ${code}`);
};

/** A program as a model. */
export const commandModel = (
  { description, program, programs }: {
    /** How it is declared; its kind is `command`. */
    readonly description: ModelDescription;
    /** Its name in the policy file. */
    readonly program: string;
    /** What runs it. */
    readonly programs: ProgramsShape;
  },
): ModelBackend<Cap<"exec">> =>
  inOnePiece({
    describe: () => description,
    generate: (request) =>
      Effect.gen(function* () {
        const tokens = inputTokens(request);
        if (tokens > description.window) return yield* Effect.fail(tooLong(tokens, description.window));
        const { prompt, system, maxTokens, seed, temperature, stop = [] } = request;
        const sent: CommandRequest = {
          version: COMMAND_VERSION,
          prompt,
          ...(system === undefined ? {} : { system }),
          maxTokens,
          seed,
          temperature,
          stop,
        };
        const end = yield* programs.run(program, { ...sent }).pipe(
          // A program that the policy does not name, or a person does not allow, is as good as locked.
          Effect.mapError((failure) =>
            trouble(failure.code === "KERNEL_FACILITY_ABSENT" ? "unavailable" : "unauthorised", failure.message)
          ),
        );
        const stopped = troubleOf(end);
        if (stopped !== undefined) return yield* Effect.fail(stopped);
        const read = decodeAnswer(end.output, { onExcessProperty: "error" });
        if (Result.isFailure(read)) {
          return yield* Effect.fail(trouble("garbage", "the program's output is no answer of version 1"));
        }
        const made = read.success;
        if ("fault" in made) return yield* Effect.fail(trouble(made.fault, "the program says so"));
        return yield* finished(description, request, {
          text: untilStop(made.answer, request.stop),
          ...(made.finish === undefined ? {} : { finish: made.finish }),
          ...(made.usage === undefined ? {} : { counted: made.usage }),
        });
      }),
  });
