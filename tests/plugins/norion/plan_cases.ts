/** Requests whose plans are known by heart: profiles, scripts, long input, files, a loaded device, an edited genome. */
import type { DeviceState } from "../../../plugins/norion/device.ts";
import { type NorionRequest, type NorionState, type Plan, plan } from "../../../plugins/norion/plan.ts";
import type { Policy } from "../../../plugins/norion/policy.ts";
import { deviceAt, remembered, stateWith, withGene } from "./states.ts";

/** A request as it meets a state and a device. */
export interface PlanCase {
  /** What is asked. */
  readonly request: NorionRequest;
  /** What is known. */
  readonly state: NorionState;
  /** Where it runs. */
  readonly device: DeviceState;
}

const scope = "local";

const DEPLOYING = [
  remembered("m1", "The deploy script of the billing service lives in tools/deploy.ts"),
  remembered("m2", "The billing service is deployed every Tuesday by the deploy script"),
  remembered("m3", "Lunch is at noon"),
  remembered("m4", "The deploy script of the billing service reads its secrets from the vault"),
  remembered("m5", "The deploy script of the billing service lives in tools/deploy.ts"),
  { ...remembered("m6", "The script that deploys billing was written by Ada"), trust: 0.2, reward: 0.1 },
  { ...remembered("g1", "Deploy script of billing, in short"), source: "gist" as const },
];

const POEMS = [
  remembered("p1", "他喜欢写关于秋天的短诗"),
  remembered("p2", "读者觉得关于秋天的文章太长"),
];

const WHERE = "Where is the deploy script of the billing service, and who wrote it?";

/** A text of many sentences, no two alike. */
const report = (sentences: number): string =>
  Array.from(
    { length: sentences },
    (_, i) => `On day ${i} the gauge at pier ${i * 7 % 113} stood at ${i * 37 % 991} cm.`,
  )
    .join(" ");

const file = (name: string, words: number) => ({ name, text: `${name} speaks of the deploy script. `.repeat(words) });

/** Every case, by the name of its golden file. */
export const PLAN_CASES: { readonly [name: string]: PlanCase } = {
  "coding-english": {
    request: { prompt: "Fix error TS2322 in the deploy script of the billing service", profile: "coding", scope },
    state: stateWith(DEPLOYING),
    device: deviceAt("laptop", 0),
  },
  "coding-chinese-loaded": {
    request: { prompt: "请修复这个函数的编译错误，并解释原因", profile: "coding", scope },
    state: stateWith(DEPLOYING),
    device: deviceAt("microcontroller", 0.95),
  },
  "general-brief": {
    request: { prompt: `${WHERE} Answer briefly.`, profile: "general", scope, maxTokens: 40 },
    state: stateWith(DEPLOYING),
    device: deviceAt("server", 0.2),
  },
  "general-loaded": {
    request: { prompt: WHERE, profile: "general", scope },
    state: stateWith(DEPLOYING),
    device: deviceAt("laptop", 0.8),
  },
  "writing-chinese": {
    request: { prompt: "写一篇关于秋天的文章", profile: "writing", scope },
    state: stateWith(POEMS),
    device: deviceAt("mobile", 0.3),
  },
  "research-files": {
    request: {
      prompt: "Compare what these sources say of the deploy script of the billing service",
      profile: "general",
      scope,
      files: [file("short.md", 4), file("long.md", 400), file("endless.md", 4000)],
    },
    state: stateWith(DEPLOYING),
    device: deviceAt("embedded", 0.5),
  },
  "long-context-english": {
    request: {
      prompt: `${report(100)}\n\nOn which day did the gauge stand highest?`,
      profile: "long-context",
      scope,
      window: 512,
    },
    state: stateWith(DEPLOYING),
    device: deviceAt("server", 0.5),
  },
  "local-tool-mixed": {
    request: { prompt: "请 review 这个 function 的 code，然后 delete 临时文件", profile: "local-tool", scope },
    state: stateWith(),
    device: deviceAt("apple", 0.1),
  },
  "edited-genome": {
    request: { prompt: WHERE, profile: "writing", scope },
    state: stateWith(DEPLOYING, {
      writing: {
        ...withGene("writing", "retrieval", [
          { knob: "retrieval.topK", value: -2 },
          { knob: "retrieval.gist", value: 0.2 },
        ]),
        generation: 3,
        standing: { "gene:writing:budget": { status: "quarantined", residency: "quarantined" } },
      },
    }),
    device: deviceAt("desktop", 0.2),
  },
};

/** The plan of a case, under other thresholds where some are given. */
export const planOf = ({ request, state, device }: PlanCase, policy: Policy = state.policy): Plan =>
  plan({ ...state, policy }, request, device);
