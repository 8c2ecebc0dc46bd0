/**
 * Tile: multiplies a strip of rows by one panel of columns, a register tile at a time.
 *
 * Not a whole product (gemm.ts): what is packed, and how far the summed axis goes at once, is decided there.
 * Invariant: a tile has at most `rows` × `vectors` sums, all in locals; every result is summed in order of k.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Amount, Code, Func, Local, ValueType } from "./code.ts";
import { multiplyAdd, type Unit } from "./numbers.ts";

/** Where a vector of results is. Its lanes are neighbours along the columns. */
export interface ResultPlace {
  /** Index on every batch axis. */
  readonly batch: ReadonlyArray<Local>;
  /** Row, less `rowOffset`. */
  readonly row: Local;
  /** What is to be added to `row`. */
  readonly rowOffset: number;
  /** Column of the first lane, less `columnOffset`. */
  readonly column: Local;
  /** What is to be added to `column`. */
  readonly columnOffset: number;
  /** How many lanes are results; the rest are not to be stored. */
  readonly lanes: number;
  /** Address of the result's element (0, 0) of batch 0. */
  readonly base: Local;
  /** Further addresses the kernel was called with. */
  readonly pointers: ReadonlyArray<Local>;
}

/** What is done with finished sums instead of storing them. */
export interface Epilogue {
  /** Writes code that uses up a vector of sums: computes with it and stores. */
  readonly write: (code: Code, sums: Local, place: ResultPlace) => void;
  /**
   * Whether `write` stands once for every register of a tile (short code: a bias, a residual) rather than in a loop over
   * the tile in memory (long code: a transcendental function).
   */
  readonly inline: boolean;
}

/** Strides of a matrix that is written: in elements. */
export interface MatrixResult {
  /** Stride of each batch axis. */
  readonly batch: ReadonlyArray<number>;
  /** Stride from row to row. */
  readonly row: number;
  /** Stride from column to column. */
  readonly column: number;
}

/** How operands of a panel lie: in bytes. */
export interface Lie {
  /** From row tile to row tile of the left operand. */
  readonly leftTile: number;
  /** From row to row within a tile. */
  readonly leftRow: number;
  /** From k to k+1 of the left operand. */
  readonly leftStep: number;
  /** From k to k+1 of the right operand. Its columns are neighbours. */
  readonly rightStep: number;
}

/** What a panel function is made for. */
export interface PanelShape {
  /** What is multiplied and added. */
  readonly unit: Unit;
  /** Whether multiply-add is rounded once, where the engine can. */
  readonly fused: boolean;
  /** Rows of a tile. */
  readonly rows: number;
  /** Rows of the last tile where the rows do not divide; 0 where they do. */
  readonly lastRows: number;
  /** Whether full tiles occur. */
  readonly hasFull: boolean;
  /** Vectors of a tile's row. */
  readonly vectors: number;
  /** Columns that are results. */
  readonly columns: number;
  /** How operands lie. */
  readonly lie: Lie;
  /** Terms of each sum, where known. */
  readonly steps: number | undefined;
  /** Whether sums are continued from, and left in, memory between calls. */
  readonly blocked: boolean;
  /** How the result lies. */
  readonly result: MatrixResult;
  /** How many batch axes. */
  readonly batchAxes: number;
  /** How many further pointers. */
  readonly pointers: number;
  /** What is done with sums instead of storing them. */
  readonly epilogue?: Epilogue;
  /** Whether sums are added to what the result holds. */
  readonly accumulate: boolean;
  /** Steps written out per round of the loop. */
  readonly unroll: number;
}

/** What a panel function is called with. */
export interface PanelCall {
  /** Address of the left operand at the first row and k. */
  readonly left: Local;
  /** Address of the right operand at the first k and column. */
  readonly right: Local;
  /** First row. */
  readonly row: Local;
  /** Row after the last. */
  readonly rowEnd: Local;
  /** First column. */
  readonly column: Local;
  /** Address of the result. */
  readonly base: Local;
  /** Address of memory for one tile, or where sums are kept for this panel. */
  readonly scratch: Local;
  /** Number of terms. */
  readonly steps: Local;
  /** Bit 0: sums start at 0. Bit 1: they are finished. */
  readonly mode: Local;
}

/** Names of the fields of a call, in the order of parameters. */
export const PANEL_PARAMETERS: ReadonlyArray<keyof PanelCall> = [
  "left",
  "right",
  "row",
  "rowEnd",
  "column",
  "base",
  "scratch",
  "steps",
  "mode",
];

/** Mode of a call that starts its sums. */
export const MODE_FIRST = 1;
/** Mode of a call that finishes its sums. */
export const MODE_LAST = 2;

