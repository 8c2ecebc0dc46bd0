/**
 * Judge: the interpreter's rules over what is known instead of values. The forms are the same, one for one.
 *
 * Not the ops (rules.ts; tensor ops through their lowering).
 * Invariant: what a run of the program on inputs of the given types gives, conforms to what is known of it here; functions
 * are judged at each call with the types they get, so they are polymorphic in types and effects.
 *
 * @module
 */
import { type Failure, isFailure, nearest } from "../../../kernel/mod.ts";
import { type Expression, opcodesOf, Tag } from "../expression.ts";
import { unknownOpcode } from "../failures.ts";
import {
  branchesDiffer,
  notCallable,
  unboundName,
  wrongArguments,
  wrongArgumentType,
  wrongPredicate,
} from "../interpreter/failures.ts";
import { opOf, OPS } from "../opcodes.ts";
import { showType } from "../types.ts";
import type { Symbols } from "../symbols.ts";
import {
  type Fresh,
  joinKnown,
  type Known,
  type KnownFunction,
  knownOfType,
  knownTuple,
  knownValue,
  mayConform,
  type Scope,
  typeOfKnown,
  VOID_KNOWN,
} from "./known.ts";
import { judgeOp } from "./apply.ts";
import { Tally } from "./tally.ts";
import type { HostFunction } from "../hosts/functions.ts";
import { Faults } from "./fault.ts";
import { judgeHost } from "./hosts.ts";
import type { Entered, Walk } from "./walk.ts";

/** Deepest calls of one function into itself that are followed; deeper ones give what is unknown. */
export const MAX_SELF_CALLS = 8;

/** A value as text for messages. */
export const showKnown = (known: Known): string => {
  switch (known.k) {
    case "Function":
      return "a function";
    case "Program":
      return "a program";
    case "Buffer":
      return "a buffer";
    case "Term":
      return "a term";
    case "Many":
      return "a tuple whose length only the run knows";
    default:
      return showType(typeOfKnown(known));
  }
};

/** What a check is told besides the program. */
export interface JudgeOptions {
  /** Whether it is judged as it trains. */
  readonly training: boolean;
  /** Whether no value that the program is given holds a function or a program. */
  readonly isClosed: boolean;
  /** Host functions that the program can name. */
  readonly hosts: ReadonlyArray<HostFunction>;
}

/** One check. */
export class Judge {
  /** The program's names. */
  readonly symbols: Symbols;
  /** The whole program. */
  readonly program: Expression;
  /** Whether it is judged as it trains. */
  readonly training: boolean;
  /** What is added up. */
  readonly tally: Tally = new Tally();
  /** Host functions that the program can name. */
  readonly hosts: ReadonlyArray<HostFunction>;
  /** Whether the run's knowledge is empty throughout: nothing in the program, and no value it is given, can add to it. */
  readonly knowsNothing: boolean;
  /** What is wrong. */
  readonly faults: Faults = new Faults();
  readonly #active = new Map<string, number>();
  #steps = 0;
  #unknowns = 0;
  #sizes = 0;

  /** Starts a check. */
  constructor(program: Expression, symbols: Symbols, { training, isClosed, hosts }: JudgeOptions) {
    this.hosts = hosts;
    this.knowsNothing = isClosed && !opcodesOf(program).includes(OPS.assert.code);
    this.program = program;
    this.symbols = symbols;
    this.training = training;
  }

  /** Expressions judged so far, as often as they were. */
  get steps(): number {
    return this.#steps;
  }

