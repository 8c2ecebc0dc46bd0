/**
 * Suite: a genome measured on fixed tasks by a scripted backend.
 *
 * Not a benchmark of models: what is measured is what a plan lets a model see, do and get away with.
 * Invariant: pure; the same genome has the same measurement; two genomes are measured on the same tasks from the same
 * state, so that whatever differs is theirs.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import { presetOf } from "../device.ts";
import type { Genome } from "../genome.ts";
import { TARGETS } from "../hierarchy.ts";
import { type NorionState, type Plan, plan, type Recall } from "../plan.ts";
import { DEFAULT_POLICY, unit } from "../policy.ts";
import { type Profile, PROFILES } from "../profile.ts";
import { promptOf } from "../prompting.ts";
import { type Candidate, initialRouter } from "../router.ts";
import { cosine, estimateTokens, vectorOf } from "../text.ts";
import type { Measured, MeasureName } from "./measures.ts";
import { type Known, type Task, type TaskKind, tasksOf } from "./tasks.ts";

/** Rates of the scripted backend and of what stands around it. */
const RATES = { callMs: 200, answerTokenMs: 1, reviewMs: 40, validatorMs: 60 } as const;

const SCOPE = "suite";

interface Ran {
  readonly task: Task;
  readonly solved: boolean;
  readonly broken: boolean;
  readonly tokens: number;
  readonly calls: number;
  readonly latencyMs: number;
}

/** Vectors of what is remembered in tasks, which never changes. */
const vectors = new WeakMap<Known, Float32Array>();

const vectorFor = (known: Known): Float32Array => {
  const before = vectors.get(known);
  if (before !== undefined) return before;
  const vector = vectorOf(known.text);
  vectors.set(known, vector);
  return vector;
};

const candidateOf = ({ id, text, gist }: Known, similarity: number): Candidate => ({
  id,
  source: gist ? "gist" : "memory",
  text,
  similarity,
  trust: 0.9,
  recency: 1,
  reward: 0.5,
  anchor: false,
});

/** Texts that have nothing in common are this alike by chance. */
const CHANCE = 0.15;

