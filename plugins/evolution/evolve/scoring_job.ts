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
import { decodeProgram, nodeCount, type Program, runNow, type RunResult, values } from "../../rmil/library.ts";
import { problemNamed } from "../problems/named.ts";
import type { Plain } from "./genomes.ts";

/** What a worker scores by. */
export type ScoringWork =
  | { readonly kind: "problem"; readonly problem: string; readonly objectives: number }
  | {
    readonly kind: "program";
    readonly genome: "reals" | "bits" | "permutation";
    readonly fuel: number;
    readonly program: string;
    readonly constraints?: string;
    readonly descriptor?: string;
  }
  | {
    readonly kind: "examples";
    readonly columns: { readonly [name: string]: ReadonlyArray<number> };
    readonly output: ReadonlyArray<number>;
    readonly size: boolean;
    readonly fuel: number;
  };

/** Bytes that a program may hold on its examples. */
const MAX_BYTES = 67_108_864;

/** Some genomes to score. */
export interface ScoringTask {
  /** By what. */
  readonly work: ScoringWork;
  /** The genomes. */
  readonly genomes: ReadonlyArray<Plain>;
}

/** What scoring a genome gave. */
export interface Scored {
  /** Scores, or why there are none. */
  readonly scores: unknown;
  /** Steps taken. */
  readonly fuel: number;
}

type Score = (genome: Plain) => Scored;
type Work<Kind> = Extract<ScoringWork, { readonly kind: Kind }>;

const numbersIn = (genome: Plain): ReadonlyArray<number> => genome as ReadonlyArray<number>;

const ofProblem = ({ problem, objectives }: Work<"problem">): Score => {
  const found = problemNamed(problem, objectives)!;
  return (genome) => {
    const x = Float64Array.from(numbersIn(genome));
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

const ofProgram = (work: Work<"program">): Score => {
  const run = (hex: string, x: RunValue, fuel: number) => {
    const { root, symbols } = programOf(hex);
    const ran = runNow(root, symbols, { inputs: { x }, fuel });
    // A program that may only compute never waits, so it has always ended.
    return { numbers: numbersOf(ran!.value), fuelUsed: ran!.fuelUsed };
  };
  return (genome) => {
    const x = inputOf(work.genome, numbersIn(genome));
    try {
      const { numbers: objectives, fuelUsed } = run(work.program, x, work.fuel);
      const of = (hex: string | undefined) => hex === undefined ? undefined : run(hex, x, work.fuel);
      const [limits, behaviour] = [of(work.constraints), of(work.descriptor)];
      const violation = limits?.numbers.reduce((sum, value) => value <= 0 ? sum : sum + value, 0) ?? 0;
      const descriptor = behaviour === undefined ? {} : { descriptor: behaviour.numbers };
      return {
        scores: { objectives, violation, ...descriptor },
        fuel: fuelUsed + (limits?.fuelUsed ?? 0) + (behaviour?.fuelUsed ?? 0),
      };
    } catch (thrown) {
      return failedBy(thrown, work.fuel);
    }
  };
};

const failedBy = (thrown: unknown, fuel: number): Scored => {
  if (!isFailure(thrown)) throw thrown;
  return { scores: { failed: `${thrown.code}: ${thrown.message}` }, fuel };
};

const columnOf = (column: ReadonlyArray<number>): RunValue =>
  values.tensorValue("f32", [column.length], new Uint8Array(Float32Array.from(column).buffer));

/** Scores programs by the mean of their squared errors on examples, and by their nodes where that is asked for. */
const byExamples = ({ columns, output, size, fuel }: Work<"examples">): Score => {
  const inputs = Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, columnOf(column)]));
  return (genome) => {
    const { root, symbols } = decodeProgram(Uint8Array.fromBase64(genome as string));
    try {
      const ran = runNow(root, symbols, { inputs, fuel, maxBytes: MAX_BYTES })!;
      const found = numbersOf(ran.value);
      const error = output.reduce((sum, value, k) => sum + (found[k] - value) ** 2, 0) / output.length;
      return { scores: { objectives: size ? [error, nodeCount(root)] : [error] }, fuel: ran.fuelUsed };
    } catch (thrown) {
      return failedBy(thrown, fuel);
    }
  };
};

const SCORES: { readonly [Kind in ScoringWork["kind"]]: (work: never) => Score } = {
  problem: ofProblem,
  program: ofProgram,
  examples: byExamples,
};

/** Scores genomes, in their order. The one function of this module that workers are asked for. */
export const scoreGenomes = ({ work, genomes }: ScoringTask): ReadonlyArray<Scored> =>
  genomes.map(SCORES[work.kind](work as never));
