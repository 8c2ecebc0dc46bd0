/**
 * A third-party plugin from an npm registry works end to end, through the real launcher: cached by Deno, looked at,
 * approved by a person at a terminal, called; and its next version waits for an approval of its own.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { stripTypeScriptTypes } from "node:module";
import { HAS_TERMINAL, inWorkspace, LAUNCH, rmiAtTerminal } from "../plugins/surfaces/rmi.ts";
import { fromFileUrl } from "./paths.ts";

const GREETER = Deno.readTextFileSync(fromFileUrl(new URL("../../examples/greeter.ts", import.meta.url)));

/** The example as an author would publish it: plain JavaScript that imports what docs/writing-a-plugin.md names. */
const FIRST = stripTypeScriptTypes(GREETER);

/** The same, wanting a host of the network. */
const SECOND = FIRST.replace('version: "1.0.0"', 'version: "1.0.1"').replace(
  'effects: ["writeLocal"],\n  kinds: []',
  'effects: ["writeLocal", "network"],\n  reach: { hosts: ["greetings.example.org"] },\n  kinds: []',
);

type Variables = Record<string, string>;

const output = async (command: string, args: ReadonlyArray<string>, cwd: string, more: Variables = {}) => {
  const { INIT_CWD: _, ...rest } = Deno.env.toObject();
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
    clearEnv: true,
    env: { ...rest, ...more, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
};

const succeeded = async (...run: Parameters<typeof output>): Promise<string> => {
  const { code, out, err } = await output(...run);
  assert.equal(code, 0, `${run[0]} ${run[1].join(" ")}: ${err}`);
  return out;
};

/** A package as npm packs it: one tar with everything below `package/`. */
const packed = async (folder: string, name: string, version: string, code: string): Promise<Uint8Array> => {
  const place = `${folder}/${name}-${version}`;
  Deno.mkdirSync(`${place}/package`, { recursive: true });
  Deno.writeTextFileSync(
    `${place}/package/package.json`,
    JSON.stringify({ name, version, type: "module", main: "plugin.js" }),
  );
  Deno.writeTextFileSync(`${place}/package/plugin.js`, code);
  await succeeded("tar", ["czf", "package.tgz", "package"], place);
  return Deno.readFileSync(`${place}/package.tgz`);
};

/** Serves versions of packages as an npm registry does, on loopback. */
const registry = async (packages: Record<string, Record<string, Uint8Array>>) => {
  const server = createServer((request, response) => {
    const [, name, file] = (request.url ?? "").split("/");
    const versions = Object.hasOwn(packages, name) ? packages[name] : undefined;
    const base = `http://${request.headers.host}/${name}`;
    if (versions === undefined) return void response.writeHead(404).end("{}");
    if (file !== undefined) return void response.end(versions[file.replace(/\.tgz$/u, "")]);
    const rows = Object.entries(versions).map(([version, bytes]) => {
      const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
      return [version, { name, version, dist: { tarball: `${base}/${version}.tgz`, integrity } }];
    });
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ name, "dist-tags": { latest: rows.at(-1)![0] }, versions: Object.fromEntries(rows) }),
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(closed);
      }),
  };
};

/** The folder of this machine's package cache that holds what the system itself imports. */
const ownPackages = async (folder: string): Promise<string> => {
  const { npmCache } = JSON.parse(await succeeded(Deno.execPath(), ["info", "--json"], folder));
  const registries = [...Deno.readDirSync(npmCache)].map(({ name }) => `${npmCache}/${name}`);
  const found = registries.find((one) => {
    try {
      return Deno.statSync(`${one}/effect`).isDirectory;
    } catch {
      return false;
    }
  });
  assert.ok(found, "the system's own packages are cached");
  return found;
};

/** A package cache of its own, with the system's packages and the given ones, downloaded from a registry. */
const cached = async (folder: string, address: string, specifiers: ReadonlyArray<string>): Promise<Variables> => {
  const variables = { DENO_DIR: `${folder}/cache`, NPM_CONFIG_REGISTRY: address };
  await succeeded(Deno.execPath(), ["cache", "--no-config", "--no-lock", ...specifiers], folder, variables);
  const [made] = [...Deno.readDirSync(`${folder}/cache/npm`)];
  const copy = [`${await ownPackages(folder)}/.`, `${folder}/cache/npm/${made.name}`];
  // Links where the file system has them across these folders: the packages are many files.
  const linked = await output("cp", ["-rl", ...copy], folder);
  if (linked.code !== 0) await succeeded("cp", ["-r", ...copy], folder);
  return variables;
};

interface Answer {
  readonly ok: boolean;
  readonly value?: { readonly [name: string]: unknown };
  readonly failure?: { readonly code: string; readonly message: string; readonly fix?: { readonly summary: string } };
}

const answerIn = (text: string): Answer => {
  const line = text.split(/\r?\n/u).find((one) => one.startsWith('{"ok"'));
  assert.ok(line, text);
  return JSON.parse(line);
};

