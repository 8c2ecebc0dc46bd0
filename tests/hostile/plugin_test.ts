/**
 * A malicious plugin gets nothing: every attack of tests/fixtures/plugins/mallory.ts, judged from outside the plugin.
 */
import assert from "node:assert/strict";
import { fromFileUrl } from "../registry/paths.ts";
import { ALLOW, approve, failureOf, inFolder, PERSON, withPlugin } from "../registry/world.ts";
import type { Json } from "../../kernel/mod.ts";
import { rmi } from "../../plugins/open.ts";
import type { PolicyFile } from "../../effects/policy_file.ts";

const MALLORY = fromFileUrl(new URL("../fixtures/plugins/mallory.ts", import.meta.url));

const calm = (system: { call: (id: string, input: never) => Promise<unknown> }) =>
  system.call("mallory.calm", {} as never);

Deno.test("a plugin's process has no permission beyond reading its own code", async () => {
  await withPlugin(MALLORY, async (system) => {
    assert.deepEqual(await system.call("mallory.escape", {}), []);
  });
});

Deno.test("a plugin is no deputy: what it calls has at most its caller's authority, in its own name", async () => {
  await withPlugin(MALLORY, async (system, folder) => {
    const put = await system.call(
      "mallory.invoke",
      { text: "artifacts.put", input: { kind: "program", text: "x" } },
      PERSON,
    );
    assert.equal((put as { refused: string }).refused, "KERNEL_DENIED");
    const valid: ReadonlyArray<readonly [string, Json]> = [
      ["registry.approve", { source: "mallory.ts", manifest: `sha256:${"0".repeat(64)}` }],
      ["registry.add", { source: "mallory.ts" }],
      ["registry.remove", { plugin: "mallory" }],
      ["registry.install", { package: "oxigraph" }],
      ["approvals.approve", { request: "0123456789abcdef" }],
      ["artifacts.gc", {}],
    ];
    for (const [text, input] of valid) {
      const answer = await system.call("mallory.invoke", { text, input }, PERSON) as { refused?: string };
      assert.equal(answer.refused, "KERNEL_DENIED", `${text}: ${JSON.stringify(answer)}`);
    }
    assert.equal(JSON.parse(Deno.readTextFileSync(`${folder}/rmi.lock`)).plugins.mallory.version, "1.0.0");
    assert.deepEqual((await system.call("registry.artifacts", {}) as { total: number }).total, 0);
  });
});

Deno.test("guessing a hidden operation's id tells a plugin nothing, also through near misses", async () => {
  const policy: PolicyFile = {
    format: 1,
    rules: [
      { name: "hidden", actor: "plugin:*", operation: "artifacts.*", decision: "deny" },
      { name: "tests", decision: "allow" },
    ],
  };
  await withPlugin(MALLORY, async (system) => {
    for (const target of ["artifacts.verify", "artifacts.verfy", "artifact.verify"]) {
      const answer = await system.call("mallory.invoke", { text: target, input: {} }, PERSON) as {
        refused: string;
        whole: string;
      };
      assert.equal(answer.refused, "KERNEL_UNKNOWN_OPERATION", target);
      assert.ok(!answer.whole.replaceAll(target, "").includes("artifacts."), answer.whole);
    }
    const found = await system.call("mallory.invoke", { text: "kernel.search", input: { query: "artifacts" } }, PERSON);
    assert.ok(!JSON.stringify(found).includes("artifacts."), JSON.stringify(found));
  }, policy);
});

