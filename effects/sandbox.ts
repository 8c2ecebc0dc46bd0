/**
 * Sandbox: runs one generated or untrusted module, as a function from one JSON value to another, in a child process
 * without any permission.
 *
 * Not a judge: the value is the candidate's claim, to be compared with the truth outside. Our own programs need none of
 * this; they run in an interpreter with fuel.
 * Invariant: whatever the candidate does, the answer is a value or a typed failure, and the host is as it was.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  canonicalJson,
  type Cap,
  Disk,
  type FailureOf,
  type FailuresOf,
  invalidConfig,
  isJsonObject,
  type Json,
  type KernelFailure,
  malformedPayload,
} from "../kernel/mod.ts";
import {
  DEFAULT_SANDBOX_LIMITS,
  MAX_SOURCE_CHARS,
  SANDBOX_BOUNDS,
  type SandboxLimits,
} from "../kernel/sandbox_limits.ts";
import { Supervisor } from "../kernel/supervisor.ts";
import { sandboxFailures } from "./failures.ts";

export { DEFAULT_SANDBOX_LIMITS, SANDBOX_BOUNDS, type SandboxLimits } from "../kernel/sandbox_limits.ts";

/** Why a candidate has no value. */
export type SandboxFailure = FailuresOf<typeof sandboxFailures[keyof typeof sandboxFailures]> | KernelFailure;

/** What every run says. */
export interface Trial {
  /** The function's argument; default `null`. */
  readonly input?: Json;
  /** Limits; unnamed ones are the defaults. */
  readonly limits?: Partial<SandboxLimits>;
}

/** What the sandbox offers. */
export interface SandboxShape {
  /** Runs a module's text: TypeScript or JavaScript without imports, its default export a function. */
  readonly run: (trial: Trial & { readonly source: string }) => Effect.Effect<Json, SandboxFailure>;
  /** Runs a module's file the same way; only its text reaches the child. */
  readonly runFile: (
    trial: Trial & { readonly module: string },
  ) => Effect.Effect<Json, SandboxFailure, Cap<"readLocal"> | Disk>;
}

const SandboxBase: Context.ServiceClass<Sandbox, "rmi/Sandbox", SandboxShape> = Context.Service<
  Sandbox,
  SandboxShape
>()("rmi/Sandbox");

/** The sandbox service. */
export class Sandbox extends SandboxBase {}

type LimitName = keyof SandboxLimits;
const LIMIT_NAMES = Object.keys(SANDBOX_BOUNDS) as ReadonlyArray<LimitName>;

/** The whole limits of a trial, or what is wrong with them and the nearest that would be right. */
const limitsOf = (given: Partial<SandboxLimits>): Effect.Effect<SandboxLimits, FailureOf<"KERNEL_CONFIG">> => {
  const limits: SandboxLimits = { ...DEFAULT_SANDBOX_LIMITS, ...given };
  for (const name of LIMIT_NAMES) {
    const [least, most] = SANDBOX_BOUNDS[name];
    const value = limits[name];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    const nearest = Math.min(most, Math.max(least, Math.round(Number.isFinite(value) ? value : least)));
    return Effect.fail(invalidConfig({
      field: `limits.${name}`,
      reason: `it must be an integer from ${least} to ${most}`,
      path: `/limits/${name}`,
      expected: [least, most],
      actual: Number.isFinite(value) ? value : String(value),
      fix: { summary: `Use ${nearest}`, patch: [{ op: "replace", path: `/limits/${name}`, value: nearest }] },
    }));
  }
  return Effect.succeed(limits);
};

/** A child's answer as a value or a failure. */
const judge = (answer: Json): Effect.Effect<Json, SandboxFailure> => {
  if (!isJsonObject(answer)) {
    return Effect.fail(malformedPayload({ format: "sandbox answer", reason: "not an object" }));
  }
  if (answer.ok === true) {
    const value = answer.value ?? null;
    return Effect.try({
      try: () => (canonicalJson(value), value),
      catch: (cause) => sandboxFailures.shape({ detail: (cause as Error).message }),
    });
  }
  const reason = answer.reason as keyof typeof sandboxFailures;
  const failed = Object.hasOwn(sandboxFailures, reason) ? sandboxFailures[reason] : sandboxFailures.crash;
  return Effect.fail(failed({ detail: typeof answer.detail === "string" ? answer.detail : "" }));
};

/** The sandbox over a supervisor. */
export const layerSandbox: Layer.Layer<Sandbox, never, Supervisor> = Layer.effect(
  Sandbox,
  Effect.gen(function* () {
    const supervisor = yield* Supervisor;
    const run: SandboxShape["run"] = ({ source, input = null, limits: given = {} }) =>
      Effect.gen(function* () {
        if (source.length > MAX_SOURCE_CHARS) {
          return yield* invalidConfig({
            field: "source",
            reason: `it has ${source.length} characters, at most ${MAX_SOURCE_CHARS} are taken`,
            path: "/source",
            expected: MAX_SOURCE_CHARS,
            actual: source.length,
          });
        }
        const limits = yield* limitsOf(given);
        return yield* judge(yield* supervisor.request({ kind: "sandbox", source, input, limits: { ...limits } }));
      });
    return {
      run,
      runFile: ({ module, ...trial }) =>
        Effect.gen(function* () {
          const disk = yield* Disk;
          return yield* run({ ...trial, source: yield* disk.readText(module) });
        }),
    };
  }),
);
