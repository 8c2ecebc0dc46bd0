/**
 * The sandbox against candidates that want out. What did not happen is seen from outside: a canary folder, a listening
 * port and the process table, not from what a candidate says.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import {
  layerSandbox,
  Sandbox,
  SANDBOX_BOUNDS,
  type SandboxFailure,
  type SandboxLimits,
} from "../../effects/sandbox.ts";
import { caps, type Json, layerDisk } from "../../kernel/mod.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";
import { residentGuard } from "../../kernel/platform/process.ts";
import { layerSupervisorLocal } from "../../kernel/platform/supervisor.ts";
import { HOSTILE } from "./candidates.ts";

const root = new URL("../../", import.meta.url).href;
const layer = layerSandbox.pipe(Layer.provide(layerSupervisorLocal({ workspace: "/", root, optional: {} })));

const LIMITS: Partial<SandboxLimits> = { wallMs: 5_000, heapMb: 64, residentMb: 256, outputBytes: 262_144 };

const trial = (source: string, input: Json = null, limits = LIMITS): Effect.Effect<Json, SandboxFailure, Sandbox> =>
  Effect.flatMap(Sandbox, (sandbox) => sandbox.run({ source, input, limits: { ...LIMITS, ...limits } }));

const run = <A, E>(effect: Effect.Effect<A, E, Sandbox>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, layer));

const codeOf = async (source: string, limits = LIMITS): Promise<string> => {
  const result = await run(Effect.result(trial(source, null, limits)));
  return Result.isSuccess(result) ? "value" : result.failure.code;
};

/** Processes whose parent is this one. */
const children = (): ReadonlyArray<string> =>
  [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/u.test(name)).flatMap(({ name }) => {
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(parent) === Deno.pid && state !== "Z" ? [stat] : [];
    } catch {
      return [];
    }
  });

/** Nothing is left running, once the system has finished what it was told to kill. */
const nothingLeft = async (): Promise<void> => {
  if (Deno.build.os !== "linux") return;
  for (let i = 0; i < 100 && children().length > 0; i++) await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(children(), []);
};

Deno.test("an honest candidate answers with what its function returns", async () => {
  assert.equal(await run(trial("export default (n: number): number => n * 2", 21)), 42);
  assert.deepEqual(
    await run(trial("export default async ({ xs }) => ({ sum: xs.reduce((a, b) => a + b, 0) })", { xs: [1, 2, 3] })),
    { sum: 6 },
  );
  assert.equal(await run(trial('console.log("RMI-NOISE"); export default () => null')), null);
  assert.equal(await run(trial("export default (s) => [...s].length", "日本語 🎉")), 5);
});

Deno.test("an input as large as a message allows arrives whole", async () => {
  const text = "é".repeat(1_000_000);
  assert.equal(await run(trial("export default (s) => s.length", text, { heapMb: 256, residentMb: 512 })), 1_000_000);
});

Deno.test("no hostile candidate gets out, is believed, or takes the host along", async (t) => {
  const canary = Deno.makeTempDirSync();
  let hits = 0;
  const server = Deno.serve({ port: 0, onListen: () => {} }, () => {
    hits++;
    return new Response("export default 1");
  });
  Deno.env.set("RMI_SANDBOX_CANARY", "visible");
  try {
    for (const { name, source, may, value } of HOSTILE) {
      await t.step(name, async () => {
        const text = source.replaceAll("CANARY", canary).replaceAll("PORT", String(server.addr.port));
        // What can only end by time need not be waited for long.
        const wallMs = may.join() === "TIMEOUT" ? 700 : LIMITS.wallMs;
        const result = await run(Effect.result(trial(text, null, { wallMs })));
        const ending = Result.isSuccess(result) ? "value" : result.failure.code.replace("EFFECTS_SANDBOX_", "");
        const said = Result.isSuccess(result) ? JSON.stringify(result.success) : result.failure.message;
        assert.ok(may.includes(ending), `ended with ${ending}: ${said.slice(0, 300)}`);
        if (Result.isSuccess(result) && value !== undefined) assert.deepEqual(result.success, value);
      });
    }
    assert.equal(hits, 0);
    assert.deepEqual([...Deno.readDirSync(canary)], []);
    assert.equal(await run(trial("export default () => 1")), 1);
  } finally {
    Deno.env.delete("RMI_SANDBOX_CANARY");
    await server.shutdown();
    Deno.removeSync(canary, { recursive: true });
  }
  await nothingLeft();
});

