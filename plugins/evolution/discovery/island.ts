/**
 * Island: a population of formulas kept by size, so that small ones are never driven out by large ones, and its epochs.
 *
 * Not the search (search.ts), which sends formulas from island to island and judges the best of all.
 * Invariant: an epoch is a function of the data, the settings and the island; within a size the best come first, and no
 * two of them have the same form.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { type Random, random } from "../../../kernel/random.ts";
import { badState } from "../failures.ts";
import { Workbench } from "./evaluate.ts";
import { fit, type Fitted, Target } from "./fit.ts";
import { applied, constant, decodeFormula, encodeFormula, formOf, type Formula, subtree } from "./formula.ts";
import type { Column, PrimitiveName } from "./primitives.ts";
import { type Alphabet, alphabetOf, child, grown, viable } from "./vary.ts";

/** What an epoch works on; can be cloned to a worker. */
export interface Task {
  /** A column for each variable. */
  readonly columns: ReadonlyArray<Column>;
  /** What is to be found. */
  readonly target: Column;
  /** Operators. */
  readonly operators: ReadonlyArray<PrimitiveName>;
  /** Largest formula, in nodes, without the scale and offset. */
  readonly largest: number;
  /** The seed. */
  readonly seed: string | number;
  /** Formulas kept of each size. */
  readonly kept: number;
  /** Work of one epoch of one island, in additions of numbers. */
  readonly work: number;
}

/** An island between two epochs. */
export interface Island {
  /** Which one it is. */
  readonly number: number;
  /** Epochs so far. */
  readonly epoch: number;
  /** Epochs since it was peopled. */
  readonly age: number;
  /** Formulas tried so far. */
  readonly tried: number;
  /** Its formulas by size, best first; the first row holds size 1. */
  readonly sizes: ReadonlyArray<ReadonlyArray<Fitted>>;
}

/** An island without formulas. */
export const emptyIsland = (number: number, { largest }: Pick<Task, "largest">): Island => ({
  number,
  epoch: 0,
  age: 0,
  tried: 0,
  sizes: Array.from({ length: largest }, () => []),
});

/** Steps of fitting a new formula. */
const BIRTH_STEPS = 8;

/** Formulas drawn before the first child. */
const FIRST_FORMULAS = 300;

/** How much worse than the worst that is kept a formula may be after a few steps of fitting. */
const HOPE = 3;

/** Times that a form with constants is tried anew in an epoch, from other constants. */
const TRIES = 3;

/** Fits that differ less than this, relatively, are one behaviour. */
const SAME_ERROR = 1e-7;

/** Share of children that are made to match what is left. */
const MATCHED_SHARE = 0.15;

/** Parts of which the best match is taken, and the largest that is drawn anew. */
const PARTS_TRIED = 12;
const PART_SIZE = 5;

/** What a match costs at a point, in additions. */
const MATCH_WORK = 6;

/** How a part is fitted to what a formula leaves: `wanted` ≈ rest·base + slope·base·part. */
interface Match {
  readonly base: (own: Column, y: Column) => Column;
  readonly wanted: (own: Column, y: Column, scale: number, offset: number) => Column;
  readonly made: (formula: Formula, part: Formula, slope: number, rest: number, scale: number) => Formula;
}

const left = (own: Column, y: Column, scale: number, offset: number): Column =>
  y.map((value, i) => value - offset - scale * own[i]);

const MATCHES: ReadonlyArray<Match> = [
  // A term: what is left ≈ slope·part.
  {
    base: (own) => new Float64Array(own.length).fill(1),
    wanted: left,
    made: (formula, part, slope, _rest, scale) =>
      applied("add", formula, applied("mul", constant(slope / scale), part)),
  },
  // A factor: what is left ≈ slope·formula·part.
  {
    base: (own) => own,
    wanted: left,
    made: (formula, part, slope, rest, scale) =>
      applied("mul", formula, applied("add", constant((scale + rest) / slope), part)),
  },
  // A divisor: formula ≈ target·(rest + slope·part).
  {
    base: (_own, y) => y,
    wanted: (own) => own,
    made: (formula, part, slope, rest) => applied("div", formula, applied("add", constant(rest / slope), part)),
  },
];

