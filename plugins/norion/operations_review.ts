/**
 * Declarations of looking back: `norion.feedback`, `norion.replay`, `norion.repair`, `norion.why`, `norion.inspect`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { OPERAND, operation, role } from "../../kernel/operation.ts";
import { declare, Milli } from "./declaration.ts";
import { PROFILES } from "./profile.ts";
import { ScopeInput } from "./scope.ts";

const Words = Schema.Array(Schema.String);
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const request = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(80)).annotate({
  description: "id of a request, as norion.ask gave it",
});

const asked = [{ operation: "norion.ask", input: { prompt: "What is 6 * 7?" } }];

/** `norion.feedback`. */
export const Feedback = operation("norion.feedback", {
  ...declare,
  summary: "Say how good an answer was: evidence from outside, for the request, its memories and its genes.",
  input: {
    request,
    rating: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })).annotate({
      description: "1 for right, 0 for useless, or between",
    }),
    scope: ScopeInput,
  },
  output: Schema.Struct({
    request: Schema.String,
    before: Schema.Struct({ quality: Milli, proven: Schema.Boolean }),
    after: Schema.Struct({ quality: Milli, proven: Schema.Boolean }),
    memories: Words.annotate({ description: "memories that were judged by it" }),
    written: Schema.Boolean.annotate({ description: "false where the same was said before" }),
  }),
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  cost: { compute: "constant" },
  examples: [
    {
      given: [{ operation: "norion.ask", input: { prompt: "What is a monad?" } }],
      input: { request: "r1", rating: 1 },
      output: { before: { proven: false }, after: { quality: 1000, proven: true }, written: true },
    },
    { title: "no such request", input: { request: "r7", rating: 1 }, failure: "NORION_UNKNOWN_REQUEST" },
  ],
});

const Verdict = Schema.Literals(["reinforce", "hold", "penalise"]);

/** `norion.replay`. */
export const Replay = operation("norion.replay", {
  ...declare,
  summary: "Learn again from what was said of earlier requests since; each record teaches once by the same evidence.",
  input: {
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 }))),
    preview: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "only say what would be learned; nothing is written" }),
    ),
    scope: ScopeInput,
  },
  output: Schema.Struct({
    items: Schema.Array(
      Schema.Struct({ request: Schema.String, verdict: Verdict, quality: Milli, priority: Milli }),
    ),
    skipped: Schema.Array(Schema.Struct({ request: Schema.String, reason: Schema.String })),
    moved: Schema.Array(Schema.Struct({ profile: Schema.Literals(PROFILES), before: Milli, after: Milli })),
  }),
  effects: ["readLocal", "writeLocal"],
  refine: ({ preview }) => ({ effects: preview === true ? ["readLocal"] : ["readLocal", "writeLocal"] }),
  idempotent: true,
  cost: { compute: "linear in the records of the scope" },
  examples: [
    {
      title: "what feedback taught",
      given: [
        { operation: "norion.ask", input: { prompt: "What is a monad?" } },
        { operation: "norion.feedback", input: { request: "r1", rating: 1 } },
      ],
      input: { limit: 2 },
      output: { items: [{ request: "r1", quality: 1000 }], skipped: [] },
    },
    {
      title: "what was learned at once is not learned again",
      given: asked,
      input: { preview: true },
      output: { items: [], skipped: [{ request: "r1", reason: "applied" }] },
    },
  ],
});

const Noises = Schema.Array(Schema.Struct({ request: Schema.String, noises: Words }));

const Audited = Schema.Struct({
  records: Count,
  quality: Milli,
  risk: Schema.Literals(["clean", "watch", "degraded", "blocked"]),
  noisy: Noises,
  quarantined: Count,
});

/** `norion.repair`. */
export const Repair = operation("norion.repair", {
  ...declare,
  summary: "Look over what earlier requests taught, and mend it: set aside transcripts and errors, refer duplicates.",
  input: {
    apply: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "mend; otherwise only say what would be done" }),
    ),
    undo: Schema.optionalKey(Count.annotate({ description: "take back the repair of this event instead" })),
    scope: ScopeInput,
  },
  output: Schema.Struct({
    edits: Schema.Array(Schema.Struct({ request: Schema.String, action: Schema.String, because: Schema.String })),
    before: Audited,
    after: Audited,
    event: Schema.optionalKey(Count.annotate({ description: "what to name to take it back" })),
  }),
  effects: ["readLocal", "writeLocal"],
  refine: ({ apply, undo }) => ({
    effects: apply === true || undo !== undefined ? ["readLocal", "writeLocal"] : ["readLocal"],
  }),
  idempotent: true,
  cost: { compute: "linear in the records of the scope" },
  examples: [
    {
      given: asked,
      input: {},
      output: { edits: [], before: { records: 1, quality: 1000, risk: "clean" } },
    },
    { title: "nothing to take back", input: { undo: 1 }, failure: "NORION_RECORD" },
  ],
});

/** `norion.why`. */
export const Why = operation("norion.why", {
  ...declare,
  summary: "Say why a request went as it did, in at most 20 lines, each with the ledger event it is read off.",
  input: {
    request: Schema.optionalKey(
      request.annotate({ description: "id of a request; the scope's latest where absent", ...OPERAND }),
    ),
    scope: ScopeInput,
  },
  output: Schema.Struct({ request: Schema.String, lines: Words, events: Schema.Array(Count) }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "constant" },
  examples: [
    { given: asked, input: { request: "r1" }, output: { request: "r1" } },
    { title: "no such request", input: { request: "r7" }, failure: "NORION_UNKNOWN_REQUEST" },
  ],
});

const Texts = Schema.Array(role("privateText", "One step")).check(Schema.isMaxLength(1000));

