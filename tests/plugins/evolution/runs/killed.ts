/** Runs of evolution that are killed at random moments after they saved something, and what came of them. */
import * as Effect from "effect/Effect";
import type { Json } from "../../../../kernel/mod.ts";
import type { LineageRow } from "../../../../plugins/evolution/state/record.ts";
import { openRmi } from "../../../../plugins/open.ts";
import { type KilledRun, throughKills } from "../../../killed_lives.ts";
import { callAs } from "../../../workspace.ts";
import type { Answer } from "./calls.ts";
import { asked } from "./killed_asked.ts";

const CHILD = new URL("./killed_child.ts", import.meta.url).pathname;
const ROOT = new URL("../../../../", import.meta.url).pathname;

/** What a life is: the kernel in one process, or the launcher with the kernel as its child. */
export type Life = "kernel" | "launcher";

/** A life ends so many milliseconds at most after it saved something, however slow the machine. */
const LONGEST_AFTER = 60;

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

const readAnswer = (line: string): Answer => {
  const said = JSON.parse(line) as Answer & { readonly value?: Answer };
  return said.value ?? said;
};

/** Runs to the end through so many killed lives at most, by one worker or two by turns, and another left alone. */
export const killedRun = (
  seed: string,
  most: number,
  look?: (whole: string, killed: string) => Promise<void>,
  life: Life = "kernel",
): Promise<KilledRun<Answer>> =>
  throughKills(
    {
      start: (workspace, count) => start(life, workspace, 1 + count % 2),
      kill,
      read: readAnswer,
      longestAfter: LONGEST_AFTER,
    },
    seed,
    most,
    look,
  );

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
