/** Seeded random programs for the tests of the tools: as those of trees.ts, over few names and values, so much alike. */
import type { Random } from "../../../kernel/mod.ts";
import { app, type Expression, lit, par, ref, seq, withChildren } from "../../../plugins/rmil/expression.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { scalar, tensor } from "../../../plugins/rmil/types.ts";
import { innerNode } from "./trees.ts";
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
  const part = (of: number): Expression => tree(random, Math.floor((size - 1) / of));
  const symbol = (): number => 1 + random.below(NAMES.length);
  const chain = (join: typeof seq): Expression => [part(4), part(4), part(4), part(4)].reduce((a, b) => join(a, b));
  // Long chains are what patches and caches are about.
  if (random.below(5) === 0) return chain(random.below(2) === 0 ? seq : par);
  return innerNode(random, {
    literal: () => chain(seq),
    symbol,
    application: () => {
      const count = 1 + random.below(3);
      return app(random.pick(OPCODES), Array.from({ length: count }, () => part(count)));
    },
    part,
    parameters: () => {
      const first = symbol();
      const other = 1 + (first % NAMES.length);
      const parameters = [{ sym: first, type: scalar("f32") }, { sym: other, type: tensor("i64", [2, null, "n"]) }];
      return parameters.slice(0, random.below(3));
    },
  });
};

/** The tree with one node changed somewhere. */
export const mutated = (random: Random, node: Expression): Expression => {
  if (node.children.length === 0 || random.below(4) === 0) return tree(random, 1 + random.below(4));
  const at = random.below(node.children.length);
  return withChildren(node, node.children.map((child, index) => index === at ? mutated(random, child) : child));
};