Deno.test("what a child process of the sandbox may do, told by the platform: nothing", async () => {
  // The worker of a candidate's dreams: the platform's own objects, had the harness left them.
  const { sandboxImportMap } = await import("../../kernel/platform/harness.ts");
  const probe = `const names = ["read", "write", "net", "env", "sys", "ffi", "run", "import"];
    console.log(JSON.stringify(await Promise.all(names.map(async (name) => (await Deno.permissions.query({ name })).state))));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--cached-only", "--no-remote", "--no-npm", "--no-config", "--no-lock", "--quiet"],
      `--import-map=${sandboxImportMap}`,
      `data:text/javascript,${encodeURIComponent(probe)}`,
    ],
    clearEnv: true,
    env: { DENO_DIR: "/dev/null/none" },
  }).output();
  const states = JSON.parse(new TextDecoder().decode(stdout));
  assert.deepEqual(states.slice(0, 7), Array(7).fill("prompt"));
});

Deno.test("a run at the time limit answers, one past it does not", async () => {
  const slow = (ms: number) => `export default () => new Promise((done) => setTimeout(() => done(1), ${ms}));`;
  assert.equal(await codeOf(slow(100), { wallMs: 10_000 }), "value");
  assert.equal(await codeOf(slow(10_000), { wallMs: 1_500 }), "EFFECTS_SANDBOX_TIMEOUT");
});

Deno.test("an output at the limit is taken, one byte past it is not", async () => {
  // The frame is a line feed, the mark, 48 digits, a space, `{"value":…}` and a line feed: 73 bytes around a text in quotes.
  const around = 1 + "RMI-RESULT ".length + 48 + 1 + '{"value":""}'.length + 1;
  const text = (length: number) => `export default () => "x".repeat(${length});`;
  assert.equal(await codeOf(text(1_000 - around), { outputBytes: 1_000 }), "value");
  assert.equal(await codeOf(text(1_001 - around), { outputBytes: 1_000 }), "EFFECTS_SANDBOX_OUTPUT");
});

Deno.test("an answer nested to the limit is taken, one level past it is not", async () => {
  const nested = (depth: number) =>
    `export default () => { let v = "[{"; for (let i = 0; i < ${depth}; i++) v = [v]; return v; }`;
  assert.equal(await codeOf(nested(256)), "value");
  assert.equal(await codeOf(nested(257)), "EFFECTS_SANDBOX_SHAPE");
});

Deno.test("limits outside their bounds are refused with the nearest that would be right", async () => {
  for (const name of Object.keys(SANDBOX_BOUNDS) as ReadonlyArray<keyof SandboxLimits>) {
    const [least, most] = SANDBOX_BOUNDS[name];
    for (const [value, nearest] of [[least - 1, least], [most + 1, most], [Number.NaN, least]] as const) {
      const result = await run(Effect.result(trial("export default () => 1", null, { [name]: value })));
      assert.ok(Result.isFailure(result));
      assert.equal(result.failure.code, "KERNEL_CONFIG");
      assert.deepEqual(result.failure.fix?.patch, [{ op: "replace", path: `/limits/${name}`, value: nearest }]);
    }
  }
});

Deno.test("a source at the limit is taken, one past it is refused", async () => {
  const source = (length: number) => "export default () => 1".padEnd(length);
  assert.equal(await codeOf(source(1_048_576)), "value");
  assert.equal(await codeOf(source(1_048_577)), "KERNEL_CONFIG");
});

Deno.test("interrupting a run ends its process", async () => {
  await run(Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(trial("export default () => { for (;;); }", null, { wallMs: 60_000 }));
    yield* Effect.sleep("500 millis");
    yield* Fiber.interrupt(fiber);
    yield* Effect.promise(nothingLeft);
  }));
});

Deno.test("closing the supervisor ends what still runs, and says so to whoever waits", async () => {
  const exit = await Effect.runPromise(Effect.gen(function* () {
    const fiber = yield* Effect.scoped(Effect.gen(function* () {
      const context = yield* Layer.build(layer);
      const waiting = yield* Effect.forkDetach(
        Effect.provideContext(trial("export default () => { for (;;); }", null, { wallMs: 60_000 }), context),
      );
      yield* Effect.sleep("300 millis");
      return waiting;
    }));
    return yield* Fiber.await(fiber);
  }));
  assert.ok(Exit.isFailure(exit));
  await nothingLeft();
});

Deno.test("an idle child ends by itself when whoever started it is gone", async () => {
  const { sandboxImportMap, sandboxMain } = await import("../../kernel/platform/harness.ts");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-config", "--quiet", `--import-map=${sandboxImportMap}`, sandboxMain],
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const source = "export default () => new Promise(() => setInterval(() => {}, 1000));";
  await writer.write(new TextEncoder().encode(JSON.stringify({ nonce: "0", source, input: null, lifeMs: 200 })));
  await writer.close();
  assert.equal((await child.status).code, 1);
});

Deno.test("many at once are served or refused, and none is lost", async () => {
  const results = await run(
    Effect.all(
      Array.from({ length: 40 }, (_, n) => Effect.result(trial("export default (n) => n + 1", n, { wallMs: 60_000 }))),
      { concurrency: "unbounded" },
    ),
  );
  results.forEach((result, n) => {
    if (Result.isSuccess(result)) assert.equal(result.success, n + 1);
    else assert.equal(result.failure.code, "KERNEL_PROTOCOL");
  });
  assert.equal(results.filter(Result.isSuccess).length, 32);
});

Deno.test("a module's file is read under the caller's authority, and only its text reaches the child", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${folder}/candidate.ts`, "export default (n: number) => [n, import.meta.url.slice(0, 5)]");
    const seen: Array<string> = [];
    const value = await run(
      Effect.flatMap(Sandbox, (sandbox) => sandbox.runFile({ module: `${folder}/candidate.ts`, input: 3 })).pipe(
        Effect.provide(layerDisk(platformDisk)),
        Effect.provideService(caps.readLocal, {
          authority: "readLocal" as const,
          check: (path) => Effect.sync(() => void seen.push(path)),
        }),
      ),
    );
    assert.deepEqual(value, [3, "data:"]);
    assert.deepEqual(seen, [Deno.realPathSync(`${folder}/candidate.ts`)]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a program that may not start processes gets a typed absence", async () => {
  const script = `
    import * as Effect from "effect/Effect";
    import * as Layer from "effect/Layer";
    import { layerSandbox, Sandbox } from "${root}effects/sandbox.ts";
    import { layerSupervisor } from "${root}kernel/platform/supervisor.ts";
    const layer = layerSandbox.pipe(Layer.provide(layerSupervisor({ workspace: "/", root: "${root}", optional: {} })));
    const failed = Effect.flip(Effect.flatMap(Sandbox, (s) => s.run({ source: "export default () => 1" })));
    console.log((await Effect.runPromise(Effect.provide(failed, layer))).code);`;
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(file, script);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", `--config=${new URL("deno.json", root).pathname}`, file],
    }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), "KERNEL_FACILITY_ABSENT", new TextDecoder().decode(stderr));
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("on Linux the memory guard is the system's, not a watcher's", () => {
  const expected = { linux: "enforced", darwin: "watched" } as Record<string, string>;
  assert.equal(residentGuard(), expected[Deno.build.os] ?? "none");
});
