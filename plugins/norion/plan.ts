/**
 * Plan: everything that is decided about a request before a model is called, from state, request and device alone.
 *
 * Not the doing of it: nothing here reads a file, a clock or a model, and nothing is written.
 * Invariant: pure. The same state, request and device give the same plan, byte for byte, and every decision of it has a
 * line in `explainPlan`.
 *
 * @module
 */
import { type DevicePlan, type DeviceState, planDevice } from "./device.ts";
import { badRequest } from "./failures.ts";
import { expressGenome, type Genome, knobNumber, type Knobs, knobSet } from "./genome.ts";
import { type Hierarchy, normalised, TARGETS, towards, underPressure } from "./hierarchy.ts";
import { clamp, type Policy } from "./policy.ts";
import { type Mode, type Profile, readPrompt } from "./profile.ts";
import { type Choosable, explainRoute, type FittedRouter, type Route, routeOf } from "./routing/stronger.ts";
import { instructionsOf, tokensBeside } from "./prompting.ts";
import { type Schedule, schedule, scheduleOptions } from "./recursion.ts";
import {
  attentionOf,
  type Candidate,
  decideCandidates,
  type Decided,
  type RouterState,
  thresholdOf,
} from "./router.ts";
import { type Outcome, workOf } from "./state/outcomes.ts";
import { estimateTokens, type Script } from "./text.ts";

/** What may be spent on an answer. */
export type BudgetClass = "low" | "normal" | "expanded";

/** What is recalled. */
export interface RecallOptions {
  /** Whose memory. */
  readonly scope: string;
  /** Most items. */
  readonly limit: number;
  /** Least similarity. */
  readonly floor: number;
  /** Added to the similarity of gists when items are ranked. */
  readonly gist: number;
}

/** What a memory answers when it is asked from within a plan. */
export interface Recall {
  /** What is recalled for a prompt, best first: at most `limit` items of a scope, none less similar than `floor`. */
  readonly recall: (prompt: string, options: RecallOptions) => ReadonlyArray<Candidate>;
}

/** What norion knows. */
export interface NorionState {
  /** Learned thresholds. */
  readonly router: RouterState;
  /** Learned weights. */
  readonly hierarchy: { readonly [P in Profile]: Hierarchy };
  /** Genomes. */
  readonly genomes: { readonly [P in Profile]: Genome };
  /** Memory as it stood when the request came. */
  readonly memory: Recall;
  /** The latest requests and how their answers did; none where absent. */
  readonly outcomes?: ReadonlyArray<Outcome>;
  /** Thresholds. */
  readonly policy: Policy;
}

/** A request. */
export interface NorionRequest {
  /** What is asked. */
  readonly prompt: string;
  /** Kind of work. */
  readonly profile: Profile;
  /** Whose memory it may see. */
  readonly scope: string;
  /** Texts it brings along. */
  readonly files?: ReadonlyArray<{ readonly name: string; readonly text: string }>;
  /** Most tokens of the answer. */
  readonly maxTokens?: number;
  /** Longest wait for the answer, ms. */
  readonly waitMs?: number;
  /** Tokens one call of the backend reads. */
  readonly window?: number;
  /** Models that suit it, to choose between. */
  readonly candidates?: ReadonlyArray<Choosable>;
  /** A router that was stored, to choose by. */
  readonly fitted?: FittedRouter;
}

/** What is decided about a request. */
export interface Plan {
  /** Kind of work. */
  readonly profile: Profile;
  /** Finer kind of work. */
  readonly mode: Mode;
  /** Script of the prompt. */
  readonly script: Script;
  /** Tokens of the prompt. */
  readonly promptTokens: number;
  /** What the genes add up to. */
  readonly knobs: Knobs;
  /** Generation of the genome that spoke. */
  readonly generation: number;
  /** What the device allows. */
  readonly device: DevicePlan;
  /** How the input is read. */
  readonly schedule: Schedule;
  /** Weights of the request. */
  readonly hierarchy: Hierarchy;
  /** Score from which a term gets attention. */
  readonly threshold: number;
  /** Share of the prompt's tokens that gets attention. */
  readonly attention: number;
  /** What was recalled and offered, and what became of it. */
  readonly context: ReadonlyArray<Decided>;
  /** Which of two models it goes to first; absent where there is nothing to choose. */
  readonly route?: Route;
  /** What may be spent. */
  readonly budget: {
    /** In a word. */
    readonly class: BudgetClass;
    /** Most tokens of the answer. */
    readonly answerTokens: number;
    /** Most calls of the model. */
    readonly calls: number;
    /** Time after which one call is broken off, ms. */
    readonly callMs: number;
    /** Time after which no call begins or goes on, ms; absent where nobody waits. */
    readonly waitMs?: number;
    /** Times the draft is looked over. */
    readonly reflectionPasses: number;
  };
  /** Tools the request may use. */
  readonly tools: ReadonlyArray<string>;
  /** Scripts the answer must keep; what the request is written in where no gene says. */
  readonly languages: ReadonlyArray<string>;
  /** What a draft is looked over for. */
  readonly checks: ReadonlyArray<string>;
  /** Validators that must have spoken before success. */
  readonly validators: ReadonlyArray<string>;
  /** Findings that hold every durable write. */
  readonly holds: ReadonlyArray<string>;
}

