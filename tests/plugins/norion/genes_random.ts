/**
 * Random edits of genomes in a ledger in memory, admitted by the real gate, and undone again: shared by the test and the
 * acceptance figures.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import {
  compilePolicy,
  type LedgerShape,
  makeProposals,
  memoryLedger,
  type ProposalsShape,
} from "../../../effects/mod.ts";
import { type Digest, digestJson, type Random, random } from "../../../kernel/mod.ts";
import { GENE_KINDS, type Genome, type KnobName, KNOBS } from "../../../plugins/norion/genome.ts";
import { DEFAULT_POLICY } from "../../../plugins/norion/policy.ts";
import { type Profile, PROFILES } from "../../../plugins/norion/profile.ts";
import { genomeChecks } from "../../../plugins/norion/scissors/checks.ts";
import type { Edit } from "../../../plugins/norion/scissors/edits.ts";
import { genomesOf } from "../../../plugins/norion/scissors/report.ts";
import { seenIn } from "../../../plugins/norion/scissors/seen.ts";
import { scissorsOver, type ScissorsShape } from "../../../plugins/norion/scissors/service.ts";
import { STRATEGY_NAMES, strategyGenes } from "../../../plugins/norion/scissors/strategies.ts";
import { evidenceEvent } from "../../../plugins/norion/state/evidence.ts";
import { domainFor, expressedEvent, GENOME_DOMAIN } from "../../../plugins/norion/state/genome.ts";
import { asIs, countedEntropy } from "../../effects/ledger_fixtures.ts";
import { bringing, CHAIN, editOf, genesPolicy, passing } from "./genes.ts";

/** The scissors over a ledger in memory. */
export interface Ground {
  readonly ledger: LedgerShape;
  readonly proposals: ProposalsShape;
  readonly scissors: ScissorsShape;
}

/** The scissors over a ledger. */
export const groundOver = (ledger: LedgerShape): Effect.Effect<Ground> =>
  Effect.gen(function* () {
    const folders = { workspace: "/w", state: "/w/.rmi", output: "/w/out" };
    const proposals = makeProposals({
      ledger,
      policy: { ...compilePolicy(genesPolicy(), folders), source: "test" },
      approvals: { automatic: () => Effect.succeed(undefined) },
    });
    const look = seenIn(ledger);
    yield* proposals.register(
      `${GENOME_DOMAIN}*`,
      genomeChecks(({ proposal }) => look(proposal.domain), DEFAULT_POLICY),
    );
    return { ledger, proposals, scissors: scissorsOver(ledger, proposals, DEFAULT_POLICY) };
  });

/** A fresh ledger in memory. */
export const freshLedger = (seed: string): Effect.Effect<LedgerShape> =>
  Effect.provide(memoryLedger(asIs), countedEntropy(seed));

/** The whole road of an edit; undefined where the gate holds it. */
export const admitted = ({ proposals, scissors }: Ground, profile: Profile, edit: Edit, reason: string) =>
  Effect.gen(function* () {
    const gains = ["splice", "repair", "crossover", "regenerate"].includes(edit.kind);
    const request = editOf(edit, { profile, reason, ...(gains ? {} : { validation: CHAIN }) });
    const { proposal, state } = yield* scissors.propose(request, "agent:a");
    if (state === "rejected") return undefined;
    yield* proposals.attest(proposal.id, passing("one"), "agent:b");
    const { reasons } = yield* proposals.attest(proposal.id, passing("two"), "agent:c");
    // A measurement changes nothing where something else holds the edit.
    if (reasons.some((code) => code !== "VALIDATION_PENDING")) return undefined;
    for (const [index, { operation }] of proposal.validation.entries()) {
      const ok = operation !== "norion.trial" || (yield* Effect.match(
        scissors.trial(profile, proposal.patch, proposal.expected),
        { onSuccess: (trial) => trial.ok, onFailure: () => false },
      ));
      yield* proposals.validated(proposal.id, index, ok);
    }
    if ((yield* proposals.get(proposal.id)).state !== "ready") return undefined;
    yield* proposals.decide(proposal.id, "approve", "user@tty");
    yield* scissors.apply(proposal.id, "agent:a");
    return proposal.id;
  });

const numericKnobs = (Object.keys(KNOBS) as ReadonlyArray<KnobName>).filter((name) => KNOBS[name].type === "number");

const randomEffect = (chance: Random, kind: string) => {
  const own = numericKnobs.filter((name) => KNOBS[name].kind === kind);
  if (own.length === 0) return [];
  const knob = chance.pick(own);
  const known = KNOBS[knob];
  const bound = known.type === "number" ? known.bound : 0;
  return [{ knob, value: Math.round(1000 * bound * (2 * chance.below(1001) / 1000 - 1)) / 1000 + 0 }];
};

