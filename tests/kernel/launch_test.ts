/**
 * The launcher, run as a real process on a project of its own whose kernel process is `launch/main.ts`. What a process
 * may do is told by Deno's own permission answers inside it, not by the flags that were computed.
 */
import assert from "node:assert/strict";
import { flagsFor, type Generated, operationOf, PUBLIC_DATA } from "../../kernel/flags.ts";
import { answerOf } from "../../kernel/launch.ts";
import generatedFixture from "./launch/generated.json" with { type: "json" };

const generated = generatedFixture as unknown as Generated;
const repository = new URL("../../", import.meta.url);
const at = (path: string): string => decodeURIComponent(new URL(path, repository).pathname);

interface Bench {
  /** The project that holds the launcher. */
  readonly project: string;
  /** The user's folder. */
  readonly workspace: string;
}

/** Specifiers of all that the launcher can load, told by the platform. */
const GRAPH: ReadonlyArray<string> = (() => {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json", at("kernel/launch.ts")] })
    .outputSync();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as { modules: ReadonlyArray<{ specifier: string }> };
  return modules.map(({ specifier }) => specifier);
})();

/** Those of our own files among them that are code. */
const FILES = GRAPH.filter((specifier) => specifier.startsWith(`${repository}kernel/`))
  .map((specifier) => specifier.slice(`${repository}kernel/`.length));