/** `norion.judge`. */
export const Judge = operation("norion.judge", {
  ...declare,
  summary:
    "Judge a chain of reasoning: a verdict and a reward for each step of a calculation or a proof, the first wrong.",
  input: {
    steps: Schema.optionalKey(
      Texts.annotate({ description: "steps of a calculation, in order; names stand for what earlier steps state" }),
    ),
    proof: Schema.optionalKey(
      role("privateText", "A proof, one step a line: `3. q(a) [modus ponens 1, 2]`, an axiom `1. p(a) [given]`"),
    ),
    axioms: Schema.optionalKey(Words.annotate({ description: "what the proof may start from, each a term" })),
    rules: Schema.optionalKey(Words.annotate({ description: "more rules, as `swap: and(P, Q) => and(Q, P)`" })),
  },
  output: Schema.Struct({
    kind: Schema.Literals(["arithmetic", "proof"]),
    steps: Schema.Array(Schema.Struct({ verdict: Schema.Literals(["right", "wrong", "unknown"]), reward: Milli })),
    wrong: Schema.optionalKey(Count.annotate({ description: "number of the first wrong step, from 1" })),
    evidence: Schema.Struct({
      witness: Schema.String,
      result: Schema.optionalKey(Milli.annotate({ description: "absent where it cannot be decided" })),
    }).annotate({ description: "what it would be evidence for, in a request" }),
  }),
  effects: [],
  idempotent: true,
  cost: { compute: "linear in the steps" },
  examples: [
    {
      title: "what follows from a wrong step is not blamed",
      input: { steps: ["a = 6 * 7 = 42", "b = a + 1 = 44", "c = b + 1 = 45"] },
      output: {
        kind: "arithmetic",
        steps: [{ verdict: "right", reward: 1000 }, { verdict: "wrong", reward: 0 }, { verdict: "right", reward: 500 }],
        wrong: 2,
        evidence: { witness: "arithmetic", result: 0 },
      },
    },
    {
      title: "a proof",
      input: {
        proof: "1. p [given]\n2. implies(p, q) [given]\n3. q [modus ponens 2, 1]",
        axioms: ["p", "implies(p, q)"],
      },
      output: { kind: "proof", evidence: { witness: "proof", result: 1000 } },
    },
    { title: "nothing to judge", input: {}, failure: "NORION_REQUEST" },
  ],
});

const Weights = Schema.Struct({ global: Milli, local: Milli, fused: Milli });

/** `norion.inspect`. */
export const Inspect = operation("norion.inspect", {
  ...declare,
  summary:
    "Show what norion knows in a scope: requests, memory by kind and warmth, what was learned, experience, models.",
  input: {
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })).annotate({
        description: "items of each list; 5 where absent",
      }),
    ),
    scope: ScopeInput,
  },
  output: Schema.Struct({
    requests: Schema.Struct({
      count: Count,
      latest: Schema.Array(
        Schema.Struct({
          id: Schema.String,
          profile: Schema.String,
          state: Schema.Literals(["planned", "failed", "answered", "settled"]),
          step: Count,
        }),
      ),
    }),
    memory: Schema.Struct({
      living: Count,
      gone: Count,
      vectors: Schema.Struct({
        embedder: Schema.String,
        size: Count,
        name: Schema.optionalKey(Schema.String.annotate({ description: "name of the embedding; absent for none" })),
        words: Schema.optionalKey(Count.annotate({ description: "words that it knows" })),
        passedOver: Schema.Array(Schema.Struct({ name: Schema.String, reason: Schema.String })).annotate({
          description: "newer embeddings that cannot be read",
        }),
      }).annotate({
        description: "what texts are made comparable by: hashed n-grams see spelling, not meaning; with an embedding " +
          "(norion.learnEmbedding) words that stand in like places are alike, too",
      }),
      kinds: Schema.Record(Schema.String, Count),
      tiers: Schema.Record(Schema.String, Count),
      strongest: Schema.Array(
        Schema.Struct({
          id: Schema.String,
          namespace: Schema.String,
          strength: Milli,
          hits: Count,
          failures: Count,
          tier: Schema.String,
        }),
      ),
    }),
    learned: Schema.Array(
      Schema.Struct({ profile: Schema.String, threshold: Milli, observations: Count, weights: Weights }),
    ),
    drift: Schema.Struct({ sum: Milli, run: Count }),
    experience: Schema.Struct({
      ...Audited.fields,
      verdicts: Schema.Record(Schema.String, Count),
      latest: Schema.Array(
        Schema.Struct({ request: Schema.String, quality: Milli, proven: Schema.Boolean, mark: Schema.String }),
      ),
    }),
    models: Schema.Array(Schema.Struct({ id: Schema.String, state: Schema.Literals(["closed", "open", "half-open"]) })),
    writes: Schema.Struct({ asked: Count, automatic: Count, share: Milli }).annotate({
      description: "durable changes in all scopes: asked for, let through by the rules, and the share of these",
    }),
    consistency: Schema.Struct({
      checked: Count,
      violations: Schema.Array(
        Schema.Struct({ step: Count, code: Schema.String, request: Schema.optionalKey(Schema.String) }),
      ),
    }),
  }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in what the scope remembers" },
  examples: [
    {
      given: [...asked, { operation: "norion.remember", input: { text: "The deploy window is Tuesday." } }],
      input: { limit: 3 },
      output: {
        requests: { count: 1, latest: [{ id: "r1", state: "settled" }] },
        memory: { living: 1, gone: 0, kinds: { fact: 1 } },
        // The request taught the router, which nobody asked for; the memory was.
        writes: { asked: 1, automatic: 1, share: 500 },
        consistency: { violations: [] },
      },
    },
  ],
});

/** Declarations of looking back. */
export const REVIEWING = [Feedback, Replay, Repair, Why, Judge, Inspect] as const;
