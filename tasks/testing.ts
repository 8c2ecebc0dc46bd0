/**
 * Writes the counts in TESTING.md from the test files themselves. `--check` writes nothing and fails when they differ.
 *
 * Counted: files, tests declared in them (a declaration inside a loop counts once), and figures of each acceptance area.
 */

const root = new URL("..", import.meta.url);
const page = new URL("TESTING.md", root);
const [BEGIN, END] = ["<!-- counts: written by deno task docs -->", "<!-- end of counts -->"];

const walk = function* (folder: URL): Generator<URL> {
  for (const entry of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const url = new URL(entry.name + (entry.isDirectory ? "/" : ""), folder);
    if (entry.isDirectory) yield* walk(url);
    else yield url;
  }
};

const declared = (source: string): number => source.match(/^\s*Deno\.test(?:\.\w+)?\(/gmu)?.length ?? 0;

/** The counts of every test room as a Markdown table. */
export const counts = (): string => {
  const rooms = new Map<string, { files: number; tests: number }>();
  const tests = new URL("tests/", root);
  for (const url of walk(tests)) {
    if (!url.pathname.endsWith("_test.ts")) continue;
    const room = url.pathname.slice(tests.pathname.length).split("/").slice(0, -1).join("/") || ".";
    const before = rooms.get(room) ?? { files: 0, tests: 0 };
    rooms.set(room, { files: before.files + 1, tests: before.tests + declared(Deno.readTextFileSync(url)) });
  }
  const rows = [...rooms].sort(([a], [b]) => a < b ? -1 : 1);
  const total = rows.reduce((sum, [, row]) => ({ files: sum.files + row.files, tests: sum.tests + row.tests }), {
    files: 0,
    tests: 0,
  });
  return [
    "| room | files | tests declared |",
    "| --- | ---: | ---: |",
    ...rows.map(([room, { files, tests }]) => `| \`tests/${room}\` | ${files} | ${tests} |`),
    `| all | ${total.files} | ${total.tests} |`,
  ].join("\n");
};

/** TESTING.md with the counts as they are now. */
export const updated = (text: string): string => {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`TESTING.md lacks the lines "${BEGIN}" and "${END}"`);
  return `${before}${BEGIN}\n\n${counts()}\n\n${END}${after}`;
};

if (import.meta.main) {
  const now = Deno.readTextFileSync(page);
  const next = updated(now);
  if (Deno.args.includes("--check")) {
    if (now !== next) console.error("TESTING.md is out of date: run deno task docs");
    Deno.exit(now === next ? 0 : 1);
  }
  Deno.writeTextFileSync(page, next);
}
