/**
 * Programs: runs a program that a person named in the policy file, with JSON in and text out.
 *
 * Not a shell and not a sandbox: a program has the person's own permissions, which is why only a person can name one,
 * and why every use asks for `exec` by its name.
 * Invariant: the kernel process starts nothing; what runs, and with which arguments, is read from the file by whoever
 * starts it.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type Cap, isJsonObject, type Json, type KernelFailure, malformedPayload, using } from "../kernel/mod.ts";
import { Supervisor } from "../kernel/supervisor.ts";

/** How a program ended. */
export interface ProgramEnd {
  /** Its exit code; -1 where it has none. */
  readonly code: number;
  /** What it printed. */
  readonly output: string;
  /** The end of what it complained of. */
  readonly complaint: string;
  /** Why it was stopped, or that it could not be started. */
  readonly stopped?: "absent" | "timeout" | "output";
}

/** What a run may take. */
export interface ProgramLimits {
  /** Milliseconds. */
  readonly wallMs: number;
  /** Bytes it prints. */
  readonly outputBytes: number;
}

/** What a run gets where it names no limits. */
export const DEFAULT_PROGRAM_LIMITS: ProgramLimits = { wallMs: 120_000, outputBytes: 4_194_304 };

/** What the service offers. */
export interface ProgramsShape {
  /** Runs a program by its name; interrupting the effect ends it. A name that the policy lacks is `KERNEL_PROTOCOL`. */
  readonly run: (
    program: string,
    input: Json,
    limits?: Partial<ProgramLimits>,
  ) => Effect.Effect<ProgramEnd, KernelFailure, Cap<"exec">>;
}

const ProgramsBase: Context.ServiceClass<Programs, "rmi/Programs", ProgramsShape> = Context.Service<
  Programs,
  ProgramsShape
>()("rmi/Programs");

/** The service of a person's programs. */
export class Programs extends ProgramsBase {}

const STOPS: ReadonlyArray<unknown> = ["absent", "timeout", "output"];

const endOf = (answer: Json): ProgramEnd | undefined => {
  if (!isJsonObject(answer)) return undefined;
  const { code, output, complaint, stopped } = answer;
  const whole = typeof code === "number" && typeof output === "string" && typeof complaint === "string" &&
    (stopped === undefined || STOPS.includes(stopped));
  return whole ? answer as unknown as ProgramEnd : undefined;
};

/** Programs over a supervisor. */
export const layerPrograms: Layer.Layer<Programs, never, Supervisor> = Layer.effect(
  Programs,
  Effect.map(Supervisor, (supervisor) => ({
    run: (program, input, limits = {}) =>
      using(
        "exec",
        program,
        Effect.flatMap(
          supervisor.request({ kind: "program", program, input, limits: { ...DEFAULT_PROGRAM_LIMITS, ...limits } }),
          (answer) => {
            const end = endOf(answer);
            return end === undefined
              ? Effect.fail(malformedPayload({ format: "a program's end", reason: "it is not what was agreed" }))
              : Effect.succeed(end);
          },
        ),
      ),
  })),
);
