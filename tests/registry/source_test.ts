/**
 * Tests of registry/source.ts: which files a digest covers, and sources that are refused.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type Failure, isFailure } from "../../kernel/mod.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";
import { findSource, lockedPath, MAX_FILES, type Source } from "../../registry/source.ts";
import { inFolder } from "./world.ts";

const find = (folder: string, source: string): Promise<Source | Failure> =>
  Effect.runPromise(Effect.match(findSource(platformDisk, folder, source), {
    onFailure: (failure): Source | Failure => failure,
    onSuccess: (found): Source | Failure => found,
  }));
const found = async (folder: string, source: string): Promise<Source> => {
  const answer = await find(folder, source);
  assert.ok(!isFailure(answer), String(answer));
  return answer;
};
const refused = async (folder: string, source: string): Promise<string> => {
  const answer = await find(folder, source);
  assert.ok(isFailure(answer), JSON.stringify(answer));
  assert.equal(answer.code, "REGISTRY_SOURCE");
  return answer.message;
};

Deno.test("a file may read itself only, and its digest follows its bytes", async () => {
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/a.ts`, "1");
    const one = await found(folder, "./a.ts");
    assert.deepEqual(one.read, [`${folder}/a.ts`]);
    Deno.writeTextFileSync(`${folder}/a.ts`, "2");
    assert.notEqual((await found(folder, "a.ts")).code, one.code);
    assert.equal(lockedPath(folder, one.entry), "a.ts");
  });
});

Deno.test("a folder's digest covers every file by name and content, at any depth", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/p/deep/er`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/p/plugin.ts`, "1");
    Deno.writeTextFileSync(`${folder}/p/deep/er/data.json`, "{}");
    const before = await found(folder, "p");
    assert.equal(before.entry, `${folder}/p/plugin.ts`);
    Deno.writeTextFileSync(`${folder}/p/deep/er/data.json`, "[]");
    const changed = await found(folder, "p");
    assert.notEqual(changed.code, before.code);
    Deno.writeTextFileSync(`${folder}/p/deep/er/data.json`, "{}");
    assert.equal((await found(folder, "p")).code, before.code);
    Deno.renameSync(`${folder}/p/deep/er/data.json`, `${folder}/p/deep/er/date.json`);
    assert.notEqual((await found(folder, "p")).code, before.code);
  });
});

Deno.test("a link inside a plugin's folder is refused, and so is a folder that holds the workspace", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/p`);
    Deno.writeTextFileSync(`${folder}/p/plugin.ts`, "1");
    Deno.symlinkSync("/etc/passwd", `${folder}/p/data`);
    assert.match(await refused(folder, "p"), /data is a link/u);
    assert.match(await refused(folder, "."), /may not hold the workspace/u);
    assert.match(await refused(folder, ".."), /may not hold the workspace/u);
  });
});

Deno.test("what is no plugin is refused with the reason", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/empty`);
    Deno.writeTextFileSync(`${folder}/a.txt`, "1");
    assert.match(await refused(folder, "absent.ts"), /nothing is there/u);
    assert.match(await refused(folder, "empty"), /none of plugin\.ts/u);
    assert.match(await refused(folder, "a.txt"), /no \.ts or \.js/u);
    for (const name of ["npm:name", "npm:name@^1.0.0", "npm:name@latest", "jsr:@a/b", "npm:../x@1.0.0"]) {
      assert.match(await refused(folder, name), /exact version/u, name);
    }
    assert.equal((await found(folder, "npm:@scope/name@1.2.3")).entry, "npm:@scope/name@1.2.3");
  });
});

Deno.test(`a folder of ${MAX_FILES} files passes, and one more is refused`, async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(`${folder}/p`);
    Deno.writeTextFileSync(`${folder}/p/plugin.ts`, "1");
    for (let at = 1; at < MAX_FILES; at++) Deno.writeTextFileSync(`${folder}/p/f${at}`, "");
    await found(folder, "p");
    Deno.writeTextFileSync(`${folder}/p/one-more`, "");
    assert.match(await refused(folder, "p"), /more than 500 files/u);
  });
});
