/**
 * Genome: reasoning genes as data with typed, bounded effects, and the one place that turns them into knobs.
 *
 * Not edits of genes (scissors) and not their health: here is what a genome is and what it does to a plan.
 * Invariant: a gene acts through the knobs of `KNOBS` within their bounds and in no other way; the safety gene is
 * always expressed; a genome that does not hold together is replaced by the default one, and the plan says so.
 *
 * @module
 */
import { badGene } from "./failures.ts";
import { clamp } from "./policy.ts";
import type { Profile } from "./profile.ts";

/** What a gene is about. */
export const GENE_KINDS = ["retrieval", "routing", "reflection", "language", "safety", "tool-use", "budget"] as const;

/** What a gene is about. */
export type GeneKind = typeof GENE_KINDS[number];

/** How a gene stands. `probation`, `aging` and `malignant` follow from its use (health.ts), the others from edits. */
export const GENE_STATUSES = [
  "active",
  "probation",
  "aging",
  "malignant",
  "quarantined",
  "regenerating",
  "retired",
] as const;

/** How a gene stands. */
export type GeneStatus = typeof GENE_STATUSES[number];

/** How near a gene is to use; only hot and warm ones are expressed. */
export type Residency = "hot" | "warm" | "cold" | "quarantined" | "retired";

/** A number that genes may move. */
export interface NumericKnob {
  /** It is a number. */
  readonly type: "number";
  /** Which genes may move it. */
  readonly kind: GeneKind;
  /** What one gene may add, at most, up or down. */
  readonly bound: number;
  /** What it stands for where nothing moves it. */
  readonly initial: number;
  /** Which range the sum is held to. */
  readonly range: readonly [low: number, high: number];
  /** What reads it. */
  readonly doc: string;
}

/** A set of names that genes may give. */
export interface SetKnob {
  /** It is a set. */
  readonly type: "set";
  /** Which genes may give it. */
  readonly kind: GeneKind;
  /** Requirements add up; permissions are what all that speak of it allow. */
  readonly joins: "union" | "intersection";
  /** Names it knows. */
  readonly names: ReadonlyArray<string>;
  /** What it stands for where no gene gives it. */
  readonly initial: ReadonlyArray<string>;
  /** What reads it. */
  readonly doc: string;
}

const number = (
  kind: GeneKind,
  bound: number,
  initial: number,
  range: readonly [number, number],
  doc: string,
): NumericKnob => ({ type: "number", kind, bound, initial, range, doc });

const set = (
  kind: GeneKind,
  joins: SetKnob["joins"],
  names: ReadonlyArray<string>,
  initial: ReadonlyArray<string>,
  doc: string,
): SetKnob => ({ type: "set", kind, joins, names, initial, doc });

/** Checks that reflection knows. */
export const REFLECTION_CHECKS = [
  "empty",
  "too-short",
  "contradiction",
  "off-topic",
  "repetition",
  "unclosed-code",
  "unsupported-claim",
  "weak-step",
  "uncertain",
] as const;

/** Validators that a plan may require. */
export const VALIDATORS = ["command", "types", "json-schema", "arithmetic", "citation", "proof", "feedback"] as const;

/**
 * Tools that a plan may allow. Without `filesystem-read` no file of a request comes along, without `command` no program of
 * the host judges an answer. Norion has no other tools: a name that nothing reads would promise what nothing keeps.
 */
export const TOOLS = ["filesystem-read", "command"] as const;