Deno.test("an approval is for the call it was given for: a plugin inside another call cannot use it", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(MALLORY, `${folder}/mallory.ts`);
    await approve(folder, "mallory.ts");
    await using system = rmi({ workspace: folder });
    const asked = await failureOf(system.call("registry.remove", { plugin: "mallory" }));
    assert.equal(asked.code, "KERNEL_APPROVAL_NEEDED");
    const request = /approve (\S+)/u.exec(asked.fix?.command ?? "")?.[1] ?? "";
    await system.call("approvals.approve", { request }, PERSON);
    const answer = await system.call("mallory.invoke", { text: "registry.remove", input: { plugin: "mallory" } });
    assert.equal((answer as { refused: string }).refused, "KERNEL_DENIED");
    assert.ok(Deno.readTextFileSync(`${folder}/rmi.lock`).includes("mallory"));
    // It is still there for the call it was given for, once.
    assert.deepEqual(await system.call("registry.remove", { plugin: "mallory" }), { removed: true });
    assert.equal(
      (await failureOf(system.call("registry.remove", { plugin: "mallory" }))).code,
      "KERNEL_APPROVAL_NEEDED",
    );
  });
});

Deno.test("files are read and written under the call's grants only, also by raw messages", async () => {
  await withPlugin(MALLORY, async (system, folder) => {
    for (const text of ["/etc/passwd", "rmi.lock", `${folder}/rmi.lock`, "../../etc/passwd"]) {
      const got = await system.call("mallory.disk", { text }, PERSON);
      assert.deepEqual(got, { refused: "KERNEL_DENIED" }, text);
    }
    const content = btoa("pwned");
    const text = JSON.stringify({
      type: "ask",
      call: 5,
      ask: 9_999,
      what: "disk",
      about: { method: "write", path: "out/pwned", content },
    });
    await system.call("mallory.raw", { text }, PERSON).catch(() => undefined);
    assert.throws(() => Deno.statSync(`${folder}/out/pwned`));
  });
});

const FORGED: ReadonlyArray<readonly [string, string]> = [
  ["an answer to a call it was not given", '{"type":"done","call":77,"value":1}'],
  ["a second introduction", '{"type":"ready","version":1,"described":{}}'],
  ["no JSON", "}{"],
  ["an empty line", ""],
  ["an unknown message", '{"type":"grant","authority":"exec"}'],
  ["an unknown member", '{"type":"done","call":1,"value":1,"actor":"user@tty"}'],
  ["an unknown question", '{"type":"ask","call":1,"ask":1,"what":"approve","about":{}}'],
  ["a poisoned member", '{"type":"done","call":1,"value":{"__proto__":{"polluted":1}}}'],
  ["a poisoned member, escaped", '{"type":"done","call":1,"value":{"\\u005f_proto__":{"polluted":1}}}'],
  ["a value nested too deep", `{"type":"done","call":1,"value":${"[".repeat(5_000)}${"]".repeat(5_000)}}`],
  ["a negative call number", '{"type":"done","call":-1,"value":1}'],
];

for (const [what, line] of FORGED) {
  Deno.test(`a plugin that sends ${what} is stopped, and runs again when called again`, async () => {
    await withPlugin(MALLORY, async (system) => {
      const failure = await failureOf(system.call("mallory.raw", { text: line }));
      assert.equal(failure.code, "REGISTRY_PLUGIN_STOPPED", failure.message);
      assert.equal(({} as { polluted?: number }).polluted, undefined);
      assert.equal(await calm(system), "calm");
    });
  });
}

Deno.test("an answer outside its declaration is refused, and the plugin goes on", async () => {
  await withPlugin(MALLORY, async (system) => {
    assert.equal((await failureOf(system.call("mallory.output", {}))).code, "REGISTRY_PLUGIN_MISSPOKE");
    assert.equal(await calm(system), "calm");
  });
});

Deno.test("a flood of questions, and a line without end, stop the plugin and not the system", async () => {
  await withPlugin(MALLORY, async (system) => {
    for (const attack of ["mallory.flood", "mallory.huge"]) {
      const failure = await failureOf(system.call(attack, {}));
      assert.equal(failure.code, "REGISTRY_PLUGIN_STOPPED", failure.message);
    }
    assert.equal(await calm(system), "calm");
  });
});

Deno.test("array buffers without end stop the plugin at its memory limit, where the system can watch it", async () => {
  await withPlugin(MALLORY, async (system) => {
    const failure = await failureOf(system.call("mallory.memory", {}));
    assert.equal(failure.code, "REGISTRY_PLUGIN_STOPPED");
    assert.match(failure.message, /MiB|SIGKILL/u);
    assert.equal(await calm(system), "calm");
  });
});

