/**
 * Plan of a convolution: what it is, and how it becomes products of packed weights and packed windows.
 *
 * Not code (convolution_windows.ts, convolution.ts).
 * Invariant: in what windows are read from, the address of (k, j), k a channel and kernel element, j a window, is a sum
 * of one part by k and one by j.
 *
 * @module
 */
import type { Code, Local } from "./code.ts";
import { aligned } from "./kernel.ts";
import { type Unit, type UnitKind, UNITS } from "./numbers.ts";
import type { MatrixOperand } from "./pack.ts";
import { machineTile, type TileSize } from "./product.ts";
import type { Epilogue } from "./tile.ts";

/** A number for each spatial axis: rows, then columns. */
export type Spatial = readonly [rows: number, columns: number];

/** Strides of images in elements. */
export interface ImageStrides {
  /** From image to image. */
  readonly batch: number;
  /** From channel to channel. */
  readonly channel: number;
  /** From row to row. */
  readonly row: number;
  /** From column to column. */
  readonly column: number;
}

/** Where an element of the input is. */
export interface PixelPlace {
  /** Image. */
  readonly batch: Local;
  /** Channel. */
  readonly channel: Local;
  /** Row. */
  readonly row: Local;
  /** Column. */
  readonly column: Local;
  /** Address of the input. */
  readonly base: Local;
  /** Further addresses the kernel was called with. */
  readonly pointers: ReadonlyArray<Local>;
}

/** A convolution. Its kernel's addresses are input, weights, result. */
export interface Convolution {
  /** What is multiplied and added; not pairs. */
  readonly kind: Exclude<UnitKind, "i16pair">;
  /** Images. */
  readonly batch: number;
  /** Groups of channels. */
  readonly groups: number;
  /** Channels of the input in a group. */
  readonly inputs: number;
  /** Channels of the result in a group. */
  readonly outputs: number;
  /** Size of the input. */
  readonly size: Spatial;
  /** Size of the kernel. */
  readonly kernel: Spatial;
  /** Steps between windows. */
  readonly strides: Spatial;
  /** Zeros before the input; negative to crop. */
  readonly low: Spatial;
  /** Zeros after the input; negative to crop. */
  readonly high: Spatial;
  /** Steps between kernel elements. */
  readonly dilation: Spatial;
  /** Steps between input elements. */
  readonly inputDilation: Spatial;
  /** How the input lies. */
  readonly input: ImageStrides;
  /** A prologue of the input: leaves one number. */
  readonly load?: (code: Code, place: PixelPlace) => void;
  /**
   * The weights of a group as [outputs, inputs·rows·columns of the kernel]; its one batch axis is the groups.
   */
  readonly weights: MatrixOperand;
  /** How the result lies, which is dense within a channel: [batch, channel]. */
  readonly result: { readonly batch: number; readonly channel: number };
  /** Whether multiply-add is rounded once, where the engine can. */
  readonly fused: boolean;
  /** What is done with sums instead of storing them: batch indices are image and group, rows channels of the group,
   * columns windows in row-major order. */
  readonly epilogue?: Epilogue;
  /** How many further pointers the kernel takes. */
  readonly pointers?: number;
  /** The tile; by the machine's registers where absent. */
  readonly tile?: TileSize;
}

/** Terms of a block. */
const BLOCK_TERMS = 384;
/** Fewest windows of an image for which each image is a product of its own; below, images are taken together. */
const SEPARATE_WINDOWS = 24;

/** How a convolution is done. */
export interface ConvolutionPlan {
  /** The convolution. */
  readonly c: Convolution;
  /** What is multiplied and added. */
  readonly unit: Unit;
  /** The register tile. */
  readonly tile: TileSize;
  /** Columns of a panel. */
  readonly width: number;
  /** Size of the padded input. */
  readonly padded: Spatial;
  /** Windows on each axis. */
  readonly windows: Spatial;
  /** Windows of an image. */
  readonly area: number;
  /** Terms of a sum: channels of a group by elements of the kernel. */
  readonly terms: number;
  /** Terms of a block. */
  readonly blockTerms: number;
  /** Whether there are several blocks. */
  readonly blocked: boolean;
  /** Whether the input is copied with its padding. */
  readonly copies: boolean;
  /** Strides of what windows are read from. */
  readonly from: ImageStrides;
  /** Whether the columns of the product run through all images. */
  readonly merged: boolean;
  /** Columns of the product. */
  readonly columns: number;
  /** Tiles of rows in a group. */
  readonly rowTiles: number;
  /** How many further pointers. */
  readonly pointers: number;
  /** Where the padded input is within the workspace. */
  readonly inputAt: number;
  /** Where the table of terms is. */
  readonly tableAt: number;
  /** Where the packed weights are. */
  readonly weightsAt: number;
  /** Bytes of the workspace. */
  readonly workspaceBytes: number;
}

const dilatedSize = (size: number, step: number): number => size === 0 ? 0 : (size - 1) * step + 1;

/** Size of an axis of the input with its padding. */
export const paddedSize = (c: Convolution, axis: 0 | 1): number =>
  dilatedSize(c.size[axis], c.inputDilation[axis]) + c.low[axis] + c.high[axis];

/** How many windows fit on an axis. */
export const windowsOn = (c: Convolution, axis: 0 | 1): number => {
  const left = paddedSize(c, axis) - dilatedSize(c.kernel[axis], c.dilation[axis]);
  return left < 0 ? 0 : Math.floor(left / c.strides[axis]) + 1;
};

/** Decides how a convolution is done. */
export const convolutionPlan = (c: Convolution): ConvolutionPlan => {
  const unit = UNITS[c.kind];
  const tile = c.tile ?? machineTile();
  const width = tile.vectors * unit.lanes;
  const padded: Spatial = [paddedSize(c, 0), paddedSize(c, 1)];
  const windows: Spatial = [windowsOn(c, 0), windowsOn(c, 1)];
  const area = windows[0] * windows[1];
  const terms = c.inputs * c.kernel[0] * c.kernel[1];
  const zero = [...c.low, ...c.high].every((n) => n === 0) && c.inputDilation.every((n) => n === 1);
  const copies = !zero || c.load !== undefined || c.input.column < 0;
  const channels = c.groups * c.inputs;
  const plane = padded[0] * padded[1];
  const from = copies ? { batch: channels * plane, channel: plane, row: padded[1], column: 1 } : c.input;
  const merged = area < SEPARATE_WINDOWS && c.batch > 1;
  const blocks = Math.max(1, Math.ceil(terms / BLOCK_TERMS));
  const blockTerms = Math.min(terms, Math.ceil(terms / blocks / 4) * 4);
  const rowTiles = Math.ceil(c.outputs / tile.rows);
  // Vectors are read up to 15 bytes past a window.
  const inputBytes = copies ? aligned(c.batch * channels * plane * unit.bytes) + 16 : 0;
  const tableBytes = aligned(terms * 4);
  const weightsBytes = aligned(c.groups * blocks * rowTiles * tile.rows * blockTerms * unit.bytes) + 16;
  return {
    c,
    unit,
    tile,
    width,
    padded,
    windows,
    area,
    terms,
    blockTerms,
    blocked: blocks > 1,
    copies,
    from,
    merged,
    columns: merged ? area * c.batch : area,
    rowTiles,
    pointers: c.pointers ?? 0,
    inputAt: 0,
    tableAt: inputBytes,
    weightsAt: inputBytes + tableBytes,
    workspaceBytes: inputBytes + tableBytes + weightsBytes,
  };
};
