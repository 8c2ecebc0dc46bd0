/**
 * Handlers of the operations on data.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { DATASETS, presenceOf } from "./data/builtin.ts";
import { describeData } from "./data/describe_data.ts";
import { gatedFiles, openSource } from "./data/opening.ts";
import type { DescribeData } from "./operations_data.ts";

type InputOf<O extends { readonly input: unknown }> = O["input"] extends { readonly Type: infer T } ? T : never;

const listed = () =>
  Effect.gen(function* () {
    const files = yield* gatedFiles;
    const sets = yield* Effect.forEach(DATASETS, (row) =>
      Effect.map(presenceOf(row, files), ({ present, reason, command }) => ({
        name: row.name,
        summary: row.summary,
        task: row.task,
        size: row.size,
        splits: row.splits,
        licence: row.licence,
        source: row.source,
        present,
        ...(reason === undefined ? {} : { reason }),
        ...(command === undefined ? {} : { command }),
      })));
    return { sets };
  });

const described = ({ data }: InputOf<typeof DescribeData>) => Effect.flatMap(openSource(data), describeData);

/** The handlers. */
export const dataHandlers = { "data.list": listed, "data.describe": described };
