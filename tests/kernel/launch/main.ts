/**
 * A kernel process for the launcher's tests: it does what its last argument names and prints what happened.
 */
import { spawnSync } from "node:child_process";
import { Buffer } from "node:buffer";
import * as fs from "node:fs";
import process from "node:process";
import { deserialize, serialize } from "node:v8";

const [context, ...args] = Deno.args;

const outcome = async (attempt: () => unknown): Promise<string> => {
  try {
    await attempt();
    return "done";
  } catch (cause) {
    return (cause as Error).name;
  }
};

const ask = (request: unknown): Promise<unknown> => {
  const answered = new Promise((resolve) => process.once("message", resolve));
  process.send!(request);
  return answered;
};

const STATES = ["read", "write", "net", "env", "sys", "ffi", "run"] as const;

const acts: Record<string, () => unknown> = {
  context: () => ({ context: JSON.parse(context), args, cwd: Deno.cwd() }),
  permissions: async () =>
    Object.fromEntries(
      await Promise.all(STATES.map(async (name) => [name, (await Deno.permissions.query({ name })).state])),
    ),
  spawn: async () => ({
    command: await outcome(() => new Deno.Command("true").outputSync()),
    commandSelf: await outcome(() => new Deno.Command(Deno.execPath()).outputSync()),
    spawnSync: await outcome(() => {
      const { error } = spawnSync("true");
      if (error) throw error;
    }),
    fork: await outcome(async () => {
      const { fork } = await import("node:child_process");
      await new Promise((resolve, reject) => fork("x.js").on("error", reject).on("exit", resolve));
    }),
    dlopen: await outcome(() => Deno.dlopen("libc.so.6", { system: { parameters: ["buffer"], result: "i32" } })),
    addon: await outcome(() => process.dlopen({ exports: {} }, "/lib/x86_64-linux-gnu/libc.so.6")),
    worker: await outcome(() =>
      new Worker("data:text/javascript,", { type: "module", deno: { permissions: { run: true } } })
    ),
    environment: await outcome(() => Deno.env.set("LD_PRELOAD", "/tmp/x.so")),
    request: await outcome(() =>
      Deno.permissions.requestSync({ name: "run" }).state === "granted" || Promise.reject(new Error())
    ),
    procWrite: await outcome(() => Deno.writeTextFileSync("/proc/self/oom_score_adj", "0")),
  }),
  requests: async () => ({
    line: await ask({ id: 1, kind: "command", command: "rm -rf", arguments: {} }),
    exec: await ask({ id: 2, kind: "exec", file: "/bin/true" }),
    flags: await ask({ id: 3, kind: "sandbox", source: "", input: 1, limits: {}, flags: ["-A"] }),
    limits: await ask({
      id: 4,
      kind: "sandbox",
      source: "",
      limits: { wallMs: 1e12, heapMb: 32, residentMb: 256, outputBytes: 1000 },
    }),
    host: await ask({ id: 5, kind: "host", plugin: "../../etc" }),
    unlocked: await ask({ id: 6, kind: "host", plugin: "unlocked" }),
    package: await ask({ id: 7, kind: "command", command: "install", arguments: { package: "constructor" } }),
    loose: await ask({ id: 8, kind: "command", command: "install", arguments: { package: "loose" } }),
    run: await ask({
      id: 9,
      kind: "sandbox",
      source: "export default (n: number) => n + 1",
      input: 41,
      limits: { wallMs: 20_000, heapMb: 64, residentMb: 512, outputBytes: 10_000 },
    }),
  }),
  worker: async () => {
    const lines: Array<unknown> = [];
    const module = new URL("../../../kernel/platform/jobs.ts", import.meta.url).href;
    const heard = new Promise<void>((resolve) =>
      process.on("message", ({ message, refused }: { message?: string; refused?: string }) => {
        lines.push(message === undefined ? refused : deserialize(Buffer.from(message, "base64")));
        if (lines.length === 4) resolve();
      })
    );
    const limits = { heapMb: 64, residentMb: 512 };
    const send = (message: unknown) => process.send!({ id: 12, kind: "send", to: 11, message });
    process.send!({ id: 10, kind: "worker", module: "file:///elsewhere/jobs.ts", limits });
    process.send!({ id: 11, kind: "worker", module, limits });
    send("two\nlines");
    for (const name of ["permissions", "broken"]) send(serialize({ name, input: 1 }).toString("base64"));
    await heard;
    return lines;
  },
  read: () => fs.readFileSync(args.at(-2)!, "utf8").length,
  write: async () => ({
    state: await outcome(() => fs.mkdirSync(".rmi/deep", { recursive: true })),
    output: await outcome(() => fs.mkdirSync("out/deep", { recursive: true })),
    beside: await outcome(() => fs.writeFileSync("beside.txt", "x")),
    policy: await outcome(() => fs.writeFileSync("rmi.policy.json", "{}")),
    lock: await outcome(() => fs.writeFileSync("rmi.lock", "{}")),
    symlink: await outcome(() => Deno.symlinkSync("/etc", "out/etc")),
  }),
  natives: () => outcome(() => new Function("return %HasFastProperties({})")),
  exit: () => Deno.exit(7),
  killed: () => process.kill(process.pid, "SIGKILL"),
  wait: async () => {
    const until = new Promise((resolve) => {
      for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => resolve(name));
    });
    console.log("waiting");
    const timer = setTimeout(() => {}, 60_000);
    const name = await until;
    clearTimeout(timer);
    console.log(`ended by ${name}`);
    Deno.exit(name === "SIGINT" ? 130 : 143);
  },
};

const value = await acts[args.at(-1)!]();
console.log(JSON.stringify(value));
process.disconnect?.();
Deno.exit(0);
