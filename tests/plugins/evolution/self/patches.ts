/**
 * Patches: random edits of a program, of which some are admitted: stages that change nothing at all, that undo each other,
 * and that spoil everything.
 */
import type { Random } from "../../../../kernel/mod.ts";
import type { BodyEdit } from "../../../../plugins/evolution/self/body.ts";
import { decodeAny, placedNodes } from "../../../../plugins/rmil/library.ts";

const STAGES = [
  ...["identity", "add(0.0)", "mul(1.0)", "neg >> neg", "add(2.0) >> sub(2.0)", "mul(4.0) >> mul(0.25)", "sub(0.0)"],
  ...["neg", "abs", "add(1.0)", "mul(2.0)", "max(-100.0)", "max(0.0)", "min(1000.0)", "exp"],
];

/** A random edit of a program: a stage put in, a place made the identity, a place replaced. */
export const randomEdit = (program: Uint8Array, chance: Random): BodyEdit => {
  const places = [...placedNodes(decodeAny(program).root)].map(({ path }) => path).filter((path) =>
    !/args/u.test(path)
  );
  const path = chance.pick(places);
  const kind = chance.pick(["insert", "insert", "insert", "delete", "replace"] as const);
  if (kind === "delete") return { kind, path };
  const stage = chance.pick(STAGES);
  return kind === "insert"
    ? { kind, path, stage, at: chance.pick(["before", "after"] as const) }
    : { kind, path, with: stage };
};
