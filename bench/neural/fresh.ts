/**
 * Fresh: a process of its own that trains an epoch with one engine, and prints what that took as one line of JSON.
 *
 * It imports no engine but the one it is told. The digits come from a file of bytes, a batch at a time, freed after it, so
 * that the engine is measured and not its data. Both times begin with the process: the runtime's own start, loading the
 * engine and compiling are in them.
 */
import process from "node:process";
import { BATCH, PIXELS, type Samples } from "./trainer.ts";
import { type TrainerName, TRAINERS } from "./trainers.ts";

/** What a beginning takes. */
export interface Beginning {
  /** The engine's name and version. */
  readonly name: string;
  /** Milliseconds from the start of the process to the end of the first step. */
  readonly wallMs: number;
  /** CPU time of all threads of the process by then. */
  readonly cpuMs: number;
  /** CPU time by the end of the epoch. */
  readonly epochCpuMs: number;
  /** Most resident bytes of the process over an epoch. */
  readonly peakBytes: number;
  /** Mean loss of the epoch. */
  readonly loss: number;
}

/** A process that reads the digits and has no engine. */
export const NOTHING = "nothing";

/** Who is measured. */
export type Beginner = TrainerName | typeof NOTHING;

const BYTE = 255;
const BATCH_BYTES = BATCH * (PIXELS + 1);
/** Opens the line that is the result; engines print lines of their own. */
export const MARK = "beginning ";

/** Batches as a file of bytes. */
export const packed = (samples: ReadonlyArray<Samples>): Uint8Array => {
  const bytes = new Uint8Array(samples.length * BATCH_BYTES);
  samples.forEach(({ x, y }, i) => {
    const at = i * BATCH_BYTES;
    x.forEach((brightness, j) => bytes[at + j] = Math.round(brightness * BYTE));
    bytes.set(y, at + x.length);
  });
  return bytes;
};

function* unpacked(bytes: Uint8Array): Generator<Samples> {
  for (let at = 0; at < bytes.length; at += BATCH_BYTES) {
    const labels = at + BATCH * PIXELS;
    yield {
      x: new Float32Array(bytes.subarray(at, labels)).map((brightness) => brightness / BYTE),
      y: Int32Array.from(bytes.subarray(labels, at + BATCH_BYTES)),
    };
  }
}

/** Most resident bytes so far; the present ones where the system does not say. */
const peakBytes = (): number => {
  try {
    const found = /VmHWM:\s+(\d+) kB/u.exec(Deno.readTextFileSync("/proc/self/status"));
    if (found !== null) return Number(found[1]) * 1024;
  } catch {
    // Not Linux.
  }
  return Deno.memoryUsage().rss;
};

/** Milliseconds, on a clock that processes share. */
export const now = (): number => performance.timeOrigin + performance.now();

/** Milliseconds that all threads of this process have computed since it began. */
const spentMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const measure = async (beginner: Beginner, file: string, began: number): Promise<Beginning> => {
  const trainer = beginner === NOTHING ? undefined : (await TRAINERS[beginner]("mlp"))!;
  let first: Pick<Beginning, "wallMs" | "cpuMs"> | undefined;
  let [sum, steps] = [0, 0];
  for (const samples of unpacked(Deno.readFileSync(file))) {
    const ready = trainer?.ready([samples]);
    sum += await ready?.pass() ?? NaN;
    ready?.free();
    steps++;
    first ??= { wallMs: now() - began, cpuMs: spentMs() };
  }
  return {
    name: trainer?.name ?? NOTHING,
    ...first!,
    epochCpuMs: spentMs(),
    peakBytes: peakBytes(),
    loss: sum / steps,
  };
};

if (import.meta.main) {
  const [beginner, file, began] = Deno.args;
  console.log(`${MARK}${JSON.stringify(await measure(beginner as Beginner, file, Number(began)))}`);
  Deno.exit(0);
}
