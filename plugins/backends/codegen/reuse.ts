/**
 * Reuse: whether a kernel may write one buffer over another that it reads.
 *
 * Not the decision to do so: for state schedule.ts decides, for other buffers memory.ts.
 * Invariant: where the answer is yes, every element that is overwritten has been read by then, by the turn that writes it.
 *
 * @module
 */
import {
  type Buffer,
  type Contraction,
  eachExpression,
  eachStatement,
  type Expression,
  expressionsOf,
  type Loops,
  type Statement,
} from "./loops.ts";

/**
 * Whether `written` may lie where `read` lies: all accesses of both are to the same element in the same turn, every read
 * comes before the write, and no product reads it, as that reads elements over and over.
 */
export const overwritesSafely = (work: Loops | Contraction, written: Buffer, read: Buffer = written): boolean => {
  const statements: Statement[] = [];
  eachStatement(work.kind === "loops" ? work.body : work.epilogue, (statement) => statements.push(statement));
  const keys = new Set<string>();
  for (const statement of statements) {
    if (statement.kind === "store" && statement.buffer === written) keys.add(statement.index.key);
  }
  if (keys.size !== 1) return false;
  let isSafe = true;
  const check = (roots: ReadonlyArray<Expression>, isLate: boolean): void =>
    eachExpression(roots, (each) => {
      if (each.kind === "load" && (each.buffer === read || each.buffer === written)) {
        isSafe &&= !isLate && keys.has(each.index.key);
      }
    });
  if (work.kind === "contraction") check([work.left, work.right], true);
  let isLate = false;
  for (const statement of statements) {
    check(expressionsOf(statement), isLate);
    if (statement.kind !== "store") continue;
    if (statement.buffer === written) isLate = true;
    else if (statement.buffer === read) return false;
  }
  return isSafe;
};
