/**
 * Site: one function of a program, as the kinds of mutation look at it.
 *
 * Invariant: choices are drawn from the site's stream alone, in a fixed order, so one seed gives one mutation.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import { firstResults, type IrFunction, type Node, type Program, valueTypes } from "../graph.ts";
import { sameType, type TensorType } from "../types.ts";
import { liveNodes } from "./rebuild.ts";
import { makers } from "./regions.ts";

/** What a mutation may be told. */
export interface Choices {
  /** What to use, where the kind takes a choice: an op, a dtype, an activation, a reduction. Drawn where absent. */
  readonly use?: string;
  /** Whether weights of new layers become new parameters; else they are constants, and the signature stays. */
  readonly parameters?: boolean;
}

/** One function, with what most kinds ask of it. */
export class Site {
  /** Types of its values. */
  readonly types: ReadonlyArray<TensorType>;
  /** First result of each node. */
  readonly firsts: ReadonlyArray<number>;
  /** Which node makes each value; undefined for parameters. */
  readonly makerOf: ReadonlyArray<number | undefined>;
  /** Nodes that results need. */
  readonly live: ReadonlyArray<number>;

  /** A function, where choices come from, and what was chosen already. */
  constructor(
    readonly program: Program,
    readonly fn: IrFunction,
    readonly draws: Random,
    readonly choices: Choices,
  ) {
    this.types = valueTypes(fn);
    this.firsts = firstResults(fn);
    this.makerOf = makers(fn);
    this.live = liveNodes(fn);
  }

  /** A node that fulfils a condition; undefined where none does. */
  node(holds: (node: Node, index: number) => boolean): number | undefined {
    return this.one(this.live.filter((index) => holds(this.fn.nodes[index], index)));
  }

  /** One of some; undefined of none. */
  one<A>(items: ReadonlyArray<A>): A | undefined {
    return items.length === 0 ? undefined : this.draws.pick(items);
  }

  /** Parameters and results of live nodes, as numbers. */
  values(): ReadonlyArray<number> {
    return [
      ...this.fn.parameters.keys(),
      ...this.live.flatMap((index) => this.fn.nodes[index].results.map((_, i) => this.firsts[index] + i)),
    ];
  }

  /** Values that exist before a value, of the same type where there are such, else of any. */
  earlier(than: number, like: TensorType, except: ReadonlyArray<number> = []): number | undefined {
    const before = this.values().filter((value) => value < than && !except.includes(value));
    const same = before.filter((value) => sameType(this.types[value], like));
    return this.one(same.length > 0 ? same : before);
  }

  /** The last node that has run when a value exists; −1 for parameters. */
  readyAfter(value: number): number {
    return this.makerOf[value] ?? -1;
  }

  /** Whether a value is made from nothing: a constant, a count, a size. */
  isGenerated(value: number): boolean {
    const maker = this.makerOf[value];
    return maker !== undefined && this.fn.nodes[maker].operands.length === 0;
  }

  /** The choice made beforehand where it is among some, else one of them; undefined of none. */
  choose(names: ReadonlyArray<string>): string | undefined {
    const { use } = this.choices;
    return use === undefined ? this.one(names) : names.includes(use) ? use : undefined;
  }
}
