/**
 * Product: what a product of matrices is, and the plan by which it is done: what is packed, in which blocks, where.
 *
 * Not code (product_phases.ts) and not the way in (gemm.ts).
 * Invariant: the plan follows from the sizes alone, so equal products are summed alike everywhere.
 *
 * @module
 */
import { aligned } from "./kernel.ts";
import { vectorRegisters } from "./machine.ts";
import { type Unit, type UnitKind, UNITS } from "./numbers.ts";
import type { MatrixOperand } from "./pack.ts";
import type { Epilogue, MatrixResult } from "./tile.ts";

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

/** The tile for the processor at hand. */
export const machineTile = (registers: number = vectorRegisters()): TileSize =>
  registers >= 32 ? TILE_32_REGISTERS : TILE_16_REGISTERS;

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

/** How a product is done. */
export interface Plan extends Tuning {
  /** The product. */
  readonly product: Product;
  /** What is multiplied and added. */
  readonly unit: Unit;
  /** The register tile. */
  readonly tile: TileSize;
  /** Units along the summed axis: elements, or pairs of them. */
  readonly terms: number;
  /** Columns of a panel. */
  readonly width: number;
  /** How many products. */
  readonly batches: number;
  /** Whether each chunk packs the right operand for itself. */
  readonly localRight: boolean;
  /** Batches that have a right operand of their own. */
  readonly rightBatches: number;
  /** How many further pointers. */
  readonly pointers: number;
  /** Whether sums are taken in several blocks of terms. */
  readonly blocked: boolean;
}

/** Decides how a product is done. */
export const planOf = (product: Product): Plan => {
  const { m, n, k, left, right, kind } = product;
  const unit = UNITS[kind];
  const tile = product.tile ?? machineTile();
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

/** Where packed things are within the thread's workspace. */
export interface ThreadLayout {
  /** Packed rows of the left operand. */
  readonly left: number;
  /** A packed panel of the right one. */
  readonly right: number;
  /** Sums between blocks of terms, or one tile. */
  readonly sums: number;
  /** All of it. */
  readonly bytes: number;
  /** From the sums of one panel to those of the next. */
  readonly panelSums: number;
}

/** Lays out the thread's workspace. */
export const threadLayout = (plan: Plan): ThreadLayout => {
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
    // A vector's packing may write past the panel.
    bytes: leftBytes + rightBytes + aligned(sumBytes) + 16,
    panelSums: rows * width * unit.bytes,
  };
};

/** What there is for full panels, and for the last where it is not full. */
export interface PerPanel<T> {
  /** For full ones. */
  readonly full?: T;
  /** For the last. */
  readonly last?: T;
}

/** Panels of the columns, full and the last, with the function for each. */
export const perPanel = <T>(plan: Plan, make: (columns: number) => T): PerPanel<T> => {
  const { n } = plan.product;
  const rest = n % plan.width;
  return { full: n >= plan.width ? make(plan.width) : undefined, last: rest > 0 ? make(rest) : undefined };
};
