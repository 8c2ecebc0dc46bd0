/**
 * Catalogue: what the plugins offer as tasks, and one ranked search over operations, plugins, recipes and artifacts.
 *
 * Not `kernel.search`, which ranks operations only and knows who may see which.
 * Invariant: same content and query give the same hits; a budget of tokens is never exceeded.
 *
 * @module
 */
import { bm25, type Plugin, type SearchDocument } from "../kernel/mod.ts";
import type { ArtifactInfo } from "./artifact.ts";

/** Characters that count as one token. */
const TOKEN_CHARACTERS = 4;

/** Tokens of an answer where the caller names no budget. */
export const DEFAULT_TOKENS = 500;

/** A recipe with the plugin that knows it. */
export interface Recipe {
  /** What it does. */
  readonly task: string;
  /** Operation ids, in order. */
  readonly steps: ReadonlyArray<string>;
  /** The plugin. */
  readonly plugin: string;
}

/** What a hit is. */
export type HitKind = "operation" | "plugin" | "recipe" | "artifact";

/** Something that can be found. */
export interface Entry {
  /** What it is. */
  readonly kind: HitKind;
  /** Operation id, plugin id, task, or digest. */
  readonly id: string;
  /** One line about it. */
  readonly text: string;
  /** Further words it is found by. */
  readonly words?: string;
}

/** A found entry. */
export interface FoundEntry extends Entry {
  /** Larger is better. */
  readonly score: number;
}

/** Every recipe of the plugins, by task. */
export const recipesOf = (plugins: ReadonlyArray<Plugin>): ReadonlyArray<Recipe> =>
  plugins.flatMap((plugin) =>
    plugin.namespaces.flatMap(({ recipes }) =>
      (recipes ?? []).map(({ task, steps }) => ({ task, steps, plugin: plugin.id }))
    )
  ).sort((a, b) => a.task < b.task ? -1 : a.task > b.task ? 1 : a.plugin < b.plugin ? -1 : 1);

/** Recipes for a task, best first; all of them where no task is named. */
export const recipesFor = (all: ReadonlyArray<Recipe>, task?: string): ReadonlyArray<Recipe> => {
  if (task === undefined) return all;
  const documents = all.map((recipe, index) => ({
    id: String(index),
    fields: [{ text: recipe.task, weight: 3 }, { text: recipe.steps.join(" "), weight: 1 }],
  }));
  return bm25(documents).search(task, all.length).map(({ id }) => all[Number(id)]);
};

/** Entries for plugins, their recipes, and artifacts. */
export const entriesOf = (
  plugins: ReadonlyArray<Plugin>,
  recipes: ReadonlyArray<Recipe>,
  artifacts: ReadonlyArray<ArtifactInfo>,
): ReadonlyArray<Entry> => [
  ...plugins.map(({ id, summary }): Entry => ({ kind: "plugin", id, text: summary })),
  ...recipes.map(({ task, steps }): Entry => ({ kind: "recipe", id: task, text: steps.join(" → ") })),
  ...artifacts.map((info): Entry => ({
    kind: "artifact",
    id: info.digest,
    text: [info.names.join(" "), info.description].filter((part) => part !== "").join(": ") || info.kind,
    words: [info.kind, ...info.tags, ...Object.keys(info.metrics)].join(" "),
  })),
];

const documentOf = (entry: Entry, index: number): SearchDocument => ({
  id: String(index).padStart(8, "0"),
  fields: [
    { text: entry.id, weight: 3 },
    { text: entry.text, weight: 2 },
    { text: entry.words ?? "", weight: 1 },
  ],
});

/** Best entries for a query that fit in a budget of tokens, and how many matches were left out. */
export const findEntries = (
  entries: ReadonlyArray<Entry>,
  query: string,
  tokens: number = DEFAULT_TOKENS,
): { readonly hits: ReadonlyArray<FoundEntry>; readonly left: number } => {
  const ordered = [...entries].sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : a.kind < b.kind ? -1 : 1);
  const ranked = bm25(ordered.map(documentOf)).search(query, ordered.length);
  const hits: Array<FoundEntry> = [];
  let spent = 0;
  for (const { id, score } of ranked) {
    const { kind, id: name, text } = ordered[Number(id)];
    const hit = { kind, id: name, text, score: Math.round(score * 1000) / 1000 };
    spent += Math.ceil(JSON.stringify(hit).length / TOKEN_CHARACTERS);
    if (spent > tokens) break;
    hits.push(hit);
  }
  return { hits, left: ranked.length - hits.length };
};
