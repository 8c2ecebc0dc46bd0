import assert from "node:assert/strict";
import { confusionChart, lineChart, MAX_POINTS, type Point, scatterChart } from "../../../../plugins/neural/library.ts";
import { ticks, tickText } from "../../../../plugins/neural/plots/svg.ts";

const chart = (points: ReadonlyArray<Point>, logarithmic = false): string =>
  lineChart({ title: "t", x: "x", y: "y", lines: [{ name: "line", points }], logarithmic });

const coordinates = (svg: string): ReadonlyArray<readonly [number, number]> =>
  [...svg.matchAll(/points="([^"]*)"/gu)].flatMap(([, text]) =>
    text.split(" ").map((pair) => pair.split(",").map(Number) as unknown as readonly [number, number])
  );

Deno.test("a straight line is drawn straight, from corner to corner", () => {
  const drawn = coordinates(chart([[0, 0], [1, 1], [2, 2]]));
  assert.equal(drawn.length, 3);
  const [[x0, y0], [x1, y1], [x2, y2]] = drawn;
  assert.ok(Math.abs(x1 - (x0 + x2) / 2) < 0.02 && Math.abs(y1 - (y0 + y2) / 2) < 0.02);
  assert.ok(x2 > x0 && y2 < y0, "larger values stand higher");
});

Deno.test("points that are not finite break a line, and no number of a chart is ever NaN", () => {
  const svg = chart([[0, 1], [1, NaN], [2, 3], [3, 4], [4, Infinity]]);
  assert.equal([...svg.matchAll(/<polyline/gu)].length, 1);
  assert.equal([...svg.matchAll(/<circle/gu)].length, 1);
  for (const points of [[], [[0, NaN]], [[1, 1]], [[0, 5], [1, 5]]] as ReadonlyArray<ReadonlyArray<Point>>) {
    assert.ok(!/NaN|Infinity/u.test(chart(points)), JSON.stringify(points));
  }
  assert.ok(!/NaN/u.test(chart([[0, 0], [1, -1], [2, 10]], true)));
});

Deno.test("a long line is thinned by means, which keep its level", () => {
  const svg = chart(Array.from({ length: 10 * MAX_POINTS + 1 }, (_, i): Point => [i, i % 2]));
  assert.ok(coordinates(svg).length <= MAX_POINTS);
});

Deno.test("text is escaped, and characters that XML does not have are replaced", () => {
  const svg = lineChart({ title: 'a<b & "c"\u0000', x: "x", y: "y", lines: [] });
  assert.ok(svg.includes("a&lt;b &amp; &quot;c&quot;\ufffd"));
});

Deno.test("ticks are round numbers that cover the range", () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  assert.deepEqual(ticks(0, 1250, 8), [0, 200, 400, 600, 800, 1000, 1200]);
  assert.deepEqual(ticks(3, 3, 5), [3]);
  assert.equal(tickText(0.6000000000000001, 1), "0.6");
  assert.equal(tickText(1_200_000, 1_200_000), "1.2e6");
});

Deno.test("a confusion chart has a cell for each pair, counts where there are any, and labels", () => {
  const svg = confusionChart("c", { classes: 2, counts: Float64Array.of(3, 1, 0, 4) }, ["no", "yes"]);
  assert.equal([...svg.matchAll(/<rect/gu)].length, 1 + 4);
  for (const text of [">3<", ">1<", ">4<", ">no<", ">yes<"]) assert.ok(svg.includes(text), text);
  assert.ok(!svg.includes(">0<"));
  const empty = confusionChart("c", { classes: 30, counts: new Float64Array(900) });
  assert.ok(!/NaN/u.test(empty));
});

Deno.test("a scatter chart draws each finite point once, lower values lower, and the edge of a front in steps", () => {
  const points = [[0, 3], [1, 1], [NaN, 2], [3, 0]] as const;
  const svg = scatterChart({
    title: "t",
    x: "error",
    y: "bytes",
    groups: [{ name: "front", points, says: ["a", "b <c>", "lost", "d"], front: true }],
  });
  const at = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/gu)].map(([, x, y]) => [Number(x), Number(y)]);
  assert.equal(at.length, 3);
  assert.ok(at[0][0] < at[1][0] && at[1][0] < at[2][0] && at[0][1] < at[1][1] && at[1][1] < at[2][1]);
  assert.ok(svg.includes("<title>b &lt;c&gt;</title>") && !svg.includes("lost"));
  // From one point to the next the edge first goes across, then down: between them nothing is dominated but by the first.
  const edge = coordinates(svg);
  assert.deepEqual(edge, [at[0], [at[1][0], at[0][1]], at[1], [at[2][0], at[1][1]], at[2]]);
  assert.ok(!/NaN/u.test(scatterChart({ title: "", x: "", y: "", groups: [] })));
});