  /** Fresh names. */
  readonly fresh: Fresh = {
    unknown: () => ({ k: "Unknown", id: this.#unknowns++ }),
    size: () => `_${this.#sizes++}`,
  };

  /** Name of a symbol. */
  readonly nameOf = (sym: number): string | undefined => this.symbols.nameOf(sym);

  /** What a name is; `undefined` where nothing binds it. */
  lookup(sym: number, scope: Scope | undefined): Known | undefined {
    for (let at = scope; at !== undefined; at = at.outer) if (at.sym === sym) return at.known;
    return undefined;
  }

  /** Notes a failure of an expression, of whose value nothing is known then. */
  readonly recover = (thrown: Failure, entered: Entered): Known => {
    this.faults.add(thrown, entered);
    this.tally.exact = false;
    return this.fresh.unknown();
  };

  /** Judges an expression on an input. */
  judge(node: Expression, input: Known | undefined, scope: Scope | undefined, path: string, stage: boolean): Entered {
    this.#steps++;
    return { steps: this.#walk(node, input, scope, path, stage), path, input, scope };
  }

  *#walk(node: Expression, input: Known | undefined, scope: Scope | undefined, path: string, stage: boolean): Walk {
    const child = (index: number, name: string, own: Known | undefined, isStage: boolean, inner = scope) =>
      this.judge(node.children[index], own, inner, `${path}/${name}`, isStage);
    switch (node.tag) {
      case Tag.Lit:
        return knownValue(node.value);
      case Tag.Ref:
        return yield* this.#asStage(this.read(node.code, scope, path), input, stage, path);
      case Tag.App: {
        const row = opOf(node.code);
        if (row === undefined) throw unknownOpcode({ opcode: node.code });
        const made = yield* judgeOp(this, row, node, input, scope, path);
        return row.result === "function" ? yield* this.#asStage(made, input, stage, path) : made;
      }
      case Tag.Seq:
        return yield child(1, "b", yield child(0, "a", input, stage), true);
      case Tag.Par: {
        const left = yield child(0, "a", input, stage);
        const right = child(1, "b", input, stage);
        const made = yield* this.tally.holding([left, ...(input === undefined ? [] : [input])], function* (): Walk {
          return yield right;
        });
        return knownTuple([left, made]);
      }
      case Tag.Cond:
        return yield* this.#condition(node, input, scope, path, stage);
      case Tag.Let: {
        const inner = yield* this.#bind(node, input, scope, path);
        const body = child(1, "body", input, stage, inner);
        return yield* this.tally.holding([inner.known], function* (): Walk {
          return yield body;
        });
      }
      case Tag.Lam:
        return yield* this.#asStage(this.closure(node, scope, path), input, stage, path);
      case Tag.Call: {
        const callee = yield* this.#callee(node.children[0], scope, `${path}/func`, input);
        const args: Known[] = [];
        for (let i = 1; i < node.children.length; i++) args.push(yield child(i, `args/${i - 1}`, input, false));
        return yield* this.#asStage(yield* this.apply(callee, args, path), input, stage, path);
      }
      case Tag.Block: {
        let last: Known = VOID_KNOWN;
        for (let i = 0; i < node.children.length; i++) last = yield child(i, `exprs/${i}`, input, stage);
        return last;
      }
    }
  }

  *#condition(
    node: Expression,
    input: Known | undefined,
    scope: Scope | undefined,
    path: string,
    stage: boolean,
  ): Walk {
    const predicate = yield this.judge(node.children[0], input, scope, `${path}/pred`, true);
    this.needFlag(predicate, `${path}/pred`, scope);
    const branch = (index: number, name: string) => () =>
      this.#enter(node.children[index], input, scope, `${path}/${name}`, stage);
    const [yes, no] = yield* this.tally.either(branch(1, "yes"), branch(2, "no"));
    return joinKnown(yes, no, this.fresh);
  }

  *#enter(node: Expression, input: Known | undefined, scope: Scope | undefined, path: string, stage: boolean): Walk {
    return yield this.judge(node, input, scope, path, stage);
  }

  /** Refuses what cannot be one boolean, and goes on. */
  needFlag(known: Known, path: string, scope: Scope | undefined): void {
    const isFlag = known.k === "Unknown" || (known.k === "Scalar" && known.dtype === "b1") ||
      (known.k === "Tensor" && known.dtype === "b1" && known.shape.length === 0);
    if (isFlag) return;
    this.faults.add(
      wrongPredicate({ found: showKnown(known), path, expected: "b1", actual: showKnown(known) }),
      { path, input: known, scope },
    );
  }

  /** The one thing that a value of a union is not. */
  needOne(known: Known): Known {
    if (known.k !== "Union") return known;
    throw branchesDiffer({ yes: showKnown(known.items[0]), no: showKnown(known.items[1] ?? VOID_KNOWN) });
  }

  /** What a name is; throws where nothing binds it. */
  read(sym: number, scope: Scope | undefined, path: string): Known {
    const found = this.lookup(sym, scope);
    if (found !== undefined) return found;
    const known: string[] = [];
    for (let at = scope; at !== undefined; at = at.outer) known.push(this.nameOf(at.sym) ?? "");
    const name = this.nameOf(sym) ?? String(sym);
    throw unboundName({ name, path, suggestions: nearest(name, known, 1) });
  }

