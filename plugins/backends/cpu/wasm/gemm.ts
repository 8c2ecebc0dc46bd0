/**
 * Matrix product: batches of [m,k] · [k,n] with any strides, after Goto and van de Geijn: panels of both sides are
 * packed where that pays, and register tiles run over them.
 *
 * One or a few rows or columns by a large matrix go to thin.ts, which reads the matrix once.
 * Not for products whose operands must be gathered: those come with a prologue.
 * Invariant: every result is summed in order of k, with the same blocks whatever runs where, so that results do not
 * depend on threads. Reads may go up to 15 bytes past an operand's last element; what is there is not used.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Code, Func, Local, ValueType } from "./code.ts";
import { batchBase, batchIndices } from "./batch.ts";
import { aligned, type Kernel, type Phase } from "./kernel.ts";
import { emitThin, thinness } from "./thin.ts";
import { type Unit, type UnitKind, UNITS } from "./numbers.ts";
import { type ElementPlace, type MatrixOperand, packPanel, type PanelSource } from "./pack.ts";
import {
  type Epilogue,
  type MatrixResult,
  MODE_FIRST,
  MODE_LAST,
  PANEL_PARAMETERS,
  type PanelCall,
  panelFunction,
  type PanelShape,
} from "./tile.ts";

/** Sizes of a register tile: rows, and vectors in a row. */
export interface TileSize {
  /** Rows. */
  readonly rows: number;
  /** Vectors in a row. */
  readonly vectors: number;
}

/** A product of matrices. Its kernel's addresses are left, right, result. */
export interface Product {
  /** What is multiplied and added. */
  readonly kind: UnitKind;
  /** Sizes of the batch axes. */
  readonly batch: ReadonlyArray<number>;
  /** Rows of the left operand and of the result. */
  readonly m: number;
  /** Columns of the right operand and of the result. */
  readonly n: number;
  /** Terms of each sum. For kind `i16pair`, elements, not pairs. */
  readonly k: number;
  /** [m,k]. */
  readonly left: MatrixOperand;
  /** [k,n]. */
  readonly right: MatrixOperand;
  /** [m,n]; its element is the unit's scalar. */
  readonly result: MatrixResult;
  /** Whether multiply-add is rounded once, where the engine can. */
  readonly fused: boolean;
  /** What is done with sums instead of storing them. */
  readonly epilogue?: Epilogue;
  /** Whether sums are added to what the result holds. */
  readonly accumulate?: boolean;
  /** How many further pointers the kernel takes. */
  readonly pointers?: number;
  /** The tile; by the machine's registers where absent. */
  readonly tile?: TileSize;
  /** Overrides of what is packed and in which blocks, for measuring. */
  readonly tuning?: Partial<Tuning>;
}

/** What is packed, and in which blocks. */
export interface Tuning {
  /** Whether the left operand is packed. */
  readonly packLeft: boolean;
  /** Whether the right operand is packed. */
  readonly packRight: boolean;
  /** Most terms that are summed before the next rows are taken. */
  readonly blockTerms: number;
  /** Rows of a chunk. */
  readonly blockRows: number;
  /** Columns that are packed at once. */
  readonly blockColumns: number;
  /** Steps written out per round of the inner loop. */
  readonly unroll: number;
}

/** The tile for machines with sixteen vector registers: twelve sums and three operands fill fifteen. */
export const TILE_16_REGISTERS: TileSize = { rows: 6, vectors: 2 };

/** The tile for machines with thirty-two vector registers. */
export const TILE_32_REGISTERS: TileSize = { rows: 8, vectors: 2 };

/** Terms of a block: a panel of them and the rows against it stay in the first-level cache. */
const BLOCK_TERMS = 256;
/** Rows of a chunk: packed, they stay in the second-level cache. */
const BLOCK_ROWS = 96;
/** Columns of a block. */
const BLOCK_COLUMNS = 1024;
/** Fewest row tiles for which packing the right operand pays where it could be read as it lies. */
const PACK_RIGHT_TILES = 4;
/** Units of an operand above which packing it pays: below, it stays in the first caches as it lies. */
const PACK_UNITS = 32_768;
/** Fewest columns for which packing the left operand pays. */
const PACK_LEFT_COLUMNS = 128;
/** Bytes of a right operand that a chunk packs by itself. */
const LOCAL_RIGHT_BYTES = 262_144;
/** Fewest batches for which every chunk packs its own right operand. */
const LOCAL_RIGHT_BATCHES = 4;

