/**
 * Strategies: ready-made genes that may be spliced into a genome, by the kind of work and the language of the request.
 *
 * Not part of any genome until an edit brings them in: like every other gene they must pass the gate and show a gain.
 * Invariant: every gene of the table is sound for every profile that may take it.
 *
 * @module
 */
import type { GeneEffect, GeneKind } from "../genome.ts";
import type { Profile } from "../profile.ts";
import type { Script } from "../text.ts";
import type { NewGene } from "./edits.ts";

/** Name of a strategy. */
export type StrategyName = "code" | "long-input" | "tools" | "chinese" | "english";

type Row = readonly [slug: string, kind: GeneKind, label: string, purpose: string, effects: ReadonlyArray<GeneEffect>];

/** Three genes each. */
const STRATEGIES: { readonly [S in StrategyName]: readonly [Row, Row, Row] } = {
  code: [
    [
      "recall-more",
      "retrieval",
      "Recall more facts",
      "Recalls more items, because code depends on many facts at once.",
      [
        { knob: "retrieval.topK", value: 2 },
      ],
    ],
    ["read-twice", "reflection", "Look for repetition", "Looks for drafts that repeat themselves or leave the topic.", [
      { knob: "reflection.checks", value: ["off-topic", "repetition"] },
    ]],
    [
      "room-for-code",
      "budget",
      "Leave room for code",
      "Allows longer answers, because code takes more room than talk.",
      [
        { knob: "budget.answer", value: 0.5 },
      ],
    ],
  ],
  "long-input": [
    ["attend-more", "routing", "Attend to more", "Lowers the threshold, so that more of a long input is attended to.", [
      { knob: "route.threshold", value: -0.1 },
    ]],
    ["read-twice", "reflection", "Look for repetition", "Looks for drafts that repeat themselves or leave the topic.", [
      { knob: "reflection.checks", value: ["off-topic", "repetition"] },
    ]],
    ["long-answer", "budget", "Allow long answers", "Allows longer answers, because long inputs have much to tell.", [
      { knob: "budget.answer", value: 0.5 },
    ]],
  ],
  tools: [
    [
      "hold-destruction",
      "safety",
      "Hold destruction",
      "Holds every durable write of a request that deletes or overwrites.",
      [
        { knob: "safety.hold", value: ["secret", "injection", "cross-scope", "destructive-command"] },
      ],
    ],
    ["check-output", "reflection", "Check the output", "Looks for claims about outputs that no output supports.", [
      { knob: "reflection.checks", value: ["unsupported-claim"] },
    ]],
    ["recall-more", "retrieval", "Recall more facts", "Recalls more items, because tools depend on many settings.", [
      { knob: "retrieval.topK", value: 2 },
    ]],
  ],
  chinese: [
    ["keep-chinese", "language", "Keep Chinese terms", "Keeps Chinese instructions and terms as they were written.", [
      { knob: "language.preserve", value: ["zh"] },
    ]],
    ["check-briefly", "reflection", "Check for brevity", "Looks for answers that are too short or repeat themselves.", [
      { knob: "reflection.checks", value: ["too-short", "repetition"] },
    ]],
    ["recall-gists", "retrieval", "Recall gists first", "Prefers gists, which hold terms of both languages together.", [
      { knob: "retrieval.gist", value: 0.1 },
    ]],
  ],
  english: [
    ["keep-english", "language", "Keep English terms", "Keeps English terms as they were written in the request.", [
      { knob: "language.preserve", value: ["en"] },
    ]],
    ["verify-claims", "reflection", "Verify its claims", "Looks for numbers in a draft that no given text supports.", [
      { knob: "reflection.checks", value: ["unsupported-claim", "off-topic"] },
    ]],
    ["recall-more", "retrieval", "Recall more facts", "Recalls more items, because talk touches many facts at once.", [
      { knob: "retrieval.topK", value: 2 },
    ]],
  ],
};

/** Names of the strategies. */
export const STRATEGY_NAMES: ReadonlyArray<StrategyName> = Object.keys(STRATEGIES) as ReadonlyArray<StrategyName>;

const BY_PROFILE: { readonly [P in Profile]?: StrategyName } = {
  coding: "code",
  "long-context": "long-input",
  "local-tool": "tools",
};

/** The strategy of a kind of work; by the script of the request where the work says nothing. */
export const strategyOf = (profile: Profile, script: Script): StrategyName =>
  BY_PROFILE[profile] ?? (script === "zh" || script === "mixed" ? "chinese" : "english");

/** The genes of a strategy, as a profile may take them. */
export const strategyGenes = (name: StrategyName, profile: Profile): ReadonlyArray<NewGene> =>
  STRATEGIES[name].map(([slug, kind, label, purpose, effects]) => ({
    id: `gene:${profile}:${slug}`,
    kind,
    label,
    purpose,
    tags: [name, kind],
    effects,
  }));
