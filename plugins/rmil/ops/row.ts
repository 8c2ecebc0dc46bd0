/**
 * Row: what the one table of ops says about an op. Everything about an op that is not its computation stands here;
 * checks, `describe`, documentation, builders and syntax read it.
 *
 * Not the computation: tensor meaning is in lowering/, all other meaning in evaluation/, both keyed by the op's name.
 * Invariant: rows are plain data, so that they can be shown, sent and compared.
 *
 * How arguments bind (arguments.ts does it, once for everybody):
 * 1. Named attributes (`linear(width: 64)`) bind by name.
 * 2. Literals after the last argument that is none bind to the attributes that may be given by position, in row order.
 *    An op whose row has no such attribute takes literals as operands.
 * 3. The other arguments bind to the operands in order, then to the parameters in order (a given weight replaces the
 *    learned one).
 * 4. Where required operands are missing, the pipeline's input fills the `piped` one; where several are missing, a
 *    tuple input is spread over them in order.
 *
 * @module
 */
import type { EffectName, Kind } from "../../../kernel/authority.ts";

/** Families in the order of their high byte. */
export const FAMILIES = ["Neural", "Symbolic", "Control", "Memory", "Agent", "Meta", "Math"] as const;

/** A family of ops. */
export type FamilyName = typeof FAMILIES[number];

/** What an operand can be. Gradients flow through `float` and `number` operands of differentiable ops only. */
export const OPERAND_KINDS = {
  float: "a float, scalar or tensor",
  number: "a number, or a tensor of numbers",
  index: "integers that name positions or classes",
  flag: "a boolean, or a tensor of booleans",
  any: "any value",
  tuple: "a tuple",
  function: "a function: a lambda, a name bound to one, or a stage, which is not run but handed over",
  program: "a program as data: the argument is quoted, not run",
  term: "a term: symbols, values and applications",
  buffer: "a buffer of the run's memory",
  agent: "an agent's name, a symbol",
  topic: "a topic's name, a symbol",
} as const;

/** What an operand can be. */
export type OperandKind = keyof typeof OPERAND_KINDS;

/** An operand. */
export interface OperandRow {
  /** Its name in messages and named forms. */
  readonly name: string;
  /** What it takes. */
  readonly takes: OperandKind;
  /** Sizes of a tensor operand, `...` for any leading ones; the names bind sizes for attributes and parameters. */
  readonly shape?: string;
  /** Whether it may be missing even without a pipeline's input. */
  readonly optional?: boolean;
  /** Whether it stands for any number of arguments; only the last can. */
  readonly repeats?: boolean;
}

/** What an attribute can be. */
export const ATTRIBUTE_KINDS = {
  size: "a positive integer",
  count: "an integer from 0",
  integer: "an integer",
  axis: "an axis; negative counts from the end",
  sizes: "one integer or a tuple of them",
  float: "a finite number",
  rate: "a number from 0 to below 1",
  flag: "true or false",
  choice: "one of the names listed",
  dtype: "the name of a dtype, such as #f32",
  name: "a symbol",
} as const;

/** What an attribute can be. */
export type AttributeKind = keyof typeof ATTRIBUTE_KINDS;

/** A decoded attribute: symbols by name, integers as numbers. */
export type AttributeValue = number | boolean | string | ReadonlyArray<number>;

/** An attribute. */
export interface AttributeRow {
  /** Its name. */
  readonly name: string;
  /** What it takes. */
  readonly kind: AttributeKind;
  /** What it is where nothing is given; a text of kind `size` or `count` is a size rule over the operands' sizes. */
  readonly default?: AttributeValue;
  /** Names accepted by kind `choice`. */
  readonly choices?: ReadonlyArray<string>;
  /** Whether it can only be given by name. */
  readonly named?: boolean;
  /** One line. */
  readonly doc: string;
}

/** How a parameter starts. */
export const INITIALISERS = {
  zeros: "zeros",
  ones: "ones",
  fanIn: "uniform within 1/sqrt(fan)",
  glorot: "uniform within sqrt(6 / (fan + fanOut))",
  normal: "normal with deviation 1/sqrt(fan)",
} as const;

/** How a parameter starts. */
export type Initialiser = keyof typeof INITIALISERS;

/** A learned parameter of an op. Sizes are rules over the operands' sizes and the attributes: `n`, `3*width`, `c/groups`. */
export interface ParameterRow {
  /** The last part of its path. */
  readonly name: string;
  /** Sizes, as size rules. */
  readonly shape: ReadonlyArray<string>;
  /** How it starts. */
  readonly init: Initialiser;
  /** Inputs that an output sums over, a size rule; needed by the random initialisers. */
  readonly fan?: string;
  /** Outputs that an input reaches, a size rule; needed by `glorot`. */
  readonly fanOut?: string;
  /** The flag attribute that must be true for it to exist. */
  readonly when?: string;
  /** Whether it is not learned but kept by the op itself while training. */
  readonly running?: boolean;
}

