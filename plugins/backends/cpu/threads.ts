/**
 * Threads: persistent workers over shared memories, and the fork and join of chunks of work among them.
 *
 * Not a scheduler of programs: one caller forks at a time, and waits for the join.
 * Invariant: which thread runs a chunk is never settled in advance, and chunks do not depend on each other, so results
 * are the same for any number of threads. No message is sent for a fork: only atomics on a few words.
 *
 * How a join is safe: a worker announces itself before it looks whether the gate is open, and the caller closes the gate
 * before it waits for those announced. So whoever saw the gate open is waited for, and whoever sleeps is not.
 *
 * @module
 */
import { canBlock, memoryIsShareable, startWorker, type WorkerHandle } from "./threads_platform.ts";

/** Most threads of a pool. */
export const MAX_THREADS = 64;

/** Words of the control block. */
const WORDS = {
  /** Counts forks and calls; workers sleep on it. */
  epoch: 0,
  /** 1 while chunks may be taken. */
  gate: 1,
  /** How many workers may be taking chunks. */
  active: 2,
  /** The next chunk. */
  next: 3,
  chunks: 4,
  program: 5,
  task: 6,
  /** 1 where a chunk failed on a worker. */
  failed: 7,
  /** Counts how often workers were called to their messages. */
  calls: 8,
  /** 1 when workers are to end. */
  stop: 9,
} as const;

/** Rounds of looking at a word before a worker goes to sleep: tens of microseconds. */
const WORKER_SPINS = 20_000;
/** Rounds of looking before the caller sleeps, where it may. */
const CALLER_SPINS = 50_000;
/** How long the caller sleeps at most before it looks again. */
const CALLER_SLEEP_MS = 1;

/** What a worker is told when it starts. */
interface WorkerStart {
  readonly control: SharedArrayBuffer;
  readonly thread: number;
  readonly words: typeof WORDS;
  readonly spins: number;
}

/** A port of a worker, in the terms of the web. */
interface Port {
  readonly send: (message: unknown) => void;
  readonly receive: (handler: (message: unknown) => void) => void;
}

/**
 * What a worker runs. Its text is sent to the worker, so it refers to nothing outside itself.
 */
const workerMain = (port: Port): void => {
  type Attach = { readonly id: number; readonly module: WebAssembly.Module; readonly memory: WebAssembly.Memory };
  type Message = { readonly start?: WorkerStart; readonly attach?: Attach; readonly detach?: number };
  type Chunk = (task: number, chunk: number, thread: number) => void;
  const programs = new Map<number, Chunk>();
  let start: WorkerStart | undefined;
  const attach = ({ id, module, memory }: Attach): void => {
    const imports: { [module: string]: { [name: string]: WebAssembly.ImportValue } } = {};
    for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = kind === "memory" ? memory : () => {
        throw new Error(`${from}.${name} is called on a worker`);
      };
    }
    programs.set(id, new WebAssembly.Instance(module, imports).exports.chunk as Chunk);
  };
  const serve = (
    words: Int32Array,
    known: number,
    answered: number,
    { words: at, thread, spins }: WorkerStart,
  ): void => {
    for (let seen = known;;) {
      for (let spin = 0; spin < spins && Atomics.load(words, at.epoch) === seen; spin++);
      while (Atomics.load(words, at.epoch) === seen) Atomics.wait(words, at.epoch, seen);
      seen = Atomics.load(words, at.epoch);
      if (Atomics.load(words, at.calls) !== answered || Atomics.load(words, at.stop) === 1) return;
      Atomics.add(words, at.active, 1);
      if (Atomics.load(words, at.gate) === 1) {
        const [chunks, task] = [Atomics.load(words, at.chunks), Atomics.load(words, at.task)];
        const run = programs.get(Atomics.load(words, at.program));
        try {
          if (run === undefined) throw new Error("the program is not attached");
          for (let c = Atomics.add(words, at.next, 1); c < chunks; c = Atomics.add(words, at.next, 1)) {
            run(task, c, thread);
          }
        } catch {
          Atomics.store(words, at.failed, 1);
        }
      }
      if (Atomics.sub(words, at.active, 1) === 1) Atomics.notify(words, at.active);
    }
  };
  port.receive((received) => {
    const message = received as Message;
    if (message.start !== undefined) start = message.start;
    if (message.attach !== undefined) attach(message.attach);
    if (message.detach !== undefined) programs.delete(message.detach);
    if (start === undefined) return;
    const serving = start;
    const words = new Int32Array(serving.control);
    // Read before the answer: what the caller does after it is then seen as new.
    const [known, answered] = [Atomics.load(words, serving.words.epoch), Atomics.load(words, serving.words.calls)];
    port.send("ready");
    // The answer must leave before the thread blocks, so serving begins in a turn of its own.
    Promise.resolve().then(() => serve(words, known, answered, serving));
  });
};

/** The text of a worker; `port` is an expression that makes its port. */
const workerText = (port: string): string => `(${workerMain})(${port});`;

/** A program whose chunks a pool runs. */
export interface Attached {
  /** Runs all chunks of a task, on this thread and the workers, and returns when all have ended. */
  readonly fork: (task: number, chunks: number) => void;
  /** Forgets the program. */
  readonly detach: () => void;
}