const answerOf = async (workspace: string, variables: Variables, args: ReadonlyArray<string>): Promise<Answer> => {
  const { out, err } = await output(Deno.execPath(), [...LAUNCH, ...args, "--json"], workspace, variables);
  return answerIn(`${out}\n${err}`);
};

/** A workspace, and beside it a cache filled from a registry that is gone when the body runs. */
const withPackages = (
  packages: Record<string, Record<string, string>>,
  body: (workspace: string, variables: Variables) => Promise<void>,
): Promise<void> =>
  inWorkspace((workspace) =>
    inWorkspace(async (folder) => {
      const served: Record<string, Record<string, Uint8Array>> = {};
      for (const [name, versions] of Object.entries(packages)) {
        served[name] = {};
        for (const [version, code] of Object.entries(versions)) {
          served[name][version] = await packed(folder, name, version, code);
        }
      }
      const { address, close } = await registry(served);
      let variables: Variables;
      try {
        const specifiers = Object.entries(served).flatMap(([name, versions]) =>
          Object.keys(versions).map((version) => `npm:${name}@${version}`)
        );
        variables = await cached(folder, address, specifiers);
      } finally {
        await close();
      }
      await body(workspace, variables);
    })
  );

const lockIn = (workspace: string) => JSON.parse(Deno.readTextFileSync(`${workspace}/rmi.lock`)).plugins.greeter;

Deno.test({
  name: "a plugin from npm is looked at, approved by a person and called; its next version waits until it is approved",
  ignore: !HAS_TERMINAL,
  fn: () =>
    withPackages({ "rmi-greeter": { "1.0.0": FIRST, "1.0.1": SECOND } }, async (workspace, variables) => {
      const ask = (...args: ReadonlyArray<string>) => answerOf(workspace, variables, args);
      const hello = async () => (await ask("greeter", "hello", "Ada")).value;
      const attended = (...args: ReadonlyArray<string>) =>
        rmiAtTerminal(workspace, args, "y\n", { ...variables, NO_COLOR: "1" });
      const approve = async (source: string) => {
        const { value } = await ask("registry", "look", source);
        const args = ["registry", "approve", "--source", source, "--manifest", String(value?.manifest)];
        const unattended = await ask(...args);
        assert.equal(unattended.failure?.code, "KERNEL_APPROVAL_NEEDED", "nobody at a terminal is no person");
        const agreed = await attended(...args);
        assert.equal(agreed.code, 0, agreed.out);
      };

      const first = await attended("registry", "add", "npm:rmi-greeter@1.0.0");
      assert.notEqual(first.code, 0);
      assert.match(first.out, /REGISTRY_NOT_APPROVED/u);
      assert.match(first.out, /nobody has approved it/u);
      await approve("npm:rmi-greeter@1.0.0");
      assert.deepEqual(lockIn(workspace).permissions, {});
      assert.deepEqual(await hello(), { text: "Hello, Ada" });

      const second = await attended("registry", "add", "npm:rmi-greeter@1.0.1");
      assert.notEqual(second.code, 0);
      assert.match(second.out, /REGISTRY_NOT_APPROVED/u);
      assert.match(second.out, /now also wants to: .*network.*greetings\.example\.org/su);
      assert.match(second.out, /from version 1\.0\.0 to 1\.0\.1/u);
      assert.equal(lockIn(workspace).version, "1.0.0");
      assert.deepEqual(await hello(), { text: "Hello, Ada" });

      await approve("npm:rmi-greeter@1.0.1");
      assert.equal(lockIn(workspace).source, "npm:rmi-greeter@1.0.1");
      assert.deepEqual(lockIn(workspace).permissions, { net: ["greetings.example.org"] });
      assert.deepEqual(await hello(), { text: "Hello, Ada" });

      const trusted = await attended(
        ...["registry", "approve", "--source", "npm:rmi-greeter@1.0.1", "--trust"],
        ...["--manifest", lockIn(workspace).manifest],
      );
      assert.match(trusted.out, /REGISTRY_PLUGIN_REFUSED/u);
      assert.equal(lockIn(workspace).trusted, false);
    }),
});

Deno.test("a cached package that is no plugin, or one that is not cached, is refused with a fix", () =>
  withPackages({ "rmi-nothing": { "1.0.0": "export const nothing = 1;" } }, async (workspace, variables) => {
    const reasons: ReadonlyArray<readonly [string, RegExp]> = [
      ["npm:rmi-nothing@1.0.0", /default export|manifest field/u],
      ["npm:rmi-nothing@1.0.1", /rmi-nothing/u],
      ["npm:rmi-nothing@^1.0.0", /exact version/u],
    ];
    for (const [source, reason] of reasons) {
      const { failure } = await answerOf(workspace, variables, ["registry", "look", source]);
      assert.equal(failure?.code, "REGISTRY_SOURCE", source);
      assert.match(failure?.message ?? "", reason);
      assert.ok(failure?.fix?.summary, source);
    }
  }));
