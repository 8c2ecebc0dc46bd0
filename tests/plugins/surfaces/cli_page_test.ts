/**
 * The README and the page on the command line: every command in them runs, and ends as it says.
 */
import assert from "node:assert/strict";
import { inWorkspace, rmi } from "./rmi.ts";

const PAGES = ["README.md", "docs/command-line.md"];

const commandsOf = (page: string): ReadonlyArray<string> =>
  [...Deno.readTextFileSync(new URL(`../../../${page}`, import.meta.url)).matchAll(/^```sh\n([^]*?)^```/gmu)]
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

Deno.test("each page has commands", () => {
  for (const page of PAGES) assert.ok(commandsOf(page).length >= 10, page);
});
