/**
 * Check: the structural checks that turn functions into a `Program`, the only road to one.
 *
 * Not the verifier of passes (resources, termination, bounds are its subject): here is what evaluation relies on.
 * Invariant: values are used after they are made, functions exist and never call in a circle, every node has the types
 * that follow from its operands, and every size is determined by parameters or passed.
 *
 * @module
 */
import { symbolsOf } from "./dimension.ts";
import {
  badDimension,
  badReference,
  locate,
  overLimit,
  recursiveCall,
  unknownFunction,
  wrongResult,
} from "./failures.ts";
import type { Attribute, Attributes, IrFunction, Node, Program } from "./graph.ts";
import { inferNode, sizeAttributes } from "./infer.ts";
import { DimensionSolver, MAX_CONSTRAINTS } from "./solver.ts";
import { printTypes, sameType, type TensorType, tensorType } from "./types.ts";

/** Most functions of one program. */
export const MAX_FUNCTIONS = 4096;

/** Most nodes of one program. */
export const MAX_NODES: number = 2 ** 17;

/** Deepest chain of functions that run functions. */
export const MAX_CALL_DEPTH = 64;

/** Most parameters of one function, and most sizes it asks for. */
export const MAX_PARAMETERS = 4096;

/** Longest source location of a node. */
export const MAX_LOCATION = 1024;

/** Longest name of a function or parameter. */
export const MAX_NAME = 128;

const FUNCTION_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/u;
const SIZE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/u;

const checkLocation = (location: string): void => {
  if (location.length <= MAX_LOCATION) return;
  throw overLimit({ what: "a source location", limit: MAX_LOCATION, found: location.length });
};

const checkName = (name: string): void => {
  if (name.length > MAX_NAME) throw overLimit({ what: "a name", limit: MAX_NAME, found: name.length });
  if (!FUNCTION_NAME.test(name)) throw badReference({ value: `"${name}"`, by: "a function's name" });
};

const symbolsOfAttribute = (value: Attribute): ReadonlyArray<string> =>
  Array.isArray(value) ? value.flatMap(symbolsOfAttribute) : symbolsOf(value as number | string);

/** Names of sizes that a function mentions outside its parameters. */
export const innerSizes = (fn: Pick<IrFunction, "nodes" | "constraints">): ReadonlyArray<string> => {
  const found = new Set<string>();
  const add = (names: ReadonlyArray<string>) => names.forEach((name) => found.add(name));
  for (const [a, b] of fn.constraints) add([...symbolsOf(a), ...symbolsOf(b)]);
  for (const node of fn.nodes) {
    node.results.forEach((type) => type.shape.forEach((size) => add(symbolsOf(size))));
    sizeAttributes(node.op).forEach((name) => add(symbolsOfAttribute(node.attributes[name])));
  }
  return [...found];
};

/** Names of sizes that a function's parameters mention. */
export const parameterSizes = (fn: Pick<IrFunction, "parameters">): ReadonlySet<string> =>
  new Set(fn.parameters.flatMap(({ type }) => type.shape.flatMap(symbolsOf)));

const checkNode = (
  node: Node,
  types: ReadonlyArray<TensorType>,
  known: ReadonlyMap<string, IrFunction>,
  solver: DimensionSolver,
): Node => {
  for (const operand of node.operands) {
    if (!(Number.isInteger(operand) && operand >= 0 && operand < types.length)) {
      throw badReference({ value: `%${operand}`, by: node.op });
    }
  }
  const functions = node.functions.map((name) => known.get(name)!);
  const proposed = {
    op: node.op,
    types: node.operands.map((operand) => types[operand]),
    attributes: node.attributes,
    functions,
  };
  const { attributes, results } = inferNode(proposed, solver);
  const declared = node.results.map((type) => tensorType(type.dtype, type.shape));
  const agrees = declared.length === results.length && declared.every((type, i) =>
    sameType(type, results[i]) ||
    (type.dtype === results[i].dtype && solver.equalShapes(type.shape, results[i].shape))
  );
  if (!agrees) {
    const [said, found] = [printTypes(declared), printTypes(results)];
    throw wrongResult({ op: node.op, declared: said, inferred: found, expected: found, actual: said });
  }
  return frozen({ ...node, attributes, results: declared });
};

const freezeAttributes = (attributes: Attributes): Attributes => {
  // Tensor data stays as it is: typed arrays cannot be frozen, and nothing here writes to them.
  for (const value of Object.values(attributes)) if (Array.isArray(value)) Object.freeze(value);
  return Object.freeze(attributes);
};

const frozen = (node: Node): Node =>
  Object.freeze({
    ...node,
    operands: Object.freeze([...node.operands]),
    functions: Object.freeze([...node.functions]),
    attributes: freezeAttributes({ ...node.attributes }),
    results: Object.freeze([...node.results]),
  });

