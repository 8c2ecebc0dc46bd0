/**
 * Authority: what an edit of a genome would allow that was not allowed before.
 *
 * Invariant: pure; what is compared is what all genes together allow, as a plan would have it.
 *
 * @module
 */
import { expressGenome, knobSet } from "../genome.ts";
import type { Profile } from "../profile.ts";
import { genesOf, type GenomeDocument } from "./document.ts";

const allowed = (profile: Profile, records: GenomeDocument): ReadonlyArray<string> =>
  knobSet(expressGenome({ profile, generation: 0, genes: genesOf(profile, records) }), "tools.allow");

/** Tools that requests of a profile might use with some records and not with others. */
export const toolsGained = (
  profile: Profile,
  before: GenomeDocument,
  after: GenomeDocument,
): ReadonlyArray<string> => {
  const had = allowed(profile, before);
  return allowed(profile, after).filter((tool) => !had.includes(tool));
};
