/**
 * SVG: shapes and text as markup, and the scales and ticks that charts share.
 *
 * Not a chart (line_chart.ts, confusion_chart.ts). Invariant: text is escaped, numbers are rounded to two decimals, so
 * the same chart gives the same bytes.
 *
 * @module
 */

/** Attributes of an element. */
export type Attributes = { readonly [name: string]: string | number };

const ESCAPES: { readonly [character: string]: string } = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** Characters that XML does not have, whatever is escaped. */
// deno-lint-ignore no-control-regex -- exactly these are meant
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu;

const escaped = (text: string): string =>
  text.toWellFormed().replace(NOT_XML, "\ufffd").replace(/[&<>"]/gu, (character) => ESCAPES[character]);

const shown = (value: string | number): string =>
  typeof value === "number" ? String(Math.round(value * 100) / 100) : escaped(value);

/** An element around others. */
export const element = (name: string, attributes: Attributes, ...children: ReadonlyArray<string>): string => {
  const text = Object.entries(attributes).map(([key, value]) => ` ${key}="${shown(value)}"`).join("");
  return children.length === 0 ? `<${name}${text}/>` : `<${name}${text}>${children.join("")}</${name}>`;
};

/** A line of text. */
export const label = (text: string, attributes: Attributes): string => element("text", attributes, escaped(text));

/** What is said of an element when it is pointed at, or read aloud. */
export const titled = (text: string): string => element("title", {}, escaped(text));

/** Colours that people tell apart, colour-blind ones included (Okabe & Ito 2008). */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"] as const;

/** Colour of text. */
export const INK = "#222222";

/** Colour of a grid. */
export const GRID = "#dddddd";

/** A drawing of a size, on white. */
export const drawing = (width: number, height: number, title: string, ...children: ReadonlyArray<string>): string =>
  element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      "font-family": "system-ui, sans-serif",
      "font-size": 12,
      role: "img",
    },
    titled(title),
    element("rect", { width, height, fill: "#ffffff" }),
    ...children,
  );

const STEPS = [1, 2, 5, 10];

/** Round numbers that cover a range, about as many as asked for. */
export const ticks = (low: number, high: number, about: number): ReadonlyArray<number> => {
  const span = high - low;
  if (!(span > 0)) return [low];
  const raw = span / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * STEPS.find((factor) => factor * power >= raw * (1 - 1e-9))!;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => (first + i) * step);
};

/** A number as short as it can be said among others of a range. */
export const tickText = (value: number, span: number): string => {
  const size = Math.max(Math.abs(value), span);
  if (value !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(1).replace("e+", "e").replace(".0e", "e");
  const decimals = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(span || 1))));
  return Number(value.toFixed(decimals)).toString();
};
