/**
 * The words of the command line: grammar from JSON Schemas, reading through `effect/cli`, and writing inputs back as
 * words. Judges: hand-written expectations, and a real shell that splits what was quoted.
 */
import * as Arbitrary from "effect/Arbitrary";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { type Json, jsonSchemaOf, JsonValue, role } from "../../../kernel/mod.ts";
import { commandLine, quoted } from "../../../plugins/surfaces/cli/command_line.ts";
import { completionScript, type Meaning, readWords, type Vocabulary } from "../../../plugins/surfaces/cli/commands.ts";
import { attachNegatives, grammarOf, readValue } from "../../../plugins/surfaces/cli/grammar.ts";

const Tree = Schema.Struct({ name: Schema.String }).annotate({ identifier: "Tree" });

const Everything = Schema.Struct({
  file: role("readPath", "File to read"),
  maxNodes: Schema.optionalKey(Schema.Int),
  share: Schema.optionalKey(Schema.Finite),
  deep: Schema.optionalKey(Schema.Boolean),
  mode: Schema.optionalKey(Schema.Literals(["fast", "exact"])),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  sizes: Schema.optionalKey(Schema.Array(Schema.Int)),
  trees: Schema.optionalKey(Schema.Array(Tree)),
  spec: Schema.optionalKey(Schema.Struct({ a: Schema.Int })),
  any: Schema.optionalKey(JsonValue),
  either: Schema.optionalKey(Schema.Union([Schema.String, Schema.Int])),
  none: Schema.optionalKey(Schema.NullOr(Schema.String)),
  json: Schema.optionalKey(Schema.String),
});

const leaf = (schema: Schema.Codec<unknown, unknown>, id = "demo.run") => ({
  operation: id,
  summary: "Run the demo.",
  grammar: grammarOf(jsonSchemaOf(schema as never)),
  examples: [],
});

const vocabulary: Vocabulary = {
  namespaces: [{
    name: "demo",
    summary: "demonstrations",
    verbs: [{ name: "run", leaf: leaf(Everything) }, { name: "rest", leaf: leaf(Schema.Struct({}), "demo.rest") }],
  }],
  aliases: [{ name: "go", leaf: leaf(Everything) }],
};

const read = (args: ReadonlyArray<string>, words = vocabulary): Promise<Meaning> =>
  Effect.runPromise(readWords(words, args, { colors: false, version: "1.2.3" }));

const input = async (...args: ReadonlyArray<string>): Promise<Json> => {
  const meaning = await read(["demo", "run", ...args]);
  assert.equal(meaning.kind, "call", meaning.kind === "call" ? "" : meaning.text);
  return (meaning as Extract<Meaning, { kind: "call" }>).input;
};

const usage = async (...args: ReadonlyArray<string>): Promise<string> => {
  const meaning = await read(args);
  assert.equal(meaning.kind, "usage");
  return (meaning as { text: string }).text;
};

Deno.test("scalars are flags, and their texts become values of the declared type", async () => {
  assert.deepEqual(await input("--file", "a b.txt", "--maxNodes", "12", "--share", "0.5", "--mode", "exact"), {
    file: "a b.txt",
    maxNodes: 12,
    share: 0.5,
    mode: "exact",
  });
});

Deno.test("a flag may be written with = and a camel-case name with dashes", async () => {
  assert.deepEqual(await input("--file=x=y", "--max-nodes=3"), { file: "x=y", maxNodes: 3 });
});

Deno.test("the single required field may stand without its flag", async () => {
  assert.deepEqual(await input("in.txt"), { file: "in.txt" });
  assert.deepEqual(await input("in.txt", "--deep"), { file: "in.txt", deep: true });
});

Deno.test("the single required field given both ways is refused", async () => {
  assert.match(await usage("demo", "run", "a", "--file", "b"), /"file" is given twice/u);
});

Deno.test("booleans are true with their flag and false with --no-", async () => {
  assert.deepEqual(await input("--deep"), { deep: true });
  assert.deepEqual(await input("--no-deep"), { deep: false });
  assert.deepEqual(await input(), {});
});

Deno.test("lists are given by repetition, element by element", async () => {
  assert.deepEqual(await input("--tags", "a", "--sizes", "1", "--tags", "b c", "--sizes", "-2"), {
    tags: ["a", "b c"],
    sizes: [1, -2],
  });
});