Deno.test("a plugin that ends its process fails its calls, and is refused when it keeps doing so", async () => {
  await withPlugin(MALLORY, async (system) => {
    for (let at = 0; at < 4; at++) {
      const failure = await failureOf(system.call("mallory.exit", {}));
      assert.equal(failure.code, "REGISTRY_PLUGIN_STOPPED");
      assert.match(failure.message, /status 7/u);
    }
    const refused = await failureOf(system.call("mallory.calm", {}));
    assert.match(refused.message, /4 times within/u);
    assert.notDeepEqual(await system.call("kernel.search", { query: "ledger" }), {});
  });
});

Deno.test("a plugin that hangs is ended when its call is interrupted, and its next call finds a fresh process", async () => {
  await withPlugin(MALLORY, async (system) => {
    assert.equal(await calm(system), "calm");
    const failure = await failureOf(system.call("mallory.hang", {}, { budget: { wallMs: 300 } }));
    assert.equal(failure.code, "KERNEL_BUDGET_EXHAUSTED");
    let answer: unknown;
    for (let at = 0; at < 20 && answer !== "calm"; at++) {
      answer = await calm(system).catch(() => new Promise((resolve) => setTimeout(resolve, 200)));
    }
    assert.equal(answer, "calm");
  });
});

Deno.test("a plugin cannot speak in the kernel's name, nor have a command run through a fix", async () => {
  await withPlugin(MALLORY, async (system) => {
    const imposture = await failureOf(system.call("mallory.impersonate", {}));
    assert.equal(imposture.code, "REGISTRY_PLUGIN_MISSPOKE");
    const trap = await failureOf(system.call("mallory.command", {}));
    assert.equal(trap.code, "MALLORY_TRAP");
    assert.deepEqual(trap.fix, { summary: "Run [2J this" });
    for (const failure of [imposture, trap]) assert.ok(!JSON.stringify(failure).includes("evil"));
  });
});

Deno.test("a plugin's short names and priority do not reach the manifest", async () => {
  await withPlugin(MALLORY, async (system) => {
    const kernel = await system.kernel();
    const mallory = kernel.plugins.find(({ id }) => id === "mallory")!;
    assert.equal(mallory.foreign, true);
    assert.deepEqual(mallory.namespaces, [{ name: "mallory", summary: "attacks", priority: -1 }]);
  });
});

const variant = (edits: ReadonlyArray<readonly [string, string]>): string =>
  edits.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from);
    return text.replaceAll(from, to);
  }, Deno.readTextFileSync(MALLORY));

const CLAIMS: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string]>, RegExp]> = [
  ["another plugin's id", [['id: "mallory"', 'id: "effects"']], /belongs to another plugin/u],
  ["the kernel's id", [['id: "mallory"', 'id: "kernel"']], /belongs to another plugin/u],
  ["a namespace of the house", [['"mallory.', '"ledger.'], ['name: "mallory"', 'name: "ledger"']], /ledger is taken/u],
  ["the kernel's namespace", [['"mallory.', '"kernel.'], ['name: "mallory"', 'name: "kernel"']], /kernel is taken/u],
  ["operations outside its namespaces", [['"mallory.calm"', '"other.calm"']], /in none of its namespaces/u],
  [
    "the right to start programs",
    [["  effects: [],\n  kinds: []", '  effects: ["exec"],\n  kinds: []']],
    /exec cannot be/u,
  ],
  ["native code", [["  effects: [],\n  kinds: []", '  effects: [],\n  kinds: ["ffi"]']], /ffi cannot be/u],
  ["a failure code of the house", [["MALLORY_TRAP", "KERNEL_DENIED"]], /KERNEL_DENIED does not begin with MALLORY_/u],
  ["a failure code of another plugin", [["MALLORY_TRAP", "GREETER_NOBODY"]], /does not begin with MALLORY_/u],
  [
    "more in an operation than in its manifest",
    [["effects: [],\n    ...more", 'effects: ["network"],\n    ...more']],
    /manifest does not/u,
  ],
  ["a summary that repaints the terminal", [["Does what", "\\u001b[2J Does what"]], /./u],
];

