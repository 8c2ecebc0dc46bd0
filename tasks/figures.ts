/**
 * Writes the figures that README.md quotes from the results files: part of `deno task docs`.
 *
 * A quoted figure is `<value> <unit> <!-- figure <area>: <name> -->`; value and unit are replaced by what was measured.
 * Measuring is another matter: `deno task acceptance`.
 */

const root = new URL("..", import.meta.url);

/** A quoted figure: value, unit, area, name. */
export const QUOTED: RegExp = /(\d[\d.,]*) ([^|<\n]*?) <!-- figure (\S+): (.+?) -->/gu;

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** The figure of an area as it was measured. */
export const measured = (area: string, name: string): Figure => {
  const { figures } = JSON.parse(Deno.readTextFileSync(new URL(`bench/results/${area}.json`, root))) as {
    readonly figures: ReadonlyArray<Figure>;
  };
  const found = figures.find((figure) => figure.name === name);
  if (found === undefined) throw new Error(`Cannot quote "${name}" of ${area}: it is not measured`);
  return found;
};

/** A page with every quoted figure as measured. */
export const quoted = (page: string): string =>
  page.replace(QUOTED, (_, _value, _unit, area: string, name: string) => {
    const { value, unit } = measured(area, name);
    return `${value.toLocaleString("en-US", { maximumFractionDigits: 6 })} ${unit} <!-- figure ${area}: ${name} -->`;
  });

if (import.meta.main) {
  const page = new URL("README.md", root);
  Deno.writeTextFileSync(page, quoted(Deno.readTextFileSync(page)));
}
