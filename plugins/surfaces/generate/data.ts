/**
 * Data: what the launcher answers without a kernel, and what it needs to know of operations before it starts one.
 *
 * Invariant: a pure function of the declarations; the same declarations give the same bytes.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Catalogue, manifestText } from "../../../kernel/catalogue.ts";
import { type AnyOperation, type Json, type JsonObject, type Plugin, pointer, VERSION } from "../../../kernel/mod.ts";
import { roleFields } from "../../../kernel/roles.ts";
import { completionScript, readWords, SHELLS, type Vocabulary } from "../cli/commands.ts";
import { aliasesOf, vocabularyOf, wholeVocabulary } from "../cli/vocabulary.ts";

/** Version of the generated data's form. */
export const GENERATED_FORMAT = 1;

/** What the generated data are made from. */
export interface Sources {
  /** The built-in plugins, in start order. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** Their declarations. */
  readonly catalogue: Catalogue;
  /** Optional packages by name, as exact specifiers. */
  readonly optional: { readonly [name: string]: string };
}

/** Who the generated texts speak to; nothing is hidden where no policy says so. */
const READER = "user@headless";

const USES: { readonly [role: string]: string } = { readPath: "read", writePath: "write" };

const needsOf = (declared: AnyOperation): JsonObject => ({
  summary: declared.summary,
  effects: [...declared.effects],
  kinds: [...declared.kinds],
  paths: roleFields(declared)
    .filter(({ role }) => Object.hasOwn(USES, role))
    .map(({ pattern, role }) => ({ field: pointer(pattern), use: USES[role] })),
});

const helpText = (vocabulary: Vocabulary, words: ReadonlyArray<string>): Effect.Effect<string> =>
  Effect.map(
    readWords(vocabulary, [...words, "--help"], { colors: false, version: VERSION }),
    (meaning) => meaning.kind === "call" ? "" : meaning.text.trimEnd(),
  );

const sorted = <A>(entries: Iterable<readonly [string, A]>): { readonly [key: string]: A } =>
  Object.fromEntries([...entries].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0));

/** The whole of `generated.json`. */
export const generatedData = ({ plugins, catalogue, optional }: Sources): Effect.Effect<JsonObject> =>
  Effect.gen(function* () {
    const declared = yield* catalogue.visible(READER);
    const operations = declared.map(({ operation }) => operation);
    const vocabulary = yield* wholeVocabulary({ plugins, operations: () => Effect.succeed(operations) }, READER).pipe(
      Effect.orDie,
    );
    const helpOf: Array<readonly [string, string]> = [];
    for (const namespace of vocabulary.namespaces) {
      const alone = { namespaces: [namespace], aliases: [] };
      helpOf.push([namespace.name, yield* helpText(alone, [namespace.name])]);
      for (const { name, leaf } of namespace.verbs) {
        const words = [namespace.name, name];
        helpOf.push([words.join(" "), yield* helpText(vocabularyOf(words, leaf), words)]);
      }
    }
    const known = new Set(operations.map(({ id }) => id));
    return {
      format: GENERATED_FORMAT,
      version: VERSION,
      manifest: manifestText(plugins, declared).trimEnd(),
      help: yield* helpText(vocabulary, []),
      helpOf: sorted(helpOf),
      completions: Object.fromEntries(SHELLS.map((shell) => [shell, completionScript(vocabulary, shell)])),
      aliases: sorted([...aliasesOf(plugins)].filter(([, id]) => known.has(id))),
      operations: sorted(operations.map((operation) => [operation.id, needsOf(operation) as Json])),
      optional: sorted(Object.entries(optional)),
    };
  });
