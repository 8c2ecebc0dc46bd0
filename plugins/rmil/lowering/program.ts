/**
 * Program: a whole program of the language made into one tensor program of the IR, its parameters named by path.
 *
 * Not the interpreter, whose forms and paths it follows one by one, and not one op (tensor_op.ts).
 * Invariant: where the interpreter gives a tensor, the tensor program gives the same one. What is no tensor computation is
 * refused by name and path, never approximated: integers, which refuse to overflow, are not handed to arithmetic that
 * wraps, and a recursion that does not end here is refused.
 *
 * @module
 */
import { isFailure, located } from "../../../kernel/mod.ts";
import type { IrFunction, Program, Tensor } from "../../ir/contract.ts";
import {
  type FunctionBuilder,
  functionOf,
  MAX_LOCATION,
  MAX_NAME,
  optimise,
  ProgramBuilder,
  type Value as IrValue,
} from "../../ir/library.ts";
import { knownOfType } from "../check/known.ts";
import type { Dtype } from "../dtype.ts";
import { isIntegral } from "../evaluation/arithmetic.ts";
import { type Expression, type Parameter, Tag } from "../expression.ts";
import { unknownOpcode } from "../failures.ts";
import { placeInputs } from "../interpreter.ts";
import { branchesDiffer, notCallable, unboundName, wrongArguments, wrongOperand } from "../interpreter/failures.ts";
import { type Place, placeOperands } from "../interpreter/operands.ts";
import { CARRIERS, dtypeOfValue, scalarTensor, toIr } from "../interpreter/run_value.ts";
import { LOWERINGS } from "../lowering.ts";
import { opOf } from "../opcodes.ts";
import { bindArguments } from "../ops/arguments.ts";
import type { OpRow } from "../ops/row.ts";
import type { Symbols } from "../symbols.ts";
import type { Type } from "../types.ts";
import type { Value } from "../value.ts";
import { notLowered } from "./failures.ts";
import {
  closureOf,
  describe,
  formOf,
  inputItem,
  type Item,
  leavesOf,
  namesOf,
  operandOf,
  type OutputForm,
  refilled,
  type Scope,
  shapeOf,
  type Site,
  type Tensorial,
} from "./items.ts";
import { isIntegerDtype } from "./promotion.ts";
import { type NeededParameter, type TensorProgram, tensorProgram } from "./tensor_op.ts";

/** How to lower a program. */
export interface LowerOptions {
  /** Types of inputs by name, placed as a run places values; open sizes stay symbols. */
  readonly inputs?: { readonly [name: string]: Type };
  /** Whether the program is the one for training: dropout drops, norms use the batch's statistics. Default false. */
  readonly training?: boolean;
}

/** Name of the seed of a lowered program's random draws. */
export const SEED_NAME = "seed";

/** A parameter of a lowered program. */
export interface LoweredParameter {
  /** Path of the application, then the parameter's name. */
  readonly path: string;
  /** Name of the IR's parameter: the path, where it is no longer than a name may be. */
  readonly name: string;
  /** What it is and how it starts. */
  readonly needed: NeededParameter;
}

/** A lowered program. */
export interface LoweredProgram {
  /**
   * Its parameters are the inputs' tensors in order, then the learned ones in the order in which a run meets them, and
   * where it draws, anywhere among those, an i64 of the name {@link SEED_NAME}. Its results are the output's tensors,
   * then new values of running statistics.
   */
  readonly program: Program;
  /** Names of the IR's parameters that are inputs. */
  readonly inputs: ReadonlyArray<string>;
  /** Learned parameters. */
  readonly parameters: ReadonlyArray<LoweredParameter>;
  /** How the IR's results make up the output. */
  readonly output: OutputForm;
  /** The language's dtypes of the output's tensors. */
  readonly dtypes: ReadonlyArray<Dtype>;
  /** Paths of the parameters whose new values follow the output: running statistics, where it trains. */
  readonly running: ReadonlyArray<string>;
}

/** Most expressions lowered, each as often as it is met. */
export const MAX_LOWERED = 100_000;

