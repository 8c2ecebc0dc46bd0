/**
 * A third-party plugin written from the docs alone works end to end, from a process of its own.
 */
import assert from "node:assert/strict";
import type { Json } from "../../kernel/mod.ts";
import { rmi } from "../../plugins/open.ts";
import { fromFileUrl } from "./paths.ts";
import { ALLOW, approve, collector, failureOf, inFolder, PERSON, withPlugin } from "./world.ts";

const GREETER = fromFileUrl(new URL("../../examples/greeter.ts", import.meta.url));
const DOC = fromFileUrl(new URL("../../docs/writing-a-plugin.md", import.meta.url));

Deno.test("the code in docs/writing-a-plugin.md is the example that these tests run", () => {
  const doc = Deno.readTextFileSync(DOC);
  const code = /```ts\n(\/\*\*[\s\S]*?)```/u.exec(doc)?.[1];
  assert.equal(code, Deno.readTextFileSync(GREETER));
});

Deno.test("a plugin answers, fails with a fix that works, and is described like any other", async () => {
  await withPlugin(GREETER, async (system) => {
    assert.deepEqual(await system.call("greeter.hello", { name: "Ada" }), { text: "Hello, Ada" });
    const failure = await failureOf(system.call("greeter.hello", { name: " " }));
    assert.equal(failure.code, "GREETER_NOBODY");
    assert.equal(failure.path, "/name");
    const edit = failure.fix?.patch?.[0] as { readonly value: string };
    assert.deepEqual(await system.call("greeter.hello", { name: edit.value }), { text: "Hello, world" });
    const described = await system.describe("greeter.letter");
    assert.equal(described.plugin, "greeter");
    assert.match(JSON.stringify(described.declaration), /"x-rmi-role":"writePath"/u);
    assert.ok((await system.search("greet somebody")).some(({ id }) => id === "greeter.hello"));
    assert.match(await system.manifest(), /greeter/u);
  });
});

Deno.test("a bad input is refused by the kernel, with its path, before the plugin hears of it", async () => {
  await withPlugin(GREETER, async (system) => {
    const bad: ReadonlyArray<Json> = [{ name: 1 }, {}, { name: "Ada", extra: 1 }];
    for (const input of bad) {
      assert.equal((await failureOf(system.call("greeter.hello", input))).code, "KERNEL_INVALID_INPUT");
    }
    const range = await failureOf(system.call("greeter.count", { name: "Ada", times: 101 }));
    assert.equal(range.path, "/times");
  });
});

Deno.test("events cross in order and the caller's pace holds the plugin back", async () => {
  await withPlugin(GREETER, async (system) => {
    const { events, onEvent } = collector();
    assert.deepEqual(await system.call("greeter.count", { name: "Ada", times: 5 }, { onEvent }), { greeted: 5 });
    assert.deepEqual(events, [1, 2, 3, 4, 5].map((at) => ({ text: `Hello ${at}, Ada` })));
  });
});

Deno.test("a plugin writes where its caller may, and nowhere else", async () => {
  await withPlugin(GREETER, async (system, folder) => {
    assert.deepEqual(await system.call("greeter.letter", { name: "Ada", file: "out/letter.txt" }, PERSON), {
      bytes: 11,
    });
    assert.equal(Deno.readTextFileSync(`${folder}/out/letter.txt`), "Hello, Ada\n");
    const refused = await failureOf(system.call("greeter.letter", { name: "Ada", file: "letter.txt" }));
    assert.equal(refused.code, "KERNEL_APPROVAL_NEEDED");
    assert.throws(() => Deno.statSync(`${folder}/letter.txt`));
  }, { format: 1, rules: [] });
});

Deno.test("what a plugin calls arrives in the plugin's name, and its calls run side by side", async () => {
  await withPlugin(GREETER, async (system) => {
    const found = await system.call("greeter.find", {}) as { ids: ReadonlyArray<string> };
    assert.ok(found.ids.includes("greeter.hello"));
    const texts = await Promise.all(
      Array.from({ length: 40 }, (_, at) => system.call("greeter.hello", { name: `n${at}` })),
    );
    assert.deepEqual(texts, Array.from({ length: 40 }, (_, at) => ({ text: `Hello, n${at}` })));
  });
});

