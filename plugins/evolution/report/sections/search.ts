/**
 * Search: the candidates, what nothing beats, and where each came from.
 *
 * @module
 */
import type { CandidateRecord, CreateResult, Objective } from "../../create/result.ts";
import { frontChart } from "../charts/front.ts";
import { count, number } from "../format.ts";
import { type Content, element, joined } from "../markup.ts";
import { code, lead, more, type Section, table, tag } from "./parts.ts";

/** Most candidates that the table lists: the front first, then the others in their order. */
export const MAX_CANDIDATES = 300;

const named = ({ name, unit }: Objective): string => unit === undefined ? name : `${name} (${unit})`;

const settingsText = (settings: CandidateRecord["settings"]): string =>
  Object.entries(settings).map(([name, value]) => `${name} ${typeof value === "number" ? number(value, 3) : value}`)
    .join(", ");

/** The charts: the first objective against each of the others. */
const charts = ({ candidates, objectives, chosen }: CreateResult): Content =>
  element(
    "div",
    { class: "two" },
    ...objectives.slice(1).map((_, i) => frontChart(candidates, objectives, chosen, [i + 1, 0])),
  );

/** The candidates. */
export const searchSection = (result: CreateResult): Section => {
  const { candidates, objectives, chosen, refused } = result;
  const places = new Map(candidates.map(({ id }, i) => [id, i]));
  const anchor = (id: string): string => `candidate-${places.get(id)}`;
  const rank = ({ id, front }: CandidateRecord): number => id === chosen ? 0 : front ? 1 : 2;
  const listed = [...candidates].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_CANDIDATES);
  const linked = new Set(listed.map(({ id }) => id));
  const parent = (id: string): Content => linked.has(id) ? element("a", { href: `#${anchor(id)}` }, id) : id;
  const row = (one: CandidateRecord) => ({
    id: anchor(one.id),
    ...(one.id === chosen ? { class: "chosen-row" } : {}),
    cells: [
      joined(
        element("strong", {}, one.id),
        " ",
        one.id === chosen ? tag("chosen", "marked") : one.front ? tag("unbeaten", "good") : undefined,
      ),
      joined(
        one.edit,
        one.parents.length === 0 ? undefined : [" of ", one.parents.map((id, i) => [i > 0 ? " and " : "", parent(id)])],
      ),
      joined(
        code(one.program),
        element("br"),
        element("span", { class: "soft" }, settingsText(one.settings)),
        one.failed === undefined ? undefined : [element("br"), element("span", { class: "bad" }, one.failed)],
      ),
      ...objectives.map((_, i) => one.objectives === undefined ? "–" : number(one.objectives[i])),
    ],
  });
  const heads = [
    "candidate",
    "came about",
    "program and settings",
    ...objectives.map((objective) => ({ name: named(objective), numeric: true })),
  ];
  const winner = listed.filter(({ id }) => id === chosen);
  const refusals = Object.entries(refused);
  return {
    id: "search",
    title: "Search",
    content: [
      lead(
        `${count(candidates.length)} candidates were trained a little and judged on samples that they did not learn ` +
          "from. Smaller is better in every measure; the line joins those that nothing beats in all of them.",
      ),
      charts(result),
      table("The chosen candidate", heads, winner.map((one) => ({ ...row(one), id: undefined as never }))),
      more(
        `All candidates with their parents (${count(candidates.length)})`,
        table("Candidates", heads, listed.map(row)),
        listed.length < candidates.length
          ? lead(
            `${count(candidates.length - listed.length)} more are in the run's lineage: `,
            code("evolution.lineage"),
          )
          : undefined,
      ),
      refusals.length === 0 ? undefined : more(
        "Programs that were refused before training",
        table("Refused", ["reason", { name: "programs", numeric: true }], refusals.map(([why, n]) => [why, count(n)])),
      ),
    ],
  };
};
