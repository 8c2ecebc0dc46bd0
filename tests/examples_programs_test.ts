/**
 * The programs of examples/: each is run as the comment at its head says, with the permissions named there and no others,
 * from another folder; what it prints is what is known to be true.
 */
import assert from "node:assert/strict";

const FOLDER = new URL("../examples/", import.meta.url);
const MAX_LINES = 60;

const COMMAND = /^ \* {5}(deno run .*)$/mu;

/** Runs an example in a folder of its own. */
const ran = (name: string): { readonly out: string; readonly files: ReadonlyArray<string> } => {
  const path = new URL(`${name}.ts`, FOLDER).pathname;
  const [, command] = COMMAND.exec(Deno.readTextFileSync(path)) ?? [];
  const [deno, verb, ...rest] = command.split(" ");
  assert.deepEqual([deno, verb, rest.pop()], ["deno", "run", `examples/${name}.ts`]);
  assert.ok(!rest.some((flag) => /^(?:-A|--allow-all|--allow-write|--allow-env|--allow-run)$/u.test(flag)), command);
  const cwd = Deno.makeTempDirSync({ prefix: "rmi-example-" });
  try {
    const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--cached-only", "--no-check", ...rest, path],
      cwd,
      env: { NO_COLOR: "1" },
    }).outputSync();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    assert.ok(success, error);
    const files = [...Deno.readDirSync(cwd)].map((entry) => entry.name)
      .concat(out.includes("out/") ? [...Deno.readDirSync(`${cwd}/out`)].map((entry) => `out/${entry.name}`) : []);
    return { out, files };
  } finally {
    Deno.removeSync(cwd, { recursive: true });
  }
};

const numberAfter = (out: string, words: RegExp): number => Number(words.exec(out)?.[1]);

const EXAMPLES: Readonly<Record<string, (ran: { out: string; files: ReadonlyArray<string> }) => void>> = {
  compose_and_run: ({ out, files }) => {
    // (1 − 1.5, 2 − 1.5, 3 − 1.5, 4 − 1.5), what is above 0, times 2.5.
    assert.match(out, /^answer {4}0 1\.25 3\.75 6\.25, for \d+ steps$/mu);
    const [, bytes] = /^bytes {5}([0-9a-f]+)$/mu.exec(out)!;
    assert.ok(bytes.startsWith("524d494c0200"), "RMIL, version 2");
    assert.match(out, /12 {2}d40000c03f {4}1\.5$/mu);
    assert.deepEqual(files, []);
  },
  check_and_cost: ({ out, files }) => {
    // 784·128 + 128 + 128·10 + 10.
    assert.match(out, /learns {6}101770 numbers/u);
    // Two products of 2·m·n·k, two biases of an addition each; comparisons are free.
    const flops = 2 * 32 * 784 * 128 + 32 * 128 + 2 * 32 * 128 * 10 + 32 * 10;
    assert.equal(numberAfter(out, /takes {7}(\d+) operations/u), flops);
    assert.match(out, /gives {7}f32\[32, 10\]/u);
    assert.match(out, /RMIL_ATTRIBUTE: .*bais[^\n]*\n {2}Did you mean bias\?/u);
    assert.deepEqual(files, []);
  },
  evolve_a_formula: ({ out }) => {
    // Half of 9.81.
    assert.ok(Math.abs(numberAfter(out, /metres = ([\d.]+)\*seconds\*seconds/u) - 4.905) < 0.005, out);
    assert.ok(numberAfter(out, /held out {2}([\d.e-]+) %/u) < 0.01, out);
  },
  train_and_export: ({ out, files }) => {
    assert.match(out, /^model {5}sha256:[0-9a-f]{64}$/mu);
    // 1,000 a square metre, and 40,000 more in the south.
    assert.ok(Math.abs(numberAfter(out, /"south"\}: (\d+)/u) - 140_000) < 15_000, out);
    assert.ok(Math.abs(numberAfter(out, /"north"\}: (\d+)/u) - 40_000) < 15_000, out);
    for (const file of ["flats.onnx", "flats.safetensors", "flats.rmil"]) {
      assert.ok(files.includes(`out/${file}`), file);
    }
  },
  write_a_plugin: ({ out }) => {
    assert.match(out, /^found {5}calendar\.leap$/mu);
    assert.match(out, /1900 \{ leap: false \}\n2000 \{ leap: true \}\n2024 \{ leap: true \}/u);
    assert.match(out, /refused {3}KERNEL_INVALID_INPUT: set \/year to 1583/u);
  },
};

for (const [name, judge] of Object.entries(EXAMPLES)) {
  Deno.test(`examples/${name}.ts prints what is true, with the permissions its head names`, () => judge(ran(name)));
}

Deno.test("every example of one run is short, and none is without a test", () => {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name.replace(/\.ts$/u, ""));
  // The greeter is no program but the plugin of a page of the documentation, tested where plugins are.
  assert.deepEqual(names.filter((name) => name !== "greeter").sort(), Object.keys(EXAMPLES).sort());
  for (const name of Object.keys(EXAMPLES)) {
    const lines = Deno.readTextFileSync(new URL(`${name}.ts`, FOLDER)).trimEnd().split("\n").length;
    assert.ok(lines <= MAX_LINES, `${name} has ${lines} lines`);
  }
});
