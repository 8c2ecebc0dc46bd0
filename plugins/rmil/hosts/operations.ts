/**
 * Host operations: operations of the system as host functions: a name, the operation behind it, where arguments go in its
 * input, where the result stands in its output, and the authorities it may use.
 *
 * Not a way around the gate: the run itself is granted what the functions declare, and a call from it can never do more.
 * Invariant: an operation that always needs what its function does not declare is refused before anything runs; values
 * cross as JSON by the declared types, both ways.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import {
  at,
  AUTHORITIES,
  type Authority,
  Budget,
  CallContext,
  type CallContextShape,
  type Failure,
  failureFromJson,
  type FailureOf,
  isJsonObject,
  type Json,
  type KernelFailure,
  pointerKeys,
  unknownOperation,
} from "../../../kernel/mod.ts";
import { attempting } from "../attempting.ts";
import { asScalar } from "../interpreter/run_value.ts";
import { failureAt } from "../program_source.ts";
import type { Symbols } from "../symbols.ts";
import { showType, type Type } from "../types.ts";
import { f32, f64, i64, NIL, symbolValue, toBigInt, toFloat32, toFloat64, tupleValue, type Value } from "../value.ts";
import { readType, showValue, tensorOf } from "../value_json.ts";
import { hostDenied, hostResult } from "./failures.ts";
import { type HostFunction, HostFunctions } from "./functions.ts";
import { RANGES } from "./types.ts";

/** What host functions may use: where programs only look, and where they act. Nothing widens what a process may do. */
export const HOST_LIMITS = {
  looking: { effects: ["readLocal"], kinds: ["agent", "time", "random"] },
  acting: { effects: ["readLocal", "writeLocal", "network"], kinds: ["agent", "time", "random", "llm", "learn"] },
} as const;

/** Whether programs only look, or act. */
export type HostUse = keyof typeof HOST_LIMITS;

type HostEffect = typeof HOST_LIMITS.acting.effects[number];
type HostKind = typeof HOST_LIMITS.acting.kinds[number];

/** Most host functions of one run. */
export const MAX_HOSTS = 64;

/** Longest text of a result that is shown in a failure. */
const MAX_SHOWN = 80;

const TypeText = Schema.String.annotate({ description: "a type such as f64 or f32[8,32]" });

const Pointer = (description: string) =>
  Schema.String.check(Schema.isPattern(/^(?:\/[^/]*)*$/u, { expected: "a JSON pointer" })).annotate({ description });

const hostsSchema = <const E extends HostEffect, const K extends HostKind>(
  { effects, kinds }: { readonly effects: ReadonlyArray<E>; readonly kinds: ReadonlyArray<K> },
) => {
  const given = Schema.Struct({
    operation: Schema.String.annotate({ description: "id of the operation behind it" }),
    takes: Schema.optionalKey(
      Schema.Array(Schema.Struct({
        type: TypeText,
        into: Pointer("where the argument goes in the operation's input, such as /query"),
      })).annotate({ description: "its arguments, in order" }),
    ),
    gives: Schema.Struct({
      type: TypeText,
      from: Schema.optionalKey(Pointer("where the result stands in the operation's output; all of it where absent")),
    }),
    input: Schema.optionalKey(
      Schema.Record(Schema.String, Schema.Json).annotate({ description: "the rest of the operation's input" }),
    ),
    effects: Schema.optionalKey(
      Schema.Array(Schema.Literals(effects)).annotate({ description: "effect classes it may use; none where absent" }),
    ),
    kinds: Schema.optionalKey(
      Schema.Array(Schema.Literals(kinds)).annotate({ description: "finer kinds it may use; none where absent" }),
    ),
  });
  return Schema.optionalKey(
    Schema.Record(Schema.String, given).check(Schema.isMaxProperties(MAX_HOSTS)).annotate({
      description: "operations that the program calls as functions, name(arguments)",
    }),
  );
};

/** Schema of the member `hosts` where programs only look. */
export const LookingHosts = hostsSchema(HOST_LIMITS.looking);

/** Schema of the member `hosts` where programs act. */
export const ActingHosts = hostsSchema(HOST_LIMITS.acting);

/** Host functions by the name that programs call them by. */
export type HostsGiven = NonNullable<typeof ActingHosts.Type>;

/** An operation as a host function, as a caller gives it. */
export type HostGiven = HostsGiven[string];

/** What can be wrong with host functions that a caller gives. */
export type HostFailure = FailureOf<`RMIL_${string}`> | KernelFailure;