interface Plan extends Tuning {
  readonly product: Product;
  readonly unit: Unit;
  readonly tile: TileSize;
  /** Units along the summed axis: elements, or pairs of them. */
  readonly terms: number;
  /** Columns of a panel. */
  readonly width: number;
  readonly batches: number;
  /** Whether each chunk packs the right operand for itself. */
  readonly localRight: boolean;
  /** Batches that have a right operand of their own. */
  readonly rightBatches: number;
  readonly pointers: number;
  readonly blocked: boolean;
}

const planOf = (product: Product): Plan => {
  const { m, n, k, left, right, kind } = product;
  const unit = UNITS[kind];
  const tile = product.tile ?? TILE_16_REGISTERS;
  const paired = kind === "i16pair";
  const terms = paired ? Math.ceil(k / 2) : k;
  const width = tile.vectors * unit.lanes;
  const mustPack = (operand: MatrixOperand): boolean =>
    paired || operand.load !== undefined || operand.element !== undefined || operand.row < 0 || operand.column < 0;
  const batches = product.batch.reduce((count, size) => count * size, 1);
  const rightBatches = right.batch.every((stride) => stride === 0) ? Math.min(1, batches) : batches;
  const chosen: Tuning = {
    packLeft: m * terms > PACK_UNITS && n >= PACK_LEFT_COLUMNS,
    packRight: terms * n > PACK_UNITS && m > tile.rows * PACK_RIGHT_TILES,
    blockTerms: BLOCK_TERMS,
    blockRows: Math.ceil(BLOCK_ROWS / tile.rows) * tile.rows,
    blockColumns: BLOCK_COLUMNS,
    unroll: 4,
    ...product.tuning,
  };
  const packRight = chosen.packRight || mustPack(right) || right.column !== 1;
  const localRight = packRight && rightBatches >= LOCAL_RIGHT_BATCHES &&
    terms * Math.ceil(n / width) * width * unit.bytes <= LOCAL_RIGHT_BYTES;
  const blocks = Math.max(1, Math.ceil(terms / chosen.blockTerms));
  return {
    ...chosen,
    product,
    unit,
    tile,
    terms,
    width,
    batches,
    rightBatches,
    localRight,
    packLeft: chosen.packLeft || mustPack(left),
    packRight,
    blockTerms: Math.min(terms, Math.ceil(terms / blocks / 4) * 4),
    blockRows: localRight ? Math.ceil(m / tile.rows) * tile.rows : chosen.blockRows,
    blockColumns: Math.max(width, Math.floor(chosen.blockColumns / width) * width),
    pointers: product.pointers ?? 0,
    blocked: blocks > 1,
  };
};

const I32S = (count: number): ReadonlyArray<ValueType> => Array.from({ length: count }, () => "i32");

const strided = (operand: MatrixOperand, unit: Unit, axis: "row" | "column"): number =>
  operand[axis] * (operand.element?.bytes ?? unit.bytes);

/** Leaves one unit of an operand for packing: an element, a converted one, or a pair of neighbours along k. */
const unitReader = (plan: Plan, operand: MatrixOperand, alongIs: "row" | "column") => {
  const { unit, product } = plan;
  const one = (code: Code, place: ElementPlace, at: { readonly from: Local; readonly offset: number }): void => {
    if (operand.load !== undefined) return operand.load(code, place);
    code.get(at.from).plus(Math.min(0, at.offset)).memory(operand.element?.read ?? unit.load, Math.max(0, at.offset));
  };
  return (code: Code, place: ElementPlace, at: { readonly from: Local; readonly offset: number }): void => {
    if (unit.kind !== "i16pair") return one(code, place, at);
    const next = code.get(place[alongIs]).plus(1).keep("i32");
    one(code, place, at);
    code.i32(0xffff).op("i32.and");
    const second = (): void =>
      one(code, { ...place, [alongIs]: next }, { from: at.from, offset: at.offset + strided(operand, unit, alongIs) });
    if (product.k % 2 === 0) second();
    else code.get(next).i32(product.k).op("i32.lt_s").when(second, () => code.i32(0), "i32");
    code.i32(16).op("i32.shl").op("i32.or");
    code.release(next);
  };
};

