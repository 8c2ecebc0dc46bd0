/**
 * Reverse control: the backward halves of `scan`, `if` and `call`, each a function of cotangents and residuals.
 *
 * Not `while`, which has no backward of its own (reverse.ts makes a scan of it).
 * Invariant: the forward half computes what the original node computes and returns, after its results, exactly the
 * residuals that the backward half needs; nothing is kept for values without a cotangent.
 *
 * @module
 */
import { type FunctionBuilder, openSizes, type ProgramBuilder, Value } from "../builder.ts";
import { bindCall } from "../control.ts";
import { type Dimension, substitute } from "../dimension.ts";
import type { IrFunction } from "../graph.ts";
import { isFloat, printType, type TensorType } from "../types.ts";
import type { Mask } from "./activity.ts";
import { type Origins, type Residual, Residuals } from "./residuals.ts";
import { accumulate, type Parts, playBack, type Step } from "./tape.ts";

/** What a body computes: on a tape, or without one where nothing will pass back through it. */
export type Body = (
  g: FunctionBuilder,
  args: ReadonlyArray<Value>,
  tape: Step[] | undefined,
) => ReadonlyArray<Value>;

/** What one differentiation shares. */
export interface Shared {
  /** Values that cotangents are made for. */
  readonly active: Set<Value>;
  /** What may be computed again. */
  readonly origins: Origins;
  /** Where functions go. */
  readonly made: ProgramBuilder;
}

const indices = (count: number, holds: (i: number) => boolean): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => i).filter(holds);

const orZeros = (h: FunctionBuilder, cotangent: Value | undefined, type: TensorType): Value =>
  cotangent ?? h.full(type, 0);

/** Cotangents of returned values; one that is returned twice gets both. */
const seedsOf = (
  b: FunctionBuilder,
  active: ReadonlySet<Value>,
  pairs: ReadonlyArray<readonly [Value, Value]>,
): ReadonlyMap<Value, Value> => {
  const seeds = new Map<Value, Value>();
  for (const [of, cotangent] of pairs) if (active.has(of)) accumulate(b, seeds, of, cotangent);
  return seeds;
};

const unique = (values: ReadonlyArray<Value>): ReadonlyArray<Value> => [...new Set(values)];

/** A scan to differentiate. */
export interface ScanNode {
  /** Carried, scanned and constant operands. */
  readonly operands: ReadonlyArray<Value>;
  /** How many are carried. */
  readonly carry: number;
  /** How many are scanned. */
  readonly scanned: number;
  /** Number of rows. */
  readonly length: Dimension;
  /** Whether it starts from the last row. */
  readonly reverse: boolean;
  /** Carried values that get a cotangent. */
  readonly carried: Mask;
  /** Stacked results that may get one. */
  readonly stacked: Mask;
  /** Whether the backward turn runs the forward turn again instead of keeping its values. */
  readonly again: boolean;
}

const rowType = ({ dtype, shape }: TensorType): TensorType => ({ dtype, shape: shape.slice(1) });