/** Longest prompt, characters. */
export const MAX_PROMPT = 8_388_608;

/** Tokens that a note takes beside its words, where notes are put together: its number and a line of its own. */
const NUMBERED = 3;

/** Prompts of this many tokens get an expanded budget. */
const EXPANDED_FROM = 512;

const budgetClass = (mode: Mode, profile: Profile, tokens: number): BudgetClass =>
  mode === "low-budget" ? "low" : profile === "long-context" || tokens >= EXPANDED_FROM ? "expanded" : "normal";

const checked = (request: NorionRequest): NorionRequest => {
  if (request.prompt.trim() === "") throw badRequest({ reason: "the prompt is empty", path: "/prompt" });
  if (request.prompt.length > MAX_PROMPT) {
    throw badRequest({
      reason: "the prompt is too long",
      path: "/prompt",
      expected: `at most ${MAX_PROMPT} characters`,
      actual: `${request.prompt.length}`,
    });
  }
  return request;
};

const fileCandidates = ({ files = [] }: NorionRequest): ReadonlyArray<Candidate> =>
  files.map(({ name, text }) => ({
    id: `file:${name}`,
    source: "file",
    text,
    similarity: 1,
    trust: 1,
    recency: 1,
    reward: 0.5,
    anchor: true,
  }));

/** The weights of a request: what was learned, moved by the genes, and what the device leaves of it. */
const weightsOf = (state: NorionState, profile: Profile, knobs: Knobs, pressure: number): Hierarchy => {
  const learned = towards(state.hierarchy[profile], profile, state.policy);
  const moved = {
    global: learned.global + knobNumber(knobs, "hierarchy.global"),
    local: learned.local + knobNumber(knobs, "hierarchy.local"),
    fused: learned.fused + knobNumber(knobs, "hierarchy.fused"),
  };
  return underPressure(normalised(moved, TARGETS[profile]), pressure);
};

/** What becomes of a request's files where no gene allows reading them. */
const unread = ({ files = [] }: NorionRequest): ReadonlyArray<Decided> =>
  files.map(({ name }) => ({
    id: `file:${name}`,
    verdict: "skip",
    score: 0,
    tokens: 0,
    reason: "the genes allow no reading of files",
  }));