/** Leaves the address of element (row, column) of a matrix of some batch; returns the offset still to be added. */
export const addressOf = (
  code: Code,
  place: ResultPlace,
  strides: MatrixResult & { readonly bytes: number },
): number => {
  const { bytes } = strides;
  code.get(place.base);
  place.batch.forEach((index, axis) => {
    if (strides.batch[axis] !== 0) code.get(index).times(strides.batch[axis] * bytes).op("i32.add");
  });
  if (strides.row !== 0) code.get(place.row).times(strides.row * bytes).op("i32.add");
  if (strides.column !== 0) code.get(place.column).times(strides.column * bytes).op("i32.add");
  const offset = (place.rowOffset * strides.row + place.columnOffset * strides.column) * bytes;
  if (offset >= 0) return offset;
  code.plus(offset);
  return 0;
};

type Sums = ReadonlyArray<ReadonlyArray<Local>>;

/** One k: every sum of a tile gains one term. */
export const tileStep = (code: Code, shape: { readonly unit: Unit; readonly fused: boolean }, sums: Sums, read: {
  readonly right: (vector: number) => void;
  readonly left: (row: number) => void;
}): void => {
  const right = sums[0].map((_, vector) => {
    read.right(vector);
    return code.keep("v128");
  });
  sums.forEach((row, at) => {
    read.left(at);
    const left = code.keep("v128");
    row.forEach((sum, vector) => multiplyAdd(code, shape.unit, shape.fused, { left, right: right[vector], sum }));
    code.release(left);
  });
  code.release(...right);
};

const sumTerms = (code: Code, shape: PanelShape, sums: Sums, call: PanelCall, left: Local): void => {
  const { unit, lie, unroll } = shape;
  const right = code.get(call.right).keep("i32");
  const step = (ahead: number): void =>
    tileStep(code, shape, sums, {
      right: (vector) => code.get(right).memory("v128.load", ahead * lie.rightStep + vector * 16),
      left: (row) => code.get(left).memory(unit.loadSplat, ahead * lie.leftStep + row * lie.leftRow),
    });
  const rounds = (count: Amount, ahead: number): void => {
    const end = code.get(right).amount(count).times(lie.rightStep).op("i32.add").keep("i32");
    code.loop((again) => {
      for (let i = 0; i < ahead; i++) step(i);
      code.advance(left, lie.leftStep * ahead);
      code.get(right).plus(lie.rightStep * ahead).tee(right).get(end).op("i32.ne").branchIf(again);
    });
    code.release(end);
  };
  if (shape.steps !== undefined) {
    const whole = shape.steps - shape.steps % unroll;
    if (whole > unroll) rounds(whole, unroll);
    for (let i = whole > unroll ? whole : 0; i < shape.steps; i++) step(i - (whole > unroll ? whole : 0));
  } else {
    const whole = code.get(call.steps).i32(-unroll).op("i32.and").keep("i32");
    code.get(whole).when(() => rounds(whole, unroll));
    const rest = code.get(call.steps).i32(unroll - 1).op("i32.and").keep("i32");
    code.get(rest).when(() => rounds(rest, 1));
    code.release(whole, rest);
  }
  code.release(right);
};

/** Stores a vector of sums, or adds it to what is there. */
export const storeSums = (
  code: Code,
  shape: Pick<PanelShape, "unit" | "result" | "accumulate">,
  value: Local,
  place: ResultPlace,
): void => {
  const { unit, result, accumulate } = shape;
  const strides = { ...result, bytes: unit.bytes };
  if (place.lanes === unit.lanes && result.column === 1) {
    const offset = addressOf(code, place, strides);
    if (accumulate) {
      addressOf(code, place, strides);
      code.memory("v128.load", offset).get(value).op(unit.add);
    } else {
      code.get(value);
    }
    code.memory("v128.store", offset);
    return;
  }
  const at = code.local("i32");
  const offset = addressOf(code, place, strides);
  code.set(at);
  for (let lane = 0; lane < place.lanes; lane++) {
    const to = offset + lane * result.column * unit.bytes;
    if (accumulate) {
      // The lanes are read one by one, as they may be the memory's last.
      code.get(at).get(at).memory(unit.loadSplat, to).get(value).op(unit.add).lane(unit.storeLane, lane, to);
    } else {
      code.get(at).get(value).lane(unit.storeLane, lane, to);
    }
  }
  code.release(at);
};

const finish = (code: Code, shape: PanelShape, value: Local, place: ResultPlace): void =>
  shape.epilogue === undefined ? storeSums(code, shape, value, place) : shape.epilogue.write(code, value, place);

