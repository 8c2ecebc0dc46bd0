/**
 * Progress: one line that is redrawn: what is being done, how far, how fast, how long still.
 *
 * Only on a terminal, only on standard error, so that answers stay clean.
 * Invariant: after `clear` nothing of the line is left.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as CliOutput from "effect/cli/CliOutput";
import * as Effect from "effect/Effect";
import type { Progress } from "../../../kernel/mod.ts";
import { safe, type Style } from "./style.ts";

/** Least time between two drawings of the line. */
export const REDRAW_MS = 100;

/** Work must have gone on this long before a rate is worth saying. */
export const RATE_AFTER_MS = 500;

const BAR_WIDTH = 24;
const CLEAR = "\r\u001b[2K";
const NARROWEST = 20;

const SECONDS_OF: ReadonlyArray<readonly [number, string]> = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];

const duration = (seconds: number): string => {
  const whole = Math.max(1, Math.ceil(seconds));
  const first = SECONDS_OF.findIndex(([size]) => whole >= size);
  const [size, name] = SECONDS_OF[first];
  const next = SECONDS_OF[first + 1];
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[0]);
  return `${Math.floor(whole / size)} ${name}${rest > 0 ? ` ${rest} ${next[1]}` : ""}`;
};

const count = (value: number): string => {
  const rounded = Math.abs(value) >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
  return rounded.toLocaleString("en-US");
};

/** The line for a state of progress after a time; at most `columns` wide. */
export const progressLine = (progress: Progress, elapsedMs: number, columns: number, style: Style): string => {
  const { done, total, unit } = progress;
  const share = total === undefined || total <= 0 ? undefined : Math.min(1, Math.max(0, done / total));
  const rate = elapsedMs >= RATE_AFTER_MS && done > 0 ? done / (elapsedMs / 1000) : undefined;
  const filled = Math.round((share ?? 0) * BAR_WIDTH);
  const parts: ReadonlyArray<string | undefined> = [
    share === undefined ? undefined : `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`,
    share === undefined ? undefined : `${Math.floor(share * 100)} %`,
    `${count(done)}${total === undefined ? "" : `/${count(total)}`}${unit === undefined ? "" : ` ${safe(unit)}`}`,
    rate === undefined ? undefined : `${count(rate)}/s`,
    rate === undefined || share === undefined || share >= 1 ? undefined : `${duration((total! - done) / rate)} left`,
  ];
  const figures = parts.filter((part) => part !== undefined);
  const label = safe(progress.label).replaceAll("\n", " ");
  // The least telling part goes first where the line does not fit: label, then from the right.
  for (
    const words of [
      [label, ...figures],
      ...figures.map((_, dropped) => figures.slice(0, figures.length - dropped)),
    ]
  ) {
    const line = words.join("  ");
    if (CliOutput.displayWidth(line) <= Math.max(NARROWEST, columns) - 1) {
      return share === undefined ? line : line.replace(/█+/u, (bar) => style.good(bar));
    }
  }
  return "";
};

/** Draws progress on a terminal. */
export interface ProgressBar {
  /** Takes a state. */
  readonly update: (progress: Progress) => Effect.Effect<void>;
  /** Takes the line away, so that something else can be written. */
  readonly clear: Effect.Effect<void>;
}

/** A bar over a writer; nothing is drawn where `columns` is absent (no terminal). */
export const progressBar = (
  write: (text: string) => void,
  columns: () => number | undefined,
  style: Style,
): ProgressBar => {
  let startedMs: number | undefined;
  let label = "";
  let drawnMs = -Infinity;
  let isShown = false;
  const update = (progress: Progress): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (nowMs) => {
      const width = columns();
      if (width === undefined) return;
      if (startedMs === undefined || progress.label !== label) {
        startedMs = nowMs;
        label = progress.label;
      }
      if (nowMs - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs;
      isShown = true;
      write(CLEAR + progressLine(progress, nowMs - startedMs, width, style));
    });
  const clear = Effect.sync(() => {
    if (isShown) write(CLEAR);
    isShown = false;
    drawnMs = -Infinity;
  });
  return { update, clear };
};