/** Deepest calls of functions in functions. */
export const MAX_LOWERED_CALLS = 64;

class ProgramLowering {
  readonly parameters = new Map<string, LoweredParameter & { item: Tensorial }>();
  /** Paths of running statistics that changed. */
  readonly running = new Set<string>();
  private readonly kept = new Map<string, { readonly made: TensorProgram; readonly name: string }>();
  private steps = 0;
  private calls = 0;
  private draws = 0;
  private seed: IrValue | undefined;

  constructor(
    private readonly builder: ProgramBuilder,
    private readonly main: FunctionBuilder,
    private readonly symbols: Symbols,
    private readonly training: boolean,
  ) {}

  lower(node: Expression, site: Site): Item {
    if (++this.steps > MAX_LOWERED) {
      throw notLowered({ what: "the program", reason: `it takes more than ${MAX_LOWERED} steps`, path: site.path });
    }
    try {
      const location = site.path === "" ? "/" : site.path.slice(0, MAX_LOCATION);
      return site.g.at(location, () => this.form(node, site));
    } catch (thrown) {
      if (isFailure(thrown) && thrown.path === "") throw located(thrown, site.path);
      throw thrown;
    }
  }

  private form(node: Expression, site: Site): Item {
    const child = (index: number, name: string, change: Partial<Site> = {}): Item =>
      this.lower(node.children[index], { ...site, path: `${site.path}/${name}`, ...change });
    switch (node.tag) {
      case Tag.Lit:
        return this.literal(node.value, site);
      case Tag.Ref:
        return this.asStage(this.read(node.code, site), site);
      case Tag.App:
        return this.application(node, site);
      case Tag.Seq:
        return child(1, "b", { input: child(0, "a"), stage: true });
      case Tag.Par:
        return { k: "Tuple", items: [child(0, "a"), child(1, "b")] };
      case Tag.Cond:
        return this.condition(node, site);
      case Tag.Let:
        return child(1, "body", { scope: this.bind(node, site) });
      case Tag.Lam:
        return this.asStage(closureOf(node, site), site);
      case Tag.Call: {
        const callee = this.callable(node.children[0], { ...site, path: `${site.path}/func` });
        const args = node.children.slice(1).map((_, i) => child(i + 1, `args/${i}`, { stage: false }));
        return this.asStage(this.call(callee, args, site), site);
      }
      case Tag.Block: {
        const items = node.children.map((_, i) => child(i, `exprs/${i}`));
        return items.at(-1) ?? this.refuse("an empty block", "it has no value", site);
      }
    }
  }

  private refuse(what: string, reason: string, site: Site): never {
    throw notLowered({ what, reason, path: site.path });
  }

  private literal(value: Value, site: Site): Item {
    const tensor = scalarTensor(value);
    if (tensor === undefined) return this.refuse("a literal", "it is neither a number nor a tensor", site);
    const constant: Tensor = toIr(tensor);
    return {
      k: "Tensor",
      value: site.g.constant(constant),
      dtype: dtypeOfValue(value)!,
      weak: tensor.shape.length === 0,
    };
  }

  private read(sym: number, { scope, path }: Site): Item {
    for (let at = scope; at !== undefined; at = at.outer) if (at.sym === sym) return at.item;
    throw unboundName({ name: this.symbols.nameOf(sym) ?? String(sym), path });
  }

  private asStage(item: Item, site: Site): Item {
    return site.stage && site.input !== undefined && item.k === "Function" ? this.call(item, [site.input], site) : item;
  }

  private bind(node: Expression, site: Site): Scope {
    const [bound] = node.children;
    const inside: Site = { ...site, path: `${site.path}/val`, stage: false };
    if (bound.tag !== Tag.Lam) return { sym: node.code, item: this.lower(bound, inside), outer: site.scope };
    const inner: Scope = { sym: node.code, item: { k: "Tuple", items: [] }, outer: site.scope };
    inner.item = closureOf(bound, { ...inside, scope: inner });
    return inner;
  }

