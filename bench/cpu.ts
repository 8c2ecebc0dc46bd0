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
import { startJax } from "./cpu/jax.ts";
import { type CaseResult, type Effort, FULL, measureCase, QUICK } from "./cpu/measure.ts";
import { startOnnxNative, startOnnxWeb } from "./cpu/onnxruntime.ts";
import { startOurs } from "./cpu/ours.ts";
import { startOpenBlas } from "./cpu/openblas.ts";
import { peakGflops } from "./cpu/peak.ts";
import { startTfjs } from "./cpu/tfjs.ts";

/** How to start every engine. */
export const ENGINES: { readonly [name: string]: () => Promise<Started> } = {
  rmi: () => startOurs("cpu", "rmi"),
  "rmi+openblas": () => startOurs("openblas", "rmi+openblas"),
  "jax-js": startJax,
  tfjs: startTfjs,
  "onnxruntime-web": startOnnxWeb,
  "onnxruntime-node": startOnnxNative,
  openblas: startOpenBlas,
};

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
}

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
  const present = started.filter((engine) => !("absent" in engine)) as ReadonlyArray<Engine>;
  const peak = peakGflops();
  const results: CaseResult[] = [];
  for (const measured of CASES) {
    if (cases.length > 0 && !cases.some((wanted) => measured.id.startsWith(wanted))) continue;
    const result = await measureCase(measured, present, effort);
    each(result);
    results.push(result);
  }
  return {
    clock: CLOCK,
    ...(peak === undefined ? {} : { peakGflops: peak }),
    engines: present.map(({ name, version, portable }) => ({ name, version, portable })),
    absent: started.filter((engine) => "absent" in engine),
    cases: results,
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
  if (values.json) console.log(JSON.stringify(results, null, 2));
  else {
    console.log(`peak of 128-bit multiply-adds: ${results.peakGflops?.toFixed(1) ?? "unknown"} GF/s; ${results.clock}`);
    for (const { name, absent } of results.absent) console.log(`${name} is absent: ${absent}`);
  }
  Deno.exit(0);
}
