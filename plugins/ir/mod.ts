/**
 * The IR's handlers: text and JSON in, the library's functions, text and JSON out.
 *
 * Invariant: evaluation gives way between nodes, so that interruption and budgets act on long programs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Result from "effect/Result";
import type { Json } from "../../kernel/json.ts";
import { Budget } from "../../kernel/meter.ts";
import { jsonSchemaOf } from "../../kernel/operation.ts";
import { type Implementation, implementation } from "../../kernel/plugin.ts";
import { inSlices } from "../../kernel/slices.ts";
import { CONTROL } from "./control.ts";
import { costOf } from "./cost.ts";
import { type EvaluateOptions, evaluateSteps, type Evaluation } from "./evaluate.ts";
import { attemptEffect, attemptSteps, type IrFailure, locate } from "./failures.ts";
import { type Program, returnTypes } from "./graph.ts";
import { derivingHandlers } from "./handlers_derive.ts";
import { exchangeHandlers } from "./handlers_exchange.ts";
import { improvingHandlers } from "./handlers_improve.ts";
import { programDigest } from "./hash.ts";
import { tensorFromJson, type TensorJson, tensorToJson } from "./interchange.ts";
import { operations } from "./operations.ts";
import type { Primitive } from "./primitive.ts";
import { primitiveOf, PRIMITIVES } from "./primitives.ts";
import { parseProgram, printProgram } from "./text.ts";
import { printType } from "./types.ts";

const signatures = (program: Program) =>
  [...program.functions.values()].map((fn) => ({
    name: fn.name,
    parameters: fn.parameters.map(({ name, type }) => ({ name, type: printType(type) })),
    results: returnTypes(fn).map(printType),
    nodes: fn.nodes.length,
  }));

const readInputs = (inputs: ReadonlyArray<TensorJson>) =>
  inputs.map((input, i) => locate(`/inputs/${i}`, () => tensorFromJson(input, `/inputs/${i}`)));

/** Evaluates in steps between which the call may be interrupted; a refusal is the answer, not an exception. */
const evaluation = (
  text: string,
  inputs: ReadonlyArray<TensorJson>,
  options: EvaluateOptions,
): Generator<void, Result.Result<Evaluation, IrFailure>, void> =>
  attemptSteps(() => evaluateSteps(parseProgram(text), readInputs(inputs), options));

/** The fuel of a call: what was asked for, at most what its account has left. */
const boundedFuel = (asked: number | undefined, left: number): { readonly fuel: number } => ({
  fuel: Math.min(asked ?? left, left),
});

const rowJson = (row: Primitive) => ({
  name: row.name,
  doc: row.doc,
  operands: row.operands.map(({ name, takes }) => ({ name, takes })),
  variadic: row.variadic,
  attributes: jsonSchemaOf(row.attributes as never) as Json,
  gradient: typeof row.gradient === "function" ? "rule" : row.gradient.none,
  loop: row.loop,
});

/** The code behind the operations. */
const plugin: Implementation = implementation({
  operations,
  requires: [],
  layer: Layer.empty,
  handlers: {
    ...derivingHandlers,
    ...exchangeHandlers,
    ...improvingHandlers,
    "ir.parse": ({ program }) =>
      attemptEffect(() => {
        const parsed = parseProgram(program);
        return { entry: parsed.entry, functions: signatures(parsed), digest: programDigest(parsed) };
      }),
    "ir.print": ({ program }) => attemptEffect(() => ({ program: printProgram(parseProgram(program)) })),
    "ir.evaluate": ({ program, inputs, sizes, fuel, maxBytes }) =>
      Effect.gen(function* () {
        const account = yield* Budget;
        const options = {
          ...boundedFuel(fuel, account.remaining().fuel),
          ...(sizes === undefined ? {} : { sizes }),
          ...(maxBytes === undefined ? {} : { maxBytes }),
        };
        const made = yield* Effect.fromResult(yield* inSlices(() => evaluation(program, inputs, options)));
        yield* account.spend("fuel", made.fuelUsed);
        return { ...made, results: made.results.map(tensorToJson) };
      }),
    "ir.cost": ({ program, sizes }) => attemptEffect(() => costOf(parseProgram(program), sizes)),
    "ir.hash": ({ program }) => attemptEffect(() => ({ digest: programDigest(parseProgram(program)) })),
    "ir.primitives": ({ names }) =>
      attemptEffect(() => ({
        primitives: (names === undefined ? PRIMITIVES : names.map((name, i) => primitiveOf(name, `/names/${i}`))).map(
          rowJson,
        ),
        control: Object.entries(CONTROL).map(([name, { doc }]) => ({ name, doc })),
      })),
  },
});

export default plugin;
