/**
 * Report: everything that a run found as one document, kept in the store and written as a page for people.
 *
 * Invariant: the page is made from the document alone, so whoever has the document has the page.
 *
 * @module
 */
import * as DateTime from "effect/DateTime";
import * as Effect from "effect/Effect";
import { CallContext } from "../../../../kernel/context.ts";
import type { Digest } from "../../../../kernel/digest.ts";
import { Disk } from "../../../../kernel/disk.ts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../../../../kernel/json.ts";
import { resolvePath } from "../../../../kernel/paths.ts";
import { VERSION } from "../../../../kernel/version.ts";
import { Artifacts } from "../../../../registry/contract.ts";
import { reportPage } from "../../report/page.ts";
import { describedData } from "../data.ts";
import { type CreateRequest, DEFAULT_FLOPS, DEFAULT_LIMITS, DEFAULT_SEED } from "../request.ts";
import type { CreateResult, LedgerRow } from "../result.ts";
import { candidatesOf, OBJECTIVES, stepping, type Work } from "../work.ts";
import { type Capabilities, capabilitiesOf } from "./discover.ts";
import { profileOf } from "./engine.ts";
import { answersOf, calibrationOf, confusionOf, type Judgement, misreadOf } from "./judge.ts";
import type { KeptModel } from "./keep.ts";
import type { Planned } from "./plan.ts";
import type { TrainedModel } from "./train.ts";

/** Media type of what a run found. */
export const RESULT_MEDIA = "application/vnd.rmi.evolution.create+json";

/** The page. */
export const REPORT_FILE = "report.html";

/** The document. */
export const RESULT_FILE = "result.json";

/** Events of a run that are quoted, at most. */
const QUOTED = 60;

/** Events of one page that the ledger gives. */
const PAGE = 500;

/** What the steps of a run gave. */
export interface Found {
  /** What was said beforehand. */
  readonly planned: Planned;
  /** What it used. */
  readonly capabilities: Capabilities;
  /** Refused programs by reason. */
  readonly refused: CreateResult["refused"];
  /** The candidate that won. */
  readonly chosen: string;
  /** Its training. */
  readonly trained: TrainedModel;
  /** How good it is. */
  readonly judgement: Judgement;
  /** The model. */
  readonly kept: KeptModel;
  /** The model in integers. */
  readonly quantised: CreateResult["quantised"];
  /** Files. */
  readonly exports: CreateResult["exports"];
  /** Registration. */
  readonly registration: CreateResult["registration"];
  /** Promotion and undoing. */
  readonly rollback: CreateResult["rollback"];
  /** Position of the ledger when this call began. */
  readonly from: number;
}

