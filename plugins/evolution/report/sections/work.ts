/**
 * Work: what the run did step by step, what each was to take and what it took, and what it needed to be allowed.
 *
 * @module
 */
import type { CreateResult, StepRecord, Work } from "../../create/result.ts";
import { brief, duration, flops } from "../format.ts";
import { type Content, element, type Markup } from "../markup.ts";
import { code, lead, more, type Section, table } from "./parts.ts";

const workOf = ({ flops: operations, wallMs }: Work): string =>
  [operations > 0 ? flops(operations) : "", wallMs === undefined ? "" : duration(wallMs)]
    .filter((text) => text !== "").join(", ");

const share = (part: number, whole: number): Markup =>
  element(
    "span",
    { class: "bar-track", "aria-hidden": "true" },
    element("span", { style: `width:${Math.round(Math.min(1, Math.max(0, part / whole)) * 100)}%` }),
  );

const step = (whole: number) => ({ name, did, predicted, spent }: StepRecord): Content => {
  const told = predicted === undefined ? "" : workOf(predicted);
  const took = workOf(spent);
  return element(
    "li",
    {},
    element("strong", {}, name),
    element("span", {}, brief(did)),
    element(
      "span",
      { class: "work" },
      whole > 0 && spent.wallMs !== undefined ? share(spent.wallMs, whole) : undefined,
      took === "" ? "no measurable work" : `took ${took}`,
      told === "" ? undefined : `; predicted ${told}`,
    ),
  );
};

/** What was done. */
export const workSection = ({ steps, authority, capabilities }: CreateResult): Section => {
  const whole = steps.reduce((sum, { spent }) => sum + (spent.wallMs ?? 0), 0);
  return {
    id: "work",
    title: "What it did",
    content: [
      lead("Each step with what it was to take, said before it began, and what it took."),
      element("ol", { class: "steps" }, ...steps.map(step(whole))),
      authority.length === 0 ? undefined : more(
        "What it needed to be allowed",
        table("Authority", ["authority", "for"], authority.map((one) => [code(one.authority), one.why])),
      ),
      capabilities.length === 0 ? undefined : more(
        "How it found what it used",
        table(
          "Capabilities",
          ["it searched for", "and took", "for"],
          capabilities.map(({ operation, query, why }) => [`“${query}”`, code(operation), why]),
        ),
      ),
    ],
  };
};