Deno.test("records and lists of records are JSON text", async () => {
  assert.deepEqual(await input("--spec", '{"a":1}', "--trees", '{"name":"x"}', "--trees", '{"name":"y"}'), {
    spec: { a: 1 },
    trees: [{ name: "x" }, { name: "y" }],
  });
});

Deno.test("a field of any type takes JSON, and text that is no JSON as it is", async () => {
  assert.deepEqual(await input("--any", "[1,null]"), { any: [1, null] });
  assert.deepEqual(await input("--any", "hello"), { any: "hello" });
});

Deno.test("in a union with text, text stays text unless it reads as the other type", async () => {
  assert.deepEqual(await input("--either", "12"), { either: 12 });
  assert.deepEqual(await input("--either", "1.5"), { either: "1.5" });
  assert.deepEqual(await input("--either", '"q"'), { either: '"q"' });
  assert.deepEqual(await input("--none", "null"), { none: null });
  assert.deepEqual(await input("--none", "nil"), { none: "nil" });
});

Deno.test("negative numbers are values, not flags", async () => {
  assert.deepEqual(await input("--maxNodes", "-5", "--share", "-.5"), { maxNodes: -5, share: -0.5 });
  assert.deepEqual(attachNegatives(["--", "--n", "-5"]), ["--", "--n", "-5"]);
});

Deno.test("numbers are read whole: no hexadecimal, no blanks, no infinities, no unsafe integers", () => {
  for (const text of ["0x10", "1_000", " 1", "", "Infinity", "NaN", "1e999", "one", "--1"]) {
    assert.equal(readValue({ kind: "number" }, text), undefined, text);
  }
  assert.equal(readValue({ kind: "integer" }, "9007199254740992"), undefined);
  assert.equal(readValue({ kind: "integer" }, "9007199254740991"), 9007199254740991);
  assert.equal(readValue({ kind: "integer" }, "1.5"), undefined);
  assert.equal(Object.is(readValue({ kind: "number" }, "-0"), 0), true, "-0 has no canonical JSON");
});

Deno.test("--input gives the whole document, and flags are laid over it", async () => {
  assert.deepEqual(await input("--input", '{"file":"a","deep":true}', "--no-deep"), { file: "a", deep: false });
  for (const text of ["[1]", "{", "null"]) {
    assert.match(await usage("demo", "run", "--input", text), /Expected a JSON object/u);
  }
});

Deno.test("a field called like a flag of every command gets the prefix input-", async () => {
  assert.deepEqual(await input("--input-json", "x"), { json: "x" });
});

Deno.test("--json and --seed are read beside the operation's own flags", async () => {
  assert.deepEqual(await read(["demo", "run", "f", "--json", "--seed", "s"]), {
    kind: "call",
    operation: "demo.run",
    input: { file: "f" },
    json: true,
    seed: "s",
  });
});

Deno.test("--seed is the field of that name where the operation has one", async () => {
  const seeded = leaf(Schema.Struct({ seed: Schema.optionalKey(Schema.Int) }));
  const words = {
    ...vocabulary,
    namespaces: [{ ...vocabulary.namespaces[0], verbs: [{ name: "run", leaf: seeded }] }],
  };
  for (const args of [["demo", "run", "--seed", "7"], ["--seed", "7", "demo", "run"]]) {
    assert.deepEqual(await read(args, words), { kind: "call", operation: "demo.run", input: { seed: 7 }, json: false });
  }
  const refused = await read(["demo", "run", "--seed", "seven"], words);
  assert.match(refused.kind === "usage" ? refused.text : "", /Expected integer, found "seven"/u);
});

Deno.test("an unknown flag is an error that names the nearest one", async () => {
  assert.match(await usage("demo", "run", "--mod", "fast"), /Unrecognized flag: --mod[^]*--mode/u);
  assert.match(await usage("demo", "run", "--no-deeep"), /Unrecognized flag/u);
});

Deno.test("a value outside a fixed list is an error that names the list", async () => {
  assert.match(await usage("demo", "run", "--mode", "slow"), /"fast" \| "exact"/u);
});

Deno.test("a text that is no number, no JSON, or one word too many is an error", async () => {
  assert.match(await usage("demo", "run", "--maxNodes", "many"), /Expected integer/u);
  assert.match(await usage("demo", "run", "--spec", "{"), /Expected json/u);
  assert.match(await usage("demo", "run", "a", "b"), /Unexpected positional/u);
  assert.match(await usage("demo", "run", "--maxNodes", "1", "--maxNodes", "2"), /at most 1/u);
});

