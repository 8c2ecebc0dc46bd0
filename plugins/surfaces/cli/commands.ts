/**
 * Commands: the command tree on `effect/cli`, built from operations, and what a command line of words means in it.
 *
 * Not the caller: reading a command line invokes nothing.
 * Invariant: whatever the words are, the answer is a call, a help text or a usage text; it never throws.
 *
 * @module
 */
import * as Argument from "effect/cli/Argument";
import * as CliConfig from "effect/cli/CliConfig";
import * as CliError from "effect/cli/CliError";
import * as CliOutput from "effect/cli/CliOutput";
import * as Command from "effect/cli/Command";
import * as Completions from "effect/cli/Completions";
import * as Flag from "effect/cli/Flag";
import * as GlobalFlag from "effect/cli/GlobalFlag";
import * as Effect from "effect/Effect";
import * as FileSystem from "effect/FileSystem";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Path from "effect/Path";
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner";
import * as Terminal from "effect/Terminal";
import { type Example, isJsonObject, type Json, type JsonObject } from "../../../kernel/mod.ts";
import { commandLine } from "./command_line.ts";
import { attachNegatives, type Grammar, type Parameter, readValue, SEED_FLAG, valueName } from "./grammar.ts";

/** The program's name in a shell. */
export const PROGRAM = "rmi";

/** What stands at the end of a path of words. */
export interface Leaf {
  /** Operation id. */
  readonly operation: string;
  /** One sentence. */
  readonly summary: string;
  /** Its flags; absent where only names matter. */
  readonly grammar?: Grammar;
  /** Calls that show it. */
  readonly examples?: ReadonlyArray<Example>;
}

/** The words a command line may begin with. */
export interface Vocabulary {
  /** Groups of operations. */
  readonly namespaces: ReadonlyArray<{
    /** First word. */
    readonly name: string;
    /** One line. */
    readonly summary: string;
    /** Second words. */
    readonly verbs: ReadonlyArray<{ readonly name: string; readonly leaf: Leaf }>;
  }>;
  /** Short names of operations, and the commands that are none. */
  readonly aliases: ReadonlyArray<{ readonly name: string; readonly leaf: Leaf }>;
}

/** What a command line means. */
export type Meaning =
  | {
    readonly kind: "call";
    readonly operation: string;
    readonly input: Json;
    readonly json: boolean;
    readonly seed?: string;
  }
  | { readonly kind: "help" | "usage"; readonly text: string };

/** Commands of the program itself, shown in its help beside the operations. */
export const PROGRAM_COMMANDS: ReadonlyArray<{ readonly name: string; readonly summary: string }> = [
  { name: "call", summary: "Machine door: call <operation> '<json>', or - for one JSON document a line" },
  { name: "completions", summary: "Print the completion script of a shell: bash, zsh or fish" },
];

// deno-lint-ignore no-explicit-any -- commands are built from data, so their types are not known here
type AnyCommand = Command.Command<string, any, any, any, any>;
// deno-lint-ignore no-explicit-any -- likewise
type AnyParam = any;

const JsonOutput = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDefault(false),
    Flag.withoutNegation,
    Flag.withDescription("Print JSON, one document a line, as `rmi call` does"),
  ),
});

const WholeInput = GlobalFlag.Setting("input")({
  flag: Flag.String("input").pipe(
    Flag.withMetavar("json"),
    Flag.filterMap((text) => parsedObject(text), (text) => `Expected a JSON object, found ${text}`),
    Flag.optional,
    Flag.withDescription("The whole input as one JSON object; flags are laid over it"),
  ),
});

const SEED_MEANING = "Seed of what is random: the operation's own where it takes one";

const Seed = GlobalFlag.Setting(SEED_FLAG)({
  flag: Flag.String(SEED_FLAG).pipe(Flag.optional, Flag.withDescription(SEED_MEANING)),
});

const parsedObject = (text: string): Option.Option<JsonObject> => {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? Option.some(value) : Option.none();
  } catch {
    return Option.none();
  }
};

const explained = ({ description, required, repeated }: Parameter): string =>
  [description, required ? "(required)" : "", repeated ? "(repeat for more)" : ""].filter((part) => part !== "").join(
    " ",
  );

const expected = (parameter: Parameter) => (text: string): string =>
  `Expected ${valueName(parameter.value)}, found ${JSON.stringify(text)}`;

const readAs = (parameter: Parameter) => (text: string): Option.Option<Json> =>
  Option.fromUndefinedOr(readValue(parameter.value, text));

