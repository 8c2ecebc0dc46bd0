/**
 * The tree of the original's own benchmarks.
 */
import { app, type Expression, lit } from "../../../plugins/rmil/expression.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { f32 } from "../../../plugins/rmil/value.ts";

/** `add(… add(add(1.0, 2.0), 3.0) …)`, 358 bytes in version 1 at depth 32. */
export const addChain = (adds: number): Expression => {
  let root = lit(f32(1));
  for (let i = 0; i < adds; i++) root = app(OPS.add.code, [root, lit(f32(i + 2))]);
  return root;
};
