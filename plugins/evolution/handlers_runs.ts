/**
 * Handlers of the operations on runs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Disk } from "../../kernel/disk.ts";
import { digestJson } from "../../kernel/digest.ts";
import { isJsonObject, type Json, type JsonObject } from "../../kernel/json.ts";
import { unknownEntry } from "../../kernel/mod.ts";
import { nearest } from "../../kernel/nearest.ts";
import { ALGORITHMS, KEEPS_KINDS } from "./evolve/algorithms.ts";
import { evolve, type EvolveAsked, type Evolved, type PlannedRun, planRun } from "./evolve/evolving.ts";
import { writtenProgram } from "./evolve/examples.ts";
import type { RunAsked } from "./evolve/evolving.ts";
import { writtenTree } from "./evolve/genomes.ts";
import { badRun } from "./failures.ts";
import { ancestorsOf, bestFirst, descendantsOf } from "./lineage/ancestry.ts";
import { frontChart } from "./lineage/front_chart.ts";
import { DEFAULT_ROWS, Evolve, type Lineage, type Resume, SHOWN_FRONT, type Status } from "./operations_runs.ts";
import { PROBLEM_NAMES, problemNamed } from "./problems/named.ts";
import { encodeState } from "./run.ts";
import { readLineage, readRun, runLines, type StoredRun } from "./state/keeping.ts";
import type { LineageRow } from "./state/record.ts";

type InputOf<O extends { readonly input: unknown }> = O["input"] extends { readonly Type: infer T } ? T : never;

const listed = () =>
  Effect.succeed({
    algorithms: ALGORITHMS,
    problems: PROBLEM_NAMES.map((name) => {
      const { lower, upper, objectives, violation } = problemNamed(name)!;
      return {
        name,
        variables: lower.length,
        objectives,
        constrained: violation !== undefined,
        lower: [...lower],
        upper: [...upper],
      };
    }),
  });

/** Genomes that have a text, by the name of what is evolved. */
const WRITTEN: { readonly [kind: string]: (genome: Json) => string } = {
  programs: (genome) => writtenProgram(genome as string),
  tree: writtenTree,
};

type ShownRow = Pick<LineageRow, "id" | "genome" | "objectives" | "violation" | "descriptor">;

/** Rows of an archive for an answer: spread evenly over it where there are too many, by the first objective. */
const shownFront = (archive: ReadonlyArray<LineageRow>, over: Json) =>
  shownRows([...archive].sort((a, b) => a.objectives![0] - b.objectives![0]), over);

/** Rows spread evenly where there are too many. */
const shownRows = (sorted: ReadonlyArray<ShownRow>, over: Json) => {
  const shown = sorted.length <= SHOWN_FRONT ? sorted : Array.from(
    { length: SHOWN_FRONT },
    (_, k) => sorted[Math.round(k * (sorted.length - 1) / (SHOWN_FRONT - 1))],
  );
  const written = isJsonObject(over)
    ? Object.keys(over).map((kind) => WRITTEN[kind]).find((write) => write)
    : undefined;
  return shown.map(({ id, genome, objectives, violation, descriptor }) => ({
    id,
    genome,
    objectives: objectives!,
    ...(violation === undefined || violation === 0 ? {} : { violation }),
    ...(descriptor === undefined ? {} : { descriptor }),
    ...(written === undefined ? {} : { text: written(genome) }),
  }));
};

/** The members of a stored population that were told apart by what kind they are. */
const shownKinds = (spec: Json, search: Json) => {
  const { algorithm } = spec as { readonly algorithm?: { readonly kind: string } };
  if (algorithm === undefined || !KEEPS_KINDS.has(algorithm.kind)) return {};
  const { members } = search as unknown as { readonly members: ReadonlyArray<ShownRow> };
  const kinds = members.filter(({ descriptor, objectives }) => descriptor !== undefined && objectives !== undefined);
  return { kinds: { size: kinds.length, shown: shownRows(kinds, overOf(spec)) } };
};

/** What a run's settings say is evolved. */
const overOf = (settings: Json): Json => isJsonObject(settings) ? settings.over ?? null : null;

/** Writes the chart of a front, where one was asked for and there is one. */
const charted = (
  file: string | undefined,
  title: string,
  archive: ReadonlyArray<LineageRow>,
  search: Json,
) =>
  Effect.gen(function* () {
    if (file === undefined) return {};
    const svg = frontChart(title, archive, search);
    if (svg === undefined) return {};
    yield* (yield* Disk).write(file, svg);
    return { chart: file };
  });

