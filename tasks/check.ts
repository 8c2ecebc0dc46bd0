/**
 * `deno task check`: types, format, lint, doc comments on every public name, and the import rule.
 *
 * Every check runs even when an earlier one fails, so that one run shows all there is to mend.
 */

interface Check {
  readonly name: string;
  readonly run: () => Promise<string>;
}

const root = new URL("..", import.meta.url);

const deno = async (...args: ReadonlyArray<string>): Promise<{ readonly ok: boolean; readonly text: string }> => {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { ok: success, text: decoder.decode(stdout) + decoder.decode(stderr) };
};

const command = (...args: ReadonlyArray<string>) => async (): Promise<string> => {
  const { ok, text } = await deno(...args);
  return ok ? "" : text;
};

/** Public entry points, from the `exports` of deno.json. */
const entries = (): ReadonlyArray<string> =>
  Object.values(JSON.parse(Deno.readTextFileSync(new URL("deno.json", root))).exports as Record<string, string>);

/**
 * `deno doc --lint` also objects to every type of a dependency in a signature, which no code over Effect can satisfy;
 * only names without a doc comment count.
 */
const documented = async (): Promise<string> => {
  const { text } = await deno("doc", "--lint", ...entries());
  const missing = text.split(/\n(?=error\[)/u).filter((part) => part.startsWith("error[missing-jsdoc]"));
  return missing.join("\n");
};

const CHECKS: ReadonlyArray<Check> = [
  { name: "types", run: command("check", ".") },
  { name: "format", run: command("fmt", "--check") },
  { name: "lint", run: command("lint") },
  { name: "doc comments", run: documented },
  { name: "import rule", run: command("test", "-A", "--no-check", "tests/rules/imports_test.ts") },
];

let failed = 0;
for (const { name, run } of CHECKS) {
  const problems = await run();
  console.log(`${problems === "" ? "ok  " : "FAIL"} ${name}`);
  if (problems !== "") {
    failed++;
    console.log(problems);
  }
}
Deno.exit(failed === 0 ? 0 : 1);