const flagFor = (parameter: Parameter): AnyParam => {
  const { value, flag, alias, repeated } = parameter;
  const base: AnyParam = value.kind === "boolean"
    ? Flag.Boolean(flag)
    : value.kind === "choice"
    ? Flag.Literals(flag, value.values)
    : Flag.String(flag).pipe(
      Flag.withMetavar(valueName(value)),
      Flag.filterMap(readAs(parameter), expected(parameter)),
    );
  const named = (alias === undefined ? base : Flag.withAlias(base, alias)).pipe(
    Flag.withDescription(explained(parameter)),
  );
  return repeated ? Flag.atLeast(named, 0) : Flag.optional(named);
};

const argumentFor = (parameter: Parameter): AnyParam => {
  const { value, field, repeated } = parameter;
  const base: AnyParam = value.kind === "choice" ? Argument.Literals(field, value.values) : Argument.String(field).pipe(
    Argument.withMetavar(valueName(value)),
    Argument.filterMap(readAs(parameter), expected(parameter)),
  );
  const named = base.pipe(Argument.withDescription(`same as --${parameter.flag}`));
  return repeated ? Argument.variadic(named) : Argument.optional(named);
};

/** Name of the positional in a command's configuration; no field can be called so, since flags hold no space. */
const POSITIONAL = "positional argument";

type Given = Option.Option<Json> | ReadonlyArray<Json>;

const givenValue = (given: Given | undefined): Json | undefined =>
  given === undefined
    ? undefined
    : Array.isArray(given)
    ? given.length === 0 ? undefined : given
    : Option.getOrUndefined(given as Option.Option<Json>);

/** Lays what the flags and the operand said over the whole input. */
const inputOf = (
  grammar: Grammar,
  whole: Option.Option<JsonObject>,
  config: { readonly [name: string]: Given },
): JsonObject => {
  const input: Record<string, Json> = { ...Option.getOrElse(whole, () => ({})) };
  for (const { field } of grammar.parameters) {
    const value = givenValue(config[field]);
    if (value !== undefined) define(input, field, value);
  }
  const { positional } = grammar;
  const value = givenValue(config[POSITIONAL]);
  if (positional !== undefined && value !== undefined) define(input, positional.field, value);
  return input;
};

/** Sets a member, also one called `__proto__`. */
const define = (target: Record<string, Json>, key: string, value: Json): void => {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
};

const leafCommand = (
  name: string,
  words: ReadonlyArray<string>,
  leaf: Leaf,
  into: (meaning: Meaning) => void,
): AnyCommand => {
  const grammar = leaf.grammar ?? { parameters: [] };
  const ownSeed = grammar.parameters.find(({ flag }) => flag === SEED_FLAG);
  const config = Object.fromEntries([
    ...grammar.parameters.filter((parameter) => parameter !== ownSeed).map((parameter) => [
      parameter.field,
      flagFor(parameter),
    ]),
    ...grammar.positional === undefined ? [] : [[POSITIONAL, argumentFor(grammar.positional)]],
  ]);
  const handler = (parsed: { readonly [name: string]: Given }) =>
    Effect.gen(function* () {
      const seed = Option.getOrUndefined(yield* Seed);
      const own = seed === undefined || ownSeed === undefined ? {} : { [ownSeed.field]: readAs(ownSeed)(seed) };
      if (Object.values(own).some(Option.isNone)) {
        return into({ kind: "usage", text: `Invalid value for --${SEED_FLAG}. ${expected(ownSeed!)(seed!)}\n` });
      }
      into({
        kind: "call",
        operation: leaf.operation,
        input: inputOf(grammar, yield* WholeInput, { ...parsed, ...own }),
        json: yield* JsonOutput,
        ...(seed === undefined || ownSeed !== undefined ? {} : { seed }),
      });
    });
  const examples = (leaf.examples ?? []).map(({ title, input }) => ({
    command: commandLine(words, grammar, input),
    ...(title === undefined ? {} : { description: title }),
  }));
  const notTwice = (parsed: { readonly [name: string]: Given }) =>
    grammar.positional !== undefined && givenValue(parsed[POSITIONAL]) !== undefined &&
      givenValue(parsed[grammar.positional.field]) !== undefined
      ? Effect.fail(
        new CliError.ValidationError({
          message: `"${grammar.positional.field}" is given twice: as --${grammar.positional.flag} and without it`,
        }),
      )
      : Effect.void;
  return (Command.make(name, config, handler as never) as AnyCommand).pipe(
    Command.validate(notTwice as never),
    Command.withDescription(leaf.summary),
    Command.withExamples(examples),
  ) as AnyCommand;
};

