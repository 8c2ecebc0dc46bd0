/**
 * People: a command line typed by a person: read the words, make the call, draw the answer or the failure.
 *
 * Not for machines: they use the door, or `--json`, which prints exactly what the door prints.
 * Invariant: answers go to standard output, everything else (failures, usage, progress, questions) to standard error.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type { Failure, Json, Kernel } from "../../../kernel/mod.ts";
import { isPerson, VERSION } from "../../../kernel/mod.ts";
import type { Output, Terminal } from "../../../kernel/platform/terminal.ts";
import { commandLine } from "./command_line.ts";
import { completionScript, type Meaning, PROGRAM, readWords, SHELLS, type Vocabulary } from "./commands.ts";
import { answer, type DoorContext, failureOf } from "./door.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit.ts";
import { renderFailure } from "./failure_text.ts";
import { progressBar } from "./progress.ts";
import { type Canvas, renderEvent, renderValue } from "./render.ts";
import { styleOf } from "./style.ts";
import { leafOf, nameOf, vocabularyOf, wholeVocabulary, wordsOf } from "./vocabulary.ts";

/** What a person's command line works with. */
export interface PeopleContext extends DoorContext {
  /** The terminal. */
  readonly terminal: Terminal;
}

/** Width of a terminal that does not tell. */
const USUAL_COLUMNS = 80;

const SHELL_LIST = SHELLS.join(" | ");

const put = ({ terminal }: PeopleContext, stream: Output, text: string): Effect.Effect<void> =>
  Effect.suspend(() => text === "" || terminal.write(stream, text) ? Effect.void : Effect.interrupt);

const isColoured = ({ terminal }: PeopleContext, stream: Output): boolean =>
  terminal.isTerminal(stream) && !terminal.noColor;

const canvasOf = (context: PeopleContext, stream: Output): Canvas => ({
  style: styleOf(isColoured(context, stream)),
  ...(context.terminal.isTerminal(stream) ? { columns: context.terminal.columns() ?? USUAL_COLUMNS } : {}),
});

/** What a command line means, and the words it was read with. */
interface Reading {
  readonly meaning: Meaning;
  readonly vocabulary: Vocabulary;
}

/** Reads words in the smallest vocabulary that knows them. */
const read = (context: PeopleContext, kernel: Kernel, args: ReadonlyArray<string>): Effect.Effect<Reading, Failure> =>
  Effect.gen(function* () {
    // Usage goes to one stream and help to the other; colour is for both or for none.
    const colors = isColoured(context, "stdout") && isColoured(context, "stderr");
    const named = nameOf(args, kernel.plugins);
    const described = named === undefined ? undefined : yield* kernel.describe(named.operation, context.actor).pipe(
      Effect.catch((failure) =>
        failure.code === "KERNEL_UNKNOWN_OPERATION" ? Effect.succeed(undefined) : Effect.fail(failure)
      ),
    );
    const vocabulary = named === undefined || described === undefined
      ? yield* wholeVocabulary(kernel, context.actor)
      : vocabularyOf(named.words, leafOf(described));
    return { meaning: yield* readWords(vocabulary, named?.args ?? args, { colors, version: VERSION }), vocabulary };
  });

type Call = Extract<Meaning, { kind: "call" }>;

/** Makes the call, drawing events and progress as they come. */
const invoke = (context: PeopleContext, kernel: Kernel, call: Call): Effect.Effect<Json, Failure> => {
  const { terminal, actor } = context;
  const canvas = canvasOf(context, "stdout");
  const bar = progressBar(
    (text) => terminal.write("stderr", text),
    () => terminal.isTerminal("stderr") ? terminal.columns() ?? USUAL_COLUMNS : undefined,
    canvasOf(context, "stderr").style,
  );
  return kernel.invoke({
    operation: call.operation,
    input: call.input,
    actor,
    ...(call.seed === undefined ? {} : { seed: call.seed }),
    onEvent: (event) => Effect.andThen(bar.clear, put(context, "stdout", renderEvent(event, canvas))),
    onProgress: bar.update,
  }).pipe(Effect.ensuring(bar.clear));
};

/** Asks the person at the terminal; anything but yes is no. */
const isAgreed = (context: PeopleContext, question: string): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const { terminal, actor } = context;
    if (!isPerson(actor) || !terminal.isTerminal("stdin") || !terminal.isTerminal("stderr")) return false;
    yield* put(context, "stderr", `${question} [y/N] `);
    const typed = yield* Effect.promise(() => terminal.input()[Symbol.asyncIterator]().next());
    return !typed.done && /^y(?:es)?$/iu.test(new TextDecoder().decode(typed.value).trim());
  });