/** What a pool attaches: the module's export `chunk(task, chunk, thread)`, instantiated here already. */
export interface Program {
  /** The module, for the workers' own instances. It may import the memory and functions that chunks do not call. */
  readonly module: WebAssembly.Module;
  /** Its shared memory. */
  readonly memory: WebAssembly.Memory;
  /** Runs a chunk on this thread. */
  readonly chunk: (task: number, chunk: number, thread: number) => void;
}

/** Threads that work together. */
export interface Pool {
  /** How many threads, the caller's among them. */
  readonly threads: number;
  /** Makes a program known to all of them. */
  readonly attach: (program: Program) => Promise<Attached>;
  /** Ends the workers. */
  readonly close: () => void;
}

/** A fork that stays on this thread. */
const alone = ({ chunk }: Program): Attached => ({
  fork: (task, chunks) => {
    for (let c = 0; c < chunks; c++) chunk(task, c, 0);
  },
  detach: () => {},
});

/** A pool of the caller alone. */
export const singleThread: Pool = {
  threads: 1,
  attach: (program) => Promise.resolve(alone(program)),
  close: () => {},
};

/** Waits until no worker is active. */
const join = (words: Int32Array, blocking: boolean): void => {
  for (let spins = 0;; spins++) {
    const active = Atomics.load(words, WORDS.active);
    if (active === 0) return;
    if (spins > CALLER_SPINS && blocking) Atomics.wait(words, WORDS.active, active, CALLER_SLEEP_MS);
  }
};

class WorkerPool implements Pool {
  readonly threads: number;
  readonly #words: Int32Array;
  readonly #workers: ReadonlyArray<WorkerHandle>;
  readonly #blocking = canBlock();
  #programs = 0;
  #attaching: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(words: Int32Array, workers: ReadonlyArray<WorkerHandle>) {
    this.#words = words;
    this.#workers = workers;
    this.threads = workers.length + 1;
  }

  /** Sends every worker a message and waits for all to answer; meanwhile they do not serve. */
  async #tell(message: unknown): Promise<void> {
    Atomics.add(this.#words, WORDS.calls, 1);
    this.#wake();
    await Promise.all(this.#workers.map((worker) => worker.ask(message)));
  }

  #wake(): void {
    Atomics.add(this.#words, WORDS.epoch, 1);
    Atomics.notify(this.#words, WORDS.epoch);
  }

  async attach(program: Program): Promise<Attached> {
    const id = ++this.#programs;
    // One at a time: workers answer messages in order, and serve again after each.
    const told = this.#attaching.then(() =>
      this.#tell({ attach: { id, module: program.module, memory: program.memory } })
    );
    this.#attaching = told.catch(() => {});
    await told;
    return {
      fork: (task, chunks) => this.#fork(program, id, task, chunks),
      detach: () => {
        if (this.#closed) return;
        this.#attaching = this.#attaching.then(() => this.#closed ? undefined : this.#tell({ detach: id }))
          .catch(() => {});
      },
    };
  }

  #fork(program: Program, id: number, task: number, chunks: number): void {
    const words = this.#words;
    Atomics.store(words, WORDS.chunks, chunks);
    Atomics.store(words, WORDS.program, id);
    Atomics.store(words, WORDS.task, task);
    Atomics.store(words, WORDS.next, 0);
    Atomics.store(words, WORDS.gate, 1);
    this.#wake();
    try {
      for (let c = Atomics.add(words, WORDS.next, 1); c < chunks; c = Atomics.add(words, WORDS.next, 1)) {
        program.chunk(task, c, 0);
      }
    } finally {
      // Where this thread failed, chunks that nobody took are not begun.
      Atomics.store(words, WORDS.next, chunks);
      Atomics.store(words, WORDS.gate, 0);
      join(words, this.#blocking);
    }
    if (Atomics.exchange(words, WORDS.failed, 0) !== 0) throw new Error("a chunk failed on a worker");
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    Atomics.store(this.#words, WORDS.stop, 1);
    this.#wake();
    for (const worker of this.#workers) worker.end();
  }
}

/**
 * Starts a pool of so many threads, the caller's among them. Where memory cannot be shared, or a worker does not start,
 * it is a pool of one.
 */
export const startPool = async (threads: number): Promise<Pool> => {
  const count = Math.min(MAX_THREADS, Math.floor(threads)) - 1;
  if (count < 1 || !memoryIsShareable()) return singleThread;
  const control = new SharedArrayBuffer(Object.keys(WORDS).length * 4);
  const workers: WorkerHandle[] = [];
  try {
    for (let i = 0; i < count; i++) workers.push(startWorker(workerText));
    await Promise.all(workers.map((worker, i) => {
      const start: WorkerStart = {
        control,
        thread: i + 1,
        words: WORDS,
        spins: WORKER_SPINS,
      };
      return worker.ask({ start });
    }));
  } catch {
    for (const worker of workers) worker.end();
    return singleThread;
  }
  return new WorkerPool(new Int32Array(control), workers);
};