const treeOf = (vocabulary: Vocabulary, into: (meaning: Meaning) => void): AnyCommand => {
  const namespaces = vocabulary.namespaces.map(({ name, summary, verbs }) =>
    (Command.make(name) as AnyCommand).pipe(
      Command.withDescription(summary),
      Command.withSubcommands(verbs.map((verb) => leafCommand(verb.name, [PROGRAM, name, verb.name], verb.leaf, into))),
    )
  );
  const aliases = vocabulary.aliases.map(({ name, leaf }) => leafCommand(name, [PROGRAM, name], leaf, into));
  const own = PROGRAM_COMMANDS.map(({ name, summary }) =>
    (Command.make(name) as AnyCommand).pipe(Command.withDescription(summary))
  );
  const groups = [
    ...aliases.length === 0 ? [] : [{ group: "Short names", commands: aliases }],
    ...namespaces.length === 0 ? [] : [{ group: "Operations", commands: namespaces }],
    { group: "Program", commands: own },
  ];
  return (Command.make(PROGRAM) as AnyCommand).pipe(
    Command.withDescription("RMI: typed, gated operations for agents and people."),
    Command.withSubcommands(groups as never),
    Command.withGlobalFlags([JsonOutput, WholeInput, Seed]),
  ) as AnyCommand;
};

/** `effect/cli` asks for the services of a machine; reading words uses none of them. */
const layerNoMachine = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("not a terminal"),
      readInput: Effect.die("not a terminal"),
      readLine: Effect.die("not a terminal"),
      display: () => Effect.void,
    }),
  ),
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => Effect.die("a command line starts no process")),
  ),
);

/** Reads a command line. */
export const readWords = (
  vocabulary: Vocabulary,
  args: ReadonlyArray<string>,
  options: { readonly colors: boolean; readonly version: string },
): Effect.Effect<Meaning> =>
  Effect.suspend(() => {
    let meaning: Meaning = { kind: "usage", text: "" };
    const formatter = CliOutput.defaultFormatter({ colors: options.colors });
    const present = (event: CliOutput.Presenter.Event): Effect.Effect<void> =>
      Effect.sync(() => {
        if (event._tag === "Version") {
          meaning = { kind: "help", text: `${event.name} ${event.version}\n` };
          return;
        }
        const help = formatter.formatHelpDoc(event.helpDoc);
        meaning = event._tag === "InvalidInvocation"
          ? { kind: "usage", text: `${help}\n${formatter.formatErrors(event.errors)}\n` }
          : {
            kind: event.reason === "Requested" || event.commandPath.length === 1 ? "help" : "usage",
            text: `${help}\n`,
          };
      });
    const tree = treeOf(vocabulary, (found) => meaning = found);
    const run = Command.runWith(tree, { version: options.version })(attachNegatives(args)) as Effect.Effect<
      void,
      unknown
    >;
    return run.pipe(
      Effect.ignore,
      Effect.provide(Layer.mergeAll(
        layerNoMachine,
        CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] }),
        CliOutput.layerPresenter({ present }),
      )),
      Effect.map(() => meaning),
    );
  });

/** Shells that completion scripts are made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const everywhere = (name: string, description: string, type: "Boolean" | "String"): Completions.FlagDescriptor => ({
  name,
  aliases: [],
  description,
  type: { _tag: type },
  negation: false,
});

/** Flags that every command takes; `effect/cli` leaves global flags out of its descriptors. */
const EVERYWHERE: ReadonlyArray<Completions.FlagDescriptor> = [
  everywhere("help", "Show help", "Boolean"),
  everywhere("json", "Print JSON, one document a line", "Boolean"),
  everywhere("input", "The whole input as one JSON object", "String"),
  everywhere(SEED_FLAG, SEED_MEANING, "String"),
];

const SHELL_ARGUMENT: Completions.ArgumentDescriptor = {
  name: "shell",
  description: "The shell",
  required: true,
  variadic: false,
  type: { _tag: "Choice", values: SHELLS },
};

const withEverywhere = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  flags: command.subcommands.length > 0 ? command.flags : [...command.flags, ...EVERYWHERE],
  subcommands: command.subcommands.map(withEverywhere),
});

const describedTree = (vocabulary: Vocabulary): Completions.CommandDescriptor => {
  const root = withEverywhere(Completions.fromCommand(treeOf(vocabulary, () => {})));
  const subcommands = root.subcommands.map((command) =>
    command.name === "completions" ? { ...command, flags: [], arguments: [SHELL_ARGUMENT] } : command
  );
  return { ...root, subcommands };
};

/** The completion script of a shell. */
export const completionScript = (vocabulary: Vocabulary, shell: typeof SHELLS[number]): string =>
  Completions.generate(PROGRAM, shell, describedTree(vocabulary))
    .replaceAll(`${PROGRAM} --completions`, `${PROGRAM} completions`);
