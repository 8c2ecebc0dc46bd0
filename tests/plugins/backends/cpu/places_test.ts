/**
 * The whole backend, bundled, gives in Node and in a browser the bytes it gives here, on one thread and on two.
 */
import assert from "node:assert/strict";
import { bundled, missing, onPage } from "./places.ts";
import { sums } from "./program_place.ts";

const inFolder = async (use: (folder: string) => Promise<void>): Promise<void> => {
  const folder = Deno.makeTempDirSync();
  try {
    await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

Deno.test("strict training gives the same bytes in Deno and Node, whatever the number of threads", async () => {
  const here = await sums();
  assert.equal(here[0], here[1]);
  if (missing("node")) return;
  await inFolder(async (folder) => {
    const { stdout, stderr } = await new Deno.Command("node", { args: [bundled("./program_place.ts", folder)] })
      .output();
    const text = new TextDecoder().decode(stdout).trim();
    assert.notEqual(text, "", new TextDecoder().decode(stderr));
    assert.deepEqual(JSON.parse(text), here);
  });
});

Deno.test("strict training gives the same bytes in a browser, isolated or not, on its page or in a worker", async () => {
  if (missing("chromium")) return;
  const here = await sums();
  await inFolder(async (folder) => {
    const script = bundled("./program_place.ts", folder);
    for (const [isolated, inWorker] of [[true, false], [true, true], [false, false]] as const) {
      assert.deepEqual(await onPage(script, isolated, inWorker), here);
    }
  });
});
