/**
 * Builder: programs written as TypeScript, typed and shape-checked line by line.
 *
 * Not a tracer: a builder's values are names of future tensors and hold no data.
 * Invariant: every emitted node has been typed by infer.ts; `build` gives a checked `Program` or throws a failure whose
 * path is the source location of the node. A body of structured control may use values from outside it: they are passed.
 *
 * @module
 */
import { innerSizes, makeProgram, MAX_NODES, parameterSizes } from "./check.ts";
import { Composites } from "./composites.ts";
import type { Dimension } from "./dimension.ts";
import { badReference, locate, overLimit, unknownFunction } from "./failures.ts";
import type { Attributes, IrFunction, Node, Program } from "./graph.ts";
import { inferNode } from "./infer.ts";
import { nodeKey } from "./numbering.ts";
import { Value } from "./operators.ts";
import { type Constraint, DimensionSolver } from "./solver.ts";
import { rowOf } from "./control.ts";
import { parseType, type TensorType, tensorType } from "./types.ts";

export { Value } from "./operators.ts";

/** Types of parameters by name; a text is read as a type. */
export type ParameterTypes = { readonly [name: string]: string | TensorType };

/** Values by parameter name. */
export type ParameterValues<P extends ParameterTypes> = { readonly [K in keyof P]: Value };

/** What a body gives back. */
export type Results = Value | ReadonlyArray<Value>;

/** What else a function declares. */
export interface FunctionOptions {
  /** Equalities between sizes that callers must satisfy. */
  readonly where?: ReadonlyArray<Constraint>;
  /** Sizes that callers pass because no parameter mentions them. */
  readonly sizes?: ReadonlyArray<string>;
  /** Whether equal nodes are emitted once, and bodies of control nodes keep only the nodes that their results need. */
  readonly lean?: boolean;
}

/** What stands in a function for a value of another function that is not around it. */
export type Foreign = (value: Value) => Value | undefined;

/** A function under construction and what it returns. */
export interface Body {
  /** Where it was built. */
  readonly g: FunctionBuilder;
  /** What it returns. */
  readonly results: ReadonlyArray<Value>;
}

/** A node that was emitted. */
export interface Emitted {
  /** A primitive's or control node's name. */
  readonly op: string;
  /** What it takes, as it was given: values from outside are themselves. */
  readonly operands: ReadonlyArray<Value>;
  /** Checked attributes. */
  readonly attributes: Attributes;
  /** What it makes. */
  readonly results: ReadonlyArray<Value>;
}

type Pending = Omit<Node, "operands" | "results"> & {
  readonly given: ReadonlyArray<Value>;
  readonly operands: ReadonlyArray<Value>;
  readonly results: ReadonlyArray<Value>;
};

const listOf = (results: Results): ReadonlyArray<Value> => results instanceof Value ? [results] : results;

const typeOf = (type: string | TensorType): TensorType =>
  typeof type === "string" ? parseType(type) : tensorType(type.dtype, type.shape);

/** Builds one function. */
export class FunctionBuilder extends Composites {
  /** What is known of the sizes. */
  readonly solver: DimensionSolver;
  private readonly parameters: Array<{ readonly name: string; readonly value: Value }> = [];
  private readonly nodes: Pending[] = [];
  private readonly captured = new Map<Value, Value>();
  private readonly known = new Map<string, ReadonlyArray<Value>>();
  private readonly numbers = new Map<Value, number>();
  private location: string | undefined;
  private bodies = 0;

  /** Made by {@link ProgramBuilder}; bodies of control nodes have the function around them as parent. */
  constructor(
    private readonly program: ProgramBuilder,
    readonly name: string,
    private readonly options: FunctionOptions,
    private readonly parent?: FunctionBuilder,
    private readonly foreign?: Foreign,
  ) {
    super();
    this.solver = new DimensionSolver(options.where ?? []);
    this.location = parent?.location;
  }

  /** Adds a parameter. */
  parameter(name: string, type: string | TensorType): Value {
    const value = new Value(this, typeOf(type));
    this.parameters.push({ name, value });
    return value;
  }

  /** Marks what `build` emits as coming from a source expression. */
  at<A>(location: string, build: () => A): A {
    const before = this.location;
    this.location = location;
    try {
      return build();
    } finally {
      this.location = before;
    }
  }

