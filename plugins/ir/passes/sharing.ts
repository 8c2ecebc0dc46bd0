/**
 * Sharing: nodes that compute the same are one node, functions that do the same are one function.
 *
 * Invariant: two nodes are the same when op, operands, attributes (constants by their bits) and functions are; random
 * draws are values of their seed and stream, so equal ones are the same draw.
 *
 * @module
 */
import type { Digest } from "../../../kernel/digest.ts";
import { programDigest } from "../hash.ts";
import type { IrFunction } from "../graph.ts";
import { nodeKey, TensorKeys } from "./emitter.ts";
import type { Draft, PassResult } from "./pass.ts";
import { Functions, rebuild } from "./structure.ts";

/** For each function the first one that does the same. */
const representatives = (draft: Draft): ReadonlyMap<string, string> => {
  const first = new Map<Digest, string>();
  const found = new Map<string, string>();
  for (const name of draft.functions.keys()) {
    const digest = programDigest({ entry: name, functions: draft.functions });
    if (name !== draft.entry && !first.has(digest)) first.set(digest, name);
    found.set(name, name === draft.entry ? name : first.get(digest)!);
  }
  return found;
};

const shareNodes = (fn: IrFunction, lookup: (name: string) => IrFunction, keys: TensorKeys) => {
  const seen = new Map<string, ReadonlyArray<number>>();
  return rebuild(fn, lookup, (node, operands, e) => {
    const key = nodeKey({ ...node, operands }, keys);
    const before = seen.get(key);
    if (before !== undefined) return before;
    seen.set(key, node.results.map((_, i) => e.types.length + i));
    return undefined;
  });
};

/** Runs the pass. */
export const share = (draft: Draft): PassResult => {
  const functions = new Functions(draft);
  const keys = new TensorKeys();
  let changes = 0;
  const same = draft.functions.size > 1 ? representatives(draft) : new Map<string, string>();
  for (const fn of draft.functions.values()) {
    const nodes = fn.nodes.map((node) => {
      if (!node.functions.some((name) => same.get(name) !== name)) return node;
      changes++;
      return { ...node, functions: node.functions.map((name) => same.get(name)!) };
    });
    const made = shareNodes({ ...fn, nodes }, functions.lookup, keys);
    changes += made.changes;
    functions.put(made.fn);
  }
  return changes === 0 ? { draft, changes } : { draft: functions.draft(draft.entry), changes };
};
