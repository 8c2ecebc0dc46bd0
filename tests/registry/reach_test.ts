/**
 * A plugin's process reaches the hosts and variables of its approved manifest and no others, and the caller's policy
 * still decides on each use; also under the launcher, whose kernel process can start nothing itself.
 */
import assert from "node:assert/strict";
import type { PolicyFile } from "../../effects/policy_file.ts";
import { rmi } from "../../plugins/open.ts";
import { fromFileUrl } from "./paths.ts";
import { ALLOW, approve, failureOf, inFolder, PERSON } from "./world.ts";

const FETCHER = fromFileUrl(new URL("../fixtures/plugins/fetcher.ts", import.meta.url));
const GREETER = fromFileUrl(new URL("../../examples/greeter.ts", import.meta.url));
const ROOT = fromFileUrl(new URL("../../", import.meta.url));

const serve = () => Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => new Response("page"));

Deno.test("only the hosts and variables that a manifest names are reached", async () => {
  await using allowed = serve();
  await using other = serve();
  const at = (server: typeof allowed) => `127.0.0.1:${server.addr.port}`;
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/fetcher.ts`, Deno.readTextFileSync(FETCHER).replaceAll("HOST", at(allowed)));
    const approved = await approve(folder, "fetcher.ts") as { wants: ReadonlyArray<string> };
    assert.deepEqual(approved.wants, [
      `use the network (${at(allowed)})`,
      "read environment variables (FETCHER_KEY)",
    ]);
    Deno.env.set("FETCHER_KEY", "k1");
    Deno.env.set("FETCHER_OTHER", "k2");
    await using system = rmi({ workspace: folder, policy: ALLOW });
    const get = (server: typeof allowed, gated: boolean) =>
      system.call("fetcher.get", { url: `http://${at(server)}/`, gated }, PERSON);
    assert.deepEqual(await get(allowed, true), { text: "page" });
    assert.deepEqual(await get(allowed, false), { text: "page" });
    assert.deepEqual(await get(other, false), { refused: "NotCapable" });
    assert.deepEqual(await system.call("fetcher.variable", { name: "FETCHER_KEY" }, PERSON), { value: "k1" });
    assert.deepEqual(await system.call("fetcher.variable", { name: "FETCHER_OTHER" }, PERSON), {});
    assert.deepEqual(await system.call("fetcher.variable", { name: "HOME" }, PERSON), {});
  });
});

Deno.test("a host the policy refuses is refused at its use, whatever the manifest names", async () => {
  await using server = serve();
  const host = `127.0.0.1:${server.addr.port}`;
  const policy: PolicyFile = {
    format: 1,
    rules: [
      { name: "other-hosts", authorities: ["network"], hosts: ["example.org"], decision: "allow" },
      { name: "no-loopback", authorities: ["network"], hosts: [host], decision: "deny" },
      { name: "rest", decision: "allow" },
    ],
  };
  await inFolder(async (folder) => {
    Deno.writeTextFileSync(`${folder}/fetcher.ts`, Deno.readTextFileSync(FETCHER).replaceAll("HOST", host));
    await approve(folder, "fetcher.ts");
    await using system = rmi({ workspace: folder, policy });
    const failure = await failureOf(system.call("fetcher.get", { url: `http://${host}/`, gated: true }, PERSON));
    assert.equal(failure.code, "KERNEL_DENIED");
    assert.match(failure.message, /no-loopback/u);
  });
});

Deno.test("under the launcher a plugin runs by the supervisor, from the lock", async () => {
  await inFolder(async (folder) => {
    Deno.copyFileSync(GREETER, `${folder}/greeter.ts`);
    await approve(folder, "greeter.ts");
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-prompt", "--allow-read", "--allow-env", "--allow-run", "--allow-sys", "--no-check"],
        ...[`--config=${ROOT}deno.json`, `${ROOT}kernel/launch.ts`, "call", "greeter.hello", '{"name":"Ada"}'],
      ],
      cwd: folder,
    }).output();
    assert.deepEqual(JSON.parse(new TextDecoder().decode(stdout)), { ok: true, value: { text: "Hello, Ada" } });
  });
});
