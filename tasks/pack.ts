/**
 * `deno task pack`: an npm tarball with types, from `deno pack`, mended where that falls short.
 *
 * `deno pack` widens exact versions, leaves out what is only imported by a computed specifier, and reports a missing
 * declaration file without failing. This script pins, adds the command, and refuses a package without types.
 * Usage: deno run -A tasks/pack.ts [output.tgz]
 */
import * as path from "node:path";

const root = path.resolve(new URL("..", import.meta.url).pathname);

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string => {
  const { success, stdout, stderr } = new Deno.Command(command, { args: [...args], cwd, env: { NO_COLOR: "1" } })
    .outputSync();
  const decoder = new TextDecoder();
  const text = decoder.decode(stdout) + decoder.decode(stderr);
  if (!success) throw new Error(`${command} ${args.join(" ")} failed:\n${text}`);
  return text;
};

interface DenoJson {
  readonly version: string;
  readonly imports: { readonly [name: string]: string };
  readonly exports: { readonly [entry: string]: string };
}

/** `npm:/effect@4.1.0/` → ["effect", "4.1.0"]. */
const pinned = (specifier: string): readonly [string, string] | undefined => {
  const match = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@([^/]+)\/?$/u.exec(specifier);
  return match === null ? undefined : [match[1], match[2]];
};

const config = JSON.parse(Deno.readTextFileSync(path.join(root, "deno.json"))) as DenoJson;
const output = path.resolve(Deno.args[0] ?? path.join(root, `rmi-${config.version}.tgz`));
const work = Deno.makeTempDirSync({ prefix: "rmi-pack-" });
try {
  const raw = path.join(work, "raw.tgz");
  const said = run(Deno.execPath(), ["pack", "--allow-dirty", "--no-source-maps", "-o", raw], root);
  run("tar", ["xzf", raw], work);
  const folder = path.join(work, "package");
  const manifestPath = path.join(folder, "package.json");
  const manifest = JSON.parse(Deno.readTextFileSync(manifestPath));
  const versions = Object.fromEntries(
    Object.values(config.imports).flatMap((specifier) => {
      const found = pinned(specifier);
      return found === undefined ? [] : [found];
    }),
  );
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (versions[name] === undefined) throw new Error(`deno.json does not pin ${name}`);
    manifest.dependencies[name] = versions[name];
  }
  manifest.engines = { node: ">=22.19" };
  manifest.license = "Apache-2.0";
  for (const [entry, source] of Object.entries(config.exports)) {
    const types = path.join(folder, source.replace(/\.ts$/u, ".d.ts"));
    try {
      Deno.statSync(types);
    } catch {
      throw new Error(`entry ${entry} has no declaration file:\n${said}`);
    }
  }
  Deno.writeTextFileSync(manifestPath, JSON.stringify(manifest, null, 2) + "\n");
  run("tar", [
    "czf",
    output,
    "--sort=name",
    "--mtime=UTC 2020-01-01",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "package",
  ], work);
  console.log(`${output}: ${Math.round(Deno.statSync(output).size / 1024)} KB`);
} finally {
  Deno.removeSync(work, { recursive: true });
}