const quoted = (text: string): string =>
  /^[A-Za-z0-9._/:@-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The command that does the same again: what is usual is left out. */
export const commandOf = (
  { source: { name, path, target, task }, budget, seed, numerics, limits }: CreateRequest,
): string => {
  const other = Object.entries(limits).filter(([key, value]) => value !== DEFAULT_LIMITS[key as keyof typeof limits]);
  const flags: ReadonlyArray<readonly [flag: string, text: string | undefined]> = [
    ["data", name ?? path],
    ["target", target],
    ["task", task],
    ["seed", seed === DEFAULT_SEED ? undefined : String(seed)],
    ["budget", budgetText(budget)],
    ["numerics", numerics === "fast" ? undefined : numerics],
    ["limits", other.length === 0 ? undefined : JSON.stringify(Object.fromEntries(other))],
  ];
  const given = flags.flatMap(([flag, text]) => text === undefined ? [] : [`--${flag} ${quoted(text)}`]);
  return ["rmi create", ...given].join(" ");
};

const budgetText = ({ kind, value }: CreateRequest["budget"]): string | undefined =>
  kind === "flops"
    ? value === DEFAULT_FLOPS ? undefined : JSON.stringify({ flops: value })
    : JSON.stringify({ wallMs: value });

const MEMBERS = [
  "summary",
  "description",
  "name",
  "run",
  "outcome",
  "verdict",
  "reason",
  "proposal",
  "digest",
] as const;

/** What an event is about, in one line. */
const aboutOf = (data: Json): string => {
  if (!isJsonObject(data)) return "";
  const flat: JsonObject = isJsonObject(data.proposal)
    ? { ...data.proposal, ...data }
    : isJsonObject(data.facts)
    ? { ...data.facts, ...data }
    : data;
  const told = MEMBERS.flatMap((member) => typeof flat[member] === "string" ? [`${flat[member]}`] : []);
  return told.slice(0, 2).join(" · ");
};

/** Types of events that tell of the run; the others are the keeping of its states. */
const TOLD = /^(?:evolution\.|proposal\.|approval\.|artifact\.(?:put|named)$)/u;

const ledgerOf = (capabilities: Capabilities, from: number) =>
  Effect.gen(function* () {
    const { invoke } = yield* CallContext;
    const rows: Array<LedgerRow> = [];
    let head = { count: from, hash: "" };
    for (let at: number | undefined = from + 1; at !== undefined;) {
      const { events, next } = (yield* invoke(capabilities.events, { from: at, limit: PAGE })) as unknown as {
        readonly events: ReadonlyArray<Omit<LedgerRow, "about"> & { readonly data: Json }>;
        readonly next?: number;
      };
      for (const { seq, at: when, type, actor, hash, data } of events) {
        head = { count: seq, hash };
        if (TOLD.test(type)) rows.push({ seq, at: when, type, actor, hash, about: aboutOf(data) });
      }
      at = next;
    }
    const { ok } = (yield* invoke(capabilities.verify, {})) as JsonObject;
    // The beginning and the end of a long run say more of it than its middle.
    const half = QUOTED / 2;
    const quoted = rows.length <= QUOTED ? rows : [...rows.slice(0, half), ...rows.slice(-half)];
    return { rows: quoted, head, verified: ok === true };
  });

const resultOf = (work: Work, found: Found, command: string) =>
  Effect.gen(function* () {
    const { request, learned } = work;
    const { planned, capabilities, refused, chosen, trained, judgement, kept, quantised, from } = found;
    const [calibration, confusion, misread, answers] = [
      calibrationOf(judgement, learned),
      confusionOf(judgement),
      misreadOf(judgement, learned),
      answersOf(judgement, learned),
    ];
    const profile = yield* profileOf(request);
    const result: CreateResult = {
      format: 1,
      run: work.run.name,
      command,
      seed: request.seed,
      budget: { ...request.budget, reproducible: request.budget.kind === "flops" },
      profile,
      machine: { RMI: VERSION, workers: String(work.workers), ...(yield* profileOf({ ...request, numerics: "fast" })) },
      at: DateTime.formatIso(yield* DateTime.now),
      authority: planned.authority,
      capabilities: capabilitiesOf(capabilities),
      steps: work.steps,
      data: describedData(learned, request.source),
      objectives: OBJECTIVES,
      candidates: candidatesOf(work),
      refused,
      chosen,
      training: trained.curves,
      model: kept.shown,
      judged: { validation: judgement.validation.judged.scores, test: judgement.test.judged.scores },
      ...(confusion === undefined ? {} : { confusion }),
      ...(misread === undefined ? {} : { misread }),
      ...(answers === undefined ? {} : { answers }),
      ...(calibration === undefined ? {} : { calibration }),
      ...(quantised === undefined ? {} : { quantised }),
      exports: found.exports,
      registration: found.registration,
      rollback: found.rollback,
      ledger: yield* ledgerOf(capabilities, from),
    };
    return result;
  });

/** Writes the document and the page. */
export const writeReport = (result: CreateResult, folder: string) =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    const files = { report: resolvePath(folder, REPORT_FILE), result: resolvePath(folder, RESULT_FILE) };
    yield* disk.write(files.result, `${JSON.stringify(result, undefined, 2)}\n`);
    yield* disk.write(files.report, reportPage(result));
    return files;
  });

/** Puts together what was found, keeps it and writes it. */
export const report = (work: Work, found: Found, command: string, folder: string) =>
  Effect.gen(function* () {
    const result = yield* stepping(
      work.steps,
      { name: "report", does: "write down all of it" },
      Effect.map(resultOf(work, found, command), (value) => ({
        value,
        did: `${value.candidates.length} candidates, ${value.ledger.rows.length} events quoted`,
      })),
    );
    const files = yield* writeReport(result, folder);
    const info = yield* (yield* Artifacts).put(new TextEncoder().encode(canonicalJson(result as unknown as Json)), {
      kind: "evidence",
      media: RESULT_MEDIA,
      description: `what ${work.run.name} found`,
      references: [found.kept.info.digest, work.run.run],
      tags: ["evolution", "create"],
      metrics: {},
    });
    return { result, files, digest: info.digest satisfies Digest };
  });
