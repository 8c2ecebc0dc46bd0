/**
 * No ambient time or chance outside the platform folders: a call that reads the machine's clock or dice cannot be
 * repeated from its seed and inputs.
 */
import assert from "node:assert/strict";
import { ROOMS, sourcesIn } from "./sources.ts";
import { codeOf } from "./tokens.ts";

/** Files that are the platform: one folder a room, and the supervisor, which runs before there is a platform. */
const PLATFORM = /^(?:(?:kernel|effects|registry|plugins\/[^/]+)\/platform\/.*|kernel\/launch\.ts)$/u;

const FEWEST_FILES = 60;

/** Runs of tokens that read the machine. `*` stands for any one token; a leading `!` for anything but the next. */
const FORBIDDEN: ReadonlyArray<ReadonlyArray<string>> = [
  ["Date", ".", "now"],
  ["Date", "?", ".", "now"],
  ["Date", "["],
  ["new", "Date", "(", ")"],
  ["new", "Date", ";"],
  ["!new", "Date", "(", ")"],
  ["}", "=", "Date"],
  ["Math", ".", "random"],
  ["Math", "["],
  ["}", "=", "Math"],
  ["performance", "."],
  ["performance", "["],
  ["}", "=", "performance"],
  ["!.", "crypto", "."],
  ["!.", "crypto", "["],
  ["globalThis", ".", "crypto"],
  ["}", "=", "crypto"],
  ["Temporal", ".", "Now"],
  ["process", ".", "hrtime"],
  ["setTimeout"],
  ["setInterval"],
  ["setImmediate"],
  ["requestAnimationFrame"],
  ["randomUUID"],
  ["randomBytes"],
  ["getRandomValues"],
];

const FORBIDDEN_MODULES = /^["'](?:node:)?(?:timers|timers\/promises|perf_hooks|crypto)["']$/u;

const matches = (texts: ReadonlyArray<string>, at: number, pattern: ReadonlyArray<string>): boolean => {
  const [first, ...rest] = pattern[0].startsWith("!") ? pattern.slice(1) : pattern;
  if (pattern[0].startsWith("!") && texts[at - 1] === pattern[0].slice(1)) return false;
  return texts[at] === first && rest.every((text, index) => texts[at + 1 + index] === text);
};

const readsIn = (source: string): ReadonlyArray<string> => {
  const tokens = codeOf(source);
  const texts = tokens.map((token) => token.text);
  return tokens.flatMap((token, at) => {
    if (token.kind === "literal" && FORBIDDEN_MODULES.test(token.text) && texts[at - 1] === "from") {
      return [`${token.line}: ${token.text}`];
    }
    if (token.kind === "literal") return [];
    const found = FORBIDDEN.find((pattern) => matches(texts, at, pattern));
    return found === undefined ? [] : [`${token.line}: ${found.join("").replace(/^!(?:new|\.)/u, "")}`];
  });
};

Deno.test("no file outside the platform reads the machine's clock or dice", () => {
  const sources = sourcesIn(ROOMS).filter(({ path }) => !PLATFORM.test(path));
  assert(sources.length >= FEWEST_FILES, `only ${sources.length} files`);
  const found = sources.flatMap(({ path, text }) => readsIn(text).map((read) => `${path}:${read}`));
  assert.deepEqual(found, []);
});

Deno.test("every planted reading is found, on its line", () => {
  for (
    const planted of [
      "const a = Date.now();",
      "const a = Date . now ()",
      "const a = Date?.now();",
      'const a = Date["now"]();',
      "const a = new Date();",
      "const a = String(Date());",
      "const { now } = Date;",
      "const a = Math.random();",
      "const { random } = Math;",
      "const a = performance.now();",
      "const { now } = performance;",
      "const a = crypto.getRandomValues(bytes);",
      "const a = globalThis.crypto;",
      "const a = Temporal.Now.instant();",
      "const a = process.hrtime.bigint();",
      "setTimeout(run, 1);",
      "globalThis.setInterval(run, 1);",
      "const a = `at ${Date.now()} or ${`deep ${Math.random()}`}`;",
      "const a = /x/.test(y) ? Date.now() : 1;",
      "const a = b / 2; const c = Date.now() / 3;",
      'import { randomBytes } from "node:crypto";',
      'import * as timers from "timers/promises";',
    ]
  ) {
    const found = readsIn(`// Date.now()\n${planted}\nconst z = 1;`);
    assert(found.length > 0 && found.every((read) => read.startsWith("2: ")), `${planted}: ${found}`);
  }
});

Deno.test("what only speaks of the clock is left alone", () => {
  for (
    const harmless of [
      "// never Date.now() here",
      "/* Math.random() */",
      'const a = "Date.now()";',
      "const a = `Date.now() ${b} Math.random()`;",
      "const a = /Date.now()/u;",
      "const a = new Date(ms).toISOString();",
      "const a = Date.UTC(2026, 0, 1);",
      "const a: Date = b;",
      "const a = clock.now();",
      "const a = random(seed);",
      "const a = options.crypto.sign(b);",
    ]
  ) assert.deepEqual(readsIn(harmless), [], harmless);
});
