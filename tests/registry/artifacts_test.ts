/**
 * Tests of the artifact store through the real system: once by digest, named for ever, collected only when free.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Json } from "../../kernel/mod.ts";
import { type Client, rmi } from "../../plugins/open.ts";
import { ALLOW, failureOf, inFolder } from "./world.ts";

type Info = { readonly digest: string; readonly names: ReadonlyArray<string>; readonly tags: ReadonlyArray<string> };

const inStore = (body: (system: Client, folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    await using system = rmi({ workspace: folder, policy: ALLOW });
    await body(system, folder);
  });

const sha = (text: string): string => `sha256:${createHash("sha256").update(text).digest("hex")}`;
const put = (system: Client, text: string, more: { readonly [key: string]: Json } = {}) =>
  system.call("artifacts.put", { kind: "program", text, ...more }) as unknown as Promise<Info>;
const total = async (system: Client, query: { readonly [key: string]: Json } = {}): Promise<number> =>
  (await system.call("registry.artifacts", query) as { readonly total: number }).total;
const files = (folder: string): ReadonlyArray<string> =>
  [...Deno.readDirSync(`${folder}/.rmi/artifacts`)].flatMap(({ name }) =>
    [...Deno.readDirSync(`${folder}/.rmi/artifacts/${name}`)].map((file) => file.name)
  ).sort();

Deno.test("an artifact is its SHA-256, and the same bytes are stored once under all their names", async () => {
  await inStore(async (system, folder) => {
    const first = await put(system, "x + 1", { name: "plus" });
    const again = await put(system, "x + 1", { name: "also" });
    assert.equal(first.digest, sha("x + 1"));
    assert.equal(again.digest, first.digest);
    assert.deepEqual(again.names, ["also@1", "plus@1"]);
    assert.equal(files(folder).length, 1);
    assert.deepEqual((await put(system, "x + 1", { name: "plus" })).names, ["also@1", "plus@1"]);
  });
});

Deno.test("a name counts versions, means its newest, and an old version keeps its meaning", async () => {
  await inStore(async (system) => {
    await put(system, "one", { name: "p" });
    await put(system, "two", { name: "p" });
    const text = async (artifact: string) =>
      (await system.call("artifacts.get", { artifact }) as { text: string }).text;
    assert.equal(await text("p"), "two");
    assert.equal(await text("p@1"), "one");
    assert.equal(await text(sha("one")), "one");
    await system.call("artifacts.unname", { name: "p@2" });
    assert.equal(await text("p"), "one");
    assert.deepEqual((await put(system, "three", { name: "p" })).names, ["p@3"]);
  });
});

Deno.test("an unknown artifact answers with the nearest names and a patch that works", async () => {
  await inStore(async (system) => {
    await put(system, "x", { name: "encoder" });
    const failure = await failureOf(system.call("artifacts.get", { artifact: "encodr" }));
    assert.equal(failure.code, "KERNEL_UNKNOWN_ENTRY");
    const edit = failure.fix?.patch?.[0] as { readonly value: string };
    assert.equal((await system.call("artifacts.get", { artifact: edit.value }) as { text: string }).text, "x");
  });
});

Deno.test("artifacts are found by kind, tag, name and a metric within bounds", async () => {
  await inStore(async (system) => {
    await put(system, "a", { name: "a", tags: ["good"], metrics: { loss: 0.5 } });
    await put(system, "b", { kind: "weights", metrics: { loss: 0.1 } });
    assert.equal(await total(system), 2);
    assert.equal(await total(system, { kind: "weights" }), 1);
    assert.equal(await total(system, { tag: "good" }), 1);
    assert.equal(await total(system, { name: "a" }), 1);
    assert.equal(await total(system, { metric: { name: "loss", most: 0.1 } }), 1);
    assert.equal(await total(system, { metric: { name: "loss", least: 0.1, most: 0.5 } }), 2);
    assert.equal(await total(system, { metric: { name: "constructor" } }), 0);
    const tagged = await system.call("artifacts.tag", { artifact: "a", add: ["best"], remove: ["good"] });
    assert.deepEqual((tagged as unknown as Info).tags, ["best"]);
  });
});

Deno.test("collection takes what no name keeps, and never what a named artifact refers to", async () => {
  await inStore(async (system, folder) => {
    const data = await put(system, "data", { kind: "dataset" });
    const weights = await put(system, "weights", { kind: "weights", references: [data.digest] });
    await put(system, "model", { kind: "model", name: "m", references: [weights.digest] });
    const loose = await put(system, "loose");
    const dry = await system.call("artifacts.gc", { dry: true }) as { digests: ReadonlyArray<string> };
    assert.deepEqual(dry.digests, [loose.digest]);
    assert.equal(files(folder).length, 4);
    assert.deepEqual((await system.call("artifacts.gc", { keep: [loose.digest] }) as typeof dry).digests, []);
    assert.deepEqual((await system.call("artifacts.gc", {}) as typeof dry).digests, [loose.digest]);
    assert.equal(files(folder).length, 3);
    await system.call("artifacts.unname", { name: "m@1" });
    assert.equal((await system.call("artifacts.gc", {}) as typeof dry).digests.length, 3);
    assert.deepEqual(files(folder), []);
    assert.equal(await total(system), 0);
    assert.equal((await put(system, "loose")).digest, loose.digest);
  });
});

Deno.test("a file nobody spoke of is collected only once it is old", async () => {
  await inStore(async (system, folder) => {
    await put(system, "kept", { name: "kept" });
    const hex = createHash("sha256").update("orphan").digest("hex");
    Deno.mkdirSync(`${folder}/.rmi/artifacts/${hex.slice(0, 2)}`, { recursive: true });
    const file = `${folder}/.rmi/artifacts/${hex.slice(0, 2)}/${hex}`;
    Deno.writeTextFileSync(file, "orphan");
    assert.deepEqual(await system.call("artifacts.gc", {}), { digests: [], bytes: 0, orphans: 0 });
    Deno.utimeSync(file, 1, 1);
    assert.deepEqual(await system.call("artifacts.gc", {}), { digests: [], bytes: 0, orphans: 1 });
    assert.throws(() => Deno.statSync(file));
  });
});

Deno.test("damaged and missing bytes are found on reading and by verify, and storing them again mends them", async () => {
  await inStore(async (system, folder) => {
    const one = await put(system, "one", { name: "one" });
    const two = await put(system, "two", { name: "two" });
    const path = (digest: string) => `${folder}/.rmi/artifacts/${digest.slice(7, 9)}/${digest.slice(7)}`;
    Deno.writeTextFileSync(path(one.digest), "onE");
    Deno.removeSync(path(two.digest));
    assert.equal(
      (await failureOf(system.call("artifacts.get", { artifact: "one" }))).code,
      "REGISTRY_ARTIFACT_DAMAGED",
    );
    assert.equal((await failureOf(system.call("artifacts.get", { artifact: "two" }))).code, "KERNEL_DISK");
    assert.deepEqual(
      (await system.call("artifacts.verify", {}) as { damaged: ReadonlyArray<string> }).damaged,
      [one.digest, two.digest].sort(),
    );
    await put(system, "one");
    await put(system, "two");
    assert.deepEqual(await system.call("artifacts.verify", {}), { checked: 2, damaged: [] });
  });
});

Deno.test("a reference to nothing, and two contents at once, are refused", async () => {
  await inStore(async (system) => {
    const reference = await failureOf(put(system, "x", { references: [sha("absent")] }));
    assert.equal(reference.code, "REGISTRY_ARTIFACT_REFERENCE");
    assert.equal(reference.path, "/references/0");
    assert.equal((await failureOf(put(system, "x", { base64: "eA==" }))).code, "KERNEL_INVALID_INPUT");
    assert.equal((await failureOf(system.call("artifacts.put", { kind: "program" }))).code, "KERNEL_INVALID_INPUT");
  });
});

Deno.test("an exported artifact is imported elsewhere with the same digest and facts", async () => {
  await inStore(async (system, folder) => {
    const bytes = Uint8Array.from({ length: 1_000 }, (_, at) => at * 7);
    const base64 = btoa(String.fromCharCode(...bytes));
    await system.call("artifacts.put", { kind: "weights", base64, name: "w", tags: ["t"], metrics: { loss: 0.25 } });
    await system.call("artifacts.export", { artifact: "w", file: "out/w.rmia" });
    await inStore(async (other, elsewhere) => {
      Deno.copyFileSync(`${folder}/out/w.rmia`, `${elsewhere}/w.rmia`);
      const info = await other.call("artifacts.import", { file: "w.rmia", name: "theirs" }) as unknown as Info;
      assert.equal(info.digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
      assert.deepEqual(info.tags, ["t"]);
      assert.deepEqual(info.names, ["theirs@1"]);
      assert.equal((await other.call("artifacts.get", { artifact: "theirs" }) as { base64: string }).base64, base64);
      Deno.writeTextFileSync(`${elsewhere}/bad.rmia`, "not a frame");
      assert.equal((await failureOf(other.call("artifacts.import", { file: "bad.rmia" }))).code, "KERNEL_PAYLOAD");
    });
  });
});

Deno.test("names survive a restart, and concurrent puts of one system agree", async () => {
  await inFolder(async (folder) => {
    {
      await using system = rmi({ workspace: folder, policy: ALLOW });
      await Promise.all(Array.from({ length: 12 }, (_, at) => put(system, `v${at % 3}`, { name: "n" })));
    }
    await using system = rmi({ workspace: folder, policy: ALLOW });
    assert.equal(await total(system), 3);
    assert.deepEqual(await system.call("artifacts.verify", {}), { checked: 3, damaged: [] });
  });
});