const withBench = async (use: (bench: Bench) => Promise<void>): Promise<void> => {
  const base = Deno.realPathSync(Deno.makeTempDirSync());
  const project = `${base}/project`, workspace = `${base}/my workspace é`;
  try {
    for (const folder of [`${project}/kernel/platform`, `${project}/plugins/surfaces/cli`, workspace]) {
      Deno.mkdirSync(folder, { recursive: true });
    }
    for (const name of FILES) Deno.copyFileSync(at(`kernel/${name}`), `${project}/kernel/${name}`);
    Deno.copyFileSync(at("tests/kernel/launch/generated.json"), `${project}/plugins/surfaces/generated.json`);
    Deno.copyFileSync(at("tests/kernel/launch/main.ts"), `${project}/plugins/surfaces/cli/main.ts`);
    Deno.writeTextFileSync(`${project}/deno.json`, '{ "nodeModulesDir": "none" }');
    await use({ project, workspace });
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
};

/** As the project's own tasks start the launcher. */
const PERMISSIONS = ["--no-prompt", "--allow-read", "--allow-env", "--allow-run", "--allow-sys"];

const command = ({ project, workspace }: Bench, args: ReadonlyArray<string>, cwd = workspace, env = {}): Deno.Command =>
  new Deno.Command(Deno.execPath(), {
    args: ["run", ...PERMISSIONS, "--no-check", `${project}/kernel/launch.ts`, ...args],
    cwd,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });

const run = async (bench: Bench, args: ReadonlyArray<string>, cwd?: string, env?: Record<string, string>) => {
  const { code, stdout, stderr } = await command(bench, args, cwd, env).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  return { code, out, err };
};

const json = async (bench: Bench, args: ReadonlyArray<string>, cwd?: string, env?: Record<string, string>) => {
  const { code, out, err } = await run(bench, args, cwd, env);
  assert.equal(code, 0, err);
  return JSON.parse(out);
};

Deno.test("the launcher can load nothing but its own few files and the platform's modules", () => {
  assert.ok(FILES.includes("launch.ts") && FILES.includes("platform/children.ts"));
  const others = GRAPH.filter((specifier) =>
    !specifier.startsWith("node:") && !specifier.startsWith(`${repository}kernel/`)
  );
  assert.deepEqual(others, [`${repository}plugins/surfaces/generated.json`]);
  const source = Deno.readTextFileSync(at("kernel/launch.ts"));
  assert.ok(source.split("\n").length <= 200);
  assert.doesNotMatch(source, /^import (?!type )/mu);
});

Deno.test("help, version, manifest and completions are answered without the kernel process", async () => {
  await withBench(async (bench) => {
    // A kernel that could not even be parsed shows that it was not started.
    Deno.writeTextFileSync(`${bench.project}/plugins/surfaces/cli/main.ts`, "this is no module");
    for (
      const [args, expected] of [
        [[], "the whole help"],
        [["--help"], "the whole help"],
        [["--version"], "rmi 9.8.7"],
        [["manifest"], "the whole manifest"],
        [["demo"], "help on demo"],
        [["demo", "--help"], "help on demo"],
        [["demo", "probe", "-h"], "help on demo probe"],
        [["p", "--help"], "help on demo probe"],
        [["search", "--help"], "help on search"],
        [["completions", "fish"], "complete -c rmi"],
      ] as const
    ) {
      assert.deepEqual(await run(bench, args), { code: 0, out: expected, err: "" }, args.join(" "));
    }
  });
});

Deno.test("a workspace with its own policy or plugins is not answered from generated data", () => {
  assert.equal(answerOf(["manifest"], generated, false), undefined);
  assert.equal(answerOf([], generated, false), undefined);
  assert.equal(answerOf(["--version"], generated, false), "rmi 9.8.7");
});

Deno.test("a short name alone is a call, and unknown words are the kernel's to explain", () => {
  assert.equal(answerOf(["search"], generated, true), undefined);
  for (
    const words of [["constructor"], ["constructor", "--help"], ["completions", "toString"], ["manifest", "--json"]]
  ) {
    assert.equal(answerOf(words, generated, true), undefined, words.join(" "));
  }
  assert.equal(operationOf(["constructor"], generated), undefined);
  assert.equal(operationOf(["call", "demo.read", "{}"], generated), "demo.read");
  assert.equal(operationOf(["demo", "read"], generated), "demo.read");
  assert.equal(operationOf(["p", "x"], generated), "demo.probe");
});

Deno.test("the kernel process gets the user's folder, arguments and working directory", async () => {
  await withBench(async (bench) => {
    const { workspace } = bench;
    const seen = await json(bench, ["demo", "probe", "a b", "--x=1", "context"]);
    assert.deepEqual(seen, {
      context: { workspace, tty: false, version: 1 },
      args: ["demo", "probe", "a b", "--x=1", "context"],
      cwd: workspace,
    });
  });
});

Deno.test("under a task the user's folder is INIT_CWD, and elsewhere INIT_CWD means nothing", async () => {
  await withBench(async (bench) => {
    const task = await json(bench, ["p", "context"], bench.project, { INIT_CWD: bench.workspace });
    assert.equal(task.context.workspace, bench.workspace);
    const direct = await json(bench, ["p", "context"], bench.workspace, { INIT_CWD: "/" });
    assert.equal(direct.context.workspace, bench.workspace);
  });
});

Deno.test("the default kernel process holds no network, environment, system, foreign code or run permission", async () => {
  await withBench(async (bench) => {
    const states = await json(bench, ["p", "permissions"]);
    // "granted-partial" is not a state that a query without a path can have: it answers for every path.
    for (const name of ["net", "env", "sys", "ffi", "run", "read", "write"]) {
      assert.equal(states[name], "prompt", name);
    }
  });
});

Deno.test("the kernel process cannot start another process in any way", async () => {
  await withBench(async (bench) => {
    const outcomes = await json(bench, ["p", "spawn"]);
    assert.deepEqual(Object.keys(outcomes).length, 10);
    for (const [way, name] of Object.entries(outcomes)) assert.notEqual(name, "done", way);
    for (const way of ["command", "commandSelf", "spawnSync", "fork", "dlopen", "addon", "worker", "environment"]) {
      assert.equal(outcomes[way], "NotCapable", way);
    }
  });
});

Deno.test("an environment that would widen the kernel process is not handed on", async () => {
  await withBench(async (bench) => {
    const natives = await json(bench, ["p", "natives"], bench.workspace, { DENO_V8_FLAGS: "--allow-natives-syntax" });
    assert.equal(natives, "SyntaxError");
  });
});

Deno.test("the kernel process writes its state and output folders, and neither policy nor lock nor beside", async () => {
  await withBench(async (bench) => {
    assert.deepEqual(await json(bench, ["p", "write"]), {
      state: "done",
      output: "done",
      beside: "NotCapable",
      policy: "NotCapable",
      lock: "NotCapable",
      symlink: "NotCapable",
    });
    const approving = await json(bench, ["registry", "approve", "write"]);
    assert.equal(approving.lock, "done");
    assert.equal(approving.policy, "NotCapable");
  });
});

Deno.test("a path among the arguments means the user's, relative or absolute, as flag, word or JSON", async () => {
  await withBench(async (bench) => {
    const outside = `${bench.project}/../outside.txt`;
    Deno.writeTextFileSync(outside, "12345");
    const real = Deno.realPathSync(outside);
    const refused = await run(bench, ["p", real, "read"]);
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, /NotCapable/u);
    for (
      const args of [
        ["demo", "read", "--file", "../outside.txt", "../outside.txt", "read"],
        ["demo", "read", "../outside.txt", "read"],
        ["call", "demo.read", JSON.stringify({ file: "../outside.txt" }), real, "read"],
        ["call", "demo.read", JSON.stringify({ more: [{ file: real }] }), real, "read"],
      ]
    ) {
      assert.equal(await json(bench, args), 5, args.join(" "));
    }
  });
});