  /** The value as this function knows it: its own, or a parameter that stands for one from outside. */
  private owned(value: Value, by: string): Value {
    if (value.owner === this) return value;
    const known = this.captured.get(value);
    if (known !== undefined) return known;
    const given = this.foreign?.(value);
    if (given !== undefined) return given;
    for (let outer = this.parent; outer !== undefined; outer = outer.parent) {
      const found = outer === value.owner ? value : outer.foreign?.(value);
      if (found === undefined) continue;
      const inner = this.captured.get(found) ?? new Value(this, value.type);
      this.captured.set(found, inner);
      return inner;
    }
    throw badReference({ value: "a value of another function", by });
  }

  /** Emits a node and gives its results. */
  emit(op: string, operands: ReadonlyArray<Value>, attributes: Attributes = {}): ReadonlyArray<Value> {
    return this.emitNode(op, operands, attributes, []);
  }

  /** Emits a node of any kind, with the functions it runs by name. */
  emitNode(
    op: string,
    operands: ReadonlyArray<Value>,
    attributes: Attributes,
    functions: ReadonlyArray<string>,
  ): ReadonlyArray<Value> {
    return locate(this.location ?? `/functions/${this.name}/nodes/${this.nodes.length}`, () => {
      if (this.nodes.length >= MAX_NODES) {
        throw overLimit({ what: "a function", limit: MAX_NODES, found: `${this.nodes.length + 1} nodes` });
      }
      const mine = operands.map((operand) => this.owned(operand, op));
      const key = this.options.lean
        ? nodeKey(op, attributes, functions, mine.map((value) => this.numberOf(value)))
        : "";
      const before = this.known.get(key);
      if (before !== undefined) return before;
      const types = mine.map((operand) => operand.type);
      const inferred = inferNode(
        { op, types, attributes, functions: functions.map((name) => this.program.lookup(name)) },
        this.solver,
      );
      const results = inferred.results.map((type) => new Value(this, type));
      const location = this.location === undefined ? {} : { location: this.location };
      const { attributes: checked } = inferred;
      this.nodes.push({ op, given: operands, operands: mine, attributes: checked, functions, results, ...location });
      if (key !== "") this.known.set(key, results);
      return results;
    });
  }

  /** A number for a value, by which nodes are compared. */
  private numberOf(value: Value): number {
    const known = this.numbers.get(value) ?? this.numbers.size;
    this.numbers.set(value, known);
    return known;
  }

  /** The nodes that a computation emits. */
  record(build: () => void): ReadonlyArray<Emitted> {
    const first = this.nodes.length;
    build();
    return this.nodes.slice(first).map(({ op, given, attributes, results }) => ({
      op,
      operands: given,
      attributes,
      results,
    }));
  }

  /** Runs another function of the program. */
  call(name: string, operands: ReadonlyArray<Value>, sizes: ReadonlyArray<Dimension> = []): ReadonlyArray<Value> {
    return this.emitNode("call", operands, { sizes }, [name]);
  }

  /** Builds the function that a control node runs. */
  private body(
    role: string,
    types: ReadonlyArray<TensorType>,
    build: (g: FunctionBuilder, values: ReadonlyArray<Value>) => Results,
  ): Body {
    const g = this.inner(role);
    const values = types.map((type, i) => g.parameter(`${role}${i}`, type));
    const results = listOf(build(g, values)).map((value) => g.owned(value, role));
    return { g, results };
  }

  /** Starts a function that a control node of this one will run. */
  inner(role: string, foreign?: Foreign): FunctionBuilder {
    let name = `${this.name}.${role}${this.bodies++}`;
    while (this.program.has(name)) name = `${this.name}.${role}${this.bodies++}`;
    return new FunctionBuilder(this.program, name, this.options, this, foreign);
  }

  /** Makes a value the next parameter: one that nodes may have used before. */
  adopt(name: string, value: Value): void {
    this.parameters.push({ name, value });
  }

  /** Everything that some values depend on, themselves included. */
  needs(results: ReadonlyArray<Value>): ReadonlySet<Value> {
    return this.neededBy(results.map((value) => this.owned(value, "return"))).needed;
  }

