/**
 * The worker pool: with real workers for what only they can show, and with counted ones for its bookkeeping.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { layerWorkers } from "../../kernel/platform/workers.ts";
import { type Job, type JobEnd, layerWorkersOver, Workers } from "../../kernel/workers.ts";

const module = new URL("./jobs.ts", import.meta.url).href;
const job = (name: string, input: unknown = null): Job => ({ module, name, input });

const on = <A, E>(
  effect: Effect.Effect<A, E, Workers>,
  layer: Layer.Layer<Workers> = layerWorkers({ workers: 2 }),
): Promise<A> => Effect.runPromise(Effect.provide(effect, layer));

const run = (asked: Job) => Effect.flatMap(Workers, (workers) => workers.run(asked));

Deno.test("a job's value is what its function returns", async () => {
  assert.equal(await on(run(job("fibonacci", 20))), 6765);
  assert.deepEqual(await on(run(job("echo", { list: [1n, new Uint8Array([1, 2])] }))), {
    list: [1n, new Uint8Array([1, 2])],
  });
});

Deno.test("a worker holds no permission", async () => {
  const states = await on(run(job("permissions"))) as ReadonlyArray<string>;
  assert.equal(states.length, 7);
  assert.ok(!states.includes("granted"), states.join());
});

Deno.test("a buffer can move instead of being copied", async () => {
  const bytes = new Uint8Array(1_000).fill(2);
  const { buffer } = bytes;
  assert.equal(await on(run({ ...job("sum", bytes), transfer: [buffer] })), 2_000);
  assert.equal(buffer.byteLength, 0);
});

Deno.test("an endless loop ends when its fiber is interrupted, and the pool goes on", async () => {
  const after = await on(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(run(job("forever")));
      yield* Effect.sleep("300 millis");
      yield* Fiber.interrupt(fiber);
      return yield* run(job("fibonacci", 10));
    }),
    layerWorkers({ workers: 1 }),
  );
  assert.equal(after, 55);
});

Deno.test("a job that throws fails alone, and its worker serves the next", async () => {
  const [failed, first, second] = await on(
    Effect.gen(function* () {
      const first = yield* run(job("count"));
      const failed = yield* Effect.flip(run(job("broken")));
      return [failed, first, yield* run(job("count"))] as const;
    }),
    layerWorkers({ workers: 1 }),
  );
  assert.equal(failed.code, "KERNEL_WORKER");
  assert.match(failed.message, /RangeError: no such luck/u);
  assert.deepEqual([first, second], [1, 2]);
});

for (
  const [what, asked, says] of [
    ["no such function", job("missing"), /exports no function/u],
    ["an export that is no function", job("notAFunction"), /exports no function/u],
    ["a value that cannot be sent", job("unsendable"), /could not be cloned/u],
    ["an input that cannot be sent", job("echo", () => {}), /could not be cloned/u],
    ["an error thrown on its own", job("later"), /thrown on its own/u],
    ["a module that is not there", { ...job("x"), module: new URL("./nowhere.ts", module).href }, /./u],
  ] as const
) {
  Deno.test(`${what} is a typed failure, and the pool goes on`, async () => {
    const [failed, after] = await on(
      Effect.gen(function* () {
        return [yield* Effect.flip(run(asked)), yield* run(job("fibonacci", 10))] as const;
      }),
      layerWorkers({ workers: 1 }),
    );
    assert.equal(failed.code, "KERNEL_WORKER");
    assert.match(failed.message, says);
    assert.equal(after, 55);
  });
}

/** Workers that are counted and end their job when told. */
const counted = () => {
  const seen = { made: 0, terminated: 0, running: 0, most: 0 };
  const ends: Array<(ended: JobEnd) => void> = [];
  const make = () => {
    seen.made++;
    return {
      start: (_job: Job, end: (ended: JobEnd) => void) => {
        seen.most = Math.max(seen.most, ++seen.running);
        ends.push((ended) => {
          seen.running--;
          end(ended);
        });
      },
      terminate: () => void seen.terminated++,
    };
  };
  return { seen, ends, make };
};

const turns = (count: number): Effect.Effect<void> => Effect.repeat(Effect.yieldNow, { times: count });

Deno.test("jobs beyond the workers wait, up to the queue's limit; one more is refused", async () => {
  const { seen, ends, make } = counted();
  await on(
    Effect.gen(function* () {
      const fibers = [];
      for (let i = 0; i < 5; i++) fibers.push(yield* Effect.forkChild(run(job("x")), { startImmediately: true }));
      yield* turns(10);
      assert.equal(seen.running, 2);
      const refused = yield* Effect.flip(run(job("x")));
      assert.equal(refused.code, "KERNEL_WORKERS_BUSY");
      while (ends.length > 0) {
        ends.shift()!({ ok: true, value: 1 });
        yield* turns(10);
      }
      for (const fiber of fibers) assert.equal(yield* Fiber.join(fiber), 1);
      assert.equal(seen.most, 2);
      assert.equal(seen.made, 2);
    }),
    layerWorkersOver(make, { workers: 2, queue: 3 }),
  );
  assert.equal(seen.terminated, 2);
});

Deno.test("a waiting job that is interrupted gives its place back and starts no worker", async () => {
  const { seen, ends, make } = counted();
  await on(
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(run(job("x")), { startImmediately: true });
      for (let round = 0; round < 5; round++) {
        const waiting = yield* Effect.forkChild(run(job("x")), { startImmediately: true });
        yield* turns(5);
        yield* Fiber.interrupt(waiting);
      }
      ends.shift()!({ ok: true, value: 1 });
      yield* Fiber.join(running);
      assert.equal(seen.made, 1);
      assert.equal(seen.most, 1);
    }),
    layerWorkersOver(make, { workers: 1, queue: 1 }),
  );
});

Deno.test("closing the pool terminates every worker and ends what runs", async () => {
  const { seen, make } = counted();
  const exit = await Effect.runPromise(Effect.gen(function* () {
    const fiber = yield* Effect.scoped(Effect.gen(function* () {
      const context = yield* Layer.build(layerWorkersOver(make, { workers: 3, queue: 0 }));
      const waiting = yield* Effect.forkChild(Effect.provideContext(run(job("x")), context), {
        startImmediately: true,
      });
      yield* turns(5);
      return waiting;
    }));
    yield* Fiber.interrupt(fiber);
    return yield* Fiber.await(fiber);
  }));
  assert.ok(Exit.isFailure(exit));
  assert.equal(seen.made, 1);
  assert.ok(seen.terminated >= 1);
});