Deno.test("a state or output folder that is a link to elsewhere is refused before anything starts", async () => {
  await withBench(async (bench) => {
    Deno.symlinkSync("/", `${bench.workspace}/out`);
    const { code, err } = await run(bench, ["p", "context"]);
    assert.equal(code, 3);
    assert.match(err, /out must be a folder there, not a link/u);
  });
});

Deno.test("anything but a fixed request is refused, and a fixed one is served", async () => {
  await withBench(async (bench) => {
    const { run: served, ...refused } = await json(bench, ["p", "requests"]);
    assert.equal(Object.keys(refused).length, 8);
    for (const [what, answer] of Object.entries(refused as Record<string, { refused?: string; answer?: unknown }>)) {
      assert.equal(typeof answer.refused, "string", what);
      assert.equal(answer.answer, undefined, what);
    }
    assert.deepEqual(served, { id: 9, answer: { ok: true, value: 42, printed: "" } });
  });
});

Deno.test("the launcher starts workers for modules of our own, which hold no permission and answer job by job", async () => {
  await withBench(async (bench) => {
    for (const name of ["worker_child", "clone", "frames"]) {
      Deno.copyFileSync(at(`kernel/platform/${name}.ts`), `${bench.project}/kernel/platform/${name}.ts`);
    }
    Deno.copyFileSync(at("tests/kernel/jobs.ts"), `${bench.project}/kernel/platform/jobs.ts`);
    const lines = await json(bench, ["p", "worker"]);
    // Refusals come at once, answers when the process is up.
    assert.deepEqual(lines.slice(0, 2).map((refused: string) => /our own folder|one line/u.test(refused)), [
      true,
      true,
    ]);
    const [permissions, broken] = [true, false].map((ok) => lines.find((line: { ok?: boolean }) => line.ok === ok));
    assert.ok(permissions.value.length === 7 && !permissions.value.includes("granted"), String(permissions.value));
    assert.deepEqual(broken, { ok: false, cause: "RangeError: no such luck", broken: false });
  });
});

