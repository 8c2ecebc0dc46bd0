/**
 * Entry that is bundled for Node and for a page: trains a small network on the CPU backend, strictly, on one thread and on two, and
 * hands the sums of the parameters' bits to `globalThis.receiveReport`, or prints them.
 */
import * as Effect from "effect/Effect";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import { buildProgram, type Tensor } from "../../../../plugins/ir/library.ts";

/** A step of a network that a fixed rule changes: products, a row kernel, functions, state. */
const program = buildProgram({ w: "f32[96,96]", x: "f32[640,96]" }, (g, { w, x }) => {
  const y = g.softmax(g.activation("gelu", g.matmul(x, w)), -1);
  const change = g.dot(x, y, { x_batch: [], y_batch: [], x_contract: [0], y_contract: [0] });
  return [g.sub(w, g.mul(g.tanh(change), 0.01)), g.reduce("sum", y)];
});

const filled = (rows: number, step: number): Tensor => ({
  dtype: "f32",
  shape: [rows, 96],
  data: Float32Array.from({ length: rows * 96 }, (_, i) => ((i * step) % 1013) / 1013 - 0.5),
});

/** The sum of the bits of the parameters after some steps. */
const train = (threads: number): Promise<number> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const made = yield* cpuBackend.compile(program, { state: [[0, 0]], threads, numerics: "strict" });
    yield* made.write(0, filled(96, 17));
    for (let turn = 0; turn < 5; turn++) yield* made.step([filled(640, 29)]);
    const { data } = yield* made.read(0);
    return new Uint32Array((data as Float32Array).buffer).reduce((sum, bits) => (sum * 31 + bits) >>> 0, 0);
  })));

/** The sums on one thread and on two. */
export const sums = async (): Promise<ReadonlyArray<number>> => [await train(1), await train(2)];

if ((globalThis as { Deno?: unknown }).Deno === undefined) {
  const receive = (globalThis as { receiveReport?: (report: string) => void }).receiveReport;
  (receive ?? console.log)(JSON.stringify(await sums()));
}