/** Every knob. What is not here, no gene can change. */
export const KNOBS = {
  "retrieval.topK": number("retrieval", 2, 4, [0, 12], "items recalled for a request"),
  "retrieval.floor": number("retrieval", 0.1, 0.05, [0, 0.5], "similarity below which nothing is recalled"),
  "retrieval.gist": number("retrieval", 0.2, 0, [-0.4, 0.4], "how much gists are preferred to whole items"),
  "route.threshold": number("routing", 0.1, 0, [-0.2, 0.2], "added to the profile's threshold"),
  "hierarchy.global": number("routing", 0.1, 0, [-0.2, 0.2], "added to the weight of everything that is known"),
  "hierarchy.local": number("routing", 0.1, 0, [-0.2, 0.2], "added to the weight of what is near"),
  "hierarchy.fused": number("routing", 0.1, 0, [-0.2, 0.2], "added to the weight of neighbours read together"),
  "reflection.checks": set(
    "reflection",
    "union",
    REFLECTION_CHECKS,
    ["empty", "contradiction"],
    "what a draft is looked over for",
  ),
  "reflection.passes": number("reflection", 1, 1, [0, 3], "times a draft is looked over"),
  "validation.require": set("reflection", "union", VALIDATORS, [], "validators that must have spoken before success"),
  "language.preserve": set(
    "language",
    "union",
    ["zh", "en", "mixed"],
    [],
    "scripts that answers are asked to keep, and looked over for",
  ),
  "tools.allow": set(
    "tool-use",
    "intersection",
    TOOLS,
    ["filesystem-read"],
    "tools the request may use: files that come along, programs that judge",
  ),
  "budget.answer": number("budget", 0.5, 1, [0.5, 2], "factor of the answer's tokens"),
  "budget.calls": number("budget", 0.5, 1, [0.5, 2], "factor of the calls one request may make"),
  "budget.strong": number(
    "budget",
    0.25,
    0.5,
    [0, 1],
    "greatest share of requests that learned routing sends to a dearer model",
  ),
  "safety.hold": set(
    "safety",
    "union",
    ["secret", "injection", "cross-scope", "destructive-command"],
    ["secret", "injection", "cross-scope"],
    "findings that hold every durable write of the request",
  ),
} as const satisfies { readonly [name: string]: NumericKnob | SetKnob };

/** Name of a knob. */
export type KnobName = keyof typeof KNOBS;

/** How a gene stands by its use. */
export interface Standing {
  /** How well. */
  readonly status: GeneStatus;
  /** How near to use. */
  readonly residency: Residency;
}

/** What a gene does to one knob. */
export interface GeneEffect {
  /** Which knob. */
  readonly knob: KnobName;
  /** What it adds, or which names it gives. */
  readonly value: number | ReadonlyArray<string>;
}

/** A gene. */
export interface Gene {
  /** `gene:<profile>:<slug>`. */
  readonly id: string;
  /** What it is about. */
  readonly kind: GeneKind;
  /** A short name for people. */
  readonly label: string;
  /** What it is for, in one sentence. */
  readonly purpose: string;
  /** Words to find it by. */
  readonly tags: ReadonlyArray<string>;
  /** How often it was changed. */
  readonly version: number;
  /** Generation of the genome it was born in. */
  readonly born: number;
  /** How it stands. */
  readonly status: GeneStatus;
  /** What it does. */
  readonly effects: ReadonlyArray<GeneEffect>;
  /** Digests of the evidence it stands on. */
  readonly evidence: ReadonlyArray<string>;
  /** Genes it comes from. */
  readonly parents: ReadonlyArray<string>;
  /** Genes that must speak before it for it to speak. */
  readonly requires?: ReadonlyArray<string>;
  /** Genes beside which it is silent. */
  readonly conflicts?: ReadonlyArray<string>;
  /** Genes that are silent when it speaks. */
  readonly replaces?: ReadonlyArray<string>;
}

/** A genome: the genes of one profile, in the order they are expressed. */
export interface Genome {
  /** Which profile. */
  readonly profile: Profile;
  /** Counts applied edits. */
  readonly generation: number;
  /** The genes. */
  readonly genes: ReadonlyArray<Gene>;
  /** How its genes stand by their use, by id; as stored, and warm, where nothing is said. */
  readonly standing?: { readonly [gene: string]: Standing };
  /** Most readings side by side that its record earns; as many as the device allows where nothing is said. */
  readonly branches?: number;
  /** Why the stored genome was not used and the default one stands here. */
  readonly fault?: string;
}

/** Shortest label. */
export const LEAST_LABEL = 6;
/** Shortest purpose. */
export const LEAST_PURPOSE = 24;
/** Longest text of a gene. */
export const MOST_TEXT = 200;
/** Most genes of a genome. */
export const MOST_GENES = 16;
/** Most genes expressed for one request. */
export const MOST_EXPRESSED = 8;