/** What host functions may use, all together. */
export const hostAuthorities = (hosts: HostsGiven = {}): {
  readonly effects: ReadonlyArray<HostEffect>;
  readonly kinds: ReadonlyArray<HostKind>;
} => {
  const all = Object.values(hosts);
  const { effects, kinds } = HOST_LIMITS.acting;
  return {
    effects: effects.filter((name) => all.some(({ effects: own = [] }) => own.includes(name))),
    kinds: kinds.filter((name) => all.some(({ kinds: own = [] }) => own.includes(name))),
  };
};

/** The authorities that a run with host functions is granted. */
export const grantedTo = (hosts: HostsGiven = {}): ReadonlyArray<Authority> => {
  const { effects, kinds } = hostAuthorities(hosts);
  return [...effects, ...kinds];
};

const numberJson = (value: number): Json =>
  Number.isFinite(value) ? value : Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";

/** A value as the JSON that operations take: numbers, texts for symbols, lists for tuples, `{type, values}` for tensors. */
const toJson = (value: Value, symbols: Symbols): Json => {
  switch (value.k) {
    case "Nil":
      return null;
    case "Bool":
      return value.v;
    case "I64": {
      const exact = toBigInt(value);
      const near = Number(exact);
      return Number.isSafeInteger(near) ? near : String(exact);
    }
    case "F32":
      return numberJson(toFloat32(value));
    case "F64":
      return numberJson(toFloat64(value));
    case "Sym":
      return symbols.nameOf(value.sym) ?? String(value.sym);
    case "Tuple":
      return value.items.map((item) => toJson(item, symbols));
    case "Tensor":
      return showValue(value, symbols) as Json;
  }
};

const NUMBERS: { readonly [text: string]: number } = { nan: NaN, inf: Infinity, "-inf": -Infinity };

const integerOf = (json: Json): Value | undefined => {
  if (typeof json === "number") return Number.isSafeInteger(json) ? i64(json) : undefined;
  if (typeof json !== "string" || !/^-?\d{1,19}$/u.test(json)) return undefined;
  const value = BigInt(json);
  return value === BigInt.asIntN(64, value) ? i64(value) : undefined;
};

const floatOf = (json: Json, isWide: boolean): Value | undefined => {
  const value = typeof json === "number" ? json : typeof json === "string" ? NUMBERS[json] : undefined;
  return value === undefined ? undefined : isWide ? f64(value) : f32(value);
};

/** A tensor without axes as a scalar. */
const scalarOf = (json: Json): Value | undefined => {
  const found = tensorOf(json);
  return found?.k === "Tensor" ? asScalar(found) as Value : found;
};

/** What JSON says by itself, where no type tells. */
const plainly = (json: Json, symbols: Symbols): Value | undefined => {
  if (json === null) return NIL;
  if (typeof json === "boolean") return { k: "Bool", v: json };
  if (typeof json === "string") return symbolValue(symbols.intern(json));
  if (typeof json === "number") return integerOf(json) ?? f64(json);
  if (!Array.isArray(json)) return tensorOf(json);
  const items = json.map((item) => plainly(item, symbols));
  return items.every((item) => item !== undefined) ? tupleValue(items) : undefined;
};

/** The value that JSON says under a declared type; `undefined` where it says none. */
const fromJson = (type: Type, json: Json, symbols: Symbols): Value | undefined => {
  switch (type.k) {
    case "Void":
      return NIL;
    case "Scalar":
      if (isJsonObject(json)) return scalarOf(json);
      if (type.dtype === "b1") return typeof json === "boolean" ? { k: "Bool", v: json } : undefined;
      return RANGES[type.dtype] === undefined ? floatOf(json, type.dtype === "f64") : integerOf(json);
    case "Sym":
      return typeof json === "string" ? symbolValue(symbols.intern(json)) : undefined;
    case "Tensor":
      return tensorOf(json);
    case "Tuple": {
      if (!Array.isArray(json) || json.length !== type.items.length) return undefined;
      const items = json.map((item, i) => fromJson(type.items[i], item, symbols));
      return items.every((item) => item !== undefined) ? tupleValue(items) : undefined;
    }
    case "Union":
      return type.items.map((item) => fromJson(item, json, symbols)).find((value) => value !== undefined);
    default:
      return plainly(json, symbols);
  }
};

/** A document with a value at a place; objects on the way are made where they are not there. */
const placed = (document: Json | undefined, keys: ReadonlyArray<string>, value: Json): Json => {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(document)) {
    return document.map((item, index) => String(index) === key ? placed(item, rest, value) : item);
  }
  const known = isJsonObject(document) ? document : {};
  return { ...known, [key]: placed(Object.hasOwn(known, key) ? known[key] : undefined, rest, value) };
};

