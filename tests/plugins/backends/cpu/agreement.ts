/**
 * Running programs on the CPU backend, and how far its results may be from the reference's.
 */
import * as Effect from "effect/Effect";
import type { CompileOptions } from "../../../../plugins/backends/contract.ts";
import { cpuBackend } from "../../../../plugins/backends/cpu/backend.ts";
import { dtypeInfo, elementAt, evaluate, isFloat, type Program, type Tensor } from "../../../../plugins/ir/library.ts";

/** What the backend makes of inputs. */
export const onCpu = (
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  options: CompileOptions = {},
): ReadonlyArray<Tensor> =>
  Effect.runSync(Effect.scoped(Effect.flatMap(cpuBackend.compile(program, options), (made) => made.step(inputs))));

/** Units in the last place that a chain of operations may be off, of its value or of 1. */
const UNITS = 64;

/** The first element that differs, in words; integers and bools must be equal. */
export const differenceOf = (
  expected: ReadonlyArray<Tensor>,
  actual: ReadonlyArray<Tensor>,
  units = UNITS,
): string | undefined => {
  if (expected.length !== actual.length) return `${actual.length} results instead of ${expected.length}`;
  for (const [result, want] of expected.entries()) {
    const got = actual[result];
    if (want.dtype !== got.dtype || want.shape.join() !== got.shape.join() || want.data.length !== got.data.length) {
      return `result ${result} is ${got.dtype}[${got.shape}] instead of ${want.dtype}[${want.shape}]`;
    }
    for (let i = 0; i < want.data.length; i++) {
      const [a, b] = [elementAt(want, i), elementAt(got, i)];
      if (Object.is(a, b) || (isFloat(want.dtype) && isNear(Number(a), Number(b), want, units))) continue;
      return `result ${result}, element ${i}: ${b} instead of ${a} (${want.dtype})`;
    }
  }
  return undefined;
};

const isNear = (a: number, b: number, { dtype }: Tensor, units: number): boolean =>
  Math.abs(a - b) <= units * 2 ** -dtypeInfo(dtype).mantissa! * Math.max(Math.abs(a), Math.abs(b), 1);

/** How the backend and the reference differ on a program; undefined where they agree. */
export const disagreement = (
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  options: CompileOptions = {},
): string | undefined => differenceOf(evaluate(program, inputs, options).results, onCpu(program, inputs, options));