/** Uses up the sums of a tile, from registers or from the tile in memory. */
const finishTile = (
  code: Code,
  shape: PanelShape,
  sums: Sums,
  place: Omit<ResultPlace, "lanes" | "rowOffset" | "columnOffset">,
  scratch: Local,
): void => {
  const { unit, columns } = shape;
  const lanesOf = (vector: number): number => Math.min(unit.lanes, columns - vector * unit.lanes);
  const inline = shape.epilogue?.inline ?? true;
  if (inline) {
    sums.forEach((row, rowOffset) =>
      row.forEach((sum, vector) =>
        finish(code, shape, sum, { ...place, rowOffset, columnOffset: vector * unit.lanes, lanes: lanesOf(vector) })
      )
    );
    return;
  }
  const width = sums[0].length * 16;
  sums.forEach((row, r) =>
    row.forEach((sum, vector) => code.get(scratch).get(sum).memory("v128.store", r * width + vector * 16))
  );
  const [row, from, value] = [code.get(place.row).keep("i32"), code.get(scratch).keep("i32"), code.local("v128")];
  const rowEnd = code.get(place.row).plus(sums.length).keep("i32");
  const full = sums[0].length - (lanesOf(sums[0].length - 1) < unit.lanes ? 1 : 0);
  code.loop((again) => {
    if (full > 0) {
      const column = code.get(place.column).keep("i32");
      const end = code.get(from).plus(full * 16).keep("i32");
      code.loop((next) => {
        code.get(from).memory("v128.load").set(value);
        finish(code, shape, value, { ...place, row, column, rowOffset: 0, columnOffset: 0, lanes: unit.lanes });
        code.advance(column, unit.lanes);
        code.get(from).plus(16).tee(from).get(end).op("i32.ne").branchIf(next);
      });
      code.release(column, end);
    }
    if (full < sums[0].length) {
      code.get(from).memory("v128.load").set(value).advance(from, 16);
      const lanes = lanesOf(full);
      finish(code, shape, value, { ...place, row, rowOffset: 0, columnOffset: full * unit.lanes, lanes });
    }
    code.get(row).plus(1).tee(row).get(rowEnd).op("i32.lt_s").branchIf(again);
  });
  code.release(row, from, value, rowEnd);
};

/** One row tile: starts or continues its sums, adds the terms, and keeps or finishes them. */
const tile = (code: Code, shape: PanelShape, rows: number, call: PanelCall, place: {
  readonly batch: ReadonlyArray<Local>;
  readonly pointers: ReadonlyArray<Local>;
}): void => {
  const sums = Array.from({ length: rows }, () => Array.from({ length: shape.vectors }, () => code.local("v128")));
  const width = shape.vectors * 16;
  const each = (use: (sum: Local, offset: number) => void): void =>
    sums.forEach((row, r) => row.forEach((sum, vector) => use(sum, r * width + vector * 16)));
  const clear = (): void => each((sum) => code.i32(0).op("i32x4.splat").set(sum));
  if (shape.blocked) {
    code.get(call.mode).i32(MODE_FIRST).op("i32.and").when(
      clear,
      () => each((sum, offset) => code.get(call.scratch).memory("v128.load", offset).set(sum)),
    );
  } else {
    clear();
  }
  const left = code.get(call.left).keep("i32");
  sumTerms(code, shape, sums, call, left);
  code.release(left);
  const done = (): void => finishTile(code, shape, sums, { ...call, ...place }, call.scratch);
  if (shape.blocked) {
    code.get(call.mode).i32(MODE_LAST).op("i32.and").when(
      done,
      () => each((sum, offset) => code.get(call.scratch).get(sum).memory("v128.store", offset)),
    );
    // Every tile of a panel has its own place for sums between calls.
    code.advance(call.scratch, shape.rows * width);
  } else {
    done();
  }
  for (const row of sums) code.release(...row);
};

/** Makes the function that multiplies rows by one panel. Its parameters are `PANEL_PARAMETERS`, batch indices, pointers. */
export const panelFunction = (module: ModuleBuilder, name: string, shape: PanelShape): Func => {
  const extra = shape.batchAxes + shape.pointers;
  const parameters: ValueType[] = Array.from({ length: PANEL_PARAMETERS.length + extra }, () => "i32");
  return module.function(name, parameters, [], (code, ...locals) => {
    const call = Object.fromEntries(PANEL_PARAMETERS.map((field, at) => [field, locals[at]])) as unknown as PanelCall;
    const batch = locals.slice(PANEL_PARAMETERS.length, PANEL_PARAMETERS.length + shape.batchAxes);
    const pointers = locals.slice(PANEL_PARAMETERS.length + shape.batchAxes);
    if (shape.hasFull) {
      const fits = (): Code => code.get(call.row).plus(shape.rows).get(call.rowEnd).op("i32.le_s");
      fits().when(() =>
        code.loop((again) => {
          tile(code, shape, shape.rows, call, { batch, pointers });
          code.advance(call.left, shape.lie.leftTile).advance(call.row, shape.rows);
          fits().branchIf(again);
        })
      );
    }
    if (shape.lastRows > 0) {
      code.get(call.row).get(call.rowEnd).op("i32.lt_s").when(() =>
        tile(code, shape, shape.lastRows, call, { batch, pointers })
      );
    }
  });
};
