/**
 * Host judgement: which host functions a program refers to anywhere, reached or not, and what they need.
 *
 * Not the check (../check.ts), which follows what a run reaches and infers types.
 * Invariant: a free name that no function has is not judged: it may be an input.
 *
 * @module
 */
import { type EffectName, EFFECTS, type Failure, type Kind, KINDS } from "../../../kernel/mod.ts";
import type { Program } from "../codec/v1.ts";
import { type Expression, Tag } from "../expression.ts";
import { boundedCount } from "../tools/key.ts";
import { showPath } from "../tools/patch.ts";
import { walkScoped } from "../tools/scope.ts";
import { argumentFault, arityFault, authoritiesOfHost, type HostFunction, type HostFunctions } from "./functions.ts";
import { conformed, noBindings, showValueType } from "./types.ts";

/** What a program would call, known before it runs. */
export interface HostJudgement {
  /** Names of the functions it refers to, in order. */
  readonly functions: ReadonlyArray<string>;
  /** Effect classes they need. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds they need. */
  readonly kinds: ReadonlyArray<Kind>;
  /** Calls with the wrong number of arguments or with literals of the wrong type. */
  readonly faults: ReadonlyArray<Failure>;
}

/** Judges the calls of host functions in a program. A free name that no function has is not judged: it may be an input. */
export const hostJudgement = ({ symbols, root }: Program, functions: HostFunctions): HostJudgement => {
  boundedCount(root, "program");
  const used = new Map<string, HostFunction>();
  const faults: Array<Failure> = [];
  const calledAt = (node: Expression): HostFunction | undefined =>
    node.tag === Tag.Ref ? functions.get(symbols.nameOf(node.code) ?? "") : undefined;
  walkScoped(root, (node, scope, path) => {
    if (node.tag === Tag.Ref && !scope.has(node.code)) {
      const found = calledAt(node);
      if (found !== undefined) used.set(found.name, found);
    }
    if (node.tag !== Tag.Call || scope.has(node.children[0].code)) return;
    const found = calledAt(node.children[0]);
    if (found === undefined) return;
    const args = node.children.slice(1);
    const arity = arityFault(found, args.length, showPath(path));
    if (arity !== undefined) faults.push(arity);
    else faults.push(...literalFaults(found, args, path));
  });
  const needed = new Set([...used.values()].flatMap(authoritiesOfHost));
  return {
    functions: [...used.keys()].sort(),
    effects: EFFECTS.filter((name) => needed.has(name)),
    kinds: KINDS.filter((name) => needed.has(name)),
    faults,
  };
};

const literalFaults = (
  found: HostFunction,
  args: ReadonlyArray<Expression>,
  path: ReadonlyArray<number>,
): ReadonlyArray<Failure> => {
  const bindings = noBindings();
  return args.flatMap((argument, index) =>
    argument.tag !== Tag.Lit || conformed(found.inputs[index], argument.value, bindings) !== undefined
      ? []
      : [argumentFault(found, index, showValueType(argument.value), showPath([...path, index + 1]))]
  );
};
