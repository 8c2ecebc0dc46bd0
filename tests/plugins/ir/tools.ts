/**
 * Tools that judge what is emitted: compilers and verifiers of others. A tool that is not installed fails the tests in CI
 * and is skipped with its reason elsewhere.
 */

/** What a command did. */
export interface Ran {
  /** Whether it ended well. */
  readonly ok: boolean;
  /** What it wrote. */
  readonly output: string;
  /** What it complained of. */
  readonly errors: string;
}

const text = new TextDecoder();

/** Runs a command. */
export const runTool = async (command: string, args: ReadonlyArray<string>): Promise<Ran> => {
  const { success, stdout, stderr } = await new Deno.Command(command, { args: [...args] }).output();
  return { ok: success, output: text.decode(stdout), errors: text.decode(stderr) };
};

const isThere = (command: string): boolean => {
  try {
    new Deno.Command(command, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch {
    return false;
  }
};

/** Whether something a test judges by is missing here; in CI that is a failure of the test, not a reason to skip it. */
export const isMissing = (what: string, there: boolean, optional = false): boolean => {
  if (there) return false;
  if (!optional && Deno.env.get("CI") === "true") return false;
  console.warn(`skipped: ${what} is not installed`);
  return true;
};

/** Whether commands are missing here. */
export const lacksTool = (commands: ReadonlyArray<string>, optional = false): boolean => {
  const absent = commands.filter((command) => !isThere(command));
  return isMissing(absent.join(", "), absent.length === 0, optional);
};