/** A scan with its backward half: the same number of turns from the other end. */
export const scanStep = (
  g: FunctionBuilder,
  node: ScanNode,
  body: Body,
  { active, origins }: Shared,
  location: string,
): { readonly results: ReadonlyArray<Value>; readonly step: Step } => {
  const { operands, carry, scanned, length, reverse } = node;
  const f = g.inner("scan");
  const carried = operands.slice(0, carry).map((value, i) => f.parameter(`carry${i}`, value.type));
  const sources = operands.slice(carry, carry + scanned);
  const rows = sources.map((value, i) => f.parameter(`row${i}`, rowType(value.type)));
  const constants = operands.slice(carry + scanned);
  const usefulCarry = indices(carry, (i) => node.carried[i]);
  usefulCarry.forEach((i) => active.add(carried[i]));
  rows.forEach((row, i) => active.has(sources[i]) && active.add(row));
  const args = [...carried, ...rows, ...constants];
  const ahead: Step[] = [];
  const out = body(f, args, node.again ? undefined : ahead);

  const residuals = new Residuals(f, origins);
  const b = g.inner("back", residuals.foreign);
  residuals.usedBy(b);
  const ends = node.again ? body(b, args, ahead) : out;
  const usefulRows = indices(node.stacked.length, (i) => node.stacked[i] && active.has(ends[carry + i]));
  const carryCotangents = usefulCarry.map((i) => new Value(b, carried[i].type));
  const rowCotangents = usefulRows.map((i) => new Value(b, ends[carry + i].type));
  const seeds = seedsOf(b, active, [
    ...usefulCarry.map((i, k) => [ends[i], carryCotangents[k]] as const),
    ...usefulRows.map((i, k) => [ends[carry + i], rowCotangents[k]] as const),
  ]);
  const cotangents = playBack(b, ahead, active, seeds);
  const next = usefulCarry.map((i) => orZeros(b, cotangents.get(carried[i]), carried[i].type));
  const outer = unique(constants).filter((value) => cotangents.has(value));
  const sums = outer.map((value) => new Value(b, value.type));
  const grown = outer.map((value, k) => b.add(sums[k], cotangents.get(value)!));
  const reached = indices(scanned, (i) => cotangents.has(rows[i]));
  const results = [...next, ...grown, ...reached.map((i) => cotangents.get(rows[i])!)];
  const saved = residuals.neededBy(results);
  [...carryCotangents, ...sums].forEach((value, i) => b.adopt(`cotangent${i}`, value));
  rowCotangents.forEach((value, i) => b.adopt(`stacked${i}`, value));
  saved.forEach(({ inner }, i) => b.adopt(`saved${i}`, inner));

  const stacks = [...out.slice(carry)];
  const places = saved.map(({ forward }) => {
    if (rows.includes(forward)) return sources[rows.indexOf(forward)];
    if (!stacks.includes(forward)) stacks.push(forward);
    return carry + stacks.indexOf(forward);
  });
  const there = g.close([{ g: f, results: [...out.slice(0, carry), ...stacks] }]);
  const attributes = { length, reverse, carry, scanned, sizes: there.sizes };
  const all = g.emitNode("scan", [...operands.slice(0, carry + scanned), ...there.captured], attributes, there.names);
  const kept = places.map((place) => typeof place === "number" ? all[place] : place);
  const back = g.close([{ g: b, results }]);
  const backward = (h: FunctionBuilder, given: ReadonlyArray<Value | undefined>): Parts => {
    const starts = [
      ...usefulCarry.map((i) => orZeros(h, given[i], carried[i].type)),
      ...outer.map((value) => h.full(value.type, 0)),
    ];
    const scannedBack = [...usefulRows.map((i) => orZeros(h, given[carry + i], all[carry + i].type)), ...kept];
    const made = h.emitNode("scan", [...starts, ...scannedBack, ...back.captured], {
      length,
      reverse: !reverse,
      carry: starts.length,
      scanned: scannedBack.length,
      sizes: back.sizes,
    }, back.names);
    const owners = [...usefulCarry.map((i) => operands[i]), ...outer, ...reached.map((i) => sources[i])];
    return owners.map((value, i) => [value, made[i]] as const);
  };
  const shown = all.slice(0, out.length);
  usefulCarry.forEach((i) => active.add(shown[i]));
  usefulRows.forEach((i) => active.add(shown[carry + i]));
  return { results: shown, step: { location, results: shown, backward } };
};

/** Gives residuals of two branches places they share, by type; a branch without one for a place leaves it to zeros. */
const shareSlots = (branches: ReadonlyArray<ReadonlyArray<Residual>>) => {
  const types: TensorType[] = [];
  const places = branches.map((saved) => {
    const taken = new Set<number>();
    return saved.map(({ forward }) => {
      const text = printType(forward.type);
      let slot = types.findIndex((type, i) => !taken.has(i) && printType(type) === text);
      if (slot < 0) slot = types.push(forward.type) - 1;
      taken.add(slot);
      return slot;
    });
  });
  const of = (branch: number, slot: number): Residual | undefined => branches[branch][places[branch].indexOf(slot)];
  return { types, of };
};

/** Two branches with their backward halves, of which the one runs whose forward half ran. */
export const branchStep = (
  g: FunctionBuilder,
  predicate: Value,
  operands: ReadonlyArray<Value>,
  branches: readonly [Body, Body],
  wanted: Mask,
  { active, origins }: Shared,
  location: string,
): { readonly results: ReadonlyArray<Value>; readonly step: Step } => {
  const forward = branches.map((branch, k) => {
    const f = g.inner(k === 0 ? "then" : "else");
    const tape: Step[] = [];
    return { f, tape, out: branch(f, operands, tape) };
  });
  const useful = indices(wanted.length, (i) => wanted[i] && forward.some(({ out }) => active.has(out[i])));
  const halves = forward.map(({ f, tape, out }) => {
    const residuals = new Residuals(f, origins);
    const b = g.inner("back", residuals.foreign);
    residuals.usedBy(b);
    const given = useful.map((i) => new Value(b, out[i].type));
    const cotangents = playBack(b, tape, active, seedsOf(b, active, useful.map((i, k) => [out[i], given[k]] as const)));
    return { b, residuals, given, cotangents };
  });
  const outer = unique(operands).filter((value) => halves.some(({ cotangents }) => cotangents.has(value)));
  const ends = halves.map(({ b, cotangents }) => outer.map((value) => orZeros(b, cotangents.get(value), value.type)));
  const slots = shareSlots(halves.map(({ residuals }, k) => residuals.neededBy(ends[k])));
  halves.forEach(({ b, given }, k) => {
    given.forEach((value, i) => b.adopt(`cotangent${i}`, value));
    slots.types.forEach((type, i) => b.adopt(`saved${i}`, slots.of(k, i)?.inner ?? new Value(b, type)));
  });
  const there = g.close(forward.map(({ f, out }, k) => ({
    g: f,
    results: [...out, ...slots.types.map((type, i) => slots.of(k, i)?.forward ?? f.full(type, 0))],
  })));
  const all = g.emitNode("if", [predicate, ...there.captured], { sizes: there.sizes }, there.names);
  const shown = all.slice(0, wanted.length);
  const kept = all.slice(wanted.length);
  const back = g.close(halves.map(({ b }, k) => ({ g: b, results: ends[k] })));
  const backward = (h: FunctionBuilder, given: ReadonlyArray<Value | undefined>): Parts => {
    const cotangents = useful.map((i) => orZeros(h, given[i], shown[i].type));
    const args = [predicate, ...cotangents, ...kept, ...back.captured];
    const made = h.emitNode("if", args, { sizes: back.sizes }, back.names);
    return outer.map((value, i) => [value, made[i]] as const);
  };
  useful.forEach((i) => active.add(shown[i]));
  return { results: shown, step: { location, results: shown, backward } };
};