  /** Ends bodies that share their outside: all get the same captured values, as last parameters, and the same sizes. */
  close(
    bodies: ReadonlyArray<Body>,
  ): { readonly captured: ReadonlyArray<Value>; readonly sizes: ReadonlyArray<string>; readonly names: string[] } {
    const live = this.options.lean === true;
    const captured = [
      ...new Set(bodies.flatMap(({ g, results }) => {
        const needed = g.needs(results);
        return [...g.captured].flatMap(([outer, inner]) => !live || needed.has(inner) ? [outer] : []);
      })),
    ];
    const made = bodies.map(({ g, results }) => {
      captured.forEach((outer, i) => g.adopt(`outer${i}`, g.captured.get(outer) ?? new Value(g, outer.type)));
      return g.function(results, { live });
    });
    const sizes = [...new Set(made.flatMap(openSizes))];
    made.forEach((fn) => this.program.add({ ...fn, sizes }));
    return { captured, sizes, names: made.map((fn) => fn.name) };
  }

  /** What `then` makes where the predicate is true, what `otherwise` makes where it is false. */
  if(
    predicate: Value,
    then: (g: FunctionBuilder) => Results,
    otherwise: (g: FunctionBuilder) => Results,
  ): ReadonlyArray<Value> {
    const bodies = [this.body("then", [], then), this.body("else", [], otherwise)];
    const { captured, sizes, names } = this.close(bodies);
    return this.emitNode("if", [predicate, ...captured], { sizes }, names);
  }

  /** Repeats the body on the carried values while the condition holds; `bound` promises that it ends after so many turns. */
  while(
    initial: ReadonlyArray<Value>,
    condition: (g: FunctionBuilder, carried: ReadonlyArray<Value>) => Value,
    body: (g: FunctionBuilder, carried: ReadonlyArray<Value>) => Results,
    { bound }: { readonly bound?: number } = {},
  ): ReadonlyArray<Value> {
    const types = initial.map((value) => value.type);
    const bodies = [this.body("while", types, condition), this.body("do", types, body)];
    const { captured, sizes, names } = this.close(bodies);
    const promise: Attributes = bound === undefined ? {} : { bound };
    return this.emitNode("while", [...initial, ...captured], { carry: initial.length, sizes, ...promise }, names);
  }

  /** Runs the body over rows; it gives the next carried values and then a row of each stacked result. */
  scan(
    how: { readonly length: Dimension; readonly reverse?: boolean },
    initial: ReadonlyArray<Value>,
    scanned: ReadonlyArray<Value>,
    body: (g: FunctionBuilder, carried: ReadonlyArray<Value>, rows: ReadonlyArray<Value>) => Results,
  ): ReadonlyArray<Value> {
    const types = [...initial.map((value) => value.type), ...scanned.map((value) => rowOf(value.type))];
    const made = this.body(
      "scan",
      types,
      (g, values) => body(g, values.slice(0, initial.length), values.slice(initial.length)),
    );
    const { captured, sizes, names } = this.close([made]);
    return this.emitNode("scan", [...initial, ...scanned, ...captured], {
      carry: initial.length,
      scanned: scanned.length,
      length: how.length,
      reverse: how.reverse ?? false,
      sizes,
    }, names);
  }

  /** The function as data; with `live`, without nodes that no result needs. */
  function(results: Results, { live = false }: { readonly live?: boolean } = {}): IrFunction {
    const returned = listOf(results).map((value) => this.owned(value, "return"));
    const kept = live ? this.neededBy(returned).kept : this.nodes;
    const numbers = new Map<Value, number>();
    for (const { value } of this.parameters) numbers.set(value, numbers.size);
    for (const node of kept) for (const value of node.results) numbers.set(value, numbers.size);
    const numberOf = (value: Value): number => numbers.get(value)!;
    const fn = {
      name: this.name,
      parameters: this.parameters.map(({ name, value }) => ({ name, type: value.type })),
      nodes: kept.map(({ given: _given, ...node }) => ({
        ...node,
        operands: node.operands.map(numberOf),
        results: node.results.map((value) => value.type),
      })),
      returns: returned.map(numberOf),
    };
    const mentioned = new Set([...innerSizes({ ...fn, constraints: [] }), ...parameterSizes(fn)]);
    // A body inherits the equalities around it, those it has a use for.
    const constraints = (this.options.where ?? []).filter((equality) =>
      this.parent === undefined || innerSizes({ nodes: [], constraints: [equality] }).every((s) => mentioned.has(s))
    );
    return { ...fn, constraints, sizes: this.options.sizes ?? [] };
  }

