/**
 * Handlers of meta-learning.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Disk } from "../../kernel/disk.ts";
import { type Failure, failureToJson, type KernelFailure } from "../../kernel/failure.ts";
import { attemptingWithData } from "./attempting_data.ts";
import { cellsOf, type CellTable } from "./discovery/points.ts";
import { badRun, badSetting, type EvolutionFailure } from "./failures.ts";
import { bestOf, suggestedSettings } from "./meta/experience.ts";
import { experiences, remember } from "./meta/experience_store.ts";
import { taskFeatures } from "./meta/features.ts";
import { taskTableOf } from "./meta/task_table.ts";
import type { Remember, Suggest } from "./operations_meta.ts";

type Asked = Pick<(typeof Suggest)["input"]["Type"], "data" | "target" | "task">;

/** A failure of the store as one of ours; those of the kernel stay what they are. */
const stored = Effect.mapError((failure: Failure): EvolutionFailure | KernelFailure =>
  failure.code.startsWith("KERNEL_")
    ? failure as KernelFailure
    : badRun({ run: "experience", reason: failure.message, actual: failureToJson(failure) })
);

/** Inline columns as a table of cells. */
const cellsFrom = (columns: { readonly [name: string]: ReadonlyArray<number> }): CellTable => {
  const names = Object.keys(columns);
  const lengths = new Set(names.map((name) => columns[name].length));
  if (lengths.size > 1) {
    throw badSetting({
      setting: "columns",
      wanted: "equally many numbers in each",
      found: names.map((name) => `${name}: ${columns[name].length}`).join(", "),
      path: "/data/columns",
    });
  }
  const count = [...lengths][0] ?? 0;
  return { names, rows: Array.from({ length: count }, (_, row) => names.map((name) => String(columns[name][row]))) };
};

const tableOf = ({ data }: Asked) =>
  Effect.gen(function* () {
    if ("columns" in data) return yield* attemptingWithData(() => cellsFrom(data.columns));
    const disk = yield* Disk;
    const bytes = yield* disk.read(data.path);
    return yield* attemptingWithData(() => cellsOf(bytes, data.delimiter));
  });

const featuresOf = (asked: Asked) =>
  Effect.flatMap(
    tableOf(asked),
    (table) => attemptingWithData(() => taskFeatures(taskTableOf(table, asked.target, asked.task))),
  );

const remembered = (input: (typeof Remember)["input"]["Type"]) =>
  Effect.gen(function* () {
    const { space, tried, name } = input;
    const features = yield* featuresOf(input);
    const experience = { space, features, tried };
    const info = yield* stored(remember(experience, name === undefined ? {} : { name }));
    return { digest: info.digest, names: info.names, kept: bestOf(experience).length, features };
  });

const suggested = (input: (typeof Suggest)["input"]["Type"]) =>
  Effect.gen(function* () {
    const { space, count = 5, tasks } = input;
    const features = yield* featuresOf(input);
    const known = yield* stored(experiences);
    const options = { space, count, ...(tasks === undefined ? {} : { tasks }) };
    return {
      features,
      known: known.filter((experience) => experience.space === space).length,
      suggestions: yield* attemptingWithData(() => suggestedSettings(known, features, options)),
    };
  });

/** The handlers. */
export const metaHandlers = { "evolution.remember": remembered, "evolution.suggest": suggested } as const;