/** What a packing function is called with, after batch indices and pointers. */
interface PackCall {
  readonly base: Local;
  readonly to: Local;
  readonly first: Local;
  readonly term: Local;
  readonly steps: Local;
}

/** Makes the function that packs one panel of an operand, `valid` of its units across being in the matrix. */
const packFunction = (module: ModuleBuilder, plan: Plan, side: "left" | "right", valid: number): Func => {
  const { unit, product } = plan;
  const operand = product[side];
  const [acrossIs, alongIs] = side === "left" ? ["row", "column"] as const : ["column", "row"] as const;
  const width = side === "left" ? plan.tile.rows : plan.width;
  const per = unit.kind === "i16pair" ? 2 : 1;
  const across = strided(operand, unit, acrossIs);
  const along = strided(operand, unit, alongIs) * per;
  const batchAxes = product.batch.length;
  return module.function(
    `pack ${side} ${valid}/${width}`,
    I32S(5 + batchAxes + plan.pointers),
    [],
    (code, ...locals) => {
      const [base, to, first, term, steps] = locals;
      const batch = locals.slice(5, 5 + batchAxes);
      const pointers = locals.slice(5 + batchAxes);
      const k = code.get(term).times(per).keep("i32");
      const from = code.get(base).get(first).times(across).op("i32.add").get(k).times(along / per).op("i32.add").keep(
        "i32",
      );
      const at = code.local("i32");
      const placeOf = (lane: number): ElementPlace => {
        code.get(first).plus(lane).set(at);
        const place = acrossIs === "row" ? { row: at, column: k } : { row: k, column: at };
        return { ...place, batch, pointers, base };
      };
      const custom = operand.load !== undefined || per === 2 || operand.element !== undefined;
      const read = unitReader(plan, operand, alongIs);
      const vector = operand.loadVector;
      const source: PanelSource = {
        unit,
        width,
        valid,
        across,
        along,
        scalar: custom ? (_, lane) => read(code, placeOf(lane), { from, offset: lane * across }) : undefined,
        vectorAcross: vector?.along === acrossIs && per === 1
          ? (_, lane) => vector.write(code, placeOf(lane))
          : undefined,
      };
      packPanel(code, source, { from, to, steps, advanced: (by) => code.advance(k, by * per) });
    },
  );
};

/** Calls a function with locals and numbers. */
const callWith = (code: Code, func: Func, values: ReadonlyArray<Local | number>): void => {
  for (const value of values) code.amount(value);
  code.call(func);
};

/** Where packed things are within the thread's workspace. */
const threadLayout = (plan: Plan) => {
  const { unit, tile, width, blockTerms, blockRows, blockColumns, product } = plan;
  const rows = Math.min(blockRows, Math.ceil(product.m / tile.rows) * tile.rows);
  const columns = Math.min(blockColumns, Math.ceil(product.n / width) * width);
  const leftBytes = plan.packLeft ? aligned(rows * blockTerms * unit.bytes) : 0;
  const rightBytes = plan.localRight ? aligned(blockTerms * width * unit.bytes) : 0;
  const sumBytes = plan.blocked ? rows * columns * unit.bytes : tile.rows * width * unit.bytes;
  return {
    left: 0,
    right: leftBytes,
    sums: leftBytes + rightBytes,
    /** A vector's packing may write past the panel. */
    bytes: leftBytes + rightBytes + aligned(sumBytes) + 16,
    panelSums: rows * width * unit.bytes,
  };
};