/** A memory that knows likeness of spelling only: it has no state, no clock and no index that could change. */
const recallFrom = ({ memory }: Task): Recall => ({
  recall: (prompt, { limit, floor, gist }) => {
    const asked = vectorOf(prompt);
    const rank = (one: Candidate): number => one.similarity + (one.source === "gist" ? gist : 0);
    return memory.map((known) => candidateOf(known, unit(cosine(asked, vectorFor(known)))))
      .filter(({ similarity }) => similarity >= Math.max(floor, CHANCE))
      .toSorted((a, b) => rank(b) - rank(a) || (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  },
});

const stateFor = (task: Task, genome: Genome): NorionState => ({
  router: initialRouter(DEFAULT_POLICY),
  hierarchy: TARGETS,
  // Only the genome of the request's own profile is read.
  genomes: Object.fromEntries(PROFILES.map((profile) => [profile, genome])) as NorionState["genomes"],
  memory: recallFrom(task),
  policy: DEFAULT_POLICY,
});

const textsOf = ({ memory, request }: Task): ReadonlyMap<string, string> =>
  new Map([
    ...memory.map(({ id, text }) => [id, text] as const),
    ...(request.files ?? []).map(({ name, text }) => [`file:${name}`, text] as const),
  ]);

const costOf = (made: Plan, prompt: string): Pick<Ran, "tokens" | "calls" | "latencyMs"> => {
  const rounds = made.schedule.waves.length + made.schedule.rounds.length;
  const read = made.schedule.single ? estimateTokens(prompt) : made.schedule.readTokens;
  return {
    tokens: read + made.budget.answerTokens,
    calls: made.schedule.calls,
    latencyMs: RATES.callMs * rounds + RATES.answerTokenMs * made.budget.answerTokens +
      RATES.reviewMs * made.budget.reflectionPasses + RATES.validatorMs * made.validators.length,
  };
};

const run = (task: Task, profile: Profile, genome: Genome): Ran => {
  const load = { cpu: task.load, gpu: task.load, memory: task.load, disk: task.load };
  const device = {
    descriptor: presetOf(task.device),
    load,
    provenance: { descriptor: "assumed", load: "assumed" },
  } as const;
  try {
    const made = plan(stateFor(task, genome), { ...task.request, profile, scope: SCOPE }, device);
    const told = promptOf(made, task.request.prompt, textsOf(task));
    const solved = task.solved({ plan: made, context: told.context, policy: DEFAULT_POLICY });
    return { task, solved, broken: made.budget.answerTokens < 1, ...costOf(made, told.prompt) };
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    // A request that cannot be planned is refused before anything is spent.
    return { task, solved: false, broken: true, tokens: 0, calls: 0, latencyMs: 0 };
  }
};

const milliShare = (ran: ReadonlyArray<Ran>): number =>
  ran.length === 0 ? 1000 : Math.round(1000 * ran.filter(({ solved }) => solved).length / ran.length);

const mean = (ran: ReadonlyArray<Ran>, of: (one: Ran) => number): number =>
  Math.round(ran.reduce((sum, one) => sum + of(one), 0) / Math.max(1, ran.length));

/** Measures a genome on the tasks of its profile, a task a step. */
export function* measuring(genome: Genome): Generator<void, Measured> {
  const ran: Ran[] = [];
  for (const task of tasksOf(genome.profile)) {
    ran.push(run(task, genome.profile, genome));
    yield;
  }
  const kind = (name: TaskKind): ReadonlyArray<Ran> => ran.filter(({ task }) => task.kind === name);
  const values: { readonly [M in MeasureName]: number } = {
    solved: milliShare(ran),
    recalled: milliShare(kind("recalled")),
    caught: milliShare(kind("caught")),
    safe: milliShare(kind("safe")),
    tokens: mean(ran, ({ tokens }) => tokens),
    calls: mean(ran, ({ calls }) => calls),
    latencyMs: mean(ran, ({ latencyMs }) => latencyMs),
  };
  return {
    values,
    tasks: ran.map(({ task, solved }) => ({ id: task.id, solved })),
    broken: ran.filter(({ broken }) => broken).map(({ task }) => task.id),
  };
}

/** The genome without one of its genes. */
export const without = (genome: Genome, id: string): Genome => ({
  ...genome,
  genes: genome.genes.filter((gene) => gene.id !== id),
});

/** The genome without any gene: what every request gets where nothing was ever said. */
export const bare = (profile: Profile): Genome => ({ profile, generation: 0, genes: [] });

/** One gene, with what is lost or gained where it is taken away. */
export interface Ablated {
  /** Its id. */
  readonly gene: string;
  /** Measures with it less measures without it. */
  readonly worth: { readonly [M in MeasureName]: number };
  /** Tasks that only it solves. */
  readonly solves: ReadonlyArray<string>;
  /** Tasks that it stands in the way of. */
  readonly spoils: ReadonlyArray<string>;
}

/** What each gene of a genome is worth on the tasks of its profile. */
export function* ablating(genome: Genome): Generator<void, ReadonlyArray<Ablated>> {
  const whole = yield* measuring(genome);
  const found: Ablated[] = [];
  for (const { id } of genome.genes) {
    const rest = yield* measuring(without(genome, id));
    const turned = (solved: boolean): ReadonlyArray<string> =>
      whole.tasks.filter((task, index) => task.solved === solved && rest.tasks[index].solved !== solved)
        .map((task) => task.id);
    const worth = Object.fromEntries(
      Object.entries(whole.values).map(([name, value]) => [name, value - rest.values[name as MeasureName]]),
    ) as Ablated["worth"];
    found.push({ gene: id, worth, solves: turned(true), spoils: turned(false) });
  }
  return found;
}
