/**
 * Convolution of images: windows of the input are packed straight into the panels of a matrix product, so that no
 * unfolded copy of the input exists.
 *
 * Not for other numbers of spatial axes than two; one axis is two of which the first has one element.
 * Invariant: in the padded input the address of (k, j), k a channel and kernel element, j a window, is a sum of one part
 * by k and one by j; padding, cropping and input dilation are done by one copy of the input, left out where not needed.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Code, Func, Local, ValueType } from "./code.ts";
import { aligned, type Kernel, type Phase } from "./kernel.ts";
import { type Unit, type UnitKind, UNITS } from "./numbers.ts";
import { type ElementPlace, type MatrixOperand, packPanel } from "./pack.ts";
import {
  addressOf,
  type Epilogue,
  MODE_FIRST,
  MODE_LAST,
  PANEL_PARAMETERS,
  type PanelCall,
  panelFunction,
  type ResultPlace,
} from "./tile.ts";
import { TILE_16_REGISTERS, type TileSize } from "./gemm.ts";

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
  /** The tile; for sixteen registers where absent. */
  readonly tile?: TileSize;
}

/** Terms of a block. */
const BLOCK_TERMS = 384;
/** Rows against which a group of panels is taken. */
const BLOCK_ROWS = 96;
/** Panels that are packed at once. */
const GROUP_PANELS = 8;
/** Fewest windows of an image for which each image is a product of its own; below, images are taken together. */
const SEPARATE_WINDOWS = 24;

interface Plan {
  readonly c: Convolution;
  readonly unit: Unit;
  readonly tile: TileSize;
  readonly width: number;
  /** Size of the padded input. */
  readonly padded: Spatial;
  /** Windows on each axis. */
  readonly windows: Spatial;
  readonly area: number;
  readonly terms: number;
  readonly blockTerms: number;
  readonly blocked: boolean;
  /** Whether the input is copied with its padding. */
  readonly copies: boolean;
  /** Strides of what windows are read from. */
  readonly from: ImageStrides;
  /** Whether the columns of the product run through all images. */
  readonly merged: boolean;
  readonly columns: number;
  readonly rowTiles: number;
  readonly pointers: number;
  /** Addresses within the workspace. */
  readonly inputAt: number;
  readonly tableAt: number;
  readonly weightsAt: number;
  readonly workspaceBytes: number;
}

const dilatedSize = (size: number, step: number): number => size === 0 ? 0 : (size - 1) * step + 1;

const paddedSize = (c: Convolution, axis: 0 | 1): number =>
  dilatedSize(c.size[axis], c.inputDilation[axis]) + c.low[axis] + c.high[axis];

/** How many windows fit on an axis. */
export const windowsOn = (c: Convolution, axis: 0 | 1): number => {
  const left = paddedSize(c, axis) - dilatedSize(c.kernel[axis], c.dilation[axis]);
  return left < 0 ? 0 : Math.floor(left / c.strides[axis]) + 1;
};