/** A function's two halves, as calls use them. */
export interface Halves {
  /** The forward half; the function itself where it runs again on the way back. */
  readonly forward: string;
  /** How many of the forward half's results are the function's own. */
  readonly results: number;
  /** Results that get a cotangent. */
  readonly useful: ReadonlyArray<number>;
  /** Residuals: a parameter's number, or the number of a further result of the forward half. */
  readonly saved: ReadonlyArray<{ readonly parameter: number } | { readonly result: number }>;
  /** The backward half. */
  readonly backward: string;
  /** Sizes that it asks for, by the function's own names. */
  readonly sizes: ReadonlyArray<string>;
  /** Parameters it makes cotangents of, in the order of its results. */
  readonly reached: ReadonlyArray<number>;
}

/** Splits a function for one choice of active parameters and wanted results. */
export const splitFunction = (
  fn: IrFunction,
  body: Body,
  parameters: Mask,
  wanted: Mask,
  again: boolean,
  { active, origins, made }: Shared,
): Halves => {
  const options = { where: fn.constraints, sizes: fn.sizes, lean: true };
  const f = made.open(again ? fn.name : made.fresh(`${fn.name}.forward`), options);
  const args = fn.parameters.map(({ name, type }) => f.parameter(name, type));
  args.forEach((value, i) => parameters[i] && isFloat(value.type.dtype) && active.add(value));
  const tape: Step[] = [];
  const residuals = new Residuals(f, origins);
  const early = again ? [] : body(f, args, tape);
  const b = made.open(made.fresh(`${fn.name}.backward`), options, residuals.foreign);
  residuals.usedBy(b);
  const out = again ? body(b, args, tape) : early;
  const useful = indices(wanted.length, (i) => wanted[i] && active.has(out[i]));
  const given = useful.map((i) => new Value(b, out[i].type));
  const cotangents = playBack(b, tape, active, seedsOf(b, active, useful.map((i, k) => [out[i], given[k]] as const)));
  const reached = indices(args.length, (i) => cotangents.has(args[i]));
  const results = reached.map((i) => cotangents.get(args[i])!);
  const kept = residuals.neededBy(results);
  given.forEach((value, i) => b.adopt(`cotangent${i}`, value));
  kept.forEach(({ inner }, i) => b.adopt(`saved${i}`, inner));
  const ends = [...out];
  const saved = kept.map(({ forward }) => {
    if (args.includes(forward)) return { parameter: args.indexOf(forward) };
    if (!ends.includes(forward)) ends.push(forward);
    return { result: ends.indexOf(forward) };
  });
  const back = b.function(results, { live: true });
  const sizes = openSizes(back);
  made.add({ ...back, sizes });
  if (!again) made.add(f.function(ends, { live: true }));
  return {
    forward: again ? fn.name : f.name,
    results: wanted.length,
    useful,
    saved,
    backward: back.name,
    sizes,
    reached,
  };
};

/** A call with its backward half. */
export const callStep = (
  g: FunctionBuilder,
  fn: IrFunction,
  halves: Halves,
  operands: ReadonlyArray<Value>,
  sizes: ReadonlyArray<Dimension>,
  { active }: Shared,
  location: string,
): { readonly results: ReadonlyArray<Value>; readonly step: Step } => {
  const bindings = bindCall("call", fn, operands.map((operand) => operand.type), sizes, g.solver);
  const all = g.emitNode("call", operands, { sizes }, [halves.forward]);
  const shown = all.slice(0, halves.results);
  const kept = halves.saved.map((place) => "parameter" in place ? operands[place.parameter] : all[place.result]);
  const backSizes = halves.sizes.map((name) => substitute(name, bindings));
  const backward = (h: FunctionBuilder, given: ReadonlyArray<Value | undefined>): Parts => {
    const cotangents = halves.useful.map((i) => orZeros(h, given[i], shown[i].type));
    const made = h.emitNode("call", [...cotangents, ...kept], { sizes: backSizes }, [halves.backward]);
    return halves.reached.map((parameter, i) => [operands[parameter], made[i]] as const);
  };
  halves.useful.forEach((i) => active.add(shown[i]));
  return { results: shown, step: { location, results: shown, backward } };
};
