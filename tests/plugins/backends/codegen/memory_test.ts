/**
 * No two buffers that are needed at once share a byte, on random programs; and buffers that are not do.
 */
import assert from "node:assert/strict";
import type { LoopProgram } from "../../../../plugins/backends/codegen/loops.ts";
import { type LayoutRules, type MemoryPlan, planMemory } from "../../../../plugins/backends/codegen/memory.ts";
import { loopProgram } from "../../../../plugins/backends/codegen/schedule.ts";
import { buildProgram, dtypeInfo } from "../../../../plugins/ir/library.ts";
import { randomProgram } from "../../ir/programs.ts";

const RULES: LayoutRules = {
  elementBytes: (dtype) => Math.max(1, dtypeInfo(dtype).bits / 8),
  alignment: 64,
  slackBytes: 16,
  workers: 1,
};

const checkPlan = (program: LoopProgram, plan: MemoryPlan, rules: LayoutRules): void => {
  const placed = program.buffers.filter(({ id }) => plan.offsets.has(id));
  for (const [i, a] of placed.entries()) {
    const [from, lifetime] = [plan.offsets.get(a.id)!, plan.lifetimes.get(a.id)!];
    const copies = a.role === "scratch" ? rules.workers : 1;
    assert.equal(from % rules.alignment, 0);
    assert.ok(plan.sizes.get(a.id)! >= copies * (a.elements * rules.elementBytes(a.dtype) + rules.slackBytes));
    assert.ok(from + plan.sizes.get(a.id)! <= plan.bytes);
    for (const b of placed.slice(i + 1)) {
      const other = plan.lifetimes.get(b.id)!;
      if (lifetime.to < other.from || other.to < lifetime.from) continue;
      const isReplaced = plan.over.get(b.id) === a.id ? lifetime.to === other.from : plan.over.get(a.id) === b.id &&
        other.to === lifetime.from;
      if (isReplaced) continue;
      const start = plan.offsets.get(b.id)!;
      const isApart = from + plan.sizes.get(a.id)! <= start || start + plan.sizes.get(b.id)! <= from;
      assert.ok(isApart, `%${a.id} and %${b.id} overlap`);
    }
  }
};

Deno.test("buffers that are needed at once never overlap, in 300 random programs", () => {
  for (let seed = 0; seed < 300; seed++) {
    const program = loopProgram(randomProgram(`memory ${seed}`, { nodes: 25 }));
    const rules = { ...RULES, workers: 1 + seed % 3, alignment: 16 << (seed % 4) };
    checkPlan(program, planMemory(program, rules), rules);
  }
});

Deno.test("a chain of stored values needs the room of two", () => {
  const chain = buildProgram({ x: "f32[1024]" }, (g, { x }) => {
    let y = x;
    for (let i = 0; i < 10; i++) y = g.cumulative("sum", y, { axis: 0 });
    return y;
  });
  const program = loopProgram(chain);
  const one = 1024 * 4 + 64;
  assert.ok(planMemory(program, RULES).bytes <= 3 * one);
});

Deno.test("a result lies over the operand that ends with it, and only where elements agree", () => {
  const replaced = (build: Parameters<typeof buildProgram>[1]): number => {
    const program = loopProgram(buildProgram({ x: "f32[8,8]" }, build));
    const plan = planMemory(program, RULES);
    checkPlan(program, plan, RULES);
    return plan.over.size;
  };
  // A running sum reads each element just before it writes it: it lies over x wherever nothing else reads x.
  assert.equal(replaced((g, { x }) => g.exp(g.cumulative("sum", x, { axis: 0 }))), 2);
  assert.equal(replaced((g, { x }) => g.transpose(g.cumulative("sum", x, { axis: 0 }), [1, 0])), 1);
  assert.equal(replaced((g, { x }) => g.softmax(g.cumulative("sum", x, { axis: 0 }), -1)), 2);
  assert.equal(replaced((g, { x }) => g.matmul(g.cumulative("sum", x, { axis: 0 }), x)), 0);
  assert.equal(
    replaced((g, { x }) => {
      const y = g.cumulative("sum", x, { axis: 0 });
      return [g.exp(y), g.cumulative("max", y, { axis: 1 })];
    }),
    2,
  );
});

Deno.test("a result that a loop fills row by row keeps its room from the loop's start", () => {
  const program = loopProgram(
    buildProgram({ x: "f32[4,8]" }, (g, { x }) =>
      g.scan({ length: 4 }, [], [x], (inner, _, [row]) => {
        const sorted = inner.sort(row, 0)[0];
        return inner.cumulative("sum", sorted, { axis: 0 });
      })),
  );
  const plan = planMemory(program, RULES);
  const stack = program.results[0].buffer;
  const inner = program.buffers.filter(({ role, id }) => role === "temporary" && plan.offsets.has(id));
  assert.ok(inner.length > 0);
  for (const { id } of inner) {
    const [a, b] = [plan.lifetimes.get(stack.id)!, plan.lifetimes.get(id)!];
    assert.ok(a.from <= b.from && a.to >= b.to);
  }
  checkPlan(program, plan, RULES);
});
