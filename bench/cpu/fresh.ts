/**
 * Fresh: what an engine takes that begins from nothing, in a process of its own: the first step, compiling, memory.
 *
 * Run as a program it measures one engine on one case and prints one line of JSON.
 */
import { CASES, draw } from "./cases.ts";
import { cpuMs } from "./clock.ts";
import { ENGINES, isPresent } from "./engines.ts";

/** What a beginning takes. */
export interface Beginning {
  /** The engine. */
  readonly engine: string;
  /** CPU time of loading and starting the engine, milliseconds. */
  readonly startMs: number;
  /** CPU time of making the case ready and running it once. */
  readonly firstMs: number;
  /** CPU time of compiling alone, where the engine tells. */
  readonly compileMs?: number;
  /** Most resident bytes of the process over ten runs, less those before the engine was loaded. */
  readonly memoryBytes: number;
}

const RUNS = 10;

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

const measure = async (
  name: string,
  id: string,
): Promise<Beginning | { readonly engine: string; readonly absent: string }> => {
  const measured = CASES.find((each) => each.id === id)!;
  draw(measured);
  const before = Deno.memoryUsage().rss;
  const began = cpuMs();
  const engine = await ENGINES[name]();
  if (!isPresent(engine)) return { engine: name, absent: engine.absent };
  const started = cpuMs();
  const prepared = await engine.prepare(measured);
  if (prepared === undefined) return { engine: name, absent: "it has no such case" };
  await prepared.run();
  const first = cpuMs();
  for (let run = 1; run < RUNS; run++) await prepared.run();
  return {
    engine: name,
    startMs: started - began,
    firstMs: first - started,
    ...(prepared.compileMs === undefined ? {} : { compileMs: prepared.compileMs }),
    memoryBytes: Math.max(0, peakBytes() - before),
  };
};

const MARK = "beginning ";

/** Measures an engine in a process of its own; undefined where it is absent. */
export const beginningOf = async (engine: string, id: string): Promise<Beginning | undefined> => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL(import.meta.url).pathname, engine, id],
    stderr: "null",
  }).output();
  const line = new TextDecoder().decode(stdout).split("\n").find((each) => each.startsWith(MARK));
  if (line === undefined) return undefined;
  const found = JSON.parse(line.slice(MARK.length)) as Beginning | { readonly absent: string };
  return "absent" in found ? undefined : found;
};

if (import.meta.main) {
  const [engine, id] = Deno.args;
  console.log(`${MARK}${JSON.stringify(await measure(engine, id))}`);
  Deno.exit(0);
}
