/**
 * Door: the machine's way in. `rmi call <operation> '<json>'`, `rmi call <operation> -` (an input a line) and
 * `rmi call -` (a `{"operation","input"}` a line): one JSON document a call out, nothing else on standard output.
 *
 * Not for people (cli/people.ts): no grammar, no rendering, no `effect/cli`.
 * Invariant: every document in has exactly one answer out, in order, whatever it holds; a bad one stops nothing.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import {
  type Actor,
  defect,
  type Failure,
  failureToJson,
  interrupted,
  isFailure,
  isJsonObject,
  type Json,
  type JsonObject,
  type Kernel,
  type Request,
} from "../../../kernel/mod.ts";
import type { Terminal } from "../../../kernel/platform/terminal.ts";
import { documentTooLong, malformedDocument, unusableCommand } from "../failures.ts";
import { EXIT, type ExitCode, exitCodeOf, worse } from "./exit.ts";
import { linesOf, MAX_LINE_BYTES } from "./lines.ts";

/** What the door works with. */
export interface DoorContext {
  /** The kernel, opened on first need. */
  readonly kernel: Effect.Effect<Kernel, Failure>;
  /** Who asks. */
  readonly actor: Actor;
  /** Where documents come from and answers go. */
  readonly terminal: Pick<Terminal, "write" | "input">;
}

/** A call as a document spells it. */
type Asked = Pick<Request, "operation" | "input" | "seed" | "budget">;

/** Members that a line of `rmi call -` may have. */
const LINE_MEMBERS: ReadonlyArray<string> = ["operation", "input", "seed", "budget"];

const USAGE = 'rmi call <operation> [\'<json>\' | -], or rmi call - with {"operation","input"} a line';

const parse = (text: string): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw malformedDocument({ reason: (cause as Error).message });
  }
};

const isSeed = (value: Json | undefined): value is string | number | undefined =>
  value === undefined || typeof value === "string" || typeof value === "number";

/** Reads a line of `rmi call -`. */
const askedOf = (document: Json): Asked => {
  if (!isJsonObject(document) || typeof document.operation !== "string") {
    throw malformedDocument({
      reason: "it has no member `operation`",
      expected: { operation: "kernel.manifest", input: {} },
      actual: document,
    });
  }
  const unknown = Object.keys(document).find((key) => !LINE_MEMBERS.includes(key));
  if (unknown !== undefined) {
    throw malformedDocument({ reason: `it has an unknown member "${unknown}"`, expected: [...LINE_MEMBERS] });
  }
  const { operation, input = {}, seed, budget } = document;
  if (!isSeed(seed)) throw malformedDocument({ reason: "its `seed` is neither text nor a number" });
  if (budget !== undefined && !isJsonObject(budget)) throw malformedDocument({ reason: "its `budget` is no object" });
  return {
    operation,
    input,
    ...(seed === undefined ? {} : { seed }),
    ...(budget === undefined ? {} : { budget: budget as Request["budget"] }),
  };
};

/** A call that ended, as its failure; a broken kernel is answered too. */
export const failureOf = (cause: Cause.Cause<Failure>, operation: string): Failure => {
  const reason = cause.reasons.find((found) => found._tag === "Fail");
  if (reason !== undefined && isFailure(reason.error)) return reason.error;
  if (Cause.hasInterrupts(cause)) return interrupted({ operation });
  return defect({ operation, cause: String(Cause.squash(cause)).split("\n")[0] });
};

const write = (context: DoorContext, document: JsonObject): Effect.Effect<void> =>
  Effect.suspend(() =>
    context.terminal.write("stdout", `${JSON.stringify(document)}\n`) ? Effect.void : Effect.interrupt
  );

const refusal = (tag: JsonObject, failure: Failure): JsonObject => ({
  ...tag,
  ok: false,
  failure: failureToJson(failure),
});

/** Makes one call and writes its events and its answer; `tag` marks all its documents. */
export const answer = (
  context: DoorContext,
  asked: () => Asked,
  tag: JsonObject,
): Effect.Effect<ExitCode> =>
  Effect.gen(function* () {
    let operation = "call";
    const exit = yield* Effect.exit(Effect.gen(function* () {
      const request = yield* Effect.try({ try: asked, catch: (thrown) => thrown as Failure });
      operation = request.operation;
      const kernel = yield* context.kernel;
      const onEvent = (event: Json): Effect.Effect<void> => write(context, { ...tag, event });
      return yield* kernel.invoke({ ...request, actor: context.actor, onEvent });
    })).pipe(
      // Interrupted from outside (a signal): the document in hand still gets its answer.
      Effect.onInterrupt(() => write(context, refusal(tag, interrupted({ operation })))),
    );
    if (Exit.isSuccess(exit)) {
      yield* write(context, { ...tag, ok: true, value: exit.value });
      return EXIT.ok;
    }
    const failure = failureOf(exit.cause, operation);
    const code = exitCodeOf(failure);
    yield* write(context, refusal(tag, failure));
    return code;
  });

const batch = (context: DoorContext, asked: (text: string) => Asked): Effect.Effect<ExitCode> =>
  Effect.gen(function* () {
    const lines = linesOf(context.terminal.input());
    let worst: ExitCode = EXIT.ok;
    for (let index = 0;; index++) {
      const next = yield* Effect.promise(() => lines.next());
      if (next.done) return worst;
      const line = next.value;
      const read = (): Asked => {
        if ("text" in line) return asked(line.text);
        throw line.fault === "too long"
          ? documentTooLong({ limit: MAX_LINE_BYTES })
          : malformedDocument({ reason: "it is not UTF-8" });
      };
      worst = worse(worst, yield* answer(context, read, { index }));
    }
  });

/** Serves `rmi call …`; answers the exit code. */
export const serveDoor = (context: DoorContext, args: ReadonlyArray<string>): Effect.Effect<ExitCode> => {
  const [operation, document] = args;
  const flag = args.find((arg) => arg.startsWith("-") && arg !== "-");
  if (operation === undefined || flag !== undefined || args.length > 2 || (operation === "-" && args.length > 1)) {
    const reason = operation === undefined
      ? "no operation is named"
      : flag === undefined
      ? "it takes one operation and one document"
      : `it takes no flags such as "${flag}"`;
    return answer(context, () => {
      throw unusableCommand({ command: "call", reason, usage: USAGE });
    }, {});
  }
  if (operation === "-") return batch(context, (text) => askedOf(parse(text)));
  if (document === "-") return batch(context, (text) => ({ operation, input: parse(text) }));
  return answer(context, () => ({ operation, input: document === undefined ? {} : parse(document) }), {});
};
