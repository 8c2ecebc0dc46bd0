/**
 * Platform of threads: how a worker starts, whether memory can be shared and whether this thread may block, on Deno, Node
 * and in browsers.
 *
 * Not what workers do (threads.ts).
 * Invariant: nothing is imported and no platform is named by version: what is there is asked for.
 *
 * @module
 */

/** A worker, as a correspondent that answers every message once. */
export interface WorkerHandle {
  /** Sends a message and waits for the answer. */
  readonly ask: (message: unknown) => Promise<void>;
  /** Ends it. */
  readonly end: () => void;
}

/** Node's worker, as far as it is used here. */
interface NodeWorker {
  readonly postMessage: (message: unknown) => void;
  readonly on: (event: string, handler: (value: unknown) => void) => void;
  readonly ref: () => void;
  readonly unref: () => void;
  readonly terminate: () => unknown;
}

type NodeWorkers = { readonly Worker: new (text: string, options: { readonly eval: true }) => NodeWorker };

/** What is global on one platform or another. */
interface Globals {
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown };
  readonly crossOriginIsolated?: boolean;
  readonly document?: unknown;
}

const globals = globalThis as unknown as Globals;

/** Port of a worker of the web, in the worker. */
const WEB_PORT = "{ send: (m) => self.postMessage(m), receive: (f) => { self.onmessage = (e) => f(e.data); } }";
/** The same in a worker of Node. */
const NODE_PORT = "((p) => ({ send: (m) => p.postMessage(m), receive: (f) => p.on('message', f) }))" +
  "(require('node:worker_threads').parentPort)";

/** Keeps the questions of a worker that have no answer yet. */
const correspondence = () => {
  const waiting: { readonly resolve: () => void; readonly reject: (reason: unknown) => void }[] = [];
  return {
    asked: (): Promise<void> => new Promise((resolve, reject) => waiting.push({ resolve, reject })),
    answered: (): void => waiting.shift()?.resolve(),
    failed: (reason: unknown): void => {
      for (const { reject } of waiting.splice(0)) reject(reason);
    },
  };
};

const startWebWorker = (text: string): WorkerHandle => {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const { asked, answered, failed } = correspondence();
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    answered();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    failed(new Error(event.message));
  };
  return {
    ask: (message) => {
      worker.postMessage(message);
      return asked();
    },
    end: () => {
      failed(new Error("the worker was ended"));
      worker.terminate();
    },
  };
};

const startNodeWorker = ({ Worker: Started }: NodeWorkers, text: string): WorkerHandle => {
  const worker = new Started(text, { eval: true });
  const { asked, answered, failed } = correspondence();
  // The process waits for answers, and not for a worker that serves.
  worker.on("message", () => {
    worker.unref();
    answered();
  });
  worker.on("error", failed);
  worker.unref();
  return {
    ask: (message) => {
      worker.ref();
      worker.postMessage(message);
      return asked();
    },
    end: () => {
      failed(new Error("the worker was ended"));
      worker.terminate();
    },
  };
};

/** Starts a worker; `text` makes its source from an expression for its port. */
export const startWorker = (text: (port: string) => string): WorkerHandle => {
  if (typeof Worker !== "undefined") return startWebWorker(text(WEB_PORT));
  const node = globals.process?.getBuiltinModule?.("node:worker_threads") as NodeWorkers | undefined;
  if (node === undefined) throw new Error("there are no workers here");
  return startNodeWorker(node, text(NODE_PORT));
};

/** Whether memory can be shared with workers: browsers allow it only where the page is isolated from other origins. */
export const memoryIsShareable = (): boolean =>
  typeof SharedArrayBuffer !== "undefined" && globals.crossOriginIsolated !== false;

/** Whether this thread may sleep in an atomic wait: a page's own thread may not. */
export const canBlock = (): boolean => globals.document === undefined;

/** How many threads the machine runs at once. */
export const machineThreads = (): number =>
  typeof navigator === "undefined" ? 1 : Math.max(1, navigator.hardwareConcurrency ?? 1);