/** How much of `wanted` the part explains beyond the base, by least squares in two columns; undefined where nothing. */
const explained = (
  base: Column,
  part: Column,
  wanted: Column,
): { readonly share: number; readonly slope: number; readonly rest: number } | undefined => {
  let [bb, bp, pp, bw, pw] = [0, 0, 0, 0, 0];
  for (let i = 0; i < base.length; i++) {
    const [b, w] = [base[i], wanted[i]];
    const p = b * part[i];
    bb += b * b;
    bp += b * p;
    pp += p * p;
    bw += b * w;
    pw += p * w;
  }
  const spread = pp - bp * bp / bb;
  const cross = pw - bp * bw / bb;
  const slope = cross / spread;
  const share = cross * slope;
  return spread > 1e-12 * pp && share > 0 && share < Infinity && slope !== 0
    ? { share, slope, rest: (bw - slope * bp) / bb }
    : undefined;
};

/** An island at work: what is kept while formulas are tried, and how they are made. */
class Epoch {
  readonly sizes: Array<Array<Fitted>>;
  readonly bench: Workbench;
  private readonly forms: Array<Array<string>>;
  private readonly target: Target;
  private readonly seen = new Map<string, number>();
  private readonly alphabet: Alphabet;
  private readonly hasAll: boolean;
  tried = 0;

  constructor(private readonly task: Task, island: Island, private readonly chance: Random) {
    this.sizes = island.sizes.map((row) => [...row]);
    this.forms = island.sizes.map((row) => row.map(({ formula }) => formOf(formula)));
    this.target = new Target(task.target);
    this.bench = new Workbench(task.columns, task.target.length);
    this.alphabet = alphabetOf(task.operators, task.columns.length);
    this.hasAll = (["add", "mul", "div"] as const).every((name) => task.operators.includes(name));
  }

  /** Takes a formula in, where it is good enough for its size. */
  offer(formula: Formula): void {
    const { kept, largest } = this.task;
    if (formula.size > largest) return;
    const form = formOf(formula);
    const before = this.seen.get(form) ?? 0;
    if (before >= (formula.constants > 0 ? TRIES : 1)) return;
    this.seen.set(form, before + 1);
    const row = this.sizes[formula.size - 1];
    const worst = row.length < kept ? Infinity : row[row.length - 1].error;
    this.tried++;
    const found = fit(formula, this.bench, this.target, { steps: BIRTH_STEPS, hopeless: HOPE * worst });
    if (found !== undefined && found.error < worst) this.keep(found, form);
  }

  keep(found: Fitted, form: string): void {
    const row = this.sizes[found.formula.size - 1];
    const forms = this.forms[found.formula.size - 1];
    const twin = forms.indexOf(form);
    if (twin >= 0) {
      if (!(found.error < row[twin].error)) return;
      row.splice(twin, 1);
      forms.splice(twin, 1);
    }
    let at = row.findIndex(({ error }) => found.error < error);
    if (at < 0) at = row.length;
    const near = (other: Fitted | undefined) =>
      other !== undefined && Math.abs(other.error - found.error) <= SAME_ERROR * found.error;
    if (twin < 0 && (near(row[at]) || near(row[at - 1]))) return;
    row.splice(at, 0, found);
    forms.splice(at, 0, form);
    if (row.length > this.task.kept) {
      row.pop();
      forms.pop();
    }
  }

  /** A parent: a size evenly among those that have formulas, then the best more often than the others. */
  parent(): Fitted {
    const { chance } = this;
    const filled = this.sizes.filter((row) => row.length > 0);
    const row = chance.pick(filled);
    const depth = Math.floor(row.length * chance.float() ** 2);
    return row[depth];
  }

  people(): void {
    for (let k = 0; k < FIRST_FORMULAS; k++) {
      const formula = grown(this.alphabet, 1 + this.chance.below(8), this.chance);
      if (formula.op !== "constant") this.offer(formula);
    }
  }

  /** Any subtree of what is kept, or a small formula drawn anew. */
  private part(): Formula {
    const { chance } = this;
    if (chance.float() < 0.5) return grown(this.alphabet, 1 + chance.below(PART_SIZE), chance);
    const whole = this.parent().formula;
    return subtree(whole, chance.below(whole.size));
  }

