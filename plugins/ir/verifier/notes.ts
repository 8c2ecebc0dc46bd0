/**
 * Notes of the verifier: what is odd about a program that is not wrong: dead code, loops without a known end, randomness
 * that repeats itself.
 *
 * Invariant: only a checked program is looked at.
 *
 * @module
 */
import { functionOf, type IrFunction, type Node, type Program } from "../graph.ts";
import { liveUses } from "../passes/emitter.ts";
import type { ObservationCode } from "./findings.ts";

/** Takes one observation. */
export type Observe = (code: ObservationCode, path: string, message: string) => void;

const pathOf = (fn: IrFunction, node: Node, index: number): string =>
  node.location ?? `/functions/${fn.name}/nodes/${index}`;

/** The node that makes each value; undefined for parameters. */
const makers = (fn: IrFunction): ReadonlyArray<Node | undefined> => [
  ...fn.parameters.map(() => undefined),
  ...fn.nodes.flatMap((node) => node.results.map(() => node)),
];

const reachable = (program: Program): ReadonlySet<string> => {
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const node of functionOf(program, name).nodes) node.functions.forEach(visit);
  };
  visit(program.entry);
  return found;
};

const deadCode = (fn: IrFunction, isEntry: boolean, observe: Observe): void => {
  const uses = liveUses(fn);
  fn.parameters.forEach(({ name }, i) => {
    if (uses[i] > 0 || !isEntry) return;
    observe(
      "IR_UNUSED_PARAMETER",
      `/functions/${fn.name}/parameters/${i}`,
      `Parameter ${name} of @${fn.name} is not read`,
    );
  });
  let value = fn.parameters.length;
  fn.nodes.forEach((node, index) => {
    const dead = node.results.every((_, i) => uses[value + i] === 0);
    value += node.results.length;
    if (dead) observe("IR_DEAD_VALUE", pathOf(fn, node, index), `No result needs what ${node.op} makes`);
  });
};

const names = (fn: IrFunction, observe: Observe): void => {
  const seen = new Set<string>();
  fn.parameters.forEach(({ name }, i) => {
    if (seen.has(name)) {
      observe(
        "IR_AMBIGUOUS_NAME",
        `/functions/${fn.name}/parameters/${i}`,
        `@${fn.name} has two parameters named ${name}`,
      );
    }
    seen.add(name);
  });
};

/** Parameters of a condition that it looks at. */
const looksAt = (condition: IrFunction): ReadonlyArray<number> => {
  const uses = liveUses(condition);
  return condition.parameters.flatMap((_, i) => uses[i] > 0 ? [i] : []);
};

const loops = (program: Program, fn: IrFunction, observe: Observe): void => {
  fn.nodes.forEach((node, index) => {
    if (node.op !== "while") return;
    const path = pathOf(fn, node, index);
    const [condition, body] = node.functions.map((name) => functionOf(program, name));
    const carry = node.attributes.carry as number;
    const changes = looksAt(condition).some((i) => i < carry && body.returns[i] !== i);
    if (!changes) {
      observe(
        "IR_ENDLESS_LOOP",
        path,
        `@${condition.name} looks at nothing that @${body.name} changes: the loop never or always runs`,
      );
    } else if (node.attributes.bound === undefined) {
      observe("IR_UNBOUNDED_LOOP", path, "The loop has no bound: whether it ends depends on its inputs");
    }
  });
};

/** Parameters that a loop hands to its body unchanged in every turn. */
const steadyParameters = (program: Program): ReadonlyMap<string, ReadonlySet<number>> => {
  const found = new Map<string, Set<number>>();
  for (const fn of program.functions.values()) {
    for (const node of fn.nodes) {
      if (node.op !== "while" && node.op !== "scan") continue;
      const from = (node.attributes.carry as number) + ((node.attributes.scanned as number | undefined) ?? 0);
      const body = functionOf(program, node.functions.at(-1)!);
      const steady = body.parameters.flatMap((_, i) => i >= from || body.returns[i] === i ? [i] : []);
      found.set(body.name, new Set([...found.get(body.name) ?? [], ...steady]));
    }
  }
  return found;
};

const randomness = (fn: IrFunction, steady: ReadonlySet<number> | undefined, observe: Observe): void => {
  const made = makers(fn);
  const draws = new Map<string, number>();
  fn.nodes.forEach((node, index) => {
    if (node.op !== "random") return;
    const path = pathOf(fn, node, index);
    const [seed] = node.operands;
    if (made[seed]?.op === "constant") {
      observe("IR_FIXED_SEED", path, "The seed is a literal: every run draws the same numbers");
    }
    const key = `${seed} ${node.attributes.stream}`;
    const before = draws.get(key);
    if (before !== undefined) {
      observe(
        "IR_SAME_DRAW",
        path,
        `It draws from the seed and stream of node ${before}: give one of them another stream`,
      );
    }
    draws.set(key, index);
    const fixed = made[seed] === undefined ? steady?.has(seed) : made[seed]?.op === "constant" && steady !== undefined;
    if (fixed) {
      observe("IR_REPEATED_DRAW", path, "The seed is the same in every turn of the loop, and so are the numbers");
    }
  });
};

/** Reports what is odd about a program. */
export const notesOf = (program: Program, observe: Observe): void => {
  const reached = reachable(program);
  const steady = steadyParameters(program);
  if (functionOf(program).returns.length === 0) {
    observe("IR_NO_RESULT", `/functions/${program.entry}/returns`, `@${program.entry} returns nothing`);
  }
  for (const fn of program.functions.values()) {
    if (!reached.has(fn.name)) observe("IR_UNUSED_FUNCTION", `/functions/${fn.name}`, `Nothing runs @${fn.name}`);
    names(fn, observe);
    deadCode(fn, fn.name === program.entry, observe);
    loops(program, fn, observe);
    randomness(fn, steady.get(fn.name), observe);
  }
};
