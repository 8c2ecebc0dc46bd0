/**
 * The worker pool: with real workers of both kinds for what only they can show, and with counted ones for its
 * bookkeeping.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import type { Json } from "../../kernel/json.ts";
import { layerChildWorkers, layerEveryWorker } from "../../kernel/platform/process_workers.ts";
import { layerSupervisorLocal, Supervisor } from "../../kernel/platform/supervisor.ts";
import { layerWorkers } from "../../kernel/platform/workers.ts";
import {
  type Job,
  type JobEnd,
  layerWorkersOver,
  withWorkers,
  type WorkerKind,
  Workers,
} from "../../kernel/workers.ts";

const supervisor = layerSupervisorLocal({
  workspace: "/",
  root: new URL("../../", import.meta.url).href,
  optional: {},
});

const module = new URL("./jobs.ts", import.meta.url).href;
const job = (name: string, input: unknown = null): Job => ({ module, name, input });

/** Every way to have workers; each passes the same tests. */
const LAYERS: { readonly [kind in WorkerKind]: (workers: number) => Layer.Layer<Workers> } = {
  thread: (workers) => layerWorkers({ workers }),
  process: (workers) =>
    layerChildWorkers({ workers, limits: { heapMb: 256, residentMb: 512 } }).pipe(Layer.provide(supervisor)),
};

const on = <A, E>(effect: Effect.Effect<A, E, Workers>, layer: Layer.Layer<Workers>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, layer));

const run = (asked: Job) => Effect.flatMap(Workers, (workers) => workers.run(asked));

const UNUSUAL = {
  list: [1n, new Uint8Array([1, 2]), undefined, -0, Number.NaN],
  map: new Map([[1, new Set(["two"])]]),
  at: new Date(0),
  floats: new Float64Array([1.5, Number.NEGATIVE_INFINITY]),
};

for (const kind of ["thread", "process"] as const) {
  const layer = LAYERS[kind];

  Deno.test(`${kind}: a job's value is what its function returns`, async () => {
    assert.equal(await on(run(job("fibonacci", 20)), layer(2)), 6765);
    assert.deepEqual(await on(run(job("echo", UNUSUAL)), layer(2)), UNUSUAL);
  });

  Deno.test(`${kind}: a worker holds no permission`, async () => {
    const states = await on(run(job("permissions")), layer(1)) as ReadonlyArray<string>;
    assert.equal(states.length, 7);
    assert.ok(!states.includes("granted"), states.join());
  });

  Deno.test(`${kind}: a buffer can move instead of being copied`, async () => {
    const bytes = new Uint8Array(1_000).fill(2);
    const { buffer } = bytes;
    assert.equal(await on(run({ ...job("sum", bytes), transfer: [buffer] }), layer(1)), 2_000);
    assert.equal(buffer.byteLength, 0);
  });

  Deno.test(`${kind}: an argument of several megabytes arrives whole`, async () => {
    const bytes = new Uint8Array(6_000_000).fill(3);
    assert.equal(await on(run(job("sum", bytes)), layer(1)), 18_000_000);
  });

  Deno.test(`${kind}: what a job prints is not taken for its value`, async () => {
    assert.equal(await on(run(job("talkative")), layer(1)), "said");
  });

  Deno.test(`${kind}: jobs of one pool run at once and each gets its own value`, async () => {
    const values = await on(
      Effect.forEach([5, 10, 15, 20, 1, 2], (n) => run(job("fibonacci", n)), { concurrency: "unbounded" }),
      layer(2),
    );
    assert.deepEqual(values, [5, 55, 610, 6765, 1, 1]);
  });

  Deno.test(`${kind}: an endless loop ends when its fiber is interrupted, and the pool goes on`, async () => {
    const after = await on(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(run(job("forever")));
        yield* Effect.sleep("300 millis");
        yield* Fiber.interrupt(fiber);
        return yield* run(job("fibonacci", 10));
      }),
      layer(1),
    );
    assert.equal(after, 55);
  });

  Deno.test(`${kind}: a job that throws fails alone, and its worker serves the next`, async () => {
    const [failed, first, second] = await on(
      Effect.gen(function* () {
        const first = yield* run(job("count"));
        const failed = yield* Effect.flip(run(job("broken")));
        return [failed, first, yield* run(job("count"))] as const;
      }),
      layer(1),
    );
    assert.equal(failed.code, "KERNEL_WORKER");
    assert.match(failed.message, /RangeError: no such luck/u);
    assert.deepEqual([first, second], [1, 2]);
  });

  Deno.test(`${kind}: another module's job does not see what the one before left behind`, async () => {
    const other = { module: new URL("./jobs_other.ts", import.meta.url).href, name: "module", input: null };
    const values = await on(
      Effect.forEach([job("count"), other, job("count")], run),
      layer(1),
    );
    assert.deepEqual(values, [1, "other", 1]);
  });

  for (
    const [what, asked, says] of [
      ["no such function", job("missing"), /exports no function/u],
      ["a name of every object", job("constructor"), /exports no function/u],
      ["an export that is no function", job("notAFunction"), /exports no function/u],
      ["a value that cannot be sent", job("unsendable"), /could not be cloned/u],
      ["an input that cannot be sent", job("echo", () => {}), /could not be cloned/u],
      ["an error thrown on its own", job("later"), /thrown on its own/u],
      ["a module that is not there", { ...job("x"), module: new URL("./nowhere.ts", module).href }, /./u],
    ] as const
  ) {
    Deno.test(`${kind}: ${what} is a typed failure, and the pool goes on`, async () => {
      const [failed, after] = await on(
        Effect.gen(function* () {
          return [yield* Effect.flip(run(asked)), yield* run(job("fibonacci", 10))] as const;
        }),
        layer(1),
      );
      assert.equal(failed.code, "KERNEL_WORKER");
      assert.match(failed.message, says);
      assert.equal(after, 55);
    });
  }

  Deno.test(`${kind}: a pool of one's own has the size that was asked, and ends with its run`, async () => {
    const [sizes, after] = await on(
      Effect.gen(function* () {
        const sizes = yield* withWorkers(
          { workers: 2 },
          Effect.gen(function* () {
            const pool = yield* Workers;
            const values = yield* Effect.forEach([7, 8], (n) => pool.run(job("fibonacci", n)), { concurrency: 2 });
            return [pool.size, pool.kind, values] as const;
          }),
        );
        return [sizes, yield* run(job("fibonacci", 10))] as const;
      }),
      layer(1),
    );
    assert.deepEqual(sizes, [2, kind, [13, 21]]);
    assert.equal(after, 55);
  });
}

