/**
 * Workers: pure functions of our own modules, run off the main thread, so that long synchronous work can be ended.
 *
 * Not a sandbox: only our own functions run here, as threads that share the process's memory limit or as processes with
 * limits of their own; foreign code goes to effects/sandbox.ts. Not for work that yields by itself (kernel/slices.ts).
 * Invariant: an interrupted job's worker is terminated, so the job stops whatever it is doing; a crashed one takes only
 * its own job with it; a job's value does not depend on the kind or the number of workers.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Ref from "effect/Ref";
import * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import type { FailureOf } from "./failure.ts";
import { facilityAbsent, workerCrashed, workersBusy } from "./failures.ts";

/** Why a job has no value. */
export type WorkerFailure = FailureOf<"KERNEL_WORKER"> | FailureOf<"KERNEL_WORKERS_BUSY">;

/** A job: an exported function of one of our modules, and its argument. Argument and value must be cloneable. */
export interface Job {
  /** URL of the module. */
  readonly module: string;
  /** Name of the exported function. */
  readonly name: string;
  /** Its one argument. */
  readonly input: unknown;
  /** Buffers in the argument that move instead of being copied; the caller's become empty. */
  readonly transfer?: ReadonlyArray<ArrayBuffer>;
}

/** What a worker is: a thread of this process, or a process of its own, which can exhaust no memory but its own. */
export type WorkerKind = "thread" | "process";

/** A pool that one run asks for. */
export interface PoolAsked {
  /** Workers at once. */
  readonly workers: number;
  /** What they are; the kind of the pool that is asked where absent. */
  readonly kind?: WorkerKind;
  /** Jobs that may wait besides those that run. */
  readonly queue?: number;
}

/** What the worker pool offers. */
export interface WorkersShape {
  /** Runs a job; interrupting the effect terminates its worker. */
  readonly run: (job: Job) => Effect.Effect<unknown, WorkerFailure>;
  /** Jobs that run at once. */
  readonly size: number;
  /** What its workers are. */
  readonly kind: WorkerKind;
  /** Another pool, of a size of its own; its workers end with the scope. */
  readonly pool: (
    asked: PoolAsked,
  ) => Effect.Effect<WorkersShape, FailureOf<"KERNEL_FACILITY_ABSENT">, Scope.Scope>;
}

const WorkersBase: Context.ServiceClass<Workers, "rmi/Workers", WorkersShape> = Context.Service<
  Workers,
  WorkersShape
>()("rmi/Workers");

/** The worker pool. */
export class Workers extends WorkersBase {}

/** Runs an effect with a pool of its own in place of the kernel's; the pool ends with the effect. */
export const withWorkers = <A, E, R>(
  asked: PoolAsked,
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | FailureOf<"KERNEL_FACILITY_ABSENT">, Exclude<R, Workers> | Workers> =>
  Effect.acquireUseRelease(
    Scope.make(),
    (scope) =>
      Effect.flatMap(Workers, (workers) =>
        Effect.flatMap(
          Effect.provideService(workers.pool(asked), Scope.Scope, scope),
          (pool) => Effect.provideService(effect, Workers, pool),
        )),
    Scope.close,
  );

/** How a job on one worker ended. */
export type JobEnd =
  | { readonly ok: true; readonly value: unknown }
  /** `broken`: the worker itself is unusable now, not only the job failed. */
  | { readonly ok: false; readonly cause: string; readonly broken: boolean };

/** One worker, as the platform makes it. It runs one job at a time. */
export interface WorkerDriver {
  /** Starts a job; `end` is called once, unless the worker is terminated first. */
  readonly start: (job: Job, end: (ended: JobEnd) => void) => void;
  /** Ends the worker and whatever it does, at once. */
  readonly terminate: () => void;
}

/** Size of a pool. */
export interface PoolOptions {
  /** Workers at once. */
  readonly workers: number;
  /** Jobs that may wait besides those that run. */
  readonly queue: number;
}

/** Jobs that may wait in a pool that names no queue. */
export const DEFAULT_QUEUE = 1_024;

const runOn = (driver: WorkerDriver, job: Job): Effect.Effect<JobEnd> =>
  Effect.callback<JobEnd>((resume) => driver.start(job, (ended) => resume(Effect.succeed(ended))));

/** Ways to make workers, by kind. A pool that is not asked for a kind is of threads where there are any. */
export type WorkerMakers = { readonly [K in WorkerKind]?: () => WorkerDriver };

const discardAll = (all: Set<WorkerDriver>): void => {
  for (const driver of all) driver.terminate();
  all.clear();
};

const openPool = (
  makers: WorkerMakers,
  kind: WorkerKind,
  options: PoolOptions,
): Effect.Effect<WorkersShape, FailureOf<"KERNEL_FACILITY_ABSENT">, Scope.Scope> =>
  Effect.gen(function* () {
    const make = makers[kind];
    if (make === undefined) {
      const reason = `this kernel was opened without workers of the kind "${kind}"`;
      return yield* Effect.fail(facilityAbsent({ facility: "workers", reason }));
    }
    const slots = yield* Semaphore.make(options.workers);
    const admitted = yield* Ref.make(0);
    const all = new Set<WorkerDriver>();
    const idle: Array<WorkerDriver> = [];
    yield* Effect.addFinalizer(() => Effect.sync(() => discardAll(all)));
    const obtain = Effect.sync(() => {
      const driver = idle.pop() ?? make();
      all.add(driver);
      return driver;
    });
    const work = (job: Job): Effect.Effect<unknown, WorkerFailure> =>
      Effect.acquireUseRelease(
        Effect.map(obtain, (driver) => ({ driver, end: undefined as JobEnd | undefined })),
        (lease) =>
          Effect.flatMap(runOn(lease.driver, job), (end) => {
            lease.end = end;
            if (end.ok) return Effect.succeed(end.value);
            return Effect.fail(workerCrashed({ module: job.module, job: job.name, cause: end.cause }));
          }),
        // No end was heard when the job was interrupted: only termination stops it.
        ({ driver, end }) =>
          Effect.sync(() => {
            if (end !== undefined && (end.ok || !end.broken)) return void idle.push(driver);
            all.delete(driver);
            driver.terminate();
          }),
      );
    const admit = Ref.modify(admitted, (count) =>
      count >= options.workers + options.queue ? [false, count] as const : [true, count + 1] as const);
    return {
      size: options.workers,
      kind,
      pool: (asked) =>
        openPool(makers, asked.kind ?? kind, { workers: asked.workers, queue: asked.queue ?? DEFAULT_QUEUE }),
      run: (job) =>
        Effect.acquireUseRelease(
          admit,
          (taken): Effect.Effect<unknown, WorkerFailure> =>
            taken
              ? slots.withPermits(1)(work(job))
              : Effect.fail(workersBusy({ waiting: options.queue, path: "", actual: options.queue })),
          (taken) =>
            taken ? Ref.update(admitted, (count) => count - 1) : Effect.void,
        ),
    };
  });

/** A pool over ways to make workers. Idle workers are kept and used again; the scope's end terminates all. */
export const layerWorkersOver = (
  makers: WorkerMakers & ({ readonly thread: () => WorkerDriver } | { readonly process: () => WorkerDriver }),
  options: PoolOptions,
): Layer.Layer<Workers> =>
  Layer.effect(
    Workers,
    // One of the two kinds is there, as the type says.
    Effect.orDie(openPool(makers, makers.thread === undefined ? "process" : "thread", options)),
  );