/** Panels of the columns, full and the last, with the function for each. */
const perPanel = <T>(plan: Plan, make: (columns: number) => T): { readonly full?: T; readonly last?: T } => {
  const { n } = plan.product;
  const rest = n % plan.width;
  return { full: n >= plan.width ? make(plan.width) : undefined, last: rest > 0 ? make(rest) : undefined };
};

/** The function for the panel that starts at a column: the full one, or the last. */
const choosePanel = (
  code: Code,
  plan: Plan,
  column: Local,
  pair: { full?: Func; last?: Func },
  call: (f: Func) => void,
): void => {
  if (pair.full === undefined) return call(pair.last!);
  if (pair.last === undefined) return call(pair.full);
  const lastStart = plan.product.n - plan.product.n % plan.width;
  code.get(column).i32(lastStart).op("i32.lt_s").when(() => call(pair.full!), () => call(pair.last!));
};

const panelFunctions = (module: ModuleBuilder, plan: Plan): { full?: Func; last?: Func } => {
  const { product, unit, tile, width, terms } = plan;
  const { left, right, m } = product;
  const bytes = unit.bytes;
  const leftStep = plan.packLeft ? tile.rows * bytes : left.column * bytes;
  return perPanel(plan, (columns) => {
    const vectors = Math.ceil(columns / unit.lanes);
    const shape: PanelShape = {
      unit,
      fused: product.fused,
      rows: tile.rows,
      lastRows: m % tile.rows,
      hasFull: m >= tile.rows,
      vectors,
      columns,
      lie: {
        leftTile: plan.packLeft ? tile.rows * plan.blockTerms * bytes : tile.rows * left.row * bytes,
        leftRow: plan.packLeft ? bytes : left.row * bytes,
        leftStep,
        rightStep: plan.packRight ? width * bytes : right.row * bytes,
      },
      steps: plan.blocked ? undefined : terms,
      blocked: plan.blocked,
      result: product.result,
      batchAxes: product.batch.length,
      pointers: plan.pointers,
      epilogue: product.epilogue,
      accumulate: product.accumulate ?? false,
      unroll: plan.unroll,
    };
    return panelFunction(module, `panel ${m}x${columns}x${terms}`, shape);
  });
};

/** Phase that packs the right operand: a chunk packs one panel of one block of terms, of one batch. */
const packPhase = (module: ModuleBuilder, plan: Plan, part: Part): Phase => {
  const { product, unit, width, terms } = plan;
  const packs = perPanel(plan, (columns) => packFunction(module, plan, "right", columns));
  const panels = Math.ceil(part.columns / width);
  const func = module.function("pack right", I32S(6 + plan.pointers), [], (code, ...locals) => {
    const [chunk, , rightBase, , workspace] = locals;
    const pointers = locals.slice(6);
    const panel = code.get(chunk).i32(panels).op("i32.rem_u").keep("i32");
    const flat = code.get(chunk).i32(panels).op("i32.div_u").keep("i32");
    const batch = batchIndices(code, flat, product.batch);
    const base = batchBase(code, rightBase, batch, product.right.batch, product.right.element?.bytes ?? unit.bytes);
    const column = code.get(panel).times(width).plus(part.column).keep("i32");
    const [term, steps, to] = [code.local("i32"), code.local("i32"), code.local("i32")];
    code.each(term, 0, terms, plan.blockTerms, () => {
      stepsOf(code, plan, term, steps);
      packedAddress(code, plan, part, { workspace, flat, panel, term, steps }).set(to);
      choosePanel(
        code,
        plan,
        column,
        packs,
        (pack) => callWith(code, pack, [base, to, column, term, steps, ...batch, ...pointers]),
      );
    });
  });
  return { func, chunks: plan.rightBatches * panels };
};

/** min(block, terms − term) */
const stepsOf = (code: Code, plan: Plan, term: Local, steps: Local): void => {
  if (!plan.blocked) {
    code.i32(plan.terms).set(steps);
    return;
  }
  code.i32(plan.terms).get(term).op("i32.sub").set(steps);
  code.i32(plan.blockTerms).get(steps).get(steps).i32(plan.blockTerms).op("i32.gt_s").select("i32").set(steps);
};

