/** States, devices and requests that tests of norion start from. */
import { type DeviceState, presetOf } from "../../../plugins/norion/device.ts";
import { defaultGenome } from "../../../plugins/norion/default_genome.ts";
import type { Gene, GeneEffect, Genome } from "../../../plugins/norion/genome.ts";
import { TARGETS } from "../../../plugins/norion/hierarchy.ts";
import type { NorionState } from "../../../plugins/norion/plan.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { type Profile, PROFILES } from "../../../plugins/norion/profile.ts";
import { type Candidate, initialRouter } from "../../../plugins/norion/router.ts";
import { cosine, vectorOf } from "../../../plugins/norion/text.ts";

/** A device at a load. */
export const deviceAt = (name: string, load = 0.2): DeviceState => ({
  descriptor: presetOf(name),
  load: { cpu: load, gpu: load, memory: load, disk: load },
  provenance: { descriptor: "override", load: "override" },
});

/** A candidate of memory. */
export const remembered = (id: string, text: string): Candidate => ({
  id,
  source: "memory",
  text,
  similarity: 0,
  trust: 0.9,
  recency: 0.5,
  reward: 0.6,
  anchor: false,
});

/** A state whose memory holds some candidates, all of one scope. */
export const stateWith = (
  memories: ReadonlyArray<Candidate> = [],
  genomes: { readonly [P in Profile]?: Genome } = {},
): NorionState => ({
  router: initialRouter(DEFAULT_POLICY),
  hierarchy: TARGETS,
  genomes: Object.fromEntries(
    PROFILES.map((profile) => [profile, genomes[profile] ?? defaultGenome(profile)]),
  ) as NorionState["genomes"],
  memory: {
    recall: (prompt, { limit, floor, gist }) => {
      const asked = vectorOf(prompt);
      const rank = ({ similarity, source }: Candidate) => similarity + (source === "gist" ? gist : 0);
      return memories
        .map((candidate) => ({ ...candidate, similarity: cosine(asked, vectorOf(candidate.text)) }))
        .filter(({ similarity }) => similarity >= floor)
        .toSorted((a, b) => rank(b) - rank(a))
        .slice(0, limit);
    },
  },
  policy: DEFAULT_POLICY,
});

/** A profile's default genome with one more gene. */
export const withGene = (profile: Profile, kind: Gene["kind"], effects: ReadonlyArray<GeneEffect>): Genome => {
  const genome = defaultGenome(profile);
  return {
    ...genome,
    genes: [...genome.genes, {
      id: `gene:${profile}:extra`,
      kind,
      label: "An extra gene",
      purpose: "Moves one knob, so that a test can see it move.",
      tags: [],
      version: 1,
      born: 0,
      status: "active",
      effects,
      evidence: [],
      parents: [],
    }],
  };
};
