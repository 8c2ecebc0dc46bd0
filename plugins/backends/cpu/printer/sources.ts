/**
 * Sources: what an expression is computed from: axes, variables and buffers.
 *
 * Not expressions themselves (codegen/loops.ts).
 * Invariant: an expression whose sources do not change does not change.
 *
 * @module
 */
import { type Affine, eachAxis } from "../../codegen/affine.ts";
import type { Expression } from "../../codegen/loops.ts";

/** What an expression is computed from. */
export interface Sources {
  /** Ids of axes. */
  readonly axes: ReadonlySet<number>;
  /** Ids of variables. */
  readonly variables: ReadonlySet<number>;
  /** Ids of buffers. */
  readonly buffers: ReadonlySet<number>;
}

const NO_SOURCES: Sources = { axes: new Set(), variables: new Set(), buffers: new Set() };

/** Sources of expressions and indices, each found once. */
export class SourceTable {
  private readonly known = new Map<number, Sources>();
  private readonly indices = new Map<string, Sources>();

  /** Sources of several parts. */
  private static join(parts: ReadonlyArray<Sources>): Sources {
    if (parts.length === 0) return NO_SOURCES;
    if (parts.length === 1) return parts[0];
    const union = (pick: (part: Sources) => ReadonlySet<number>): ReadonlySet<number> =>
      new Set(parts.flatMap((part) => [...pick(part)]));
    return { axes: union((p) => p.axes), variables: union((p) => p.variables), buffers: union((p) => p.buffers) };
  }

  /** Of an index. */
  ofIndex(index: Affine): Sources {
    if (index.terms.length === 0) return NO_SOURCES;
    const before = this.indices.get(index.key);
    if (before !== undefined) return before;
    const axes = new Set<number>();
    eachAxis(index, ({ id }) => axes.add(id));
    const inner = (of: Affine): ReadonlyArray<Sources> =>
      of.terms.flatMap(({ atom }) =>
        atom.kind === "value" ? [this.of(atom.value as Expression)] : atom.kind === "axis" ? [] : inner(atom.of)
      );
    const made = SourceTable.join([{ ...NO_SOURCES, axes }, ...inner(index)]);
    this.indices.set(index.key, made);
    return made;
  }

  /** Of an expression. */
  of(expression: Expression): Sources {
    const before = this.known.get(expression.id);
    if (before !== undefined) return before;
    const made = this.find(expression);
    this.known.set(expression.id, made);
    return made;
  }

  /** Sources of an expression, from those of its parts. */
  private find(expression: Expression): Sources {
    switch (expression.kind) {
      case "constant":
        return NO_SOURCES;
      case "index":
        return this.ofIndex(expression.index);
      case "local":
        return { ...NO_SOURCES, variables: new Set([expression.local.id]) };
      case "load":
        return SourceTable.join([
          this.ofIndex(expression.index),
          { ...NO_SOURCES, buffers: new Set([expression.buffer.id]) },
        ]);
      case "guard":
        return SourceTable.join([expression.condition, expression.then, expression.otherwise].map((e) => this.of(e)));
      default:
        return SourceTable.join(expression.arguments.map((e) => this.of(e)));
    }
  }
}
/** Whether two sets have something in common. */
export const meets = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean => {
  for (const each of a) if (b.has(each)) return true;
  return false;
};
