/**
 * Convolution of images: windows of the input are packed straight into the panels of a matrix product, so that no
 * unfolded copy of the input exists.
 *
 * Not for other numbers of spatial axes than two; one axis is two of which the first has one element.
 * Invariant: every result is summed in order of channels, then kernel elements, in the same blocks whatever runs where.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Code, Func, Local } from "./code.ts";
import { type Convolution, type ConvolutionPlan, convolutionPlan } from "./convolution_plan.ts";
import { packWindows, padPhase, tablePhase } from "./convolution_windows.ts";
import { aligned, type Kernel, type Phase } from "./kernel.ts";
import { type ElementPlace, packPanel } from "./pack.ts";
import type { PerPanel } from "./product.ts";
import { I32S, modeOf, stepsOf } from "./product_phases.ts";
import {
  addressOf,
  type Epilogue,
  type MatrixResult,
  PANEL_PARAMETERS,
  type PanelCall,
  panelFunction,
  type ResultPlace,
} from "./tile.ts";

export { type Convolution, type ImageStrides, type PixelPlace, type Spatial, windowsOn } from "./convolution_plan.ts";

/** Rows against which a group of panels is taken. */
const BLOCK_ROWS = 96;
/** Panels that are packed at once. */
const GROUP_PANELS = 8;

/** Leaves the address of a packed tile of weights. */
const weightsAddress = (code: Code, plan: ConvolutionPlan, at: {
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
const weightsPhase = (module: ModuleBuilder, plan: ConvolutionPlan): Phase => {
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

/** The epilogue where columns run through the images: each lane has its own. */
const eachImage = (plan: ConvolutionPlan, finish: (code: Code, sums: Local, place: ResultPlace) => void): Epilogue => ({
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

const resultStrides = (plan: ConvolutionPlan): MatrixResult => ({
  batch: [plan.c.result.batch, plan.c.outputs * plan.c.result.channel],
  row: plan.c.result.channel,
  column: 1,
});

const panelFunctions = (module: ModuleBuilder, plan: ConvolutionPlan): PerPanel<Func> => {
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

/** What a chunk works with: addresses and indices, in locals. */
interface Windows extends PanelCall {
  /** Image and group, the batch of the product. */
  readonly batch: readonly [image: Local, group: Local];
  readonly pointers: ReadonlyArray<Local>;
  /** Address of the image and group in what windows are read from. */
  readonly from: Local;
  /** First window of the chunk, and the one after its last. */
  readonly first: Local;
  readonly last: Local;
  readonly workspace: Local;
  readonly thread: Local;
  readonly term: Local;
  readonly table: Local;
}

/** A chunk's addresses and indices, from its number and the kernel's addresses. */
const windowsOf = (code: Code, plan: ConvolutionPlan, parts: number, locals: ReadonlyArray<Local>): Windows => {
  const { c, unit, columns } = plan;
  const [chunk, input, , base, workspace, thread] = locals;
  const groupColumns = GROUP_PANELS * plan.width;
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
  const local = (): Local => code.local("i32");
  return {
    batch: [image, group],
    pointers: locals.slice(6),
    from,
    first,
    last,
    base,
    workspace,
    thread,
    term: local(),
    steps: local(),
    column: local(),
    row: local(),
    rowEnd: local(),
    table: local(),
    left: local(),
    right: local(),
    scratch: local(),
    mode: local(),
  };
};

/** Goes through the panels of a chunk: the column and the packed panel's address in their locals. */
const eachPanel = (code: Code, plan: ConvolutionPlan, at: Windows, body: () => void): void => {
  code.get(at.first).set(at.column).get(at.thread).set(at.right);
  code.loop((again) => {
    body();
    code.advance(at.right, plan.blockTerms * plan.width * plan.unit.bytes);
    code.get(at.column).plus(plan.width).tee(at.column).get(at.last).op("i32.lt_s").branchIf(again);
  });
};

/** Multiplies a block of rows by every packed panel. */
const multiplyRows = (code: Code, plan: ConvolutionPlan, panels: PerPanel<Func>, at: Windows): void => {
  const { tile, unit, width, columns, rowTiles } = plan;
  const rowBytes = width * unit.bytes;
  weightsAddress(code, plan, { workspace: at.workspace, group: at.batch[1], term: at.term, row: at.row }).set(at.left);
  code.get(at.thread).plus(aligned(GROUP_PANELS * plan.blockTerms * rowBytes));
  if (plan.blocked) code.get(at.row).times(rowBytes).op("i32.add");
  code.set(at.scratch);
  eachPanel(code, plan, at, () => {
    const run = (panel: Func): void => {
      for (const field of PANEL_PARAMETERS) code.get(at[field]);
      for (const value of [...at.batch, ...at.pointers]) code.get(value);
      code.call(panel);
    };
    if (panels.full === undefined) run(panels.last!);
    else if (panels.last === undefined) run(panels.full);
    else {
      code.get(at.column).i32(columns - columns % width).op("i32.lt_s")
        .when(() => run(panels.full!), () => run(panels.last!));
    }
    if (plan.blocked) code.advance(at.scratch, rowTiles * tile.rows * rowBytes);
  });
};

/** A chunk: a group of panels of one image and group of channels, against all rows. */
const multiplyPhase = (
  module: ModuleBuilder,
  plan: ConvolutionPlan,
): { readonly phase: Phase; readonly threadBytes: number } => {
  const { c, unit, tile, width, blockTerms } = plan;
  const panels = panelFunctions(module, plan);
  const pack = packWindows(module, plan);
  const parts = Math.ceil(plan.columns / (GROUP_PANELS * width));
  const blockRows = Math.ceil(BLOCK_ROWS / tile.rows) * tile.rows;
  const func = module.function("convolve", I32S(6 + plan.pointers), [], (code, ...locals) => {
    const at = windowsOf(code, plan, parts, locals);
    const { term, steps, row } = at;
    code.i32(0).set(term);
    code.loop((nextBlock) => {
      stepsOf(code, plan, term, steps);
      code.get(at.workspace).plus(plan.tableAt).get(term).times(4).op("i32.add").set(at.table);
      if (plan.terms > 0) {
        eachPanel(code, plan, at, () => {
          for (const value of [at.from, at.right, at.column, at.table, steps]) code.get(value);
          code.call(pack);
        });
      }
      modeOf(code, plan.terms, at).set(at.mode);
      code.each(row, 0, c.outputs, blockRows, () => {
        code.get(row).plus(blockRows).i32(c.outputs).get(row).plus(blockRows).i32(c.outputs).op("i32.lt_s");
        code.select("i32").set(at.rowEnd);
        multiplyRows(code, plan, panels, at);
      });
      code.get(term).plus(Math.max(1, blockTerms)).tee(term).i32(plan.terms).op("i32.lt_s").branchIf(nextBlock);
    });
  });
  const rowBytes = width * unit.bytes;
  const sumBytes = plan.blocked ? GROUP_PANELS * plan.rowTiles * tile.rows * rowBytes : tile.rows * rowBytes;
  return {
    phase: { func, chunks: (plan.merged ? 1 : c.batch) * c.groups * parts },
    threadBytes: aligned(GROUP_PANELS * blockTerms * rowBytes) + aligned(sumBytes) + 16,
  };
};

/** Writes a convolution into a module. */
export const emitConvolution = (module: ModuleBuilder, convolution: Convolution): Kernel => {
  const plan = convolutionPlan(convolution);
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
