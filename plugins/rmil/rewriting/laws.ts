/**
 * Laws: equations that hold of every program, as rules. Each states itself; tests run both sides against each other.
 *
 * `EXACT` laws give the same value bit for bit (but for a NaN's payload) and fail exactly where the other side fails.
 * They are all that is used by default. `REAL` laws hold of real numbers but not of rounded ones or of checked integers;
 * they must be asked for. Absent on purpose, because they are false: softmax, dropout and layer norm twice are not once,
 * and a skip connection is not its inner path.
 * Invariant: a law neither drops nor doubles work that is not pure, so learned parameters survive one for one (under
 * the paths of the new tree) and effects keep their order.
 *
 * @module
 */
import { type OpName, OPS } from "../opcodes.ts";
import { f32, f64, FALSE, i64, TRUE, type Value } from "../value.ts";
import type { FactName } from "./facts.ts";
import {
  branches,
  either,
  type Guard,
  literal,
  namesIn,
  on,
  type Pat,
  rest,
  type Rule,
  stages,
  type Tmpl,
  v,
} from "./pattern.ts";

/** A rule with what it claims. */
export interface Law extends Rule {
  /** The equation in words. */
  readonly statement: string;
  /** Whether every use makes the tree smaller; the others are for search, where both sides are kept. */
  readonly shrinks: boolean;
}

const needs = (of: string, ...facts: ReadonlyArray<FactName>): Guard => ({ of, facts });

const law = (name: string, statement: string, left: Pat, right: Tmpl, ...guards: ReadonlyArray<Guard>): Law => ({
  name,
  statement,
  left,
  right,
  guards,
  shrinks: true,
});

const op = (name: OpName): number => OPS[name].code;
const bare = (name: OpName) => on<never>(op(name));
const unary = <P extends Pat | Tmpl>(name: OpName, x: P) => on<P>(op(name), x);
const binary = <P extends Pat | Tmpl>(name: OpName, x: P, y: P) => on<P>(op(name), x, y);

const [a, b, c, p, x] = ["a", "b", "c", "p", "x"].map(v);

const idempotent = (name: OpName): ReadonlyArray<Law> => [
  law(`${name}-idempotent`, `${name} after ${name} changes nothing`, stages<Pat>(bare(name), bare(name)), bare(name)),
  law(
    `${name}-idempotent-applied`,
    `${name} of ${name} is ${name}`,
    unary<Pat>(name, unary<Pat>(name, x)),
    unary<Tmpl>(name, x),
  ),
  law(
    `${name}-idempotent-after`,
    `${name} after an applied ${name} changes nothing`,
    stages<Pat>(unary<Pat>(name, x), bare(name)),
    unary<Tmpl>(name, x),
  ),
];

const selfLaw = (name: OpName): Law =>
  law(`${name}-self`, `${name}(x, x) is x`, binary<Pat>(name, x, x), x, needs("x", "pure", "number", "data"));

/** Where a number is neutral: the op, the side it stands on, and the number. −0 is neutral to a sum, and +0 is not. */
const NEUTRAL: ReadonlyArray<readonly [OpName, "left" | "right", number]> = [
  ["mul", "left", 1],
  ["mul", "right", 1],
  ["div", "right", 1],
  ["sub", "right", 0],
  ["add", "left", -0],
  ["add", "right", -0],
];

const KINDS: ReadonlyArray<readonly ["f32" | "f64" | "i64", (value: number) => Value]> = [
  ["f32", f32],
  ["f64", f64],
  ["i64", (value) => i64(value)],
];

const neutralLaws: ReadonlyArray<Law> = KINDS.flatMap(([kind, valueOf]) =>
  NEUTRAL.map(([name, side, value]) => {
    const unit = literal(valueOf(kind === "i64" ? value + 0 : value));
    return law(
      `${name}-neutral-${side}-${kind}`,
      `${Object.is(value, -0) && kind !== "i64" ? "-0" : value} is neutral on the ${side} of ${name} over ${kind}`,
      side === "left" ? binary<Pat>(name, unit, x) : binary<Pat>(name, x, unit),
      x,
      needs("x", kind, "data"),
    );
  })
);

const clampBoth = on<Pat & Tmpl>(op("clamp"), x, a, b);

