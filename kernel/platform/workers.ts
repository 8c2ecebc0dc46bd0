/**
 * Platform workers: Web Workers of Deno and browsers, with no permissions where the platform knows them.
 *
 * Not a memory boundary: a worker that exhausts its heap ends the process. Only our own functions run here.
 *
 * @module
 */
import type * as Layer from "effect/Layer";
import { DEFAULT_QUEUE, type JobEnd, layerWorkersOver, type PoolOptions, type Workers } from "../workers.ts";
import type { Job, WorkerDriver } from "../workers.ts";

/** Cores that are left to the main thread. */
const RESERVED_CORES = 1;

/** Most workers of a pool that names no number: each costs memory whether it works or not. */
const MOST_WORKERS = 8;

/**
 * The worker's program. The module is a static import of a data module of its own, because a static import is loaded
 * with the parent's rights and needs no permission to read, which this worker does not have.
 */
const entryOf = (module: string): string =>
  `data:text/javascript,${
    encodeURIComponent(`
import * as jobs from ${JSON.stringify(module)};
self.onmessage = async ({ data: { name, input } }) => {
  try {
    const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
    if (typeof job !== "function") throw new TypeError("the module exports no function of this name");
    self.postMessage({ ok: true, value: await job(input) });
  } catch (cause) {
    self.postMessage({ ok: false, cause: String(cause), broken: false });
  }
};
self.postMessage("ready");`)
  }`;

const spawnWorker = (module: string): Worker =>
  new Worker(entryOf(module), { type: "module", name: module, deno: { permissions: "none" } } as WorkerOptions);

/** A worker that loads one module at a time: another module's job starts a fresh one. */
export const platformWorker = (): WorkerDriver => {
  let worker: Worker | undefined;
  let loaded = "";
  const open = (module: string): Worker => {
    if (worker !== undefined && loaded === module) return worker;
    worker?.terminate();
    loaded = module;
    return worker = spawnWorker(module);
  };
  return {
    start: (job: Job, end: (ended: JobEnd) => void) => {
      const opened = open(job.module);
      opened.onmessage = ({ data }) => void (data !== "ready" && end(data as JobEnd));
      opened.onmessageerror = () => end({ ok: false, cause: "its value cannot be sent", broken: true });
      opened.onerror = (event) => {
        event.preventDefault();
        end({ ok: false, cause: event.message || "it could not be loaded", broken: true });
      };
      try {
        opened.postMessage({ name: job.name, input: job.input }, [...job.transfer ?? []]);
      } catch (cause) {
        end({ ok: false, cause: String(cause), broken: true });
      }
    },
    terminate: () => worker?.terminate(),
  };
};

/** Workers at once in a pool that names no number: one a core but one. */
export const usualWorkers = (): number =>
  Math.max(1, Math.min(MOST_WORKERS, (navigator.hardwareConcurrency || 1) - RESERVED_CORES));

/** A pool of platform workers: one a core but one, unless told otherwise. */
export const layerWorkers = (options: Partial<PoolOptions> = {}): Layer.Layer<Workers> =>
  layerWorkersOver({ thread: platformWorker }, {
    workers: options.workers ?? usualWorkers(),
    queue: options.queue ?? DEFAULT_QUEUE,
  });
