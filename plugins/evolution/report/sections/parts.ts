/**
 * Parts: what sections are made of: the section itself, pairs, tables.
 *
 * Invariant: a table has a header for every column, and scrolls by itself where a screen is narrow, also by keyboard.
 *
 * @module
 */
import { type Content, cut, element, type Markup } from "../markup.ts";

/** A section of the page. */
export interface Section {
  /** Its place in addresses; unique. */
  readonly id: string;
  /** Its heading. */
  readonly title: string;
  /** What stands below the heading. */
  readonly content: ReadonlyArray<Content>;
}

/** A section as markup. */
export const sectionOf = ({ id, title, content }: Section): Markup =>
  element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), content);

/** One sentence under a heading. */
export const lead = (...content: ReadonlyArray<Content>): Markup => element("p", { class: "soft" }, ...content);

/** Names with what they stand for; an absent one is left out. */
export const pairs = (rows: ReadonlyArray<readonly [name: string, value: Content]>): Markup =>
  element(
    "dl",
    { class: "pairs" },
    ...rows.filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, value),
    ]),
  );

/** A column of a table. */
export interface ColumnHead {
  /** Its name. */
  readonly name: string;
  /** Whether it holds numbers, which stand to the right. */
  readonly numeric?: boolean;
}

/** Columns from which on a table's rows become cards on a narrow screen. */
const CARD_COLUMNS = 4;

/** Most characters of a column's name in a card. */
const MAX_LABEL = 32;

/** A table. `name` is what it is called to those who do not see it. */
export const table = (
  name: string,
  heads: ReadonlyArray<string | ColumnHead>,
  rows: ReadonlyArray<
    { readonly id?: string; readonly class?: string; readonly cells: ReadonlyArray<Content> } | ReadonlyArray<Content>
  >,
  className?: string,
): Markup => {
  const columns = heads.map((head): ColumnHead => typeof head === "string" ? { name: head } : head);
  const classOf = (i: number): string | undefined => columns[i]?.numeric ? "num" : undefined;
  // Where a screen is narrow, a row of many words is read as a card, each cell behind the name of its column.
  const isCards = columns.length >= CARD_COLUMNS && columns.some(({ numeric }) => !numeric);
  const classes = [...(className === undefined ? [] : [className]), ...(isCards ? ["cards"] : [])].join(" ");
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": name },
    element(
      "table",
      { class: classes === "" ? undefined : classes },
      element(
        "thead",
        {},
        element("tr", {}, ...columns.map((head, i) => element("th", { scope: "col", class: classOf(i) }, head.name))),
      ),
      element(
        "tbody",
        {},
        ...rows.map((row) => {
          const { id, class: rowClass, cells } = "cells" in row ? row : { id: undefined, class: undefined, cells: row };
          return element(
            "tr",
            { id, class: rowClass },
            ...cells.map((cell, i) =>
              isCards
                ? element(
                  "td",
                  { class: classOf(i), "data-label": cut(columns[i]?.name ?? "", MAX_LABEL) },
                  element("div", {}, cell),
                )
                : element("td", { class: classOf(i) }, cell)
            ),
          );
        }),
      ),
    ),
  );
};

/** What is there on demand. */
export const more = (summary: string, ...content: ReadonlyArray<Content>): Markup =>
  element("details", {}, element("summary", {}, summary), ...content);

/** A word in a frame. */
export const tag = (text: string, kind: "good" | "bad" | "marked" | "soft" = "soft"): Markup =>
  element("span", { class: `tag ${kind}` }, text);

/** Code within a line. */
export const code = (text: string): Markup => element("code", {}, text);

/** A digest, whole where it is pointed at. */
export const digest = (text: string, shown: string): Markup => element("code", { title: text }, shown);
