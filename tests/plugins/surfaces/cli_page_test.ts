/**
 * The README and the pages of documentation: every command in them runs, and ends as it says.
 */
import assert from "node:assert/strict";
import { inWorkspace, rmi } from "./rmi.ts";

const ROOT = new URL("../../../", import.meta.url);

const textOf = (page: string): string => Deno.readTextFileSync(new URL(page, ROOT));

/** Pages whose commands run elsewhere: those of examples, and those on a plugin that its test writes. */
const ELSEWHERE: ReadonlySet<string> = new Set(["operations.md", "failures.md", "writing-a-plugin.md"]);

const PAGES = [
  "README.md",
  ...[...Deno.readDirSync(new URL("docs", ROOT))].map(({ name }) => name)
    .filter((name) => name.endsWith(".md") && !ELSEWHERE.has(name)).toSorted()
    .map((name) => `docs/${name}`).filter((page) => textOf(page).includes("\n```sh\n")),
];

const commandsOf = (page: string): ReadonlyArray<string> =>
  [...textOf(page).matchAll(/^```sh\n([^]*?)^```/gmu)]
    .flatMap(([, block]) => block.trim().split("\n"));

const words = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/'([^']*)'|(\S+)/gu)].map(([, quoted, plain]) => quoted ?? plain);

for (const [page, command] of PAGES.flatMap((page) => commandsOf(page).map((command) => [page, command]))) {
  Deno.test(`${page}: ${command}`, () =>
    inWorkspace(async (workspace) => {
      const [line, comment = "exit 0"] = command.split("#").map((part) => part.trim());
      const [program, ...args] = words(line);
      assert.equal(program, "rmi");
      const ran = await rmi(workspace, args);
      assert.equal(`exit ${ran.code}`, comment, ran.out + ran.err);
    }));
}

Deno.test("the README and the page on the command line have commands", () => {
  for (const page of ["README.md", "docs/command-line.md"]) assert.ok(commandsOf(page).length >= 10, page);
});
