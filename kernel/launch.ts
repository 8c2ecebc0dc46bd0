/**
 * Launch: what the user starts. It answers help, version and manifest from generated data; for everything else it
 * starts the kernel process with the permissions of kernel/flags.ts, and serves the few fixed requests that process
 * may make (kernel/platform/children.ts).
 *
 * Not the kernel and not a gate: nothing of ours is loaded before it is known to be needed.
 * Invariant: this is the only process that may start others; the kernel process never holds `run`.
 *
 * @module
 */
import type { Generated } from "./flags.ts";

/** Version of the context handed to the kernel process. */
const CONTEXT_VERSION = 1;

/** What makes a workspace answer differently from the generated data. */
const OWN_WAYS = ["rmi.policy.json", "rmi.lock", "rmi.json", "plugins"];

/** Variables that would change what the kernel process may do, whatever its flags say. */
const STRIPPED = ["DENO_PERMISSION_BROKER_PATH", "DENO_V8_FLAGS", "NODE_OPTIONS"];

const EXIT_REFUSED = 3;
const EXIT_SIGNAL = 128;
const SIGNALS: { readonly [name: string]: number } = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGTERM: 15 };
const FORWARDED: ReadonlyArray<"SIGINT" | "SIGTERM" | "SIGHUP"> = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * The text that answers the arguments without a kernel, where there is one. `plain`: nothing in the workspace adds to
 * or hides from what was generated.
 */
export const answerOf = (args: ReadonlyArray<string>, generated: Generated, plain: boolean): string | undefined => {
  const [first, second] = args;
  const only = args.length <= 1 ? first ?? "help" : undefined;
  if (only === "--version" || only === "-V") return `rmi ${generated.version}`;
  if (only === "help" || only === "--help" || only === "-h") return plain ? generated.help : undefined;
  if (only === "manifest" && plain) return generated.manifest;
  if (first === "completions" && args.length === 2 && Object.hasOwn(generated.completions, second)) {
    return generated.completions[second];
  }
  const asks = args.at(-1) === "--help" || args.at(-1) === "-h";
  const words = asks ? args.slice(0, -1).join(" ") : only;
  if (words === undefined) return undefined;
  const alias = Object.hasOwn(generated.aliases, words) ? generated.aliases[words] : undefined;
  // A short name alone is a call; a namespace alone is a question.
  if (alias !== undefined && !asks) return undefined;
  const topic = [words, alias?.replace(".", " ")].find((name) => Object.hasOwn(generated.helpOf, name ?? ""));
  return topic === undefined ? undefined : generated.helpOf[topic];
};

const quietly = <A>(attempt: () => A): A | undefined => {
  try {
    return attempt();
  } catch {
    return undefined;
  }
};

const realPath = (path: string): string | undefined => quietly(() => Deno.realPathSync(path));

/** A path with the links of its existing part resolved, as the disk service will see it. */
const realTarget = (path: string): string => {
  const cut = path.search(/[\\/][^\\/]*$/u);
  return realPath(path) ?? (cut > 0 ? realTarget(path.slice(0, cut)) + path.slice(cut) : path);
};

/** Where Deno keeps the packages that our code imports. */
const packageFolder = (): string => {
  const home = Deno.env.get("HOME") ?? "";
  const usual: { readonly [os: string]: string } = {
    darwin: `${home}/Library/Caches/deno`,
    windows: `${Deno.env.get("LOCALAPPDATA") ?? ""}/deno`,
  };
  const cache = Deno.env.get("DENO_DIR") ?? usual[Deno.build.os] ??
    `${Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`}/deno`;
  return realPath(`${cache}/npm`) ?? `${cache}/npm`;
};

/** Names among the folders the kernel process may write that are links to elsewhere. */
const strays = (workspace: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name) => quietly(() => Deno.lstatSync(`${workspace}/${name}`).isSymlink) === true);

const startKernel = async (args: ReadonlyArray<string>, generated: Generated, workspace: string, code: string) => {
  const [{ canName, flagsFor, OWN_FOLDERS, POLICY_FILE }, { denoCommand, serveRequests }, { spawn }] = await Promise
    .all([
      import("./flags.ts"),
      import("./platform/children.ts"),
      import("node:child_process"),
    ]);
  const refuse = (reason: string): never => {
    console.error(`Cannot start in ${workspace}: ${reason}`);
    Deno.exit(EXIT_REFUSED);
  };
  if (!canName(workspace) || !canName(code)) refuse("a folder with a comma in its path cannot be granted on its own");
  const astray = strays(workspace, OWN_FOLDERS);
  if (astray.length > 0) refuse(`${astray.join(" and ")} must be a folder there, not a link`);
  const policy = quietly(() => JSON.parse(Deno.readTextFileSync(`${workspace}/${POLICY_FILE}`)));
  const tty = Deno.stdin.isTerminal();
  const root = new URL("..", import.meta.url);
  const kernel = spawn(
    denoCommand(),
    [
      ...["run", "--no-prompt", "--cached-only", "--unstable-worker-options", `--config=${code}/deno.json`],
      ...flagsFor({ args, workspace, code: [code, packageFolder()], policy, generated, realPath: realTarget }),
      new URL("plugins/surfaces/cli/main.ts", root).href,
      JSON.stringify({ workspace, tty, version: CONTEXT_VERSION }),
      ...args,
    ],
    {
      cwd: workspace,
      stdio: ["inherit", "inherit", "inherit", "ipc"],
      env: Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => !STRIPPED.includes(name))),
    },
  );
  const requests = serveRequests({
    // A message to a process that is going is lost, which its end tells better than an exception here.
    post: (message) => void (kernel.connected && kernel.send(message as never, () => {})),
    workspace,
    root: root.href,
    optional: generated.optional ?? {},
  });
  kernel.on("message", requests.take);
  for (const name of FORWARDED) {
    // At a terminal an interrupt reaches the whole group by itself; a second copy would cut finalizers short.
    Deno.addSignalListener(name, () => void (name === "SIGINT" && tty || kernel.kill(name)));
  }
  kernel.on("error", (cause: Error) => refuse(cause.message));
  kernel.on("exit", (status: number | null, signal: string | null) => {
    requests.close();
    Deno.exit(status ?? EXIT_SIGNAL + (SIGNALS[signal ?? ""] ?? 0));
  });
};

const launch = async (args: ReadonlyArray<string>): Promise<void> => {
  const code = decodeURIComponent(new URL("..", import.meta.url).pathname).replace(/^\/([A-Za-z]:)/u, "$1")
    .replace(/\/$/u, "");
  const here = realPath(Deno.cwd()) ?? Deno.cwd();
  // A task runs in the project's folder and leaves the user's in INIT_CWD.
  const given = here === realPath(code) ? Deno.env.get("INIT_CWD") : undefined;
  const workspace = realPath(given ?? here) ?? here;
  const generated = (await import("../plugins/surfaces/generated.json", { with: { type: "json" } })).default;
  const plain = !OWN_WAYS.some((name) => quietly(() => Deno.lstatSync(`${workspace}/${name}`)) !== undefined);
  const answer = answerOf(args, generated as unknown as Generated, plain);
  if (answer === undefined) return startKernel(args, generated as unknown as Generated, workspace, code);
  console.log(answer);
};

if (import.meta.main) await launch(Deno.args);