  /** The nodes and the values that some results depend on. */
  private neededBy(
    results: ReadonlyArray<Value>,
  ): { readonly kept: ReadonlyArray<Pending>; readonly needed: ReadonlySet<Value> } {
    const needed = new Set(results);
    const kept: Pending[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.results.some((value) => needed.has(value))) continue;
      node.operands.forEach((operand) => needed.add(operand));
      kept.push(node);
    }
    return { kept: kept.reverse(), needed };
  }
}

/** Sizes that a function mentions and that no parameter has as a size of its own, so that callers must pass them. */
export const openSizes = (fn: Pick<IrFunction, "parameters" | "nodes" | "constraints">): ReadonlyArray<string> => {
  const alone = new Set(fn.parameters.flatMap(({ type }) => type.shape));
  return [...new Set([...innerSizes(fn), ...parameterSizes(fn)])].filter((name) => !alone.has(name));
};

/** Builds a program. */
export class ProgramBuilder {
  private readonly functions = new Map<string, IrFunction>();
  private readonly reserved = new Set<string>();

  /** Adds a function as data. */
  add(fn: IrFunction): void {
    if (this.functions.has(fn.name)) throw badReference({ value: `@${fn.name}`, by: "a second definition" });
    this.functions.set(fn.name, fn);
  }

  /** A function added before; throws `IR_UNKNOWN_FUNCTION`. */
  lookup(name: string): IrFunction {
    const found = this.functions.get(name);
    if (found === undefined) throw unknownFunction({ name, suggestions: [...this.functions.keys()].slice(0, 3) });
    return found;
  }

  /** The functions added so far. */
  all(): ReadonlyArray<IrFunction> {
    return [...this.functions.values()];
  }

  /** Whether a function of this name was added. */
  defines(name: string): boolean {
    return this.functions.has(name);
  }

  /** Whether a function of this name was added or the name is reserved. */
  has(name: string): boolean {
    return this.functions.has(name) || this.reserved.has(name);
  }

  /** Keeps a name from being given to bodies. */
  reserve(name: string): void {
    this.reserved.add(name);
  }

  /** A name that no function has: the one asked for, or that with a number. */
  fresh(name: string): string {
    let free = name;
    for (let i = 1; this.has(free); i++) free = `${name}${i}`;
    this.reserve(free);
    return free;
  }

  /** Starts a function that its maker adds when it is done. */
  open(name: string, options: FunctionOptions = {}, foreign?: Foreign): FunctionBuilder {
    return new FunctionBuilder(this, name, options, undefined, foreign);
  }

  /** Defines a function by its parameters and its body. */
  function<const P extends ParameterTypes>(
    name: string,
    parameters: P,
    body: (g: FunctionBuilder, values: ParameterValues<P>) => Results,
    options: FunctionOptions & { readonly live?: boolean } = {},
  ): void {
    const g = this.open(name, options);
    const values = Object.fromEntries(
      Object.entries(parameters).map(([parameter, type]) => [parameter, g.parameter(parameter, type)]),
    );
    this.add(g.function(body(g, values as ParameterValues<P>), options));
  }

  /** The checked program. */
  build(entry: string): Program {
    return makeProgram([...this.functions.values()], entry);
  }
}

/**
 * A program of one function (and the bodies of its control nodes).
 *
 * @example
 * ```ts
 * import { buildProgram, printProgram } from "@rmi/rmi/ir";
 * const dense = buildProgram({ x: "f32[B,4]", w: "f32[4,2]" }, (g, { x, w }) => g.activation("relu", g.matmul(x, w)));
 * console.log(printProgram(dense));
 * ```
 */
export const buildProgram = <const P extends ParameterTypes>(
  parameters: P,
  body: (g: FunctionBuilder, values: ParameterValues<P>) => Results,
  options: FunctionOptions & { readonly live?: boolean } = {},
): Program => {
  const program = new ProgramBuilder();
  program.function("main", parameters, body, options);
  return program.build("main");
};
