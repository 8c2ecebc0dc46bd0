/**
 * Why: what was decided on a request and on what grounds, in lines a person reads, each with the event it is read off.
 *
 * Not a retelling by a model: every line is a table row filled in. Invariant: at most `MOST_LINES` lines; no text of a
 * prompt or an answer is in them, because none is in the events.
 *
 * @module
 */
import type { LedgerEvent } from "../../../effects/mod.ts";
import { EVIDENCE_GIVEN, type EvidenceData } from "../state/evidence.ts";
import { EXPERIENCE_EVENTS, type RecordData, type RecordEdit, type ReplayedData } from "../state/experience.ts";
import { GENOME_EVENTS } from "../state/genome.ts";
import { MEMORY_EVENTS, type MemoryItem } from "../state/memory.ts";
import {
  type AnsweredData,
  type AskedData,
  type PlannedData,
  REQUEST_EVENTS,
  type SettledData,
} from "../state/requests.ts";

/** Most lines of an explanation. */
export const MOST_LINES = 20;

/** Names of a list that are shown; the rest is counted. */
const SHOWN = 5;

const some = (names: ReadonlyArray<string>): string =>
  names.length <= SHOWN ? names.join(", ") : `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`;

const share = (milli: number): string => (milli / 1000).toFixed(3);

type Teller = (data: never, event: LedgerEvent, request: string) => ReadonlyArray<string>;

const planned = (data: PlannedData, { actor }: LedgerEvent): ReadonlyArray<string> => [
  `planned for ${actor}: ${data.profile}, ${data.mode}, ${data.calls} ${data.calls === 1 ? "call" : "calls"}, ` +
  `threshold ${share(data.threshold)}, attention ${share(data.attention)}, pressure ${share(data.pressure)}`,
  data.context.length === 0
    ? "no context came along"
    : `context: ${
      some(data.context.map(({ id, verdict, score, tokens }) => `${verdict} ${id} (${share(score)}, ${tokens} tokens)`))
    }`,
  ...(data.route === undefined ? [] : [`models: ${data.route.because}`]),
  `looked over for: ${some(data.checks) || "nothing"}; must speak: ${some(data.validators) || "nobody"}`,
];

const faults = ({ faults: all }: AskedData): ReadonlyArray<string> =>
  all.length === 0 ? [] : [`did not answer: ${some(all.map(({ model, reason }) => `${model} (${reason})`))}`];

const answered = (data: AnsweredData): ReadonlyArray<string> => [
  ...faults(data),
  `answered by ${data.model} (${data.kind}) in ${data.calls} ${data.calls === 1 ? "call" : "calls"}: ` +
  `${data.readTokens} tokens read, ${data.answerTokens} written${
    data.keptTokens === undefined ? "" : `, ${data.keptTokens} gone on from without reading them again`
  }${data.repaired ? ", mended once" : ""}`,
  ...(data.issues.length === 0
    ? []
    : [`seen in it: ${some(data.issues.map(({ check, severity }) => `${severity} ${check}`))}`]),
];

const settled = (data: SettledData): ReadonlyArray<string> => [
  `quality ${share(data.quality)}, ${data.proven ? "proven" : "unproven"}, ${data.drift}; reward ${
    share(data.reward)
  }: ${data.reinforcement}`,
  ...(data.chain === undefined ? [] : [
    `steps: ${data.chain.right} of ${data.chain.steps} right by ${data.chain.kind}` +
    (data.chain.wrong === undefined ? "" : `, the first wrong one is step ${data.chain.wrong}`) +
    `; reward ${share(data.chain.reward)}`,
  ]),
  ...(data.silent ?? []).map((reason) => `could not judge: ${reason}`),
  ...(data.missing.length === 0 ? [] : [`had to speak and did not: ${some(data.missing)}`]),
  ...(data.stored.length + data.helped.length + data.misled.length === 0 ? [] : [
    `memory: stored ${some(data.stored) || "nothing"}; helped by ${some(data.helped) || "none"}; misled by ${
      some(data.misled) || "none"
    }`,
  ]),
  ...(data.lesson === undefined ? [] : [
    `learned: threshold of ${data.profile} is ${
      (data.lesson.threshold / 1e6).toFixed(4)
    } after ${data.lesson.observations}`,
  ]),
  ...(data.reasons.length === 0 ? [] : [`held: ${some(data.reasons)}`]),
];

const recorded = (data: RecordData): ReadonlyArray<string> => [
  `recorded to ${data.mark}${data.noise.length === 0 ? "" : `, noise: ${some(data.noise)}`}`,
];

const replayed = (data: ReplayedData, _: LedgerEvent, request: string): ReadonlyArray<string> =>
  data.items.filter((item) => item.request === request).map(({ verdict }) => `learned from again: ${verdict}`);

const edited = (
  data: { readonly edits: ReadonlyArray<RecordEdit>; readonly reason: string },
  _: LedgerEvent,
  request: string,
): ReadonlyArray<string> =>
  data.edits.filter((edit) => edit.request === request)
    .map(({ after }) => `record changed (${data.reason}): ${Object.keys(after).join(", ")}`);

/** What each event has to say. */
const TELLERS: { readonly [type: string]: Teller } = {
  [REQUEST_EVENTS.planned]: planned,
  [REQUEST_EVENTS.failed]: (data: AskedData) => [...faults(data), "no model answered"],
  [REQUEST_EVENTS.answered]: answered,
  [REQUEST_EVENTS.settled]: settled,
  [GENOME_EVENTS.expressed]: (data: { readonly spoke: ReadonlyArray<{ readonly gene: string }> }) => [
    `genes spoke: ${some(data.spoke.map(({ gene }) => gene))}`,
  ],
  [GENOME_EVENTS.observed]: ({ kinds }: { readonly kinds: ReadonlyArray<string> }) =>
    kinds.length === 0 ? [] : [`speaks against genes of: ${some(kinds)}`],
  [EVIDENCE_GIVEN]: ({ source, witness, result }: EvidenceData) => [`${source} ${witness} says ${share(result)}`],
  [MEMORY_EVENTS.added]: (
    { item }: { readonly item: MemoryItem },
  ) => [`left ${item.id} in memory as ${item.namespace}`],
  [EXPERIENCE_EVENTS.recorded]: recorded,
  [EXPERIENCE_EVENTS.replayed]: replayed,
  [EXPERIENCE_EVENTS.edited]: edited,
};

/** The lines of one event. */
const told = (event: LedgerEvent, request: string): ReadonlyArray<string> => {
  const teller = Object.hasOwn(TELLERS, event.type) ? TELLERS[event.type] : undefined;
  return (teller?.(event.data as never, event, request) ?? []).map((line) => `#${event.seq} ${line}`);
};

/** Why a request went as it did, by the events that speak of it, in order. */
export const explain = (events: ReadonlyArray<LedgerEvent>, request: string): ReadonlyArray<string> => {
  const lines = events.flatMap((event) => told(event, request));
  if (lines.length <= MOST_LINES) return lines;
  const shown = lines.slice(0, MOST_LINES - 1);
  return [...shown, `and ${lines.length - shown.length} more, to #${events.at(-1)!.seq}`];
};
