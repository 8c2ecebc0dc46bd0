/** Seeded random programs for the tests of the tools: every kind of node, value and type, few names, much likeness. */
import type { Random } from "../../../kernel/mod.ts";
import {
  app,
  block,
  call,
  cond,
  type Expression,
  lam,
  letIn,
  lit,
  par,
  ref,
  seq,
  withChildren,
} from "../../../plugins/rmil/expression.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { scalar, tensor } from "../../../plugins/rmil/types.ts";
import { bool, f32, f64, i64, NIL, symbolValue, tensorValue, tupleValue } from "../../../plugins/rmil/value.ts";

/** The names that trees use. */
export const NAMES = ["x", "y", "z", "f", "agent"];

/** A table of them. */
export const table = (): Symbols => Symbols.of(NAMES);

const OPCODES = [0x0001, 0x0002, 0x0010, 0x0212, 0x0600, 0x0602];

const leaf = (random: Random): Expression => {
  const values = [
    () => lit(i64(random.below(3))),
    () => lit(f32(random.below(3) / 2)),
    () => lit(f64(-0)),
    () => lit(bool(random.below(2) === 0)),
    () => lit(NIL),
    () => lit(symbolValue(1 + random.below(NAMES.length))),
    () => lit(tupleValue([i64(1), tupleValue([symbolValue(2)])])),
    () => lit(tensorValue("u8", [2], Uint8Array.of(random.below(3), 1))),
    () => ref(1 + random.below(NAMES.length)),
    () => ref(1 + random.below(NAMES.length)),
    () => app(random.pick(OPCODES)),
    () => app(random.pick(OPCODES), [], [{ name: "width", value: i64(random.below(3)) }]),
  ];
  return random.pick(values)();
};

/** A random tree of about so many nodes. */
export const tree = (random: Random, size: number): Expression => {
  if (size <= 1) return leaf(random);
  const split = (parts: number): ReadonlyArray<Expression> =>
    Array.from({ length: parts }, () => tree(random, Math.floor((size - 1) / parts)));
  const symbol = 1 + random.below(NAMES.length);
  const makers = [
    () => seq(...split(2) as [Expression, Expression]),
    () => seq(...split(2) as [Expression, Expression]),
    () => split(4).reduce(seq),
    () => split(3).reduce(par),
    () => app(random.pick(OPCODES), split(1 + random.below(3))),
    () => cond(...split(3) as [Expression, Expression, Expression]),
    () => letIn(symbol, ...split(2) as [Expression, Expression]),
    () => {
      const other = 1 + (symbol % NAMES.length);
      const parameters = [{ sym: symbol, type: scalar("f32") }, { sym: other, type: tensor("i64", [2, null, "n"]) }];
      return lam(parameters.slice(0, random.below(3)), tree(random, size - 1));
    },
    () => call(tree(random, Math.floor(size / 2)), split(random.below(3))),
    () => block(split(random.below(4))),
  ];
  return random.pick(makers)();
};

/** The tree with one node changed somewhere. */
export const mutated = (random: Random, node: Expression): Expression => {
  if (node.children.length === 0 || random.below(4) === 0) return tree(random, 1 + random.below(4));
  const at = random.below(node.children.length);
  return withChildren(node, node.children.map((child, index) => index === at ? mutated(random, child) : child));
};