/** The plan of a request; throws `NORION_REQUEST` where it cannot be planned. */
export const plan = (state: NorionState, request: NorionRequest, device: DeviceState): Plan => {
  const { prompt, profile, scope } = checked(request);
  const { policy } = state;
  const { mode, script } = readPrompt(prompt, profile, request.maxTokens);
  const promptTokens = estimateTokens(prompt);
  const genome = state.genomes[profile];
  const knobs = expressGenome(genome);
  const allowed = planDevice(device, promptTokens, policy);
  // Genes that are not yet proven earn no readings side by side.
  const devicePlan = { ...allowed, parallel: Math.min(allowed.parallel, genome.branches ?? allowed.parallel) };

  const recalled = state.memory.recall(prompt, {
    scope,
    limit: Math.round(knobNumber(knobs, "retrieval.topK")),
    floor: knobNumber(knobs, "retrieval.floor"),
    gist: knobNumber(knobs, "retrieval.gist"),
  });
  const hierarchy = weightsOf(state, profile, knobs, devicePlan.pressure);
  const calls = Math.max(1, Math.round(policy["recursion.calls"] * knobNumber(knobs, "budget.calls")));
  const window = request.window ?? policy["recursion.window"];
  const threshold = thresholdOf(state.router[profile], mode, knobNumber(knobs, "route.threshold"), policy);
  const kind = budgetClass(mode, profile, promptTokens);
  const answer = policy[`answer.${kind}`] * knobNumber(knobs, "budget.answer");

  const languages = knobSet(knobs, "language.preserve");
  const tools = knobSet(knobs, "tools.allow");
  const reads = tools.includes("filesystem-read");
  const preserved = languages.length > 0 || script === "none" ? languages : [script];
  const checks = knobSet(knobs, "reflection.checks");
  const instructing = { languages: preserved, checks, budget: { class: kind } };
  const room = Math.round(devicePlan.localTokens * hierarchy.local + devicePlan.globalTokens * (1 - hierarchy.local));
  // Beside a prompt that fits the window, context gets what the prompt leaves.
  const left = promptTokens > window ? room : window - promptTokens - estimateTokens(instructionsOf(instructing));
  const decided = decideCandidates([...(reads ? fileCandidates(request) : []), ...recalled], {
    threshold,
    pressure: devicePlan.pressure,
    tokens: Math.max(0, Math.min(room, left)),
    policy,
  });
  const route = routeOf({
    models: request.candidates ?? [],
    outcomes: state.outcomes ?? [],
    work: workOf({ profile, mode }),
    prompt,
    ...(request.fitted === undefined ? {} : { fitted: request.fitted }),
    bound: knobNumber(knobs, "budget.strong"),
    policy,
  });
  const answerTokens = clamp(Math.round(answer), 1, request.maxTokens ?? Number.MAX_SAFE_INTEGER);
  return {
    profile,
    mode,
    script,
    promptTokens,
    knobs,
    generation: genome.generation,
    device: devicePlan,
    schedule: schedule(prompt, {
      ...scheduleOptions(policy, window, devicePlan.parallel),
      partial: policy["recursion.partial"] + NUMBERED,
      beside: promptTokens > window ? tokensBeside(prompt, instructing) : 0,
      maxCalls: calls,
    }),
    hierarchy,
    threshold,
    attention: attentionOf(prompt, profile, threshold, {
      cacheHit: recalled.reduce((best, { similarity }) => Math.max(best, similarity), 0),
      pressure: devicePlan.pressure,
      ...(devicePlan.latencyMs === undefined ? {} : { latencyMs: devicePlan.latencyMs }),
      contextTokens: promptTokens,
      hierarchy,
    }),
    context: [...(reads ? [] : unread(request)), ...decided],
    ...(route === undefined ? {} : { route }),
    budget: {
      class: kind,
      answerTokens,
      calls,
      callMs: Math.min(
        policy["model.deadline"],
        Math.max(policy["model.leastDeadline"], (devicePlan.latencyMs ?? Infinity) * answerTokens),
        request.waitMs ?? Infinity,
      ),
      ...(request.waitMs === undefined ? {} : { waitMs: request.waitMs }),
      reflectionPasses: Math.round(knobNumber(knobs, "reflection.passes")),
    },
    tools,
    languages: preserved,
    checks,
    validators: knobSet(knobs, "validation.require"),
    holds: knobSet(knobs, "safety.hold"),
  };
};

const three = (value: number): string => value.toFixed(3);

/** A plan in lines a person reads: one decision a line, with what it was decided by. */
export const explainPlan = (made: Plan): ReadonlyArray<string> => [
  `work      ${made.profile}, ${made.mode}, script ${made.script}, ${made.promptTokens} tokens`,
  `device    ${made.device.device} (${made.device.provenance.descriptor}) at pressure ${three(made.device.pressure)} ` +
  `(${made.device.provenance.load}): ${made.device.localTokens} near and ` +
  `${made.device.globalTokens} far tokens, ${made.device.parallel} side by side` +
  (made.device.latencyMs === undefined ? "" : `, ${made.device.latencyMs} ms a token`),
  `genome    generation ${made.generation}, spoke: ${made.knobs.expressed.join(" ")}`,
  ...made.knobs.silent.map(({ gene, reason }) => `silent    ${gene}: ${reason}`),
  made.schedule.single
    ? "reading   in one call"
    : `reading   ${made.schedule.chunks.length} parts in ${made.schedule.waves.length} waves, ` +
      `${made.schedule.rounds.length} rounds of merging, ${made.schedule.calls} calls, ${made.schedule.readTokens} tokens read; ` +
      `of what they share ${made.device.prefetch} stretches kept in ${made.device.cacheBits} bits`,
  `weights   global ${three(made.hierarchy.global)}, local ${three(made.hierarchy.local)}, fused ${
    three(made.hierarchy.fused)
  }`,
  `route     threshold ${three(made.threshold)}, attention ${three(made.attention)}`,
  ...made.context.map(({ id, verdict, score, tokens, reason }) =>
    `context   ${verdict} ${id}: score ${three(score)}, ${tokens} tokens, ${reason}`
  ),
  ...(made.route === undefined ? [] : [`models    ${explainRoute(made.route)}`]),
  `budget    ${made.budget.class}: ${made.budget.answerTokens} tokens, ${made.budget.calls} calls, ` +
  `${made.budget.reflectionPasses} reviews, ${made.budget.callMs} ms a call` +
  (made.budget.waitMs === undefined ? "" : `, ${made.budget.waitMs} ms in all`),
  `tools     ${made.tools.join(" ") || "none"}`,
  `language  ${made.languages.join(" ") || "any"}`,
  `review    checks: ${made.checks.join(" ") || "none"}; validators: ${made.validators.join(" ") || "none"}`,
  `holds     ${made.holds.join(" ") || "nothing"}`,
];
