/**
 * Starts the real `rmi`, through the launcher, in a folder of its own. For tests that judge the process, not its parts.
 */
const ROOT = decodeURIComponent(new URL("../../../", import.meta.url).pathname);

/** The words that start `rmi` as `deno task rmi` does. */
export const LAUNCH: ReadonlyArray<string> = [
  ...["run", "-A", "--no-check", "--cached-only", `--config=${ROOT}deno.json`],
  `${ROOT}kernel/launch.ts`,
];

/** How a run ended. */
export interface Ran {
  /** Exit code. */
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
  /** Standard output's lines as JSON. */
  readonly documents: () => ReadonlyArray<Record<string, unknown>>;
}

/** A folder for one test, removed at its end. */
export const inWorkspace = async (body: (workspace: string) => Promise<void>): Promise<void> => {
  const workspace = await Deno.realPath(await Deno.makeTempDir({ prefix: "rmi-test-" }));
  try {
    await body(workspace);
  } finally {
    await Deno.remove(workspace, { recursive: true });
  }
};

const environment = (more: Record<string, string> = {}): Record<string, string> => {
  const { NO_COLOR: _, INIT_CWD: __, ...rest } = Deno.env.toObject();
  return { ...rest, ...more };
};

/** Starts `rmi`; the caller ends it. */
export const start = (workspace: string, args: ReadonlyArray<string>): Deno.ChildProcess =>
  new Deno.Command(Deno.execPath(), {
    args: [...LAUNCH, ...args],
    cwd: workspace,
    clearEnv: true,
    env: environment(),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

const read = async (child: Deno.ChildProcess): Promise<Ran> => {
  const { code, stdout, stderr } = await child.output();
  const out = new TextDecoder().decode(stdout);
  return {
    code,
    out,
    err: new TextDecoder().decode(stderr),
    documents: () => out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)),
  };
};

/** Runs `rmi` to its end. */
export const rmi = async (workspace: string, args: ReadonlyArray<string>, input = ""): Promise<Ran> => {
  const child = start(workspace, args);
  const writer = child.stdin.getWriter();
  const fed = writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
  const ran = await read(child);
  await fed;
  return ran;
};

const hasScript = (): boolean => {
  try {
    return new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
};

/** Whether this machine can lend a terminal (util-linux `script`). */
export const HAS_TERMINAL: boolean = hasScript();

/** Runs `rmi` on a terminal of its own; `typed` is what the person types. Output and errors come as one text. */
export const rmiAtTerminal = async (
  workspace: string,
  args: ReadonlyArray<string>,
  typed = "",
  more: Record<string, string> = {},
): Promise<Ran> => {
  const quoted = [Deno.execPath(), ...LAUNCH, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const child = new Deno.Command("script", {
    args: ["-qec", quoted, "/dev/null"],
    cwd: workspace,
    clearEnv: true,
    env: environment({ TERM: "xterm", ...more }),
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  if (typed !== "") await writer.write(new TextEncoder().encode(typed));
  const ran = await read(child);
  await writer.close().catch(() => {});
  return ran;
};