const checkFunction = (fn: IrFunction, known: ReadonlyMap<string, IrFunction>): IrFunction => {
  checkName(fn.name);
  if (fn.constraints.length > MAX_CONSTRAINTS) {
    throw overLimit({ what: "the equalities of a function", limit: MAX_CONSTRAINTS, found: fn.constraints.length });
  }
  const most = Math.max(fn.parameters.length, fn.sizes.length);
  if (most > MAX_PARAMETERS) throw overLimit({ what: "a function's parameters", limit: MAX_PARAMETERS, found: most });
  const solver = new DimensionSolver(fn.constraints);
  const parameters = fn.parameters.map(({ name, type }) => {
    if (name.length > MAX_NAME) throw overLimit({ what: "a name", limit: MAX_NAME, found: name.length });
    return Object.freeze({ name, type: tensorType(type.dtype, type.shape) });
  });
  const types = parameters.map((parameter) => parameter.type);
  const nodes = fn.nodes.map((node, index) => {
    checkLocation(node.location ?? "");
    const checked = locate(
      node.location ?? `/functions/${fn.name}/nodes/${index}`,
      () => checkNode(node, types, known, solver),
    );
    types.push(...checked.results);
    return checked;
  });
  for (const value of fn.returns) {
    if (!(Number.isInteger(value) && value >= 0 && value < types.length)) {
      throw badReference({ value: `%${value}`, by: `the return of @${fn.name}` });
    }
  }
  const determined = parameterSizes({ parameters });
  const open = innerSizes({ nodes, constraints: fn.constraints })
    .find((name) => !determined.has(name) && !fn.sizes.includes(name));
  const wrong = open ?? fn.sizes.find((name, i) => !SIZE_NAME.test(name) || fn.sizes.indexOf(name) !== i);
  if (wrong !== undefined) {
    throw badDimension({
      dimension: wrong,
      reason: open === undefined
        ? `it is not a fresh name among the sizes of @${fn.name}`
        : `no parameter of @${fn.name} mentions it; add it to the function's sizes`,
    });
  }
  return Object.freeze({ ...fn, parameters, nodes: Object.freeze(nodes), returns: Object.freeze([...fn.returns]) });
};

/** Functions in an order in which each comes after those it runs; throws `IR_RECURSION`. */
const ordered = (functions: ReadonlyMap<string, IrFunction>): ReadonlyArray<IrFunction> => {
  const done: IrFunction[] = [];
  const depths = new Map<string, number>();
  const visit = (name: string, trail: ReadonlyArray<string>): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    if (trail.includes(name)) throw recursiveCall({ cycle: [...trail.slice(trail.indexOf(name)), name] });
    if (trail.length > MAX_CALL_DEPTH) {
      throw overLimit({ what: "the nesting of functions", limit: MAX_CALL_DEPTH, found: trail.length });
    }
    const fn = functions.get(name);
    if (fn === undefined) throw unknownFunction({ name, suggestions: [...functions.keys()].slice(0, 3) });
    const callees = new Set(fn.nodes.flatMap((node) => node.functions));
    let depth = 0;
    for (const callee of callees) depth = Math.max(depth, 1 + visit(callee, [...trail, name]));
    depths.set(name, depth);
    done.push(fn);
    return depth;
  };
  for (const name of functions.keys()) visit(name, []);
  const deepest = Math.max(0, ...depths.values());
  if (deepest > MAX_CALL_DEPTH) {
    throw overLimit({ what: "the nesting of functions", limit: MAX_CALL_DEPTH, found: deepest });
  }
  return done;
};

/**
 * A program from its functions; throws the first failure found. Declared result types stay as they are written where
 * they are equal to the inferred ones under the function's equalities.
 */
export const makeProgram = (functions: ReadonlyArray<IrFunction>, entry: string): Program => {
  const byName = new Map<string, IrFunction>();
  for (const fn of functions) {
    if (byName.has(fn.name)) throw badReference({ value: `@${fn.name}`, by: "a second definition" });
    byName.set(fn.name, fn);
  }
  if (byName.size > MAX_FUNCTIONS) {
    throw overLimit({ what: "a program", limit: MAX_FUNCTIONS, found: `${byName.size} functions` });
  }
  const nodes = functions.reduce((count, fn) => count + fn.nodes.length, 0);
  if (nodes > MAX_NODES) throw overLimit({ what: "a program", limit: MAX_NODES, found: `${nodes} nodes` });
  if (!byName.has(entry)) throw unknownFunction({ name: entry, suggestions: [...byName.keys()].slice(0, 3) });
  const checked = new Map<string, IrFunction>();
  for (const fn of ordered(byName)) {
    checked.set(fn.name, locate(`/functions/${fn.name}`, () => checkFunction(fn, checked)));
  }
  return Object.freeze({ entry, functions: checked });
};
