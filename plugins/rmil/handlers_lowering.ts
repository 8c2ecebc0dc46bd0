/**
 * Handlers between the language and the IR.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type IrFailure, parseProgram, printProgram, printType, programDigest } from "../ir/library.ts";
import { attempting } from "./attempting.ts";
import * as v2 from "./codec/v2.ts";
import { CARRIERS } from "./interpreter/run_value.ts";
import { liftProgram } from "./lowering/lift.ts";
import { lowerProgram } from "./lowering/program.ts";
import { type GivenProgram, programFrom } from "./program_source.ts";
import { print } from "./syntax/printer.ts";
import type { RmilFailure } from "./failures.ts";
import { readType } from "./value_json.ts";

interface LowerInput {
  readonly program: GivenProgram;
  readonly inputs?: { readonly [name: string]: string };
}

const lowered = ({ program: given, inputs = {} }: LowerInput) =>
  Effect.flatMap(programFrom(given), ({ root, symbols }) =>
    attempting<LoweredJson, RmilFailure>(() => {
      const types = Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, readType(name, text)]));
      const made = lowerProgram(root, symbols, { inputs: types });
      return {
        program: printProgram(made.program),
        digest: programDigest(made.program),
        inputs: made.inputs,
        parameters: made.parameters.map(({ path, name, needed: { dtype, shape } }) => ({
          path,
          name,
          type: printType({ dtype: CARRIERS[dtype], shape }),
        })),
        output: made.output as never,
      };
    }));

interface LoweredJson {
  readonly program: string;
  readonly digest: ReturnType<typeof programDigest>;
  readonly inputs: ReadonlyArray<string>;
  readonly parameters: ReadonlyArray<{ readonly path: string; readonly name: string; readonly type: string }>;
  readonly output: never;
}

const lifted = ({ program }: { readonly program: string }) =>
  attempting<
    { readonly source: string; readonly hex: string; readonly digest: ReturnType<typeof programDigest> },
    RmilFailure | IrFailure
  >(() => {
    const made = liftProgram(parseProgram(program));
    return {
      source: print(made.root, made.symbols),
      hex: v2.encodeProgram(made).toHex(),
      digest: v2.programDigest(made),
    };
  });

/** Handlers by operation id. */
export const loweringHandlers = {
  "rmil.lower": lowered,
  "rmil.lift": lifted,
} as const;
