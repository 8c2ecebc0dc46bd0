/**
 * Edits: what each way of changing a genome does to its records.
 *
 * Not whether it may be done (scissors/checks.ts) and not the doing (effects/proposals.ts): inert data in, inert data out.
 * Invariant: pure; an edit changes the records it names and no others, keeps every gene within the bounds of its knobs,
 * and an edit of a gene always makes a gene with another identity.
 *
 * @module
 */
import { type Digest, digestJson, type Json, type JsonPatch, pointer } from "../../../kernel/mod.ts";
import { badEdit } from "../failures.ts";
import { defaultGenome } from "../default_genome.ts";
import { type Gene, type GeneEffect, KNOBS, MOST_TEXT, type SetKnob } from "../genome.ts";
import { driftOf, fitnessOf, type Usage } from "../health.ts";
import { clamp, type Policy } from "../policy.ts";
import type { Profile } from "../profile.ts";
import {
  type EditKind,
  fingerprintOf,
  type GeneRecord,
  genesOf,
  type GenomeDocument,
  type GenomeRecord,
  identityOf,
  MOST_EVIDENCE,
} from "./document.ts";

/** A gene as it is brought in. */
export type NewGene = Omit<Gene, "version" | "born" | "status" | "evidence" | "parents">;

/** What a repair may set. */
export type Repair = Partial<
  Pick<Gene, "label" | "purpose" | "tags" | "effects" | "requires" | "conflicts" | "replaces">
>;

/** A way of changing a genome. */
export type Edit =
  | { readonly kind: "relabel"; readonly gene: string } & Pick<Gene, "label" | "purpose" | "tags">
  | { readonly kind: "cut" | "quarantine" | "regenerate"; readonly gene: string }
  | { readonly kind: "splice"; readonly gene: NewGene; readonly displaces?: string }
  | { readonly kind: "repair"; readonly gene: string; readonly set: Repair }
  | { readonly kind: "crossover"; readonly parents: readonly [string, string]; readonly name: string }
  | { readonly kind: "rollback"; readonly proposal: Digest };

/** What an edit is made on. */
export interface Ground {
  /** Whose genome. */
  readonly profile: Profile;
  /** The records now. */
  readonly records: GenomeDocument;
  /** Identity of the document that holds them. */
  readonly base: Digest;
  /** Edits until now. */
  readonly generation: number;
  /** Counts of a gene as it is. */
  readonly usage: (gene: Gene) => Usage;
  /** Thresholds. */
  readonly policy: Policy;
}

/** Why an edit is made, and by which evidence. */
export interface Cause {
  /** A code. */
  readonly reason: string;
  /** Digests of the evidence. */
  readonly evidence: ReadonlyArray<Digest>;
}

/** What an edit does: records by the id of their gene, and ids it was made from. */
export interface Change {
  /** New records. */
  readonly records: GenomeDocument;
  /** Ids that are no part of the change but that it stands on. */
  readonly standsOn: ReadonlyArray<string>;
}

/** The gene of an id. */
export const geneOf = ({ profile, records }: Pick<Ground, "profile" | "records">, id: string): Gene | undefined =>
  genesOf(profile, records).find((gene) => gene.id === id);

const needed = (ground: Ground, kind: EditKind, id: string): Gene => {
  const gene = geneOf(ground, id);
  if (gene === undefined) {
    const known = genesOf(ground.profile, ground.records).map((one) => one.id);
    throw badEdit({ edit: kind, reason: `there is no gene ${id}`, path: "/edit/gene", suggestions: known.slice(0, 8) });
  }
  return gene;
};

const cited = (before: ReadonlyArray<string>, { evidence }: Cause): ReadonlyArray<string> =>
  [...new Set([...before, ...evidence])].slice(-MOST_EVIDENCE);

const originOf = (ground: Ground, edit: EditKind, from: Gene | undefined, cause: Cause): GenomeRecord["origin"] => ({
  edit,
  ...(from === undefined ? {} : { from: identityOf(from) }),
  revision: from === undefined ? 0 : ground.usage(from).revision,
  anchor: ground.base,
  reason: cause.reason,
  evidence: cause.evidence,
});

const edited = (ground: Ground, kind: EditKind, from: Gene, to: Partial<Gene>, cause: Cause): GeneRecord => ({
  format: 1,
  gene: { ...from, ...to, version: from.version + 1, evidence: cited(from.evidence, cause) },
  origin: originOf(ground, kind, from, cause),
});