Deno.test("a plugin is found in the list of rmi.json and in the folder plugins, and waits until a person approves it", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/plugins`);
    Deno.mkdirSync(`${folder}/elsewhere/greeter`, { recursive: true });
    Deno.copyFileSync(GREETER, `${folder}/plugins/first.ts`);
    Deno.copyFileSync(GREETER, `${folder}/elsewhere/greeter/plugin.ts`);
    Deno.writeTextFileSync(`${folder}/rmi.json`, JSON.stringify({ plugins: ["./elsewhere/greeter/", "absent.ts"] }));
    {
      await using system = rmi({ workspace: folder, policy: ALLOW });
      assert.deepEqual(await standing(system), {
        "absent.ts": "refused",
        "elsewhere/greeter": "waiting",
        "plugins/first.ts": "waiting",
      });
      const { manifest } = await system.call("registry.look", { source: "plugins/first.ts" }) as { manifest: string };
      const refused = await failureOf(system.call("registry.approve", { source: "plugins/first.ts", manifest }));
      assert.equal(refused.code, "REGISTRY_NOT_APPROVED");
      assert.match(refused.fix?.command ?? "", /^rmi registry approve --source plugins\/first\.ts --manifest sha256:/u);
    }
    await approve(folder, "elsewhere/greeter");
    await using system = rmi({ workspace: folder, policy: ALLOW });
    assert.deepEqual(await standing(system), {
      "absent.ts": "refused",
      greeter: "ready",
      "plugins/first.ts": "waiting",
    });
    assert.deepEqual(await system.call("greeter.hello", { name: "Ada" }), { text: "Hello, Ada" });
    // The second one is the same plugin from another place: its id is taken.
    const twice = await failureOf(system.call("registry.look", { source: "plugins/first.ts" }, PERSON));
    assert.equal(twice.code, "REGISTRY_PLUGIN_REFUSED");
  });
});

const standing = async (system: { call: (id: string, input: Record<never, never>) => Promise<unknown> }) => {
  const { plugins } = await system.call("registry.plugins", {}) as {
    plugins: ReadonlyArray<{ plugin: string; state: string }>;
  };
  return Object.fromEntries(
    plugins.filter(({ state }) => state !== "built in").map(({ plugin, state }) => [plugin, state]),
  );
};

Deno.test("an approval names what was looked at: another manifest is refused", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(GREETER, `${folder}/greeter.ts`);
    const manifest = `sha256:${"0".repeat(64)}`;
    const failure = await failureOf(approve(folder, "greeter.ts", { manifest }));
    assert.equal(failure.code, "REGISTRY_NOT_APPROVED");
    assert.match(failure.message, /not what you looked at/u);
  });
});

Deno.test("a plugin that wants nothing is added without an approval of its own; one that wants something is not", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(GREETER, `${folder}/greeter.ts`);
    const pure = Deno.readTextFileSync(GREETER).replaceAll('effects: ["writeLocal"]', "effects: []")
      .replace("yield* (yield* Disk).write(file, text);", "").replace("Disk, ", "").replaceAll("greeter", "pure")
      .replaceAll("GREETER", "PURE");
    Deno.writeTextFileSync(`${folder}/pure.ts`, pure);
    await using system = rmi({ workspace: folder, policy: ALLOW });
    assert.deepEqual((await system.call("registry.add", { source: "pure.ts" }) as { wants: unknown }).wants, []);
    const failure = await failureOf(system.call("registry.add", { source: "greeter.ts" }));
    assert.equal(failure.code, "REGISTRY_NOT_APPROVED");
    assert.deepEqual(Object.keys(JSON.parse(Deno.readTextFileSync(`${folder}/rmi.lock`)).plugins), ["pure"]);
  });
});

Deno.test("a removed plugin is gone at the next start", async () => {
  await withPlugin(GREETER, async (system, folder) => {
    assert.deepEqual(await system.call("registry.remove", { plugin: "greeter" }, PERSON), { removed: true });
    await using next = rmi({ workspace: folder, policy: ALLOW });
    assert.equal((await failureOf(next.call("greeter.hello", { name: "Ada" }))).code, "KERNEL_UNKNOWN_OPERATION");
  });
});

Deno.test("an operation of a locked plugin that changed or is gone is answered with the reason, and nothing starts", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(GREETER, `${folder}/greeter.ts`);
    await approve(folder, "greeter.ts", { trust: true });
    Deno.writeTextFileSync(
      `${folder}/greeter.ts`,
      `Deno.writeTextFileSync(${JSON.stringify(`${folder}/started`)}, "");\n${Deno.readTextFileSync(GREETER)}`,
    );
    {
      await using system = rmi({ workspace: folder, policy: ALLOW });
      const failure = await failureOf(system.call("greeter.hello", { name: "Ada" }));
      assert.equal(failure.code, "REGISTRY_NOT_APPROVED");
      assert.match(failure.message, /changed without a new version/u);
      assert.equal(failure.fix?.command, "rmi registry look greeter");
      assert.deepEqual(await standing(system), { greeter: "waiting" });
    }
    Deno.removeSync(`${folder}/greeter.ts`);
    await using system = rmi({ workspace: folder, policy: ALLOW });
    const failure = await failureOf(system.call("greeter.hello", { name: "Ada" }));
    assert.equal(failure.code, "REGISTRY_SOURCE");
    assert.match(failure.message, /nothing is there/u);
    assert.deepEqual(await standing(system), { greeter: "refused" });
    assert.throws(() => Deno.statSync(`${folder}/started`));
  });
});

Deno.test("a trusted plugin runs in the kernel's own process, in its own name still", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(GREETER, `${folder}/greeter.ts`);
    await approve(folder, "greeter.ts", { trust: true });
    assert.equal(JSON.parse(Deno.readTextFileSync(`${folder}/rmi.lock`)).plugins.greeter.trusted, true);
    await using system = rmi({ workspace: folder, policy: ALLOW });
    assert.deepEqual(await system.call("greeter.hello", { name: "Ada" }), { text: "Hello, Ada" });
    assert.equal((await system.kernel()).plugins.find(({ id }) => id === "greeter")?.foreign, true);
  });
});

Deno.test("a broken plugin, lock or configuration stops nothing else, and is listed with its reason", async () => {
  const broken: ReadonlyArray<readonly [string, string, string]> = [
    ["rmi.json", "{", "KERNEL_CONFIG"],
    ["rmi.json", '{"plugins":"x"}', "KERNEL_CONFIG"],
    ["rmi.lock", "not json", "REGISTRY_LOCK"],
    ["rmi.lock", '{"format":1,"plugins":{"x":{}}}', "REGISTRY_LOCK"],
    ["rmi.lock", '{"format":2,"plugins":{}}', "KERNEL_NEWER_FORMAT"],
  ];
  for (const [file, text, code] of broken) {
    await inFolder(async (folder) => {
      Deno.writeTextFileSync(`${folder}/${file}`, text);
      await using system = rmi({ workspace: folder, policy: ALLOW });
      const { plugins } = await system.call("registry.plugins", {}) as {
        plugins: ReadonlyArray<{ plugin: string; failure?: { code: string } }>;
      };
      assert.equal(plugins.find(({ plugin }) => plugin === file)?.failure?.code, code, text);
    });
  }
});

Deno.test("a module that is no plugin says why when it is looked at", async () => {
  const modules: ReadonlyArray<readonly [string, RegExp]> = [
    ["export const nothing = 1;", /default export|manifest field/u],
    ["throw new Error('at import');", /at import/u],
    ["export default {};", /manifest field/u],
    ["import 'npm:not-in-the-cache@1.0.0';", /npm/u],
    ["syntax error(", /./u],
  ];
  await inFolder(async (folder) => {
    await using system = rmi({ workspace: folder, policy: ALLOW });
    for (const [text, reason] of modules) {
      Deno.writeTextFileSync(`${folder}/module.ts`, text);
      const failure = await failureOf(system.call("registry.look", { source: "module.ts" }));
      assert.equal(failure.code, "REGISTRY_SOURCE", text);
      assert.match(failure.message, reason);
      assert.match(failure.fix?.summary ?? "", /writing-a-plugin/u);
    }
  });
});