/** Columns that are packed and multiplied at once. */
interface Part {
  readonly column: number;
  readonly columns: number;
}

/** Leaves the address of a packed panel: blocks of terms, one after another, hold all panels of the part. */
const packedAddress = (code: Code, plan: Plan, part: Part, at: {
  readonly workspace: Local;
  readonly flat: Local;
  readonly panel: Local;
  readonly term: Local;
  readonly steps: Local;
}): Code => {
  const { unit, width, terms } = plan;
  const padded = Math.ceil(part.columns / width) * width;
  code.get(at.workspace);
  if (plan.rightBatches > 1) code.get(at.flat).times(terms * padded * unit.bytes).op("i32.add");
  code.get(at.term).times(padded * unit.bytes).op("i32.add");
  return code.get(at.panel).get(at.steps).op("i32.mul").times(width * unit.bytes).op("i32.add");
};

/** Phase that multiplies: a chunk is some rows of one batch, against all columns of the part. */
const multiplyPhase = (
  module: ModuleBuilder,
  plan: Plan,
  part: Part,
  functions: { readonly panels: { full?: Func; last?: Func }; readonly packs: PackFunctions },
): Phase => {
  const { product, unit, width, blockRows } = plan;
  const rowBlocks = Math.ceil(product.m / blockRows);
  const layout = threadLayout(plan);
  const func = module.function("multiply", I32S(6 + plan.pointers), [], (code, ...locals) => {
    const [chunk, leftBase, rightBase, result, workspace, thread] = locals;
    const pointers = locals.slice(6);
    const flat = code.get(chunk).i32(rowBlocks).op("i32.div_u").keep("i32");
    const batch = batchIndices(code, flat, product.batch);
    const bytesOf = (operand: MatrixOperand): number => operand.element?.bytes ?? unit.bytes;
    const left = batchBase(code, leftBase, batch, product.left.batch, bytesOf(product.left));
    const right = batchBase(code, rightBase, batch, product.right.batch, bytesOf(product.right));
    const row = code.get(chunk).i32(rowBlocks).op("i32.rem_u").times(blockRows).keep("i32");
    const rowEnd = code.get(row).plus(blockRows).keep("i32");
    code.get(rowEnd).i32(product.m).get(rowEnd).i32(product.m).op("i32.lt_s").select("i32").set(rowEnd);
    const [term, steps, column, panel] = [0, 0, 0, 0].map(() => code.local("i32"));
    const [leftAt, rightAt, sums, mode] = [0, 0, 0, 0].map(() => code.local("i32"));
    const round = (): void => {
      stepsOf(code, plan, term, steps);
      if (plan.packLeft) {
        packLeftRows(code, plan, functions.packs, { base: left, thread, row, rowEnd, term, steps, batch, pointers });
        code.get(thread).plus(layout.left).set(leftAt);
      } else {
        code.get(left).get(row).times(product.left.row * unit.bytes).op("i32.add");
        code.get(term).times(product.left.column * unit.bytes).op("i32.add").set(leftAt);
      }
      code.i32(0);
      code.get(term).op("i32.eqz").i32(MODE_FIRST).op("i32.mul").op("i32.or");
      code.get(term).get(steps).op("i32.add").i32(plan.terms).op("i32.ge_s").i32(MODE_LAST).op("i32.mul").op("i32.or");
      code.set(mode);
      code.get(thread).plus(layout.sums).set(sums);
      code.i32(0).set(panel);
      code.each(column, part.column, part.column + part.columns, width, () => {
        if (plan.localRight) {
          code.get(thread).plus(layout.right).set(rightAt);
          choosePanel(
            code,
            plan,
            column,
            functions.packs.right,
            (pack) => callWith(code, pack, [right, rightAt, column, term, steps, ...batch, ...pointers]),
          );
        } else if (plan.packRight) {
          packedAddress(code, plan, part, { workspace, flat, panel, term, steps }).set(rightAt);
        } else {
          code.get(right).get(term).times(product.right.row * unit.bytes).op("i32.add");
          code.get(column).times(unit.bytes).op("i32.add").set(rightAt);
        }
        const call: { [F in keyof PanelCall]: Local } = {
          left: leftAt,
          right: rightAt,
          row,
          rowEnd,
          column,
          base: result,
          scratch: sums,
          steps,
          mode,
        };
        choosePanel(
          code,
          plan,
          column,
          functions.panels,
          (panelFunc) =>
            callWith(code, panelFunc, [...PANEL_PARAMETERS.map((field) => call[field]), ...batch, ...pointers]),
        );
        if (plan.blocked) code.advance(sums, layout.panelSums);
        code.advance(panel, 1);
      });
    };
    if (plan.blocked) {
      code.each(term, 0, plan.terms, plan.blockTerms, round);
    } else {
      code.i32(0).set(term);
      round();
    }
  });
  return { func, chunks: plan.batches * rowBlocks };
};