Deno.test("a process that is killed, exits or exhausts its memory takes only its own job", async () => {
  const [killed, exhausted, after] = await on(
    Effect.gen(function* () {
      const killed = yield* Effect.flip(run(job("leave")));
      const exhausted = yield* Effect.flip(run(job("hoard")));
      return [killed, exhausted, yield* run(job("fibonacci", 10))] as const;
    }),
    LAYERS.process(1),
  );
  assert.equal(killed.code, "KERNEL_WORKER");
  assert.equal(exhausted.code, "KERNEL_WORKER");
  assert.equal(after, 55);
});

Deno.test("a process is started for our own modules only, within the bounds of its limits", async () => {
  const asked = (request: object) =>
    Effect.runPromise(Effect.provide(
      Effect.flatMap(Supervisor, (port) =>
        Effect.callback<Json>((resume) => {
          Effect.runFork(port.open({ kind: "worker", ...request } as never, {
            message: () => {},
            ended: (ending) => resume(Effect.succeed(ending)),
          }));
        })),
      supervisor,
    ));
  const limits = { heapMb: 64, residentMb: 256 };
  for (
    const [request, says] of [
      [{ module: "data:text/javascript,export const x = 1", limits }, /module of|module must/u],
      [{ module: "file:///etc/passwd.ts", limits }, /our own folder/u],
      [{ module: new URL("../../kernel/", import.meta.url).href + "../../elsewhere.ts", limits }, /our own folder/u],
      [{ module, limits: { heapMb: 15, residentMb: 256 } }, /heapMb/u],
      [{ module, limits: { heapMb: 64, residentMb: 127 } }, /residentMb/u],
      [{ module, limits: { ...limits, wallMs: 5 } }, /unknown member .*wallMs/u],
      [{ module, limits, flags: ["-A"] }, /unknown member .*flags/u],
    ] as const
  ) {
    assert.match(JSON.stringify(await asked(request)), says, JSON.stringify(request));
  }
});

Deno.test("without a way to start processes, a pool of them is a typed failure", async () => {
  const failed = await on(
    Effect.flip(withWorkers({ workers: 1, kind: "process" }, run(job("count")))),
    layerWorkers({ workers: 1 }),
  );
  assert.equal(failed.code, "KERNEL_FACILITY_ABSENT");
});

Deno.test("a kernel's pool of threads opens pools of processes, and both give the same values", async () => {
  const layer = layerEveryWorker({ workers: 1 }).pipe(Layer.provide(supervisor));
  const values = await on(
    Effect.all([
      run(job("fibonacci", 15)),
      withWorkers({ workers: 2, kind: "process" }, run(job("fibonacci", 15))),
      Effect.map(Workers, ({ kind }) => kind),
    ]),
    layer,
  );
  assert.deepEqual(values, [610, 610, "thread"]);
});

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
    layerWorkersOver({ thread: make }, { workers: 2, queue: 3 }),
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
    layerWorkersOver({ thread: make }, { workers: 1, queue: 1 }),
  );
});

Deno.test("closing the pool terminates every worker and ends what runs", async () => {
  const { seen, make } = counted();
  const exit = await Effect.runPromise(Effect.gen(function* () {
    const fiber = yield* Effect.scoped(Effect.gen(function* () {
      const context = yield* Layer.build(layerWorkersOver({ thread: make }, { workers: 3, queue: 0 }));
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
