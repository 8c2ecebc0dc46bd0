/**
 * Examples: columns of numbers, and programs of the language on them: what a search of programs begins with.
 *
 * Invariant: whatever is evolved from a program takes the columns and gives one number a row.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { CapsOf } from "../../../kernel/authority.ts";
import type { CallContext } from "../../../kernel/context.ts";
import { type Failure, failureToJson, type KernelFailure } from "../../../kernel/failure.ts";
import { escapePointer, type JsonObject } from "../../../kernel/json.ts";
import { checkAll, decodeProgram, type GivenProgram, print, type Program, programFrom } from "../../rmil/library.ts";
import { showType, type Type } from "../../rmil/library.ts";
import { attempting } from "../attempting.ts";
import { badObjective, type EvolutionFailure, overLimit } from "../failures.ts";

/** Columns of numbers, and the column that a program of them is to give. */
export interface ExamplesGiven {
  /** Columns by name. */
  readonly columns: { readonly [name: string]: ReadonlyArray<number> };
  /** What is to be given, row by row. */
  readonly output: ReadonlyArray<number>;
}

/** Most rows of examples. */
export const MAX_EXAMPLES = 10_000;

const Column = Schema.Array(Schema.Finite).check(Schema.isMinLength(1));

/** Schema of {@link ExamplesGiven}. */
export const ExamplesGiven: Schema.Codec<ExamplesGiven> = Schema.Struct({
  columns: Schema.Record(Schema.String, Column).annotate({ description: "columns that programs read by name" }),
  output: Column.annotate({ description: "what they are to give, row by row" }),
}).annotate({
  description: "of programs: the mean of squared errors is minimised",
}) as unknown as Schema.Codec<ExamplesGiven>;

/** A failure of reading a program as one of ours; those of the kernel stay what they are. */
export const unread = (objective: string, path: string) => (failure: Failure): EvolutionFailure | KernelFailure =>
  failure.code.startsWith("KERNEL_") ? failure as KernelFailure : badObjective({
    objective,
    reason: failure.message,
    path: failure.path.startsWith(path) ? failure.path : path,
    actual: failureToJson(failure),
    ...(failure.fix === undefined ? {} : { fix: failure.fix }),
  });

const EXAMPLES = "examples";

/** What is wrong with examples, if anything. */
const examplesFault = ({ columns, output }: ExamplesGiven): EvolutionFailure | undefined => {
  const names = Object.keys(columns);
  const other = names.find((name) => columns[name].length !== output.length);
  const refuse = (reason: string, path: string) =>
    badObjective({ objective: EXAMPLES, reason, path: `/objective/examples${path}` });
  if (names.length === 0) return refuse("they have no columns", "/columns");
  if (output.length > MAX_EXAMPLES) {
    const path = "/objective/examples/output";
    return overLimit({ what: "rows of examples", limit: MAX_EXAMPLES, found: output.length, path });
  }
  if (other === undefined) return undefined;
  return refuse(
    `the column ${other} has ${columns[other].length} rows, the output ${output.length}`,
    `/columns/${escapePointer(other)}`,
  );
};

/** The types of the columns of examples. */
export const typesOf = ({ columns, output }: ExamplesGiven): { readonly [name: string]: Type } =>
  Object.fromEntries(
    Object.keys(columns).map((name) => [name, { k: "Tensor", dtype: "f32", shape: [output.length] }]),
  );

/** Throws EVOLUTION_OBJECTIVE where a program is none from columns to one number a row. */
const checkOnColumns = ({ root, symbols }: Program, examples: ExamplesGiven, path: string): void => {
  const refuse = (reason: string, more: { readonly actual?: JsonObject } = {}): never => {
    throw badObjective({ objective: EXAMPLES, reason, path, ...more });
  };
  const { judgement, faults: [fault] } = checkAll(root, symbols, { inputs: typesOf(examples) });
  if (judgement === undefined) {
    refuse(fault.failure.message, { actual: failureToJson(fault.failure) as JsonObject });
  }
  const { type, parameters, effects, kinds } = judgement!;
  const [right] = [...effects, ...kinds];
  if (right !== undefined) refuse(`the program needs ${right}: what is evolved may only compute`);
  if (parameters.length > 0) refuse(`the program has parameters (${parameters[0].path}) that nothing sets`);
  const rows = examples.output.length;
  const fits = type.k === "Tensor" && type.dtype === "f32" && type.shape.join() === `${rows}`;
  if (!fits) refuse(`the program gives ${showType(type)}, not one number for each of the ${rows} rows`);
};

/** Programs to begin with, on the columns of the objective's examples. */
export const planSeeds = (
  examples: ExamplesGiven | undefined,
  programs: ReadonlyArray<GivenProgram>,
): Effect.Effect<
  { readonly seeds: ReadonlyArray<Program>; readonly inputs: { readonly [name: string]: Type } },
  EvolutionFailure | KernelFailure,
  CallContext | CapsOf<"readLocal">
> =>
  Effect.gen(function* () {
    if (examples === undefined) {
      return yield* badObjective({
        objective: "the objective",
        reason: "programs are scored by examples alone",
        path: "/objective",
        expected: { examples: { columns: { x: [1, 2] }, output: [2, 4] } },
      });
    }
    const fault = examplesFault(examples);
    if (fault !== undefined) return yield* fault;
    const seeds = yield* Effect.forEach(programs, (source, at) => {
      const path = `/over/programs/${at}`;
      return Effect.mapError(programFrom(source, path), unread(`program ${at}`, path));
    });
    yield* attempting(() => seeds.forEach((seed, at) => checkOnColumns(seed, examples, `/over/programs/${at}`)));
    return { seeds, inputs: typesOf(examples) };
  });

/** A genome of programs as source text. */
export const writtenProgram = (base64: string): string => {
  const { root, symbols } = decodeProgram(Uint8Array.fromBase64(base64));
  return print(root, symbols);
};
