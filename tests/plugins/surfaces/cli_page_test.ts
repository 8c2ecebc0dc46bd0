/**
 * The page on the command line: every command in it runs, and ends as it says.
 */
import assert from "node:assert/strict";
import { inWorkspace, rmi } from "./rmi.ts";

const page = Deno.readTextFileSync(new URL("../../../docs/command-line.md", import.meta.url));

const commands = [...page.matchAll(/^```sh\n([^]*?)^```/gmu)].flatMap(([, block]) => block.trim().split("\n"));

const words = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/'([^']*)'|(\S+)/gu)].map(([, quoted, plain]) => quoted ?? plain);

for (const command of commands) {
  Deno.test(command, () =>
    inWorkspace(async (workspace) => {
      const [line, comment = "exit 0"] = command.split("#").map((part) => part.trim());
      const [program, ...args] = words(line);
      assert.equal(program, "rmi");
      const ran = await rmi(workspace, args);
      assert.equal(`exit ${ran.code}`, comment, ran.out + ran.err);
    }));
}

Deno.test("the page has commands", () => assert.ok(commands.length >= 10));