/** What running an op depends on and changes besides its operands, with the authority that needs. */
export const OP_EFFECTS = {
  pure: { doc: "nothing", effects: [], kinds: [] },
  random: { doc: "draws from the run's seed when training", effects: [], kinds: [] },
  statistics: { doc: "updates running statistics when training", effects: [], kinds: [] },
  memory: { doc: "reads or changes the run's memory", effects: [], kinds: [] },
  knowledge: { doc: "reads or changes the run's knowledge base", effects: [], kinds: [] },
  agents: { doc: "talks to other agents", effects: [], kinds: ["agent"] },
} as const satisfies {
  readonly [name: string]: {
    readonly doc: string;
    readonly effects: ReadonlyArray<EffectName>;
    readonly kinds: ReadonlyArray<Kind>;
  };
};

/** What running an op depends on and changes. */
export type OpEffect = keyof typeof OP_EFFECTS;

/** One row of the table. */
export interface OpRow {
  /** Wire code: family byte, then index in the family. */
  readonly code: number;
  /** Name in source text. */
  readonly name: string;
  /** Name of the original's constant. */
  readonly constant: string;
  /** Family. */
  readonly family: FamilyName;
  /** What it computes, in one or two sentences. */
  readonly doc: string;
  /** Operands, in order. */
  readonly operands: ReadonlyArray<OperandRow>;
  /** Name of the operand that a pipeline's input fills first. */
  readonly piped: string | undefined;
  /** Attributes, in the order in which they bind by position. */
  readonly attributes: ReadonlyArray<AttributeRow>;
  /** Learned parameters. */
  readonly parameters: ReadonlyArray<ParameterRow>;
  /** What it gives, in the notation of operands: `float [..., width]`. */
  readonly result: string;
  /** Whether gradients flow through its float operands. */
  readonly differentiable: boolean;
  /** What it depends on and changes. */
  readonly effect: OpEffect;
  /** Where the definition comes from. */
  readonly source: string;
}

/** What a family file writes down; the rest follows. */
export interface OpSpec {
  /** Wire code. */
  readonly code: number;
  /** What it computes. */
  readonly doc: string;
  /** Operands, in order; none by default. */
  readonly operands?: ReadonlyArray<OperandRow>;
  /** The operand that a pipeline's input fills first; the first one by default. */
  readonly piped?: string;
  /** Attributes, in positional order; none by default. */
  readonly attributes?: ReadonlyArray<AttributeRow>;
  /** Learned parameters; none by default. */
  readonly parameters?: ReadonlyArray<ParameterRow>;
  /** What it gives. */
  readonly result: string;
  /** Whether gradients flow through its float operands; false by default. */
  readonly differentiable?: boolean;
  /** What it depends on and changes; nothing by default. */
  readonly effect?: OpEffect;
  /** The original's constant where it is not the name in capitals. */
  readonly constant?: string;
  /** Where the definition comes from, beyond the code. */
  readonly source?: string;
}

/** The rows of a family by op name. */
export type Family<Name extends string> = { readonly [N in Name]: OpRow };

/** Makes a family's rows. */
export const family = <const Name extends string>(
  name: FamilyName,
  specs: { readonly [N in Name]: OpSpec },
): Family<Name> =>
  Object.fromEntries(
    Object.entries<OpSpec>(specs).map(([op, spec]): readonly [string, OpRow] => [op, {
      ...spec,
      name: op,
      constant: spec.constant ?? op.toUpperCase(),
      family: name,
      operands: spec.operands ?? [],
      piped: spec.piped ?? spec.operands?.[0]?.name,
      attributes: spec.attributes ?? [],
      parameters: spec.parameters ?? [],
      differentiable: spec.differentiable ?? false,
      effect: spec.effect ?? "pure",
      source: `RMI 0x${spec.code.toString(16).padStart(4, "0")}${spec.source === undefined ? "" : `; ${spec.source}`}`,
    }]),
  ) as { readonly [N in Name]: OpRow };

type Given<T, K extends keyof T> = Partial<Omit<T, K>>;

/** An operand of a row. */
export const operand = (
  name: string,
  takes: OperandKind,
  more: Given<OperandRow, "name" | "takes"> = {},
): OperandRow => ({
  name,
  takes,
  ...more,
});

/** An attribute of a row. */
export const attribute = (
  name: string,
  kind: AttributeKind,
  doc: string,
  more: Given<AttributeRow, "name" | "kind" | "doc"> = {},
): AttributeRow => ({ name, kind, doc, ...more });

/** A learned parameter of a row. */
export const parameter = (
  name: string,
  shape: ReadonlyArray<string>,
  init: Initialiser,
  more: Given<ParameterRow, "name" | "shape" | "init"> = {},
): ParameterRow => ({ name, shape, init, ...more });
