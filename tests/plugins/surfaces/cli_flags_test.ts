/**
 * Every way in which the command line names an operation and its paths reaches the launcher's permissions too.
 */
import assert from "node:assert/strict";
import { flagsFor } from "../../../kernel/flags.ts";

const generated = {
  version: "1",
  manifest: "",
  help: "",
  helpOf: {},
  completions: {},
  aliases: { keep: "demo.keep" },
  operations: {
    "demo.keep": {
      summary: "Keep a file.",
      effects: ["readLocal", "writeLocal"],
      kinds: [],
      paths: [{ field: "/inFile", use: "read" as const }, { field: "/to/outFile", use: "write" as const }],
    },
  },
};

const flags = (...args: ReadonlyArray<string>): string =>
  flagsFor({ args, workspace: "/w", code: ["/code"], generated } as never).join("\n");

const readable = (text: string, path: string): boolean =>
  new RegExp(`--allow-read=.*${path}(?:,|$)`, "mu").test(text) ||
  text.split("\n").includes(`--allow-read=${path}`);

for (
  const args of [
    ["demo", "keep", "--inFile", "/data/a"],
    ["demo", "keep", "--in-file", "/data/a"],
    ["demo", "keep", "--in-file=/data/a"],
    ["demo", "keep", "/data/a"],
    ["demo", "keep", "--input", '{"inFile":"/data/a"}'],
    ["demo", "keep", '--input={"inFile":"/data/a"}', "--json"],
    ["demo.keep", "--inFile", "/data/a"],
    ["demo.keep", "/data/a"],
    ["keep", "/data/a"],
    ["call", "demo.keep", '{"inFile":"/data/a"}'],
  ]
) {
  Deno.test(`rmi ${args.join(" ")}: the path may be read`, () => {
    const text = flags(...args);
    assert.ok(readable(text, "/data/a"), text);
  });
}

Deno.test("a path that a record of --input names for writing may be written", () => {
  const text = flags("demo", "keep", "--input", '{"to":{"outFile":"/data/out"}}');
  assert.match(text, /^--allow-write=.*\/data\/out/mu);
});

Deno.test("nothing else becomes readable or writable", () => {
  assert.doesNotMatch(flags("demo", "keep"), /=\/data/mu);
});