  private callable(node: Expression, site: Site): Item {
    if (node.tag === Tag.Lam) return closureOf(node, site);
    if (node.tag === Tag.Ref) return this.read(node.code, site);
    if (node.tag === Tag.Lit) throw notCallable({ found: "a literal", path: site.path });
    return { k: "Function", parameters: undefined, body: node, scope: site.scope, path: site.path };
  }

  private call(callee: Item, args: ReadonlyArray<Item>, site: Site): Item {
    if (callee.k !== "Function") throw notCallable({ found: describe(callee), path: site.path });
    if (this.calls >= MAX_LOWERED_CALLS) {
      return this.refuse("a function", `it calls itself deeper than ${MAX_LOWERED_CALLS} times`, site);
    }
    const whole: Item | undefined = args.length < 2 ? args[0] : { k: "Tuple", items: args };
    const scope = callee.parameters === undefined
      ? callee.scope
      : this.arguments(callee.parameters, args, callee.scope, site);
    this.calls++;
    const { body, path } = callee;
    const made = this.lower(body, { ...site, input: whole, scope, path, stage: callee.parameters === undefined });
    this.calls--;
    return made;
  }

  private arguments(
    parameters: ReadonlyArray<Parameter>,
    args: ReadonlyArray<Item>,
    scope: Scope | undefined,
    site: Site,
  ): Scope | undefined {
    const [only] = args;
    const given = args.length === 1 && parameters.length > 1 && only.k === "Tuple" ? only.items : args;
    if (given.length !== parameters.length) {
      throw wrongArguments({ takes: parameters.length, found: given.length, path: site.path });
    }
    return parameters.reduce<Scope | undefined>((outer, { sym }, i) => ({ sym, item: given[i], outer }), scope);
  }

  /** Both branches, decided when the program runs; they must make the same kinds of tensors. */
  private condition(node: Expression, site: Site): Item {
    const predicate = this.lower(node.children[0], { ...site, path: `${site.path}/pred`, stage: true });
    if (predicate.k !== "Tensor" || predicate.dtype !== "b1" || predicate.value.type.shape.length > 0) {
      return this.refuse("a condition", "its predicate is no boolean", site);
    }
    const forms: Item[] = [];
    const branch = (index: number, name: string) => (g: FunctionBuilder): ReadonlyArray<IrValue> => {
      const item = this.lower(node.children[index], { ...site, g, path: `${site.path}/${name}` });
      forms.push(item);
      return leavesOf(item, () => this.refuse("a condition", "a branch makes a function", site)).map(({ value }) =>
        value
      );
    };
    const made = site.g.if(predicate.value, branch(1, "yes"), branch(2, "no"));
    const [yes, no] = forms.map((form) => JSON.stringify(shapeOf(form)));
    if (yes !== no) throw branchesDiffer({ yes, no, path: site.path });
    return refilled(forms[0], [...made]);
  }

  private application(node: Expression, site: Site): Item {
    const row = opOf(node.code);
    if (row === undefined) throw unknownOpcode({ opcode: node.code });
    if (row.name === "identity" && node.children.length === 0 && site.input !== undefined) return site.input;
    if (row.name === "repeat") return this.repeated(row, node, site);
    if (LOWERINGS[row.name] === undefined) return this.refuse(row.name, "it is no tensor op", site);
    const bound = bindArguments(row, node, (sym) => this.symbols.nameOf(sym));
    const { input } = site;
    const items = input?.k === "Tuple" ? input.items : undefined;
    const places = placeOperands(row, bound, input !== undefined, items?.length);
    const argument = (expression: Expression, index: number): Tensorial =>
      this.tensor(row, this.lower(expression, { ...site, path: `${site.path}/args/${index}`, stage: false }), site);
    const at = (place: Place): Tensorial | undefined => {
      if (place === undefined) return undefined;
      if (place === "input") return this.tensor(row, input!, site);
      if ("item" in place) return this.tensor(row, items![place.item], site);
      const expression = bound.operands[place.argument]!;
      return argument(expression, node.children.indexOf(expression));
    };
    const operands = places.map(at);
    const rest = bound.rest.map((expression, i) => argument(expression, places.length + i));
    if (row.operands.at(-1)?.repeats === true && rest.length === 0 && input !== undefined) {
      rest.push(...(items ?? [input]).map((item) => this.tensor(row, item, site)));
    }
    const given = new Map(
      [...bound.parameters].map((
        [name, expression],
      ) => [name, argument(expression, node.children.indexOf(expression))]),
    );
    return this.emit(row, { operands, rest, given }, bound.attributes, site);
  }

