/**
 * Declarations of a recorded request once more: `norion.retrace`, `norion.resume`, `norion.fork`.
 *
 * Prompts are not stored, so each of them takes the prompt again.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation, role } from "../../kernel/operation.ts";
import { declare } from "./declaration.ts";
import { Answer, asking, authoritiesOfAsking, Heard } from "./operations_ask.ts";

const Words = Schema.Array(Schema.String);

const request = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(80)).annotate({
  description: "id of a request, as norion.ask gave it",
});

const prompt = "What is 6 * 7?";
const asked = [{ operation: "norion.ask", input: { prompt } }];

/** `norion.retrace`: the replay of one request. */
export const Retrace = operation("norion.retrace", {
  ...declare,
  summary: "Replay a request: make its decisions again on the ledger as it stood, and say whether they are the same.",
  input: {
    ...asking,
    request,
    answer: Schema.optionalKey(role("privateText", "Its answer: then what it left is compared, too")),
  },
  output: Schema.Struct({
    request: Schema.String,
    samePlan: Schema.Boolean,
    sameOutcome: Schema.optionalKey(Schema.Boolean),
    lines: Words,
    differing: Words.annotate({ description: "types of events that came out otherwise" }),
  }),
  effects: ["readLocal", "exec"],
  kinds: ["sys"],
  refine: ({ check, measure }) => ({
    effects: check?.program === undefined ? ["readLocal"] : ["readLocal", "exec"],
    kinds: measure === true ? ["sys"] : [],
  }),
  idempotent: true,
  cost: { compute: "linear in the ledger" },
  examples: [
    {
      given: asked,
      input: { request: "r1", prompt, answer: "6 * 7 = 42" },
      output: { samePlan: true, sameOutcome: true, differing: [] },
    },
    {
      title: "another prompt than its own",
      given: asked,
      input: { request: "r1", prompt: "What is 6 * 8?" },
      failure: "NORION_RECORD",
    },
  ],
});

/** `norion.resume`. */
export const Resume = operation("norion.resume", {
  ...declare,
  summary: "Carry on a request that was broken off: no decision is made again, and no model asked that has answered.",
  input: { ...asking, request },
  output: Answer,
  event: Heard,
  effects: ["readLocal", "writeLocal", "network", "exec"],
  kinds: ["env", "sys"],
  refine: authoritiesOfAsking,
  idempotent: false,
  cost: { compute: "the calls of the plan, none where an answer waits" },
  examples: [
    {
      title: "a request that has come to its end",
      given: asked,
      input: { request: "r1", prompt },
      failure: "NORION_RECORD",
    },
    { title: "no such request", input: { request: "r7", prompt }, failure: "NORION_UNKNOWN_REQUEST" },
  ],
});

/** `norion.fork`. */
export const Fork = operation("norion.fork", {
  ...declare,
  summary:
    "Ask from where a recorded request began, beside the history, which stays as it is: what would have come of it.",
  input: { ...asking, request },
  output: Answer,
  event: Heard,
  // The history is left as it is; a model may keep a recording of what it was asked.
  effects: ["readLocal", "writeLocal", "network", "exec"],
  kinds: ["env", "sys"],
  refine: authoritiesOfAsking,
  idempotent: true,
  cost: { compute: "the calls of the plan, and linear in the ledger" },
  examples: [
    {
      title: "what is remembered since does not reach back",
      given: [
        { operation: "norion.ask", input: { prompt: "What is our codename?" } },
        { operation: "norion.remember", input: { text: "Our codename is Heron." } },
      ],
      input: { request: "r1", prompt: "What is our codename?" },
      output: { request: "r1", kind: "heuristic", used: [] },
    },
    { title: "no such request", input: { request: "r7", prompt }, failure: "NORION_UNKNOWN_REQUEST" },
  ],
});

/** Declarations of a recorded request once more. */
export const RUNS = [Retrace, Resume, Fork] as const;
