/**
 * Figures beside peers, in the same run: decisions of the gate beside Cedar's, and what a step of a session takes on disk
 * beside LangGraph's checkpointer.
 */
import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { Annotation, END, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import * as Effect from "effect/Effect";
import { makeGate } from "../../effects/gate.ts";
import { makeGrants } from "../../effects/grants.ts";
import { type CompiledPolicy, compilePolicy, type Query } from "../../effects/policy.ts";
import type { Rule } from "../../effects/policy_file.ts";
import { type Random, random } from "../../kernel/mod.ts";
import { callOf } from "../effects/workspace.ts";
import { spaceFor } from "../effects/ledger_load.ts";
import { type Figure, median, rounded } from "./figure.ts";

const POLICIES = 100;
const QUESTIONS_EACH = 100;
const RULES = 40;
const ROUNDS = 9;
const GATED_CALLS = 4_000;
const STEPS = 200;
const STEP_BYTES = 1024;
const SPACE_GOAL = 1.5;
const AUTHORITIES = ["exec", "llm", "ffi", "env", "sys"] as const;
const FOLDERS = { workspace: "/w", state: "/w/.rmi", output: "/w/out" };

/** A rule of names without regard to order: refusals come first, as in Cedar they win wherever they stand. */
const ruleOf = (draw: Random, n: number, decision: "allow" | "deny"): Rule => ({
  name: `rule-${n}`,
  decision,
  actor: draw.pick(["*", "agent:*", "*:a*", `agent:${draw.below(4)}`, "mcp:*"]),
  operation: draw.pick([
    "*",
    `area${draw.below(5)}.*`,
    `*.verb${draw.below(3)}`,
    `area${draw.below(5)}.verb${draw.below(3)}`,
  ]),
  authorities: AUTHORITIES.filter(() => draw.below(2) === 0).slice(0, 3).concat(draw.pick(AUTHORITIES)).filter(
    (one, at, all) => all.indexOf(one) === at,
  ),
  ...(draw.below(2) === 0 ? { names: [draw.pick(["*", "tool*", "*-x", `tool${draw.below(4)}`, "a*b*c"])] } : {}),
});

/** Rules: refusals, then permissions, then a refusal of everything, which is what Cedar does by itself. */
const rulesOf = (draw: Random): ReadonlyArray<Rule> => {
  const refusals = Math.floor(RULES / 4);
  return [
    ...Array.from({ length: RULES }, (_, n) => ruleOf(draw, n, n < refusals ? "deny" : "allow")),
    { name: "end", decision: "deny", authorities: [...AUTHORITIES] },
  ];
};

const condition = (member: string, pattern: string | undefined): ReadonlyArray<string> =>
  pattern === undefined || pattern === "*"
    ? []
    : [`context.${member} ${pattern.includes("*") ? "like" : "=="} "${pattern}"`];

/** The same rule as Cedar says it. */
const cedarOf = ({ decision, actor, operation, names, authorities = [] }: Rule): string => {
  const when = [...condition("actor", actor), ...condition("operation", operation), ...condition("detail", names?.[0])];
  const actions = authorities.map((authority) => `Action::"${authority}"`).join(", ");
  return `${decision === "allow" ? "permit" : "forbid"}(principal, action in [${actions}], resource)` +
    (when.length === 0 ? ";" : ` when { ${when.join(" && ")} };`);
};

const questionOf = (draw: Random): Required<Query> => ({
  actor: draw.pick(["user@tty", "agent:a", "agent:1", "agent:3", "mcp:client", "agent:abc"]),
  operation: `area${draw.below(5)}.verb${draw.below(3)}`,
  authority: draw.pick(AUTHORITIES),
  detail: draw.pick(["tool1", "tool3", "tool", "b-x", "abc", "aXbYc", "other"]),
});

/** One policy in both, and questions to it. */
const caseOf = (seed: number | string) => {
  const draw = random(`peers ${seed}`);
  const rules = rulesOf(draw);
  const name = `policies ${seed}`;
  const parsed = preparsePolicySet(name, {
    staticPolicies: Object.fromEntries(rules.slice(0, -1).map((rule) => [rule.name, cedarOf(rule)])),
  });
  if (parsed.type === "failure") throw new Error(JSON.stringify(parsed.errors));
  const questions = Array.from({ length: QUESTIONS_EACH }, () => questionOf(draw));
  return { ours: compilePolicy({ format: 1, rules }, FOLDERS), cedar: name, questions };
};

const [PRINCIPAL, RESOURCE] = [{ type: "User", id: "u" }, { type: "Thing", id: "t" }];

const askCedar = (policies: string, { actor, operation, authority, detail }: Required<Query>): "allow" | "deny" => {
  const answer = statefulIsAuthorized({
    principal: PRINCIPAL,
    action: { type: "Action", id: authority },
    resource: RESOURCE,
    context: { actor, operation, detail },
    preparsedPolicySetId: policies,
    entities: [],
  });
  if (answer.type === "failure") throw new Error(JSON.stringify(answer.errors));
  return answer.response.decision;
};

/** Decisions a second over rounds that are measured in turn, so that whatever else runs slows all of them. */
const rates = (rounds: ReadonlyArray<readonly [count: number, round: () => void]>): ReadonlyArray<number> => {
  const seen = rounds.map((): number[] => []);
  for (let n = 0; n <= ROUNDS; n++) {
    rounds.forEach(([count, round], i) => {
      const start = performance.now();
      round();
      // The first round warms up.
      if (n > 0) seen[i].push(count / (performance.now() - start) * 1000);
    });
  }
  return seen.map(median);
};

const gated = (policy: CompiledPolicy): () => void => {
  const noConsent = { consume: () => Effect.undefined, automatic: () => Effect.undefined, ask: () => Effect.never };
  const gate = makeGate({ ...policy, source: "measured" }, makeGrants(), noConsent, Effect.succeed);
  const call = callOf({ operation: "plain.read", effects: ["readLocal"], actor: "user@tty" });
  const calls = Effect.gen(function* () {
    for (let n = 0; n < GATED_CALLS; n++) yield* (yield* gate.decide(call)).release ?? Effect.void;
  });
  return () => Effect.runSync(calls);
};

/** Bytes of everything a value holds. */
const bytesIn = (value: unknown): number => {
  if (value instanceof Uint8Array) return value.length;
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + bytesIn(one), 0);
};