  /** A function applied several times, its parameters set apart by turn. */
  private repeated(row: OpRow, node: Expression, site: Site): Item {
    const bound = bindArguments(row, node, (sym) => this.symbols.nameOf(sym));
    const { input } = site;
    const places = placeOperands(
      row,
      bound,
      input !== undefined,
      input?.k === "Tuple" ? input.items.length : undefined,
    );
    const [repeats, from] = places;
    if (repeats === undefined || typeof repeats === "string" || !("argument" in repeats)) {
      return this.refuse(row.name, "what it repeats is not written here", site);
    }
    const body = bound.operands[repeats.argument]!;
    const callee = this.callable(body, { ...site, path: `${site.path}/args/${node.children.indexOf(body)}` });
    const start = from !== undefined && typeof from !== "string" && "argument" in from
      ? bound.operands[from.argument]
      : undefined;
    let value = start === undefined
      ? input
      : this.lower(start, { ...site, path: `${site.path}/args/${node.children.indexOf(start)}`, stage: false });
    if (value === undefined || callee.k !== "Function") {
      return this.refuse(row.name, "it has nothing to begin with", site);
    }
    const times = Number(bound.attributes.times ?? 1);
    for (let turn = 0; turn < times; turn++) {
      value = this.call({ ...callee, path: `${callee.path}[${turn}]` }, [value], site);
    }
    return value;
  }

  private tensor(row: OpRow, item: Item, site: Site): Tensorial {
    if (item.k === "Tensor") return item;
    throw wrongOperand({ op: row.name, operand: "operand", takes: "a tensor", found: describe(item), path: site.path });
  }

  /** The op's program, called; the same application in another place calls the same function. */
  private emit(
    row: OpRow,
    args: {
      readonly operands: ReadonlyArray<Tensorial | undefined>;
      readonly rest: ReadonlyArray<Tensorial>;
      readonly given: ReadonlyMap<string, Tensorial>;
    },
    attributes: TensorApplication["attributes"],
    site: Site,
  ): Item {
    const operands = args.operands.map((item) => item && operandOf(item));
    const rest = args.rest.map(operandOf);
    const given = new Map([...args.given].map(([name, item]) => [name, operandOf(item)] as const));
    // No two applications draw alike.
    const stream = this.training && row.effect === "random" ? this.draws++ : 0;
    const key = JSON.stringify([row.name, operands, rest, [...given], attributes, stream]);
    let known = this.kept.get(key);
    if (known === undefined) {
      const made = tensorProgram({ row, operands, rest, given, attributes, training: this.training, stream });
      known = { made, name: this.add(made.program, `op${this.kept.size}`) };
      this.kept.set(key, known);
    }
    const { made, name } = known;
    const integers = [...operands, ...rest].some((operand) => operand !== undefined && isIntegerDtype(operand.dtype));
    if (integers && isIntegral(row.name) && isIntegerDtype(made.results[0].dtype)) {
      return this.refuse(row.name, "integers refuse to overflow, and a tensor program's wrap", site);
    }
    const weights = made.parameters.map((needed) => args.given.get(needed.row.name) ?? this.parameter(needed, site));
    const items = [...args.operands.filter((item) => item !== undefined), ...args.rest, ...weights];
    const values = items.map(({ value }) => value);
    const all = site.g.call(name, made.drawn ? [...values, this.drawn()] : values);
    const results = all.slice(0, made.results.length);
    made.running.forEach((parameter, i) => this.keep(row, parameter, all[results.length + i], site));
    const outputs = results.map((value, i): Tensorial => ({
      k: "Tensor",
      value,
      dtype: made.results[i].dtype,
      weak: isScalar(value),
    }));
    return made.tuple ? { k: "Tuple", items: outputs } : outputs[0];
  }

