/**
 * The CPU backend and its peers on the same work: `deno task bench cpu [case …] [--json] [--quick] [--engine name …]`.
 *
 * CPU time of one thread, engines taking turns in one process, best of many with medians beside. The figures the README
 * quotes come from `deno task acceptance cpu`.
 */
import { parseArgs } from "node:util";
import { CASES } from "./cpu/cases.ts";
import { CLOCK } from "./cpu/clock.ts";
import type { Engine, Started } from "./cpu/engine.ts";
import { ENGINES, isPresent } from "./cpu/engines.ts";
import { type Beginning, beginningOf } from "./cpu/fresh.ts";
import { type CaseResult, type Effort, FULL, measureCase, QUICK } from "./cpu/measure.ts";
import { peakGflops } from "./cpu/peak.ts";

/** What a run measured. */
export interface CpuResults {
  /** What time means. */
  readonly clock: string;
  /** Peak of 128-bit fused multiply-adds, billions of operations a second. */
  readonly peakGflops?: number;
  /** Engines and their versions. */
  readonly engines: ReadonlyArray<Pick<Engine, "name" | "version" | "portable">>;
  /** Engines that are not there. */
  readonly absent: ReadonlyArray<{ readonly name: string; readonly absent: string }>;
  /** By case. */
  readonly cases: ReadonlyArray<CaseResult>;
  /** The block's step from nothing, by engine, each in a process of its own. */
  readonly beginnings: ReadonlyArray<Beginning>;
}

/** The case whose beginning is measured. */
const BLOCK_STEP = "block step";

/** Measures cases on engines. */
export const measureCpu = async (
  { cases = [], engines = Object.keys(ENGINES), effort = FULL, each = () => {} }: {
    readonly cases?: ReadonlyArray<string>;
    readonly engines?: ReadonlyArray<string>;
    readonly effort?: Effort;
    readonly each?: (result: CaseResult) => void;
  } = {},
): Promise<CpuResults> => {
  const started: Started[] = [];
  for (const name of engines) started.push(await ENGINES[name]());
  const present = started.filter(isPresent);
  const peak = peakGflops();
  const results: CaseResult[] = [];
  for (const measured of CASES) {
    if (cases.length > 0 && !cases.some((wanted) => measured.id.startsWith(wanted))) continue;
    const result = await measureCase(measured, present, effort);
    each(result);
    results.push(result);
  }
  const beginnings: Beginning[] = [];
  if (cases.length === 0 || cases.some((wanted) => BLOCK_STEP.startsWith(wanted))) {
    for (const { name } of present) {
      const beginning = await beginningOf(name, BLOCK_STEP);
      if (beginning !== undefined) beginnings.push(beginning);
    }
  }
  return {
    clock: CLOCK,
    ...(peak === undefined ? {} : { peakGflops: peak }),
    engines: present.map(({ name, version, portable }) => ({ name, version, portable })),
    absent: started.filter((engine) => "absent" in engine),
    cases: results,
    beginnings,
  };
};

const show = ({ id, timings, without, disagreement }: CaseResult): void => {
  console.log(`${id}  (results agree to ${disagreement.toExponential(1)})`);
  for (const { engine, bestMs, medianMs, firstMs, gflops } of timings) {
    const rate = gflops === undefined ? "" : `${gflops.toFixed(1).padStart(8)} GF/s`;
    console.log(
      `  ${engine.padEnd(18)}${bestMs.toFixed(3).padStart(10)} ms best ${medianMs.toFixed(3).padStart(10)} median ` +
        `${firstMs.toFixed(1).padStart(8)} first${rate}`,
    );
  }
  for (const { engine, reason } of without) console.log(`  ${engine.padEnd(18)} - ${reason.split("\n")[0]}`);
};

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: "boolean" },
      quick: { type: "boolean" },
      engine: { type: "string", multiple: true },
    },
    allowPositionals: true,
  });
  const results = await measureCpu({
    cases: positionals,
    engines: values.engine,
    effort: values.quick ? QUICK : FULL,
    each: values.json ? undefined : show,
  });
  const showBeginning = ({ engine, startMs, firstMs, compileMs, memoryBytes }: Beginning): void =>
    console.log(
      `  ${engine.padEnd(18)}${startMs.toFixed(0).padStart(6)} ms to start ${
        firstMs.toFixed(0).padStart(6)
      } first step` +
        `${compileMs === undefined ? "" : ` (${compileMs.toFixed(0)} compiling)`} ${
          (memoryBytes / 2 ** 20).toFixed(0)
        } MiB`,
    );
  if (!values.json && results.beginnings.length > 0) {
    console.log(`${BLOCK_STEP} from nothing, each in a process of its own`);
    results.beginnings.forEach(showBeginning);
  }
  if (values.json) console.log(JSON.stringify(results, null, 2));
  else {
    console.log(`peak of 128-bit multiply-adds: ${results.peakGflops?.toFixed(1) ?? "unknown"} GF/s; ${results.clock}`);
    for (const { name, absent } of results.absent) console.log(`${name} is absent: ${absent}`);
  }
  Deno.exit(0);
}
