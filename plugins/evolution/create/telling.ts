/**
 * Telling: the events and the answer of a run as lines for a person, to be read at eighty columns and in a file.
 *
 * Not the report (report/). Invariant: nothing is said here that the event or the answer does not hold; what is cut ends
 * in an ellipsis.
 *
 * @module
 */
import type { CreateEvent } from "./work.ts";

const NAME_WIDTH = 12;
const PROGRAM_SHOWN = 56;
const DIGEST_SHOWN = 12;
const MS = 1_000;
const PERCENT = 100;

const cut = (text: string, most: number): string => text.length <= most ? text : `${text.slice(0, most - 1)}…`;

/** Digests by their beginnings. */
const shortened = (text: string): string =>
  text.replaceAll(/sha256:([0-9a-f]{64})/gu, (_, hex: string) => `sha256:${hex.slice(0, DIGEST_SHOWN)}…`);

const line = (name: string, says: string): string => `${name.padEnd(NAME_WIDTH)}${shortened(says)}`;

const seconds = (wallMs: number): string => `${(wallMs / MS).toFixed(1)} s`;

const percent = (share: number): string => `${(PERCENT * share).toFixed(1)} %`;

/** A score by which models are known. */
const shownScore = ({ accuracy, r2 }: { readonly accuracy?: number; readonly r2?: number }): string =>
  accuracy !== undefined ? `${percent(accuracy)} right` : r2 !== undefined ? `r² ${r2.toFixed(4)}` : "no score";

const SAID: { readonly [T in CreateEvent["type"]]: (event: Extract<CreateEvent, { type: T }>) => string } = {
  begin: ({ step, does }) => line(step, does),
  end: ({ did, wallMs }) => line("", `${did} (${seconds(wallMs)})`),
  candidate: ({ id, error, program }) =>
    line("", `${id}  error ${error.toPrecision(3)}  ${cut(program, PROGRAM_SHOWN)}`),
  generation: ({ generation, best, front }) =>
    line("", `generation ${generation}: least error ${best.toPrecision(3)}, a front of ${front}`),
  epoch: ({ epoch, of, loss, ...scores }) =>
    line("", `pass ${epoch} of ${of}: ${shownScore(scores)}, loss ${loss.toPrecision(3)}`),
};

/** An event as a line. */
export const saidOf = <T extends CreateEvent["type"]>(event: Extract<CreateEvent, { type: T }>): string =>
  SAID[event.type as T](event);

/** What the answer's lines are of. */
export interface Told {
  /** The model. */
  readonly model: string;
  /** Its program. */
  readonly program: string;
  /** Bytes of it. */
  readonly programBytes: number;
  /** Trained numbers. */
  readonly parameters: number;
  /** Scores on what it was chosen by. */
  readonly validation: { readonly [name: string]: number };
  /** Scores on what was held out. */
  readonly test: { readonly [name: string]: number };
  /** The model in 8-bit integers. */
  readonly int8?: { readonly test: { readonly [name: string]: number } };
  /** Its registration. */
  readonly registration: { readonly domain: string; readonly state: string; readonly by: string };
  /** What was promoted and undone. */
  readonly rollback: ReadonlyArray<string>;
  /** Whether the same call gives the same model. */
  readonly reproducible: boolean;
  /** What it took. */
  readonly spent: { readonly flops: number; readonly wallMs: number };
  /** Files. */
  readonly files: ReadonlyArray<{ readonly file: string; readonly verified?: string }>;
  /** The page. */
  readonly report: string;
  /** Whether nothing was done again. */
  readonly before: boolean;
  /** How to do it again. */
  readonly command: string;
}

/** The answer as a short table. */
export const toldOf = (told: Told): string => {
  const { registration: { domain, state, by }, int8, spent, files } = told;
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["model", told.model],
    ["program", told.program],
    ["", `${told.programBytes} bytes, ${told.parameters} trained numbers`],
    ["held out", shownScore(told.test)],
    ["validation", shownScore(told.validation)],
    ...(int8 === undefined ? [] : [["int8", shownScore(int8.test)] as const]),
    state === "refused"
      ? ["refused", `${domain} does not take it: the report says why`]
      : ["registered", `${domain}: ${state}, approved by ${by}`],
    ...told.rollback.slice(1).map((did, i) => [i === 0 ? "rollback" : "", did] as const),
    [
      "took",
      told.before
        ? "nothing: the run had ended before"
        : `${seconds(spent.wallMs)}, ${(spent.flops / 1e9).toPrecision(3)} GFLOP${
          told.reproducible ? "" : "; by time, so not reproducible"
        }`,
    ],
    ["report", told.report],
    ...files.map(({ file, verified }, i) =>
      [i === 0 ? "files" : "", verified === undefined ? file : `${file} (${verified})`] as const
    ),
    ["again", told.command],
  ];
  return rows.map(([name, says]) => name === "model" ? `${name.padEnd(NAME_WIDTH)}${says}` : line(name, says)).join(
    "\n",
  );
};
