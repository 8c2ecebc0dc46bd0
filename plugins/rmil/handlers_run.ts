/**
 * Handlers of check and run: text and JSON in, the library's functions, text and JSON out.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Failure, isFailure } from "../../kernel/failure.ts";
import { Budget } from "../../kernel/meter.ts";
import { attempt, tensorFromJson, tensorToJson } from "../ir/library.ts";
import { check, type Judgement } from "./check.ts";
import { repairOf } from "./check/repair.ts";
import { DTYPES, isDtype } from "./dtype.ts";
import { type Expression, Tag } from "./expression.ts";
import { badInput, fieldsOf } from "./interpreter/failures.ts";
import { attempting } from "./handlers_language.ts";
import { run } from "./interpreter.ts";
import {
  asScalar,
  CARRIERS,
  describeValue,
  fromIr,
  runTuple,
  type RunValue,
  scalarTensor,
  toIr,
} from "./interpreter/run_value.ts";
import type { ValueJson } from "./operations_run.ts";
import { type GivenProgram, programOf } from "./program_source.ts";
import { parse } from "./syntax/parser.ts";
import { print } from "./syntax/printer.ts";
import type { Symbols } from "./symbols.ts";
import { showType, type Type } from "./types.ts";

/** Deepest tuple of an input. */
export const MAX_INPUT_DEPTH = 64;

/** A type from its text, as a lambda's parameter would be annotated. */
const readType = (name: string, text: string): Type => {
  const refuse = (reason: string) =>
    badInput({ input: name, reason, path: `/inputs/${name}`, expected: "a type such as f32[8,32]", actual: text });
  let root;
  try {
    root = parse(`\\(x: ${text}) -> nil`).root;
  } catch {
    throw refuse(`"${text}" is no type`);
  }
  if (root.tag !== Tag.Lam || root.parameters.length !== 1 || root.children[0].tag !== Tag.Lit) {
    throw refuse(`"${text}" is no type`);
  }
  return root.parameters[0].type;
};

const TYPE = /^([a-z0-9]+)(?:\[([0-9, ]*)\])?$/u;

const readTensor = (name: string, json: Extract<ValueJson, { readonly type: string }>): RunValue => {
  const [, dtype = "", sizes] = TYPE.exec(json.type) ?? [];
  if (!isDtype(dtype)) {
    const expected = Object.keys(DTYPES);
    throw badInput({
      input: name,
      reason: `"${json.type}" is no type of a value`,
      path: `/inputs/${name}/type`,
      expected,
    });
  }
  const type = `${CARRIERS[dtype]}[${sizes ?? ""}]`;
  const made = attempt(() => fromIr(tensorFromJson({ type, values: json.values }, `/inputs/${name}`), dtype));
  if (Result.isFailure(made)) {
    throw badInput({ input: name, reason: made.failure.message, path: made.failure.path || `/inputs/${name}` });
  }
  return sizes === undefined ? asScalar(made.success) : made.success;
};

const readValue = (name: string, json: ValueJson, symbols: Symbols, depth = 0): RunValue => {
  if (depth > MAX_INPUT_DEPTH) throw badInput({ input: name, reason: `it nests deeper than ${MAX_INPUT_DEPTH}` });
  if (json === null) return { k: "Nil" };
  if (typeof json === "boolean") return { k: "Bool", v: json };
  if ("sym" in json) return { k: "Sym", sym: symbols.intern(json.sym) };
  if ("tuple" in json) return runTuple(json.tuple.map((item) => readValue(name, item, symbols, depth + 1)));
  if ("text" in json) throw badInput({ input: name, reason: "a description is no value", path: `/inputs/${name}` });
  return readTensor(name, json);
};

const showValue = (value: RunValue, symbols: Symbols): ValueJson => {
  if (value.k === "Nil") return null;
  if (value.k === "Bool") return value.v;
  if (value.k === "Sym") return { sym: symbols.nameOf(value.sym) ?? String(value.sym) };
  if (value.k === "Tuple") return { tuple: value.items.map((item) => showValue(item, symbols)) };
  const tensor = scalarTensor(value);
  if (tensor === undefined) return { text: describeValue(value) };
  const type = value.k === "Tensor" ? `${tensor.dtype}[${tensor.shape.join(",")}]` : tensor.dtype;
  return { type, values: tensorToJson(toIr(tensor)).values };
};

/** Checks; a failure that an edit mends carries the edit, as a patch where the program was given as text. */
const mending = (
  root: Expression,
  symbols: Symbols,
  isText: boolean,
  judge: (program: Expression) => Judgement,
): Judgement => {
  try {
    return judge(root);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    const repair = repairOf(root, symbols, thrown, judge);
    if (repair === undefined) throw thrown;
    const value = print(repair.program, symbols);
    const patch = isText ? { patch: [{ op: "replace" as const, path: "/program/source", value }] } : {};
    throw new Failure({ ...fieldsOf(thrown), fix: { summary: repair.summary, ...patch } } as never);
  }
};

const judged = (
  input: {
    readonly program: GivenProgram;
    readonly inputs?: { readonly [name: string]: string };
    readonly training?: boolean;
  },
) => {
  const { root, symbols } = programOf(input.program);
  const inputs = Object.fromEntries(
    Object.entries(input.inputs ?? {}).map(([name, text]) => [name, readType(name, text)]),
  );
  const judge = (program: Expression) => check(program, symbols, { inputs, training: input.training ?? false });
  const made = mending(root, symbols, "source" in input.program, judge);
  return {
    ...made,
    type: showType(made.type),
    parameters: made.parameters.map((parameter) => ({ ...parameter, type: showType(parameter.type) })),
  };
};

const ran = (
  input: {
    readonly program: GivenProgram;
    readonly inputs?: { readonly [name: string]: ValueJson };
    readonly seed?: number;
    readonly fuel?: number;
    readonly training?: boolean;
  },
) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const prepared = yield* attempting(() => {
      const { root, symbols } = programOf(input.program);
      const entries = Object.entries(input.inputs ?? {});
      return {
        root,
        symbols,
        inputs: Object.fromEntries(entries.map(([name, json]) => [name, readValue(name, json, symbols)])),
      };
    });
    const left = account.remaining().fuel;
    const { value, fuelUsed } = yield* run(prepared.root, prepared.symbols, {
      inputs: prepared.inputs,
      seed: input.seed ?? 0,
      fuel: Math.min(input.fuel ?? left, left),
      training: input.training ?? false,
    }) as Effect.Effect<
      { readonly value: RunValue; readonly fuelUsed: number },
      Failure & { readonly code: "RMIL_DOMAIN" }
    >;
    yield* account.spend("fuel", fuelUsed);
    return { value: showValue(value, prepared.symbols), fuelUsed };
  });

/** The handlers. */
export const runHandlers = {
  "rmil.check": (input: Parameters<typeof judged>[0]) => attempting(() => judged(input)),
  "rmil.run": ran,
};