const born = (
  ground: Ground,
  kind: EditKind,
  gene: NewGene,
  parents: ReadonlyArray<Gene>,
  cause: Cause,
  from?: Gene,
): GeneRecord => ({
  format: 1,
  gene: {
    ...gene,
    version: 1,
    born: ground.generation + 1,
    status: "active",
    evidence: cited([], cause),
    parents: parents.map(({ id }) => id),
  },
  origin: originOf(ground, kind, from, cause),
});

const mixedSets = (knob: SetKnob, values: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const sets = values.map((names) => new Set(names));
  const joined = sets.slice(1).reduce(
    (all, names) => knob.joins === "union" ? all.union(names) : all.intersection(names),
    sets[0],
  );
  return knob.names.filter((name) => joined.has(name));
};

/**
 * What genes do on average: numbers are means, where a gene that does not move a knob counts as zero; names are joined
 * as the knob joins them, so a permission is in the mean only where all that speak of it give it.
 */
export const meanEffects = (genes: ReadonlyArray<Pick<Gene, "effects">>): ReadonlyArray<GeneEffect> => {
  const knobs = [...new Set(genes.flatMap(({ effects }) => effects.map(({ knob }) => knob)))].sort();
  return knobs.map((knob) => {
    const values = genes.flatMap(({ effects }) => effects.filter((effect) => effect.knob === knob))
      .map(({ value }) => value);
    const known = KNOBS[knob];
    if (known.type === "set") return { knob, value: mixedSets(known, values as ReadonlyArray<ReadonlyArray<string>>) };
    const mean = (values as ReadonlyArray<number>).reduce((sum, value) => sum + value, 0) / genes.length;
    return { knob, value: clamp(mean, -known.bound, known.bound) };
  });
};

const MOST_TAGS = 4;

const tagsOf = (genes: ReadonlyArray<Gene>): ReadonlyArray<string> =>
  [...new Set(genes.flatMap(({ tags }) => tags))].slice(0, MOST_TAGS);

/** The child of two genes of one kind. */
export const crossed = (profile: Profile, [a, b]: readonly [Gene, Gene], name: string): NewGene => ({
  id: `gene:${profile}:${name}`,
  kind: a.kind,
  label: `${a.label} and ${b.label}`.slice(0, MOST_TEXT),
  purpose: `Does on average what its parents do: ${a.label}; ${b.label}.`.slice(0, MOST_TEXT),
  tags: tagsOf([a, b]),
  effects: meanEffects([a, b]),
});

/** The genes that a young one may be made from: of its kind, healthy and steady, the fittest first. */
export const siblingsOf = (ground: Ground, kind: Gene["kind"], except: string): ReadonlyArray<Gene> =>
  genesOf(ground.profile, ground.records)
    .map((gene) => ({ gene, usage: ground.usage(gene) }))
    .filter(({ gene, usage }) =>
      gene.kind === kind && gene.id !== except && gene.status === "active" &&
      fitnessOf(usage) >= ground.policy["gene.healthy"] && driftOf(usage, ground.policy) <= ground.policy["gene.steady"]
    )
    .toSorted((a, b) => fitnessOf(b.usage) - fitnessOf(a.usage) || (a.gene.id < b.gene.id ? -1 : 1))
    .slice(0, ground.policy["gene.siblings"])
    .map(({ gene }) => gene);

/** The young gene that takes the place of an old one: what healthy siblings do, else what its profile started with. */
export const youngOf = (ground: Ground, old: string, kind: Gene["kind"]): readonly [NewGene, ReadonlyArray<Gene>] => {
  const siblings = siblingsOf(ground, kind, old);
  const models = siblings.length > 0
    ? siblings
    : defaultGenome(ground.profile).genes.filter((gene) => gene.kind === kind);
  const gene: NewGene = {
    id: `${old}:young`,
    kind,
    label: `${models[0].label} (young)`.slice(0, MOST_TEXT),
    purpose: models[0].purpose,
    tags: tagsOf(models),
    effects: meanEffects(models),
  };
  return [gene, siblings];
};

