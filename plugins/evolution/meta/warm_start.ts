/**
 * Warm start: a search whose first candidates are settings that did well elsewhere.
 *
 * Not where they come from (experience.ts).
 * Invariant: all that changes is the first generation; without settings the search is the same search.
 *
 * @module
 */
import { digestJson } from "../../../kernel/digest.ts";
import type { Candidate, Search, Variation } from "../contract.ts";
import { badSetting } from "../failures.ts";

/** How candidates of a warm start came about. */
export const WARM = "warm start";

/** The genomes of their JSON that the variation takes, each once; others are left out: spaces change. */
export const genomesOf = <G>(variation: Variation<G>, settings: ReadonlyArray<unknown>): ReadonlyArray<G> => {
  const seen = new Set<string>();
  return settings.flatMap((json) => {
    let genome: G;
    try {
      genome = variation.decode(json as never);
    } catch {
      return [];
    }
    const key = variation.key(genome);
    if (seen.has(key)) return [];
    seen.add(key);
    return [genome];
  });
};

/** Share of the first generation that may come from elsewhere: the rest is drawn, whatever is known. */
export const WARM_SHARE = 0.3;

/** A search that begins with the genomes given, at most as many as are `share` of its first generation. */
export const warmed = <G>(search: Search<G>, genomes: ReadonlyArray<G>, share: number = WARM_SHARE): Search<G> => {
  if (!(share >= 0 && share <= 1)) {
    throw badSetting({ setting: "share", wanted: "in 0 … 1", found: String(share), path: "/share" });
  }
  if (genomes.length === 0 || share === 0) return search;
  const { variation } = search;
  const first = digestJson(genomes.map((genome) => variation.encode(genome))).slice("sha256:".length, 23);
  return {
    ...search,
    name: `warm(${genomes.length} ${first} ${share}) ${search.name}`,
    ask: (state) => {
      const asked = search.ask(state);
      if (state.generation > 0) return asked;
      const known = genomes.slice(0, Math.max(1, Math.floor(asked.length * share)));
      const keys = new Set(known.map((genome) => variation.key(genome)));
      // What was drawn twice by chance makes room first; then the last ones do.
      const others = asked.filter(({ genome }) => !keys.has(variation.key(genome)));
      const warm = known.map((genome): Candidate<G> => ({ id: "", genome, parents: [], edit: WARM }));
      return [...warm, ...others].slice(0, asked.length).map((candidate, at) => ({ ...candidate, id: asked[at].id }));
    },
  };
};
