/**
 * The whole backend, bundled, gives in Node the bytes it gives here, on one thread and on two.
 */
import assert from "node:assert/strict";
import { sums } from "./program_place.ts";

const missingNode = (): boolean => {
  try {
    new Deno.Command("node", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return false;
  } catch {
    assert(Deno.env.get("CI") !== "true", "node is not installed, and CI runs every test");
    console.log("skipped: node is not installed");
    return true;
  }
};

Deno.test("strict training gives the same bytes in Deno and Node, whatever the number of threads", async () => {
  const here = await sums();
  assert.equal(here[0], here[1]);
  if (missingNode()) return;
  const folder = Deno.makeTempDirSync();
  try {
    const out = `${folder}/place.mjs`;
    const entry = new URL("./program_place.ts", import.meta.url).pathname;
    const bundled = new Deno.Command(Deno.execPath(), {
      args: ["bundle", "--platform", "browser", "-o", out, entry],
      env: { NO_COLOR: "1" },
    }).outputSync();
    assert(bundled.success, new TextDecoder().decode(bundled.stderr));
    const { stdout, stderr } = new Deno.Command("node", { args: [out] }).outputSync();
    const text = new TextDecoder().decode(stdout).trim();
    assert.notEqual(text, "", new TextDecoder().decode(stderr));
    assert.deepEqual(JSON.parse(text), here);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
