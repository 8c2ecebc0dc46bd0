/**
 * Data: what was learned from, part by part, and what became of the columns of a table.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { count } from "../format.ts";
import { code, lead, more, pairs, type Section, table } from "./parts.ts";

/** Most classes and columns that are listed. */
export const MAX_LISTED = 200;

/** What was learned from. */
export const dataSection = ({ data }: CreateResult): Section => {
  const { splits, target, inputs, columns } = data;
  const { labels = [], counts } = target;
  const rest = Math.max(0, (columns?.length ?? 0) - MAX_LISTED);
  return {
    id: "data",
    title: "Data",
    content: [
      pairs([
        ["set", data.name],
        ["learned", target.kind === "classification" ? `${target.name}, one of ${labels.length}` : target.name],
        ["given", inputs.map(({ name, type }) => `${name}: ${type}`).join(", ")],
        [
          "samples",
          `${count(splits.train)} to learn from, ${count(splits.validation)} to choose by, ${
            count(splits.test)
          } held out and read once, at the end`,
        ],
        ["source", code(JSON.stringify(data.source))],
      ]),
      columns === undefined ? undefined : table(
        "Columns of the table",
        ["column", "holds", { name: "gaps", numeric: true }, "becomes"],
        columns.slice(0, MAX_LISTED).map(({ name, kind, missing, becomes }) => [name, kind, count(missing), becomes]),
      ),
      rest > 0 ? lead(`${count(rest)} more columns are not listed here.`) : undefined,
      counts === undefined ? undefined : more(
        "Samples of each class",
        table(
          "Classes",
          [
            "class",
            { name: "learned from", numeric: true },
            { name: "chosen by", numeric: true },
            { name: "held out", numeric: true },
          ],
          counts.slice(0, MAX_LISTED).map((row, i) => [
            labels[i] ?? String(i),
            count(row.train),
            count(row.validation),
            count(row.test),
          ]),
        ),
      ),
    ],
  };
};
