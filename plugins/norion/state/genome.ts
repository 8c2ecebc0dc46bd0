/**
 * Genome state: how the genes of every profile were used and judged, as a fold of the ledger's events.
 *
 * Not the genes (their documents are domains of proposals) and not what follows from the counts (health.ts).
 * Invariant: a count belongs to a gene exactly as it was when it spoke, so an edited gene starts anew and a rollback
 * brings the old counts back; one witness counts once a request; only evidence from outside counts.
 *
 * @module
 */
import type { EventDraft, Fold, LedgerEvent } from "../../../effects/mod.ts";
import type { Digest, Json, JsonObject } from "../../../kernel/mod.ts";
import { afterWindow, CALM, type CalmState, type CalmWindow } from "../calm.ts";
import { type GeneKind, type Genome, type KnobName, knobNumber, KNOBS, type Knobs, knobSet } from "../genome.ts";
import { judged, nextResidency, UNUSED, type Usage, used, violated } from "../health.ts";
import { DEFAULT_POLICY, milli } from "../policy.ts";
import { type Profile, PROFILES } from "../profile.ts";
import type { EvidenceSource } from "../review/evidence.ts";
import { identityOf } from "../scissors/document.ts";
import { EVIDENCE_GIVEN, type EvidenceData } from "./evidence.ts";

/** Types of the events. */
export const GENOME_EVENTS = {
  expressed: "norion.genome.expressed",
  observed: "norion.genome.observed",
  violated: "norion.genome.violated",
} as const;

/** Requests that evidence is still attributed to; what is said of older ones no longer moves a gene. */
export const REMEMBERED_REQUESTS = 128;

/** Pieces of evidence from outside that an edit may cite by their digest. */
export const REMEMBERED_EVIDENCE = 256;

/** A gene that spoke, with what it was. */
export interface Spoken {
  /** Its id. */
  readonly gene: string;
  /** What it was, in full. */
  readonly identity: Digest;
  /** What it is about. */
  readonly kind: GeneKind;
}

/** What genes did to one request: the trace of an expression. */
export interface ExpressedData {
  /** Which request. */
  readonly request: string;
  /** Its kind of work. */
  readonly profile: Profile;
  /** Edits of the genome until then. */
  readonly generation: number;
  /** Genes that spoke, in order. */
  readonly spoke: ReadonlyArray<Spoken>;
  /** Genes that did not, with the reason. */
  readonly silent: ReadonlyArray<{ readonly gene: string; readonly reason: string }>;
  /** Knobs that stood otherwise than they do where no gene speaks, and how. */
  readonly moved: { readonly [knob: string]: Json };
  /** How busy the device was, thousandths. */
  readonly pressure: number;
}

/** A piece of evidence from outside. */
export interface Cited {
  /** Digest of what it was read off. */
  readonly digest: string;
  /** Which request it is about. */
  readonly request: string;
  /** Its kind of work. */
  readonly profile: Profile;
  /** Who says so. */
  readonly source: EvidenceSource;
  /** Who gave it. */
  readonly by: string;
  /** How well it did, thousandths. */
  readonly result: number;
}

interface Remembered {
  readonly id: string;
  readonly spoke: ReadonlyArray<Spoken>;
  readonly said: { readonly [witness: string]: number };
}

/** Sums of the present window. */
interface Rates {
  readonly requests: number;
  readonly pressure: number;
  readonly judged: number;
  readonly rejected: number;
  readonly applied: number;
  readonly quarantined: number;
  readonly rolledBack: number;
}

const NO_RATES: Rates = { requests: 0, pressure: 0, judged: 0, rejected: 0, applied: 0, quarantined: 0, rolledBack: 0 };

/** Everything counted of genes. */
export interface GenomeState {
  /** Counts by the identity of a gene. */
  readonly usage: { readonly [identity: string]: Usage };
  /** The latest requests, oldest first. */
  readonly requests: ReadonlyArray<Remembered>;
  /** The latest pieces of evidence from outside, oldest first. */
  readonly evidence: ReadonlyArray<Cited>;
  /** Kinds of genes that the latest requests speak against, oldest first. */
  readonly signals: { readonly [profile: string]: ReadonlyArray<ReadonlyArray<GeneKind>> };
  /** Edits of genes that are known: whether they quarantine, and whether they wait for a person. */
  readonly edits: { readonly [proposal: string]: { readonly quarantines: boolean; readonly waits: boolean } };
  /** The present window. */
  readonly rates: Rates;
  /** Whether genes may be edited now. */
  readonly calm: CalmState;
}