  /** What all random draws start from. */
  private drawn(): IrValue {
    return this.seed ??= this.main.parameter(SEED_NAME, { dtype: "i64", shape: [] });
  }

  /** A new value of a running statistic, which a later application of the same path begins with; a given one stays. */
  private keep(row: OpRow, name: string, value: IrValue, site: Site): void {
    const path = `${site.path}/${name}`;
    const known = this.parameters.get(path);
    if (known === undefined) return;
    if (site.g !== this.main) this.refuse(row.name, "a branch cannot keep running statistics", site);
    known.item = { ...known.item, value };
    this.running.add(path);
  }

  /** Adds an op's functions under names of their own; the name of its entry. */
  private add(program: Program, prefix: string): string {
    const rename = (name: string): string => `${prefix}.${name}`;
    for (const fn of program.functions.values()) {
      const nodes = fn.nodes.map((node) => ({ ...node, functions: node.functions.map(rename) }));
      this.builder.add({ ...fn, name: rename(fn.name), nodes } satisfies IrFunction);
    }
    return rename(functionOf(program).name);
  }

  private parameter(needed: NeededParameter, site: Site): Tensorial {
    const path = `${site.path}/${needed.row.name}`;
    const known = this.parameters.get(path);
    if (known !== undefined) return known.item;
    const name = path.length <= MAX_NAME ? path : `parameter${this.parameters.size}`;
    const value = this.main.parameter(name, { dtype: CARRIERS[needed.dtype], shape: needed.shape });
    const item: Tensorial = { k: "Tensor", value, dtype: needed.dtype, weak: false };
    this.parameters.set(path, { path, name, needed, item });
    return item;
  }
}

type TensorApplication = Parameters<typeof tensorProgram>[0];

const isScalar = (value: IrValue): boolean => value.type.shape.length === 0;

/**
 * Lowers a program; throws `RMIL_NOT_LOWERED` with the path of what is no tensor computation, and what the interpreter
 * would refuse.
 */
export const lowerProgram = (
  root: Expression,
  symbols: Symbols,
  { inputs = {}, training = false }: LowerOptions = {},
): LoweredProgram => {
  let sizes = 0;
  const fresh = { unknown: () => ({ k: "Unknown", id: 0 }) as const, size: () => `_${sizes++}` };
  const builder = new ProgramBuilder();
  const main = builder.open("main");
  const items = Object.fromEntries(
    Object.entries(inputs).map(([name, type]) => [name, inputItem(main, name, knownOfType(type, fresh))]),
  );
  const refuse = (): never => {
    throw notLowered({ what: "the program", reason: "its output is a function" });
  };
  const names = Object.entries(items).flatMap(([name, item]) => namesOf(name, item));
  const { bound, input } = placeInputs<Item>(root, symbols, items, (parts) => ({ k: "Tuple", items: parts }));
  const scope = bound.reduce<Scope | undefined>((outer, [sym, item]) => ({ sym, item, outer }), undefined);
  const lowering = new ProgramLowering(builder, main, symbols, training);
  const made = lowering.lower(root, { g: main, input, scope, path: "", stage: true });
  const leaves = leavesOf(made, refuse);
  const running = [...lowering.running];
  const changed = running.map((path) => lowering.parameters.get(path)!.item);
  builder.add(main.function([...leaves, ...changed].map(({ value }) => value)));
  const program = optimise(builder.build("main"), { passes: ["inlining", "trimming"] }).program;
  const parameters = [...lowering.parameters.values()].map(({ path, name, needed }) => ({ path, name, needed }));
  const dtypes = leaves.map(({ dtype }) => dtype);
  return { program, inputs: names, parameters, output: formOf(made), dtypes, running };
};
