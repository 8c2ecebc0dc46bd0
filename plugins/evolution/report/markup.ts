/**
 * Markup: HTML and SVG as values, in which text cannot become markup.
 *
 * Invariant: every text and every attribute is escaped, whatever a column, a class or a program is named; only what
 * this file made is written as it is.
 *
 * @module
 */

/** Markup that was made here. */
export class Markup {
  /** Made by {@link element} and {@link joined} only. */
  constructor(readonly text: string) {}
}

/** What stands in an element: markup, text, a number; nothing where undefined. */
export type Content = Markup | string | number | undefined | ReadonlyArray<Content>;

/** Attributes by name; an absent one is left out, `true` stands without a value. */
export type Attributes = { readonly [name: string]: string | number | boolean | undefined };

const ESCAPES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Characters that a page does not have, whatever is escaped. */
// deno-lint-ignore no-control-regex -- exactly these are meant
const NOT_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/gu;

/** Most characters of one text: a page is for reading, and stays small whatever data hold. */
export const MAX_TEXT = 240;

/** Most characters of a text that is worth nothing in part: a program, a command. */
export const MAX_WHOLE = 8_000;

/** The beginning of a text, with how much is left out. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most)} … (${text.length} characters)`;

const escaped = (text: string, most: number): string => {
  const shown = cut(text, most);
  return shown.toWellFormed().replace(NOT_TEXT, "\ufffd").replace(/[&<>"']/gu, (character) => ESCAPES[character]);
};

/** Elements that have no end tag. */
const VOID: ReadonlySet<string> = new Set(["meta", "img", "br", "hr", "link"]);

const contentOf = (content: Content): string =>
  content === undefined
    ? ""
    : content instanceof Markup
    ? content.text
    : typeof content === "string"
    ? escaped(content, MAX_TEXT)
    : typeof content === "number"
    ? String(Number.isFinite(content) ? Math.round(content * 100) / 100 : "")
    : content.map(contentOf).join("");

const attributesOf = (attributes: Attributes): string =>
  Object.entries(attributes).map(([name, value]) => {
    if (value === undefined || value === false) return "";
    if (value === true) return ` ${name}`;
    return ` ${name}="${typeof value === "number" ? contentOf(value) : escaped(value, MAX_WHOLE)}"`;
  }).join("");

/** An element. Its name and the names of its attributes are ours, never those of data. */
export const element = (name: string, attributes: Attributes = {}, ...content: ReadonlyArray<Content>): Markup => {
  const start = `<${name}${attributesOf(attributes)}>`;
  return new Markup(VOID.has(name) ? start : `${start}${contentOf(content)}</${name}>`);
};

/** Content without an element around it. */
export const joined = (...content: ReadonlyArray<Content>): Markup => new Markup(contentOf(content));

/** A text that is shown whole. */
export const whole = (text: string): Markup => new Markup(escaped(text, MAX_WHOLE));

/** A style sheet, which is ours. */
export const styles = (css: string): Markup => new Markup(`<style>${css}</style>`);
