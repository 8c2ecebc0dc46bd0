/**
 * Tidy: what a reader may rely on in every file.
 */
import assert from "node:assert/strict";
import { ALL, ROOMS, type Source, sourcesIn } from "./sources.ts";
import { tokensOf } from "./tokens.ts";

const MAX_LINES = 800;
/** The formatter keeps code at 120; a comment, which it does not break, may pass that by a word. */
const MAX_WIDTH = 132;
const FEWEST_FILES = 100;

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /(?:^|\/)(?:utils?|common|misc|helpers?|stuff|shared|temp|tmp)(?:\.ts|\/)/u;
const UNFINISHED = /\b(?:TODO|FIXME|XXX|HACK)\b/u;
const PRETENDING = /\bfor now\b|\bstubs?\b|\bsimulated result\b|\bnot (?:yet )?implemented\b/iu;
const literally = (path: string): string => path.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&");

/** Where this checkout and this user's home happen to lie: true on one machine only, so no file may say it. */
const machinePaths = (...folders: ReadonlyArray<string | undefined>): RegExp => {
  const known = folders.filter((folder) => folder !== undefined && folder.split("/").length > 2);
  return new RegExp(known.map((folder) => `(?<!\\w)${literally(folder!)}(?![\\w-])`).join("|") || "(?!)", "u");
};

const CHECKOUT = new URL("../..", import.meta.url).pathname.replace(/\/$/u, "");
const MACHINE = machinePaths(CHECKOUT, Deno.env.get("DENO_DIR"), Deno.env.get("TMPDIR"));
const BARREL = /\bfrom\s+["'](?:npm:)?effect(?:@[\d.]+)?["']|\bimport\(\s*["'](?:npm:)?effect(?:@[\d.]+)?["']\s*\)/u;

const offences = (
  sources: ReadonlyArray<Source>,
  wrong: (source: Source) => string | undefined,
): ReadonlyArray<string> =>
  sources.flatMap((source) => {
    const reason = wrong(source);
    return reason === undefined ? [] : [`${source.path}: ${reason}`];
  });

const lineOf = (text: string, pattern: RegExp): string | undefined => {
  const index = text.split("\n").findIndex((line) => pattern.test(line));
  return index < 0 ? undefined : `line ${index + 1}`;
};

const commentsOf = (text: string): string =>
  tokensOf(text).filter((token) => token.kind === "comment").map((token) => token.text).join("\n");

/** A line that is too wide though it could be broken: what is left without its longest literal is too wide as well. */
const tooWide = (text: string): string | undefined => {
  const literals = new Map<number, number>();
  for (const token of tokensOf(text)) {
    if (token.kind === "literal") literals.set(token.line, Math.max(literals.get(token.line) ?? 0, token.text.length));
  }
  const index = text.split("\n").findIndex((line, at) => {
    const literal = literals.get(at + 1) ?? 0;
    // A literal that does not fit beside its indentation cannot be broken.
    return line.length > MAX_WIDTH && literal < MAX_WIDTH - 40 && !/https?:\/\/\S{60,}/u.test(line);
  });
  return index < 0 ? undefined : `line ${index + 1}`;
};

const hasHeader = (text: string): boolean => {
  const [first] = tokensOf(text.replace(/^#![^\n]*\n/u, ""));
  return first?.kind === "comment" && first.text.startsWith("/**") && first.text.length > 40;
};

const all = sourcesIn(ALL);
const library = sourcesIn(ROOMS);

Deno.test("there are files to be tidy", () => assert(all.length >= FEWEST_FILES, `only ${all.length} files`));

Deno.test("every library file opens with what it is for", () => {
  assert.deepEqual(offences(library, ({ text }) => hasHeader(text) ? undefined : "no header"), []);
});

Deno.test(`no file exceeds ${MAX_LINES} lines`, () => {
  const lines = (text: string): number => text.split("\n").length - 1;
  assert.deepEqual(offences(all, ({ text }) => lines(text) > MAX_LINES ? `${lines(text)} lines` : undefined), []);
});

Deno.test("no file has a name that says nothing", () => {
  assert.deepEqual(offences(all, ({ path }) => EMPTY_NAMES.test(path) ? "name" : undefined), []);
});

Deno.test("nothing is left to do, and nothing pretends", () => {
  const others = all.filter(({ path }) => !path.startsWith("tests/rules/"));
  assert.deepEqual(offences(others, ({ text }) => lineOf(commentsOf(text), UNFINISHED) && "unfinished"), []);
  assert.deepEqual(offences(library, ({ text }) => lineOf(commentsOf(text), PRETENDING) && "pretends"), []);
});

Deno.test("no file names a folder of the machine it was written on", () => {
  const others = all.filter(({ path }) => !path.startsWith("tests/rules/"));
  assert.deepEqual(offences(others, ({ text }) => lineOf(text, MACHINE)), []);
});

Deno.test("effect is imported by module, never as a whole", () => {
  const others = all.filter(({ path }) => !path.startsWith("tests/rules/"));
  assert.deepEqual(offences(others, ({ text }) => lineOf(text, BARREL)), []);
});

Deno.test(`no line that could be broken is wider than ${MAX_WIDTH}`, () => {
  assert.deepEqual(offences(all, ({ text }) => tooWide(text)), []);
});

Deno.test("each rule finds what breaks it", () => {
  const wide = `const a = ${"b + ".repeat(40)}1;`;
  assert.equal(tooWide(`ok\n${wide}`), "line 2");
  assert.equal(tooWide(`const a = "${"b".repeat(200)}";`), undefined);
  assert.equal(hasHeader("const a = 1;"), false);
  assert.equal(hasHeader("// a line comment is no header, however long it may be\n"), false);
  assert(
    EMPTY_NAMES.test("plugins/x/utils.ts") && EMPTY_NAMES.test("common/a.ts") && !EMPTY_NAMES.test("a/commons.ts"),
  );
  assert(UNFINISHED.test(commentsOf("// TODO: more")) && !UNFINISHED.test(commentsOf('const a = "TODO";')));
  assert(PRETENDING.test("returns a constant for now") && !PRETENDING.test("for nowhere"));
  const planted = machinePaths("/home/ada/rmi", "/");
  assert(planted.test("see /home/ada/rmi/mod.ts") && !planted.test("the ada/rmi folder, or /home/ada/rmi-2"));
  assert(MACHINE.test(`see ${CHECKOUT}/mod.ts`));
  assert(BARREL.test('import { Effect } from "effect";') && !BARREL.test('import * as Effect from "effect/Effect";'));
});

Deno.test("the cutter keeps strings, templates, regular expressions and comments apart", () => {
  const kinds = (source: string) => tokensOf(source).map((token) => `${token.kind}:${token.text}`);
  assert.deepEqual(kinds("a = b / c / d; // x"), [
    "word:a",
    "sign:=",
    "word:b",
    "sign:/",
    "word:c",
    "sign:/",
    "word:d",
    "sign:;",
    "comment:// x",
  ]);
  assert.deepEqual(kinds('return /[/]"/u.test(a)'), [
    "word:return",
    'literal:/[/]"/u',
    "sign:.",
    "word:test",
    "sign:(",
    "word:a",
    "sign:)",
  ]);
  assert.deepEqual(kinds("`a ${ {b: `c`} } d`"), [
    "literal:`a ${",
    "sign:{",
    "word:b",
    "sign::",
    "literal:`c`",
    "sign:}",
    "literal:} d`",
  ]);
  assert.deepEqual(tokensOf("a\n/* b\nc */\nd").map((token) => token.line), [1, 2, 4]);
});
