/**
 * Phases of a product: packing the right operand's panels, then multiplying blocks of rows by them.
 *
 * Not the plan (product.ts) and not the innermost loop (tile.ts).
 * Invariant: a chunk writes only its own panels, or its own rows of the result.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import { batchBase, batchIndices } from "./batch.ts";
import type { Code, Func, Local, ValueType } from "./code.ts";
import type { Phase } from "./kernel.ts";
import type { Unit } from "./numbers.ts";
import { type ElementPlace, type MatrixOperand, packPanel, type PanelSource } from "./pack.ts";
import { type PerPanel, perPanel, type Plan, threadLayout } from "./product.ts";
import { MODE_FIRST, MODE_LAST, PANEL_PARAMETERS, type PanelCall, panelFunction, type PanelShape } from "./tile.ts";

/** So many i32. */
export const I32S = (count: number): ReadonlyArray<ValueType> => Array.from({ length: count }, () => "i32");

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
export const packFunction = (module: ModuleBuilder, plan: Plan, side: "left" | "right", valid: number): Func => {
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

/** The function for the panel that starts at a column: the full one, or the last. */
const choosePanel = (
  code: Code,
  plan: Plan,
  column: Local,
  pair: PerPanel<Func>,
  call: (f: Func) => void,
): void => {
  if (pair.full === undefined) return call(pair.last!);
  if (pair.last === undefined) return call(pair.full);
  const lastStart = plan.product.n - plan.product.n % plan.width;
  code.get(column).i32(lastStart).op("i32.lt_s").when(() => call(pair.full!), () => call(pair.last!));
};

/** Makes the functions that multiply rows by a panel. */
export const panelFunctions = (module: ModuleBuilder, plan: Plan): PerPanel<Func> => {
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
export const packPhase = (module: ModuleBuilder, plan: Plan, part: Part): Phase => {
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

/** Sets how many terms a block has: those of a full one, or what is left. */
export const stepsOf = (
  code: Code,
  blocks: { readonly terms: number; readonly blockTerms: number; readonly blocked: boolean },
  term: Local,
  steps: Local,
): void => {
  if (!blocks.blocked) {
    code.i32(blocks.terms).set(steps);
    return;
  }
  code.i32(blocks.terms).get(term).op("i32.sub").set(steps);
  code.i32(blocks.blockTerms).get(steps).get(steps).i32(blocks.blockTerms).op("i32.gt_s").select("i32").set(steps);
};

/** Columns that are packed and multiplied at once. */
export interface Part {
  /** The first column. */
  readonly column: number;
  /** How many. */
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

/** Packs the rows of a chunk, tile by tile. */
const packLeftRows = (code: Code, plan: Plan, packs: PerPanel<Func>, at: {
  readonly leftBase: Local;
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
    callWith(code, pack, [at.leftBase, to, row, at.term, at.steps, ...at.batch, ...at.pointers]);
  code.loop((again) => {
    const { full, last } = packs;
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

/** What a chunk of rows works with: addresses and indices, in locals. */
interface Rows extends PanelCall {
  readonly flat: Local;
  readonly batch: ReadonlyArray<Local>;
  readonly pointers: ReadonlyArray<Local>;
  /** Addresses of this batch's operands. */
  readonly leftBase: Local;
  readonly rightBase: Local;
  readonly workspace: Local;
  readonly thread: Local;
  readonly term: Local;
  readonly panel: Local;
}

/** The functions that a chunk calls. */
export interface ProductFunctions {
  /** Multiply rows by a panel. */
  readonly panels: PerPanel<Func>;
  /** Pack a panel of the right operand, where chunks do so. */
  readonly right: PerPanel<Func>;
  /** Pack a tile of rows of the left operand, where they are packed. */
  readonly left: PerPanel<Func>;
}

/** The chunk's addresses and indices, from its number and the kernel's addresses. */
const rowsOf = (code: Code, plan: Plan, locals: ReadonlyArray<Local>): Rows => {
  const { product, unit, blockRows } = plan;
  const rowBlocks = Math.ceil(product.m / blockRows);
  const [chunk, leftAddress, rightAddress, base, workspace, thread] = locals;
  const flat = code.get(chunk).i32(rowBlocks).op("i32.div_u").keep("i32");
  const batch = batchIndices(code, flat, product.batch);
  const bytesOf = (operand: MatrixOperand): number => operand.element?.bytes ?? unit.bytes;
  const row = code.get(chunk).i32(rowBlocks).op("i32.rem_u").times(blockRows).keep("i32");
  const rowEnd = code.get(row).plus(blockRows).keep("i32");
  code.get(rowEnd).i32(product.m).get(rowEnd).i32(product.m).op("i32.lt_s").select("i32").set(rowEnd);
  const local = (): Local => code.local("i32");
  return {
    flat,
    batch,
    pointers: locals.slice(6),
    leftBase: batchBase(code, leftAddress, batch, product.left.batch, bytesOf(product.left)),
    rightBase: batchBase(code, rightAddress, batch, product.right.batch, bytesOf(product.right)),
    workspace,
    thread,
    base,
    row,
    rowEnd,
    term: local(),
    steps: local(),
    column: local(),
    panel: local(),
    left: local(),
    right: local(),
    scratch: local(),
    mode: local(),
  };
};

/** Sets where the rows of a block of terms are, and packs them where they are packed. */
const prepareLeft = (code: Code, plan: Plan, packs: PerPanel<Func>, rows: Rows): void => {
  const { product, unit } = plan;
  if (plan.packLeft) {
    packLeftRows(code, plan, packs, rows);
    code.get(rows.thread).plus(threadLayout(plan).left).set(rows.left);
    return;
  }
  code.get(rows.leftBase).get(rows.row).times(product.left.row * unit.bytes).op("i32.add");
  code.get(rows.term).times(product.left.column * unit.bytes).op("i32.add").set(rows.left);
};

/** Sets where a panel of a block of terms is, and packs it where each chunk does. */
const prepareRight = (code: Code, plan: Plan, part: Part, packs: PerPanel<Func>, rows: Rows): void => {
  const { product, unit } = plan;
  const { rightBase, right, column, term, steps, batch, pointers } = rows;
  if (plan.localRight) {
    code.get(rows.thread).plus(threadLayout(plan).right).set(right);
    const given = [rightBase, right, column, term, steps, ...batch, ...pointers];
    choosePanel(code, plan, column, packs, (pack) => callWith(code, pack, given));
  } else if (plan.packRight) {
    packedAddress(code, plan, part, rows).set(right);
  } else {
    code.get(rightBase).get(term).times(product.right.row * unit.bytes).op("i32.add");
    code.get(column).times(unit.bytes).op("i32.add").set(right);
  }
};

/** Leaves the mode of a block of terms: whether it starts sums, and whether it finishes them. */
export const modeOf = (code: Code, terms: number, at: { readonly term: Local; readonly steps: Local }): Code => {
  code.get(at.term).op("i32.eqz").i32(MODE_FIRST).op("i32.mul");
  code.get(at.term).get(at.steps).op("i32.add").i32(terms).op("i32.ge_s").i32(MODE_LAST).op("i32.mul");
  return code.op("i32.or");
};

/** Phase that multiplies: a chunk is some rows of one batch, against all columns of the part. */
export const multiplyPhase = (module: ModuleBuilder, plan: Plan, part: Part, functions: ProductFunctions): Phase => {
  const { product, width, blockRows } = plan;
  const layout = threadLayout(plan);
  const func = module.function("multiply", I32S(6 + plan.pointers), [], (code, ...locals) => {
    const rows = rowsOf(code, plan, locals);
    const { term, steps, column, panel, scratch, batch, pointers } = rows;
    const call = [...PANEL_PARAMETERS.map((field) => rows[field]), ...batch, ...pointers];
    const block = (): void => {
      stepsOf(code, plan, term, steps);
      prepareLeft(code, plan, functions.left, rows);
      modeOf(code, plan.terms, rows).set(rows.mode);
      code.get(rows.thread).plus(layout.sums).set(scratch);
      code.i32(0).set(panel);
      code.each(column, part.column, part.column + part.columns, width, () => {
        prepareRight(code, plan, part, functions.right, rows);
        choosePanel(code, plan, column, functions.panels, (run) => callWith(code, run, call));
        if (plan.blocked) code.advance(scratch, layout.panelSums);
        code.advance(panel, 1);
      });
    };
    if (plan.blocked) {
      code.each(term, 0, plan.terms, plan.blockTerms, block);
    } else {
      code.i32(0).set(term);
      block();
    }
  });
  return { func, chunks: plan.batches * Math.ceil(product.m / blockRows) };
};