/** Domains of proposals that hold genomes begin like this; the profile follows. */
export const GENOME_DOMAIN = "genome.";

/** The domain that holds the genome of a profile. */
export const domainFor = (profile: Profile): string => `${GENOME_DOMAIN}${profile}`;

/** The profile whose genome a domain holds; undefined where it holds none. */
export const profileIn = (domain: string): Profile | undefined =>
  PROFILES.find((profile) => domainFor(profile) === domain);

/** The counts of a gene as it is. */
export const usageOf = (state: GenomeState, identity: Digest): Usage =>
  Object.hasOwn(state.usage, identity) ? state.usage[identity] : UNUSED;

const settle = (kind: GeneKind, usage: Usage, step: number): Usage => {
  const residency = nextResidency(kind, usage, DEFAULT_POLICY);
  return residency === usage.residency ? usage : { ...usage, residency, revision: usage.revision + 1, since: step };
};

const counted = (
  state: GenomeState,
  spoke: ReadonlyArray<Spoken>,
  step: number,
  count: (usage: Usage) => Usage,
): GenomeState["usage"] => ({
  ...state.usage,
  ...Object.fromEntries(
    spoke.map(({ identity, kind }) => [identity, settle(kind, count(usageOf(state, identity)), step)]),
  ),
});

const share = (part: number, whole: number): number => whole === 0 ? 0 : part / whole;

const windowOf = ({ rates, edits }: GenomeState): CalmWindow => ({
  pressure: share(rates.pressure, 1000 * rates.requests),
  rejection: share(rates.rejected, rates.judged),
  rollback: share(rates.rolledBack, Math.max(rates.applied, rates.rolledBack)),
  quarantine: share(rates.quarantined, rates.applied),
  approvals: Object.values(edits).filter(({ waits }) => waits).length,
});

const expressed = (state: GenomeState, event: LedgerEvent, data: JsonObject): GenomeState => {
  const { request, spoke, pressure } = data as unknown as ExpressedData;
  if (state.requests.some(({ id }) => id === request)) return state;
  const rates = { ...state.rates, requests: state.rates.requests + 1, pressure: state.rates.pressure + pressure };
  const next: GenomeState = {
    ...state,
    usage: counted(state, spoke, event.seq, (usage) => used(usage)),
    requests: [...state.requests, { id: request, spoke, said: {} }].slice(-REMEMBERED_REQUESTS),
    rates,
  };
  return rates.requests < DEFAULT_POLICY["calm.window"]
    ? next
    : { ...next, rates: NO_RATES, calm: afterWindow(next.calm, windowOf(next), DEFAULT_POLICY) };
};

const given = (state: GenomeState, event: LedgerEvent, data: JsonObject): GenomeState => {
  const { request, profile, source, subject, witness, result, digest } = data as unknown as EvidenceData;
  if (source === "self" || subject !== "answer") return state;
  const at = state.requests.findIndex(({ id }) => id === request);
  if (at < 0) return state;
  const found = state.requests[at];
  const key = `${source} ${witness}`;
  const before = Object.hasOwn(found.said, key) ? found.said[key] : undefined;
  if (before === result) return state;
  const cited: Cited = { digest, request, profile, source, by: event.actor, result };
  return {
    ...state,
    usage: counted(state, found.spoke, event.seq, (usage) => judged(usage, result, before)),
    requests: state.requests.with(at, { ...found, said: { ...found.said, [key]: result } }),
    evidence: [...state.evidence, cited].slice(-REMEMBERED_EVIDENCE),
  };
};

const broken = (state: GenomeState, event: LedgerEvent, data: JsonObject): GenomeState => {
  const found = state.requests.find(({ id }) => id === data.request);
  const spoke = found?.spoke.filter(({ gene }) => (data.genes as ReadonlyArray<string>).includes(gene)) ?? [];
  return spoke.length === 0 ? state : { ...state, usage: counted(state, spoke, event.seq, violated) };
};

const observed = (state: GenomeState, _: LedgerEvent, data: JsonObject): GenomeState => {
  const profile = String(data.profile);
  const before = Object.hasOwn(state.signals, profile) ? state.signals[profile] : [];
  const latest = [...before, data.kinds as ReadonlyArray<GeneKind>].slice(-DEFAULT_POLICY["gene.signalsOf"]);
  return { ...state, signals: { ...state.signals, [profile]: latest } };
};

