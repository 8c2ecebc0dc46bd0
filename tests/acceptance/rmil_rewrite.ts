/**
 * Acceptance figures of rewriting, equality saturation and quantisation.
 *
 * Judges: closed forms of saturated sums, exhaustive search over every term of up to seven nodes, the engine's own half
 * floats, and the interpreter, which runs both sides.
 */
import { narrowBits } from "../../plugins/rmil/quantize/narrow.ts";
import { EGraph } from "../../plugins/ir/egraph/egraph.ts";
import { COSTS, optimise } from "../../plugins/rmil/egraph/optimise.ts";
import { saturate, type TermPattern, type TermRule } from "../../plugins/ir/egraph/saturate.ts";
import { EXACT_LAWS } from "../../plugins/rmil/rewriting/laws.ts";
import { rewrite } from "../../plugins/rmil/rewriting/rewriter.ts";
import { random } from "../../kernel/random.ts";
import { expressionOf, JUDGED_LAWS, leastSizes } from "../plugins/rmil/egraph_exhaustive.ts";
import { outcome } from "../plugins/rmil/small_evaluator.ts";
import { NAME, randomTerm } from "../plugins/rmil/small_terms.ts";
import vectors from "../vectors/egraph/ac_saturation.json" with { type: "json" };
import type { Figure } from "./figure.ts";

const LARGEST_SUM = 10;
const LARGEST_TERM = 7;
const PROGRAMS = 2000;
const PLENTY = { iterations: 100, nodes: 1_000_000, fuel: 1_000_000_000 };

const v = (variable: number): TermPattern => ({ variable });
const plus = (a: TermPattern, b: TermPattern): TermPattern => ({ operator: 0, children: [a, b] });
const SUM_RULES: ReadonlyArray<TermRule> = [
  { name: "commute", left: plus(v(0), v(1)), right: plus(v(1), v(0)), variables: 2, needs: [] },
  {
    name: "associate",
    left: plus(plus(v(0), v(1)), v(2)),
    right: plus(v(0), plus(v(1), v(2))),
    variables: 3,
    needs: [],
  },
];

const sums: Figure = {
  name: `largest sum whose saturated class and node counts are exactly the closed form's (tried up to ${LARGEST_SUM})`,
  unit: "leaves",
  goal: `${LARGEST_SUM}`,
  measure: ({ progress }) => {
    let exact = 1;
    const counts: Array<{ n: number; classes: number; nodes: number }> = [];
    for (const { n, eclasses, enodes } of vectors.rows.filter((row) => row.n <= LARGEST_SUM)) {
      progress(n, LARGEST_SUM);
      const graph = new EGraph();
      let sum = graph.add(1, []);
      for (let leaf = 1; leaf < n; leaf++) sum = graph.add(0, [sum, graph.add(1 + leaf, [])]);
      const { end } = saturate(graph, SUM_RULES, PLENTY);
      counts.push({ n, classes: graph.classCount, nodes: graph.nodeCount });
      if (end !== "saturated" || graph.classCount !== eclasses || graph.nodeCount !== enodes) break;
      exact = n;
    }
    return Promise.resolve({ value: exact, ok: exact === LARGEST_SUM, detail: counts });
  },
};

const exhaustive: Figure = {
  name: `terms of up to ${LARGEST_TERM} nodes where search is not as good as exhaustive search`,
  unit: "terms",
  goal: "0",
  measure: ({ progress }) => {
    const laws = EXACT_LAWS.filter(({ name }) => JUDGED_LAWS.has(name));
    const all = leastSizes(LARGEST_TERM);
    let [seen, worse, improved] = [0, 0, 0];
    for (const { term, least } of all.values()) {
      if (seen++ % 1000 === 0) progress(seen, all.size);
      const { costAfter, costBefore } = optimise(expressionOf(term), { laws, cost: COSTS.nodes });
      if (costAfter !== least) worse++;
      if (costAfter < costBefore) improved++;
    }
    return Promise.resolve({ value: worse, ok: worse === 0, detail: { terms: all.size, improved } });
  },
};

const meaning: Figure = {
  name: "random programs whose outcome changes by rewriting or search, or whose cost grows",
  unit: `of ${PROGRAMS}`,
  goal: "0",
  measure: ({ progress }) => {
    let [wrong, smaller] = [0, 0];
    for (let seed = 0; seed < PROGRAMS; seed++) {
      if (seed % 100 === 0) progress(seed, PROGRAMS);
      const program = randomTerm(random(`acceptance/${seed}`), 6);
      const found = optimise(program, { limits: { nodes: 2000, iterations: 10 } });
      if (found.costAfter < found.costBefore) smaller++;
      const changed = [rewrite(program).expression, found.expression].some((after) =>
        [3n, -0, 2.5, { f32: 1.5 }, [1n, 2n]].some((input) =>
          [2, true, 7n].some((name) => {
            const names = new Map([[NAME, name]]);
            return outcome(program, input, names) !== outcome(after, input, names);
          })
        )
      );
      if (changed || found.costAfter > found.costBefore) wrong++;
    }
    return Promise.resolve({ value: wrong, ok: wrong === 0, detail: { smaller } });
  },
};

const STRIDE = 257;

const halves: Figure = {
  name: `f32 bit patterns (every ${STRIDE}th) that narrow to another f16 than the engine's`,
  unit: "patterns",
  goal: "0",
  measure: ({ progress }) => {
    const half = new Float16Array(1);
    const bits = new Uint16Array(half.buffer);
    const float = new Float32Array(1);
    const floatBits = new Uint32Array(float.buffer);
    let [wrong, tried] = [0, 0];
    for (let pattern = 0; pattern < 2 ** 32; pattern += STRIDE) {
      if (tried++ % 2 ** 20 === 0) progress(pattern, 2 ** 32);
      floatBits[0] = pattern;
      half[0] = float[0];
      const found = narrowBits(pattern, "f16");
      const same = Number.isNaN(float[0]) ? (found & 0x7e00) === 0x7e00 : found === bits[0];
      if (!same) wrong++;
    }
    return Promise.resolve({ value: wrong, ok: wrong === 0, detail: { tried } });
  },
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [sums, exhaustive, meaning, halves];