const planOf = (c: Convolution): Plan => {
  const unit = UNITS[c.kind];
  const tile = c.tile ?? TILE_16_REGISTERS;
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

const I32S = (count: number): ReadonlyArray<ValueType> => Array.from({ length: count }, () => "i32");

/** Elements of an axis that are in the padded input: the first and how many. */
const kept = (c: Convolution, axis: 0 | 1): readonly [first: number, count: number] => {
  const step = c.inputDilation[axis];
  const first = Math.max(0, Math.ceil(-c.low[axis] / step));
  const last = Math.min(c.size[axis] - 1, Math.floor((paddedSize(c, axis) - 1 - c.low[axis]) / step));
  return [first, Math.max(0, last - first + 1)];
};

/** Copies one channel of one image with its padding. */
const padPhase = (module: ModuleBuilder, plan: Plan): Phase => {
  const { c, unit, padded } = plan;
  const channels = c.groups * c.inputs;
  const plane = padded[0] * padded[1] * unit.bytes;
  const [firstRow, rows] = kept(c, 0);
  const [firstColumn, columns] = kept(c, 1);
  const func = module.function(
    "pad",
    I32S(6 + plan.pointers),
    [],
    (code, chunk, base, _weights, _result, workspace, _thread, ...pointers) => {
      const to = code.get(workspace).plus(plan.inputAt).get(chunk).times(plane).op("i32.add").keep("i32");
      code.get(to).i32(0).i32(plane).memoryFill();
      const batch = code.get(chunk).i32(channels).op("i32.div_u").keep("i32");
      const channel = code.get(chunk).i32(channels).op("i32.rem_u").keep("i32");
      const [row, column, from] = [code.local("i32"), code.local("i32"), code.local("i32")];
      const at = (firstRow * c.inputDilation[0] + c.low[0]) * padded[1] + firstColumn * c.inputDilation[1] + c.low[1];
      code.advance(to, at * unit.bytes);
      code.each(row, firstRow, firstRow + rows, 1, () => {
        code.get(base).get(batch).times(c.input.batch * unit.bytes).op("i32.add");
        code.get(channel).times(c.input.channel * unit.bytes).op("i32.add");
        code.get(row).times(c.input.row * unit.bytes).op("i32.add").plus(firstColumn * c.input.column * unit.bytes);
        code.set(from);
        if (c.load === undefined && c.input.column === 1 && c.inputDilation[1] === 1) {
          code.get(to).get(from).i32(columns * unit.bytes).memoryCopy();
          code.advance(to, padded[1] * c.inputDilation[0] * unit.bytes);
          return;
        }
        const start = code.get(to).keep("i32");
        code.each(column, firstColumn, firstColumn + columns, 1, () => {
          code.get(to);
          if (c.load === undefined) code.get(from).memory(unit.load);
          else c.load(code, { batch, channel, row, column, base, pointers });
          code.memory(unit.store).advance(from, c.input.column * unit.bytes).advance(
            to,
            c.inputDilation[1] * unit.bytes,
          );
        });
        code.get(start).plus(padded[1] * c.inputDilation[0] * unit.bytes).set(to);
        code.release(start);
      });
    },
  );
  return { func, chunks: c.batch * channels };
};

/** Writes, for every term, how far its input is from a window's first. */
const tablePhase = (module: ModuleBuilder, plan: Plan): Phase => {
  const { c, unit, from } = plan;
  const [rows, columns] = c.kernel;
  const func = module.function(
    "table",
    I32S(6 + plan.pointers),
    [],
    (code, _chunk, _input, _weights, _result, workspace) => {
      const to = code.get(workspace).plus(plan.tableAt).keep("i32");
      const [channel, row, column] = [code.local("i32"), code.local("i32"), code.local("i32")];
      code.each(
        channel,
        0,
        c.inputs,
        1,
        () =>
          void code.each(row, 0, rows, 1, () =>
            void code.each(column, 0, columns, 1, () => {
              code.get(to).get(channel).times(from.channel * unit.bytes);
              code.get(row).times(from.row * c.dilation[0] * unit.bytes).op("i32.add");
              code.get(column).times(from.column * c.dilation[1] * unit.bytes).op("i32.add").memory("i32.store");
              code.advance(to, 4);
            })),
      );
    },
  );
  return { func, chunks: 1 };
};

/** Leaves the address of a packed tile of weights. */
const weightsAddress = (code: Code, plan: Plan, at: {
  readonly workspace: Local;
  readonly group: Local;
  readonly term: Local;
  readonly row: Local;
}): Code => {
  const { tile, unit, rowTiles, blockTerms } = plan;
  const rows = rowTiles * tile.rows;
  const blocks = Math.max(1, Math.ceil(plan.terms / Math.max(1, blockTerms)));
  code.get(at.workspace).plus(plan.weightsAt);
  code.get(at.group).times(blocks * rows * blockTerms * unit.bytes).op("i32.add");
  // A block holds as many terms as it is far from the first: its start is term · rows.
  code.get(at.term).times(rows * unit.bytes).op("i32.add");
  return code.get(at.row).times(blockTerms * unit.bytes).op("i32.add");
};

/** Packs the weights of one tile of rows of one group, all blocks. */
const weightsPhase = (module: ModuleBuilder, plan: Plan): Phase => {
  const { c, unit, tile, rowTiles, blockTerms } = plan;
  const operand = c.weights;
  const bytes = operand.element?.bytes ?? unit.bytes;
  const func = module.function("pack weights", I32S(6 + plan.pointers), [], (code, ...locals) => {
    const [chunk, , weights, , workspace] = locals;
    const pointers = locals.slice(6);
    const group = code.get(chunk).i32(rowTiles).op("i32.div_u").keep("i32");
    const row = code.get(chunk).i32(rowTiles).op("i32.rem_u").times(tile.rows).keep("i32");
    const base = code.get(weights).get(group).times(operand.batch[0] * bytes).op("i32.add").keep("i32");
    const [term, steps, k, at] = [0, 0, 0, 0].map(() => code.local("i32"));
    const [from, to] = [code.local("i32"), code.local("i32")];
    const pack = (valid: number): void => {
      const read = (lane: number): void => {
        if (operand.load !== undefined) {
          code.get(row).plus(lane).set(at);
          const place: ElementPlace = { batch: [group], row: at, column: k, pointers, base };
          operand.load(code, place);
        } else code.get(from).plus(lane * operand.row * bytes).memory(operand.element!.read);
      };
      packPanel(code, {
        unit,
        width: tile.rows,
        valid,
        across: operand.row * bytes,
        along: operand.column * bytes,
        scalar: operand.load === undefined && operand.element === undefined ? undefined : (_, lane) => read(lane),
      }, { from, to, steps, advanced: (by) => code.advance(k, by) });
    };
    code.each(term, 0, plan.terms, Math.max(1, blockTerms), () => {
      stepsOf(code, plan, term, steps);
      code.get(term).set(k);
      code.get(base).get(row).times(operand.row * bytes).op("i32.add").get(term).times(operand.column * bytes);
      code.op("i32.add").set(from);
      weightsAddress(code, plan, { workspace, group, term, row }).set(to);
      const rest = c.outputs % tile.rows;
      if (rest === 0) pack(tile.rows);
      else if (c.outputs < tile.rows) pack(rest);
      else code.get(row).i32(c.outputs - rest).op("i32.lt_s").when(() => pack(tile.rows), () => pack(rest));
    });
  });
  return { func, chunks: c.groups * rowTiles };
};

const stepsOf = (code: Code, plan: Plan, term: Local, steps: Local): void => {
  code.i32(plan.terms).get(term).op("i32.sub").set(steps);
  code.i32(plan.blockTerms).get(steps).get(steps).i32(plan.blockTerms).op("i32.gt_s").select("i32").set(steps);
};

/** Packs one panel of windows for a block of terms: a vector of windows at a time, together where they are neighbours. */
const packWindows = (module: ModuleBuilder, plan: Plan): Func => {
  const { c, unit, width, from, windows, area } = plan;
  // Parameters: address of image and group, panel's place, first window, address of the table at the first term, terms.
  return module.function("pack windows", I32S(5), [], (code, base, to, column, table, steps) => {
    const [entry, end, into] = [code.local("i32"), code.local("i32"), code.local("i32")];
    const starts = Array.from({ length: unit.lanes }, () => code.local("i32"));
    const [index, image] = [code.local("i32"), code.local("i32")];
    const startOf = (lane: number): void => {
      // Windows past the last are read as the last.
      code.get(column).plus(lane).i32(plan.columns - 1).get(column).plus(lane).i32(plan.columns - 1).op("i32.lt_s");
      code.select("i32").set(index);
      code.get(base);
      if (plan.merged) {
        code.get(index).i32(area).op("i32.div_u").tee(image).times(from.batch * unit.bytes).op("i32.add");
        code.get(index).i32(area).op("i32.rem_u").set(index);
      }
      code.get(index).i32(windows[1]).op("i32.div_u").times(from.row * c.strides[0] * unit.bytes).op("i32.add");
      code.get(index).i32(windows[1]).op("i32.rem_u").times(from.column * c.strides[1] * unit.bytes).op("i32.add");
    };
    const terms = (copy: () => void): void => {
      code.loop((again) => {
        copy();
        code.advance(into, width * unit.bytes);
        code.get(entry).plus(4).tee(entry).get(end).op("i32.ne").branchIf(again);
      });
    };
    for (let vector = 0; vector < width / unit.lanes; vector++) {
      starts.forEach((start, lane) => {
        startOf(vector * unit.lanes + lane);
        code.set(start);
      });
      code.get(table).set(entry).get(table).get(steps).times(4).op("i32.add").set(end);
      code.get(to).plus(vector * 16).set(into);
      const apart = (unit.lanes - 1) * unit.bytes;
      code.get(starts[unit.lanes - 1]).get(starts[0]).op("i32.sub").i32(apart).op("i32.eq").when(
        () =>
          terms(() => {
            code.get(into).get(starts[0]).get(entry).memory("i32.load").op("i32.add");
            code.memory("v128.load").memory("v128.store");
          }),
        () =>
          terms(() => {
            code.get(entry).memory("i32.load").set(index);
            starts.forEach((start, lane) => {
              code.get(into).get(start).get(index).op("i32.add").memory(unit.load).memory(
                unit.store,
                lane * unit.bytes,
              );
            });
          }),
      );
    }
  });
};

/** The epilogue where columns run through the images: each lane has its own. */
const eachImage = (plan: Plan, finish: (code: Code, sums: Local, place: ResultPlace) => void): Epilogue => ({
  inline: false,
  write: (code, sums, place) => {
    const [image, window, value] = [code.local("i32"), code.local("i32"), code.local("v128")];
    for (let lane = 0; lane < place.lanes; lane++) {
      const flat = (): Code => code.get(place.column).plus(place.columnOffset + lane).i32(plan.area);
      flat().op("i32.div_u").set(image);
      flat().op("i32.rem_u").set(window);
      const first = lane * plan.unit.bytes;
      code.get(sums).get(sums).shuffle(Array.from({ length: 16 }, (_, byte) => (byte + first) % 16)).set(value);
      const batch = [image, ...place.batch.slice(1)];
      finish(code, value, { ...place, batch, column: window, columnOffset: 0, lanes: 1 });
    }
    code.release(image, window, value);
  },
});

const resultStrides = (plan: Plan) => ({
  batch: [plan.c.result.batch, plan.c.outputs * plan.c.result.channel],
  row: plan.c.result.channel,
  column: 1,
});

const panelFunctions = (module: ModuleBuilder, plan: Plan): { readonly full?: Func; readonly last?: Func } => {
  const { c, unit, tile, width, columns } = plan;
  const strides = resultStrides(plan);
  const store = (code: Code, sums: Local, place: ResultPlace): void => {
    const at = code.local("i32");
    const offset = addressOf(code, place, { ...strides, bytes: unit.bytes });
    code.set(at).get(at).get(sums).lane(unit.storeLane, 0, offset);
    code.release(at);
  };
  const epilogue = plan.merged ? eachImage(plan, c.epilogue?.write ?? store) : c.epilogue;
  const make = (count: number): Func =>
    panelFunction(module, `convolution ${c.outputs}x${count}x${plan.terms}`, {
      unit,
      fused: c.fused,
      rows: tile.rows,
      lastRows: c.outputs % tile.rows,
      hasFull: c.outputs >= tile.rows,
      vectors: Math.ceil(count / unit.lanes),
      columns: count,
      lie: {
        leftTile: tile.rows * plan.blockTerms * unit.bytes,
        leftRow: unit.bytes,
        leftStep: tile.rows * unit.bytes,
        rightStep: width * unit.bytes,
      },
      steps: plan.blocked ? undefined : plan.terms,
      blocked: plan.blocked,
      result: strides,
      batchAxes: 2,
      pointers: plan.pointers,
      epilogue,
      accumulate: false,
      unroll: 4,
    });
  const rest = columns % width;
  return { full: columns >= width ? make(width) : undefined, last: rest > 0 ? make(rest) : undefined };
};

/** A chunk: a group of panels of one image and group of channels, against all rows. */
const multiplyPhase = (module: ModuleBuilder, plan: Plan): { readonly phase: Phase; readonly threadBytes: number } => {
  const { c, unit, tile, width, blockTerms, columns } = plan;
  const panels = panelFunctions(module, plan);
  const pack = packWindows(module, plan);
  const groupColumns = GROUP_PANELS * width;
  const parts = Math.ceil(columns / groupColumns);
  const panelBytes = blockTerms * width * unit.bytes;
  const sumsAt = aligned(GROUP_PANELS * panelBytes);
  const rowBytes = width * unit.bytes;
  const rows = plan.rowTiles * tile.rows;
  const blockRows = Math.ceil(BLOCK_ROWS / tile.rows) * tile.rows;
  const images = plan.merged ? 1 : c.batch;
  const func = module.function("convolve", I32S(6 + plan.pointers), [], (code, ...locals) => {
    const [chunk, input, , base, workspace, thread] = locals;
    const pointers = locals.slice(6);
    const flat = code.get(chunk).i32(parts).op("i32.div_u").keep("i32");
    const first = code.get(chunk).i32(parts).op("i32.rem_u").times(groupColumns).keep("i32");
    const image = code.get(flat).i32(c.groups).op("i32.div_u").keep("i32");
    const group = code.get(flat).i32(c.groups).op("i32.rem_u").keep("i32");
    if (plan.copies) code.get(workspace).plus(plan.inputAt);
    else code.get(input);
    code.get(image).times(plan.from.batch * unit.bytes).op("i32.add");
    code.get(group).times(c.inputs * plan.from.channel * unit.bytes).op("i32.add");
    const from = code.keep("i32");
    code.get(first).plus(groupColumns).i32(columns).get(first).plus(groupColumns).i32(columns).op("i32.lt_s");
    const last = code.select("i32").keep("i32");
    const [term, steps, column, row, rowEnd] = [0, 0, 0, 0, 0].map(() => code.local("i32"));
    const [table, left, right, scratch, mode] = [0, 0, 0, 0, 0].map(() => code.local("i32"));
    const eachPanel = (body: () => void): void => {
      code.get(first).set(column).get(thread).set(right);
      code.loop((again) => {
        body();
        code.advance(right, panelBytes);
        code.get(column).plus(width).tee(column).get(last).op("i32.lt_s").branchIf(again);
      });
    };
    code.i32(0).set(term);
    code.loop((nextBlock) => {
      stepsOf(code, plan, term, steps);
      code.get(workspace).plus(plan.tableAt).get(term).times(4).op("i32.add").set(table);
      if (plan.terms > 0) {
        eachPanel(() => {
          for (const value of [from, right, column, table, steps]) code.get(value);
          code.call(pack);
        });
      }
      code.get(term).op("i32.eqz").i32(MODE_FIRST).op("i32.mul");
      code.get(term).get(steps).op("i32.add").i32(plan.terms).op("i32.ge_s").i32(MODE_LAST).op("i32.mul").op("i32.or");
      code.set(mode);
      code.each(row, 0, c.outputs, blockRows, () => {
        code.get(row).plus(blockRows).i32(c.outputs).get(row).plus(blockRows).i32(c.outputs).op("i32.lt_s");
        code.select("i32").set(rowEnd);
        weightsAddress(code, plan, { workspace, group, term, row }).set(left);
        code.get(thread).plus(sumsAt);
        if (plan.blocked) code.get(row).times(rowBytes).op("i32.add");
        code.set(scratch);
        const call: { [F in keyof PanelCall]: Local } = {
          left,
          right,
          row,
          rowEnd,
          column,
          base,
          scratch,
          steps,
          mode,
        };
        eachPanel(() => {
          const run = (panel: Func): void => {
            for (const field of PANEL_PARAMETERS) code.get(call[field]);
            for (const value of [image, group, ...pointers]) code.get(value);
            code.call(panel);
          };
          if (panels.full === undefined) run(panels.last!);
          else if (panels.last === undefined) run(panels.full);
          else {
            code.get(column).i32(columns - columns % width).op("i32.lt_s")
              .when(() => run(panels.full!), () => run(panels.last!));
          }
          if (plan.blocked) code.advance(scratch, rows * rowBytes);
        });
      });
      code.get(term).plus(Math.max(1, blockTerms)).tee(term).i32(plan.terms).op("i32.lt_s").branchIf(nextBlock);
    });
  });
  const sumBytes = plan.blocked ? GROUP_PANELS * rows * rowBytes : tile.rows * rowBytes;
  return {
    phase: { func, chunks: images * c.groups * parts },
    threadBytes: sumsAt + aligned(sumBytes) + 16,
  };
};

/** Writes a convolution into a module. */
export const emitConvolution = (module: ModuleBuilder, convolution: Convolution): Kernel => {
  const plan = planOf(convolution);
  const { batch, groups, outputs, inputs, kernel } = convolution;
  const name = `convolution ${batch}x${groups}x${inputs}→${outputs} ${kernel.join("x")} at ${plan.windows.join("x")}`;
  if (plan.columns === 0 || batch === 0 || outputs === 0 || groups === 0) {
    return { name, phases: [], workspaceBytes: 0, threadBytes: 0 };
  }
  const multiply = multiplyPhase(module, plan);
  const phases: Phase[] = [];
  if (plan.terms > 0) {
    if (plan.copies) phases.push(padPhase(module, plan));
    phases.push(tablePhase(module, plan), weightsPhase(module, plan));
  }
  phases.push(multiply.phase);
  return { name, phases, workspaceBytes: plan.workspaceBytes, threadBytes: multiply.threadBytes };
};