/** Laws whose every use makes the tree smaller: the default of the rewriter, which therefore ends. */
export const SHRINKING_LAWS: ReadonlyArray<Law> = [
  law("identity-left", "identity >> x is x", stages<Pat>(bare("identity"), x), x, needs("x", "data")),
  law("identity-right", "x >> identity is x", stages<Pat>(x, bare("identity")), x),
  ...idempotent("relu"),
  ...idempotent("abs"),
  law("cond-true", "if true then a else b is a", either<Pat>(literal(TRUE), a, b), a),
  law("cond-false", "if false then a else b is b", either<Pat>(literal(FALSE), a, b), b),
  law(
    "cond-factor",
    "a common last stage of both branches moves behind the conditional",
    either<Pat>(p, stages<Pat>(a, c), stages<Pat>(b, c)),
    stages<Tmpl>(either<Tmpl>(p, a, b), c),
    needs("c", "pure", "data"),
  ),
  law(
    "par-factor",
    "a common first stage of both branches moves before the pair",
    branches<Pat>(stages<Pat>(a, b), stages<Pat>(a, c)),
    stages<Tmpl>(a, branches<Tmpl>(b, c)),
    needs("a", "pure", "data"),
  ),
  selfLaw("max"),
  selfLaw("min"),
  law("neg-neg", "minus minus x is x", unary<Pat>("neg", unary<Pat>("neg", x)), x, needs("x", "float", "data")),
  law(
    "abs-neg",
    "the magnitude of minus x is that of x",
    unary<Pat>("abs", unary<Pat>("neg", x)),
    unary<Tmpl>("abs", x),
    needs("x", "float"),
  ),
  law(
    "cos-neg",
    "the cosine of minus x is that of x",
    unary<Pat>("cos", unary<Pat>("neg", x)),
    unary<Tmpl>("cos", x),
    needs("x", "float"),
  ),
  law(
    "clamp-clamp",
    "clamping again to the same range changes nothing",
    on<Pat>(op("clamp"), clampBoth, a, b),
    clampBoth,
    needs("a", "pure"),
    needs("b", "pure"),
  ),
  ...neutralLaws,
  law("block-one", "a block of one expression is that expression", { k: "Block", items: [x] }, x),
  law(
    "block-dead",
    "a value that nothing takes can be left out of a block",
    { k: "Block", items: [rest("before"), a, b, rest("after")] },
    { k: "Block", items: [rest("before"), b, rest("after")] },
    needs("a", "total", "data"),
  ),
  law(
    "let-named",
    "a name for a number that is the whole body is what it names",
    { k: "Let", sym: "s", val: x, body: { k: "Ref", sym: "s" } },
    x,
    needs("x", "number", "data"),
  ),
];

/** Ops that only map their one operand, so that applying them and putting them behind a stage are the same. */
export const STAGES: ReadonlyArray<OpName> = (Object.keys(OPS) as ReadonlyArray<OpName>).filter((name) => {
  const row = OPS[name];
  return (row.family === "Neural" || row.family === "Math") && row.effect === "pure" && row.operands.length === 1 &&
    row.operands[0].repeats !== true && row.attributes.length === 0 && row.parameters.length === 0;
});

const commutative = (name: OpName): Law =>
  law(
    `${name}-commutes`,
    `${name}(a, b) is ${name}(b, a)`,
    binary<Pat>(name, a, b),
    binary<Tmpl>(name, b, a),
    needs("a", "orderFree"),
    needs("b", "orderFree"),
  );

const exploring = (laws: ReadonlyArray<Law>): ReadonlyArray<Law> => laws.map((one) => ({ ...one, shrinks: false }));

/** Laws that lead to equal trees of the same size: for search only, since following them never ends. */
export const EXPLORING_LAWS: ReadonlyArray<Law> = exploring([
  law(
    "seq-to-right",
    "(a >> b) >> c is a >> (b >> c)",
    stages<Pat>(stages<Pat>(a, b), c),
    stages<Tmpl>(a, stages<Tmpl>(b, c)),
  ),
  law(
    "seq-to-left",
    "a >> (b >> c) is (a >> b) >> c",
    stages<Pat>(a, stages<Pat>(b, c)),
    stages<Tmpl>(stages<Tmpl>(a, b), c),
  ),
  commutative("add"),
  commutative("mul"),
  ...STAGES.flatMap((name) => [
    law(
      `${name}-applied`,
      `x >> ${name} is ${name}(x)`,
      stages<Pat>(x, bare(name)),
      unary<Tmpl>(name, x),
      needs("x", "data"),
    ),
    law(
      `${name}-staged`,
      `${name}(x) is x >> ${name}`,
      unary<Pat>(name, x),
      stages<Tmpl>(x, bare(name)),
      needs("x", "data"),
    ),
  ]),
]);

/** All laws that hold bit for bit. */
export const EXACT_LAWS: ReadonlyArray<Law> = [...SHRINKING_LAWS, ...EXPLORING_LAWS];

/** Laws of real numbers: with rounding, overflow or NaN their sides may differ. */
export const REAL_LAWS: ReadonlyArray<Law> = [
  ...exploring((["add", "mul"] as const).map((name) =>
    law(
      `${name}-associates`,
      `${name} is associative`,
      binary<Pat>(name, binary<Pat>(name, a, b), c),
      binary<Tmpl>(name, a, binary<Tmpl>(name, b, c)),
    )
  )),
  law(
    "distribute",
    "a common factor moves out of a sum",
    binary<Pat>("add", binary<Pat>("mul", a, b), binary<Pat>("mul", a, c)),
    binary<Tmpl>("mul", a, binary<Tmpl>("add", b, c)),
    needs("a", "pure"),
  ),
  law(
    "log-exp",
    "the logarithm of e to the x is x",
    unary<Pat>("log", unary<Pat>("exp", x)),
    x,
    needs("x", "float", "data"),
  ),
  law(
    "exp-log",
    "e to the logarithm of x is x",
    unary<Pat>("exp", unary<Pat>("log", x)),
    x,
    needs("x", "float", "data"),
  ),
  law(
    "sqrt-square",
    "the root of x times x is its magnitude",
    unary<Pat>("sqrt", binary<Pat>("mul", x, x)),
    unary<Tmpl>("abs", x),
    needs("x", "float", "pure"),
  ),
];

/** The laws of a set by name. */
export const LAW_SETS = {
  exact: EXACT_LAWS,
  real: [...EXACT_LAWS, ...REAL_LAWS],
} as const satisfies { readonly [name: string]: ReadonlyArray<Law> };

/** Names that a rule's template uses and its pattern does not bind; a rule with any never fires. */
export const unboundNames = ({ left, right }: Rule): ReadonlyArray<string> => {
  const bound = new Set(namesIn(left));
  return namesIn(right).filter((name) => !bound.has(name));
};