/** Words of the command in a fix, where it is one of this program's: `rmi approve <id>`. */
const ownCommand = (failure: Failure): ReadonlyArray<string> | undefined => {
  const [program, ...words] = failure.fix?.command?.split(" ") ?? [];
  return failure.code === "KERNEL_APPROVAL_NEEDED" && program === PROGRAM ? words : undefined;
};

/** Writes a failure that has no call: the kernel did not open, or knows no such operation. */
const fail = (context: PeopleContext, failure: Failure): Effect.Effect<ExitCode> => {
  const { style } = canvasOf(context, "stderr");
  return Effect.as(
    put(context, "stderr", renderFailure(failure, style, { input: {}, again: () => PROGRAM })),
    exitCodeOf(failure),
  );
};

/** Writes the failure of a call: its help first where the input was wrong, and the command that mends it. */
const failCall = (
  context: PeopleContext,
  failure: Failure,
  call: Call,
  vocabulary: Vocabulary,
): Effect.Effect<ExitCode> =>
  Effect.gen(function* () {
    const code = exitCodeOf(failure);
    const { words, leaf } = wordsOf(vocabulary, call.operation);
    if (code === EXIT.usage) {
      const colors = isColoured(context, "stderr");
      const help = yield* readWords(vocabulary, [...words, "--help"], { colors, version: VERSION });
      if (help.kind === "help") yield* put(context, "stderr", `${help.text}\n`);
    }
    const again = (input: Json): string => commandLine([PROGRAM, ...words], leaf?.grammar ?? { parameters: [] }, input);
    const { style } = canvasOf(context, "stderr");
    yield* put(context, "stderr", renderFailure(failure, style, { input: call.input, again }));
    return code;
  });

/** Makes the call a command line means; a person who is asked and agrees lets it happen at once. */
const perform = (
  context: PeopleContext,
  kernel: Kernel,
  call: Call,
  vocabulary: Vocabulary,
  mayAsk: boolean,
): Effect.Effect<ExitCode> =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(invoke(context, kernel, call));
    if (Exit.isSuccess(exit)) {
      // Nothing to say is said with nothing: a server on standard output has said all it had to.
      if (exit.value !== null) {
        yield* put(context, "stdout", renderValue(exit.value, canvasOf(context, "stdout")));
      }
      return EXIT.ok;
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt;
    const failure = failureOf(exit.cause, call.operation);
    const code = yield* failCall(context, failure, call, vocabulary);
    const approve = ownCommand(failure);
    if (
      !mayAsk || approve === undefined ||
      !(yield* isAgreed(context, `Run "${PROGRAM} ${approve.join(" ")}" and go on?`))
    ) {
      return code;
    }
    const approved = yield* servePeople(context, approve, false);
    return approved === EXIT.ok ? yield* perform(context, kernel, call, vocabulary, false) : approved;
  });

/** Serves a command line; answers the exit code. */
export const servePeople = (
  context: PeopleContext,
  given: ReadonlyArray<string>,
  mayAsk = true,
): Effect.Effect<ExitCode> =>
  Effect.gen(function* () {
    const args = given[0] === "help" ? [...given.slice(1), "--help"] : given;
    const kernel = yield* context.kernel;
    if (args[0] === "completions") return yield* printCompletions(context, kernel, args.slice(1));
    const { meaning, vocabulary } = yield* read(context, kernel, args);
    if (meaning.kind !== "call") {
      yield* put(context, meaning.kind === "help" ? "stdout" : "stderr", meaning.text);
      return meaning.kind === "help" ? EXIT.ok : EXIT.usage;
    }
    if (!meaning.json) return yield* perform(context, kernel, meaning, vocabulary, mayAsk);
    const { operation, input, seed } = meaning;
    return yield* answer(context, () => ({ operation, input, ...(seed === undefined ? {} : { seed }) }), {});
  }).pipe(Effect.catch((failure) => fail(context, failure)));

const printCompletions = (
  context: PeopleContext,
  kernel: Kernel,
  [name, ...more]: ReadonlyArray<string>,
): Effect.Effect<ExitCode, Failure> =>
  Effect.gen(function* () {
    const shell = SHELLS.find((known) => known === name);
    if (shell === undefined || more.length > 0) {
      yield* put(context, "stderr", `USAGE\n  ${PROGRAM} completions ${SHELL_LIST}\n`);
      return EXIT.usage;
    }
    yield* put(context, "stdout", completionScript(yield* wholeVocabulary(kernel, context.actor), shell));
    return EXIT.ok;
  });