/** Some edit of a genome; most are refused, for many reasons. */
export const randomEdit = (chance: Random, { profile, genes }: Genome, step: number): Edit => {
  const gene = chance.pick(genes);
  // Nothing speaks against a quarantine: left to chance, the runs would be little else.
  if (chance.below(14) === 0) return { kind: "quarantine", gene: gene.id };
  const kinds: ReadonlyArray<() => Edit> = [
    () => ({ kind: "cut", gene: (genes.find(({ status }) => status === "quarantined") ?? gene).id }),
    () => ({ kind: "regenerate", gene: (genes.find(({ status }) => status === "quarantined") ?? gene).id }),
    () => ({ kind: "repair", gene: gene.id, set: { effects: randomEffect(chance, gene.kind) } }),
    () => ({ kind: "splice", gene: chance.pick(strategyGenes(chance.pick(STRATEGY_NAMES), profile)) }),
    () => {
      const kind = chance.pick(GENE_KINDS.filter((one) => one !== "safety"));
      return { kind: "splice", gene: bringing(`s${step}`, kind, randomEffect(chance, kind), profile) };
    },
    () => {
      const paired = genes.filter(({ id, kind }) => genes.some((one) => one.kind === kind && one.id !== id));
      const one = chance.pick(paired.length > 0 ? paired : genes);
      const other = chance.pick(genes.filter(({ kind }) => kind === one.kind));
      return { kind: "crossover", parents: [one.id, other.id], name: `c${step}` };
    },
    () => ({
      kind: "relabel",
      gene: gene.id,
      label: `Named anew at ${step}`,
      purpose: "Says what it is for in a sentence that is long enough.",
      tags: [],
    }),
  ];
  return chance.pick(kinds)();
};

const used = (
  { ledger }: Ground,
  genome: Genome,
  knobs: Parameters<typeof expressedEvent>[2],
  id: string,
  good: boolean,
) =>
  ledger.append([
    expressedEvent(id, genome, knobs, 0.2, "user@tty"),
    evidenceEvent(
      { request: id, scope: digestJson("s"), profile: genome.profile, genes: [] },
      { source: "validator", subject: "answer", result: good ? 1 : 0, digest: digestJson(id) },
      "tests",
      "policy:review",
    ),
  ]);

/** So many uses without a word for any gene that all are old. */
const aged = ({ ledger, scissors }: Ground, profile: Profile, seed: string) =>
  Effect.flatMap(
    scissors.genome(profile),
    ({ genome, knobs }) =>
      ledger.append(
        Array.from({ length: 160 }, (_, i) => expressedEvent(`${seed} old ${i}`, genome, knobs, 0, "user@tty")),
      ),
  );

/** What one seeded run came to. */
export interface RandomRun {
  /** Edits that the gate let through. */
  readonly admitted: number;
  /** Edits that it held or rejected. */
  readonly refused: number;
  /** Kinds of those that came through. */
  readonly kinds: ReadonlyArray<string>;
}

/**
 * Applies random edits to one genome, with requests between them, then undoes all that stand, latest first: after each
 * the document and its digest are what they were before the edit.
 */
export const randomPlans = (seed: string, steps: number): Effect.Effect<RandomRun, unknown> =>
  Effect.gen(function* () {
    const chance = random(seed);
    const place = yield* groundOver(yield* freshLedger(seed));
    const profile = chance.pick(PROFILES);
    const state = Effect.map(place.proposals.domain(domainFor(profile)), ({ digest, document }) => {
      assert.equal(digestJson(document), digest);
      return digest;
    });
    const stack: Array<readonly [id: Digest, before: Digest]> = [];
    const kinds: string[] = [];
    let refused = 0;
    if (chance.below(3) === 0) yield* aged(place, profile, seed);
    for (let step = 0; step < steps; step++) {
      const { genome, knobs } = yield* place.scissors.genome(profile);
      for (let i = 0; i < 2; i++) yield* used(place, genome, knobs, `${seed}-${step}-${i}`, chance.below(8) > 0);
      const edit = randomEdit(chance, genome, step);
      const before = yield* state;
      const id = yield* Effect.match(admitted(place, profile, edit, `STEP_${step}`), {
        onSuccess: (done) => done,
        onFailure: () => undefined,
      });
      if (id === undefined) {
        refused++;
        assert.equal(yield* state, before);
        continue;
      }
      kinds.push(edit.kind);
      stack.push([id, before]);
      assert.notEqual(yield* state, before);
      assert.equal((yield* genomesOf(place.ledger))[profile].fault, undefined);
    }
    for (const [id, before] of stack.toReversed()) {
      yield* place.scissors.rollback(id, "agent:z");
      assert.equal(yield* state, before);
    }
    assert.equal(yield* state, digestJson({}));
    assert.equal((yield* place.ledger.verify).ok, true);
    return { admitted: stack.length, refused, kinds };
  });

/** Runs seeds until so many edits were admitted. */
export const plansUntil = async (
  count: number,
  steps: number,
  prefix: string,
  progress: (done: number) => void = () => {},
): Promise<RandomRun & { readonly seeds: number }> => {
  let total: RandomRun = { admitted: 0, refused: 0, kinds: [] };
  let seeds = 0;
  for (; total.admitted < count; seeds++) {
    const run = await Effect.runPromise(randomPlans(`${prefix} ${seeds}`, steps) as Effect.Effect<RandomRun>);
    total = {
      admitted: total.admitted + run.admitted,
      refused: total.refused + run.refused,
      kinds: [...total.kinds, ...run.kinds],
    };
    progress(total.admitted);
  }
  return { ...total, seeds };
};
