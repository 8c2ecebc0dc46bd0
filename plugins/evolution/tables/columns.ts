/**
 * Columns: what became of the columns of a table, in words.
 *
 * Invariant: every column of the table is there once: given, learned or left out with its reason.
 *
 * @module
 */
import type { TablePlan } from "../../neural/library.ts";
import type { LearnedData } from "../create/result.ts";

type Columns = NonNullable<LearnedData["columns"]>;
type Placed = TablePlan["features"][number];

const shown = (value: number): string => String(Number(value.toPrecision(4)));

const numberBecomes = ({ fill, marks, shift, scale, profile }: Placed): string => {
  const days = profile.kind === "date" ? "days since 1970, " : "";
  const scaled = shift !== undefined && scale !== undefined
    ? `${days}scaled by (x − ${shown(shift)}) · ${shown(scale)}`
    : profile.kind === "boolean"
    ? "0 or 1"
    : "a number";
  return fill === undefined
    ? scaled
    : `${scaled}; a gap is ${shown(Number(fill))}${marks === true ? " and marked" : ""}`;
};

const textBecomes = ({ vocabulary = [], fill }: Placed): string => {
  const listed = vocabulary.length <= LISTED ? `: ${vocabulary.join(", ")}` : "";
  const gap = fill === undefined || vocabulary.includes("(missing)") ? "" : `; a gap is ${fill}`;
  return `${vocabulary.length} places${listed}${gap}`;
};

/** Most texts that are named. */
const LISTED = 12;

/** What became of the columns, those that are given first. */
export const columnsOf = ({ features, indexed, target, unused }: TablePlan): Columns => [
  ...[...features, ...indexed].map((placed) => ({
    name: placed.profile.name,
    kind: placed.profile.kind,
    becomes: placed.vocabulary === undefined ? numberBecomes(placed) : textBecomes(placed),
    missing: placed.profile.missing,
  })),
  ...(target === undefined ? [] : [{
    name: target.profile.name,
    kind: target.profile.kind,
    becomes: target.feature.kind === "classification"
      ? `what is learned: one of ${target.feature.classes} classes`
      : `what is learned: a number${
        target.feature.kind === "regression" && target.feature.unit !== undefined
          ? `, trained as (y − ${shown(target.feature.unit.offset)}) / ${shown(target.feature.unit.scale)}`
          : ""
      }`,
    missing: target.profile.missing,
  }]),
  ...unused.map(({ column, reason }) => ({ name: column, kind: "left out", becomes: reason, missing: 0 })),
];
