import assert from "node:assert/strict";

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