  *#asStage(known: Known, input: Known | undefined, stage: boolean, path: string): Walk {
    return stage && input !== undefined && known.k === "Function" ? yield* this.apply(known, [input], path) : known;
  }

  *#bind(node: Expression, input: Known | undefined, scope: Scope | undefined, path: string): Walk<Scope> {
    const [bound] = node.children;
    if (bound.tag !== Tag.Lam) {
      return { sym: node.code, known: yield this.judge(bound, input, scope, `${path}/val`, false), outer: scope };
    }
    const inner: Scope = { sym: node.code, known: VOID_KNOWN, outer: scope };
    inner.known = this.closure(bound, inner, `${path}/val`);
    return inner;
  }

  /** A lambda with its surroundings. */
  closure(node: Expression, scope: Scope | undefined, path: string): KnownFunction {
    return { k: "Function", parameters: node.parameters, body: node.children[0], scope, path: `${path}/body` };
  }

  /** An expression handed over as a function; unknown where what it names is. */
  *callable(node: Expression, scope: Scope | undefined, path: string, input: Known | undefined): Walk {
    if (node.tag === Tag.Lam) return this.closure(node, scope, path);
    if (node.tag === Tag.Ref) return this.function(this.read(node.code, scope, path), path);
    if (node.tag === Tag.Lit) throw notCallable({ found: showKnown(knownValue(node.value)), path });
    if (node.tag === Tag.App && opOf(node.code)?.result === "function") {
      return this.function(yield this.judge(node, input, scope, path, false), path);
    }
    return { k: "Function", parameters: undefined, body: node, scope, path };
  }

  /** What is called; where that fails, nothing is known of it, and its arguments are still judged. */
  *#callee(node: Expression, scope: Scope | undefined, path: string, input: Known | undefined): Walk {
    try {
      return yield* this.callable(node, scope, path, input);
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      this.faults.add(thrown, { path, input, scope });
      return this.fresh.unknown();
    }
  }

  /** What is known as a function. */
  function(known: Known, path: string): Known {
    if (known.k === "Function" || known.k === "Unknown") return known;
    if (known.k !== "Program") throw notCallable({ found: showKnown(known), path });
    return known.program === undefined
      ? this.fresh.unknown()
      : { k: "Function", parameters: undefined, body: known.program, scope: undefined, path: `${path}/program` };
  }

  /** Applies what is known as a function. */
  *apply(callee: Known, args: ReadonlyArray<Known>, path: string): Walk {
    if (callee.k !== "Function") {
      // A function of which nothing is known is one that stands in the program, or is given to it as data.
      this.tally.assumeAll(this.program, this.hosts);
      return this.fresh.unknown();
    }
    if (callee.either !== undefined) {
      const [one, other] = callee.either;
      const [yes, no] = yield* this.tally.either(
        () => this.apply(one, args, path),
        () => this.apply(other, args, path),
      );
      return joinKnown(yes, no, this.fresh);
    }
    if (callee.first !== undefined) {
      return yield* this.apply(callee.then, [yield* this.apply(callee.first, args, path)], path);
    }
    if (callee.host !== undefined) return judgeHost(this, callee.host, args, path);
    const { parameters, body, scope } = callee;
    const whole = args.length === 1 ? args[0] : args.length === 0 ? undefined : knownTuple(args);
    const turns = this.#active.get(callee.path) ?? 0;
    if (turns >= MAX_SELF_CALLS) {
      this.tally.exact = false;
      return this.fresh.unknown();
    }
    const inner = parameters === undefined ? scope : this.#scope(parameters, args, scope, path);
    this.#active.set(callee.path, turns + 1);
    // What fails in the body is caught there, so that this is always reached.
    const made = yield this.judge(body, whole, inner, callee.path, parameters === undefined);
    this.#active.set(callee.path, turns);
    return made;
  }

  #scope(
    parameters: NonNullable<KnownFunction["parameters"]>,
    args: ReadonlyArray<Known>,
    scope: Scope | undefined,
    path: string,
  ): Scope | undefined {
    const [only] = args;
    const apart = args.length === 1 && parameters.length > 1 && only.k === "Tuple" ? only.items : args;
    const isUnknown = args.length === 1 && parameters.length > 1 && (only.k === "Unknown" || only.k === "Many");
    const given = isUnknown ? parameters.map(() => this.fresh.unknown()) : apart;
    if (given.length !== parameters.length) {
      const counts = { takes: parameters.length, found: given.length };
      throw wrongArguments({ ...counts, path, expected: counts.takes, actual: counts.found });
    }
    return parameters.reduce<Scope | undefined>((outer, { sym, type }, i) => {
      if (!mayConform(given[i], type)) {
        const [wanted, found] = [showType(type), showKnown(given[i])];
        const name = this.nameOf(sym) ?? String(sym);
        const at = `${path}/args/${i}`;
        this.faults.add(
          wrongArgumentType({ name, wanted, found, path: at, expected: wanted, actual: found }),
          { path: at, input: given[i], scope, wanted: type },
        );
        return { sym, known: knownOfType(type, this.fresh), outer };
      }
      return { sym, known: given[i].k === "Unknown" ? knownOfType(type, this.fresh) : given[i], outer };
    }, scope);
  }
}
