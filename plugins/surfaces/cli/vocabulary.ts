/**
 * Vocabulary: the words of the command line, from the manifests and the declarations of a kernel.
 *
 * Invariant: a word leads to one operation; a namespace's verb goes before a short name of the same spelling.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  type Actor,
  type AnyOperation,
  type Description,
  type Failure,
  jsonSchemaOf,
  type Kernel,
  namespaceOf,
  type Plugin,
} from "../../../kernel/mod.ts";
import type { Leaf, Vocabulary } from "./commands.ts";
import { grammarOf } from "./grammar.ts";

/** Short names and the operations they stand for, from the manifests; the first plugin in start order wins. */
export const aliasesOf = (plugins: ReadonlyArray<Plugin>): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  for (const { namespaces } of plugins) {
    for (const { aliases = {} } of namespaces) {
      for (const [name, id] of Object.entries(aliases)) if (!found.has(name)) found.set(name, id);
    }
  }
  return found;
};

/** The verb of an operation: what stands after its namespace. */
export const verbOf = (id: string): string => id.slice(namespaceOf(id).length + 1);

/** What the words before any flag name. */
export interface Named {
  /** Operation id. */
  readonly operation: string;
  /** The words it was named by. */
  readonly words: ReadonlyArray<string>;
  /** The arguments with an id in one word (`kernel.search`) written as two. */
  readonly args: ReadonlyArray<string>;
}

const isWord = (arg: string | undefined): arg is string => arg !== undefined && /^[A-Za-z]/u.test(arg);

/** Reads the operation off the first words, as far as the manifests tell; undefined where they name none. */
export const nameOf = (given: ReadonlyArray<string>, plugins: ReadonlyArray<Plugin>): Named | undefined => {
  const [head, ...tail] = given;
  if (!isWord(head)) return undefined;
  const args = head.includes(".") ? [namespaceOf(head), verbOf(head), ...tail] : given;
  const [first, second] = args;
  const isNamespace = plugins.some(({ namespaces }) => namespaces.some(({ name }) => name === first));
  const alias = aliasesOf(plugins).get(first);
  if (alias !== undefined && !(isNamespace && isWord(second))) return { operation: alias, words: [first], args };
  return isNamespace && isWord(second) ? { operation: `${first}.${second}`, words: [first, second], args } : undefined;
};

/** The leaf of one described operation. */
export const leafOf = ({ id, summary, declaration, examples }: Description): Leaf => ({
  operation: id,
  summary,
  grammar: grammarOf(declaration.input),
  examples: examples.filter(({ failure }) => failure === undefined),
});

/** The vocabulary that knows one operation, under the words it was named by. */
export const vocabularyOf = ([first, second]: ReadonlyArray<string>, leaf: Leaf): Vocabulary =>
  second === undefined
    ? { namespaces: [], aliases: [{ name: first, leaf }] }
    : { namespaces: [{ name: first, summary: "", verbs: [{ name: second, leaf }] }], aliases: [] };

/** The words that name an operation in a vocabulary, and its leaf. */
export const wordsOf = (
  { namespaces, aliases }: Vocabulary,
  operation: string,
): { readonly words: ReadonlyArray<string>; readonly leaf?: Leaf } => {
  for (const { name, verbs } of namespaces) {
    const verb = verbs.find(({ leaf }) => leaf.operation === operation);
    if (verb !== undefined) return { words: [name, verb.name], leaf: verb.leaf };
  }
  const alias = aliases.find(({ leaf }) => leaf.operation === operation);
  return alias === undefined ? { words: [] } : { words: [alias.name], leaf: alias.leaf };
};

const leafFrom = (declared: AnyOperation): Leaf => ({
  operation: declared.id,
  summary: declared.summary,
  grammar: grammarOf(jsonSchemaOf(declared.input)),
  examples: declared.examples.filter(({ failure }) => failure === undefined),
});

/** Orders namespaces as the manifest does: by priority, then by name. */
const byPriority = (
  a: { readonly name: string; readonly priority?: number },
  b: { readonly name: string; readonly priority?: number },
): number => (b.priority ?? 0) - (a.priority ?? 0) || (a.name < b.name ? -1 : 1);

/** The vocabulary of everything the actor may know. */
export const wholeVocabulary = (
  kernel: Pick<Kernel, "operations" | "plugins">,
  actor: Actor,
): Effect.Effect<Vocabulary, Failure> =>
  Effect.map(kernel.operations(actor), (declared) => {
    const leaves = new Map(declared.map((each) => [each.id, leafFrom(each)]));
    const verbs = (name: string) =>
      [...leaves].filter(([id]) => namespaceOf(id) === name).map(([id, leaf]) => ({ name: verbOf(id), leaf }));
    const namespaces = kernel.plugins.flatMap(({ namespaces }) => namespaces).sort(byPriority)
      .map(({ name, summary }) => ({ name, summary, verbs: verbs(name) }))
      .filter((namespace) => namespace.verbs.length > 0);
    const taken = new Set(namespaces.map(({ name }) => name));
    const aliases = [...aliasesOf(kernel.plugins)].filter(([name, id]) => !taken.has(name) && leaves.has(id))
      .map(([name, id]) => ({ name, leaf: leaves.get(id)! }));
    return { namespaces, aliases };
  });
