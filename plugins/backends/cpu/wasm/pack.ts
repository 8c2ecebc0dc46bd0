/**
 * Pack: copies a strip of a matrix into the order in which a tile kernel reads it.
 *
 * Not a kernel: nothing is multiplied here, but a prologue may convert or compute what is packed.
 * Invariant: unit (j, k) of a panel of width w is at k·w + j; columns past the matrix are zeros.
 *
 * @module
 */
import type { Amount, Code, Local, MemoryInstruction } from "./code.ts";
import type { Unit } from "./numbers.ts";

/** Where an element of an operand is: its batch indices, row and column, as locals. */
export interface ElementPlace {
  /** Index on every batch axis. */
  readonly batch: ReadonlyArray<Local>;
  /** Row. */
  readonly row: Local;
  /** Column. */
  readonly column: Local;
  /** Further addresses the kernel was called with. */
  readonly pointers: ReadonlyArray<Local>;
  /** Address of the operand's element (0, 0) of this batch. */
  readonly base: Local;
}

/** A matrix operand: strides are in elements. */
export interface MatrixOperand {
  /** Stride of each batch axis; 0 where it is broadcast. */
  readonly batch: ReadonlyArray<number>;
  /** Stride from row to row. */
  readonly row: number;
  /** Stride from column to column. */
  readonly column: number;
  /** How an element is read, and its bytes; as the unit is where absent. */
  readonly element?: { readonly read: MemoryInstruction; readonly bytes: number };
  /**
   * A prologue: writes code that leaves one number of the unit's scalar type for a place. It is called when panels
   * are packed, once an element for every pass over the operand. Where absent, elements are read as they are.
   */
  readonly load?: (code: Code, place: ElementPlace) => void;
  /**
   * The same for a vector of numbers that lie along an axis, for the place of the first. Used where `load` is given
   * and all lanes are within the matrix.
   */
  readonly loadVector?: { readonly along: "row" | "column"; readonly write: (code: Code, place: ElementPlace) => void };
}

/** What a panel is packed from: `j` runs across the panel, `k` along it. */
export interface PanelSource {
  /** What units are. */
  readonly unit: Unit;
  /** Units across. */
  readonly width: number;
  /** Units across that are in the matrix; the rest are zeros. */
  readonly valid: number;
  /** Bytes from j to j+1. */
  readonly across: number;
  /** Bytes from k to k+1. */
  readonly along: number;
  /** Leaves unit (j + lane, k): a scalar. Where absent, units are elements. */
  readonly scalar?: (code: Code, lane: number) => void;
  /** Leaves a vector across the panel, from unit (j + lane, k) on. */
  readonly vectorAcross?: (code: Code, lane: number) => void;
}

const TRANSPOSE_LOW = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
const TRANSPOSE_HIGH = [8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31];
const PAIRS_LOW = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
const PAIRS_HIGH = [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31];

/** Transposes four vectors of four: the k-th written to `store(k)`. */
const transpose4 = (
  code: Code,
  load: (row: number) => void,
  store: (k: number, value: () => void) => void,
): void => {
  const rows = [0, 1, 2, 3].map((row) => {
    load(row);
    return code.keep("v128");
  });
  const mix = (a: Local, b: Local, lanes: ReadonlyArray<number>): Local => {
    code.get(a).get(b).shuffle(lanes);
    return code.keep("v128");
  };
  const [low01, low23] = [mix(rows[0], rows[1], TRANSPOSE_LOW), mix(rows[2], rows[3], TRANSPOSE_LOW)];
  const [high01, high23] = [mix(rows[0], rows[1], TRANSPOSE_HIGH), mix(rows[2], rows[3], TRANSPOSE_HIGH)];
  store(0, () => code.get(low01).get(low23).shuffle(PAIRS_LOW));
  store(1, () => code.get(low01).get(low23).shuffle(PAIRS_HIGH));
  store(2, () => code.get(high01).get(high23).shuffle(PAIRS_LOW));
  store(3, () => code.get(high01).get(high23).shuffle(PAIRS_HIGH));
  code.release(...rows, low01, low23, high01, high23);
};