const spliced = (ground: Ground, edit: Edit & { readonly kind: "splice" }, cause: Cause): Change => {
  const before = geneOf(ground, edit.gene.id);
  const woken = before === undefined ? undefined : edited(ground, "splice", before, { status: "active" }, cause);
  const victim = edit.displaces === undefined ? undefined : needed(ground, "splice", edit.displaces);
  return {
    records: {
      [edit.gene.id]: woken ?? born(ground, "splice", edit.gene, [], cause),
      ...(victim === undefined ? {} : { [victim.id]: edited(ground, "splice", victim, { status: "retired" }, cause) }),
    },
    standsOn: [...edit.gene.requires ?? [], ...edit.gene.conflicts ?? [], ...edit.gene.replaces ?? []],
  };
};

const regenerated = (ground: Ground, id: string, cause: Cause): Change => {
  const record = Object.hasOwn(ground.records, id) ? ground.records[id] : undefined;
  const kind = record !== undefined && "cut" in record ? record.kind : needed(ground, "regenerate", id).kind;
  const [young, siblings] = youngOf(ground, id, kind);
  if (geneOf(ground, young.id) !== undefined) {
    throw badEdit({ edit: "regenerate", reason: `${young.id} is there already`, path: "/edit/gene" });
  }
  const old = geneOf(ground, id);
  return {
    records: { [young.id]: born(ground, "regenerate", young, siblings, cause, old) },
    standsOn: [id, ...siblings.map((gene) => gene.id)],
  };
};

/** What an edit does to the records; throws `NORION_EDIT` where it names what is not there. */
export const changeOf = (ground: Ground, edit: Exclude<Edit, { readonly kind: "rollback" }>, cause: Cause): Change => {
  const alone = (record: GeneRecord): Change => ({ records: { [record.gene.id]: record }, standsOn: [] });
  switch (edit.kind) {
    case "relabel": {
      const { label, purpose, tags } = edit;
      return alone(edited(ground, "relabel", needed(ground, "relabel", edit.gene), { label, purpose, tags }, cause));
    }
    case "quarantine":
      return alone(
        edited(ground, "quarantine", needed(ground, "quarantine", edit.gene), { status: "quarantined" }, cause),
      );
    case "repair": {
      const before = needed(ground, "repair", edit.gene);
      const status = before.status === "quarantined" ? "active" : before.status;
      return alone(edited(ground, "repair", before, { ...edit.set, status }, cause));
    }
    case "cut": {
      const gone = needed(ground, "cut", edit.gene);
      const origin = originOf(ground, "cut", gone, cause);
      return { records: { [gone.id]: { format: 1, cut: fingerprintOf(gone), kind: gone.kind, origin } }, standsOn: [] };
    }
    case "splice":
      return spliced(ground, edit, cause);
    case "regenerate":
      return regenerated(ground, edit.gene, cause);
    case "crossover": {
      const parents = edit.parents.map((id) => needed(ground, "crossover", id)) as [Gene, Gene];
      const child = crossed(ground.profile, parents, edit.name);
      if (geneOf(ground, child.id) !== undefined || Object.hasOwn(ground.records, child.id)) {
        throw badEdit({ edit: "crossover", reason: `${child.id} is taken`, path: "/edit/name" });
      }
      return {
        records: { [child.id]: born(ground, "crossover", child, parents, cause) },
        standsOn: [...edit.parents],
      };
    }
  }
};

/** The patch that puts records into a document, and takes out those that are `undefined`. */
export const patchOf = (
  document: GenomeDocument,
  records: { readonly [gene: string]: GenomeRecord | undefined },
): JsonPatch =>
  Object.entries(records).toSorted(([a], [b]) => a < b ? -1 : 1).map(([id, record]) => {
    const path = pointer([id]);
    if (record === undefined) return { op: "remove" as const, path };
    return { op: Object.hasOwn(document, id) ? "replace" as const : "add" as const, path, value: record as never };
  });

/** Records that one document has otherwise than another; `undefined` for those it has not. */
export const differences = (
  from: GenomeDocument,
  to: GenomeDocument,
): { readonly [gene: string]: GenomeRecord | undefined } => {
  const digest = (document: GenomeDocument, id: string): string =>
    Object.hasOwn(document, id) ? digestJson(document[id] as unknown as Json) : "";
  const ids = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
  return Object.fromEntries(
    ids.filter((id) => digest(from, id) !== digest(to, id))
      .map((id) => [id, Object.hasOwn(to, id) ? to[id] : undefined]),
  );
};
