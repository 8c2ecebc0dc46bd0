/**
 * Figures of starting: how long the command line takes to its first output, beside the shortest Deno process there is.
 *
 * Each command runs in a process of its own through the launcher, interleaved with `deno eval 0`, caches warm.
 */
import type { Json } from "../../kernel/mod.ts";
import { type Figure, median, rounded } from "./figure.ts";

const ROOT = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const RUNS = 10;
const MANIFEST_FACTOR = 2;
const MANIFEST_EXTRA_MS = 50;
const OPERATION_EXTRA_MS = 500;

const LAUNCH = ["run", "-A", "--no-check", "--cached-only", `--config=${ROOT}deno.json`, `${ROOT}kernel/launch.ts`];

/** Time from the start of a process to its first output, or to its end where it prints nothing. */
const firstOutputMs = async (args: ReadonlyArray<string>, cwd: string): Promise<number> => {
  const startedMs = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    env: { NO_COLOR: "1" },
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  const tookMs = performance.now() - startedMs;
  for (let part = await reader.read(); !part.done; part = await reader.read());
  const { code } = await child.status;
  if (code !== 0) throw new Error(`deno ${args.join(" ")} exited with ${code}`);
  return tookMs;
};

const compared = async (
  words: ReadonlyArray<string>,
  progress: (done: number, total: number) => void,
): Promise<{ readonly tookMs: number; readonly emptyMs: number; readonly detail: Json }> => {
  const workspace = await Deno.makeTempDir({ prefix: "rmi-startup-" });
  const took: Array<number> = [];
  const empty: Array<number> = [];
  try {
    await firstOutputMs([...LAUNCH, ...words], workspace);
    for (let run = 0; run < RUNS; run++) {
      empty.push(await firstOutputMs(["eval", "0"], workspace));
      took.push(await firstOutputMs([...LAUNCH, ...words], workspace));
      progress(run + 1, RUNS);
    }
  } finally {
    await Deno.remove(workspace, { recursive: true });
  }
  const [tookMs, emptyMs] = [median(took), median(empty)];
  return { tookMs, emptyMs, detail: { denoEvalMs: rounded(emptyMs), runsMs: took.map((each) => rounded(each)) } };
};

const operation = (name: string, words: ReadonlyArray<string>): Figure => ({
  name,
  unit: "ms",
  goal: `first output within deno eval 0 + ${OPERATION_EXTRA_MS} ms (medians of ${RUNS})`,
  measure: async ({ progress }) => {
    const { tookMs, emptyMs, detail } = await compared(words, progress);
    return { value: rounded(tookMs), ok: tookMs <= emptyMs + OPERATION_EXTRA_MS, detail };
  },
});

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  {
    name: "rmi manifest",
    unit: "ms",
    goal: `at most ${MANIFEST_FACTOR} x deno eval 0 + ${MANIFEST_EXTRA_MS} ms (medians of ${RUNS})`,
    measure: async ({ progress }) => {
      const { tookMs, emptyMs, detail } = await compared(["manifest"], progress);
      return { value: rounded(tookMs), ok: tookMs <= MANIFEST_FACTOR * emptyMs + MANIFEST_EXTRA_MS, detail };
    },
  },
  operation("rmi kernel search", ["kernel", "search", "verify the ledger"]),
  operation("rmi call kernel.search", ["call", "kernel.search", '{"query":"verify the ledger"}']),
  operation("rmi call ledger.verify", ["call", "ledger.verify", "{}"]),
  operation("rmi describe", ["describe", "ledger.verify"]),
];