/** What moves while a panel is packed. */
export interface PackCursor {
  /** Address of unit (j, k) in the matrix. */
  readonly from: Local;
  /** Address of the panel's next row of units. */
  readonly to: Local;
  /** How many k. */
  readonly steps: Amount;
  /** Called where k advances by a number known now, so that a prologue can follow. */
  readonly advanced?: (by: number) => void;
}

/** Packs one row of units (one k). */
const packStep = (code: Code, source: PanelSource, cursor: PackCursor): void => {
  const { unit, width, valid } = source;
  let lane = 0;
  const wide = source.scalar === undefined ? source.across === unit.bytes : source.vectorAcross !== undefined;
  for (; wide && lane + unit.lanes <= valid; lane += unit.lanes) {
    code.get(cursor.to);
    if (source.scalar === undefined) code.get(cursor.from).memory("v128.load", lane * unit.bytes);
    else source.vectorAcross!(code, lane);
    code.memory("v128.store", lane * unit.bytes);
  }
  for (; lane < valid; lane++) {
    code.get(cursor.to);
    if (source.scalar === undefined) readAt(code, cursor.from, unit.load, lane * source.across);
    else source.scalar(code, lane);
    code.memory(unit.store, lane * unit.bytes);
  }
  for (; lane < width; lane++) {
    const zero = unit.bytes === 4 ? "i32.store" : "i64.store";
    code.get(cursor.to);
    if (unit.bytes === 4) code.i32(0);
    else code.i64(0n);
    code.memory(zero, lane * unit.bytes);
  }
};

/** Reads at an address plus a number of bytes that may be negative. */
export const readAt = (code: Code, base: Local, load: MemoryInstruction, offset: number): void => {
  if (offset >= 0) code.get(base).memory(load, offset);
  else code.get(base).plus(offset).memory(load);
};

/** Packs four k at once from a matrix whose k are neighbours, by transposing squares. */
const packSquares = (code: Code, source: PanelSource, cursor: PackCursor): void => {
  const { unit, width, valid } = source;
  const squares = Math.floor(valid / 4);
  for (let square = 0; square < squares; square++) {
    transpose4(
      code,
      (row) => readAt(code, cursor.from, "v128.load", (square * 4 + row) * source.across),
      (k, value) => {
        code.get(cursor.to);
        value();
        code.memory("v128.store", (k * width + square * 4) * unit.bytes);
      },
    );
  }
  for (let k = 0; k < 4; k++) {
    for (let lane = squares * 4; lane < width; lane++) {
      code.get(cursor.to);
      if (lane < valid) readAt(code, cursor.from, "i32.load", lane * source.across + k * unit.bytes);
      else code.i32(0);
      code.memory("i32.store", (k * width + lane) * unit.bytes);
    }
  }
};

/** Packs a panel: every k of `cursor`, from the cursor's addresses on. */
export const packPanel = (code: Code, source: PanelSource, cursor: PackCursor): void => {
  const { unit, width } = source;
  const counter = code.local("i32");
  const single = (): void => {
    packStep(code, source, cursor);
    code.advance(cursor.from, source.along).advance(cursor.to, width * unit.bytes);
    cursor.advanced?.(1);
  };
  const squares = source.scalar === undefined && source.across !== unit.bytes && source.along === unit.bytes &&
    unit.lanes === 4;
  if (!squares) {
    code.each(counter, 0, cursor.steps, 1, single);
    code.release(counter);
    return;
  }
  const whole = typeof cursor.steps === "number" ? cursor.steps & ~3 : code.local("i32");
  if (typeof whole !== "number") code.amount(cursor.steps).i32(~3).op("i32.and").set(whole);
  code.each(counter, 0, whole, 4, () => {
    packSquares(code, source, cursor);
    code.advance(cursor.from, 4 * unit.bytes).advance(cursor.to, 4 * width * unit.bytes);
    cursor.advanced?.(4);
  });
  code.each(counter, whole, cursor.steps, 1, single);
  if (typeof whole !== "number") code.release(whole);
  code.release(counter);
};