/** The failure of a function that does not declare what its operation always needs, and what mends it. */
const undeclared = (
  name: string,
  missing: ReadonlyArray<Authority>,
  described: Described,
  use: HostUse,
): HostFailure => {
  const path = `/hosts/${name}`;
  const [here, anywhere] = [HOST_LIMITS[use], HOST_LIMITS.acting].map(({ effects, kinds }) =>
    new Set<string>([...effects, ...kinds])
  );
  const beyond = missing.find((authority) => !here.has(authority));
  const [authority] = beyond === undefined ? missing : [beyond];
  const patch = (["effects", "kinds"] as const).filter((member) => described[member].length > 0).map((member) => ({
    op: "add" as const,
    path: `${path}/${member}`,
    value: described[member],
  }));
  const fix = beyond === undefined
    ? { summary: `Declare that ${name} may use ${missing.join(", ")}`, patch }
    : { summary: anywhere.has(beyond) ? "Call rmil.act with the same input" : `Leave ${name} out` };
  return hostDenied({ name, authority, path, expected: authority, fix });
};

type Described = {
  readonly effects: ReadonlyArray<string>;
  readonly kinds: ReadonlyArray<string>;
  readonly refined: boolean;
};

/** Refuses a function over an operation that is not there, or that always needs more than the function declares. */
const permitted = (
  call: CallContextShape,
  name: string,
  { operation, effects = [], kinds = [] }: HostGiven,
  use: HostUse,
): Effect.Effect<void, HostFailure> =>
  Effect.gen(function* () {
    const path = `/hosts/${name}/operation`;
    const answer = yield* call.invoke("kernel.describe", { id: operation }).pipe(
      Effect.mapError((failed) =>
        failed.actual === undefined ? failed : failureAt(failureFromJson(failed.actual), path) as KernelFailure
      ),
    );
    const isOperation = isJsonObject(answer) && Array.isArray(answer.effects);
    if (!isOperation) return yield* unknownOperation({ id: operation, path, actual: operation, suggestions: [] });
    const described = answer as unknown as Described;
    // What depends on the input is decided at the call.
    if (described.refined) return;
    const declared: ReadonlyArray<string> = [...effects, ...kinds];
    const needed = [...described.effects, ...described.kinds];
    const missing = AUTHORITIES.filter((authority) => needed.includes(authority) && !declared.includes(authority));
    if (missing.length > 0) return yield* undeclared(name, missing, described, use);
  });

const functionOf = (
  call: CallContextShape,
  timeLimitMs: number,
  name: string,
  given: HostGiven,
  symbols: Symbols,
): HostFunction => {
  const path = `/hosts/${name}`;
  const { operation, takes = [], gives, input = {} } = given;
  const output = readType(name, gives.type, `${path}/gives/type`);
  const places = takes.map(({ into }) => pointerKeys(into));
  return {
    name,
    doc: `The operation ${operation}.`,
    inputs: takes.map(({ type }, i) => readType(name, type, `${path}/takes/${i}/type`)),
    output,
    effects: given.effects ?? [],
    kinds: given.kinds ?? [],
    timeLimitMs,
    run: (args) => {
      const asked = places.reduce<Json>((document, keys, i) => placed(document, keys, toJson(args[i], symbols)), input);
      return Effect.flatMap(call.invoke(operation, asked), (answer): Effect.Effect<Value, Failure> => {
        const found = at(answer, gives.from ?? "");
        const value = found === undefined ? undefined : fromJson(output, found, symbols);
        if (value !== undefined) return Effect.succeed(value);
        const wanted = showType(output);
        return Effect.fail(
          hostResult({
            name,
            wanted,
            found: found === undefined ? "absent" : JSON.stringify(found).slice(0, MAX_SHOWN),
            expected: wanted,
          }),
        );
      });
    },
  };
};

/** The host functions of a call, over the names of the program that will call them. */
export const hostsFrom = (
  given: HostsGiven | undefined,
  symbols: Symbols,
  use: HostUse,
): Effect.Effect<HostFunctions, HostFailure, CallContext | Budget> =>
  Effect.gen(function* () {
    const functions = new HostFunctions();
    const call = yield* CallContext;
    const { wallMs } = (yield* Budget).remaining();
    for (const [name, host] of Object.entries(given ?? {})) {
      yield* permitted(call, name, host, use);
      yield* attempting(() => functions.register(functionOf(call, wallMs, name, host, symbols)));
    }
    return functions;
  });
