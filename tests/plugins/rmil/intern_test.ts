/** Interning: one number for equal sub-expressions, whatever the hashes do. */
import assert from "node:assert/strict";
import { app, equalExpressions, type Expression, lit, seq } from "../../../plugins/rmil/expression.ts";
import { Interner } from "../../../plugins/rmil/intern.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { i64, tensorValue } from "../../../plugins/rmil/value.ts";
import { Trees } from "./trees.ts";

const nodesOf = (root: Expression): ReadonlyArray<Expression> => [root, ...root.children.flatMap(nodesOf)];

Deno.test("two sub-expressions have one number if and only if they are equal", () => {
  const trees = new Trees("intern");
  const nodes = Array.from({ length: 40 }, () => trees.expression(4)).flatMap(nodesOf).slice(0, 1200);
  const interner = new Interner();
  const numbers = nodes.map((node) => interner.numberOf(node));
  for (let i = 0; i < nodes.length; i++) {
    for (let j = i; j < nodes.length; j++) {
      assert.equal(numbers[i] === numbers[j], equalExpressions(nodes[i], nodes[j]));
    }
  }
  assert.equal(interner.count, new Set(numbers).size);
  for (const [index, node] of nodes.entries()) assert.equal(interner.sizeOf(numbers[index]), node.size);
});

/** Tensors that begin alike, so that a hash which looks at their beginnings tells none from another. */
const alike = (index: number): Expression => {
  const bytes = new Uint8Array(64);
  new DataView(bytes.buffer).setUint32(60, index);
  return lit(tensorValue("u8", [64], bytes));
};

for (const count of [16, 17, 18, 2000]) {
  Deno.test(`${count} expressions that hash alike keep numbers of their own, and equal ones theirs`, () => {
    const interner = new Interner();
    const wrapped = (index: number) => seq(alike(index), app(OPS.relu.code));
    const numbers = Array.from({ length: count }, (_, i) => interner.numberOf(wrapped(i)));
    assert.equal(new Set(numbers).size, count);
    assert.deepEqual(Array.from({ length: count }, (_, i) => interner.numberOf(wrapped(i))), numbers);
    assert.equal(interner.numberOf(lit(i64(7))), interner.numberOf(lit(i64(7))));
  });
}
