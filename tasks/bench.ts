/**
 * `deno task bench [name …] [options]`: without a name, every file of `bench/` that declares cases with `Deno.bench`; a
 * file named that is a program of its own (`deno task bench cpu --json`) is run with the options that follow it.
 */

const folder = new URL("../bench/", import.meta.url);

const files: ReadonlyMap<string, URL> = new Map(
  [...Deno.readDirSync(folder)]
    .filter(({ name, isFile }) => isFile && name.endsWith(".ts"))
    .map(({ name }): [string, URL] => [name.slice(0, -3), new URL(name, folder)])
    .sort(([a], [b]) => a < b ? -1 : 1),
);

const declaresCases = (file: URL): boolean => Deno.readTextFileSync(file).includes("Deno.bench(");

const deno = async (args: ReadonlyArray<string>): Promise<number> => {
  const { code } = await new Deno.Command(Deno.execPath(), { args: [...args] }).spawn().status;
  return code;
};

const [name, ...options] = Deno.args;
const file = name === undefined ? undefined : files.get(name);
if (name !== undefined && !name.startsWith("-") && file === undefined) {
  console.error(`Cannot find bench ${name}: there are ${[...files.keys()].join(", ")}`);
  Deno.exit(2);
}
const isProgram = file !== undefined && !declaresCases(file);
const wanted = file === undefined ? [...files.values()].filter(declaresCases) : [file];
const given = file === undefined ? Deno.args : options;
const paths = wanted.map(({ pathname }) => decodeURIComponent(pathname));
Deno.exit(
  await deno(
    isProgram ? ["run", "-A", "--no-check", ...paths, ...given] : ["bench", "-A", "--no-check", ...given, ...paths],
  ),
);
