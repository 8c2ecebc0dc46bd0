/**
 * Script: the steps of the tour, as data: which call is made, by whom, what must come of it, and what is worth seeing.
 *
 * Not the player (tour/play.ts). Nothing here knows an answer in advance: what is shown is read off the answers.
 * Invariant: a step whose call ends otherwise than it must stops the tour.
 *
 * @module
 */
import type { PolicyFile } from "../../../effects/mod.ts";
import { type Actor, applyPatch, at } from "../../../kernel/mod.ts";
import { type Happened, listAt, refusal, some, type Step, textAt } from "./step.ts";

/** The agent that goes too far. */
const AGENT: Actor = "agent:apprentice";

/** Name of the moment that the tour marks, and that the tampered copy misspells. */
export const MARK = "tour: before the experiment";

/** The rules of the tour's folder: agents ask before they write to the ledger; small reversible marks are approved. */
export const TOUR_POLICY: PolicyFile = {
  format: 1,
  rules: [{
    name: "tour.agents-ask",
    actor: "agent:*",
    operation: "ledger.mark",
    authorities: ["writeLocal"],
    decision: "ask",
    reason: "An agent asks before it changes anything",
  }],
  automatic: [{ name: "small-marks", actor: "agent:*", operation: "ledger.mark", perHour: 3, maxBytes: 256 }],
};

const MANIFEST_LINES = 7;

/** Characters a token, as the manifest's limit counts them. */
const TOKEN = 4;

/** The id of the request in the command of a fix: `rmi approve <id>`. */
const requestIn = (before: Happened | undefined): string => before?.failure?.fix?.command?.split(" ").at(-1) ?? "";

/** The steps in order. */
export const SCRIPT: ReadonlyArray<Step> = [
  {
    title: "Discover: the whole system on one page",
    operation: "kernel.manifest",
    input: () => ({}),
    lines: ({ answer }) => {
      const text = textAt(answer, "/text");
      const all = text.trimEnd().split("\n");
      return [
        ...all.slice(0, MANIFEST_LINES),
        ...all.length > MANIFEST_LINES ? ["  …"] : [],
        `about ${Math.ceil(text.length / TOKEN)} tokens for all of it`,
      ];
    },
  },
  {
    title: "Search: ask in your own words",
    operation: "kernel.search",
    input: () => ({ query: "locate a change in the chain of events", limit: 3 }),
    holds: (answer) => listAt(answer, "/hits").some((hit) => textAt(hit, "/id") === "ledger.verify"),
    lines: ({ answer }) =>
      listAt(answer, "/hits").map((hit) => `${textAt(hit, "/id").padEnd(18)} ${textAt(hit, "/summary")}`),
  },
  {
    title: "Describe: what an operation takes, may do and costs",
    operation: "kernel.describe",
    input: () => ({ id: "ledger.events" }),
    lines: ({ answer }) => [
      textAt(answer, "/summary"),
      `takes    ${Object.keys(at(answer!, "/input/properties") ?? {}).join(", ")}`,
      `may do   ${listAt(answer, "/effects").join(", ")}`,
      `costs    ${textAt(answer, "/cost/compute")}`,
      `fails    ${some(listAt(answer, "/failures").map((row) => textAt(row, "/code")))}`,
    ],
  },
  {
    title: "Slip: a misspelt field is refused, and the refusal teaches",
    operation: "kernel.search",
    input: () => ({ query: "approve a request", limt: 1 }),
    fails: "KERNEL_INVALID_INPUT",
    lines: refusal,
  },
  {
    title: "Mend: the patch of that refusal, applied blindly",
    operation: "kernel.search",
    input: (before) => applyPatch(before?.failure?.fix?.patch ?? [], before?.input ?? {}),
    holds: (answer) => listAt(answer, "/hits").length === 1,
    lines: ({ input, answer }) => [
      `input    ${JSON.stringify(input)}`,
      `answers  ${textAt(answer, "/hits/0/id")}`,
    ],
  },
  {
    title: "Too far: an agent wants to turn back the system's state",
    actor: AGENT,
    operation: "ledger.rollback",
    input: () => ({ mark: MARK }),
    fails: "KERNEL_APPROVAL_NEEDED",
    lines: refusal,
  },
  {
    title: "Who proposes never approves: the agent tries to consent to itself",
    actor: AGENT,
    operation: "approvals.approve",
    input: (before) => ({ request: requestIn(before) }),
    fails: "EFFECTS_NOT_APPROVER",
    lines: refusal,
  },
  {
    title: "Within bounds: a small reversible change, approved by a policy rule",
    actor: AGENT,
    operation: "ledger.mark",
    input: () => ({ name: MARK }),
    lines: ({ answer }) => [
      `marked   "${textAt(answer, "/name")}"`,
      "approved by policy:small-marks, at most 3 an hour and 256 bytes each",
    ],
  },
  {
    title: "On the record: every event of this tour, in one chain",
    operation: "ledger.verify",
    input: () => ({}),
    holds: (answer) => at(answer, "/ok") === true,
    lines: ({ answer }) => [
      `whole    ${textAt(answer, "/events")} events, each hash covers the one before`,
      `head     ${textAt(answer, "/head/hash")}`,
    ],
  },
  {
    title: "Tampered: one letter changed in a copy of that ledger",
    where: "tampered copy",
    operation: "ledger.verify",
    input: () => ({}),
    holds: (answer) => at(answer, "/ok") === false && listAt(answer, "/faults").length > 0,
    lines: ({ answer }) =>
      listAt(answer, "/faults").map((fault) =>
        `found    event ${textAt(fault, "/seq")} is ${textAt(fault, "/kind")}: ${textAt(fault, "/detail")}`
      ),
  },
];
