import assert from "node:assert/strict";
import { rmi } from "../../plugins/open.ts";

Deno.test("1,000 kernels opened and closed leave a flat heap", async () => {
  const script = new URL("fixtures/open_close.ts", import.meta.url);
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--cached-only", "--v8-flags=--expose-gc", script.pathname, "1000", "100"],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const heaps = JSON.parse(new TextDecoder().decode(stdout)) as number[];
  assert.equal(heaps.length, 10);
  // Each kernel holds more than 1 MB while open: a leak of one in a hundred would show as 9 MB here.
  const grown = heaps[9] - heaps[0];
  assert.ok(grown < 4_000_000, `the heap grew by ${grown} bytes from kernel 100 to kernel 1,000: ${heaps}`);
});

/** The operations that a kernel opened now reports as never finished. */
const unfinished = async (workspace: string): Promise<ReadonlyArray<string>> => {
  await using system = rmi({ workspace });
  return (await system.kernel()).dangling.map(({ operation }) => operation);
};

Deno.test("a call killed in the middle is reported at the next start, in the log and in the boot report", async () => {
  const workspace = Deno.makeTempDirSync({ prefix: "rmi-killed-" });
  const run = (script: string) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--cached-only", "--unstable-worker-options", script, workspace],
      stdout: "piped",
      stderr: "piped",
    });
  try {
    const killed = run(new URL("fixtures/killed_call.ts", import.meta.url).pathname).spawn();
    const reader = killed.stdout.getReader();
    assert.match(new TextDecoder().decode((await reader.read()).value), /running/u);
    await reader.cancel();
    killed.kill("SIGKILL");
    await killed.stderr.cancel();
    await killed.status;
    const { stdout, stderr } = await run(new URL("fixtures/boot_report.ts", import.meta.url).pathname).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.match(text, /1 calls of earlier runs never finished/u);
    assert.match(text, /"operation":"slow\.write","actor":"user@headless"/u);
    assert.deepEqual(await unfinished(workspace), ["slow.write"], "reported until it is settled");
    await using system = rmi({ workspace });
    const { settled } = await system.call("ledger.settle", {}) as { settled: ReadonlyArray<{ operation: string }> };
    assert.deepEqual(settled.map(({ operation }) => operation), ["slow.write"]);
    assert.deepEqual(await unfinished(workspace), []);
  } finally {
    Deno.removeSync(workspace, { recursive: true });
  }
});
