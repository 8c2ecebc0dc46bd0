/**
 * Windows of a convolution: the input's padded copy, where each term looks, and panels packed from windows.
 *
 * Not the product (convolution.ts).
 * Invariant: the copy is left out where there is no padding, cropping, dilation of the input or prologue.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Func } from "./code.ts";
import { type Convolution, type ConvolutionPlan, paddedSize } from "./convolution_plan.ts";
import type { Phase } from "./kernel.ts";
import { I32S } from "./product_phases.ts";

/** Elements of an axis that are in the padded input: the first and how many. */
const kept = (c: Convolution, axis: 0 | 1): readonly [first: number, count: number] => {
  const step = c.inputDilation[axis];
  const first = Math.max(0, Math.ceil(-c.low[axis] / step));
  const last = Math.min(c.size[axis] - 1, Math.floor((paddedSize(c, axis) - 1 - c.low[axis]) / step));
  return [first, Math.max(0, last - first + 1)];
};

/** Copies one channel of one image with its padding. */
export const padPhase = (module: ModuleBuilder, plan: ConvolutionPlan): Phase => {
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
export const tablePhase = (module: ModuleBuilder, plan: ConvolutionPlan): Phase => {
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

/** Packs one panel of windows for a block of terms: a vector of windows at a time, together where they are neighbours. */
export const packWindows = (module: ModuleBuilder, plan: ConvolutionPlan): Func => {
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
