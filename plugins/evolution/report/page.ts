/**
 * Page: the report of a run of the main job, as one HTML file that needs nothing else.
 *
 * Pure: a result in, a page out; who writes it is the run. It holds no script, fetches nothing (a policy in its head
 * forbids it), follows the reader's light or dark, and can be read by keyboard, by ear and on paper.
 * Invariant: everything from data is escaped; the page has at most {@link MAX_PAGE_BYTES}, because lists are cut with
 * what is left out counted.
 *
 * @module
 */
import type { CreateResult } from "../create/result.ts";
import { element, joined, styles } from "./markup.ts";
import { confidenceSection } from "./sections/confidence.ts";
import { dataSection } from "./sections/data.ts";
import { filesSection } from "./sections/files.ts";
import { judgementSection } from "./sections/judgement.ts";
import { ledgerSection } from "./sections/ledger.ts";
import { type Section, sectionOf } from "./sections/parts.ts";
import { programSection } from "./sections/program.ts";
import { registrationSection } from "./sections/registration.ts";
import { reproduceSection } from "./sections/reproduce.ts";
import { searchSection } from "./sections/search.ts";
import { mainScore, summary } from "./sections/summary.ts";
import { trainingSection } from "./sections/training.ts";
import { workSection } from "./sections/work.ts";
import { STYLE } from "./style.ts";

/** Largest page. */
export const MAX_PAGE_BYTES = 1_000_000;

/** Nothing is fetched, nothing runs. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const SECTIONS: ReadonlyArray<(result: CreateResult) => Section | undefined> = [
  judgementSection,
  searchSection,
  programSection,
  trainingSection,
  confidenceSection,
  dataSection,
  filesSection,
  registrationSection,
  ledgerSection,
  workSection,
  reproduceSection,
];

/** The report of a run. */
export const reportPage = (result: CreateResult): string => {
  const sections = SECTIONS.map((section) => section(result)).filter((section) => section !== undefined);
  const page = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
      element("meta", { name: "color-scheme", content: "light dark" }),
      element("title", {}, mainScore(result).headline),
      styles(STYLE),
    ),
    element(
      "body",
      {},
      element("a", { class: "skip", href: "#content" }, "To the content"),
      element(
        "div",
        { class: "wrap" },
        summary(result),
        element(
          "nav",
          { "aria-label": "Sections" },
          element(
            "ol",
            {},
            ...sections.map(({ id, title }) => element("li", {}, element("a", { href: `#${id}` }, title))),
          ),
        ),
        element("main", { id: "content" }, ...sections.map(sectionOf)),
      ),
    ),
  );
  return `<!doctype html>\n${joined(page).text}\n`;
};
