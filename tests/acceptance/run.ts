/**
 * `deno task acceptance [area …]`: measures every figure of the areas named (all without a name; `evolution` names every
 * `evolution_…` as well) and writes `bench/results/<area>.json`. A figure measured at this commit is not measured again,
 * so a stopped run resumes; `--again` measures anew.
 */
import { parseArgs } from "node:util";
import { type Figure, type Measured, rounded } from "./figure.ts";

interface Result extends Measured {
  readonly name: string;
  readonly unit: string;
  readonly goal: string;
}

interface Results {
  readonly area: string;
  readonly commit: string;
  readonly date: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGb: number;
    readonly runtime: string;
  };
  readonly figures: ReadonlyArray<Result>;
}

const here = new URL(".", import.meta.url);
const resultsFolder = new URL("../../bench/results/", here);
const NOT_AREAS = ["figure.ts", "run.ts"];

const areas = (): ReadonlyArray<string> =>
  [...Deno.readDirSync(here)]
    .filter(({ name }) => name.endsWith(".ts") && !NOT_AREAS.includes(name))
    .map(({ name }) => name.slice(0, -3))
    .sort();

const command = (name: string, ...args: ReadonlyArray<string>): string => {
  const { success, stdout } = new Deno.Command(name, { args: [...args], cwd: here, stderr: "null" }).outputSync();
  return success ? new TextDecoder().decode(stdout).trim() : "";
};

const commit = (): string => {
  const head = command("git", "rev-parse", "--short=12", "HEAD") || "unknown";
  return command("git", "status", "--porcelain", "--", "../..", ":!../../bench/results") === ""
    ? head
    : `${head}+changes`;
};

const cpuName = (): string => {
  try {
    return /model name\s*:\s*(.+)/u.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
};

const machine = (): Results["machine"] => ({
  cpu: cpuName(),
  cores: navigator.hardwareConcurrency,
  memoryGb: Math.round(Deno.systemMemoryInfo().total / 2 ** 30),
  runtime: `deno ${Deno.version.deno}, V8 ${Deno.version.v8}, ${Deno.build.os}-${Deno.build.arch}`,
});

const earlier = (area: string): Results | undefined => {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL(`${area}.json`, resultsFolder)));
  } catch {
    return undefined;
  }
};

const write = (results: Results): void => {
  Deno.mkdirSync(resultsFolder, { recursive: true });
  Deno.writeTextFileSync(new URL(`${results.area}.json`, resultsFolder), JSON.stringify(results, null, 2) + "\n");
};

const showProgress = (name: string) => {
  const began = performance.now();
  return (done: number, total: number): void => {
    if (!Deno.stderr.isTerminal()) return;
    const left = done === 0 ? "" : `, ${Math.ceil((performance.now() - began) / done * (total - done) / 1000)} s left`;
    Deno.stderr.writeSync(
      new TextEncoder().encode(`\r\x1b[K  ${name}: ${done}/${total}${left}${done >= total ? "\r\x1b[K" : ""}`),
    );
  };
};

/** Four digits are what a noisy machine can tell; counts stay whole. */
const tidied = (measured: Measured): Measured => ({
  ...measured,
  value: Number.isInteger(measured.value) ? measured.value : rounded(measured.value),
});

const runArea = async (area: string, again: boolean): Promise<ReadonlyArray<Result>> => {
  const { figures } = await import(new URL(`${area}.ts`, here).href) as { figures: ReadonlyArray<Figure> };
  const now = commit();
  const before = earlier(area);
  const kept = !again && before?.commit === now && !now.endsWith("+changes") ? before.figures : [];
  const done: Array<Result> = [];
  for (const { name, unit, goal, measure } of figures) {
    const known = kept.find((result) => result.name === name);
    const result = known ?? { name, unit, goal, ...tidied(await measure({ progress: showProgress(name) })) };
    done.push(result);
    console.log(`${result.ok ? "ok  " : "MISS"} ${area}: ${name} = ${result.value} ${unit} (goal ${goal})`);
    write({ area, commit: now, date: new Date().toISOString().slice(0, 10), machine: machine(), figures: done });
  }
  return done;
};

const { values, positionals } = parseArgs({ options: { again: { type: "boolean" } }, allowPositionals: true });
const known = areas();
const areasOf = (name: string): ReadonlyArray<string> =>
  known.filter((area) => area === name || area.startsWith(`${name}_`));
const unknown = positionals.filter((name) => areasOf(name).length === 0);
if (unknown.length > 0) {
  console.error(`Cannot find area ${unknown.join(", ")}: areas are ${known.join(", ")}`);
  Deno.exit(2);
}
let missed = 0;
for (const area of positionals.length > 0 ? new Set(positionals.flatMap(areasOf)) : known) {
  missed += (await runArea(area, values.again === true)).filter(({ ok }) => !ok).length;
}
console.log(missed === 0 ? "every goal reached" : `${missed} goals missed`);
Deno.exit(missed === 0 ? 0 : 1);