Deno.test("an unknown word is an error that names the nearest ones", async () => {
  assert.match(await usage("dem", "run"), /Unknown subcommand "dem"[^]*demo/u);
  assert.match(await usage("demo", "rn"), /Unknown subcommand "rn"[^]*run/u);
});

Deno.test("a namespace alone is a usage error, the program alone is help", async () => {
  assert.match(await usage("demo"), /run[^]*Run the demo/u);
  const help = await read([]);
  assert.equal(help.kind, "help");
});

Deno.test("help names flags, values and choices, and --version the version", async () => {
  const help = await read(["demo", "run", "--help"]);
  assert.equal(help.kind, "help");
  const { text } = help as { text: string };
  for (const part of ["--file", "File to read", "--max-nodes", "integer", "fast, exact", "--json", "--seed"]) {
    assert.ok(text.includes(part), part);
  }
  assert.match((await read(["--version"]) as { text: string }).text, /1\.2\.3/u);
});

Deno.test("a short name means its operation", async () => {
  const meaning = await read(["go", "f"]);
  assert.deepEqual(meaning, { kind: "call", operation: "demo.run", input: { file: "f" }, json: false });
});

Deno.test("a member called __proto__ is a member, not a prototype", async () => {
  const meaning = await read(["demo", "rest", "--input", '{"__proto__":{"x":1}}']);
  assert.ok(meaning.kind === "call" && Object.hasOwn(meaning.input as object, "__proto__"));
  assert.equal(({} as { x?: number }).x, undefined);
});

Deno.test("a schema with references that lead in a circle has a grammar", () => {
  const circle = { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/B" }, B: { $ref: "#/$defs/A" } } };
  assert.deepEqual(grammarOf(circle), { parameters: [] });
  assert.deepEqual(grammarOf(null), { parameters: [] });
});

/** What a POSIX shell makes of command lines: one list of words a line. */
const split = async (lines: ReadonlyArray<string>): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const script = lines.map((line) => `for w in ${line}; do printf '%s\\0' "$w"; done; printf '\\001\\0'`).join("\n");
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script] }).output();
  const words = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
  const out: string[][] = [[]];
  for (const word of words) word === "\u0001" ? out.push([]) : out.at(-1)!.push(word);
  return out.slice(0, -1);
};

Deno.test("any input written as a command line is read back the same, through a real shell", async () => {
  const shellSafe = (value: unknown): boolean => {
    const text = JSON.stringify(value);
    return !/\\u0000|\\u0001|\\ud[89a-f]/iu.test(text) && text.isWellFormed() && !/-0[,\]}]/u.test(text);
  };
  const samples = await Effect.runPromise(
    Arbitrary.sampleEffect(Arbitrary.schema(Everything), { count: 150, seed: 20_261 }),
  );
  const inputs = samples.map((sample) => JSON.parse(JSON.stringify(sample)) as Json).filter(shellSafe);
  assert.ok(inputs.length > 50, `${inputs.length} inputs`);
  const lines = inputs.map((each) =>
    commandLine(["demo", "run"], vocabulary.namespaces[0].verbs[0].leaf.grammar!, each)
  );
  const words = await split(lines);
  for (const [index, each] of inputs.entries()) {
    const meaning = await read(words[index]);
    assert.equal(meaning.kind, "call", `${lines[index]}\n${JSON.stringify(meaning)}`);
    assert.deepEqual((meaning as Extract<Meaning, { kind: "call" }>).input, each, lines[index]);
  }
});

Deno.test("quoting leaves plain words alone and protects the rest", async () => {
  assert.equal(quoted("a-b/c.txt"), "a-b/c.txt");
  const hard = ["it's", "$(x)", "`x`", "", "*", "a\nb", '"', "\\"];
  assert.deepEqual(await split([hard.map(quoted).join(" ")]), [hard]);
});

Deno.test("completion scripts name every word and flag, and bash accepts its own", async () => {
  for (const shell of ["bash", "zsh", "fish"] as const) {
    const script = completionScript(vocabulary, shell);
    for (const word of ["demo", "run", "rest", "go", "maxNodes", "file", "mode", "fast", "json", "input", "zsh"]) {
      assert.ok(script.includes(word), `${shell}: ${word}`);
    }
    assert.ok(script.includes("rmi completions"), shell);
  }
  const child = new Deno.Command("bash", { args: ["-n"], stdin: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(completionScript(vocabulary, "bash")));
  await writer.close();
  const { code, stderr } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});
