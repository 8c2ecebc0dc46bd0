/** The RouteLLM tables, and routers judged on folds they were not fitted to. */
import { random } from "../../../kernel/mod.ts";
import { areaRecovered, fitRouter, type Observed, scorer } from "../../../plugins/norion/routing/learned.ts";

const unzipped = async (name: string): Promise<ReadonlyArray<string>> => {
  const file = await Deno.open(new URL(`../../vectors/routing/${name}`, import.meta.url));
  const text = await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).text();
  return text.trimEnd().split("\n");
};

/** MMLU: subject and length, no text. */
export const mmlu = async (): Promise<ReadonlyArray<Observed>> =>
  (await unzipped("routellm_mmlu_bits.csv.gz")).slice(1).map((line) => {
    const [subject, , , length, weak, strong] = line.split(",");
    return { question: { subject, length: Number(length) }, weak: Number(weak), strong: Number(strong) };
  });

/** GSM8K: text. */
export const gsm8k = async (): Promise<ReadonlyArray<Observed>> =>
  (await unzipped("routellm_gsm8k.jsonl.gz")).map((line) => {
    const { prompt, weak, strong } = JSON.parse(line);
    return { question: { text: prompt }, weak, strong };
  });

const FOLDS = 5;

/** One fold: what a router was fitted to, and what it is judged on. */
export interface Fold {
  /** Fitted to. */
  readonly fitted: ReadonlyArray<Observed>;
  /** Judged on. */
  readonly judged: ReadonlyArray<Observed>;
}

/** Folds of a table, by seed. */
export const foldsOf = (rows: ReadonlyArray<Observed>, seed: number): ReadonlyArray<Fold> => {
  const fold = random(seed).shuffle(rows.map((_, i) => i % FOLDS));
  return Array.from({ length: FOLDS }, (_, k) => ({
    fitted: rows.filter((_, i) => fold[i] !== k),
    judged: rows.filter((_, i) => fold[i] === k),
  }));
};

/**
 * Area recovered on held-out questions, the mean of the folds. Scores of different folds are not compared: a fold that
 * happens to hold easy questions leaves harder ones to fit to, which would look like skill, or the want of it.
 */
export const heldOutArea = (rows: ReadonlyArray<Observed>, seed: number): number => {
  const areas = foldsOf(rows, seed).map(({ fitted, judged }) => {
    const score = scorer(fitRouter(fitted));
    return areaRecovered(judged.map(({ question, weak, strong }) => ({ weak, strong, score: score(question) })));
  });
  return areas.reduce((sum, area) => sum + area, 0) / FOLDS;
};

/** The same questions with outcomes dealt out anew. */
export const shuffledOutcomes = (rows: ReadonlyArray<Observed>, seed: number): ReadonlyArray<Observed> => {
  const dealt = random(seed).shuffle(rows);
  return rows.map(({ question }, i) => ({ question, weak: dealt[i].weak, strong: dealt[i].strong }));
};
