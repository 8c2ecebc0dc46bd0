/**
 * Layout: text with places where lines may break, set to a width.
 *
 * Not tied to the language (format.ts says where its lines may break). After Wadler, "A prettier printer", 2003.
 * Invariant: a group is set in one line if it fits and holds no forced break, else all its breaks are taken.
 *
 * @module
 */

/** Text, a place where a line may or must break, or a group. */
export type Doc = string | Break | Group;

/** A place where a line may break. */
export interface Break {
  /** What stands there in one line; absent where the line must break. */
  readonly flat?: string;
  /** Further indentation of the line after it. */
  readonly extra: number;
}

/** Parts that are set in one line or with all their breaks taken. */
export interface Group {
  /** Its parts. */
  readonly parts: ReadonlyArray<Doc>;
  /** Indentation of its lines against those around it. */
  readonly indent: number;
  /** Whether a break within it must be taken. */
  readonly broken: boolean;
}

const isGroup = (doc: Doc): doc is Group => typeof doc !== "string" && "parts" in doc;

const mustBreak = (doc: Doc): boolean =>
  typeof doc !== "string" && (isGroup(doc) ? doc.broken : doc.flat === undefined);

/** Makes a group. */
export const group = (parts: ReadonlyArray<Doc>, indent = 0): Group => ({
  parts,
  indent,
  broken: parts.some(mustBreak),
});

interface Set {
  readonly doc: Doc;
  readonly indent: number;
  readonly flat: boolean;
}

/** Whether a group fits into the rest of a line. */
const fits = (start: Group, room: number): boolean => {
  const stack: Array<Doc> = [start];
  let left = room;
  while (stack.length > 0 && left >= 0) {
    const doc = stack.pop()!;
    if (isGroup(doc)) { for (let i = doc.parts.length - 1; i >= 0; i--) stack.push(doc.parts[i]); }
    else left -= typeof doc === "string" ? doc.length : doc.flat!.length;
  }
  return left >= 0;
};

/** Sets a group to a width; lines have no white space at their end. */
export const layout = (root: Group, width: number): string => {
  const lines: Array<string> = [];
  let line = "";
  const stack: Array<Set> = [{ doc: root, indent: 0, flat: false }];
  while (stack.length > 0) {
    const { doc, indent, flat } = stack.pop()!;
    if (typeof doc === "string") line += doc;
    else if (isGroup(doc)) {
      const one = flat || (!doc.broken && fits(doc, width - line.length));
      const inner = indent + doc.indent;
      for (let i = doc.parts.length - 1; i >= 0; i--) stack.push({ doc: doc.parts[i], indent: inner, flat: one });
    } else if (flat && doc.flat !== undefined) line += doc.flat;
    else {
      lines.push(line.trimEnd());
      line = " ".repeat(Math.max(0, indent + doc.extra));
    }
  }
  lines.push(line.trimEnd());
  return lines.join("\n");
};