for (const [what, edits, reason] of CLAIMS) {
  Deno.test(`a plugin that claims ${what} is refused, and nothing is locked`, async () => {
    await inFolder(async (folder) => {
      Deno.writeTextFileSync(`${folder}/claimant.ts`, variant(edits));
      const failure = await failureOf(approve(folder, "claimant.ts"));
      assert.equal(failure.code, "REGISTRY_PLUGIN_REFUSED", failure.message);
      assert.match(failure.message, reason);
      assert.throws(() => Deno.statSync(`${folder}/rmi.lock`));
    });
  });
}

Deno.test("an upgrade that widens authority does not run until approved, and says what it now wants", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(MALLORY, `${folder}/mallory.ts`);
    await approve(folder, "mallory.ts");
    Deno.writeTextFileSync(
      `${folder}/mallory.ts`,
      variant([
        ['version: "1.0.0"', 'version: "1.1.0"'],
        ["  effects: [],\n  kinds: []", '  effects: ["network"],\n  kinds: [],\n  reach: { hosts: ["evil.example"] }'],
      ]),
    );
    await using system = rmi({ workspace: folder, policy: ALLOW });
    const waiting = await failureOf(system.call("mallory.calm", {}));
    assert.equal(waiting.code, "REGISTRY_NOT_APPROVED");
    assert.equal(waiting.fix?.command, "rmi registry look mallory");
    const { plugins } = await system.call("registry.plugins", {}) as {
      plugins: ReadonlyArray<Record<string, unknown>>;
    };
    assert.equal(plugins.find(({ plugin }) => plugin === "mallory")?.state, "waiting");
    const refused = await failureOf(system.call("registry.add", { source: "mallory" }, PERSON));
    assert.equal(refused.code, "REGISTRY_NOT_APPROVED");
    assert.match(refused.message, /now also wants to: use the network \(evil\.example\)/u);
    const locked = JSON.parse(Deno.readTextFileSync(`${folder}/rmi.lock`)).plugins.mallory;
    assert.deepEqual(locked.permissions, { read: ["mallory.ts"] });
  });
});

Deno.test("code that changed without a new version does not run, also when it changes under a running system", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(MALLORY, `${folder}/mallory.ts`);
    await approve(folder, "mallory.ts");
    await using system = rmi({ workspace: folder, policy: ALLOW });
    await system.call("registry.plugins", {});
    Deno.writeTextFileSync(`${folder}/mallory.ts`, variant([['succeed("calm")', 'succeed("changed")']]));
    const failure = await failureOf(system.call("mallory.calm", {}));
    assert.equal(failure.code, "REGISTRY_NOT_APPROVED");
    assert.match(failure.message, /changed without a new version/u);
  });
});

Deno.test("a plugin that declares something else once it is approved is refused", async () => {
  await inFolder(async (folder) => {
    // While it is looked at it may not use the network; once approved it may, and shows another face.
    const shifty = variant([
      ["  effects: [],\n  kinds: []", '  effects: ["network"],\n  kinds: [],\n  reach: { hosts: ["example.org"] }'],
      [
        'summary: "Does what it should not."',
        'summary: Deno.permissions.querySync({ name: "net", host: "example.org" }).state === "granted" ? "B" : "A"',
      ],
    ]);
    Deno.writeTextFileSync(`${folder}/mallory.ts`, shifty);
    await approve(folder, "mallory.ts");
    await using system = rmi({ workspace: folder, policy: ALLOW });
    const failure = await failureOf(system.call("mallory.calm", {}));
    assert.equal(failure.code, "REGISTRY_PLUGIN_MISSPOKE");
    assert.match(failure.message, /something else than what was approved/u);
  });
});
