/**
 * Declarations of asking and of memory: `norion.ask`, `norion.plan`, `norion.remember`, `norion.recall`, `norion.retract`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { JsonValue } from "../../kernel/failure.ts";
import { operation, role } from "../../kernel/operation.ts";
import { authoritiesOfReach, REACHES } from "./models/reach.ts";
import { declare, Milli, ProfileName } from "./declaration.ts";
import { NAMESPACES } from "./state/memory.ts";
import { ScopeInput } from "./scope.ts";

const Words = Schema.Array(Schema.String);
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

const File = Schema.Struct({ name: Schema.String, text: role("privateText", "The file's text") });

/** What a request brings along. */
export const request = {
  prompt: role("privateText", "What is asked"),
  profile: Schema.optionalKey(ProfileName),
  scope: ScopeInput,
  files: Schema.optionalKey(
    Schema.Array(File).check(Schema.isMaxLength(64)).annotate({ description: "texts the request brings along" }),
  ),
  budget: Schema.optionalKey(
    Schema.Struct({
      answerTokens: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
      cost: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
      latencyMs: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
    }).annotate({ description: "most tokens of the answer, most money for a thousand tokens, longest wait" }),
  ),
  reach: Schema.optionalKey(
    Schema.Literals(REACHES).annotate({ description: "how far the request may travel; process where absent" }),
  ),
  router: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "choose between a cheap and a strong model by this stored router, or by none; the newest where absent",
    }),
  ),
  device: Schema.optionalKey(
    Schema.String.annotate({ description: "plan for a device of this name instead of this machine" }),
  ),
  measure: Schema.optionalKey(
    Schema.Boolean.annotate({ description: "plan for this machine as busy as it is; needs sys. Idle where absent" }),
  ),
  window: Schema.optionalKey(
    Schema.Int.check(Schema.isBetween({ minimum: 64, maximum: 2 ** 24 })).annotate({
      description: "tokens one call reads; what the best model reads where absent",
    }),
  ),
};

/** What asking takes. */
export const asking = {
  ...request,
  model: Schema.optionalKey(Schema.String.annotate({ description: "ask this model and no other" })),
  check: Schema.optionalKey(
    Schema.Struct({
      schema: Schema.optionalKey(JsonValue),
      tests: Schema.optionalKey(Schema.String),
      program: Schema.optionalKey(Schema.String),
      axioms: Schema.optionalKey(Words),
      rules: Schema.optionalKey(Words),
    }).annotate({
      description: "what the answer is judged by: a JSON Schema, tests of its code, a program of the host by name " +
        "(exit 0 where the answer is right), axioms and rules of a proof",
    }),
  ),
  temperature: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 2 }))),
};

/** What an answer says. */
export const Answer = Schema.Struct({
  request: Schema.String,
  answer: Schema.String,
  model: Schema.String,
  kind: Schema.String.annotate({ description: "what answered: heuristic means a template, not a model" }),
  quality: Milli,
  proven: Schema.Boolean.annotate({ description: "whether anybody from outside the run vouched for it" }),
  verdict: Schema.Literals(["stable", "watch", "block", "rollback"]),
  issues: Words,
  used: Words.annotate({ description: "memories, lessons and files that came along" }),
  stored: Words.annotate({ description: "memories it left" }),
  held: Words.annotate({ description: "what was not written, and why: reason codes" }),
  learned: Schema.Boolean,
  calls: Count,
  tokens: Schema.Struct({
    read: Count,
    answered: Count,
    kept: Count.annotate({ description: "gone on from by what a model kept of them, in its own count" }),
  }),
  unread: Schema.Array(Schema.Struct({ from: Count, to: Count, reason: Schema.String })),
  leftOut: Schema.optionalKey(
    Schema.Array(Schema.Struct({ file: Schema.String, reason: Schema.String })).annotate({
      description: "files that the model was not shown, or not whole; a prompt is read in parts, a file is not",
    }),
  ),
  unjudged: Schema.optionalKey(Words).annotate({
    description: "validators that had something to judge and could not, with the reasons",
  }),
  steps: Schema.optionalKey(Schema.Struct({
    kind: Schema.Literals(["arithmetic", "proof"]),
    steps: Count,
    right: Count,
    reward: Milli,
    wrong: Schema.optionalKey(Count.annotate({ description: "number of the first wrong one" })),
  })).annotate({ description: "how the steps of a calculation or a proof in it were judged" }),
});

/** What is heard while an answer is made. */
export const Heard = Schema.Union([
  Schema.Struct({ type: Schema.Literal("piece"), model: Schema.String, text: Schema.String }),
  Schema.Struct({ type: Schema.Literal("withdrawn"), model: Schema.String }),
]);

/** What looking at the machine takes. */
const looksOf = ({ measure }: { readonly measure?: boolean | undefined }): ReadonlyArray<"sys"> =>
  measure === true ? ["sys"] : [];

/** What asking may do, by how far it reaches and who judges. */
export const authoritiesOfAsking = (
  { reach = "process", check, measure }: {
    readonly reach?: typeof REACHES[number];
    readonly measure?: boolean;
    readonly check?: { readonly program?: string };
  },
) => {
  const { effects, kinds } = authoritiesOfReach(reach);
  const judge: ReadonlyArray<"exec"> = check?.program === undefined ? [] : ["exec"];
  return {
    effects: [...new Set(["readLocal" as const, "writeLocal" as const, ...effects, ...judge])],
    kinds: [...kinds, ...looksOf({ measure })],
  };
};

