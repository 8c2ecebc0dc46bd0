/**
 * Examples: columns of numbers, and programs of the language as tensor programs on them: what a search of programs begins
 * with.
 *
 * Invariant: whatever is evolved from a program takes the columns and gives one number a row.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { CapsOf } from "../../../kernel/authority.ts";
import type { CallContext } from "../../../kernel/context.ts";
import { type Failure, failureToJson, isFailure, type KernelFailure } from "../../../kernel/failure.ts";
import { escapePointer, type JsonObject } from "../../../kernel/json.ts";
import { decodeProgram, functionOf, printProgram, printType } from "../../ir/library.ts";
import { type Program as TensorProgram, returnTypes } from "../../ir/library.ts";
import { encodeProgram, type GivenProgram, liftProgram, lowerProgram, print } from "../../rmil/library.ts";
import { type Program, programFrom } from "../../rmil/library.ts";
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

/** A program on the columns of examples as a tensor program; throws EVOLUTION_OBJECTIVE where it is none that fits. */
const onColumns = ({ root, symbols }: Program, { columns, output }: ExamplesGiven, path: string): TensorProgram => {
  const refuse = (reason: string, more: { readonly actual?: JsonObject } = {}): never => {
    throw badObjective({ objective: EXAMPLES, reason, path, ...more });
  };
  const types = Object.fromEntries(
    Object.keys(columns).map((name) => [name, { k: "Tensor", dtype: "f32", shape: [output.length] } as const]),
  );
  const lowered = (() => {
    try {
      return lowerProgram(root, symbols, { inputs: types });
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      return refuse(thrown.message, { actual: failureToJson(thrown) as JsonObject });
    }
  })();
  const { program, parameters, output: form } = lowered;
  if (parameters.length > 0) refuse(`the program has parameters (${parameters[0].path}) that nothing sets`);
  const entry = functionOf(program);
  if (entry.parameters.some(({ name }) => !Object.hasOwn(columns, name))) refuse("the program draws");
  const [type, ...more] = returnTypes(entry);
  const fits = form === "tensor" && more.length === 0 && type.dtype === "f32" &&
    type.shape.join() === `${output.length}`;
  if (!fits) refuse(`the program gives ${printType(type)}, not one number for each of the ${output.length} rows`);
  return program;
};

/** Programs to begin with, on the columns of the objective's examples: what they became, and their bytes. */
export const planSeeds = (
  examples: ExamplesGiven | undefined,
  programs: ReadonlyArray<GivenProgram>,
): Effect.Effect<
  { readonly seeds: ReadonlyArray<TensorProgram>; readonly stored: ReadonlyArray<JsonObject> },
  EvolutionFailure | KernelFailure,
  CallContext | CapsOf<"readLocal">
> =>
  Effect.gen(function* () {
    if (examples === undefined) {
      return yield* badObjective({
        objective: "it",
        reason: "programs are scored by examples",
        path: "/objective",
        expected: { examples: { columns: { x: [1, 2] }, output: [2, 4] } },
      });
    }
    const fault = examplesFault(examples);
    if (fault !== undefined) return yield* fault;
    const read = yield* Effect.forEach(programs, (source, at) => {
      const path = `/over/programs/${at}`;
      return Effect.mapError(programFrom(source, path), unread(`program ${at}`, path));
    });
    const seeds = yield* attempting(() =>
      read.map((program, at) => onColumns(program, examples, `/over/programs/${at}`))
    );
    return { seeds, stored: read.map((program) => ({ hex: encodeProgram(program).toHex() })) };
  });

/** Most nodes of a program that is written in the language for an answer. */
const MAX_WRITTEN = 200;

/** A genome of programs as text: in the language where its ops say it, else as the tensor program that it is. */
export const writtenProgram = (base64: string): string => {
  const program = decodeProgram(Uint8Array.fromBase64(base64));
  try {
    if (functionOf(program).nodes.length > MAX_WRITTEN) return printProgram(program);
    const { root, symbols } = liftProgram(program);
    return print(root, symbols);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    return printProgram(program);
  }
};
