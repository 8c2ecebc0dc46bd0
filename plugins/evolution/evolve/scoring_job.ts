/**
 * Scoring job: scores some genomes in a worker.
 *
 * Not a sandbox: what runs here is our own problems, and programs in our own interpreter with fuel. Invariant: a
 * genome's score depends on nothing but the genome and the work, so it does not matter in which worker, or beside which
 * others, it is scored.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import { decodeProgram, type Program, runNow, type RunResult, values } from "../../rmil/library.ts";
import { problemNamed } from "../problems/named.ts";

/** What a worker scores by. */
export type ScoringWork =
  | { readonly kind: "problem"; readonly problem: string; readonly objectives: number }
  | {
    readonly kind: "program";
    readonly genome: "reals" | "bits" | "permutation";
    readonly fuel: number;
    readonly program: string;
    readonly constraints?: string;
  };

/** Some genomes to score. */
export interface ScoringTask {
  /** By what. */
  readonly work: ScoringWork;
  /** The genomes, as numbers. */
  readonly genomes: ReadonlyArray<ReadonlyArray<number>>;
}

/** What scoring a genome gave. */
export interface Scored {
  /** Scores, or why there are none. */
  readonly scores: unknown;
  /** Steps taken. */
  readonly fuel: number;
}

type Score = (genome: ReadonlyArray<number>) => Scored;

const ofProblem = ({ problem, objectives }: Extract<ScoringWork, { readonly kind: "problem" }>): Score => {
  const found = problemNamed(problem, objectives)!;
  return (genome) => {
    const x = Float64Array.from(genome);
    return { scores: { objectives: found.evaluate(x), violation: found.violation?.(x) ?? 0 }, fuel: x.length };
  };
};

/** The programs of this worker, by their bytes: most tasks have the same. */
const decoded = new Map<string, Program>();

/** Programs remembered. */
const MOST_DECODED = 16;

const programOf = (hex: string): Program => {
  const known = decoded.get(hex);
  if (known !== undefined) return known;
  if (decoded.size >= MOST_DECODED) decoded.clear();
  const program = decodeProgram(Uint8Array.fromHex(hex));
  decoded.set(hex, program);
  return program;
};

type RunValue = RunResult["value"];

const VIEWS: { readonly [dtype: string]: (bytes: Uint8Array<ArrayBuffer>) => ReadonlyArray<number> } = {
  f64: ({ buffer }) => [...new Float64Array(buffer)],
  f32: ({ buffer }) => [...new Float32Array(buffer)],
  i64: ({ buffer }) => [...new BigInt64Array(buffer)].map(Number),
  i32: ({ buffer }) => [...new Int32Array(buffer)],
};

const numbersOf = (value: RunValue): ReadonlyArray<number> => {
  switch (value.k) {
    case "F64":
      return [values.toFloat64(value)];
    case "F32":
      return [values.toFloat32(value)];
    case "I64":
      return [Number(values.toBigInt(value))];
    case "Tuple":
      return value.items.flatMap(numbersOf);
    case "Tensor":
      // Copied, so that the view begins at a multiple of its element's size.
      return VIEWS[value.dtype]?.(value.bytes.slice()) ?? [NaN];
    default:
      return [NaN];
  }
};

const inputOf = (kind: string, genome: ReadonlyArray<number>): RunValue =>
  kind === "permutation"
    ? values.tensorValue("i64", [genome.length], new Uint8Array(BigInt64Array.from(genome, BigInt).buffer))
    : values.tensorValue("f64", [genome.length], new Uint8Array(Float64Array.from(genome).buffer));

const ofProgram = (work: Extract<ScoringWork, { readonly kind: "program" }>): Score => {
  const run = (hex: string, x: RunValue, fuel: number) => {
    const { root, symbols } = programOf(hex);
    const ran = runNow(root, symbols, { inputs: { x }, fuel });
    // A program that may only compute never waits, so it has always ended.
    return { numbers: numbersOf(ran!.value), fuelUsed: ran!.fuelUsed };
  };
  return (genome) => {
    const x = inputOf(work.genome, genome);
    try {
      const { numbers: objectives, fuelUsed } = run(work.program, x, work.fuel);
      if (work.constraints === undefined) return { scores: { objectives }, fuel: fuelUsed };
      const limits = run(work.constraints, x, work.fuel);
      const violation = limits.numbers.reduce((sum, value) => value <= 0 ? sum : sum + value, 0);
      return { scores: { objectives, violation }, fuel: fuelUsed + limits.fuelUsed };
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      return { scores: { failed: `${thrown.code}: ${thrown.message}` }, fuel: work.fuel };
    }
  };
};

/** Scores genomes, in their order. The one function of this module that workers are asked for. */
export const scoreGenomes = ({ work, genomes }: ScoringTask): ReadonlyArray<Scored> =>
  genomes.map(work.kind === "problem" ? ofProblem(work) : ofProgram(work));
