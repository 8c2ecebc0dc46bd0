/**
 * Conform: one suite for every backend, with the reference as judge. Whatever a backend runs must come out right; what it
 * does not run it must refuse.
 *
 * Not a benchmark. The cases are families beside this file; tolerances are a table.
 * Invariant: the same backend and level give the same report; every failing case carries what reproduces it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Tensor } from "../../ir/contract.ts";
import {
  elements,
  evaluate,
  printProgram,
  printType,
  sameType,
  tensor,
  type TensorJson,
  tensorToJson,
} from "../../ir/library.ts";
import type { Backend, CompileOptions, Deviation } from "../contract.ts";
import type { BackendsFailure } from "../failures.ts";
import type { Case, Level } from "./case.ts";
import { elementwiseCases } from "./elementwise.ts";
import { movementCases } from "./movement.ts";
import { patternFamily } from "./pattern.ts";
import { reductionCases } from "./reduction.ts";
import { differenceOf } from "./tolerance.ts";
import { magnitudesOf } from "./values.ts";

/** A case that came out wrong. */
export interface Wrong {
  /** The case. */
  readonly name: string;
  /** What it is about. */
  readonly op: string;
  /** What is wrong, in words. */
  readonly reason: string;
  /** The program. */
  readonly program: string;
  /** Its inputs. */
  readonly inputs: ReadonlyArray<TensorJson>;
}

/** How a backend did. */
export interface Report {
  /** Cases tried. */
  readonly cases: number;
  /** Cases that came out right. */
  readonly passed: number;
  /** Cases refused as unsupported, by what they are about. */
  readonly refused: { readonly [op: string]: number };
  /** In what the backend says it differs, which was not held against it. */
  readonly deviations: ReadonlyArray<Deviation>;
  /** Cases that came out wrong. */
  readonly wrong: ReadonlyArray<Wrong>;
}

/** What is tried. */
export interface ConformOptions extends Pick<CompileOptions, "device" | "numerics" | "threads"> {
  /** How many cases. */
  readonly level?: Level;
  /** Only cases about these primitives, control nodes or patterns. */
  readonly ops?: ReadonlyArray<string>;
  /** Every so many cases only, from the first. */
  readonly every?: number;
}

/** Every case of a level. */
export const casesOf = (level: Level): ReadonlyArray<Case> => [
  ...elementwiseCases(level),
  ...movementCases(level),
  ...reductionCases(level),
  ...patternFamily(level),
];

const wrongOf = ({ name, op, program, inputs }: Case, reason: string): Wrong => ({
  name,
  op,
  reason,
  program: printProgram(program),
  inputs: inputs.map(tensorToJson),
});

/** What is wrong with results; undefined when nothing is. */
const faultOf = (
  tried: Case,
  results: ReadonlyArray<Tensor>,
  allowing: ReadonlyArray<Deviation>,
): string | undefined => {
  const { program, inputs, tolerance, wide } = tried;
  const expected = evaluate(program, inputs).results;
  if (results.length !== expected.length) return `it gave ${results.length} results instead of ${expected.length}`;
  const magnitudes = wide === undefined ? undefined : evaluate(wide, inputs.map(magnitudesOf)).results;
  for (const [i, want] of expected.entries()) {
    if (!sameType(want, results[i])) {
      return `result ${i} is ${printType(results[i])} instead of ${printType(want)}`;
    }
    const found = differenceOf(want, results[i], tolerance, magnitudes?.[i], allowing);
    if (found !== undefined) {
      return `element ${found.index} of result ${i} is ${found.actual} instead of ${found.expected}`;
    }
  }
  return undefined;
};

/** A case whose inputs hold ones in place of NaN. */
const withoutNan = (tried: Case): Case => ({
  ...tried,
  inputs: tried.inputs.map((input) =>
    tensor(input.dtype, input.shape, elements(input).map((value) => Number.isNaN(value) ? 1 : value))
  ),
});

type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "refused" }
  | { readonly kind: "wrong"; readonly reason: string };

const attempted = (
  backend: Backend,
  tried: Case,
  options: CompileOptions,
): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const refused = backend.unsupported(tried.program, options).length > 0;
    const ran = yield* Effect.result(Effect.scoped(Effect.gen(function* () {
      const executable = yield* backend.compile(tried.program, options);
      const first = yield* executable.step(tried.inputs);
      // A second step finds what the first one left behind.
      const second = yield* executable.step(tried.inputs);
      return [first, second];
    })) as Effect.Effect<ReadonlyArray<ReadonlyArray<Tensor>>, BackendsFailure>);
    if (Result.isFailure(ran)) {
      if (refused && ran.failure.code === "BACKENDS_UNSUPPORTED") return { kind: "refused" } as const;
      return { kind: "wrong", reason: `${ran.failure.code}: ${ran.failure.message}` } as const;
    }
    if (refused) return { kind: "wrong", reason: "it was called unsupported and ran" } as const;
    for (const [i, results] of ran.success.entries()) {
      const reason = faultOf(tried, results, backend.deviations ?? []);
      if (reason !== undefined) {
        return { kind: "wrong", reason: i === 0 ? reason : `in a second step, ${reason}` } as const;
      }
    }
    return { kind: "passed" } as const;
  });

/** Tries a backend. */
export const conform = (backend: Backend, options: ConformOptions = {}): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const { level = "quick", ops, every = 1, ...compile } = options;
    const about = casesOf(level).filter(({ op }) => ops === undefined || ops.includes(op));
    const cases = about.filter((_, index) => index % every === 0);
    let passed = 0;
    const refused: { [op: string]: number } = {};
    const wrong: Wrong[] = [];
    const deviations = backend.deviations ?? [];
    for (const given of cases) {
      const tried = deviations.includes("nanOrder") ? withoutNan(given) : given;
      const outcome = yield* attempted(backend, tried, compile);
      if (outcome.kind === "passed") passed++;
      else if (outcome.kind === "refused") refused[tried.op] = (refused[tried.op] ?? 0) + 1;
      else wrong.push(wrongOf(tried, outcome.reason));
    }
    return { cases: cases.length, passed, refused, deviations, wrong };
  });