const effectFault = (gene: Gene, { knob, value }: GeneEffect): string | undefined => {
  if (!Object.hasOwn(KNOBS, knob)) return `there is no knob ${knob}`;
  const known: NumericKnob | SetKnob = KNOBS[knob];
  if (known.kind !== gene.kind) return `${knob} belongs to ${known.kind} genes, not to ${gene.kind} ones`;
  if (known.type === "number") {
    if (typeof value !== "number" || !Number.isFinite(value)) return `${knob} takes a number`;
    return Math.abs(value) > known.bound ? `${knob} moves by at most ${known.bound}` : undefined;
  }
  if (!Array.isArray(value)) return `${knob} takes names`;
  const unknown = value.find((name) => !known.names.includes(name));
  return unknown === undefined ? undefined : `${knob} does not know ${unknown}`;
};

/** Whether a text is an id of a profile's gene. */
export const isGeneId = (profile: Profile, id: string): boolean =>
  id.startsWith(`gene:${profile}:`) && /^[a-z0-9-]+(?::[a-z0-9-]+){0,3}$/u.test(id.slice(`gene:${profile}:`.length));

/** What is wrong with a gene; undefined where nothing is. */
export const geneFault = (gene: Gene): string | undefined => {
  if (!(GENE_KINDS as ReadonlyArray<string>).includes(gene.kind)) return `there is no kind ${gene.kind}`;
  if (gene.label.length < LEAST_LABEL || gene.label.length > MOST_TEXT) return "its label is too short or too long";
  if (gene.purpose.length < LEAST_PURPOSE || gene.purpose.length > MOST_TEXT) {
    return "its purpose is too short or too long";
  }
  for (const [index, effect] of gene.effects.entries()) {
    const fault = effectFault(gene, effect);
    if (fault !== undefined) return fault;
    // Two steps within the bound would be one beyond it.
    if (gene.effects.findIndex(({ knob }) => knob === effect.knob) < index) return `it moves ${effect.knob} twice`;
  }
  return undefined;
};

/** The gene itself; throws `NORION_GENE` where something is wrong with it. */
export const checkedGene = (gene: Gene): Gene => {
  const reason = geneFault(gene);
  if (reason !== undefined) throw badGene({ gene: gene.id, reason, path: `/genes/${gene.id}` });
  return gene;
};

/** What the genes of a request add up to. */
export interface Knobs {
  /** Numbers by knob. */
  readonly numbers: ReadonlyMap<KnobName, number>;
  /** Names by knob. */
  readonly sets: ReadonlyMap<KnobName, ReadonlySet<string>>;
  /** Ids of the genes that spoke, in order. */
  readonly expressed: ReadonlyArray<string>;
  /** Ids of those that did not, each with the reason. */
  readonly silent: ReadonlyArray<{ readonly gene: string; readonly reason: string }>;
}

/** Statuses in which a gene speaks. */
export const SPEAKING: ReadonlySet<GeneStatus> = new Set(["active", "probation", "aging"]);

const EXPRESSIBLE: ReadonlySet<Residency> = new Set(["hot", "warm"]);

/** Why a gene other than the safety gene does not speak after those that spoke before it; undefined where it does. */
const silence = (gene: Gene, genome: Genome, spoken: ReadonlyArray<string>): string | undefined => {
  const { status, residency } = genome.standing?.[gene.id] ?? { status: gene.status, residency: "warm" };
  if (!SPEAKING.has(status)) return `it is ${status}`;
  if (!EXPRESSIBLE.has(residency)) return `it is ${residency}`;
  const fault = geneFault(gene);
  if (fault !== undefined) return fault;
  const replacing = genome.genes.find(({ id, replaces = [] }) => spoken.includes(id) && replaces.includes(gene.id));
  if (replacing !== undefined) return `${replacing.id} replaces it`;
  const missing = gene.requires?.find((id) => !spoken.includes(id));
  if (missing !== undefined) return `${missing}, which it requires, does not speak`;
  const against = genome.genes.find(({ id, conflicts = [] }) =>
    spoken.includes(id) && (conflicts.includes(gene.id) || gene.conflicts?.includes(id))
  );
  if (against !== undefined) return `it conflicts with ${against.id}`;
  return spoken.length >= MOST_EXPRESSED ? `${MOST_EXPRESSED} genes spoke before it` : undefined;
};

