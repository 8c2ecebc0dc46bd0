/** Runs of evolution that are killed at random moments after they saved something, and what came of them. */
import * as Effect from "effect/Effect";
import type { Json } from "../../../../kernel/mod.ts";
import { random } from "../../../../kernel/random.ts";
import type { LineageRow } from "../../../../plugins/evolution/state/record.ts";
import { openRmi } from "../../../../plugins/open.ts";
import { callAs } from "../../../workspace.ts";
import type { Answer } from "./calls.ts";
import { asked } from "./killed_asked.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;
const ROOT = new URL("../../../../", import.meta.url).pathname;

/** What a life is: the kernel in one process, or the launcher with the kernel as its child. */
export type Life = "kernel" | "launcher";

/** A life ends so many milliseconds at most after it saved something, however slow the machine. */
const LONGEST_AFTER = 60;

/** Milliseconds between two looks at what was saved. */
const LOOK_MS = 3;

/** The launcher's flags, as `deno task rmi` has them. */
const LAUNCHER = ["--no-prompt", "--allow-read", "--allow-env", "--allow-run", "--allow-sys", "--config"];

const argsOf = (life: Life, workspace: string, workers: number): ReadonlyArray<string> =>
  life === "kernel" ? ["--no-check", "-A", CHILD, workspace, String(workers)] : [
    ...LAUNCHER,
    `${ROOT}deno.json`,
    `${ROOT}kernel/launch.ts`,
    "call",
    "evolution.evolve",
    JSON.stringify(asked(workers)),
  ];

const start = (life: Life, workspace: string, workers: number): Deno.ChildProcess =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...argsOf(life, workspace, workers)],
    cwd: workspace,
    stdout: "piped",
    stderr: life === "kernel" ? "inherit" : "null",
  }).spawn();

/** A process's children and theirs. */
const familyOf = (pid: number): ReadonlyArray<number> => {
  try {
    const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean);
    return children.map(Number).flatMap((child) => [child, ...familyOf(child)]);
  } catch {
    return [];
  }
};

/** Ends a process and all that it started, at once. */
const kill = ({ pid }: Deno.ChildProcess): void => {
  for (const one of [pid, ...familyOf(pid)]) {
    try {
      Deno.kill(one, "SIGKILL");
    } catch (thrown) {
      // It ended by itself between the look and the blow.
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    }
  }
};

const answerOf = async (child: Deno.ChildProcess): Promise<Answer | undefined> => {
  const { code, stdout } = await child.output();
  // Before the answer the kernel tells of calls that a life before began and did not end.
  const last = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  if (code !== 0) return undefined;
  const said = JSON.parse(last) as Answer & { readonly value?: Answer };
  return said.value ?? said;
};

/** How many artifacts a workspace has. */
const saved = (workspace: string): number => {
  const folder = `${workspace}/.rmi/artifacts`;
  try {
    return [...Deno.readDirSync(folder)].reduce(
      (sum, { name }) => sum + [...Deno.readDirSync(`${folder}/${name}`)].length,
      0,
    );
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
};

/** A life that is ended at some moment after it saved something; its answer where it was faster. */
const killedLife = async (
  life: Life,
  workspace: string,
  delayMs: number,
  workers: number,
): Promise<Answer | undefined> => {
  const before = saved(workspace);
  const child = start(life, workspace, workers);
  let isAlive = true;
  const watching = (async () => {
    while (isAlive && saved(workspace) === before) await new Promise((wake) => setTimeout(wake, LOOK_MS));
    await new Promise((wake) => setTimeout(wake, delayMs));
    if (isAlive) kill(child);
  })();
  const answer = await answerOf(child);
  isAlive = false;
  await watching;
  return answer;
};

/** What became of a run that was killed. */
export interface KilledRun {
  /** How often it was. */
  readonly kills: number;
  /** Its answer. */
  readonly answer: Answer | undefined;
  /** The answer of a run that never stopped, by one worker. */
  readonly expected: Answer | undefined;
}

/** Runs to the end through so many killed lives at most, by one worker or two by turns, and another left alone. */
export const killedRun = async (
  seed: string,
  most: number,
  look: (whole: string, killed: string) => Promise<void> = () => Promise.resolve(),
  life: Life = "kernel",
): Promise<KilledRun> => {
  const [whole, killed] = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const expected = await answerOf(start(life, whole, 1));
    const draws = random(seed);
    let kills = 0;
    let answer: Answer | undefined;
    while (kills < most && answer === undefined) {
      answer = await killedLife(life, killed, draws.below(LONGEST_AFTER), 1 + kills % 2);
      if (answer === undefined) kills++;
    }
    answer ??= await answerOf(start(life, killed, 2));
    await look(whole, killed);
    return { kills, answer, expected };
  } finally {
    for (const folder of [whole, killed]) Deno.removeSync(folder, { recursive: true });
  }
};

/** The whole lineage of the run in a workspace. */
export const lineageIn = async (workspace: string): Promise<ReadonlyArray<LineageRow>> => {
  const page = await Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        openRmi({ workspace }),
        (kernel) => callAs(kernel, "evolution.lineage", { run: "spheres", limit: 1_000, genomes: true }),
      ),
    ) as Effect.Effect<Json>,
  );
  return (page as unknown as { readonly rows: ReadonlyArray<LineageRow> }).rows;
};