const answered = (
  { algorithm, search, spec }: PlannedRun,
  ended: Evolved,
  asked: RunAsked & { readonly chart?: string },
) =>
  Effect.gen(function* () {
    const { run, state, archive, archiveDigest, failures, reason, resumed, digest } = ended;
    const encoded = encodeState(search, state);
    return {
      run,
      state: digest,
      archive: archiveDigest,
      algorithm,
      generation: state.generation,
      evaluations: state.evaluations,
      failures,
      reason,
      resumed,
      reproducible: reason !== "wallMs",
      front: shownFront(archive, overOf(spec)),
      size: archive.length,
      ...shownKinds(spec, encoded),
      ...(yield* charted(asked.chart, run, archive, encoded)),
    };
  });

const evolved = (input: InputOf<typeof Evolve>) =>
  Effect.gen(function* () {
    const planned = yield* planRun(input as EvolveAsked);
    const ended = yield* evolve(planned, input as RunAsked & { readonly name?: string });
    return yield* answered(planned, ended, input as RunAsked & { readonly chart?: string });
  });

/** The input of a stored run: its settings, and how far it was asked to go. */
const inputOf = ({ name, document, record }: StoredRun) => {
  if (document.operation !== Evolve.id) {
    return Effect.fail(badRun({
      run: name,
      reason: `it is one of ${document.operation}: only that can go on with it`,
      path: "/run",
    }));
  }
  const decoded = Schema.decodeUnknownResult(Evolve.input)({
    ...document.spec as JsonObject,
    ...record.memory as JsonObject,
  });
  return Result.isSuccess(decoded)
    ? Effect.succeed(decoded.success)
    : Effect.fail(badRun({ run: name, reason: `its settings are damaged: ${decoded.failure.message}`, path: "/run" }));
};

const resumed = ({ run, ...asked }: InputOf<typeof Resume>) =>
  Effect.gen(function* () {
    const stored = yield* readRun(run);
    return yield* evolved({ ...yield* inputOf(stored), ...asked, name: run });
  });

const stands = ({ run, svg = false, chart }: InputOf<typeof Status>) =>
  Effect.gen(function* () {
    const runs = yield* runLines;
    if (run === undefined) return { runs };
    const { record: { archive, search, lineage, memory }, document, info } = yield* readRun(run);
    const drawn = svg ? frontChart(run, archive, search) : undefined;
    return {
      runs: runs.filter((line) => line.run === run),
      detail: {
        state: info.digest,
        lineage,
        archive: digestJson(archive),
        saved: info.at,
        settings: document.spec,
        memory,
        front: shownFront(archive, document.operation === Evolve.id ? overOf(document.spec) : null),
        size: archive.length,
        ...(document.operation === Evolve.id ? shownKinds(document.spec, search) : {}),
        ...(drawn === undefined ? {} : { svg: drawn }),
        ...(yield* charted(chart, run, archive, search)),
      },
    };
  });

const withoutGenome = ({ genome: _, key: __, ...row }: LineageRow) => row;

const descends = (input: InputOf<typeof Lineage>) =>
  Effect.gen(function* () {
    const { run, individual, kin = "ancestors", order = "told", from = 0, limit = DEFAULT_ROWS } = input;
    const { record } = yield* readRun(run);
    const all = yield* readLineage(record.lineage, run);
    const shown = (rows: ReadonlyArray<LineageRow>, genomes: boolean) =>
      input.genomes ?? genomes ? rows : rows.map(withoutGenome);
    if (individual === undefined) {
      const rows = (order === "best" ? bestFirst(all) : all).slice(from, from + limit);
      const next = from + rows.length;
      return {
        run,
        total: all.length,
        rows: shown(rows, false),
        ...(next < all.length && rows.length > 0 ? { next } : {}),
      };
    }
    const found = kin === "ancestors" ? ancestorsOf(all, individual) : descendantsOf(all, individual);
    if (found === undefined) {
      return yield* unknownEntry({
        kind: "individual",
        name: individual,
        listedBy: "evolution.lineage without an individual",
        path: "/individual",
        suggestions: nearest(individual, all.map(({ id }) => id), 3),
      });
    }
    return { run, total: found.total, individual: found.of, rows: shown(found.rows, true) };
  });

/** The handlers. */
export const runHandlers = {
  "evolution.problems": listed,
  "evolution.evolve": evolved,
  "evolution.resume": resumed,
  "evolution.status": stands,
  "evolution.lineage": descends,
} as const;