/** What LangGraph's checkpointer holds after a session of steps that each add a text. */
const langGraphBytes = async (): Promise<number> => {
  const State = Annotation.Root({
    log: Annotation<ReadonlyArray<string>>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  });
  const saver = new MemorySaver();
  const graph = new StateGraph(State)
    .addNode("step", ({ log }) => ({ log: [`${log.length} `.padEnd(STEP_BYTES, "x")] }))
    .addEdge(START, "step")
    .addConditionalEdges("step", ({ log }) => log.length < STEPS ? "step" : END)
    .compile({ checkpointer: saver });
  const { log } = await graph.invoke({ log: [] }, { configurable: { thread_id: "t" }, recursionLimit: 2 * STEPS });
  if (log.length !== STEPS) throw new Error(`${log.length} steps`);
  return bytesIn(saver.storage) + bytesIn(saver.writes);
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "verdicts equal to Cedar's",
    unit: "questions",
    goal: `all of ${
      POLICIES * QUESTIONS_EACH
    }, to ${POLICIES} random policies of ${RULES} rules, a tenth never made before`,
    measure: ({ progress }) => {
      const unseen = crypto.randomUUID();
      let equal = 0;
      const counts = { allow: 0, ask: 0, deny: 0 };
      const different: string[] = [];
      for (let n = 0; n < POLICIES; n++) {
        const { ours, cedar, questions } = caseOf(n % 10 === 0 ? `${unseen} ${n}` : n);
        for (const question of questions) {
          const { decision } = ours.decide(question);
          counts[decision]++;
          if (decision === askCedar(cedar, question)) equal++;
          else different.push(`${n}: ${JSON.stringify(question)}`);
        }
        progress(n + 1, POLICIES);
      }
      return Promise.resolve({
        value: equal,
        ok: different.length === 0 && Math.min(counts.allow, counts.deny) > 1000,
        detail: { ...counts, unseen, different: different.slice(0, 5) },
      });
    },
  },
  {
    name: "whole gate decisions (decided, granted, released) for one of Cedar's, in the same run",
    unit: "ratio",
    goal: "at least 1",
    measure: () => {
      const { ours, cedar, questions } = caseOf("speed");
      const [mine, theirs, gate] = rates([
        [questions.length, () => questions.forEach(ours.decide)],
        [questions.length, () => questions.forEach((question) => askCedar(cedar, question))],
        [GATED_CALLS, gated(ours)],
      ]);
      return Promise.resolve({
        value: rounded(gate / theirs),
        ok: gate >= theirs && mine >= theirs,
        detail: {
          policyPerSecond: rounded(mine),
          cedarPerSecond: rounded(theirs),
          wholeGatePerSecond: rounded(gate),
          rules: RULES,
        },
      });
    },
  },
  {
    name: `bytes stored for a byte of payload after ${STEPS} steps of 1 KB, LangGraph's checkpointer beside`,
    unit: "ratio",
    goal: `at most ${SPACE_GOAL}`,
    measure: async () => {
      const { stored, payload } = await spaceFor(STEPS);
      const theirs = await langGraphBytes() / (STEPS * STEP_BYTES);
      return {
        value: rounded(stored / payload),
        ok: stored / payload <= SPACE_GOAL,
        detail: { langGraph: rounded(theirs), stored, payload },
      };
    },
  },
];