/** `norion.ask`. */
export const Ask = operation("norion.ask", {
  ...declare,
  summary: "Answer a request under a plan: recall, read, ask a model, look the draft over, keep what may be kept.",
  input: asking,
  output: Answer,
  event: Heard,
  effects: ["readLocal", "writeLocal", "network", "exec"],
  kinds: ["env", "sys"],
  refine: authoritiesOfAsking,
  idempotent: false,
  cost: { compute: "the calls of the plan (norion.plan says how many)" },
  examples: [
    {
      title: "without any model: a template answers, and says so",
      input: { prompt: "What is a monad?" },
      output: { kind: "heuristic", proven: false },
    },
    {
      title: "what is remembered comes along",
      given: [{ operation: "norion.remember", input: { text: "The project's codename is Heron." } }],
      input: { prompt: "What is the project's codename?" },
      output: { kind: "heuristic", proven: true, learned: true },
    },
    { title: "no such profile", input: { prompt: "Hello", profile: "codding" }, failure: "NORION_PROFILE" },
  ],
});

/** `norion.plan`. */
export const PlanFor = operation("norion.plan", {
  ...declare,
  summary: "Decide everything about a request before a model is called, and say why, line by line; nothing is written.",
  input: request,
  output: Schema.Struct({
    lines: Words,
    digest: Schema.String,
    profile: Schema.String,
    mode: Schema.String,
    promptTokens: Count,
    calls: Count,
    readTokens: Count,
    answerTokens: Count,
    attention: Milli,
    threshold: Milli,
    context: Schema.Array(
      Schema.Struct({ id: Schema.String, verdict: Schema.String, score: Milli, tokens: Count, reason: Schema.String }),
    ),
    validators: Words,
  }),
  effects: ["readLocal"],
  kinds: ["sys"],
  refine: (input) => ({ effects: ["readLocal"], kinds: looksOf(input) }),
  idempotent: true,
  cost: { compute: "linear in the prompt and in what is remembered" },
  examples: [
    {
      input: { prompt: "Fix error TS2322 in this function", profile: "coding", device: "laptop" },
      output: { profile: "coding", mode: "compiler-fix", calls: 1 },
    },
    { title: "an empty prompt", input: { prompt: "  " }, failure: "NORION_REQUEST" },
  ],
});

const Item = Schema.Struct({
  id: Schema.String,
  text: Schema.String,
  namespace: Schema.String,
  source: Schema.String,
  similarity: Milli,
  contradicts: Words,
});

/** `norion.remember`. */
export const Remember = operation("norion.remember", {
  ...declare,
  summary: "Remember a text in a scope, without the secrets in it; what it contradicts or replaces is said.",
  input: {
    text: role("privateText", "What to remember, one fact at a time"),
    scope: ScopeInput,
    namespace: Schema.optionalKey(Schema.Literals(NAMESPACES)),
    supersedes: Schema.optionalKey(Words.annotate({ description: "ids of memories that this one replaces" })),
    protected: Schema.optionalKey(Schema.Boolean.annotate({ description: "kept whatever its worth" })),
  },
  output: Schema.Struct({
    id: Schema.String,
    known: Schema.Boolean,
    text: Schema.String,
    supersedes: Words,
    contradicts: Words,
  }),
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  cost: { compute: "linear in what the scope remembers" },
  examples: [
    {
      input: { text: "Ada's key is api_key=sk-abcdefghijklmnopqrstuvwx" },
      output: { known: false, text: "Ada's key is api_key=[redacted:key]" },
    },
    { title: "nothing to remember", input: { text: " " }, failure: "NORION_MEMORY" },
  ],
});

/** `norion.recall`. */
export const RecallFor = operation("norion.recall", {
  ...declare,
  summary:
    "Answer a question from memory: facts that speak of it, the most credible first, none where none does; words alike " +
    "count where norion.learnEmbedding stored an embedding, else spelling.",
  input: {
    query: role("privateText", "What is asked"),
    scope: ScopeInput,
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 }))),
  },
  output: Schema.Struct({ items: Schema.Array(Item) }),
  effects: ["readLocal"],
  idempotent: true,
  cost: { compute: "linear in what the scope remembers" },
  examples: [
    {
      given: [
        { operation: "norion.remember", input: { text: "Our deploy window is Tuesday." } },
        { operation: "norion.remember", input: { text: "Our deploy window is Friday." } },
      ],
      input: { query: "When is our deploy window?" },
      output: { items: [{ text: "Our deploy window is Friday.", contradicts: [] }] },
    },
    { title: "not known", input: { query: "Who painted the bridge?" }, output: { items: [] } },
  ],
});

/** `norion.retract`. */
export const Retract = operation("norion.retract", {
  ...declare,
  summary: "Take a memory back: it is never recalled again, and its text is deleted.",
  input: { id: Schema.String, scope: ScopeInput, reason: role("freeText", "Why") },
  output: Schema.Struct({ id: Schema.String, retractedAt: Count }),
  effects: ["readLocal", "writeLocal"],
  idempotent: true,
  // The text is gone for good; only that there was one stays.
  reversible: false,
  cost: { compute: "constant" },
  examples: [{ title: "no such memory", input: { id: "0-1", reason: "wrong" }, failure: "NORION_MEMORY" }],
});

/** Declarations of asking and of memory. */
export const ASKING = [Ask, PlanFor, Remember, RecallFor, Retract] as const;
