/**
 * Default genome: the genes that each profile starts with, one of every kind.
 *
 * Invariant: every gene is sound by its own rules; what a profile does not do differently it does as all others.
 *
 * @module
 */
import { checkedGene, type GeneEffect, type GeneKind, type Genome } from "./genome.ts";
import type { Profile } from "./profile.ts";

type Born = readonly [kind: GeneKind, label: string, purpose: string, effects: ReadonlyArray<GeneEffect>];

const COMMON: ReadonlyArray<Born> = [
  ["retrieval", "Recall what is near", "Recalls the few items that are nearest to the request.", []],
  ["routing", "Share the room", "Leaves the profile's threshold and weights as they were learned.", []],
  ["reflection", "Look the draft over", "Looks for drafts that are empty or contradict themselves.", []],
  ["language", "Keep the language", "Answers in the language of the request.", []],
  ["safety", "Hold what is unsafe", "Holds every durable write that carries a secret or an injected instruction.", [
    { knob: "safety.hold", value: ["secret", "injection", "cross-scope"] },
  ]],
  ["tool-use", "Read, do not write", "Allows reading files and nothing else.", [
    { knob: "tools.allow", value: ["filesystem-read"] },
  ]],
  ["budget", "Spend the usual", "Leaves budgets as the policy gives them.", []],
];

/** What each profile's default genes do differently. */
const DIFFERENT: { readonly [P in Profile]: { readonly [K in GeneKind]?: Born } } = {
  general: {},
  coding: {
    reflection: ["reflection", "Believe the compiler", "Requires that code was checked by a command before success.", [
      { knob: "reflection.checks", value: ["unclosed-code"] },
      { knob: "validation.require", value: ["command"] },
    ]],
    "tool-use": ["tool-use", "Run the checks", "Allows reading files and running the configured checks.", [
      { knob: "tools.allow", value: ["filesystem-read", "command"] },
    ]],
    routing: ["routing", "Stay near the code", "Prefers what is near the request to everything that is known.", [
      { knob: "hierarchy.local", value: 0.05 },
    ]],
  },
  writing: {
    retrieval: ["retrieval", "Recall gists", "Prefers summaries of earlier texts to the texts themselves.", [
      { knob: "retrieval.gist", value: 0.1 },
    ]],
  },
  "long-context": {
    budget: ["budget", "Allow many readings", "Allows more calls, because a long input is read in parts.", [
      { knob: "budget.calls", value: 0.5 },
    ]],
    reflection: ["reflection", "Cite what was read", "Requires that claims about the input can be found in it.", [
      { knob: "reflection.checks", value: ["unsupported-claim"] },
      { knob: "validation.require", value: ["citation"] },
    ]],
  },
  "local-tool": {
    "tool-use": ["tool-use", "Ask before acting", "Allows reading files; commands and writes need a grant.", [
      { knob: "tools.allow", value: ["filesystem-read"] },
    ]],
    safety: ["safety", "Hold what destroys", "Holds writes that come with a command that deletes or overwrites.", [
      { knob: "safety.hold", value: ["secret", "injection", "cross-scope", "destructive-command"] },
    ]],
  },
};

/** The genome a profile starts with: one gene of every kind. */
export const defaultGenome = (profile: Profile): Genome => ({
  profile,
  generation: 0,
  genes: COMMON.map(([kind, ...common]) => {
    const [label, purpose, effects] = DIFFERENT[profile][kind]?.slice(1) as unknown as typeof common ?? common;
    return checkedGene({
      id: `gene:${profile}:${kind}`,
      kind,
      label,
      purpose,
      tags: [profile, kind],
      version: 1,
      born: 0,
      status: "active",
      effects,
      evidence: [],
      parents: [],
    });
  }),
});