interface PackFunctions {
  readonly right: { full?: Func; last?: Func };
  readonly left: { full?: Func; last?: Func };
}

/** Packs the rows of a chunk, tile by tile. */
const packLeftRows = (code: Code, plan: Plan, packs: PackFunctions, at: {
  readonly base: Local;
  readonly thread: Local;
  readonly row: Local;
  readonly rowEnd: Local;
  readonly term: Local;
  readonly steps: Local;
  readonly batch: ReadonlyArray<Local>;
  readonly pointers: ReadonlyArray<Local>;
}): void => {
  const { tile, product, unit, blockTerms } = plan;
  const row = code.get(at.row).keep("i32");
  const to = code.get(at.thread).keep("i32");
  const call = (pack: Func): void =>
    callWith(code, pack, [at.base, to, row, at.term, at.steps, ...at.batch, ...at.pointers]);
  code.loop((again) => {
    const { full, last } = packs.left;
    if (full === undefined) call(last!);
    else if (last === undefined) call(full);
    else {
      code.get(row).i32(product.m - product.m % tile.rows).op("i32.lt_s").when(() => call(full), () => call(last));
    }
    code.advance(to, tile.rows * blockTerms * unit.bytes);
    code.get(row).plus(tile.rows).tee(row).get(at.rowEnd).op("i32.lt_s").branchIf(again);
  });
  code.release(row, to);
};

/** Writes a product of matrices into a module. */
export const emitProduct = (module: ModuleBuilder, product: Product): Kernel => {
  const plan = planOf(product);
  const { m, n } = product;
  const name = `product ${[...product.batch, m].join("x")}x${product.k}x${n}`;
  if (plan.batches === 0 || m === 0 || n === 0) return { name, phases: [], workspaceBytes: 0, threadBytes: 0 };
  const thin = thinness(product);
  if (thin !== undefined) return emitThin(module, product, thin);
  const shared = plan.packRight && !plan.localRight;
  const rest = m % plan.tile.rows;
  const packs: PackFunctions = {
    right: plan.localRight ? perPanel(plan, (columns) => packFunction(module, plan, "right", columns)) : {},
    left: plan.packLeft
      ? {
        full: m >= plan.tile.rows ? packFunction(module, plan, "left", plan.tile.rows) : undefined,
        last: rest > 0 ? packFunction(module, plan, "left", rest) : undefined,
      }
      : {},
  };
  const panels = panelFunctions(module, plan);
  const phases: Phase[] = [];
  const blockColumns = shared || plan.blocked ? plan.blockColumns : n;
  for (let column = 0; column < n; column += blockColumns) {
    const part = { column, columns: Math.min(blockColumns, n - column) };
    if (shared) phases.push(packPhase(module, plan, part));
    phases.push(multiplyPhase(module, plan, part, { panels, packs }));
  }
  const padded = Math.ceil(Math.min(n, blockColumns) / plan.width) * plan.width;
  const workspaceBytes = shared ? aligned(plan.rightBatches * plan.terms * padded * plan.unit.bytes) + 16 : 0;
  return { name, phases, workspaceBytes, threadBytes: threadLayout(plan).bytes };
};