Deno.test("the exit code is the kernel's, and 128 + n when a signal ended it", async () => {
  await withBench(async (bench) => {
    assert.equal((await run(bench, ["p", "exit"])).code, 7);
    assert.equal((await run(bench, ["p", "killed"])).code, 137);
  });
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} reaches the kernel process, which ends in its own way`, async () => {
    await withBench(async (bench) => {
      const child = command(bench, ["p", "wait"]).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      assert.equal((await reader.read()).value?.trim(), "waiting");
      child.kill(signal);
      let rest = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) rest += part.value;
      assert.equal(rest.trim(), `ended by ${signal}`);
      assert.equal((await child.status).code, code);
      await child.stderr.cancel();
    });
  });
}

const flags = (args: ReadonlyArray<string>, policy?: unknown): ReadonlyArray<string> =>
  flagsFor({ args, workspace: "/w", code: ["/code"], policy, generated }).filter((flag) =>
    !flag.startsWith("--allow-read=/code") && !flag.startsWith("--deny-write")
  );

const DEFAULT = ["--allow-read=/w", "--allow-write=/w/.rmi", "--allow-write=/w/out"];

/** What any operation that reads files may read besides: data sets of the system's packages. */
const READING = [...PUBLIC_DATA.map((path) => `--allow-read=${path}`), ...DEFAULT];

Deno.test("an operation without effects, an unknown one and a batch all get the default flags", () => {
  for (
    const args of [["p"], ["no", "such"], ["call", "-"], ["call", "__proto__", "{}"], ["call", "demo.probe", "{bad"]]
  ) {
    assert.deepEqual(flags(args), DEFAULT, args.join(" "));
  }
});

Deno.test("network permission follows declaration, policy and the URLs of the input", () => {
  const policy = {
    rules: [
      { decision: "allow", hosts: ["api.example.org", "bad host;--allow-run"] },
      { decision: "deny", hosts: ["refused.example.org"] },
      { decision: "ask", authorities: ["network"], hosts: ["asked.example.org:8443"] },
      { decision: "allow", authorities: ["env"], hosts: ["not.network.example.org"] },
    ],
  };
  assert.deepEqual(flags(["call", "demo.fetch", "{}"]), DEFAULT);
  assert.deepEqual(flags(["p"], policy), DEFAULT);
  assert.deepEqual(
    flags(["call", "demo.fetch", '{"url":"https://user.example.net:81/x?y"}'], policy).slice(DEFAULT.length),
    ["--allow-net=api.example.org", "--allow-net=asked.example.org:8443", "--allow-net=user.example.net:81"],
  );
});

const netOf = (hosts: ReadonlyArray<string>, input = "{}"): ReadonlyArray<string> =>
  flags(["call", "demo.fetch", input], { rules: [{ decision: "allow", hosts }] }).slice(DEFAULT.length);

Deno.test("a policy that opens every host does, and an input that names every host does not", () => {
  assert.deepEqual(netOf(["a.example.org", "*"]), ["--allow-net"]);
  assert.deepEqual(netOf([], '{"url":"https://*/x"}'), []);
  assert.deepEqual(flags(["surfaces", "serve", "--host=*"]).filter((flag) => flag.startsWith("--allow-net")), []);
});

Deno.test("what Deno does not take as a host is left out, what it takes is not", async () => {
  const good = ["*.example.org", "a_b", "a.", "a:0", "a:65535", "[::1]:80", "[::ffff:1.2.3.4]", "999.1.1.1", "xn--a"];
  const bad = ["a..b", ".a", "a:65536", "[:::]", "[1::2::3]", "[::1", "*.*", "a.*.b", "*a.b", "*.", "**", "a\0b", ""];
  assert.deepEqual(netOf([...bad, ...good]), good.map((host) => `--allow-net=${host}`));
  const starts = async (host: string): Promise<boolean> => {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", "--quiet", `--allow-net=${host}`, "data:text/javascript,"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  };
  for (const host of good) assert.equal(await starts(host), true, host);
  for (const host of bad.filter((host) => host !== "" && !host.includes("\0"))) {
    assert.equal(await starts(host), false, host);
  }
});

Deno.test("a path with a zero character is the kernel's to refuse, and starts it", async () => {
  assert.deepEqual(flags(["call", "demo.read", '{"file":"a\\u0000b"}']), READING);
  await withBench(async (bench) => {
    const { code } = await run(bench, ["call", "demo.read", '{"file":"a\\u0000b"}', "context"]);
    assert.equal(code, 0);
  });
});

Deno.test("folders that the policy opens are opened for what it says, and no others", () => {
  const policy = {
    rules: [
      { decision: "allow", authorities: ["readLocal"], paths: ["/data", "$state"] },
      { decision: "ask", authorities: ["writeLocal"], paths: ["./reports"] },
      { decision: "deny", paths: ["/secret"] },
    ],
  };
  assert.deepEqual(flags(["p"], policy), [
    "--allow-read=/w",
    "--allow-read=/data",
    ...DEFAULT.slice(1),
    "--allow-write=/w/./reports",
  ]);
});

Deno.test("serving listens on loopback unless an address is given, and never on everything by accident", () => {
  const net = (args: ReadonlyArray<string>) => flags(args).filter((flag) => flag.startsWith("--allow-net"));
  assert.deepEqual(net(["surfaces", "serve"]), ["--allow-net=127.0.0.1"]);
  assert.deepEqual(net(["surfaces", "serve", "--port", "8080"]), ["--allow-net=127.0.0.1:8080"]);
  assert.deepEqual(net(["call", "surfaces.serve", '{"port":8080,"host":"0.0.0.0"}']), ["--allow-net=0.0.0.0:8080"]);
  assert.deepEqual(net(["surfaces", "serve", "--host=::1", "--port=1"]), ["--allow-net=[::1]:1"]);
  assert.deepEqual(net(["call", "surfaces.serve", '{"port":8080,"host":""}']), []);
  assert.deepEqual(net(["call", "surfaces.serve", '{"host":"a,b"}']), []);
});

Deno.test("environment, system facts and foreign code are given only to an operation that declares them", () => {
  const policy = { rules: [{ decision: "allow", authorities: ["env"], names: ["MODEL_KEY", "MODEL_*"] }] };
  assert.deepEqual(flags(["p"], policy), DEFAULT);
  assert.deepEqual(flags(["demo", "native"], policy).slice(DEFAULT.length), [
    "--allow-env=MODEL_KEY",
    "--allow-sys",
    "--allow-ffi",
  ]);
});

Deno.test("a named path of a writing operation may be written beside itself, and its folder read", () => {
  assert.deepEqual(flags(["demo", "write", "--file=/x/y z.json"]), [
    "--allow-read=/w",
    "--allow-read=/x/y z.json",
    "--allow-read=/x",
    ...DEFAULT.slice(1),
    "--allow-write=/x/y z.json",
    "--allow-write=/x/y z.json.part",
  ]);
});

Deno.test("run is never among the flags, whatever the arguments and the policy say", () => {
  const policy = {
    rules: [{ decision: "allow", hosts: ["--allow-run"], paths: ["--allow-run"], names: ["--allow-all"] }],
  };
  for (const id of Object.keys(generated.operations)) {
    const all = flagsFor({
      args: ["call", id, '{"file":"--allow-run","host":"--allow-run"}', "--allow-run", "-A"],
      workspace: "/w",
      code: ["/code"],
      policy,
      generated,
    });
    for (const flag of all) {
      assert.match(flag, /^--(?:allow-(?:read|write|net|env)=|deny-write=|allow-sys$|allow-ffi$)/u);
    }
  }
});

Deno.test("a comma in a path never grants a second path", async () => {
  assert.deepEqual(flags(["demo", "read", "--file=/x,/etc"]), READING);
  await withBench(async (bench) => {
    const workspace = `${bench.project}/a,b`;
    Deno.mkdirSync(workspace);
    const { code, err } = await run(bench, ["p", "context"], workspace);
    assert.equal(code, 3);
    assert.match(err, /comma/u);
  });
});