  /**
   * A formula with a term, a factor or a divisor that goes with what it leaves unexplained: of some parts, the one that
   * explains most of that. (Friedman, Stuetzle 1981, fit what is left the same way.)
   */
  private matched(): Formula | undefined {
    const { chance, bench, target: { values: y } } = this;
    const { formula, scale, offset } = this.parent();
    const own = bench.evaluate(formula).slice();
    const match = chance.pick(MATCHES);
    const base = match.base(own, y);
    const wanted = match.wanted(own, y, scale, offset);
    let best:
      | { readonly part: Formula; readonly share: number; readonly slope: number; readonly rest: number }
      | undefined;
    for (let k = 0; k < PARTS_TRIED; k++) {
      const part = this.part();
      if (part.op === "constant" || part.size + formula.size + 3 > this.task.largest) continue;
      bench.work += bench.count * MATCH_WORK;
      const found = explained(base, bench.evaluate(part), wanted);
      if (found !== undefined && found.share > (best?.share ?? 0)) best = { part, ...found };
    }
    return best === undefined ? undefined : match.made(formula, best.part, best.slope, best.rest, scale);
  }

  breed(): void {
    const { largest } = this.task;
    if (this.hasAll && this.chance.float() < MATCHED_SHARE) {
      const made = this.matched();
      const formula = made === undefined ? undefined : viable(made, largest);
      if (formula !== undefined) this.offer(formula);
      return;
    }
    const made = child(this.parent().formula, this.parent().formula, this.alphabet, largest, this.chance);
    if (made !== undefined) this.offer(made);
  }
}

/** The island after one more epoch. */
export const advanced = (task: Task, island: Island): Island => {
  const chance = random(`${task.seed}/discover/${island.number}/${island.epoch}`);
  const epoch = new Epoch(task, island, chance);
  if (epoch.sizes.every((row) => row.length === 0)) epoch.people();
  // Every draw counts, so that an alphabet which has nothing more to offer ends the epoch too.
  for (let draws = 0; epoch.bench.work + draws * DRAW_WORK < task.work; draws++) {
    if (epoch.sizes.every((row) => row.length === 0)) epoch.people();
    else epoch.breed();
  }
  return {
    number: island.number,
    epoch: island.epoch + 1,
    age: island.age + 1,
    tried: island.tried + epoch.tried,
    sizes: epoch.sizes,
  };
};

/** What drawing a child costs, in additions. */
const DRAW_WORK = 2000;

/** The island with formulas from elsewhere, which keep their fits. */
export const joined = (task: Task, island: Island, comers: ReadonlyArray<Fitted>): Island => {
  const epoch = new Epoch(task, island, random("none"));
  for (const found of comers) {
    const row = epoch.sizes[found.formula.size - 1];
    if (row.length < task.kept || found.error < row[row.length - 1].error) epoch.keep(found, formOf(found.formula));
  }
  return { ...island, sizes: epoch.sizes };
};

/** As JSON. */
export const encodeFitted = ({ formula, scale, offset, error }: Fitted): Json => [
  encodeFormula(formula),
  scale + 0,
  offset + 0,
  error,
];

/** A fit of its JSON; throws EVOLUTION_STATE. */
export const decodeFitted = (json: Json, variables: number): Fitted => {
  if (!Array.isArray(json) || json.length !== 4 || !json.slice(1).every(Number.isFinite)) {
    throw badState({ reason: "a fitted formula is malformed" });
  }
  const [formula, scale, offset, error] = json as [Json, number, number, number];
  return { formula: decodeFormula(formula, variables), scale, offset, error };
};

/** As JSON. */
export const encodeIsland = ({ number, epoch, age, tried, sizes }: Island): Json => ({
  number,
  epoch,
  age,
  tried,
  sizes: sizes.map((row) => row.map(encodeFitted)),
});

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** An island of its JSON; throws EVOLUTION_STATE. */
export const decodeIsland = (json: Json, { columns, largest }: Pick<Task, "columns" | "largest">): Island => {
  const wrong = (reason: string) => badState({ reason: `an island ${reason}` });
  if (!isJsonObject(json)) throw wrong("is no object");
  const { number, epoch, age, tried, sizes } = json;
  if (![number, epoch, age, tried].every(isCount)) throw wrong("has malformed counts");
  if (!Array.isArray(sizes) || sizes.length !== largest || !sizes.every(Array.isArray)) {
    throw wrong(`has no rows of ${largest} sizes`);
  }
  return {
    number: number as number,
    epoch: epoch as number,
    age: age as number,
    tried: tried as number,
    sizes: sizes.map((row: ReadonlyArray<Json>, at) =>
      row.map((item) => {
        const found = decodeFitted(item, columns.length);
        if (found.formula.size !== at + 1) throw wrong("has a formula of another size than its row's");
        return found;
      })
    ),
  };
};
