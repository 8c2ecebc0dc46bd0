/**
 * Links inside the user's folder, on the real system through its launcher: they lead nowhere outside. Deno's own folder
 * permissions follow such links (shown first), so that only the disk service's check of the real path keeps them in.
 */
import assert from "node:assert/strict";

const at = (path: string): string => decodeURIComponent(new URL(`../../${path}`, import.meta.url).pathname);
const SECRET = "canary-7f3a9c51";

const output = async (args: ReadonlyArray<string>, cwd: string): Promise<string> => {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["run", ...args], cwd, stderr: "null" }).output();
  return new TextDecoder().decode(stdout).trim();
};

const call = async (workspace: string, operation: string, input: unknown) => {
  const args = ["-A", "--no-check", `--config=${at("deno.json")}`, at("kernel/launch.ts"), "call", operation];
  return JSON.parse(await output([...args, JSON.stringify(input)], workspace));
};

const withLinks = async (use: (workspace: string, outside: string) => Promise<void>): Promise<void> => {
  const base = Deno.realPathSync(Deno.makeTempDirSync());
  const workspace = `${base}/workspace`;
  const outside = `${base}/outside`;
  try {
    Deno.mkdirSync(workspace);
    Deno.mkdirSync(outside);
    Deno.writeTextFileSync(`${outside}/secret`, SECRET);
    Deno.writeTextFileSync(`${workspace}/own`, "mine");
    Deno.symlinkSync(outside, `${workspace}/folder`);
    Deno.symlinkSync(`${outside}/secret`, `${workspace}/file`);
    Deno.symlinkSync("folder", `${workspace}/chain`);
    Deno.symlinkSync(`${outside}/absent`, `${workspace}/nowhere`);
    Deno.symlinkSync("own", `${workspace}/inner`);
    await use(workspace, outside);
  } finally {
    Deno.removeSync(base, { recursive: true });
  }
};

/** Whether a text stands in any file below a folder, links not followed. */
const holds = (folder: string, text: string): boolean =>
  [...Deno.readDirSync(folder)].some(({ name, isDirectory, isFile }) =>
    isDirectory
      ? holds(`${folder}/${name}`, text)
      : isFile && new TextDecoder().decode(Deno.readFileSync(`${folder}/${name}`)).includes(text)
  );

Deno.test("Deno's own folder permission follows a link to the outside", async () => {
  await withLinks(async (workspace) => {
    const script = `data:text/javascript,console.log(Deno.readTextFileSync("folder/secret"))`;
    assert.equal(await output(["--no-prompt", `--allow-read=${workspace}`, script], workspace), SECRET);
  });
});

Deno.test("no link of the user's folder is read through, and nothing behind it is stored", async () => {
  await withLinks(async (workspace, outside) => {
    for (
      const file of ["folder/secret", "file", "chain/secret", "folder/../outside/secret", "chain/../outside/secret"]
    ) {
      const { ok, failure } = await call(workspace, "artifacts.put", { kind: "evidence", file });
      assert.equal(ok, false, file);
      assert.match(failure.code, /^KERNEL_(?:APPROVAL_NEEDED|DENIED|DISK)$/u, file);
    }
    const { failure } = await call(workspace, "artifacts.put", { kind: "evidence", file: "chain/secret" });
    assert.ok(failure.message.includes(`${outside}/secret`), "the question names what would really be read");
    assert.equal(holds(workspace, SECRET), false);
  });
});

Deno.test("a link that stays inside is an ordinary file", async () => {
  await withLinks(async (workspace) => {
    const { ok, value } = await call(workspace, "artifacts.put", { kind: "evidence", file: "inner" });
    assert.equal(ok, true);
    assert.equal(value.size, "mine".length);
  });
});

Deno.test("no link of the user's folder is written through", async () => {
  await withLinks(async (workspace, outside) => {
    const stored = await call(workspace, "artifacts.put", { kind: "evidence", file: "own" });
    for (const file of ["file", "folder/new", "chain/new", "nowhere"]) {
      const { ok } = await call(workspace, "artifacts.get", { artifact: stored.value.digest, file });
      assert.equal(ok, false, file);
    }
    assert.deepEqual([...Deno.readDirSync(outside)].map(({ name }) => name), ["secret"]);
    assert.equal(Deno.readTextFileSync(`${outside}/secret`), SECRET);
  });
});
