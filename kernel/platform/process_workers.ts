/**
 * Process workers: workers that are child processes without permissions, asked for through the supervisor.
 *
 * Not the process itself (kernel/platform/worker_process.ts, where processes may be started).
 * Invariant: a process that exhausts its memory, crashes or is killed takes only its own job with it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { isJsonObject, type Json } from "../json.ts";
import { DEFAULT_WORKER_LIMITS, type WorkerLimits } from "../sandbox_limits.ts";
import { type Partner, Supervisor, type SupervisorShape } from "../supervisor.ts";
import {
  DEFAULT_QUEUE,
  type Job,
  type JobEnd,
  layerWorkersOver,
  type PoolOptions,
  type WorkerDriver,
  type Workers,
} from "../workers.ts";
import { lineOf, MAX_JOB_CHARS, valueOf } from "./clone.ts";
import { platformWorker, usualWorkers } from "./workers.ts";

/** What is known of a process that ended without an answer. */
const causeOf = (ending: Json): string => {
  if (!isJsonObject(ending)) return "it ended";
  const { refused, complaint, signal, status } = ending;
  if (typeof refused === "string") return refused;
  if (typeof complaint === "string" && complaint.trim() !== "") return complaint.trim();
  return `it ended with ${signal ?? `status ${status}`}`;
};

/** A process that serves one module; what it says goes to `end`, once for each job. */
interface Served {
  readonly module: string;
  readonly send: (line: string) => void;
  readonly stop: () => void;
}

const serve = (
  supervisor: SupervisorShape,
  module: string,
  limits: WorkerLimits,
  end: (ended: JobEnd) => void,
): Served => {
  let partner: Partner | undefined;
  let stopped = false;
  const waiting: Array<string> = [];
  Effect.runFork(Effect.match(
    supervisor.open({ kind: "worker", module, limits }, {
      message: (line) => void (stopped || end(valueOf(String(line)) as JobEnd)),
      ended: (ending) => void (stopped || end({ ok: false, cause: causeOf(ending), broken: true })),
    }),
    {
      onFailure: (failure) => end({ ok: false, cause: failure.message, broken: true }),
      onSuccess: (opened) => {
        partner = opened;
        if (stopped) return opened.stop();
        for (const line of waiting) opened.send(line);
      },
    },
  ));
  return {
    module,
    send: (line) => void (partner === undefined ? waiting.push(line) : partner.send(line)),
    stop: () => {
      stopped = true;
      partner?.stop();
    },
  };
};

/** Leaves the caller's buffers empty, as moving them to a thread would. */
const detach = (buffers: ReadonlyArray<ArrayBuffer>): void => {
  for (const buffer of buffers) structuredClone(buffer, { transfer: [buffer] });
};

/** Makes workers that are processes, over a supervisor. A process serves one module: another one starts afresh. */
export const processWorker = (
  supervisor: SupervisorShape,
  limits: WorkerLimits = DEFAULT_WORKER_LIMITS,
): () => WorkerDriver =>
() => {
  let served: Served | undefined;
  let hear: (ended: JobEnd) => void = () => {};
  const obtain = (module: string): Served => {
    if (served?.module === module) return served;
    served?.stop();
    return served = serve(supervisor, module, limits, (ended) => hear(ended));
  };
  return {
    start: (job: Job, end: (ended: JobEnd) => void) => {
      hear = end;
      try {
        const line = lineOf({ name: job.name, input: job.input });
        if (line.length > MAX_JOB_CHARS) throw new RangeError(`its input is longer than ${MAX_JOB_CHARS} characters`);
        detach(job.transfer ?? []);
        obtain(job.module).send(line);
      } catch (cause) {
        end({ ok: false, cause: String(cause), broken: true });
      }
    },
    terminate: () => served?.stop(),
  };
};

/** Size of a pool of processes, and what each may use. */
export interface ProcessPoolOptions extends Partial<PoolOptions> {
  /** Limits of each process. */
  readonly limits?: Partial<WorkerLimits>;
}

const sizeOf = (options: Partial<PoolOptions>): PoolOptions => ({
  workers: options.workers ?? usualWorkers(),
  queue: options.queue ?? DEFAULT_QUEUE,
});

/** A pool of processes: one a core but one, unless told otherwise. */
export const layerChildWorkers = (options: ProcessPoolOptions = {}): Layer.Layer<Workers, never, Supervisor> =>
  Layer.unwrap(Effect.map(Supervisor, (supervisor) =>
    layerWorkersOver(
      { process: processWorker(supervisor, { ...DEFAULT_WORKER_LIMITS, ...options.limits }) },
      sizeOf(options),
    )));

/** A pool of threads which also opens pools of processes when asked. */
export const layerEveryWorker = (options: ProcessPoolOptions = {}): Layer.Layer<Workers, never, Supervisor> =>
  Layer.unwrap(Effect.map(Supervisor, (supervisor) =>
    layerWorkersOver({
      thread: platformWorker,
      process: processWorker(supervisor, { ...DEFAULT_WORKER_LIMITS, ...options.limits }),
    }, sizeOf(options))));