const submitted = (state: GenomeState, _: LedgerEvent, data: JsonObject): GenomeState => {
  const { id, domain, patch } = data.proposal as { id: string; domain: string; patch: ReadonlyArray<JsonObject> };
  if (!domain.startsWith(GENOME_DOMAIN) || Object.hasOwn(state.edits, id)) return state;
  const quarantines = patch.some(({ value }) => ((value as JsonObject)?.origin as JsonObject)?.edit === "quarantine");
  return { ...state, edits: { ...state.edits, [id]: { quarantines, waits: false } } };
};

/** What an event of a proposal adds to the present window, and whether the edit waits for a person after it. */
const MOVES: {
  readonly [type: string]: (
    data: JsonObject,
    quarantines: boolean,
  ) => { readonly rates: Partial<Rates>; readonly waits: boolean };
} = {
  "proposal.judged": ({ outcome }) => ({
    rates: { judged: 1, rejected: outcome === "rejected" ? 1 : 0 },
    waits: outcome === "ready",
  }),
  "proposal.approved": () => ({ rates: {}, waits: false }),
  "proposal.rejected": () => ({ rates: { rejected: 1 }, waits: false }),
  "proposal.applied": (_, quarantines) => ({ rates: { applied: 1, quarantined: quarantines ? 1 : 0 }, waits: false }),
  "proposal.rolledBack": () => ({ rates: { rolledBack: 1 }, waits: false }),
};

const moved = (state: GenomeState, event: LedgerEvent, data: JsonObject): GenomeState => {
  const id = String(data.proposal);
  if (!Object.hasOwn(state.edits, id)) return state;
  const { rates: added, waits } = MOVES[event.type](data, state.edits[id].quarantines);
  const rates = { ...state.rates };
  for (const [name, amount] of Object.entries(added)) rates[name as keyof Rates] += amount;
  return { ...state, rates, edits: { ...state.edits, [id]: { ...state.edits[id], waits } } };
};

const STEPS: {
  readonly [type: string]: (state: GenomeState, event: LedgerEvent, data: JsonObject) => GenomeState;
} = {
  [GENOME_EVENTS.expressed]: expressed,
  [GENOME_EVENTS.observed]: observed,
  [GENOME_EVENTS.violated]: broken,
  [EVIDENCE_GIVEN]: given,
  "proposal.submitted": submitted,
  ...Object.fromEntries(Object.keys(MOVES).map((type) => [type, moved])),
};

/** The fold of genes. */
export const genomeFold: Fold<GenomeState> = {
  name: "norion.genome",
  version: 1,
  initial: { usage: {}, requests: [], evidence: [], signals: {}, edits: {}, rates: NO_RATES, calm: CALM },
  step: (state, event) =>
    Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event, event.data as JsonObject) : state,
};

const movedBy = (knobs: Knobs): ExpressedData["moved"] =>
  Object.fromEntries(
    (Object.keys(KNOBS) as ReadonlyArray<KnobName>).flatMap((name): ReadonlyArray<readonly [string, Json]> => {
      const { initial } = KNOBS[name];
      const value = typeof initial === "number" ? knobNumber(knobs, name) : [...knobSet(knobs, name)];
      return JSON.stringify(value) === JSON.stringify(initial) ? [] : [[name, value]];
    }),
  );

/** The event of genes that spoke in a request; appended together with its plan. */
export const expressedEvent = (
  request: string,
  genome: Genome,
  knobs: Knobs,
  pressure: number,
  actor: string,
): EventDraft => {
  const spoke = knobs.expressed.flatMap((id): ReadonlyArray<Spoken> => {
    const gene = genome.genes.find((one) => one.id === id);
    return gene === undefined ? [] : [{ gene: id, identity: identityOf(gene), kind: gene.kind }];
  });
  const { profile, generation } = genome;
  const data: ExpressedData = {
    request,
    profile,
    generation,
    spoke,
    silent: knobs.silent,
    moved: movedBy(knobs),
    pressure: milli(pressure),
  };
  return { type: GENOME_EVENTS.expressed, actor, data: data as unknown as Json };
};

/** The event of kinds of genes that a request speaks against (health.ts: `signalsOf`). */
export const observedEvent = (
  request: string,
  profile: Profile,
  kinds: ReadonlyArray<GeneKind>,
  actor: string,
): EventDraft => ({ type: GENOME_EVENTS.observed, actor, data: { request, profile, kinds: [...kinds] } });

/** The event of a rule that genes broke in a request, by a code. */
export const violatedEvent = (
  request: string,
  genes: ReadonlyArray<string>,
  code: string,
  actor: string,
): EventDraft => ({ type: GENOME_EVENTS.violated, actor, data: { request, genes: [...genes], code } });