/** Genes in an order in which each comes after those it requires and those that replace it, and those in a circle. */
const linked = (genes: ReadonlyArray<Gene>): readonly [ordered: ReadonlyArray<Gene>, circle: ReadonlyArray<Gene>] => {
  const ids = new Set(genes.map(({ id }) => id));
  const ordered: Gene[] = [];
  let left = genes;
  const waits = (gene: Gene): boolean => {
    const open = (id: string): boolean => ids.has(id) && left.some((other) => other.id === id);
    return (gene.requires ?? []).some(open) || left.some((other) => other.replaces?.includes(gene.id) === true);
  };
  for (;;) {
    const next = left.find((gene) => !waits(gene));
    if (next === undefined) return [ordered, left];
    ordered.push(next);
    left = left.filter((gene) => gene !== next);
  }
};

/** Why genes make no genome together; undefined where they do. */
export const genomeFault = (profile: Profile, genes: ReadonlyArray<Gene>): string | undefined => {
  const held = genes.filter(({ status }) => status !== "retired");
  if (held.length > MOST_GENES) return `it has ${held.length} genes, more than ${MOST_GENES}`;
  const ids = new Set(genes.map(({ id }) => id));
  if (ids.size < genes.length) return "two of its genes have one id";
  if (!genes.some(({ kind }) => kind === "safety")) return "it has no safety gene";
  for (const gene of genes) {
    if (!isGeneId(profile, gene.id)) return `${gene.id} is no id of a ${profile} gene`;
    const fault = geneFault(gene);
    if (fault !== undefined) return `${gene.id}: ${fault}`;
    const missing = [...gene.requires ?? [], ...gene.conflicts ?? [], ...gene.replaces ?? []].find((id) =>
      !ids.has(id)
    );
    if (missing !== undefined) return `${gene.id} names ${missing}, which is not there`;
  }
  const [, [first]] = linked(genes);
  return first === undefined ? undefined : `${first.id} requires or replaces itself by way of others`;
};

/**
 * The knobs of a genome: numbers are summed and held to their range; requirements are united, permissions cut to what
 * all allow. The safety gene speaks first and whatever its status, so that no edit can silence it.
 */
export const expressGenome = (genome: Genome): Knobs => {
  const ordered = [
    ...genome.genes.filter((gene) => gene.kind === "safety"),
    ...linked(genome.genes).flat().filter((gene) => gene.kind !== "safety"),
  ];
  const numbers = new Map<KnobName, number>();
  const sets = new Map<KnobName, ReadonlySet<string>>();
  const expressed: string[] = [];
  const silent: Array<{ readonly gene: string; readonly reason: string }> = genome.fault === undefined
    ? []
    : [{ gene: `genome:${genome.profile}`, reason: `${genome.fault}, so the default genome speaks` }];
  for (const gene of ordered) {
    const reason = gene.kind === "safety" ? geneFault(gene) : silence(gene, genome, expressed);
    if (reason !== undefined) {
      silent.push({ gene: gene.id, reason });
      continue;
    }
    expressed.push(gene.id);
    for (const { knob, value } of gene.effects) {
      const known: NumericKnob | SetKnob = KNOBS[knob];
      if (known.type === "number") {
        numbers.set(knob, (numbers.get(knob) ?? known.initial) + (value as number));
        continue;
      }
      const given = new Set(value as ReadonlyArray<string>);
      const before = sets.get(knob);
      sets.set(
        knob,
        before === undefined ? given : known.joins === "union" ? before.union(given) : before.intersection(given),
      );
    }
  }
  for (const name of Object.keys(KNOBS) as ReadonlyArray<KnobName>) {
    const known: NumericKnob | SetKnob = KNOBS[name];
    if (known.type === "number") numbers.set(name, clamp(numbers.get(name) ?? known.initial, ...known.range));
    else if (known.joins === "union") sets.set(name, new Set(known.initial).union(sets.get(name) ?? new Set()));
    else if (!sets.has(name)) sets.set(name, new Set(known.initial));
  }
  return { numbers, sets, expressed, silent };
};

/** A knob's number. */
export const knobNumber = (knobs: Knobs, name: KnobName): number => knobs.numbers.get(name)!;

/** A knob's names, in the order of its table row. */
export const knobSet = (knobs: Knobs, name: KnobName): ReadonlyArray<string> =>
  (KNOBS[name] as SetKnob).names.filter((known) => knobs.sets.get(name)!.has(known));
